//! `/admin/imports`: a file of people, step by step.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use futures_util::{TryStreamExt as _, stream};
use uuid::Uuid;

use super::query::Pick;
use crate::i18n::{FieldErrors, Message, Texts};
use crate::model::{Field, FieldId, Import, ImportStatus, Meaning, NewsletterId, Permission, RowOutcome};
use crate::publishing::schedule::zone_of;
use crate::store;
use crate::subscriptions::import::{self as verbs, ImportError, Upload};
use crate::web::admin::{Frame, Mistakes, desk_zone, grouped};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// Units of a whole bar.
const BAR_WIDTH: i64 = 1000;
/// Most parts of the form, and longest text in it, in octets.
const PARTS_MAX: usize = 10;
const TEXT_MAX_OCTETS: usize = 8 * 1024;

#[derive(Template)]
#[template(path = "admin/imports.html")]
struct ListPage {
    page: Frame,
    newsletters: Vec<Pick>,
    lines: Vec<Line>,
    mistakes: Mistakes,
}

struct Line {
    href: String,
    name: String,
    words: String,
    at: String,
}

#[derive(Template)]
#[template(path = "admin/import.html")]
struct ImportPage {
    page: Frame,
    id: Uuid,
    status: ImportStatus,
    newsletter: String,
    about: String,
    is_moving: bool,
    /// What the columns mean is asked.
    asks_columns: bool,
    /// Nothing is written yet.
    is_trial: bool,
    is_checked: bool,
    is_open: bool,
    width: i64,
    words: String,
    columns: Vec<Column>,
    basis: String,
    counts: Vec<Count>,
    /// That somebody must look at some rows.
    warning: Option<String>,
    /// No column says who has left.
    knows_nobody_left: bool,
    has_report: bool,
    people: Option<String>,
    mistakes: Mistakes,
}

struct Column {
    number: usize,
    name: String,
    samples: Vec<String>,
    meanings: Vec<Pick>,
}

struct Count {
    key: &'static str,
    label: String,
    number: String,
    is_zero: bool,
}

/// `GET /admin/imports`.
pub async fn list(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    show_list(&request, &app, &signed_in, "", Mistakes::none(signed_in.texts())).await
}

async fn show_list(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    newsletter: &str,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let zone = desk_zone(&mut reader).await?;
    let newsletters = signed_in.newsletters(&mut reader, Permission::ImportSubscribers).await?;
    let mut found = store::imports::list(reader.db()).await?;
    found.retain(|import| signed_in.may(Permission::ImportSubscribers, import.newsletter_id));
    let lines = found.into_iter().map(|import| Line {
        href: format!("/admin/imports/{}", import.public_id),
        words: words(t, &import),
        name: import.file_name.clone(),
        at: t.date_time(import.created_at, zone),
    });
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = ListPage {
        page: Frame::new(request, signed_in, "subscribers", t.text("people-imports")),
        newsletters: newsletters
            .iter()
            .map(|one| Pick::of(one.id.to_string(), one.name.clone(), newsletter))
            .collect(),
        lines: lines.collect(),
        mistakes,
    };
    html(status, &template)
}

fn words(t: Texts, import: &Import) -> String {
    let status = t.text(&format!("people-import-status-{}", import.status));
    let done = import.counts.total();
    let numbers = t.with2("people-import-rows", "done", grouped(done), "of", grouped(import.row_count));
    format!("{status} · {numbers}")
}

fn width(import: &Import) -> i64 {
    (import.cursor * BAR_WIDTH).checked_div(verbs::steps(import)).unwrap_or(0).clamp(0, BAR_WIDTH)
}

/// `POST /admin/imports`: takes the file in, piece by piece. The token and the newsletter stand before the file, so that
/// nothing of it is kept for a stranger.
pub async fn upload(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    mut parts: Multipart,
) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    let t = signed_in.texts();
    let (mut token, mut newsletter) = (String::new(), String::new());
    let mut count = 0;
    while let Some(mut part) = parts.try_next().await.map_err(|_| PageError::BadRequest)? {
        count += 1;
        if count > PARTS_MAX {
            return Err(PageError::TooLarge);
        }
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            csrf::check_token(&signed_in, &token)?;
            let id = NewsletterId(newsletter.parse().map_err(|_| PageError::BadRequest)?);
            let found = store::newsletters::by_id(app.store.read().await?.db(), id).await?;
            found.ok_or(PageError::NotFound)?;
            let file_name = part.content_disposition().and_then(|about| about.get_filename()).unwrap_or("");
            let by = Some(signed_in.user.id);
            let upload = Upload::begin(&app.store, &app.clock, id, file_name, by).await;
            let upload = upload.map_err(|error| match error {
                ImportError::Store(error) => error.into(),
                other => failed(&other),
            })?;
            return match take_in(&app, upload, &mut part).await? {
                Ok(import) => Ok(see_other(&format!("/admin/imports/{}", import.public_id))),
                Err(message) => {
                    let mistakes = Mistakes::beside(t, FieldErrors::of("file", message));
                    show_list(&request, &app, &signed_in, &newsletter, mistakes).await
                }
            };
        }
        let mut octets = Vec::new();
        while let Some(chunk) = part.try_next().await.map_err(|_| PageError::BadRequest)? {
            if octets.len() + chunk.len() > TEXT_MAX_OCTETS {
                return Err(PageError::TooLarge);
            }
            octets.extend_from_slice(&chunk);
        }
        let text = String::from_utf8_lossy(&octets).into_owned();
        match name.as_str() {
            "csrf" => token = text,
            "newsletter" => newsletter = text,
            _ => {}
        }
    }
    Err(PageError::BadRequest)
}

