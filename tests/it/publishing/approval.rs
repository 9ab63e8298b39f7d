//! Four eyes.

use postiljon::clock::Clock;
use postiljon::model::{ArticleDisplay, Grant, Issue, Placed, Role, Theme, UserId};
use postiljon::publishing::approval::{ApproveError, approve, ask};
use postiljon::publishing::articles;
use postiljon::publishing::issues::{IssueInput, save};
use postiljon::publishing::newsletters::{IssuesInput, set_issues};
use postiljon::publishing::schedule::{ScheduleError, When, schedule};
use postiljon::store::{Store, grants, outbox};

use super::{PUBLIC_URL, input, issue, published};
use crate::support::database::{both_dbs, change, read};
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

both_dbs!(colleagues_who_may_approve_are_asked_once_for_an_issue_as_it_is, |store| {
    let clock = Clock::test(NOW);
    let (issue, _, _) = written(&store, &clock).await;
    // Cy may not approve.
    let cy = user(&store, "cy@example.org").await;
    let grant = Grant::of_one(issue.newsletter_id, Role::Author);
    change!(store, |tx| grants::set(tx, cy.id, &[grant]));
    let asked = async |store: &Store| ask(store, &clock, PUBLIC_URL, issue.id, "An").await.expect("asked");
    let open = async |store: &Store| read!(store, |db| outbox::open_count(db));
    assert_eq!((asked(&store).await, open(&store).await), (1, 1));
    assert_eq!((asked(&store).await, open(&store).await), (0, 1));
    let rows = read!(store, |db| postiljon::store::issues::articles(db, issue.id));
    let input = IssueInput {
        subject: "Een ander onderwerp".into(),
        articles: rows.into_iter().map(Placed::from).collect(),
        editor: issue.edited_by,
        ..IssueInput::default()
    };
    let issue = save(&store, &clock, issue.id, issue.version, &input).await.expect("saved");
    let again = ask(&store, &clock, PUBLIC_URL, issue.id, "An").await.expect("asked");
    assert_eq!((again, open(&store).await), (1, 2), "it is another issue now");
});
