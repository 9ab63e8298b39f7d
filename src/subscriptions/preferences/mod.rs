//! What a subscriber decides: topics, rhythm, language, a pause, tracking, another address; and to see or to erase
//! everything that is known.
//!
//! A signed link names the subscription and is the whole permission, as for leaving. Every verb here is one
//! transaction, and doing it twice is success twice. Who leaves an audience in the middle of a mailing is skipped
//! in it, who comes back is in the next one: the account of every mailing still balances.
//! To add a preference: a verb here or in a file of its own, its group on `web/public/preferences/`, its tests.

pub mod address;
pub mod data;
pub mod erasing;
pub mod pause;
pub mod topics;
pub mod tracking;

use super::unsubscribe::{lock, skip};
use crate::clock::Clock;
use crate::keys::{Keys, Purpose};
use crate::model::topic::text_for;
use crate::model::{
    Language, Mailing, Newsletter, Rhythm, Subscriber, Subscription, SubscriptionChange, SubscriptionId,
    SubscriptionStatus, Topic, TopicId, TopicText,
};
use crate::store::{
    Result, Store, Tx, digests, mailings, newsletters, subscribers, subscription_changes, subscriptions,
};

/// What a link to preferences leads to. Looking changes nothing.
#[derive(Debug, Clone)]
pub enum Preferences {
    Open(Box<Seen>),
    /// The link is ours, and the person was erased.
    Gone,
    /// Not our link.
    Unknown,
}

/// A subscription with what its owner can choose.
#[derive(Debug, Clone)]
pub struct Seen {
    pub newsletter: Newsletter,
    pub subscription: Subscription,
    pub subscriber: Subscriber,
    /// Offered by the newsletter, in order.
    topics: Vec<Topic>,
    texts: Vec<TopicText>,
    /// Whether the newsletter has a digest a month.
    pub has_monthly: bool,
    chosen: Vec<TopicId>,
}

/// A topic for a reader to choose.
#[derive(Debug, Clone)]
pub struct TopicChoice {
    pub id: TopicId,
    pub name: String,
    pub description: String,
    pub is_chosen: bool,
}

impl Seen {
    /// The topics in the words of a language.
    pub fn topics(&self, language: Language) -> Vec<TopicChoice> {
        let choice = |topic: &Topic| {
            let text = text_for(&self.texts, topic.id, language, self.newsletter.language);
            TopicChoice {
                id: topic.id,
                name: text.map_or_else(|| topic.key.clone(), |text| text.name.clone()),
                description: text.map(|text| text.description.clone()).unwrap_or_default(),
                is_chosen: self.chosen.contains(&topic.id),
            }
        };
        self.topics.iter().map(choice).collect()
    }

    /// Whether there is something to choose: not before the owner has confirmed, and not after leaving.
    pub fn is_subscribed(&self) -> bool {
        self.subscription.status == SubscriptionStatus::Confirmed
    }
}

/// What became of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Saved,
    /// Not confirmed, or left: nothing was changed.
    NotSubscribed,
    Gone,
    Unknown,
}

/// What the page behind a link shows.
///
/// # Errors
/// Only of the database.
pub async fn look(store: &Store, keys: &Keys, link: &str) -> Result<Preferences> {
    let Some(id) = keys.open_link(Purpose::Preferences, link) else { return Ok(Preferences::Unknown) };
    Ok(look_at(store, id).await?.map_or(Preferences::Gone, |seen| Preferences::Open(Box::new(seen))))
}

/// The preferences of a subscription; `None` when it is gone.
///
/// # Errors
/// Only of the database.
pub async fn look_at(store: &Store, id: SubscriptionId) -> Result<Option<Seen>> {
    use crate::store::topics as table;
    let mut reader = store.read().await?;
    let Some(subscription) = subscriptions::by_id(reader.db(), id).await? else { return Ok(None) };
    let newsletter = newsletters::by_id(reader.db(), subscription.newsletter_id).await?;
    let subscriber = subscribers::by_id(reader.db(), subscription.subscriber_id).await?;
    let (Some(newsletter), Some(subscriber)) = (newsletter, subscriber) else { return Ok(None) };
    let mut topics = table::of_newsletter(reader.db(), newsletter.id).await?;
    topics.retain(|topic| topic.archived_at.is_none());
    let texts = table::texts(reader.db(), newsletter.id).await?;
    let chosen = table::chosen(reader.db(), id).await?;
    let has_monthly = digests::has_monthly(reader.db(), newsletter.id).await?;
    Ok(Some(Seen { newsletter, subscription, subscriber, topics, texts, has_monthly, chosen }))
}

/// A subscription whose owner is at it, locked, with the mailings that have not ended.
struct Opened {
    tx: Tx,
    subscription: Subscription,
    open: Vec<Mailing>,
}

/// Opens a link for a change; `Err` is the answer when there is nothing to change.
async fn open(store: &Store, keys: &Keys, link: &str) -> Result<std::result::Result<Opened, Answer>> {
    let Some(id) = keys.open_link(Purpose::Preferences, link) else { return Ok(Err(Answer::Unknown)) };
    open_in(store.begin().await?, id).await
}

/// The same in a transaction that has begun. It may hold counters, and nothing else.
async fn open_in(mut tx: Tx, id: SubscriptionId) -> Result<std::result::Result<Opened, Answer>> {
    let Some((subscription, open)) = lock(&mut tx, id).await? else { return Ok(Err(Answer::Gone)) };
    if subscription.status != SubscriptionStatus::Confirmed {
        return Ok(Err(Answer::NotSubscribed));
    }
    Ok(Ok(Opened { tx, subscription, open }))
}

/// In which language pages and mails speak to this subscriber.
///
/// # Errors
/// Only of the database.
pub async fn set_language(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    link: &str,
    language: Language,
) -> Result<Answer> {
    let Opened { mut tx, subscription, .. } = match open(store, keys, link).await? {
        Ok(opened) => opened,
        Err(answer) => return Ok(answer),
    };
    subscriptions::choose_language(&mut tx, subscription.id, language).await?;
    if language != subscription.language {
        let what = SubscriptionChange::Language;
        subscription_changes::insert(&mut tx, subscription.id, what, clock.now()).await?;
    }
    tx.commit().await?;
    Ok(Answer::Saved)
}

/// Each issue, or a digest a month instead. No page offers the second while the newsletter has no monthly digest, and
/// who chose it gets each issue then (`docs/decisions/0027-digests.md`).
///
/// # Errors
/// Only of the database.
pub async fn set_rhythm(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    link: &str,
    rhythm: Rhythm,
) -> Result<Answer> {
    let Opened { mut tx, subscription, open } = match open(store, keys, link).await? {
        Ok(opened) => opened,
        Err(answer) => return Ok(answer),
    };
    let now = clock.now();
    // Also back to each issue: a digest that is going out was for who had chosen it.
    if rhythm != subscription.rhythm {
        skip(&mut tx, &subscription, &open, now).await?;
        subscription_changes::insert(&mut tx, subscription.id, SubscriptionChange::Rhythm, now).await?;
    }
    let since = mailings::after_starts(now, &open);
    subscriptions::set_pace(&mut tx, subscription.id, rhythm, subscription.paused_until, since).await?;
    tx.commit().await?;
    Ok(Answer::Saved)
}