/// The import, or what is wrong with the file.
async fn take_in(
    app: &App,
    mut upload: Upload,
    part: &mut actix_multipart::Field,
) -> Result<Result<Import, Message>, PageError> {
    loop {
        let chunk = match part.try_next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(_) => {
                upload.give_up(&app.clock).await?;
                return Err(PageError::BadRequest);
            }
        };
        if let Err(error) = upload.push(&chunk).await {
            return refused(app, upload, error).await;
        }
    }
    match upload.finish().await {
        Ok(import) => Ok(Ok(import)),
        Err(error) => refused(app, upload, error).await,
    }
}

async fn refused(
    app: &App,
    upload: Upload,
    error: ImportError,
) -> Result<Result<Import, Message>, PageError> {
    upload.give_up(&app.clock).await?;
    match error {
        ImportError::File(error) => Ok(Err(Message::new(error.key()))),
        error => Err(failed(&error)),
    }
}

fn failed(error: &ImportError) -> PageError {
    PageError::internal("a file of people could not be taken in", error)
}

async fn import(app: &App, id: &str) -> Result<Import, PageError> {
    let id = Uuid::try_parse(id).map_err(|_| PageError::NotFound)?;
    let mut reader = app.store.read().await?;
    store::imports::by_public_id(reader.db(), id).await?.ok_or(PageError::NotFound)
}

/// `GET /admin/imports/{id}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let import = import(&app, &id).await?;
    let (meanings, basis) = (verbs::meanings(&import), import.basis.clone());
    let mistakes = Mistakes::none(signed_in.texts());
    show(&request, &app, &signed_in, import, &meanings, basis, mistakes).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    import: Import,
    meanings: &[Meaning],
    basis: String,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let samples = verbs::samples(&app.store, &import).await?;
    let mut reader = app.store.read().await?;
    let newsletter = store::newsletters::by_id(reader.db(), import.newsletter_id).await?;
    let newsletter = newsletter.ok_or(PageError::NotFound)?;
    let fields = store::fields::of_newsletter(reader.db(), newsletter.id).await?;
    drop(reader);
    let says_who_left = meanings.iter().any(Meaning::says_who_left);
    let columns = verbs::headings(&import).into_iter().enumerate().map(|(number, name)| Column {
        number,
        name,
        samples: samples
            .iter()
            .filter_map(|row| row.get(number))
            .filter(|cell| !cell.is_empty())
            .map(|cell| cell.chars().take(60).collect())
            .collect(),
        meanings: meaning_picks(t, &fields, meanings.get(number)),
    });
    let about = crate::i18n::Message::new("people-import-about")
        .text("rows", grouped(import.row_count))
        .text("at", t.date_time(import.created_at, zone_of(&newsletter)))
        .text("origin", t.text(&format!("people-import-origin-{}", import.origin)))
        .in_words(t);
    let counts = RowOutcome::ALL.iter().map(|outcome| {
        let number = import.counts.of(*outcome);
        Count {
            key: outcome.as_str(),
            label: t.text(&format!("people-import-outcome-{outcome}")),
            number: grouped(number),
            is_zero: number == 0,
        }
    });
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let has_ended = matches!(import.status, ImportStatus::Done | ImportStatus::Cancelled);
    let template = ImportPage {
        page: Frame::new(request, signed_in, "subscribers", import.file_name.clone()),
        id: import.public_id,
        status: import.status,
        newsletter: newsletter.name,
        about,
        is_moving: import.status.is_moving(),
        asks_columns: import.status == ImportStatus::Mapping
            || (import.status == ImportStatus::Checked && mistakes.has_any()),
        is_trial: matches!(import.status, ImportStatus::Checking | ImportStatus::Checked),
        is_checked: import.status == ImportStatus::Checked,
        is_open: !matches!(
            import.status,
            ImportStatus::Done | ImportStatus::Cancelled | ImportStatus::Failed
        ),
        width: width(&import),
        words: words(t, &import),
        columns: columns.collect(),
        basis,
        counts: counts.collect(),
        warning: (import.counts.still_subscribed > 0).then(|| {
            let count = import.counts.still_subscribed;
            t.with2("people-import-still", "count", count, "shown", grouped(count))
        }),
        knows_nobody_left: !says_who_left,
        has_report: import.counts.total() > 0,
        people: (has_ended && import.counts.total() > 0)
            .then(|| format!("/admin/subscribers?newsletter={}", import.newsletter_id)),
        mistakes,
    };
    html(status, &template)
}

