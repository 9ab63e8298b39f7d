//! What people do with a run: approve it, skip it, try it again, take its issue over. By a link in a mail, which is the
//! permission of one user, or at the desk.

use super::run::{Desk, next};
use crate::clock::Clock;
use crate::i18n::Message;
use crate::keys::token_hash;
use crate::model::{
    Act, Actor, DigestRule, DigestRuleId, DigestRun, DigestRunId, IssueId, Newsletter, Permission, RunReason,
    RunState, Timestamp, User, UserId,
};
use crate::publishing::approval::{ApproveError, FourEyes, approve_in, content_of};
use crate::publishing::compose::{Composed, compose};
use crate::store::{
    self, Store, StoreError, Tx, digest_runs, digests, grants, issues, mailings, newsletters, users,
};

#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error("{}", self.message())]
    NotFound,
    /// It has been sent, skipped, or taken over meanwhile.
    #[error("{}", self.message())]
    Over,
    #[error(transparent)]
    Approve(#[from] ApproveError),
    /// Somebody else must approve it as it is, before it is tried again.
    #[error("{}", self.message())]
    NotApproved,
    /// Other digests have taken what it had.
    #[error("{}", self.message())]
    Taken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ActError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::NotFound => Message::new("error-digest-not-found"),
            Self::Over => Message::new("error-digest-over"),
            Self::Approve(error) => error.message(),
            Self::NotApproved => Message::new("schedule-not-approved"),
            Self::Taken => Message::new("error-digest-taken"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }
}

/// What a link in the mail of a proposal leads to.
#[derive(Debug)]
pub struct Seen {
    pub user: User,
    /// What that user may do now.
    pub actor: Actor,
    pub newsletter: Newsletter,
    pub rule: DigestRule,
    pub run: DigestRun,
    /// `None` when its issue is gone.
    pub composed: Option<Composed>,
}

impl Seen {
    /// Whether it is approved as it is now.
    pub fn is_approved(&self) -> bool {
        self.composed.as_ref().is_some_and(|composed| is_approved(&self.run, composed))
    }

    /// Whether it is another than the one that its mail showed.
    pub fn is_edited(&self) -> bool {
        self.composed.as_ref().is_some_and(|composed| is_edited(&self.run, composed))
    }
}

/// Whether the issue of a run is another than the one that the mail of its proposal showed.
pub fn is_edited(run: &DigestRun, composed: &Composed) -> bool {
    match run.proposed_content.as_str() {
        "" => Some(composed.issue.version) != run.issue_version,
        shown => content_of(composed) != shown,
    }
}

/// Whether a run is approved as its issue is now.
pub fn is_approved(run: &DigestRun, composed: &Composed) -> bool {
    !run.approved_content.is_empty() && run.approved_content == content_of(composed)
}

/// Looks at a link; changes nothing. `None` for one that is not ours, or whose user works here no more.
///
/// # Errors
/// Of the database.
pub async fn look(
    store: &Store,
    clock: &Clock,
    public_url: &str,
    token: &str,
) -> Result<Option<Seen>, StoreError> {
    let Some(hash) = token_hash(token) else { return Ok(None) };
    let mut reader = store.read().await?;
    let Some((run, user)) = digest_runs::of_token(reader.db(), &hash).await? else { return Ok(None) };
    let Some(run) = digest_runs::by_id(reader.db(), run).await? else { return Ok(None) };
    let user = users::all(reader.db()).await?.into_iter().find(|one| one.id == user && one.is_active());
    let rule = digests::by_id(reader.db(), run.rule_id).await?;
    let newsletter = newsletters::by_id(reader.db(), run.newsletter_id).await?;
    let composed = match run.issue_id {
        Some(issue) => compose(reader.db(), issue, run.due_at.max(clock.now()), public_url).await?,
        None => None,
    };
    let (Some(user), Some(rule), Some(newsletter)) = (user, rule, newsletter) else { return Ok(None) };
    let grants = grants::of_user(reader.db(), user.id).await?;
    let actor = Actor::user(user.id, &user.name, grants);
    Ok(Some(Seen { user, actor, newsletter, rule, run, composed }))
}

