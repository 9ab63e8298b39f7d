use std::time::Duration;

use postiljon::model::{ConsentEvent, SubscriptionStatus};
use postiljon::store::subscriptions::delete_unconfirmed;
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::confirm::{Confirmation, confirm, look};
use postiljon::subscriptions::show::dossier;

use crate::support::database::both_dbs;
use crate::support::people::{People, address};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

both_dbs!(confirming_twice_is_success_twice_and_one_consent, |store| {
    let people = People::of(&store).await;
    people.sign_up("jan@example.org", 1).await.expect("signed up");
    let token = people.token(&people.mails().await[0]);
    let seen = look(&people.store, &people.clock, &token).await.expect("looked");
    assert!(matches!(seen, Confirmation::Open(_)));
    for _ in 0..2 {
        let done = confirm(&people.store, &people.clock, &people.keys, &token, &Evidence::command()).await;
        assert!(matches!(done, Ok(Confirmation::Done(_))), "{done:?}");
        people.clock.advance(WEEK);
    }
    let dossier = dossier(&people.store, &address("jan@example.org")).await.expect("read").expect("known");
    let events: Vec<_> = dossier.consents.iter().map(|consent| consent.event).collect();
    assert_eq!(events, [ConsentEvent::Requested, ConsentEvent::Confirmed]);
    assert!(dossier.consents[1].message_id.is_some());
});

both_dbs!(an_old_or_foreign_link_says_so, |store| {
    let people = People::of(&store).await;
    people.sign_up("jan@example.org", 1).await.expect("signed up");
    let token = people.token(&people.mails().await[0]);
    people.clock.advance(WEEK);
    let old = confirm(&people.store, &people.clock, &people.keys, &token, &Evidence::command()).await;
    assert!(matches!(old, Ok(Confirmation::Expired(_))), "{old:?}");
    let link =
        people.keys.sign_link(postiljon::keys::Purpose::Unsubscribe, postiljon::model::SubscriptionId(1));
    for foreign in ["", "x", "é", &"a".repeat(52), &"a".repeat(10_000), &link] {
        let answer = confirm(&people.store, &people.clock, &people.keys, foreign, &Evidence::command()).await;
        assert!(matches!(answer, Ok(Confirmation::Unknown)), "{answer:?}");
    }
    let status = people.subscription("jan@example.org").await.expect("there").status;
    assert_eq!(status, SubscriptionStatus::Pending);
});

both_dbs!(someone_who_left_comes_back_by_a_new_mail_and_not_by_the_old_one, |store| {
    let people = People::of(&store).await;
    people.sign_up("jan@example.org", 1).await.expect("signed up");
    let old = people.token(&people.mails().await[0]);
    confirm(&people.store, &people.clock, &people.keys, &old, &Evidence::command()).await.expect("confirmed");
    let subscription = people.subscription("jan@example.org").await.expect("there");
    people.leave(&subscription).await;
    let again = confirm(&people.store, &people.clock, &people.keys, &old, &Evidence::command()).await;
    assert!(matches!(again, Ok(Confirmation::Unknown)), "{again:?}");
    people.clock.advance(Duration::from_secs(3600));
    people.confirmed("jan@example.org", 2).await;
});

both_dbs!(an_unconfirmed_request_is_erased_unless_it_was_renewed, |store| {
    let people = People::of(&store).await;
    people.sign_up("old@example.org", 1).await.expect("signed up");
    people.sign_up("renewed@example.org", 2).await.expect("signed up");
    people.sign_up("refused@example.org", 3).await.expect("signed up");
    people.leave(&people.subscription("refused@example.org").await.expect("there")).await;
    people.confirmed("kept@example.org", 4).await;
    people.clock.advance(WEEK);
    people.sign_up("renewed@example.org", 5).await.expect("signed up");
    let before = people.clock.now().minus(Duration::from_secs(3600));
    let mut tx = people.store.begin().await.expect("a transaction");
    assert_eq!(delete_unconfirmed(&mut tx, before).await.expect("deleted"), 2);
    tx.commit().await.expect("committed");
    for (name, is_there) in [("old", false), ("refused", false), ("renewed", true), ("kept", true)] {
        let found = people.subscription(&format!("{name}@example.org")).await;
        assert_eq!(found.is_some(), is_there, "{name}");
    }
});
