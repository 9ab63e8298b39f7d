//! When an issue goes out: a moment in the newsletter's time zone, or now. Scheduling freezes what is sent.

use std::time::Duration;

use chrono::{MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::approval::{FourEyes, content_of};
use super::check::Finding;
use super::compose::{Composed, View, compose};
use crate::clock::Clock;
use crate::i18n::{Message, Texts};
use crate::keys::sha256_hex;
use crate::mail::issue::web_url_in;
use crate::mail::slot::clean_line;
use crate::mail::tracking::{Tracked, of_second_link, track};
use crate::model::{
    Act, Condition, Filter, IssueArticle, IssueId, Language, Mailing, MailingId, Newsletter, Permission,
    Segment, SegmentId, Selection, Timestamp, UserId,
};
use crate::store::mailings::{self, Content};
use crate::store::{self, Db, Store, StoreError, Tx, mailing_links, mailing_overrides};

/// A time that was right when the form was filled in is not refused for being a little past.
const PAST_MAX: Duration = Duration::from_secs(60);
/// Later than this is a mistyped year.
const AHEAD_MAX: Duration = Duration::from_secs(2 * 366 * 24 * 3600);
/// Longest gap that a clock was ever put forward by, in minutes: a day (Samoa, 2011), and room.
const GAP_MAX_MINUTES: i64 = 26 * 60;
/// Longest reason to send in spite of an error; what is longer is cut.
const REASON_MAX_CHARS: usize = 500;

/// When to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Now,
    /// Now, but for this long it can still be called back.
    AfterUndo(Duration),
    /// On the clocks of the newsletter's time zone.
    Local(NaiveDateTime),
}

/// When, by whom, and in spite of what.
#[derive(Debug, Clone)]
pub struct Scheduling {
    pub when: When,
    /// `None`: the command line.
    pub user: Option<UserId>,
    /// Why errors that may be overridden are; `None`: they are not.
    pub reason: Option<String>,
    /// To this segment of its newsletter only; `None`: to everyone whom the issue is for.
    pub segment: Option<SegmentId>,
    /// For so long it can be called back at least, whatever moment was chosen.
    pub undo: Duration,
    /// The [`seen_of`] what the last step showed; `None`: nothing was shown.
    pub seen: Option<String>,
}

impl From<When> for Scheduling {
    fn from(when: When) -> Self {
        Self { when, user: None, reason: None, segment: None, undo: Duration::ZERO, seen: None }
    }
}

