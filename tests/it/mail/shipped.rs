//! Every mail that we send, in every language and theme, by the way that real mails take: written by the engine, signed,
//! and handed to a wire that keeps it. `scripts/mails.sh` lets other programs judge them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postiljon::accounts::Desk;
use postiljon::accounts::links::forgot;
use postiljon::accounts::people::{self, Invitation};
use postiljon::accounts::users::{NewUser, add_user_as};
use postiljon::clock::Clock;
use postiljon::delivery::{Engine, EngineHandle, EngineParts, EngineSettings};
use postiljon::keys::{Keys, Purpose, token_hash};
use postiljon::mail::accounts::{Notice, NoticeView, render_account_notice};
use postiljon::mail::render::{
    self, AlertView, RelayAlarmView, RenderedMail, SignupAlarmView, SummaryLine, SummaryView,
};
use postiljon::model::newsletter::NewNewsletter;
use postiljon::model::{
    Account, ArticleDisplay, Grant, Language, Newsletter, OutboxKind, PauseReason, Placed, Role,
    Subscription, Theme, WelcomeText,
};
use postiljon::publishing::articles::ArticleInput;
use postiljon::publishing::schedule::{When, schedule};
use postiljon::publishing::test_mail::send_test;
use postiljon::store::issues::{self, IssueText};
use postiljon::store::outbox::{self, NewMail};
use postiljon::store::outbox_contents::{self, WrittenMail};
use postiljon::store::{Store, mailings, newsletters, subscribers, subscriptions, tokens, welcome};
use postiljon::subscriptions::preferences::address;
use uuid::Uuid;

use crate::delivery::signing::{Keeper, judged_signers};
use crate::support::database::{change, read};
use crate::support::press::Press;
use crate::support::samples::{self, new_newsletter};

/// Where the keys are, and the mails go.
const FOLDER: &str = "POSTILJON_TEST_MAILS_FOLDER";
const PUBLIC_URL: &str = "https://news.meridiaan.example";
/// How long the engine may take for all of them, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(300);
const VALID: Duration = Duration::from_hours(7 * 24);
const BODY: &str = include_str!("../../../src/mail/sample_article.md");
/// A name as people have them, and one that mails need to encode.
const NAME: &str = "Zoë \"de Fietser\"";

struct Shop {
    store: Store,
    clock: Clock,
    keys: Keys,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "scripts/mails.sh runs it, and lets others judge what it writes"]
async fn the_shipped_mails_are_written_for_the_judges() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("scripts/mails.sh sets it"));
    let data = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", data.path().join("judges.db").display());
    let store = Store::open(&url, 4).await.expect("a store");
    store.migrate().await.expect("the schema");
    let shop = Shop { store, clock: Clock::system(), keys: Keys::new(&[7; 32]) };
    let mut expected = 0;
    for language in Language::ALL {
        expected += shop.single_mails(*language).await;
        expected += shop.issues(*language, &folder).await;
    }

    let wire = Arc::new(Keeper::default());
    let mut settings = EngineSettings::new(PUBLIC_URL, 2);
    settings.signers = judged_signers(&folder);
    settings.unsubscribe_mailbox = Some(samples::address("leave@meridiaan.example"));
    let parts = EngineParts {
        store: shop.store.clone(),
        clock: shop.clock.clone(),
        keys: shop.keys.clone(),
        wire: wire.clone(),
        settings,
    };
    let engine = Engine::start(parts);
    until_sent(&shop.store, &engine, || wire.mails().len() >= expected).await;
    engine.stop().await;
    let mails = wire.mails();
    assert_eq!(mails.len(), expected);
    for (to, octets) in mails {
        let name = to.split('@').next().unwrap_or_default();
        std::fs::write(folder.join(format!("{name}.eml")), octets).expect("written");
    }
}

async fn until_sent(store: &Store, engine: &EngineHandle, is_so: impl Fn() -> bool) {
    let mut activity = engine.activity();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_so() || read!(store, |db| outbox::open_count(db)) > 0 {
        assert!(tokio::time::Instant::now() < deadline, "not all mails were sent");
        let _ = tokio::time::timeout(Duration::from_millis(200), activity.changed()).await;
    }
}

