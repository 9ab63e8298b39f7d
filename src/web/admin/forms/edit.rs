//! Making, changing and archiving a form. What was typed is never lost: a form that cannot be saved comes back
//! filled.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::share::{View, page};
use super::{form_of, newsletter_of, path_of};
use crate::i18n::{Message, Texts};
use crate::model::{AskedField, DisposablePolicy, FieldId, Form, Newsletter, ProofPolicy};
use crate::store::{self, Reader};
use crate::subscriptions::forms::{FormError, FormInput, add_form, archive_form, change_form};
use crate::subscriptions::open_form::asked;
use crate::web::admin::{Frame, Mistakes, given_twice};
use crate::web::form::Form as Posted;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const FIELDS: [&str; 5] = ["name", "allowed_origins", "redirect_url", "disposable_policy", "proof_policy"];

/// What the settings of a form show; the template `admin/form_fields.html`.
#[derive(Debug, Clone, Default)]
pub struct FormFields {
    pub name: String,
    pub allowed_origins: String,
    pub redirect_url: String,
    pub disposable_policy: String,
    pub proof_policy: String,
    pub version: i64,
    pub offers: Vec<Offer>,
    /// Where fields are made.
    pub fields_href: String,
}

/// A field that a form may ask.
#[derive(Debug, Clone)]
pub struct Offer {
    pub id: FieldId,
    pub label: String,
    pub kind: String,
    pub is_asked: bool,
    pub is_required: bool,
    pub position: usize,
}

impl FormFields {
    /// Value, whether it is chosen, and words of each policy.
    pub fn disposable(&self, t: &Texts) -> Vec<(&'static str, bool, String)> {
        let choice = |policy: &DisposablePolicy| {
            let is_chosen = policy.as_str() == self.disposable_policy;
            (policy.as_str(), is_chosen, t.text(&format!("desk-form-disposable-{policy}")))
        };
        DisposablePolicy::ALL.iter().map(choice).collect()
    }

    pub fn proof(&self, t: &Texts) -> Vec<(&'static str, bool, String)> {
        let choice = |policy: &ProofPolicy| {
            let is_chosen = policy.as_str() == self.proof_policy;
            (policy.as_str(), is_chosen, t.text(&format!("desk-form-proof-{policy}")))
        };
        ProofPolicy::ALL.iter().map(choice).collect()
    }

    fn fill(mut self, posted: &Posted) -> Self {
        let field = |name: &str| posted.first(name).to_owned();
        self.name = field("name");
        self.allowed_origins = field("allowed_origins");
        self.redirect_url = field("redirect_url");
        self.disposable_policy = field("disposable_policy");
        self.proof_policy = field("proof_policy");
        for offer in &mut self.offers {
            offer.is_asked = posted.has(&format!("asked_{}", offer.id));
            offer.is_required = posted.has(&format!("required_{}", offer.id));
            offer.position =
                posted.first(&format!("position_{}", offer.id)).trim().parse().unwrap_or(offer.position);
        }
        self
    }

    fn input(&self) -> FormInput {
        let mut chosen: Vec<&Offer> = self.offers.iter().filter(|offer| offer.is_asked).collect();
        chosen.sort_by_key(|offer| offer.position);
        FormInput {
            name: self.name.clone(),
            allowed_origins: self.allowed_origins.clone(),
            redirect_url: self.redirect_url.clone(),
            disposable_policy: self.disposable_policy.clone(),
            proof_policy: self.proof_policy.clone(),
            asked: chosen.into_iter().map(|offer| (offer.id, offer.is_required)).collect(),
        }
    }
}

/// The settings of a form, or of a new one, with every field that the newsletter has.
pub(super) async fn fields_of(
    reader: &mut Reader,
    newsletter: &Newsletter,
    form: Option<&Form>,
    asked: &[AskedField],
    t: Texts,
) -> Result<FormFields, PageError> {
    let all = store::fields::of_newsletter(reader.db(), newsletter.id).await?;
    let texts = store::fields::texts_of_newsletter(reader.db(), newsletter.id).await?;
    let mut offers = Vec::new();
    for (at, field) in all.into_iter().filter(|field| field.archived_at.is_none()).enumerate() {
        let place = asked.iter().position(|asked| asked.field.id == field.id);
        let mine = texts.iter().filter(|text| text.field_id == field.id).cloned().collect();
        let words = AskedField { field, is_required: false, texts: mine, fallback: newsletter.language };
        offers.push(Offer {
            id: words.field.id,
            label: words.label(t.language()).to_owned(),
            kind: t.text(&format!("desk-field-kind-{}", words.field.kind)),
            is_asked: place.is_some(),
            is_required: place.and_then(|place| asked.get(place)).is_some_and(|asked| asked.is_required),
            position: place.unwrap_or(asked.len() + at) + 1,
        });
    }
    offers.sort_by_key(|offer| offer.position);
    let of = |value: fn(&Form) -> String| form.map(value).unwrap_or_default();
    Ok(FormFields {
        name: of(|form| form.name.clone()),
        allowed_origins: of(|form| form.allowed_origins.clone()),
        redirect_url: of(|form| form.redirect_url.clone()),
        disposable_policy: form.map_or(DisposablePolicy::Allow, |form| form.disposable_policy).to_string(),
        proof_policy: form.map_or(ProofPolicy::Auto, |form| form.proof_policy).to_string(),
        version: form.map_or(0, |form| form.version),
        offers,
        fields_href: format!("/admin/newsletters/{}/fields", newsletter.id),
    })
}

