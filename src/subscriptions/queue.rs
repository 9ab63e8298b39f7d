//! Sign-ups that wait for the database, and are taken together ([`super::batch`]).
//!
//! A transaction costs a wait for the disk, and the counters of a form are everybody's: whoever finds the way free
//! takes all that wait, and answers each. Nobody waits for others to come. A batch holds a mailbox once: a second
//! sign-up of it is judged by what the first has written.
//!
//! A batch runs in a task of its own, so that a visitor who goes away does not break off that of others.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, oneshot};

use super::batch::{self, Answer, Job, Tools};
use super::signup::SignUpError;
use crate::store::StoreError;

/// Sign-ups in one transaction: a mailing's outcomes wait for it too.
const BATCH_MAX: usize = 64;
/// Sign-ups that wait; beyond it visitors are asked to come back in a moment. Two seconds' worth.
const WAITING_MAX: usize = 1_000;

#[derive(Debug)]
struct Waiting {
    job: Job,
    answer: oneshot::Sender<Result<Answer, StoreError>>,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    waiting: Arc<Mutex<VecDeque<Waiting>>>,
    /// One batch at a time.
    way: Arc<Semaphore>,
}

impl Default for Queue {
    fn default() -> Self {
        Self { waiting: Arc::default(), way: Arc::new(Semaphore::new(1)) }
    }
}

impl Queue {
    /// Has a job done, alone or with others.
    ///
    /// # Errors
    /// A database that does not answer; too many that wait for it.
    pub async fn run(&self, tools: Tools, job: Job) -> Result<Answer, SignUpError> {
        let (sender, mut answer) = oneshot::channel();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() >= WAITING_MAX {
                return Err(StoreError::overrun().into());
            }
            waiting.push_back(Waiting { job, answer: sender });
        }
        loop {
            let way = Arc::clone(&self.way).acquire_owned();
            tokio::select! {
                biased;
                // The sender is gone only when its batch came to a bad end.
                answered = &mut answer => return Ok(answered.unwrap_or_else(|_| Err(StoreError::overrun()))?),
                way = way => {
                    let batch = self.next();
                    if batch.is_empty() {
                        // Ours is in somebody's hands.
                        break;
                    }
                    let tools = tools.clone();
                    tokio::spawn(async move {
                        take(&tools, batch).await;
                        drop(way);
                    });
                }
            }
        }
        Ok(answer.await.unwrap_or_else(|_| Err(StoreError::overrun()))?)
    }

    /// Those that have waited longest; of a mailbox the first.
    fn next(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut batch, mut rest) = (Vec::new(), VecDeque::new());
        let mut mailboxes = HashSet::new();
        while batch.len() < BATCH_MAX
            && let Some(next) = waiting.pop_front()
        {
            let is_alone = match &next.job {
                Job::SignUp(request) => mailboxes.insert(request.passed.address.mailbox_key()),
                Job::Refused(_) => true,
            };
            if is_alone {
                batch.push(next);
            } else {
                rest.push_back(next);
            }
        }
        rest.append(&mut waiting);
        *waiting = rest;
        batch
    }
}

/// Takes a batch in one transaction. One that cannot be written must not cost the others: then each is taken
/// alone, unless the database does not answer at all.
async fn take(tools: &Tools, batch: Vec<Waiting>) {
    let jobs: Vec<&Job> = batch.iter().map(|waiting| &waiting.job).collect();
    match batch::take(tools, &jobs).await {
        Ok(answers) => {
            for (waiting, answer) in batch.into_iter().zip(answers) {
                // Whoever has gone away needs no answer.
                let _ = waiting.answer.send(Ok(answer));
            }
        }
        Err(error) if batch.len() == 1 || (error.is_unavailable() && !error.was_rolled_back()) => {
            let mut error = Some(error);
            for waiting in batch {
                let _ = waiting.answer.send(Err(error.take().unwrap_or_else(StoreError::overrun)));
            }
        }
        Err(error) => {
            tracing::warn!(cause = %error, "sign-ups could not be written together; each is written alone");
            for waiting in batch {
                let answer = batch::take(tools, &[&waiting.job]).await;
                let first = |answers: Vec<Answer>| answers.into_iter().next().ok_or_else(StoreError::missing);
                let _ = waiting.answer.send(answer.and_then(first));
            }
        }
    }
}
