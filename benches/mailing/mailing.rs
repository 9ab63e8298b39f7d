//! One mailing by Postiljon, in two processes: one makes the readers, the other sends and is measured.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use postiljon::clock::Clock;
use postiljon::delivery::{Engine, EngineHandle, EngineParts, EngineSettings};
use postiljon::keys::Keys;
use postiljon::mail::dkim::Signers;
use postiljon::mail::headers;
use postiljon::mail::relay::Relay;
use postiljon::mail::relays::Relays;
use postiljon::mail::slot::Slot;
use postiljon::mail::template::{self, Source, Template};
use postiljon::model::newsletter::NewNewsletter;
use postiljon::model::{
    DkimAlgorithm, DkimKey, DkimSettings, EmailAddress, Language, Mailing, MailingId, MailingStatus,
    Newsletter, RelaySettings, SigningKey, Slug, StageTimeouts, Timestamp, TlsMode, UncertainPolicy,
};
use postiljon::store::issues::IssueText;
use postiljon::store::mailings::Content;
use postiljon::store::{Store, issues, mailings, newsletters, subscribers, subscriptions};

use crate::database::URL;
use crate::proc;

/// The domain of the provider that hangs.
pub const HANGS: &str = "gmail.com";
/// The only one in its database.
const MAILING: MailingId = MailingId(1);

/// What is sent, and how.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Job {
    /// Of a mail, as it travels
    #[arg(long)]
    pub octets: usize,
    #[arg(long)]
    pub count: usize,
    #[arg(long)]
    pub connections: usize,
    /// Where the sink listens
    #[arg(long)]
    pub port: u16,
    /// Whether each is signed, RSA with 2048 bits
    #[arg(long, default_value_t = false, action = clap::ArgAction::Set)]
    pub signed: bool,
    /// One reader in so many is at a provider that hangs; 0: none
    #[arg(long, default_value_t = 0)]
    pub hanging_one_in: usize,
}

impl Job {
    pub fn arguments(&self) -> [String; 6] {
        [
            format!("--octets={}", self.octets),
            format!("--count={}", self.count),
            format!("--connections={}", self.connections),
            format!("--port={}", self.port),
            format!("--signed={}", self.signed),
            format!("--hanging-one-in={}", self.hanging_one_in),
        ]
    }

    /// Readers at the provider that hangs.
    pub const fn hanging(&self) -> usize {
        match self.hanging_one_in {
            0 => 0,
            one_in => self.count.div_ceil(one_in),
        }
    }
}

/// How a run went.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Mails a second, from the start of the engine to the last outcome in the database.
    pub rate: f64,
    pub peak_kb: u64,
}

impl Sent {
    pub fn read(line: &str) -> Option<Self> {
        let (rate, peak_kb) = line.trim().split_once(' ')?;
        Some(Self { rate: rate.parse().ok()?, peak_kb: peak_kb.parse().ok()? })
    }
}

async fn store() -> anyhow::Result<Store> {
    Ok(Store::open(&std::env::var(URL)?, 10).await?)
}

