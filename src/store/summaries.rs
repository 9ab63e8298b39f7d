//! The tables `summary_readers` and `summaries`: who gets the summary of a month, and which months were summed up.

use super::{Db, Result, Tx, on, users};
use crate::model::{NewsletterId, Permission, Timestamp, User, UserId};

/// Gives a user the summaries of a newsletter, or no longer; the same twice is no error.
pub async fn set_reader(tx: &mut Tx, newsletter: NewsletterId, user: UserId, wants: bool) -> Result<()> {
    const ADD: &str = "INSERT INTO summary_readers (newsletter_id, user_id) VALUES ($1, $2)
        ON CONFLICT (newsletter_id, user_id) DO NOTHING";
    const REMOVE: &str = "DELETE FROM summary_readers WHERE newsletter_id = $1 AND user_id = $2";
    let sql = if wants { ADD } else { REMOVE };
    on!(tx.db(), |c| sqlx::query(sql).bind(newsletter).bind(user).execute(c).await?.rows_affected());
    Ok(())
}

pub async fn is_reader(db: Db<'_>, newsletter: NewsletterId, user: UserId) -> Result<bool> {
    const SQL: &str =
        "SELECT EXISTS (SELECT 1 FROM summary_readers WHERE newsletter_id = $1 AND user_id = $2)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(newsletter).bind(user).fetch_one(c).await?))
}

/// Those who get the summaries of a newsletter, and still may see it.
pub async fn readers(mut db: Db<'_>, newsletter: NewsletterId) -> Result<Vec<User>> {
    const SQL: &str = "SELECT user_id FROM summary_readers WHERE newsletter_id = $1";
    let wanted: Vec<UserId> =
        on!(db.again(), |c| sqlx::query_scalar(SQL).bind(newsletter).fetch_all(c).await?);
    let mut users = users::who_may(db, Permission::SeeNewsletter, Some(newsletter)).await?;
    users.retain(|user| wanted.contains(&user.id));
    Ok(users)
}

/// Whether a month was summed up already.
pub async fn is_done(db: Db<'_>, newsletter: NewsletterId, month: i64) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM summaries WHERE newsletter_id = $1 AND month = $2)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(newsletter).bind(month).fetch_one(c).await?))
}

/// Takes a month of a newsletter, in the transaction that writes its mails; `false` when another has.
pub async fn take(tx: &mut Tx, newsletter: NewsletterId, month: i64, now: Timestamp) -> Result<bool> {
    const SQL: &str = "INSERT INTO summaries (newsletter_id, month, at) VALUES ($1, $2, $3)
        ON CONFLICT (newsletter_id, month) DO NOTHING";
    let rows = on!(tx.db(), |c| sqlx::query(SQL)
        .bind(newsletter)
        .bind(month)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}
