//! `/admin/segments`: people of a newsletter to whom a filter applies. The filter is put together by posting: each button
//! shows the page again, and only one of them keeps it.

use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::conditions::{self, Draft, Input, Row};
use super::query::{Choices, Pick, keep_chosen};
use crate::i18n::{FieldErrors, Message};
use crate::model::filter::{CONDITIONS_MAX, GROUPS_MAX};
use crate::model::{Filter, Joined, Newsletter, NewsletterId, Permission, Segment, SegmentId, Selection};
use crate::publishing::schedule::zone_of;
use crate::store;
use crate::store::people::{self, COUNT_MAX};
use crate::subscriptions::segments::{self as verbs, SegmentError};
use crate::web::admin::newsletters::sections::SEEN;
use crate::web::admin::{Frame, Mistakes, grouped, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// So long the list of segments counts people: each count may walk through a part of a million, and the list must be there
/// at once. Those behind are counted on their own pages.
const COUNT_FOR: Duration = Duration::from_millis(50);

#[derive(Template)]
#[template(path = "admin/segments.html")]
struct ListPage {
    page: Frame,
    newsletters: Vec<Newsletter>,
    lines: Vec<Line>,
    mistakes: Mistakes,
}

struct Line {
    id: SegmentId,
    name: String,
    newsletter: String,
    /// Empty: not counted.
    count: String,
    people: String,
}

#[derive(Template)]
#[template(path = "admin/segment.html")]
struct EditPage {
    page: Frame,
    /// Where it is posted to.
    action: String,
    delete: Option<String>,
    /// What the segment was when it was opened; empty for a new one.
    seen: String,
    newsletter: String,
    name: String,
    is_any: bool,
    groups: Vec<ShownGroup>,
    kinds: Vec<Pick>,
    can_add: bool,
    can_add_group: bool,
    count: String,
    mistakes: Mistakes,
}

struct ShownGroup {
    number: usize,
    is_any: bool,
    rows: Vec<ShownRow>,
}

struct ShownRow {
    number: usize,
    kind: String,
    label: String,
    tests: Vec<Pick>,
    choices: Vec<Pick>,
    /// `text`, `number`, `date`; empty for a choice or none.
    input: &'static str,
    value: String,
    is_wrong: bool,
}

/// `GET /admin/segments`.
pub async fn list(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    show_list(&request, &app, &signed_in, Mistakes::none(signed_in.texts())).await
}

async fn show_list(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let newsletters = signed_in.newsletters(&mut reader, Permission::SeeSubscribers).await?;
    let mut lines = Vec::new();
    let began = Instant::now();
    for segment in store::segments::list(reader.db(), None).await? {
        let of = newsletters.iter().find(|one| one.id == segment.newsletter_id);
        let Some(newsletter) = of else { continue };
        let count = match Filter::parse(&segment.filter) {
            Ok(filter) if began.elapsed() < COUNT_FOR => count(&mut reader, t, newsletter.id, filter).await?,
            Ok(_) | Err(_) => String::new(),
        };
        lines.push(Line {
            id: segment.id,
            name: segment.name,
            newsletter: newsletter.name.clone(),
            count,
            people: format!("/admin/subscribers?newsletter={}&segment={}", newsletter.id, segment.id),
        });
    }
    let status = if mistakes.has_any() { StatusCode::CONFLICT } else { StatusCode::OK };
    let page = Frame::new(request, signed_in, "subscribers", t.text("people-segments"));
    html(status, &ListPage { page, newsletters, lines, mistakes })
}

async fn count(
    reader: &mut store::Reader,
    t: crate::i18n::Texts,
    newsletter: NewsletterId,
    filter: Filter,
) -> Result<String, PageError> {
    let selection = Selection { newsletter: Some(newsletter), filter, ..Selection::default() };
    let total = people::count(reader.db(), &selection, COUNT_MAX).await?;
    Ok(if total > COUNT_MAX {
        t.with("people-count-more", "count", grouped(COUNT_MAX))
    } else {
        t.with2("people-count", "count", total, "shown", grouped(total))
    })
}

/// What is edited.
enum Edited {
    New(Box<Newsletter>),
    Old(Box<(Newsletter, Segment)>),
}

impl Edited {
    const fn newsletter(&self) -> &Newsletter {
        match self {
            Self::New(newsletter) => newsletter,
            Self::Old(both) => &both.0,
        }
    }
}

/// The form as it is shown.
struct Typed<'a> {
    name: &'a str,
    draft: &'a Draft,
    /// The mark with which it was opened; `None`: that of the segment as it is now.
    seen: Option<&'a str>,
    mistakes: Mistakes,
    marks_wrong: bool,
}

