//! How fast a mailing goes out, and in how much memory: 20,000 mails of 20 KB over loopback, 10 connections.
//!
//! `cargo bench --bench mailing`. The sink is a process of its own, and so is each database's run, so that
//! the peak memory is the engine's. PostgreSQL runs where `POSTILJON_TEST_POSTGRES_URL` names a server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use postiljon::clock::Clock;
use postiljon::delivery::{Engine, EngineHandle, EngineParts, EngineSettings};
use postiljon::keys::Keys;
use postiljon::mail::receive::{Mailbox, ReceivedMail, Receiver};
use postiljon::mail::relay::Relay;
use postiljon::mail::relays::Relays;
use postiljon::mail::reply::Reply;
use postiljon::mail::slot::Slot;
use postiljon::model::newsletter::NewNewsletter;
use postiljon::model::{
    EmailAddress, Language, Mailing, MailingStatus, RelaySettings, Slug, StageTimeouts, TlsMode,
    UncertainPolicy,
};
use postiljon::store::issues::IssueText;
use postiljon::store::mailings::Content;
use postiljon::store::{Store, issues, mailings, newsletters, subscribers, subscriptions};
use sqlx::{Connection as _, Executor as _};

const READERS: usize = 20_000;
const MAIL_OCTETS: usize = 20_000;
const CONNECTIONS: usize = 10;
/// In the environment of a child: `sink`, or the URL of the database to run on.
const ROLE: &str = "POSTILJON_BENCH_ROLE";

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match std::env::var(ROLE) {
        Ok(role) if role == "sink" => runtime.block_on(sink()),
        Ok(url) => runtime.block_on(run(&url)),
        Err(_) => {
            let folder = tempfile::tempdir()?;
            measure("SQLite", &format!("sqlite:{}", folder.path().join("bench.db").display()))?;
            match std::env::var("POSTILJON_TEST_POSTGRES_URL") {
                Ok(admin_url) => runtime.block_on(on_postgres(&admin_url))?,
                Err(_) => println!("PostgreSQL: not run, POSTILJON_TEST_POSTGRES_URL is not set"),
            }
            Ok(())
        }
    }
}

/// A run in a process of its own.
fn measure(name: &str, url: &str) -> anyhow::Result<()> {
    print!("{name}: ");
    std::io::stdout().flush()?;
    let status = Command::new(std::env::current_exe()?).env(ROLE, url).status()?;
    anyhow::ensure!(status.success(), "the run on {name} failed");
    Ok(())
}

async fn on_postgres(admin_url: &str) -> anyhow::Result<()> {
    let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
    let mut admin = sqlx::PgConnection::connect(admin_url).await?;
    admin.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    let base = admin_url.rsplit_once('/').map_or(admin_url, |(base, _)| base);
    let measured = measure("PostgreSQL", &format!("{base}/{name}"));
    admin.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await?;
    measured
}

/// Takes every mail, and says at the end how many and how long they were.
async fn sink() -> anyhow::Result<()> {
    let counter = Counter::default();
    let receiver = Receiver::bind(SocketAddr::from(([127, 0, 0, 1], 0)), counter.clone()).await?;
    println!("{}", receiver.address());
    // The parent closes our standard input at the end.
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    let (mails, octets) = *counter.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{mails} {octets}");
    Ok(())
}

/// Mails and octets.
#[derive(Clone, Default)]
struct Counter(Arc<std::sync::Mutex<(usize, usize)>>);

impl Mailbox for Counter {
    fn accepts(&self, _to: &str) -> Result<(), Reply> {
        Ok(())
    }

    async fn deliver(&self, mail: ReceivedMail) -> Reply {
        let mut count = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *count = (count.0 + 1, count.1 + mail.bytes.len());
        Reply::new(250, Some((2, 0, 0)), "taken")
    }
}

/// The sink's process, its standard output and its address.
fn start_sink() -> anyhow::Result<(Child, BufReader<ChildStdout>, SocketAddr)> {
    let mut child = Command::new(std::env::current_exe()?)
        .env(ROLE, "sink")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("the sink's output")?);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    let address = line.trim().parse()?;
    Ok((child, lines, address))
}

