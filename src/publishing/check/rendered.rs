//! The mail as it was rendered: its weight, its links, its pictures, and why it could not be rendered.

use std::collections::BTreeSet;

use ammonia::Url;

use super::{Facts, Findings, Fix, Place, count, field_message, markdown_message};
use crate::i18n::Message;
use crate::mail::markdown::Problem;
use crate::mail::render::{HTML_MAX_OCTETS, Part, RenderError, RenderedIssue, Weight};
use crate::mail::slot::Slot;
use crate::model::{ArticleDisplay, LinkVerdict};
use crate::publishing::links::BELIEVED_FOR;
use crate::publishing::schedule::zone_of;

/// Names of addresses shown in a message; longer ones are cut.
const SHOWN_MAX_CHARS: usize = 100;
/// A picture heavier than this keeps a reader on a train waiting.
const PICTURE_ADVISED_OCTETS: i64 = 200 * 1024;
/// Who only passes on is what spam filters look at (H10).
const SHORTENERS: [&str; 8] =
    ["bit.ly", "tinyurl.com", "goo.gl", "t.co", "ow.ly", "is.gd", "buff.ly", "rebrand.ly"];
/// First labels of hosts that are not for readers.
const STAGING: [&str; 9] =
    ["staging", "stage", "test", "dev", "acc", "acceptance", "preview", "uat", "intranet"];

pub(super) fn check(findings: &mut Findings, facts: Facts<'_>) {
    match facts.rendered {
        Ok(rendered) => {
            weight(findings, facts, rendered);
            ways_out(findings, rendered);
            problems(findings, facts, rendered);
            links(findings, facts, rendered);
            pictures(findings, facts, rendered);
        }
        Err(error) => of_render_error(findings, error, facts),
    }
}

fn place(facts: Facts<'_>, part: Part) -> Place {
    match part {
        Part::Intro => Place::Intro,
        Part::Outro => Place::Outro,
        Part::Article(at) => facts.articles.get(at).map_or(Place::Issue, Place::of),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX_CHARS).collect()
}

fn weight(findings: &mut Findings, facts: Facts<'_>, rendered: &RenderedIssue) {
    let weight = |key| {
        let kilobytes = |octets: usize| count(octets / 1024);
        Message::new(key)
            .number("size", kilobytes(rendered.html_wire_bytes()))
            .number("most", kilobytes(HTML_MAX_OCTETS))
    };
    // The one that saves most as a teaser.
    let full = facts.articles.iter().filter(|row| row.display == ArticleDisplay::Full);
    let longest = full.max_by_key(|row| row.article.body.len()).map(|row| Fix::ShowTeaser(row.article.id));
    match rendered.weight() {
        Weight::Fine => {}
        Weight::Heavy => findings.warning(Place::Issue, weight("check-heavy")).fix(longest),
        Weight::TooHeavy => findings.error(Place::Issue, weight("check-too-heavy")).fix(longest),
    }
}

/// Every theme has them; an issue without would break the law, so nobody relies on that.
fn ways_out(findings: &mut Findings, rendered: &RenderedIssue) {
    let marker = Slot::UnsubscribeUrl.marker();
    if !rendered.html.contains(&marker) || !rendered.text.contains(&marker) {
        findings.error(Place::Issue, Message::new("check-no-unsubscribe"));
    }
}

fn problems(findings: &mut Findings, facts: Facts<'_>, rendered: &RenderedIssue) {
    for (part, problem) in &rendered.problems {
        let (key, what) = match problem {
            Problem::ImageWithoutDescription(url) => ("check-image-alt", url),
            Problem::ImageNotHttps(url) => ("check-image-http", url),
            Problem::ImageLeftOut(url) => ("check-image-left-out", url),
            Problem::LinkLeftOut(url) => ("check-link-left-out", url),
            Problem::LinkMisleads(url) => ("check-link-misleads", url),
            Problem::HtmlAsText(html) => ("check-html-as-text", html),
        };
        findings.warning(place(facts, *part), Message::new(key).text("what", shown(what)));
    }
}