async fn newsletter_of(app: &App, request: &HttpRequest) -> Result<Newsletter, PageError> {
    let id = NewsletterId(id_of(Form::of_query(request).first("newsletter"))?);
    app.store.permit(Permission::ChangeSubscribers, Some(id))?;
    let mut reader = app.store.read().await?;
    store::newsletters::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)
}

async fn segment_of(app: &App, id: &str) -> Result<(Newsletter, Segment), PageError> {
    let id = SegmentId(id_of(id)?);
    let mut reader = app.store.read().await?;
    let segment = store::segments::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let newsletter = store::newsletters::by_id(reader.db(), segment.newsletter_id).await?;
    Ok((newsletter.ok_or(PageError::NotFound)?, segment))
}

/// `GET /admin/segments/new?newsletter=..`.
pub async fn new(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let edited = Edited::New(Box::new(newsletter_of(&app, &request).await?));
    let mistakes = Mistakes::none(signed_in.texts());
    let typed = Typed { name: "", draft: &Draft::new(), seen: None, mistakes, marks_wrong: false };
    show(&request, &app, &signed_in, &edited, typed).await
}

/// `GET /admin/segments/{id}`.
pub async fn edit(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let both = segment_of(&app, &id).await?;
    let filter = Filter::parse(&both.1.filter)
        .map_err(|error| PageError::internal("a segment cannot be read", error))?;
    let draft = Draft::of_filter(&filter, zone_of(&both.0));
    let name = both.1.name.clone();
    let edited = Edited::Old(Box::new(both));
    let mistakes = Mistakes::none(signed_in.texts());
    let typed = Typed { name: &name, draft: &draft, seen: None, mistakes, marks_wrong: false };
    show(&request, &app, &signed_in, &edited, typed).await
}

/// `POST /admin/segments/new?newsletter=..`.
pub async fn create(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let edited = Edited::New(Box::new(newsletter_of(&app, &request).await?));
    pressed(&request, &app, &signed_in, &edited, &form).await
}

/// `POST /admin/segments/{id}`.
pub async fn save(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let edited = Edited::Old(Box::new(segment_of(&app, &id).await?));
    pressed(&request, &app, &signed_in, &edited, &form).await
}

