//! The integration tests: one binary. The paths repeat the URLs and the modules.

#![cfg(test)]

mod accounts;
mod architecture;
mod cli;
mod delivery;
mod dns;
mod i18n;
mod mail;
mod proofs;
mod publishing;
mod reports;
mod setup;
mod simulation;
mod store;
mod subscriptions;
mod support;
mod web;
