//! The tasks of a sender put together: signed on, watched, stopped in good order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::composer::{Composer, Links};
use super::gate::Gate;
use super::hosting::Hosting;
use super::journal::{self, Journal, Remains};
use super::lanes::Lanes;
use super::lease::Lease;
use super::patience::Patience;
use super::share::Share;
use super::shift::{Settled, Shift, Signals};
use super::signing::Signing;
use super::wire::Wire;
use super::{
    feeder, heart, janitor, outbox, pauses, pulse, recorder, recovery, reminders, retention, scheduler,
    sender, summary, welcome,
};
use crate::clock::Clock;
use crate::dns::Dns;
use crate::keys::Keys;
use crate::mail::dkim::Signers;
use crate::model::{Destinations, EmailAddress, Retention, Timestamp, WorkerId};
use crate::store::Store;

/// How long the recorder may take for the last outcomes when the engine stops; what it does not manage is
/// recovered as doubts.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How long those who send on with other relays wait for what is on the wire.
const HANDOVER_MAX: Duration = Duration::from_secs(30);
/// After a task failed: a fault that comes back does not fill the log.
const RESTART_PAUSE: Duration = Duration::from_secs(5);

/// Everything an engine needs.
#[derive(Debug, Clone)]
pub struct EngineParts {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub wire: Arc<dyn Wire>,
    pub settings: EngineSettings,
}

#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Of our own pages, as subscribers reach them.
    pub public_url: String,
    /// As many as the relays have connections; where the wire tells of changes it is followed.
    pub senders: usize,
    /// A mail that is refused for the time being is tried again for so long (`mail.retry_hours`).
    pub retry_for: Duration,
    /// How long [`EngineHandle::stop`] waits for mails that are on the wire (`mail.stop_seconds`).
    pub drain: Duration,
    /// Where mails to unsubscribe are received, if anywhere.
    pub unsubscribe_mailbox: Option<EmailAddress>,
    /// The envelope sender, where it is not the newsletter's.
    pub bounce_address: Option<EmailAddress>,
    /// Where the journal is kept; without it everything claimed is in doubt after a crash.
    pub journal_folder: Option<PathBuf>,
    /// An SQLite database, to notice what others write into it; without it the tasks look again and again.
    pub database_file: Option<PathBuf>,
    pub destinations: Destinations,
    /// Who is asked where domains are hosted that stand in no table (`destinations.mx`); `None`: nobody.
    pub dns: Option<Dns>,
    /// Who signs our mails, where that is not left to the relay.
    pub signers: Signers,
    /// How long what is kept.
    pub retention: Retention,
}

impl EngineSettings {
    pub fn new(public_url: &str, senders: usize) -> Self {
        Self {
            public_url: public_url.to_owned(),
            senders: senders.max(1),
            retry_for: Duration::from_secs(48 * 3600),
            drain: HANDOVER_MAX,
            unsubscribe_mailbox: None,
            bounce_address: None,
            journal_folder: None,
            database_file: None,
            destinations: Destinations::default(),
            dns: None,
            signers: Signers::default(),
            retention: Retention::default(),
        }
    }
}

/// The scheduler, the sender and the outbox of one process.
#[derive(Debug)]
pub struct Engine;

/// A running engine. Dropping it lets the engine run.
#[derive(Debug)]
pub struct EngineHandle {
    signals: Signals,
    task: JoinHandle<()>,
    /// Closed when the last task has ended.
    alive: mpsc::Receiver<()>,
}

impl Engine {
    /// Starts the tasks; must be called in a tokio runtime. On SQLite the caller holds the
    /// [`super::lock::ProcessLock`].
    pub fn start(parts: EngineParts) -> EngineHandle {
        let signals = Signals::new();
        let (held, alive) = mpsc::channel(1);
        let task = tokio::spawn(run(parts, signals.clone(), held));
        EngineHandle { signals, task, alive }
    }
}

impl EngineHandle {
    /// Says that something was written that may be due now.
    pub fn wake(&self) {
        self.signals.wake();
    }

