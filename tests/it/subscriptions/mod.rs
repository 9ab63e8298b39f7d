//! The verbs of a subscriber, on both databases.

mod confirm;
mod erase;
mod export;
mod forms;
mod gate;
mod preferences;
mod receipt;
mod signup;
mod unsubscribe;
