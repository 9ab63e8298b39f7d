//! Single mails, written in the transaction of their cause and sent soon after.

use super::{IssueId, Language, NewsletterId, OutboxId, SubscriptionId, Timestamp, WelcomeStepId};

text_enum!(OutboxKind {
    /// "Please confirm": the only mail to an address that has not confirmed.
    Confirm = "confirm",
    /// The one reminder of a confirmation that did not come.
    Reminder = "reminder",
    /// The answer to a sign-up of someone who is already subscribed.
    AlreadySubscribed = "already_subscribed",
    /// A step of the welcome series.
    Welcome = "welcome",
    /// A link to one's preferences, asked for without an old mail.
    Manage = "manage",
    /// "Is this your new address?", to the new one.
    AddressChange = "address_change",
    /// "Your address was changed", to the old one.
    AddressChanged = "address_changed",
    /// An issue as it will arrive, to a colleague.
    Test = "test",
    /// To those who work with the pages: something needs them.
    Alert = "alert",
});

text_enum!(OutboxStatus {
    Queued = "queued",
    Claimed = "claimed",
    Sent = "sent",
    Bounced = "bounced",
    /// Nobody knows whether it arrived. Sent again for a confirmation: two are better than none.
    Uncertain = "uncertain",
    Expired = "expired",
});

#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OutboxMail {
    pub id: OutboxId,
    pub kind: OutboxKind,
    pub status: OutboxStatus,
    pub newsletter_id: NewsletterId,
    /// Whom it is for; `None` for tests and alerts, which have `to_address`.
    pub subscription_id: Option<SubscriptionId>,
    /// Of a test or an alert.
    pub to_address: Option<super::EmailAddress>,
    /// Of a test mail.
    pub issue_id: Option<IssueId>,
    /// Of a mail of the welcome series.
    pub welcome_step_id: Option<WelcomeStepId>,
    pub language: Language,
    /// From which the token in the mail is derived, with the server's key: the row alone opens nothing.
    pub nonce: Vec<u8>,
    /// Left side of the Message-ID, the same for every attempt.
    pub message_uuid: uuid::Uuid,
    pub attempts: i64,
    /// How often it was uncertain whether the relay had taken it.
    pub doubts: i64,
    pub due_at: Timestamp,
    pub created_at: Timestamp,
    /// One of those that come by the thousand.
    pub is_bulk: bool,
}
