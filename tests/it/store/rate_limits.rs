use std::time::Duration;

use postiljon::store::rate_limits::{self, Hit};

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, at};

const WINDOW: Duration = Duration::from_millis(100);

both_dbs!(a_window_starts_with_its_first_hit_and_ends_on_time, |store| {
    let hit = async |moment| change!(store, |tx| rate_limits::hit(tx, b"key", WINDOW, moment));
    assert_eq!(hit(NOW).await, 1);
    assert_eq!(hit(at(50)).await, 2);
    assert_eq!(hit(at(99)).await, 3);
    assert_eq!(hit(at(100)).await, 1);
    // The new window is a whole one.
    assert_eq!(hit(at(199)).await, 2);
    assert_eq!(hit(at(200)).await, 1);
});

both_dbs!(looking_does_not_count, |store| {
    assert_eq!(read!(store, |db| rate_limits::peek(db, b"key", NOW)), 0);
    change!(store, |tx| rate_limits::hit(tx, b"key", WINDOW, NOW));
    assert_eq!(read!(store, |db| rate_limits::peek(db, b"key", at(99))), 1);
    assert_eq!(read!(store, |db| rate_limits::peek(db, b"key", at(99))), 1);
    assert_eq!(read!(store, |db| rate_limits::peek(db, b"key", at(100))), 0);
    assert_eq!(read!(store, |db| rate_limits::peek(db, b"other", NOW)), 0);
});

both_dbs!(a_key_begins_again_after_clearing, |store| {
    change!(store, |tx| rate_limits::hit(tx, b"key", WINDOW, NOW));
    change!(store, |tx| rate_limits::hit(tx, b"other", WINDOW, NOW));
    change!(store, |tx| rate_limits::clear(tx, b"key"));
    assert_eq!(change!(store, |tx| rate_limits::hit(tx, b"key", WINDOW, NOW)), 1);
    assert_eq!(change!(store, |tx| rate_limits::hit(tx, b"other", WINDOW, NOW)), 2);
});

both_dbs!(windows_that_are_over_are_forgotten, |store| {
    change!(store, |tx| rate_limits::hit(tx, b"old", WINDOW, NOW));
    change!(store, |tx| rate_limits::hit(tx, b"new", WINDOW, at(1)));
    assert_eq!(change!(store, |tx| rate_limits::delete_ended(tx, at(100))), 1);
    assert_eq!(read!(store, |db| rate_limits::peek(db, b"new", at(100))), 1);
});

both_dbs!(hits_at_the_same_moment_are_all_counted, |store| {
    let hits = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { change!(store, |tx| rate_limits::hit(tx, b"key", WINDOW, NOW)) })
    });
    let mut counts = Vec::new();
    for hit in hits.collect::<Vec<_>>() {
        counts.push(hit.await.expect("counted"));
    }
    counts.sort_unstable();
    assert_eq!(counts, (1..=8).collect::<Vec<_>>());
});

both_dbs!(several_keys_are_counted_together_and_read_before, |store| {
    let hit = |key: u8, millis, more| Hit {
        key: [key; 32],
        window: Duration::from_millis(millis),
        more,
        is_rolling: false,
    };
    let count = async |hits: &[Hit], moment| {
        change!(store, |tx| rate_limits::hit_all(tx, hits, moment));
        let keys: Vec<[u8; 32]> = hits.iter().map(|hit| hit.key).collect();
        let found = change!(store, |tx| rate_limits::lock_all(tx, &keys, moment));
        let of = |key: &[u8; 32]| found.iter().find(|(found, _)| found == key).map_or(0, |(_, hits)| *hits);
        keys.iter().map(of).collect::<Vec<_>>()
    };
    let all = [hit(9, 100, 1), hit(1, 1_000, 1), hit(5, 100, 0)];
    assert_eq!(count(&all, NOW).await, [1, 1, 0]);
    assert_eq!(count(&all, at(50)).await, [2, 2, 0]);
    // A window is over for each key by itself.
    assert_eq!(count(&all, at(100)).await, [1, 3, 0]);
    // Who only asked began no window: it starts with its first hit, and is a whole one.
    assert_eq!(count(&[hit(5, 100, 1)], at(110)).await, [1]);
    assert_eq!(count(&[hit(5, 100, 1)], at(209)).await, [2]);
    let [last, ..] = all;
    assert_eq!(count(&[last], at(150)).await, [2]);
    assert_eq!(change!(store, |tx| rate_limits::hit(tx, &[9; 32], WINDOW, at(150))), 3);
    assert_eq!(count(&[], NOW).await, Vec::<i64>::new());
    // A window that rolls begins anew with each hit, and not with a question.
    let rolling = |more| Hit { is_rolling: true, ..hit(3, 100, more) };
    assert_eq!(count(&[rolling(0), hit(4, 100, 1)], at(300)).await, [0, 1]);
    assert_eq!(count(&[rolling(1), hit(4, 100, 1)], at(310)).await, [1, 2]);
    assert_eq!(count(&[rolling(1), hit(4, 100, 1)], at(400)).await, [2, 1]);
    assert_eq!(count(&[rolling(0)], at(499)).await, [2]);
    assert_eq!(count(&[rolling(1)], at(500)).await, [1]);
});

both_dbs!(who_reads_counters_is_the_only_one_who_counts_until_the_end, |store| {
    let key = [7; 32];
    let mut first = store.begin().await.expect("begun");
    assert!(
        rate_limits::lock_all(&mut first, &[key], NOW)
            .await
            .expect("read")
            .iter()
            .all(|(_, hits)| *hits == 0)
    );
    let (asks, is_asking) = tokio::sync::oneshot::channel();
    let other = {
        let store = store.clone();
        tokio::spawn(async move {
            asks.send(()).expect("the test waits");
            let mut second = store.begin().await.expect("begun");
            let found = rate_limits::lock_all(&mut second, &[key], NOW).await.expect("read");
            second.commit().await.expect("committed");
            found.into_iter().map(|(_, hits)| hits).sum::<i64>()
        })
    };
    is_asking.await.expect("it asks");
    rate_limits::hit_all(&mut first, &[Hit { key, window: WINDOW, more: 3, is_rolling: false }], NOW)
        .await
        .expect("counted");
    first.commit().await.expect("committed");
    assert_eq!(other.await.expect("an answer"), 3);
});
