//! The table `newsletters`.

use super::{Db, Result, Tx, on, sql};
use crate::model::newsletter::NewNewsletter;
use crate::model::{
    ArchivePolicy, ArticleId, EmailAddress, Language, Newsletter, NewsletterId, ReaderLanguages, Slug, Theme,
    Timestamp, Tracking, UncertainPolicy,
};

/// What a newsletter is.
#[derive(Debug, Clone)]
pub struct About {
    pub name: String,
    pub description: String,
    pub language: Language,
    pub reader_languages: ReaderLanguages,
    pub time_zone: String,
}

/// Who it comes from.
#[derive(Debug, Clone)]
pub struct Sender {
    pub sender_name: String,
    pub sender_address: EmailAddress,
    pub reply_to: Option<EmailAddress>,
    pub postal_address: String,
}

/// How it looks.
#[derive(Debug, Clone)]
pub struct Brand {
    pub brand_color: String,
    pub logo_url: String,
}

/// Adds a newsletter, and the form of its own page.
pub async fn insert(tx: &mut Tx, new: &NewNewsletter, now: Timestamp) -> Result<Newsletter> {
    const SQL: &str = "INSERT INTO newsletters (slug, name, description, language, time_zone, sender_name,
            sender_address, reply_to, postal_address, brand_color, logo_url, on_uncertain, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING *";
    let newsletter: Newsletter = on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(&new.slug)
        .bind(&new.name)
        .bind(&new.description)
        .bind(new.language)
        .bind(&new.time_zone)
        .bind(&new.sender_name)
        .bind(&new.sender_address)
        .bind(&new.reply_to)
        .bind(&new.postal_address)
        .bind(&new.brand_color)
        .bind(&new.logo_url)
        .bind(new.on_uncertain)
        .bind(now)
        .fetch_one(c)
        .await?);
    super::forms::insert_default(tx, newsletter.id, &newsletter.name, now).await?;
    Ok(newsletter)
}

pub async fn all(db: Db<'_>) -> Result<Vec<Newsletter>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM newsletters ORDER BY id").fetch_all(c).await?))
}

pub async fn by_id(db: Db<'_>, id: NewsletterId) -> Result<Option<Newsletter>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM newsletters WHERE id = $1")
        .bind(id)
        .fetch_optional(c)
        .await?))
}

pub async fn by_slug(db: Db<'_>, slug: &Slug) -> Result<Option<Newsletter>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM newsletters WHERE slug = $1")
        .bind(slug)
        .fetch_optional(c)
        .await?))
}

/// A newsletter that nobody else changes until the end of the transaction.
pub async fn lock(tx: &mut Tx, id: NewsletterId) -> Result<Option<Newsletter>> {
    let sql = sql!(
        tx.db(),
        "SELECT * FROM newsletters WHERE id = $1",
        sqlite: "",
        postgres: " FOR UPDATE",
        ""
    );
    Ok(on!(tx.db(), |c| sqlx::query_as(sql).bind(id).fetch_optional(c).await?))
}

/// `None` when there is no newsletter of this id; so do the others.
pub async fn set_about(tx: &mut Tx, id: NewsletterId, about: &About) -> Result<Option<Newsletter>> {
    const SQL: &str =
        "UPDATE newsletters SET name = $2, description = $3, language = $4, reader_languages = $5, time_zone = $6
        WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(&about.name)
        .bind(&about.description)
        .bind(about.language)
        .bind(&about.reader_languages)
        .bind(&about.time_zone)
        .fetch_optional(c)
        .await?))
}

pub async fn set_sender(tx: &mut Tx, id: NewsletterId, sender: &Sender) -> Result<Option<Newsletter>> {
    const SQL: &str =
        "UPDATE newsletters SET sender_name = $2, sender_address = $3, reply_to = $4, postal_address = $5
        WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(&sender.sender_name)
        .bind(&sender.sender_address)
        .bind(&sender.reply_to)
        .bind(&sender.postal_address)
        .fetch_optional(c)
        .await?))
}

