use postiljon::clock::Clock;
use postiljon::i18n::Texts;
use postiljon::keys::Keys;
use postiljon::model::{
    ArticleDisplay, DkimAlgorithm, DkimKey, DkimSettings, Language, Newsletter, Placed, SigningKey, TrialBy,
    TrialPlan,
};
use postiljon::publishing::articles::{ArticleInput, create};
use postiljon::publishing::check::{Finding, Fix, Place, Severity};
use postiljon::publishing::compose::compose;
use postiljon::publishing::issues::{self, IssueInput};
use postiljon::publishing::schedule::{When, schedule};
use postiljon::setup::domains;
use postiljon::store::{Store, dkim_keys, mailings, newsletters};

use super::{PUBLIC_URL, input, issue, published};
use crate::setup::domains::made;
use crate::support::database::both_dbs;
use crate::support::database::change;
use crate::support::samples::{NOW, address, confirmed, new_newsletter, newsletter};

const ENGLISH: Texts = Texts::new(Language::English);

/// The keys of what blocks an issue, and of what is advised.
async fn findings(
    store: &Store,
    newsletter: &Newsletter,
    issue: &IssueInput,
) -> (Vec<&'static str>, Vec<&'static str>) {
    let issue = issues::create(store, &Clock::test(NOW), newsletter.id, issue).await.expect("composed");
    let mut reader = store.read().await.expect("a reader");
    let composed = compose(reader.db(), issue.id, NOW, PUBLIC_URL).await.expect("read").expect("there");
    assert_eq!(composed.is_ready(), composed.findings.iter().all(|f| f.severity != Severity::Error));
    let keys = |severity| {
        composed.findings.iter().filter(|f| f.severity == severity).map(|f| f.key()).collect::<Vec<_>>()
    };
    (keys(Severity::Error), keys(Severity::Warning))
}

both_dbs!(a_good_issue_has_only_links_to_look_at, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    confirmed(&store, newsletter.id, 1).await;
    let article = published(&store, &clock, "A").await;
    let issue = issue(&store, &clock, newsletter.id, &[&article]).await;
    let mut reader = store.read().await.expect("a reader");
    let composed = compose(reader.db(), issue.id, NOW, PUBLIC_URL).await.expect("read").expect("there");
    let found: Vec<_> = composed.findings.iter().map(|finding| (finding.severity, finding.key())).collect();
    assert_eq!(found, [(Severity::Hint, "check-links-unchecked")]);
    assert_eq!(composed.findings[0].fix, Some(Fix::CheckLinks));
    let rendered = composed.rendered.expect("rendered");
    assert!(rendered.web_html.contains("<em>goed</em>"), "{}", rendered.web_html);
});

both_dbs!(an_empty_issue_cannot_be_sent, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let (errors, warnings) = findings(&store, &newsletter, &IssueInput::default()).await;
    assert_eq!(errors, ["check-subject-empty", "check-no-articles"]);
    assert_eq!(warnings, ["check-preheader-empty", "check-audience-empty"]);
});

both_dbs!(drafts_long_subjects_and_other_languages_are_found, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let draft = ArticleInput {
        canonical_url: String::new(),
        language: Language::French.to_string(),
        ..input("Brouillon")
    };
    let draft = create(&store, &clock, &draft).await.expect("stored");
    let issue = IssueInput {
        subject: "x".repeat(91),
        preheader: "y".into(),
        articles: vec![Placed::new(draft.id, ArticleDisplay::Teaser)],
        ..IssueInput::default()
    };
    let (errors, warnings) = findings(&store, &newsletter, &issue).await;
    assert_eq!(errors, ["check-article-draft"]);
    assert_eq!(warnings, ["check-subject-long", "check-article-language", "check-audience-empty"]);
});

both_dbs!(a_field_that_cannot_be_filled_blocks_and_an_image_without_words_does_not, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = ArticleInput { body: "![](https://example.org/a.png)".into(), ..input("Beeld") };
    let article = create(&store, &clock, &article).await.expect("stored");
    let articles = vec![Placed::new(article.id, ArticleDisplay::Full)];
    let issue = IssueInput { subject: "S".into(), preheader: "P".into(), articles, ..IssueInput::default() };
    assert!(findings(&store, &newsletter, &issue).await.1.contains(&"check-image-alt"));
    let issue = IssueInput { intro: "Dag {{naam}}".into(), ..issue };
    assert!(findings(&store, &newsletter, &issue).await.0.contains(&"check-field-unknown"));
});