#[derive(Debug)]
pub struct Scheduled {
    pub mailing: Mailing,
    /// `false` when the issue had its mailing already: a second click.
    pub is_new: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("{}", self.message())]
    NotFound,
    #[error("{}", self.message())]
    BadTime,
    #[error("{}", self.message())]
    Past,
    #[error("{}", self.message())]
    TooFar,
    /// What must be mended first; also holds warnings.
    #[error("{}", blocked(.0))]
    Blocked(Vec<Finding>),
    /// An error is to be overridden, and nobody says why.
    #[error("{}", self.message())]
    NoReason,
    /// Somebody else must approve it first.
    #[error("{}", self.message())]
    NotApproved,
    /// It is no longer what the last step showed, or errors came up since that nobody overrode.
    #[error("{}", self.message())]
    Changed,
    /// It is to go now, and nobody would get it.
    #[error("{}", self.message())]
    NoReaders,
    /// The segment that it was to go to is gone.
    #[error("{}", self.message())]
    NoSegment,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ScheduleError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::NotFound => Message::new("error-issue-not-found"),
            Self::BadTime => Message::new("schedule-bad-time"),
            Self::Past => Message::new("schedule-past"),
            Self::TooFar => Message::new("schedule-too-far"),
            Self::Blocked(_) => Message::new("schedule-blocked"),
            Self::NoReason => Message::new("schedule-no-reason"),
            Self::NotApproved => Message::new("schedule-not-approved"),
            Self::Changed => Message::new("error-issue-changed"),
            Self::NoReaders => Message::new("schedule-no-readers"),
            Self::NoSegment => Message::new("schedule-no-segment"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

fn blocked(findings: &[Finding]) -> String {
    let lines = findings.iter().filter(|finding| finding.blocks()).map(|finding| format!("\n- {finding}"));
    format!("{}{}", Message::new("schedule-blocked"), lines.collect::<String>())
}

/// What the last step shows, for its button to hand back: the issue as it is, and each error that would be overridden.
pub fn seen_of(composed: &Composed) -> String {
    let errors = composed.findings.iter().filter(|finding| finding.blocks()).map(seen_error);
    std::iter::once(content_of(composed)).chain(errors).collect::<Vec<_>>().join(" ")
}

fn seen_error(finding: &Finding) -> String {
    sha256_hex(format!("{}\n{finding}", finding.key()).as_bytes())
}

/// Whether nothing is sent that was not shown. Errors that are gone since stand in nobody's way.
fn is_what_was_seen(composed: &Composed, seen: &str) -> bool {
    let mut parts = seen.split(' ');
    if parts.next() != Some(content_of(composed).as_str()) {
        return false;
    }
    let errors: Vec<_> = parts.collect();
    composed
        .findings
        .iter()
        .filter(|finding| finding.blocks())
        .all(|finding| errors.contains(&seen_error(finding).as_str()))
}

/// How many of a segment would get an issue if it went out now; `None` when its filter cannot be read.
///
/// # Errors
/// Of the database.
pub async fn count_in(db: Db<'_>, composed: &Composed, segment: &Segment) -> Result<Option<i64>, StoreError> {
    let Ok(mut filter) = Filter::parse(&segment.filter) else { return Ok(None) };
    let mut within = Filter::default();
    if let Some(topic) = composed.issue.topic_id {
        within = std::mem::replace(&mut filter, Filter::all(vec![Condition::Topic { has: true, topic }]));
    }
    let newsletter = Some(composed.newsletter.id);
    let selection = Selection { newsletter, filter, within, ..Selection::default() };
    Ok(Some(store::people::count_audience(db, &selection, composed.issue.rhythm).await?))
}

/// Reads `2027-03-28T02:30` or `2027-03-28 02:30`, with or without seconds.
///
/// # Errors
/// [`ScheduleError::BadTime`].
pub fn parse_local(text: &str) -> Result<NaiveDateTime, ScheduleError> {
    let text = text.trim().replace('T', " ");
    ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
        .ok_or(ScheduleError::BadTime)
}

/// The newsletter's time zone; UTC if the stored name is none, which adding a newsletter prevents.
pub fn zone_of(newsletter: &Newsletter) -> Tz {
    newsletter.time_zone.parse().unwrap_or(Tz::UTC)
}

/// The moment at which clocks in a zone show a time. A time that occurs twice is its first occurrence; one
/// that is skipped is the next that exists (R20).
///
/// # Errors
/// [`ScheduleError::BadTime`] when there is none in a day.
pub fn moment(local: NaiveDateTime, zone: Tz) -> Result<Timestamp, ScheduleError> {
    for minutes in 0..=GAP_MAX_MINUTES {
        let local = local.checked_add_signed(TimeDelta::minutes(minutes)).ok_or(ScheduleError::BadTime)?;
        match zone.from_local_datetime(&local) {
            MappedLocalTime::Single(moment) | MappedLocalTime::Ambiguous(moment, _) => {
                return Ok(Timestamp::from_utc(moment.to_utc()));
            }
            MappedLocalTime::None => {}
        }
    }
    Err(ScheduleError::BadTime)
}

/// The moment of `when` for a newsletter, if it may be chosen now.
///
/// # Errors
/// [`ScheduleError`]: past, too far ahead, or no time at all.
pub fn due_at(when: When, newsletter: &Newsletter, now: Timestamp) -> Result<Timestamp, ScheduleError> {
    let due_at = match when {
        When::Now => return Ok(now),
        When::AfterUndo(window) => return Ok(now.plus(window)),
        When::Local(local) => moment(local, zone_of(newsletter))?,
    };
    if due_at < now.minus(PAST_MAX) {
        Err(ScheduleError::Past)
    } else if due_at > now.plus(AHEAD_MAX) {
        Err(ScheduleError::TooFar)
    } else {
        Ok(due_at)
    }
}

/// Whether it is to go as soon as it can: a moment of the last minute may still be chosen.
pub fn is_at_once(when: When, chosen: Timestamp, now: Timestamp) -> bool {
    matches!(when, When::Now | When::AfterUndo(_)) || chosen <= now
}

/// Schedules an issue: checks and renders it, and keeps what will be sent, in one transaction. An issue that
/// is scheduled already answers with its mailing, whatever `when` says.
///
/// # Errors
/// [`ScheduleError`]; nothing is written then.
pub async fn schedule(
    store: &Store,
    clock: &Clock,
    public_url: &str,
    id: IssueId,
    scheduling: impl Into<Scheduling>,
) -> Result<Scheduled, ScheduleError> {
    let mut tx = store.begin().await?;
    let scheduled = schedule_in(&mut tx, clock.now(), public_url, id, scheduling.into()).await?;
    tx.commit().await?;
    Ok(scheduled)
}

/// The same in a transaction of the caller, who rolls it back on an error.
///
/// # Errors
/// As [`schedule`].
pub(super) async fn schedule_in(
    tx: &mut Tx,
    now: Timestamp,
    public_url: &str,
    id: IssueId,
    scheduling: Scheduling,
) -> Result<Scheduled, ScheduleError> {
    let Scheduling { when, user, reason, segment, undo, seen } = scheduling;
    let issue = store::issues::lock(tx, id).await?.ok_or(ScheduleError::NotFound)?;
    tx.permit(Permission::SendIssues, Some(issue.newsletter_id))?;
    if let Some(mailing) = mailings::of_issue(tx.db(), id).await? {
        return Ok(Scheduled { mailing, is_new: false });
    }
    let newsletter = store::newsletters::by_id(tx.db(), issue.newsletter_id).await?;
    let chosen = due_at(when, &newsletter.ok_or(ScheduleError::NotFound)?, now)?;
    let due_at = chosen.max(now.plus(undo));
    let composed = compose(tx.db(), id, due_at, public_url).await?.ok_or(ScheduleError::NotFound)?;
    if composed.newsletter.needs_approval && !FourEyes::of(tx.db(), &composed).await?.is_approved() {
        return Err(ScheduleError::NotApproved);
    }
    let segment = match segment {
        Some(segment) => {
            let found = store::segments::by_id(tx.db(), segment).await?;
            let found = found.filter(|segment| segment.newsletter_id == composed.newsletter.id);
            Some(found.ok_or(ScheduleError::NoSegment)?)
        }
        None => None,
    };
    // It would use up the number of the issue, and be called sent. On the command line that is somebody's own business.
    if user.is_some() && is_at_once(when, chosen, now) {
        let count = match &segment {
            Some(segment) => count_in(tx.db(), &composed, segment).await?.ok_or(ScheduleError::NoSegment)?,
            None => composed.audience,
        };
        if count == 0 {
            return Err(ScheduleError::NoReaders);
        }
    }
    let overridden = overridden(&composed, reason.as_deref())?;
    if seen.is_some_and(|seen| !is_what_was_seen(&composed, &seen)) {
        return Err(ScheduleError::Changed);
    }
    let contents = contents(&composed)?;
    let newsletter = composed.newsletter.id;
    let mut mailing = mailings::insert(tx, id, newsletter, due_at, now).await?;
    if let Some(segment) = segment {
        mailings::set_segment(tx, mailing.id, &segment).await?;
        mailing.segment_name = Some(segment.name);
        mailing.segment_filter = Some(segment.filter);
    }
    if let Some((findings, reason)) = overridden {
        keep_overrides(tx, mailing.id, &findings, &reason, user, now).await?;
    }
    let url = |language| web_url_in(public_url, &composed.issue, &composed.newsletter, language);
    keep_contents(tx, &mailing, contents, url).await?;
    for view in composed.views() {
        let translation = (view.language != composed.newsletter.language).then_some(view.language);
        for IssueArticle { article, position, .. } in view.articles {
            let (id, version) = (article.id, article.version);
            mailings::insert_translated(tx, mailing.id, id, *position, version, translation).await?;
        }
    }
    tx.note(Act::IssueScheduled, Some(composed.newsletter.id), id.0).await?;
    Ok(Scheduled { mailing, is_new: true })
}

/// What is mailed to the readers of each language.
fn contents(composed: &Composed) -> Result<Vec<Content>, ScheduleError> {
    let content = |view: View<'_>| {
        let Ok(rendered) = view.rendered else {
            return Err(ScheduleError::Blocked(composed.findings.clone()));
        };
        Ok(Content {
            language: view.language,
            subject: rendered.subject.clone(),
            second_subject: rendered.second_subject.clone(),
            html: rendered.html.clone(),
            text: rendered.text.clone(),
            web_html: rendered.web_html.clone(),
        })
    };
    composed.views().map(content).collect()
}

