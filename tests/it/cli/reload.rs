//! SIGHUP: a running service takes over the relays of the configuration, and keeps its own when that has a
//! mistake.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use super::{ARTICLE, newsletter, postiljon};
use crate::support::smtp_server::{Options, SmtpServer};

/// Longer than the service sleeps between two looks at the database.
const PATIENCE: Duration = Duration::from_secs(30);

/// A service that runs; it is killed when a test fails.
pub(super) struct Service {
    child: Child,
    log: BufReader<ChildStderr>,
    /// All of the log that was read.
    read: String,
}

impl Service {
    pub(super) fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_postiljon"))
            .args(["--config", "p.toml", "serve"])
            .current_dir(folder)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut service = Self { child, log, read: String::new() };
        service.until(" ready");
        service
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Reads the log up to a line with these words; the test's own limit ends one that never comes.
    pub(super) fn until(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let read = self.log.read_line(&mut line).expect("the log");
            assert!(read > 0, "the service ended without saying: {words}");
            self.read.push_str(&line);
        }
    }

    /// The next line on standard output.
    pub(super) fn printed(&mut self) -> String {
        let mut line = String::new();
        let out = self.child.stdout.as_mut().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        line
    }

    /// Ends it in good order; gives the whole log.
    pub(super) fn stop(mut self) -> String {
        self.signal("-TERM");
        self.until("stopped");
        assert!(self.child.wait().expect("its end").success());
        std::mem::take(&mut self.read)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configure(folder: &Path, relays: &str) {
    let text = format!(
        "[data]\nfolder = \"data\"\n[web]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://news.example.org\"\n\
         [destinations]\nmx = false\n{relays}"
    );
    std::fs::write(folder.join("p.toml"), text).expect("written");
}

fn table(name: &str, server: &SmtpServer) -> String {
    format!("[{name}]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n", server.addr.port())
}

pub(super) fn send_a_test(folder: &Path) {
    let sent = postiljon(folder, &["issue", "test", "1", "--to", "an@voorbeeld.example"], "");
    assert_eq!(sent.code, 0, "{}", sent.err);
}

pub(super) async fn wait(server: &SmtpServer, count: usize) {
    tokio::time::timeout(PATIENCE, server.wait_for_accepted(count)).await.expect("the mail in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_relay_gets_the_mail_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let (one, two) =
        (SmtpServer::start(Options::default()).await, SmtpServer::start(Options::default()).await);
    newsletter(folder);
    assert_eq!(postiljon(folder, &["article", "add", "--publish"], ARTICLE).code, 0);
    let issue =
        ["issue", "compose", "--newsletter", "insights", "--subject", "Eerste", "--article", "proef-een"];
    assert_eq!(postiljon(folder, &issue, "").code, 0);
    configure(folder, &table("relay", &one));
    let mut service = Service::start(folder);
    send_a_test(folder);
    wait(&one, 1).await;

    configure(folder, "[relay]\nhots = \"nowhere\"\npassword = \"canary\"\n");
    service.signal("-HUP");
    service.until("the settings of before stay");
    send_a_test(folder);
    wait(&one, 2).await;

    configure(folder, &table("relays.second", &two));
    service.signal("-HUP");
    service.until("the relays are as the configuration and the desk say now");
    send_a_test(folder);
    wait(&two, 1).await;
    assert_eq!(one.accepted().len(), 2);
    assert_eq!(one.commands().last().map(String::as_str), Some("QUIT"));

    configure(folder, &format!("{}[signup]\ncheck_mx = false\n", table("relays.second", &two)));
    service.signal("-HUP");
    service.until("other settings that changed need a restart");
    service.stop();
}
