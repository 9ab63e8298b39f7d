//! The real binary, with settings of its own and nothing of whoever runs the tests. It ends with the test,
//! also with one that fails.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often a process is asked whether it has ended: the system has no signal for this that a safe program
/// can wait for.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A process whose file may not grow is to hear it from the write, not from a signal. And it ends with the test,
/// also when that is killed itself, where the system can do so (Debian: util-linux).
const PRELUDE: &str = "trap '' XFSZ
    ! command -v setpriv >/dev/null || exec setpriv --pdeathsig KILL \"$0\" \"$@\"
    exec \"$0\" \"$@\"";

/// What differs between processes.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    pub role: &'a str,
    /// What it keeps on disk besides the database.
    pub data: &'a Path,
    pub database_url: &'a str,
    pub relay: SocketAddr,
    pub connections: usize,
    /// With which the relay knows it.
    pub hello_name: &'a str,
    /// Where it tells what it does.
    pub log: &'a Path,
    /// More variables of its environment; they win over the others.
    pub more: &'a [(&'a str, String)],
}

/// A running `postiljon serve`.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    pub started: Instant,
}

impl Process {
    pub fn start(settings: &Settings<'_>) -> Self {
        let log = OpenOptions::new().create(true).append(true).open(settings.log).expect("a log");
        let mut command = Command::new("sh");
        command.args(["-c", PRELUDE, env!("CARGO_BIN_EXE_postiljon")]);
        command.args(["serve", "--role", settings.role]);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("POSTILJON_")) {
            command.env_remove(name);
        }
        let child = command
            .current_dir(settings.data)
            .env("POSTILJON_DATA_FOLDER", settings.data)
            .env("POSTILJON_DATABASE_URL", settings.database_url)
            .env("POSTILJON_SECRET_KEY", "a-secret-key-of-the-tests-and-of-nobody-else")
            .env("POSTILJON_WEB_LISTEN", "127.0.0.1:0")
            .env("POSTILJON_WEB_PUBLIC_URL", "http://127.0.0.1")
            .env("POSTILJON_RELAY_HOST", settings.relay.ip().to_string())
            .env("POSTILJON_RELAY_PORT", settings.relay.port().to_string())
            .env("POSTILJON_RELAY_TLS", "none")
            .env("POSTILJON_RELAY_HELLO_NAME", settings.hello_name)
            .env("POSTILJON_DESTINATIONS_MX", "false")
            .env("POSTILJON_SIGNUP_CHECK_MX", "false")
            .env("POSTILJON_RELAY_CONNECTIONS", settings.connections.to_string())
            .envs(settings.more.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        Self { child, log: settings.log.to_owned(), started: Instant::now() }
    }

    /// SIGKILL: nothing of it runs any more when this returns.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// `TERM`, `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        let done = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status();
        assert!(done.is_ok_and(|status| status.success()), "{name} was not sent");
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for it to end by itself.
    pub async fn ended(mut self, limit: Duration) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(begin.elapsed() < limit, "it still runs after {limit:?}:\n{}", self.log());
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(30).collect();
            eprintln!("the end of its log:");
            tail.iter().rev().for_each(|line| eprintln!("    {line}"));
        }
    }
}
