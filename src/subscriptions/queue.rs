//! Sign-ups that wait for the database, and are taken together.
//!
//! On SQLite a transaction costs a wait for the disk, and there is one writer: whoever finds it free takes all
//! that wait into one transaction, and answers each. Nobody waits for others to come. On PostgreSQL several
//! transactions run beside each other, and one holds one sign-up: two that hold several would wait for each
//! other's counters. The order in which a single sign-up takes its rows is always the same.
//!
//! A batch runs in a task of its own, so that a visitor who goes away does not break off that of others.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, oneshot};

use super::gate::{Counted, Gate};
use super::signup::{self, Request, SignUpError};
use crate::clock::Clock;
use crate::keys::Keys;
use crate::store::{Store, StoreError};

/// Sign-ups in one transaction: some 20 ms of work, for which a mailing's outcomes wait too.
const BATCH_MAX: usize = 32;
/// Transactions beside each other on PostgreSQL: more only wait for the same counters.
const LANES: usize = 4;
/// Sign-ups that wait; beyond it visitors are asked to come back in a moment. Two seconds' worth.
const WAITING_MAX: usize = 1_000;

/// What is to be written.
#[derive(Debug)]
pub enum Job {
    SignUp(Box<Request>),
    /// Refused before: only counted, so that an attack is noticed.
    Refused(Arc<super::open_form::OpenForm>),
}

#[derive(Debug)]
struct Waiting {
    job: Job,
    answer: oneshot::Sender<Result<Option<Counted>, StoreError>>,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    waiting: Arc<Mutex<VecDeque<Waiting>>>,
    /// One on SQLite, [`LANES`] on PostgreSQL.
    lanes: Arc<Semaphore>,
}

impl Default for Queue {
    fn default() -> Self {
        Self { waiting: Arc::default(), lanes: Arc::new(Semaphore::new(LANES)) }
    }
}

/// What a batch needs.
#[derive(Debug, Clone)]
pub struct Tools {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub gate: Gate,
}

impl Queue {
    /// Has a job done, alone or with others; `None` for one that is only counted.
    ///
    /// # Errors
    /// A database that does not answer; too many that wait for it.
    pub async fn run(&self, tools: Tools, job: Job) -> Result<Option<Counted>, SignUpError> {
        let (sender, mut answer) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() >= WAITING_MAX {
                return Err(StoreError::overrun().into());
            }
            waiting.push_back(Waiting { job, answer: sender });
        }
        // All of them on SQLite: it has one writer.
        let (permits, most) = if tools.store.is_shared() { (1, 1) } else { (LANES, BATCH_MAX) };
        loop {
            let lane = Arc::clone(&self.lanes).acquire_many_owned(u32::try_from(permits).unwrap_or(1));
            tokio::select! {
                biased;
                // The sender is gone only when its batch came to a bad end.
                answered = &mut answer => return Ok(answered.unwrap_or_else(|_| Err(StoreError::overrun()))?),
                lane = lane => {
                    let batch = self.next(most);
                    if batch.is_empty() {
                        // Ours is in somebody's hands.
                        break;
                    }
                    let tools = tools.clone();
                    tokio::spawn(async move {
                        take(&tools, batch).await;
                        drop(lane);
                    });
                }
            }
        }
        Ok(answer.await.unwrap_or_else(|_| Err(StoreError::overrun()))?)
    }

    fn next(&self, most: usize) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(most);
        waiting.drain(..count).collect()
    }
}

/// Takes a batch in one transaction. One that cannot be written must not cost the others: then each is taken
/// alone, unless the database does not answer at all.
async fn take(tools: &Tools, batch: Vec<Waiting>) {
    let jobs: Vec<&Job> = batch.iter().map(|waiting| &waiting.job).collect();
    match signup::take_all(tools, &jobs).await {
        Ok(answers) => {
            for (waiting, answer) in batch.into_iter().zip(answers) {
                // Whoever has gone away needs no answer.
                let _ = waiting.answer.send(Ok(answer));
            }
        }
        Err(error) if batch.len() == 1 || error.is_unavailable() => {
            let mut error = Some(error);
            for waiting in batch {
                let _ = waiting.answer.send(Err(error.take().unwrap_or_else(StoreError::overrun)));
            }
        }
        Err(error) => {
            tracing::warn!(cause = %error, "sign-ups could not be written together; each is written alone");
            for waiting in batch {
                let answer = signup::take_all(tools, &[&waiting.job]).await;
                let _ = waiting.answer.send(answer.map(|answers| answers.into_iter().next().flatten()));
            }
        }
    }
}
