//! The welcome series: puts each step into the outbox when its day has come.
//!
//! The note that a reader gets a step and its mail are written in one transaction, and the note has a primary
//! key: two engines, or one that crashed in between, send nothing twice. A mail that is withdrawn before the
//! wire takes its note with it, so that its turn comes again should the reader come back.
//!
//! A step's day is so many times 24 hours after confirming, and counts for whoever reaches it while the step is
//! active. There are two looks: at those whose day has just come, with every wake and every two seconds, and
//! once in an hour at all who waited, because they paused, or because nothing ran.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use super::patience::Patience;
use super::shift::Shift;
use crate::mail;
use crate::model::welcome::text_for;
use crate::model::{Language, OutboxKind, SubscriptionId, Timestamp, WelcomeStep, WelcomeStepId};
use crate::store::outbox::{self, NewMail};
use crate::store::welcome::{self, DueReader, Window};
use crate::store::{Result, articles, newsletters};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Readers taken in one transaction: a few milliseconds.
const BATCH: i64 = 100;
/// Most mails of the series that wait in the outbox: a confirmation that comes after them waits for seconds.
const QUEUED_MAX: i64 = 200;
/// How far back the frequent look goes: much longer than two looks are apart.
const RECENT: Duration = Duration::from_secs(15 * 60);
const FULL_EVERY: Duration = Duration::from_secs(3600);
/// Whoever could not have a step for longer, paused for example, is no newcomer any more.
const LATE_MAX: Duration = Duration::from_secs(90 * 24 * 3600);
/// Steps that waited do not come all at once. Shorter than a day, so that no step is put off by the one before.
const APART: Duration = Duration::from_secs(12 * 3600);

/// What is left of the full look.
#[derive(Debug, Default)]
struct Rounds {
    full_at: Option<Timestamp>,
    /// Steps whose readers are all to be looked at, and up to where that has come.
    open: BTreeMap<WelcomeStepId, Option<(Timestamp, SubscriptionId)>>,
    /// Steps that could not be sent when they were last looked at all over: the log told of them.
    told: BTreeSet<WelcomeStepId>,
}

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let mut work = shift.signals.work.subscribe();
    let mut patience = Patience::new("look for steps of the welcome series");
    let mut rounds = Rounds::default();
    while !*shift.signals.stop.borrow() {
        work.mark_unchanged();
        match look(shift, &mut rounds).await {
            Ok(()) => {
                patience.over();
                shift.idle(&mut work, None).await;
            }
            Err(error) => {
                shift.unless_stopped(patience.wait(&error)).await;
            }
        }
    }
}

async fn look(shift: &Shift, rounds: &mut Rounds) -> Result<()> {
    let now = shift.clock.now();
    let steps = welcome::active(shift.store.read().await?.db()).await?;
    // Also when the clock was set back.
    if rounds.full_at.is_none_or(|at| at > now || now.since(at) >= FULL_EVERY) {
        rounds.open = steps.iter().map(|step| (step.id, None)).collect();
        rounds.full_at = Some(now);
        rounds.told.clear();
    }
    for step in &steps {
        let after = rounds.open.remove(&step.id);
        if let Some(left) = queue(shift, step, after, &mut rounds.told, now).await? {
            rounds.open.insert(step.id, Some(left));
        }
        if *shift.signals.stop.borrow() {
            return Ok(());
        }
    }
    Ok(())
}

/// Queues a step for all whose turn it is. Answers where it stopped when the outbox is full.
async fn queue(
    shift: &Shift,
    step: &WelcomeStep,
    full: Option<Option<(Timestamp, SubscriptionId)>>,
    told: &mut BTreeSet<WelcomeStepId>,
    now: Timestamp,
) -> Result<Option<(Timestamp, SubscriptionId)>> {
    let Some(mut window) = window(step, full, now) else { return Ok(None) };
    loop {
        let mut reader = shift.store.read().await?;
        let found = welcome::due(reader.db(), step, &window, BATCH, now).await?;
        let Some(last) = found.last() else { return Ok(None) };
        let room = QUEUED_MAX - welcome::queued_count(reader.db()).await?;
        drop(reader);
        if room <= 0 {
            return Ok(Some(window.after.unwrap_or((window.from, SubscriptionId(0)))));
        }
        let taken: Vec<_> = found.iter().take(usize::try_from(room).unwrap_or_default()).collect();
        let behind = taken.last().copied().unwrap_or(last);
        window.after = Some((behind.confirmed_at, behind.subscription_id));
        queue_for(shift, step, &taken, told, now).await?;
        if *shift.signals.stop.borrow() {
            return Ok(window.after);
        }
    }
}