/// Sends what was prepared, and says how it went.
pub async fn send(job: &Job) -> anyhow::Result<()> {
    let store = store().await?;
    let mut settings = EngineSettings::new("https://news.example.org", job.connections);
    let folder = tempfile::tempdir()?;
    settings.journal_folder = Some(folder.path().to_owned());
    if job.signed {
        let key = SigningKey::generate(DkimAlgorithm::Rsa)?;
        let keys = vec![DkimKey { selector: "bench".into(), key }];
        settings.signers = Signers::new(vec![DkimSettings { domain: "meridiaan.example".into(), keys }]);
    }
    let parts = EngineParts {
        store: store.clone(),
        clock: Clock::system(),
        keys: Keys::new(&[7; 32]),
        wire: Arc::new(Relays::from(Relay::new("main", relay(job))?)),
        settings,
    };
    proc::reset_peak();
    let start = Instant::now();
    let engine = Engine::start(parts);
    let answered = job.count - job.hanging();
    let mailing = until_sent(&store, &engine, answered).await?;
    let spent = start.elapsed();
    if job.hanging_one_in > 0 {
        // Nobody waits for the provider.
        engine.crash().await;
    } else {
        engine.stop().await;
        let account = mailing.account;
        anyhow::ensure!(account.balances(), "the account does not balance: {account:?}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = answered as f64 / spent.as_secs_f64();
    println!("{rate} {}", proc::status("self", "VmHWM"));
    Ok(())
}

async fn until_sent(store: &Store, engine: &EngineHandle, answered: usize) -> anyhow::Result<Mailing> {
    let mut activity = engine.activity();
    loop {
        let now = mailings::by_id(store.read().await?.db(), MAILING).await?.context("the mailing")?;
        if now.status == MailingStatus::Sent || usize::try_from(now.account.sent)? >= answered {
            return Ok(now);
        }
        // Looking costs time too.
        tokio::time::sleep(Duration::from_millis(20)).await;
        activity.changed().await?;
    }
}

fn relay(job: &Job) -> RelaySettings {
    RelaySettings {
        host: "127.0.0.1".into(),
        port: job.port,
        tls: TlsMode::None,
        credentials: None,
        hello_name: "bench.example.org".into(),
        extra_roots_pem: None,
        connections: job.connections,
        // smtp-source does not count either.
        messages_per_connection: usize::MAX,
        mails_per_hour: None,
        timeouts: StageTimeouts::default(),
    }
}

/// A newsletter, its readers, and an issue that is due.
pub async fn prepare(job: &Job) -> anyhow::Result<()> {
    let store = store().await?;
    store.migrate().await?;
    let now = Clock::system().now();
    let mut tx = store.begin().await?;
    let newsletter = newsletters::insert(&mut tx, &newsletter()?, now).await?;
    for n in 0..job.count {
        let is_hanging = job.hanging_one_in > 0 && n % job.hanging_one_in == 0;
        let domain = if is_hanging { HANGS } else { "example.org" };
        let reader = address(&format!("reader{n}@{domain}"))?;
        let name = format!("Reader {n}");
        let person = subscribers::find_or_insert(&mut tx, &reader, &name, Language::English, now).await?;
        let subscription =
            subscriptions::find_or_insert(&mut tx, person.id, newsletter.id, Language::English, now).await?;
        subscriptions::confirm(&mut tx, subscription.id, Language::English, now).await?;
    }
    let text = IssueText { subject: "News".into(), ..IssueText::default() };
    let issue = issues::insert(&mut tx, newsletter.id, &text, now).await?;
    let mailing = mailings::insert(&mut tx, issue.id, newsletter.id, now, now).await?;
    anyhow::ensure!(mailing.id == MAILING, "the database was not empty");
    mailings::insert_content(&mut tx, mailing.id, &content(&newsletter, job.octets)?).await?;
    tx.commit().await?;
    Ok(())
}

fn address(text: &str) -> anyhow::Result<EmailAddress> {
    EmailAddress::parse(text).context("an address")
}

fn newsletter() -> anyhow::Result<NewNewsletter> {
    Ok(NewNewsletter {
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
    })
}

/// A mail of `octets` as it travels, with the slots of a usual one.
fn content(newsletter: &Newsletter, octets: usize) -> anyhow::Result<Content> {
    let empty = travels(newsletter, &words(0))?;
    let wanted = octets.saturating_sub(empty);
    let got = travels(newsletter, &words(wanted))?.saturating_sub(empty);
    // The encoding adds its share.
    Ok(words(wanted * wanted / got.max(1)))
}

/// Words of so many octets in all, a quarter of them in the text part.
fn words(octets: usize) -> Content {
    const WORDS: &str = "The quick brown fox jumps over the lazy dog, and writes it down. ";
    let some = |octets: usize| WORDS.chars().cycle().take(octets).collect::<String>();
    let name = Slot::Name { fallback: "reader".into() }.marker();
    let link = Slot::UnsubscribeUrl.marker();
    let text = format!("Hello {name},\n\n{}\n\n{link}\n", some(octets / 4));
    let body = some(octets - octets / 4);
    let html = format!("<p>Hello {name},</p><p>{body}</p><p><a href=\"{link}\">Unsubscribe</a></p>");
    Content {
        language: Language::English,
        subject: "News".into(),
        second_subject: String::new(),
        web_html: html.clone(),
        html,
        text,
    }
}

/// Octets of the mail that a content makes.
fn travels(newsletter: &Newsletter, content: &Content) -> anyhow::Result<usize> {
    let source = Source {
        sender_name: &newsletter.sender_name,
        sender: &newsletter.sender_address,
        reply_to: None,
        subject: &content.subject,
        text: &content.text,
        html: &content.html,
        headers: &headers::issue(newsletter, uuid::Uuid::nil()),
    };
    let mail = Template::compile(&source)?.fill(&template::Recipient {
        to: &address("reader1000@example.org")?,
        name: "Reader 1000",
        message_id: "abcdefghijklmnopqrstuvwxyz",
        date: Timestamp::from_millis(0),
        unsubscribe_url: "https://news.example.org/unsubscribe/abcdefghijklmnopqrstuvwxyzabcdefghijklm",
        unsubscribe_mailto: None,
        preferences_url: "https://news.example.com/preferences/abc",
        tracked: &[],
    });
    Ok(mail.len())
}
