//! How many would get an issue, remembered for a moment where counting takes long: whoever composes asks after each pause
//! in typing, and the count may walk through a million.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::{Issue, NewsletterId, Rhythm, TopicId};
use crate::store::{Db, Result, subscriptions};

/// A count that took longer is remembered.
const SLOW: Duration = Duration::from_millis(20);
/// For so long.
const KEPT_FOR: Duration = Duration::from_secs(20);
/// So many at most: the oldest are forgotten together.
const KEPT_MAX: usize = 1_000;

type Key = (NewsletterId, Rhythm, Option<TopicId>);

/// Cheap to clone; all clones remember the same.
#[derive(Debug, Clone, Default)]
pub struct Audiences(Arc<Mutex<HashMap<Key, (Instant, i64)>>>);

impl Audiences {
    /// How many would get an issue, now or some seconds ago.
    ///
    /// # Errors
    /// Of the database.
    pub async fn count(&self, db: Db<'_>, issue: &Issue) -> Result<i64> {
        let key = (issue.newsletter_id, issue.rhythm, issue.topic_id);
        if let Some(count) = self.known(&key) {
            return Ok(count);
        }
        let began = Instant::now();
        let count = count_now(db, issue).await?;
        if began.elapsed() > SLOW {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= KEPT_MAX {
                known.clear();
            }
            known.insert(key, (Instant::now(), count));
        }
        Ok(count)
    }

    fn known(&self, key: &Key) -> Option<i64> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(at, _)| at.elapsed() < KEPT_FOR).map(|(_, count)| *count)
    }
}

/// The same, counted.
///
/// # Errors
/// Of the database.
pub async fn count_now(db: Db<'_>, issue: &Issue) -> Result<i64> {
    match issue.rhythm {
        Rhythm::Each => subscriptions::count_audience(db, issue.newsletter_id, issue.topic_id).await,
        Rhythm::Monthly => subscriptions::count_monthly(db, issue.newsletter_id).await,
    }
}