/// Whose turn it is, by the moment of confirming; `None` while nobody can have reached the day.
fn window(
    step: &WelcomeStep,
    full: Option<Option<(Timestamp, SubscriptionId)>>,
    now: Timestamp,
) -> Option<Window> {
    let days = DAY * u32::try_from(step.days).ok()?;
    let since = step.active_since?.minus(days);
    let until = now.minus(days);
    let back = if full.is_some() { LATE_MAX } else { RECENT };
    let from = since.max(until.minus(back));
    (from <= until).then(|| Window { from, until, after: full.flatten(), quiet_since: now.minus(APART) })
}

/// Writes notes and mails of a batch in one transaction.
async fn queue_for(
    shift: &Shift,
    step: &WelcomeStep,
    readers: &[&DueReader],
    told: &mut BTreeSet<WelcomeStepId>,
    now: Timestamp,
) -> Result<()> {
    let can_be_sent = sendable(shift, step, readers, told).await?;
    let mut mails = 0;
    let mut tx = shift.store.begin().await?;
    for reader in readers.iter().filter(|reader| can_be_sent.contains(&reader.language)) {
        if !welcome::mark(&mut tx, reader.subscription_id, step.id, now).await? {
            continue;
        }
        let mail = NewMail {
            kind: OutboxKind::Welcome,
            newsletter_id: step.newsletter_id,
            subscription_id: Some(reader.subscription_id),
            to_address: None,
            issue_id: None,
            welcome_step_id: Some(step.id),
            language: reader.language,
            // No token is derived for it.
            nonce: Vec::new(),
            message_uuid: Uuid::now_v7(),
        };
        outbox::insert_bulk(&mut tx, &[&mail], now).await?;
        mails += 1;
    }
    tx.commit().await?;
    if mails > 0 {
        tracing::info!(step = %step.id, mails, "mails of a welcome series are in the outbox");
        shift.signals.wake();
        shift.signals.did();
    }
    Ok(())
}

/// The languages of these readers in which the step can be rendered. One that cannot, because its article is a
/// draft again for example, waits until somebody has set it right; the log tells of it once in an hour.
async fn sendable(
    shift: &Shift,
    step: &WelcomeStep,
    readers: &[&DueReader],
    told: &mut BTreeSet<WelcomeStepId>,
) -> Result<Vec<Language>> {
    let mut reader = shift.store.read().await?;
    let Some(newsletter) = newsletters::by_id(reader.db(), step.newsletter_id).await? else {
        return Ok(Vec::new());
    };
    let texts = welcome::texts(reader.db(), step.id).await?;
    let mut sendable = Vec::new();
    for language in Language::ALL.iter().filter(|l| readers.iter().any(|reader| reader.language == **l)) {
        let Some(text) = text_for(&texts, *language, newsletter.language) else { continue };
        let article = match text.article_id {
            Some(id) => articles::by_id(reader.db(), id).await?,
            None => None,
        };
        match mail::welcome::render(&newsletter, text, article.as_ref(), &shift.settings.public_url) {
            Ok(_) => sendable.push(*language),
            Err(error) if told.insert(step.id) => {
                tracing::warn!(step = %step.id, %language, %error, "a step of the welcome series cannot be sent");
            }
            Err(_) => {}
        }
    }
    Ok(sendable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NewsletterId;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn step(days: i64, active_since: Option<Timestamp>) -> WelcomeStep {
        WelcomeStep {
            id: WelcomeStepId(1),
            newsletter_id: NewsletterId(1),
            days,
            active_since,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    #[test]
    fn whoever_is_past_the_day_when_a_step_begins_is_outside() {
        let began = NOW.minus(DAY * 2);
        let window = window(&step(7, Some(began)), Some(None), NOW).expect("a window");
        assert_eq!((window.from, window.until), (began.minus(DAY * 7), NOW.minus(DAY * 7)));
    }

    #[test]
    fn the_frequent_look_goes_back_a_little_and_the_full_one_far() {
        let began = NOW.minus(DAY * 1000);
        let recent = window(&step(0, Some(began)), None, NOW).expect("a window");
        assert_eq!(recent.from, NOW.minus(RECENT));
        let full = window(&step(0, Some(began)), Some(None), NOW).expect("a window");
        assert_eq!(full.from, NOW.minus(LATE_MAX));
    }

    #[test]
    fn a_step_that_is_not_active_is_nobodys() {
        assert!(window(&step(0, None), Some(None), NOW).is_none());
    }
}
