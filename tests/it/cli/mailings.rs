//! `mailing ..` and `newsletter set`, by the real binary on either database.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use postiljon::model::{Mailing, Outcome, Refusal};
use postiljon::store::deliveries::{self, Record};
use postiljon::store::{mailings, subscribers, workers};

use super::{ARTICLE, Answer, command, finish};
use crate::support::database::{TestDatabase, change};
use crate::support::samples::{self, NOW, at, confirmed, newsletter, scheduled, sending};

/// Makes two tests of one body, as `both_dbs!` does; the binary needs the address of the database.
macro_rules! on_both {
    ($name:ident, |$desk:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn body($desk: &Desk) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                body(&Desk::on(TestDatabase::sqlite().await)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(database) = TestDatabase::postgres().await {
                    let desk = Desk::on(database);
                    body(&desk).await;
                    desk.database.drop_postgres().await;
                }
            }
        }
    };
}

struct Desk {
    database: TestDatabase,
    folder: tempfile::TempDir,
}

impl Desk {
    fn on(database: TestDatabase) -> Self {
        Self { database, folder: tempfile::tempdir().expect("a folder") }
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = command(self.folder.path(), arguments);
        command.env("POSTILJON_DATABASE_URL", &self.database.url);
        command.env("POSTILJON_SECRET_KEY", "a key of the tests that is long enough");
        command.stdin(Stdio::null()).spawn().expect("the binary starts")
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        tokio::task::block_in_place(|| finish(self.start(arguments)))
    }

    /// A mailing under way: one has it, one was refused, one waits, of one nobody knows, and one is open.
    async fn under_way(&self) -> Mailing {
        let store = &self.database.store;
        let newsletter = newsletter(store, "insights").await;
        for n in 1..=5 {
            confirmed(store, newsletter.id, n).await;
        }
        let mailing = sending(store, newsletter.id).await;
        let worker = change!(store, |tx| workers::insert(tx, NOW));
        let people = change!(store, |tx| samples::claim_next(tx, &mailing, worker, 4, NOW));
        let became = [
            (Outcome::Sent, Refusal::None, "250 2.0.0 ok"),
            (Outcome::Bounced, Refusal::Policy, "=550 \"no\", she said"),
            (Outcome::Deferred, Refusal::Mailbox, "452 full"),
            (Outcome::Uncertain, Refusal::None, ""),
        ];
        let records: Vec<_> = people
            .iter()
            .zip(became)
            .map(|(person, (outcome, refusal, reply))| Record {
                subscriber_id: person.subscriber_id,
                outcome,
                attempts: 1,
                doubts: i64::from(outcome == Outcome::Uncertain),
                due_at: (outcome == Outcome::Deferred).then_some(at(1_000)),
                reply: reply.into(),
                relay: "first".into(),
                refusal,
            })
            .collect();
        change!(store, |tx| deliveries::record(tx, mailing.id, worker, &records, at(5)));
        mailing
    }
}

on_both!(the_ledger_is_written_as_a_table_as_json_and_as_csv, |desk| {
    let mailing = desk.under_way().await;
    let id = mailing.id.to_string();
    let erased =
        change!(desk.database.store, |tx| subscribers::delete(tx, postiljon::model::SubscriberId(1)));
    assert!(erased);
    let table = desk.run(&["mailing", "ledger", &id]).out;
    let head = table.lines().next().expect("a heading").split_whitespace().collect::<Vec<_>>();
    assert_eq!(head, ["ADDRESS", "OUTCOME", "TRIES", "DOUBTS", "RELAY", "REFUSAL", "TIME", "REPLY"]);
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(table.contains("(erased)") && table.contains("reader2@example.org"), "{table}");
    let bounced = desk.run(&["mailing", "ledger", &id, "--outcome", "bounced", "--json"]).out;
    let bounced: serde_json::Value = serde_json::from_str(&bounced).expect("JSON");
    assert_eq!(bounced.as_array().map(Vec::len), Some(1));
    assert_eq!((&bounced[0]["refusal"], &bounced[0]["relay"]), (&"policy".into(), &"first".into()));
    let csv = desk.run(&["mailing", "ledger", &id, "--csv"]).out;
    assert!(csv.starts_with("address,outcome,tries,doubts,relay,refusal,time,reply\n"), "{csv}");
    assert!(csv.contains(",\"'=550 \"\"no\"\", she said\"\n"), "{csv}");
    let none = desk.run(&["mailing", "ledger", &id, "--outcome", "expired", "--json"]).out;
    assert_eq!(none, "[]\n");
});

