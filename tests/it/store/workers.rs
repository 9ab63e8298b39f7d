use postiljon::store::workers;

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, at};

both_dbs!(a_worker_that_beats_is_not_buried, |store| {
    let worker = change!(store, |tx| workers::insert(tx, NOW));
    assert_eq!(read!(store, |db| workers::all(db)), [(worker, NOW)]);
    assert!(change!(store, |tx| workers::beat(tx, worker, at(1))));
    assert!(!change!(store, |tx| workers::bury(tx, worker, NOW)));
    assert_eq!(read!(store, |db| workers::all(db)), [(worker, at(1))]);
});

both_dbs!(a_silent_worker_is_buried_once_and_hears_of_it, |store| {
    let silent = change!(store, |tx| workers::insert(tx, NOW));
    let alive = change!(store, |tx| workers::insert(tx, at(10)));
    assert!(change!(store, |tx| workers::bury(tx, silent, NOW)));
    assert!(!change!(store, |tx| workers::bury(tx, silent, NOW)));
    assert!(!change!(store, |tx| workers::beat(tx, silent, at(11))));
    assert_eq!(read!(store, |db| workers::all(db)), [(alive, at(10))]);
    change!(store, |tx| workers::delete(tx, alive));
    assert!(read!(store, |db| workers::all(db)).is_empty());
    // An id is never used again: an old claim cannot become someone else's.
    assert!(change!(store, |tx| workers::insert(tx, at(20))) > alive);
});
