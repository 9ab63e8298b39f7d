use postiljon::model::{Language, NewsletterId, OutboxKind, OutboxStatus, SubscriptionId};
use postiljon::store::outbox::{self, NewMail};
use postiljon::store::{Pools, Store, workers};

use crate::support::database::{both_dbs, change, execute, read};
use crate::support::samples::{NOW, address, at, issue, newsletter, pending};

fn confirmation(newsletter: NewsletterId, subscription: SubscriptionId) -> NewMail {
    NewMail {
        kind: OutboxKind::Confirm,
        newsletter_id: newsletter,
        subscription_id: Some(subscription),
        to_address: None,
        issue_id: None,
        welcome_step_id: None,
        language: Language::French,
        nonce: vec![0, 255, 7],
        message_uuid: uuid::Uuid::now_v7(),
    }
}

both_dbs!(a_mail_is_claimed_once_the_oldest_first, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    let mail = confirmation(newsletter.id, subscription.id);
    let late = change!(store, |tx| outbox::insert(tx, &mail, at(20)));
    let first = change!(store, |tx| outbox::insert(tx, &mail, NOW));
    let second = change!(store, |tx| outbox::insert(tx, &mail, at(10)));
    assert_eq!(read!(store, |db| outbox::next_due(db)), Some(NOW));
    let (one, two) =
        (change!(store, |tx| workers::insert(tx, NOW)), change!(store, |tx| workers::insert(tx, NOW)));
    let claimed = change!(store, |tx| outbox::claim(tx, one, 1, at(10)));
    assert_eq!(claimed.iter().map(|mail| mail.id).collect::<Vec<_>>(), [first]);
    let claimed = change!(store, |tx| outbox::claim(tx, two, 10, at(10)));
    assert_eq!(claimed.iter().map(|mail| mail.id).collect::<Vec<_>>(), [second]);
    assert!(change!(store, |tx| outbox::claim(tx, one, 10, at(10))).is_empty());
    assert_eq!(read!(store, |db| outbox::next_due(db)), Some(at(20)));
    assert_eq!(read!(store, |db| outbox::open_count(db)), 3);
    assert_eq!(change!(store, |tx| outbox::claim(tx, one, 10, at(20)))[0].id, late);
});

both_dbs!(a_mail_comes_back_as_it_went_in, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    let issue = issue(&store, newsletter.id).await;
    let mail = confirmation(newsletter.id, subscription.id);
    let test = NewMail {
        kind: OutboxKind::Test,
        subscription_id: None,
        to_address: Some(address("An@meridiaan.example")),
        issue_id: Some(issue.id),
        welcome_step_id: None,
        ..mail.clone()
    };
    change!(store, |tx| outbox::insert(tx, &mail, NOW));
    change!(store, |tx| outbox::insert(tx, &test, at(1)));
    let worker = change!(store, |tx| workers::insert(tx, NOW));
    let mut claimed = change!(store, |tx| outbox::claim(tx, worker, 10, at(1)));
    claimed.sort_by_key(|mail| mail.id);
    for (claimed, new) in claimed.iter().zip([mail, test]) {
        assert_eq!((claimed.kind, claimed.status), (new.kind, OutboxStatus::Claimed));
        assert_eq!((claimed.newsletter_id, claimed.subscription_id), (newsletter.id, new.subscription_id));
        assert_eq!((&claimed.to_address, claimed.issue_id), (&new.to_address, new.issue_id));
        assert_eq!((claimed.language, claimed.attempts), (Language::French, 0));
        assert_eq!((&claimed.nonce, claimed.message_uuid), (&new.nonce, new.message_uuid));
    }
    assert_eq!(claimed.len(), 2);
});

const AGAIN: outbox::AnotherTry = outbox::AnotherTry { attempts: 1, doubts: 0, due_at: at(5) };