async fn pressed(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    edited: &Edited,
    form: &Form,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut draft = Draft::of_form(form);
    let name = form.first("name");
    let seen = form.all(SEEN).next();
    let (act, number) = form.first("do").split_once('-').unwrap_or((form.first("do"), ""));
    let number: Option<usize> = number.parse().ok();
    match (act, number) {
        ("add", Some(group)) if group < draft.groups.len() && draft.rows.len() < CONDITIONS_MAX => {
            let kind = form.first(&format!("new-{group}")).to_owned();
            draft.rows.push(Row { group, kind, ..Row::default() });
        }
        ("remove", Some(at)) if at < draft.rows.len() => {
            draft.rows.remove(at);
        }
        ("group", _) if draft.groups.len() < GROUPS_MAX => draft.groups.push(Joined::All),
        ("save", _) => {}
        _ => {
            let typed = Typed { name, draft: &draft, seen, mistakes: Mistakes::none(t), marks_wrong: true };
            return show(request, app, signed_in, edited, typed).await;
        }
    }
    if act != "save" {
        let typed = Typed { name, draft: &draft, seen, mistakes: Mistakes::none(t), marks_wrong: false };
        return show(request, app, signed_in, edited, typed).await;
    }
    let newsletter = edited.newsletter();
    let choices = Choices::of(&mut app.store.read().await?, t, newsletter, &draft.named()).await?;
    let (filter, wrong) = draft.filter(&choices, zone_of(newsletter));
    let saved = if wrong.is_empty() {
        match edited {
            Edited::New(newsletter) => {
                verbs::add(&app.store, &app.clock, newsletter.id, name, &filter).await.map(drop)
            }
            Edited::Old(both) => verbs::change(&app.store, &app.clock, both.1.id, seen, name, &filter).await,
        }
    } else {
        Err(FieldErrors::of("filter", Message::new("error-filter-unfinished")).into())
    };
    match saved {
        Ok(()) => Ok(see_other("/admin/segments?done=saved")),
        Err(SegmentError::Invalid(errors)) => {
            let mistakes = Mistakes::of(t, errors);
            let typed = Typed { name, draft: &draft, seen, mistakes, marks_wrong: true };
            show(request, app, signed_in, edited, typed).await
        }
        Err(SegmentError::Changed) => {
            let Edited::Old(both) = edited else { return Err(PageError::NotFound) };
            // Whoever saves once more has been told: with the mark of now.
            let now = Edited::Old(Box::new(segment_of(app, &both.1.id.to_string()).await?));
            let mistakes = Mistakes::notice(t, &Message::new("error-changed-meanwhile"));
            let typed = Typed { name, draft: &draft, seen: None, mistakes, marks_wrong: false };
            show(request, app, signed_in, &now, typed).await
        }
        Err(SegmentError::Store(error)) => Err(error.into()),
        Err(SegmentError::NotFound | SegmentError::InUse) => Err(PageError::NotFound),
    }
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    edited: &Edited,
    Typed { name, draft, seen, mistakes, marks_wrong }: Typed<'_>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let newsletter = edited.newsletter();
    let mut reader = app.store.read().await?;
    let choices = Choices::of(&mut reader, t, newsletter, &draft.named()).await?;
    let (filter, wrong) = draft.filter(&choices, zone_of(newsletter));
    // A condition that was just added has no value yet; one whose value means nothing must not be left out in silence.
    let is_wrong = |at: usize, row: &Row| wrong.contains(&at) && (marks_wrong || !row.value.is_empty());
    let count = if draft.rows.iter().enumerate().any(|(at, row)| is_wrong(at, row)) {
        t.text("people-count-unfinished")
    } else {
        count(&mut reader, t, newsletter.id, filter).await?
    };
    drop(reader);
    let shown = |(at, row): (usize, &Row)| {
        let (choices_of, input) = match conditions::input(t, &choices, row) {
            Input::None => (Vec::new(), ""),
            Input::Text => (Vec::new(), "text"),
            Input::Number => (Vec::new(), "number"),
            Input::Date => (Vec::new(), "date"),
            Input::Choice(all) => {
                let picks = all.into_iter().map(|(value, label)| Pick::of(value, label, &row.value));
                let mut picks = picks.collect();
                keep_chosen(t, &mut picks, &row.value, &row.value);
                (picks, "")
            }
        };
        ShownRow {
            number: at,
            kind: row.kind.clone(),
            label: conditions::label(t, &choices, &row.kind),
            tests: conditions::tests(t, &choices, row),
            choices: choices_of,
            input,
            value: row.value.clone(),
            is_wrong: is_wrong(at, row),
        }
    };
    let groups = draft.groups.iter().enumerate().map(|(number, joined)| ShownGroup {
        number,
        is_any: *joined == Joined::Any,
        rows: draft.rows.iter().enumerate().filter(|(_, row)| row.group == number).map(shown).collect(),
    });
    let seen = match (seen, edited) {
        (Some(seen), _) => seen.to_owned(),
        (None, Edited::Old(both)) => verbs::mark(&both.1),
        (None, Edited::New(_)) => String::new(),
    };
    let (action, delete, title) = match edited {
        Edited::New(newsletter) => {
            let action = format!("/admin/segments/new?newsletter={}", newsletter.id);
            (action, None, t.text("people-segment-new"))
        }
        Edited::Old(both) => {
            let action = format!("/admin/segments/{}", both.1.id);
            (action.clone(), Some(format!("{action}/delete")), both.1.name.clone())
        }
    };
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = EditPage {
        page: Frame::new(request, signed_in, "subscribers", title),
        action,
        delete,
        seen,
        newsletter: newsletter.name.clone(),
        name: name.to_owned(),
        is_any: draft.joined == Joined::Any,
        groups: groups.collect(),
        kinds: conditions::kinds(t, &choices),
        can_add: draft.rows.len() < CONDITIONS_MAX,
        can_add_group: draft.groups.len() < GROUPS_MAX,
        count,
        mistakes,
    };
    html(status, &template)
}

/// `POST /admin/segments/{id}/delete`.
pub async fn delete(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    match verbs::delete(&app.store, SegmentId(id_of(&id)?)).await {
        Ok(()) => Ok(see_other("/admin/segments?done=segment-deleted")),
        Err(SegmentError::InUse) => {
            let mistakes = Mistakes::notice(signed_in.texts(), &Message::new("error-segment-in-use"));
            show_list(&request, &app, &signed_in, mistakes).await
        }
        Err(SegmentError::Store(error)) => Err(error.into()),
        Err(_) => Err(PageError::NotFound),
    }
}