pub async fn set_brand(tx: &mut Tx, id: NewsletterId, brand: &Brand) -> Result<Option<Newsletter>> {
    const SQL: &str = "UPDATE newsletters SET brand_color = $2, logo_url = $3 WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(&brand.brand_color)
        .bind(&brand.logo_url)
        .fetch_optional(c)
        .await?))
}

/// Says where the privacy notice of a newsletter is, or with an empty text that there is none, and its version; `None` when
/// there is no newsletter of this id.
pub async fn set_privacy(
    tx: &mut Tx,
    id: NewsletterId,
    url: &str,
    version: &str,
) -> Result<Option<Newsletter>> {
    const SQL: &str =
        "UPDATE newsletters SET privacy_url = $2, privacy_version = $3 WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).bind(url).bind(version).fetch_optional(c).await?))
}

/// Newsletters that preferred a relay go by any.
pub async fn forget_relay(tx: &mut Tx, relay: &str) -> Result<()> {
    on!(tx.db(), |c| sqlx::query("UPDATE newsletters SET relay = '' WHERE relay = $1")
        .bind(relay)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Says who finds its issues on the web; `None` when there is no newsletter of this id.
pub async fn set_archive(tx: &mut Tx, id: NewsletterId, policy: ArchivePolicy) -> Result<Option<Newsletter>> {
    const SQL: &str = "UPDATE newsletters SET archive = $2 WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).bind(policy).fetch_optional(c).await?))
}

/// Says whether clicks and opens of its issues are counted; `None` when there is no newsletter of this id.
pub async fn set_tracking(tx: &mut Tx, id: NewsletterId, tracking: Tracking) -> Result<Option<Newsletter>> {
    const SQL: &str = "UPDATE newsletters SET tracking = $2 WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(id).bind(tracking).fetch_optional(c).await?))
}

/// The newsletters that an article was sent in, those with a public archive first.
pub async fn that_sent(db: Db<'_>, article: ArticleId) -> Result<Vec<Newsletter>> {
    const SQL: &str = "SELECT n.* FROM newsletters n
        WHERE EXISTS (SELECT 1 FROM mailing_articles a JOIN mailings m ON m.id = a.mailing_id
            WHERE a.article_id = $1 AND m.newsletter_id = n.id AND m.status IN ('sending', 'paused', 'sent'))
        ORDER BY CASE n.archive WHEN 'public' THEN 1 WHEN 'unlisted' THEN 2 ELSE 3 END, n.id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(article).fetch_all(c).await?))
}

/// Changes how the issues of a newsletter look, and whether somebody must approve them; `None` when there is none of
/// this id.
pub async fn set_issues(
    tx: &mut Tx,
    id: NewsletterId,
    theme: Theme,
    needs_approval: bool,
) -> Result<Option<Newsletter>> {
    const SQL: &str = "UPDATE newsletters SET theme = $2, needs_approval = $3 WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(theme)
        .bind(needs_approval)
        .fetch_optional(c)
        .await?))
}

/// Changes how the issues of a newsletter are sent; `None` when there is none of this id.
pub async fn set_sending(
    tx: &mut Tx,
    id: NewsletterId,
    relay: &str,
    mails_per_hour: Option<i64>,
    on_uncertain: UncertainPolicy,
) -> Result<Option<Newsletter>> {
    const SQL: &str = "UPDATE newsletters SET relay = $2, mails_per_hour = $3, on_uncertain = $4
        WHERE id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL)
        .bind(id)
        .bind(relay)
        .bind(mails_per_hour)
        .bind(on_uncertain)
        .fetch_optional(c)
        .await?))
}

/// Of all newsletters.
pub async fn ids(db: Db<'_>) -> Result<Vec<NewsletterId>> {
    Ok(on!(db, |c| sqlx::query_scalar("SELECT id FROM newsletters ORDER BY id").fetch_all(c).await?))
}
