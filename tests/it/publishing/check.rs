use postiljon::clock::Clock;
use postiljon::model::{ArticleDisplay, Language, Newsletter};
use postiljon::publishing::articles::{ArticleInput, create};
use postiljon::publishing::check::Severity;
use postiljon::publishing::compose::compose;
use postiljon::publishing::issues::{self, IssueInput};
use postiljon::store::Store;

use super::{PUBLIC_URL, input, issue, published};
use crate::support::database::both_dbs;
use crate::support::samples::{NOW, newsletter};

/// The keys of what blocks an issue, and of what is advised.
async fn findings(
    store: &Store,
    newsletter: &Newsletter,
    issue: &IssueInput,
) -> (Vec<&'static str>, Vec<&'static str>) {
    let issue = issues::create(store, &Clock::test(NOW), newsletter.id, issue).await.expect("composed");
    let mut reader = store.read().await.expect("a reader");
    let composed = compose(reader.db(), issue.id, NOW, PUBLIC_URL).await.expect("read").expect("there");
    assert_eq!(composed.is_ready(), composed.findings.iter().all(|f| f.severity == Severity::Warning));
    let keys = |severity| {
        composed.findings.iter().filter(|f| f.severity == severity).map(|f| f.key()).collect::<Vec<_>>()
    };
    (keys(Severity::Error), keys(Severity::Warning))
}

both_dbs!(a_good_issue_has_nothing_to_say, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let issue = issue(&store, &clock, newsletter.id, &[&article]).await;
    let mut reader = store.read().await.expect("a reader");
    let composed = compose(reader.db(), issue.id, NOW, PUBLIC_URL).await.expect("read").expect("there");
    assert_eq!(composed.findings, []);
    let rendered = composed.rendered.expect("rendered");
    assert!(rendered.web_html.contains("<em>goed</em>"), "{}", rendered.web_html);
});

both_dbs!(an_empty_issue_cannot_be_sent, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let (errors, warnings) = findings(&store, &newsletter, &IssueInput::default()).await;
    assert_eq!(errors, ["check-subject-empty", "check-no-articles"]);
    assert_eq!(warnings, ["check-preheader-empty"]);
});

both_dbs!(drafts_teasers_without_an_address_and_other_languages_are_found, |store| {
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
        articles: vec![(draft.id, ArticleDisplay::Teaser)],
        ..IssueInput::default()
    };
    let (errors, warnings) = findings(&store, &newsletter, &issue).await;
    assert_eq!(errors, ["check-article-draft", "check-teaser-without-url"]);
    assert_eq!(warnings, ["check-subject-long", "check-article-language"]);
});

both_dbs!(a_field_that_cannot_be_filled_blocks_and_an_image_without_words_does_not, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = ArticleInput { body: "![](https://example.org/a.png)".into(), ..input("Beeld") };
    let article = create(&store, &clock, &article).await.expect("stored");
    let articles = vec![(article.id, ArticleDisplay::Full)];
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
    let articles = vec![(article.id, ArticleDisplay::Full)];
    let issue = IssueInput { subject: "S".into(), preheader: "P".into(), articles, ..IssueInput::default() };
    assert!(findings(&store, &newsletter, &issue).await.0.contains(&"check-too-heavy"));
});
