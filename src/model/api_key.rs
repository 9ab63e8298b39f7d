//! A key of the API: by it a program acts as the person who made it, with at most the permissions that it was given.

use std::time::Duration;

use super::{ApiKeyId, ArticleId, Permission, Timestamp, UserId};

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub user_id: UserId,
    /// By which its owner knows it.
    pub name: String,
    /// Names with spaces; see [`ApiKey::permissions`].
    pub permissions: String,
    pub created_at: Timestamp,
    /// To the day; `None`: never yet.
    pub last_used_at: Option<Timestamp>,
    /// `None`: it works until it is revoked.
    pub expires_at: Option<Timestamp>,
}

impl ApiKey {
    /// What a key can be given, each with what it says of itself: more than these the API does not do.
    pub const PERMISSIONS: [Permission; 4] = [
        Permission::SeeArticles,
        Permission::WriteArticles,
        Permission::PublishArticles,
        Permission::SeeNewsletter,
    ];

    /// What it may do at most. A word that this version does not know permits nothing.
    pub fn permissions(&self) -> Vec<Permission> {
        self.permissions.split(' ').filter_map(|word| word.parse().ok()).collect()
    }

    /// Permissions with those that they are worth nothing without, in the order of [`ApiKey::PERMISSIONS`]: who writes
    /// articles reads them, and who publishes them writes them. Others are left out.
    pub fn complete(chosen: &[Permission]) -> Vec<Permission> {
        let publishes = chosen.contains(&Permission::PublishArticles);
        let writes = publishes || chosen.contains(&Permission::WriteArticles);
        let has = |permission: &Permission| match permission {
            Permission::SeeArticles => writes || chosen.contains(permission),
            Permission::WriteArticles => writes,
            _ => chosen.contains(permission),
        };
        Self::PERMISSIONS.into_iter().filter(has).collect()
    }

    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

text_enum!(
    /// How long a key works.
    KeyLifetime {
        Quarter = "90_days",
        Year = "year",
        /// Until it is revoked.
        Unlimited = "never",
    }
);

impl KeyLifetime {
    pub fn ends_at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Quarter => Some(now.plus(90 * DAY)),
            Self::Year => Some(now.plus(365 * DAY)),
            Self::Unlimited => None,
        }
    }
}

/// An article that a program handed in, by what it is called there.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ExternalArticle {
    pub external_id: String,
    /// `None`: it is being made, or is gone.
    pub article_id: Option<ArticleId>,
    /// Of the article when it was last taken over.
    pub article_version: i64,
    /// SHA-256 of what was handed in then; empty: it was changed by its version since.
    pub content: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_come_with_those_that_they_need_and_nothing_else_is_given() {
        use Permission::{EraseSubscribers, PublishArticles, SeeArticles, SeeNewsletter, WriteArticles};
        for (chosen, complete) in [
            (vec![], vec![]),
            (vec![PublishArticles], vec![SeeArticles, WriteArticles, PublishArticles]),
            (vec![WriteArticles], vec![SeeArticles, WriteArticles]),
            (vec![SeeNewsletter, SeeArticles], vec![SeeArticles, SeeNewsletter]),
            (vec![EraseSubscribers, SeeNewsletter], vec![SeeNewsletter]),
        ] {
            assert_eq!(ApiKey::complete(&chosen), complete, "{chosen:?}");
        }
    }

    #[test]
    fn a_word_of_a_later_version_permits_nothing() {
        let now = Timestamp::from_millis(1_000);
        let key = ApiKey {
            id: ApiKeyId(1),
            user_id: UserId(1),
            name: "Blog".into(),
            permissions: "see_articles fly".into(),
            created_at: now,
            last_used_at: None,
            expires_at: KeyLifetime::Quarter.ends_at(now),
        };
        assert_eq!(key.permissions(), [Permission::SeeArticles]);
        assert!(!key.has_expired(now.plus(89 * DAY)) && key.has_expired(now.plus(90 * DAY)));
    }
}
