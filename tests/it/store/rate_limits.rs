use std::time::Duration;

use postiljon::store::Store;
use postiljon::store::rate_limits::{self, Count};

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
    change!(store, |tx| rate_limits::hit(tx, b"older", WINDOW, NOW));
    assert_eq!(change!(store, |tx| rate_limits::delete_ended(tx, at(100), 1)), 1);
    assert_eq!(change!(store, |tx| rate_limits::delete_ended(tx, at(100), 10)), 1);
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

both_dbs!(several_keys_are_read_and_written_together, |store| {
    let count = |key: u8, hits, millis| Count { key: [key; 32], hits, window_ends_at: at(millis) };
    let keys = [[9; 32], [1; 32], [5; 32]];
    let read = async |moment| {
        let mut found = read!(store, |db| rate_limits::read_all(db, &keys, moment));
        found.sort_unstable();
        found.into_iter().map(|(key, hits, ends_at)| (key[0], hits, ends_at)).collect::<Vec<_>>()
    };
    change!(store, |tx| rate_limits::write_all(
        tx,
        &[count(9, 1, 100), count(1, 2, 1_000), count(3, 7, 1_000)]
    ));
    // Asked for alone, and only where a window runs.
    assert_eq!(read(at(99)).await, [(1, 2, at(1_000)), (9, 1, at(100))]);
    assert_eq!(read(at(100)).await, [(1, 2, at(1_000))]);
    // Anew, and another window.
    change!(store, |tx| rate_limits::write_all(tx, &[count(9, 4, 200), count(5, 0, 100)]));
    assert_eq!(read(at(99)).await, [(1, 2, at(1_000)), (5, 0, at(100)), (9, 4, at(200))]);
    // Who counts one more goes on from there.
    assert_eq!(change!(store, |tx| rate_limits::hit(tx, &[9; 32], WINDOW, at(150))), 5);
    change!(store, |tx| rate_limits::write_all(tx, &[]));
    assert_eq!(read!(store, |db| rate_limits::read_all(db, &[], NOW)), []);
});

both_dbs!(who_holds_the_counts_writes_them_alone, |store| {
    // Each reads, lets others have their turn, and writes one more: none is lost.
    let add = |store: Store| async move {
        let mut tx = store.begin().await.expect("begun");
        rate_limits::hold(&mut tx).await.expect("held");
        let found = rate_limits::read_all(tx.db(), &[[7; 32]], NOW).await.expect("read");
        let hits = found.first().map_or(0, |(_, hits, _)| *hits);
        tokio::task::yield_now().await;
        let count = Count { key: [7; 32], hits: hits + 1, window_ends_at: at(100) };
        rate_limits::write_all(&mut tx, &[count]).await.expect("written");
        tx.commit().await.expect("committed");
    };
    let all: Vec<_> = (0..8).map(|_| tokio::spawn(add(store.clone()))).collect();
    for one in all {
        one.await.expect("added");
    }
    assert_eq!(read!(store, |db| rate_limits::peek(db, &[7; 32], NOW)), 8);
});