both_dbs!(only_the_worker_that_holds_a_mail_ends_it, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    let id = change!(store, |tx| outbox::insert(tx, &confirmation(newsletter.id, subscription.id), NOW));
    let holder = change!(store, |tx| workers::insert(tx, NOW));
    let other = change!(store, |tx| workers::insert(tx, NOW));
    change!(store, |tx| outbox::claim(tx, holder, 1, NOW));
    let finish =
        async |worker| change!(store, |tx| outbox::finish(tx, id, worker, OutboxStatus::Sent, "250", NOW));
    assert!(!finish(other).await);
    assert!(!change!(store, |tx| outbox::put_back(tx, id, other, AGAIN, "")));
    assert!(finish(holder).await);
    assert!(!finish(holder).await);
    assert!(!change!(store, |tx| outbox::put_back(tx, id, holder, AGAIN, "")));
    assert_eq!(read!(store, |db| outbox::open_count(db)), 0);
});

both_dbs!(a_mail_that_was_put_back_waits_and_remembers_its_attempts, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    let id = change!(store, |tx| outbox::insert(tx, &confirmation(newsletter.id, subscription.id), NOW));
    let worker = change!(store, |tx| workers::insert(tx, NOW));
    change!(store, |tx| outbox::claim(tx, worker, 1, NOW));
    assert!(change!(store, |tx| outbox::put_back(tx, id, worker, AGAIN, "451 later")));
    assert!(change!(store, |tx| outbox::claim(tx, worker, 1, at(4))).is_empty());
    assert_eq!(change!(store, |tx| outbox::claim(tx, worker, 1, at(5)))[0].attempts, 1);
    assert_eq!(change!(store, |tx| outbox::release(tx, worker)), 1);
    assert_eq!(change!(store, |tx| outbox::release(tx, worker)), 0);
    assert_eq!(change!(store, |tx| outbox::claim(tx, worker, 1, at(5)))[0].attempts, 1);
});

both_dbs!(mails_to_someone_who_left_are_withdrawn_unless_they_are_on_the_wire, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let leaver = pending(&store, newsletter.id, 1).await;
    let other = pending(&store, newsletter.id, 2).await;
    change!(store, |tx| outbox::insert(tx, &confirmation(newsletter.id, leaver.id), NOW));
    let worker = change!(store, |tx| workers::insert(tx, NOW));
    change!(store, |tx| outbox::claim(tx, worker, 1, NOW));
    for subscription in [leaver.id, other.id] {
        change!(store, |tx| outbox::insert(tx, &confirmation(newsletter.id, subscription), NOW));
    }
    assert_eq!(change!(store, |tx| outbox::delete_queued(tx, leaver.id)), 1);
    assert_eq!(read!(store, |db| outbox::open_count(db)), 2);
});

both_dbs!(a_mail_for_later_waits_for_its_moment, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    let mail = confirmation(newsletter.id, subscription.id);
    let id = change!(store, |tx| outbox::insert_due(tx, &mail, at(10), NOW));
    assert_eq!(read!(store, |db| outbox::next_due(db)), Some(at(10)));
    let worker = change!(store, |tx| workers::insert(tx, NOW));
    assert!(change!(store, |tx| outbox::claim(tx, worker, 1, at(9))).is_empty());
    let claimed = &change!(store, |tx| outbox::claim(tx, worker, 1, at(10)))[0];
    assert_eq!((claimed.id, claimed.due_at, claimed.created_at), (id, at(10), NOW));
});

