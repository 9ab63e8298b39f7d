//! Everything that is known of one person, for that person (GDPR 15 and 20, L8): in words and without our row ids.

use serde::Serialize;

use super::{Preferences, look};
use crate::keys::Keys;
use crate::model::{
    AskedField, Consent, FormId, Language, Newsletter, NewsletterId, Rhythm, Subscription,
    SubscriptionStatus, Timestamp, Topic,
};
use crate::store::address_changes::AddressChange;
use crate::store::outbox::SingleMail;
use crate::store::subscription_changes::Change;
use crate::store::tokens::Token;
use crate::store::{Reader, Result, Store, newsletters, topics};
use crate::subscriptions::export::guarded;
use crate::subscriptions::fields::with_words;
use crate::subscriptions::profile::Profile;
use crate::subscriptions::show::{Details, Dossier, dossier_of};

/// The whole story of one person.
#[derive(Debug, Serialize)]
pub struct PersonalData {
    pub address: String,
    pub name: String,
    pub language: Language,
    pub known_since: Timestamp,
    /// Where the person wants to move; the newest wish counts.
    pub new_addresses: Vec<NewAddressData>,
    pub subscriptions: Vec<SubscriptionData>,
    /// What was agreed to and withdrawn, with the evidence of it.
    pub consents: Vec<ConsentData>,
    /// What was sent.
    pub mails: Vec<MailData>,
    /// What was counted of opens and clicks, with consent.
    pub hits: Vec<HitData>,
}

