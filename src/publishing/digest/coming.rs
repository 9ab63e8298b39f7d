//! What is coming, and what was, in a time: mailings, proposals, and dates of rules that have no run yet.

use super::{calendar, run};
use crate::model::{
    DigestPolicy, DigestRuleId, DigestRun, IssueId, MailingId, MailingStatus, NewsletterId, Timestamp,
};
use crate::publishing::schedule::zone_of;
use crate::store::{self, Reader, StoreError, digest_runs, digests};

/// Most entries of a calendar's page.
pub const ENTRIES_MAX: i64 = 400;
/// Most dates of one rule in it: each day of two months.
const DATES_MAX: usize = 62;

/// An entry of the calendar.
#[derive(Debug, Clone)]
pub struct Entry {
    pub at: Timestamp,
    pub newsletter: NewsletterId,
    /// Subject of the issue, or name of the rule.
    pub title: String,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    Mailing {
        id: MailingId,
        issue: IssueId,
        status: MailingStatus,
    },
    /// A run that is no mailing: open, skipped or failed.
    Run(Box<DigestRun>),
    /// A date on which a rule will make a digest, if there are articles.
    Date {
        rule: DigestRuleId,
        period: String,
        policy: DigestPolicy,
    },
}

/// Everything between two moments, of a newsletter or of all, in order.
///
/// # Errors
/// Of the database.
pub async fn entries(
    reader: &mut Reader,
    newsletter: Option<NewsletterId>,
    from: Timestamp,
    until: Timestamp,
    now: Timestamp,
) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for row in digests::mailings_between(reader.db(), newsletter, from, until, ENTRIES_MAX).await? {
        entries.push(Entry {
            at: row.due_at,
            newsletter: row.newsletter_id,
            title: row.subject,
            what: What::Mailing { id: row.id, issue: row.issue_id, status: row.status },
        });
    }
    let newsletters = store::newsletters::all(reader.db()).await?;
    let is_shown = |id: NewsletterId| newsletter.is_none_or(|wanted| wanted == id);
    let mut rules = Vec::new();
    for one in newsletters.iter().filter(|one| is_shown(one.id)) {
        rules.extend(digests::of_newsletter(reader.db(), one.id).await?);
    }
    for run in digest_runs::between(reader.db(), newsletter, from, until, ENTRIES_MAX).await? {
        // That of a run with a mailing is there already.
        if run.mailing_id.is_some() {
            continue;
        }
        let rule = rules.iter().find(|rule| rule.id == run.rule_id);
        entries.push(Entry {
            at: run.due_at,
            newsletter: run.newsletter_id,
            title: rule.map(|rule| rule.name.clone()).unwrap_or_default(),
            what: What::Run(Box::new(run)),
        });
    }
    for rule in rules.iter().filter(|rule| rule.on_since.is_some()) {
        let Some(one) = newsletters.iter().find(|one| one.id == rule.newsletter_id) else { continue };
        let dates = calendar::between(&rule.calendar.calendar, zone_of(one), from.max(now), until, DATES_MAX);
        for date in dates {
            let period = date.period();
            if digest_runs::of_period(reader.db(), rule.id, &period).await?.is_some() {
                continue;
            }
            entries.push(Entry {
                at: run::due_at(rule, date, now),
                newsletter: rule.newsletter_id,
                title: rule.name.clone(),
                what: What::Date { rule: rule.id, period, policy: rule.policy },
            });
        }
    }
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}
