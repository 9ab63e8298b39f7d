//! Postfix as the relay: its own server with TLS and a login (`scripts/postfix.sh run` starts one), and its
//! `smtp-sink`, which keeps a mail and closes the connection without an answer.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postiljon::model::{Outcome, UncertainPolicy};

use super::{ASK_EVERY, PATIENCE, Proof, ledger, within};
use crate::support::database::TestDatabase;

/// Why a test of this file was left out, unless it must run.
fn not_run(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}");
    println!("not run: {why}");
}

/// The mails in a folder of files, as their text.
fn mails(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok()).collect()
}

/// The value of the first header field of that name.
fn field(mail: &str, name: &str) -> String {
    let line = mail.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

/// How often each Message-ID is there.
fn by_message_id(mails: &[String]) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for mail in mails {
        *count.entry(field(mail, "Message-ID")).or_default() += 1;
    }
    count
}

/// Waits until a folder holds so many mails. `smtp-sink` writes a mail while it comes: what has no head yet is none.
async fn until_there(folder: &Path, count: usize) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let mut found = mails(folder);
        found.retain(|mail| !field(mail, "Message-ID").is_empty());
        if found.len() >= count {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "{} of {count} mails are in {}", found.len(), folder.display());
        tokio::time::sleep(ASK_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailing_reaches_every_mailbox_through_tls_and_a_login() {
    let Some(folder) = std::env::var_os("POSTILJON_TEST_POSTFIX").map(PathBuf::from) else {
        return not_run("POSTILJON_TEST_POSTFIX is not set; `scripts/postfix.sh run` sets it");
    };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name).trim().to_owned();
    let database = TestDatabase::sqlite().await;
    let proof = Proof::new(&database, 200, UncertainPolicy::Resend).await;
    let relay = [
        ("POSTILJON_RELAY_PORT", read("port")),
        ("POSTILJON_RELAY_TLS", "starttls".to_owned()),
        ("POSTILJON_RELAY_CA_FILE", folder.join("authority.pem").display().to_string()),
        ("POSTILJON_RELAY_USERNAME", read("user")),
        ("POSTILJON_RELAY_PASSWORD", read("password")),
    ];
    let data = proof.folder.path().to_owned();
    let mut process = proof.start_as("all", "sender.example.org", data, &relay);
    let sent = proof.until_sent(&mut process).await;
    assert_eq!(usize::try_from(sent.account.sent).ok(), Some(proof.audience));
    let inbox = folder.join("mail/inbox/new");
    let mails = until_there(&inbox, proof.audience).await;
    let mut to: Vec<String> = mails.iter().map(|mail| field(mail, "Delivered-To")).collect();
    to.sort();
    to.dedup();
    assert_eq!((mails.len(), to.len()), (proof.audience, proof.audience));
    assert!(mails.iter().all(|mail| mail.contains("with ESMTPSA")), "TLS and a login");
    assert!(by_message_id(&mails).values().all(|count| *count == 1));
}

/// A running `smtp-sink`; it ends when dropped.
struct Sink(Child);

impl Sink {
    /// Keeps each mail as a file in `folder`; `None` where it is not installed.
    fn start(port: u16, folder: &Path, options: &[&str]) -> Option<Self> {
        let program = ["smtp-sink", "/usr/sbin/smtp-sink"].into_iter().find(|program| {
            // Without arguments it tells its usage.
            let asked = Command::new(program).stdout(Stdio::null()).stderr(Stdio::null()).status();
            asked.is_ok()
        })?;
        std::fs::create_dir_all(folder).expect("a folder");
        let mut command = Command::new(program);
        if is_root() {
            // As root it demands another user, who must be able to write.
            assert!(Command::new("chown").arg("postfix").arg(folder).status().is_ok_and(|s| s.success()));
            command.args(["-u", "postfix"]);
        }
        let child = command
            .args(options)
            .args(["-d", &format!("{}/mail.", folder.display())])
            .args([&format!("127.0.0.1:{port}"), "10"])
            .stdout(Stdio::null())
            .spawn()
            .expect("smtp-sink starts");
        Some(Self(child))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout == b"0\n")
}

/// How long the second try of a mail may take that is sent again half a minute after the first.
const AGAIN_MAX: Duration = Duration::from_secs(75);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_drops_after_the_final_dot_gets_each_mail_again_once() {
    let database = TestDatabase::sqlite().await;
    let proof = Proof::new(&database, 3, UncertainPolicy::Resend).await;
    let port = free_port();
    // Where another user can reach it.
    let folder = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .expect("a folder");
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let Some(dropping) = Sink::start(port, &first, &["-q", "."]) else {
        return not_run("smtp-sink is not installed (Debian: postfix)");
    };
    let relay = [("POSTILJON_RELAY_PORT", port.to_string())];
    let data = proof.folder.path().to_owned();
    let mut process = proof.start_as("all", "sender.example.org", data, &relay);
    let kept = until_there(&first, proof.audience).await;
    let store = proof.store().await;
    within(PATIENCE, "the doubts are in the ledger", async {
        while ledger(&store, proof.mailing).await.iter().filter(|row| row.doubts == 1).count() < 3 {
            tokio::time::sleep(ASK_EVERY).await;
        }
    })
    .await;
    drop(dropping);
    let _sink = Sink::start(port, &second, &[]);
    let sent = within(AGAIN_MAX, "it is sent again", proof.until_sent(&mut process)).await;
    assert!(sent.account.balances() && sent.account.sent == 3, "{:?}", sent.account);
    let again = until_there(&second, proof.audience).await;
    let (kept, again) = (by_message_id(&kept), by_message_id(&again));
    assert!(kept.len() == 3 && kept.values().all(|count| *count == 1), "{kept:?}");
    assert_eq!(kept, again, "the same mails under the same Message-ID");
    for row in ledger(&store, proof.mailing).await {
        assert_eq!((row.outcome, row.attempts, row.doubts), (Outcome::Sent, 2, 1));
    }
    store.close().await;
}

/// Free now; somebody may take it before `smtp-sink` does, and then the test fails.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
