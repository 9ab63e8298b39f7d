//! `doctor`: a line for each thing, what to do beside a fault, and the exit code.

use std::path::Path;

use postiljon::clock::Clock;
use postiljon::store::Store;

use super::postiljon;
use crate::support::provider::{MockProvider, Plan};
use crate::support::smtp_server::{At, Options, SmtpServer};

fn configuration(server: &SmtpServer, more: &str) -> String {
    let port = server.addr.port();
    format!(
        "[web]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://news.example.org\"\n\
         [relay]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n{more}"
    )
}

/// In a thread of its own, since the server runs on this one's runtime.
async fn doctor(folder: &std::path::Path, arguments: &'static [&'static str]) -> super::Answer {
    let folder = folder.to_owned();
    let run = move || postiljon(&folder, &[&["--config", "p.toml", "doctor"], arguments].concat(), "");
    tokio::task::spawn_blocking(run).await.expect("an answer")
}

#[tokio::test]
async fn all_is_well_with_a_relay_that_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = SmtpServer::start(Options { auth: true, ..Options::default() }).await;
    let login = "username = \"user\"\npassword = \"secret\"\n";
    std::fs::write(folder.path().join("p.toml"), configuration(&server, login)).expect("written");
    let fresh = doctor(folder.path(), &[]).await;
    assert!(fresh.code == 0 && fresh.out.contains("is not there yet"), "{}{}", fresh.out, fresh.err);
    assert!(!folder.path().join("data").exists(), "it changes nothing");

    assert_eq!(postiljon(folder.path(), &["--config", "p.toml", "migrate"], "").code, 0);
    let answer = doctor(folder.path(), &["--json"]).await;
    let checks: serde_json::Value = serde_json::from_str(&answer.out).expect("JSON");
    let subjects: Vec<&str> =
        checks.as_array().expect("checks").iter().filter_map(|check| check["subject"].as_str()).collect();
    let expected = [
        "configuration",
        "data folder",
        "free space",
        "key",
        "schema",
        "database",
        "clock",
        "public address",
        "retention",
        "relay main",
    ];
    assert_eq!(subjects, expected);
    assert!(answer.out.contains("login taken") && answer.out.contains("PIPELINING"), "{}", answer.out);
    assert!(!answer.out.contains("secret") && server.accepted().is_empty());
}

#[tokio::test]
async fn a_fault_is_told_with_its_remedy_and_by_the_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let refusing =
        SmtpServer::start(Options { auth: true, at_auth: At::Say("535 5.7.8 wrong"), ..Options::default() })
            .await;
    let login = "username = \"user\"\npassword = \"canary\"\n[relays.down]\nhost = \"127.0.0.1\"\nport = 1\ntls = \"none\"\n";
    std::fs::write(folder.path().join("p.toml"), configuration(&refusing, login)).expect("written");
    let answer = doctor(folder.path(), &[]).await;
    assert_eq!(answer.code, 1, "{}", answer.out);
    for part in ["535 5.7.8 wrong", "check the relay's user name and password", "relay down", "2 faults"] {
        assert!(format!("{}{}", answer.out, answer.err).contains(part), "{part}: {}", answer.out);
    }
    assert!(!answer.out.contains("canary") && !answer.err.contains("canary"));

    // A database without the key that its links were signed with.
    assert_eq!(postiljon(folder.path(), &["--config", "p.toml", "migrate"], "").code, 0);
    let url = format!("sqlite:{}", folder.path().join("data/postiljon.db").display());
    let store = Store::open(&url, 1).await.expect("a database");
    let newsletter = crate::support::samples::newsletter(&store, "insights").await;
    crate::support::samples::pending(&store, newsletter.id, 1).await;
    store.close().await;
    let answer = doctor(folder.path(), &[]).await;
    assert!(
        answer.out.contains("FAULT") && answer.out.contains("Restore it from the backup"),
        "{}",
        answer.out
    );
    // No start makes another one, and another one is not taken.
    let serve = |folder: &Path| postiljon(folder, &["--config", "p.toml", "serve"], "");
    let refused = serve(folder.path());
    assert!(refused.code == 1 && refused.err.contains("restore it from the backup"), "{}", refused.err);
    assert!(!folder.path().join("data/secret.key").exists());
    let renew = postiljon(folder.path(), &["--config", "p.toml", "migrate", "--new-secret-key"], "");
    assert_eq!(renew.code, 0, "{}", renew.err);
    let answer = doctor(folder.path(), &[]).await;
    assert!(answer.out.contains("It can be read, and not by everybody."), "{}", answer.out);
    std::fs::write(folder.path().join("data/secret.key"), "0123456789abcdef".repeat(4)).expect("written");
    let answer = doctor(folder.path(), &[]).await;
    assert!(answer.out.contains("It is not the one with which this database was used"), "{}", answer.out);
    let refused = serve(folder.path());
    assert!(refused.code == 1 && refused.err.contains("restore that one"), "{}", refused.err);
    std::fs::write(folder.path().join("p.toml"), "[relay]\nhots = \"x\"\n").expect("written");
    let answer = doctor(folder.path(), &[]).await;
    assert!(answer.code == 1 && answer.out.contains("Did you mean relay.host?"), "{}", answer.out);
}

