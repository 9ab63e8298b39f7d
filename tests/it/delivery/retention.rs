//! What has had its period is forgotten, and nothing else.

use std::time::Duration;

use postiljon::delivery::EngineHandle;
use postiljon::model::{Language, OutboxStatus, RetentionPeriod};
use postiljon::setup::retention::{all, set};
use postiljon::store::{Store, consents, deliveries, mailings, outbox};

use super::script::{Script, Step};
use super::{Bench, PATIENCE};
use crate::support::database::{both_dbs, execute, read};
use crate::support::people::{People, address};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Lets a run of the retention happen: with the start of an engine.
async fn run(bench: &Bench, is_so: impl AsyncFn() -> bool) {
    let engine: EngineHandle = bench.start();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "it was not forgotten");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    engine.stop().await;
}

fn bench(people: &People) -> Bench {
    let wire = Script::new(|_, _| Step::Accept);
    let mut bench = Bench::new(&people.store, wire);
    bench.clock = people.clock.clone();
    bench.parts.clock = people.clock.clone();
    bench
}

async fn ips(store: &Store, who: &str) -> Vec<String> {
    let person = read!(store, |db| postiljon::store::subscribers::by_address(db, &address(who)));
    let id = person.expect("a person").id;
    read!(store, |db| consents::of_subscriber(db, id)).into_iter().map(|consent| consent.ip).collect()
}

both_dbs!(evidence_of_who_left_loses_ip_and_browser_and_keeps_the_rest, |store| {
    let people = People::of(&store).await;
    let left = people.confirmed("left@example.org", 1).await;
    people.confirmed("stays@example.org", 2).await;
    people.leave(&left).await;
    let bench = bench(&people);
    people.clock.advance(DAY * 1094);
    let engine = bench.start();
    let mut activity = engine.activity();
    let _ = tokio::time::timeout(Duration::from_secs(1), activity.changed()).await;
    engine.stop().await;
    assert_eq!(ips(&store, "left@example.org").await[0], "10.0.1.7", "a day too early");
    people.clock.advance(DAY * 2);
    run(&bench, async || ips(&store, "left@example.org").await.iter().all(String::is_empty)).await;
    assert_eq!(ips(&store, "stays@example.org").await[0], "10.0.2.7", "the proof of who stays is whole");
    let person =
        read!(store, |db| postiljon::store::subscribers::by_address(db, &address("left@example.org")));
    let kept = read!(store, |db| consents::of_subscriber(db, person.expect("there still").id));
    assert_eq!(kept.len(), 3);
    assert!(kept[0].consent_text_id.is_some() && kept[0].user_agent.is_empty());
});

both_dbs!(evidence_of_who_asks_again_after_years_is_whole_when_they_confirm, |store| {
    let people = People::of(&store).await;
    let left = people.confirmed("jan@example.org", 1).await;
    people.leave(&left).await;
    people.clock.advance(DAY * 1096);
    // Today they sign up again; until the button is pressed they are still called unsubscribed.
    people.sign_up("jan@example.org", 2).await.expect("signed up");
    let bench = bench(&people);
    run(&bench, async || ips(&store, "jan@example.org").await[0].is_empty()).await;
    let kept = ips(&store, "jan@example.org").await;
    assert_eq!((kept.len(), kept[3].as_str()), (4, "10.0.2.7"), "the proof of today: {kept:?}");
    let left_before = people.clock.now().minus(DAY * 1095);
    let found = read!(store, |db| postiljon::store::retention::find_evidence(db, left_before, 0, 10));
    assert!(found.is_empty(), "nothing is looked at again and again: {found:?}");
});

both_dbs!(single_mails_go_and_the_confirmation_of_who_confirmed_stays, |store| {
    let people = People::of(&store).await;
    let reader = people.confirmed("jan@example.org", 1).await;
    let finished = people.clock.now();
    execute(&store, "UPDATE outbox SET status = 'sent', reply = '250 ok'").await;
    let mut tx = store.begin().await.expect("a transaction");
    let test = outbox::NewMail {
        kind: postiljon::model::OutboxKind::Test,
        newsletter_id: people.newsletter.id,
        subscription_id: None,
        to_address: Some(address("collega@example.org")),
        issue_id: None,
        welcome_step_id: None,
        language: Language::Dutch,
        nonce: Vec::new(),
        message_uuid: uuid::Uuid::now_v7(),
    };
    outbox::insert(&mut tx, &test, finished).await.expect("inserted");
    tx.commit().await.expect("committed");
    let finish = format!(
        "UPDATE outbox SET status = 'sent', finished_at = {} WHERE finished_at IS NULL",
        finished.as_millis()
    );
    execute(&store, Box::leak(finish.into_boxed_str())).await;
    let bench = bench(&people);
    people.clock.advance(DAY * 31);
    let tests_left = async || {
        read!(store, |db| postiljon::store::retention::find_single_mails(db, people.clock.now(), 0, 10)).len()
    };
    assert_eq!(tests_left().await, 1);
    run(&bench, async || tests_left().await == 0).await;
    let kept = read!(store, |db| outbox::of_subscription(db, reader.id));
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].status, kept[0].reply.as_str()), (OutboxStatus::Sent, "250 ok"));
});

