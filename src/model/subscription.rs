//! A subscriber and a newsletter.

use super::{Language, NewsletterId, SubscriberId, SubscriptionId, Timestamp};

text_enum!(SubscriptionStatus {
    /// Asked for, and not confirmed by the owner of the address: gets nothing but the confirmation mail.
    Pending = "pending",
    Confirmed = "confirmed",
    Unsubscribed = "unsubscribed",
});

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub subscriber_id: SubscriberId,
    pub newsletter_id: NewsletterId,
    pub status: SubscriptionStatus,
    /// In which pages and mails speak to this subscriber.
    pub language: Language,
    pub created_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub unsubscribed_at: Option<Timestamp>,
}
