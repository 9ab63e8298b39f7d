//! The numbers of a mailing as its page shows them, and the JSON with which they move: asked for at
//! `GET /admin/mailings/{id}.json`, or sent by [`super::events`].

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::mailing_of;
use crate::delivery::mailing::{Progress, progress_of};
use crate::i18n::Texts;
use crate::model::{Account, MailingId, MailingStatus, Timestamp};
use crate::web::admin::grouped;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// Width of the bar, in units of its drawing.
const BAR_WIDTH: i64 = 1000;

/// A piece of the bar.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Segment {
    pub key: &'static str,
    pub x: i64,
    pub width: i64,
}

/// The pieces of the bar, left to right; together never wider than the bar.
pub(super) fn bar(account: &Account) -> Vec<Segment> {
    let parts = [
        ("sent", account.sent),
        ("skipped", account.skipped),
        ("deferred", account.deferred),
        ("uncertain", account.uncertain),
        ("expired", account.expired),
        ("bounced", account.bounced),
    ];
    let mut sum = 0;
    let mut x = 0;
    let mut segments = Vec::new();
    for (key, count) in parts {
        sum += count;
        // Of the running sum, so that rounding leaves no gap.
        let end = (sum * BAR_WIDTH).checked_div(account.audience).unwrap_or(0).min(BAR_WIDTH);
        segments.push(Segment { key, x, width: end - x });
        x = end;
    }
    segments
}

/// One number.
pub(super) struct Tile {
    pub key: &'static str,
    pub label: String,
    pub count: String,
    /// Its rows of the ledger, where it has any.
    pub href: Option<String>,
    /// Shown even when it is zero.
    pub is_main: bool,
    pub is_zero: bool,
}

pub(super) fn tiles(t: Texts, id: MailingId, status: MailingStatus, account: &Account) -> Vec<Tile> {
    let counts = [
        ("audience", account.audience, true),
        ("sent", account.sent, true),
        ("open", account.open(), true),
        ("deferred", account.deferred, false),
        ("bounced", account.bounced, false),
        ("skipped", account.skipped, false),
        ("uncertain", account.uncertain, false),
        ("expired", account.expired, false),
    ];
    let tile = |(key, count, is_main): (&'static str, i64, bool)| Tile {
        key,
        label: count_label(t, key, status),
        count: grouped(count),
        href: match key {
            "audience" => Some(format!("/admin/mailings/{id}/ledger")),
            // Those who were not reached have no rows.
            "open" => None,
            outcome => Some(format!("/admin/mailings/{id}/ledger?outcome={outcome}")),
        },
        is_main,
        is_zero: count == 0,
    };
    counts.into_iter().map(tile).collect()
}

/// The word for a number, or for an outcome.
pub(super) fn count_label(t: Texts, key: &str, status: MailingStatus) -> String {
    match (key, status) {
        // They did not leave: the mailing was cancelled before it reached them.
        ("skipped", MailingStatus::Cancelled) => t.text("desk-count-not-sent"),
        _ => t.text(&format!("desk-count-{key}")),
    }
}

/// What the page's script shows.
#[derive(serde::Serialize)]
struct Shown {
    status: MailingStatus,
    audience: i64,
    sent: i64,
    open: i64,
    deferred: i64,
    bounced: i64,
    skipped: i64,
    uncertain: i64,
    expired: i64,
    bar: Vec<Segment>,
    words: String,
    pace: String,
}

/// The progress in the words of who looks at it, as JSON on one line.
pub(super) fn shown(t: Texts, progress: &Progress, now: Timestamp) -> Result<String, PageError> {
    let account = &progress.account;
    let shown = Shown {
        status: progress.status,
        audience: account.audience,
        sent: account.sent,
        open: account.open(),
        deferred: account.deferred,
        bounced: account.bounced,
        skipped: account.skipped,
        uncertain: account.uncertain,
        expired: account.expired,
        bar: bar(account),
        words: bar_words(t, account),
        pace: pace(t, progress, now),
    };
    serde_json::to_string(&shown).map_err(|error| PageError::internal("progress could not be written", error))
}

pub(super) fn bar_words(t: Texts, account: &Account) -> String {
    t.with2("desk-sent-of", "sent", grouped(account.sent), "audience", grouped(account.audience))
}

/// How fast it goes and how long it takes: empty where nobody can tell.
pub(super) fn pace(t: Texts, progress: &Progress, now: Timestamp) -> String {
    if progress.status != MailingStatus::Sending {
        return String::new();
    }
    let rate = progress.per_second.map(per_minute).filter(|count| *count > 0);
    let rate = rate.map(|count| t.with("desk-rate", "count", grouped(count)));
    let left = progress.eta.map(|eta| left(t, eta.since(now)));
    [rate, left].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// To two digits: more would change with every look, and mean nothing.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a rate is far below 2^63, and the fraction is not shown"
)]
fn per_minute(per_second: f64) -> i64 {
    let count = (per_second * 60.0).round() as i64;
    let unit = 10_i64.pow(count.max(1).ilog10().saturating_sub(1));
    (count + unit / 2) / unit * unit
}

/// `about 4 minutes left`: in the largest unit of which there are at least two, as people say it.
fn left(t: Texts, rest: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = rest.as_secs();
    let rounded = |unit: u64| (seconds + unit / 2) / unit;
    match seconds {
        0..MINUTE => t.text("desk-left-soon"),
        MINUTE..7200 => t.with("desk-left-minutes", "count", rounded(MINUTE)),
        7200..172_800 => t.with("desk-left-hours", "count", rounded(HOUR)),
        _ => t.with("desk-left-days", "count", rounded(DAY)),
    }
}

/// `GET /admin/mailings/{id}.json`.
pub async fn get(app: Data<App>, signed_in: SignedIn, id: Path<String>) -> Result<HttpResponse, PageError> {
    let mailing = mailing_of(&app, &id).await?;
    let now = app.clock.now();
    let progress = progress_of(app.store.read().await?.db(), &mailing, now).await?;
    let body = shown(signed_in.texts(), &progress, now)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;

    #[test]
    fn the_bar_is_full_when_all_is_settled_and_never_overflows() {
        let account = Account { audience: 7, sent: 3, bounced: 2, skipped: 2, ..Account::default() };
        let segments = bar(&account);
        assert_eq!(segments.iter().map(|segment| segment.width).sum::<i64>(), BAR_WIDTH);
        assert_eq!(segments[0], Segment { key: "sent", x: 0, width: 428 });
        assert!(bar(&Account::default()).iter().all(|segment| segment.width == 0));
    }

    #[test]
    fn a_rate_is_told_to_two_digits() {
        let rates = [0.0, 0.1, 1.5, 93.6, 1666.7].map(per_minute);
        assert_eq!(rates, [0, 6, 90, 5_600, 100_000]);
    }

    #[test]
    fn what_is_left_is_told_as_people_say_it() {
        let words = |seconds| left(Texts::new(Language::English), Duration::from_secs(seconds));
        assert_eq!(words(40), "less than a minute left");
        assert_eq!(words(60), "about one minute left");
        assert_eq!(words(230), "about 4 minutes left");
        assert_eq!(words(7_300), "about 2 hours left");
        assert_eq!(words(200_000), "about 2 days left");
    }
}
