//! Signed mails (DKIM), as the engine hands them to the relay.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postiljon::config::read_dkim_key;
use postiljon::delivery::wire::{Sending, Wire, WireMail};
use postiljon::mail::dkim::Signer;
use postiljon::mail::slot::Slot;
use postiljon::model::{DkimAlgorithm, DkimKey, DkimSettings, Language, OutboxKind, SigningKey};
use postiljon::store::mailings::{self, Content};
use postiljon::store::outbox::{self, NewMail};
use postiljon::store::outbox_contents::{self, WrittenMail};
use postiljon::store::{Store, newsletters, subscribers, subscriptions};

use super::script::answer;
use super::{Bench, due_mailing};
use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, address, new_newsletter, scheduled};

/// Puts off each first try when `is_hesitant`, and keeps everything it is handed.
#[derive(Debug, Default)]
pub struct Keeper {
    is_hesitant: bool,
    mails: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Keeper {
    pub fn mails(&self) -> Vec<(String, Vec<u8>)> {
        self.mails.lock().unwrap().clone()
    }
}

impl Wire for Keeper {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a> {
        Box::pin(async move {
            let mut mails = self.mails.lock().unwrap();
            let is_first = mails.iter().all(|(to, _)| to != mail.to.as_str());
            mails.push((mail.to.to_string(), mail.octets.clone()));
            match is_first && self.is_hesitant {
                true => answer(451, "later"),
                false => answer(250, "ok"),
            }
        })
    }
}

fn signer(domain: &str) -> Arc<Signer> {
    let key = SigningKey::generate(DkimAlgorithm::Ed25519).expect("a key");
    let keys = vec![DkimKey { selector: "e1".into(), key }];
    Arc::new(Signer::new(DkimSettings { domain: domain.into(), keys }))
}

both_dbs!(every_try_of_a_signed_mail_has_the_same_octets, |store| {
    let wire = Arc::new(Keeper { is_hesitant: true, ..Keeper::default() });
    let mut bench = Bench::new(&store, wire.clone());
    bench.parts.settings.signer = Some(signer("meridiaan.example"));
    let (_, mailing) = due_mailing(&store, 2).await;
    let engine = bench.start();
    bench.until_sent(&engine, &mailing, Duration::from_secs(60)).await;
    engine.stop().await;
    let mut mails = wire.mails();
    mails.sort();
    assert_eq!(mails.len(), 4);
    for tries in mails.chunks(2) {
        assert_eq!(tries[0], tries[1]);
        assert!(tries[0].1.starts_with(b"DKIM-Signature: v=1; a=ed25519-sha256;"));
    }
});

both_dbs!(a_mail_from_another_domain_goes_out_unsigned, |store| {
    let wire = Arc::new(Keeper::default());
    let mut bench = Bench::new(&store, wire.clone());
    bench.parts.settings.signer = Some(signer("voorbeeld.example"));
    let (_, mailing) = due_mailing(&store, 1).await;
    let engine = bench.start();
    bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    engine.stop().await;
    let mails = wire.mails();
    assert!(mails.len() == 1 && mails[0].1.starts_with(b"Date: "), "{mails:?}");
});

/// A folder with the keys `rsa.pem` and `ed25519.pem`, to which the mails are written.
const FOLDER: &str = "POSTILJON_TEST_DKIM_FOLDER";
/// Mails for the judge.
const JUDGED: usize = 1_000;

/// Writes what `scripts/dkim.sh` judges: issues for names of every kind, and a test mail.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "scripts/dkim.sh runs it, and judges what it writes"]
async fn a_thousand_signed_mails_are_written_for_the_judge() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("scripts/dkim.sh sets it"));
    let data = tempfile::tempdir().expect("a folder");
    let store =
        Store::open(&format!("sqlite:{}", data.path().join("judge.db").display()), 4).await.expect("a store");
    store.migrate().await.expect("the schema");
    let wire = Arc::new(Keeper::default());
    let mut bench = Bench::new(&store, wire.clone());
    bench.parts.settings.signer = Some(Arc::new(judged_signer(&folder)));
    bench.parts.settings.unsubscribe_mailbox = Some(address("leave@meridiaan.example"));

    let mut new = new_newsletter("insights");
    new.sender_address = address("insights@news.meridiaan.example");
    new.sender_name = "Méridiaan, \"Insights\"".into();
    new.reply_to = Some(address("redactie@meridiaan.example"));
    let newsletter = change!(store, |tx| newsletters::insert(tx, &new, NOW));
    let names = [
        "",
        "An",
        "Zoë 🚲 de Fietser",
        "\"Bob\" <x@y.example>",
        "一二三",
        "Een naam die langer is dan een regel van de kop",
    ];
    for (n, name) in names.iter().cycle().take(JUDGED - 1).enumerate() {
        let to = address(&format!("reader{n}@example.org"));
        let person = change!(store, |tx| subscribers::find_or_insert(tx, &to, name, Language::Dutch, NOW));
        let subscription = change!(store, |tx| {
            subscriptions::find_or_insert(tx, person.id, newsletter.id, Language::Dutch, NOW)
        });
        change!(store, |tx| subscriptions::confirm(tx, subscription.id, Language::Dutch, NOW));
    }
    let mailing = scheduled(&store, newsletter.id).await;
    change!(store, |tx| mailings::insert_content(tx, mailing.id, &content()));
    let test = NewMail {
        kind: OutboxKind::Test,
        newsletter_id: newsletter.id,
        subscription_id: None,
        to_address: Some(address("editor@meridiaan.example")),
        issue_id: Some(mailing.issue_id),
        welcome_step_id: None,
        language: Language::Dutch,
        nonce: vec![5; 32],
        message_uuid: uuid::Uuid::now_v7(),
    };
    let id = change!(store, |tx| outbox::insert(tx, &test, NOW));
    let text =
        WrittenMail { subject: "Proef é".into(), html: "<p>Dag</p>".into(), text: "Dag\n\n\n".into() };
    change!(store, |tx| outbox_contents::insert(tx, id, &text));

    let engine = bench.start();
    bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    let mut activity = engine.activity();
    while read!(store, |db| outbox::open_count(db)) > 0 {
        activity.changed().await.expect("the engine runs");
    }
    engine.stop().await;
    let mails = wire.mails();
    assert_eq!(mails.len(), JUDGED);
    for (to, octets) in mails {
        std::fs::write(folder.join(format!("{to}.eml")), octets).expect("written");
    }
}

pub fn judged_signer(folder: &Path) -> Signer {
    let key = |selector: &str, file: &str| DkimKey {
        selector: selector.into(),
        key: read_dkim_key(&folder.join(file)).expect("a key"),
    };
    let keys = vec![key("r1", "rsa.pem"), key("e1", "ed25519.pem")];
    Signer::new(DkimSettings { domain: "meridiaan.example".into(), keys })
}

fn content() -> Content {
    let name = Slot::Name { fallback: "lezer".into() }.marker();
    let link = Slot::UnsubscribeUrl.marker();
    let words = "De  luie hond\tblijft liggen, é, en de vos springt. \n\n".repeat(60);
    Content {
        language: Language::Dutch,
        subject: format!("Dag {name}, het nieuws van deze week is er"),
        second_subject: String::new(),
        html: format!("<p>Dag {name},</p><p>{words}</p><p><a href=\"{link}\">Uitschrijven</a></p>\n\n"),
        text: format!("Dag {name},\n\n{words}\n\n{link}\n\n\n"),
        web_html: "<p>Dag</p>".into(),
    }
}
