use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::model::{
    ArticleDisplay, Condition, Filter, Language, LinkCheck, LinkVerdict, MailingStatus, Move, OutboxKind,
    Placed, Timestamp,
};
use postiljon::publishing::articles;
use postiljon::publishing::compose::compose;
use postiljon::publishing::issues::{IssueInput, create, save};
use postiljon::publishing::moves::make_move;
use postiljon::publishing::schedule::{ScheduleError, Scheduling, When, parse_local, schedule, seen_of};
use postiljon::publishing::test_mail::send_test;
use postiljon::store::{
    articles as article_table, link_checks, mailing_overrides, mailings, outbox, segments, workers,
};

use super::{PUBLIC_URL, input, issue, published};
use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, confirmed, newsletter, user};

both_dbs!(what_is_scheduled_is_frozen_and_the_article_knows, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "Zes lessen").await;
    let issue = issue(&store, &clock, newsletter.id, &[&article]).await;
    let at = When::Local(parse_local("2026-02-01 09:00").expect("a time"));
    let scheduled = schedule(&store, &clock, PUBLIC_URL, issue.id, at).await.expect("scheduled");
    assert!(scheduled.is_new);
    assert_eq!(scheduled.mailing.due_at.rfc3339(), "2026-02-01T08:00:00Z");
    articles::save(&store, &clock, article.id, article.version, &input("Veranderd")).await.expect("saved");

    let mut reader = store.read().await.expect("a reader");
    let contents = mailings::contents(reader.db(), scheduled.mailing.id).await.expect("read");
    let [content] = &contents[..] else { panic!("{contents:?}") };
    assert_eq!(content.subject, "Wat wij lazen");
    assert!(content.html.contains("Zes lessen") && !content.html.contains("Veranderd"));
    assert!(content.text.contains("Zes lessen"));
    assert!(content.web_html.contains("lezer"), "the fallback stands in the web view");
    let seen = article_table::appearances(reader.db(), article.id).await.expect("read");
    assert_eq!((seen[0].number, seen[0].article_version), (1, 1));
});

both_dbs!(a_second_click_answers_with_the_first_mailing, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let issue = issue(&store, &clock, newsletter.id, &[&article]).await;
    let clicks: Vec<_> = (0..4)
        .map(|_| {
            let (store, clock) = (store.clone(), clock.clone());
            tokio::spawn(async move { schedule(&store, &clock, PUBLIC_URL, issue.id, When::Now).await })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    let mut new = 0;
    for click in clicks {
        let scheduled = click.await.expect("a task").expect("scheduled");
        ids.insert(scheduled.mailing.id);
        new += usize::from(scheduled.is_new);
    }
    assert_eq!((ids.len(), new), (1, 1));
});

both_dbs!(the_past_is_refused_but_not_the_last_minute, |store| {
    let clock = Clock::test(NOW); // 13:00 in Brussels
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let issue = issue(&store, &clock, newsletter.id, &[&article]).await;
    let at = |text: &str| When::Local(parse_local(text).expect("a time"));
    let key = |result: Result<_, ScheduleError>| result.map(|_| ()).expect_err("refused").key();
    let past = schedule(&store, &clock, PUBLIC_URL, issue.id, at("2026-01-01 12:58")).await;
    assert_eq!(key(past), "schedule-past");
    let far = schedule(&store, &clock, PUBLIC_URL, issue.id, at("2062-01-01 12:58")).await;
    assert_eq!(key(far), "schedule-too-far");
    schedule(&store, &clock, PUBLIC_URL, issue.id, at("2026-01-01 12:59")).await.expect("scheduled");
});

both_dbs!(an_issue_with_errors_is_not_scheduled, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let draft = articles::create(&store, &clock, &input("Ontwerp")).await.expect("stored");
    let issue = issue(&store, &clock, newsletter.id, &[&draft]).await;
    let error = schedule(&store, &clock, PUBLIC_URL, issue.id, When::Now).await.expect_err("refused");
    assert_eq!(
        error.to_string(),
        "This issue cannot be sent yet.\n- Ontwerp: This article is a draft. Publish it first."
    );
    let mut reader = store.read().await.expect("a reader");
    assert!(mailings::of_issue(reader.db(), issue.id).await.expect("read").is_none());
});

