//! One sending of an issue to its audience.

use super::{IssueId, MailingId, NewsletterId, SubscriptionId, Timestamp};

text_enum!(MailingStatus {
    /// Waits for its moment; may be cancelled.
    Scheduled = "scheduled",
    Sending = "sending",
    Paused = "paused",
    Sent = "sent",
    Cancelled = "cancelled",
});

impl MailingStatus {
    /// Begun and not ended: who leaves now must be skipped in it.
    pub const fn is_in_progress(self) -> bool {
        matches!(self, Self::Sending | Self::Paused)
    }
}

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Mailing {
    pub id: MailingId,
    pub public_id: uuid::Uuid,
    pub issue_id: IssueId,
    pub newsletter_id: NewsletterId,
    pub status: MailingStatus,
    pub due_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// The last subscription that the feeder has passed.
    pub cursor: SubscriptionId,
    /// The last subscription of the audience, fixed at the start.
    pub audience_end: SubscriptionId,
    #[sqlx(flatten)]
    pub account: Account,
    pub created_at: Timestamp,
}

/// The numbers of a mailing, moved in the transactions of the rows that they count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Account {
    /// Confirmed subscriptions at the start.
    pub audience: i64,
    pub sent: i64,
    pub deferred: i64,
    pub bounced: i64,
    pub uncertain: i64,
    pub skipped: i64,
    pub expired: i64,
}

impl Account {
    /// Those with an outcome that stands.
    pub const fn settled(&self) -> i64 {
        self.sent + self.bounced + self.uncertain + self.skipped + self.expired
    }

    /// Those without any outcome yet: not reached by the feeder, or on the wire.
    pub const fn open(&self) -> i64 {
        self.audience - self.settled() - self.deferred
    }

    /// The promise as an equation: true for every mailing that is Sent.
    pub const fn balances(&self) -> bool {
        self.deferred == 0 && self.audience == self.settled()
    }
}
