//! What someone wants to read about.

use super::{Answer, Opened, open};
use crate::clock::Clock;
use crate::keys::Keys;
use crate::model::{SubscriptionChange, TopicId};
use crate::store::{Result, Store, bulk_acts, mailings, subscription_changes, topics as table};
use crate::subscriptions::unsubscribe::skip;

/// Chooses exactly these of the topics that the newsletter offers; others are not looked at. Someone who drops the
/// topic of a mailing that is going out is skipped in it; someone who adds it gets the next.
///
/// # Errors
/// Only of the database.
pub async fn set_topics(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    link: &str,
    wanted: &[TopicId],
) -> Result<Answer> {
    let Opened { mut tx, subscription, open } = match open(store, keys, link).await? {
        Ok(opened) => opened,
        Err(answer) => return Ok(answer),
    };
    let now = clock.now();
    bulk_acts::forget(&mut tx, subscription.id).await?;
    let chosen = table::chosen(tx.db(), subscription.id).await?;
    let mut has_changed = false;
    for topic in table::of_newsletter(tx.db(), subscription.newsletter_id).await? {
        if topic.archived_at.is_some() {
            continue;
        }
        let (was, is) = (chosen.contains(&topic.id), wanted.contains(&topic.id));
        has_changed |= was != is;
        match (was, is) {
            (false, true) => {
                let since = mailings::after_starts(now, &open);
                table::choose(&mut tx, subscription.id, topic.id, since).await?;
            }
            (true, false) => {
                let of_topic: Vec<_> =
                    open.iter().filter(|mailing| mailing.topic_id == Some(topic.id)).cloned().collect();
                skip(&mut tx, &subscription, &of_topic, now).await?;
                table::unchoose(&mut tx, subscription.id, topic.id).await?;
            }
            _ => {}
        }
    }
    if has_changed {
        subscription_changes::insert(&mut tx, subscription.id, SubscriptionChange::Topics, now).await?;
    }
    tx.commit().await?;
    Ok(Answer::Saved)
}
