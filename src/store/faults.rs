//! A database that fails when a test says so: the seam through which a simulation reaches every step of those
//! who use the store. Production has no faults, and pays one comparison for it.

use std::fmt::Debug;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Result;

/// Where the database can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Before a connection for reading.
    Read,
    /// Before a transaction.
    Begin,
    /// Before a commit: nothing is written.
    Commit,
    /// After a commit: what was written stands, and its writer does not learn it.
    Committed,
}

/// Asked at each [`Step`].
pub trait Faults: Debug + Send + Sync + 'static {
    /// May take its time, or fail the step.
    fn at(&self, step: Step) -> BoxFuture<'_, Result<()>>;
}

pub(super) async fn ask(faults: Option<&Arc<dyn Faults>>, step: Step) -> Result<()> {
    match faults {
        None => Ok(()),
        Some(faults) => faults.at(step).await,
    }
}
