//! What the tasks of one worker share, from its sign-on until it stops, is buried or fails.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::composer::{Composer, Letter};
use super::engine::EngineSettings;
use super::gate::Gate;
use super::journal::{Journal, Place};
use super::lanes::Lanes;
use super::lease::Lease;
use super::share::Share;
use super::wire::Wire;
use crate::clock::Clock;
use crate::model::{MailingId, SubscriberId, Timestamp, WorkerId};
use crate::store::Store;
use crate::store::deliveries::{Recipient, Record};

/// Longest until somebody notices what other processes, and the command line, write into the same database.
pub const POLL: Duration = Duration::from_secs(2);
/// Longest sleep of an idle task where [`super::pulse`] notices it; two writes in the same tick of the file system's clock
/// may look like one.
const POLL_WATCHED: Duration = Duration::from_secs(30);
/// Shortest sleep when something is due that cannot be had: others are at it.
const PAUSE_MIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Shift {
    pub store: Store,
    pub clock: Clock,
    pub worker: WorkerId,
    pub wire: Arc<dyn Wire>,
    pub gate: Gate,
    pub lease: Lease,
    pub composer: Composer,
    pub settings: EngineSettings,
    pub signals: Signals,
    pub lanes: Lanes,
    pub journal: Arc<Journal>,
    /// Held by the recorder until it knows that a batch is stored, and by the feeder while it claims what waits. A
    /// commit may succeed and its answer be lost; then the batch is written again, and must not meet a row that this
    /// worker has claimed anew meanwhile.
    pub outcomes: tokio::sync::Mutex<()>,
    /// The same for single mails.
    pub single_outcomes: tokio::sync::Mutex<()>,
    /// Held by every task until it ends.
    pub _alive: mpsc::Sender<()>,
}

/// How tasks and the outside wake each other.
#[derive(Debug, Clone)]
pub struct Signals {
    /// Something was written that may be due.
    pub work: watch::Sender<u64>,
    /// Something was done; for those who watch.
    pub done: watch::Sender<u64>,
    pub stop: watch::Sender<bool>,
    /// Whoever asked to stop waits no longer for what is on the wire.
    pub hurry: watch::Sender<bool>,
}

impl Signals {
    pub fn new() -> Self {
        let no = || watch::Sender::new(false);
        Self { work: watch::Sender::new(0), done: watch::Sender::new(0), stop: no(), hurry: no() }
    }

    pub fn wake(&self) {
        self.work.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub fn did(&self) {
        self.done.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Comes back when the engine is to stop.
    pub async fn stopped(&self) {
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }

    /// Comes back when a stop is to wait no longer.
    pub async fn hurried(&self) {
        let _ = self.hurry.subscribe().wait_for(|hurry| *hurry).await;
    }
}

impl Shift {
    /// What this worker may use of the limits, from now on.
    pub fn take_share(&self, share: Share) {
        self.lanes.set_share(share);
        self.wire.set_share(share.workers());
    }

    /// What the work comes to, or `None` when the engine is to stop before.
    pub async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        // Most work is done at once: only what must wait costs a subscription.
        if *self.signals.stop.borrow() {
            return None;
        }
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.signals.stopped() => None,
        }
    }

    /// Comes back when the engine is to stop, unless something has begun by then.
    pub async fn stopped_before(&self, has_begun: impl Fn() -> bool) {
        self.signals.stopped().await;
        if has_begun() {
            std::future::pending::<()>().await;
        }
    }

    /// Sleeps until `due`, a wake since `work` was last looked at, or the next look at the database.
    pub async fn idle(&self, work: &mut watch::Receiver<u64>, due: Option<Timestamp>) {
        let longest = if self.settings.database_file.is_some() { POLL_WATCHED } else { POLL };
        let rest = match due.map(|due| due.since(self.clock.now())) {
            None => longest,
            Some(rest) if rest.is_zero() => PAUSE_MIN,
            Some(rest) => rest.min(longest),
        };
        tokio::select! {
            _ = work.changed() => {}
            () = self.clock.sleep(rest) => {}
            () = self.signals.stopped() => {}
        }
    }
}

/// A delivery that this worker has claimed and has in hand.
#[derive(Debug, Clone)]
pub struct Claim {
    pub letter: Arc<Letter>,
    pub subscriber_id: SubscriberId,
    pub destination: Arc<str>,
    /// As it was at the claim; `None` for one that is tried again and must be looked up.
    pub recipient: Option<Recipient>,
    pub attempts: i64,
    pub doubts: i64,
    /// On [`Clock::elapsed`].
    pub claimed_at: Duration,
}

/// An outcome on its way to the database.
#[derive(Debug)]
pub struct Settled {
    pub mailing: MailingId,
    pub record: Record,
    /// Of its mailing: the start, or the resumption under which it was tried.
    pub retry_from: Timestamp,
    /// Its place in the journal, to be freed once it is stored.
    pub place: Option<Place>,
}
