//! Requests over kept connections, each begun at its moment.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::site::{Door, Site};

/// Connections at once: of the requests that are begun each needs one.
const CONNECTIONS: usize = 64;
/// Octets of the head of an answer.
const HEAD_MAX_OCTETS: usize = 64 * 1024;

/// How long requests took.
#[derive(Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// At a share of them: 0.5 is the median.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list, for people to read"
    )]
    pub fn at(&mut self, share: f64) -> Duration {
        self.0.sort_unstable();
        let place = (self.0.len() as f64 * share) as usize;
        self.0.get(place.min(self.0.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// So many requests a second, for a while.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub rate: usize,
    pub held: Duration,
}

/// What came of a load.
#[derive(Debug, Default)]
pub struct Done {
    pub times: Times,
    /// Answers that were not the answer of a success.
    pub refused: usize,
    spent: Duration,
}

impl Done {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    pub fn per_second(&self) -> f64 {
        (self.times.0.len() - self.refused) as f64 / self.spent.as_secs_f64()
    }
}

/// One connection that is kept.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends a request and reads its answer to the end; the status.
    pub async fn send(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|octets| octets == b"\r\n\r\n") {
                break at + 4;
            }
            anyhow::ensure!(self.buffer.len() < HEAD_MAX_OCTETS, "an answer without an end");
            self.read().await?;
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).context("a status")?;
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .map_or(Ok(0), |length| length.trim().parse::<usize>())?;
        while self.buffer.len() < head + length {
            self.read().await?;
        }
        Ok(status)
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        anyhow::ensure!(read > 0, "the connection was closed");
        Ok(())
    }
}

/// Puts a load on a site, with new addresses, through its page. On a thread of its own: visitors are no part of
/// the service.
pub async fn run(site: &Site, load: Load) -> anyhow::Result<Done> {
    let count = load.rate * usize::try_from(load.held.as_secs())?;
    let requests: Vec<Vec<u8>> = (0..count)
        .map(|n| {
            let domain = if n % 3 == 0 { "gmail.com".to_owned() } else { format!("d{}.example", n % 997) };
            site.request(Door::Page, &format!("load{n}@{domain}"), n)
        })
        .collect();
    let address = site.address;
    let visitors = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(visit(address, requests, load.held))
    };
    tokio::task::spawn_blocking(visitors).await?
}

async fn visit(address: SocketAddr, requests: Vec<Vec<u8>>, held: Duration) -> anyhow::Result<Done> {
    let requests = std::sync::Arc::new(requests);
    let start = Instant::now() + Duration::from_millis(200);
    let mut tasks = Vec::new();
    for first in 0..CONNECTIONS {
        let requests = std::sync::Arc::clone(&requests);
        tasks.push(tokio::spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut done = Done::default();
            for n in (first..requests.len()).step_by(CONNECTIONS) {
                let moment = start + held.mul_f64(share(n, requests.len()));
                tokio::time::sleep_until(moment.into()).await;
                let status = connection.send(&requests[n]).await?;
                done.times.add(moment.elapsed());
                done.refused += usize::from(status != Door::Page.success());
            }
            anyhow::Ok(done)
        }));
    }
    let mut all = Done::default();
    for task in tasks {
        let done = task.await??;
        all.times.0.extend(done.times.0);
        all.refused += done.refused;
    }
    all.spent = start.elapsed();
    Ok(all)
}

#[expect(clippy::cast_precision_loss, reason = "a moment within seconds")]
fn share(n: usize, of: usize) -> f64 {
    n as f64 / of as f64
}
