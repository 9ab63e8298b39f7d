//! Who watches a mailing: streams of its progress, with one look at the database per mailing and tick, however
//! many people watch. It reads only, so that it works in a process without a sender too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::clock::Clock;
use crate::delivery::mailing::{Progress, Samples, flows};
use crate::model::{MailingId, MailingStatus};
use crate::store::{Store, StoreError, mailings};

/// Most streams of a process: each holds a connection. Who comes later asks every second instead.
pub const STREAMS_MAX: usize = 100;
/// How often a mailing is looked at: people see no more than two changes in a second.
const TICK: Duration = Duration::from_millis(500);

/// The streams of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Watching(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    streams: Arc<Semaphore>,
    mailings: Mutex<HashMap<MailingId, Arc<Sender>>>,
    /// True at the end of the process.
    is_over: watch::Sender<bool>,
}

type Sender = watch::Sender<Option<Progress>>;

/// One person who watches one mailing.
#[derive(Debug)]
pub struct Watcher {
    progress: watch::Receiver<Option<Progress>>,
    is_over: watch::Receiver<bool>,
    _stream: OwnedSemaphorePermit,
}

impl Default for Watching {
    fn default() -> Self {
        Self(Arc::new(Inner {
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            mailings: Mutex::default(),
            is_over: watch::Sender::new(false),
        }))
    }
}

impl Watching {
    /// Watches a mailing; `None` when too many watch, or the process ends.
    pub fn watch(&self, store: &Store, clock: &Clock, id: MailingId) -> Option<Watcher> {
        let is_over = self.0.is_over.subscribe();
        if *is_over.borrow() {
            return None;
        }
        let stream = Arc::clone(&self.0.streams).try_acquire_owned().ok()?;
        let mut mailings = self.0.lock();
        let sender = mailings.entry(id).or_insert_with(|| {
            let sender = Arc::new(Sender::new(None));
            let looking = Looking {
                watching: self.clone(),
                id,
                sender: Arc::clone(&sender),
                samples: Samples::default(),
            };
            tokio::spawn(looking.run(store.clone(), clock.clone()));
            sender
        });
        let mut progress = sender.subscribe();
        // What is known already is news to this one.
        progress.mark_changed();
        Some(Watcher { progress, is_over, _stream: stream })
    }

    /// Ends every stream, and begins no other: the process stops.
    pub fn stop(&self) {
        self.0.is_over.send_replace(true);
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<MailingId, Arc<Sender>>> {
        self.mailings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher {
    /// The next progress that differs from the one before; `None` at the end.
    pub async fn next(&mut self) -> Option<Progress> {
        loop {
            tokio::select! {
                changed = self.progress.changed() => changed.ok()?,
                _ = self.is_over.wait_for(|is_over| *is_over) => return None,
            }
            if let Some(progress) = *self.progress.borrow_and_update() {
                return Some(progress);
            }
        }
    }
}

/// Looks at one mailing until it has ended, or nobody watches it any more.
struct Looking {
    watching: Watching,
    id: MailingId,
    sender: Arc<Sender>,
    samples: Samples,
}

impl Looking {
    async fn run(mut self, store: Store, clock: Clock) {
        let mut is_over = self.watching.0.is_over.subscribe();
        while self.look(&store, &clock).await {
            tokio::select! {
                () = clock.sleep(TICK) => {}
                _ = is_over.wait_for(|is_over| *is_over) => return,
            }
            if self.is_alone() {
                return;
            }
        }
    }

    /// Whether nobody watches; then nobody can join any more either.
    fn is_alone(&self) -> bool {
        let mut mailings = self.watching.0.lock();
        let is_alone = self.sender.receiver_count() == 0;
        if is_alone {
            mailings.remove(&self.id);
        }
        is_alone
    }

    /// `false` when there is no more to see.
    async fn look(&mut self, store: &Store, clock: &Clock) -> bool {
        let read = async {
            let mut reader = store.read().await?;
            let Some(mailing) = mailings::by_id(reader.db(), self.id).await? else { return Ok(None) };
            let flows = self.samples.are_few(clock) && flows(reader.db(), &mailing).await?;
            Ok::<_, StoreError>(Some((mailing, flows)))
        };
        let (mailing, flows) = match read.await {
            Ok(Some(read)) => read,
            Ok(None) => return false,
            Err(error) => {
                tracing::warn!(cause = %error, "the progress of a mailing could not be read");
                return false;
            }
        };
        let progress = self.samples.look(&mailing, flows, clock);
        self.sender.send_if_modified(|last| {
            let is_new = *last != Some(progress);
            *last = Some(progress);
            is_new
        });
        !matches!(mailing.status, MailingStatus::Sent | MailingStatus::Cancelled)
    }
}

impl Drop for Looking {
    /// However it ended: who comes next must not wait for one that is gone.
    fn drop(&mut self) {
        let mut mailings = self.watching.0.lock();
        if mailings.get(&self.id).is_some_and(|sender| Arc::ptr_eq(sender, &self.sender)) {
            mailings.remove(&self.id);
        }
    }
}
