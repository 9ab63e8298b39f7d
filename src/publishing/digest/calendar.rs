//! The dates of a rule, on the clocks of its newsletter.

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

use crate::model::{Calendar, Timestamp};
use crate::publishing::schedule::moment;

/// How far a calendar is looked through, in days: the rarest of ours has a date in each month.
const LOOK_DAYS: u64 = 70;

/// A date of a calendar, and the moment of its time. A time that clocks skip is the next that exists, one that occurs
/// twice its first occurrence (R20).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occasion {
    pub date: NaiveDate,
    pub at: Timestamp,
}

impl Occasion {
    /// What makes its run unique beside the rule.
    pub fn period(&self) -> String {
        self.date.to_string()
    }
}

fn local_date(moment: Timestamp, zone: Tz) -> NaiveDate {
    moment.to_utc().with_timezone(&zone).date_naive()
}

fn occasion(calendar: &Calendar, zone: Tz, date: NaiveDate) -> Option<Occasion> {
    if !calendar.has(date) {
        return None;
    }
    let at = moment(date.and_time(calendar.time), zone).ok()?;
    Some(Occasion { date, at })
}

/// The first that is later than a moment.
pub fn next(calendar: &Calendar, zone: Tz, after: Timestamp) -> Option<Occasion> {
    // From the day before: where clocks are put forward over midnight, its time may be today.
    let first = local_date(after, zone) - Days::new(1);
    (0..LOOK_DAYS)
        .filter_map(|days| occasion(calendar, zone, first.checked_add_days(Days::new(days))?))
        .find(|occasion| occasion.at > after)
}

/// The last that is not later than a moment.
pub fn last(calendar: &Calendar, zone: Tz, until: Timestamp) -> Option<Occasion> {
    let first = local_date(until, zone);
    (0..LOOK_DAYS)
        .filter_map(|days| occasion(calendar, zone, first.checked_sub_days(Days::new(days))?))
        .find(|occasion| occasion.at <= until)
}

/// Those in a time, in order; at most so many.
pub fn between(
    calendar: &Calendar,
    zone: Tz,
    from: Timestamp,
    until: Timestamp,
    most: usize,
) -> Vec<Occasion> {
    let mut found = Vec::new();
    let mut after = Timestamp::from_millis(from.as_millis().saturating_sub(1));
    while let Some(occasion) = next(calendar, zone, after).filter(|occasion| occasion.at < until) {
        found.push(occasion);
        after = occasion.at;
        if found.len() >= most {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRUSSELS: Tz = chrono_tz::Europe::Brussels;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_utc(text.parse().expect("a moment"))
    }

    #[test]
    fn both_changes_of_the_clocks_have_one_digest() {
        let weekly: Calendar = "weekly 7 02:30".parse().expect("a calendar");
        let year = between(&weekly, BRUSSELS, at("2027-01-01T00:00:00Z"), at("2028-01-01T00:00:00Z"), 100);
        assert_eq!(year.len(), 52);
        let moments: Vec<_> = year.iter().map(|one| (one.period(), one.at.rfc3339())).collect();
        // Absent: the next that exists, 03:00. Twice: the first.
        assert!(moments.contains(&("2027-03-28".into(), "2027-03-28T01:00:00Z".into())), "{moments:?}");
        assert!(moments.contains(&("2027-10-31".into(), "2027-10-31T00:30:00Z".into())), "{moments:?}");
    }

    #[test]
    fn what_comes_next_and_what_was_last_meet_at_the_moment() {
        let monthly: Calendar = "monthly last 09:00".parse().expect("a calendar");
        let due = at("2027-02-28T08:00:00Z");
        assert_eq!(last(&monthly, BRUSSELS, due).expect("one").at, due);
        assert_eq!(next(&monthly, BRUSSELS, due).expect("one").period(), "2027-03-31");
        let before = Timestamp::from_millis(due.as_millis() - 1);
        assert_eq!(next(&monthly, BRUSSELS, before).expect("one").at, due);
        assert_eq!(last(&monthly, BRUSSELS, before).expect("one").period(), "2027-01-31");
    }

    #[test]
    fn a_day_that_a_country_left_out_has_its_digest_on_the_next() {
        let weekly: Calendar = "weekly 5 12:00".parse().expect("a calendar");
        let zone = chrono_tz::Pacific::Apia;
        let found = between(&weekly, zone, at("2011-12-28T00:00:00Z"), at("2012-01-04T00:00:00Z"), 9);
        let found: Vec<_> = found.iter().map(|one| (one.period(), one.at.rfc3339())).collect();
        assert_eq!(found, [("2011-12-30".to_owned(), "2011-12-30T10:00:00Z".to_owned())]);
    }
}
