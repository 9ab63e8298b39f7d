//! Rules by which digests are made of articles, and the runs of each.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike as _, NaiveDate, NaiveTime, Timelike as _, Weekday};

use super::{
    ArticleDisplay, DigestRuleId, DigestRunId, IssueId, Language, MailingId, NewsletterId, Rhythm, Timestamp,
    UserId,
};

text_enum!(
    /// Where the articles of a digest come from.
    DigestSource {
        /// What was published, and was in no other issue.
        Published = "published",
        /// What readers of each issue got: for those who get digests instead.
        Mailed = "mailed",
    }
);

text_enum!(
    /// What happens when nobody answers a proposal.
    DigestPolicy {
        /// It goes when it is due.
        UnlessStopped = "unless_stopped",
        /// It does not go.
        IfApproved = "if_approved",
    }
);

text_enum!(
    /// The order of articles in a digest.
    DigestOrder {
        Newest = "newest",
        Oldest = "oldest",
        /// Those that somebody pinned, then the newest.
        Pinned = "pinned",
    }
);

text_enum!(
    /// How far a run has come. Before the first of these it is a date of the calendar, without a row.
    RunState {
        /// Its issue is made, and those who work with it were told.
        Proposed = "proposed",
        Approved = "approved",
        /// Its issue has a mailing.
        Scheduled = "scheduled",
        Sent = "sent",
        /// It does not go, and its articles are free again.
        Skipped = "skipped",
        /// It could not go; somebody may try it again.
        Failed = "failed",
    }
);

impl RunState {
    /// Whether its articles are taken: it was sent, or is still going to be.
    pub const fn takes_articles(self) -> bool {
        matches!(self, Self::Proposed | Self::Approved | Self::Scheduled | Self::Sent)
    }

    /// Whether it waits for its moment, and for somebody's answer.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Proposed | Self::Approved)
    }
}

text_enum!(
    /// Why a run was skipped, or failed.
    RunReason {
        None = "",
        /// Fewer articles than the rule asks for.
        TooFew = "too_few",
        /// Nothing ran when it was due.
        Missed = "missed",
        /// Somebody skipped it.
        Stopped = "stopped",
        /// Somebody took its issue over.
        Desk = "desk",
        NotApproved = "not_approved",
        /// Somebody took out every article.
        Empty = "empty",
        /// The check found what must be mended first.
        Blocked = "blocked",
        /// Its mailing was cancelled.
        Cancelled = "cancelled",
        RuleOff = "rule_off",
        /// It was proposed, and nothing ran for long after it was due.
        Late = "late",
    }
);

/// Which days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Days {
    /// These days of each week; at least one, in order.
    Weekly(Vec<Weekday>),
    /// This day of each month, or its last where it has fewer.
    Monthly(u32),
    /// The last day of each month.
    MonthEnd,
    /// The first to fourth such day of each month.
    Nth(u32, Weekday),
    /// The last such day of each month.
    LastWeekday(Weekday),
}

/// When digests go out, on the clocks of the newsletter's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    pub days: Days,
    /// To the minute.
    pub time: NaiveTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a calendar is \"weekly 1,4 07:30\", \"monthly 15 07:30\", \"monthly last 07:30\" or \"nth 2 3 07:30\""
)]
pub struct CalendarError;

impl Calendar {
    /// Whether it has this day.
    pub fn has(&self, date: NaiveDate) -> bool {
        let last_day = u32::from(date.num_days_in_month());
        match &self.days {
            Days::Weekly(days) => days.contains(&date.weekday()),
            Days::Monthly(day) => date.day() == (*day).min(last_day),
            Days::MonthEnd => date.day() == last_day,
            Days::Nth(nth, day) => date.weekday() == *day && (date.day() - 1) / 7 + 1 == *nth,
            Days::LastWeekday(day) => date.weekday() == *day && date.day() + 7 > last_day,
        }
    }
}

/// A day of the week by its number: 1 is Monday.
pub fn weekday(number: u32) -> Option<Weekday> {
    let at = u8::try_from(number.checked_sub(1)?).ok()?;
    Weekday::try_from(at).ok()
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.days {
            Days::Weekly(days) => {
                let numbers: Vec<_> = days.iter().map(|day| day.number_from_monday().to_string()).collect();
                write!(f, "weekly {}", numbers.join(","))?;
            }
            Days::Monthly(day) => write!(f, "monthly {day}")?,
            Days::MonthEnd => f.write_str("monthly last")?,
            Days::Nth(nth, day) => write!(f, "nth {nth} {}", day.number_from_monday())?,
            Days::LastWeekday(day) => write!(f, "nth last {}", day.number_from_monday())?,
        }
        write!(f, " {:02}:{:02}", self.time.hour(), self.time.minute())
    }
}

impl FromStr for Calendar {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let day = |text: &str| text.parse().ok().and_then(weekday).ok_or(CalendarError);
        let words: Vec<&str> = text.split_whitespace().collect();
        let (days, time) = match words.as_slice() {
            ["weekly", list, time] => {
                let mut days = list.split(',').map(day).collect::<Result<Vec<_>, _>>()?;
                days.sort_by_key(Weekday::number_from_monday);
                days.dedup();
                (Days::Weekly(days), time)
            }
            ["monthly", "last", time] => (Days::MonthEnd, time),
            ["monthly", number, time] => {
                let number = number.parse().map_err(|_| CalendarError)?;
                if !(1..=31).contains(&number) {
                    return Err(CalendarError);
                }
                (Days::Monthly(number), time)
            }
            ["nth", "last", number, time] => (Days::LastWeekday(day(number)?), time),
            ["nth", nth, number, time] => {
                let nth = nth.parse().map_err(|_| CalendarError)?;
                if !(1..=4).contains(&nth) {
                    return Err(CalendarError);
                }
                (Days::Nth(nth, day(number)?), time)
            }
            _ => return Err(CalendarError),
        };
        let time = NaiveTime::parse_from_str(time, "%H:%M").map_err(|_| CalendarError)?;
        Ok(Self { days, time })
    }
}

