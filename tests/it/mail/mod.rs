mod receive;
mod smtp;
