//! Shows that this worker lives, and notices which others do, and which do not.

use std::collections::HashMap;
use std::time::Duration;

use super::lease::{BEAT_EVERY, BEAT_EVERY_ALONE, LOOKS_MIN, SILENCE_MAX};
use super::patience::Patience;
use super::recovery;
use super::share::Share;
use super::shift::Shift;
use crate::model::{Timestamp, WorkerId};
use crate::store::{Result, workers};

/// Runs until others have declared this worker dead.
pub async fn run(shift: &Shift) {
    let mut patience = Patience::new("show that this sender lives");
    let mut others = Others::default();
    let rest = if shift.store.is_shared() { BEAT_EVERY } else { BEAT_EVERY_ALONE };
    loop {
        match beat(shift, &mut others).await {
            Ok(true) => {
                patience.over();
                shift.clock.sleep(rest).await;
            }
            Ok(false) => {
                tracing::warn!(worker = %shift.worker, "this sender was silent for so long that others took over");
                return;
            }
            Err(error) => patience.wait(&error).await,
        }
    }
}

async fn beat(shift: &Shift, others: &mut Others) -> Result<bool> {
    let moment = shift.lease.moment();
    let mut tx = shift.store.begin().await?;
    let is_alive = workers::beat(&mut tx, shift.worker, shift.clock.now()).await?;
    tx.commit().await?;
    if !is_alive {
        return Ok(false);
    }
    shift.lease.renew(moment);
    if shift.store.is_shared() {
        let all = workers::all(shift.store.read().await?.db()).await?;
        shift.take_share(Share::of(shift.worker, all.iter().map(|(worker, _)| *worker)));
        for (worker, last_beat) in others.silent(shift.worker, &all, shift.clock.elapsed()) {
            if recovery::bury(&shift.store, &shift.clock, worker, last_beat, None).await? {
                shift.signals.wake();
                shift.signals.did();
            }
        }
    }
    Ok(true)
}

/// The other workers, by our own monotonic clock: the clocks of two machines are never compared.
#[derive(Debug, Default)]
struct Others(HashMap<WorkerId, Seen>);

/// A beat that has not changed since.
#[derive(Debug, Clone, Copy)]
struct Seen {
    beat: Timestamp,
    since: Duration,
    looks: u32,
}

impl Others {
    fn silent(
        &mut self,
        me: WorkerId,
        all: &[(WorkerId, Timestamp)],
        elapsed: Duration,
    ) -> Vec<(WorkerId, Timestamp)> {
        self.0.retain(|worker, _| all.iter().any(|(id, _)| id == worker));
        for (worker, beat) in all.iter().filter(|(worker, _)| *worker != me) {
            let first = Seen { beat: *beat, since: elapsed, looks: 0 };
            let seen = self.0.entry(*worker).or_insert(first);
            if seen.beat != *beat {
                *seen = first;
            }
            seen.looks += 1;
        }
        let is_silent =
            |seen: &Seen| seen.looks >= LOOKS_MIN && elapsed.saturating_sub(seen.since) >= SILENCE_MAX;
        let silent = self.0.iter().filter(|(_, seen)| is_silent(seen));
        silent.map(|(worker, seen)| (*worker, seen.beat)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_measured_by_our_own_clock_from_when_it_was_first_seen() {
        let me = WorkerId(1);
        let mut others = Others::default();
        // Its clock is an hour behind ours.
        let beats = |at| vec![(me, Timestamp::from_millis(9)), (WorkerId(2), Timestamp::from_millis(at))];
        let at = Duration::from_secs;
        assert!(others.silent(me, &beats(5), at(3600)).is_empty());
        assert!(others.silent(me, &beats(5), at(3605)).is_empty());
        for second in 3606..3616 {
            assert!(others.silent(me, &beats(6), at(second)).is_empty(), "{second}");
        }
        let silent = others.silent(me, &beats(6), at(3616));
        assert_eq!(silent, [(WorkerId(2), Timestamp::from_millis(6))]);
    }

    #[test]
    fn nobody_was_silent_while_the_database_was_away_for_all() {
        let me = WorkerId(1);
        let mut others = Others::default();
        let beats = vec![(WorkerId(2), Timestamp::from_millis(5))];
        assert!(others.silent(me, &beats, Duration::from_secs(10)).is_empty());
        assert!(others.silent(me, &beats, Duration::from_secs(100)).is_empty());
    }
}
