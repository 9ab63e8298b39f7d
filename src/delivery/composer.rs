//! From rows to mails: a mailing compiled once, single mails of the outbox one by one.
//!
//! To add a kind of single mail: its arm in [`Composer::single`], its rendering in [`crate::mail::render`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use data_encoding::BASE32_NOPAD;

use super::engine::EngineSettings;
use super::signing::Signing;
use super::wire::WireMail;
use crate::keys::{Keys, Purpose, TrackedLink, token_hash};
use crate::mail::render::{
    self, AddressChangeView, AddressChangedView, AlreadySubscribedView, ConfirmView, ManageEntry, ManageView,
    RenderError, RenderedMail,
};
use crate::mail::slot::{Piece, Slot, pieces};
use crate::mail::template::{self, Source, Template, TemplateError};
use crate::mail::tracking;
use crate::mail::welcome::WelcomeError;
use crate::mail::{self, headers, note};
use crate::model::welcome::text_for;
use crate::model::{
    EmailAddress, HitKind, Language, Mailing, MailingId, Newsletter, NewsletterId, OutboxKind, OutboxMail,
    SubscriberId, SubscriptionId, SubscriptionStatus, Timestamp, Tracking, Trial, UncertainPolicy, Variant,
};
use crate::store::deliveries::Recipient;
use crate::store::{
    self, Store, account_links, address_changes, articles, mailings, newsletters, outbox_contents,
    subscribers, subscriptions, tokens, welcome,
};

/// Octets of a Message-ID's left side before encoding: as many as a UUID.
const MESSAGE_ID_OCTETS: usize = 16;

/// Where our links lead.
#[derive(Debug, Clone)]
pub struct Links {
    keys: Keys,
    /// Without a slash at the end.
    base_url: String,
    unsubscribe_mailbox: Option<EmailAddress>,
    bounce_address: Option<EmailAddress>,
}

impl Links {
    pub fn new(keys: Keys, settings: &EngineSettings) -> Self {
        Self {
            keys,
            base_url: settings.public_url.trim_end_matches('/').to_owned(),
            unsubscribe_mailbox: settings.unsubscribe_mailbox.clone(),
            bounce_address: settings.bounce_address.clone(),
        }
    }

    /// The envelope sender: where bounces go.
    fn envelope_from(&self, newsletter: &Newsletter) -> EmailAddress {
        self.bounce_address.as_ref().unwrap_or(&newsletter.sender_address).clone()
    }

    /// Where whoever has no link of their own asks for one.
    fn manage(&self) -> String {
        format!("{}/manage", self.base_url)
    }

    fn confirm(&self, token: &str) -> String {
        format!("{}/confirm/{token}", self.base_url)
    }

    /// The page, and the `mailto:` for programs that prefer it.
    fn unsubscribe(&self, subscription: SubscriptionId) -> (String, Option<String>) {
        let link = self.keys.sign_link(Purpose::Unsubscribe, subscription);
        let mailto = self
            .unsubscribe_mailbox
            .as_ref()
            .map(|mailbox| format!("mailto:{}+{link}@{}", mailbox.local(), mailbox.ascii_domain()));
        (format!("{}/unsubscribe/{link}", self.base_url), mailto)
    }

    /// The page where a reader changes what comes and how often.
    pub fn preferences(&self, subscription: SubscriptionId) -> String {
        let link = self.keys.sign_link(Purpose::Preferences, subscription);
        format!("{}/preferences/{link}", self.base_url)
    }

    /// The page with the button that moves a subscriber to a new address.
    fn address(&self, token: &str) -> String {
        format!("{}/address/{token}", self.base_url)
    }

    /// Where a link of a mailing leads that counts who follows it, or with number 0 its picture; everybody's without a
    /// reader.
    fn tracked(&self, mailing: MailingId, number: u16, reader: Option<SubscriptionId>) -> String {
        let link = TrackedLink { mailing, number, reader };
        match number {
            0 => format!("{}/o/{}.gif", self.base_url, self.keys.sign_tracked(Purpose::Open, &link)),
            _ => format!("{}/c/{}", self.base_url, self.keys.sign_tracked(Purpose::Click, &link)),
        }
    }

    /// The page where somebody who works at the desk chooses a password.
    fn account(&self, token: &str) -> String {
        format!("{}/admin/link/{token}", self.base_url)
    }