impl Shop {
    /// A newsletter with everything that one can have.
    async fn newsletter(&self, slug: &str, language: Language) -> Newsletter {
        let new = NewNewsletter {
            name: "De Brug & Zonen".into(),
            language,
            sender_name: "Méridiaan, \"De Brug\"".into(),
            sender_address: samples::address("insights@news.meridiaan.example"),
            reply_to: Some(samples::address("redactie@meridiaan.example")),
            postal_address: "Meridiaan bv\nKaai 12\n9000 Gent".into(),
            brand_color: "#0b6e6e".into(),
            logo_url: "https://www.meridiaan.example/logo.png#320x64".into(),
            ..new_newsletter(slug)
        };
        change!(self.store, |tx| newsletters::insert(tx, &new, self.clock.now()))
    }

    /// Somebody who asked for a newsletter; the local part of the address names the file.
    async fn pending(&self, newsletter: &Newsletter, local: &str) -> Subscription {
        let (to, now) = (samples::address(&format!("{local}@example.org")), self.clock.now());
        let language = newsletter.language;
        let person = change!(self.store, |tx| subscribers::find_or_insert(tx, &to, NAME, language, now));
        change!(self.store, |tx| {
            subscriptions::find_or_insert(tx, person.id, newsletter.id, language, now)
        })
    }

    async fn confirmed(&self, newsletter: &Newsletter, local: &str) -> Subscription {
        let subscription = self.pending(newsletter, local).await;
        let language = newsletter.language;
        let now = self.clock.now();
        change!(self.store, |tx| subscriptions::confirm(tx, subscription.id, language, now));
        subscription
    }

    async fn queue(&self, kind: OutboxKind, subscription: &Subscription, nonce: u8) {
        let mail = NewMail { nonce: vec![nonce; 32], ..single(kind, subscription) };
        change!(self.store, |tx| outbox::insert(tx, &mail, self.clock.now()));
    }

    /// Puts the single mails of a language into the outbox; answers how many.
    async fn single_mails(&self, language: Language) -> usize {
        let newsletter = self.newsletter(&format!("single-{language}"), language).await;
        let named = |kind: &str| format!("{kind}-{language}");
        let number = u8::try_from(language as usize).expect("few");
        for (at, kind) in [(0, OutboxKind::Confirm), (100, OutboxKind::Reminder)] {
            let subscription = self.pending(&newsletter, &named(kind.as_str())).await;
            let hash = token_hash(&self.keys.derive_token(Purpose::Confirm, &[at + number; 32]));
            let (hash, now) = (hash.expect("a token"), self.clock.now());
            change!(self.store, |tx| {
                tokens::insert_confirm(tx, &hash, subscription.id, "m", now, now.plus(VALID))
            });
            self.queue(kind, &subscription, at + number).await;
        }
        for kind in [OutboxKind::AlreadySubscribed, OutboxKind::Manage] {
            let subscription = self.confirmed(&newsletter, &named(kind.as_str())).await;
            self.queue(kind, &subscription, 0).await;
        }
        self.addresses(&newsletter, &named).await;
        self.written(&newsletter, &named).await;
        self.summary(&newsletter, &named).await;
        self.welcome(language, &named).await;
        let accounts = self.accounts(&newsletter, &named).await;
        2 + 2 + 3 + 6 + 1 + accounts
    }

    /// The question to a new address, the answer to one that is known, the notice to the old one.
    async fn addresses(&self, newsletter: &Newsletter, named: &dyn Fn(&str) -> String) {
        for (who, to) in [("mover", "address-change"), ("mover-too", "address-known")] {
            let subscription = self.confirmed(newsletter, &named(who)).await;
            if to == "address-known" {
                self.confirmed(newsletter, &named(to)).await;
            }
            let link = self.keys.sign_link(Purpose::Preferences, subscription.id);
            let new = format!("{}@example.org", named(to));
            address::ask(&self.store, &self.clock, &self.keys, &link, &new).await.expect("asked");
        }
        let moved = self.confirmed(newsletter, &named("moved")).await;
        let old = samples::address(&format!("{}@example.org", named("address-changed")));
        let mail = NewMail { to_address: Some(old), ..single(OutboxKind::AddressChanged, &moved) };
        change!(self.store, |tx| outbox::insert(tx, &mail, self.clock.now()));
    }

