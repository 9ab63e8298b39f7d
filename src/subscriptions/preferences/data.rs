//! Everything that is known of one person, for that person (GDPR 15 and 20, L8): in words and without our row ids.

use serde::Serialize;

use super::{Preferences, look};
use crate::keys::Keys;
use crate::model::{
    AskedField, Field, Language, Newsletter, Rhythm, Subscription, SubscriptionStatus, Timestamp, Topic,
};
use crate::store::subscription_values::Answer;
use crate::store::{Reader, Result, Store, fields, newsletters, topics};
use crate::subscriptions::export::guarded;
use crate::subscriptions::show::{Dossier, dossier_of};

/// The whole story of one person.
#[derive(Debug, Serialize)]
pub struct PersonalData {
    pub address: String,
    pub name: String,
    pub language: Language,
    pub known_since: Timestamp,
    pub subscriptions: Vec<SubscriptionData>,
    /// What was agreed to and withdrawn, with the evidence of it.
    pub consents: Vec<ConsentData>,
    /// What was sent.
    pub mails: Vec<MailData>,
    /// What was counted of opens and clicks, with consent.
    pub hits: Vec<HitData>,
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
    pub tracking_agreed_at: Option<Timestamp>,
    pub asked_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub unsubscribed_at: Option<Timestamp>,
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
    /// The words that were agreed to.
    pub words: String,
    pub through: String,
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
    for subscription in &dossier.subscriptions {
        let chosen = topics::chosen(reader.db(), subscription.id).await?;
        let topics = known.iter().filter(|topic| chosen.contains(&topic.id));
        let of_it = dossier.answers.iter().filter(|answer| answer.subscription_id == subscription.id);
        let asked = asked(reader, subscription, newsletters).await?;
        let question = |key: &str| {
            let words = asked.iter().find(|asked| asked.field.key == key);
            words.map_or(key, |words| words.label(subscription.language)).to_owned()
        };
        let answer = |one: &Answer| AnswerData {
            field: one.key.clone(),
            question: question(&one.key),
            answer: one.value.clone(),
        };
        subscriptions.push(SubscriptionData {
            newsletter: name(subscription.newsletter_id),
            status: subscription.status,
            language: subscription.language,
            rhythm: subscription.rhythm,
            topics: topics.map(|topic| topic.key.clone()).collect(),
            answers: of_it.map(answer).collect(),
            paused_until: subscription.paused_until,
            tracking_agreed_at: subscription.tracking_since,
            asked_at: subscription.created_at,
            confirmed_at: subscription.confirmed_at,
            unsubscribed_at: subscription.unsubscribed_at,
        });
    }
    let consent = |row: &crate::model::Consent| ConsentData {
        at: row.at,
        newsletter: name(row.newsletter_id),
        event: row.event.to_string(),
        words: dossier
            .consent_texts
            .iter()
            .find(|text| Some(text.id) == row.consent_text_id)
            .map(|text| text.body.clone())
            .unwrap_or_default(),
        through: row.source.clone(),
        page: row.page.clone(),
        referrer: row.referrer.clone(),
        utm: row.utm.clone(),
        ip: row.ip.clone(),
        user_agent: row.user_agent.clone(),
    };
    let consents = dossier.consents.iter().map(consent).collect();
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
    let person = dossier.subscriber;
    Ok(PersonalData {
        address: person.address.to_string(),
        name: person.name,
        language: person.language,
        known_since: person.created_at,
        subscriptions,
        consents,
        mails,
        hits,
    })
}

/// The fields of a subscription's newsletter with their words, archived ones too: what was answered stays.
async fn asked(
    reader: &mut Reader,
    subscription: &Subscription,
    newsletters: &[Newsletter],
) -> Result<Vec<AskedField>> {
    let id = subscription.newsletter_id;
    let fallback = newsletters.iter().find(|newsletter| newsletter.id == id);
    let fallback = fallback.map_or(subscription.language, |newsletter| newsletter.language);
    let texts = fields::texts_of_newsletter(reader.db(), id).await?;
    let asked = |field: Field| {
        let texts = texts.iter().filter(|text| text.field_id == field.id).cloned().collect();
        AskedField { field, is_required: false, texts, fallback }
    };
    Ok(fields::of_newsletter(reader.db(), id).await?.into_iter().map(asked).collect())
}

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
            detail("tracking agreed at", &time(one.tracking_agreed_at))?;
            detail("confirmed at", &time(one.confirmed_at))?;
            detail("unsubscribed at", &time(one.unsubscribed_at))?;
        }
        for (number, one) in (1..).zip(&self.consents) {
            let part = format!("consent {number}");
            let mut detail = |what: &str, value: &str| row(&part, &one.newsletter, Some(one.at), what, value);
            detail("event", &one.event)?;
            detail("words", &one.words)?;
            detail("through", &one.through)?;
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