    /// The same for every attempt and every process (D5).
    fn message_id(&self, mailing: MailingId, subscriber: SubscriberId) -> String {
        let mut data = [0; 16];
        data[..8].copy_from_slice(&mailing.0.to_be_bytes());
        data[8..].copy_from_slice(&subscriber.0.to_be_bytes());
        let mac = self.keys.mac(Purpose::MessageId, &data);
        BASE32_NOPAD.encode(&mac[..MESSAGE_ID_OCTETS]).to_ascii_lowercase()
    }
}

#[derive(Debug)]
pub struct Composer {
    links: Links,
    signing: Signing,
}

/// A mailing, ready to be filled.
#[derive(Debug)]
pub struct Letter {
    pub mailing: MailingId,
    pub newsletter: NewsletterId,
    pub policy: UncertainPolicy,
    /// Name of the relay that is asked first; empty: any.
    pub relay: Arc<str>,
    pub mails_per_hour: Option<i64>,
    /// From when retries are counted.
    pub retry_from: Timestamp,
    /// When the mailing started: the Date of its mails, the same for every attempt.
    pub date: Timestamp,
    links: Links,
    envelope_from: EmailAddress,
    /// Of the newsletter.
    language: Language,
    trial: Trial,
    fallback: Compiled,
    templates: BTreeMap<Language, Compiled>,
    /// With the second of two subjects, by language; empty where none is tried.
    seconds: BTreeMap<Language, Compiled>,
}

/// A mailing in one language.
#[derive(Debug, Clone)]
struct Compiled {
    /// What everybody gets: links that count lead to the same address for all.
    common: Template,
    /// What those get who agreed to be counted, for opens or for clicks.
    own: Option<OwnLinks>,
}

#[derive(Debug, Clone)]
struct OwnLinks {
    template: Template,
    /// Of its links, in order.
    numbers: Vec<u16>,
}

#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    #[error("its newsletter is gone")]
    NoNewsletter,
    #[error("it has no content")]
    NoContent,
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Letter {
    fn compiled_for(&self, recipient: &Recipient) -> &Compiled {
        let first = self.templates.get(&recipient.language).unwrap_or(&self.fallback);
        match self.trial.variant_of(self.mailing, recipient.subscriber_id) {
            Some(Variant::Second) => {
                // A translation without a second subject has the same for all of its readers.
                let own = self.templates.contains_key(&recipient.language);
                let language = if own { recipient.language } else { self.language };
                self.seconds.get(&language).unwrap_or(first)
            }
            Some(Variant::First) | None => first,
        }
    }

    /// The mail for one recipient.
    pub fn mail_for(&self, recipient: &Recipient) -> WireMail {
        let (unsubscribe_url, mailto) = self.links.unsubscribe(recipient.subscription_id);
        let compiled = self.compiled_for(recipient);
        let own = compiled.own.as_ref().filter(|_| recipient.agreed.to_any());
        // Who agreed to one of both has everybody's address in the place of the other.
        let link = |number: &u16| {
            let reader = recipient.agreed.to(HitKind::of(*number)).then_some(recipient.subscription_id);
            (*number, self.links.tracked(self.mailing, *number, reader))
        };
        let tracked: Vec<(u16, String)> =
            own.map(|own| own.numbers.iter().map(link).collect()).unwrap_or_default();
        let octets = own.map_or(&compiled.common, |own| &own.template).fill(&template::Recipient {
            to: &recipient.address,
            name: &recipient.name,
            message_id: &self.links.message_id(self.mailing, recipient.subscriber_id),
            date: self.date,
            unsubscribe_url: &unsubscribe_url,
            unsubscribe_mailto: mailto.as_deref(),
            preferences_url: &self.links.preferences(recipient.subscription_id),
            tracked: &tracked,
        });
        WireMail {
            from: self.envelope_from.clone(),
            to: recipient.address.clone(),
            relay: Arc::clone(&self.relay),
            octets,
        }
    }
}

/// What is put into the slots of links.
#[derive(Debug, Default)]
struct Filled {
    unsubscribe_url: String,
    mailto: Option<String>,
    preferences_url: String,
}

