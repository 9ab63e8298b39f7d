use postiljon::clock::Clock;
use postiljon::model::{ArticleDisplay, ArticleId, Language, Placed};
use postiljon::publishing::approval::approve;
use postiljon::publishing::issues::{IssueError, IssueInput, copy, create, discard, save};
use postiljon::publishing::schedule::{When, schedule};
use postiljon::publishing::test_mail::send_test;
use postiljon::publishing::translations::{self, TranslationInput};
use postiljon::store::{issue_translations, issues, mailings};

use super::{PUBLIC_URL, issue, published};
use crate::support::database::{both_dbs, change, everything, read};
use crate::support::samples::{self, NOW, newsletter};

both_dbs!(an_issue_keeps_its_articles_in_order_and_each_once, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let a = published(&store, &clock, "A").await;
    let b = published(&store, &clock, "B").await;
    let (full, teaser) = (ArticleDisplay::Full, ArticleDisplay::Teaser);
    let section = Placed { heading: " Een \n kop ".into(), ..Placed::new(a.id, full) };
    let articles = vec![Placed::new(b.id, teaser), section, Placed::new(b.id, full)];
    let input = IssueInput { articles, ..IssueInput::default() };
    let first = create(&store, &clock, newsletter.id, &input).await.expect("composed");
    let second = create(&store, &clock, newsletter.id, &IssueInput::default()).await.expect("composed");
    assert_eq!((first.number, second.number), (1, 2));
    let mut reader = store.read().await.expect("a reader");
    let rows = issues::articles(reader.db(), first.id).await.expect("read");
    let rows: Vec<_> = rows.iter().map(|row| (row.article.id, row.display, row.heading.as_str())).collect();
    assert_eq!(rows, [(b.id, teaser, ""), (a.id, full, "Een kop")]);
});

both_dbs!(an_article_that_is_gone_is_an_error_beside_the_list, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let articles = vec![Placed::new(ArticleId(99), ArticleDisplay::Full)];
    let input = IssueInput { articles, ..IssueInput::default() };
    let error = create(&store, &clock, newsletter.id, &input).await.expect_err("refused");
    let IssueError::Invalid(errors) = error else { panic!("{error}") };
    assert_eq!(errors.field("articles").map(|message| message.key()), Some("error-article-not-found"));
});

both_dbs!(an_issue_saved_by_two_is_a_conflict_and_a_scheduled_one_is_frozen, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let issue = issue(&store, &clock, newsletter.id, &[&article]).await;
    let articles = vec![Placed::new(article.id, ArticleDisplay::Full)];
    let input = IssueInput { subject: "Nieuw".into(), articles, ..IssueInput::default() };
    let saved = save(&store, &clock, issue.id, issue.version, &input).await.expect("saved");
    // A press that came twice changes nothing, and is no conflict with oneself.
    let again = save(&store, &clock, issue.id, issue.version, &input).await.expect("there already");
    assert_eq!(again.version, saved.version);
    let other = IssueInput { articles: Vec::new(), ..input.clone() };
    let error = save(&store, &clock, issue.id, issue.version, &other).await.expect_err("refused");
    assert_eq!(error.key(), "error-conflict");
    let IssueError::Conflict { theirs } = error else { panic!("{error}") };
    assert_eq!((theirs.issue.version, theirs.articles.len()), (saved.version, 1));
    schedule(&store, &clock, PUBLIC_URL, issue.id, When::Now).await.expect("scheduled");
    let error = save(&store, &clock, issue.id, saved.version, &input).await.expect_err("refused");
    assert_eq!(error.key(), "error-issue-scheduled");
});

both_dbs!(a_draft_is_discarded_with_all_that_is_its_own, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let bo = samples::user(&store, "bo@example.org").await;
    let kept = issue(&store, &clock, newsletter.id, &[&article]).await;
    let before = everything(&store).await;
    let draft = issue(&store, &clock, newsletter.id, &[&article]).await;
    let words = TranslationInput {
        subject: "Lu".into(),
        headings: vec![(article.id, "Avant".into())],
        ..TranslationInput::default()
    };
    translations::save(&store, &clock, draft.id, Language::French, 0, &words).await.expect("translated");
    approve(&store, &clock, PUBLIC_URL, draft.id, bo.id, None).await.expect("approved");
    send_test(&store, &clock, PUBLIC_URL, draft.id, "an@example.org").await.expect("on its way");
    let stale = discard(&store, draft.id, draft.version + 1).await.expect_err("refused");
    assert_eq!(stale.key(), "error-issue-discard-changed");
    discard(&store, draft.id, draft.version).await.expect("discarded");
    let again = discard(&store, draft.id, draft.version).await.expect_err("gone");
    assert_eq!(again.key(), "error-issue-not-found");
    // The test mail still goes, and the log tells of it; nothing else is left.
    let tells =
        |row: &&String| ["audit:", "outbox:", "outbox_contents:"].iter().any(|table| row.starts_with(table));
    let left: Vec<_> = everything(&store).await.into_iter().filter(|row| !before.contains(row)).collect();
    let left: Vec<_> = left.iter().filter(|row| !tells(row)).collect();
    assert!(left.is_empty(), "{left:#?}");
    // Its number is free, the id is nobody else's.
    let next = issue(&store, &clock, newsletter.id, &[]).await;
    assert_eq!((next.number, next.id.0), (draft.number, draft.id.0 + 1));
    // What had a mailing is kept, also where that was cancelled.
    schedule(&store, &clock, PUBLIC_URL, kept.id, When::Now).await.expect("scheduled");
    let mailing = read!(store, |db| mailings::of_issue(db, kept.id)).expect("a mailing");
    for _ in 0..2 {
        let sent = discard(&store, kept.id, kept.version).await.expect_err("refused");
        assert_eq!(sent.key(), "error-issue-mailed");
        change!(store, |tx| samples::cancel(tx, mailing.id, NOW));
    }
});

both_dbs!(a_copy_has_every_language_or_is_none, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let first = issue(&store, &clock, newsletter.id, &[&article]).await;
    let words = TranslationInput { subject: "Lu".into(), ..TranslationInput::default() };
    translations::save(&store, &clock, first.id, Language::French, 0, &words).await.expect("translated");
    let second = copy(&store, &clock, first.id, None).await.expect("copied");
    assert_eq!((second.number, second.version, second.subject.as_str()), (2, 1, first.subject.as_str()));
    assert_eq!(read!(store, |db| issues::articles(db, second.id)).len(), 1);
    assert_eq!(read!(store, |db| issue_translations::of_issue(db, second.id))[0].subject, "Lu");
    // Many at once take numbers of their own, each whole.
    let copies: Vec<_> = (0..4)
        .map(|_| {
            let (store, clock, id) = (store.clone(), clock.clone(), first.id);
            tokio::spawn(async move { copy(&store, &clock, id, None).await })
        })
        .collect();
    let mut numbers = Vec::new();
    for made in copies {
        let made = made.await.expect("a task").expect("copied");
        assert_eq!(read!(store, |db| issue_translations::of_issue(db, made.id)).len(), 1);
        numbers.push(made.number);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [3, 4, 5, 6]);
});
