use std::time::Duration;

use postiljon::model::email_address::AddressError;
use postiljon::model::{ConsentEvent, Language, OutboxKind, SubscriptionStatus};
use postiljon::publishing::newsletters::{SenderInput, set_sender};
use postiljon::store::{consents, suppressions};
use postiljon::subscriptions::erase::erase;
use postiljon::subscriptions::show::dossier;
use postiljon::subscriptions::signup::{Problem, SignUpError};

use crate::support::database::both_dbs;
use crate::support::people::{People, address};
use crate::support::samples::newsletter;

const DAY: Duration = Duration::from_secs(24 * 3600);

both_dbs!(the_answer_is_the_same_in_five_states_and_the_difference_goes_by_mail, |store| {
    let people = People::of(&store).await;
    people.sign_up("pending@example.org", 1).await.expect("signed up");
    people.confirmed("confirmed@example.org", 2).await;
    let left = people.confirmed("left@example.org", 3).await;
    people.leave(&left).await;
    erase(&people.store, &people.clock, &people.keys, &address("erased@example.org")).await.expect("erased");
    people.mails().await;
    people.clock.advance(DAY);
    for (network, name) in (10..).zip(["new", "pending", "confirmed", "left", "erased"]) {
        let answer = people.sign_up(&format!("{name}@example.org"), network).await;
        assert!(answer.is_ok(), "{name}: {answer:?}");
    }
    let mut kinds: Vec<_> = people.mails().await.iter().map(|mail| mail.kind).collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [OutboxKind::Confirm, OutboxKind::Confirm, OutboxKind::Confirm, OutboxKind::AlreadySubscribed]
    );
    let status =
        async |name: &str| people.subscription(&format!("{name}@example.org")).await.map(|s| s.status);
    assert_eq!(status("new").await, Some(SubscriptionStatus::Pending));
    assert_eq!(status("confirmed").await, Some(SubscriptionStatus::Confirmed));
    assert_eq!(status("left").await, Some(SubscriptionStatus::Unsubscribed));
    assert_eq!(status("erased").await, None);
});

both_dbs!(nothing_is_written_of_someone_who_was_erased, |store| {
    let people = People::of(&store).await;
    erase(&people.store, &people.clock, &people.keys, &address("erased@example.org")).await.expect("erased");
    people.sign_up("Erased@Example.org", 1).await.expect("the same answer");
    assert!(people.mails().await.is_empty());
    let found = dossier(&people.store, &address("erased@example.org")).await.expect("read");
    assert!(found.is_none());
    let mut reader = people.store.read().await.expect("a reader");
    let hash = people.keys.address_hash(&address("erased@example.org"));
    assert!(suppressions::contains(reader.db(), &hash).await.expect("read"));
});

both_dbs!(a_victim_gets_three_mails_a_day_whatever_is_posted, |store| {
    let people = People::of(&store).await;
    let mut mails = 0;
    for post in 0..300_u16 {
        // A thousand spellings of one mailbox, each from another network, over one day.
        let spelling = format!("v.ic.tim+{post}@gmail.com");
        people.sign_up(&spelling, post).await.expect("the same answer");
        people.clock.advance(Duration::from_secs(24 * 3600 / 301));
        mails += people.mails().await.len();
    }
    assert_eq!(mails, 3);
    // The owner is not locked out for good, and another address is none of this.
    people.sign_up("other@gmail.com", 1_000).await.expect("signed up");
    assert_eq!(people.mails().await.len(), 1);
    people.clock.advance(DAY);
    people.sign_up("victim@gmail.com", 1_001).await.expect("signed up");
    assert_eq!(people.mails().await.len(), 1);
});

both_dbs!(no_day_has_more_than_three_mails_to_one_mailbox_around_midnight_of_its_window_either, |store| {
    let people = People::of(&store).await;
    // The first begins a day; the others stand around its end.
    people.sign_up("victim@gmail.com", 1).await.expect("signed up");
    people.clock.advance(DAY - Duration::from_secs(40 * 60));
    let mut mails = people.mails().await.len();
    for network in 2..=8 {
        people.sign_up("victim@gmail.com", network).await.expect("the same answer");
        people.clock.advance(Duration::from_secs(16 * 60));
        mails += people.mails().await.len();
    }
    assert_eq!(mails, 3);
    // What was refused prolongs nothing: a day after the last mail there is room again.
    people.clock.advance(DAY - Duration::from_secs(60 * 60));
    people.sign_up("victim@gmail.com", 9).await.expect("signed up");
    assert_eq!(people.mails().await.len(), 1);
});

