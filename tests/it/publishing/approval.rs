//! Four eyes.

use postiljon::clock::Clock;
use postiljon::model::{ArticleDisplay, Issue, Placed, Theme, UserId};
use postiljon::publishing::approval::{ApproveError, approve};
use postiljon::publishing::articles;
use postiljon::publishing::issues::{IssueInput, save};
use postiljon::publishing::newsletters::{IssuesInput, set_issues};
use postiljon::publishing::schedule::{ScheduleError, When, schedule};
use postiljon::store::Store;

use super::{PUBLIC_URL, input, issue, published};
use crate::support::database::both_dbs;
use crate::support::samples::{NOW, newsletter, user};

/// An issue that An wrote, of a newsletter that asks for approval; and An and Bo.
async fn written(store: &Store, clock: &Clock) -> (Issue, UserId, UserId) {
    let (an, bo) = (user(store, "an@example.org").await, user(store, "bo@example.org").await);
    let newsletter = newsletter(store, "insights").await;
    let strict = IssuesInput { theme: Theme::Letter, needs_approval: true };
    set_issues(store, newsletter.id, None, &strict).await.expect("set");
    let article = published(store, clock, "A").await;
    let issue = issue(store, clock, newsletter.id, &[&article]).await;
    let input = IssueInput {
        subject: "Onderwerp".into(),
        articles: vec![Placed::new(article.id, ArticleDisplay::Full)],
        editor: Some(an.id),
        ..IssueInput::default()
    };
    let issue = save(store, clock, issue.id, issue.version, &input).await.expect("saved");
    (issue, an.id, bo.id)
}

async fn send(store: &Store, clock: &Clock, issue: &Issue) -> Result<bool, ScheduleError> {
    schedule(store, clock, PUBLIC_URL, issue.id, When::Now).await.map(|scheduled| scheduled.is_new)
}

both_dbs!(an_issue_waits_for_somebody_else_than_its_writer, |store| {
    let clock = Clock::test(NOW);
    let (issue, an, bo) = written(&store, &clock).await;
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    let own = approve(&store, &clock, PUBLIC_URL, issue.id, an).await;
    assert!(matches!(own, Err(ApproveError::Own)), "{own:?}");
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    for _ in 0..2 {
        approve(&store, &clock, PUBLIC_URL, issue.id, bo).await.expect("approved");
    }
    assert!(send(&store, &clock, &issue).await.expect("scheduled"));
    let late = approve(&store, &clock, PUBLIC_URL, issue.id, bo).await;
    assert!(matches!(late, Err(ApproveError::Scheduled)), "{late:?}");
});

both_dbs!(a_change_of_the_issue_or_of_an_article_asks_for_a_new_approval, |store| {
    let clock = Clock::test(NOW);
    let (issue, an, bo) = written(&store, &clock).await;
    approve(&store, &clock, PUBLIC_URL, issue.id, bo).await.expect("approved");
    let mut reader = store.read().await.expect("a reader");
    let row = postiljon::store::issues::articles(reader.db(), issue.id).await.expect("read").remove(0);
    drop(reader);
    let text = articles::ArticleInput { body: "Toch iets anders.".into(), ..input("A") };
    articles::save(&store, &clock, row.article.id, row.article.version, &text).await.expect("saved");
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    approve(&store, &clock, PUBLIC_URL, issue.id, bo).await.expect("approved again");

    let placed = vec![Placed { heading: "Kop".into(), ..Placed::new(row.article.id, ArticleDisplay::Full) }];
    let input = IssueInput {
        subject: "Onderwerp".into(),
        articles: placed,
        editor: Some(an),
        ..IssueInput::default()
    };
    save(&store, &clock, issue.id, issue.version, &input).await.expect("saved");
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    approve(&store, &clock, PUBLIC_URL, issue.id, bo).await.expect("approved once more");
    assert!(send(&store, &clock, &issue).await.expect("scheduled"));
});

both_dbs!(who_approved_and_then_edits_has_not_approved_it, |store| {
    let clock = Clock::test(NOW);
    let (issue, an, bo) = written(&store, &clock).await;
    approve(&store, &clock, PUBLIC_URL, issue.id, bo).await.expect("approved");
    // Saves the same words: the content is the one that Bo approved, and Bo its last writer.
    let mut reader = store.read().await.expect("a reader");
    let placed = postiljon::store::issues::articles(reader.db(), issue.id).await.expect("read");
    drop(reader);
    let input = IssueInput {
        subject: "Onderwerp".into(),
        articles: placed.into_iter().map(Placed::from).collect(),
        editor: Some(bo),
        ..IssueInput::default()
    };
    save(&store, &clock, issue.id, issue.version, &input).await.expect("saved");
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    approve(&store, &clock, PUBLIC_URL, issue.id, an).await.expect("approved");
    assert!(send(&store, &clock, &issue).await.expect("scheduled"));
});
