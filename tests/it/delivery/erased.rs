//! Erasing leaves nothing but the keyed hash: not in the database and its files, not in the journal, not in exports.

use std::path::Path;
use std::time::Duration;

use postiljon::keys::Purpose;
use postiljon::mail::relay::Stage;
use postiljon::model::{Language, OutboxKind};
use postiljon::store::outbox::{self, NewMail};
use postiljon::store::{Store, suppressions};
use postiljon::subscriptions::erase::erase;
use postiljon::subscriptions::export::export_csv;
use postiljon::subscriptions::receipt::of_address;
use postiljon::subscriptions::unsubscribe::{resubscribe, undo_link};
use postiljon::subscriptions::{Evidence, confirm};

use super::Bench;
use super::script::{Script, Step};
use crate::support::database::{TestDatabase, both_databases, change, execute, read};
use crate::support::needle::{self, ADDRESS, NAME};
use crate::support::people::{People, address};

/// A test mail to the person, written as others might.
async fn test_mail(people: &People, to: &str) {
    let mail = NewMail {
        kind: OutboxKind::Test,
        newsletter_id: people.newsletter.id,
        subscription_id: None,
        to_address: Some(address(to)),
        issue_id: None,
        welcome_step_id: None,
        language: Language::Dutch,
        nonce: Vec::new(),
        message_uuid: uuid::Uuid::new_v4(),
    };
    change!(people.store, |tx| outbox::insert(tx, &mail, people.clock.now()));
}

/// What the person leaves behind in every table that can have it.
async fn live(people: &People, bench: &Bench) {
    let stamp = people.stamp();
    let mut form = people.form(ADDRESS, &stamp, 1);
    form.name = NAME;
    form.evidence.page = "https://meridiaan.example/?email=needle.haystack@xn--bcher-kva.example".into();
    form.evidence.user_agent = "Hooiberg/1".into();
    people.send(&form).await.expect("signed up");
    let mail = people.mails().await.pop().expect("a mail");
    confirm::confirm(&people.store, &people.clock, &people.keys, &people.token(&mail), &Evidence::command())
        .await
        .expect("confirmed");
    let reader = people.subscription(ADDRESS).await.expect("a subscription");
    people.leave(&reader).await;
    let undo = undo_link(&people.keys, &reader);
    resubscribe(&people.store, &people.clock, &people.keys, &undo, &Evidence::command()).await.expect("back");
    people.confirmed("other@example.org", 2).await;
    let now = people.clock.now().as_millis();
    for sql in [
        format!("INSERT INTO departures (subscription_id, reason, remark, at) VALUES ({}, 'other', '{NAME}', {now})", reader.id),
        format!("INSERT INTO address_changes (hash, subscriber_id, new_address, created_at, expires_at)
            SELECT t.hash, n.subscriber_id, 'needle.haystack@BÜCHER.example', {now}, {now}
            FROM tokens t JOIN subscriptions n ON n.id = t.subscription_id"),
        format!("UPDATE outbox SET status = 'sent', worker_id = NULL, reply = '250 <needle.haystack@xn--bcher-kva.example> ok'
            WHERE subscription_id = {}", reader.id),
    ] {
        execute(&people.store, Box::leak(sql.into_boxed_str())).await;
    }
    test_mail(people, "needle.haystack@xn--bcher-kva.example").await;
    test_mail(people, "NEEDLE.Haystack@bücher.example").await;
    let (_, mailing) = people.scheduled().await;
    let engine = bench.start();
    bench.until_sent(&engine, &mailing, Duration::from_secs(60)).await;
    // A crash, so that the journal stays.
    engine.crash().await;
}

async fn exported(store: &Store) -> Vec<u8> {
    let mut out = Vec::new();
    export_csv(store, None, &mut out).await.expect("exported");
    out
}

async fn hits(database: &TestDatabase, folder: &Path) -> Vec<String> {
    let mut hits = needle::in_files(folder);
    if let Some(file) = database.url.strip_prefix("sqlite:") {
        hits.extend(needle::in_files(Path::new(file).parent().expect("a folder")));
    }
    hits.extend(needle::in_tables(&database.store).await);
    hits.extend(needle::found(&exported(&database.store).await));
    hits
}

both_databases!(nothing_but_the_keyed_hash_is_left_of_a_person, |database| {
    let folder = tempfile::tempdir().expect("a folder");
    let people = People::of(&database.store).await;
    let wire = Script::new(|to, _| match to.starts_with("Needle") {
        true => Step::Answer(Stage::Recipient, 550, "5.1.1 <needle.haystack@xn--bcher-kva.example> Hooiberg"),
        false => Step::Accept,
    });
    let mut bench = Bench::new(&database.store, wire);
    bench.clock = people.clock.clone();
    bench.parts.clock = people.clock.clone();
    bench.parts.settings.journal_folder = Some(folder.path().to_owned());
    live(&people, &bench).await;
    let before = hits(database, folder.path()).await;
    assert!(before.len() > 5, "the test can find what is there: {before:?}");
    // The keys of limits are keyed hashes from the start.
    assert!(!before.iter().any(|hit| hit.starts_with("rate_limits")));
    let person = address(ADDRESS);
    let receipts = of_address(&people.store, &people.clock, &person, None).await.expect("read");
    assert!(receipts.is_some());
    assert!(erase(&people.store, &people.clock, &people.keys, &person).await.expect("erased"));
    let after = hits(database, folder.path()).await;
    assert!(after.is_empty(), "{after:#?}");
    let hash = people.keys.mac(Purpose::AddressHash, person.key().as_bytes());
    assert!(read!(people.store, |db| suppressions::contains(db, &hash)));
    // Nor does it come back by a form.
    let stamp = people.stamp();
    let mut form = people.form(ADDRESS, &stamp, 3);
    form.name = NAME;
    people.send(&form).await.expect("the same answer");
    let again = hits(database, folder.path()).await;
    assert!(again.is_empty(), "{again:#?}");
    assert!(people.subscription("other@example.org").await.is_some());
});
