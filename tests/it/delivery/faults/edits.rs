//! R23: an issue and its articles are edited, and people leave, while it is being sent.
//! An article or an issue cannot be deleted; an article can be taken back to draft.

use postiljon::keys::Purpose;
use postiljon::model::{ArticleStatus, Outcome};
use postiljon::publishing::articles;
use postiljon::publishing::issues::{self, IssueError, IssueInput};
use postiljon::publishing::schedule::{When, schedule};
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::unsubscribe::unsubscribe;

use super::*;
use crate::publishing::{PUBLIC_URL, input, issue, published};
use crate::support::database::both_dbs;

const READERS: usize = 60;

both_dbs!(what_is_edited_during_a_mailing_changes_no_mail_of_it, |store| {
    // Only for its readers.
    let other = mailing_to(&store, ill("slow", 2).chain(fine(READERS - 2))).await;
    let clock = Clock::test(NOW);
    postiljon::publishing::moves::make_move(&store, &clock, other.id, postiljon::model::Move::Cancel)
        .await
        .expect("cancelled");
    let rig = Rig::new(&store, Options::default()).await;
    let clock = &rig.bench.clock;
    let article = published(&store, clock, "Oorspronkelijk").await;
    let issue = issue(&store, clock, other.newsletter_id, &[&article]).await;
    let scheduled = schedule(&store, clock, PUBLIC_URL, issue.id, When::Now).await.expect("scheduled");
    let engine = rig.bench.start();
    rig.server.wait_for_slow(2).await;

    let stored = read!(store, |db| postiljon::store::articles::by_id(db, article.id)).expect("there");
    articles::save(&store, clock, article.id, stored.version, &input("Veranderd")).await.expect("saved");
    articles::set_status(&store, clock, article.id, ArticleStatus::Draft).await.expect("taken back");
    let words = IssueInput { subject: "Anders".into(), ..IssueInput::default() };
    let late = issues::save(&store, clock, issue.id, issue.version, &words).await.expect_err("too late");
    assert!(matches!(late, IssueError::Scheduled), "{late}");
    // The mail is made anew from what is stored.
    clock.advance(Duration::from_secs(15));
    rig.server.release();
    let sent = rig.until_sent(&engine, &scheduled.mailing).await;
    rig.everybody_has_one(&sent, "edits").await;
    for mail in rig.server.accepted() {
        let text = String::from_utf8_lossy(&mail.bytes).replace("=\r\n", "");
        assert!(text.contains("Oorspronkelijk") && text.contains("Subject: Wat wij lazen"), "{text}");
        assert!(!text.contains("Veranderd") && !text.contains("Anders"), "{text}");
    }
    rig.close(engine).await;
});

both_dbs!(who_leaves_while_the_server_is_slow_gets_no_mail_any_more, |store| {
    let mailing = mailing_to(&store, ill("slow", 2).chain(fine(READERS - 2))).await;
    let rig = Rig::new(&store, Options::default()).await;
    let engine = rig.bench.start();
    rig.server.wait_for_slow(2).await;
    for id in 3..=10 {
        let all = read!(store, |db| subscriptions::of_subscriber(db, SubscriberId(id)));
        let link = rig.bench.keys.sign_link(Purpose::Unsubscribe, all[0].id);
        let left = unsubscribe(&store, &rig.bench.clock, &rig.bench.keys, &link, &Evidence::command()).await;
        left.expect("left");
    }
    rig.bench.clock.advance(PAUSE_MIN);
    rig.server.release();
    let sent = rig.until_sent(&engine, &mailing).await;
    assert_eq!((sent.account.sent, sent.account.skipped), (52, 8));
    let ledger = rig.ledger(&sent).await;
    assert!(ledger[2..10].iter().all(|row| row.outcome == Outcome::Skipped), "{ledger:?}");
    assert_eq!(rig.server.copies().len(), 52);
    rig.close(engine).await;
});
