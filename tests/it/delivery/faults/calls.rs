//! R22: many who press the same button, and buttons that contradict each other, at the same time.
//! No call of the API sends anything: to hand in an article twice is to hand it in once, by its `external_id`.

use std::collections::BTreeSet;

use postiljon::model::Move;
use postiljon::publishing::moves::{MoveError, make_move};
use postiljon::publishing::schedule::{When, schedule};

use super::*;
use crate::publishing::{PUBLIC_URL, issue, published};
use crate::support::database::both_dbs;
use crate::support::samples::confirmed;

const CALLS: usize = 1_000;

both_dbs!(a_thousand_who_schedule_one_issue_at_once_make_one_mailing, |store| {
    let newsletter = newsletter(&store, "insights").await;
    for n in 1..=20 {
        confirmed(&store, newsletter.id, n).await;
    }
    let rig = Rig::new(&store, Options::default()).await;
    let article = published(&store, &rig.bench.clock, "Verhaal").await;
    let issue = issue(&store, &rig.bench.clock, newsletter.id, &[&article]).await;
    let engine = rig.bench.start();
    let calls: Vec<_> = (0..CALLS)
        .map(|n| {
            let (store, clock) = (store.clone(), rig.bench.clock.clone());
            let when = if n % 2 == 0 { When::Now } else { When::AfterUndo(Duration::from_secs(30)) };
            tokio::spawn(async move { schedule(&store, &clock, PUBLIC_URL, issue.id, when).await })
        })
        .collect();
    let (mut ids, mut new, mut made) = (BTreeSet::new(), 0, None);
    for call in calls {
        let scheduled = call.await.expect("a task").expect("an answer");
        ids.insert(scheduled.mailing.id);
        new += usize::from(scheduled.is_new);
        made = Some(scheduled.mailing);
    }
    assert_eq!((ids.len(), new), (1, 1));
    engine.wake();
    let sent = rig.bench.until_sent(&engine, &made.expect("a mailing"), PAUSE_MIN).await;
    rig.everybody_has_one(&sent, "calls").await;
    rig.close(engine).await;
});

/// Presses buttons until told otherwise; every answer is legal. Tells how many moves were made.
async fn press(store: Store, clock: Clock, mailing: Mailing, seed: usize) -> usize {
    let mut made = 0;
    for n in 0..20 {
        let wanted = if (seed + n).is_multiple_of(2) { Move::Pause } else { Move::Resume };
        match make_move(&store, &clock, mailing.id, wanted).await {
            Ok(moved) => {
                assert_eq!(Some(moved.mailing.status), wanted.to());
                made += 1;
            }
            Err(MoveError::MovedOn) => {}
            Err(error) => panic!("{error}"),
        }
        tokio::task::yield_now().await;
    }
    made
}

fn pressers(rig: &Rig, mailing: &Mailing) -> Vec<tokio::task::JoinHandle<usize>> {
    let press = |seed| press(rig.bench.store.clone(), rig.bench.clock.clone(), mailing.clone(), seed);
    (0..10).map(|seed| tokio::spawn(press(seed))).collect()
}

async fn all_pressed(pressers: Vec<tokio::task::JoinHandle<usize>>) -> usize {
    let mut made = 0;
    for presser in pressers {
        made += presser.await.expect("legal answers");
    }
    made
}

both_dbs!(a_mailing_that_many_pause_and_resume_at_once_is_sent_once_to_everybody, |store| {
    let mailing = mailing_to(&store, fine(200)).await;
    let rig = Rig::new(&store, Options::default()).await;
    let engine = rig.bench.start();
    rig.server.wait_for_accepted(10).await;
    let made = all_pressed(pressers(&rig, &mailing)).await;
    assert!(made > 0, "somebody was in time");
    match make_move(&store, &rig.bench.clock, mailing.id, Move::Resume).await {
        Ok(_) | Err(MoveError::MovedOn) => engine.wake(),
        Err(error) => panic!("{error}"),
    }
    let sent = rig.bench.until_sent(&engine, &mailing, PAUSE_MIN).await;
    rig.everybody_has_one(&sent, "pause and resume").await;
    rig.close(engine).await;
});

both_dbs!(a_mailing_that_is_cancelled_while_others_pause_and_resume_it_stays_cancelled, |store| {
    let mailing = mailing_to(&store, ill("slow", 2).chain(fine(300))).await;
    let rig = Rig::new(&store, Options::default()).await;
    let engine = rig.bench.start();
    rig.server.wait_for_slow(1).await;
    let pressing = pressers(&rig, &mailing);
    make_move(&store, &rig.bench.clock, mailing.id, Move::Cancel).await.expect("cancelled");
    rig.server.release();
    all_pressed(pressing).await;
    engine.wake();
    let is_whole = |mailing: &Mailing| mailing.account.balances();
    let cancelled = rig.bench.until(&engine, &mailing, PAUSE_MIN, is_whole).await;
    assert_eq!(cancelled.status, MailingStatus::Cancelled);
    rig.bench.assert_balanced(&cancelled).await;
    for wanted in [Move::Pause, Move::Resume, Move::SendNow, Move::ResendFailed, Move::ResendUncertain] {
        let late = make_move(&store, &rig.bench.clock, mailing.id, wanted).await;
        assert!(matches!(late, Err(MoveError::MovedOn)), "{wanted}: {late:?}");
    }
    let copies = rig.server.copies();
    assert!(copies.values().all(|copies| *copies == 1), "{copies:?}");
    assert_eq!(i64::try_from(copies.len()).ok(), Some(cancelled.account.sent));
    rig.close(engine).await;
});
