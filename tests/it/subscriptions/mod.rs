//! The verbs of a subscriber, on both databases.

mod confirm;
mod erase;
mod export;
mod preferences;
mod signup;
mod unsubscribe;
