use postiljon::model::{Language, User};
use postiljon::store::{Store, sessions, users};

use crate::support::database::{both_dbs, change, execute, read};
use crate::support::samples::{NOW, address, at};

async fn user(store: &Store, name: &str) -> User {
    let address = address(&format!("{name}@meridiaan.example"));
    change!(store, |tx| users::insert(tx, &address, name, Language::Dutch, "hash", NOW))
}

both_dbs!(a_session_lives_until_it_expires_or_was_idle_too_long, |store| {
    let user = user(&store, "an").await;
    change!(store, |tx| sessions::insert(tx, b"token", user.id, "", NOW, at(1000)));
    let find = async |now, idle_since| read!(store, |db| sessions::find(db, b"token", now, idle_since));
    let live = find(at(999), at(-1)).await.expect("alive");
    assert_eq!((live.user.id, live.last_seen_at), (user.id, NOW));
    assert!(find(at(1000), at(-1)).await.is_none(), "expired");
    assert!(find(at(500), NOW).await.is_none(), "idle");
    assert!(read!(store, |db| sessions::find(db, b"other", NOW, at(-1))).is_none());

    change!(store, |tx| sessions::touch(tx, b"token", at(400)));
    change!(store, |tx| sessions::touch(tx, b"token", at(300)));
    assert_eq!(find(at(500), at(399)).await.expect("alive").last_seen_at, at(400));
});

both_dbs!(a_disabled_user_has_no_session, |store| {
    let user = user(&store, "an").await;
    change!(store, |tx| sessions::insert(tx, b"token", user.id, "", NOW, at(1000)));
    execute(&store, "UPDATE users SET disabled_at = 1").await;
    assert!(read!(store, |db| sessions::find(db, b"token", NOW, at(-1))).is_none());
});

both_dbs!(sessions_end_one_by_one_per_user_or_by_age, |store| {
    let an = user(&store, "an").await;
    let bo = user(&store, "bo").await;
    for (token, user, end) in [(b"1", an.id, 10), (b"2", an.id, 20), (b"3", an.id, 20), (b"4", bo.id, 20)] {
        change!(store, |tx| sessions::insert(tx, token, user, "", NOW, at(end)));
    }
    let lives = async |token: &[u8]| read!(store, |db| sessions::find(db, token, NOW, at(-1))).is_some();
    assert_eq!(change!(store, |tx| sessions::delete_expired(tx, at(10))), 1);
    assert!(!lives(b"1").await);
    change!(store, |tx| sessions::delete(tx, b"2"));
    assert!(!lives(b"2").await && lives(b"3").await);
    assert_eq!(change!(store, |tx| sessions::delete_of_user(tx, an.id)), 1);
    assert!(!lives(b"3").await && lives(b"4").await);
});
