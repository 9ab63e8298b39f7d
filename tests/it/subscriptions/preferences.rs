use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use postiljon::keys::Purpose;
use postiljon::model::{
    Agreed, ConsentEvent, DepartureReason, EmailAddress, Language, Mailing, OutboxKind, Rhythm, Subscription,
    SubscriptionChange, SubscriptionId, SubscriptionStatus, Topic, WorkerId,
};
use postiljon::publishing::topics::{TopicInput, TopicWords, add, archive};
use postiljon::store::{Pools, deliveries, issues, mailings, subscribers, subscription_changes, topics};
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::another::{AskError, resend};
use postiljon::subscriptions::company::{CompanyError, ask_again};
use postiljon::subscriptions::erase::erase;
use postiljon::subscriptions::fields::archive_field;
use postiljon::subscriptions::open_form::OpenForm;
use postiljon::subscriptions::preferences::address::{ChangeError, Move, ask, confirm_move, look_at_move};
use postiljon::subscriptions::preferences::data::personal_data;
use postiljon::subscriptions::preferences::erasing::erase_me;
use postiljon::subscriptions::preferences::pause::{PauseError, Until, pause, resume};
use postiljon::subscriptions::preferences::topics::set_topics;
use postiljon::subscriptions::preferences::tracking::set_tracking;
use postiljon::subscriptions::preferences::{Answer, Preferences, look, set_language, set_rhythm};
use postiljon::subscriptions::reason::say_why;
use postiljon::subscriptions::show::dossier;
use postiljon::subscriptions::signup::SignUp;
use postiljon::subscriptions::unsubscribe::{resubscribe, undo_link};

use super::import::ran;
use crate::support::database::{both_dbs, change, execute, on_postgres, read};
use crate::support::people::{People, address, newsletter};
use crate::support::{forms, samples};

impl People {
    fn link(&self, subscription: &Subscription) -> String {
        self.keys.sign_link(Purpose::Preferences, subscription.id)
    }

    async fn topic(&self, name: &str) -> Topic {
        let texts =
            vec![TopicWords { language: Language::Dutch, name: name.into(), description: String::new() }];
        let input = TopicInput { texts };
        add(&self.store, &self.clock, self.newsletter.id, &input, true).await.expect("added")
    }

    async fn choose(&self, subscription: &Subscription, wanted: &[&Topic]) -> Answer {
        let wanted: Vec<_> = wanted.iter().map(|topic| topic.id).collect();
        set_topics(&self.store, &self.clock, &self.keys, &self.link(subscription), &wanted)
            .await
            .expect("answered")
    }

    async fn pause(&self, subscription: &Subscription, months: u32) -> Answer {
        let link = self.link(subscription);
        pause(&self.store, &self.clock, &self.keys, &link, Until::Months(months)).await.expect("paused")
    }

    async fn resume(&self, subscription: &Subscription) -> Answer {
        resume(&self.store, &self.clock, &self.keys, &self.link(subscription)).await.expect("resumed")
    }

    async fn rhythm(&self, subscription: &Subscription, rhythm: Rhythm) -> Answer {
        let link = self.link(subscription);
        set_rhythm(&self.store, &self.clock, &self.keys, &link, rhythm).await.expect("set")
    }

    /// An issue about a topic, begun.
    async fn begun_about(&self, topic: &Topic) -> Mailing {
        let (issue, mailing) = self.scheduled().await;
        change!(self.store, |tx| samples::cancel(tx, mailing.id, self.clock.now()));
        let text = issues::IssueText { subject: "About".into(), topic: Some(topic.id), ..Default::default() };
        let now = self.clock.now();
        change!(self.store, |tx| issues::update(tx, issue.id, issue.version, &text, now)).expect("saved");
        let mailing = change!(self.store, |tx| mailings::insert(tx, issue.id, self.newsletter.id, now, now));
        self.start(&mailing).await
    }

