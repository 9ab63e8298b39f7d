//! `/admin/subscribers`: who is subscribed, found by words and narrowed by filters.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono_tz::Tz;
use futures_util::{StreamExt as _, stream};

use super::query::{Asked, Choices, Named, Pick, keep_chosen, seal};
use super::show::class_of;
use crate::i18n::Texts;
use crate::model::{EmailAddress, Language, Permission, SubscriptionId, SubscriptionStatus};
use crate::publishing::schedule::zone_of;
use crate::store::people::{self, COUNT_MAX, PersonRow};
use crate::store::{self, PAGE_ROWS};
use crate::subscriptions::background::index_some;
use crate::subscriptions::export::{Export, Format};
use crate::web::admin::{Frame, grouped};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// Steps of catching up with new people before a search: who signed up in this minute is found. The background does
/// the rest.
const CATCH_UP_STEPS: usize = 4;

#[derive(Template)]
#[template(path = "admin/subscribers.html")]
struct ListPage {
    page: Frame,
    find: String,
    /// The same as it stands in an address.
    sealed: String,
    query: String,
    is_filtered: bool,
    has_newsletter: bool,
    newsletter: String,
    newsletters: Vec<Pick>,
    filters: Vec<Select>,
    more_filters: Vec<Select>,
    has_fields: bool,
    value: String,
    from: String,
    until: String,
    has_more_filters: bool,
    count: String,
    can_export: bool,
    acts: Vec<Pick>,
    rows: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
    nobody: Option<String>,
    error: Option<String>,
}

/// Something to narrow a list by.
struct Select {
    name: &'static str,
    label: String,
    picks: Vec<Pick>,
}

struct Row {
    id: SubscriptionId,
    href: String,
    address: String,
    name: String,
    newsletter: String,
    class: &'static str,
    status: String,
    since: String,
}

/// Why nobody was found by an address.
pub enum Nobody {
    Unknown,
    Erased,
}

/// `GET /admin/subscribers`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &signed_in, &Form::of_query(&request), None, None).await
}

/// `POST /admin/subscribers`: finds by an address, or by parts of address and name. By post, so that what was looked for
/// stands in no history and no log. A whole address leads to its person.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let typed = form.first("address");
    if let Ok(address) = EmailAddress::parse(typed) {
        let mut reader = app.store.read().await?;
        if let Some(found) = store::subscribers::by_address(reader.db(), &address).await? {
            let all = store::subscriptions::of_subscriber(reader.db(), found.id).await?;
            let sees_all = signed_in.actor().may(Permission::SeeSubscribers, None);
            let is_seen = all.iter().any(|one| signed_in.may(Permission::SeeSubscribers, one.newsletter_id));
            drop(reader);
            // A reader of other newsletters alone is unknown here.
            return if sees_all || is_seen {
                Ok(see_other(&format!("/admin/subscribers/{}", found.public_id)))
            } else {
                show(&request, &app, &signed_in, &form, Some((typed, Nobody::Unknown)), None).await
            };
        }
        let hash = app.keys.address_hash(&address);
        let was_erased = store::suppressions::contains(reader.db(), &hash).await?;
        drop(reader);
        let nobody = if was_erased { Nobody::Erased } else { Nobody::Unknown };
        return show(&request, &app, &signed_in, &form, Some((typed, nobody)), None).await;
    }
    for _ in 0..CATCH_UP_STEPS {
        if !index_some(&app.store).await? {
            break;
        }
    }
    let mut query = form.clone();
    if !typed.trim().is_empty() {
        query.push("find", seal(&app, typed)?);
    }
    let query = query.encoded(&["csrf", "address"]);
    Ok(see_other(&format!("/admin/subscribers?{query}")))
}

