//! Clicks, opens and reports, from the mail as it went over the wire to the page of the desk.

mod counting;
mod mails;
mod numbers;
mod pages;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use mail_parser::MessageParser;
use postiljon::delivery::{Engine, EngineParts, EngineSettings};
use postiljon::demo::browser::{Answer, Browser};
use postiljon::keys::Purpose;
use postiljon::model::{
    Agreed, Article, HitCounts, Issue, Mailing, MailingStatus, Newsletter, Subscription, Tracking,
};
use postiljon::publishing::newsletters::set_tracking;
use postiljon::store::{Store, mailings, reports};
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::preferences::tracking;

use crate::delivery::signing::Keeper;
use crate::support::database::read;
use crate::support::people::People;
use crate::support::press::{Press, piece, words};
use crate::web::public::Site;

/// How long an engine may take for some mails, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);
pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// Four links in words, one whose words are an address.
const BODY: &str = "Lees [het eerste](https://een.example/a?x=1&y=2), [het tweede](https://twee.example/), \
    [het derde](https://drie.example/c) en [het vierde](https://vier.example/d).\n\n\
    Of ga naar [www.vijf.example](https://www.vijf.example/).\n";

/// A site with a newsletter that counts, its readers and its press.
pub struct World {
    pub site: Site,
    pub people: People,
    pub press: Press,
    pub newsletter: Newsletter,
    pub article: Article,
}

/// A mail as its reader has it.
pub struct Mail {
    pub html: String,
    pub text: String,
}

impl Mail {
    /// The paths of the links that count, in the order of the mail.
    pub fn clicks(&self) -> Vec<String> {
        paths(&self.html, "/c/")
    }

    /// The path of the picture that counts.
    pub fn open(&self) -> Option<String> {
        paths(&self.html, "/o/").pop()
    }
}

fn paths(html: &str, start: &str) -> Vec<String> {
    let found = html.split('"').filter_map(|piece| {
        let (before, path) = piece.split_once(start)?;
        before.starts_with("http://127.0.0.1").then(|| format!("{start}{path}"))
    });
    found.collect()
}

impl World {
    pub async fn start(store: &Store, counted: Tracking) -> Self {
        let site = Site::start(store).await;
        let newsletter = site.newsletter.clone();
        let newsletter = set_tracking(store, newsletter.id, None, counted).await.expect("set");
        let mut people = People::of_newsletter(store, newsletter.clone()).await;
        people.clock = site.app.clock.clone();
        let press = Press::new(store, &site.app.clock, &site.app.url);
        let article = press.article(&piece("Over bruggen", BODY)).await;
        Self { site, people, press, newsletter, article }
    }

    pub fn store(&self) -> &Store {
        &self.people.store
    }

    /// Sends an issue of the article to everybody, and lets a minute pass.
    pub async fn sent(&self, subject: &str) -> (Issue, Mailing, Vec<(String, Mail)>) {
        let (issue, mailing) =
            self.press.scheduled(self.newsletter.id, &words(subject), &[&self.article]).await;
        let wire = Arc::new(Keeper::default());
        let app = &self.site.app;
        let engine = Engine::start(EngineParts {
            store: app.app.store.clone(),
            clock: app.clock.clone(),
            keys: app.app.keys.clone(),
            wire: wire.clone(),
            settings: EngineSettings::new(&app.url, 2),
        });
        let mut activity = engine.activity();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mailing = loop {
            activity.mark_unchanged();
            let now = read!(app.app.store, |db| mailings::by_id(db, mailing.id)).expect("the mailing");
            if now.status == MailingStatus::Sent {
                break now;
            }
            assert!(tokio::time::Instant::now() < deadline, "it was not sent: {now:?}");
            if tokio::time::timeout(Duration::from_millis(100), activity.changed()).await.is_err() {
                app.clock.advance(Duration::from_secs(1));
            }
        };
        engine.stop().await;
        app.clock.advance(Duration::from_secs(60));
        let parsed = wire.mails().into_iter().filter_map(|(to, octets)| {
            let message = MessageParser::default().parse(&octets)?.into_owned();
            let is_issue = message.subject() == Some(subject);
            let mail =
                Mail { html: message.body_html(0)?.into_owned(), text: message.body_text(0)?.into_owned() };
            is_issue.then_some((to, mail))
        });
        (issue, mailing, parsed.collect())
    }

    /// The mail to one reader.
    pub async fn sent_to(&self, subject: &str, reader: &str) -> (Issue, Mailing, Mail) {
        let (issue, mailing, mails) = self.sent(subject).await;
        let mail = mails.into_iter().find(|(to, _)| to == reader).expect("a mail").1;
        (issue, mailing, mail)
    }

    /// Agrees to be counted, for opens and for clicks, or withdraws both.
    pub async fn agrees(&self, reader: &Subscription, agrees: bool) {
        self.agrees_to(reader, if agrees { Agreed::BOTH } else { Agreed::NEITHER }).await;
    }

    /// Agrees to these, and withdraws the other.
    pub async fn agrees_to(&self, reader: &Subscription, wanted: Agreed) {
        let link = self.people.keys.sign_link(Purpose::Preferences, reader.id);
        let (store, clock, keys) = (self.store(), &self.people.clock, &self.people.keys);
        let evidence = Evidence::command();
        tracking::set_tracking(store, clock, keys, &link, wanted, reader.language, &evidence)
            .await
            .expect("set");
    }

    /// A visitor with a browser as people have it.
    pub fn visitor(&self) -> Browser {
        self.site.app.browser().with_header("user-agent", FIREFOX)
    }

    pub async fn open(&self, path: &str) -> Answer {
        self.visitor().get(path).await.expect("an answer")
    }

    /// Everything that was noted is written.
    pub async fn counted(&self, mailing: &Mailing) -> HitCounts {
        self.site.app.app.hits.flush().await;
        read!(self.store(), |db| reports::counts(db, mailing.id))
    }

    /// Lets so much time pass that what follows is no burst with what was.
    pub fn rest(&self) {
        self.site.app.clock.advance(Duration::from_secs(5));
    }

    /// Rows of a table.
    pub async fn rows(&self, table: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        match self.store().pools() {
            postiljon::store::Pools::Sqlite { writer, .. } => {
                sqlx::query_scalar(sql).fetch_one(writer).await.expect("counted")
            }
            postiljon::store::Pools::Postgres(pool) => {
                sqlx::query_scalar(sql).fetch_one(pool).await.expect("counted")
            }
        }
    }
}