both_dbs!(a_mail_that_gmail_would_cut_blocks, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = ArticleInput { body: "woord ".repeat(20_000), ..input("Lang") };
    let article = create(&store, &clock, &article).await.expect("stored");
    let articles = vec![Placed::new(article.id, ArticleDisplay::Full)];
    let issue = IssueInput { subject: "S".into(), preheader: "P".into(), articles, ..IssueInput::default() };
    assert!(findings(&store, &newsletter, &issue).await.0.contains(&"check-too-heavy"));
});

async fn of(store: &Store, newsletter: &Newsletter, issue: &IssueInput) -> Vec<Finding> {
    let issue = issues::create(store, &Clock::test(NOW), newsletter.id, issue).await.expect("composed");
    let mut reader = store.read().await.expect("a reader");
    compose(reader.db(), issue.id, NOW, PUBLIC_URL).await.expect("read").expect("there").findings
}

fn found<'a>(findings: &'a [Finding], key: &str) -> &'a Finding {
    let keys: Vec<_> = findings.iter().map(Finding::key).collect();
    findings.iter().find(|finding| finding.key() == key).unwrap_or_else(|| panic!("{key} is not in {keys:?}"))
}

both_dbs!(links_that_readers_cannot_follow_are_found_where_they_stand, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let body = "[a](http://localhost:3000/x) [b](https://staging.example.org/y) [c](https://bit.ly/z) \
                [www.bank.example](https://elders.example/)";
    let article =
        create(&store, &clock, &ArticleInput { body: body.into(), ..input("Links") }).await.expect("stored");
    let articles = vec![Placed::new(article.id, ArticleDisplay::Full)];
    let issue = IssueInput {
        subject: "S".into(),
        outro: "[d](http://10.0.0.8/)".into(),
        articles,
        ..IssueInput::default()
    };
    let findings = of(&store, &newsletter, &issue).await;
    let local: Vec<_> = findings.iter().filter(|finding| finding.key() == "check-link-local").collect();
    assert_eq!(local.len(), 2, "{findings:?}");
    assert!(local.iter().all(|finding| finding.blocks() && finding.can_be_overridden()));
    let places: Vec<_> = local.iter().map(|finding| finding.place.in_words(ENGLISH)).collect();
    assert!(
        places.contains(&"Closing words".to_owned()) && places.contains(&"Links".to_owned()),
        "{places:?}"
    );
    for key in ["check-link-staging", "check-link-shortener", "check-link-misleads"] {
        assert_eq!(found(&findings, key).severity, Severity::Warning);
    }
});

both_dbs!(words_that_were_to_be_replaced_block_in_the_inbox_and_are_advice_below, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let issue = IssueInput {
        subject: "TODO: onderwerp".into(),
        intro: "Lorem ipsum".into(),
        ..IssueInput::default()
    };
    let findings = of(&store, &newsletter, &issue).await;
    assert!(found(&findings, "check-placeholder-subject").can_be_overridden());
    assert_eq!(found(&findings, "check-placeholder").severity, Severity::Warning);
});

both_dbs!(an_article_that_went_out_before_is_told_with_the_way_to_take_it_out, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let first = issue(&store, &clock, newsletter.id, &[&article]).await;
    schedule(&store, &clock, PUBLIC_URL, first.id, When::Now).await.expect("scheduled");
    let articles = vec![Placed::new(article.id, ArticleDisplay::Full)];
    let findings = of(&store, &newsletter, &IssueInput { articles, ..IssueInput::default() }).await;
    let finding = found(&findings, "check-article-sent");
    assert_eq!((finding.severity, finding.fix), (Severity::Warning, Some(Fix::Remove(article.id))));
    // It is not news to the issue itself.
    let mut reader = store.read().await.expect("a reader");
    let own = compose(reader.db(), first.id, NOW, PUBLIC_URL).await.expect("read").expect("there");
    assert!(own.findings.iter().all(|finding| finding.key() != "check-article-sent"));
});