/// Keeps what is mailed, and where clicks are counted its links: numbered through all languages, and each once more for the
/// second of two subjects, so that a trial knows which of them was clicked.
async fn keep_contents(
    tx: &mut Tx,
    mailing: &Mailing,
    contents: Vec<Content>,
    web_url: impl Fn(Language) -> String,
) -> Result<(), StoreError> {
    let mut links = Vec::new();
    for mut content in contents {
        if mailing.tracking.is_on() {
            let Tracked { html, text, links: own } =
                track(&content.html, &content.text, &[&web_url(content.language)], links.len());
            (content.html, content.text) = (html, text);
            links.extend(own);
        }
        mailings::insert_content(tx, mailing.id, &content).await?;
    }
    if mailing.trial.share > 0 {
        links.extend(links.clone().into_iter().map(of_second_link));
    }
    mailing_links::insert(tx, mailing.id, &links).await?;
    Ok(())
}

/// The errors that are overridden, and why; `None` when there are none.
fn overridden(
    composed: &Composed,
    reason: Option<&str>,
) -> Result<Option<(Vec<Finding>, String)>, ScheduleError> {
    if composed.is_ready() {
        return Ok(None);
    }
    let Some(reason) = reason.filter(|_| composed.can_be_overridden()) else {
        return Err(ScheduleError::Blocked(composed.findings.clone()));
    };
    let reason: String = clean_line(reason).chars().take(REASON_MAX_CHARS).collect();
    if reason.is_empty() {
        return Err(ScheduleError::NoReason);
    }
    Ok(Some((composed.findings.iter().filter(|finding| finding.blocks()).cloned().collect(), reason)))
}

