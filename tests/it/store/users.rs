use postiljon::model::{Language, UserId};
use postiljon::store::users;

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, address};

both_dbs!(a_user_is_found_in_any_case_and_is_there_once, |store| {
    let typed = address("An@Meridiaan.example");
    let user = change!(store, |tx| users::insert(tx, &typed, "An", Language::Dutch, "$argon2id$", NOW));
    let found = read!(store, |db| users::by_address(db, &address("an@meridiaan.example"))).expect("there");
    assert_eq!(format!("{user:?}"), format!("{found:?}"));
    assert_eq!((found.password_hash.as_str(), found.disabled_at), ("$argon2id$", None));
    let mut tx = store.begin().await.expect("a transaction");
    let again =
        users::insert(&mut tx, &address("AN@meridiaan.example"), "x", Language::Dutch, "y", NOW).await;
    assert!(again.is_err_and(|error| error.is_duplicate()));
});

both_dbs!(a_user_can_change_password_and_language, |store| {
    let user = change!(store, |tx| users::insert(
        tx,
        &address("an@meridiaan.example"),
        "An",
        Language::Dutch,
        "old",
        NOW
    ));
    assert!(change!(store, |tx| users::set_password(tx, user.id, "new")));
    assert!(change!(store, |tx| users::set_language(tx, user.id, Language::French)));
    assert!(!change!(store, |tx| users::set_password(tx, UserId(i64::MAX), "new")));
    assert!(!change!(store, |tx| users::set_language(tx, UserId(i64::MAX), Language::French)));
    let all = read!(store, |db| users::all(db));
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].password_hash.as_str(), all[0].language), ("new", Language::French));
});
