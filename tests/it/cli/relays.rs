//! `relay`: relays of the database on the command line, and a running service that takes them over.

use std::path::Path;

use postiljon::clock::Clock;
use postiljon::keys::Keys;
use postiljon::setup::domains::{KeyInput, begin, make_key};
use postiljon::store::{Store, newsletters};

use super::reload::{Service, send_a_test, wait};
use super::{ARTICLE, newsletter, postiljon};
use crate::support::database::read;
use crate::support::smtp_server::{Options, SmtpServer};

fn configure(folder: &Path) {
    let text = "[data]\nfolder = \"data\"\n[web]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://news.example.org\"\n\
         [destinations]\nmx = false\n";
    std::fs::write(folder.join("p.toml"), text).expect("written");
}

/// In a thread of its own, since the server runs on this one's runtime.
async fn run(folder: &Path, arguments: &[&str], input: &'static str) -> super::Answer {
    let folder = folder.to_owned();
    let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
    let run = move || {
        let arguments: Vec<&str> =
            ["--config", "p.toml"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        postiljon(&folder, &arguments, input)
    };
    tokio::task::spawn_blocking(run).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_are_kept_on_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    configure(folder);
    let server = SmtpServer::start(Options { auth: true, ..Options::default() }).await;
    let port = server.addr.port().to_string();
    let add = ["relay", "add", "--host", "localhost", "--port", &port, "--tls", "none", "--username", "user"];
    let added = run(folder, &add, "secret\n").await;
    assert_eq!((added.code, added.out.contains("main is there")), (0, true), "{}", added.err);
    let listed = run(folder, &["relay", "list"], "").await.out;
    assert!(listed.contains("main") && listed.contains("desk") && !listed.contains("secret"), "{listed}");
    let tested = run(folder, &["relay", "test", "main"], "").await;
    assert!(
        tested.code == 0 && tested.out.contains("main can be used") && tested.out.contains("login"),
        "{}",
        tested.out
    );
    let doctor = run(folder, &["doctor"], "").await;
    assert!(doctor.code == 0 && doctor.out.contains("relay main"), "{}{}", doctor.out, doctor.err);
    let changed =
        run(folder, &["relay", "set", "main", "--weight", "0", "--mails-per-hour", "500", "--json"], "")
            .await;
    let changed: serde_json::Value = serde_json::from_str(&changed.out).expect("JSON");
    assert_eq!((changed["weight"].as_i64(), changed["mails_per_hour"].as_i64()), (Some(0), Some(500)));
    let moved = run(folder, &["relay", "set", "main", "--host", "127.0.0.1"], "").await;
    assert!(moved.code == 1 && moved.err.contains("password"), "{}", moved.err);
    let again = run(folder, &["relay", "set", "main", "--host", "127.0.0.1", "--password"], "secret").await;
    assert_eq!(again.code, 0, "{}", again.err);
    newsletter(folder);
    assert_eq!(run(folder, &["newsletter", "set", "insights", "--relay", "nobody"], "").await.code, 1);
    assert_eq!(run(folder, &["newsletter", "set", "insights", "--relay", "main"], "").await.code, 0);
    let careful = run(folder, &["relay", "remove", "main"], "").await;
    assert!(careful.code == 1 && careful.err.contains("insights"), "{}", careful.err);
    assert_eq!(run(folder, &["relay", "remove", "main", "--yes"], "").await.code, 0);
    let doctor = run(folder, &["doctor"], "").await;
    assert!(doctor.code == 0 && doctor.out.contains("nothing is sent"), "{}{}", doctor.out, doctor.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_service_takes_over_relays_that_another_process_sets() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    configure(folder);
    let (one, two) =
        (SmtpServer::start(Options::default()).await, SmtpServer::start(Options::default()).await);
    newsletter(folder);
    assert_eq!(postiljon(folder, &["article", "add", "--publish"], ARTICLE).code, 0);
    let issue =
        ["issue", "compose", "--newsletter", "insights", "--subject", "Eerste", "--article", "proef-een"];
    assert_eq!(postiljon(folder, &issue, "").code, 0);
    // Nothing is configured, and it starts.
    let mut service = Service::start(folder);
    send_a_test(folder);
    let port = |server: &SmtpServer| server.addr.port().to_string();
    let add = ["relay", "add", "--host", "127.0.0.1", "--port", &port(&one), "--tls", "none"];
    assert_eq!(run(folder, &add, "").await.code, 0);
    // What waited goes.
    wait(&one, 1).await;
    assert_eq!(run(folder, &["relay", "set", "main", "--port", &port(&two)], "").await.code, 0);
    service.until("the relays are as the configuration and the desk say now");
    send_a_test(folder);
    wait(&two, 1).await;
    assert_eq!(one.accepted().len(), 1);
    service.stop();
}

#[test]
fn setup_prints_a_link_while_there_is_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    configure(folder.path());
    let mut service = Service::start(folder.path());
    let printed = service.printed();
    assert!(printed.contains("Set Postiljon up at https://news.example.org/setup/"), "{printed}");
    let token = printed.split("/setup/").nth(1).and_then(|rest| rest.split(' ').next()).expect("a token");
    let log = service.stop();
    assert!(!log.contains(token) && token.len() == 52, "{log}");
    let run = |arguments: &[&str], input: &str| postiljon(folder.path(), arguments, input);
    let another = run(&["--config", "p.toml", "setup"], "");
    assert!(another.code == 0 && another.out.contains("/setup/"), "{}", another.err);
    let user = ["--config", "p.toml", "user", "add", "--address", "an@example.org", "--name", "An"];
    assert_eq!(run(&user, "een lang wachtwoord").code, 0);
    let late = run(&["--config", "p.toml", "setup"], "");
    assert!(late.code == 1 && late.err.contains("there is a user already"), "{}", late.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_service_signs_with_a_key_that_another_process_lets_begin() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    configure(folder);
    let server = SmtpServer::start(Options::default()).await;
    newsletter(folder);
    assert_eq!(postiljon(folder, &["article", "add", "--publish"], ARTICLE).code, 0);
    let issue =
        ["issue", "compose", "--newsletter", "insights", "--subject", "Eerste", "--article", "proef-een"];
    assert_eq!(postiljon(folder, &issue, "").code, 0);
    let port = server.addr.port().to_string();
    let add = ["relay", "add", "--host", "127.0.0.1", "--port", &port, "--tls", "none"];
    assert_eq!(run(folder, &add, "").await.code, 0);
    let mut service = Service::start(folder);
    send_a_test(folder);
    wait(&server, 1).await;

    let secret = std::fs::read_to_string(folder.join("data/secret.key")).expect("the secret");
    let keys = Keys::new(secret.trim_end().as_bytes());
    let url = format!("sqlite:{}", folder.join("data/postiljon.db").display());
    let store = Store::open(&url, 1).await.expect("the database");
    let sender = read!(store, |db| newsletters::all(db)).remove(0).sender_address;
    let input = KeyInput { domain: sender.ascii_domain().to_owned(), ..KeyInput::default() };
    let clock = Clock::system();
    let key = make_key(&store, &clock, &keys, &input).await.expect("made");
    begin(&store, &clock, &keys, key.id).await.expect("begun");
    store.close().await;
    service.until("keys=1");
    send_a_test(folder);
    wait(&server, 2).await;
    let mails: Vec<_> = server.accepted().into_iter().map(|mail| mail.bytes).collect();
    assert!(mails[0].starts_with(b"Date: "));
    let signed = String::from_utf8_lossy(&mails[1]).into_owned();
    assert!(signed.starts_with("DKIM-Signature: v=1; a=rsa-sha256;"), "{signed}");
    assert!(signed.contains(&format!("s={};", key.selector)), "{signed}");
    let log = service.stop();
    assert!(!log.contains(&key.record) && !log.contains("PRIVATE"), "{log}");
}
