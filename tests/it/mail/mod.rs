mod receive;
pub mod relays;
pub mod smtp;
