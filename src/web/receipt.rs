//! A receipt in words: what the desk shows, and a document of its own for paper and PDF, which the command line
//! writes too.

use askama::Template;

use crate::i18n::Texts;
use crate::keys::sha256_base64;
use crate::model::{OutboxKind, SubscriptionStatus, Timestamp};
use crate::subscriptions::receipt::{EventPart, MailPart, Receipt, TextPart};

/// The document holds its styles itself: one file that can be kept, mailed and printed.
const STYLES: &str = include_str!("static/receipt.css");

/// The content security policy of the document: its own styles by their hash, and nothing else.
pub fn policy() -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        sha256_base64(STYLES.as_bytes())
    )
}

#[derive(Template)]
#[template(path = "receipt/document.html")]
struct Document<'a> {
    t: Texts,
    styles: &'a str,
    receipts: Vec<View>,
}

/// Receipts as one HTML document, each on a page of its own.
///
/// # Errors
/// When the template cannot be rendered, which is a defect.
pub fn document(t: Texts, receipts: &[Receipt]) -> askama::Result<String> {
    let receipts = receipts.iter().map(|receipt| View::new(t, receipt)).collect();
    Document { t, styles: STYLES, receipts }.render()
}

/// A receipt in the words of a language.
pub struct View {
    pub t: Texts,
    pub newsletter: String,
    pub short_name: String,
    pub sender: String,
    pub person: String,
    pub address: String,
    pub id: String,
    /// Of the subscriber's page in the desk.
    pub href: String,
    pub class: &'static str,
    pub status: String,
    pub deductions: Vec<DeductionLine>,
    pub chain: Vec<Link>,
    pub texts: Vec<WordsBlock>,
    pub made: Moment,
    pub format: &'static str,
}

pub struct DeductionLine {
    pub is_proof: bool,
    pub words: String,
}

/// A moment for people, and to the millisecond.
pub struct Moment {
    pub words: String,
    pub utc: String,
}

/// One link of the chain: an event, or a mail.
pub struct Link {
    at: Timestamp,
    pub is_mail: bool,
    pub title: String,
    pub moment: Moment,
    pub facts: Vec<Fact>,
}

pub struct Fact {
    pub name: String,
    pub value: String,
    /// Something for machines: an address, a hash.
    pub is_code: bool,
}

pub struct WordsBlock {
    pub title: String,
    pub words: String,
    pub lang: &'static str,
    pub sha256: String,
    pub is_intact: bool,
    pub since: Moment,
}

impl View {
    pub fn new(t: Texts, receipt: &Receipt) -> Self {
        let teller = Teller { t, zone: receipt.newsletter.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC) };
        let mut chain: Vec<Link> = receipt.events.iter().map(|event| teller.event(event)).collect();
        chain.extend(receipt.mails.iter().map(|mail| teller.mail(mail)));
        chain.sort_by_key(|link| link.at);
        let status = receipt.subscription.status;
        Self {
            t,
            newsletter: receipt.newsletter.name.clone(),
            short_name: receipt.newsletter.short_name.to_string(),
            sender: format!("{} <{}>", receipt.newsletter.sender_name, receipt.newsletter.sender_address),
            person: receipt.subscriber.name.clone(),
            address: receipt.subscriber.address.to_string(),
            id: receipt.subscriber.id.to_string(),
            href: format!("/admin/subscribers/{}", receipt.subscriber.id),
            class: match status {
                SubscriptionStatus::Pending => "scheduled",
                SubscriptionStatus::Confirmed => "sent",
                SubscriptionStatus::Unsubscribed => "draft",
            },
            status: t.text(&format!("reader-status-{status}")),
            deductions: receipt
                .deductions
                .iter()
                .map(|deduction| DeductionLine {
                    is_proof: deduction.is_proof,
                    words: teller.deduction(deduction.code.as_str(), deduction.at),
                })
                .collect(),
            chain,
            texts: receipt.texts.iter().map(|text| teller.words(text)).collect(),
            made: teller.moment(receipt.made_at),
            format: receipt.format,
        }
    }
}

/// Puts things into the words of a language and the times of a zone.
struct Teller {
    t: Texts,
    zone: chrono_tz::Tz,
}

