//! The parts put together: what `serve`, `demo` and the tests start to have mail sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

use super::lease::Lease;
use super::{feeder, heart, janitor, outbox, recorder, recovery, sender};
use crate::clock::Clock;
use crate::keys::Keys;
use crate::mail::relay::{Relay, Unreachable};
use crate::model::{EmailAddress, WorkerId};
use crate::store::{Result, Store, deliveries, outbox as outbox_table, workers};

/// How long a stop waits for what is on the wire. A relay that is slower is cut, and its mail counted as in doubt.
const STOP_MAX: Duration = Duration::from_secs(30);
/// At most one warning per this time that the relay cannot be reached.
const WARN_EVERY: Duration = Duration::from_secs(60);
/// Wait before a sender begins again whose place others took.
const RESTART_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// For links in mails, without a slash at the end.
    pub public_url: String,
    /// Where mails to leave are taken, if anywhere.
    pub unsubscribe_address: Option<EmailAddress>,
    /// The envelope sender, where it is not the newsletter's.
    pub bounce_address: Option<EmailAddress>,
    /// For how long a mailing is tried again that the relay put off.
    pub retry: Duration,
    /// Senders that work at once: as many as the relay takes connections.
    pub connections: usize,
}

/// What an engine works with.
#[derive(Clone)]
pub struct EngineParts {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub relay: Relay,
    pub settings: EngineSettings,
    /// Notified after a verb has written something to send.
    pub wake: Arc<Notify>,
}

/// What the tasks of one worker share.
pub struct Shared {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub relay: Relay,
    pub settings: EngineSettings,
    pub worker: WorkerId,
    pub lease: Lease,
    pub wake_feeder: Notify,
    pub wake_outbox: Notify,
    warned_at: Mutex<Option<Instant>>,
}

impl Shared {
    /// One warning per minute, however many senders wait.
    pub fn warn_unreachable(&self, unreachable: &Unreachable) {
        let mut warned_at = self.warned_at.lock().unwrap_or_else(PoisonError::into_inner);
        if warned_at.is_none_or(|at| at.elapsed() > WARN_EVERY) {
            *warned_at = Some(Instant::now());
            tracing::warn!(cause = %unreachable, "the relay cannot be used; mails wait and nothing is lost");
        }
    }
}

/// A running engine. Dropped without [`Engine::stop`] it ends like a process that died: its claims are recovered
/// by the next one.
pub struct Engine {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Engine {
    /// Recovers what died before, and begins to send.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start(parts: EngineParts) -> Result<Self> {
        if !parts.store.is_shared() {
            recovery::recover_all(&parts.store, &parts.clock).await?;
        }
        let first = begin(&parts, None).await?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(live(parts, first, stopped));
        Ok(Self { stop, task })
    }

    /// Finishes what is on the wire, gives back the rest, signs off.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(cause = %error, "the sender did not stop in good order");
        }
    }

    /// Ends at once, as if the process had died: for tests.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Signs a worker on, and takes over from the one before it in this process, if that failed.
async fn begin(parts: &EngineParts, before: Option<WorkerId>) -> Result<Arc<Shared>> {
    let now = parts.clock.now();
    let mut tx = parts.store.begin().await?;
    if let Some(before) = before {
        recovery::take_over(&mut tx, before, now).await?;
        workers::delete(&mut tx, before).await?;
    }
    let worker = workers::insert(&mut tx, now).await?;
    tx.commit().await?;
    Ok(Arc::new(Shared {
        store: parts.store.clone(),
        clock: parts.clock.clone(),
        keys: parts.keys.clone(),
        relay: parts.relay.clone(),
        settings: parts.settings.clone(),
        worker,
        lease: Lease::new(),
        wake_feeder: Notify::new(),
        wake_outbox: Notify::new(),
        warned_at: Mutex::new(None),
    }))
}

