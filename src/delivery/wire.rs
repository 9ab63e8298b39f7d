//! The seam between the engine and the relay: a mail goes out, one of four things happened.
//! Production is [`crate::mail::relay::Relay`]; tests script it.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::mail::mime;
use crate::mail::relay::{self, Outgoing, Relay};
use crate::mail::reply::Verdict;
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

/// What happened to one mail on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// 250 to the final dot.
    Accepted { reply: String },
    /// 4xx, or 5xx when `is_permanent`.
    Refused { is_permanent: bool, reply: String },
    /// The connection broke before the final dot: the relay does not have it.
    Lost { reply: String },
    /// The connection broke after the final dot: nobody knows.
    Uncertain { reply: String },
}

/// No mail could be tried: connection or login refused, TLS not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unreachable {
    pub why: String,
    /// Before then no try has any point.
    pub wait: Duration,
}

pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Attempt, Unreachable>> + Send + 'a>>;

/// Where mails go. Called by several senders at once.
pub trait Wire: std::fmt::Debug + Send + Sync + 'static {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a>;
}

impl Wire for Relay {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a> {
        Box::pin(async move {
            let outgoing = Outgoing {
                envelope_from: Some(&mail.from),
                to: &mail.to,
                envelope_id: mime::message_id_left(&mail.octets),
                bytes: mail.octets.as_slice(),
            };
            Self::send(self, &outgoing).await.map(Attempt::from).map_err(|error| Unreachable {
                why: error.to_string(),
                wait: error.retry_at.saturating_duration_since(tokio::time::Instant::now()),
            })
        })
    }
}

impl From<relay::Attempt> for Attempt {
    fn from(attempt: relay::Attempt) -> Self {
        match attempt {
            relay::Attempt::Accepted(reply) => Self::Accepted { reply: reply.to_string() },
            relay::Attempt::Refused { reply, .. } => {
                Self::Refused { is_permanent: reply.classify() == Verdict::Bounced, reply: reply.to_string() }
            }
            relay::Attempt::Lost { stage, reason } => Self::Lost { reply: format!("{stage}: {reason}") },
            relay::Attempt::Uncertain(reason) => Self::Uncertain { reply: reason },
        }
    }
}