    /// Mails to those who work with the desk.
    async fn written(&self, newsletter: &Newsletter, named: &dyn Fn(&str) -> String) {
        let account = Account { sent: 180, bounced: 20, ..Account::default() };
        for reason in [PauseReason::Bounces, PauseReason::Sender] {
            let view = AlertView {
                newsletter,
                language: newsletter.language,
                issue: "Bruggen & kaaien",
                reason,
                account: &account,
                url: "https://news.meridiaan.example/admin/mailings/1",
            };
            let mail = render::render_alert(&view).expect("rendered");
            self.desk_mail(newsletter, &named(&format!("alert-{reason}")), mail).await;
        }
        for is_guarded in [true, false] {
            let view = SignupAlarmView {
                newsletter,
                language: newsletter.language,
                form: "De <website>",
                accepted: 310,
                refused: 45,
                usual: 12,
                is_guarded,
                url: "https://news.meridiaan.example/admin/newsletters/1/forms",
            };
            let mail = render::render_signup_alarm(&view).expect("rendered");
            self.desk_mail(newsletter, &named(if is_guarded { "alarm-guarded" } else { "alarm" }), mail)
                .await;
        }
        let view = RelayAlarmView {
            newsletter,
            language: newsletter.language,
            relay: "snel <1>",
            since: self.clock.now(),
            reason: "mail.meridiaan.example: 535 5.7.8",
            url: "https://news.meridiaan.example/admin/settings/relays",
        };
        let mail = render::render_relay_alarm(&view).expect("rendered");
        self.desk_mail(newsletter, &named("alarm-relay"), mail).await;
    }

    /// The summary of a month, with an issue that counted and one that did not.
    async fn summary(&self, newsletter: &Newsletter, named: &dyn Fn(&str) -> String) {
        let now = self.clock.now();
        let line = |subject: &str, clicks| SummaryLine {
            subject: subject.into(),
            at: now,
            sent: 1_234,
            clicks,
            departures: 1,
            url: "https://news.meridiaan.example/admin/mailings/1/report".into(),
        };
        let view = SummaryView {
            newsletter,
            language: newsletter.language,
            month: now,
            confirmed: 120,
            departed: 3,
            bounced: 1,
            mailings: vec![line("Bruggen & kaaien", Some(87)), line("Over water", None)],
            url: "https://news.meridiaan.example/admin/newsletters/1/reports",
        };
        let mail = render::render_summary(&view).expect("rendered");
        self.desk_mail(newsletter, &named("summary"), mail).await;
    }

    /// Mails about accounts; answers how many.
    async fn accounts(&self, newsletter: &Newsletter, named: &dyn Fn(&str) -> String) -> usize {
        let desk = Desk { store: &self.store, clock: &self.clock, keys: &self.keys, public_url: PUBLIC_URL };
        let (language, grants) = (newsletter.language, [Grant::of_one(newsletter.id, Role::Viewer)]);
        let address = format!("{}@example.org", named("invitation"));
        let invitation = Invitation { address: &address, name: NAME, language, grants: &grants };
        people::invite(desk, invitation).await.expect("invited");
        let address = format!("{}@example.org", named("password-reset"));
        let new = NewUser { address: &address, name: NAME, language, password: "vier losse woorden hier" };
        add_user_as(&self.store, &self.clock, new, &grants).await.expect("added");
        forgot(desk, &address, [192, 0, 2, 7].into()).await.expect("asked");
        for notice in Notice::SAMPLES {
            let url = "https://news.meridiaan.example/admin/account";
            let view = NoticeView { newsletter, language, notice, at: self.clock.now(), url };
            let mail = render_account_notice(&view).expect("rendered");
            self.desk_mail(newsletter, &named(&format!("notice-{}", notice.key())), mail).await;
        }
        2 + Notice::SAMPLES.len()
    }

    async fn desk_mail(&self, newsletter: &Newsletter, local: &str, mail: RenderedMail) {
        let new = NewMail {
            kind: OutboxKind::Alert,
            newsletter_id: newsletter.id,
            subscription_id: None,
            to_address: Some(samples::address(&format!("{local}@example.org"))),
            issue_id: None,
            welcome_step_id: None,
            language: newsletter.language,
            nonce: Vec::new(),
            message_uuid: Uuid::now_v7(),
        };
        let content = WrittenMail { subject: mail.subject, html: mail.html, text: mail.text };
        let id = change!(self.store, |tx| outbox::insert(tx, &new, self.clock.now()));
        change!(self.store, |tx| outbox_contents::insert(tx, id, &content));
    }

