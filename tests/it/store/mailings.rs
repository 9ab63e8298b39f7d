use postiljon::model::{Account, Language, MailingId, MailingStatus, SubscriptionId};
use postiljon::store::mailings::{self, Content};
use postiljon::store::{deliveries, subscriptions, workers};

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{self, NOW, article, at, confirmed, newsletter, pending, scheduled, sending};

both_dbs!(an_issue_is_mailed_once_unless_it_was_cancelled, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mailing = scheduled(&store, newsletter.id).await;
    let mut tx = store.begin().await.expect("a transaction");
    let second = mailings::insert(&mut tx, mailing.issue_id, newsletter.id, NOW, NOW).await;
    assert!(second.is_err_and(|error| error.is_duplicate()));
    drop(tx);
    assert!(change!(store, |tx| samples::cancel(tx, mailing.id, at(1))));
    assert!(!change!(store, |tx| samples::cancel(tx, mailing.id, at(2))));
    assert!(read!(store, |db| mailings::of_issue(db, mailing.issue_id)).is_none());
    let second = change!(store, |tx| mailings::insert(tx, mailing.issue_id, newsletter.id, NOW, NOW));
    let found = read!(store, |db| mailings::of_issue(db, mailing.issue_id)).expect("there");
    assert_eq!(format!("{second:?}"), format!("{found:?}"));
    let first = read!(store, |db| mailings::by_id(db, mailing.id)).expect("kept");
    assert_eq!((first.status, first.finished_at), (MailingStatus::Cancelled, Some(at(1))));
});

both_dbs!(what_was_frozen_comes_back, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mailing = scheduled(&store, newsletter.id).await;
    let article = article(&store, "one").await;
    let content = |language| Content {
        language,
        subject: format!("Nieuws {language}"),
        second_subject: String::new(),
        html: "<p>é 😀</p>".into(),
        text: "é 😀\r\n".into(),
        web_html: "<main>é</main>".into(),
    };
    for language in [Language::Dutch, Language::English] {
        change!(store, |tx| mailings::insert_content(tx, mailing.id, &content(language)));
    }
    change!(store, |tx| mailings::insert_article(tx, mailing.id, article.id, 1, 1));
    let found = read!(store, |db| mailings::contents(db, mailing.id));
    let expected = [content(Language::English), content(Language::Dutch)];
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
});

both_dbs!(a_mailing_is_due_at_its_moment_and_not_before, |store| {
    let newsletter = newsletter(&store, "insights").await;
    assert_eq!(read!(store, |db| mailings::next_due(db)), None);
    let mailing = scheduled(&store, newsletter.id).await;
    assert_eq!(read!(store, |db| mailings::next_due(db)), Some(NOW));
    assert!(read!(store, |db| mailings::due(db, at(-1))).is_empty());
    assert_eq!(read!(store, |db| mailings::due(db, NOW)), [mailing.id]);
    assert!(change!(store, |tx| mailings::start(tx, mailing.id, at(-1))).is_none());
    assert!(change!(store, |tx| mailings::start(tx, mailing.id, NOW)).is_some());
    assert!(read!(store, |db| mailings::due(db, NOW)).is_empty());
    assert_eq!(read!(store, |db| mailings::next_due(db)), None);
});

both_dbs!(starting_fixes_the_audience_and_works_once, |store| {
    let insights = newsletter(&store, "insights").await;
    let weekly = newsletter(&store, "weekly").await;
    confirmed(&store, insights.id, 1).await;
    let last = confirmed(&store, insights.id, 2).await;
    pending(&store, insights.id, 3).await;
    let left = confirmed(&store, insights.id, 4).await;
    change!(store, |tx| subscriptions::unsubscribe(tx, left.id, NOW));
    confirmed(&store, weekly.id, 5).await;
    let mailing = scheduled(&store, insights.id).await;
    let begun = change!(store, |tx| mailings::start(tx, mailing.id, at(1))).expect("begun");
    assert_eq!((begun.status, begun.started_at), (MailingStatus::Sending, Some(at(1))));
    assert_eq!((begun.cursor, begun.audience_end), (SubscriptionId(0), last.id));
    assert_eq!(begun.account, Account { audience: 2, ..Account::default() });
    confirmed(&store, insights.id, 6).await;
    assert!(change!(store, |tx| mailings::start(tx, mailing.id, at(2))).is_none());
    let now = read!(store, |db| mailings::by_id(db, mailing.id)).expect("there");
    assert_eq!(format!("{begun:?}"), format!("{now:?}"));
});

both_dbs!(of_two_that_start_a_mailing_at_once_one_begins_it, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mailing = scheduled(&store, newsletter.id).await;
    let start = || {
        let store = store.clone();
        tokio::spawn(async move { change!(store, |tx| mailings::start(tx, mailing.id, NOW)).is_some() })
    };
    let starts = [start(), start(), start()];
    let mut begun = 0;
    for start in starts {
        begun += usize::from(start.await.expect("answered"));
    }
    assert_eq!(begun, 1);
});

