use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::config::{Config, Role};
use postiljon::keys::Purpose;
use postiljon::model::{ConsentEvent, SubscriptionId, SubscriptionStatus, WorkerId};
use postiljon::service::Service;
use postiljon::store::{mailings, subscriptions};
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::confirm::{Confirmation, confirm, look};
use postiljon::subscriptions::erase::erase;
use postiljon::subscriptions::show::dossier;
use postiljon::subscriptions::unsubscribe::{
    Departure, can_undo, resubscribe, undo_link, unsubscribe, unsubscribe_by_mail,
};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::database::{both_dbs, read};
use crate::support::people::{People, address};
use crate::support::samples;

both_dbs!(leaving_twice_is_success_twice_and_one_consent, |store| {
    let people = People::of(&store).await;
    let subscription = people.confirmed("jan@example.org", 1).await;
    // Years later.
    people.clock.advance(Duration::from_secs(3 * 365 * 24 * 3600));
    for _ in 0..2 {
        assert!(matches!(people.leave(&subscription).await, Departure::Done(_)));
    }
    let dossier = dossier(&people.store, &address("jan@example.org")).await.expect("read").expect("known");
    let withdrawn = dossier.consents.iter().filter(|consent| consent.event == ConsentEvent::Withdrawn);
    assert_eq!(withdrawn.count(), 1);
});

both_dbs!(leaving_from_the_confirmation_mail_withdraws_the_request, |store| {
    let people = People::of(&store).await;
    people.sign_up("jan@example.org", 1).await.expect("signed up");
    let sent = people.token(&people.mails().await[0]);
    people.clock.advance(Duration::from_secs(3600));
    people.sign_up("jan@example.org", 1).await.expect("signed up");
    let subscription = people.subscription("jan@example.org").await.expect("there");
    assert!(matches!(people.leave(&subscription).await, Departure::Done(_)));
    assert!(people.mails().await.is_empty(), "the second mail is not sent");
    let seen = look(&people.store, &people.clock, &sent).await.expect("looked");
    assert!(matches!(seen, Confirmation::Unknown));
    // There is nothing to undo: nobody had confirmed.
    let subscription = people.subscription("jan@example.org").await.expect("there");
    assert!(!can_undo(&people.clock, &subscription));
    let link = undo_link(&people.keys, &subscription);
    let undone = resubscribe(&people.store, &people.clock, &people.keys, &link, &Evidence::command()).await;
    assert!(matches!(undone, Ok(Departure::Done(_))), "{undone:?}");
});

both_dbs!(a_foreign_link_changes_nothing_and_one_of_an_erased_person_is_success, |store| {
    let people = People::of(&store).await;
    let subscription = people.confirmed("jan@example.org", 1).await;
    let foreign = [
        people.keys.sign_link(Purpose::Resubscribe, subscription.id),
        postiljon::keys::Keys::new(&[8; 32]).sign_link(Purpose::Unsubscribe, subscription.id),
        "x".to_owned(),
        String::new(),
    ];
    for link in foreign {
        let answer =
            unsubscribe(&people.store, &people.clock, &people.keys, &link, &Evidence::command()).await;
        assert!(matches!(answer, Ok(Departure::Unknown)), "{answer:?}");
    }
    let now = people.subscription("jan@example.org").await.expect("there");
    assert_eq!(now.status, SubscriptionStatus::Confirmed);
    erase(&people.store, &people.clock, &people.keys, &address("jan@example.org")).await.expect("erased");
    assert!(matches!(people.leave(&subscription).await, Departure::Gone));
});

both_dbs!(undo_works_for_an_hour, |store| {
    let people = People::of(&store).await;
    let subscription = people.confirmed("jan@example.org", 1).await;
    people.leave(&subscription).await;
    let link = undo_link(&people.keys, &subscription);
    let undo = async || {
        resubscribe(&people.store, &people.clock, &people.keys, &link, &Evidence::command())
            .await
            .expect("asked");
        people.subscription("jan@example.org").await.expect("there").status
    };
    people.clock.advance(Duration::from_secs(3599));
    assert_eq!(undo().await, SubscriptionStatus::Confirmed);
    assert_eq!(undo().await, SubscriptionStatus::Confirmed);
    people.leave(&subscription).await;
    people.clock.advance(Duration::from_secs(3601));
    assert_eq!(undo().await, SubscriptionStatus::Unsubscribed);
});

both_dbs!(a_mail_to_the_unsubscribe_address_is_enough, |store| {
    let people = People::of(&store).await;
    let subscription = people.confirmed("jan@example.org", 1).await;
    let link = people.keys.sign_link(Purpose::Unsubscribe, subscription.id);
    let by_mail = async |local: String| {
        unsubscribe_by_mail(&people.store, &people.clock, &people.keys, &local).await.expect("asked")
    };
    for wrong in ["leave".to_owned(), "leave+x".to_owned(), "leave+".to_owned(), link.clone()] {
        assert!(!by_mail(wrong).await);
    }
    // Some servers fold the case of a local part.
    assert!(by_mail(format!("Leave+{}", link.to_uppercase())).await);
    let status = people.subscription("jan@example.org").await.expect("there").status;
    assert_eq!(status, SubscriptionStatus::Unsubscribed);
});

