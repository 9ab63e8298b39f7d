//! Signed mails (DKIM), as the engine hands them to the relay.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use data_encoding::BASE64;
use postiljon::config::read_dkim_key;
use postiljon::delivery::wire::{Sending, Wire, WireMail};
use postiljon::mail::dkim::{Signers, canonical_body, canonical_field};
use postiljon::mail::slot::Slot;
use postiljon::model::{DkimAlgorithm, DkimKey, DkimSettings, Language, OutboxKind, SigningKey};
use postiljon::setup::domains::{in_use, were_seen};
use postiljon::store::mailings::{self, Content};
use postiljon::store::outbox::{self, NewMail};
use postiljon::store::outbox_contents::{self, WrittenMail};
use postiljon::store::{Store, dkim_keys, newsletters, subscribers, subscriptions};

use super::script::answer;
use super::{Bench, due_mailing, mailing_of};
use crate::setup::domains::made;
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

fn signers(domain: &str) -> Signers {
    let key = SigningKey::generate(DkimAlgorithm::Ed25519).expect("a key");
    let keys = vec![DkimKey { selector: "e1".into(), key }];
    Signers::new(vec![DkimSettings { domain: domain.into(), keys }])
}

both_dbs!(every_try_of_a_signed_mail_has_the_same_octets, |store| {
    let wire = Arc::new(Keeper { is_hesitant: true, ..Keeper::default() });
    let mut bench = Bench::new(&store, wire.clone());
    bench.parts.settings.signers = signers("meridiaan.example");
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
    bench.parts.settings.signers = signers("voorbeeld.example");
    let (_, mailing) = due_mailing(&store, 1).await;
    let engine = bench.start();
    bench.until_sent(&engine, &mailing, Duration::ZERO).await;
    engine.stop().await;
    let mails = wire.mails();
    assert!(mails.len() == 1 && mails[0].1.starts_with(b"Date: "), "{mails:?}");
});

/// Whether a mail has a signature by this key that holds, as a receiver finds out: with what DNS says and nothing else.
fn holds(mail: &[u8], record: &str) -> bool {
    let text = String::from_utf8_lossy(mail).into_owned();
    let (header, body) = text.split_once("\r\n\r\n").expect("a mail");
    let mut fields: Vec<String> = Vec::new();
    for line in header.split("\r\n") {
        match fields.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => *last += &format!("\r\n{line}"),
            _ => fields.push(line.to_owned()),
        }
    }
    let canonical = |field: &str| {
        let (name, value) = field.split_once(':').expect("a field");
        let mut out = Vec::new();
        canonical_field(name.as_bytes(), value.as_bytes(), &mut out);
        out
    };
    let public = BASE64.decode(record.split_once("p=").expect("a key").1.as_bytes()).expect("base64");
    let verifies = |signature: &String| {
        let plain: String = signature.split_whitespace().collect();
        let tag = |name: &str| {
            let tags = plain.split_once(':').expect("a field").1.split(';');
            tags.filter_map(|tag| tag.split_once('='))
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value)
        };
        let mut hash = Vec::new();
        canonical_body(body.as_bytes(), |piece| hash.extend_from_slice(piece));
        if tag("bh") != Some(&BASE64.encode(digest(&SHA256, &hash).as_ref())) {
            return false;
        }
        let mut left: Vec<&String> = fields.iter().collect();
        let mut signed = Vec::new();
        for name in tag("h").expect("covered fields").split(':') {
            let is_it = |field: &&String| {
                field.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
            };
            if let Some(at) = left.iter().rposition(is_it) {
                signed.extend_from_slice(&canonical(left.remove(at)));
            }
        }
        let unsigned = &signature[..signature.rfind("b=").expect("a signature") + 2];
        signed.extend_from_slice(&canonical(unsigned));
        signed.truncate(signed.len() - 2);
        let value = BASE64.decode(tag("b").expect("a signature").as_bytes()).expect("base64");
        match tag("a") {
            Some("rsa-sha256") => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public).verify(&signed, &value)
            }
            _ => UnparsedPublicKey::new(&ED25519, &public).verify(digest(&SHA256, &signed).as_ref(), &value),
        }
        .is_ok()
    };
    fields.iter().filter(|field| field.starts_with("DKIM-Signature:")).any(verifies)
}

both_dbs!(a_key_of_the_desk_signs_what_goes_out_after_it_was_seen, |store| {
    let wire = Arc::new(Keeper::default());
    let mut bench = Bench::new(&store, wire.clone());
    let signers = Signers::default();
    bench.parts.settings.signers = signers.clone();
    let (newsletter, first) = due_mailing(&store, 1).await;
    let rsa = made(&store, &bench.clock, "meridiaan.example", "rsa").await;
    let ed25519 = made(&store, &bench.clock, "meridiaan.example", "ed25519").await;
    // What the service does every two seconds.
    let follow = async || {
        let stored = read!(store, |db| dkim_keys::all(db));
        signers.replace(in_use(None, &stored, &bench.keys).expect("keys").0);
    };
    let engine = bench.start();
    follow().await;
    bench.until_sent(&engine, &first, Duration::ZERO).await;
    let mails = wire.mails();
    assert!(mails.len() == 1 && mails[0].1.starts_with(b"Date: "), "not before it was seen: {mails:?}");

    were_seen(&store, &bench.clock, &bench.keys, &[rsa.id, ed25519.id]).await.expect("seen");
    follow().await;
    let second = mailing_of(&store, &newsletter, 1).await;
    engine.wake();
    bench.until_sent(&engine, &second, Duration::ZERO).await;
    engine.stop().await;
    let mail = wire.mails().pop().expect("a mail").1;
    assert!(holds(&mail, &rsa.record) && holds(&mail, &ed25519.record), "{}", String::from_utf8_lossy(&mail));
    let other = SigningKey::generate(DkimAlgorithm::Rsa).expect("a key").record().expect("a record");
    assert!(!holds(&mail, &other));
    let tampered = String::from_utf8_lossy(&mail).replacen("\r\nSubject: ", "\r\nSubject: x", 1);
    assert!(!holds(tampered.as_bytes(), &rsa.record) && !holds(tampered.as_bytes(), &ed25519.record));
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
    bench.parts.settings.signers = judged_signers(&folder);
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

pub fn judged_signers(folder: &Path) -> Signers {
    let key = |selector: &str, file: &str| DkimKey {
        selector: selector.into(),
        key: read_dkim_key(&folder.join(file)).expect("a key"),
    };
    let keys = vec![key("r1", "rsa.pem"), key("e1", "ed25519.pem")];
    Signers::new(vec![DkimSettings { domain: "meridiaan.example".into(), keys }])
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
