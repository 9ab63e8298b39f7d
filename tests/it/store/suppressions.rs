use postiljon::store::suppressions;

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, at};

both_dbs!(an_erased_address_is_remembered_once, |store| {
    assert!(!read!(store, |db| suppressions::contains(db, b"\x00\xff hash")));
    change!(store, |tx| suppressions::insert(tx, b"\x00\xff hash", NOW));
    change!(store, |tx| suppressions::insert(tx, b"\x00\xff hash", at(1)));
    assert!(read!(store, |db| suppressions::contains(db, b"\x00\xff hash")));
    assert!(!read!(store, |db| suppressions::contains(db, b"\x00\xff")));
});
