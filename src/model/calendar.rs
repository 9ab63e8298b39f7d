//! Weeks and months on the clocks of a time zone, also where a day begins late or twice.

use chrono::{Datelike, Days, MappedLocalTime, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::Timestamp;

const HOUR_MILLIS: i64 = 3600 * 1000;
/// Longest gap that a clock was ever put forward by, in minutes: a day (Samoa, 2011), and room.
const GAP_MAX_MINUTES: i64 = 26 * 60;
/// Every change of a clock so far was a multiple of this, in minutes.
const GAP_STEP_MINUTES: i64 = 15;

text_enum!(
    /// How long a part of a chart is.
    Period {
        /// From Monday on.
        Week = "week",
        Month = "month",
    }
);

/// The number of a moment's hour since 1970-01-01 UTC.
pub const fn hour_of(moment: Timestamp) -> i64 {
    moment.as_millis().div_euclid(HOUR_MILLIS)
}

/// When an hour of that number begins.
pub const fn start_of_hour(hour: i64) -> Timestamp {
    Timestamp::from_millis(hour.saturating_mul(HOUR_MILLIS))
}

/// The day that clocks in a zone show.
pub fn day_of(moment: Timestamp, zone: Tz) -> NaiveDate {
    moment.to_utc().with_timezone(&zone).date_naive()
}

/// When a day begins: a time that is skipped is the next that exists, one that occurs twice the first.
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Timestamp {
    at(day, NaiveTime::MIN, zone)
}

/// The moment at which clocks in a zone show a time of a day.
pub fn at(day: NaiveDate, time: NaiveTime, zone: Tz) -> Timestamp {
    let local = day.and_time(time);
    let mut minutes = 0;
    while minutes <= GAP_MAX_MINUTES {
        let later = local.checked_add_signed(TimeDelta::minutes(minutes)).unwrap_or(local);
        if let MappedLocalTime::Single(moment) | MappedLocalTime::Ambiguous(moment, _) =
            zone.from_local_datetime(&later)
        {
            return Timestamp::from_utc(moment.to_utc());
        }
        minutes += GAP_STEP_MINUTES;
    }
    Timestamp::from_utc(local.and_utc())
}

/// The first day of the period that a day is in.
pub fn first_day(period: Period, day: NaiveDate) -> NaiveDate {
    let back = match period {
        Period::Week => u64::from(day.weekday().num_days_from_monday()),
        Period::Month => u64::from(day.day0()),
    };
    day.checked_sub_days(Days::new(back)).unwrap_or(day)
}

/// The first day of the period so many before, or with a negative number behind.
pub fn shifted(period: Period, first: NaiveDate, back: i32) -> NaiveDate {
    let amount = back.unsigned_abs();
    let shifted = match (period, back < 0) {
        (Period::Week, false) => first.checked_sub_days(Days::new(u64::from(amount) * 7)),
        (Period::Week, true) => first.checked_add_days(Days::new(u64::from(amount) * 7)),
        (Period::Month, false) => first.checked_sub_months(Months::new(amount)),
        (Period::Month, true) => first.checked_add_months(Months::new(amount)),
    };
    shifted.unwrap_or(first)
}

/// The last `count` periods up to the one of `now`, the oldest first: first day, begin, and end.
pub fn last_periods(period: Period, count: u16, now: Timestamp, zone: Tz) -> Vec<Span> {
    let current = first_day(period, day_of(now, zone));
    (0..i32::from(count))
        .rev()
        .map(|back| {
            let first = shifted(period, current, back);
            Span {
                first,
                from: start_of_day(first, zone),
                until: start_of_day(shifted(period, first, -1), zone),
            }
        })
        .collect()
}

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub first: NaiveDate,
    pub from: Timestamp,
    /// Not part of it any more.
    pub until: Timestamp,
}

impl Span {
    /// Year times 100 and month, of its first day.
    pub fn month_number(&self) -> i64 {
        i64::from(self.first.year()) * 100 + i64::from(self.first.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRUSSELS: Tz = Tz::Europe__Brussels;

    fn moment(text: &str) -> Timestamp {
        Timestamp::from_utc(chrono::DateTime::parse_from_rfc3339(text).expect("a time").to_utc())
    }

    fn shown(spans: &[Span]) -> Vec<String> {
        spans.iter().map(|span| format!("{}: {} to {}", span.first, span.from, span.until)).collect()
    }

    #[test]
    fn months_are_those_of_the_zone_with_summer_time() {
        let spans = last_periods(Period::Month, 2, moment("2027-03-31T22:30:00Z"), BRUSSELS);
        assert_eq!(
            shown(&spans),
            [
                "2027-03-01: 2027-02-28T23:00:00Z to 2027-03-31T22:00:00Z",
                "2027-04-01: 2027-03-31T22:00:00Z to 2027-04-30T22:00:00Z",
            ]
        );
        assert_eq!(spans[1].month_number(), 202_704);
    }

    #[test]
    fn weeks_begin_on_monday_and_touch_each_other_when_the_clock_changes() {
        let spans = last_periods(Period::Week, 3, moment("2027-11-03T12:00:00Z"), BRUSSELS);
        assert_eq!(
            shown(&spans),
            [
                "2027-10-18: 2027-10-17T22:00:00Z to 2027-10-24T22:00:00Z",
                "2027-10-25: 2027-10-24T22:00:00Z to 2027-10-31T23:00:00Z",
                "2027-11-01: 2027-10-31T23:00:00Z to 2027-11-07T23:00:00Z",
            ]
        );
    }

    #[test]
    fn a_day_whose_midnight_the_clock_skips_begins_when_it_begins() {
        let day = NaiveDate::from_ymd_opt(2018, 11, 4).expect("a day");
        assert_eq!(start_of_day(day, Tz::America__Sao_Paulo), moment("2018-11-04T03:00:00Z"));
        let skipped = NaiveDate::from_ymd_opt(2011, 12, 30).expect("a day");
        assert_eq!(start_of_day(skipped, Tz::Pacific__Apia), moment("2011-12-30T10:00:00Z"));
    }
}