both_dbs!(a_cancelled_issue_can_be_scheduled_again_unless_some_have_it_already, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let issue = issue(&store, &clock, newsletter.id, &[&article]).await;
    let first = schedule(&store, &clock, PUBLIC_URL, issue.id, When::Now).await.expect("scheduled").mailing;
    for _ in 0..2 {
        make_move(&store, &clock, first.id, Move::Cancel).await.expect("cancelled");
    }
    let second = schedule(&store, &clock, PUBLIC_URL, issue.id, When::Now).await.expect("scheduled").mailing;
    assert_ne!(first.id, second.id);
    let mut tx = store.begin().await.expect("a transaction");
    let begun = mailings::start(&mut tx, second.id, clock.now()).await.expect("started").expect("due");
    tx.commit().await.expect("committed");
    assert_eq!(begun.status, MailingStatus::Sending);
    make_move(&store, &clock, second.id, Move::Cancel).await.expect("cancelled on the way");
    let third = schedule(&store, &clock, PUBLIC_URL, issue.id, When::Now).await.expect("answered");
    assert_eq!((third.is_new, third.mailing.id), (false, second.id));
    let error = make_move(&store, &clock, second.id, Move::Pause).await.expect_err("refused");
    assert_eq!(error.key(), "error-mailing-moved-on");
});

both_dbs!(a_test_mail_goes_into_the_outbox, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let draft = articles::create(&store, &clock, &input("Ontwerp")).await.expect("stored");
    let issue = issue(&store, &clock, newsletter.id, &[&draft]).await;
    let error = send_test(&store, &clock, PUBLIC_URL, issue.id, "collega").await.expect_err("refused");
    assert_eq!(error.key(), "error-address-no-at");
    send_test(&store, &clock, PUBLIC_URL, issue.id, "collega@example.org").await.expect("queued");
    let mut tx = store.begin().await.expect("a transaction");
    let worker = workers::insert(&mut tx, NOW).await.expect("a worker");
    let later = Timestamp::from_millis(NOW.as_millis() + Duration::from_secs(1).as_millis() as i64);
    let mails = outbox::claim(&mut tx, worker, 10, later).await.expect("claimed");
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!((mail.kind, mail.issue_id), (OutboxKind::Test, Some(issue.id)));
    assert_eq!(mail.to_address.as_ref().map(|to| to.as_str()), Some("collega@example.org"));
});

both_dbs!(an_error_is_overridden_with_a_reason_that_is_kept_and_never_one_that_leaves_a_hole, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let local = |subject: &str| IssueInput {
        subject: subject.into(),
        intro: "[intern](http://localhost/)".into(),
        articles: vec![Placed::new(article.id, ArticleDisplay::Full)],
        ..IssueInput::default()
    };
    let despite = |reason: &str| Scheduling { reason: Some(reason.into()), ..Scheduling::from(When::Now) };
    let issue = create(&store, &clock, newsletter.id, &local("Onderwerp")).await.expect("composed");
    let plain = schedule(&store, &clock, PUBLIC_URL, issue.id, When::Now).await;
    assert!(matches!(plain, Err(ScheduleError::Blocked(_))), "{plain:?}");
    let silent = schedule(&store, &clock, PUBLIC_URL, issue.id, despite("  ")).await;
    assert!(matches!(silent, Err(ScheduleError::NoReason)), "{silent:?}");
    let scheduled = schedule(&store, &clock, PUBLIC_URL, issue.id, despite("voor ons eigen net")).await;
    let mailing = scheduled.expect("scheduled").mailing;
    let mut reader = store.read().await.expect("a reader");
    let kept = mailing_overrides::of_mailing(reader.db(), mailing.id).await.expect("read");
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!((kept.finding.as_str(), kept.reason.as_str()), ("check-link-local", "voor ons eigen net"));
    assert!(kept.words.contains("http://localhost/"), "{kept:?}");
    drop(reader);

    // With an error beside it that may not be overridden, no reason helps.
    let issue = create(&store, &clock, newsletter.id, &local("")).await.expect("composed");
    let hole = schedule(&store, &clock, PUBLIC_URL, issue.id, despite("omdat het moet")).await;
    assert!(matches!(hole, Err(ScheduleError::Blocked(_))), "{hole:?}");
});

