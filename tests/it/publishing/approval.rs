//! Four eyes.

use postiljon::clock::Clock;
use postiljon::model::{Article, ArticleDisplay, Grant, Issue, Placed, Role, Theme, UserId, VersionKind};
use postiljon::publishing::approval::{ApproveError, approve, ask, content_of};
use postiljon::publishing::articles;
use postiljon::publishing::compose::compose;
use postiljon::publishing::issues::{IssueInput, save};
use postiljon::publishing::newsletters::{IssuesInput, set_issues};
use postiljon::publishing::schedule::{ScheduleError, When, schedule};
use postiljon::store::{Store, grants, issue_approvals, issues, outbox};

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
    let own = approve(&store, &clock, PUBLIC_URL, issue.id, an, None).await;
    assert!(matches!(own, Err(ApproveError::Own)), "{own:?}");
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    for _ in 0..2 {
        approve(&store, &clock, PUBLIC_URL, issue.id, bo, None).await.expect("approved");
    }
    assert!(send(&store, &clock, &issue).await.expect("scheduled"));
    let late = approve(&store, &clock, PUBLIC_URL, issue.id, bo, None).await;
    assert!(matches!(late, Err(ApproveError::Scheduled)), "{late:?}");
});

both_dbs!(a_change_of_the_issue_or_of_an_article_asks_for_a_new_approval, |store| {
    let clock = Clock::test(NOW);
    let (issue, an, bo) = written(&store, &clock).await;
    approve(&store, &clock, PUBLIC_URL, issue.id, bo, None).await.expect("approved");
    let mut reader = store.read().await.expect("a reader");
    let row = postiljon::store::issues::articles(reader.db(), issue.id).await.expect("read").remove(0);
    drop(reader);
    let text = articles::ArticleInput { body: "Toch iets anders.".into(), ..input("A") };
    articles::save(&store, &clock, row.article.id, row.article.version, &text).await.expect("saved");
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    approve(&store, &clock, PUBLIC_URL, issue.id, bo, None).await.expect("approved again");

    let placed = vec![Placed { heading: "Kop".into(), ..Placed::new(row.article.id, ArticleDisplay::Full) }];
    let input = IssueInput {
        subject: "Onderwerp".into(),
        articles: placed,
        editor: Some(an),
        ..IssueInput::default()
    };
    save(&store, &clock, issue.id, issue.version, &input).await.expect("saved");
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    approve(&store, &clock, PUBLIC_URL, issue.id, bo, None).await.expect("approved once more");
    assert!(send(&store, &clock, &issue).await.expect("scheduled"));
});