    /// Claims all that are left of a mailing, and checks its account: nobody is forgotten and nobody twice.
    async fn claim_rest(&self, mailing: &Mailing) -> Vec<SubscriptionId> {
        let mut tx = self.store.begin().await.expect("a transaction");
        let locked = mailings::lock_sending(&mut tx, mailing.id).await.expect("locked").expect("sending");
        let claimed = samples::claim_next(&mut tx, &locked, WorkerId(1), 1_000, self.clock.now())
            .await
            .expect("claimed");
        tx.commit().await.expect("committed");
        let now = read!(self.store, |db| mailings::by_id(db, mailing.id)).expect("there");
        let rows: i64 =
            read!(self.store, |db| deliveries::count(db, mailing.id)).iter().map(|(_, count)| count).sum();
        assert_eq!((now.account.audience, now.cursor), (rows, now.audience_end), "{:?}", now.account);
        claimed.iter().map(|recipient| recipient.subscription_id).collect()
    }

    async fn skipped(&self, mailing: &Mailing) -> i64 {
        read!(self.store, |db| mailings::by_id(db, mailing.id)).expect("there").account.skipped
    }

    async fn fresh(&self, subscription: &Subscription) -> Subscription {
        read!(self.store, |db| postiljon::store::subscriptions::by_id(db, subscription.id)).expect("there")
    }

    async fn events(&self, text: &str) -> Vec<ConsentEvent> {
        let dossier = dossier(&self.store, &address(text)).await.expect("read").expect("known");
        dossier.consents.iter().map(|consent| consent.event).collect()
    }

    async fn ask(&self, subscription: &Subscription, new: &str) -> Result<Answer, ChangeError> {
        ask(&self.store, &self.clock, &self.keys, &self.link(subscription), new).await
    }

    /// The token in the mail to a new address, if one waits.
    async fn change_token(&self) -> Option<String> {
        let mails = self.mails().await;
        let mail = mails.into_iter().find(|mail| mail.kind == OutboxKind::AddressChange)?;
        Some(self.keys.derive_token(Purpose::AddressChange, &mail.nonce))
    }

    async fn press(&self, token: &str) -> Move {
        confirm_move(&self.store, &self.clock, &self.keys, token, &Evidence::command()).await.expect("asked")
    }
}

both_dbs!(who_confirms_has_every_topic_that_is_offered, |store| {
    let people = People::of(&store).await;
    let (money, law) = (people.topic("Geld").await, people.topic("Recht").await);
    archive(&people.store, &people.clock, law.id).await.expect("archived");
    let jan = people.confirmed("jan@example.org", 1).await;
    assert_eq!(read!(store, |db| topics::chosen(db, jan.id)), [money.id]);
    // Who comes back keeps the choice.
    let sport = people.topic("Sport").await;
    people.choose(&jan, &[&sport]).await;
    people.leave(&jan).await;
    people.clock.advance(Duration::from_secs(3600));
    people.confirmed("jan@example.org", 2).await;
    assert_eq!(read!(store, |db| topics::chosen(db, jan.id)), [sport.id]);
});

both_dbs!(a_wrong_link_and_one_of_another_purpose_change_nothing, |store| {
    let people = People::of(&store).await;
    let topic = people.topic("Geld").await;
    let jan = people.confirmed("jan@example.org", 1).await;
    for link in [
        people.keys.sign_link(Purpose::Unsubscribe, jan.id),
        people.keys.sign_link(Purpose::Resubscribe, jan.id),
        postiljon::keys::Keys::new(&[8; 32]).sign_link(Purpose::Preferences, jan.id),
        String::new(),
        "x".repeat(500),
    ] {
        let (store, clock, keys) = (&people.store, &people.clock, &people.keys);
        assert!(matches!(look(store, keys, &link).await, Ok(Preferences::Unknown)));
        assert_eq!(set_topics(store, clock, keys, &link, &[]).await.expect("asked"), Answer::Unknown);
        assert_eq!(
            set_language(store, &people.clock, keys, &link, Language::German).await.expect("asked"),
            Answer::Unknown
        );
        assert_eq!(
            set_rhythm(store, clock, keys, &link, Rhythm::Monthly).await.expect("asked"),
            Answer::Unknown
        );
        assert_eq!(pause(store, clock, keys, &link, Until::Months(1)).await.expect("asked"), Answer::Unknown);
        assert_eq!(erase_me(store, clock, keys, &link).await.expect("asked"), Answer::Unknown);
        assert_eq!(ask(store, clock, keys, &link, "new@example.org").await.expect("asked"), Answer::Unknown);
        assert!(personal_data(store, keys, &link).await.expect("asked").is_none());
    }
    assert_eq!(format!("{:?}", people.fresh(&jan).await), format!("{jan:?}"));
    assert_eq!(read!(store, |db| topics::chosen(db, jan.id)), [topic.id]);
});