/// What an approval of a run leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approved {
    /// It goes at its time.
    Goes,
    /// What this user wrote of it, another must approve too.
    Half,
    /// It had failed: now it can be tried again.
    CanRetry,
}

/// Approves a run as its issue is now. A newsletter with four eyes asks for somebody who did not write it; there, one that
/// failed may be approved too, so that it can be tried again. Doing so twice is fine. `seen` is the [`content_of`] what the
/// page showed; `None`: there is no page.
///
/// # Errors
/// [`ActError`].
pub async fn approve(
    desk: Desk<'_>,
    id: DigestRunId,
    user: UserId,
    seen: Option<&str>,
) -> Result<Approved, ActError> {
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    let run = digest_runs::lock(&mut tx, id).await?.ok_or(ActError::NotFound)?;
    tx.permit(Permission::ApproveIssues, Some(run.newsletter_id))?;
    let newsletter = newsletters::by_id(tx.db(), run.newsletter_id).await?.ok_or(ActError::NotFound)?;
    let has_failed = run.state == RunState::Failed && newsletter.needs_approval;
    if !run.state.is_open() && !has_failed {
        return Err(ActError::Over);
    }
    let issue = run.issue_id.ok_or(ActError::NotFound)?;
    let content = if newsletter.needs_approval {
        let (content, is_enough) = approve_in(&mut tx, now, desk.public_url, issue, user, seen).await?;
        if !is_enough {
            tx.commit().await?;
            return Ok(Approved::Half);
        }
        content
    } else {
        issues::lock(&mut tx, issue).await?;
        let composed = compose(tx.db(), issue, now, desk.public_url).await?.ok_or(ActError::NotFound)?;
        if !composed.is_ready() {
            return Err(ApproveError::Blocked.into());
        }
        let content = content_of(&composed);
        if seen.is_some_and(|seen| seen != content) {
            return Err(ApproveError::Changed.into());
        }
        content
    };
    digest_runs::set_actor(&mut tx, id, Some(user), &content, now).await?;
    if !has_failed {
        digest_runs::set_state(&mut tx, id, RunState::Approved, RunReason::None).await?;
    }
    tx.note(Act::DigestApproved, Some(run.newsletter_id), run.rule_id.0).await?;
    tx.commit().await?;
    Ok(if has_failed { Approved::CanRetry } else { Approved::Goes })
}

/// Skips a run: it is not sent, and its articles wait for the next.
///
/// # Errors
/// [`ActError::Over`] when that is too late.
pub async fn skip(
    store: &Store,
    clock: &Clock,
    id: DigestRunId,
    user: Option<UserId>,
) -> Result<(), ActError> {
    end(store, clock, id, user, RunReason::Stopped).await
}

/// Takes the issue of a run over: from now on it is an issue like any other, and the rule does nothing with it.
///
/// # Errors
/// [`ActError::Over`] when that is too late.
pub async fn to_desk(
    store: &Store,
    clock: &Clock,
    id: DigestRunId,
    user: Option<UserId>,
) -> Result<IssueId, ActError> {
    let issue = digest_runs::by_id(store.read().await?.db(), id).await?.and_then(|run| run.issue_id);
    let issue = issue.ok_or(ActError::NotFound)?;
    end(store, clock, id, user, RunReason::Desk).await?;
    Ok(issue)
}

