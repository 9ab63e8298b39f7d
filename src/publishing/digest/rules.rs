//! The rules of a newsletter: made, changed, switched on and off.

use chrono::NaiveDate;

use super::acts::is_scheduled;
use super::words::{self, Words};
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::mail::slot;
use crate::model::{
    Act, ArticleDisplay, ArticleId, Calendar, CalendarText, DigestOrder, DigestPolicy, DigestRule,
    DigestRuleId, DigestSource, Language, Newsletter, NewsletterId, Permission, Rhythm, RunReason, RunState,
    Tag, Timestamp,
};
use crate::publishing::check::field_message;
use crate::publishing::schedule::{moment, zone_of};
use crate::publishing::{self, articles, issues};
use crate::store::digests::{self as table, RuleText};
use crate::store::{self, Store, StoreError, Tx, digest_runs, mailings, subscriptions};

/// Most rules of a newsletter.
pub const RULES_MAX: usize = 10;
const NAME_MAX_CHARS: usize = 60;
const SUBJECT_MAX_CHARS: usize = 200;
const INTRO_MAX_CHARS: usize = 5000;
/// Longest time between a proposal and its moment, in hours: shorter than a week, so that a weekly digest does not
/// propose the next before the last has gone.
pub const LEAD_MAX_HOURS: i64 = 144;

/// A rule as typed.
#[derive(Debug, Clone, Default)]
pub struct RuleInput {
    pub name: String,
    /// `each` or `monthly`.
    pub audience: String,
    /// `published` or `mailed`.
    pub source: String,
    /// `unless_stopped` or `if_approved`.
    pub policy: String,
    /// Empty: any.
    pub language: String,
    /// Names with commas.
    pub tags: String,
    pub sort: String,
    pub fewest: String,
    pub most: String,
    pub display: String,
    pub subject: String,
    pub intro: String,
    /// As [`Calendar`] reads it.
    pub calendar: String,
    pub lead_hours: String,
    /// A day: articles of before are none of its.
    pub since: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Fields: as in [`RuleInput`].
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("{}", self.message())]
    NotFound,
    /// Somebody else saved in between.
    #[error("{}", self.message())]
    Conflict,
    #[error("{}", self.message())]
    TooMany,
    /// Readers would move in the middle of a mailing: it must end first.
    #[error("{}", self.message())]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RuleError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::NotFound => Message::new("error-digest-not-found"),
            Self::Conflict => Message::new("error-conflict"),
            Self::TooMany => {
                let most = i64::try_from(RULES_MAX).unwrap_or(i64::MAX);
                Message::new("error-digest-too-many").number("most", most)
            }
            Self::Busy => Message::new("error-digest-busy"),
            Self::Store(_) => Message::new("page-error-internal"),
        }
    }
}

/// What was typed, checked.
struct Parsed {
    text: RuleText,
    tags: Vec<Tag>,
}

fn choice<T: std::str::FromStr>(errors: &mut FieldErrors, field: &'static str, text: &str, or: T) -> T {
    text.trim().parse().unwrap_or_else(|_| {
        errors.add(field, Message::new("error-choose"));
        or
    })
}

fn number(errors: &mut FieldErrors, field: &'static str, text: &str, least: i64, most: i64) -> i64 {
    let number = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
    number.unwrap_or_else(|| {
        errors.add(field, Message::new("error-digest-number").number("least", least).number("most", most));
        least
    })
}

fn parse(newsletter: &Newsletter, input: &RuleInput) -> Result<Parsed, FieldErrors> {
    let mut errors = FieldErrors::new();
    let name = publishing::line(&mut errors, "name", &input.name, NAME_MAX_CHARS, true);
    let calendar = match input.calendar.parse::<Calendar>() {
        Ok(calendar) => Some(calendar),
        Err(_) => {
            errors.add("calendar", Message::new("error-digest-calendar"));
            None
        }
    };
    let articles_max = i64::try_from(issues::ARTICLES_MAX).unwrap_or(i64::MAX);
    let fewest = number(&mut errors, "fewest", &input.fewest, 1, articles_max);
    let most = number(&mut errors, "most", &input.most, fewest, articles_max);
    let language = match input.language.trim() {
        "" => None,
        text => Some(choice(&mut errors, "language", text, newsletter.language)),
    };
    let audience = choice(&mut errors, "audience", &input.audience, Rhythm::Each);
    let source = match audience {
        // They have had what was mailed to them.
        Rhythm::Each => DigestSource::Published,
        Rhythm::Monthly => choice(&mut errors, "source", &input.source, DigestSource::Mailed),
    };
    let tags = articles::parse_tags(&mut errors, &input.tags);
    let subject = publishing::line(&mut errors, "subject", &input.subject, SUBJECT_MAX_CHARS, true);
    check_words(&mut errors, "subject", &subject, newsletter);
    let intro = publishing::text(&mut errors, "intro", &input.intro, INTRO_MAX_CHARS);
    for line in intro.lines() {
        if errors.field("intro").is_none() {
            check_words(&mut errors, "intro", line, newsletter);
        }
    }
    let since = NaiveDate::parse_from_str(input.since.trim(), "%Y-%m-%d").ok();
    let since =
        since.and_then(|date| moment(date.and_time(chrono::NaiveTime::MIN), zone_of(newsletter)).ok());
    if since.is_none() {
        errors.add("since", Message::new("error-digest-since"));
    }
    let text = RuleText {
        name,
        audience,
        source,
        policy: choice(&mut errors, "policy", &input.policy, DigestPolicy::UnlessStopped),
        language,
        tags: tags.iter().map(Tag::name).collect::<Vec<_>>().join(", "),
        sort: choice(&mut errors, "sort", &input.sort, DigestOrder::Newest),
        fewest,
        most,
        display: choice(&mut errors, "display", &input.display, ArticleDisplay::Teaser),
        subject,
        intro,
        // `errors` is not empty where the fallbacks are taken.
        calendar: calendar.map_or_else(fallback_calendar, CalendarText::from),
        lead_hours: number(&mut errors, "lead_hours", &input.lead_hours, 1, LEAD_MAX_HOURS),
        since: since.unwrap_or(Timestamp::from_millis(0)),
    };
    errors.or(Parsed { text, tags })
}