both_dbs!(nothing_is_chosen_before_confirming_and_after_leaving, |store| {
    let people = People::of(&store).await;
    people.sign_up("jan@example.org", 1).await.expect("signed up");
    let jan = people.subscription("jan@example.org").await.expect("there");
    assert_eq!(people.pause(&jan, 1).await, Answer::NotSubscribed);
    assert_eq!(people.ask(&jan, "new@example.org").await.expect("asked"), Answer::NotSubscribed);
    let left = people.confirmed("an@example.org", 2).await;
    people.leave(&left).await;
    assert_eq!(people.rhythm(&left, Rhythm::Monthly).await, Answer::NotSubscribed);
    assert_eq!(people.fresh(&left).await.rhythm, Rhythm::Each);
});

both_dbs!(an_issue_with_a_topic_goes_to_those_who_have_it, |store| {
    let people = People::of(&store).await;
    let topic = people.topic("Geld").await;
    let mut all = Vec::new();
    for n in 0..5 {
        all.push(people.confirmed(&format!("p{n}@example.org"), n).await);
    }
    people.choose(&all[0], &[]).await;
    people.clock.advance(Duration::from_secs(1));
    let mailing = people.begun_about(&topic).await;
    assert_eq!((mailing.topic_id, mailing.account.audience), (Some(topic.id), 4));
    // Added during the mailing: the next one. Dropped: skipped, once. Dropped and added: not again.
    people.choose(&all[0], &[&topic]).await;
    for _ in 0..2 {
        people.choose(&all[1], &[]).await;
    }
    people.choose(&all[2], &[]).await;
    people.choose(&all[2], &[&topic]).await;
    people.choose(&all[2], &[]).await;
    assert_eq!(people.skipped(&mailing).await, 2);
    // Leaving without the topic counts nobody.
    people.leave(&all[0]).await;
    people.leave(&all[1]).await;
    assert_eq!(people.claim_rest(&mailing).await, [all[3].id, all[4].id]);
    assert_eq!(people.skipped(&mailing).await, 2);
});

both_dbs!(who_pauses_during_a_mailing_is_skipped_and_gets_the_next_after, |store| {
    let people = People::of(&store).await;
    let mut all = Vec::new();
    for n in 0..4 {
        all.push(people.confirmed(&format!("p{n}@example.org"), n).await);
    }
    people.clock.advance(Duration::from_secs(1));
    let (_, scheduled) = people.scheduled().await;
    let mailing = people.start(&scheduled).await;
    for _ in 0..2 {
        assert_eq!(people.pause(&all[0], 1).await, Answer::Saved);
    }
    people.pause(&all[1], 3).await;
    people.resume(&all[1]).await;
    people.rhythm(&all[2], Rhythm::Monthly).await;
    people.rhythm(&all[2], Rhythm::Each).await;
    people.leave(&all[0]).await;
    assert_eq!(people.claim_rest(&mailing).await, [all[3].id]);
    assert_eq!((mailing.account.audience, people.skipped(&mailing).await), (4, 3));
    people.clock.advance(Duration::from_secs(1));
    let (_, scheduled) = people.scheduled().await;
    let next = people.start(&scheduled).await;
    assert_eq!(next.account.audience, 3);
    assert_eq!(people.claim_rest(&next).await, [all[1].id, all[2].id, all[3].id]);
});

both_dbs!(a_claim_of_someone_who_pauses_or_drops_the_topic_is_not_sent, |store| {
    let people = People::of(&store).await;
    let topic = people.topic("Geld").await;
    let (jan, an) =
        (people.confirmed("jan@example.org", 1).await, people.confirmed("an@example.org", 2).await);
    people.clock.advance(Duration::from_secs(1));
    let mailing = people.begun_about(&topic).await;
    assert_eq!(people.claim_rest(&mailing).await.len(), 2);
    let wanted = async |of: &Subscription| {
        read!(store, |db| deliveries::recipient(db, mailing.id, of.subscriber_id)).expect("there").1
    };
    assert!(wanted(&jan).await && wanted(&an).await);
    people.pause(&jan, 1).await;
    people.choose(&an, &[]).await;
    assert!(!wanted(&jan).await && !wanted(&an).await);
    people.resume(&jan).await;
    people.choose(&an, &[&topic]).await;
    assert!(!wanted(&jan).await && !wanted(&an).await, "they are in the next");
});