/// One worker after the other: a worker that others declared dead ends, and a new one begins.
async fn live(parts: EngineParts, first: Arc<Shared>, stop: watch::Receiver<bool>) {
    let mut shared = first;
    loop {
        if work(&parts, &shared, stop.clone()).await {
            return;
        }
        loop {
            tokio::time::sleep(RESTART_AFTER).await;
            if *stop.borrow() {
                return;
            }
            match begin(&parts, Some(shared.worker)).await {
                Ok(next) => {
                    shared = next;
                    break;
                }
                Err(error) => tracing::warn!(cause = %error, "the sender cannot begin again yet"),
            }
        }
    }
}

/// The life of one worker. `true` after a stop, `false` when others have taken over its claims.
async fn work(parts: &EngineParts, shared: &Arc<Shared>, mut stop: watch::Receiver<bool>) -> bool {
    // A worker that was replaced stops its tasks as a stop does, but gives nothing back.
    let (end, ended) = watch::channel(false);
    let (claims_in, claims_out) = mpsc::channel(feeder::QUEUE);
    let (outcomes_in, outcomes_out) = mpsc::channel(recorder::QUEUE);
    let queue = Arc::new(tokio::sync::Mutex::new(claims_out));
    let mut on_the_wire = JoinSet::new();
    on_the_wire.spawn(feeder::run(Arc::clone(shared), claims_in, ended.clone()));
    on_the_wire.spawn(outbox::run(Arc::clone(shared), ended.clone()));
    for _ in 0..shared.settings.connections.max(1) {
        on_the_wire.spawn(sender::run(
            Arc::clone(shared),
            Arc::clone(&queue),
            outcomes_in.clone(),
            ended.clone(),
        ));
    }
    drop(outcomes_in);
    let mut recording = JoinSet::new();
    recording.spawn(recorder::run(Arc::clone(shared), outcomes_out));
    let mut beside = JoinSet::new();
    let (cleaner, cleaner_ended) = (Arc::clone(shared), ended.clone());
    beside.spawn(async move { janitor::run(&cleaner, cleaner_ended).await });
    let (waker, wake) = (Arc::clone(shared), Arc::clone(&parts.wake));
    beside.spawn(async move {
        loop {
            wake.notified().await;
            waker.wake_feeder.notify_one();
            waker.wake_outbox.notify_one();
        }
    });

    let is_stop = tokio::select! {
        _ = stop.wait_for(|stop| *stop) => true,
        () = heart::run(shared, ended.clone()) => false,
        () = failed(&mut on_the_wire) => false,
    };
    end.send_replace(true);
    let is_quiet = tokio::time::timeout(STOP_MAX, all(&mut on_the_wire)).await.is_ok();
    on_the_wire.shutdown().await;
    all(&mut recording).await;
    beside.shutdown().await;
    if is_stop {
        if let Err(error) = sign_off(shared, is_quiet).await {
            tracing::warn!(cause = %error, "the sender could not sign off; the next start recovers its claims");
        }
        shared.relay.close().await;
    }
    is_stop
}

/// Waits until every task has ended.
async fn all(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(cause = %error, "a task of the sender failed");
        }
    }
}

/// Returns when a task has panicked: its claim would wait for ever. The worker then begins again, and its claims
/// are recovered as those of a dead one.
async fn failed(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(cause = %error, "a task of the sender failed; the sender begins again");
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Gives everything back. Where something was cut on the wire, nobody knows what the relay took.
async fn sign_off(shared: &Shared, is_quiet: bool) -> Result<()> {
    let now = shared.clock.now();
    let mut tx = shared.store.begin().await?;
    if is_quiet {
        deliveries::release(&mut tx, shared.worker, now).await?;
        outbox_table::put_back_all(&mut tx, shared.worker).await?;
    } else {
        recovery::take_over(&mut tx, shared.worker, now).await?;
    }
    workers::delete(&mut tx, shared.worker).await?;
    tx.commit().await
}
