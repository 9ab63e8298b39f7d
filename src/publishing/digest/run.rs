//! What the service does with rules, again and again ([`tick`]): makes proposals, sends what is due, and follows the
//! mailings. Everything that several processes may do at once is one transaction under the row of a rule or a run, and
//! a date has one run by its unique key: the second process finds it done.

use std::time::Duration;

use chrono::Datelike as _;

use super::POOL_MAX;
use super::acts::is_scheduled;
use super::calendar::{self, Occasion};
use super::mails::{self, Post};
use super::plan::{Piece, Plan, Wanted, plan};
use super::words::{self, Words};
use crate::clock::Clock;
use crate::i18n::Texts;
use crate::keys::{Keys, NoRandomness};
use crate::model::{
    ArticleId, DigestPolicy, DigestRule, DigestRuleId, DigestRun, DigestRunId, Newsletter, Placed, RunReason,
    RunState, Timestamp,
};
use crate::publishing::approval::content_of;
use crate::publishing::compose::compose;
use crate::publishing::schedule::{ScheduleError, When, schedule_in, zone_of};
use crate::store::digests::{self, Candidate};
use crate::store::issues::{self, IssueText};
use crate::store::{self, Store, StoreError, Tx, digest_runs};

/// A digest that is older than this when something runs again is not sent any more: it would come with the next.
const LATE_MAX: Duration = Duration::from_secs(24 * 3600);
/// A proposal waits at least so long for an answer, or for the lead time of its rule where that is shorter.
const LEAD_LEAST: Duration = Duration::from_secs(2 * 3600);
/// Most runs that one tick sends.
const DUE_MAX: i64 = 50;
/// How often a number of an issue that was just taken by someone else is chosen again.
const RACES_MAX: usize = 5;
/// Longest preheader that is made of titles.
const PREHEADER_MAX_CHARS: usize = 140;

#[derive(Debug, thiserror::Error)]
pub enum TickError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// What runs need of the service.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    pub store: &'a Store,
    pub clock: &'a Clock,
    pub keys: &'a Keys,
    /// Without a slash at the end.
    pub public_url: &'a str,
}

/// Moves every run on as far as it can go now. Answers whether anything was written that the sender should see.
///
/// # Errors
/// Of the database; what was done so far is done.
pub async fn tick(desk: Desk<'_>) -> Result<bool, TickError> {
    let mut has_done = follow(desk).await?;
    let due = digest_runs::due(desk.store.read().await?.db(), desk.clock.now(), DUE_MAX).await?;
    for run in due {
        has_done |= send(desk, run.id).await?;
    }
    let rules = digests::active(desk.store.read().await?.db()).await?;
    for rule in rules {
        has_done |= propose(desk, rule.id).await?;
    }
    Ok(has_done)
}

async fn follow(desk: Desk<'_>) -> Result<bool, TickError> {
    if !digest_runs::has_scheduled(desk.store.read().await?.db()).await? {
        return Ok(false);
    }
    let mut tx = desk.store.begin().await?;
    digest_runs::follow_mailings(&mut tx).await?;
    tx.commit().await?;
    Ok(false)
}

/// What a rule waits for: the date that has no run yet, and when its issue is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    pub occasion: Occasion,
    pub proposed_at: Timestamp,
}

/// The next date of a rule from now on.
pub fn next(rule: &DigestRule, newsletter: &Newsletter, now: Timestamp) -> Option<Next> {
    let occasion = calendar::next(&rule.calendar.calendar, zone_of(newsletter), now)?;
    Some(Next { occasion, proposed_at: occasion.at.minus(lead(rule)) })
}

/// When the run of a date is due whose proposal is made now, or later and in time.
///
/// Where nothing ran when it was due, whoever works with it has the same time to look as ever. Where the proposal alone
/// is late, as of a rule that was just switched on, there is still some time.
pub fn due_at(rule: &DigestRule, occasion: Occasion, now: Timestamp) -> Timestamp {
    if occasion.at <= now {
        now.plus(lead(rule))
    } else {
        occasion.at.max(now.plus(lead(rule).min(LEAD_LEAST)))
    }
}

fn lead(rule: &DigestRule) -> Duration {
    Duration::from_secs(u64::try_from(rule.lead_hours).unwrap_or(1) * 3600)
}

/// Makes the proposal of a rule, if it is time.
async fn propose(desk: Desk<'_>, id: DigestRuleId) -> Result<bool, TickError> {
    for race in 1.. {
        match propose_once(desk, id).await {
            Err(TickError::Store(error)) if error.is_duplicate() && race < RACES_MAX => {}
            answer => return answer,
        }
    }
    Ok(false)
}

