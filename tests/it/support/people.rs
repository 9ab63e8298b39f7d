//! A newsletter, and people who sign up, confirm and leave through the verbs.

use std::net::{IpAddr, Ipv4Addr};

use postiljon::clock::Clock;
use postiljon::keys::{Keys, Purpose};
use postiljon::model::newsletter::NewNewsletter;
use postiljon::model::{
    DisposableDomains, EmailAddress, Issue, Language, Mailing, Newsletter, OutboxKind, OutboxMail, Slug,
    Subscription, SubscriptionStatus, UncertainPolicy, WorkerId,
};
use postiljon::store::audit::{self, AuditFilter};
use postiljon::store::{Store, issues, mailings, newsletters, outbox, subscribers, subscriptions};
use postiljon::subscriptions::Evidence;
use postiljon::subscriptions::capture::Capture;
use postiljon::subscriptions::gate::Gate;
use postiljon::subscriptions::open_form::OpenForm;
use postiljon::subscriptions::signup::{SignUp, SignUpError, Taken, sign_up};
use postiljon::subscriptions::stamp::stamp;
use postiljon::subscriptions::{confirm, unsubscribe};

use super::app::START;
use super::database::read;

/// Most mails read at once by a test.
const MAILS_MAX: i64 = 1_000;

pub struct People {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub gate: Gate,
    pub newsletter: Newsletter,
    /// The form of the newsletter's own page.
    pub open_form: OpenForm,
}

pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

pub async fn newsletter(store: &Store, slug: &str, language: Language) -> Newsletter {
    let new = NewNewsletter {
        slug: Slug::parse(slug).expect("a slug"),
        name: format!("News <{slug}>"),
        description: "For those who lead.".into(),
        language,
        time_zone: "Europe/Brussels".into(),
        sender_name: "Meridiaan".into(),
        sender_address: address("insights@meridiaan.example"),
        reply_to: None,
        postal_address: "Kaai 1\n1000 Brussel".into(),
        brand_color: "#0f766e".into(),
        logo_url: String::new(),
        on_uncertain: UncertainPolicy::Resend,
    };
    let mut tx = store.begin().await.expect("a transaction");
    let inserted = newsletters::insert(&mut tx, &new, START).await.expect("inserted");
    tx.commit().await.expect("committed");
    inserted
}

impl People {
    pub async fn of(store: &Store) -> Self {
        Self::of_newsletter(store, newsletter(store, "insights", Language::Dutch).await).await
    }

    pub async fn of_newsletter(store: &Store, newsletter: Newsletter) -> Self {
        let mut reader = store.read().await.expect("a reader");
        let open_form = OpenForm::default_of(reader.db(), newsletter.clone()).await.expect("read");
        Self {
            store: store.clone(),
            clock: Clock::test(START),
            keys: Keys::new(&[7; 32]),
            gate: Gate::new("https://news.example", DisposableDomains::default(), None),
            newsletter,
            open_form,
        }
    }

