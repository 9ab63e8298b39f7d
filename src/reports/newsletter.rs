//! How a newsletter grows, week by week or month by month; and all its mailings, part by part.

use chrono_tz::Tz;

use crate::model::calendar::{Period, Span, last_periods};
use crate::model::{MailingId, NewsletterId, Timestamp};
use crate::store::growth::{self, Growth};
use crate::store::reports::MailingLine;
use crate::store::{Reader, Result, Store, reports};

/// Periods of a chart: half a year of weeks, two years of months.
const WEEKS: u16 = 26;
const MONTHS: u16 = 24;
/// Mailings of one part of an export: some hundred kilobytes.
const PART: i64 = 500;

/// Who came, who left, and what came back, in one period.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub span: Span,
    pub growth: Growth,
    pub bounced: i64,
}

/// The last periods of a newsletter up to the one of now, the oldest first.
///
/// # Errors
/// Only of the database.
pub async fn growth_of(
    reader: &mut Reader,
    newsletter: NewsletterId,
    period: Period,
    now: Timestamp,
    zone: Tz,
) -> Result<Vec<Line>> {
    let count = match period {
        Period::Week => WEEKS,
        Period::Month => MONTHS,
    };
    let mut lines = Vec::new();
    for span in last_periods(period, count, now, zone) {
        let growth = growth::between(reader.db(), newsletter, &span).await?;
        let bounced = reports::bounced_in(reader.db(), newsletter, &span).await?;
        lines.push(Line { span, growth, bounced });
    }
    // A young newsletter begins with its first reader, not with two years of nothing.
    let first = lines.iter().position(|line| line.growth != Growth::default() || line.bounced > 0);
    Ok(lines.split_off(first.unwrap_or(lines.len())))
}

/// Every mailing of a newsletter that has begun, the latest first, part by part.
#[derive(Debug)]
pub struct EveryMailing {
    store: Store,
    newsletter: NewsletterId,
    /// When the last one of the part before began.
    behind: (Timestamp, MailingId),
}

impl EveryMailing {
    pub fn of(store: &Store, newsletter: NewsletterId) -> Self {
        let behind = (Timestamp::from_millis(i64::MAX), MailingId(i64::MAX));
        Self { store: store.clone(), newsletter, behind }
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// Only of the database.
    pub async fn next(&mut self) -> Result<Option<Vec<MailingLine>>> {
        let mut reader = self.store.read().await?;
        let part = reports::mailings_behind(reader.db(), self.newsletter, self.behind, PART).await?;
        let Some(last) = part.last() else { return Ok(None) };
        self.behind = (last.started_at, last.id);
        Ok(Some(part))
    }
}
