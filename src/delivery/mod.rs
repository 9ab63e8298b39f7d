//! Sending: the row before the wire, the outcome after the reply.
//!
//! # The promise
//!
//! Every subscriber of an audience gets the issue, and nobody is forgotten. Nobody gets it twice, except
//! where the connection broke, or the process died, between our last dot and the relay's answer; those are
//! counted (`doubts`), listed, and sent again under the same Message-ID, or held, as the newsletter is set.
//!
//! # States of a delivery, and who may write them
//!
//! ```text
//!            feeder                    recorder of the claiming worker
//! (no row) ---------> claimed ---------------------------------> sent | bounced | uncertain | expired
//!                      ^   |
//!      feeder: is due  |   +--> deferred  (4xx, cut before the dot; released at a stop; recovered)
//!                      |           |
//!                      +-----------+
//! (no row), deferred ---> skipped     by whoever leaves, in the transaction of leaving
//! claimed -------------> skipped      by the recorder, when the sender found the reader gone before the wire
//! ```
//!
//! - A row is **claimed** by one worker, in the transaction that moves the mailing's cursor over it. Only that
//!   worker gives it an outcome: every update says `WHERE outcome = 'claimed' AND worker_id = me`.
//! - The **account** of the mailing moves in the same transactions as its rows, so that it always equals them.
//!   A mailing is Sent when its cursor is at the end and no row is claimed or deferred; then
//!   audience = sent + bounced + uncertain + skipped + expired.
//! - A claim that has waited longer than a moment is **looked at again** before the wire: leaving, pausing and
//!   cancelling count at once.
//! - The **recorder** has a bounded queue. A database that is slow or full slows sending; it loses no outcome.
//!
//! # Failures
//!
//! - *The process dies.* Its claims stay. On SQLite, where one process sends (a lock file), the next start
//!   recovers them; on PostgreSQL any worker recovers those of one whose heartbeat stopped.
//! - *A worker stalls and wakes up.* Its lease is over by its own monotonic clock before others may declare it
//!   dead, so it sends nothing more; and its outcomes find no claim.
//! - *The relay cannot be reached, or refuses our login.* Nobody's fault: claims wait, nothing is counted.
//! - *A stop (SIGTERM).* What is on the wire is finished and recorded, the rest is given back as deferred and
//!   due at once, and the worker signs off.
//!
//! [`engine`] puts the parts together; [`feeder`], [`sender`] and [`recorder`] are the line that a mailing goes
//! through; [`outbox`] sends single mails over the same relay; [`retry`] and [`recovery`] say what happens next.

pub mod engine;
pub mod lock;
pub mod mailing;
pub mod outbox;
pub mod recovery;
pub mod retry;

mod campaign;
mod feeder;
mod heart;
mod janitor;
mod lease;
mod recorder;
mod sender;

pub use engine::{Engine, EngineParts, EngineSettings};