both_dbs!(what_the_last_step_did_not_show_is_not_sent, |store| {
    let clock = Clock::test(NOW);
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let text = |subject: &str, intro: &str| IssueInput {
        subject: subject.into(),
        intro: intro.into(),
        articles: vec![Placed::new(article.id, ArticleDisplay::Full)],
        ..IssueInput::default()
    };
    let issue = create(&store, &clock, newsletter.id, &text("Onderwerp", "")).await.expect("composed");
    let shown = async || {
        let composed = read!(store, |db| compose(db, issue.id, NOW, PUBLIC_URL)).expect("an issue");
        seen_of(&composed)
    };
    let send = async |seen: &str, reason: Option<&str>| {
        let (seen, reason) = (Some(seen.to_owned()), reason.map(str::to_owned));
        let scheduling = Scheduling { seen, reason, ..Scheduling::from(When::Now) };
        schedule(&store, &clock, PUBLIC_URL, issue.id, scheduling).await
    };
    let seen = shown().await;
    let local = text("Toch iets anders", "[intern](http://localhost/)");
    let issue = save(&store, &clock, issue.id, issue.version, &local).await.expect("saved");
    let late = send(&seen, Some("voor ons net")).await;
    assert!(matches!(late, Err(ScheduleError::Changed)), "{late:?}");
    // An error that came up behind the page is not overridden with those that it showed.
    let link = "https://example.org/weg";
    let both = text("TODO lijst", &format!("[intern](http://localhost/) [weg]({link})"));
    let issue = save(&store, &clock, issue.id, issue.version, &both).await.expect("saved");
    let seen = shown().await;
    let (verdict, status) = (LinkVerdict::Gone, 404);
    let gone = LinkCheck { url: link.into(), verdict, status, octets: None, checked_at: NOW };
    change!(store, |tx| link_checks::set(tx, &gone));
    let late = send(&seen, Some("voor ons net")).await;
    assert!(matches!(late, Err(ScheduleError::Changed)), "{late:?}");
    assert!(read!(store, |db| mailings::of_issue(db, issue.id)).is_none(), "nothing of it stays");
    let sent = send(&shown().await, Some("voor ons net")).await.expect("as it was shown");
    // A second click is told of the first.
    assert_eq!(send(&seen, None).await.expect("answered").mailing.id, sent.mailing.id);
});

both_dbs!(a_moment_of_this_minute_can_be_called_back_and_needs_a_reader_like_now, |store| {
    let clock = Clock::test(NOW); // 13:00 in Brussels
    clock.advance(Duration::from_secs(20));
    let newsletter = newsletter(&store, "insights").await;
    let article = published(&store, &clock, "A").await;
    let issue = issue(&store, &clock, newsletter.id, &[&article]).await;
    let an = user(&store, "an@example.org").await;
    let undo = Duration::from_secs(30);
    let local = |text: &str| Scheduling {
        user: Some(an.id),
        undo,
        ..Scheduling::from(When::Local(parse_local(text).expect("a time")))
    };
    let send = async |scheduling| schedule(&store, &clock, PUBLIC_URL, issue.id, scheduling).await;
    let nobody = send(local("2026-01-01 13:00")).await;
    assert!(matches!(nobody, Err(ScheduleError::NoReaders)), "{nobody:?}");
    // A segment that is empty by now is nobody either, however many readers there are.
    confirmed(&store, newsletter.id, 1).await;
    let french = Filter::all(vec![Condition::Language { is: true, language: Language::French }]).to_json();
    let segment = change!(store, |tx| segments::insert(tx, newsletter.id, "Frans", &french, NOW));
    let segment = Some(segment.id);
    let now = Scheduling { segment, user: Some(an.id), ..Scheduling::from(When::AfterUndo(undo)) };
    for empty in [now, Scheduling { segment, ..local("2026-01-01 13:00") }] {
        let nobody = send(empty).await;
        assert!(matches!(nobody, Err(ScheduleError::NoReaders)), "{nobody:?}");
    }
    assert!(read!(store, |db| mailings::of_issue(db, issue.id)).is_none());
    let mailing = send(local("2026-01-01 13:00")).await.expect("scheduled").mailing;
    assert_eq!(mailing.due_at, clock.now().plus(undo), "it can be called back");
    make_move(&store, &clock, mailing.id, Move::Cancel).await.expect("called back");
    let later = send(Scheduling { segment, ..local("2026-01-01 14:00") }).await.expect("scheduled").mailing;
    assert_eq!(later.due_at.rfc3339(), "2026-01-01T13:00:00Z");
});
