//! Postiljon: newsletter subscription and mailing in one binary.
//!
//! The modules, from the bottom up. A module uses those of lower layers only, never one of its own
//! layer; `tests/it/architecture.rs` reads the `use crate::` lines and holds this.
//!
//! | Layer | Module | What it is for |
//! |---|---|---|
//! | 0 | [`model`] | plain types without I/O: a value that exists is right |
//! | 1 | [`clock`] | time as a parameter |
//! | 1 | [`config`] | the settings: one TOML file, environment, secret files; all errors at once |
//! | 1 | [`dns`] | questions to the DNS: who takes the mail of a domain |
//! | 1 | [`files`] | the image store: a folder, or an S3-compatible service |
//! | 1 | [`http`] | questions to other web servers, never to our own network |
//! | 1 | [`i18n`] | the languages of pages and mails |
//! | 1 | [`keys`] | signatures, keyed hashes and random tokens |
//! | 1 | [`telemetry`] | logs without personal data |
//! | 1 | [`waiting`] | how many wait for something |
//! | 2 | [`mail`] | from words to bytes on the wire, and back |
//! | 2 | [`store`] | all SQL, for SQLite and PostgreSQL |
//! | 3 | [`accounts`] | users, passwords, sessions |
//! | 3 | [`delivery`] | the scheduler, the sender, the outbox: the promise |
//! | 3 | [`publishing`] | articles, and issues made of them |
//! | 3 | [`reports`] | clicks and opens, counted behind the answers; what came of an issue |
//! | 3 | [`setup`] | relays that are set at the desk, and the steps of the first run |
//! | 3 | [`subscriptions`] | sign up, confirm, leave, erase |
//! | 4 | [`web`] | pages and forms, for visitors and for the desk |
//! | 5 | [`service`] | the parts put together: what `serve`, `demo` and the tests start |
//! | 6 | [`demo`] | the built-in mailbox, the sample data, the tour |
//! | 7 | [`cli`] | one file per command |

#![forbid(unsafe_code)]

pub mod accounts;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delivery;
pub mod demo;
pub mod dns;
pub mod files;
pub mod http;
pub mod i18n;
pub mod keys;
pub mod mail;
pub mod model;
pub mod publishing;
pub mod reports;
pub mod service;
pub mod setup;
pub mod store;
pub mod subscriptions;
pub mod telemetry;
pub mod waiting;
pub mod web;
