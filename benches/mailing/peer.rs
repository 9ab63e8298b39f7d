//! Postfix's own pair: `smtp-sink` takes all mail and forgets it, `smtp-source` makes it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::mailing::Job;

/// Connections that may wait to be taken.
const BACKLOG: &str = "1024";
/// How long a sink may take to listen.
const START_MAX: Duration = Duration::from_secs(5);
/// Octets of the header fields that smtp-source adds to a message.
const SOURCE_FIELDS_OCTETS: usize = 200;
/// The processor that signs, and the one on which the sink runs meanwhile.
pub const SIGNER: usize = 0;
pub const TAKER: usize = 1;
const MISSING: &str = "Postfix's smtp-sink and smtp-source are needed (Debian: apt-get install postfix)";

/// A running sink on a loopback port; it ends when dropped.
pub struct Sink {
    child: Child,
    pub port: u16,
}

impl Sink {
    /// # Errors
    /// When there is no smtp-sink, or it does not listen.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_on(None)
    }

    /// On one processor, if one is given.
    ///
    /// # Errors
    /// As [`Sink::start`].
    pub fn start_on(processor: Option<usize>) -> anyhow::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = on(processor, "smtp-sink");
        // As root it wants to be told whom to be instead.
        if std::fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0) {
            command.args(["-u", "postfix"]);
        }
        let child = command
            .args([&format!("127.0.0.1:{port}"), BACKLOG])
            .stdin(Stdio::null())
            .spawn()
            .context(MISSING)?;
        let mut sink = Self { child, port };
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = sink.child.try_wait()? {
                anyhow::bail!("smtp-sink ended: {status}");
            }
            anyhow::ensure!(start.elapsed() < START_MAX, "smtp-sink does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that runs on one processor, if one is given (`taskset` of util-linux).
pub fn on(processor: Option<usize>, program: impl AsRef<std::ffi::OsStr>) -> Command {
    match processor {
        None => Command::new(program),
        Some(processor) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &processor.to_string()]).arg(program);
            command
        }
    }
}

/// RSA-2048 signatures a second of `openssl speed` on one core.
///
/// # Errors
/// When there is no openssl.
pub fn signatures() -> anyhow::Result<f64> {
    let output = on(Some(SIGNER), "openssl")
        .args(["speed", "-mr", "-seconds", "3", "rsa2048"])
        .stderr(Stdio::null())
        .output()
        .context("openssl is needed (Debian: apt-get install openssl)")?;
    let text = String::from_utf8(output.stdout)?;
    // +F2:number:bits:signatures a second:checks a second; older ones tell seconds for each.
    let line = text.lines().find(|line| line.starts_with("+F2:")).context("openssl's figures")?;
    let figure: f64 = line.split(':').nth(3).context("openssl's figures")?.parse()?;
    anyhow::ensure!(figure > 0.0, "openssl says {line}");
    Ok(if figure < 1.0 { 1.0 / figure } else { figure })
}

/// Mails a second of smtp-source, which keeps its connections (`-d`).
///
/// # Errors
/// When there is no smtp-source, or it fails.
pub fn source(job: &Job) -> anyhow::Result<f64> {
    let start = Instant::now();
    let status = Command::new("smtp-source")
        .arg("-d")
        .args(["-s", &job.connections.to_string()])
        .args(["-m", &job.count.to_string()])
        .args(["-l", &job.octets.saturating_sub(SOURCE_FIELDS_OCTETS).to_string()])
        .args(["-f", "news@meridiaan.example", "-t", "reader@example.org"])
        .arg(format!("127.0.0.1:{}", job.port))
        .status()
        .context(MISSING)?;
    anyhow::ensure!(status.success(), "smtp-source failed: {status}");
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    Ok(job.count as f64 / start.elapsed().as_secs_f64())
}
