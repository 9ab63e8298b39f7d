//! The verbs of a subscriber: sign up, confirm, ask again, choose, leave, come back, be erased.
//!
//! Every door (page, plain form, one-click header, mail, command line) calls these. Each verb is one
//! transaction, and what it has to say to the person goes by mail from the outbox, written in that
//! transaction. To add a verb: a file here, and its tests in `tests/it/subscriptions/`.

pub mod alarm;
pub mod another;
pub mod background;
mod batch;
pub mod bulk;
pub mod capture;
pub mod company;
pub mod confirm;
pub mod consent_text;
pub mod erase;
pub mod export;
pub mod fields;
pub mod forms;
pub mod gate;
pub mod import;
pub mod limits;
pub mod manage;
pub mod mx;
mod objection;
pub mod open_form;
pub mod preferences;
mod profile;
pub mod proof;
pub mod queue;
pub mod reason;
pub mod receipt;
pub mod segments;
pub mod show;
pub mod signup;
pub mod stamp;
mod typed;
pub mod typo;
pub mod unsubscribe;

use std::net::IpAddr;

use crate::model::{Consent, ConsentEvent, Subscription, Timestamp};

/// Most characters kept of what a browser says about itself and the page it was on.
const EVIDENCE_MAX_CHARS: usize = 300;

/// Where an act came from, kept as evidence (L1).
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Through which door: `page`, `form`, `one-click`, `mail`, `command`.
    pub source: &'static str,
    pub page: String,
    pub ip: Option<IpAddr>,
    pub user_agent: String,
}

impl Evidence {
    /// From the command line: no browser, no address.
    pub const fn command() -> Self {
        Self { source: "command", page: String::new(), ip: None, user_agent: String::new() }
    }

    fn ip_text(&self) -> String {
        self.ip.map(|ip| ip.to_string()).unwrap_or_default()
    }

    fn page_text(&self) -> String {
        cut(&self.page)
    }

    fn user_agent_text(&self) -> String {
        cut(&self.user_agent)
    }
}

/// What is kept of an act of the owner of a subscription.
fn consent(subscription: &Subscription, event: ConsentEvent, evidence: &Evidence, now: Timestamp) -> Consent {
    Consent {
        subscriber_id: subscription.subscriber_id,
        newsletter_id: subscription.newsletter_id,
        event,
        at: now,
        consent_text_id: None,
        language: subscription.language,
        source: evidence.source.to_owned(),
        page: evidence.page_text(),
        ip: evidence.ip_text(),
        user_agent: evidence.user_agent_text(),
        message_id: None,
        form_id: None,
        form_version: None,
        referrer: String::new(),
        utm: String::new(),
        privacy_url: String::new(),
        privacy_version: String::new(),
    }
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(EVIDENCE_MAX_CHARS).collect()
}
