use postiljon::model::{ConsentEvent, SubscriptionStatus};
use postiljon::store::consents;
use postiljon::subscriptions::company::{CompanyError, ask_again, end_subscription, subscribe_again};
use postiljon::subscriptions::erase::erase;

use crate::support::database::{both_dbs, read};
use crate::support::people::{People, address};

const BASIS: &str = "Asked for it on the phone on 3 November.";

both_dbs!(the_company_ends_a_subscription_and_brings_it_back_on_a_basis_only, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    for _ in 0..2 {
        end_subscription(&store, &people.clock, &people.keys, jan.id).await.expect("ended");
    }
    let ended = people.subscription("jan@example.org").await.expect("there");
    assert_eq!((ended.status, ended.audience_since), (SubscriptionStatus::Unsubscribed, None));
    let refused = subscribe_again(&store, &people.clock, &people.keys, jan.id, "because").await;
    assert!(matches!(refused, Err(CompanyError::Invalid(_))), "{refused:?}");
    subscribe_again(&store, &people.clock, &people.keys, jan.id, BASIS).await.expect("back");
    let back = people.subscription("jan@example.org").await.expect("there");
    assert_eq!(back.status, SubscriptionStatus::Confirmed);
    assert_eq!(people.noted("subscribers_changed").await, ["subscribe", "unsubscribe"]);
    let chain = read!(store, |db| consents::of_subscriber(db, jan.subscriber_id));
    let events: Vec<_> = chain.iter().map(|one| (one.event, one.source.as_str())).collect();
    assert_eq!(
        events[2..],
        [(ConsentEvent::Withdrawn, "company"), (ConsentEvent::Imported, "company")],
        "ended once, whatever was pressed twice"
    );
    let text = chain[3].consent_text_id.expect("the words are kept");
    assert_eq!(read!(store, |db| consents::text_by_id(db, text)).expect("kept").body, BASIS);
});

both_dbs!(nobody_who_was_erased_is_brought_back_and_the_question_is_asked_within_limits, |store| {
    let people = People::of(&store).await;
    people.sign_up("jan@example.org", 1).await.expect("signed up");
    let jan = people.subscription("jan@example.org").await.expect("there");
    people.mails().await;
    people.clock.advance(std::time::Duration::from_secs(120));
    ask_again(&store, &people.clock, &people.keys, jan.id).await.expect("asked");
    assert_eq!(people.mails().await.len(), 1);
    assert_eq!(people.noted("subscribers_changed").await, ["ask"]);
    let mut asked = 0;
    while ask_again(&store, &people.clock, &people.keys, jan.id).await.is_ok() {
        asked += 1;
        assert!(asked < 20, "there is no limit");
    }
    erase(&store, &people.clock, &people.keys, &address("jan@example.org")).await.expect("erased");
    let refused = subscribe_again(&store, &people.clock, &people.keys, jan.id, BASIS).await;
    assert!(matches!(refused, Err(CompanyError::NotPossible)), "{refused:?}");
});
