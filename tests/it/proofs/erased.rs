//! Erasing on the real binary: afterwards no file of it holds the person, its log included.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use postiljon::accounts::users::{NewUser, add_user};
use postiljon::clock::Clock;
use postiljon::demo::browser::Browser;
use postiljon::keys::{Keys, Purpose};
use postiljon::model::{Language, SubscriptionId};
use postiljon::store::{Store, newsletters};

use super::process::{Process, Settings};
use crate::support::database::change;
use crate::support::needle::{self, ADDRESS, NAME};
use crate::support::samples::{NOW, new_newsletter};
use crate::support::smtp_server::{Options, SmtpServer};

const KEY: &str = "a-secret-key-of-the-tests-and-of-nobody-else";

/// The link of the last mail to the person.
fn link(server: &SmtpServer, part: &str) -> String {
    let mail = server.accepted().pop().expect("a mail");
    let text = String::from_utf8_lossy(&mail.bytes).replace("=\r\n", "");
    let rest = text.split(part).nth(1).unwrap_or_else(|| panic!("no {part} in {text}"));
    let token: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
    format!("{part}{token}")
}

async fn signed_up_and_confirmed(browser: &Browser, server: &SmtpServer, mails: usize) {
    let fields = [("email", ADDRESS), ("name", NAME), ("consent", "yes"), ("language", "nl")];
    let answer = browser.post("/n/insights/subscribe", &fields).await.expect("an answer");
    assert_eq!(answer.status, 303, "{}", answer.body);
    server.wait_for_accepted(mails).await;
    let path = link(server, "/confirm/");
    browser.get(&path).await.expect("a page");
    let answer = browser.post(&path, &[]).await.expect("an answer");
    assert_eq!(answer.status, 303, "{}", answer.body);
}

fn erase_by_command(data: &Path, url: &str) {
    let done = Command::new(env!("CARGO_BIN_EXE_postiljon"))
        .args(["subscriber", "erase", ADDRESS, "--yes"])
        .current_dir(data)
        .env("POSTILJON_DATA_FOLDER", data)
        .env("POSTILJON_DATABASE_URL", url)
        .env("POSTILJON_SECRET_KEY", KEY)
        .output()
        .expect("it runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn signed_in(browser: &Browser) -> String {
    let fields = [("address", "an@example.org"), ("password", "een lang wachtwoord voor An")];
    let answer = browser.post("/admin/login", &fields).await.expect("an answer");
    assert_eq!(answer.location(), "/admin", "{}", answer.body);
    let page = browser.get("/admin/subscribers").await.expect("a page");
    page.field("csrf").expect("a token")
}

async fn prepared(url: &str) {
    let store = Store::open(url, 2).await.expect("it opens");
    store.migrate().await.expect("migrated");
    change!(store, |tx| newsletters::insert(tx, &new_newsletter("insights"), NOW));
    let an = NewUser {
        address: "an@example.org",
        name: "An",
        language: Language::English,
        password: "een lang wachtwoord voor An",
    };
    add_user(&store, &Clock::system(), an).await.expect("added");
    store.close().await;
}

/// By which a person is erased.
#[derive(Debug, Clone, Copy)]
enum Door {
    Command,
    Desk,
    Preferences,
}

async fn erase_by(door: Door, browser: &Browser, data: &Path, url: &str) {
    match door {
        Door::Command => erase_by_command(data, url),
        Door::Desk => {
            let csrf = signed_in(browser).await;
            let looked_up = [("csrf", csrf.as_str()), ("address", ADDRESS)];
            let found = browser.post("/admin/subscribers", &looked_up).await.expect("an answer");
            assert_eq!(found.status, 303, "{}", found.body);
            let sure = [("csrf", csrf.as_str()), ("sure", "yes")];
            let path = format!("{}/erase", found.location());
            assert_eq!(browser.post(&path, &sure).await.expect("an answer").status, 303);
            let unknown = browser.post("/admin/subscribers", &looked_up).await.expect("an answer");
            assert!(unknown.status == 404 && unknown.body.contains("was erased"), "{}", unknown.body);
        }
        Door::Preferences => {
            let link = Keys::new(KEY.as_bytes()).sign_link(Purpose::Preferences, SubscriptionId(1));
            let path = format!("/preferences/{link}/erase");
            assert_eq!(browser.get(&path).await.expect("a page").status, 200);
            assert_eq!(browser.post(&path, &[]).await.expect("an answer").status, 200);
        }
    }
}

/// Signs up, confirms and is erased, while the service logs everything.
async fn no_file_is_left_after(door: Door) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let url = format!("sqlite:{}", data.join("test.db").display());
    prepared(&url).await;
    let server = SmtpServer::start(Options::default()).await;
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let log = data.join("log");
    let process = Process::start(&Settings {
        role: "all",
        data,
        database_url: &url,
        relay: server.addr,
        connections: 2,
        hello_name: "erased.example",
        log: &log,
        more: &[
            ("POSTILJON_WEB_LISTEN", free.to_string()),
            ("POSTILJON_WEB_PUBLIC_URL", format!("http://{free}")),
            ("POSTILJON_LOG_LEVEL", "trace".to_owned()),
        ],
    });
    let browser = Browser::new(&format!("http://{free}"));
    while browser.get("/healthz").await.is_err() {
        assert!(process.started.elapsed() < Duration::from_secs(60), "{}", process.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    signed_up_and_confirmed(&browser, &server, 1).await;
    assert!(!needle::in_files(data).is_empty(), "the test can find what is there");
    erase_by(door, &browser, data, &url).await;
    assert_eq!(needle::in_files(data), [""; 0], "{door:?}");
    process.signal("TERM");
    assert!(process.ended(Duration::from_secs(30)).await.success());
    assert_eq!(needle::in_files(data), [""; 0], "{door:?}, after the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_of_the_service_holds_who_was_erased_on_the_command_line() {
    no_file_is_left_after(Door::Command).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_of_the_service_holds_who_was_erased_at_the_desk() {
    no_file_is_left_after(Door::Desk).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_of_the_service_holds_who_erased_themselves() {
    no_file_is_left_after(Door::Preferences).await;
}
