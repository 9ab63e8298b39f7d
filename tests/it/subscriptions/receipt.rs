use postiljon::model::{ConsentEvent, OutboxStatus};
use postiljon::subscriptions::receipt::{DeductionCode, FORMAT, Receipt, of_address};

use crate::support::database::{both_dbs, execute};
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
        "at door event form ip language message_id page privacy_url referrer text user_agent utm"
    );
    assert_eq!(keys(&json["mails"][0]), "attempts finished_at kind message_id reply status written_at");
    assert_eq!(keys(&json["texts"][0]), "is_intact language sha256 used_since version words");
    assert_eq!(keys(&json["deductions"][0]), "at code is_proof");
    assert_eq!(json["deductions"][0]["code"], "words_intact");
});
