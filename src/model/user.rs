//! Someone who works at the desk.

use super::{EmailAddress, Language, Timestamp, UserId};

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct User {
    pub id: UserId,
    pub address: EmailAddress,
    pub name: String,
    /// In which the desk speaks to this user.
    pub language: Language,
    /// PHC string (argon2id); empty: none, they come in another way.
    #[serde(skip)]
    pub password_hash: String,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    /// When they came; `None`: invited, and not here yet.
    pub joined_at: Option<Timestamp>,
}

impl User {
    pub const fn has_password(&self) -> bool {
        !self.password_hash.is_empty()
    }

    /// Whether they can sign in: here already, and not disabled.
    pub const fn is_active(&self) -> bool {
        self.joined_at.is_some() && self.disabled_at.is_none()
    }
}
