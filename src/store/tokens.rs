//! The table `tokens`: what confirmation links open, as SHA-256 only; and what was typed at the sign-up that a mail answers,
//! until it is confirmed.

use super::bulk::{self, Column};
use super::{Db, Result, Tx, on};
use crate::model::{EmailAddress, SubscriptionId, SubscriptionStatus, Timestamp};

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Token {
    pub subscription_id: SubscriptionId,
    pub message_id: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
    /// JSON: what was typed at the sign-up.
    pub profile: Option<String>,
}

/// What a new confirmation link opens.
#[derive(Debug)]
pub struct NewToken<'a> {
    pub hash: &'a [u8],
    pub subscription_id: SubscriptionId,
    /// Of the mail that holds the link.
    pub message_id: &'a str,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// JSON: what was typed at the sign-up, where there was one.
    pub profile: Option<&'a str>,
}

/// A link in a mail that asks again for what the newest sign-up asked for.
pub async fn insert_confirm(
    tx: &mut Tx,
    hash: &[u8],
    subscription_id: SubscriptionId,
    message_id: &str,
    created_at: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    const SQL: &str =
        "INSERT INTO tokens (hash, purpose, subscription_id, message_id, created_at, expires_at, profile)
        VALUES ($1, 'confirm', $2, $3, $4, $5, (SELECT t.profile FROM tokens t
            WHERE t.subscription_id = $2 AND t.profile IS NOT NULL ORDER BY t.created_at DESC LIMIT 1))";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(hash)
        .bind(subscription_id)
        .bind(message_id)
        .bind(created_at)
        .bind(expires_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

pub async fn insert_confirms(tx: &mut Tx, tokens: &[NewToken<'_>]) -> Result<()> {
    const SQL: &str =
        "INSERT INTO tokens (hash, purpose, subscription_id, message_id, created_at, expires_at, profile)
        SELECT v.hash, 'confirm', v.subscription_id, v.message_id, v.created_at, v.expires_at, v.profile
        FROM v WHERE v.hash IS NOT NULL";
    let columns = [
        Column::Octets("hash", tokens.iter().map(|token| token.hash).collect()),
        Column::Numbers(
            "subscription_id",
            tokens.iter().map(|token| Some(token.subscription_id.0)).collect(),
        ),
        Column::Texts("message_id", tokens.iter().map(|token| Some(token.message_id)).collect()),
        Column::Numbers(
            "created_at",
            tokens.iter().map(|token| Some(token.created_at.as_millis())).collect(),
        ),
        Column::Numbers(
            "expires_at",
            tokens.iter().map(|token| Some(token.expires_at.as_millis())).collect(),
        ),
        Column::Texts("profile", tokens.iter().map(|token| token.profile).collect()),
    ];
    bulk::execute(tx, &columns, SQL, &[]).await?;
    Ok(())
}

/// The token, whether or not it has expired or was used: the page says which.
pub async fn find_confirm(db: Db<'_>, hash: &[u8]) -> Result<Option<Token>> {
    const SQL: &str =
        "SELECT subscription_id, message_id, created_at, expires_at, used_at, profile FROM tokens
        WHERE hash = $1 AND purpose = 'confirm'";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(hash).fetch_optional(c).await?))
}

/// A link, and whom the mail that holds it goes to.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Addressed {
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub address: EmailAddress,
    pub status: SubscriptionStatus,
    /// It came with an import that was cancelled.
    pub is_called_off: bool,
}

pub async fn find_addressed(db: Db<'_>, hash: &[u8]) -> Result<Option<Addressed>> {
    const SQL: &str = "SELECT t.created_at, t.expires_at, t.used_at, s.address, n.status,
            EXISTS (SELECT 1 FROM imports i WHERE i.id = n.import_id AND i.status = 'cancelled') AS is_called_off
        FROM tokens t JOIN subscriptions n ON n.id = t.subscription_id JOIN subscribers s ON s.id = n.subscriber_id
        WHERE t.hash = $1 AND t.purpose = 'confirm'";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(hash).fetch_optional(c).await?))
}

pub async fn mark_used(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE tokens SET used_at = $2 WHERE hash = $1 AND used_at IS NULL";
    on!(tx.db(), |c| sqlx::query(SQL).bind(hash).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// The newest link of a subscription that would still work.
pub async fn newest_open(db: Db<'_>, subscription: SubscriptionId, now: Timestamp) -> Result<Option<Token>> {
    const SQL: &str =
        "SELECT subscription_id, message_id, created_at, expires_at, used_at, profile FROM tokens
        WHERE subscription_id = $1 AND purpose = 'confirm' AND used_at IS NULL AND expires_at > $2
        ORDER BY expires_at DESC, created_at DESC LIMIT 1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscription).bind(now).fetch_optional(c).await?))
}

/// The links of a subscription, the oldest first.
pub async fn of_subscription(db: Db<'_>, subscription: SubscriptionId) -> Result<Vec<Token>> {
    const SQL: &str =
        "SELECT subscription_id, message_id, created_at, expires_at, used_at, profile FROM tokens
        WHERE subscription_id = $1 ORDER BY created_at, expires_at";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscription).fetch_all(c).await?))
}

/// What was typed at the sign-ups of a subscription that came after a moment.
pub async fn profiles_since(
    db: Db<'_>,
    subscription: SubscriptionId,
    after: Timestamp,
) -> Result<Vec<String>> {
    const SQL: &str = "SELECT profile FROM tokens
        WHERE subscription_id = $1 AND created_at > $2 AND profile IS NOT NULL";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(subscription).bind(after).fetch_all(c).await?))
}

/// Forgets what was typed: one of the sign-ups was confirmed, and the others have nothing more to ask.
pub async fn forget_profiles(tx: &mut Tx, subscription: SubscriptionId) -> Result<()> {
    const SQL: &str = "UPDATE tokens SET profile = NULL WHERE subscription_id = $1 AND profile IS NOT NULL";
    on!(tx.db(), |c| sqlx::query(SQL).bind(subscription).execute(c).await?.rows_affected());
    Ok(())
}

/// After leaving, no older confirmation mail may bring someone back.
pub async fn delete_of_subscription(tx: &mut Tx, subscription: SubscriptionId) -> Result<()> {
    const SQL: &str = "DELETE FROM tokens WHERE subscription_id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(subscription).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets some of the tokens that expired long ago. Answers how many: fewer than the limit when none is left.
pub async fn delete_expired(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    const SQL: &str =
        "DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires_at < $1 LIMIT $2)";
    Ok(on!(tx.db(), |c| sqlx::query(SQL).bind(before).bind(limit).execute(c).await?.rows_affected()))
}
