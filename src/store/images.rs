//! The table `images`.

use uuid::Uuid;

use super::{Db, Result, Tx, on};
use crate::model::{Image, ImageId, ImageType, Timestamp, UserId};

/// What is known of a new image.
#[derive(Debug, Clone)]
pub struct NewImage<'a> {
    pub public_id: Uuid,
    pub sha256: &'a [u8],
    pub media_type: ImageType,
    pub width: i64,
    pub height: i64,
    pub octets: i64,
    pub alt: &'a str,
    pub by: Option<UserId>,
}

/// `None` when the same file is an image already.
pub async fn insert(tx: &mut Tx, new: &NewImage<'_>, now: Timestamp) -> Result<Option<Image>> {
    const SQL: &str =
        "INSERT INTO images (public_id, sha256, media_type, width, height, octets, alt, user_id,
            created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (sha256) DO NOTHING RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(new.public_id)
        .bind(new.sha256)
        .bind(new.media_type)
        .bind(new.width)
        .bind(new.height)
        .bind(new.octets)
        .bind(new.alt)
        .bind(new.by)
        .bind(now)
        .fetch_optional(c)
        .await?))
}

pub async fn by_sha256(db: Db<'_>, sha256: &[u8]) -> Result<Option<Image>> {
    const SQL: &str = "SELECT * FROM images WHERE sha256 = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(sha256).fetch_optional(c).await?))
}

pub async fn by_public_id(db: Db<'_>, public_id: Uuid) -> Result<Option<Image>> {
    const SQL: &str = "SELECT * FROM images WHERE public_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(public_id).fetch_optional(c).await?))
}

/// What it shows, in the words of whoever used it last.
pub async fn set_alt(tx: &mut Tx, id: ImageId, alt: &str) -> Result<()> {
    const SQL: &str = "UPDATE images SET alt = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(alt).execute(c).await?.rows_affected());
    Ok(())
}

/// The latest, at most so many.
pub async fn latest(db: Db<'_>, most: i64) -> Result<Vec<Image>> {
    const SQL: &str = "SELECT * FROM images ORDER BY id DESC LIMIT $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(most).fetch_all(c).await?))
}
