//! A process that has nothing to do: how soon it answers, what it holds, how often it wakes.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the first answer may take.
const START_MAX: Duration = Duration::from_secs(20);
/// Until what a start leaves behind is done.
const SETTLE: Duration = Duration::from_secs(5);

/// The binary as it is released, ended when dropped.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The line of the table.
///
/// # Errors
/// When the service does not start.
pub fn measure(seconds: u64) -> anyhow::Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    // The first start makes the database and the key; the second is the one that a restart costs.
    let (service, first) = start(folder.path())?;
    drop(service);
    let (service, again) = start(folder.path())?;
    std::thread::sleep(SETTLE);
    let id = service.0.id();
    let before = crate::proc::switches(id);
    std::thread::sleep(Duration::from_secs(seconds));
    let woken = crate::proc::switches(id).saturating_sub(before);
    let megabytes = |field: &str| kilobytes(id, field) / 1024.0;
    let (all, own) = (megabytes("VmRSS"), megabytes("RssAnon"));
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let per_second = woken as f64 / seconds.max(1) as f64;
    Ok(vec![format!(
        "| idle process, SQLite | | {all:.1} MB, of which {own:.1} MB its own and the rest pages of files, {per_second:.1} wake-ups/s, start {} ms (first: {} ms) | | <= 25 MB, near none, <= 100 ms | |",
        again.as_millis(),
        first.as_millis(),
    )])
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn kilobytes(process: u32, field: &str) -> f64 {
    crate::proc::status(&process.to_string(), field) as f64
}

/// Starts the service, and waits for its first answer.
fn start(folder: &std::path::Path) -> anyhow::Result<(Service, Duration)> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_postiljon"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("POSTILJON_")) {
        command.env_remove(name);
    }
    let start = Instant::now();
    let mut service = Service(
        command
            .arg("serve")
            .current_dir(folder)
            .env("POSTILJON_DATA_FOLDER", folder.join("data"))
            .env("POSTILJON_WEB_LISTEN", format!("127.0.0.1:{port}"))
            .env("POSTILJON_WEB_PUBLIC_URL", "https://news.example.org")
            .env("POSTILJON_RELAY_HOST", "127.0.0.1")
            .env("POSTILJON_RELAY_TLS", "none")
            .env("POSTILJON_LOG_LEVEL", "warn")
            .stdin(Stdio::null())
            .spawn()?,
    );
    while !answers(port) {
        if let Some(status) = service.0.try_wait()? {
            anyhow::bail!("the service ended: {status}");
        }
        anyhow::ensure!(start.elapsed() < START_MAX, "the service does not answer");
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok((service, start.elapsed()))
}

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        tcp.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
        let mut answer = [0; 12];
        tcp.read_exact(&mut answer)?;
        Ok(answer.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