both_dbs!(an_audience_that_is_far_from_the_last_one_is_worth_a_word, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    confirmed(&store, newsletter.id, 0).await;
    let first = issue(&store, &clock, newsletter.id, &[&article]).await;
    let mailing = schedule(&store, &clock, PUBLIC_URL, first.id, When::Now).await.expect("scheduled").mailing;
    change!(store, |tx| mailings::start(tx, mailing.id, NOW)).expect("due");
    for n in 1..3 {
        confirmed(&store, newsletter.id, n).await;
    }
    let jumps = async || {
        let findings = of(&store, &newsletter, &IssueInput::default()).await;
        findings.into_iter().any(|finding| finding.key() == "check-audience-jump")
    };
    assert!(!jumps().await, "three times as many is still usual");
    confirmed(&store, newsletter.id, 3).await;
    assert!(jumps().await);
});

both_dbs!(a_sender_at_a_free_mailbox_is_advised_against, |store| {
    let mut new = new_newsletter("gratis");
    new.sender_address = address("firma@gmail.com");
    let newsletter = change!(store, |tx| newsletters::insert(tx, &new, NOW));
    let findings = of(&store, &newsletter, &IssueInput::default()).await;
    assert_eq!(found(&findings, "check-sender-provider").severity, Severity::Warning);
});

both_dbs!(mail_that_goes_out_unsigned_although_there_are_keys_is_worth_a_word, |store| {
    let clock = Clock::test(NOW);
    let keys = Keys::new(&[7; 32]);
    let newsletter = newsletter(&store, "insights").await;
    let said = async || {
        let findings = of(&store, &newsletter, &IssueInput::default()).await;
        let said = findings.into_iter().find(|finding| finding.key().starts_with("check-sender-"));
        said.map(|finding| (finding.severity, finding.key()))
    };
    assert_eq!(said().await, None, "without any key signing is the relay's");
    let elsewhere = made(&store, &clock, "other.example", "ed25519").await;
    domains::begin(&store, &clock, &keys, elsewhere.id).await.expect("begun");
    assert_eq!(said().await, Some((Severity::Warning, "check-sender-unsigned")));
    let own = made(&store, &clock, "meridiaan.example", "ed25519").await;
    assert_eq!(said().await, Some((Severity::Warning, "check-sender-key-waits")));
    domains::begin(&store, &clock, &keys, own.id).await.expect("begun");
    assert_eq!(said().await, None);
    domains::retire(&store, &clock, own.id).await.expect("retired");
    assert_eq!(said().await, Some((Severity::Warning, "check-sender-unsigned")));
    // One of the configuration counts as well, for the domains below its own too.
    let key = SigningKey::generate(DkimAlgorithm::Ed25519).expect("a key");
    let keys = vec![DkimKey { selector: "file".into(), key }];
    let public = DkimSettings { domain: "example".into(), keys }.public().expect("public");
    change!(store, |tx| dkim_keys::set_configured(tx, &public));
    assert_eq!(said().await, None);
});

both_dbs!(a_trial_of_two_subjects_is_checked_where_each_fault_stands, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    confirmed(&store, newsletter.id, 1).await;
    let article = published(&store, &clock, "A").await;
    let second = async |second_subject: &str, by| {
        let input = IssueInput {
            subject: "Onderwerp".into(),
            second_subject: second_subject.into(),
            trial: TrialPlan { by, ..TrialPlan::default() },
            articles: vec![Placed::new(article.id, ArticleDisplay::Full)],
            ..IssueInput::default()
        };
        let issue = issues::create(&store, &clock, newsletter.id, &input).await.expect("composed");
        let mut reader = store.read().await.expect("a reader");
        let composed = compose(reader.db(), issue.id, NOW, PUBLIC_URL).await.expect("read").expect("there");
        let of_it = composed.findings.iter().filter(|finding| finding.place == Place::SecondSubject);
        of_it.map(|finding| (finding.severity, finding.key())).collect::<Vec<_>>()
    };
    let few = (Severity::Hint, "check-trial-small");
    assert_eq!(second("", TrialBy::Choice).await, []);
    assert_eq!(second("Anders", TrialBy::Choice).await, [few]);
    let same = (Severity::Error, "check-second-subject-same");
    assert_eq!(second("Onderwerp", TrialBy::Choice).await, [same, few]);
    let unknown = (Severity::Error, "check-field-unknown");
    assert_eq!(second("Dag {{naam}}", TrialBy::Choice).await, [unknown, few]);
    // Clicks that nobody counts decide nothing.
    let untracked = (Severity::Error, "check-trial-untracked");
    assert_eq!(second("Anders", TrialBy::Clicks).await, [untracked, few]);
});
