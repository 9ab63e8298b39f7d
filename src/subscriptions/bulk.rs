//! Acts on many subscriptions at once, worked off in the background, with an undo that restores exactly who was changed
//! and has not changed since.

use std::time::Duration;

use super::company::{end, evidence};
use super::consent;
use super::erase::erase;
use super::unsubscribe::skip;
use crate::clock::Clock;
use crate::keys::Keys;
use crate::model::{
    Act, Actor, BulkAct, BulkActId, BulkActKind, BulkActStatus, ConsentEvent, Mailing, NewsletterId,
    Permission, Selection, Subscription, SubscriptionId, SubscriptionStatus, Timestamp, TopicId, User,
    UserId,
};
use crate::store::bulk_acts::{self, NewAct};
use crate::store::{
    Store, StoreError, Tx, consents, grants, mailings, people, subscribers, subscriptions, topics, users,
};

/// Most subscriptions that are ticked one by one: what a page shows.
pub const TICKED_MAX: usize = 100;
/// Subscriptions of one transaction, on which those who sign up or leave meanwhile wait.
const STEP_ROWS: i64 = 200;
/// The same where each is a transaction of its own.
const ERASE_ROWS: i64 = 20;
/// After this, who works on it counts as dead.
const LEASE: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    #[error("nobody is selected")]
    Nobody,
    #[error("the act needs a topic of the newsletter")]
    NoTopic,
    /// The number that was typed is not that of those selected.
    #[error("{count} are selected")]
    NotSure { count: i64 },
    #[error("the act is in another state by now")]
    NotPossible,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub kind: BulkActKind,
    pub newsletter: NewsletterId,
    pub topic: Option<TopicId>,
    pub selection: Selection,
    /// For what has no undo: the number of people, as it was typed.
    pub typed_count: Option<i64>,
    pub user: Option<UserId>,
}

/// Begins an act.
///
/// # Errors
/// [`BulkError`]; nothing is written then.
pub async fn begin(store: &Store, clock: &Clock, wanted: Wanted) -> Result<BulkAct, BulkError> {
    store.permit(permission(wanted.kind), Some(wanted.newsletter))?;
    let mut selection = wanted.selection;
    selection.newsletter = Some(wanted.newsletter);
    selection.ids.truncate(TICKED_MAX);
    // Before the transaction: a count may walk through a million, and whoever signs up would wait for it. Who comes after
    // the last one is not meant.
    let mut reader = store.read().await?;
    let end_id = people::last_id(reader.db()).await?;
    let total = people::count(reader.db(), &selection, i64::MAX - 1).await?;
    drop(reader);
    if total == 0 {
        return Err(BulkError::Nobody);
    }
    if !wanted.kind.can_be_undone() && wanted.typed_count != Some(total) {
        return Err(BulkError::NotSure { count: total });
    }
    let mut tx = store.begin().await?;
    if matches!(wanted.kind, BulkActKind::AddTopic | BulkActKind::RemoveTopic) {
        let topic = match wanted.topic {
            Some(topic) => topics::by_id(tx.db(), topic).await?,
            None => None,
        };
        topic.filter(|topic| topic.newsletter_id == wanted.newsletter).ok_or(BulkError::NoTopic)?;
    }
    let json = serde_json::to_string(&selection).unwrap_or_default();
    let new = NewAct {
        kind: wanted.kind,
        newsletter_id: wanted.newsletter,
        topic_id: wanted.topic,
        selection: &json,
        total,
        end_id,
        user_id: wanted.user,
    };
    let act = bulk_acts::insert(&mut tx, new, clock.now()).await?;
    tx.note_detail(Act::SubscribersChanged, Some(wanted.newsletter), Some(act.id.0), wanted.kind.as_str())
        .await?;
    tx.commit().await?;
    Ok(act)
}

/// Has an act undone.
///
/// # Errors
/// [`BulkError::NotPossible`] unless it is done, and can be.
pub async fn undo(store: &Store, id: BulkActId) -> Result<(), BulkError> {
    let mut tx = store.begin().await?;
    let act = bulk_acts::by_id(tx.db(), id).await?.ok_or(BulkError::NotPossible)?;
    tx.permit(permission(act.kind), Some(act.newsletter_id))?;
    if !bulk_acts::begin_undo(&mut tx, id).await? {
        return Err(BulkError::NotPossible);
    }
    tx.note_detail(Act::SubscribersChanged, Some(act.newsletter_id), Some(id.0), "undo").await?;
    tx.commit().await?;
    Ok(())
}

