//! What a mailing needs in memory while it is sent: its templates, compiled once per language.

use crate::keys::{Keys, Purpose};
use crate::mail::headers;
use crate::mail::template::{Recipient as Filling, Source, Template};
use crate::model::{EmailAddress, Issue, Language, Mailing, MailingId, Newsletter, SubscriberId, Timestamp};
use crate::store::deliveries::Recipient;
use crate::store::{Store, StoreError, issues, mailings, newsletters};

use super::engine::EngineSettings;

/// Letters of the left side of a Message-ID: 160 bits.
const MESSAGE_ID_LETTERS: usize = 32;

#[derive(Debug)]
pub struct Campaign {
    pub mailing: MailingId,
    pub newsletter: Newsletter,
    pub started_at: Timestamp,
    templates: Vec<(Language, Template)>,
}

#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("its issue, newsletter or contents are missing")]
    Incomplete,
    #[error(transparent)]
    Template(#[from] crate::mail::template::TemplateError),
}

impl Campaign {
    pub async fn load(store: &Store, mailing: &Mailing) -> Result<Self, CampaignError> {
        let mut reader = store.read().await?;
        let newsletter = newsletters::by_id(reader.db(), mailing.newsletter_id).await?;
        let issue = issues::by_id(reader.db(), mailing.issue_id).await?;
        let contents = mailings::contents(reader.db(), mailing.id).await?;
        let (Some(newsletter), Some(issue)) = (newsletter, issue) else {
            return Err(CampaignError::Incomplete);
        };
        let mut templates = Vec::new();
        for content in &contents {
            let template = compile(&newsletter, &issue, &content.subject, &content.html, &content.text)?;
            templates.push((content.language, template));
        }
        if templates.is_empty() {
            return Err(CampaignError::Incomplete);
        }
        Ok(Self {
            mailing: mailing.id,
            newsletter,
            started_at: mailing.started_at.unwrap_or(mailing.due_at),
            templates,
        })
    }

    /// The message for one recipient. The same octets for every attempt and in every process (D5).
    pub fn message(&self, keys: &Keys, settings: &EngineSettings, to: &Recipient) -> Vec<u8> {
        let template =
            self.templates.iter().find(|(language, _)| *language == to.language).or(self.templates.first());
        let Some((_, template)) = template else { return Vec::new() };
        let link = keys.sign_link(Purpose::Unsubscribe, to.subscription_id);
        template.fill(&Filling {
            to: &to.address,
            name: &to.name,
            message_id: &message_id(keys, self.mailing, to.subscriber_id),
            date: self.started_at,
            unsubscribe_url: &settings.unsubscribe_url(&link),
            unsubscribe_mailto: settings.unsubscribe_mailto(&link).as_deref(),
        })
    }
}

fn compile(
    newsletter: &Newsletter,
    issue: &Issue,
    subject: &str,
    html: &str,
    text: &str,
) -> Result<Template, crate::mail::template::TemplateError> {
    Template::compile(&Source {
        sender_name: &newsletter.sender_name,
        sender: &newsletter.sender_address,
        reply_to: newsletter.reply_to.as_ref(),
        subject,
        text,
        html,
        headers: &headers::issue(newsletter, issue.public_id),
    })
}

/// The left side of the Message-ID: derived, so that every retry in every process has the same.
fn message_id(keys: &Keys, mailing: MailingId, subscriber: SubscriberId) -> String {
    let mut data = mailing.0.to_be_bytes().to_vec();
    data.extend_from_slice(&subscriber.0.to_be_bytes());
    let mut text =
        data_encoding::BASE32_NOPAD.encode(&keys.mac(Purpose::MessageId, &data)).to_ascii_lowercase();
    text.truncate(MESSAGE_ID_LETTERS);
    text
}

impl EngineSettings {
    pub fn unsubscribe_url(&self, link: &str) -> String {
        format!("{}/unsubscribe/{link}", self.public_url)
    }

    /// `unsubscribe+LINK@example.org`, where mails to leave are taken.
    pub fn unsubscribe_mailto(&self, link: &str) -> Option<String> {
        let address: &EmailAddress = self.unsubscribe_address.as_ref()?;
        Some(format!("{}+{link}@{}", address.local(), address.ascii_domain()))
    }
}
