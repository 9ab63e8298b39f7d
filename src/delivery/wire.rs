//! The seam between the engine and the relays: a mail goes out, one of four things happened.
//! Production is [`crate::mail::relays::Relays`]; tests script it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::mail::mime;
use crate::mail::relay::{self, Outgoing, Stage};
pub use crate::mail::relay::{Always, LastLook, Obstacle};
use crate::mail::relays::{self, Relays};
use crate::mail::reply::Reply;
use crate::model::EmailAddress;

/// Longest wait that is told: relays may be replaced while they are paused. To ask them costs nothing, since
/// each of them keeps its own pause.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A mail with its envelope.
#[derive(Debug)]
pub struct WireMail {
    /// MAIL FROM: where bounces go.
    pub from: EmailAddress,
    /// RCPT TO.
    pub to: EmailAddress,
    /// Name of the relay that is asked first; empty: any.
    pub relay: Arc<str>,
    /// Without dot-stuffing.
    pub octets: Vec<u8>,
}

impl WireMail {
    fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            envelope_from: Some(&self.from),
            to: &self.to,
            envelope_id: mime::message_id_left(&self.octets),
            bytes: self.octets.as_slice(),
        }
    }
}

/// What happened to one mail on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// 250 to the final dot.
    Accepted { reply: Reply },
    /// 4xx or 5xx ([`Reply::classify`]); at [`Stage::Mail`] it is about the sender.
    Refused { stage: Stage, reply: Reply },
    /// The connection broke before the final dot: the relay does not have it.
    Lost { reason: String },
    /// The connection broke after the final dot: nobody knows.
    Uncertain { reason: String },
}

impl Attempt {
    /// The relay goes away for a while, before it knew for whom the mail was: that says nothing about a destination, and is no
    /// answer either.
    pub fn is_sent_away(&self) -> bool {
        matches!(self, Self::Refused { stage: Stage::Mail, reply } if reply.closes())
    }
}

/// An attempt, and at which relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub attempt: Attempt,
    /// Its name in the configuration.
    pub relay: Arc<str>,
}

/// The mail was not tried: connection or login refused, TLS not to be trusted, the rate does not let it go, or the last
/// look at it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unreachable {
    pub why: String,
    /// Before then no try has any point.
    pub wait: Duration,
    pub obstacle: Obstacle,
}

impl Unreachable {
    /// By its [`LastLook`].
    pub fn withdrawn() -> Self {
        Self { why: "withdrawn".to_owned(), wait: Duration::ZERO, obstacle: Obstacle::Withdrawn }
    }
}

pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Sent, Unreachable>> + Send + 'a>>;

/// What a mail has at a relay before it is sent: where it was announced behind the one before it, or its turn at the
/// relay's rate. Dropped, nothing of that mail was sent, and others have its turn.
#[derive(Debug, Default)]
pub struct Held(relays::Held);

impl Held {
    /// The same for another mail: only what was announced is of one alone.
    pub fn for_another(self) -> Self {
        match self.0 {
            relays::Held::Announced(_) => Self::default(),
            held => Self(held),
        }
    }
}

pub type SendingAnnouncing<'a> = Pin<Box<dyn Future<Output = Result<(Sent, Held), Unreachable>> + Send + 'a>>;

/// Where mails go. Called by several senders at once.
pub trait Wire: std::fmt::Debug + Send + Sync + 'static {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a>;

    /// As [`Wire::send`], where the mail may be announced, as is `held`, and which is `next`; if the `look` lets it go.
    fn send_announcing<'a>(
        &'a self,
        mail: &'a WireMail,
        _held: Held,
        _next: Option<&'a WireMail>,
        look: &'a dyn LastLook,
    ) -> SendingAnnouncing<'a> {
        Box::pin(async move {
            if !look.may_go().await {
                return Err(Unreachable::withdrawn());
            }
            Ok((self.send(mail).await?, Held::default()))
        })
    }

    /// Whether mails are announced: then it must know the next one.
    fn announces(&self) -> bool {
        false
    }

    /// How many connections the relays may have together, as it changes; `None` when it never does.
    fn connections(&self) -> Option<watch::Receiver<usize>> {
        None
    }

    /// Among how many processes the rates of the relays are shared, from now on.
    fn set_share(&self, _workers: u32) {}

    /// How long until the relays that a newsletter may use take another mail at their rates; zero: now.
    fn wait(&self, _preferred: &str) -> Duration {
        Duration::ZERO
    }

    /// As [`Wire::wait`], and where that is zero the mail has its turn: nobody else is told so of the same one.
    ///
    /// # Errors
    /// How long to wait.
    fn take_turn(&self, preferred: &str) -> Result<Held, Duration> {
        let wait = self.wait(preferred);
        if wait.is_zero() { Ok(Held::default()) } else { Err(wait) }
    }

    /// The next turn, before all who wait for theirs, and how long until it comes.
    fn take_next_turn(&self, _preferred: &str) -> (Held, Duration) {
        (Held::default(), Duration::ZERO)
    }
}

impl Wire for Relays {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a> {
        Box::pin(
            async move { Ok(Wire::send_announcing(self, mail, Held::default(), None, &Always).await?.0) },
        )
    }

    fn send_announcing<'a>(
        &'a self,
        mail: &'a WireMail,
        held: Held,
        next: Option<&'a WireMail>,
        look: &'a dyn LastLook,
    ) -> SendingAnnouncing<'a> {
        Box::pin(async move {
            let (mail, preferred) = (mail.outgoing(), &mail.relay);
            let next = next.map(WireMail::outgoing);
            match Self::send_announcing(self, &mail, preferred, held.0, next.as_ref(), look).await {
                Ok((sent, announced)) => {
                    Ok((Sent { attempt: sent.attempt.into(), relay: sent.relay }, Held(announced.into())))
                }
                Err(error) => {
                    let wait = error.retry_at.saturating_duration_since(tokio::time::Instant::now());
                    let (why, obstacle) = (error.to_string(), error.obstacle);
                    Err(Unreachable { why, wait: wait.min(WAIT_MAX), obstacle })
                }
            }
        })
    }

    fn announces(&self) -> bool {
        Self::announces(self)
    }

    fn connections(&self) -> Option<watch::Receiver<usize>> {
        Some(self.watch_connections())
    }

    fn set_share(&self, workers: u32) {
        Self::set_share(self, workers);
    }

    fn wait(&self, preferred: &str) -> Duration {
        self.ready_in(preferred).min(WAIT_MAX)
    }

    fn take_turn(&self, preferred: &str) -> Result<Held, Duration> {
        match Self::take_turn(self, preferred) {
            Ok(turn) => Ok(Held(turn.map_or_else(Default::default, relays::Held::Turn))),
            Err(wait) => Err(wait.min(WAIT_MAX)),
        }
    }

    fn take_next_turn(&self, preferred: &str) -> (Held, Duration) {
        match Self::take_next_turn(self, preferred) {
            Some((turn, wait)) => (Held(relays::Held::Turn(turn)), wait),
            None => (Held::default(), Duration::ZERO),
        }
    }
}

impl From<relay::Attempt> for Attempt {
    fn from(attempt: relay::Attempt) -> Self {
        match attempt {
            relay::Attempt::Accepted(reply) => Self::Accepted { reply },
            relay::Attempt::Refused { stage, reply } => Self::Refused { stage, reply },
            relay::Attempt::Lost { stage, reason } => Self::Lost { reason: format!("{stage}: {reason}") },
            relay::Attempt::Uncertain(reason) => Self::Uncertain { reason },
        }
    }
}
