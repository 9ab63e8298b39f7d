//! The receipt of a subscription: the chain of proof that its owner asked for it, and what became of it since
//! (GDPR 7(1), L1). As data here; pages, JSON and paper are made of it.
//!
//! The format is described in `docs/receipts.md`. A field may be added to it; one that changes its meaning makes a
//! new number in [`FORMAT`].

use serde::Serialize;
use uuid::Uuid;

use crate::clock::Clock;
use crate::keys::sha256_hex;
use crate::model::{
    Consent, ConsentEvent, ConsentText, EmailAddress, Language, Newsletter, OutboxKind, OutboxStatus, Rhythm,
    Slug, Subscriber, Subscription, SubscriptionStatus, Timestamp,
};
use crate::store::outbox::SingleMail;
use crate::store::{Reader, Result, Store, consents, newsletters, outbox, subscribers, subscriptions};

pub const FORMAT: &str = "postiljon-receipt-1";

/// Everything that proves one subscription.
#[derive(Debug, Clone, Serialize)]
pub struct Receipt {
    pub format: &'static str,
    pub made_at: Timestamp,
    pub newsletter: NewsletterPart,
    pub subscriber: SubscriberPart,
    pub subscription: SubscriptionPart,
    /// What can be deduced from the rest.
    pub deductions: Vec<Deduction>,
    /// The oldest first.
    pub events: Vec<EventPart>,
    /// The single mails about this subscription, the oldest first.
    pub mails: Vec<MailPart>,
    /// The words that the events refer to.
    pub texts: Vec<TextPart>,
}

