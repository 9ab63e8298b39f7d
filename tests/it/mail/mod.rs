mod announced;
mod hostile;
mod receive;
pub mod relays;
mod shipped;
pub mod smtp;
