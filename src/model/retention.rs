//! For how long what is kept. The periods are settings, of the configuration or of the desk; their reasons are in
//! `docs/operating.md`.

use std::time::Duration;

use super::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Longest period, in days: ten years.
pub const RETENTION_DAYS_MAX: i64 = 3650;

text_enum!(
    /// Which of the periods.
    RetentionPeriod {
        Evidence = "evidence",
        SingleMails = "single_mails",
        Replies = "replies",
        Departures = "departures",
        Counts = "counts",
        Clicks = "clicks",
        Audit = "audit",
    }
);

impl RetentionPeriod {
    /// Shortest period, in days.
    pub const fn days_min(self) -> i64 {
        match self {
            Self::Evidence => 0,
            // What is usual is reckoned from a month.
            Self::Counts => 31,
            Self::Audit => 30,
            Self::SingleMails | Self::Replies | Self::Departures | Self::Clicks => 1,
        }
    }
}

/// What is not here has a fixed period: unconfirmed sign-ups, expired links and sessions, spent proofs of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// IP address, browser and referrer in the evidence of who left, after leaving.
    pub evidence: Duration,
    /// Single mails that are finished, with the relay's reply.
    pub single_mails: Duration,
    /// The relay's replies of a mailing, after its end.
    pub replies: Duration,
    /// Reasons for leaving.
    pub departures: Duration,
    /// Sign-ups of a form in an hour.
    pub counts: Duration,
    /// What readers who agreed opened and followed, after the last time.
    pub hits: Duration,
    /// What was done at the desk and by the command line, and by whom.
    pub audit: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            evidence: DAY * 1095,
            single_mails: DAY * 30,
            replies: DAY * 90,
            departures: DAY * 365,
            counts: DAY * 90,
            hits: DAY * 365,
            audit: DAY * 730,
        }
    }
}

impl Retention {
    const fn period(&mut self, period: RetentionPeriod) -> &mut Duration {
        match period {
            RetentionPeriod::Evidence => &mut self.evidence,
            RetentionPeriod::SingleMails => &mut self.single_mails,
            RetentionPeriod::Replies => &mut self.replies,
            RetentionPeriod::Departures => &mut self.departures,
            RetentionPeriod::Counts => &mut self.counts,
            RetentionPeriod::Clicks => &mut self.hits,
            RetentionPeriod::Audit => &mut self.audit,
        }
    }

    /// A period in days.
    pub fn days(mut self, period: RetentionPeriod) -> i64 {
        i64::try_from(self.period(period).as_secs() / DAY.as_secs()).unwrap_or(RETENTION_DAYS_MAX)
    }

    /// With what was set at the desk in the place of what the configuration says.
    #[must_use]
    pub fn with(mut self, set: &[(RetentionPeriod, i64)]) -> Self {
        for (period, days) in set {
            // A row that somebody wrote by hand must not make us forget everything.
            let days = (*days).clamp(period.days_min(), RETENTION_DAYS_MAX);
            *self.period(*period) = DAY * u32::try_from(days).unwrap_or(u32::MAX);
        }
        self
    }
}

/// When what has a period was last forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct RetentionRun {
    pub period: RetentionPeriod,
    pub ran_at: Timestamp,
    /// The last run in which something went.
    pub removed_at: Option<Timestamp>,
    /// How much went then.
    pub removed: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_at_the_desk_stands_in_the_place_of_the_rest_and_within_its_bounds() {
        let set = Retention::default().with(&[(RetentionPeriod::Replies, 10), (RetentionPeriod::Audit, 1)]);
        assert_eq!((set.replies, set.audit), (DAY * 10, DAY * 30));
        assert_eq!(set, Retention { replies: DAY * 10, audit: DAY * 30, ..Retention::default() });
        for period in RetentionPeriod::ALL {
            let days = Retention::default().with(&[(*period, 100_000)]).days(*period);
            assert_eq!(days, RETENTION_DAYS_MAX, "{period}");
        }
    }
}