#[derive(Debug, Clone, Serialize)]
pub struct NewsletterPart {
    pub short_name: Slug,
    pub name: String,
    pub sender_name: String,
    pub sender_address: EmailAddress,
    pub postal_address: String,
    pub time_zone: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SubscriberPart {
    pub id: Uuid,
    pub address: EmailAddress,
    pub name: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct SubscriptionPart {
    pub status: SubscriptionStatus,
    pub language: Language,
    pub first_asked_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub left_at: Option<Timestamp>,
    pub rhythm: Rhythm,
    pub paused_until: Option<Timestamp>,
    pub opens_since: Option<Timestamp>,
    pub clicks_since: Option<Timestamp>,
    /// Since when both were agreed to: what readers of older receipts look for.
    pub tracking_since: Option<Timestamp>,
}

/// One event in the life of the subscription.
#[derive(Debug, Clone, Serialize)]
pub struct EventPart {
    pub event: ConsentEvent,
    pub at: Timestamp,
    pub language: Language,
    /// Through which door: `page`, `form`, `api`, `one-click`, `mail`, `command`, ..
    pub door: String,
    pub form: Option<FormPart>,
    pub page: String,
    pub referrer: String,
    pub utm: String,
    pub ip: String,
    pub user_agent: String,
    /// The words, by language and version; see [`Receipt::texts`].
    pub text: Option<TextName>,
    pub privacy_url: String,
    pub privacy_version: String,
    /// Of the mail that answered a request, or of the one whose button was pressed.
    pub message_id: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct FormPart {
    pub id: Uuid,
    pub name: String,
    pub version: Option<i64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TextName {
    pub language: Language,
    pub version: i64,
}

#[derive(Debug, Clone, Serialize)]
pub struct TextPart {
    pub language: Language,
    pub version: i64,
    pub used_since: Timestamp,
    /// As it was noted with the words.
    pub sha256: String,
    /// Whether the words still have this hash.
    pub is_intact: bool,
    pub words: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct MailPart {
    pub kind: OutboxKind,
    pub message_id: String,
    pub written_at: Timestamp,
    pub status: OutboxStatus,
    /// When the relay took it, or it was given up.
    pub finished_at: Option<Timestamp>,
    pub attempts: i64,
    /// What the relay answered last.
    pub reply: String,
}

/// What follows from the chain, for or against it.
#[derive(Debug, Clone, Serialize)]
pub struct Deduction {
    pub code: DeductionCode,
    /// Whether it speaks for the subscription.
    pub is_proof: bool,
    /// When, where that belongs to it.
    pub at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeductionCode {
    /// The words that were agreed to are kept, and have the hash that was noted with them.
    WordsIntact,
    WordsMissing,
    WordsChanged,
    /// The relay took the mail with the button that was pressed: only who reads the mailbox had it.
    MailTaken,
    /// Its row is gone, or says that the relay never took it.
    MailUnknown,
    ConfirmedByMail,
    NeverConfirmed,
    /// Asked for and confirmed from the same IP address.
    SameAddress,
    OtherAddress,
    /// The IP addresses are no longer kept.
    AddressesForgotten,
    Stands,
    Withdrawn,
}

impl DeductionCode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WordsIntact => "words-intact",
            Self::WordsMissing => "words-missing",
            Self::WordsChanged => "words-changed",
            Self::MailTaken => "mail-taken",
            Self::MailUnknown => "mail-unknown",
            Self::ConfirmedByMail => "confirmed-by-mail",
            Self::NeverConfirmed => "never-confirmed",
            Self::SameAddress => "same-address",
            Self::OtherAddress => "other-address",
            Self::AddressesForgotten => "addresses-forgotten",
            Self::Stands => "stands",
            Self::Withdrawn => "withdrawn",
        }
    }

    const fn is_proof(self) -> bool {
        matches!(
            self,
            Self::WordsIntact | Self::MailTaken | Self::ConfirmedByMail | Self::SameAddress | Self::Stands
        )
    }
}

/// The receipts of an address, one for each newsletter or for one of them; `None` when nobody has it.
///
/// # Errors
/// Only of the database.
pub async fn of_address(
    store: &Store,
    clock: &Clock,
    address: &EmailAddress,
    newsletter: Option<&Slug>,
) -> Result<Option<Vec<Receipt>>> {
    let mut reader = store.read().await?;
    match subscribers::by_address(reader.db(), address).await? {
        Some(subscriber) => of_person(&mut reader, clock, subscriber, newsletter).await.map(Some),
        None => Ok(None),
    }
}

/// The same of a person.
///
/// # Errors
/// Only of the database.
pub async fn of_subscriber(
    store: &Store,
    clock: &Clock,
    subscriber: Subscriber,
    newsletter: Option<&Slug>,
) -> Result<Vec<Receipt>> {
    of_person(&mut store.read().await?, clock, subscriber, newsletter).await
}

async fn of_person(
    reader: &mut Reader,
    clock: &Clock,
    subscriber: Subscriber,
    wanted: Option<&Slug>,
) -> Result<Vec<Receipt>> {
    let all = consents::of_subscriber(reader.db(), subscriber.id).await?;
    let mut receipts = Vec::new();
    for subscription in subscriptions::of_subscriber(reader.db(), subscriber.id).await? {
        let newsletter = newsletters::by_id(reader.db(), subscription.newsletter_id).await?;
        let Some(newsletter) = newsletter.filter(|found| wanted.is_none_or(|slug| *slug == found.slug))
        else {
            continue;
        };
        let consents: Vec<_> =
            all.iter().filter(|consent| consent.newsletter_id == newsletter.id).cloned().collect();
        let texts = texts(reader, &consents).await?;
        let forms = consents::forms_of(reader.db(), subscriber.id).await?;
        let mails = outbox::of_subscription(reader.db(), subscription.id).await?;
        let sources =
            Sources { newsletter, subscriber: &subscriber, subscription, consents, texts, forms, mails };
        receipts.push(sources.receipt(clock.now()));
    }
    Ok(receipts)
}

async fn texts(reader: &mut Reader, consents: &[Consent]) -> Result<Vec<ConsentText>> {
    let mut ids: Vec<_> = consents.iter().filter_map(|consent| consent.consent_text_id).collect();
    ids.sort();
    ids.dedup();
    let mut texts = Vec::new();
    for id in ids {
        texts.extend(consents::text_by_id(reader.db(), id).await?);
    }
    Ok(texts)
}

/// The rows that a receipt is made of.
struct Sources<'a> {
    newsletter: Newsletter,
    subscriber: &'a Subscriber,
    subscription: Subscription,
    consents: Vec<Consent>,
    texts: Vec<ConsentText>,
    forms: Vec<consents::FormName>,
    mails: Vec<SingleMail>,
}

impl Sources<'_> {
    fn receipt(self, now: Timestamp) -> Receipt {
        let texts: Vec<_> = self.texts.iter().map(text_part).collect();
        let mails: Vec<_> = self
            .mails
            .iter()
            .filter(|mail| is_evidence(mail.kind))
            .map(|mail| self.mail_part(mail))
            .collect();
        let events: Vec<_> = self.consents.iter().map(|consent| self.event_part(consent)).collect();
        let Self { newsletter, subscriber, subscription, .. } = self;
        Receipt {
            format: FORMAT,
            made_at: now,
            deductions: deduce(&subscription, &events, &mails, &texts),
            newsletter: NewsletterPart {
                short_name: newsletter.slug,
                name: newsletter.name,
                sender_name: newsletter.sender_name,
                sender_address: newsletter.sender_address,
                postal_address: newsletter.postal_address,
                time_zone: newsletter.time_zone,
            },
            subscriber: SubscriberPart {
                id: subscriber.public_id,
                address: subscriber.address.clone(),
                name: subscriber.name.clone(),
            },
            subscription: SubscriptionPart {
                status: subscription.status,
                language: subscription.language,
                first_asked_at: subscription.created_at,
                confirmed_at: subscription.confirmed_at,
                left_at: subscription
                    .unsubscribed_at
                    .filter(|_| subscription.status == SubscriptionStatus::Unsubscribed),
                rhythm: subscription.rhythm,
                paused_until: subscription.paused_until,
                opens_since: subscription.opens_since,
                clicks_since: subscription.clicks_since,
                tracking_since: subscription
                    .opens_since
                    .zip(subscription.clicks_since)
                    .map(|(opens, clicks)| opens.max(clicks)),
            },
            events,
            mails,
            texts,
        }
    }

    fn event_part(&self, consent: &Consent) -> EventPart {
        let text = self.texts.iter().find(|text| Some(text.id) == consent.consent_text_id);
        let form = self.forms.iter().find(|form| Some(form.id) == consent.form_id);
        EventPart {
            event: consent.event,
            at: consent.at,
            language: consent.language,
            door: consent.source.clone(),
            form: form.map(|form| FormPart {
                id: form.public_id,
                name: form.name.clone(),
                version: consent.form_version,
            }),
            page: consent.page.clone(),
            referrer: consent.referrer.clone(),
            utm: consent.utm.clone(),
            ip: consent.ip.clone(),
            user_agent: consent.user_agent.clone(),
            text: text.map(|text| TextName { language: text.language, version: text.version }),
            privacy_url: consent.privacy_url.clone(),
            privacy_version: consent.privacy_version.clone(),
            message_id: consent.message_id.as_deref().map(|left| self.message_id(left)),
        }
    }

    fn mail_part(&self, mail: &SingleMail) -> MailPart {
        MailPart {
            kind: mail.kind,
            message_id: self.message_id(&mail.message_uuid.simple().to_string()),
            written_at: mail.created_at,
            status: mail.status,
            finished_at: mail.finished_at,
            attempts: mail.attempts,
            reply: mail.reply.clone(),
        }
    }

    /// The whole Message-ID, as it stands in the mail.
    fn message_id(&self, left: &str) -> String {
        format!("<{left}@{}>", self.newsletter.sender_address.ascii_domain())
    }
}

const fn is_evidence(kind: OutboxKind) -> bool {
    match kind {
        OutboxKind::Confirm
        | OutboxKind::Reminder
        | OutboxKind::AlreadySubscribed
        | OutboxKind::AddressChange
        | OutboxKind::AddressChanged => true,
        OutboxKind::Welcome | OutboxKind::Manage | OutboxKind::Test | OutboxKind::Alert => false,
    }
}

fn text_part(text: &ConsentText) -> TextPart {
    TextPart {
        language: text.language,
        version: text.version,
        used_since: text.created_at,
        is_intact: sha256_hex(text.body.as_bytes()) == text.sha256,
        sha256: text.sha256.clone(),
        words: text.body.clone(),
    }
}

/// The request that was confirmed: the one that the pressed mail answers. Where the mail asks again, or the request does
/// not name its mail, the last one when that mail was written. Without a confirmation, the last one.
fn asked<'a>(
    events: &'a [EventPart],
    mails: &[MailPart],
    confirmed: Option<&EventPart>,
) -> Option<&'a EventPart> {
    let requests = || events.iter().filter(|found| found.event == ConsentEvent::Requested);
    let Some(confirmed) = confirmed else { return requests().next_back() };
    let pressed = confirmed.message_id.as_ref();
    let answered = requests().rfind(|found| pressed.is_some() && found.message_id.as_ref() == pressed);
    answered.or_else(|| {
        let mail = mails.iter().find(|mail| Some(&mail.message_id) == pressed);
        let until = mail.map_or(confirmed.at, |mail| mail.written_at.min(confirmed.at));
        requests().rfind(|found| found.at <= until)
    })
}