    /// The first mail of a welcome series, which the engine finds by itself.
    async fn welcome(&self, language: Language, named: &dyn Fn(&str) -> String) {
        let newsletter = self.newsletter(&format!("welcome-{language}"), language).await;
        let article = self.press().article(&sample("De agenda voor 2027", language, "")).await;
        let now = self.clock.now();
        let step = change!(self.store, |tx| welcome::insert_step(tx, newsletter.id, 0, now));
        let text = WelcomeText {
            step_id: step.id,
            language,
            subject: "Welkom, {{name|lezer}}".into(),
            preheader: "Fijn dat je er bent.".into(),
            body: "Dag {{name|lezer}},\n\n## Fijn dat je er bent\n\n- een\n- [twee](https://www.meridiaan.example)".into(),
            article_id: Some(article.id),
        };
        change!(self.store, |tx| welcome::set_text(tx, &text));
        change!(self.store, |tx| welcome::update_step(tx, step.id, now, 0, Some(now), now));
        self.confirmed(&newsletter, &named("welcome")).await;
    }

    fn press(&self) -> Press {
        Press::new(&self.store, &self.clock, PUBLIC_URL)
    }

    /// An issue of each theme, to one reader and as a test; its copy for the web is written at once.
    async fn issues(&self, language: Language, folder: &std::path::Path) -> usize {
        for theme in Theme::ALL {
            let newsletter = self.newsletter(&format!("issue-{theme}-{language}"), language).await;
            self.confirmed(&newsletter, &format!("issue-{theme}-{language}")).await;
            let home = "https://www.meridiaan.example/bruggen/";
            let mut rows = Vec::new();
            for (title, url, display, heading) in [
                ("Zes lessen uit tien jaar bruggen bouwen", home, ArticleDisplay::Full, "Aan het water"),
                ("Waarom kleine steden sneller leren", home, ArticleDisplay::Teaser, ""),
                ("De agenda voor 2027", "", ArticleDisplay::Full, "Wat komt"),
            ] {
                let article = self.press().article(&sample(title, language, url)).await.id;
                rows.push(Placed { article, display, heading: heading.into() });
            }
            let text = IssueText {
                subject: "Bruggen, kaaien en {{name|lezer}}".into(),
                preheader: "Wat tien jaar werken aan het water ons leerde, en wat er volgend jaar verandert."
                    .into(),
                intro: "Dag {{name|beste lezer}},\n\nDit najaar gaat het over *verbinden*.".into(),
                outro: "Tot de volgende!\n\n[Schrijf ons](mailto:redactie@meridiaan.example)".into(),
                theme: Some(*theme),
                ..IssueText::default()
            };
            let issue = change!(self.store, |tx| issues::insert(tx, newsletter.id, &text, self.clock.now()));
            change!(self.store, |tx| issues::set_articles(tx, issue.id, &rows));
            let to = format!("test-{theme}-{language}@example.org");
            send_test(&self.store, &self.clock, PUBLIC_URL, issue.id, &to).await.expect("asked");
            let scheduled = schedule(&self.store, &self.clock, PUBLIC_URL, issue.id, When::Now).await;
            let mailing = scheduled.expect("scheduled").mailing;
            for content in read!(self.store, |db| mailings::contents(db, mailing.id)) {
                let name = format!("web-{theme}-{language}.html");
                std::fs::write(folder.join(name), content.web_html).expect("written");
            }
        }
        2 * Theme::ALL.len()
    }
}

fn single(kind: OutboxKind, subscription: &Subscription) -> NewMail {
    NewMail {
        kind,
        newsletter_id: subscription.newsletter_id,
        subscription_id: Some(subscription.id),
        to_address: None,
        issue_id: None,
        welcome_step_id: None,
        language: subscription.language,
        nonce: Vec::new(),
        message_uuid: Uuid::now_v7(),
    }
}

fn sample(title: &str, language: Language, url: &str) -> ArticleInput {
    ArticleInput {
        title: title.into(),
        author: "Lotte Peeters".into(),
        language: language.as_str().into(),
        teaser:
            "Wie een brug bouwt, bouwt eerst vertrouwen. Drie stadsbestuurders vertellen wat zij leerden."
                .into(),
        body: BODY.into(),
        canonical_url: url.into(),
        ..ArticleInput::default()
    }
}
