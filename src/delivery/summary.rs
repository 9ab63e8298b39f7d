//! The summary of a month, by mail to those who want it: on the first morning of the next, on the clocks of the
//! newsletter. The row of the month is taken in the transaction that writes the mails, so that each month is summed up once,
//! however many processes look.

use std::time::Duration;

use chrono::NaiveTime;
use chrono_tz::Tz;

use super::patience::Patience;
use super::shift::Shift;
use crate::mail::render::{RenderedMail, SummaryLine, SummaryView, render_summary};
use crate::model::calendar::{Period, Span, at, last_periods};
use crate::model::{Newsletter, Timestamp, User};
use crate::store::growth::{self, Growth};
use crate::store::outbox_contents::{ToUser, WrittenMail, write_to_user};
use crate::store::reports::{self, MailingLine};
use crate::store::{Result, Tx, newsletters, summaries};

const EVERY: Duration = Duration::from_secs(600);
/// At this hour it is sent: when people begin to work.
const HOUR: u32 = 7;
/// Who wants it, or starts the service again, later than this in a month waits for the next.
const LATE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// Most mailings told one by one: a month of daily issues.
const MAILINGS_MAX: i64 = 40;

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let mut patience = Patience::new("sum up the month");
    loop {
        let rest = match sum_up(shift).await {
            Ok(()) => {
                patience.over();
                shift.unless_stopped(shift.clock.sleep(EVERY)).await
            }
            Err(error) => shift.unless_stopped(patience.wait(&error)).await,
        };
        if rest.is_none() {
            return;
        }
    }
}

async fn sum_up(shift: &Shift) -> Result<()> {
    let now = shift.clock.now();
    let all = newsletters::all(shift.store.read().await?.db()).await?;
    for newsletter in all {
        let Some(month) = due(&newsletter, now) else { continue };
        let mut reader = shift.store.read().await?;
        let is_wanted = !summaries::readers(reader.db(), newsletter.id).await?.is_empty();
        let is_done = summaries::is_done(reader.db(), newsletter.id, month.month_number()).await?;
        drop(reader);
        if is_wanted && !is_done && write(shift, &newsletter, &month, now).await? {
            tracing::info!(newsletter = %newsletter.slug, "the month was summed up");
            shift.signals.wake();
            shift.signals.did();
        }
    }
    Ok(())
}

fn zone_of(newsletter: &Newsletter) -> Tz {
    newsletter.time_zone.parse().unwrap_or(Tz::UTC)
}

/// The month that is to be summed up now: the last one, in the first days after its end.
fn due(newsletter: &Newsletter, now: Timestamp) -> Option<Span> {
    let zone = zone_of(newsletter);
    let months = last_periods(Period::Month, 2, now, zone);
    let [last, current] = months.as_slice() else { return None };
    let moment = at(current.first, NaiveTime::from_hms_opt(HOUR, 0, 0)?, zone);
    (now >= moment && now.since(moment) <= LATE_MAX).then_some(*last)
}

/// `false` when another process has done it, or when there is nothing to tell.
async fn write(shift: &Shift, newsletter: &Newsletter, month: &Span, now: Timestamp) -> Result<bool> {
    let mut tx = shift.store.begin().await?;
    if !summaries::take(&mut tx, newsletter.id, month.month_number(), now).await? {
        return Ok(false);
    }
    let growth = growth::between(tx.db(), newsletter.id, month).await?;
    let bounced = reports::bounced_in(tx.db(), newsletter.id, month).await?;
    let mailings = reports::mailings_in(tx.db(), newsletter.id, month, MAILINGS_MAX).await?;
    let has_news = growth != Growth::default() || !mailings.is_empty();
    if has_news {
        let base = shift.settings.public_url.trim_end_matches('/');
        for user in summaries::readers(tx.db(), newsletter.id).await? {
            let numbers = Numbers { month, growth, bounced, mailings: &mailings };
            mail(&mut tx, newsletter, &user, &numbers, base, now).await?;
        }
    }
    tx.commit().await?;
    Ok(has_news)
}

struct Numbers<'a> {
    month: &'a Span,
    growth: Growth,
    bounced: i64,
    mailings: &'a [MailingLine],
}

async fn mail(
    tx: &mut Tx,
    newsletter: &Newsletter,
    user: &User,
    numbers: &Numbers<'_>,
    base: &str,
    now: Timestamp,
) -> Result<()> {
    let line = |line: &MailingLine| SummaryLine {
        subject: line.subject.clone(),
        at: line.started_at,
        sent: line.sent,
        clicks: line.tracking.is_on().then_some(line.clicks),
        departures: line.departures,
        url: format!("{base}/admin/mailings/{}/report", line.id),
    };
    let view = SummaryView {
        newsletter,
        language: user.language,
        month: numbers.month.from,
        confirmed: numbers.growth.confirmed,
        departed: numbers.growth.departed,
        bounced: numbers.bounced,
        mailings: numbers.mailings.iter().map(line).collect(),
        url: &format!("{base}/admin/newsletters/{}/reports", newsletter.id),
    };
    let rendered = match render_summary(&view) {
        Ok(rendered) => rendered,
        Err(error) => {
            // The others get theirs.
            tracing::error!(%error, "a summary could not be written");
            return Ok(());
        }
    };
    let RenderedMail { subject, html, text } = rendered;
    let to = ToUser { user, newsletter: newsletter.id, issue: None, nonce: &[] };
    write_to_user(tx, to, &WrittenMail { subject, html, text }, now).await
}
