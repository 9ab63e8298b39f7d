//! The report of one mailing.

use crate::model::calendar::{hour_of, start_of_hour};
use crate::model::{
    HitCounts, HitKind, HitRule, Issue, Mailing, MailingId, MailingLink, Newsletter, Timestamp,
};
use crate::store::reports::{self, HourCounts, MailingLine};
use crate::store::{Reader, Result, issues, mailing_links, mailings, newsletters};

/// Hours of the curve: by then nearly everybody who will has read a mail.
pub const HOURS: i64 = 48;
/// With how many mailings before one is compared.
pub const COMPARED: i64 = 10;
/// Fewer say nothing of what is usual.
const COMPARED_MIN: usize = 3;

/// What came of a mailing.
#[derive(Debug, serde::Serialize)]
pub struct MailingReport {
    pub newsletter: Newsletter,
    pub issue: Issue,
    pub mailing: Mailing,
    pub counts: HitCounts,
    pub links: Vec<MailingLink>,
    /// The first hours, one by one, also those in which nothing was hit; empty before the start.
    pub hours: Vec<HourCounts>,
    pub rules: Vec<RuleCount>,
    /// What is usual; `None` while there are too few to compare with.
    pub usual: Option<Usual>,
}

/// How many hits a rule judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct RuleCount {
    pub kind: HitKind,
    pub rule: HitRule,
    pub hits: i64,
}

/// The medians of the mailings before, in thousandths of those who were sent a mail; of bounces see [`bounce_rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Usual {
    /// How many mailings these are.
    pub mailings: usize,
    /// Clicks; `None` where none of them counted clicks.
    pub clicks: Option<i64>,
    pub bounced: i64,
    pub departures: i64,
}

/// A part in thousandths of the whole; 0 of nothing.
pub fn per_mille(part: i64, whole: i64) -> i64 {
    if whole <= 0 { 0 } else { (part.saturating_mul(1000) + whole / 2) / whole }
}

/// Which part came back of the mails of which a relay said whether it takes them, in thousandths: the one rate of bounces,
/// wherever it stands.
pub fn bounce_rate(bounced: i64, sent: i64) -> i64 {
    per_mille(bounced, sent.saturating_add(bounced))
}

/// The middle one; of an even number the lower of the two in the middle.
fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}

fn usual(before: &[MailingLine]) -> Option<Usual> {
    if before.len() < COMPARED_MIN {
        return None;
    }
    let bounced = before.iter().map(|line| bounce_rate(line.bounced, line.sent));
    let departures = before.iter().map(|line| per_mille(line.departures, line.sent));
    let counted = before.iter().filter(|line| line.tracking.is_on());
    let clicks: Vec<i64> = counted.map(|line| per_mille(line.clicks, line.sent)).collect();
    Some(Usual {
        mailings: before.len(),
        clicks: if clicks.len() < COMPARED_MIN { None } else { median(clicks) },
        bounced: median(bounced.collect())?,
        departures: median(departures.collect())?,
    })
}

/// Gathers the report of a mailing; `None` when there is none.
///
/// # Errors
/// Only of the database.
pub async fn of_mailing(reader: &mut Reader, id: MailingId) -> Result<Option<MailingReport>> {
    let Some(mailing) = mailings::by_id(reader.db(), id).await? else { return Ok(None) };
    let Some(issue) = issues::by_id(reader.db(), mailing.issue_id).await? else { return Ok(None) };
    let Some(newsletter) = newsletters::by_id(reader.db(), mailing.newsletter_id).await? else {
        return Ok(None);
    };
    let counts = reports::counts(reader.db(), id).await?;
    let links = mailing_links::of_mailing(reader.db(), id).await?;
    let rules = reports::rules(reader.db(), id).await?;
    let rules = rules.into_iter().map(|(kind, rule, hits)| RuleCount { kind, rule, hits }).collect();
    let mut hours = Vec::new();
    let mut before = Vec::new();
    if let Some(started_at) = mailing.started_at {
        let first = hour_of(started_at);
        hours = filled(first, &reports::hours(reader.db(), id, first, first + HOURS).await?);
        before = reports::mailings_before(reader.db(), mailing.newsletter_id, started_at, COMPARED).await?;
    }
    let usual = usual(&before);
    Ok(Some(MailingReport { newsletter, issue, mailing, counts, links, hours, rules, usual }))
}