both_dbs!(who_approved_and_then_edits_has_not_approved_it, |store| {
    let clock = Clock::test(NOW);
    let (issue, an, bo) = written(&store, &clock).await;
    approve(&store, &clock, PUBLIC_URL, issue.id, bo, None).await.expect("approved");
    // Saves the same words: Bo has written nothing, and An still cannot approve her own.
    let mut reader = store.read().await.expect("a reader");
    let placed = postiljon::store::issues::articles(reader.db(), issue.id).await.expect("read");
    drop(reader);
    let input = IssueInput {
        subject: "Onderwerp".into(),
        articles: placed.into_iter().map(Placed::from).collect(),
        editor: Some(bo),
        ..IssueInput::default()
    };
    let same = save(&store, &clock, issue.id, issue.version, &input).await.expect("saved");
    assert_eq!((same.version, same.edited_by), (issue.version + 1, Some(an)));
    let own = approve(&store, &clock, PUBLIC_URL, issue.id, an, None).await;
    assert!(matches!(own, Err(ApproveError::Own)), "{own:?}");
    // With another word it is Bo's, until somebody else has read it.
    let other = IssueInput { subject: "Een ander onderwerp".into(), ..input };
    save(&store, &clock, issue.id, same.version, &other).await.expect("saved");
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    assert!(approve(&store, &clock, PUBLIC_URL, issue.id, an, None).await.expect("approved"));
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

both_dbs!(what_was_changed_since_somebody_looked_at_it_is_not_approved, |store| {
    let clock = Clock::test(NOW);
    let (issue, an, bo) = written(&store, &clock).await;
    let shown = async || {
        let composed = read!(store, |db| compose(db, issue.id, NOW, PUBLIC_URL)).expect("an issue");
        content_of(&composed)
    };
    let seen = shown().await;
    let rows = read!(store, |db| issues::articles(db, issue.id));
    let input = IssueInput {
        subject: "Nog een laatste ding".into(),
        articles: rows.into_iter().map(Placed::from).collect(),
        editor: Some(an),
        ..IssueInput::default()
    };
    save(&store, &clock, issue.id, issue.version, &input).await.expect("saved");
    let late = approve(&store, &clock, PUBLIC_URL, issue.id, bo, Some(&seen)).await;
    assert!(matches!(late, Err(ApproveError::Changed)), "{late:?}");
    assert!(read!(store, |db| issue_approvals::of_issue(db, issue.id)).is_empty());
    let seen = shown().await;
    assert!(approve(&store, &clock, PUBLIC_URL, issue.id, bo, Some(&seen)).await.expect("approved"));
});

/// Saves the article of an issue in the name of somebody.
async fn rewrite(store: &Store, clock: &Clock, issue: &Issue, by: UserId, body: &str) -> Article {
    let row = read!(store, |db| issues::articles(db, issue.id)).remove(0).article;
    let text = articles::ArticleInput { body: body.into(), ..input("A") };
    articles::save_by(store, clock, Some(by), VersionKind::Saved, row.id, row.version, &text)
        .await
        .expect("saved")
}

both_dbs!(who_wrote_an_article_in_it_has_to_be_read_by_somebody_else, |store| {
    let clock = Clock::test(NOW);
    let (issue, an, bo) = written(&store, &clock).await;
    let rows = read!(store, |db| issues::articles(db, issue.id));
    let input = IssueInput {
        subject: "Van Bo".into(),
        articles: rows.into_iter().map(Placed::from).collect(),
        editor: Some(bo),
        ..IssueInput::default()
    };
    save(&store, &clock, issue.id, issue.version, &input).await.expect("saved");
    rewrite(&store, &clock, &issue, an, "Dit las nog niemand.").await;
    // An has read what Bo wrote, and nobody what An wrote.
    assert!(!approve(&store, &clock, PUBLIC_URL, issue.id, an, None).await.expect("half of it"));
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    assert!(approve(&store, &clock, PUBLIC_URL, issue.id, bo, None).await.expect("approved"));
    assert!(send(&store, &clock, &issue).await.expect("two people can always send"));
});

both_dbs!(one_who_wrote_none_of_it_is_enough, |store| {
    let clock = Clock::test(NOW);
    let (issue, an, _) = written(&store, &clock).await;
    let cy = user(&store, "cy@example.org").await.id;
    let dee = user(&store, "dee@example.org").await.id;
    rewrite(&store, &clock, &issue, dee, "Van Dee.").await;
    assert!(!approve(&store, &clock, PUBLIC_URL, issue.id, dee, None).await.expect("half of it"));
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    assert!(approve(&store, &clock, PUBLIC_URL, issue.id, cy, None).await.expect("approved"));
    let again = approve(&store, &clock, PUBLIC_URL, issue.id, an, None).await;
    assert!(again.expect("approved"), "one more changes nothing");
    assert!(send(&store, &clock, &issue).await.expect("scheduled"));
});

both_dbs!(an_issue_that_nobody_edited_is_of_those_who_wrote_its_articles, |store| {
    let clock = Clock::test(NOW);
    let (made, an, bo) = written(&store, &clock).await;
    // As a digest is made.
    let article = read!(store, |db| issues::articles(db, made.id)).remove(0).article;
    let issue = issue(&store, &clock, made.newsletter_id, &[&article]).await;
    assert_eq!(issue.edited_by, None);
    rewrite(&store, &clock, &issue, an, "Van An.").await;
    let own = approve(&store, &clock, PUBLIC_URL, issue.id, an, None).await;
    assert!(matches!(own, Err(ApproveError::OwnArticle)), "{own:?}");
    assert!(own.expect_err("refused").to_string().contains("article"));
    // Saved again as it was, it is still An's: Bo may approve it, and An may not.
    let again = rewrite(&store, &clock, &issue, bo, "Van An.").await;
    assert_eq!(again.version, 3);
    let own = approve(&store, &clock, PUBLIC_URL, issue.id, an, None).await;
    assert!(matches!(own, Err(ApproveError::OwnArticle)), "{own:?}");
    assert!(matches!(send(&store, &clock, &issue).await, Err(ScheduleError::NotApproved)));
    assert!(approve(&store, &clock, PUBLIC_URL, issue.id, bo, None).await.expect("approved"));
    assert!(send(&store, &clock, &issue).await.expect("scheduled"));
});
