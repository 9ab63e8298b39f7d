//! The verbs of a subscriber.