#[derive(Debug, Serialize)]
pub struct NewAddressData {
    pub address: String,
    pub asked_at: Timestamp,
    pub works_until: Timestamp,
    pub moved_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub struct SubscriptionData {
    pub newsletter: String,
    pub status: SubscriptionStatus,
    pub language: Language,
    pub rhythm: Rhythm,
    pub topics: Vec<String>,
    /// What was answered to the fields of its forms.
    pub answers: Vec<AnswerData>,
    pub paused_until: Option<Timestamp>,
    pub opens_agreed_at: Option<Timestamp>,
    pub clicks_agreed_at: Option<Timestamp>,
    pub asked_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub unsubscribed_at: Option<Timestamp>,
    pub reminded_at: Option<Timestamp>,
    /// Through which form it was asked for last; empty without one.
    pub form: String,
    /// The address is taken for one of throw-away mailboxes.
    pub is_throw_away: bool,
    /// The file that it came with.
    pub import: Option<ImportData>,
    /// What was typed at sign-ups that wait for the button in their mail.
    pub requests: Vec<RequestData>,
    /// Single mails about it: to confirm, of the welcome series, and others.
    pub mails: Vec<SingleMailData>,
    /// The steps of the welcome series that were sent, by the days after confirming.
    pub welcome: Vec<WelcomeData>,
    /// What was said on leaving.
    pub departure: Option<DepartureData>,
    /// What was chosen anew, and when.
    pub changes: Vec<Change>,
}

#[derive(Debug, Serialize)]
pub struct ImportData {
    pub at: Timestamp,
    pub file: String,
    pub origin: String,
    /// Why the company may write to who is in the file; empty: each was asked.
    pub basis: String,
}

#[derive(Debug, Serialize)]
pub struct RequestData {
    pub at: Timestamp,
    pub works_until: Timestamp,
    pub used_at: Option<Timestamp>,
    pub message_id: String,
    pub name: String,
    pub language: Option<Language>,
    pub answers: Vec<AnswerData>,
}

#[derive(Debug, Serialize)]
pub struct SingleMailData {
    pub at: Timestamp,
    pub kind: String,
    pub message_id: String,
    pub outcome: String,
    pub finished_at: Option<Timestamp>,
    /// What the mail server answered.
    pub reply: String,
}

#[derive(Debug, Serialize)]
pub struct WelcomeData {
    pub at: Timestamp,
    pub days: i64,
}

#[derive(Debug, Serialize)]
pub struct DepartureData {
    pub at: Timestamp,
    pub reason: String,
    pub remark: String,
}

#[derive(Debug, Serialize)]
pub struct AnswerData {
    pub field: String,
    /// As it is put in the language of the subscription.
    pub question: String,
    pub answer: String,
}

#[derive(Debug, Serialize)]
pub struct ConsentData {
    pub at: Timestamp,
    pub newsletter: String,
    pub event: String,
    /// In which the words were shown.
    pub language: Language,
    /// The words that were agreed to.
    pub words: String,
    pub through: String,
    /// The form and its version; empty without one.
    pub form: String,
    pub form_version: Option<i64>,
    pub privacy_url: String,
    pub privacy_version: String,
    /// Of the mail that answered, or whose button was pressed; empty without one.
    pub message_id: String,
    pub page: String,
    pub referrer: String,
    pub utm: String,
    pub ip: String,
    pub user_agent: String,
}

#[derive(Debug, Serialize)]
pub struct MailData {
    pub at: Timestamp,
    pub newsletter: String,
    pub subject: String,
    pub outcome: String,
    /// What the mail server answered.
    pub reply: String,
}

#[derive(Debug, Serialize)]
pub struct HitData {
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub newsletter: String,
    pub subject: String,
    /// Where the link leads; `None`: the mail was opened.
    pub link: Option<String>,
    pub times: i64,
    /// Those that looked like a program's.
    pub times_by_machine: i64,
}

/// The data of the person of a link; `None` when the link leads nowhere. Changes nothing.
///
/// # Errors
/// Only of the database.
pub async fn personal_data(store: &Store, keys: &Keys, link: &str) -> Result<Option<PersonalData>> {
    let Preferences::Open(seen) = look(store, keys, link).await? else { return Ok(None) };
    let mut reader = store.read().await?;
    let dossier = dossier_of(&mut reader, seen.subscriber).await?;
    let all = newsletters::all(reader.db()).await?;
    let mut known = Vec::new();
    for newsletter in &all {
        known.extend(topics::of_newsletter(reader.db(), newsletter.id).await?);
    }
    gather(&mut reader, dossier, &all, &known).await.map(Some)
}

async fn gather(
    reader: &mut Reader,
    dossier: Dossier,
    newsletters: &[Newsletter],
    known: &[Topic],
) -> Result<PersonalData> {
    let name = |id| {
        newsletters
            .iter()
            .find(|newsletter| newsletter.id == id)
            .map(|found| found.name.clone())
            .unwrap_or_default()
    };
    let mut subscriptions = Vec::new();
    for (subscription, details) in dossier.subscriptions.iter().zip(&dossier.details) {
        let asked =
            with_words(reader, subscription.newsletter_id, subscription.language, newsletters).await?;
        let words = Words { newsletters, asked, subscription };
        let chosen = topics::chosen(reader.db(), subscription.id).await?;
        let topics = known.iter().filter(|topic| chosen.contains(&topic.id));
        let topics = topics.map(|topic| topic.key.clone()).collect();
        let of_it = dossier.answers.iter().filter(|answer| answer.subscription_id == subscription.id);
        let answers = of_it.map(|answer| words.answer(&answer.key, &answer.value)).collect();
        subscriptions.push(words.subscription(topics, answers, details, &dossier));
    }
    let consents = dossier.consents.iter().map(|row| consent(row, newsletters, &dossier)).collect();
    let mut mails = Vec::new();
    for row in crate::store::deliveries::mails_of(reader.db(), dossier.subscriber.id).await? {
        mails.push(MailData {
            at: row.at,
            newsletter: name(row.newsletter_id),
            subject: row.subject,
            outcome: row.outcome.to_string(),
            reply: row.reply,
        });
    }
    let mut hits = Vec::new();
    for row in dossier.hits {
        hits.push(HitData {
            first_at: row.first_at,
            last_at: row.last_at,
            newsletter: name(row.newsletter_id),
            subject: row.subject,
            link: row.url,
            times: row.hits,
            times_by_machine: row.machine_hits,
        });
    }
    let new_address = |change: AddressChange| NewAddressData {
        address: change.new_address.to_string(),
        asked_at: change.created_at,
        works_until: change.expires_at,
        moved_at: change.used_at,
    };
    let person = dossier.subscriber;
    Ok(PersonalData {
        address: person.address.to_string(),
        name: person.name,
        language: person.language,
        known_since: person.created_at,
        new_addresses: dossier.address_changes.into_iter().map(new_address).collect(),
        subscriptions,
        consents,
        mails,
        hits,
    })
}

/// The whole Message-ID of a newsletter's mail, as it stands there.
fn message_id(newsletters: &[Newsletter], id: NewsletterId, left: &str) -> String {
    let newsletter = newsletters.iter().find(|newsletter| newsletter.id == id);
    let domain = newsletter.map(|newsletter| newsletter.sender_address.ascii_domain());
    format!("<{left}@{}>", domain.unwrap_or_default())
}

fn form_name(dossier: &Dossier, id: Option<FormId>) -> String {
    let form = dossier.forms.iter().find(|form| Some(form.id) == id);
    form.map(|form| form.name.clone()).unwrap_or_default()
}

fn consent(row: &Consent, newsletters: &[Newsletter], dossier: &Dossier) -> ConsentData {
    let newsletter = newsletters.iter().find(|newsletter| newsletter.id == row.newsletter_id);
    let text = dossier.consent_texts.iter().find(|text| Some(text.id) == row.consent_text_id);
    let message_id = row.message_id.as_deref().map(|left| message_id(newsletters, row.newsletter_id, left));
    ConsentData {
        at: row.at,
        newsletter: newsletter.map(|newsletter| newsletter.name.clone()).unwrap_or_default(),
        event: row.event.to_string(),
        language: row.language,
        words: text.map(|text| text.body.clone()).unwrap_or_default(),
        through: row.source.clone(),
        form: form_name(dossier, row.form_id),
        form_version: row.form_version,
        privacy_url: row.privacy_url.clone(),
        privacy_version: row.privacy_version.clone(),
        message_id: message_id.unwrap_or_default(),
        page: row.page.clone(),
        referrer: row.referrer.clone(),
        utm: row.utm.clone(),
        ip: row.ip.clone(),
        user_agent: row.user_agent.clone(),
    }
}

/// What puts the rows of a subscription into words.
struct Words<'a> {
    newsletters: &'a [Newsletter],
    asked: Vec<AskedField>,
    subscription: &'a Subscription,
}

