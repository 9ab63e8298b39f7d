//! The verbs of a subscriber, on both databases.

mod confirm;
mod erase;
mod export;
mod receipt;
mod gate;
mod preferences;
mod signup;
mod unsubscribe;
