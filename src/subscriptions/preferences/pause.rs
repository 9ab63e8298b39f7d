//! Nothing for a while: until a day, on the clocks of the newsletter's time zone.

use chrono::{Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;

use super::{Answer, Opened, open};
use crate::clock::Clock;
use crate::keys::Keys;
use crate::model::{Newsletter, SubscriptionChange, Timestamp};
use crate::store::{Store, StoreError, mailings, newsletters, subscription_changes, subscriptions};
use crate::subscriptions::unsubscribe::skip;

/// The pauses that a page offers, in months.
pub const MONTHS: [u32; 3] = [1, 3, 6];
/// Longest pause: who wants nothing for longer wants to leave.
const MONTHS_MAX: u32 = 12;
/// Longest that clocks are put forward over midnight, in hours (Samoa left out a day).
const GAP_MAX_HOURS: i64 = 26;

/// Until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// One of [`MONTHS`].
    Months(u32),
    /// The first day on which mail comes again.
    Date(NaiveDate),
}

#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    #[error("that is not a date")]
    NoDate,
    #[error("the date is not after today")]
    NotAhead,
    #[error("the date is more than a year ahead")]
    TooFar,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PauseError {
    /// The key of its text in the language files.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::NoDate => "error-pause-no-date",
            Self::NotAhead => "error-pause-not-ahead",
            Self::TooFar => "error-pause-too-far",
            Self::Store(_) => "page-error-internal",
        }
    }
}

impl Until {
    /// What was chosen in a form: a number of months, or `date` and the date.
    ///
    /// # Errors
    /// [`PauseError::NoDate`].
    pub fn parse(choice: &str, date: &str) -> Result<Self, PauseError> {
        if let Some(months) = choice.parse().ok().filter(|months| MONTHS.contains(months)) {
            return Ok(Self::Months(months));
        }
        let date = date.trim();
        // Browsers without a date field leave it to the reader how days are written.
        ["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"]
            .iter()
            .find_map(|format| NaiveDate::parse_from_str(date, format).ok())
            .map(Self::Date)
            .ok_or(PauseError::NoDate)
    }
}

/// Today on the clocks of a newsletter, and the first and the last day that a pause may last until.
pub fn bounds(newsletter: &Newsletter, now: Timestamp) -> (NaiveDate, NaiveDate) {
    let today = now.to_utc().with_timezone(&zone(newsletter)).date_naive();
    (today + Days::new(1), today.checked_add_months(Months::new(MONTHS_MAX)).unwrap_or(today))
}

/// When a pause of so many months would end.
pub fn end_of(months: u32, newsletter: &Newsletter, now: Timestamp) -> Option<Timestamp> {
    moment(Until::Months(months), newsletter, now).ok()
}

fn zone(newsletter: &Newsletter) -> Tz {
    newsletter.time_zone.parse().unwrap_or(Tz::UTC)
}

/// When the day begins in a zone: at midnight, or at the first time that exists.
fn start_of(date: NaiveDate, zone: Tz) -> Option<Timestamp> {
    let midnight = NaiveDateTime::new(date, NaiveTime::MIN);
    (0..=GAP_MAX_HOURS * 2).find_map(|halves| {
        let local = midnight.checked_add_signed(TimeDelta::minutes(30 * halves))?;
        zone.from_local_datetime(&local).earliest().map(|moment| Timestamp::from_utc(moment.to_utc()))
    })
}

fn moment(until: Until, newsletter: &Newsletter, now: Timestamp) -> Result<Timestamp, PauseError> {
    let (first, last) = bounds(newsletter, now);
    let date = match until {
        Until::Months(months) => {
            (first - Days::new(1)).checked_add_months(Months::new(months)).ok_or(PauseError::TooFar)?
        }
        Until::Date(date) => date,
    };
    if date < first {
        Err(PauseError::NotAhead)
    } else if date > last {
        Err(PauseError::TooFar)
    } else {
        start_of(date, zone(newsletter)).ok_or(PauseError::NoDate)
    }
}

/// Sends nothing until a day. Mailings that are going out skip the person. A second pause takes the place of the
/// first.
///
/// # Errors
/// [`PauseError`] for a day that cannot be; nothing is written then.
pub async fn pause(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    link: &str,
    until: Until,
) -> Result<Answer, PauseError> {
    let Opened { mut tx, subscription, open } = match open(store, keys, link).await? {
        Ok(opened) => opened,
        Err(answer) => return Ok(answer),
    };
    let now = clock.now();
    let Some(newsletter) = newsletters::by_id(tx.db(), subscription.newsletter_id).await? else {
        return Ok(Answer::Gone);
    };
    let until = moment(until, &newsletter, now)?;
    skip(&mut tx, &subscription, &open, now).await?;
    subscriptions::set_pace(&mut tx, subscription.id, subscription.rhythm, Some(until), now).await?;
    subscription_changes::insert(&mut tx, subscription.id, SubscriptionChange::Pause, now).await?;
    tx.commit().await?;
    Ok(Answer::Saved)
}

/// Ends a pause before its day: the next issue comes.
///
/// # Errors
/// Only of the database.
pub async fn resume(store: &Store, clock: &Clock, keys: &Keys, link: &str) -> crate::store::Result<Answer> {
    let Opened { mut tx, subscription, open } = match open(store, keys, link).await? {
        Ok(opened) => opened,
        Err(answer) => return Ok(answer),
    };
    let now = clock.now();
    let since = mailings::after_starts(now, &open);
    subscriptions::set_pace(&mut tx, subscription.id, subscription.rhythm, None, since).await?;
    if subscription.paused_until.is_some() {
        subscription_changes::insert(&mut tx, subscription.id, SubscriptionChange::Resume, now).await?;
    }
    tx.commit().await?;
    Ok(Answer::Saved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_without_midnight_begins_when_it_can() {
        // Cuba and Brazil put clocks forward at midnight.
        let date = NaiveDate::from_ymd_opt(2018, 11, 4).expect("a date");
        let start = start_of(date, chrono_tz::America::Sao_Paulo).expect("a moment");
        assert_eq!(start.rfc3339(), "2018-11-04T03:00:00Z");
        let start = start_of(date, chrono_tz::Europe::Brussels).expect("a moment");
        assert_eq!(start.rfc3339(), "2018-11-03T23:00:00Z");
    }

    #[test]
    fn a_date_may_be_written_as_people_here_do() {
        let christmas = Until::Date(NaiveDate::from_ymd_opt(2026, 12, 25).expect("a date"));
        for text in ["2026-12-25", " 25/12/2026 ", "25.12.2026", "25-12-2026"] {
            assert_eq!(Until::parse("date", text).ok(), Some(christmas), "{text}");
        }
        assert_eq!(Until::parse("3", "x").ok(), Some(Until::Months(3)));
        for (choice, date) in [("2", ""), ("date", ""), ("date", "2026-02-30"), ("", "tomorrow")] {
            assert!(Until::parse(choice, date).is_err(), "{choice} {date}");
        }
    }
}