pub(super) async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    form: &Form,
    nobody: Option<(&str, Nobody)>,
    error: Option<String>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let asked = Asked::read(app, &mut reader, form).await?;
    let before = form.first("before").parse().ok().map(SubscriptionId);
    let mut found = people::page(reader.db(), &asked.selection, before).await?;
    let total = people::count(reader.db(), &asked.selection, COUNT_MAX).await?;
    let choices = match &asked.newsletter {
        Some(newsletter) => {
            let named = Named::of(&asked.selection.filter);
            Choices::of(&mut reader, t, newsletter, &named).await?
        }
        None => Choices::default(),
    };
    drop(reader);
    let most = usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
    let has_more = found.len() > most;
    found.truncate(most);
    let last = found.last().filter(|_| has_more).map(|row| row.subscription_id);
    let base = format!("/admin/subscribers?{}", asked.query);
    let count = if total > COUNT_MAX {
        t.with("people-count-more", "count", grouped(COUNT_MAX))
    } else {
        t.with2("people-count", "count", total, "shown", grouped(total))
    };
    let kept = |mut picks: Vec<Pick>, name: &str| {
        let chosen = form.first(name);
        let id = chosen.rsplit('-').next().unwrap_or_default();
        // Anything else than a number is no filter, nor is one of a newsletter that is not asked for.
        if asked.newsletter.is_some() && id.parse::<i64>().is_ok() {
            keep_chosen(t, &mut picks, chosen, id);
        }
        picks
    };
    let picks = |all: &[(i64, String)], name: &str| {
        let chosen = form.first(name);
        kept(all.iter().map(|(id, label)| Pick::of(id.to_string(), label, chosen)).collect(), name)
    };
    let statuses = SubscriptionStatus::ALL.iter().map(|status| {
        Pick::of(status.as_str(), t.text(&format!("reader-status-{status}")), form.first("status"))
    });
    let statuses = statuses.collect();
    let languages = Language::ALL
        .iter()
        .map(|language| Pick::of(language.as_str(), language.own_name(), form.first("language")))
        .collect();
    let issues = kept(issue_picks(t, &choices.issues, form.first("issue")), "issue");
    let fields = choices
        .fields
        .iter()
        .map(|(field, label)| Pick::of(field.id.to_string(), label, form.first("field")))
        .collect();
    let has_more_filters = ["form", "issue", "from", "until", "field", "language"]
        .iter()
        .any(|name| !form.first(name).is_empty());
    let status = if nobody.is_some() {
        StatusCode::NOT_FOUND
    } else if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let zones: Vec<_> =
        asked.newsletters.iter().map(|one| (one.id, zone_of(one), one.name.clone())).collect();
    let newsletter = asked.newsletter.as_ref().map(|one| one.id);
    let can = |permission| signed_in.actor().may(permission, newsletter);
    let template = ListPage {
        page: Frame::new(request, signed_in, "subscribers", t.text("desk-readers-menu")),
        find: nobody.as_ref().map_or_else(|| asked.find.clone(), |(typed, _)| (*typed).to_owned()),
        sealed: form.first("find").to_owned(),
        is_filtered: asked.is_filtered,
        has_newsletter: asked.newsletter.is_some(),
        newsletter: asked.newsletter.as_ref().map_or_else(String::new, |one| one.id.to_string()),
        newsletters: asked
            .newsletters
            .iter()
            .map(|one| Pick {
                value: one.id.to_string(),
                label: one.name.clone(),
                is_chosen: asked.newsletter.as_ref().is_some_and(|chosen| chosen.id == one.id),
            })
            .collect(),
        filters: vec![
            Select { name: "status", label: t.text("people-kind-status"), picks: statuses },
            Select {
                name: "topic",
                label: t.text("people-kind-topic"),
                picks: picks(&choices.topics, "topic"),
            },
            Select {
                name: "segment",
                label: t.text("people-segment"),
                picks: picks(&choices.segments, "segment"),
            },
        ],
        more_filters: vec![
            Select { name: "language", label: t.text("people-kind-language"), picks: languages },
            Select { name: "form", label: t.text("people-kind-form"), picks: picks(&choices.forms, "form") },
            Select { name: "issue", label: t.text("people-kind-mailed"), picks: issues },
            Select { name: "field", label: t.text("people-kind-field"), picks: fields },
        ],
        has_fields: !choices.fields.is_empty(),
        value: form.first("value").to_owned(),
        from: form.first("from").to_owned(),
        until: form.first("until").to_owned(),
        has_more_filters,
        count,
        can_export: can(Permission::ExportSubscribers),
        acts: act_picks(t, &choices, can(Permission::EraseSubscribers)),
        rows: found.into_iter().map(|row| line(t, &zones, row)).collect(),
        first: before.is_some().then(|| base.clone()),
        next: last.map(|last| format!("{base}&before={last}")),
        nobody: nobody.map(|(_, why)| {
            t.text(match why {
                Nobody::Erased => "reader-erased",
                Nobody::Unknown => "reader-unknown",
            })
        }),
        error,
        query: asked.query,
    };
    html(status, &template)
}