    /// A filled-in form of our page from one network, three seconds after the page was made.
    pub fn form<'a>(&'a self, address: &'a str, stamp: &'a str, network: u16) -> SignUp<'a> {
        let [a, b] = network.to_be_bytes();
        SignUp {
            form: &self.open_form,
            address,
            name: "",
            language: Language::Dutch,
            shown_in: Language::Dutch,
            has_consented: true,
            trap: "",
            stamp,
            proof: "",
            values: &[],
            capture: Capture::default(),
            evidence: Evidence {
                source: "page",
                page: "https://meridiaan.example/".into(),
                ip: Some(IpAddr::V4(Ipv4Addr::new(10, a, b, 7))),
                user_agent: "Test/1".into(),
            },
        }
    }

    pub fn stamp(&self) -> String {
        stamp(&self.keys, self.clock.now().minus(std::time::Duration::from_secs(3)))
    }

    pub async fn sign_up(&self, address: &str, network: u16) -> Result<Taken, SignUpError> {
        self.send(&self.form(address, &self.stamp(), network)).await
    }

    pub async fn send(&self, form: &SignUp<'_>) -> Result<Taken, SignUpError> {
        sign_up(&self.store, &self.clock, &self.keys, &self.gate, form).await
    }

    /// The mails that wait, taken out of the outbox.
    pub async fn mails(&self) -> Vec<OutboxMail> {
        take_mails(&self.store, &self.clock).await
    }

    /// What the log says of acts of one kind, the last one first.
    pub async fn noted(&self, act: &str) -> Vec<String> {
        let rows = read!(self.store, |db| audit::list(db, &AuditFilter::default()));
        rows.into_iter().filter(|row| row.act == act).map(|row| row.detail).collect()
    }

    pub fn token(&self, mail: &OutboxMail) -> String {
        self.keys.derive_token(Purpose::Confirm, &mail.nonce)
    }

    /// Signs up and presses the button in the mail.
    pub async fn confirmed(&self, address: &str, network: u16) -> Subscription {
        self.sign_up(address, network).await.expect("signed up");
        let mails = self.mails().await;
        let id = self.subscription(address).await.map(|subscription| subscription.id);
        let is_theirs = |mail: &&OutboxMail| mail.kind == OutboxKind::Confirm && mail.subscription_id == id;
        let mail = mails.iter().rfind(is_theirs).expect("a mail");
        confirm::confirm(&self.store, &self.clock, &self.keys, &self.token(mail), &Evidence::command())
            .await
            .expect("confirmed");
        let subscription = self.subscription(address).await.expect("a subscription");
        assert_eq!(subscription.status, SubscriptionStatus::Confirmed);
        subscription
    }

    pub async fn leave(&self, subscription: &Subscription) -> unsubscribe::Departure {
        let link = self.keys.sign_link(Purpose::Unsubscribe, subscription.id);
        unsubscribe::unsubscribe(&self.store, &self.clock, &self.keys, &link, &Evidence::command())
            .await
            .expect("left")
    }

    pub async fn subscription(&self, text: &str) -> Option<Subscription> {
        let mut reader = self.store.read().await.expect("a reader");
        let person = subscribers::by_address(reader.db(), &address(text)).await.expect("read")?;
        let all = subscriptions::of_subscriber(reader.db(), person.id).await.expect("read");
        all.into_iter().find(|subscription| subscription.newsletter_id == self.newsletter.id)
    }

    /// An issue without articles and its mailing, due now.
    pub async fn scheduled(&self) -> (Issue, Mailing) {
        let mut tx = self.store.begin().await.expect("a transaction");
        let text = issues::IssueText { subject: "First".into(), ..Default::default() };
        let now = self.clock.now();
        let issue = issues::insert(&mut tx, self.newsletter.id, &text, now).await.expect("inserted");
        let mailing =
            mailings::insert(&mut tx, issue.id, self.newsletter.id, now, now).await.expect("inserted");
        let content = mailings::Content {
            language: Language::Dutch,
            subject: "First".into(),
            second_subject: String::new(),
            html: "<p>mailed</p>".into(),
            text: "mailed".into(),
            web_html: "<!doctype html><p>for anyone</p>".into(),
        };
        mailings::insert_content(&mut tx, mailing.id, &content).await.expect("inserted");
        tx.commit().await.expect("committed");
        (issue, mailing)
    }

    pub async fn start(&self, mailing: &Mailing) -> Mailing {
        let mut tx = self.store.begin().await.expect("a transaction");
        let started = mailings::start(&mut tx, mailing.id, self.clock.now()).await.expect("started");
        tx.commit().await.expect("committed");
        started.expect("it was scheduled")
    }
}

pub async fn take_mails(store: &Store, clock: &Clock) -> Vec<OutboxMail> {
    let mut tx = store.begin().await.expect("a transaction");
    let mails = outbox::claim(&mut tx, WorkerId(1), MAILS_MAX, clock.now()).await.expect("claimed");
    tx.commit().await.expect("committed");
    mails
}