/// By the door that mail programs use: whatever the mailbox of the configuration is called.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_to_the_mailbox_of_the_configuration_is_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [
        ("POSTILJON_DATA_FOLDER", folder.path().to_str().expect("a path")),
        ("POSTILJON_WEB_LISTEN", "127.0.0.1:0"),
        ("POSTILJON_WEB_PUBLIC_URL", "http://127.0.0.1:8080"),
        ("POSTILJON_MAIL_UNSUBSCRIBE_ADDRESS", "Leave@News.example"),
        ("POSTILJON_MAIL_INBOUND_LISTEN", "127.0.0.1:0"),
        ("POSTILJON_DESTINATIONS_MX", "false"),
        ("POSTILJON_SIGNUP_CHECK_MX", "false"),
    ];
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::load_for(Role::All, None, settings).expect("no mistake");
    // At the time of the samples: years later their readers would be forgotten before they have confirmed.
    let service = Service::start(&config, Role::All, Clock::test(samples::NOW), None).await.expect("started");
    let newsletter = samples::newsletter(&service.store, "insights").await;
    let reader = samples::confirmed(&service.store, newsletter.id, 1).await;
    let link = service.keys.sign_link(Purpose::Unsubscribe, reader.id);
    for (to, answer, status) in [
        (format!("other+{link}@news.example"), "550 5.1.1", SubscriptionStatus::Confirmed),
        (format!("leave+{link}@other.example"), "550 5.1.1", SubscriptionStatus::Confirmed),
        (format!("leave+{link}@news.example"), "250 2.0.0 you have left", SubscriptionStatus::Unsubscribed),
    ] {
        let at = service.inbound_address().expect("a door");
        let mut door = TcpStream::connect(at).await.expect("connected");
        let words = format!(
            "HELO mail.example\r\nMAIL FROM:<jan@example.org>\r\nRCPT TO:<{to}>\r\nDATA\r\nSubject: x\r\n\r\n.\r\nQUIT\r\n"
        );
        door.write_all(words.as_bytes()).await.expect("said");
        let mut heard = String::new();
        door.read_to_string(&mut heard).await.expect("an answer");
        assert!(heard.contains(answer), "{to}: {heard}");
        let now = read!(service.store, |db| subscriptions::by_id(db, reader.id)).expect("there");
        assert_eq!(now.status, status, "{to}");
    }
    service.stop().await;
}

both_dbs!(who_leaves_during_a_mailing_is_skipped_and_the_account_balances, |store| {
    let people = People::of(&store).await;
    let mut all = Vec::new();
    for n in 0..4 {
        all.push(people.confirmed(&format!("p{n}@example.org"), n).await);
    }
    let (_, scheduled) = people.scheduled().await;
    let mailing = people.start(&scheduled).await;
    assert_eq!(mailing.account.audience, 4);
    people.leave(&all[0]).await;
    erase(&people.store, &people.clock, &people.keys, &address("p1@example.org")).await.expect("erased");
    // Out and in again: already skipped. New in the same millisecond: not in the audience.
    people.leave(&all[2]).await;
    let link = undo_link(&people.keys, &all[2]);
    resubscribe(&people.store, &people.clock, &people.keys, &link, &Evidence::command()).await.expect("back");
    people.confirmed("late@example.org", 9).await;
    let claimed = claim_all(&people, &mailing).await;
    assert_eq!(claimed, [all[3].id]);
    let mut reader = people.store.read().await.expect("a reader");
    let now = mailings::by_id(reader.db(), mailing.id).await.expect("read").expect("there");
    assert_eq!((now.account.skipped, now.account.open()), (3, 1));
});

both_dbs!(an_audience_is_exact_whoever_comes_and_goes_while_a_mailing_begins, |store| {
    let people = std::sync::Arc::new(People::of(&store).await);
    let mut leaving = Vec::new();
    for n in 0..12 {
        leaving.push(people.confirmed(&format!("leaves{n}@example.org"), n).await);
    }
    let mut coming = Vec::new();
    for n in 0..12 {
        people.sign_up(&format!("comes{n}@example.org"), 100 + n).await.expect("signed up");
        coming.push(people.token(&people.mails().await[0]));
    }
    let (_, scheduled) = people.scheduled().await;
    let mut tasks = tokio::task::JoinSet::new();
    for subscription in leaving {
        let people = people.clone();
        tasks.spawn(async move { drop(people.leave(&subscription).await) });
    }
    for token in coming {
        let people = people.clone();
        tasks.spawn(async move {
            confirm(&people.store, &people.clock, &people.keys, &token, &Evidence::command())
                .await
                .expect("confirmed");
        });
    }
    let starter = people.clone();
    let start = tokio::spawn(async move { starter.start(&scheduled).await });
    let mailing = start.await.expect("started");
    while let Some(done) = tasks.join_next().await {
        done.expect("no task fails");
    }
    let claimed = i64::try_from(claim_all(&people, &mailing).await.len()).expect("a number");
    let mut reader = people.store.read().await.expect("a reader");
    let now = mailings::by_id(reader.db(), mailing.id).await.expect("read").expect("there");
    assert_eq!(now.account.audience, now.account.skipped + claimed);
});

async fn claim_all(people: &People, mailing: &postiljon::model::Mailing) -> Vec<SubscriptionId> {
    let mut tx = people.store.begin().await.expect("a transaction");
    let mailing = mailings::lock_sending(&mut tx, mailing.id).await.expect("locked").expect("sending");
    let claimed = samples::claim_next(&mut tx, &mailing, WorkerId(1), 1_000, people.clock.now())
        .await
        .expect("claimed");
    tx.commit().await.expect("committed");
    claimed.iter().map(|recipient| recipient.subscription_id).collect()
}