    /// A wake for those who write: cheap to clone.
    pub fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        let signals = self.signals.clone();
        Arc::new(move || signals.wake())
    }

    /// Changes whenever something was done: a mailing began or ended, outcomes were recorded.
    pub fn activity(&self) -> watch::Receiver<u64> {
        self.signals.done.subscribe()
    }

    /// Begins no more mails; [`EngineHandle::stop`] waits for those on the wire.
    pub fn begin_to_stop(&self) {
        self.signals.stop.send_replace(true);
    }

    /// Ends the wait of [`EngineHandle::stop`]: what is still on the wire is recorded as doubts.
    pub fn hurrier(&self) -> impl Fn() + Send + use<> {
        let signals = self.signals.clone();
        move || {
            signals.hurry.send_replace(true);
        }
    }

    /// Finishes the mails on the wire, up to the limit of the settings, gives back everything else, and
    /// signs off.
    pub async fn stop(self) {
        self.begin_to_stop();
        if let Err(error) = self.task.await
            && error.is_panic()
        {
            tracing::error!(%error, "the sender ended with a failure");
        }
    }

    /// Ends as a crash does: nothing is finished, given back or signed off.
    pub async fn crash(mut self) {
        self.task.abort();
        let _ = self.alive.recv().await;
    }
}

/// How a shift ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Everything was given back: the engine stops, or begins again with nothing in hand.
    InOrder,
    /// Others have buried this worker, and recovered its claims.
    Buried,
    /// A task failed; nobody knows what it was doing.
    Failed,
}

async fn run(mut parts: EngineParts, signals: Signals, alive: mpsc::Sender<()>) {
    let hosting = hosting(&parts);
    let mut looking_up = JoinSet::new();
    if let Some(hosting) = hosting.clone() {
        looking_up.spawn(async move { hosting.run().await });
    }
    let mut connections = parts.wire.connections();
    let mut patience = Patience::new("sign on as a sender");
    loop {
        if let Some(connections) = &mut connections {
            parts.settings.senders = (*connections.borrow_and_update()).max(1);
        }
        let (worker, journal) = match sign_on(&parts).await {
            Ok(signed_on) => signed_on,
            Err(error) => {
                tokio::select! {
                    () = signals.stopped() => return,
                    () = patience.wait(&error) => continue,
                }
            }
        };
        patience.over();
        tracing::info!(%worker, senders = parts.settings.senders, "the sender is ready");
        signals.did();
        let shift = shift(&parts, &signals, &alive, hosting.clone(), worker, journal);
        let end = work(shift, &signals, &mut connections).await;
        if *signals.stop.borrow() {
            return;
        }
        if end == End::Failed {
            tokio::time::sleep(RESTART_PAUSE).await;
            recover_own(&parts, worker).await;
        }
    }
}

/// Signs on with a journal of its own.
async fn sign_on(parts: &EngineParts) -> anyhow::Result<(WorkerId, Journal)> {
    let folder = parts.settings.journal_folder.as_deref();
    let (worker, started_at) = recovery::sign_on(&parts.store, &parts.clock, folder).await?;
    match Journal::begin(folder, worker, started_at, parts.settings.senders, parts.store.is_shared()) {
        Ok(journal) => Ok((worker, journal)),
        Err(error) => {
            recovery::sign_off(&parts.store, &parts.clock, worker, false).await?;
            Err(anyhow::Error::new(error).context("the journal of what is on the wire cannot be made"))
        }
    }
}

/// Somebody who knows where domains are hosted; outlives a shift.
fn hosting(parts: &EngineParts) -> Option<Arc<Hosting>> {
    let dns = parts.settings.dns.clone()?;
    Some(Arc::new(Hosting::new(dns, parts.clock.clone(), parts.settings.destinations.clone())))
}