both_dbs!(who_asks_once_a_week_is_heard_each_time, |store| {
    let people = People::of(&store).await;
    for network in 1..=8 {
        people.sign_up("jan@example.org", network).await.expect("signed up");
        assert_eq!(people.mails().await.len(), 1, "week {network}");
        people.clock.advance(7 * DAY);
    }
});

both_dbs!(clicking_ten_times_sends_one_mail_and_costs_no_more, |store| {
    let people = People::of(&store).await;
    for network in 0..10 {
        people.sign_up("jan@example.org", network).await.expect("the same answer");
    }
    assert_eq!(people.mails().await.len(), 1);
    people.clock.advance(Duration::from_secs(16 * 60));
    people.sign_up("jan@example.org", 20).await.expect("signed up");
    assert_eq!(people.mails().await.len(), 1);
});

both_dbs!(one_network_is_told_to_wait_and_others_are_not, |store| {
    let people = People::of(&store).await;
    for n in 0..5 {
        people.sign_up(&format!("a{n}@example.org"), 1).await.expect("signed up");
    }
    let sixth = people.sign_up("a5@example.org", 1).await;
    assert!(matches!(sixth, Err(SignUpError::TooMany { minutes: 1 })), "{sixth:?}");
    people.sign_up("a6@example.org", 2).await.expect("another network");
    people.clock.advance(Duration::from_secs(61));
    people.sign_up("a5@example.org", 1).await.expect("a minute later");
    let mut unstamped = people.form("b0@example.org", "", 3);
    unstamped.evidence.source = "form";
    let addresses = ["b0@example.org", "b1@example.org", "b2@example.org", "b3@example.org"];
    let mut answers = Vec::new();
    for address in addresses {
        answers.push(
            people.send(&postiljon::subscriptions::signup::SignUp { address, ..unstamped.clone() }).await,
        );
    }
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
});

both_dbs!(beyond_sixty_an_hour_mails_to_a_domain_wait_and_none_is_lost, |store| {
    let people = People::of(&store).await;
    for n in 0..63 {
        people.sign_up(&format!("p{n}@example.org"), n).await.expect("signed up");
    }
    assert_eq!(people.mails().await.len(), 60);
    people.clock.advance(Duration::from_secs(3 * 60));
    assert_eq!(people.mails().await.len(), 3);
});

both_dbs!(what_is_wrong_with_a_form_is_said_all_at_once, |store| {
    let people = People::of(&store).await;
    let stamp = people.stamp();
    let long_name = "x".repeat(10_000);
    let mut form = people.form("a@x.org\r\nBcc: y@z.org", &stamp, 1);
    form.name = &long_name;
    form.has_consented = false;
    let problems = match people.send(&form).await {
        Err(SignUpError::Invalid(problems)) => problems,
        other => panic!("{other:?}"),
    };
    assert_eq!(problems, [Problem::Address(AddressError::NoAt), Problem::NameTooLong, Problem::NoConsent]);
    let hostile = [
        "",
        "x",
        "a@b@c.org",
        "a..b@x.org",
        "\"q q\"@x.org",
        "a@localhost",
        "a@[127.0.0.1]",
        "a b@x.org",
        "a@x.org\nBcc: b@x.org",
        "a@x.org\0",
        "<a@x.org>",
        "a@-x.org",
        "a@x..org",
    ];
    let too_long = format!("{}@x.org", "a".repeat(65));
    for address in hostile.into_iter().chain([too_long.as_str()]) {
        let answer = people.send(&people.form(address, &stamp, 2)).await;
        assert!(matches!(answer, Err(SignUpError::Invalid(_))), "{address:?}: {answer:?}");
    }
    let fresh = postiljon::subscriptions::stamp::stamp(&people.keys, people.clock.now());
    let too_fast = people.send(&people.form("a@x.org", &fresh, 3)).await;
    assert!(matches!(&too_fast, Err(SignUpError::Invalid(p)) if *p == [Problem::TooFast]), "{too_fast:?}");
    let mut trapped = people.form("a@x.org", &stamp, 4);
    trapped.trap = "https://spam.example";
    people.send(&trapped).await.expect("the same answer");
    assert!(people.mails().await.is_empty());
});

