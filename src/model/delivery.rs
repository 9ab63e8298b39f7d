//! One mailing and one subscriber.

use super::{MailingId, SubscriberId, Timestamp};

text_enum!(
    /// What became of a delivery. `Claimed` is the row before the wire.
    Outcome {
        Claimed = "claimed",
        /// The relay answered 250 to the final dot.
        Sent = "sent",
        /// 4xx, or cut before the final dot: will be tried again.
        Deferred = "deferred",
        /// 5xx.
        Bounced = "bounced",
        /// Cut after the final dot, or the process died: held for a person to decide.
        Uncertain = "uncertain",
        /// Left, or was suppressed, before the wire.
        Skipped = "skipped",
        /// Deferred until there was no point any more.
        Expired = "expired",
    }
);

text_enum!(
    /// What a refusal was about (RFC 3463): an address is only given up for what was about it.
    Refusal {
        None = "",
        /// There is no such mailbox.
        Address = "address",
        /// It is full, or cannot take mail now.
        Mailbox = "mailbox",
        /// The mail itself: its size, its form.
        Message = "message",
        /// The receiver does not want our mail, or not so fast: spam, blocks, rates.
        Policy = "policy",
        /// The relay does not take mail from this sender.
        Sender = "sender",
        Other = "other",
    }
);

/// A row of the ledger.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Delivery {
    pub mailing_id: MailingId,
    pub subscriber_id: SubscriberId,
    pub outcome: Outcome,
    /// How often the wire was tried.
    pub attempts: i64,
    /// How often it was uncertain whether the relay had taken it.
    pub doubts: i64,
    /// Of the outcome.
    pub at: Timestamp,
    /// When a deferred one is tried again.
    pub due_at: Option<Timestamp>,
    /// The relay's last words; may be empty.
    pub reply: String,
    /// The provider, or the domain, of the recipient.
    pub destination: String,
    /// Name of the relay that gave the last answer; may be empty.
    pub relay: String,
    pub refusal: Refusal,
}