both_dbs!(a_pause_lasts_until_a_day_of_the_coming_year_in_the_newsletters_zone, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    let until = async |day| {
        let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").expect("a day");
        pause(&people.store, &people.clock, &people.keys, &people.link(&jan), Until::Date(day)).await
    };
    // Today is 24 November 2026.
    assert!(matches!(until("2026-11-24").await, Err(PauseError::NotAhead)));
    assert!(matches!(until("2020-01-01").await, Err(PauseError::NotAhead)));
    assert!(matches!(until("2027-11-25").await, Err(PauseError::TooFar)));
    assert_eq!(people.fresh(&jan).await.paused_until, None);
    for (day, moment) in [("2026-11-25", "2026-11-24T23:00:00Z"), ("2027-11-24", "2027-11-23T23:00:00Z")] {
        assert_eq!(until(day).await.expect("paused"), Answer::Saved);
        let paused = people.fresh(&jan).await;
        assert_eq!(paused.paused_until.map(|until| until.rfc3339()).as_deref(), Some(moment));
        assert_eq!(paused.audience_since, None);
    }
    // Signing up again after leaving begins anew; the undo of leaving does not end the pause.
    people.leave(&jan).await;
    let undo = undo_link(&people.keys, &jan);
    resubscribe(&people.store, &people.clock, &people.keys, &undo, &Evidence::command()).await.expect("back");
    let back = people.fresh(&jan).await;
    assert!(back.paused_until.is_some() && back.audience_since.is_none());
    people.leave(&jan).await;
    people.clock.advance(Duration::from_secs(3600));
    let anew = people.confirmed("jan@example.org", 2).await;
    assert!(anew.paused_until.is_none() && anew.audience_since.is_some());
});

both_dbs!(opens_and_clicks_are_agreed_to_apart_and_each_change_is_evidence_once, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    assert_eq!(jan.agreed(), Agreed::NEITHER);
    let set = async |wanted| {
        let (link, evidence) = (people.link(&jan), Evidence::command());
        let (store, clock, keys) = (&people.store, &people.clock, &people.keys);
        set_tracking(store, clock, keys, &link, wanted, Language::French, &evidence).await.expect("set");
    };
    let (opens, clicks) = (Agreed { opens: true, clicks: false }, Agreed { opens: false, clicks: true });
    for wanted in [Agreed::NEITHER, clicks, clicks, Agreed::BOTH, opens, opens, Agreed::NEITHER] {
        set(wanted).await;
        set(wanted).await;
        assert_eq!(people.fresh(&jan).await.agreed(), wanted);
    }
    use ConsentEvent::{ClicksGiven, ClicksWithdrawn, Confirmed, OpensGiven, OpensWithdrawn, Requested};
    assert_eq!(
        people.events("jan@example.org").await,
        [Requested, Confirmed, ClicksGiven, OpensGiven, ClicksWithdrawn, OpensWithdrawn]
    );
    let dossier = dossier(&store, &address("jan@example.org")).await.expect("read").expect("known");
    let words = |at: usize| {
        let id = dossier.consents[at].consent_text_id;
        dossier.consent_texts.iter().find(|text| Some(text.id) == id).map(|text| text.body.as_str())
    };
    assert!(words(2).expect("kept").starts_with("Meridiaan peut voir quels liens"));
    assert!(words(3).expect("kept").starts_with("Meridiaan peut voir si j’ouvre"));
    assert_eq!((words(4), words(5)), (None, None), "nothing is agreed to on withdrawing");
    // The words of signing up are still the ones that they were: no new version of them.
    people.confirmed("an@example.org", 2).await;
    people.sign_up("els@example.org", 3).await.expect("signed up");
    set(Agreed::BOTH).await;
});