fn fallback_calendar() -> CalendarText {
    let days = crate::model::Days::MonthEnd;
    CalendarText::from(Calendar { days, time: chrono::NaiveTime::MIN })
}

/// That every merge word in a line is one.
fn check_words(errors: &mut FieldErrors, field: &'static str, line: &str, newsletter: &Newsletter) {
    let filled = words::fill(line, Words { number: 1, month: "x", title: "x" });
    if let Err(error) = slot::line(&filled, &newsletter.name) {
        errors.add(field, field_message(&error));
    }
}

/// Adds a rule that is off.
///
/// # Errors
/// [`RuleError`].
pub async fn create(
    store: &Store,
    clock: &Clock,
    newsletter: NewsletterId,
    input: &RuleInput,
) -> Result<DigestRule, RuleError> {
    let mut tx = store.begin().await?;
    tx.permit(Permission::SetDigests, Some(newsletter))?;
    let newsletter = store::newsletters::by_id(tx.db(), newsletter).await?.ok_or(RuleError::NotFound)?;
    let parsed = parse(&newsletter, input)?;
    if table::of_newsletter(tx.db(), newsletter.id).await?.len() >= RULES_MAX {
        return Err(RuleError::TooMany);
    }
    let rule = table::insert(&mut tx, newsletter.id, &parsed.text, clock.now()).await?;
    table::set_tags(&mut tx, rule.id, &parsed.tags).await?;
    tx.note(Act::DigestAdded, Some(newsletter.id), rule.id.0).await?;
    tx.commit().await?;
    Ok(rule)
}

/// Saves over the version that the person began with. A proposal that is out keeps its moment and its articles.
///
/// # Errors
/// [`RuleError`]; nothing is written then.
pub async fn save(
    store: &Store,
    clock: &Clock,
    id: DigestRuleId,
    version: i64,
    input: &RuleInput,
) -> Result<DigestRule, RuleError> {
    let mut tx = store.begin().await?;
    let before = table::by_id(tx.db(), id).await?.ok_or(RuleError::NotFound)?;
    tx.permit(Permission::SetDigests, Some(before.newsletter_id))?;
    let newsletter =
        store::newsletters::by_id(tx.db(), before.newsletter_id).await?.ok_or(RuleError::NotFound)?;
    let parsed = parse(&newsletter, input)?;
    let moves = before.on_since.is_some() && before.audience != parsed.text.audience;
    if moves {
        table::lock_subscriptions(&mut tx).await?;
    }
    let saved = table::update(&mut tx, id, version, &parsed.text, clock.now()).await?;
    let rule = saved.ok_or(RuleError::Conflict)?;
    table::set_tags(&mut tx, id, &parsed.tags).await?;
    if moves {
        move_readers(&mut tx, newsletter.id, clock.now()).await?;
    }
    tx.note(Act::DigestChanged, Some(newsletter.id), id.0).await?;
    tx.commit().await?;
    Ok(rule)
}

