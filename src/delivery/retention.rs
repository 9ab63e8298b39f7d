//! Forgets what has had its period: [`Retention`], and a few that are fixed. Once an hour, in batches, each a
//! transaction of its own, so that the one writer of SQLite is never held for long.
//!
//! What is forgotten with the person, by the law of the sign-up (L6) or because it is of no use any more, is in
//! [`super::janitor`].

use std::time::Duration;

use super::patience::Patience;
use super::shift::Shift;
use crate::model::{RetentionPeriod, SubscriberId, Timestamp};
use crate::store::{Result, address_changes, audit, hits, retention, signup_counts, used_proofs};

const EVERY: Duration = Duration::from_secs(3600);
/// Rows of one transaction: some milliseconds.
const BATCH: i64 = 500;
/// Batches of one kind in one run, a million rows; what is left waits for the next run.
const BATCHES_MAX: usize = 2_000;
/// An address that nobody confirmed is a stranger's: a day, so that its button says that it has expired.
const ADDRESS_CHANGES_KEPT: Duration = Duration::from_secs(24 * 3600);

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let mut patience = Patience::new("forget what has had its period");
    loop {
        let rest = match clean(shift).await {
            Ok(()) => {
                patience.over();
                shift.unless_stopped(shift.clock.sleep(EVERY)).await
            }
            Err(error) => shift.unless_stopped(patience.wait(&error)).await,
        };
        if rest.is_none() {
            return;
        }
    }
}

async fn clean(shift: &Shift) -> Result<()> {
    let now = shift.clock.now();
    // What was set at the desk counts from the next run on.
    let set = retention::periods(shift.store.read().await?.db()).await?;
    let kept = shift.settings.retention.with(&set);
    let evidence = evidence(shift, now.minus(kept.evidence)).await?;
    let mails = single_mails(shift, now.minus(kept.single_mails)).await?;
    let departures = departures(shift, now.minus(kept.departures)).await?;
    let expired = expired(shift, now).await?;
    let counts = counts(shift, now.minus(kept.counts)).await?;
    let clicks = readers_hits(shift, now.minus(kept.hits)).await?;
    let audit = audit(shift, now.minus(kept.audit)).await?;
    let mailings = replies(shift, now.minus(kept.replies), now).await?;
    let done = [
        (RetentionPeriod::Evidence, evidence),
        (RetentionPeriod::SingleMails, mails),
        (RetentionPeriod::Departures, departures),
        (RetentionPeriod::Counts, counts),
        (RetentionPeriod::Clicks, clicks),
        (RetentionPeriod::Audit, audit),
        (RetentionPeriod::Replies, mailings),
    ];
    let mut tx = shift.store.begin().await?;
    for (period, removed) in done {
        retention::note_run(&mut tx, period, now, i64::try_from(removed).unwrap_or(i64::MAX)).await?;
    }
    tx.commit().await?;
    let others = expired + counts + clicks + audit;
    // Also when nothing went: an erasure may have had to leave a part of the log.
    shift.store.forget_deleted().await?;
    if evidence + mails + departures + others + mailings > 0 {
        tracing::info!(evidence, mails, departures, others, mailings, "what had its period was forgotten");
    }
    shift.signals.did();
    Ok(())
}

fn stops(shift: &Shift) -> bool {
    *shift.signals.stop.borrow()
}

async fn evidence(shift: &Shift, left_before: Timestamp) -> Result<u64> {
    let (mut after, mut rows) = (0, 0);
    for _ in 0..BATCHES_MAX {
        let mut reader = shift.store.read().await?;
        let found = retention::find_evidence(reader.db(), left_before, after, BATCH).await?;
        drop(reader);
        let Some(last) = found.last().filter(|_| !stops(shift)) else { break };
        after = *last;
        let mut tx = shift.store.begin().await?;
        for id in found {
            rows += retention::forget_evidence(&mut tx, id, left_before).await?;
        }
        tx.commit().await?;
    }
    Ok(rows)
}