/// Why a single mail will never be sent.
#[derive(Debug, thiserror::Error)]
pub enum Moot {
    #[error("no longer needed")]
    NotNeeded,
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Welcome(#[from] WelcomeError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Composer {
    pub const fn new(links: Links, signing: Signing) -> Self {
        Self { links, signing }
    }

    /// A mail, signed where we have a key for its sender. `at` must be the same for every attempt.
    pub async fn signed(&self, mail: WireMail, at: Timestamp) -> WireMail {
        self.signing.signed(mail, at).await
    }

    /// Compiles a mailing from its frozen contents.
    ///
    /// # Errors
    /// Outside: of the database. Inside: when no mail can be made of it.
    pub async fn letter(
        &self,
        store: &Store,
        mailing: &Mailing,
    ) -> store::Result<Result<Letter, LetterError>> {
        let mut reader = store.read().await?;
        let Some(newsletter) = newsletters::by_id(reader.db(), mailing.newsletter_id).await? else {
            return Ok(Err(LetterError::NoNewsletter));
        };
        let contents = mailings::contents(reader.db(), mailing.id).await?;
        Ok(self.compile(mailing, &newsletter, &contents))
    }

    fn compile(
        &self,
        mailing: &Mailing,
        newsletter: &Newsletter,
        contents: &[mailings::Content],
    ) -> Result<Letter, LetterError> {
        let headers = headers::issue(newsletter, mailing.public_id);
        let mut templates = BTreeMap::new();
        let mut seconds = BTreeMap::new();
        for content in contents {
            let compiled = |subject: &str, text: &str, html: &str| {
                let template = |text: &str, html: &str| {
                    Template::compile(&Source { subject, text, html, ..source(newsletter, &headers) })
                };
                if mailing.tracking == Tracking::Off {
                    return Ok::<_, TemplateError>(Compiled { common: template(text, html)?, own: None });
                }
                let link = |number| self.links.tracked(mailing.id, number, None);
                let common = |part: &str| tracking::with_links(part, link);
                let common = template(&common(text), &common(html))?;
                let own = match mailing.tracking {
                    Tracking::Person => {
                        Some(OwnLinks { template: template(text, html)?, numbers: link_numbers(html) })
                    }
                    Tracking::Aggregate | Tracking::Off => None,
                };
                Ok(Compiled { common, own })
            };
            let (text, html) = (&content.text, &content.html);
            templates.insert(content.language, compiled(&content.subject, text, html)?);
            if mailing.trial.share > 0 && !content.second_subject.is_empty() {
                let [text, html] = [text, html].map(|part| tracking::of_second(part));
                seconds.insert(content.language, compiled(&content.second_subject, &text, &html)?);
            }
        }
        let fallback = templates.get(&newsletter.language).or_else(|| templates.values().next()).cloned();
        Ok(Letter {
            mailing: mailing.id,
            newsletter: newsletter.id,
            policy: newsletter.on_uncertain,
            relay: Arc::from(newsletter.relay.as_str()),
            mails_per_hour: newsletter.mails_per_hour,
            retry_from: mailing.retry_from.or(mailing.started_at).unwrap_or(mailing.due_at),
            date: mailing.started_at.unwrap_or(mailing.due_at),
            links: self.links.clone(),
            envelope_from: self.links.envelope_from(newsletter),
            trial: mailing.trial,
            language: newsletter.language,
            fallback: fallback.ok_or(LetterError::NoContent)?,
            templates,
            seconds,
        })
    }

    /// Makes a single mail.
    ///
    /// # Errors
    /// Outside: of the database. Inside: when it is not to be sent at all.
    pub async fn single(
        &self,
        store: &Store,
        mail: &OutboxMail,
        now: Timestamp,
    ) -> store::Result<Result<WireMail, Moot>> {
        let Some(newsletter) = newsletters::by_id(store.read().await?.db(), mail.newsletter_id).await? else {
            return Ok(Err(Moot::NotNeeded));
        };
        match mail.kind {
            OutboxKind::Confirm | OutboxKind::Reminder => self.confirm(store, &newsletter, mail, now).await,
            OutboxKind::Manage => self.manage(store, &newsletter, mail).await,
            OutboxKind::AlreadySubscribed => self.already_subscribed(store, &newsletter, mail).await,
            OutboxKind::AddressChange => self.address_change(store, &newsletter, mail, now).await,
            OutboxKind::AddressChanged => self.address_changed(store, &newsletter, mail).await,
            OutboxKind::Welcome => self.welcome(store, &newsletter, mail).await,
            OutboxKind::Test | OutboxKind::Alert => self.written(store, &newsletter, mail, now).await,
        }
    }

    /// For those who derive what a mail will hold.
    pub const fn keys(&self) -> &Keys {
        &self.links.keys
    }

    /// The question to confirm, or the reminder of it.
    async fn confirm(
        &self,
        store: &Store,
        newsletter: &Newsletter,
        mail: &OutboxMail,
        now: Timestamp,
    ) -> store::Result<Result<WireMail, Moot>> {
        let token = self.links.keys.derive_token(Purpose::Confirm, &mail.nonce);
        let Some(hash) = token_hash(&token) else { return Ok(Err(Moot::NotNeeded)) };
        let Some(row) = tokens::find_addressed(store.read().await?.db(), &hash).await? else {
            return Ok(Err(Moot::NotNeeded));
        };
        // Where the relay was away for longer than the question may be answered nobody is asked it.
        let is_over = row.used_at.is_some() || row.expires_at <= now;
        if is_over || row.status == SubscriptionStatus::Confirmed {
            return Ok(Err(Moot::NotNeeded));
        }
        // Whoever cancels an import has those asked no more who wait for it.
        if mail.is_bulk && row.is_called_off {
            return Ok(Err(Moot::NotNeeded));
        }
        let is_reminder = mail.kind == OutboxKind::Reminder;
        if is_reminder && row.status != SubscriptionStatus::Pending {
            return Ok(Err(Moot::NotNeeded));
        }
        let view = ConfirmView {
            newsletter,
            language: mail.language,
            confirm_url: &self.links.confirm(&token),
            // Of a reminder that is when the question was asked, not when it is repeated.
            asked_at: row.created_at,
            valid_until: row.expires_at,
        };
        let rendered =
            if is_reminder { render::render_reminder(&view) } else { render::render_confirm(&view) };
        Ok(rendered
            .map_err(Moot::from)
            .and_then(|rendered| self.fill(newsletter, mail, &row.address, &rendered, &headers::confirm())))
    }

    async fn already_subscribed(
        &self,
        store: &Store,
        newsletter: &Newsletter,
        mail: &OutboxMail,
    ) -> store::Result<Result<WireMail, Moot>> {
        let Some((to, SubscriptionStatus::Confirmed)) = self.to(store, mail).await? else {
            return Ok(Err(Moot::NotNeeded));
        };
        let rendered = render::render_already_subscribed(&AlreadySubscribedView {
            newsletter,
            language: mail.language,
            asked_at: mail.created_at,
        });
        Ok(rendered
            .map_err(Moot::from)
            .and_then(|rendered| self.fill(newsletter, mail, &to, &rendered, &headers::already_subscribed())))
    }

    /// The links to the preferences of everything that a person receives, or has left.
    async fn manage(
        &self,
        store: &Store,
        newsletter: &Newsletter,
        mail: &OutboxMail,
    ) -> store::Result<Result<WireMail, Moot>> {
        let Some((to, _)) = self.to(store, mail).await? else { return Ok(Err(Moot::NotNeeded)) };
        let mut reader = store.read().await?;
        let Some(subscriber) = subscribers::by_address(reader.db(), &to).await? else {
            return Ok(Err(Moot::NotNeeded));
        };
        let all = subscriptions::of_subscriber(reader.db(), subscriber.id).await?;
        let names = newsletters::all(reader.db()).await?;
        drop(reader);
        let entries: Vec<ManageEntry> = all
            .iter()
            .filter(|subscription| subscription.confirmed_at.is_some())
            .filter_map(|subscription| {
                let newsletter = names.iter().find(|one| one.id == subscription.newsletter_id)?;
                let is_left = subscription.status == SubscriptionStatus::Unsubscribed;
                Some(ManageEntry {
                    name: newsletter.name.clone(),
                    is_left,
                    url: self.links.preferences(subscription.id),
                })
            })
            .collect();
        if entries.is_empty() {
            return Ok(Err(Moot::NotNeeded));
        }
        let rendered = render::render_manage(&ManageView {
            newsletter,
            language: mail.language,
            asked_at: mail.created_at,
            entries: &entries,
        });
        Ok(rendered
            .map_err(Moot::from)
            .and_then(|rendered| self.fill(newsletter, mail, &to, &rendered, &headers::manage())))
    }

    /// The question whether a new address is right, to that address.
    async fn address_change(
        &self,
        store: &Store,
        newsletter: &Newsletter,
        mail: &OutboxMail,
        now: Timestamp,
    ) -> store::Result<Result<WireMail, Moot>> {
        let token = self.links.keys.derive_token(Purpose::AddressChange, &mail.nonce);
        let (Some(hash), Some(to)) = (token_hash(&token), &mail.to_address) else {
            return Ok(Err(Moot::NotNeeded));
        };
        let mut reader = store.read().await?;
        let change = address_changes::find(reader.db(), &hash).await?;
        let Some(change) = change.filter(|change| change.used_at.is_none() && change.expires_at > now) else {
            return Ok(Err(Moot::NotNeeded));
        };
        let is_known = subscribers::by_address(reader.db(), to).await?.is_some();
        drop(reader);
        let url = self.links.address(&token);
        let rendered = render::render_address_change(&AddressChangeView {
            newsletter,
            language: mail.language,
            confirm_url: (!is_known).then_some(&url),
            asked_at: mail.created_at,
            valid_until: change.expires_at,
        });
        Ok(rendered
            .map_err(Moot::from)
            .and_then(|rendered| self.fill(newsletter, mail, to, &rendered, &headers::address())))
    }

    /// The notice to the old address that mails go elsewhere now.
    async fn address_changed(
        &self,
        store: &Store,
        newsletter: &Newsletter,
        mail: &OutboxMail,
    ) -> store::Result<Result<WireMail, Moot>> {
        let (Some(to), Some((new, _))) = (&mail.to_address, self.to(store, mail).await?) else {
            return Ok(Err(Moot::NotNeeded));
        };
        let rendered = render::render_address_changed(&AddressChangedView {
            newsletter,
            language: mail.language,
            masked: &new.masked(),
            changed_at: mail.created_at,
        });
        Ok(rendered
            .map_err(Moot::from)
            .and_then(|rendered| self.fill(newsletter, mail, to, &rendered, &headers::address())))
    }

    /// A step of the welcome series, as it is now. Who has left or pauses, and who is gone, gets nothing.
    async fn welcome(
        &self,
        store: &Store,
        newsletter: &Newsletter,
        mail: &OutboxMail,
    ) -> store::Result<Result<WireMail, Moot>> {
        let (Some(id), Some(step)) = (mail.subscription_id, mail.welcome_step_id) else {
            return Ok(Err(Moot::NotNeeded));
        };
        let mut reader = store.read().await?;
        let subscription = subscriptions::by_id(reader.db(), id).await?.filter(|subscription| {
            subscription.status == SubscriptionStatus::Confirmed
                && subscription.paused_until.is_none_or(|until| until <= mail.due_at)
        });
        let step = welcome::step(reader.db(), step).await?.filter(|step| step.active_since.is_some());
        let (Some(subscription), Some(step)) = (subscription, step) else {
            return Ok(Err(Moot::NotNeeded));
        };
        let Some(subscriber) = subscribers::by_id(reader.db(), subscription.subscriber_id).await? else {
            return Ok(Err(Moot::NotNeeded));
        };
        let texts = welcome::texts(reader.db(), step.id).await?;
        let Some(text) = text_for(&texts, mail.language, newsletter.language) else {
            return Ok(Err(Moot::NotNeeded));
        };
        let article = match text.article_id {
            Some(id) => articles::by_id(reader.db(), id).await?,
            None => None,
        };
        drop(reader);
        let rendered = mail::welcome::render(newsletter, text, article.as_ref(), &self.links.base_url);
        let headers = headers::welcome(newsletter);
        Ok(rendered.map_err(Moot::from).and_then(|rendered| {
            // The owner has confirmed, so the name is theirs.
            self.fill_named(newsletter, mail, &subscriber.address, &subscriber.name, &rendered, &headers)
        }))
    }

    /// A mail that was written when it was asked for: a test, an alert.
    async fn written(
        &self,
        store: &Store,
        newsletter: &Newsletter,
        mail: &OutboxMail,
        now: Timestamp,
    ) -> store::Result<Result<WireMail, Moot>> {
        let content = outbox_contents::of_outbox(store.read().await?.db(), mail.id).await?;
        let (Some(content), Some(to)) = (content, &mail.to_address) else { return Ok(Err(Moot::NotNeeded)) };
        let mut rendered = RenderedMail { subject: content.subject, html: content.html, text: content.text };
        if rendered.html.contains(note::TOKEN) {
            // Only here does the token come to be (`docs/decisions/0003-no-usable-token-at-rest.md`).
            let token = self.links.keys.derive_token(Purpose::Digest, &mail.nonce);
            rendered.html = rendered.html.replace(note::TOKEN, &token);
            rendered.text = rendered.text.replace(note::TOKEN, &token);
            return Ok(self.fill(newsletter, mail, to, &rendered, &headers::test()));
        }
        if mail.kind == OutboxKind::Test {
            // A test is nobody's: its links lead where everybody asks for their own.
            let page = self.links.manage();
            let links = Filled { unsubscribe_url: page.clone(), mailto: None, preferences_url: page };
            return Ok(self.fill_with(newsletter, mail, to, "", &rendered, &headers::test(), &links));
        }
        if mail.kind != OutboxKind::Alert || mail.nonce.is_empty() {
            return Ok(self.fill(newsletter, mail, to, &rendered, &headers::test()));
        }
        // A link that is worth a password is put in only now, and only while it still is.
        let token = self.links.keys.derive_token(Purpose::AccountLink, &mail.nonce);
        let Some(hash) = token_hash(&token) else { return Ok(Err(Moot::NotNeeded)) };
        if account_links::find(store.read().await?.db(), &hash, now).await?.is_none() {
            return Ok(Err(Moot::NotNeeded));
        }
        let links = Filled { preferences_url: self.links.account(&token), ..Filled::default() };
        Ok(self.fill_with(newsletter, mail, to, "", &rendered, &headers::test(), &links))
    }

    /// Whom a mail about a subscription goes to, and the state of that.
    async fn to(
        &self,
        store: &Store,
        mail: &OutboxMail,
    ) -> store::Result<Option<(EmailAddress, SubscriptionStatus)>> {
        let Some(id) = mail.subscription_id else { return Ok(None) };
        let mut reader = store.read().await?;
        let Some(subscription) = subscriptions::by_id(reader.db(), id).await? else { return Ok(None) };
        let subscriber = subscribers::by_id(reader.db(), subscription.subscriber_id).await?;
        Ok(subscriber.map(|subscriber| (subscriber.address, subscription.status)))
    }

    fn fill(
        &self,
        newsletter: &Newsletter,
        mail: &OutboxMail,
        to: &EmailAddress,
        rendered: &RenderedMail,
        headers: &headers::Headers,
    ) -> Result<WireMail, Moot> {
        // Whoever filled in the form may have chosen the name: it has no place in a mail nobody confirmed.
        self.fill_named(newsletter, mail, to, "", rendered, headers)
    }

    fn fill_named(
        &self,
        newsletter: &Newsletter,
        mail: &OutboxMail,
        to: &EmailAddress,
        name: &str,
        rendered: &RenderedMail,
        headers: &headers::Headers,
    ) -> Result<WireMail, Moot> {
        let (unsubscribe_url, mailto) =
            mail.subscription_id.map_or_else(Default::default, |id| self.links.unsubscribe(id));
        let preferences_url = mail.subscription_id.map(|id| self.links.preferences(id)).unwrap_or_default();
        let links = Filled { unsubscribe_url, mailto, preferences_url };
        self.fill_with(newsletter, mail, to, name, rendered, headers, &links)
    }

    #[expect(clippy::too_many_arguments, reason = "a mail is made of them")]
    fn fill_with(
        &self,
        newsletter: &Newsletter,
        mail: &OutboxMail,
        to: &EmailAddress,
        name: &str,
        rendered: &RenderedMail,
        headers: &headers::Headers,
        links: &Filled,
    ) -> Result<WireMail, Moot> {
        let template = Template::compile(&Source {
            subject: &rendered.subject,
            text: &rendered.text,
            html: &rendered.html,
            ..source(newsletter, headers)
        })?;
        let octets = template.fill(&template::Recipient {
            to,
            name,
            message_id: &mail.message_uuid.simple().to_string(),
            date: mail.created_at,
            unsubscribe_url: &links.unsubscribe_url,
            unsubscribe_mailto: links.mailto.as_deref(),
            preferences_url: &links.preferences_url,
            tracked: &[],
        });
        Ok(WireMail {
            from: self.links.envelope_from(newsletter),
            to: to.clone(),
            relay: Arc::from(newsletter.relay.as_str()),
            octets,
        })
    }
}

/// The numbers of the tracked links of a mail, in order.
fn link_numbers(html: &str) -> Vec<u16> {
    let number = |piece| match piece {
        Piece::Slot(Slot::TrackedLink(number)) => Some(number),
        _ => None,
    };
    let numbers: BTreeSet<u16> = pieces(html).into_iter().filter_map(number).collect();
    numbers.into_iter().collect()
}

/// What all mails of a newsletter share.
fn source<'a>(newsletter: &'a Newsletter, headers: &'a headers::Headers) -> Source<'a> {
    Source {
        sender_name: &newsletter.sender_name,
        sender: &newsletter.sender_address,
        reply_to: newsletter.reply_to.as_ref(),
        subject: "",
        text: "",
        html: "",
        headers,
    }
}