async fn keep_overrides(
    tx: &mut Tx,
    mailing: MailingId,
    findings: &[Finding],
    reason: &str,
    user: Option<UserId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let t = Texts::new(Language::English);
    let findings: Vec<_> = findings.iter().map(|finding| (finding.key(), finding.in_words(t))).collect();
    mailing_overrides::insert(tx, mailing, &findings, reason, user, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brussels(text: &str) -> String {
        let local = parse_local(text).expect("a time");
        moment(local, chrono_tz::Europe::Brussels).expect("a moment").rfc3339()
    }

    #[test]
    fn a_time_that_the_clock_skips_is_the_next_that_exists() {
        assert_eq!(brussels("2027-03-28 02:30"), "2027-03-28T01:00:00Z");
        assert_eq!(brussels("2027-03-28T03:00"), "2027-03-28T01:00:00Z");
        assert_eq!(brussels("2027-03-28T01:59"), "2027-03-28T00:59:00Z");
    }

    #[test]
    fn a_time_that_occurs_twice_is_its_first_occurrence() {
        assert_eq!(brussels("2027-10-31 02:30"), "2027-10-31T00:30:00Z");
        assert_eq!(brussels("2027-10-31 03:30"), "2027-10-31T02:30:00Z");
    }

    #[test]
    fn a_day_that_a_country_skipped_is_the_next_day() {
        let local = parse_local("2011-12-30 12:00").expect("a time");
        let moment = moment(local, chrono_tz::Pacific::Apia).expect("a moment");
        assert_eq!(moment.rfc3339(), "2011-12-30T10:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "morgen", "2027-02-30 10:00", "2027-03-28", "2027-03-28 25:00", "10:00"] {
            assert!(matches!(parse_local(text), Err(ScheduleError::BadTime)), "{text}");
        }
    }
}
