//! The verbs of a subscriber, on both databases.

mod bulk;
mod company;
mod confirm;
mod erase;
mod export;
mod forms;
mod gate;
mod import;
mod preferences;
mod receipt;
mod segments;
mod signup;
mod unsubscribe;