both_dbs!(only_a_mailing_that_is_sending_is_locked_and_listed, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mailing = scheduled(&store, newsletter.id).await;
    assert!(change!(store, |tx| mailings::lock_sending(tx, mailing.id)).is_none());
    assert!(read!(store, |db| mailings::sending(db)).is_empty());
    change!(store, |tx| mailings::start(tx, mailing.id, NOW)).expect("begun");
    assert_eq!(change!(store, |tx| mailings::lock_sending(tx, mailing.id)).expect("locked").id, mailing.id);
    assert_eq!(read!(store, |db| mailings::sending(db)).len(), 1);
    change!(store, |tx| mailings::finish(tx, mailing.id, NOW)).expect("an empty audience is done at once");
    assert!(read!(store, |db| mailings::sending(db)).is_empty());
    assert!(change!(store, |tx| mailings::lock_sending(tx, mailing.id)).is_none());
    assert!(change!(store, |tx| mailings::lock_sending(tx, MailingId(i64::MAX))).is_none());
});

both_dbs!(the_cursor_never_moves_back, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mailing = sending(&store, newsletter.id).await;
    for (to, is) in [(5, 5), (3, 5), (6, 6)] {
        change!(store, |tx| mailings::advance(tx, mailing.id, SubscriptionId(to)));
        let now = read!(store, |db| mailings::by_id(db, mailing.id)).expect("there");
        assert_eq!(now.cursor, SubscriptionId(is));
    }
});

both_dbs!(a_mailing_is_finished_only_when_nobody_is_left_over, |store| {
    let newsletter = newsletter(&store, "insights").await;
    confirmed(&store, newsletter.id, 1).await;
    confirmed(&store, newsletter.id, 2).await;
    let mailing = sending(&store, newsletter.id).await;
    let worker = change!(store, |tx| workers::insert(tx, NOW));
    let finish = async || change!(store, |tx| mailings::finish(tx, mailing.id, at(9)));
    let record = async |subscriber, outcome, due_at| {
        let record = deliveries::Record {
            subscriber_id: subscriber,
            outcome,
            attempts: 1,
            doubts: 0,
            due_at,
            reply: String::new(),
            relay: String::new(),
            refusal: postiljon::model::Refusal::None,
        };
        change!(store, |tx| deliveries::record(tx, mailing.id, worker, &[record], NOW));
    };
    assert!(finish().await.is_none(), "nobody was reached");
    let first = change!(store, |tx| samples::claim_next(tx, &mailing, worker, 1, NOW))[0].subscriber_id;
    record(first, postiljon::model::Outcome::Sent, None).await;
    assert!(finish().await.is_none(), "the second was not reached");
    let mailing = change!(store, |tx| mailings::lock_sending(tx, mailing.id)).expect("sending");
    let second = change!(store, |tx| samples::claim_next(tx, &mailing, worker, 9, NOW))[0].subscriber_id;
    assert!(finish().await.is_none(), "the second is on the wire");
    record(second, postiljon::model::Outcome::Deferred, Some(NOW)).await;
    assert!(finish().await.is_none(), "the second is to be tried again");
    change!(store, |tx| deliveries::claim_due(tx, mailing.id, "other", worker, 9, NOW));
    record(second, postiljon::model::Outcome::Bounced, None).await;
    let done = finish().await.expect("finished");
    assert_eq!((done.status, done.finished_at), (MailingStatus::Sent, Some(at(9))));
    assert!(done.account.balances());
    assert!(finish().await.is_none(), "it was finished already");
});

both_dbs!(the_open_mailings_of_a_newsletter_are_those_that_have_not_ended, |store| {
    let insights = newsletter(&store, "insights").await;
    let weekly = newsletter(&store, "weekly").await;
    let going = sending(&store, insights.id).await;
    let waiting = scheduled(&store, insights.id).await;
    let cancelled = scheduled(&store, insights.id).await;
    change!(store, |tx| samples::cancel(tx, cancelled.id, NOW));
    scheduled(&store, weekly.id).await;
    let open = async || {
        let found = change!(store, |tx| mailings::lock_open(tx, insights.id));
        found.iter().map(|mailing| mailing.id).collect::<Vec<_>>()
    };
    assert_eq!(open().await, [going.id, waiting.id]);
    change!(store, |tx| mailings::finish(tx, going.id, NOW)).expect("an empty audience is done at once");
    assert_eq!(open().await, [waiting.id]);
});

both_dbs!(a_mailing_that_is_held_open_begins_afterwards_with_who_is_left, |store| {
    let newsletter = newsletter(&store, "insights").await;
    confirmed(&store, newsletter.id, 1).await;
    let leaver = confirmed(&store, newsletter.id, 2).await;
    let mailing = scheduled(&store, newsletter.id).await;
    let mut tx = store.begin().await.expect("a transaction");
    mailings::lock_open(&mut tx, newsletter.id).await.expect("held");
    let (starting, other) = (store.clone(), mailing.id);
    let start = tokio::spawn(async move { change!(starting, |tx| mailings::start(tx, other, NOW)) });
    subscriptions::unsubscribe(&mut tx, leaver.id, NOW).await.expect("left");
    tx.commit().await.expect("committed");
    assert_eq!(start.await.expect("answered").expect("begun").account.audience, 1);
});
