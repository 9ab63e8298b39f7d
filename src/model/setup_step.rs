//! The first run, after its owner: what is asked for, in order.

text_enum!(
    /// What comes before them is the owner, a user like any other.
    SetupStep {
        Newsletter = "newsletter",
        /// Of the newsletter: who it comes from, and the postal address.
        Sender = "sender",
        Relay = "relay",
        Brand = "brand",
    }
);
