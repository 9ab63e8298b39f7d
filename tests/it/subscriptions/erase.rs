use postiljon::model::{Language, OutboxKind};
use postiljon::store::outbox::{self, NewMail};
use postiljon::subscriptions::erase::erase;
use postiljon::subscriptions::show::dossier;

use crate::support::database::{TestDatabase, both_dbs};
use crate::support::people::{People, address};

both_dbs!(an_erased_person_is_unknown_and_erasing_again_is_no_error, |store| {
    let people = People::of(&store).await;
    people.confirmed("jan@example.org", 1).await;
    let erase = async || {
        erase(&people.store, &people.clock, &people.keys, &address("Jan@example.org")).await.expect("erased")
    };
    assert!(erase().await);
    assert!(dossier(&people.store, &address("jan@example.org")).await.expect("read").is_none());
    assert!(!erase().await);
});

#[tokio::test]
async fn nothing_of_an_erased_person_is_left_in_the_files() {
    let database = TestDatabase::sqlite().await;
    let people = People::of(&database.store).await;
    people.confirmed("needle-in-haystack@example.org", 1).await;
    people.sign_up("other@example.org", 2).await.expect("signed up");
    let test_mail = NewMail {
        kind: OutboxKind::Test,
        newsletter_id: people.newsletter.id,
        subscription_id: None,
        to_address: Some(address("Needle-in-haystack@example.org")),
        issue_id: None,
        welcome_step_id: None,
        language: Language::Dutch,
        nonce: Vec::new(),
        message_uuid: uuid::Uuid::new_v4(),
    };
    let mut tx = people.store.begin().await.expect("a transaction");
    outbox::insert(&mut tx, &test_mail, people.clock.now()).await.expect("inserted");
    tx.commit().await.expect("committed");
    let path = database.url.strip_prefix("sqlite:").expect("a file");
    assert!(files_hold(path, "eedle-in-haystack"), "the test can find what is there");
    let needle = address("needle-in-haystack@example.org");
    assert!(erase(&people.store, &people.clock, &people.keys, &needle).await.expect("erased"));
    assert!(!files_hold(path, "eedle-in-haystack"));
    people.sign_up("needle-in-haystack@example.org", 3).await.expect("the same answer");
    assert!(!files_hold(path, "eedle-in-haystack"));
}

fn files_hold(path: &str, needle: &str) -> bool {
    ["", "-wal", "-shm", "-journal"].iter().any(|end| {
        std::fs::read(format!("{path}{end}"))
            .is_ok_and(|octets| octets.windows(needle.len()).any(|window| window == needle.as_bytes()))
    })
}
