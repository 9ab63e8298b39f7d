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
}
