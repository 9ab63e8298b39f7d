use postiljon::clock::Clock;
use postiljon::model::{ArticleDisplay, ArticleId, Placed};
use postiljon::publishing::issues::{IssueError, IssueInput, create, save};
use postiljon::publishing::schedule::{When, schedule};
use postiljon::store::issues;

use super::{PUBLIC_URL, issue, published};
use crate::support::database::both_dbs;
use crate::support::samples::{NOW, newsletter};

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
    let error = save(&store, &clock, issue.id, issue.version, &input).await.expect_err("refused");
    assert_eq!(error.key(), "error-conflict");
    schedule(&store, &clock, PUBLIC_URL, issue.id, When::Now).await.expect("scheduled");
    let error = save(&store, &clock, issue.id, saved.version, &input).await.expect_err("refused");
    assert_eq!(error.key(), "error-issue-scheduled");
});