async fn run(url: &str) -> anyhow::Result<()> {
    let store = Store::open(url, 10).await?;
    store.migrate().await?;
    let clock = Clock::system();
    let mailing = prepare(&store, &clock).await?;
    let (mut sink, mut lines, address) = start_sink()?;
    let parts = EngineParts {
        store: store.clone(),
        clock,
        keys: Keys::new(&[7; 32]),
        wire: Arc::new(Relays::from(Relay::new("main", relay(address))?)),
        settings: EngineSettings::new("https://news.example.org", CONNECTIONS),
    };
    let start = Instant::now();
    let engine = Engine::start(parts);
    let sent = until_sent(&store, &engine, &mailing).await?;
    let spent = start.elapsed();
    engine.stop().await;
    drop(sink.stdin.take());
    let mut line = String::new();
    lines.read_line(&mut line)?;
    sink.wait()?;
    let (mails, octets) = line.trim().split_once(' ').context("the sink's count")?;
    let (mails, octets): (usize, usize) = (mails.parse()?, octets.parse()?);
    anyhow::ensure!(sent.account.balances(), "the account does not balance: {:?}", sent.account);
    anyhow::ensure!(mails == READERS, "the sink took {mails} mails, not {READERS}");
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = mails as f64 / spent.as_secs_f64();
    println!(
        "{mails} mails of {} octets in {:.2} s: {rate:.0} mails/s; peak memory {}",
        octets / mails,
        spent.as_secs_f64(),
        peak_memory()
    );
    Ok(())
}

async fn until_sent(store: &Store, engine: &EngineHandle, mailing: &Mailing) -> anyhow::Result<Mailing> {
    let mut activity = engine.activity();
    loop {
        let now = mailings::by_id(store.read().await?.db(), mailing.id).await?.context("the mailing")?;
        if now.status == MailingStatus::Sent {
            return Ok(now);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        activity.changed().await?;
    }
}

fn relay(address: SocketAddr) -> RelaySettings {
    RelaySettings {
        host: address.ip().to_string(),
        port: address.port(),
        tls: TlsMode::None,
        credentials: None,
        hello_name: "bench.example.org".into(),
        extra_roots_pem: None,
        connections: CONNECTIONS,
        messages_per_connection: 1_000,
        mails_per_hour: None,
        timeouts: StageTimeouts::default(),
    }
}

/// A newsletter, its readers, and an issue that is due.
async fn prepare(store: &Store, clock: &Clock) -> anyhow::Result<Mailing> {
    let now = clock.now();
    let address = |text: &str| EmailAddress::parse(text).context("an address");
    let new = NewNewsletter {
        slug: Slug::parse("bench").context("a slug")?,
        name: "Bench".into(),
        description: String::new(),
        language: Language::English,
        time_zone: "Europe/Brussels".into(),
        sender_name: "Meridiaan".into(),
        sender_address: address("news@meridiaan.example")?,
        reply_to: None,
        postal_address: "Kaai 1\n1000 Brussel".into(),
        brand_color: "#0f766e".into(),
        logo_url: String::new(),
        on_uncertain: UncertainPolicy::Resend,
    };
    let mut tx = store.begin().await?;
    let newsletter = newsletters::insert(&mut tx, &new, now).await?;
    for n in 0..READERS {
        let reader = address(&format!("reader{n}@example.org"))?;
        let name = format!("Reader {n}");
        let person = subscribers::find_or_insert(&mut tx, &reader, &name, Language::English, now).await?;
        let subscription =
            subscriptions::find_or_insert(&mut tx, person.id, newsletter.id, Language::English, now).await?;
        subscriptions::confirm(&mut tx, subscription.id, Language::English, now).await?;
    }
    let text = IssueText { subject: "News".into(), ..IssueText::default() };
    let issue = issues::insert(&mut tx, newsletter.id, &text, now).await?;
    let mailing = mailings::insert(&mut tx, issue.id, newsletter.id, now, now).await?;
    mailings::insert_content(&mut tx, mailing.id, &content()).await?;
    tx.commit().await?;
    Ok(mailing)
}

/// About [`MAIL_OCTETS`] as it travels, with the slots of a usual mail.
fn content() -> Content {
    let name = Slot::Name { fallback: "reader".into() }.marker();
    let link = Slot::UnsubscribeUrl.marker();
    let words = "The quick brown fox jumps over the lazy dog, and writes it down. ";
    let text = format!("Hello {name},\n\n{}\n\n{link}\n", words.repeat(MAIL_OCTETS / 4 / words.len()));
    let body = words.repeat(MAIL_OCTETS * 7 / 10 / words.len());
    let html = format!("<p>Hello {name},</p><p>{body}</p><p><a href=\"{link}\">Unsubscribe</a></p>");
    Content { language: Language::English, subject: "News".into(), web_html: html.clone(), html, text }
}

/// VmHWM of this process.
fn peak_memory() -> String {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
            Some(line.trim_start_matches("VmHWM:").trim().to_owned())
        })
        .unwrap_or_else(|| "unknown here".to_owned())
}