both_dbs!(a_new_address_takes_every_subscription_with_it_and_the_old_one_hears_of_it, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    assert_eq!(people.ask(&jan, " Jan.New@Example.net ").await.expect("asked"), Answer::Saved);
    assert!(people.subscription("jan.new@example.net").await.is_none(), "not before the button");
    let token = people.change_token().await.expect("a mail");
    assert!(matches!(look_at_move(&store, &people.clock, &token).await, Ok(Move::Open(_))));
    for _ in 0..2 {
        assert!(matches!(people.press(&token).await, Move::Done(_)));
    }
    let moved = people.subscription("jan.new@example.net").await.expect("moved");
    assert_eq!((moved.id, moved.status), (jan.id, SubscriptionStatus::Confirmed));
    assert!(people.subscription("jan@example.org").await.is_none());
    let mails = people.mails().await;
    let told: Vec<_> =
        mails.iter().map(|mail| (mail.kind, mail.to_address.as_ref().map(EmailAddress::as_str))).collect();
    assert_eq!(told, [(OutboxKind::AddressChanged, Some("jan@example.org"))]);
    let events = people.events("jan.new@example.net").await;
    assert_eq!(events.iter().filter(|event| **event == ConsentEvent::AddressChanged).count(), 1);
});

both_dbs!(an_old_address_is_not_brought_back_by_an_import, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("old@example.org", 1).await;
    people.ask(&jan, "new@example.net").await.expect("asked");
    let token = people.change_token().await.expect("a mail");
    assert!(matches!(people.press(&token).await, Move::Done(_)));
    let file = b"email\nold@example.org\nnew@example.net\n";
    let basis = "Subscribed on our website between 2021 and 2025.";
    let (_, done) = ran(&people, file, basis).await;
    assert_eq!((done.counts.refused_left, done.counts.known), (1, 1), "one person, once: {:?}", done.counts);
    people.leave(&people.subscription("new@example.net").await.expect("moved")).await;
    let (would, done) = ran(&people, file, basis).await;
    assert_eq!((would, done.counts.refused_left), (done.counts, 2), "{:?}", done.counts);
    assert!(people.subscription("old@example.org").await.is_none());
    // Whoever has the old address now, and asks, is heard.
    people.clock.advance(Duration::from_secs(24 * 3600));
    people.confirmed("old@example.org", 2).await;
    let (_, done) = ran(&people, file, basis).await;
    assert_eq!((done.counts.known, done.counts.refused_left), (1, 1), "{:?}", done.counts);
});

both_dbs!(only_the_newest_wish_for_an_address_counts_and_for_seven_days, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    people.ask(&jan, "one@example.net").await.expect("asked");
    let first = people.change_token().await.expect("a mail");
    people.ask(&jan, "two@example.net").await.expect("asked");
    let second = people.change_token().await.expect("a mail");
    assert!(matches!(people.press(&first).await, Move::Unknown));
    people.clock.advance(Duration::from_secs(7 * 24 * 3600));
    assert!(matches!(people.press(&second).await, Move::Expired(_)));
    assert!(people.subscription("jan@example.org").await.is_some());
    // A token of another purpose, and what is none.
    people.sign_up("els@example.org", 2).await.expect("signed up");
    let confirm = people.token(&people.mails().await[0]);
    for wrong in [confirm.as_str(), "", "x"] {
        assert!(matches!(people.press(wrong).await, Move::Unknown));
    }
});

both_dbs!(what_is_known_of_a_new_address_shows_in_no_answer, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    people.confirmed("els@example.org", 2).await;
    people.confirmed("gone@example.org", 3).await;
    erase(&store, &people.clock, &people.keys, &address("gone@example.org")).await.expect("erased");
    people.clock.advance(Duration::from_secs(16 * 60));
    // One that is erased while its mail waits: nobody remembers that it was asked for.
    assert_eq!(people.ask(&jan, "later@example.org").await.expect("asked"), Answer::Saved);
    erase(&store, &people.clock, &people.keys, &address("Later@example.org")).await.expect("erased");
    assert!(people.change_token().await.is_none());
    // A subscriber's address: the mail says so, and its button leads nowhere.
    assert_eq!(people.ask(&jan, "els@example.org").await.expect("asked"), Answer::Saved);
    let token = people.change_token().await.expect("a mail");
    assert!(matches!(people.press(&token).await, Move::Taken(_)));
    // An erased one: the same answer, and nothing is written.
    assert_eq!(people.ask(&jan, "gone@example.org").await.expect("asked"), Answer::Saved);
    assert!(people.change_token().await.is_none());
    // One that has had enough of our mails today.
    for n in 10..14 {
        people.clock.advance(Duration::from_secs(16 * 60));
        people.sign_up("busy@example.org", n).await.expect("signed up");
    }
    people.mails().await;
    assert_eq!(people.ask(&jan, "busy@example.org").await.expect("asked"), Answer::Saved);
    assert!(people.change_token().await.is_none());
    assert!(read!(store, |db| subscribers::by_address(db, &address("jan@example.org"))).is_some());
});

