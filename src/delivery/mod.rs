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
//! It is Sent when the cursor has passed the last of them and no delivery is open. People, and the
//! [`breaker`], pause it, resume it, cancel it and send it again to some: each is a
//! [`Move`](crate::model::Move) with the states from which it is possible.
//!
//! A delivery is a row before it is a mail. [`feeder`] claims the next recipients behind the cursor: rows and
//! cursor move in one short transaction, and only committed claims go on to the [`lanes`], where each
//! [`sender`] takes the next whose [destination](crate::model::destination) has room. Someone whose destination has none is given a row
//! that waits there, Deferred. A claim becomes an outcome: Sent, Bounced, Deferred (with the moment of the
//! next try), Expired, Skipped or Uncertain. [`recorder`] writes outcomes in batches, and the account of the
//! mailing moves in the same transaction. What waits is claimed when it is due ([`retry`]) and its
//! destination has room, before new ones.
//!
//! # What always holds
//!
//! - One row per mailing and subscriber (the primary key): two workers cannot claim the same person.
//! - Only the worker that holds a claim gives it its outcome: `WHERE outcome = 'claimed' AND worker_id = me`.
//! - The numbers of the mailing equal its rows in every committed state, and when it is Sent,
//!   audience = sent + bounced + uncertain + skipped + expired.
//! - A sender has a place in the [`journal`] before it starts a mail, and keeps it until the outcome is stored:
//!   a database that does not answer stops sending, and there are never more mails without a stored outcome
//!   than places. What is on the wire, and what was answered, is noted there at once.
//! - Nobody waits for a stranger: a destination that is slow, or that blocks us, or hangs, has its own mails in
//!   hand up to its share, and its other mails in the database. Who is announced behind another waits two seconds for it,
//!   and then goes to another sender.
//! - A single mail that hangs keeps its own place in the [`outbox`], and a destination half of them.
//! - Nothing that waits is claimed while an outcome is being written: one that is written twice, because the answer to its
//!   commit was lost, cannot meet a later claim of the same delivery.
//! - No transaction is open across the network.
//! - The Message-ID, the Date and the signature of a mail depend on mailing and subscriber alone: each try has
//!   the same.
//!
//! # Failures
//!
//! - **The process dies**: its claims have no outcome. The next process on this machine finds its journal, whose
//!   lock is free: [`recovery`] records what was answered, counts a doubt for what was on the wire and sends it
//!   again or holds it, and gives back all other claims, in the transaction that buries the worker. On
//!   PostgreSQL others notice the silence of a worker that died elsewhere ([`heart`]); without its journal
//!   everything it had claimed is in doubt. After a power cut the journal may be stale: then claims without a
//!   note are in doubt too.
//! - **The process stalls** and others bury it: its [`lease`] has run out, so it sends nothing more; it no
//!   longer holds its claims, so it writes nothing; its next beat tells it to begin again under a new id.
//! - **The relay cannot be used**: the [`gate`] closes. Claims wait, no attempt is counted, one sender tries
//!   at growing distances. A connection that breaks closes it too, so that no relay is stormed. A relay that has had its
//!   hour's share is no failure: who has no turn waits for one.
//! - **The connection breaks** before the final dot: Deferred, and soon tried again. After it: a doubt.
//! - **A destination hangs, blocks us or finds us too fast**: it is halved, left alone, or slowed down
//!   ([`lanes`]); no address is given up for that.
//! - **A mailing goes wrong**: too many refusals, or a relay that does not take its sender: the [`breaker`] pauses
//!   it and tells the users.
//! - **The database does not answer**: everybody waits, for ever ([`patience`]). If it breaks off during the
//!   commit of a claim, nobody knows what is claimed: the worker gives back all it has and signs on anew.
//! - **Somebody leaves, or a mailing is paused or cancelled**: the verb writes it, and a claim older than a tenth
//!   of a second is looked at again before the wire. Who was not reached by a cancelled mailing is Skipped by
//!   the [`scheduler`], so that its account is whole too.
//! - **The engine is stopped**: mails on the wire are finished up to a limit, those that are not are recorded
//!   as doubts, all other claims are given back, the worker signs off.
//!
//! # Who may write what
//!
//! | Row | Written by |
//! |---|---|
//! | `mailings` | `start`, `advance`, `finish` here; the account with the rows it counts; moves by `publishing::moves` and the [`breaker`] |
//! | `deliveries` | born by the feeder, or as Skipped by the scheduler and the verb of leaving; the outcome by the claim's holder; recovered by [`recovery`]; Deferred again by who sends again |
//! | `outbox` | born in the transaction of its cause; everything after by [`outbox`] and [`recovery`] |
//! | `summaries` | the month of a newsletter with its mails in the outbox by [`summary`] |
//! | `welcome_sent` | with its mail in the outbox by [`welcome`]; taken back when the mail surely never went out |
//! | `workers` | each its own row; buried by others |
//! | `subscriptions` | the verbs of a subscriber; [`pauses`] ends pauses that are over; the mark of the one reminder, with its mail, by [`reminders`] |
//!
//! To follow a delivery, read [`feeder`], [`lanes`], [`sender`], [`outcome`], [`recorder`], in this order. To add a task:
//! a file with `run(&Shift)`, and its line in `engine::Tasks::start`.

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
mod hosting;
mod janitor;
mod journal;
mod lanes;
mod lease;
mod outbox;
mod outcome;
mod patience;
mod pauses;
pub mod pulse;
mod recorder;
mod recovery;
mod reminders;
mod retention;
mod retry;
mod scheduler;
mod sender;
mod share;
mod shift;
mod signing;
mod summary;
mod trials;
mod welcome;

pub use engine::{Engine, EngineHandle, EngineParts, EngineSettings};
pub use mailing::{Progress, progress};
