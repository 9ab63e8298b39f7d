//! Asking the web addresses of an issue whether they are there.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;

use super::compose::{Composed, compose};
use crate::clock::Clock;
use crate::http::{Http, HttpError};
use crate::model::{IssueId, LinkCheck, LinkVerdict, Permission};
use crate::store::{Db, Result, Store, link_checks};

/// Most addresses of one check: above that an issue is no newsletter.
const LINKS_MAX: usize = 200;
/// Asked side by side.
const AT_ONCE: usize = 8;
/// Somebody waits for the page: what has not answered by then counts as not asked.
const ALL_WITHIN: Duration = Duration::from_secs(30);
/// That an address is there is believed for so long; then it counts as not asked.
pub const BELIEVED_FOR: Duration = Duration::from_hours(24);
/// How long answers are kept.
const KEPT_FOR: Duration = Duration::from_hours(30 * 24);

/// The web addresses that an issue links to or shows, each once.
pub fn addresses(composed: &Composed) -> BTreeSet<&str> {
    let rendered = composed.views().filter_map(|view| view.rendered.as_ref().ok());
    let urls = rendered.flat_map(|rendered| {
        let links = rendered.links.iter().map(|(_, url)| url.as_str());
        links.chain(rendered.images.iter().map(|(_, image)| image.url.as_str()))
    });
    urls.filter(|url| url.starts_with("http")).take(LINKS_MAX).collect()
}

/// What they answered when they were last asked.
///
/// # Errors
/// Of the database.
pub async fn known(mut db: Db<'_>, composed: &Composed) -> Result<Vec<LinkCheck>> {
    let mut known = Vec::new();
    for url in addresses(composed) {
        known.extend(link_checks::last(db.again(), url).await?);
    }
    Ok(known)
}

/// Asks all of them, and keeps what they answered; no transaction is open meanwhile. Answers how many answered or failed
/// in time, and `None` when there is no such issue.
///
/// # Errors
/// Of the database. An address that does not answer is no error.
pub async fn check_links(
    store: &Store,
    clock: &Clock,
    http: &Http,
    public_url: &str,
    id: IssueId,
) -> Result<Option<usize>> {
    let composed = compose(store.read().await?.db(), id, clock.now(), public_url).await?;
    let Some(composed) = composed else { return Ok(None) };
    store.permit(Permission::DraftIssues, Some(composed.newsletter.id))?;
    let urls: Vec<String> = addresses(&composed).into_iter().map(str::to_owned).collect();
    let asked = futures_util::stream::iter(&urls).map(|url| ask(http, clock, url));
    let end = tokio::time::sleep(ALL_WITHIN);
    let checks: Vec<LinkCheck> = asked.buffer_unordered(AT_ONCE).take_until(end).collect().await;
    let mut tx = store.begin().await?;
    for check in &checks {
        link_checks::set(&mut tx, check).await?;
    }
    link_checks::delete_before(&mut tx, clock.now().minus(KEPT_FOR)).await?;
    tx.commit().await?;
    Ok(Some(checks.len()))
}

async fn ask(http: &Http, clock: &Clock, url: &str) -> LinkCheck {
    let (verdict, status, octets) = match reqwest::Url::parse(url) {
        Err(_) => (LinkVerdict::Unreachable, 0, None),
        Ok(address) => match http.look(&address).await {
            Ok(look) => (verdict_of(look.status), i64::from(look.status), look.octets),
            // Nobody but us can open it: told by another check, with a better word.
            Err(HttpError::Private) => (LinkVerdict::Unsure, 0, None),
            Err(HttpError::Request(_) | HttpError::TooLarge(_)) => (LinkVerdict::Unreachable, 0, None),
        },
    };
    let octets = octets.and_then(|octets| i64::try_from(octets).ok());
    LinkCheck { url: url.to_owned(), verdict, status, octets, checked_at: clock.now() }
}

const fn verdict_of(status: u16) -> LinkVerdict {
    match status {
        404 | 410 => LinkVerdict::Gone,
        200..=399 => LinkVerdict::Fine,
        500..=599 => LinkVerdict::Unreachable,
        _ => LinkVerdict::Unsure,
    }
}