#[derive(Template)]
#[template(path = "admin/form_new.html")]
struct NewFormPage {
    page: Frame,
    newsletter: Newsletter,
    settings: FormFields,
    mistakes: Mistakes,
}

/// `GET ../forms/new`.
pub async fn new(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let mut reader = app.store.read().await?;
    let newsletter = newsletter_of(&mut reader, &id).await?;
    let settings = fields_of(&mut reader, &newsletter, None, &[], signed_in.texts()).await?;
    show_new(&request, &signed_in, newsletter, settings, Mistakes::none(signed_in.texts()))
}

fn show_new(
    request: &HttpRequest,
    signed_in: &SignedIn,
    newsletter: Newsletter,
    settings: FormFields,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let status = if mistakes.notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Frame::new(request, signed_in, "newsletters", signed_in.texts().text("desk-form-new"));
    html(status, &NewFormPage { page, newsletter, settings, mistakes })
}

/// `POST ../forms`.
pub async fn create(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &posted)?;
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let newsletter = newsletter_of(&mut reader, &id).await?;
    let settings = fields_of(&mut reader, &newsletter, None, &[], t).await?.fill(&posted);
    drop(reader);
    let result = match given_twice(&posted, &FIELDS).or(()) {
        Ok(()) => add_form(&app.store, &app.clock, newsletter.id, &settings.input()).await,
        Err(errors) => Err(errors.into()),
    };
    match result {
        Ok(form) => Ok(see_other(&format!("{}?done=added", path_of(&form)))),
        Err(FormError::Invalid(errors)) => {
            show_new(&request, &signed_in, newsletter, settings, Mistakes::of(t, errors))
        }
        Err(error) => failed(error),
    }
}

/// `POST ../forms/{form}`.
pub async fn save(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    ids: Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &posted)?;
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let (newsletter, form) = form_of(&mut reader, &ids).await?;
    let asked = asked(reader.db(), &newsletter, &form).await?;
    let mut settings = fields_of(&mut reader, &newsletter, Some(&form), &asked, t).await?.fill(&posted);
    drop(reader);
    settings.version = posted.first("version").parse().unwrap_or(0);
    let result = match given_twice(&posted, &FIELDS).or(()) {
        Ok(()) => change_form(&app.store, &app.clock, form.id, settings.version, &settings.input()).await,
        Err(errors) => Err(errors.into()),
    };
    let (status, mistakes) = match result {
        Ok(form) => return Ok(see_other(&format!("{}?tab=settings&done=saved", path_of(&form)))),
        Err(FormError::Invalid(errors)) => (StatusCode::UNPROCESSABLE_ENTITY, Mistakes::of(t, errors)),
        Err(FormError::Conflict { theirs }) => {
            // With their version in the form, saving again is a choice and not an accident.
            settings.version = theirs.version;
            (StatusCode::CONFLICT, Mistakes::notice(t, &Message::new("error-form-conflict")))
        }
        Err(error) => return failed(error),
    };
    let view = View { tab: "settings", language: None, is_dark: false };
    html(status, &page(&request, &app, &signed_in, newsletter, form, &asked, settings, mistakes, view)?)
}

/// `POST ../forms/{form}/archive`: and back, with `back=yes`.
pub async fn archive(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    ids: Path<(String, String)>,
    posted: Posted,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &posted)?;
    let (_, form) = form_of(&mut app.store.read().await?, &ids).await?;
    let is_archived = !posted.has("back");
    match archive_form(&app.store, &app.clock, form.id, is_archived).await {
        Ok(()) => {
            let done = if is_archived { "archived" } else { "restored" };
            Ok(see_other(&format!("{}?tab=settings&done={done}", path_of(&form))))
        }
        Err(error) => failed(error),
    }
}

fn failed(error: FormError) -> Result<HttpResponse, PageError> {
    match error {
        FormError::NotFound => Err(PageError::NotFound),
        FormError::IsDefault => Err(PageError::BadRequest),
        FormError::Store(error) => Err(error.into()),
        error => Err(PageError::internal("a form could not be saved", error)),
    }
}
