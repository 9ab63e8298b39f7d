//! An issue in several languages: who reads which, what is mailed, what is said of what is missing.

use postiljon::clock::Clock;
use postiljon::model::{Article, ArticleStatus, Issue, IssueTranslation, Language, Newsletter};
use postiljon::publishing::approval::content_of;
use postiljon::publishing::articles as article_verbs;
use postiljon::publishing::compose::{Composed, compose};
use postiljon::publishing::issues::{IssueError, copy};
use postiljon::publishing::schedule::{When, schedule};
use postiljon::publishing::test_mail::send_test_in;
use postiljon::publishing::translations::{TranslationInput, remove, save};
use postiljon::store::{Store, issue_translations, issues, mailings};

use super::{PUBLIC_URL, issue, published};
use crate::support::database::{both_dbs, read};
use crate::support::samples::{NOW, newsletter, user};

fn french(subject: &str) -> TranslationInput {
    TranslationInput {
        subject: subject.into(),
        preheader: "Trois histoires à lire avec un café, et ce que nous en avons appris.".into(),
        intro: "Bonjour {{name|à vous}},".into(),
        ..TranslationInput::default()
    }
}

/// An issue of two articles, the first of them also in French.
async fn bilingual(store: &Store, clock: &Clock) -> (Newsletter, Issue, Article) {
    let newsletter = newsletter(store, "insights").await;
    let one = published(store, clock, "Een").await;
    let two = published(store, clock, "Twee").await;
    let issue = issue(store, clock, newsletter.id, &[&one, &two]).await;
    let un =
        article_verbs::translate(store, clock, None, one.id, Language::French).await.expect("translated");
    let words = article_verbs::ArticleInput {
        title: "Un".into(),
        body: "Une *bonne* histoire.".into(),
        language: "fr".into(),
        ..super::input("Un")
    };
    article_verbs::save(store, clock, un.id, un.version, &words).await.expect("saved");
    article_verbs::set_status(store, clock, un.id, ArticleStatus::Published).await.expect("published");
    (newsletter, issue, un)
}

async fn composed(store: &Store, issue: &Issue) -> Composed {
    let mut reader = store.read().await.expect("a reader");
    compose(reader.db(), issue.id, NOW, PUBLIC_URL).await.expect("read").expect("an issue")
}

both_dbs!(each_language_has_its_words_and_its_articles_and_what_is_not_translated_stands_as_it_is, |store| {
    let clock = Clock::test(NOW);
    let (_, issue, un) = bilingual(&store, &clock).await;
    save(&store, &clock, issue.id, Language::French, 0, &french("Ce que nous avons lu"))
        .await
        .expect("saved");
    let scheduled = schedule(&store, &clock, PUBLIC_URL, issue.id, When::Now).await.expect("scheduled");
    let contents = read!(store, |db| mailings::contents(db, scheduled.mailing.id));
    let languages: Vec<_> = contents.iter().map(|content| content.language).collect();
    assert_eq!(languages, [Language::French, Language::Dutch]);
    let (fr, nl) = (&contents[0], &contents[1]);
    assert_eq!((fr.subject.as_str(), nl.subject.as_str()), ("Ce que nous avons lu", "Wat wij lazen"));
    assert!(
        fr.text.contains("Une *bonne* histoire.") || fr.text.contains("Une bonne histoire."),
        "{}",
        fr.text
    );
    assert!(fr.html.contains("Twee") && fr.html.contains("lang=\"fr\""));
    assert!(nl.html.contains("Een") && !nl.html.contains("Une "), "{}", nl.html);
    let own = format!("/i/{}?lang=fr", issue.public_id);
    assert!(fr.html.contains(&own) && fr.text.contains(&own) && !nl.html.contains(&own));
    // Both articles and the translation say where they were sent.
    let seen = read!(store, |db| postiljon::store::articles::appearances(db, un.id));
    assert_eq!(seen.len(), 1);
});

both_dbs!(what_is_missing_in_a_language_is_said_once_and_with_its_name, |store| {
    let clock = Clock::test(NOW);
    let (_, issue, _) = bilingual(&store, &clock).await;
    let version = save(&store, &clock, issue.id, Language::French, 0, &french("")).await.expect("saved");
    let composed = composed(&store, &issue).await;
    assert!(!composed.is_ready());
    let of_french: Vec<_> = composed
        .findings
        .iter()
        .filter(|finding| finding.language == Some(Language::French))
        .map(|finding| finding.key())
        .collect();
    assert_eq!(of_french, ["check-subject-empty", "check-article-untranslated"]);
    let words = composed.findings[0].to_string();
    assert!(words.starts_with("Français · "), "{words}");
    // Taken away it blocks nothing any more.
    remove(&store, &clock, issue.id, Language::French, version, None).await.expect("removed");
    remove(&store, &clock, issue.id, Language::French, version, None).await.expect("gone already");
    assert!(self::composed(&store, &issue).await.is_ready());
});