async fn single_mails(shift: &Shift, finished_before: Timestamp) -> Result<u64> {
    let (mut after, mut rows) = (0, 0);
    for _ in 0..BATCHES_MAX {
        let mut reader = shift.store.read().await?;
        let found = retention::find_single_mails(reader.db(), finished_before, after, BATCH).await?;
        drop(reader);
        let Some(last) = found.last().filter(|_| !stops(shift)) else { break };
        after = *last;
        let mut tx = shift.store.begin().await?;
        for id in found {
            rows += retention::delete_single_mail(&mut tx, id).await?;
        }
        tx.commit().await?;
    }
    Ok(rows)
}

async fn departures(shift: &Shift, given_before: Timestamp) -> Result<u64> {
    let (mut after, mut rows) = (0, 0);
    for _ in 0..BATCHES_MAX {
        let mut reader = shift.store.read().await?;
        let found = retention::find_departures(reader.db(), given_before, after, BATCH).await?;
        drop(reader);
        let Some(last) = found.last().filter(|_| !stops(shift)) else { break };
        after = *last;
        let mut tx = shift.store.begin().await?;
        for id in found {
            rows += retention::delete_departure(&mut tx, id, given_before).await?;
        }
        tx.commit().await?;
    }
    Ok(rows)
}

async fn counts(shift: &Shift, before: Timestamp) -> Result<u64> {
    let mut rows = 0;
    for _ in 0..BATCHES_MAX {
        let mut tx = shift.store.begin().await?;
        let hour = signup_counts::hour_of(before);
        let gone = signup_counts::delete_before(&mut tx, hour, BATCH).await?;
        tx.commit().await?;
        rows += gone;
        if gone == 0 || stops(shift) {
            break;
        }
    }
    Ok(rows)
}

/// What readers opened and followed; the totals stay.
async fn readers_hits(shift: &Shift, before: Timestamp) -> Result<u64> {
    let mut rows = 0;
    for _ in 0..BATCHES_MAX {
        let mut tx = shift.store.begin().await?;
        let gone = hits::delete_before(&mut tx, before, BATCH).await?;
        tx.commit().await?;
        rows += gone;
        if gone == 0 || stops(shift) {
            break;
        }
    }
    Ok(rows)
}

/// What was done at the desk.
async fn audit(shift: &Shift, before: Timestamp) -> Result<u64> {
    let mut rows = 0;
    for _ in 0..BATCHES_MAX {
        let mut tx = shift.store.begin().await?;
        let gone = audit::delete_before(&mut tx, before, BATCH).await?;
        tx.commit().await?;
        rows += gone;
        if gone == 0 || stops(shift) {
            break;
        }
    }
    Ok(rows)
}

/// What expires by itself: spent proofs of work, and new addresses that nobody confirmed.
async fn expired(shift: &Shift, now: Timestamp) -> Result<u64> {
    let mut rows = 0;
    for _ in 0..BATCHES_MAX {
        let mut tx = shift.store.begin().await?;
        let changes_before = now.minus(ADDRESS_CHANGES_KEPT);
        let gone = used_proofs::delete_expired(&mut tx, now, BATCH).await?
            + address_changes::delete_expired(&mut tx, changes_before, BATCH).await?;
        tx.commit().await?;
        rows += gone;
        if gone == 0 || stops(shift) {
            break;
        }
    }
    Ok(rows)
}

/// Answers of how many mailings the replies are forgotten.
async fn replies(shift: &Shift, ended_before: Timestamp, now: Timestamp) -> Result<u64> {
    let mut mailings = 0;
    let mut batches = 0;
    while let Some(mailing) = retention::find_replies(shift.store.read().await?.db(), ended_before).await? {
        let mut after = SubscriberId(0);
        loop {
            // Begins with this mailing again in the next run.
            if batches == BATCHES_MAX || stops(shift) {
                return Ok(mailings);
            }
            batches += 1;
            let mut tx = shift.store.begin().await?;
            let last = retention::forget_replies(&mut tx, mailing, after, BATCH).await?;
            if last.is_none() {
                retention::set_replies_forgotten(&mut tx, mailing, now).await?;
            }
            tx.commit().await?;
            let Some(last) = last else { break };
            after = last;
        }
        mailings += 1;
    }
    Ok(mailings)
}
