//! The tables `topics`, `topic_texts` and `subscription_topics`.

use super::{Db, Result, Tx, on};
use crate::model::{Language, NewsletterId, SubscriptionId, Timestamp, Topic, TopicId, TopicText};

/// A topic at the end of its newsletter's list. A duplicate error means that the key is taken.
pub async fn insert(tx: &mut Tx, newsletter: NewsletterId, key: &str, now: Timestamp) -> Result<Topic> {
    const SQL: &str = "INSERT INTO topics (newsletter_id, key, position, created_at)
        SELECT $1, $2, COALESCE(MAX(position), 0) + 1, $3 FROM topics WHERE newsletter_id = $1 RETURNING *";
    Ok(on!(tx.db(), |c| sqlx::query_as(SQL).bind(newsletter).bind(key).bind(now).fetch_one(c).await?))
}

pub async fn by_id(db: Db<'_>, id: TopicId) -> Result<Option<Topic>> {
    Ok(on!(db, |c| sqlx::query_as("SELECT * FROM topics WHERE id = $1").bind(id).fetch_optional(c).await?))
}

/// Every topic of a newsletter in its order, archived ones too.
pub async fn of_newsletter(db: Db<'_>, newsletter: NewsletterId) -> Result<Vec<Topic>> {
    const SQL: &str = "SELECT * FROM topics WHERE newsletter_id = $1 ORDER BY position, id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_all(c).await?))
}

/// What the topics of a newsletter are called.
pub async fn texts(db: Db<'_>, newsletter: NewsletterId) -> Result<Vec<TopicText>> {
    const SQL: &str = "SELECT x.topic_id, x.language, x.name, x.description
        FROM topic_texts x JOIN topics t ON t.id = x.topic_id WHERE t.newsletter_id = $1";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).fetch_all(c).await?))
}

/// Gives a topic these texts in place of those that it had.
pub async fn set_texts(tx: &mut Tx, id: TopicId, texts: &[(Language, String, String)]) -> Result<()> {
    const DELETE: &str = "DELETE FROM topic_texts WHERE topic_id = $1";
    const INSERT: &str =
        "INSERT INTO topic_texts (topic_id, language, name, description) VALUES ($1, $2, $3, $4)";
    on!(tx.db(), |c| sqlx::query(DELETE).bind(id).execute(c).await?.rows_affected());
    for (language, name, description) in texts {
        on!(tx.db(), |c| sqlx::query(INSERT)
            .bind(id)
            .bind(*language)
            .bind(name)
            .bind(description)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}

pub async fn set_position(tx: &mut Tx, id: TopicId, position: i64) -> Result<()> {
    const SQL: &str = "UPDATE topics SET position = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(position).execute(c).await?.rows_affected());
    Ok(())
}

/// Archives a topic, or brings it back with `None`.
pub async fn set_archived(tx: &mut Tx, id: TopicId, at: Option<Timestamp>) -> Result<()> {
    const SQL: &str = "UPDATE topics SET archived_at = $2 WHERE id = $1";
    on!(tx.db(), |c| sqlx::query(SQL).bind(id).bind(at).execute(c).await?.rows_affected());
    Ok(())
}

/// Drafts with this topic: the numbers of issues without a mailing.
pub async fn drafts(db: Db<'_>, id: TopicId) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT number FROM issues i WHERE topic_id = $1
        AND NOT EXISTS (SELECT 1 FROM mailings m WHERE m.issue_id = i.id AND m.status <> 'cancelled')
        ORDER BY number";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(id).fetch_all(c).await?))
}

/// How many in the audience of issues have each topic of a newsletter, counted up to `most` each: one more than that
/// stands for any number above it.
pub async fn readers(db: Db<'_>, newsletter: NewsletterId, most: i64) -> Result<Vec<(TopicId, i64)>> {
    const SQL: &str = "SELECT topics.id, (SELECT count(*) FROM (SELECT 1 FROM subscription_topics t
                JOIN subscriptions n ON n.id = t.subscription_id
            WHERE t.topic_id = topics.id AND n.status = 'confirmed' AND n.audience_since IS NOT NULL
            LIMIT $2) counted)
        FROM topics WHERE topics.newsletter_id = $1 ORDER BY topics.id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(newsletter).bind(most + 1).fetch_all(c).await?))
}