async fn end(
    store: &Store,
    clock: &Clock,
    id: DigestRunId,
    user: Option<UserId>,
    reason: RunReason,
) -> Result<(), ActError> {
    let mut tx = store.begin().await?;
    let run = digest_runs::lock(&mut tx, id).await?.ok_or(ActError::NotFound)?;
    tx.permit(Permission::SetDigests, Some(run.newsletter_id))?;
    // Twice is fine; and what failed may be given up.
    if run.state == RunState::Skipped && run.reason == reason {
        return Ok(());
    }
    if !run.state.is_open() && run.state != RunState::Failed {
        return Err(ActError::Over);
    }
    if is_scheduled(&mut tx, &run).await? {
        tx.commit().await?;
        return Err(ActError::Over);
    }
    digest_runs::set_actor(&mut tx, id, user, "", clock.now()).await?;
    digest_runs::set_state(&mut tx, id, RunState::Skipped, reason).await?;
    let act = if reason == RunReason::Desk { Act::DigestTaken } else { Act::DigestSkipped };
    tx.note(act, Some(run.newsletter_id), run.rule_id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether somebody scheduled the issue of a run by hand; then that is what became of the run.
pub(super) async fn is_scheduled(tx: &mut Tx, run: &DigestRun) -> Result<bool, StoreError> {
    let Some(issue) = run.issue_id else { return Ok(false) };
    // Who schedules holds it too.
    issues::lock(tx, issue).await?;
    let Some(mailing) = mailings::of_issue(tx.db(), issue).await? else { return Ok(false) };
    digest_runs::set_mailing(tx, run.id, mailing.id).await?;
    digest_runs::set_state(tx, run.id, RunState::Scheduled, RunReason::None).await?;
    Ok(true)
}

/// Skips the next date of a rule, before its proposal is made or after.
///
/// # Errors
/// [`ActError::NotFound`] for a rule that is off.
pub async fn skip_next(
    store: &Store,
    clock: &Clock,
    id: DigestRuleId,
    user: Option<UserId>,
) -> Result<Timestamp, ActError> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    let rule = digests::lock(&mut tx, id).await?.ok_or(ActError::NotFound)?;
    tx.permit(Permission::SetDigests, Some(rule.newsletter_id))?;
    let rule = Some(rule).filter(|rule| rule.on_since.is_some()).ok_or(ActError::NotFound)?;
    if let Some(run) = digest_runs::open(tx.db(), id).await?.into_iter().next() {
        drop(tx);
        skip(store, clock, run.id, user).await?;
        return Ok(run.due_at);
    }
    let newsletter = newsletters::by_id(tx.db(), rule.newsletter_id).await?.ok_or(ActError::NotFound)?;
    let mut after = now;
    // Those of which the next are skipped already.
    for _ in 0..SKIPS_MAX {
        let Some(next) = next(&rule, &newsletter, after) else { break };
        let state = (RunState::Skipped, RunReason::Stopped);
        let (period, at) = (next.occasion.period(), next.occasion.at);
        if let Some(run) = digest_runs::insert(&mut tx, &rule, &period, at, state, 0, now).await? {
            digest_runs::set_actor(&mut tx, run.id, user, "", now).await?;
            tx.note(Act::DigestSkipped, Some(rule.newsletter_id), rule.id.0).await?;
            tx.commit().await?;
            return Ok(at);
        }
        after = at;
    }
    Err(ActError::Over)
}

/// So many dates may be skipped ahead: whoever wants more switches the rule off.
const SKIPS_MAX: usize = 12;

/// Skips one date of a rule, before its proposal is made or after. Doing so twice is fine.
///
/// # Errors
/// [`ActError::Over`] when something else has become of it.
pub async fn skip_date(
    store: &Store,
    clock: &Clock,
    id: DigestRuleId,
    period: &str,
    user: Option<UserId>,
) -> Result<(), ActError> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    let rule = digests::lock(&mut tx, id).await?.ok_or(ActError::NotFound)?;
    tx.permit(Permission::SetDigests, Some(rule.newsletter_id))?;
    let rule = Some(rule).filter(|rule| rule.on_since.is_some()).ok_or(ActError::NotFound)?;
    if let Some(run) = digest_runs::of_period(tx.db(), id, period).await? {
        // Its proposal was made since the page was shown, or somebody pressed twice.
        drop(tx);
        return skip(store, clock, run.id, user).await;
    }
    let newsletter = newsletters::by_id(tx.db(), rule.newsletter_id).await?.ok_or(ActError::NotFound)?;
    let mut after = now;
    for _ in 0..DATES_MAX {
        let Some(next) = next(&rule, &newsletter, after) else { break };
        if next.occasion.period() == period {
            let state = (RunState::Skipped, RunReason::Stopped);
            let made = digest_runs::insert(&mut tx, &rule, period, next.occasion.at, state, 0, now).await?;
            let run = made.ok_or(ActError::Over)?;
            digest_runs::set_actor(&mut tx, run.id, user, "", now).await?;
            tx.note(Act::DigestSkipped, Some(rule.newsletter_id), rule.id.0).await?;
            tx.commit().await?;
            return Ok(());
        }
        after = next.occasion.at;
    }
    Err(ActError::NotFound)
}