/// What somebody must be allowed for an act.
const fn permission(kind: BulkActKind) -> Permission {
    match kind {
        BulkActKind::Erase => Permission::EraseSubscribers,
        BulkActKind::AddTopic | BulkActKind::RemoveTopic | BulkActKind::Unsubscribe => {
            Permission::ChangeSubscribers
        }
    }
}

/// Does a step of any act; `false` when there is nothing to do.
///
/// # Errors
/// Of the database: then nothing of the step is written, but for people who were erased, and it can be done again.
pub async fn work_off(store: &Store, clock: &Clock, keys: &Keys, worker: &str) -> Result<bool, StoreError> {
    if !bulk_acts::has_work(store.read().await?.db()).await? {
        return Ok(false);
    }
    let now = clock.now();
    let mut tx = store.begin().await?;
    let Some(act) = bulk_acts::take(&mut tx, worker, now, now.plus(LEASE)).await? else { return Ok(false) };
    if act.status == BulkActStatus::Undoing {
        undo_some(tx, &act, worker, clock).await?;
        return Ok(true);
    }
    let Ok(selection) = serde_json::from_str::<Selection>(&act.selection) else {
        bulk_acts::fail(&mut tx, act.id, now).await?;
        tx.commit().await?;
        return Ok(true);
    };
    if act.kind == BulkActKind::Erase {
        tx.commit().await?;
        erase_some(store, clock, keys, &act, &selection, worker).await?;
    } else {
        change_some(tx, &act, &selection, worker, clock).await?;
    }
    Ok(true)
}

/// How an act stands after these.
fn after(act: &BulkAct, ids: &[SubscriptionId], limit: i64, changed: i64, now: Timestamp) -> BulkAct {
    let looked_at = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let is_over = looked_at < limit;
    let mut after = act.clone();
    after.cursor = ids.last().copied().unwrap_or(act.cursor);
    match act.status {
        BulkActStatus::Undoing => after.restored += changed,
        _ => {
            after.looked_at += looked_at;
            after.changed += changed;
        }
    }
    if is_over {
        after.status =
            if act.status == BulkActStatus::Undoing { BulkActStatus::Undone } else { BulkActStatus::Done };
        after.finished_at = Some(now);
        // What was looked for may be a name: it is needed no longer.
        after.selection = String::new();
    }
    after
}

async fn change_some(
    mut tx: Tx,
    act: &BulkAct,
    selection: &Selection,
    worker: &str,
    clock: &Clock,
) -> Result<(), StoreError> {
    let ids = people::next_ids(tx.db(), selection, act.cursor, act.end_id, STEP_ROWS).await?;
    people::lock_all(&mut tx, &ids).await?;
    let open = mailings::lock_open(&mut tx, act.newsletter_id).await?;
    let now = mailings::after_starts(clock.now(), &open);
    let mut changed = 0;
    for id in &ids {
        let Some(before) = subscriptions::by_id(tx.db(), *id).await? else { continue };
        if change(&mut tx, act, &before, &open, now).await? {
            bulk_acts::note(&mut tx, act.id, *id, now).await?;
            changed += 1;
        }
    }
    if bulk_acts::advance(&mut tx, act, worker, &after(act, &ids, STEP_ROWS, changed, now)).await? {
        tx.commit().await?;
    }
    Ok(())
}

async fn change(
    tx: &mut Tx,
    act: &BulkAct,
    before: &Subscription,
    open: &[Mailing],
    now: Timestamp,
) -> Result<bool, StoreError> {
    match (act.kind, act.topic_id) {
        (BulkActKind::Unsubscribe, _) if before.status == SubscriptionStatus::Confirmed => {
            end(tx, before, open, now).await
        }
        (BulkActKind::AddTopic, Some(topic)) => {
            let has = topics::chosen(tx.db(), before.id).await?.contains(&topic);
            if !has {
                topics::choose(tx, before.id, topic, now).await?;
            }
            Ok(!has)
        }
        (BulkActKind::RemoveTopic, Some(topic)) => {
            let has = topics::chosen(tx.db(), before.id).await?.contains(&topic);
            if has {
                drop_topic(tx, before, topic, open, now).await?;
            }
            Ok(has)
        }
        _ => Ok(false),
    }
}