fn shift(
    parts: &EngineParts,
    signals: &Signals,
    alive: &mpsc::Sender<()>,
    hosting: Option<Arc<Hosting>>,
    worker: WorkerId,
    journal: Journal,
) -> Arc<Shift> {
    let links = Links::new(parts.keys.clone(), &parts.settings);
    let shift = Shift {
        store: parts.store.clone(),
        clock: parts.clock.clone(),
        worker,
        wire: Arc::clone(&parts.wire),
        gate: Gate::new(parts.clock.clone()),
        lease: Lease::new(parts.clock.clone(), parts.store.is_shared()),
        composer: Composer::new(links, Signing::new(parts.settings.signers.clone())),
        settings: parts.settings.clone(),
        signals: Signals { stop: watch::Sender::new(false), ..signals.clone() },
        lanes: Lanes::new(
            parts.clock.clone(),
            parts.settings.destinations.clone(),
            parts.settings.senders,
            feeder::IN_HAND_MAX,
        )
        .with_hosting(hosting),
        journal: Arc::new(journal),
        _alive: alive.clone(),
        outcomes: tokio::sync::Mutex::default(),
        single_outcomes: tokio::sync::Mutex::default(),
    };
    shift.take_share(if parts.store.is_shared() { Share::UNKNOWN } else { Share::WHOLE });
    Arc::new(shift)
}

/// One worker, from sign-on to its end.
async fn work(shift: Arc<Shift>, signals: &Signals, connections: &mut Option<watch::Receiver<usize>>) -> End {
    let mut tasks = Tasks::start(&shift);
    let end = tokio::select! {
        biased;
        () = signals.stopped() => End::InOrder,
        // Other relays: as many senders as they have connections.
        () = changed(connections) => End::InOrder,
        () = &mut tasks.heart => End::Buried,
        Some(ended) = tasks.feeding.join_next() => match ended {
            Ok(feeder::Ended::ClaimsUnknown) => End::InOrder,
            Ok(feeder::Ended::Buried) => {
                tracing::warn!(worker = %shift.worker, "this sender was silent for so long that others took over");
                End::Buried
            }
            ended => failure("the feeder", ended.map(drop)),
        },
        Some(ended) = tasks.others.join_next() => failure("a task", ended),
        Some(ended) = tasks.recorder.join_next() => failure("the recorder", ended),
    };
    let is_last = *signals.stop.borrow();
    // Who goes on with other relays does not let all others wait for one that hangs.
    let wait = if is_last { shift.settings.drain } else { shift.settings.drain.min(HANDOVER_MAX) };
    match end {
        End::InOrder => tasks.finish(&shift, wait).await,
        End::Buried | End::Failed => {
            tasks.abort().await;
            end
        }
    }
}

