//! The seam between the engine and the relays: a mail goes out, one of four things happened.
//! Production is [`crate::mail::relays::Relays`]; tests script it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use crate::mail::relay::Stage;
use crate::mail::relay::{self, Outgoing};
use crate::mail::relays::Relays;
pub use crate::mail::reply::Reply;
use crate::model::EmailAddress;

/// A mail with its envelope.
#[derive(Debug)]
pub struct WireMail {
    /// MAIL FROM: where bounces go.
    pub from: EmailAddress,
    /// RCPT TO.
    pub to: EmailAddress,
    /// Without dot-stuffing.
    pub octets: Vec<u8>,
}

/// A mail that was tried, and on which relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub attempt: Attempt,
    /// The relay's name, for the ledger.
    pub relay: Arc<str>,
}

/// What happened to one mail on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// 2xx to the final dot.
    Accepted { reply: Reply },
    /// 4xx or 5xx. At [`Stage::Mail`] it is about the sender, later about the recipient or the mail.
    Refused { stage: Stage, reply: Reply },
    /// The connection broke before the final dot: the relay does not have it.
    Lost { reply: String },
    /// The connection broke after the final dot: nobody knows.
    Uncertain { reply: String },
}

/// No relay could be tried: connection or login refused, TLS not to be trusted, its rate used up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unreachable {
    pub why: String,
    /// Before then no try has any point.
    pub wait: Duration,
    /// Nothing is wrong with at least one relay: it has had what it may get in an hour.
    pub is_busy: bool,
}

pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Sent, Unreachable>> + Send + 'a>>;

/// Where mails go. Called by several senders at once.
pub trait Wire: std::fmt::Debug + Send + Sync + 'static {
    /// `preferred` is the name of the relay that the newsletter prefers; empty where it has no wish.
    fn send<'a>(&'a self, mail: &'a WireMail, preferred: &'a str) -> Sending<'a>;

    /// How long until a mail with this preference can go without waiting for a rate or a pause.
    fn ready_in(&self, _preferred: &str) -> Duration {
        Duration::ZERO
    }
}

impl Wire for Relays {
    fn send<'a>(&'a self, mail: &'a WireMail, preferred: &'a str) -> Sending<'a> {
        Box::pin(async move {
            let outgoing =
                Outgoing { envelope_from: Some(&mail.from), to: &mail.to, bytes: mail.octets.as_slice() };
            match Self::send(self, &outgoing, preferred).await {
                Ok(sent) => Ok(Sent { attempt: sent.attempt.into(), relay: sent.relay }),
                Err(error) => Err(Unreachable {
                    why: error.to_string(),
                    wait: error.retry_at.saturating_duration_since(tokio::time::Instant::now()),
                    is_busy: error.is_busy,
                }),
            }
        })
    }

    fn ready_in(&self, preferred: &str) -> Duration {
        Self::ready_in(self, preferred)
    }
}

impl From<relay::Attempt> for Attempt {
    fn from(attempt: relay::Attempt) -> Self {
        match attempt {
            relay::Attempt::Accepted(reply) => Self::Accepted { reply },
            relay::Attempt::Refused { stage, reply } => Self::Refused { stage, reply },
            relay::Attempt::Lost { stage, reason } => Self::Lost { reply: format!("{stage}: {reason}") },
            relay::Attempt::Uncertain(reason) => Self::Uncertain { reply: reason },
        }
    }
}