fn links(findings: &mut Findings, facts: Facts<'_>, rendered: &RenderedIssue) {
    let mut unchecked = BTreeSet::new();
    for (part, url) in &rendered.links {
        let Ok(parsed) = Url::parse(url) else { continue };
        if !matches!(parsed.scheme(), "http" | "https") {
            continue;
        }
        let host = parsed.host_str().unwrap_or_default().to_lowercase();
        let say = |key| Message::new(key).text("what", shown(url));
        if is_local(&parsed) && !facts.is_on_this_machine {
            findings.error(place(facts, *part), say("check-link-local"));
            continue;
        }
        if host.split('.').next().is_some_and(|label| STAGING.contains(&label)) {
            findings.warning(place(facts, *part), say("check-link-staging"));
        }
        if SHORTENERS.contains(&host.as_str()) {
            findings.warning(place(facts, *part), say("check-link-shortener"));
        }
        match facts.links.get(url) {
            Some(known) => {
                let key = match known.verdict {
                    LinkVerdict::Fine | LinkVerdict::Unsure => {
                        if facts.date.since(known.checked_at) > BELIEVED_FOR {
                            unchecked.insert(url.as_str());
                        }
                        continue;
                    }
                    LinkVerdict::Gone => "check-link-dead",
                    LinkVerdict::Unreachable => "check-link-unreachable",
                };
                let zone = zone_of(facts.newsletter);
                let at = known.checked_at.to_utc().with_timezone(&zone).format("%H:%M").to_string();
                let message = say(key).number("status", known.status).text("at", at);
                let place = place(facts, *part);
                if known.verdict == LinkVerdict::Gone {
                    findings.error(place, message).fix(Some(Fix::CheckLinks));
                } else {
                    findings.warning(place, message).fix(Some(Fix::CheckLinks));
                }
            }
            None => {
                unchecked.insert(url.as_str());
            }
        }
    }
    if !unchecked.is_empty() {
        let message = Message::new("check-links-unchecked").number("count", count(unchecked.len()));
        findings.hint(Place::Issue, message).fix(Some(Fix::CheckLinks));
    }
}

/// What only this machine or this office can open.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_lowercase();
    if let Ok(address) = host.parse::<std::net::IpAddr>() {
        return !crate::http::is_public(address);
    }
    let endings = [".local", ".localhost", ".internal", ".lan", ".home.arpa"];
    !host.contains('.') || endings.iter().any(|ending| host.ends_with(ending))
}

fn pictures(findings: &mut Findings, facts: Facts<'_>, rendered: &RenderedIssue) {
    for (part, image) in &rendered.images {
        if image.size.is_none() {
            let message = Message::new("check-image-size").text("what", shown(&image.url));
            findings.warning(place(facts, *part), message);
        }
        let octets = facts.links.get(&image.url).and_then(|known| known.octets).unwrap_or(0);
        if octets > PICTURE_ADVISED_OCTETS {
            let message = Message::new("check-image-heavy")
                .text("what", shown(&image.url))
                .number("size", octets / 1024);
            findings.warning(place(facts, *part), message);
        }
        if let Some(known) = facts.links.get(&image.url)
            && known.verdict == LinkVerdict::Gone
        {
            let message = Message::new("check-image-gone").text("what", shown(&image.url));
            findings.error(place(facts, *part), message).fix(Some(Fix::CheckLinks));
        }
    }
}

fn of_render_error(findings: &mut Findings, error: &RenderError, facts: Facts<'_>) {
    let place = |name: &str| match name {
        "subject" => Place::Subject,
        "second subject" => Place::SecondSubject,
        "preheader" => Place::Preheader,
        "intro" => Place::Intro,
        "outro" => Place::Outro,
        title => facts.articles.iter().find(|row| row.article.title == title).map_or(Place::Issue, Place::of),
    };
    match error {
        RenderError::Markdown { place: name, source } => {
            findings.error(place(name), markdown_message(source));
        }
        RenderError::Field { place: name, source } => {
            findings.error(place(name), field_message(source));
        }
        // Found for every article, not only for the first.
        RenderError::NoUrl(_) => {}
        RenderError::Url { url, .. } => {
            findings.error(Place::Issue, Message::new("check-url").text("url", url));
        }
        RenderError::Template(_) | RenderError::Styles(_) => {
            tracing::error!(cause = %error, "an issue could not be rendered");
            findings.error(Place::Issue, Message::new("page-error-internal"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_this_office_can_open_is_local() {
        for url in [
            "http://localhost/x",
            "http://127.0.0.1:8080/",
            "http://[::1]/",
            "http://10.0.0.4/",
            "https://wiki/",
            "https://printer.local/",
            "http://intranet.lan/",
            "http://192.168.1.1/",
            "http://169.254.1.1/",
        ] {
            assert!(is_local(&Url::parse(url).unwrap()), "{url}");
        }
        for url in [
            "https://example.com/",
            "https://8.8.8.8/",
            "https://localhost.example.com/",
            "https://bücher.example/",
        ] {
            assert!(!is_local(&Url::parse(url).unwrap()), "{url}");
        }
    }
}
