use postiljon::model::{Consent, ConsentEvent, Language};
use postiljon::store::consents;

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, at, newsletter, pending};

both_dbs!(only_other_words_make_a_new_version, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let keep = async |language, words: &str, moment| {
        change!(store, |tx| consents::keep_text(
            tx,
            newsletter.id,
            language,
            words,
            &format!("sha256 of {words}"),
            moment
        ))
    };
    let first = keep(Language::Dutch, "Ja", NOW).await;
    assert_eq!(keep(Language::Dutch, "Ja", at(1)).await, first);
    let second = keep(Language::Dutch, "Ja, graag", at(2)).await;
    let french = keep(Language::French, "Oui", at(3)).await;
    assert!(first != second && second != french);

    let kept = read!(store, |db| consents::text_by_id(db, first)).expect("kept");
    assert_eq!((kept.version, kept.body.as_str(), kept.created_at), (1, "Ja", NOW));
    let latest = read!(store, |db| consents::latest_text(db, newsletter.id, Language::Dutch)).expect("kept");
    assert_eq!((latest.id, latest.version, latest.body.as_str()), (second, 2, "Ja, graag"));
    let latest = read!(store, |db| consents::latest_text(db, newsletter.id, Language::French)).expect("kept");
    assert_eq!((latest.id, latest.version), (french, 1));
    assert!(read!(store, |db| consents::latest_text(db, newsletter.id, Language::German)).is_none());
});

both_dbs!(the_chain_of_proof_comes_back_whole_and_in_order, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending(&store, newsletter.id, 1).await;
    let other = pending(&store, newsletter.id, 2).await;
    let text = change!(store, |tx| consents::keep_text(tx, newsletter.id, Language::Dutch, "Ja", "00", NOW));
    let consent = |subscriber_id, event, moment| Consent {
        subscriber_id,
        newsletter_id: newsletter.id,
        event,
        at: moment,
        consent_text_id: (event == ConsentEvent::Requested).then_some(text),
        language: Language::Dutch,
        source: "page".into(),
        page: "https://www.example.org/?q='x'".into(),
        ip: "2001:db8::1".into(),
        user_agent: "Mozilla/5.0 \"é\"".into(),
        message_id: (event == ConsentEvent::Confirmed).then(|| "m@example.org".into()),
        form_id: None,
        form_version: None,
        referrer: String::new(),
        utm: String::new(),
        privacy_url: String::new(),
        privacy_version: String::new(),
    };
    // The second has an earlier clock: the order is that of writing.
    let chain = [
        consent(subscription.subscriber_id, ConsentEvent::Requested, at(5)),
        consent(subscription.subscriber_id, ConsentEvent::Confirmed, at(4)),
    ];
    for consent in &chain {
        change!(store, |tx| consents::insert(tx, consent));
    }
    change!(store, |tx| consents::insert(tx, &consent(other.subscriber_id, ConsentEvent::Withdrawn, NOW)));
    let found = read!(store, |db| consents::of_subscriber(db, subscription.subscriber_id));
    assert_eq!(format!("{found:?}"), format!("{chain:?}"));
});
