//! Making, changing and archiving a field.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::i18n::FieldErrors;
use crate::model::{Field, FieldId, FieldKind, FieldText, Language, Newsletter};
use crate::store::{self, Reader};
use crate::subscriptions::fields::{
    FieldInput, FieldVerbError, WordsInput, add_field, archive_field, change_field,
};
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::{Frame, Mistakes, id_of};
use crate::web::form::Form as Posted;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "admin/field.html")]
struct FieldPage {
    page: Frame,
    newsletter: Newsletter,
    action: String,
    input: FieldInput,
    mistakes: Mistakes,
    /// The stored field; `None` while it is new.
    stored: Option<Field>,
}

impl FieldPage {
    fn kinds(&self) -> Vec<(&'static str, String)> {
        let words = |kind: &FieldKind| (kind.as_str(), self.page.t.text(&format!("desk-field-kind-{kind}")));
        FieldKind::ALL.iter().map(words).collect()
    }

    /// Whether this kind has such a rule; a new field shows them all, and says which kind they are for.
    fn has(&self, kind: &str) -> bool {
        self.stored.as_ref().is_none_or(|field| field.kind.as_str() == kind)
    }

    fn is_archived(&self) -> bool {
        self.stored.as_ref().is_some_and(|field| field.archived_at.is_some())
    }
}

/// The newsletter's own language first.
fn languages(newsletter: &Newsletter) -> Vec<Language> {
    let mut languages = Language::ALL.to_vec();
    languages.sort_by_key(|language| *language != newsletter.language);
    languages
}

fn input_of(posted: &Posted, newsletter: &Newsletter) -> FieldInput {
    let field = |name: &str| posted.first(name).to_owned();
    let words = |language: Language| WordsInput {
        language,
        label: field(&format!("label_{language}")),
        hint: field(&format!("hint_{language}")),
        options: field(&format!("options_{language}")),
    };
    FieldInput {
        key: field("key"),
        kind: field("kind"),
        max_length: field("max_length"),
        least: field("least"),
        most: field("most"),
        options: field("options"),
        words: languages(newsletter).into_iter().map(words).collect(),
    }
}

fn input_from(field: &Field, texts: &[FieldText], newsletter: &Newsletter) -> FieldInput {
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let words = |language: Language| {
        let text = texts.iter().find(|text| text.field_id == field.id && text.language == language);
        let piece = |of: fn(&FieldText) -> &String| text.map(of).cloned().unwrap_or_default();
        WordsInput {
            language,
            label: piece(|text| &text.label),
            hint: piece(|text| &text.hint),
            options: piece(|text| &text.options),
        }
    };
    FieldInput {
        key: field.key.clone(),
        kind: field.kind.to_string(),
        max_length: number(field.max_length),
        least: number(field.least),
        most: number(field.most),
        options: field.options.clone(),
        words: languages(newsletter).into_iter().map(words).collect(),
    }
}

fn show(
    request: &HttpRequest,
    signed_in: &SignedIn,
    newsletter: Newsletter,
    stored: Option<Field>,
    input: FieldInput,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let own = input.words.first().map(|words| words.label.clone()).unwrap_or_default();
    let base = format!("/admin/newsletters/{}/fields", newsletter.id);
    let (title, action) = match &stored {
        Some(field) => (if own.is_empty() { field.key.clone() } else { own }, format!("{base}/{}", field.id)),
        None => (t.text("desk-field-new"), base),
    };
    let status = if mistakes.notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Frame::new(request, signed_in, "newsletters", title);
    html(status, &FieldPage { page, newsletter, action, input, mistakes, stored })
}

/// `GET ../fields/new`.
pub async fn new(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    let input = FieldInput { kind: "text".to_owned(), ..input_of(&Posted::default(), &newsletter) };
    show(&request, &signed_in, newsletter, None, input, Mistakes::none(signed_in.texts()))
}

/// `POST ../fields`.
pub async fn create(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &posted)?;
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    let input = input_of(&posted, &newsletter);
    match add_field(&app.store, &app.clock, newsletter.id, &input).await {
        Ok(_) => Ok(see_other(&format!("/admin/newsletters/{}/fields?done=added", newsletter.id))),
        Err(FieldVerbError::Invalid(errors)) => wrong(&request, &signed_in, newsletter, None, input, errors),
        Err(error) => failed(error),
    }
}

fn wrong(
    request: &HttpRequest,
    signed_in: &SignedIn,
    newsletter: Newsletter,
    stored: Option<Field>,
    input: FieldInput,
    errors: FieldErrors,
) -> Result<HttpResponse, PageError> {
    let mistakes = Mistakes::of(signed_in.texts(), errors);
    show(request, signed_in, newsletter, stored, input, mistakes)
}

/// The newsletter and the field of a URL: a field stands under its own newsletter only.
async fn field_of(
    reader: &mut Reader,
    (newsletter, field): &(String, String),
) -> Result<(Newsletter, Field), PageError> {
    let newsletter = newsletter_of(reader, newsletter).await?;
    let field = store::fields::by_id(reader.db(), FieldId(id_of(field)?)).await?;
    let field = field.filter(|field| field.newsletter_id == newsletter.id).ok_or(PageError::NotFound)?;
    Ok((newsletter, field))
}

/// `GET ../fields/{field}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    ids: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let mut reader = app.store.read().await?;
    let (newsletter, field) = field_of(&mut reader, &ids).await?;
    let texts = store::fields::texts_of_newsletter(reader.db(), newsletter.id).await?;
    let input = input_from(&field, &texts, &newsletter);
    show(&request, &signed_in, newsletter, Some(field), input, Mistakes::none(signed_in.texts()))
}

/// `POST ../fields/{field}`.
pub async fn save(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    ids: Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &posted)?;
    let (newsletter, field) = field_of(&mut app.store.read().await?, &ids).await?;
    let input = input_of(&posted, &newsletter);
    match change_field(&app.store, &app.clock, field.id, &input).await {
        Ok(_) => Ok(see_other(&format!("/admin/newsletters/{}/fields?done=saved", newsletter.id))),
        Err(FieldVerbError::Invalid(errors)) => {
            wrong(&request, &signed_in, newsletter, Some(field), input, errors)
        }
        Err(error) => failed(error),
    }
}

/// `POST ../fields/{field}/archive`: and back, with `back=yes`.
pub async fn archive(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    ids: Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &posted)?;
    let (newsletter, field) = field_of(&mut app.store.read().await?, &ids).await?;
    let is_archived = !posted.has("back");
    match archive_field(&app.store, &app.clock, field.id, is_archived).await {
        Ok(()) => {
            let done = if is_archived { "archived" } else { "restored" };
            Ok(see_other(&format!("/admin/newsletters/{}/fields?done={done}", newsletter.id)))
        }
        Err(error) => failed(error),
    }
}

fn failed(error: FieldVerbError) -> Result<HttpResponse, PageError> {
    match error {
        FieldVerbError::NotFound => Err(PageError::NotFound),
        FieldVerbError::Store(error) => Err(error.into()),
        error @ FieldVerbError::Invalid(_) => Err(PageError::internal("a field could not be saved", error)),
    }
}
