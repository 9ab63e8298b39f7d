//! kill -9 during an import: it goes on where it was, and every row counts once.

use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::model::{ImportCounts, ImportStatus, SubscriptionStatus};
use postiljon::store::{consents, imports, subscribers, subscriptions};
use postiljon::subscriptions::import::{self, Upload};

use super::process::{Process, Settings};
use super::{ASK_EVERY, Dice, PATIENCE, within};
use crate::support::database::{TestDatabase, both_databases, read};
use crate::support::samples::{address, newsletter};

/// Rows of the file: some steps of the work.
const ROWS: usize = 30_000;
const KILLS: usize = 3;

async fn killed_midway(database: &TestDatabase) {
    let mut dice = Dice::new();
    let store = &database.store;
    let newsletter = newsletter(store, "insights").await;
    let clock = Clock::system();
    let mut upload = Upload::begin(store, &clock, newsletter.id, "list.csv", None).await.expect("begun");
    let mut file = String::from("email,status\n");
    for n in 0..ROWS {
        // Every hundredth is broken, half of them by a quote that is not closed.
        let row = match n % 200 {
            7 => format!("reader{n}@example.org,\"subscribed\n"),
            107 => format!("reader{n},subscribed\n"),
            _ if n % 10 == 0 => format!("reader{n}@example.org,unsubscribed\n"),
            _ => format!("reader{n}@example.org,subscribed\n"),
        };
        file.push_str(&row);
    }
    upload.push(file.as_bytes()).await.expect("taken");
    let import = upload.finish().await.expect("read");
    let meanings = import::meanings(&import);
    let basis = "Subscribed on our website, see the file.";
    import::check(store, &clock, import.id, &meanings, basis).await.expect("checking");
    let folder = tempfile::tempdir().expect("a folder");
    let start = || {
        Process::start(&Settings {
            role: "all",
            data: folder.path(),
            database_url: &database.url,
            relay: "127.0.0.1:1".parse().expect("an address"),
            connections: 1,
            hello_name: "import.example.org",
            log: &folder.path().join("log"),
            more: &[],
        })
    };
    let reached = async |status: ImportStatus, cursor: i64| loop {
        let now = read!(store, |db| imports::by_id(db, import.id)).expect("there");
        if now.status == status && now.cursor >= cursor {
            return now;
        }
        assert_ne!(now.status, ImportStatus::Failed);
        tokio::time::sleep(ASK_EVERY).await;
    };
    let process = start();
    let checked = within(PATIENCE, "it is checked", reached(ImportStatus::Checked, 0)).await;
    let left = i64::try_from(ROWS / 10).expect("few");
    let rows = i64::try_from(ROWS).expect("few");
    let broken = rows / 100;
    let expected = ImportCounts {
        added: rows - left - broken,
        left_before: left,
        invalid: broken,
        ..ImportCounts::default()
    };
    assert_eq!(checked.counts, expected);
    import::run(store, &clock, import.id).await.expect("running");
    let mut process = Some(process);
    for kill in 0..KILLS {
        let begun = within(PATIENCE, "it goes on", async {
            loop {
                let now = read!(store, |db| imports::by_id(db, import.id)).expect("there");
                if now.status == ImportStatus::Done || now.cursor > i64::try_from(kill).expect("few") * 8 {
                    return now;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
        process.take().expect("a process").kill();
        println!("killed at chunk {} of {}", begun.cursor, begun.chunk_count);
        process = Some(start());
    }
    let done = within(PATIENCE, "it is done", reached(ImportStatus::Done, 0)).await;
    drop(process);
    assert_eq!(done.counts, expected);
    let count = |status| {
        let id = newsletter.id;
        async move { read!(store, |db| subscriptions::count(db, id, status)) }
    };
    assert_eq!(count(SubscriptionStatus::Confirmed).await, rows - left - broken);
    assert_eq!(count(SubscriptionStatus::Unsubscribed).await, left);
    for n in [0, 1, ROWS / 2, ROWS - 1] {
        let at = address(&format!("reader{n}@example.org"));
        let person = read!(store, |db| subscribers::by_address(db, &at)).expect("there");
        assert_eq!(read!(store, |db| consents::of_subscriber(db, person.id)).len(), 1, "evidence once");
    }
}

both_databases!(an_import_that_is_killed_goes_on_and_counts_every_row_once, |database| {
    killed_midway(database).await;
});