both_dbs!(a_translation_has_a_version_of_its_own_and_asks_for_a_new_approval, |store| {
    let clock = Clock::test(NOW);
    let (_, issue, _) = bilingual(&store, &clock).await;
    let before = content_of(&composed(&store, &issue).await);
    let words = french("Lu");
    let save = async |language, version, words: &TranslationInput| {
        save(&store, &clock, issue.id, language, version, words).await
    };
    assert_eq!(save(Language::French, 0, &words).await.expect("saved"), 1);
    let after = content_of(&composed(&store, &issue).await);
    assert_ne!(before, after, "an approval was of other words");
    // Who writes in Dutch meanwhile is not in the way; who writes in French is told what stands there.
    let now = read!(store, |db| issues::by_id(db, issue.id)).expect("the issue");
    assert_eq!(now.version, issue.version);
    match save(Language::French, 0, &french("Trop tard")).await {
        Err(IssueError::Conflict { theirs }) => assert_eq!(theirs.issue.subject, "Lu"),
        other => panic!("{other:?}"),
    }
    let late = remove(&store, &clock, issue.id, Language::French, 0, None).await;
    assert!(matches!(late, Err(IssueError::Conflict { .. })), "{late:?}");
    assert_eq!(save(Language::French, 1, &french("Lu et relu")).await.expect("saved"), 2);
    let own = save(Language::Dutch, 0, &words).await;
    assert!(matches!(own, Err(IssueError::NotFound)), "{own:?}");
    schedule(&store, &clock, PUBLIC_URL, issue.id, When::Now).await.expect("scheduled");
    let frozen = save(Language::French, 2, &words).await;
    assert!(matches!(frozen, Err(IssueError::Scheduled)), "{frozen:?}");
});

both_dbs!(a_copy_has_the_translations_too, |store| {
    let clock = Clock::test(NOW);
    let (_, issue, _) = bilingual(&store, &clock).await;
    let row = read!(store, |db| issues::articles(db, issue.id)).remove(0);
    let input = TranslationInput { headings: vec![(row.article.id, "Nouveau".into())], ..french("Lu") };
    save(&store, &clock, issue.id, Language::French, 0, &input).await.expect("saved");
    let copied = copy(&store, &clock, issue.id, None).await.expect("copied");
    let translations = read!(store, |db| issue_translations::of_issue(db, copied.id));
    let expected = IssueTranslation {
        language: Language::French,
        subject: "Lu".into(),
        second_subject: String::new(),
        preheader: input.preheader.clone(),
        intro: input.intro.clone(),
        outro: String::new(),
        version: 1,
    };
    assert_eq!(translations, [expected]);
    let headings = read!(store, |db| issue_translations::headings(db, copied.id));
    assert_eq!(headings.iter().map(|h| h.heading.as_str()).collect::<Vec<_>>(), ["Nouveau"]);
});

both_dbs!(a_test_mail_comes_in_the_language_that_is_asked_for, |store| {
    let clock = Clock::test(NOW);
    let (_, issue, _) = bilingual(&store, &clock).await;
    save(&store, &clock, issue.id, Language::French, 0, &french("Lu")).await.expect("saved");
    for (language, subject) in [(Some(Language::French), "[Test] Lu"), (None, "[Test] Wat wij lazen")] {
        let sent = send_test_in(&store, &clock, PUBLIC_URL, issue.id, language, "an@example.org").await;
        let sent = sent.expect("sent");
        assert_eq!(sent.len(), 1);
        let mail = read!(store, |db| postiljon::store::outbox_contents::of_outbox(db, sent[0]));
        assert_eq!(mail.expect("written").subject, subject);
    }
});

both_dbs!(who_saves_a_translation_as_it_was_has_not_edited_the_issue, |store| {
    let clock = Clock::test(NOW);
    let (_, issue, _) = bilingual(&store, &clock).await;
    let (an, bo) = (user(&store, "an@example.org").await.id, user(&store, "bo@example.org").await.id);
    let editor = async || read!(store, |db| issues::by_id(db, issue.id)).expect("the issue").edited_by;
    let by = |by, words: TranslationInput| TranslationInput { editor: Some(by), ..words };
    let save = async |version, words: &TranslationInput| {
        save(&store, &clock, issue.id, Language::French, version, words).await.expect("saved")
    };
    assert_eq!((save(0, &by(an, french("Lu"))).await, editor().await), (1, Some(an)));
    assert_eq!((save(1, &by(bo, french("Lu"))).await, editor().await), (2, Some(an)));
    assert_eq!((save(2, &by(bo, french("Relu"))).await, editor().await), (3, Some(bo)));
    for version in [3, 3] {
        remove(&store, &clock, issue.id, Language::French, version, Some(an)).await.expect("removed");
    }
    assert_eq!(editor().await, Some(an));
    remove(&store, &clock, issue.id, Language::French, 3, Some(bo)).await.expect("gone already");
    assert_eq!(editor().await, Some(an), "there was nothing to take away");
});
