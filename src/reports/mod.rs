//! What came of an issue: counting clicks and opens, and the numbers that pages, the command line and the monthly summary
//! show.
//!
//! [`hits`] counts behind the answers, in batches; [`machine`] has the rules by which a hit is no person's. [`mailing`] and
//! [`newsletter`] gather the numbers of a report, from totals that are kept as things happen (`store::reports`).

pub mod hits;
pub mod machine;
pub mod mailing;
pub mod newsletter;
pub mod summary;