impl Words<'_> {
    fn answer(&self, key: &str, value: &str) -> AnswerData {
        let asked = self.asked.iter().find(|asked| asked.field.key == key);
        AnswerData {
            field: key.to_owned(),
            question: asked.map_or(key, |asked| asked.label(self.subscription.language)).to_owned(),
            answer: value.to_owned(),
        }
    }

    fn message_id(&self, left: &str) -> String {
        message_id(self.newsletters, self.subscription.newsletter_id, left)
    }

    fn request(&self, token: &Token) -> RequestData {
        let profile = Profile::of_token(token);
        let answers = profile.iter().flat_map(|profile| &profile.answers).filter_map(|(field, value)| {
            let asked = self.asked.iter().find(|asked| asked.field.id == *field)?;
            Some(self.answer(&asked.field.key, value.as_deref()?))
        });
        RequestData {
            at: token.created_at,
            works_until: token.expires_at,
            used_at: token.used_at,
            message_id: self.message_id(&token.message_id),
            answers: answers.collect(),
            language: profile.as_ref().map(|profile| profile.language),
            name: profile.map(|profile| profile.name).unwrap_or_default(),
        }
    }

    fn single_mail(&self, mail: &SingleMail) -> SingleMailData {
        SingleMailData {
            at: mail.created_at,
            kind: mail.kind.to_string(),
            message_id: self.message_id(&mail.message_uuid.simple().to_string()),
            outcome: mail.status.to_string(),
            finished_at: mail.finished_at,
            reply: mail.reply.clone(),
        }
    }

    fn subscription(
        &self,
        topics: Vec<String>,
        answers: Vec<AnswerData>,
        details: &Details,
        dossier: &Dossier,
    ) -> SubscriptionData {
        let row = self.subscription;
        let newsletter = self.newsletters.iter().find(|newsletter| newsletter.id == row.newsletter_id);
        SubscriptionData {
            newsletter: newsletter.map(|newsletter| newsletter.name.clone()).unwrap_or_default(),
            status: row.status,
            language: row.language,
            rhythm: row.rhythm,
            topics,
            answers,
            paused_until: row.paused_until,
            opens_agreed_at: row.opens_since,
            clicks_agreed_at: row.clicks_since,
            asked_at: row.created_at,
            confirmed_at: row.confirmed_at,
            unsubscribed_at: row.unsubscribed_at,
            reminded_at: row.reminded_at,
            form: form_name(dossier, row.form_id),
            is_throw_away: row.is_disposable,
            import: details.import.as_ref().map(|import| ImportData {
                at: import.created_at,
                file: import.file_name.clone(),
                origin: import.origin.to_string(),
                basis: import.basis.clone(),
            }),
            requests: details.requests.iter().map(|token| self.request(token)).collect(),
            mails: details.mails.iter().map(|mail| self.single_mail(mail)).collect(),
            welcome: details.welcome.iter().map(|had| WelcomeData { at: had.at, days: had.days }).collect(),
            departure: details.departure.as_ref().map(|said| DepartureData {
                at: said.at,
                reason: said.reason.to_string(),
                remark: said.remark.clone(),
            }),
            changes: details.changes.clone(),
        }
    }
}