/// Who drops the topic of a mailing that is going out is skipped in it.
async fn drop_topic(
    tx: &mut Tx,
    before: &Subscription,
    topic: TopicId,
    open: &[Mailing],
    now: Timestamp,
) -> Result<(), StoreError> {
    let of_topic: Vec<_> = open.iter().filter(|mailing| mailing.topic_id == Some(topic)).cloned().collect();
    skip(tx, before, &of_topic, now).await?;
    topics::unchoose(tx, before.id, topic).await
}

async fn undo_some(mut tx: Tx, act: &BulkAct, worker: &str, clock: &Clock) -> Result<(), StoreError> {
    let noted = bulk_acts::noted(tx.db(), act.id, act.cursor, STEP_ROWS).await?;
    let ids: Vec<_> = noted.iter().map(|(id, _)| *id).collect();
    people::lock_all(&mut tx, &ids).await?;
    let open = mailings::lock_open(&mut tx, act.newsletter_id).await?;
    let now = mailings::after_starts(clock.now(), &open);
    let mut restored = 0;
    for (id, at) in noted {
        let Some(before) = subscriptions::by_id(tx.db(), id).await? else { continue };
        restored += i64::from(restore(&mut tx, act, &before, &open, at, now).await?);
    }
    if bulk_acts::advance(&mut tx, act, worker, &after(act, &ids, STEP_ROWS, restored, now)).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// Restores who is as the act left them, `at` its moment.
async fn restore(
    tx: &mut Tx,
    act: &BulkAct,
    before: &Subscription,
    open: &[Mailing],
    at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    match (act.kind, act.topic_id) {
        (BulkActKind::Unsubscribe, _) => {
            let is_as_left =
                before.status == SubscriptionStatus::Unsubscribed && before.unsubscribed_at == Some(at);
            let is_restored = is_as_left && subscriptions::restore(tx, before.id, now).await?;
            if is_restored {
                let row = consent(before, ConsentEvent::Restored, &evidence(), now);
                consents::insert(tx, &row).await?;
            }
            Ok(is_restored)
        }
        (BulkActKind::AddTopic, Some(topic)) => {
            let is_as_left = topics::is_chosen_at(tx.db(), before.id, topic, at).await?;
            if is_as_left {
                drop_topic(tx, before, topic, open, now).await?;
            }
            Ok(is_as_left)
        }
        (BulkActKind::RemoveTopic, Some(topic)) => {
            let is_as_left = !topics::chosen(tx.db(), before.id).await?.contains(&topic);
            if is_as_left {
                topics::choose(tx, before.id, topic, now).await?;
            }
            Ok(is_as_left)
        }
        _ => Ok(false),
    }
}

/// The database in the name of whoever began an act, with what they may by now.
async fn in_their_name(store: &Store, act: &BulkAct) -> Result<Store, StoreError> {
    let Some(id) = act.user_id else { return Ok(store.clone()) };
    let mut reader = store.read().await?;
    let user = users::by_id(reader.db(), id).await?.filter(User::is_active);
    Ok(store.acting(match user {
        Some(user) => Actor::user(id, &user.name, grants::of_user(reader.db(), id).await?),
        None => Actor::Visitor,
    }))
}

/// Each person is erased in a transaction of its own, with all subscriptions. Who also reads a newsletter in which the
/// one who began it may erase nobody is left as they are.
async fn erase_some(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    act: &BulkAct,
    selection: &Selection,
    worker: &str,
) -> Result<(), StoreError> {
    let mut reader = store.read().await?;
    let ids = people::next_ids(reader.db(), selection, act.cursor, act.end_id, ERASE_ROWS).await?;
    let mut addresses = Vec::with_capacity(ids.len());
    for id in &ids {
        let Some(found) = subscriptions::by_id(reader.db(), *id).await? else { continue };
        addresses.extend(subscribers::by_id(reader.db(), found.subscriber_id).await?.map(|one| one.address));
    }
    drop(reader);
    let theirs = in_their_name(store, act).await?;
    let mut changed = 0;
    for address in addresses {
        match erase(&theirs, clock, keys, &address).await {
            Ok(was_there) => changed += i64::from(was_there),
            Err(StoreError::Denied(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let mut tx = store.begin().await?;
    if bulk_acts::advance(&mut tx, act, worker, &after(act, &ids, ERASE_ROWS, changed, clock.now())).await? {
        tx.commit().await?;
    }
    Ok(())
}
