//! The table `users`.

use super::{Db, Result, Tx, on};
use crate::model::{Actor, EmailAddress, Language, NewsletterId, Permission, Timestamp, User, UserId};

pub async fn insert(
    tx: &mut Tx,
    address: &EmailAddress,
    name: &str,
    language: Language,
    password_hash: &str,
    now: Timestamp,
) -> Result<User> {
    const SQL: &str =
        "INSERT INTO users (address, address_key, name, language, password_hash, created_at, joined_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6)
        RETURNING id, address, name, language, password_hash, created_at, disabled_at, joined_at";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(address)
        .bind(address.key())
        .bind(name)
        .bind(language)
        .bind(password_hash)
        .bind(now)
        .fetch_one(c)
        .await?))
}

pub async fn by_address(db: Db<'_>, address: &EmailAddress) -> Result<Option<User>> {
    const SQL: &str =
        "SELECT id, address, name, language, password_hash, created_at, disabled_at, joined_at FROM users
        WHERE address_key = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(address.key()).fetch_optional(c).await?))
}

pub async fn all(db: Db<'_>) -> Result<Vec<User>> {
    const SQL: &str = "SELECT id, address, name, language, password_hash, created_at, disabled_at, joined_at FROM users ORDER BY id";
    Ok(on!(db, |c| sqlx::query_as(SQL).fetch_all(c).await?))
}

pub async fn is_empty(db: Db<'_>) -> Result<bool> {
    let count: i64 = on!(db, |c| sqlx::query_scalar("SELECT COUNT(*) FROM (SELECT 1 FROM users LIMIT 1) u")
        .fetch_one(c)
        .await?);
    Ok(count == 0)
}

pub async fn set_password(tx: &mut Tx, id: UserId, password_hash: &str) -> Result<bool> {
    const SQL: &str = "UPDATE users SET password_hash = $2 WHERE id = $1";
    let rows =
        on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(password_hash).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

pub async fn set_name(tx: &mut Tx, id: UserId, name: &str) -> Result<bool> {
    const SQL: &str = "UPDATE users SET name = $2 WHERE id = $1";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(name).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

pub async fn set_language(tx: &mut Tx, id: UserId, language: Language) -> Result<bool> {
    const SQL: &str = "UPDATE users SET language = $2 WHERE id = $1";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(language).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

pub async fn by_id(db: Db<'_>, id: UserId) -> Result<Option<User>> {
    const SQL: &str = "SELECT id, address, name, language, password_hash, created_at, disabled_at, joined_at
        FROM users WHERE id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}

/// The same, held until the end of the transaction: whoever changes it waits.
pub async fn lock(tx: &mut Tx, id: UserId) -> Result<Option<User>> {
    const SQL: &str = "UPDATE users SET name = name WHERE id = $1
        RETURNING id, address, name, language, password_hash, created_at, disabled_at, joined_at";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?))
}

/// Adds somebody who has no password yet.
pub async fn invite(
    tx: &mut Tx,
    address: &EmailAddress,
    name: &str,
    language: Language,
    now: Timestamp,
) -> Result<User> {
    const SQL: &str = "INSERT INTO users (address, address_key, name, language, password_hash, created_at)
        VALUES ($1, $2, $3, $4, '', $5)
        RETURNING id, address, name, language, password_hash, created_at, disabled_at, joined_at";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(address)
        .bind(address.key())
        .bind(name)
        .bind(language)
        .bind(now)
        .fetch_one(c)
        .await?))
}

/// Notes that somebody who was invited is here; `false` when they were already.
pub async fn join(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<bool> {
    const SQL: &str = "UPDATE users SET joined_at = $2 WHERE id = $1 AND joined_at IS NULL";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Disables somebody from a moment on; `None` lets them in again.
pub async fn set_disabled(tx: &mut Tx, id: UserId, since: Option<Timestamp>) -> Result<bool> {
    const SQL: &str = "UPDATE users SET disabled_at = $2 WHERE id = $1";
    let rows = on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(since).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Removes somebody. What they wrote stays, in nobody's name.
pub async fn delete(tx: &mut Tx, id: UserId) -> Result<bool> {
    const UNNAME: [&str; 2] = [
        "UPDATE article_versions SET user_id = NULL WHERE user_id = $1",
        "UPDATE images SET user_id = NULL WHERE user_id = $1",
    ];
    for sql in UNNAME {
        on!(tx.db(), |c| sqlx::query(sql).bind(id).execute(c).await?.rows_affected());
    }
    let rows = on!(tx.db(), |c| sqlx::query("DELETE FROM users WHERE id = $1")
        .bind(id)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Who is here and may do something with a newsletter: for alerts.
pub async fn who_may(
    mut db: Db<'_>,
    permission: Permission,
    newsletter: Option<NewsletterId>,
) -> Result<Vec<User>> {
    let grants = super::grants::all(db.again()).await?;
    let mut users = all(db).await?;
    users.retain(|user| {
        let own = grants.iter().filter(|grant| grant.user_id == user.id).map(|grant| grant.grant).collect();
        user.is_active() && Actor::user(user.id, &user.name, own).may(permission, newsletter)
    });
    Ok(users)
}
