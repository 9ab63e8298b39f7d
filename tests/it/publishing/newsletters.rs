use postiljon::clock::Clock;
use postiljon::model::{ArchivePolicy, Language, Newsletter, NewsletterId, UncertainPolicy};
use postiljon::publishing::newsletters::{
    NewsletterError, NewsletterInput, PrivacyInput, SendingInput, add_newsletter, set_archive, set_privacy,
    set_sending,
};

use crate::support::database::both_dbs;
use crate::support::samples::NOW;

fn insights() -> NewsletterInput {
    NewsletterInput {
        slug: String::new(),
        name: "Insights van Meridiaan".into(),
        description: "Voor wie leidt.".into(),
        language: Language::Dutch,
        time_zone: "Europe/Brussels".into(),
        sender_name: "Meridiaan".into(),
        sender_address: "insights@meridiaan.example".into(),
        reply_to: String::new(),
        postal_address: "Kaai 1\r\n1000 Brussel".into(),
        brand_color: "#0F766E".into(),
        logo_url: String::new(),
        privacy_url: String::new(),
        archive: ArchivePolicy::Unlisted,
        on_uncertain: UncertainPolicy::Resend,
    }
}

both_dbs!(a_newsletter_is_added_once, |store| {
    let clock = Clock::test(NOW);
    let added = add_newsletter(&store, &clock, &insights()).await.expect("added");
    assert_eq!(added.slug.as_str(), "insights-van-meridiaan");
    assert_eq!(added.brand_color, "#0f766e");
    assert_eq!(added.postal_address, "Kaai 1\n1000 Brussel");
    let again = add_newsletter(&store, &clock, &insights()).await.expect_err("refused");
    assert_eq!(again.to_string(), "slug: This short name is taken. Please choose another.");
});

both_dbs!(a_wrong_newsletter_names_every_wrong_field, |store| {
    let wrong = NewsletterInput {
        slug: "Geen Slug".into(),
        name: String::new(),
        time_zone: "Brussel".into(),
        sender_address: "bücher@meridiaan.example".into(),
        reply_to: "x".into(),
        postal_address: " ".into(),
        brand_color: "groen".into(),
        logo_url: "logo.png".into(),
        privacy_url: "example.org/privacy".into(),
        ..insights()
    };
    let error = add_newsletter(&store, &Clock::test(NOW), &wrong).await.expect_err("refused");
    let NewsletterError::Invalid(errors) = error else { panic!("{error}") };
    let fields: Vec<_> = errors.iter().map(|error| error.field).collect();
    assert_eq!(
        fields,
        [
            "name",
            "time_zone",
            "slug",
            "sender_address",
            "reply_to",
            "postal_address",
            "brand_color",
            "logo_url",
            "privacy_url"
        ]
    );
});

both_dbs!(how_a_newsletter_is_sent_can_be_changed, |store| {
    let clock = Clock::test(NOW);
    let newsletter = add_newsletter(&store, &clock, &insights()).await.expect("added");
    let mut wish = SendingInput {
        relay: " second\n".into(),
        mails_per_hour: Some(500),
        on_uncertain: UncertainPolicy::Hold,
    };
    let set = set_sending(&store, newsletter.id, None, &wish).await.expect("set");
    assert_eq!(
        (set.relay.as_str(), set.mails_per_hour, set.on_uncertain),
        ("second", Some(500), UncertainPolicy::Hold)
    );
    wish.mails_per_hour = Some(0);
    let error = set_sending(&store, newsletter.id, None, &wish).await.expect_err("refused");
    assert_eq!(error.key(), "error-marked-fields");
    wish.mails_per_hour = None;
    let error = set_sending(&store, NewsletterId(99), None, &wish).await.expect_err("refused");
    assert_eq!(error.key(), "error-newsletter-not-found");
});

fn privacy(url: &str) -> PrivacyInput {
    PrivacyInput { privacy_url: url.to_owned(), privacy_version: String::new() }
}

both_dbs!(a_privacy_notice_is_a_web_address_or_nowhere, |store| {
    let clock = Clock::test(NOW);
    let input = NewsletterInput { privacy_url: " https://meridiaan.example/privacy ".into(), ..insights() };
    let added = add_newsletter(&store, &clock, &input).await.expect("added");
    assert_eq!(added.privacy_url, "https://meridiaan.example/privacy");
    let set = set_privacy(&store, added.id, None, &privacy("http://meridiaan.example/p?a=b#c\n"))
        .await
        .expect("set");
    assert_eq!(set.privacy_url, "http://meridiaan.example/p?a=b#c");
    let long = format!("https://meridiaan.example/{}", "x".repeat(2000));
    for wrong in ["meridiaan.example", "/privacy", "javascript:alert(1)", "mailto:a@example.org", &long] {
        let error = set_privacy(&store, added.id, None, &privacy(wrong)).await.expect_err(wrong);
        let NewsletterError::Invalid(errors) = error else { panic!("{wrong}: {error}") };
        assert_eq!(errors.iter().map(|error| error.field).collect::<Vec<_>>(), ["privacy_url"], "{wrong}");
    }
    let versioned =
        |url: &str, version: &str| PrivacyInput { privacy_version: version.to_owned(), ..privacy(url) };
    let notice = versioned("https://meridiaan.example/p", " 2026-05 ");
    let set = set_privacy(&store, added.id, None, &notice).await.expect("set");
    assert_eq!(set.privacy_version, "2026-05");
    let long = versioned("https://meridiaan.example/p", &"v".repeat(41));
    let error = set_privacy(&store, added.id, None, &long).await.expect_err("too long");
    assert!(matches!(error, NewsletterError::Invalid(_)));
    // No version of nothing.
    let set = set_privacy(&store, added.id, None, &versioned("", "2026-05")).await.expect("set");
    assert_eq!(set.privacy_version, "");
    // What was refused has changed nothing, and the rest of the newsletter stays as it is.
    let set = set_privacy(&store, added.id, None, &privacy("")).await.expect("set");
    let expected = Newsletter { privacy_url: String::new(), ..added };
    assert_eq!(format!("{set:?}"), format!("{expected:?}"));
    let error = set_privacy(&store, NewsletterId(99), None, &privacy("")).await.expect_err("refused");
    assert_eq!(error.key(), "error-newsletter-not-found");
});

both_dbs!(an_archive_is_unlisted_until_somebody_says_otherwise, |store| {
    let clock = Clock::test(NOW);
    let added = add_newsletter(&store, &clock, &insights()).await.expect("added");
    assert_eq!(added.archive, ArchivePolicy::Unlisted);
    let input = NewsletterInput { slug: "open".into(), archive: ArchivePolicy::Public, ..insights() };
    let open = add_newsletter(&store, &clock, &input).await.expect("added");
    assert_eq!(open.archive, ArchivePolicy::Public);
    for policy in ArchivePolicy::ALL {
        let set = set_archive(&store, added.id, None, *policy).await.expect("set");
        let expected = Newsletter { archive: *policy, ..added.clone() };
        assert_eq!(format!("{set:?}"), format!("{expected:?}"));
    }
    let error = set_archive(&store, NewsletterId(99), None, ArchivePolicy::Off).await.expect_err("refused");
    assert_eq!(error.key(), "error-newsletter-not-found");
});
