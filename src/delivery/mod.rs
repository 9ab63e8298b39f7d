//! The scheduler, the sender and the outbox: the promise.
//!
//! > Every subscriber of the audience gets the issue; nobody is forgotten. Nobody gets it twice, except where
//! > the connection broke, or the process died, between our last dot and the relay's answer being stored;
//! > those are counted, listed, and sent again (or held, as the newsletter is set) under the same Message-ID.
//!
//! # States
//!
//! A mailing is Scheduled; [`scheduler`] makes it Sending when it is due, for exactly one process (the update
//! says the state it expects), and with that fixes the audience: the subscriptions confirmed at that moment.
//! It is Sent when the cursor has passed the last of them and no delivery is open.
//!
//! A delivery is a row before it is a mail. [`feeder`] claims the next recipients behind the cursor: rows and
//! cursor move in one short transaction, and only committed claims go on to a [`sender`]. From there the
//! claim becomes an outcome: Sent, Bounced, Deferred (with the moment of the next try), Expired, Skipped or
//! Uncertain. [`recorder`] writes outcomes in batches, and the account of the mailing moves in the same
//! transaction. Deferred ones are claimed again when they are due ([`retry`]), before new ones.
//!
//! # What always holds
//!
//! - One row per mailing and subscriber (the primary key): two workers cannot claim the same person.
//! - Only the worker that holds a claim gives it its outcome: `WHERE outcome = 'claimed' AND worker_id = me`.
//! - The numbers of the mailing equal its rows in every committed state, and when it is Sent,
//!   audience = sent + bounced + uncertain + skipped + expired.
//! - A sender has a place for the outcome before it starts a mail, so a database that does not answer stops
//!   sending; what waits to be written is never more than the queue, one batch, and one mail per sender.
//! - Nothing is claimed while an outcome is being written: one that is written twice, because the answer to its
//!   commit was lost, cannot meet a later claim of the same delivery.
//! - No transaction is open across the network.
//! - The Message-ID and the Date of a mail depend on mailing and subscriber alone: each try has the same.
//!
//! # Failures
//!
//! - **The process dies**: its claims have no outcome, and nobody knows which of them the relay took.
//!   [`recovery`] counts a doubt for each and sends it again or holds it, in the transaction that buries the
//!   worker. On SQLite that is done at the next start (one process: [`lock`]); on PostgreSQL by whichever
//!   worker notices the silence ([`heart`]).
//! - **The process stalls** and others bury it: its [`lease`] has run out, so it sends nothing more; it no
//!   longer holds its claims, so it writes nothing; its next beat tells it to begin again under a new id.
//! - **The relay cannot be used**: the [`gate`] closes. Claims wait, no attempt is counted, one sender tries
//!   at growing distances. A connection that breaks closes it too, so that no relay is stormed.
//! - **The connection breaks** before the final dot: Deferred, and soon tried again. After it: a doubt.
//! - **The database does not answer**: everybody waits, for ever ([`patience`]). If it breaks off during the
//!   commit of a claim, nobody knows what is claimed: the worker gives back all it has and signs on anew.
//! - **Somebody leaves, or a mailing is paused**: the verb writes it, and a claim that is not fresh is looked
//!   at again before the wire.
//! - **The engine is stopped**: mails on the wire are finished up to a limit, those that are not are recorded
//!   as doubts, all other claims are given back, the worker signs off.
//!
//! # Who may write what
//!
//! | Row | Written by |
//! |---|---|
//! | `mailings` | `start`, `advance`, `finish` here; the account with the rows it counts; `cancel` by `publishing` |
//! | `deliveries` | born by the feeder, or as Skipped by the verb of leaving; the outcome by the claim's holder; recovered by [`recovery`] |
//! | `outbox` | born in the transaction of its cause; everything after by [`outbox`] and [`recovery`] |
//! | `workers` | each its own row; buried by others |
//!
//! To follow a delivery, read [`feeder`], [`sender`], [`outcome`], [`recorder`], in this order. To add a task:
//! a file with `run(&Shift)`, and its line in `engine::Tasks::start`.

pub mod destination;
pub mod engine;
pub mod lock;
pub mod mailing;
pub mod wire;

mod alert;
mod breaker;
mod composer;
mod feeder;
mod gate;
mod heart;
mod janitor;
mod journal;
mod lanes;
mod lease;
mod outbox;
mod outcome;
mod patience;
mod recorder;
mod recovery;
mod retry;
mod scheduler;
mod sender;
mod shift;

pub use engine::{Engine, EngineHandle, EngineParts, EngineSettings};
pub use mailing::{Progress, progress};