/// Switches a rule on or off; doing so twice is fine. Off, its proposals are skipped. With the first monthly digest of a
/// newsletter those who chose the rhythm move to it, with the last they get each issue again.
///
/// # Errors
/// [`RuleError::Busy`] while a mailing goes out in which they would move.
pub async fn switch(
    store: &Store,
    clock: &Clock,
    id: DigestRuleId,
    is_on: bool,
) -> Result<DigestRule, RuleError> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    table::lock_subscriptions(&mut tx).await?;
    let mut rule = table::lock(&mut tx, id).await?.ok_or(RuleError::NotFound)?;
    tx.permit(Permission::SetDigests, Some(rule.newsletter_id))?;
    if rule.on_since.is_some() == is_on {
        return Ok(rule);
    }
    rule.on_since = is_on.then_some(now);
    table::set_on(&mut tx, id, rule.on_since).await?;
    if !is_on {
        skip_open(&mut tx, id).await?;
    }
    if rule.audience == Rhythm::Monthly {
        move_readers(&mut tx, rule.newsletter_id, now).await?;
    }
    let to = if is_on { "on" } else { "off" };
    tx.note_detail(Act::DigestSwitched, Some(rule.newsletter_id), Some(id.0), to).await?;
    tx.commit().await?;
    Ok(rule)
}

async fn skip_open(tx: &mut Tx, id: DigestRuleId) -> Result<(), StoreError> {
    for run in digest_runs::open(tx.db(), id).await? {
        let Some(run) = digest_runs::lock(tx, run.id).await? else { continue };
        if !run.state.is_open() || is_scheduled(tx, &run).await? {
            continue;
        }
        digest_runs::set_state(tx, run.id, RunState::Skipped, RunReason::RuleOff).await?;
    }
    Ok(())
}

/// Puts those who chose a digest a month where they belong now. Not in the middle of a mailing: its account would not
/// balance any more.
async fn move_readers(tx: &mut Tx, newsletter: NewsletterId, now: Timestamp) -> Result<(), RuleError> {
    let open = mailings::lock_open(tx, newsletter).await?;
    let moved = subscriptions::move_monthly(tx, newsletter, mailings::after_starts(now, &open)).await?;
    let is_under_way = open.iter().any(|mailing| mailing.started_at.is_some());
    if is_under_way && moved > 0 { Err(RuleError::Busy) } else { Ok(()) }
}

/// Removes a rule that is off, with its runs; the issues that it made stay.
///
/// # Errors
/// [`RuleError::NotFound`] also for one that is on.
pub async fn delete(store: &Store, id: DigestRuleId) -> Result<(), RuleError> {
    let mut tx = store.begin().await?;
    let rule = table::lock(&mut tx, id).await?.ok_or(RuleError::NotFound)?;
    tx.permit(Permission::SetDigests, Some(rule.newsletter_id))?;
    if rule.on_since.is_some() {
        return Err(RuleError::NotFound);
    }
    table::delete(&mut tx, id).await?;
    tx.note(Act::DigestDeleted, Some(rule.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// Lets an article stand first in the next digest of a rule, or no more.
///
/// # Errors
/// [`RuleError::NotFound`].
pub async fn pin(
    store: &Store,
    id: DigestRuleId,
    article: ArticleId,
    is_pinned: bool,
) -> Result<(), RuleError> {
    let mut tx = store.begin().await?;
    let rule = table::lock(&mut tx, id).await?.ok_or(RuleError::NotFound)?;
    tx.permit(Permission::SetDigests, Some(rule.newsletter_id))?;
    store::articles::by_id(tx.db(), article).await?.ok_or(RuleError::NotFound)?;
    table::set_pin(&mut tx, id, article, is_pinned).await?;
    tx.note(Act::DigestChanged, Some(rule.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// How many readers a rule's switch would move: those who chose a digest a month, where it is the only one on.
///
/// # Errors
/// Of the database.
pub async fn moved_by_switch(store: &Store, rule: &DigestRule) -> Result<i64, StoreError> {
    if rule.audience != Rhythm::Monthly {
        return Ok(0);
    }
    let mut reader = store.read().await?;
    let others = table::of_newsletter(reader.db(), rule.newsletter_id).await?;
    let is_only = others
        .iter()
        .all(|other| other.id == rule.id || other.audience != Rhythm::Monthly || other.on_since.is_none());
    if !is_only {
        return Ok(0);
    }
    subscriptions::count_wish_monthly(reader.db(), rule.newsletter_id).await
}

/// As it would be typed again.
pub fn input_of(rule: &DigestRule, newsletter: &Newsletter) -> RuleInput {
    let since = rule.since.to_utc().with_timezone(&zone_of(newsletter)).date_naive();
    RuleInput {
        name: rule.name.clone(),
        audience: rule.audience.to_string(),
        // What fits, should somebody make it one for readers of a mail a month.
        source: match rule.audience {
            Rhythm::Each => DigestSource::Mailed.to_string(),
            Rhythm::Monthly => rule.source.to_string(),
        },
        policy: rule.policy.to_string(),
        language: rule.language.map(|language: Language| language.to_string()).unwrap_or_default(),
        tags: rule.tags.clone(),
        sort: rule.sort.to_string(),
        fewest: rule.fewest.to_string(),
        most: rule.most.to_string(),
        display: rule.display.to_string(),
        subject: rule.subject.clone(),
        intro: rule.intro.clone(),
        calendar: rule.calendar.as_str().to_owned(),
        lead_hours: rule.lead_hours.to_string(),
        since: since.to_string(),
    }
}