impl Teller {
    fn moment(&self, at: Timestamp) -> Moment {
        let utc = at.to_utc().format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string();
        Moment { words: self.t.date_time(at, self.zone), utc }
    }

    fn deduction(&self, code: &str, at: Option<Timestamp>) -> String {
        let date = at.map(|at| self.t.date_time(at, self.zone)).unwrap_or_default();
        self.t.with(&format!("receipt-deduced-{code}"), "date", date)
    }

    fn event(&self, event: &EventPart) -> Link {
        let mut facts = Vec::new();
        self.fact(&mut facts, "receipt-door", &self.door(&event.door), false);
        if let Some(form) = &event.form {
            let version = form.version.map(|version| version.to_string()).unwrap_or_default();
            let named =
                self.t.with2("receipt-form-version", "name", form.name.as_str(), "version", version.as_str());
            self.fact(&mut facts, "receipt-form", &named, false);
            self.fact(&mut facts, "receipt-form-id", &form.id.to_string(), true);
        }
        if let Some(text) = &event.text {
            let version = text.version.to_string();
            let named = self.t.with2(
                "receipt-words-version",
                "version",
                version.as_str(),
                "language",
                text.language.own_name(),
            );
            self.fact(&mut facts, "receipt-words", &named, false);
        }
        self.fact(&mut facts, "receipt-page", &event.page, true);
        self.fact(&mut facts, "receipt-referrer", &event.referrer, true);
        self.fact(&mut facts, "receipt-utm", &event.utm, true);
        self.fact(&mut facts, "receipt-privacy", &event.privacy_url, true);
        self.fact(&mut facts, "receipt-privacy-version", &event.privacy_version, false);
        self.fact(&mut facts, "receipt-ip", &event.ip, true);
        self.fact(&mut facts, "receipt-user-agent", &event.user_agent, true);
        self.fact(&mut facts, "receipt-message-id", event.message_id.as_deref().unwrap_or_default(), true);
        Link {
            at: event.at,
            is_mail: false,
            title: self.t.text(&format!("receipt-event-{}", event.event)),
            moment: self.moment(event.at),
            facts,
        }
    }

    fn mail(&self, mail: &MailPart) -> Link {
        let mut facts = Vec::new();
        self.fact(&mut facts, "receipt-message-id", &mail.message_id, true);
        self.fact(
            &mut facts,
            "receipt-mail-status",
            &self.t.text(&format!("receipt-mail-{}", mail.status)),
            false,
        );
        if let Some(at) = mail.finished_at {
            self.fact(&mut facts, "receipt-mail-finished", &self.moment(at).utc, true);
        }
        self.fact(&mut facts, "receipt-mail-reply", &mail.reply, true);
        let kind = match mail.kind {
            OutboxKind::Confirm => "confirm",
            OutboxKind::Reminder => "reminder",
            OutboxKind::AlreadySubscribed => "already",
            OutboxKind::AddressChange => "address-change",
            _ => "address-changed",
        };
        Link {
            at: mail.written_at,
            is_mail: true,
            title: self.t.text(&format!("receipt-mail-kind-{kind}")),
            moment: self.moment(mail.written_at),
            facts,
        }
    }

    fn door(&self, door: &str) -> String {
        self::door(self.t, door)
    }

    fn fact(&self, facts: &mut Vec<Fact>, key: &str, value: &str, is_code: bool) {
        if !value.is_empty() {
            facts.push(Fact { name: self.t.text(key), value: value.to_owned(), is_code });
        }
    }

    fn words(&self, text: &TextPart) -> WordsBlock {
        let version = text.version.to_string();
        WordsBlock {
            title: self.t.with2(
                "receipt-words-version",
                "version",
                version.as_str(),
                "language",
                text.language.own_name(),
            ),
            words: text.words.clone(),
            lang: text.language.as_str(),
            sha256: text.sha256.clone(),
            is_intact: text.is_intact,
            since: self.moment(text.used_since),
        }
    }
}

/// A door in words, or as it was noted where there are none.
pub fn door(t: Texts, door: &str) -> String {
    let known =
        ["page", "form", "script", "api", "one-click", "mail", "command", "import", "preferences", "company"];
    match known.contains(&door) {
        true => t.text(&format!("receipt-door-{door}")),
        false => door.to_owned(),
    }
}