/// The topics that a subscription has, archived ones too.
pub async fn chosen(db: Db<'_>, subscription: SubscriptionId) -> Result<Vec<TopicId>> {
    const SQL: &str = "SELECT topic_id FROM subscription_topics WHERE subscription_id = $1 ORDER BY topic_id";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(subscription).fetch_all(c).await?))
}

/// Whether a subscription has had a topic since before a moment.
pub async fn is_chosen_since(
    db: Db<'_>,
    subscription: SubscriptionId,
    topic: TopicId,
    moment: Timestamp,
) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM subscription_topics
        WHERE subscription_id = $1 AND topic_id = $2 AND since <= $3)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(subscription).bind(topic).bind(moment).fetch_one(c).await?))
}

/// Adds a topic to a subscription; one that is there keeps its moment.
pub async fn choose(
    tx: &mut Tx,
    subscription: SubscriptionId,
    topic: TopicId,
    since: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO subscription_topics (subscription_id, topic_id, since) VALUES ($1, $2, $3)
        ON CONFLICT (subscription_id, topic_id) DO NOTHING";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(subscription)
        .bind(topic)
        .bind(since)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Takes a topic from a subscription.
pub async fn unchoose(tx: &mut Tx, subscription: SubscriptionId, topic: TopicId) -> Result<()> {
    const SQL: &str = "DELETE FROM subscription_topics WHERE subscription_id = $1 AND topic_id = $2";
    on!(tx.db(), |c| sqlx::query(SQL).bind(subscription).bind(topic).execute(c).await?.rows_affected());
    Ok(())
}

/// Gives a subscription every topic that its newsletter offers.
pub async fn choose_all(
    tx: &mut Tx,
    subscription: SubscriptionId,
    newsletter: NewsletterId,
    since: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO subscription_topics (subscription_id, topic_id, since)
        SELECT CAST($1 AS BIGINT), id, CAST($3 AS BIGINT) FROM topics WHERE newsletter_id = $2 AND archived_at IS NULL
        ON CONFLICT (subscription_id, topic_id) DO NOTHING";
    on!(tx.db(), |c| sqlx::query(SQL)
        .bind(subscription)
        .bind(newsletter)
        .bind(since)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Gives a new topic to everyone who has confirmed and has all others that are offered; with the first topic of
/// a newsletter that is everyone. Answers how many. One statement, so that it is all or nobody: a million
/// subscriptions take SQLite some seconds.
pub async fn give_to_those_with_all(
    tx: &mut Tx,
    topic: TopicId,
    newsletter: NewsletterId,
    since: Timestamp,
) -> Result<u64> {
    const SQL: &str = "INSERT INTO subscription_topics (subscription_id, topic_id, since)
        SELECT n.id, CAST($1 AS BIGINT), CAST($3 AS BIGINT) FROM subscriptions n
        WHERE n.newsletter_id = $2 AND n.confirmed_at IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM topics o WHERE o.newsletter_id = $2 AND o.archived_at IS NULL AND o.id <> $1
                AND NOT EXISTS (SELECT 1 FROM subscription_topics s
                    WHERE s.subscription_id = n.id AND s.topic_id = o.id))
        ON CONFLICT (subscription_id, topic_id) DO NOTHING";
    Ok(on!(tx.db(), |c| sqlx::query(SQL)
        .bind(topic)
        .bind(newsletter)
        .bind(since)
        .execute(c)
        .await?
        .rows_affected()))
}

/// Whether a subscription has a topic that was chosen in exactly this moment.
pub async fn is_chosen_at(
    db: Db<'_>,
    subscription: SubscriptionId,
    topic: TopicId,
    moment: Timestamp,
) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM subscription_topics
        WHERE subscription_id = $1 AND topic_id = $2 AND since = $3)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(subscription).bind(topic).bind(moment).fetch_one(c).await?))
}

/// The topics that a subscription has, with the moment in which each was chosen.
pub async fn chosen_since(db: Db<'_>, subscription: SubscriptionId) -> Result<Vec<(TopicId, Timestamp)>> {
    const SQL: &str =
        "SELECT topic_id, since FROM subscription_topics WHERE subscription_id = $1 ORDER BY topic_id";
    Ok(on!(db, |c| sqlx::query_as(SQL).bind(subscription).fetch_all(c).await?))
}
