mod receive;
mod relays;
pub mod smtp;