both_dbs!(what_comes_by_the_thousand_waits_for_all_others, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    let mail = confirmation(newsletter.id, subscription.id);
    change!(store, |tx| outbox::insert_bulk(tx, &[&mail, &mail, &mail], NOW));
    let urgent = change!(store, |tx| outbox::insert(tx, &mail, at(10)));
    let later = change!(store, |tx| outbox::insert(tx, &mail, at(20)));
    assert_eq!(read!(store, |db| outbox::next_due(db)), Some(NOW));
    let worker = change!(store, |tx| workers::insert(tx, NOW));
    let first = change!(store, |tx| outbox::claim(tx, worker, 2, at(10)));
    assert_eq!(first.iter().map(|mail| mail.is_bulk).collect::<Vec<_>>(), [false, true]);
    assert_eq!(first[0].id, urgent);
    let rest = change!(store, |tx| outbox::claim(tx, worker, 10, at(10)));
    assert!(rest.len() == 2 && rest.iter().all(|mail| mail.is_bulk));
    assert_eq!(read!(store, |db| outbox::next_due(db)), Some(at(20)));
    assert_eq!(change!(store, |tx| outbox::claim(tx, worker, 10, at(20)))[0].id, later);
});

both_dbs!(what_a_dead_worker_held_is_sent_again_until_it_was_in_doubt_too_often, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    change!(store, |tx| outbox::insert(tx, &confirmation(newsletter.id, subscription.id), NOW));
    for (doubts, open) in [(1, 1), (2, 1), (3, 0)] {
        let dead = change!(store, |tx| workers::insert(tx, NOW));
        assert_eq!(change!(store, |tx| outbox::claim(tx, dead, 1, NOW))[0].doubts, doubts - 1);
        assert_eq!(change!(store, |tx| outbox::recover(tx, dead, 2, at(5))), 1);
        assert_eq!(read!(store, |db| outbox::open_count(db)), open);
    }
});

/// How the database goes about a statement, in its own words.
async fn plan(store: &Store, sql: &str) -> String {
    let sql = sql.replace("$1", "'jan@example.org'");
    let lines: Vec<String> = match store.pools() {
        Pools::Sqlite { writer, .. } => {
            let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let rows: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(sql).fetch_all(writer).await.expect("explained");
            rows.into_iter().map(|(.., detail)| detail).collect()
        }
        Pools::Postgres(pool) => {
            let mut tx = pool.begin().await.expect("a transaction");
            // A table of no rows is walked otherwise.
            sqlx::query("SET LOCAL enable_seqscan = off").execute(&mut *tx).await.expect("set");
            let sql = sqlx::AssertSqlSafe(format!("EXPLAIN {sql}"));
            sqlx::query_scalar(sql).fetch_all(&mut *tx).await.expect("explained")
        }
    };
    lines.join("\n")
}

both_dbs!(mails_to_an_address_are_found_without_reading_all, |store| {
    for sql in [outbox::DELETE_TO, outbox::WITHOUT_KEY] {
        let plan = plan(&store, sql).await;
        let walks = plan.contains("Seq Scan") || plan.contains("SCAN ");
        assert!(plan.contains("outbox_by_address") && !walks, "{sql}: {plan}");
    }
});

both_dbs!(mails_to_an_address_go_in_every_spelling_and_also_those_of_before, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let test = |to: &str| NewMail {
        kind: OutboxKind::Test,
        subscription_id: None,
        to_address: Some(address(to)),
        message_uuid: uuid::Uuid::now_v7(),
        ..confirmation(newsletter.id, SubscriptionId(0))
    };
    let count = async || read!(store, |db| outbox::open_count(db));
    for to in ["Jan@Example.org", "jan@example.org", "zo\u{eb}@b\u{fc}cher.example", "other@example.org"] {
        change!(store, |tx| outbox::insert(tx, &test(to), NOW));
    }
    assert_eq!(change!(store, |tx| outbox::delete_to(tx, &address("JAN@example.org"))), 2);
    // As a mail lies there that was written before the key was, and that no database could give one.
    execute(&store, "UPDATE outbox SET to_key = NULL WHERE to_address NOT LIKE 'other%'").await;
    assert_eq!(change!(store, |tx| outbox::delete_to(tx, &address("ZO\u{cb}@xn--bcher-kva.example"))), 1);
    assert_eq!(count().await, 1);
});
