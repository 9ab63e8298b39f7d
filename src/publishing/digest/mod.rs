//! Digests: issues that rules make of articles, on their days.
//!
//! A rule ([`rules`]) says which articles, in which order, when, for whom, and what happens when nobody answers. A date
//! of its calendar ([`calendar`]) has one **run**, whose unique key is rule and date:
//!
//! ```text
//! (waiting) -> proposed -> approved -> scheduled -> sent
//!                 |            |           '-> skipped (cancelled before it began)
//!                 |            |-> failed -> approved (somebody tries it again)
//!                 '------------'-> skipped
//! ```
//!
//! [`run`] moves them on: it chooses the articles ([`plan`], a pure function), makes the issue and writes to those who
//! work with it ([`mails`]), and when the moment has come schedules it as a person would. [`acts`] is what people do.
//! See `docs/decisions/0027-digests.md`. To add a reason for which a run does not go: a value of
//! [`crate::model::RunReason`], its place in [`run`], its words `digest-reason-..`.

pub mod acts;
pub mod calendar;
pub mod coming;
pub mod mails;
pub mod plan;
pub mod rules;
pub mod run;
pub mod words;

pub use rules::{RuleError, RuleInput};

/// Most articles that a rule looks at in one go: many times what a digest holds.
pub const POOL_MAX: i64 = 500;