/// The meanings of which each has a word, beside those of fields.
const PLAIN: [(&str, Meaning); 10] = [
    ("ignored", Meaning::Ignored),
    ("address", Meaning::Address),
    ("name", Meaning::Name),
    ("first_name", Meaning::FirstName),
    ("last_name", Meaning::LastName),
    ("language", Meaning::Language),
    ("status", Meaning::Status),
    ("subscribed", Meaning::Subscribed),
    ("left", Meaning::Left),
    ("left_at", Meaning::LeftAt),
];

fn meaning_picks(t: Texts, fields: &[Field], chosen: Option<&Meaning>) -> Vec<Pick> {
    let plain = PLAIN.iter().map(|(name, meaning)| Pick {
        value: (*name).to_owned(),
        label: t.text(&format!("people-meaning-{name}")),
        is_chosen: chosen == Some(meaning),
    });
    let of_fields = fields.iter().filter(|field| field.archived_at.is_none()).map(|field| Pick {
        value: format!("field:{}", field.id),
        label: t.with("people-meaning-field", "field", field.key.as_str()),
        is_chosen: matches!(chosen, Some(Meaning::Field { field: id, .. }) if FieldId(*id) == field.id),
    });
    plain.chain(of_fields).collect()
}

fn meaning_of(text: &str, fields: &[Field]) -> Meaning {
    let plain = PLAIN.iter().find(|(name, _)| *name == text).map(|(_, meaning)| meaning.clone());
    let of_field = || {
        let id: i64 = text.strip_prefix("field:")?.parse().ok()?;
        let field = fields.iter().find(|field| field.id.0 == id)?;
        Some(Meaning::Field { key: field.key.clone(), field: id, kind: field.kind })
    };
    plain.or_else(of_field).unwrap_or(Meaning::Ignored)
}

/// `GET /admin/imports/{id}.json`: for the page's script.
pub async fn json(app: Data<App>, signed_in: SignedIn, id: Path<String>) -> Result<HttpResponse, PageError> {
    let import = import(&app, &id).await?;
    let words = words(signed_in.texts(), &import);
    Ok(HttpResponse::Ok().json(super::progress(import.status.as_str(), width(&import), words)))
}

/// `GET /admin/imports/{id}/report.csv`: what became of each row, by its number in the file.
pub async fn report(
    app: Data<App>,
    _signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let import = import(&app, &id).await?;
    let store = app.store.clone();
    let first = (store, import.id, None);
    let body = stream::try_unfold(first, |(store, id, after)| async move {
        let Some(last) = after else {
            return Ok(Some((Bytes::from_static(b"row,outcome,reason\n"), (store, id, Some(0)))));
        };
        let mut reader = store.read().await.map_err(PageError::from)?;
        let part = store::imports::report_after(reader.db(), id, last).await.map_err(PageError::from)?;
        drop(reader);
        Ok::<_, PageError>(part.map(|(number, body)| (Bytes::from(body), (store, id, Some(number)))))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"report.csv\""))
        .streaming(body))
}

/// `POST /admin/imports/{id}/{act}`: `check`, `run` or `cancel`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let found = import(&app, &path.0).await?;
    let done = match path.1.as_str() {
        "check" => {
            let fields =
                store::fields::of_newsletter(app.store.read().await?.db(), found.newsletter_id).await?;
            let count = verbs::headings(&found).len();
            let meanings: Vec<_> =
                (0..count).map(|at| meaning_of(form.first(&format!("m{at}")), &fields)).collect();
            let basis = form.first("basis");
            match verbs::check(&app.store, &app.clock, found.id, &meanings, basis).await {
                Err(ImportError::Invalid(errors)) => {
                    let mistakes = Mistakes::of(t, errors);
                    let basis = basis.to_owned();
                    return show(&request, &app, &signed_in, found, &meanings, basis, mistakes).await;
                }
                done => done.map(drop),
            }
        }
        "run" => verbs::run(&app.store, &app.clock, found.id).await.map(drop),
        "cancel" => verbs::cancel(&app.store, &app.clock, found.id).await.map(drop).map_err(Into::into),
        _ => return Err(PageError::NotFound),
    };
    match done {
        // What was pressed on an old page is shown as it is now.
        Ok(()) | Err(ImportError::NotPossible) => {
            app.background.notify_one();
            Ok(see_other(&format!("/admin/imports/{}", found.public_id)))
        }
        Err(ImportError::Store(error)) => Err(error.into()),
        Err(error) => Err(failed(&error)),
    }
}
