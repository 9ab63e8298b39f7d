use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use postiljon::keys::Purpose;
use postiljon::model::{Agreed, ConsentEvent, Language, OutboxMail, OutboxStatus};
use postiljon::store::tokens;
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::another::resend;
use postiljon::subscriptions::confirm::{Confirmation, confirm, look};
use postiljon::subscriptions::preferences::tracking::set_tracking;
use postiljon::subscriptions::receipt::{DeductionCode, FORMAT, Receipt, of_address};

use crate::support::database::{both_dbs, execute, read};
use crate::support::people::{People, address};

async fn receipt(people: &People, who: &str) -> Receipt {
    let found = of_address(&people.store, &people.clock, &address(who), None).await.expect("read");
    found.expect("known").remove(0)
}

fn codes(receipt: &Receipt) -> Vec<DeductionCode> {
    receipt.deductions.iter().map(|deduction| deduction.code).collect()
}

both_dbs!(the_chain_is_whole_from_the_question_to_the_leaving, |store| {
    let people = People::of(&store).await;
    let reader = people.confirmed("jan@example.org", 1).await;
    let at = people.clock.now().as_millis();
    let sent =
        format!("UPDATE outbox SET status = 'sent', reply = '250 2.0.0 queued as 7', finished_at = {at}");
    execute(&store, Box::leak(sent.into_boxed_str())).await;
    let held = receipt(&people, "JAN@example.org").await;
    let events: Vec<_> = held.events.iter().map(|event| event.event).collect();
    assert_eq!(events, [ConsentEvent::Requested, ConsentEvent::Confirmed]);
    let asked = &held.events[0];
    assert_eq!(
        (asked.ip.as_str(), asked.user_agent.as_str(), asked.door.as_str()),
        ("10.0.1.7", "Test/1", "page")
    );
    assert_eq!(asked.page, "https://meridiaan.example/");
    let text = &held.texts[0];
    assert!(text.is_intact && text.words.contains("Meridiaan") && text.version == 1);
    let mail = &held.mails[0];
    assert_eq!(Some(&mail.message_id), held.events[1].message_id.as_ref());
    assert!(mail.message_id.starts_with('<') && mail.message_id.ends_with("@meridiaan.example>"));
    assert_eq!((mail.status, mail.reply.as_str()), (OutboxStatus::Sent, "250 2.0.0 queued as 7"));
    assert!(mail.finished_at.is_some());
    for code in [
        DeductionCode::WordsIntact,
        DeductionCode::MailTaken,
        DeductionCode::ConfirmedByMail,
        DeductionCode::Stands,
    ] {
        assert!(codes(&held).contains(&code), "{code:?}");
    }
    people.leave(&reader).await;
    let held = receipt(&people, "jan@example.org").await;
    assert_eq!(held.events[2].event, ConsentEvent::Withdrawn);
    assert!(codes(&held).contains(&DeductionCode::Withdrawn) && held.subscription.left_at.is_some());
});

both_dbs!(which_version_of_the_privacy_notice_was_linked_stands_there, |store| {
    let mut people = People::of(&store).await;
    people.open_form.newsletter.privacy_url = "https://meridiaan.example/privacy".to_owned();
    people.open_form.newsletter.privacy_version = "2026-05".to_owned();
    people.confirmed("jan@example.org", 1).await;
    let held = receipt(&people, "jan@example.org").await;
    let asked = &held.events[0];
    assert_eq!(
        (asked.privacy_url.as_str(), asked.privacy_version.as_str()),
        ("https://meridiaan.example/privacy", "2026-05")
    );
});

both_dbs!(what_was_agreed_to_beside_it_stands_there_with_its_words, |store| {
    let people = People::of(&store).await;
    let reader = people.confirmed("jan@example.org", 1).await;
    let link = people.keys.sign_link(Purpose::Preferences, reader.id);
    let evidence = Evidence::command();
    for wanted in [Agreed { opens: true, clicks: false }, Agreed::BOTH] {
        people.clock.advance(Duration::from_secs(60));
        set_tracking(&store, &people.clock, &people.keys, &link, wanted, Language::English, &evidence)
            .await
            .expect("set");
        let held = receipt(&people, "jan@example.org").await;
        let of = &held.subscription;
        assert!(of.opens_since.is_some() && of.clicks_since.is_some() == wanted.clicks);
        // Both were agreed to since the later of the two.
        assert_eq!(of.tracking_since, of.clicks_since);
    }
    let held = receipt(&people, "jan@example.org").await;
    let told = [ConsentEvent::OpensGiven, ConsentEvent::ClicksGiven].map(|event| {
        let version = held.events.iter().find(|it| it.event == event)?.text.as_ref()?.version;
        held.texts.iter().find(|it| (it.version, it.language) == (version, Language::English))
    });
    for (text, words) in told.iter().zip(["may see whether I open", "may see which links I follow"]) {
        assert!(text.is_some_and(|text| text.is_intact && text.words.contains(words)), "{words}");
    }
});

both_dbs!(words_that_were_changed_by_hand_are_told, |store| {
    let people = People::of(&store).await;
    people.confirmed("jan@example.org", 1).await;
    execute(&store, "UPDATE consent_texts SET body = body || '!'").await;
    let held = receipt(&people, "jan@example.org").await;
    assert!(codes(&held).contains(&DeductionCode::WordsChanged) && !held.texts[0].is_intact);
});

