//! `GET /admin/people/log`: what was done, by whom. Filters by person, kind of object, object and days.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

use crate::i18n::Texts;
use crate::model::act::KINDS;
use crate::model::{Act, Move, Newsletter, NewsletterId, Role, Timestamp, UserId};
use crate::publishing::schedule::moment;
use crate::store::audit::{self, AuditFilter, AuditRow};
use crate::store::{self};
use crate::web::admin::{Frame, desk_zone};
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// Who stands for the command line in the filter.
const OPERATOR: &str = "operator";

#[derive(Template)]
#[template(path = "admin/people_log.html")]
struct LogPage {
    page: Frame,
    lines: Vec<Line>,
    query: Form,
    people: Vec<(String, String)>,
    kinds: Vec<(&'static str, String)>,
    is_filtered: bool,
    older: Option<String>,
}

struct Line {
    at: String,
    who: String,
    what: String,
    /// What it was done to: a page, or a number.
    object: String,
    href: Option<String>,
    newsletter: String,
}

/// The beginning of a day that was typed, in a zone; nothing for what is none.
fn day(text: &str, zone: Tz, later: i64) -> Option<Timestamp> {
    let day: NaiveDate = text.trim().parse().ok()?;
    let day = day.checked_add_signed(TimeDelta::days(later))?;
    moment(day.and_hms_opt(0, 0, 0)?, zone).ok()
}

fn filter_of(query: &Form, zone: Tz) -> AuditFilter {
    let user = match query.first("person") {
        OPERATOR => Some(None),
        person => person.parse().ok().map(|id| Some(UserId(id))),
    };
    let kind = query.first("kind");
    AuditFilter {
        user,
        kind: KINDS.contains(&kind).then(|| kind.to_owned()),
        object: query.first("object").trim().parse().ok(),
        from: day(query.first("from"), zone, 0),
        until: day(query.first("until"), zone, 1),
        before: query.first("before").parse().ok(),
    }
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let query = Form::of_query(&request);
    let mut reader = app.store.read().await?;
    let zone = desk_zone(&mut reader).await?;
    let filter = filter_of(&query, zone);
    let mut rows = audit::list(reader.db(), &filter).await?;
    let newsletters = store::newsletters::all(reader.db()).await?;
    let most = usize::try_from(audit::PAGE_ROWS).unwrap_or(usize::MAX);
    let has_more = rows.len() > most;
    rows.truncate(most);
    let older = rows.last().filter(|_| has_more).map(|last| {
        let mut address = form_urlencoded::Serializer::new("/admin/people/log?".to_owned());
        for name in ["person", "kind", "object", "from", "until"] {
            address.append_pair(name, query.first(name));
        }
        address.append_pair("before", &last.id.to_string()).finish()
    });
    let mut people = vec![(OPERATOR.to_owned(), t.text("log-operator"))];
    people.extend(audit::people(reader.db()).await?.into_iter().map(|(id, name)| (id.to_string(), name)));
    let template = LogPage {
        page: Frame::new(&request, &signed_in, "settings", t.text("log-title")),
        lines: rows.into_iter().map(|row| line(t, zone, &newsletters, row)).collect(),
        people,
        kinds: KINDS.iter().map(|kind| (*kind, t.text(&format!("log-kind-{kind}")))).collect(),
        is_filtered: ["person", "kind", "object", "from", "until"]
            .iter()
            .any(|name| !query.first(name).is_empty()),
        query,
        older,
    };
    html(StatusCode::OK, &template)
}

fn line(t: Texts, zone: Tz, newsletters: &[Newsletter], row: AuditRow) -> Line {
    let act: Option<Act> = row.act.parse().ok();
    let what = act.map_or_else(|| row.act.clone(), |act| t.text(&format!("act-{act}")));
    let kind = act.map_or("", Act::kind);
    let newsletter = row.newsletter_id.and_then(|id| newsletters.iter().find(|one| one.id == id));
    Line {
        at: t.date_time(row.at, zone),
        who: match (row.user_id, act) {
            // Whoever types an address there is a stranger.
            (None, Some(Act::PersonForgot | Act::PersonPasswordsRefused | Act::PersonCodesRefused)) => {
                t.text("log-visitor")
            }
            (None, _) => t.text("log-operator"),
            (Some(_), _) => row.user_name,
        },
        what: if row.detail.is_empty() {
            what
        } else {
            format!("{what}: {}", detail(t, newsletters, act, &row.detail))
        },
        object: row.object_id.map_or_else(String::new, |id| {
            t.with2("log-object", "kind", t.text(&format!("log-kind-{kind}")), "number", id.to_string())
        }),
        href: row.object_id.and_then(|id| match kind {
            "article" => Some(format!("/admin/articles/{id}")),
            "issue" => Some(format!("/admin/issues/{id}")),
            "mailing" => Some(format!("/admin/mailings/{id}")),
            "newsletter" => Some(format!("/admin/newsletters/{id}")),
            "relay" => Some(format!("/admin/settings/relays/{id}")),
            "person" => Some(format!("/admin/people/{id}")),
            _ => None,
        }),
        newsletter: newsletter.map_or_else(String::new, |newsletter| newsletter.name.clone()),
    }
}

/// What the log keeps beside an act: in words where its shape is known, else as it is.
fn detail(t: Texts, newsletters: &[Newsletter], act: Option<Act>, kept: &str) -> String {
    let words = match act {
        Some(Act::MailingMoved) => kept.parse::<Move>().ok().map(|made| moved(t, made)),
        Some(Act::PersonInvited | Act::PersonGranted) => roles(t, newsletters, kept),
        _ => None,
    };
    words.unwrap_or_else(|| kept.to_owned())
}

/// By the button that makes the move.
fn moved(t: Texts, made: Move) -> String {
    t.text(&format!("desk-move-{}", made.as_str().replace('_', "-")))
}

/// `editor 1 3`: roles, each with the newsletters that it is for; a number where one is gone.
fn roles(t: Texts, newsletters: &[Newsletter], kept: &str) -> Option<String> {
    let mut words = Vec::new();
    for word in kept.split(' ') {
        if let Ok(role) = word.parse::<Role>() {
            words.push(t.text(&format!("role-{role}")));
        } else {
            let id = NewsletterId(word.parse().ok()?);
            let newsletter = newsletters.iter().find(|one| one.id == id);
            words.push(newsletter.map_or_else(|| word.to_owned(), |one| one.name.clone()));
        }
    }
    Some(words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;

    #[test]
    fn what_is_known_is_told_in_words_and_the_rest_as_it_is() {
        let t = Texts::new(Language::English);
        for (act, kept, words) in [
            (Act::MailingMoved, "send_now", "Send right now"),
            (Act::MailingMoved, "choose_second", "Choose the second subject"),
            (Act::MailingMoved, "else", "else"),
            (Act::PersonGranted, "owner", "Owner"),
            (Act::PersonInvited, "editor 1 3 viewer", "Editor, 1, 3, Viewer"),
            (Act::PersonGranted, "editor of all", "editor of all"),
            (Act::SubscribersImported, "upload", "upload"),
        ] {
            assert_eq!(detail(t, &[], Some(act), kept), words, "{kept}");
        }
    }
}
