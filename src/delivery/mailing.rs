//! How far a mailing is: its numbers, how fast they move, and when it will be done.
//!
//! Who watches one holds [`Samples`] and gets the rate of the last minute. Who asks once gets the mean since
//! the start, and nothing where that would mislead: after a pause, or when all the rest waits for another try.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Clock;
use crate::model::{Account, Mailing, MailingId, MailingStatus, PauseReason, Timestamp};
use crate::store::{Db, Result, Store, deliveries, mailings};

/// Of so long the rate is told.
const WINDOW: Duration = Duration::from_secs(60);
/// A rate of less time than this is an accident.
const SPAN_MIN: Duration = Duration::from_secs(3);
/// Samples are kept at most so often: 60 of them are a window.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// How far a mailing is.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Progress {
    pub status: MailingStatus,
    /// Why it is paused; empty when it is not.
    pub pause_reason: PauseReason,
    pub account: Account,
    /// Deliveries settled per second, where that can be told.
    pub per_second: Option<f64>,
    /// When it will be done at this rate, where that can be told.
    pub eta: Option<Timestamp>,
}

/// Reads how far a mailing is; `None` when there is none of this id.
///
/// # Errors
/// Only of the database.
pub async fn progress(store: &Store, clock: &Clock, id: MailingId) -> Result<Option<Progress>> {
    let mut reader = store.read().await?;
    match mailings::by_id(reader.db(), id).await? {
        Some(mailing) => progress_of(reader.db(), &mailing, clock.now()).await.map(Some),
        None => Ok(None),
    }
}

/// The same from a row that was read already.
///
/// # Errors
/// Only of the database.
pub async fn progress_of(db: Db<'_>, mailing: &Mailing, now: Timestamp) -> Result<Progress> {
    let flows = flows(db, mailing).await?;
    Ok(told(mailing, mean(mailing, flows, now), now))
}

/// Whether some of a mailing have not been tried yet: they go at its pace. Who waits for another try comes when that is due,
/// of which the pace says nothing.
///
/// # Errors
/// Only of the database.
pub async fn flows(db: Db<'_>, mailing: &Mailing) -> Result<bool> {
    let account = &mailing.account;
    if mailing.status != MailingStatus::Sending || account.open() > 0 || account.deferred == 0 {
        return Ok(account.open() > 0);
    }
    deliveries::has_unasked(db, mailing.id).await
}

/// Of the time since the start, if nobody stopped it meanwhile.
fn mean(mailing: &Mailing, flows: bool, now: Timestamp) -> Option<f64> {
    let started = mailing.started_at.filter(|started| mailing.retry_from == Some(*started))?;
    let was_never_stopped = mailing.pause_reason == PauseReason::None;
    let moves = match mailing.status {
        MailingStatus::Sending => flows,
        MailingStatus::Sent => true,
        _ => false,
    };
    let spent = mailing.finished_at.unwrap_or(now).since(started);
    (was_never_stopped && moves).then(|| rate(mailing.account.settled(), spent)).flatten()
}

fn told(mailing: &Mailing, per_second: Option<f64>, now: Timestamp) -> Progress {
    let account = mailing.account;
    let is_paused = mailing.status == MailingStatus::Paused;
    let rest = count(account.audience - account.settled());
    let eta = per_second
        .filter(|_| mailing.status == MailingStatus::Sending && !mailing.is_trying())
        .and_then(|per_second| Duration::try_from_secs_f64(rest / per_second).ok())
        .map(|rest| now.plus(rest));
    let pause_reason = if is_paused { mailing.pause_reason } else { PauseReason::None };
    Progress { status: mailing.status, pause_reason, account, per_second, eta }
}