async fn propose_once(desk: Desk<'_>, id: DigestRuleId) -> Result<bool, TickError> {
    let now = desk.clock.now();
    let mut reader = desk.store.read().await?;
    let Some(rule) = digests::by_id(reader.db(), id).await? else { return Ok(false) };
    let Some(newsletter) = store::newsletters::by_id(reader.db(), rule.newsletter_id).await? else {
        return Ok(false);
    };
    let mut todo = Vec::new();
    for occasion in occasions(&rule, &newsletter, now) {
        if digest_runs::of_period(reader.db(), id, &occasion.period()).await?.is_none() {
            todo.push(occasion);
        }
    }
    drop(reader);
    if todo.is_empty() {
        return Ok(false);
    }
    let mut tx = desk.store.begin().await?;
    // As it is now: somebody may have changed it, or made the run, since it was read.
    let Some(rule) = digests::lock(&mut tx, id).await?.filter(|rule| rule.on_since.is_some()) else {
        return Ok(false);
    };
    digest_runs::follow_mailings(&mut tx).await?;
    let mut has_mail = false;
    for occasion in todo.into_iter().filter(|occasion| occasions(&rule, &newsletter, now).contains(occasion))
    {
        has_mail |= begin(desk, &mut tx, &rule, &newsletter, occasion, now).await?;
    }
    tx.commit().await?;
    Ok(has_mail)
}

/// The dates that need a run now: the last, if it fell in the time of the rule, and the next once its lead time has come.
fn occasions(rule: &DigestRule, newsletter: &Newsletter, now: Timestamp) -> Vec<Occasion> {
    let Some(on_since) = rule.on_since else { return Vec::new() };
    let zone = zone_of(newsletter);
    let last = calendar::last(&rule.calendar.calendar, zone, now).filter(|one| one.at > on_since);
    let next = next(rule, newsletter, now).filter(|next| next.proposed_at <= now).map(|next| next.occasion);
    last.into_iter().chain(next).collect()
}

/// Begins the run of a date. Answers whether there is mail to send.
async fn begin(
    desk: Desk<'_>,
    tx: &mut Tx,
    rule: &DigestRule,
    newsletter: &Newsletter,
    occasion: Occasion,
    now: Timestamp,
) -> Result<bool, TickError> {
    let period = occasion.period();
    if now.since(occasion.at) > LATE_MAX {
        let (state, reason) = (RunState::Skipped, RunReason::Missed);
        let missed = digest_runs::insert(tx, rule, &period, occasion.at, (state, reason), 0, now).await?;
        let Some(run) = missed else { return Ok(false) };
        tracing::warn!(rule = %rule.id, %period, "a digest was missed: nothing ran when it was due");
        mails::outcome(tx, Post { desk, rule, run: &run }, state, reason, now).await?;
        return Ok(true);
    }
    let due_at = due_at(rule, occasion, now);
    let pool = digests::candidates(tx.db(), rule, now, POOL_MAX).await?;
    let (articles, found) = match choose(rule, &pool, now) {
        Plan::Make { articles, found } => (articles, found),
        Plan::TooFew { found } => {
            let state = (RunState::Skipped, RunReason::TooFew);
            let found = i64::try_from(found).unwrap_or(i64::MAX);
            digest_runs::insert(tx, rule, &period, due_at, state, found, now).await?;
            tracing::info!(rule = %rule.id, %period, found, "a digest has too few articles");
            return Ok(false);
        }
    };
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    let state = (RunState::Proposed, RunReason::None);
    let Some(mut run) = digest_runs::insert(tx, rule, &period, due_at, state, found, now).await? else {
        return Ok(false);
    };
    let issue = make_issue(tx, rule, newsletter, &articles, &pool, occasion, now).await?;
    digest_runs::set_issue(tx, run.id, issue.id, issue.version).await?;
    (run.issue_id, run.issue_version) = (Some(issue.id), Some(issue.version));
    mails::proposal(desk, tx, rule, &run, now).await?;
    tracing::info!(rule = %rule.id, run = %run.id, issue = %issue.id, "a digest is proposed");
    Ok(true)
}

/// What the rule would choose of a pool.
pub fn choose(rule: &DigestRule, pool: &[Candidate], now: Timestamp) -> Plan {
    let pieces: Vec<Piece> = pool
        .iter()
        .map(|candidate| Piece {
            article: candidate.id,
            at: candidate.at,
            is_pinned: candidate.is_pinned && rule.sort == crate::model::DigestOrder::Pinned,
        })
        .collect();
    let wanted = Wanted {
        order: rule.sort,
        fewest: usize::try_from(rule.fewest).unwrap_or(1),
        most: usize::try_from(rule.most).unwrap_or(1),
        since: rule.since,
    };
    // What runs took is not in the pool: see `store::digests::candidates`.
    plan(&pieces, &[], wanted, now)
}

/// The words of a rule for these articles.
pub fn issue_text(
    rule: &DigestRule,
    newsletter: &Newsletter,
    chosen: &[&Candidate],
    number: i64,
    date: chrono::NaiveDate,
) -> IssueText {
    let month = Texts::new(newsletter.language).text(&format!("month-{}", date.month()));
    let title = chosen.first().map(|article| article.title.as_str()).unwrap_or_default();
    let filled = Words { number, month: &month, title };
    IssueText {
        subject: words::fill(&rule.subject, filled),
        preheader: preheader(chosen),
        intro: words::fill(&rule.intro, filled),
        ..IssueText::default()
    }
}