fn issue_picks(t: Texts, issues: &[(i64, String)], chosen: &str) -> Vec<Pick> {
    let both = issues.iter().flat_map(|(id, name)| {
        [
            Pick::of(format!("was-{id}"), t.with("people-was-sent", "issue", name.as_str()), chosen),
            Pick::of(format!("not-{id}"), t.with("people-not-sent", "issue", name.as_str()), chosen),
        ]
    });
    both.collect()
}

/// What can be done with many.
fn act_picks(t: Texts, choices: &Choices, can_erase: bool) -> Vec<Pick> {
    let mut picks = Vec::new();
    for (id, name) in &choices.topics {
        let words = t.with("people-act-add-topic", "topic", name.as_str());
        picks.push(Pick::of(format!("add_topic-{id}"), words, ""));
    }
    for (id, name) in &choices.topics {
        let words = t.with("people-act-remove-topic", "topic", name.as_str());
        picks.push(Pick::of(format!("remove_topic-{id}"), words, ""));
    }
    picks.push(Pick::of("unsubscribe", t.text("people-act-unsubscribe"), ""));
    if can_erase {
        picks.push(Pick::of("erase", t.text("people-act-erase"), ""));
    }
    picks
}

fn line(t: Texts, newsletters: &[(crate::model::NewsletterId, Tz, String)], row: PersonRow) -> Row {
    let of = newsletters.iter().find(|(id, ..)| *id == row.newsletter_id);
    let at = match row.status {
        SubscriptionStatus::Pending => None,
        SubscriptionStatus::Confirmed => row.confirmed_at,
        SubscriptionStatus::Unsubscribed => row.unsubscribed_at,
    };
    let date = t.date(at.unwrap_or(row.created_at), of.map_or(Tz::UTC, |(_, zone, _)| *zone));
    Row {
        id: row.subscription_id,
        href: format!("/admin/subscribers/{}", row.public_id),
        address: row.address.to_string(),
        name: row.name,
        newsletter: of.map_or_else(String::new, |(.., name)| name.clone()),
        class: class_of(row.status),
        status: t.text(&format!("reader-status-{}", row.status)),
        since: t.with(&format!("reader-since-{}", row.status), "date", date),
    }
}

/// `POST /admin/subscribers/export.csv`: all of a list, as it comes out of the database. By post, because the log keeps
/// that it was taken out.
pub async fn export(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let mut reader = app.store.read().await?;
    let asked = Asked::read(&app, &mut reader, &Form::of_query(&request)).await?;
    drop(reader);
    let export = Export::of(&app.store, asked.selection, Format::Csv).await?;
    tracing::info!(user = signed_in.user.id.0, "subscriptions are exported at the desk");
    let rows = stream::try_unfold(export, |mut export| async move {
        match export.next().await {
            Ok(Some(part)) => Ok(Some((Bytes::from(part), export))),
            Ok(None) => Ok(None),
            // The connection breaks off, so that nobody takes a part for the whole.
            Err(error) => Err(PageError::internal("an export broke off", error)),
        }
    });
    // Without it Excel takes the file for one of its own code page.
    let byte_order_mark = stream::iter([Ok(Bytes::from_static("\u{feff}".as_bytes()))]);
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"subscriptions.csv\""))
        .streaming(byte_order_mark.chain(rows)))
}