both_dbs!(an_address_that_becomes_a_subscribers_in_the_meantime_is_not_taken, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    people.ask(&jan, "new@example.net").await.expect("asked");
    let token = people.change_token().await.expect("a mail");
    people.clock.advance(Duration::from_secs(16 * 60));
    people.sign_up("new@example.net", 2).await.expect("signed up");
    assert!(matches!(people.press(&token).await, Move::Taken(_)));
    assert!(people.subscription("jan@example.org").await.is_some());
});

both_dbs!(mistakes_in_a_new_address_are_told_and_one_person_asks_five_times_a_day, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    assert!(matches!(people.ask(&jan, "x").await, Err(ChangeError::Address(_))));
    assert!(matches!(people.ask(&jan, "JAN@example.org").await, Err(ChangeError::Same)));
    for n in 0..5 {
        people.ask(&jan, &format!("n{n}@example.net")).await.expect("asked");
    }
    assert!(matches!(people.ask(&jan, "n9@example.net").await, Err(ChangeError::TooMany)));
    people.clock.advance(Duration::from_secs(24 * 3600));
    people.ask(&jan, "n9@example.net").await.expect("asked");
});

both_dbs!(personal_data_holds_the_whole_story_and_no_formula, |store| {
    let people = People::of(&store).await;
    let topic = people.topic("Geld").await;
    let stamp = people.stamp();
    let mut form = people.form("jan@example.org", &stamp, 1);
    form.name = "=HYPERLINK(1)";
    people.send(&form).await.expect("signed up");
    let token = people.token(&people.mails().await[0]);
    postiljon::subscriptions::confirm::confirm(
        &store,
        &people.clock,
        &people.keys,
        &token,
        &Evidence::command(),
    )
    .await
    .expect("confirmed");
    let jan = people.subscription("jan@example.org").await.expect("there");
    people.clock.advance(Duration::from_secs(1));
    let mailing = people.begun_about(&topic).await;
    people.claim_rest(&mailing).await;
    let data = personal_data(&store, &people.keys, &people.link(&jan)).await.expect("read").expect("known");
    assert_eq!(data.subscriptions[0].topics, ["geld"]);
    assert_eq!((data.consents.len(), data.consents[0].ip.as_str()), (2, "10.0.1.7"));
    assert!(!data.consents[0].words.is_empty());
    assert_eq!((data.mails.len(), data.mails[0].subject.as_str()), (1, "About"));
    let csv = String::from_utf8(data.to_csv().expect("written")).expect("UTF-8");
    assert!(csv.contains("person,,2026-11-24T09:00:00Z,name,'=HYPERLINK(1)"), "{csv}");
    assert!(csv.contains("jan@example.org") && csv.contains("mail 1,News <insights>"), "{csv}");
    assert_eq!(
        erase_me(&store, &people.clock, &people.keys, &people.link(&jan)).await.expect("erased"),
        Answer::Gone
    );
    assert_eq!(
        erase_me(&store, &people.clock, &people.keys, &people.link(&jan)).await.expect("again"),
        Answer::Gone
    );
    assert!(matches!(look(&store, &people.keys, &people.link(&jan)).await, Ok(Preferences::Gone)));
    assert!(people.subscription("jan@example.org").await.is_none());
});

