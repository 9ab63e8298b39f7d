//! The store's conformance tests: the same on both databases. One file per table.

mod archive;
mod article_versions;
mod articles;
mod audience;
mod consents;
mod deliveries;
mod images;
mod issues;
mod mailings;
mod newsletters;
mod outbox;
mod people;
mod rate_limits;
mod schema;
mod sessions;
mod signup_counts;
mod subscribers;
mod subscriptions;
mod suppressions;
mod tags;
mod tokens;
mod topics;
mod transactions;
mod users;
mod workers;
