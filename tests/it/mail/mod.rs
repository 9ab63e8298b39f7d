mod hostile;
mod receive;
pub mod relays;
mod rows;
mod shipped;
pub mod smtp;