both_dbs!(personal_data_holds_what_was_answered_to_fields, |store| {
    let people = People::of(&store).await;
    let fields = forms::fields(&store, &people.clock, people.newsletter.id).await;
    let form = forms::form(&store, &people.clock, people.newsletter.id, &fields).await;
    let mut reader = store.read().await.expect("a reader");
    let open = OpenForm::by_public_id(reader.db(), form.public_id).await.expect("read").expect("open");
    drop(reader);
    let values =
        [("company", "=1+1"), ("role", "buyer")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    let stamp = people.stamp();
    let sign_up = SignUp {
        form: &open,
        values: &values,
        language: Language::English,
        ..people.form("jan@example.org", &stamp, 1)
    };
    people.send(&sign_up).await.expect("signed up");
    let token = people.token(&people.mails().await[0]);
    postiljon::subscriptions::confirm::confirm(
        &store,
        &people.clock,
        &people.keys,
        &token,
        &Evidence::command(),
    )
    .await
    .expect("confirmed");
    // What was answered stays, and is told, when nobody is asked for it any more.
    archive_field(&store, &people.clock, fields[3].id, true).await.expect("archived");
    let jan = people.subscription("jan@example.org").await.expect("there");
    let data = personal_data(&store, &people.keys, &people.link(&jan)).await.expect("read").expect("known");
    let json = serde_json::to_value(&data).expect("JSON");
    assert_eq!(
        json["subscriptions"][0]["answers"],
        serde_json::json!([
            {"field": "company", "question": "My company", "answer": "=1+1"},
            {"field": "role", "question": "My role", "answer": "buyer"},
        ])
    );
    let csv = String::from_utf8(data.to_csv().expect("written")).expect("UTF-8");
    assert!(csv.contains(",answer to company,'=1+1\n") && csv.contains(",answer to role,buyer\n"), "{csv}");
});

both_dbs!(the_language_that_a_reader_chooses_holds, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    let link = people.link(&jan);
    for _ in 0..2 {
        set_language(&store, &people.clock, &people.keys, &link, Language::German).await.expect("set");
    }
    assert_eq!(people.fresh(&jan).await.language, Language::German);
    // The story has it once, and without what it was.
    let changes = read!(store, |db| subscription_changes::of_subscription(db, jan.id));
    assert_eq!(changes.iter().map(|change| change.what).collect::<Vec<_>>(), [SubscriptionChange::Language]);
    let data = personal_data(&store, &people.keys, &link).await.expect("read").expect("known");
    assert_eq!(data.subscriptions[0].changes.len(), 1);
    let csv = String::from_utf8(data.to_csv().expect("written")).expect("UTF-8");
    assert!(csv.contains("subscription 1, change 1") && csv.contains(",what,language"), "{csv}");
    // A stranger's form does not change it.
    people.clock.advance(Duration::from_secs(3600));
    people.sign_up("jan@example.org", 2).await.expect("signed up");
    assert_eq!(people.fresh(&jan).await.language, Language::German);
});

on_postgres!(
    a_new_address_and_another_mail_that_are_asked_for_at_once_do_not_wait_for_each_other,
    |database| {
        let store = &database.store;
        let people = People::of(store).await;
        let jan = people.confirmed("jan@example.org", 1).await;
        let mut other = People::of_newsletter(store, newsletter(store, "other", Language::Dutch).await).await;
        other.clock = people.clock.clone();
        people.clock.advance(Duration::from_secs(3600));
        other.sign_up("jan@example.org", 2).await.expect("signed up");
        let waits = other.subscription("jan@example.org").await.expect("pending");
        people.scheduled().await;
        other.scheduled().await;
        let (clock, keys, to) = (&people.clock, &people.keys, &address("jan@example.org"));
        for n in 0..25_u16 {
            clock.advance(Duration::from_secs(31 * 24 * 3600));
            // The same mailbox, so that the same is counted.
            let new = format!("jan+{n}@example.org");
            let (moved, asked, sent, signed_up) = tokio::join!(
                people.ask(&jan, &new),
                ask_again(store, clock, keys, waits.id),
                resend(store, clock, keys, &other.newsletter, to, Language::Dutch, None),
                other.sign_up("jan@example.org", n + 3),
            );
            assert!(!matches!(moved, Err(ChangeError::Store(_))), "{n}: {moved:?}");
            let is_so = matches!(asked, Err(CompanyError::Store(_) | CompanyError::Ask(AskError::Store(_))));
            assert!(!is_so, "{n}: {asked:?}");
            assert!(sent.is_ok(), "{n}: {sent:?}");
            assert!(signed_up.is_ok(), "{n}: {signed_up:?}");
        }
    }
);

