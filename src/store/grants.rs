//! The table `grants`: what users may do, and where.

use super::{Db, Result, Tx, on};
use crate::model::{Grant, NewsletterId, Role, UserId};

/// A grant, and whose it is.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct UserGrant {
    pub user_id: UserId,
    #[sqlx(flatten)]
    pub grant: Grant,
}

pub async fn of_user(db: Db<'_>, user: UserId) -> Result<Vec<Grant>> {
    const SQL: &str = "SELECT newsletter_id, role FROM grants WHERE user_id = $1
        ORDER BY CASE WHEN newsletter_id IS NULL THEN 0 ELSE 1 END, newsletter_id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(user).fetch_all(c).await?))
}

pub async fn all(db: Db<'_>) -> Result<Vec<UserGrant>> {
    const SQL: &str = "SELECT user_id, newsletter_id, role FROM grants
        ORDER BY user_id, CASE WHEN newsletter_id IS NULL THEN 0 ELSE 1 END, newsletter_id";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}

/// Puts these in place of what a user had.
pub async fn set(tx: &mut Tx, user: UserId, grants: &[Grant]) -> Result<()> {
    const CLEAR: &str = "DELETE FROM grants WHERE user_id = $1";
    const ADD: &str = "INSERT INTO grants (user_id, newsletter_id, role) VALUES ($1, $2, $3)";
    on!(tx.db(), |c| sqlx::query(CLEAR).bind(user).execute(c).await?.rows_affected());
    for grant in grants {
        on!(tx.db(), |c| sqlx::query(ADD)
            .bind(user)
            .bind(grant.newsletter_id)
            .bind(grant.role)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}

/// How many can sign in and are owners of everything.
pub async fn full_owners(db: Db<'_>) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM grants g JOIN users u ON u.id = g.user_id
        WHERE g.newsletter_id IS NULL AND g.role = $1 AND u.disabled_at IS NULL AND u.joined_at IS NOT NULL";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(Role::Owner).fetch_one(c).await?))
}

/// Takes the lock under which grants change: of two owners who remove each other one is refused.
pub async fn lock(tx: &mut Tx) -> Result<()> {
    // SQLite has one writer; a row that is always there holds the others on PostgreSQL.
    const SQL: &str = "UPDATE desk_rules SET changes = changes + 1 WHERE id = 1";
    on!(tx.db(), |c| sqlx::query(SQL).execute(c).await?.rows_affected());
    Ok(())
}

/// Whether there is a newsletter of this id, for a grant.
pub async fn has_newsletter(db: Db<'_>, newsletter: NewsletterId) -> Result<bool> {
    const SQL: &str = "SELECT COUNT(*) FROM newsletters WHERE id = $1";
    let count: i64 = on!(db, |c| sqlx::query_scalar(SQL).bind(newsletter).fetch_one(c).await?);
    Ok(count == 1)
}
