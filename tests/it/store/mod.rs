//! The store's conformance tests: the same on both databases. One file per table.

mod archive;
mod articles;
mod consents;
mod deliveries;
mod issues;
mod mailings;
mod newsletters;
mod outbox;
mod rate_limits;
mod schema;
mod sessions;
mod signup_counts;
mod subscribers;
mod subscriptions;
mod suppressions;
mod tokens;
mod topics;
mod transactions;
mod users;
mod workers;