/// The fields of a subscription's newsletter with their words, archived ones too: what was answered stays.
impl PersonalData {
    /// One table for a spreadsheet: what, of which newsletter, when, which detail, and its value.
    ///
    /// # Errors
    /// Of the writer, which is memory.
    pub fn to_csv(&self) -> std::result::Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["part", "newsletter", "at", "what", "value"])?;
        let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339).unwrap_or_default();
        let mut row = |part: &str, newsletter: &str, at: Option<Timestamp>, what: &str, value: &str| {
            if value.is_empty() {
                return Ok(());
            }
            writer.write_record([part, &guarded(newsletter), &time(at), what, &guarded(value)])
        };
        let since = Some(self.known_since);
        row("person", "", since, "address", &self.address)?;
        row("person", "", since, "name", &self.name)?;
        row("person", "", since, "language", self.language.as_str())?;
        for (number, one) in (1..).zip(&self.new_addresses) {
            let part = format!("new address {number}");
            row(&part, "", Some(one.asked_at), "address", &one.address)?;
            row(&part, "", Some(one.asked_at), "works until", &one.works_until.rfc3339())?;
            row(&part, "", Some(one.asked_at), "moved at", &time(one.moved_at))?;
        }
        for (number, one) in (1..).zip(&self.subscriptions) {
            let part = format!("subscription {number}");
            let mut detail =
                |what: &str, value: &str| row(&part, &one.newsletter, Some(one.asked_at), what, value);
            detail("status", one.status.as_str())?;
            detail("language", one.language.as_str())?;
            detail("rhythm", one.rhythm.as_str())?;
            detail("topics", &one.topics.join(" "))?;
            for answer in &one.answers {
                detail(&format!("answer to {}", answer.field), &answer.answer)?;
            }
            detail("paused until", &time(one.paused_until))?;
            detail("counting of opens agreed at", &time(one.opens_agreed_at))?;
            detail("counting of clicks agreed at", &time(one.clicks_agreed_at))?;
            detail("confirmed at", &time(one.confirmed_at))?;
            detail("unsubscribed at", &time(one.unsubscribed_at))?;
            detail("reminded at", &time(one.reminded_at))?;
            detail("form", &one.form)?;
            detail("throw-away address", if one.is_throw_away { "yes" } else { "no" })?;
            if let Some(import) = &one.import {
                detail("import file", &import.file)?;
                detail("imported at", &import.at.rfc3339())?;
                detail("import origin", &import.origin)?;
                detail("import basis", &import.basis)?;
            }
            for had in &one.welcome {
                detail(&format!("welcome of day {}", had.days), &had.at.rfc3339())?;
            }
            let mut of = |what: String, at: Timestamp, parts: &[(&str, &str)]| {
                let part = format!("subscription {number}, {what}");
                parts.iter().try_for_each(|(what, value)| row(&part, &one.newsletter, Some(at), what, value))
            };
            for (number, request) in (1..).zip(&one.requests) {
                let language = request.language.map(Language::as_str).unwrap_or_default();
                let (until, used) = (request.works_until.rfc3339(), time(request.used_at));
                let answers = request.answers.iter().map(|one| format!("{}: {}", one.field, one.answer));
                let answers = answers.collect::<Vec<_>>().join("; ");
                let parts = [
                    ("message id", request.message_id.as_str()),
                    ("works until", &until),
                    ("used at", &used),
                    ("name", &request.name),
                    ("language", language),
                    ("answers", &answers),
                ];
                of(format!("request {number}"), request.at, &parts)?;
            }
            for (number, mail) in (1..).zip(&one.mails) {
                let finished = time(mail.finished_at);
                let parts = [
                    ("kind", mail.kind.as_str()),
                    ("message id", &mail.message_id),
                    ("outcome", &mail.outcome),
                    ("finished at", &finished),
                    ("reply", &mail.reply),
                ];
                of(format!("mail {number}"), mail.at, &parts)?;
            }
            for (number, change) in (1..).zip(&one.changes) {
                of(format!("change {number}"), change.at, &[("what", change.what.as_str())])?;
            }
            if let Some(said) = &one.departure {
                let parts = [("reason", said.reason.as_str()), ("remark", &said.remark)];
                of("on leaving".to_owned(), said.at, &parts)?;
            }
        }
        for (number, one) in (1..).zip(&self.consents) {
            let part = format!("consent {number}");
            let mut detail = |what: &str, value: &str| row(&part, &one.newsletter, Some(one.at), what, value);
            detail("event", &one.event)?;
            detail("language", one.language.as_str())?;
            detail("words", &one.words)?;
            detail("through", &one.through)?;
            detail("form", &one.form)?;
            detail("form version", &one.form_version.map(|version| version.to_string()).unwrap_or_default())?;
            detail("privacy text", &one.privacy_url)?;
            detail("privacy text version", &one.privacy_version)?;
            detail("message id", &one.message_id)?;
            detail("page", &one.page)?;
            detail("referrer", &one.referrer)?;
            detail("utm", &one.utm)?;
            detail("ip", &one.ip)?;
            detail("user agent", &one.user_agent)?;
        }
        for (number, one) in (1..).zip(&self.mails) {
            let part = format!("mail {number}");
            let mut detail = |what: &str, value: &str| row(&part, &one.newsletter, Some(one.at), what, value);
            detail("subject", &one.subject)?;
            detail("outcome", &one.outcome)?;
            detail("reply", &one.reply)?;
        }
        for (number, one) in (1..).zip(&self.hits) {
            let part = format!("{} {number}", if one.link.is_some() { "click" } else { "open" });
            let mut detail =
                |what: &str, value: &str| row(&part, &one.newsletter, Some(one.first_at), what, value);
            detail("subject", &one.subject)?;
            detail("link", one.link.as_deref().unwrap_or_default())?;
            detail("times", &one.times.to_string())?;
            detail("times by machine", &one.times_by_machine.to_string())?;
            detail("last at", &one.last_at.rfc3339())?;
        }
        writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }
}
