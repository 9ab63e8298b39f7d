//! One person, one address.

use super::{EmailAddress, Language, SubscriberId, Timestamp};

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Subscriber {
    pub id: SubscriberId,
    pub public_id: uuid::Uuid,
    pub address: EmailAddress,
    /// As [`PersonName`](super::PersonName) left it; empty when none was given.
    pub name: String,
    pub language: Language,
    pub created_at: Timestamp,
}