on_both!(a_mailing_is_listed_shown_paused_resumed_and_cancelled, |desk| {
    let mailing = desk.under_way().await;
    let id = mailing.id.to_string();
    let list = desk.run(&["mailing", "list"]).out;
    assert!(list.contains("INSIGHTS") && list.contains("sending") && list.contains("Nieuws"), "{list}");
    let paused = desk.run(&["mailing", "pause", &id]);
    assert!(paused.out.contains(&format!("mailing resume {id}")), "{}", paused.err);
    let shown = desk.run(&["mailing", "show", &id]).out;
    assert!(shown.contains("someone paused it") && !shown.contains("Rate:"), "{shown}");
    let json: serde_json::Value =
        serde_json::from_str(&desk.run(&["mailing", "show", &id, "--json"]).out).expect("JSON");
    assert_eq!((&json["status"], &json["pause_reason"]), (&"paused".into(), &"user".into()));
    assert_eq!((&json["account"]["sent"], &json["eta"]), (&1.into(), &serde_json::Value::Null));
    let again = desk.run(&["mailing", "resend", &id, "--uncertain"]).out;
    assert_eq!(again, format!("Mailing {id} is sent again to 1 once it is resumed.\n"));
    let early = desk.run(&["mailing", "resend", &id, "--failed"]);
    assert!(early.code == 1 && early.err.contains("moved on"), "{}", early.err);
    assert_eq!(desk.run(&["mailing", "resend", &id]).code, 2, "to whom?");
    assert_eq!(desk.run(&["mailing", "resume", &id]).code, 0);
    let cancelled = desk.run(&["mailing", "cancel", &id]).out;
    assert!(cancelled.contains("on the way: 1 have it"), "{cancelled}");
    let watched = desk.run(&["mailing", "watch", &id]);
    assert!(watched.code == 1 && watched.err.contains("was cancelled"), "{}", watched.err);
    let nothing = desk.run(&["mailing", "pause", "77"]);
    assert!(nothing.code == 1 && nothing.err.contains("no mailing 77"), "{}", nothing.err);
});

on_both!(watching_ends_when_the_mailing_does, |desk| {
    let store = &desk.database.store;
    let newsletter = newsletter(store, "insights").await;
    let mailing = scheduled(store, newsletter.id).await;
    let id = mailing.id.to_string();
    let mut watching = desk.start(&["mailing", "watch", &id]);
    let mut lines = BufReader::new(watching.stdout.take().expect("a pipe")).lines();
    let mut next = || tokio::task::block_in_place(|| lines.next()).map(|line| line.expect("UTF-8"));
    assert_eq!(next().as_deref(), Some("scheduled, begins in 0 s"));
    change!(store, |tx| mailings::start(tx, mailing.id, at(1))).expect("begun");
    let line = next().expect("a change of status is told at once");
    assert!(line.ends_with("0/0  sending"), "{line}");
    change!(store, |tx| mailings::finish(tx, mailing.id, at(2))).expect("ended");
    let line = next().expect("a last line");
    assert!(line.ends_with("100 %  0/0  sent"), "{line}");
    assert_eq!(next(), None);
    assert!(watching.wait().expect("ended").success());
});