/// Every hour from the first on, also the empty ones.
fn filled(first: i64, found: &[HourCounts]) -> Vec<HourCounts> {
    let none = |hour| HourCounts { hour, clicks: 0, machine_clicks: 0, opens: 0, machine_opens: 0 };
    let hour = |hour| found.iter().find(|one| one.hour == hour).copied().unwrap_or(none(hour));
    (first..first + HOURS).map(hour).collect()
}

impl MailingReport {
    /// The hours that have begun by now.
    pub fn hours_until(&self, now: Timestamp) -> &[HourCounts] {
        let begun = self.hours.iter().take_while(|hour| start_of_hour(hour.hour) <= now).count();
        &self.hours[..begun]
    }

    /// How this one did, to compare with what is usual.
    pub fn rates(&self) -> Usual {
        let sent = self.mailing.account.sent;
        Usual {
            mailings: 1,
            clicks: self.mailing.tracking.is_on().then(|| per_mille(self.counts.clicks, sent)),
            bounced: bounce_rate(self.mailing.account.bounced, sent),
            departures: per_mille(self.counts.departures, sent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IssueId, MailingStatus, Tracking};

    fn line(sent: i64, clicks: i64, tracking: Tracking) -> MailingLine {
        MailingLine {
            id: MailingId(1),
            issue_id: IssueId(1),
            number: 1,
            subject: String::new(),
            status: MailingStatus::Sent,
            started_at: Timestamp::from_millis(0),
            tracking,
            audience: sent,
            sent,
            bounced: 0,
            clicks,
            machine_clicks: 0,
            click_readers: 0,
            departures: 0,
            opens: 0,
            machine_opens: 0,
        }
    }

    #[test]
    fn what_is_usual_is_the_middle_and_one_that_went_wild_changes_nothing() {
        let clicks = [10, 12, 900, 11, 13].map(|clicks| line(1000, clicks, Tracking::Aggregate));
        assert_eq!(usual(&clicks).and_then(|usual| usual.clicks), Some(12));
        assert!(usual(&clicks[..2]).is_none());
    }

    #[test]
    fn what_came_back_is_a_part_of_all_that_was_answered_here_as_there() {
        assert_eq!([bounce_rate(0, 0), bounce_rate(5, 0), bounce_rate(500, 500)], [0, 1000, 500]);
        let lines = [100, 500, 900].map(|bounced| {
            let sent = 1000 - bounced;
            MailingLine { bounced, ..line(sent, 0, Tracking::Off) }
        });
        // One that did as the middle one is as usual: its page shows one number.
        assert_eq!(usual(&lines).map(|usual| usual.bounced), Some(bounce_rate(500, 500)));
    }

    #[test]
    fn mailings_that_counted_nothing_do_not_count_as_none() {
        let mut lines = [20, 22, 24, 0, 0, 0, 0].map(|clicks| line(1000, clicks, Tracking::Off)).to_vec();
        assert_eq!(usual(&lines).expect("enough").clicks, None);
        for line in &mut lines[..3] {
            line.tracking = Tracking::Person;
        }
        assert_eq!(usual(&lines).expect("enough").clicks, Some(22));
    }

    #[test]
    fn a_part_is_rounded_and_a_part_of_nothing_is_nothing() {
        assert_eq!([per_mille(1, 3), per_mille(2, 3), per_mille(1, 0), per_mille(5, 5)], [333, 667, 0, 1000]);
    }

    #[test]
    fn hours_without_a_click_are_there_too() {
        let one = HourCounts { hour: 102, clicks: 5, machine_clicks: 0, opens: 0, machine_opens: 0 };
        let hours = filled(100, &[one]);
        assert_eq!(hours.len(), 48);
        assert_eq!((hours[2].clicks, hours[3].clicks, hours[47].hour), (5, 0, 147));
    }
}