both_dbs!(replies_of_a_mailing_go_and_outcomes_stay, |store| {
    let people = People::of(&store).await;
    let reader = people.confirmed("jan@example.org", 1).await;
    let (_, mailing) = people.scheduled().await;
    let bench = bench(&people);
    let engine = bench.start();
    let sent = bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    engine.stop().await;
    let row = async || {
        read!(store, |db| deliveries::of_subscriber(db, reader.subscriber_id)).pop().expect("a delivery")
    };
    assert!(row().await.reply.contains("250"), "{:?}", row().await);
    people.clock.advance(DAY * 91);
    run(&bench, async || row().await.reply.is_empty()).await;
    assert_eq!(row().await.outcome, postiljon::model::Outcome::Sent);
    let after = read!(store, |db| mailings::by_id(db, sent.id)).expect("the mailing");
    bench.assert_balanced(&after).await;
});

both_dbs!(reasons_counts_proofs_and_new_addresses_have_their_time, |store| {
    let people = People::of(&store).await;
    people.confirmed("jan@example.org", 1).await;
    let now = people.clock.now();
    let hour = now.as_millis() / 3_600_000;
    for sql in [
        format!(
            "INSERT INTO departures (subscription_id, reason, remark, at) SELECT id, 'other', 'Jan', {0} FROM subscriptions",
            now.as_millis()
        ),
        format!(
            "INSERT INTO signup_counts (form_id, hour, accepted, refused) SELECT id, {hour}, 1, 1 FROM forms WHERE TRUE ON CONFLICT DO NOTHING"
        ),
        format!(
            "INSERT INTO address_changes (hash, subscriber_id, new_address, created_at, expires_at) SELECT t.hash, n.subscriber_id, 'new@example.org', {0}, {0} FROM tokens t JOIN subscriptions n ON n.id = t.subscription_id",
            now.as_millis()
        ),
    ] {
        execute(&store, Box::leak(sql.into_boxed_str())).await;
    }
    let count = async |table: &str| rows(&store, table).await;
    let bench = bench(&people);
    people.clock.advance(DAY * 8);
    run(&bench, async || count("address_changes").await == 0).await;
    assert_eq!((count("departures").await, count("signup_counts").await), (1, 1));
    people.clock.advance(DAY * 90);
    run(&bench, async || count("signup_counts").await == 0).await;
    assert_eq!(count("departures").await, 1);
    people.clock.advance(DAY * 270);
    run(&bench, async || count("departures").await == 0).await;
});

async fn rows(store: &Store, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let sql = sqlx::AssertSqlSafe(sql);
    match store.pools() {
        postiljon::store::Pools::Sqlite { writer, .. } => {
            sqlx::query_scalar(sql).fetch_one(writer).await.expect("counted")
        }
        postiljon::store::Pools::Postgres(pool) => {
            sqlx::query_scalar(sql).fetch_one(pool).await.expect("counted")
        }
    }
}

both_dbs!(periods_follow_the_settings, |store| {
    let people = People::of(&store).await;
    let left = people.confirmed("left@example.org", 1).await;
    people.leave(&left).await;
    let mut bench = bench(&people);
    bench.parts.settings.retention.evidence = Duration::ZERO;
    people.clock.advance(Duration::from_secs(1));
    run(&bench, async || ips(&store, "left@example.org").await.iter().all(String::is_empty)).await;
});

both_dbs!(a_period_that_is_set_at_the_desk_counts_from_the_next_run_on_without_a_restart, |store| {
    let people = People::of(&store).await;
    let left = people.confirmed("left@example.org", 1).await;
    people.leave(&left).await;
    let bench = bench(&people);
    let configured = bench.parts.settings.retention;
    let evidence = async || {
        let all = read!(store, |db| all(db, configured));
        all.into_iter().find(|kept| kept.period == RetentionPeriod::Evidence).expect("a period")
    };
    people.clock.advance(DAY * 20);
    let engine = bench.start();
    let until = async |is_so: &dyn Fn(&postiljon::setup::retention::Kept) -> bool| {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !is_so(&evidence().await) {
            assert!(tokio::time::Instant::now() < deadline, "{:?}", evidence().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until(&|kept| kept.run.is_some_and(|run| run.removed_at.is_none())).await;
    assert_eq!(ips(&store, "left@example.org").await[0], "10.0.1.7", "the configuration keeps it for years");
    set(&store, configured, RetentionPeriod::Evidence, "10", true).await.expect("set");
    people.clock.advance(Duration::from_secs(3601));
    until(&|kept| kept.run.is_some_and(|run| run.removed_at.is_some() && run.removed == 3)).await;
    engine.stop().await;
    assert!(ips(&store, "left@example.org").await.iter().all(String::is_empty));
    assert!(evidence().await.is_set);
});