/// Takes back that a date was skipped ahead: it is one like any other again. Doing so twice is fine.
///
/// # Errors
/// [`ActError::Over`] when that is too late, or something else has become of it.
pub async fn unskip(store: &Store, clock: &Clock, id: DigestRuleId, period: &str) -> Result<(), ActError> {
    let mut tx = store.begin().await?;
    let rule = digests::lock(&mut tx, id).await?.ok_or(ActError::NotFound)?;
    tx.permit(Permission::SetDigests, Some(rule.newsletter_id))?;
    let Some(run) = digest_runs::of_period(tx.db(), id, period).await? else { return Ok(()) };
    if !digest_runs::delete_skipped(&mut tx, run.id, clock.now()).await? {
        return Err(ActError::Over);
    }
    tx.note(Act::DigestUnskipped, Some(rule.newsletter_id), rule.id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// As far ahead as the calendar shows dates: two a week for half a year, and room.
const DATES_MAX: usize = 200;

/// Tries a run again that failed: the same issue with the same articles, now. What another digest has taken meanwhile
/// is left out.
///
/// # Errors
/// [`ActError::Taken`] when nothing is left; [`ActError::NotApproved`] where four eyes must see it first: it stays as
/// failed, without what was left out.
pub async fn retry(desk: Desk<'_>, id: DigestRunId, user: Option<UserId>) -> Result<(), ActError> {
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    let run = digest_runs::by_id(tx.db(), id).await?.ok_or(ActError::NotFound)?;
    // The rule first, as proposals take it: what is free now stays free until this is done.
    let rule = digests::lock(&mut tx, run.rule_id).await?.ok_or(ActError::NotFound)?;
    tx.permit(Permission::SetDigests, Some(rule.newsletter_id))?;
    let run = digest_runs::lock(&mut tx, id).await?.ok_or(ActError::NotFound)?;
    if run.state != RunState::Failed {
        return Err(ActError::Over);
    }
    let issue = run.issue_id.ok_or(ActError::NotFound)?;
    let issue = issues::lock(&mut tx, issue).await?.ok_or(ActError::NotFound)?;
    let rows = issues::articles(tx.db(), issue.id).await?;
    let taken = digests::taken(tx.db(), &rule, &run).await?;
    let before = rows.len();
    let left: Vec<crate::model::Placed> =
        rows.into_iter().filter(|row| !taken.contains(&row.article.id)).map(Into::into).collect();
    if left.is_empty() {
        return Err(ActError::Taken);
    }
    if left.len() < before {
        issues::set_articles(&mut tx, issue.id, &left).await?;
    }
    let composed = compose(tx.db(), issue.id, now, desk.public_url).await?.ok_or(ActError::NotFound)?;
    if !composed.is_ready() {
        return Err(ApproveError::Blocked.into());
    }
    // At its moment it would be skipped, and over for good.
    if composed.newsletter.needs_approval && !FourEyes::of(tx.db(), &composed).await?.is_approved() {
        // What was left out stays so: nobody approves what will not go.
        tx.commit().await?;
        return Err(ActError::NotApproved);
    }
    // Whoever presses it wants it to go.
    digest_runs::set_actor(&mut tx, id, user, &content_of(&composed), now).await?;
    digest_runs::set_due(&mut tx, id, now).await?;
    digest_runs::set_state(&mut tx, id, RunState::Approved, RunReason::None).await?;
    tx.note(Act::DigestRetried, Some(rule.newsletter_id), rule.id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// The rule and the run of a URL, which belong to a newsletter.
///
/// # Errors
/// Of the database.
pub async fn run_of(
    reader: &mut store::Reader,
    rule: DigestRuleId,
    run: DigestRunId,
) -> Result<Option<DigestRun>, StoreError> {
    let run = digest_runs::by_id(reader.db(), run).await?;
    Ok(run.filter(|run| run.rule_id == rule))
}
