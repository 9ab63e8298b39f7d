//! The only connection is in use for long: what waits for it may by then have become a mail that must not go.

use postiljon::keys::Purpose;
use postiljon::model::{Move, Newsletter};
use postiljon::publishing::moves::make_move;
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::unsubscribe::unsubscribe;

use super::*;
use crate::delivery::single_mails::{asked, until_empty};
use crate::support::database::{both_dbs, change};
use crate::support::samples::pending_at;

/// Longer than a claim is taken for fresh.
const LONG: Duration = Duration::from_millis(200);
const READER: &str = "reader1@example.org";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    Cancelled,
    Paused,
    Left,
    Stopped,
}

async fn rig(store: &Store) -> Rig {
    let one = |settings| RelaySettings { connections: 1, ..settings };
    let mut rig = Rig::with(store, Options::default(), one).await;
    rig.bench.parts.settings.drain = Duration::from_millis(200);
    rig
}

/// Waits until the server was told of a recipient.
async fn until_named(rig: &Rig, to: &str) {
    let named = async {
        while !rig.server.commands().iter().any(|line| line.contains(to)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, named).await.expect("the server is told of the recipient");
}

/// Waits until a mail waits for a connection.
async fn until_tried(rig: &Rig, to: &str) {
    let tried = async {
        while rig.tries.of(to).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, tried).await.expect("the mail is tried");
}

/// A mailing of which the first mail waits for the connection, which a question to somebody holds.
async fn waiting_mailing(store: &Store, rig: &Rig, engine: &EngineHandle, news: &Newsletter) -> Mailing {
    asked(store, &rig.bench, news.id, "slow@holds.example", 1).await;
    engine.wake();
    until_named(rig, "slow@holds.example").await;
    let mailing = mailing_of(store, news, 3).await;
    engine.wake();
    until_tried(rig, READER).await;
    rig.bench.clock.advance(LONG);
    mailing
}

both_dbs_each!(
    what_waited_for_a_connection_is_looked_at_again_when_it_has_one,
    [Meanwhile::Cancelled, Meanwhile::Paused, Meanwhile::Left, Meanwhile::Stopped],
    |store, meanwhile| {
        let rig = rig(&store).await;
        let (clock, keys) = (rig.bench.clock.clone(), rig.bench.keys.clone());
        let news = newsletter(&store, "insights").await;
        let engine = rig.bench.start();
        let mailing = waiting_mailing(&store, &rig, &engine, &news).await;
        match meanwhile {
            Meanwhile::Cancelled | Meanwhile::Paused => {
                let wanted = if meanwhile == Meanwhile::Paused { Move::Pause } else { Move::Cancel };
                make_move(&store, &clock, mailing.id, wanted).await.expect("moved");
            }
            Meanwhile::Left => {
                let own = pending_at(&store, news.id, READER).await;
                let link = keys.sign_link(Purpose::Unsubscribe, own.id);
                unsubscribe(&store, &clock, &keys, &link, &Evidence::command()).await.expect("left");
            }
            Meanwhile::Stopped => {
                engine.stop().await;
                let ledger = read!(store, |db| deliveries::ledger(db, mailing.id, SubscriberId(0), 10));
                let is_free = |row: &Delivery| row.doubts == 0 && row.outcome == Outcome::Deferred;
                assert!(ledger.iter().all(is_free), "{ledger:?}");
                assert!(!rig.server.commands().iter().any(|line| line.contains(READER)));
                rig.server.release();
                rig.relays.close().await;
                return;
            }
        }
        rig.server.release();
        let served = rig.bench.until(&engine, &mailing, Duration::ZERO, |now| {
            let unsent = now.account.deferred + now.account.skipped;
            let is_over = now.account.sent == 2 || meanwhile != Meanwhile::Left;
            is_over && unsent > 0 && now.account.open() == 0
        });
        let served = served.await;
        let told = rig.server.commands().into_iter().filter(|line| line.contains(READER)).count();
        assert_eq!((told, served.account.bounced + served.account.uncertain), (0, 0), "{meanwhile:?}");
        rig.close(engine).await;
    }
);

both_dbs!(a_single_mail_that_is_moot_when_it_has_a_connection_does_not_go, |store| {
    let rig = rig(&store).await;
    let mailing = mailing_to(&store, ["slow@holds.example".to_owned()]).await;
    let engine = rig.bench.start();
    until_named(&rig, "slow@holds.example").await;
    asked(&store, &rig.bench, mailing.newsletter_id, READER, 1).await;
    engine.wake();
    until_tried(&rig, READER).await;
    rig.bench.clock.advance(LONG);
    let own = pending_at(&store, mailing.newsletter_id, READER).await;
    change!(store, |tx| subscriptions::confirm(tx, own.id, Language::Dutch, NOW));
    rig.server.release();
    until_empty(&store, &rig.bench, &engine).await;
    let told = rig.server.commands().into_iter().filter(|line| line.contains(READER)).count();
    assert_eq!(told, 0, "who has confirmed is not asked");
    rig.close(engine).await;
});
