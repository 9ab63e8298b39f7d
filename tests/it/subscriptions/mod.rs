//! The verbs of a subscriber, on both databases.

mod confirm;
mod erase;
mod export;
mod gate;
mod preferences;
mod receipt;
mod signup;
mod unsubscribe;