both_dbs!(the_evidence_holds_the_words_that_were_shown, |store| {
    let people = People::of(&store).await;
    let stamp = people.stamp();
    let mut form = people.form("jan@example.org", &stamp, 1);
    form.shown_in = Language::French;
    form.evidence.user_agent = "u".repeat(1_000);
    people.send(&form).await.expect("signed up");
    let dossier = dossier(&people.store, &address("jan@example.org")).await.expect("read").expect("known");
    let [consent] = dossier.consents.as_slice() else { panic!("one consent") };
    assert_eq!((consent.event, consent.source.as_str()), (ConsentEvent::Requested, "page"));
    assert_eq!((consent.ip.as_str(), consent.user_agent.len()), ("10.0.1.7", 300));
    let [text] = dossier.consent_texts.as_slice() else { panic!("one text") };
    assert_eq!((text.language, text.version), (Language::French, 1));
    assert!(text.body.contains("News <insights>") && text.body.starts_with("Oui"), "{}", text.body);
    let mut reader = people.store.read().await.expect("a reader");
    let latest = consents::latest_text(reader.db(), people.newsletter.id, Language::French).await;
    assert_eq!(latest.expect("read").expect("kept").id, text.id);
});

both_dbs!(a_sender_that_is_called_as_its_newsletter_is_named_once_and_what_was_agreed_to_stays, |store| {
    let people = People::of_newsletter(&store, newsletter(&store, "insights").await).await;
    people.sign_up("before@example.org", 1).await.expect("signed up");
    let letter = &people.newsletter;
    let input = SenderInput {
        sender_name: "Insights".into(),
        sender_address: letter.sender_address.as_str().to_owned(),
        reply_to: String::new(),
        postal_address: letter.postal_address.clone(),
    };
    let renamed = set_sender(&store, letter.id, None, &input).await.expect("set");
    let people = People::of_newsletter(&store, renamed).await;
    people.sign_up("after@example.org", 2).await.expect("signed up");
    let agreed = async |at: &str| {
        let dossier = dossier(&people.store, &address(at)).await.expect("read").expect("known");
        let [text] = dossier.consent_texts.as_slice() else { panic!("one text") };
        (text.version, text.body.clone())
    };
    let (version, words) = agreed("before@example.org").await;
    assert!(
        version == 1 && words.starts_with("Ja, ik ontvang graag INSIGHTS van Meridiaan per e-mail."),
        "{words}"
    );
    let (version, words) = agreed("after@example.org").await;
    assert!(version == 2 && words.starts_with("Ja, ik ontvang graag INSIGHTS per e-mail."), "{words}");
});

both_dbs!(until_someone_confirms_the_last_sign_up_names_them_and_after_it_none, |store| {
    let people = People::of(&store).await;
    let name_now = async || {
        let found = dossier(&people.store, &address("jan@example.org")).await.expect("read").expect("known");
        (found.subscriber.name, found.subscriptions[0].language)
    };
    let send = async |name: &str, language: Language| {
        people.clock.advance(Duration::from_secs(3600));
        let stamp = people.stamp();
        let mut form = people.form("jan@example.org", &stamp, 1);
        (form.name, form.language) = (name, language);
        people.send(&form).await.expect("signed up");
    };
    send("=cmd() <b>\u{202e}", Language::French).await;
    assert_eq!(name_now().await, ("=cmd() <b>".to_owned(), Language::French));
    send("Jan", Language::German).await;
    assert_eq!(name_now().await, ("Jan".to_owned(), Language::German));
    let mails = people.mails().await;
    postiljon::subscriptions::confirm::confirm(
        &people.store,
        &people.clock,
        &people.keys,
        &people.token(mails.last().expect("a mail")),
        &postiljon::subscriptions::Evidence::command(),
    )
    .await
    .expect("confirmed");
    send("Stranger", Language::English).await;
    assert_eq!(name_now().await, ("Jan".to_owned(), Language::German));
});