/// `None` when nothing moved.
fn rate(settled: i64, spent: Duration) -> Option<f64> {
    (settled > 0 && !spent.is_zero()).then(|| count(settled) / spent.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
const fn count(number: i64) -> f64 {
    number as f64
}

/// What a watcher has seen of one mailing in the last minute.
#[derive(Debug, Default)]
pub struct Samples {
    /// When, by [`Clock::elapsed`], and how many were settled.
    kept: VecDeque<(Duration, i64)>,
}

impl Samples {
    /// Whether the last minute says nothing yet, and the mean is told.
    pub fn are_few(&self, clock: &Clock) -> bool {
        self.kept.front().is_none_or(|(at, _)| clock.elapsed().saturating_sub(*at) < SPAN_MIN)
    }

    /// How far the mailing is by what was seen of it until now. Where that [is little](Self::are_few) it matters whether the
    /// mailing [`flows`].
    pub fn look(&mut self, mailing: &Mailing, flows: bool, clock: &Clock) -> Progress {
        let mean = || {
            let now = clock.now();
            told(mailing, mean(mailing, flows, now), now)
        };
        let (now, settled) = (clock.elapsed(), mailing.account.settled());
        // What was seen before a pause, or before some are sent to again, says nothing any more.
        let is_another = self.kept.back().is_some_and(|(_, before)| settled < *before);
        if mailing.status != MailingStatus::Sending || is_another {
            self.kept.clear();
        }
        if mailing.status != MailingStatus::Sending {
            return mean();
        }
        while self.kept.front().is_some_and(|(at, _)| now.saturating_sub(*at) > WINDOW) {
            self.kept.pop_front();
        }
        if self.kept.back().is_none_or(|(at, _)| now.saturating_sub(*at) >= SAMPLE_EVERY) {
            self.kept.push_back((now, settled));
        }
        let first = self.kept.front().copied().unwrap_or((now, settled));
        let span = now.saturating_sub(first.0);
        if span < SPAN_MIN {
            return mean();
        }
        told(mailing, rate(settled - first.1, span), clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IssueId, NewsletterId, SubscriptionId, Trial};

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn at_once(mailing: &Mailing, now: Timestamp) -> Progress {
        told(mailing, mean(mailing, mailing.account.open() > 0, now), now)
    }

    fn mailing(sent: i64) -> Mailing {
        Mailing {
            id: MailingId(1),
            public_id: uuid::Uuid::nil(),
            issue_id: IssueId(1),
            newsletter_id: NewsletterId(1),
            status: MailingStatus::Sending,
            due_at: START,
            started_at: Some(START),
            finished_at: None,
            cursor: SubscriptionId(0),
            audience_end: SubscriptionId(1000),
            account: Account { audience: 1000, sent, ..Account::default() },
            created_at: START,
            retry_from: Some(START),
            topic_id: None,
            trial: Trial::NONE,
            rhythm: crate::model::Rhythm::Each,
            segment_name: None,
            segment_filter: None,
            pause_reason: PauseReason::None,
            are_bounces_accepted: false,
            tracking: crate::model::Tracking::Off,
        }
    }

    #[test]
    fn a_single_look_tells_the_mean_since_the_start() {
        let now = START.plus(Duration::from_secs(10));
        let progress = at_once(&mailing(200), now);
        assert_eq!(progress.per_second, Some(20.0));
        assert_eq!(progress.eta, Some(now.plus(Duration::from_secs(40))));
        assert_eq!(at_once(&mailing(0), now).eta, None, "nothing moved yet");
    }

    #[test]
    fn a_single_look_promises_nothing_after_a_pause_or_when_the_rest_waits() {
        let now = START.plus(Duration::from_secs(3600));
        let resumed = Mailing { retry_from: Some(now), pause_reason: PauseReason::User, ..mailing(200) };
        assert_eq!(at_once(&resumed, now).eta, None);
        let mut waiting = mailing(900);
        waiting.account.deferred = 100;
        assert_eq!(at_once(&waiting, now).eta, None);
        let paused =
            Mailing { status: MailingStatus::Paused, pause_reason: PauseReason::User, ..mailing(200) };
        let progress = at_once(&paused, now);
        assert_eq!((progress.per_second, progress.eta), (None, None));
    }

    #[test]
    fn a_watcher_tells_the_rate_of_the_last_minute() {
        let clock = Clock::test(START);
        let mut samples = Samples::default();
        // 1 a second for two minutes, then 10 a second: the old pace is forgotten after a minute.
        let mut sent = 0;
        for second in 0..185 {
            samples.look(&mailing(sent), true, &clock);
            clock.advance(Duration::from_secs(1));
            sent += if second < 120 { 1 } else { 10 };
        }
        let progress = samples.look(&mailing(sent), true, &clock);
        assert_eq!(progress.per_second, Some(10.0));
        assert_eq!(progress.eta, Some(clock.now().plus(Duration::from_secs(23))));
    }

    #[test]
    fn a_pause_is_no_part_of_the_rate() {
        let clock = Clock::test(START);
        let mut samples = Samples::default();
        samples.look(&mailing(0), true, &clock);
        clock.advance(Duration::from_secs(10));
        assert!(samples.look(&mailing(100), true, &clock).eta.is_some());
        let paused =
            Mailing { status: MailingStatus::Paused, pause_reason: PauseReason::User, ..mailing(100) };
        assert_eq!(samples.look(&paused, true, &clock).eta, None);
        clock.advance(Duration::from_secs(30));
        let resumed = |sent| Mailing {
            retry_from: Some(START.plus(Duration::from_secs(40))),
            pause_reason: PauseReason::User,
            ..mailing(sent)
        };
        assert_eq!(samples.look(&resumed(100), true, &clock).eta, None);
        clock.advance(Duration::from_secs(5));
        assert_eq!(samples.look(&resumed(200), true, &clock).per_second, Some(20.0));
    }

    #[test]
    fn where_nothing_moves_there_is_no_end_in_sight() {
        let clock = Clock::test(START);
        let mut samples = Samples::default();
        for _ in 0..70 {
            samples.look(&mailing(500), true, &clock);
            clock.advance(Duration::from_secs(1));
        }
        let progress = samples.look(&mailing(500), true, &clock);
        assert_eq!((progress.per_second, progress.eta), (None, None));
    }
}