impl serde::Serialize for Calendar {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As its one text: the macro wants a reference to one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct CalendarText {
    #[serde(skip)]
    text: String,
    pub calendar: Calendar,
}

impl CalendarText {
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl From<Calendar> for CalendarText {
    fn from(calendar: Calendar) -> Self {
        Self { text: calendar.to_string(), calendar }
    }
}

impl FromStr for CalendarText {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        text.parse::<Calendar>().map(Self::from)
    }
}

super::text_enum::sql_text!(CalendarText, |value: &CalendarText| value.as_str());

/// By what, when and for whom digests are made.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct DigestRule {
    pub id: DigestRuleId,
    pub newsletter_id: NewsletterId,
    pub name: String,
    /// `None`: off.
    pub on_since: Option<Timestamp>,
    pub audience: Rhythm,
    pub source: DigestSource,
    pub policy: DigestPolicy,
    /// Of its articles; `None`: any.
    pub language: Option<Language>,
    /// As typed, with commas; an article has one of them. Empty: every article.
    pub tags: String,
    pub sort: DigestOrder,
    /// With fewer articles there is no digest.
    pub fewest: i64,
    pub most: i64,
    pub display: ArticleDisplay,
    /// With merge words: see `publishing::digest::words`.
    pub subject: String,
    /// Markdown.
    pub intro: String,
    pub calendar: CalendarText,
    /// How long before it is due the issue is made and shown to those who work with it.
    pub lead_hours: i64,
    /// Articles of before are none of its.
    pub since: Timestamp,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// One digest of a rule.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct DigestRun {
    pub id: DigestRunId,
    pub rule_id: DigestRuleId,
    pub newsletter_id: NewsletterId,
    /// Its date in the newsletter's zone: `2027-03-28`. With the rule it is unique.
    pub period: String,
    pub due_at: Timestamp,
    pub state: RunState,
    pub reason: RunReason,
    pub issue_id: Option<IssueId>,
    /// Of the issue when it was proposed; a later one was edited.
    pub issue_version: Option<i64>,
    pub mailing_id: Option<MailingId>,
    /// SHA-256 of what the mail of the proposal showed, in hexadecimal; empty: there was none, or before it was kept.
    pub proposed_content: String,
    /// SHA-256 of what was approved, in hexadecimal; empty: nothing was.
    pub approved_content: String,
    /// Who acted last; `None`: nobody, or the command line.
    pub acted_by: Option<UserId>,
    pub acted_at: Option<Timestamp>,
    /// How many articles there were to choose from.
    pub found: i64,
    pub created_at: Timestamp,
}

impl DigestRun {
    /// Whether somebody skipped its date ahead, before there was anything of it, and may take that back.
    pub fn can_be_put_back(&self, now: Timestamp) -> bool {
        self.state == RunState::Skipped
            && self.reason == RunReason::Stopped
            && self.issue_id.is_none()
            && self.due_at > now
    }

    /// Whether somebody is asked to do something with it: to look at it, or to try it again.
    pub fn asks(&self) -> bool {
        self.state.is_open() || self.state == RunState::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(text: &str, year: i32) -> Vec<String> {
        let calendar: Calendar = text.parse().expect("a calendar");
        let mut date = NaiveDate::from_ymd_opt(year, 1, 1).expect("a date");
        let mut found = Vec::new();
        while date.year() == year {
            if calendar.has(date) {
                found.push(date.format("%m-%d").to_string());
            }
            date = date.succ_opt().expect("a day after");
        }
        found
    }

    #[test]
    fn each_kind_of_calendar_has_the_days_that_people_mean() {
        assert_eq!(dates("weekly 1,4 07:30", 2027).len(), 104);
        let thirty_first = dates("monthly 31 07:30", 2027);
        assert_eq!(thirty_first.len(), 12);
        assert_eq!(&thirty_first[..4], ["01-31", "02-28", "03-31", "04-30"]);
        assert_eq!(dates("monthly last 07:30", 2028)[1], "02-29");
        assert_eq!(&dates("nth 2 3 07:30", 2027)[..3], ["01-13", "02-10", "03-10"]);
        assert_eq!(&dates("nth last 7 07:30", 2027)[..3], ["01-31", "02-28", "03-28"]);
    }

    #[test]
    fn a_calendar_reads_what_it_writes_and_nothing_else() {
        for text in [
            "weekly 1,4 07:30",
            "monthly 15 00:00",
            "monthly last 23:59",
            "nth 2 3 09:05",
            "nth last 5 12:00",
        ] {
            assert_eq!(text.parse::<Calendar>().expect("a calendar").to_string(), text);
        }
        assert_eq!("weekly 4,1,4 7:30".parse::<Calendar>().expect("read").to_string(), "weekly 1,4 07:30");
        for wrong in [
            "",
            "weekly",
            "weekly 0 07:30",
            "weekly 8 07:30",
            "weekly , 07:30",
            "monthly 32 07:30",
            "nth 5 1 07:30",
            "monthly 1 24:00",
            "daily 07:30",
            "weekly 1 07:30 x",
        ] {
            assert_eq!(wrong.parse::<Calendar>(), Err(CalendarError), "{wrong}");
        }
    }
}
