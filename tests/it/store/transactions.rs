use postiljon::store::{Store, newsletters};

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, new_newsletter, newsletter};

both_dbs!(a_savepoint_undoes_a_duplicate_and_keeps_the_rest, |store| {
    newsletter(&store, "insights").await;
    let mut tx = store.begin().await.expect("a transaction");
    newsletters::insert(&mut tx, &new_newsletter("before"), NOW).await.expect("inserted");
    tx.savepoint().await.expect("a savepoint");
    let again = newsletters::insert(&mut tx, &new_newsletter("insights"), NOW).await;
    assert!(again.is_err_and(|error| error.is_duplicate()));
    tx.roll_back_to_savepoint().await.expect("undone");
    newsletters::insert(&mut tx, &new_newsletter("after"), NOW).await.expect("inserted");
    tx.commit().await.expect("committed");
    let all = read!(store, |db| newsletters::all(db));
    let slugs: Vec<&str> = all.iter().map(|newsletter| newsletter.slug.as_str()).collect();
    assert_eq!(slugs, ["insights", "before", "after"]);
});

both_dbs!(what_was_written_stays_when_deleted_rows_are_forgotten, |store| {
    change!(store, |tx| newsletters::insert(tx, &new_newsletter("insights"), NOW));
    store.forget_deleted().await.expect("forgotten");
    assert_eq!(read!(store, |db| newsletters::all(db)).len(), 1);
});

both_dbs!(bringing_the_schema_up_to_date_twice_changes_nothing, |store| {
    newsletter(&store, "insights").await;
    store.migrate().await.expect("migrated");
    assert_eq!(read!(store, |db| newsletters::all(db)).len(), 1);
});

#[tokio::test]
async fn a_database_that_is_neither_sqlite_nor_postgresql_is_refused() {
    assert!(Store::open("mysql://localhost/x", 1).await.is_err());
}