both_dbs!(who_never_confirmed_has_a_receipt_that_says_so_and_a_stranger_has_none, |store| {
    let people = People::of(&store).await;
    people.sign_up("jan@example.org", 1).await.expect("signed up");
    let held = receipt(&people, "jan@example.org").await;
    assert!(codes(&held).contains(&DeductionCode::NeverConfirmed));
    assert!(!codes(&held).contains(&DeductionCode::Stands));
    let nobody = of_address(&store, &people.clock, &address("piet@example.org"), None).await.expect("read");
    assert!(nobody.is_none());
    let other = postiljon::model::Slug::parse("other").expect("a slug");
    let none =
        of_address(&store, &people.clock, &address("jan@example.org"), Some(&other)).await.expect("read");
    assert!(none.is_some_and(|receipts| receipts.is_empty()));
});

both_dbs!(the_format_of_the_json_is_stable, |store| {
    let people = People::of(&store).await;
    people.confirmed("jan@example.org", 1).await;
    let json = serde_json::to_value(receipt(&people, "jan@example.org").await).expect("JSON");
    let keys = |value: &serde_json::Value| {
        value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(json["format"], FORMAT);
    assert_eq!(
        keys(&json),
        "deductions events format made_at mails newsletter subscriber subscription texts"
    );
    assert_eq!(
        keys(&json["events"][0]),
        "at door event form ip language message_id page privacy_url privacy_version referrer text user_agent utm"
    );
    assert_eq!(keys(&json["mails"][0]), "attempts finished_at kind message_id reply status written_at");
    assert_eq!(keys(&json["texts"][0]), "is_intact language sha256 used_since version words");
    assert_eq!(keys(&json["deductions"][0]), "at code is_proof");
    assert_eq!(json["deductions"][0]["code"], "words_intact");
});

/// Signs up with a name, in a language, from a network; an hour later.
async fn ask(people: &People, name: &str, language: Language, network: u16) {
    people.clock.advance(Duration::from_secs(3600));
    let stamp = people.stamp();
    let mut form = people.form("jan@example.org", &stamp, network);
    (form.name, form.language, form.shown_in) = (name, language, language);
    people.send(&form).await.expect("signed up");
}

/// Presses the button of a mail, in the first network.
async fn press(people: &People, mail: &OutboxMail) {
    let token = people.token(mail);
    let seen = look(&people.store, &people.clock, &token).await.expect("read");
    let Confirmation::Open(both) = seen else { panic!("{seen:?}") };
    assert_eq!(both.1.language, mail.language, "the page speaks as its mail does");
    let evidence = Evidence { ip: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 1, 7))), ..Evidence::command() };
    confirm(&people.store, &people.clock, &people.keys, &token, &evidence).await.expect("confirmed");
}

both_dbs!(a_pressed_mail_proves_the_request_that_it_answers_whoever_asked_later, |store| {
    let people = People::of(&store).await;
    ask(&people, "Jan", Language::Dutch, 1).await;
    ask(&people, "Stranger", Language::French, 2).await;
    let mails = people.mails().await;
    press(&people, &mails[0]).await;
    let held = receipt(&people, "jan@example.org").await;
    let [asked, strange, confirmed] = &held.events[..] else { panic!("{:?}", held.events) };
    assert_eq!((asked.ip.as_str(), strange.ip.as_str()), ("10.0.1.7", "10.0.2.7"));
    assert!(asked.message_id.is_some() && asked.message_id == confirmed.message_id);
    assert!(strange.message_id.is_some() && strange.message_id != confirmed.message_id);
    assert!(codes(&held).contains(&DeductionCode::SameAddress), "{:?}", codes(&held));
    // And it confirms what was typed then.
    assert_eq!((held.subscriber.name.as_str(), held.subscription.language), ("Jan", Language::Dutch));
    assert_eq!(confirmed.language, Language::Dutch);
    let id = people.subscription("jan@example.org").await.expect("there").id;
    let links = read!(store, |db| tokens::of_subscription(db, id));
    assert!(links.len() == 2 && links.iter().all(|link| link.profile.is_none()), "{links:?}");
});

both_dbs!(a_mail_that_was_asked_for_again_proves_the_request_before_it, |store| {
    let people = People::of(&store).await;
    ask(&people, "Jan", Language::Dutch, 1).await;
    people.clock.advance(Duration::from_secs(3600));
    let jan = address("jan@example.org");
    let (clock, keys, newsletter) = (&people.clock, &people.keys, &people.newsletter);
    resend(&store, clock, keys, newsletter, &jan, Language::Dutch, None).await.expect("asked");
    ask(&people, "Stranger", Language::French, 2).await;
    let mails = people.mails().await;
    assert_eq!(mails.len(), 3);
    press(&people, &mails[1]).await;
    let held = receipt(&people, "jan@example.org").await;
    assert!(codes(&held).contains(&DeductionCode::SameAddress), "{:?}", codes(&held));
    assert_eq!((held.subscriber.name.as_str(), held.subscription.language), ("Jan", Language::Dutch));
});

both_dbs!(evidence_of_before_names_no_mail_and_is_found_by_its_moment, |store| {
    let people = People::of(&store).await;
    ask(&people, "Jan", Language::Dutch, 1).await;
    ask(&people, "Stranger", Language::French, 2).await;
    execute(&store, "UPDATE consents SET message_id = NULL").await;
    execute(&store, "UPDATE tokens SET profile = NULL").await;
    let mails = people.mails().await;
    let token = people.token(&mails[0]);
    let evidence = Evidence { ip: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 1, 7))), ..Evidence::command() };
    confirm(&store, &people.clock, &people.keys, &token, &evidence).await.expect("confirmed");
    let held = receipt(&people, "jan@example.org").await;
    assert!(codes(&held).contains(&DeductionCode::SameAddress), "{:?}", codes(&held));
});
