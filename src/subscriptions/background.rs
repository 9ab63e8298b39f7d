//! What is done behind the pages: imports, acts on many, and the words by which people and
//! answers are found.
//!
//! It runs in every process that serves pages. Each step is a transaction that says in the database who is at it, so
//! that several processes share the work, and another one goes on where one died.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::{bulk, import};
use crate::clock::Clock;
use crate::keys::Keys;
use crate::store::{self, Store, StoreError, people, subscription_values};

/// How often it is looked whether there is something to do, if nobody says so.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often files are looked for that nobody went on with.
const TIDY_EVERY: Duration = Duration::from_secs(3600);

/// What the background needs.
#[derive(Debug, Clone)]
pub struct Background {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    /// Something was begun.
    pub wake: Arc<Notify>,
    /// Mails were written.
    pub mails: Arc<Notify>,
    /// An SQLite database, to notice what others write into it.
    pub database_file: Option<PathBuf>,
}

/// What time alone makes due is found after so long: who was working died, and his time is up.
const FULL_LOOK_EVERY: Duration = Duration::from_secs(15);

impl Background {
    /// Runs until it is dropped: between two steps, or in one, which then is undone.
    pub async fn run(self) {
        let mut worker = import::Worker::default();
        let mut tidied: Option<Duration> = None;
        loop {
            // Before the look: what is written during it is seen with the next.
            let seen = self.database_file.as_deref().and_then(store::log_mark);
            if tidied.is_none_or(|at| self.clock.elapsed().saturating_sub(at) > TIDY_EVERY) {
                tidied = Some(self.clock.elapsed());
                if let Err(error) = import::forget_abandoned(&self.store, &self.clock).await {
                    tracing::warn!(cause = %error, "old files could not be forgotten");
                }
            }
            match self.step(&mut worker).await {
                Ok(true) => {}
                Ok(false) => self.rest(seen).await,
                Err(error) => {
                    tracing::warn!(cause = %error, "a step in the background failed; it is done again");
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    /// Until there may be something to do: a process that has nothing to do should sleep.
    async fn rest(&self, seen: Option<store::LogMark>) {
        let begun = tokio::time::Instant::now();
        loop {
            tokio::select! {
                () = self.wake.notified() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let Some(file) = &self.database_file else { return };
            if store::log_mark(file) != seen || begun.elapsed() >= FULL_LOOK_EVERY {
                return;
            }
        }
    }

    /// One step of each; `false` when there was nothing to do.
    ///
    /// # Errors
    /// Of the database, the first of them; what failed can be done again.
    pub async fn step(&self, worker: &mut import::Worker) -> Result<bool, StoreError> {
        let Self { store, clock, keys, .. } = self;
        // An import that fails again and again is not in the way of the others.
        let imported = import::work_off(store, clock, keys, worker).await;
        if matches!(imported, Ok(true)) {
            self.mails.notify_one();
        }
        let acted = bulk::work_off(store, clock, keys, worker.name()).await;
        let indexed = index_some(store).await;
        let keyed = key_some(store).await;
        Ok(imported? | acted? | indexed? | keyed?)
    }
}

/// Writes the words of some people; `false` when there is nobody more.
///
/// # Errors
/// Of the database.
pub async fn index_some(store: &Store) -> Result<bool, StoreError> {
    if !people::has_unwritten_words(store.read().await?.db()).await? {
        return Ok(false);
    }
    let mut tx = store.begin().await?;
    let has_more = people::index_words(&mut tx).await?;
    tx.commit().await?;
    Ok(has_more)
}

/// Writes the keys of some answers that are older than keys; `false` when there are no more.
///
/// # Errors
/// Of the database.
pub async fn key_some(store: &Store) -> Result<bool, StoreError> {
    if !subscription_values::has_unwritten_keys(store.read().await?.db()).await? {
        return Ok(false);
    }
    let mut tx = store.begin().await?;
    let has_more = subscription_values::write_keys(&mut tx).await?;
    tx.commit().await?;
    Ok(has_more)
}