async fn changed(connections: &mut Option<watch::Receiver<usize>>) {
    if let Some(connections) = connections
        && connections.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// A task that ended by itself, which none of them does while the shift lasts.
fn failure(what: &str, ended: Result<(), tokio::task::JoinError>) -> End {
    match ended {
        Ok(()) => tracing::error!("{what} of the sender ended; the sender begins again"),
        Err(error) => tracing::error!(%error, "{what} of the sender failed; the sender begins again"),
    }
    End::Failed
}

/// The tasks of a shift; dropping them ends them where they are.
struct Tasks {
    heart: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    /// The feeder and the outbox: they alone claim.
    feeding: JoinSet<feeder::Ended>,
    /// Scheduler, janitors, pulse, the end of pauses, reminders, the welcome series, summaries, and senders.
    others: JoinSet<()>,
    recorder: JoinSet<()>,
    outcomes: mpsc::Sender<Settled>,
}

impl Tasks {
    fn start(shift: &Arc<Shift>) -> Self {
        let (outcomes, outcomes_out) = mpsc::channel(recorder::QUEUE);
        let mut feeding = JoinSet::new();
        let mut others = JoinSet::new();
        let mut recording = JoinSet::new();
        let own = Arc::clone(shift);
        feeding.spawn(async move { feeder::run(&own).await });
        let own = Arc::clone(shift);
        let (hand, in_hand) = outbox::hand();
        feeding.spawn(async move { outbox::claim_all(&own, hand).await });
        let own = Arc::clone(shift);
        feeding.spawn(async move { outbox::send_all(&own, in_hand).await });
        let own = Arc::clone(shift);
        others.spawn(async move { scheduler::run(&own).await });
        let own = Arc::clone(shift);
        others.spawn(async move { janitor::run(&own).await });
        let own = Arc::clone(shift);
        others.spawn(async move { reminders::run(&own).await });
        let own = Arc::clone(shift);
        others.spawn(async move { pulse::run(&own).await });
        let own = Arc::clone(shift);
        others.spawn(async move { pauses::run(&own).await });
        let own = Arc::clone(shift);
        others.spawn(async move { retention::run(&own).await });
        let own = Arc::clone(shift);
        others.spawn(async move { welcome::run(&own).await });
        let own = Arc::clone(shift);
        others.spawn(async move { summary::run(&own).await });
        for _ in 0..shift.settings.senders {
            let (own, outcomes) = (Arc::clone(shift), outcomes.clone());
            others.spawn(async move { sender::run(&own, outcomes).await });
        }
        let own = Arc::clone(shift);
        recording.spawn(async move { recorder::run(&own, outcomes_out).await });
        let own = Arc::clone(shift);
        let heart = Box::pin(async move { heart::run(&own).await });
        Self { heart, feeding, others, recorder: recording, outcomes }
    }

    /// Lets the tasks finish what is on the wire, for so long, and gives back the rest.
    async fn finish(self, shift: &Shift, wait: Duration) -> End {
        let Self { mut heart, mut feeding, mut others, mut recorder, outcomes } = self;
        shift.signals.stop.send_replace(true);
        let is_drained = tokio::select! {
            () = &mut heart => return End::Buried,
            () = shift.signals.hurried() => false,
            drained = tokio::time::timeout(wait, drain(&mut feeding, &mut others)) => drained.is_ok(),
        };
        let outbox_in_doubt = !feeding.is_empty();
        if !is_drained {
            tracing::warn!("some mails were still on the wire at the end; they are recorded as doubts");
        }
        feeding.shutdown().await;
        others.shutdown().await;
        let recorded = async {
            for (mailing, record) in shift.journal.on_wire() {
                // The recorder ends after the last sender of outcomes, which this is. Nobody was answered: it counts
                // for no breaker.
                let retry_from = Timestamp::from_millis(0);
                let settled = Settled { mailing, record, retry_from, place: None };
                let _ = outcomes.send(settled).await;
            }
            drop(outcomes);
            recorder.join_next().await.is_none_or(|recorded| recorded.is_ok())
        };
        let last_words = async {
            // A heart that is not polled in the middle of a beat keeps its transaction open, for which those of
            // the recorder and of the sign-off would wait in vain.
            let recorded = tokio::select! {
                () = &mut heart => return End::Buried,
                recorded = recorded => recorded,
            };
            drop(heart);
            let signed_off = recorded
                && recovery::sign_off(&shift.store, &shift.clock, shift.worker, outbox_in_doubt)
                    .await
                    .inspect_err(|error| tracing::warn!(%error, "the sender could not sign off"))
                    .is_ok();
            if signed_off { End::InOrder } else { End::Failed }
        };
        match tokio::time::timeout(LAST_WORDS, last_words).await {
            Ok(End::InOrder) => {
                shift.journal.delete();
                shift.signals.did();
                End::InOrder
            }
            Ok(end) => end,
            Err(_) => End::Failed,
        }
    }

    /// Ends the tasks where they are.
    async fn abort(mut self) {
        self.feeding.shutdown().await;
        self.others.shutdown().await;
        self.recorder.shutdown().await;
    }
}

/// Waits for all of them.
async fn drain(feeding: &mut JoinSet<feeder::Ended>, others: &mut JoinSet<()>) {
    while others.join_next().await.is_some() {}
    while feeding.join_next().await.is_some() {}
}

/// After a task failed: what this worker had on the wire and what it was answered stands in its journal.
async fn recover_own(parts: &EngineParts, worker: WorkerId) {
    let remains = match &parts.settings.journal_folder {
        Some(folder) => remains_of_own(folder, worker).await,
        None => None,
    };
    let mut patience = Patience::new("recover after a failure");
    while let Err(error) = recovery::bury_own(&parts.store, &parts.clock, worker, remains.as_ref()).await {
        patience.wait(&error).await;
    }
    if let Some(remains) = remains {
        remains.delete();
    }
}

/// Whatever was aborted may hold the journal for a moment yet.
async fn remains_of_own(folder: &Path, worker: WorkerId) -> Option<Remains> {
    const TRIES: u32 = 50;
    for _ in 0..TRIES {
        let remains = journal::remains_of_worker(folder, worker);
        if remains.is_some() {
            return remains;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tracing::error!(%worker, "the journal of a sender that failed cannot be read; what it held is in doubt");
    None
}