both_dbs!(personal_data_holds_what_was_said_on_leaving_and_the_mails_about_the_subscription, |store| {
    let people = People::of(&store).await;
    let jan = people.confirmed("jan@example.org", 1).await;
    let sent = "UPDATE outbox SET status = 'sent', reply = '250 2.0.0 queued as 7', finished_at = created_at";
    execute(&store, sent).await;
    people.ask(&jan, "new@example.net").await.expect("asked");
    people.leave(&jan).await;
    let link = people.keys.sign_link(Purpose::Unsubscribe, jan.id);
    let reason = Some(DepartureReason::Other);
    say_why(&store, &people.clock, &people.keys, &link, reason, "Geen tijd meer").await.expect("said");
    let data = personal_data(&store, &people.keys, &people.link(&jan)).await.expect("read").expect("known");
    let one = &data.subscriptions[0];
    let said = one.departure.as_ref().expect("a reason");
    assert_eq!((said.reason.as_str(), said.remark.as_str()), ("other", "Geen tijd meer"));
    let mail = &one.mails[0];
    assert_eq!((mail.kind.as_str(), mail.outcome.as_str()), ("confirm", "sent"));
    assert_eq!(mail.reply, "250 2.0.0 queued as 7");
    let [asked, confirmed, _] = &data.consents[..] else { panic!("{:?}", data.consents) };
    assert!(asked.message_id == mail.message_id && confirmed.message_id == mail.message_id);
    assert!(!asked.form.is_empty() && asked.form_version.is_some() && asked.language == Language::Dutch);
    assert_eq!(data.new_addresses[0].address, "new@example.net");
    assert!(!one.is_throw_away && one.import.is_none());
    let json = serde_json::to_string(&data).expect("JSON");
    let csv = String::from_utf8(data.to_csv().expect("written")).expect("UTF-8");
    for file in [&json, &csv] {
        for part in ["Geen tijd meer", "250 2.0.0 queued as 7", "new@example.net", mail.message_id.as_str()] {
            assert!(file.contains(part), "{part}: {file}");
        }
    }
    // The company's own look holds the same.
    let all = dossier(&store, &address("jan@example.org")).await.expect("read").expect("known");
    let json = serde_json::to_string(&all).expect("JSON");
    for part in ["Geen tijd meer", "250 2.0.0 queued as 7", "new@example.net"] {
        assert!(json.contains(part), "{part}: {json}");
    }
});

both_dbs!(every_table_about_a_reader_is_told_to_the_reader_or_excused_by_name, |store| {
    /// What `subscriptions::show` and `preferences::data` read.
    const TOLD: [&str; 12] = [
        "address_changes",
        "consents",
        "deliveries",
        "departures",
        "outbox",
        "reader_hits",
        "subscription_changes",
        "subscription_topics",
        "subscription_values",
        "subscriptions",
        "tokens",
        "welcome_sent",
    ];
    /// What says nothing that the others do not say.
    const EXCUSED: [(&str, &str); 3] = [
        ("bulk_act_rows", "what the undo of an act of the desk needs: the state is in the subscription"),
        ("mailing_audience", "whom a mailing to a segment is for while it goes out: deliveries stay"),
        ("subscriber_words", "the words of name and address, by which they are found"),
    ];
    const SQLITE: &str = "SELECT DISTINCT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
        WHERE t.type = 'table' AND c.name IN ('subscriber_id', 'subscription_id')";
    const POSTGRES: &str = "SELECT DISTINCT table_name::text FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name IN ('subscriber_id', 'subscription_id')";
    let found: Vec<String> = match store.pools() {
        Pools::Sqlite { writer, .. } => sqlx::query_scalar(SQLITE).fetch_all(writer).await.expect("read"),
        Pools::Postgres(pool) => sqlx::query_scalar(POSTGRES).fetch_all(pool).await.expect("read"),
    };
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> = TOLD.into_iter().chain(EXCUSED.map(|(table, _)| table)).collect();
    assert_eq!(found, known, "a new table about a reader: have it told, or say here why not");
});