on_both!(a_mailing_waits_for_its_undo_window_unless_it_is_sent_at_once, |desk| {
    let store = &desk.database.store;
    newsletter(store, "insights").await;
    let article = desk.folder.path().join("a.md");
    std::fs::write(&article, ARTICLE).expect("written");
    let file = article.to_str().expect("UTF-8");
    assert_eq!(desk.run(&["article", "add", "--publish", "--file", file]).code, 0);
    for (issue, extra) in [("1", None), ("2", Some("--at-once"))] {
        let compose =
            ["issue", "compose", "--newsletter", "insights", "--subject", "S", "--article", "proef-een"];
        assert_eq!(desk.run(&compose).code, 0);
        let before = postiljon::clock::Clock::system().now();
        let schedule: Vec<_> = ["issue", "schedule", issue, "--now"].into_iter().chain(extra).collect();
        let scheduled = desk.run(&schedule);
        assert_eq!(scheduled.code, 0, "{}", scheduled.err);
        let id = postiljon::model::MailingId(issue.parse().expect("a number"));
        let mailing = crate::support::database::read!(store, |db| mailings::by_id(db, id)).expect("there");
        let waits = mailing.due_at >= before.plus(Duration::from_secs(30));
        assert_eq!(waits, extra.is_none(), "{}", scheduled.out);
        assert_eq!(
            scheduled.out.contains("postiljon mailing cancel 1"),
            extra.is_none(),
            "{}",
            scheduled.out
        );
    }
    assert_eq!(desk.run(&["mailing", "send-now", "1"]).code, 0);
    let first = crate::support::database::read!(store, |db| mailings::due(
        db,
        postiljon::clock::Clock::system().now()
    ));
    assert_eq!(first.len(), 2, "both are due");
});

on_both!(how_a_newsletter_is_sent_is_changed_one_thing_at_a_time, |desk| {
    newsletter(&desk.database.store, "insights").await;
    let set = |more: &[&str]| {
        let arguments: Vec<_> = ["newsletter", "set", "insights"].iter().chain(more).copied().collect();
        desk.run(&arguments)
    };
    assert_eq!(set(&[]).code, 2, "what?");
    let relay = set(&["--relay", "second", "--mails-per-hour", "6000"]);
    assert!(relay.err.contains("second is not checked"), "{}", relay.err);
    assert_eq!(
        relay.out,
        "INSIGHTS: by second, at most 6000 mails an hour; uncertain mails: resend; theme: letter.\n"
    );
    let held = set(&["--on-uncertain", "hold"]).out;
    assert_eq!(
        held,
        "INSIGHTS: by second, at most 6000 mails an hour; uncertain mails: hold; theme: letter.\n"
    );
    let free = set(&["--relay", "none", "--mails-per-hour", "none"]).out;
    assert_eq!(
        free,
        "INSIGHTS: by any relay, as fast as it is taken; uncertain mails: hold; theme: letter.\n"
    );
    let open = set(&["--archive", "public"]).out;
    assert_eq!(
        open,
        "INSIGHTS: by any relay, as fast as it is taken; uncertain mails: hold; theme: letter; archive: public.\n"
    );
    assert_eq!(set(&["--archive", "hidden"]).code, 2);
    let relays = "[relay]\nhost = \"127.0.0.1\"\ntls = \"none\"\n[relays.second]\nhost = \"127.0.0.1\"\ntls = \"none\"\n";
    std::fs::write(desk.folder.path().join("p.toml"), relays).expect("written");
    let by_name = |name| desk.run(&["--config", "p.toml", "newsletter", "set", "insights", "--relay", name]);
    let unknown = by_name("secnod");
    assert!(unknown.code == 1 && unknown.err.contains("secnod; there is main, second"), "{}", unknown.err);
    assert!(by_name("second").out.contains("by second"));
    assert!(by_name("none").out.contains("by any relay"));
    let wrong = set(&["--mails-per-hour", "0"]);
    assert!(wrong.code == 2 && wrong.err.contains("above 0"), "{}", wrong.err);
    assert_eq!(set(&["--mails-per-hour", "many"]).code, 2);
});