#[tokio::test]
async fn what_dns_has_of_the_domains_is_told_record_by_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = SmtpServer::start(Options::default()).await;
    let run = |arguments: &[&str]| postiljon(folder.path(), arguments, "");
    // No DNS has this domain, or none answers here.
    let place = ["--domain", "voorbeeld.invalid", "--selector", "p1", "--ed25519", "--out", "e.pem"];
    assert_eq!(run(&[&["dkim", "new"][..], &place].concat()).code, 0);
    let rsa = ["--domain", "voorbeeld.invalid", "--selector", "p2", "--out", "r.pem"];
    assert_eq!(run(&[&["dkim", "new"][..], &rsa].concat()).code, 0);
    let keys = "[dkim]\ndomain = \"voorbeeld.invalid\"\nselector = \"p2\"\nkey_file = \"r.pem\"\n\
                ed25519_selector = \"p1\"\ned25519_key_file = \"e.pem\"\n";
    std::fs::write(folder.path().join("p.toml"), configuration(&server, keys)).expect("written");
    assert_eq!(run(&["--config", "p.toml", "migrate"]).code, 0);
    let url = format!("sqlite:{}", folder.path().join("data/postiljon.db").display());
    let store = Store::open(&url, 1).await.expect("a database");
    let mut own = crate::support::samples::new_newsletter("insights");
    own.sender_address = crate::support::samples::address("a@nieuws.voorbeeld.invalid");
    let mut free = crate::support::samples::new_newsletter("gratis");
    free.sender_address = crate::support::samples::address("a@gmail.com");
    for new in [own, free] {
        let mut tx = store.begin().await.expect("a transaction");
        let now = crate::support::samples::NOW;
        postiljon::store::newsletters::insert(&mut tx, &new, now).await.expect("inserted");
        tx.commit().await.expect("committed");
    }
    store.close().await;
    let answer = doctor(folder.path(), &["--json"]).await;
    let checks: serde_json::Value = serde_json::from_str(&answer.out).expect("JSON");
    let found = |subject: &str| -> Vec<String> {
        let checks = checks.as_array().expect("checks").iter().filter(|check| check["subject"] == subject);
        checks.map(|check| check["found"].as_str().expect("a sentence").to_owned()).collect()
    };
    for domain in ["domain voorbeeld.invalid", "domain nieuws.voorbeeld.invalid"] {
        let found = found(domain);
        assert_eq!(found.len(), 4, "{domain}: {found:?}");
        let has = |words: &str| found.iter().any(|sentence| sentence.starts_with(words));
        assert!(
            has("p1._domainkey.voorbeeld.invalid ") && has("p2._domainkey.voorbeeld.invalid "),
            "{found:?}"
        );
        assert!(has("SPF at ") && has("DMARC at "), "{found:?}");
    }
    assert_eq!(found("domain gmail.com").len(), 1);
    assert!(!answer.out.contains("PRIVATE KEY"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_asked_what_it_says_of_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = SmtpServer::start(Options::default()).await;
    let provider = MockProvider::start(&Clock::system()).await;
    let settings = |network: bool| {
        let (issuer, more) = (&provider.issuer, format!("private_network = {network}\n"));
        let id = "client_id = \"postiljon\"\nclient_secret = \"not to be seen\"\n";
        configuration(&server, &format!("[oidc]\nissuer = \"{issuer}\"\n{id}{more}"))
    };
    let write = |text: String| std::fs::write(folder.path().join("p.toml"), text).expect("written");
    write(settings(true));
    let answer = doctor(folder.path(), &[]).await;
    let back = "https://news.example.org/admin/login/provider/return";
    assert!(answer.out.contains("It is there, and has keys.") && answer.out.contains(back), "{}", answer.out);
    // In a network of our own, where nobody said that it may be.
    write(settings(false));
    let answer = doctor(folder.path(), &[]).await;
    assert!(answer.code == 1 && answer.out.contains("a network of our own"), "{}", answer.out);
    assert!(!format!("{}{}", answer.out, answer.err).contains("not to be seen"));
    provider.plan(Plan { another_issuer: true, ..Plan::default() });
    write(settings(true));
    let answer = doctor(folder.path(), &[]).await;
    assert!(answer.code == 1 && answer.out.contains("is of another issuer"), "{}", answer.out);
}