/// What follows from the chain. Pure.
fn deduce(
    subscription: &Subscription,
    events: &[EventPart],
    mails: &[MailPart],
    texts: &[TextPart],
) -> Vec<Deduction> {
    use DeductionCode as Code;
    let mut found = Vec::new();
    let mut add = |code: Code, at| found.push(Deduction { code, is_proof: code.is_proof(), at });
    let last = |event| events.iter().rfind(|found| found.event == event);
    let confirmed = last(ConsentEvent::Confirmed);
    let asked = asked(events, mails, confirmed);
    let has_words = asked.is_some_and(|asked| asked.text.is_some());
    add(
        match (has_words, texts.iter().all(|text| text.is_intact)) {
            (false, _) => Code::WordsMissing,
            (true, true) => Code::WordsIntact,
            (true, false) => Code::WordsChanged,
        },
        None,
    );
    match confirmed {
        None => add(Code::NeverConfirmed, None),
        Some(confirmed) => {
            let mail = mails.iter().find(|mail| Some(&mail.message_id) == confirmed.message_id.as_ref());
            match mail.filter(|mail| mail.status == OutboxStatus::Sent) {
                Some(mail) => add(Code::MailTaken, mail.finished_at),
                None => add(Code::MailUnknown, None),
            }
            if confirmed.message_id.is_some() {
                add(Code::ConfirmedByMail, Some(confirmed.at));
            }
            match asked {
                Some(asked) if asked.ip.is_empty() || confirmed.ip.is_empty() => {
                    add(Code::AddressesForgotten, None);
                }
                Some(asked) if asked.ip == confirmed.ip => add(Code::SameAddress, None),
                Some(_) => add(Code::OtherAddress, None),
                None => {}
            }
        }
    }
    match subscription.status {
        SubscriptionStatus::Confirmed => add(Code::Stands, subscription.confirmed_at),
        SubscriptionStatus::Unsubscribed => add(Code::Withdrawn, subscription.unsubscribed_at),
        SubscriptionStatus::Pending => {}
    }
    found
}