/// The titles behind the first, or the teaser of the only one, as far as an inbox shows them.
fn preheader(chosen: &[&Candidate]) -> String {
    let titles: Vec<&str> = chosen.iter().skip(1).map(|article| article.title.as_str()).collect();
    let text = match chosen {
        [only] => only.teaser.replace('\n', " "),
        _ => titles.join(" · "),
    };
    // A merge field that was cut in two would be a mistake that nobody made.
    let text = text.replace("{{", "{ {");
    if text.chars().count() <= PREHEADER_MAX_CHARS {
        return text;
    }
    let cut: String = text.chars().take(PREHEADER_MAX_CHARS).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{}…", &cut[..end])
}

async fn make_issue(
    tx: &mut Tx,
    rule: &DigestRule,
    newsletter: &Newsletter,
    articles: &[ArticleId],
    pool: &[Candidate],
    occasion: Occasion,
    now: Timestamp,
) -> Result<crate::model::Issue, StoreError> {
    let chosen: Vec<&Candidate> =
        articles.iter().filter_map(|id| pool.iter().find(|one| one.id == *id)).collect();
    let draft = issue_text(rule, newsletter, &chosen, 0, occasion.date);
    let issue = issues::insert(tx, newsletter.id, &draft, now).await?;
    // Its number is only known now.
    let text = issue_text(rule, newsletter, &chosen, issue.number, occasion.date);
    let issue = issues::update(tx, issue.id, issue.version, &text, now).await?.unwrap_or(issue);
    let placed: Vec<Placed> = articles.iter().map(|id| Placed::new(*id, rule.display)).collect();
    issues::set_articles(tx, issue.id, &placed).await?;
    issues::set_rhythm(tx, issue.id, rule.audience).await?;
    Ok(issue)
}

/// What becomes of a run whose moment has come.
enum End {
    Scheduled,
    Not(RunState, RunReason),
}

/// Sends a run that is due, or says why not.
async fn send(desk: Desk<'_>, id: DigestRunId) -> Result<bool, TickError> {
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    let Some(run) = digest_runs::lock(&mut tx, id).await? else { return Ok(false) };
    if !run.state.is_open() || run.due_at > now {
        return Ok(false);
    }
    let Some(rule) = digests::by_id(tx.db(), run.rule_id).await? else { return Ok(false) };
    tx.savepoint().await?;
    let (state, reason) = match end_of(desk, &mut tx, &rule, &run, now).await? {
        End::Scheduled => (RunState::Scheduled, RunReason::None),
        End::Not(state, reason) => {
            // Whatever was begun is none.
            tx.roll_back_to_savepoint().await?;
            (state, reason)
        }
    };
    digest_runs::set_state(&mut tx, id, state, reason).await?;
    if state != RunState::Scheduled {
        let post = Post { desk, rule: &rule, run: &run };
        mails::outcome(&mut tx, post, state, reason, now).await?;
    }
    tx.commit().await?;
    tracing::info!(run = %id, %state, %reason, "the moment of a digest has come");
    Ok(true)
}

async fn end_of(
    desk: Desk<'_>,
    tx: &mut Tx,
    rule: &DigestRule,
    run: &DigestRun,
    now: Timestamp,
) -> Result<End, TickError> {
    // Somebody has scheduled it by hand: that is what became of it, however late it is noticed.
    if is_scheduled(tx, run).await? {
        return Ok(End::Scheduled);
    }
    if now.since(run.due_at) > LATE_MAX {
        return Ok(End::Not(RunState::Skipped, RunReason::Late));
    }
    let Some(issue) = run.issue_id else { return Ok(End::Not(RunState::Failed, RunReason::Blocked)) };
    // Who edits it waits, or has saved.
    issues::lock(tx, issue).await?;
    let Some(composed) = compose(tx.db(), issue, now, desk.public_url).await? else {
        return Ok(End::Not(RunState::Failed, RunReason::Blocked));
    };
    if composed.articles.is_empty() {
        return Ok(End::Not(RunState::Skipped, RunReason::Empty));
    }
    // Somebody edited an article of another digest of the rule into it, or mailed one of it to the same readers.
    let taken = digests::taken(tx.db(), rule, run).await?;
    if composed.articles.iter().any(|row| taken.contains(&row.article.id)) {
        return Ok(End::Not(RunState::Failed, RunReason::Blocked));
    }
    let is_approved = !run.approved_content.is_empty() && run.approved_content == content_of(&composed);
    if rule.policy == DigestPolicy::IfApproved && !is_approved {
        return Ok(End::Not(RunState::Skipped, RunReason::NotApproved));
    }
    match schedule_in(tx, now, desk.public_url, issue, When::Now.into()).await {
        Ok(scheduled) => {
            digest_runs::set_mailing(tx, run.id, scheduled.mailing.id).await?;
            Ok(End::Scheduled)
        }
        Err(ScheduleError::NotApproved) => Ok(End::Not(RunState::Skipped, RunReason::NotApproved)),
        Err(ScheduleError::Store(error)) => Err(error.into()),
        Err(_) => Ok(End::Not(RunState::Failed, RunReason::Blocked)),
    }
}
