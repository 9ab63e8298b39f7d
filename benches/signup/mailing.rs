//! A mailing that is sent in the same process, to Postfix's `smtp-sink`.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use postiljon::clock::Clock;
use postiljon::delivery::{Engine, EngineHandle, EngineParts, EngineSettings};
use postiljon::mail::relay::Relay;
use postiljon::mail::relays::Relays;
use postiljon::mail::slot::Slot;
use postiljon::model::{Language, MailingId, NewsletterId, RelaySettings, StageTimeouts, TlsMode};
use postiljon::store::issues::IssueText;
use postiljon::store::mailings::Content;
use postiljon::store::{Pools, Store, issues, mailings};
use sqlx::AssertSqlSafe;

use crate::site::{Site, now};

/// More than can be sent while it is measured.
const READERS: i64 = 600_000;
/// Octets of the HTML of a mail.
const OCTETS: usize = 4_000;
const CONNECTIONS: usize = 10;
/// How long a sink may take to listen, and a mailing to begin.
const START_MAX: Duration = Duration::from_secs(30);

pub struct Mailing {
    store: Store,
    id: MailingId,
    engine: EngineHandle,
    sink: Child,
    waking: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Mailing {
    /// Readers, an issue that is due, and an engine that sends it already.
    pub async fn start(site: &Site) -> anyhow::Result<Self> {
        let id = prepare(site).await?;
        let (sink, port) = sink()?;
        let folder = tempfile::tempdir()?;
        let mut settings = EngineSettings::new("https://news.example.org", CONNECTIONS);
        settings.journal_folder = Some(folder.path().to_owned());
        let engine = Engine::start(EngineParts {
            store: site.store.clone(),
            clock: Clock::system(),
            keys: site.keys.clone(),
            wire: Arc::new(Relays::from(Relay::new("main", relay(port))?)),
            settings,
        });
        // The pages notify; the engine wakes.
        let (wake, waker) = (Arc::clone(&site.wake), engine.waker());
        let waking = tokio::spawn(async move {
            loop {
                wake.notified().await;
                waker();
            }
        });
        let mailing = Self { store: site.store.clone(), id, engine, sink, waking, _folder: folder };
        let begun = Instant::now();
        while mailing.sent().await? < 1_000 {
            anyhow::ensure!(begun.elapsed() < START_MAX, "the mailing does not begin");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(mailing)
    }

    /// Mails a second, over a while.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    pub async fn rate_for(&self, held: Duration) -> anyhow::Result<f64> {
        let (before, begun) = (self.sent().await?, Instant::now());
        tokio::time::sleep(held).await;
        let (after, spent) = (self.sent().await?, begun.elapsed());
        anyhow::ensure!(after < READERS, "the mailing was over too early");
        Ok((after - before) as f64 / spent.as_secs_f64())
    }

    async fn sent(&self) -> anyhow::Result<i64> {
        let mailing =
            mailings::by_id(self.store.read().await?.db(), self.id).await?.context("the mailing")?;
        Ok(mailing.account.sent)
    }

    pub async fn stop(mut self) {
        self.waking.abort();
        self.engine.stop().await;
        let _ = self.sink.kill();
        let _ = self.sink.wait();
    }
}

async fn prepare(site: &Site) -> anyhow::Result<MailingId> {
    let newsletter = site.newsletter.id;
    readers(&site.store, newsletter).await?;
    let mut tx = site.store.begin().await?;
    let text = IssueText { subject: "News".into(), ..IssueText::default() };
    let issue = issues::insert(&mut tx, newsletter, &text, now()).await?;
    let mailing = mailings::insert(&mut tx, issue.id, newsletter, now(), now()).await?;
    mailings::insert_content(&mut tx, mailing.id, &content()).await?;
    tx.commit().await?;
    Ok(mailing.id)
}

/// All of them in two statements: one by one takes longer than what is measured.
async fn readers(store: &Store, newsletter: NewsletterId) -> anyhow::Result<()> {
    let numbers =
        format!("WITH RECURSIVE g (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {READERS})");
    let uuid = match store.pools() {
        Pools::Sqlite { .. } => "randomblob(16)",
        Pools::Postgres(_) => "gen_random_uuid()",
    };
    let at = now().as_millis();
    for sql in [
        format!("INSERT INTO subscribers (public_id, address, address_key, name, language, created_at) {numbers}
            SELECT {uuid}, 'reader' || n || '@example.org', 'reader' || n || '@example.org', 'Reader', 'en', {at} FROM g"),
        format!("INSERT INTO subscriptions (subscriber_id, newsletter_id, status, language, created_at, confirmed_at,
                audience_since)
            SELECT id, {newsletter}, 'confirmed', 'en', {at}, {at}, {at} FROM subscribers ORDER BY id"),
        "ANALYZE".to_owned(),
    ] {
        let sql = AssertSqlSafe(sql);
        match store.pools() {
            Pools::Sqlite { writer, .. } => sqlx::query(sql).execute(writer).await?.rows_affected(),
            Pools::Postgres(pool) => sqlx::query(sql).execute(pool).await?.rows_affected(),
        };
    }
    Ok(())
}

fn content() -> Content {
    const WORDS: &str = "The quick brown fox jumps over the lazy dog, and writes it down. ";
    let link = Slot::UnsubscribeUrl.marker();
    let body: String = WORDS.chars().cycle().take(OCTETS).collect();
    let html = format!("<p>{body}</p><p><a href=\"{link}\">Unsubscribe</a></p>");
    let text = format!("{body}\n\n{link}\n");
    Content {
        language: Language::English,
        subject: "News".into(),
        second_subject: String::new(),
        web_html: html.clone(),
        html,
        text,
    }
}

fn sink() -> anyhow::Result<(Child, u16)> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = Command::new("smtp-sink");
    // As root it wants to be told whom to be instead.
    if std::fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0) {
        command.args(["-u", "postfix"]);
    }
    let child = command
        .args([&format!("127.0.0.1:{port}"), "1024"])
        .stdin(Stdio::null())
        .spawn()
        .context("Postfix's smtp-sink is needed (Debian: apt-get install postfix)")?;
    let begun = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        anyhow::ensure!(begun.elapsed() < START_MAX, "smtp-sink does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok((child, port))
}

fn relay(port: u16) -> RelaySettings {
    RelaySettings {
        host: "127.0.0.1".into(),
        port,
        tls: TlsMode::None,
        credentials: None,
        hello_name: "bench.example.org".into(),
        extra_roots_pem: None,
        connections: CONNECTIONS,
        messages_per_connection: usize::MAX,
        mails_per_hour: None,
        timeouts: StageTimeouts::default(),
    }
}
