//! Someone who works at the desk.

use super::{EmailAddress, Language, Timestamp, UserId};

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct User {
    pub id: UserId,
    pub address: EmailAddress,
    pub name: String,
    /// In which the desk speaks to this user.
    pub language: Language,
    /// PHC string (argon2id).
    #[serde(skip)]
    pub password_hash: String,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    /// When they chose a password; `None`: invited, and not here yet.
    pub joined_at: Option<Timestamp>,
}

impl User {
    /// Whether they can sign in: here already, and not disabled.
    pub const fn is_active(&self) -> bool {
        self.joined_at.is_some() && self.disabled_at.is_none()
    }
}
