//! Segments: a filter of a newsletter's people under a name.

use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::keys::sha256_hex;
use crate::model::{Act, Filter, NewsletterId, Permission, Segment, SegmentId};
use crate::store::{Store, StoreError, Tx, segments};

/// Most segments of a newsletter: a list that can still be read.
const SEGMENTS_MAX: i64 = 100;
const NAME_MAX_CHARS: usize = 80;
/// Of a mark: that two states have the same is one chance in 2^64.
const MARK_DIGITS: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// Fields: `name`, `filter`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("there is no such segment")]
    NotFound,
    #[error("somebody else has changed this segment in the meantime")]
    Changed,
    #[error("a mailing is scheduled to this segment")]
    InUse,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a segment is now, in short: the form carries it, so that nobody overwrites what they have not seen.
pub fn mark(segment: &Segment) -> String {
    let mut mark = sha256_hex(format!("{:?}", (&segment.name, &segment.filter)).as_bytes());
    mark.truncate(MARK_DIGITS);
    mark
}

fn checked(name: &str, filter: &Filter) -> Result<(String, String), FieldErrors> {
    let mut errors = FieldErrors::new();
    let name = super::typed::line(&mut errors, "name", name, NAME_MAX_CHARS, true);
    if filter.is_everyone() {
        errors.add("filter", Message::new("error-filter-empty"));
    } else if filter.clone().checked().is_err() {
        errors.add("filter", Message::new("error-filter-large"));
    }
    errors.or((name, filter.to_json()))
}

fn taken(error: StoreError) -> SegmentError {
    match error {
        error if error.is_duplicate() => {
            FieldErrors::of("name", Message::new("error-segment-name-taken")).into()
        }
        error => error.into(),
    }
}

/// Keeps a filter under a name.
///
/// # Errors
/// [`SegmentError::Invalid`] names every field that is wrong.
pub async fn add(
    store: &Store,
    clock: &Clock,
    newsletter: NewsletterId,
    name: &str,
    filter: &Filter,
) -> Result<Segment, SegmentError> {
    store.permit(Permission::ChangeSubscribers, Some(newsletter))?;
    let (name, filter) = checked(name, filter)?;
    let mut tx = store.begin().await?;
    if segments::count(tx.db(), newsletter).await? >= SEGMENTS_MAX {
        let message = Message::new("error-segments-many").number("most", SEGMENTS_MAX);
        return Err(FieldErrors::of("name", message).into());
    }
    let segment = segments::insert(&mut tx, newsletter, &name, &filter, clock.now()).await.map_err(taken)?;
    tx.note(Act::SegmentAdded, Some(newsletter), segment.id.0).await?;
    tx.commit().await?;
    Ok(segment)
}

/// Changes one that still is as it was `seen`, its [`mark`]; `None` overwrites whatever is there. Mailings that are
/// scheduled keep the filter of then.
///
/// # Errors
/// As [`add`]; [`SegmentError::Changed`] when somebody else was faster.
pub async fn change(
    store: &Store,
    clock: &Clock,
    id: SegmentId,
    seen: Option<&str>,
    name: &str,
    filter: &Filter,
) -> Result<(), SegmentError> {
    let (name, filter) = checked(name, filter)?;
    let mut tx = store.begin().await?;
    let before = permitted(&mut tx, id).await?;
    if seen.is_some_and(|seen| seen != mark(&before)) {
        return Err(SegmentError::Changed);
    }
    // Two who save at once have both seen the same: the second finds another row than it read.
    if !segments::update(&mut tx, &before, &name, &filter, clock.now()).await.map_err(taken)? {
        return Err(SegmentError::Changed);
    }
    tx.note(Act::SegmentChanged, Some(before.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes it.
///
/// # Errors
/// [`SegmentError::InUse`] while a mailing is scheduled to it.
pub async fn delete(store: &Store, id: SegmentId) -> Result<(), SegmentError> {
    let mut tx = store.begin().await?;
    let newsletter = permitted(&mut tx, id).await?.newsletter_id;
    let is_deleted = segments::delete(&mut tx, id).await?;
    if !is_deleted {
        let is_there = segments::by_id(tx.db(), id).await?.is_some();
        return Err(if is_there { SegmentError::InUse } else { SegmentError::NotFound });
    }
    tx.note(Act::SegmentDeleted, Some(newsletter), id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// A segment that may be changed.
async fn permitted(tx: &mut Tx, id: SegmentId) -> Result<Segment, SegmentError> {
    let segment = segments::by_id(tx.db(), id).await?.ok_or(SegmentError::NotFound)?;
    tx.permit(Permission::ChangeSubscribers, Some(segment.newsletter_id))?;
    Ok(segment)
}
