//! How a newsletter looks: its colour and its logo, with a real mail and the sign-up page beside them, in light and in dark.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Posted, Section, View, answer, seen};
use crate::i18n::{FieldErrors, Texts};
use crate::mail::render::{ConfirmView, render_confirm};
use crate::mail::slot::{escape_html, without_recipient};
use crate::model::Newsletter;
use crate::publishing::images::{self, ImageError};
use crate::publishing::newsletters::{
    BrandInput, logo_address, set_brand, with_brand, with_brand_as_far_as_right,
};
use crate::subscriptions::open_form::OpenForm;
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::newsletters::overview;
use crate::web::admin::{Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::headers::MAIL_POLICY;
use crate::web::layout::rendered;
use crate::web::public::brand::{Shade, shades};
use crate::web::public::door::Door;
use crate::web::public::signup_page::{Filled, show as show_sign_up_page};
use crate::web::session::SignedIn;
use crate::web::upload::{File, Upload};
use crate::web::{App, PageError, csrf, scheme};

pub const NAME: &str = "brand";
pub const FIELDS: [&str; 2] = ["brand_color", "logo_url"];
/// Value of `do`: look, and store nothing.
pub const PREVIEW: &str = "preview";
/// Value of `do`: no logo any more.
pub const NO_LOGO: &str = "no-logo";
/// The field with a picture that is to be the logo.
const LOGO_FILE: &str = "logo_file";
/// What a real confirmation mail says of its link.
const VALID_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Template)]
#[template(path = "admin/sections/brand.html")]
struct Fields {
    t: Texts,
    typed: Form,
    mistakes: Mistakes,
    /// Where the previews are.
    base: String,
    /// The colours and logo of the previews.
    query: String,
    notes: Vec<Note>,
    /// What there is now, to be looked at and removed.
    logo: String,
    /// What it says for those who do not see it.
    name: String,
}

/// How readable the colour is, and what is done about it.
pub struct Note {
    pub words: String,
    pub background: String,
    pub color: String,
}

#[derive(Template)]
#[template(path = "admin/sections/brand_notes.html")]
struct Notes {
    notes: Vec<Note>,
}

/// The fields and the previews as HTML: also in the first run.
pub fn fields(
    t: Texts,
    newsletter: &Newsletter,
    typed: Form,
    mistakes: Mistakes,
) -> Result<String, PageError> {
    // What cannot be shown is not: there the preview stays at what is stored.
    let looks = input(&typed)
        .map_or_else(|_| newsletter.clone(), |input| with_brand_as_far_as_right(newsletter, &input));
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("brand_color", &looks.brand_color)
        .append_pair("logo_url", &looks.logo_url)
        .finish();
    let base = format!("/admin/newsletters/{}/brand", newsletter.id);
    let notes = notes_of(t, &looks.brand_color);
    let (logo, name) = (looks.logo_url, looks.name);
    rendered(&Fields { t, typed, mistakes, base, query, notes, logo, name })
}

fn notes_of(t: Texts, color: &str) -> Vec<Note> {
    let note = |place: &str, shade: Shade| {
        let ratio = format!("{:.1}", shade.contrast);
        let words = if shade.is_moved {
            t.with2(&format!("brand-note-{place}-moved"), "ratio", ratio, "color", shade.color.clone())
        } else {
            t.with(&format!("brand-note-{place}"), "ratio", ratio)
        };
        Note { words, background: shade.background, color: shade.color }
    };
    let (light, dark) = shades(color);
    vec![note("light", light), note("dark", dark)]
}

pub fn typed(newsletter: &Newsletter) -> Form {
    Form::of(&[("brand_color", &newsletter.brand_color), ("logo_url", &newsletter.logo_url)])
}

/// # Errors
/// When a field stands in the form twice.
pub fn input(form: &Form) -> Result<BrandInput, FieldErrors> {
    given_twice(form, &FIELDS).or(BrandInput {
        brand_color: form.first("brand_color").to_owned(),
        logo_url: form.first("logo_url").to_owned(),
    })
}

pub fn section(view: &View<'_>) -> Result<Section, PageError> {
    let (typed, mistakes) = view.typed(NAME, typed);
    let logo = if view.newsletter.logo_url.is_empty() { "desk-brand-no-logo" } else { "desk-brand-logo" };
    let summary = format!("{} · {}", view.newsletter.brand_color, view.t.text(logo));
    Ok(view.section::<BrandInput>(NAME, summary, fields(view.t, view.newsletter, typed, mistakes)?))
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    upload: Upload,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &upload.form)?;
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    let (form, input) = with_logo(&app, &signed_in, &newsletter, upload).await?;
    if form.first("do") == PREVIEW {
        let mistakes = preview_mistakes(&signed_in, &newsletter, input);
        let posted = Posted { name: NAME, form: &form, mistakes };
        return overview::show(&request, &app, &signed_in, newsletter.id, Some(&posted)).await;
    }
    let saved = match input {
        Ok(input) => set_brand(&app.store, newsletter.id, seen(&form), &input).await,
        Err(errors) => Err(errors.into()),
    };
    answer(&request, &app, &signed_in, newsletter, (NAME, &form), saved).await
}

/// A brand as it was posted: a picture that came with it is kept, and its address stands in the form, so that it is there
/// when the form comes back.
pub async fn with_logo(
    app: &App,
    signed_in: &SignedIn,
    newsletter: &Newsletter,
    upload: Upload,
) -> Result<(Form, Result<BrandInput, FieldErrors>), PageError> {
    let Upload { mut form, file } = upload;
    let file = match file {
        _ if form.first("do") == NO_LOGO => {
            form.set("logo_url", "");
            File::None
        }
        file => file,
    };
    let kept = match file {
        File::None => return Ok((form.clone(), input(&form))),
        File::TooLarge => Err(ImageError::TooLarge),
        File::Octets(octets) => {
            let by = Some(signed_in.user.id);
            images::add(&app.store, &app.clock, &app.images, by, &newsletter.name, octets).await
        }
    };
    let input = match kept {
        Ok(image) => {
            form.set("logo_url", &logo_address(&app.settings.public_url, &image));
            input(&form)
        }
        Err(ImageError::Store(error)) => return Err(error.into()),
        Err(error) if error.is_of_file() => Err(FieldErrors::of(LOGO_FILE, error.message())),
        Err(error) => return Err(PageError::internal("a logo could not be kept", error)),
    };
    Ok((form, input))
}

/// What would be wrong with a form that is only looked at.
pub fn preview_mistakes(
    signed_in: &SignedIn,
    newsletter: &Newsletter,
    input: Result<BrandInput, FieldErrors>,
) -> Mistakes {
    let t = signed_in.texts();
    match input.and_then(|input| with_brand(newsletter, &input)) {
        Ok(_) => Mistakes::none(t),
        Err(errors) => Mistakes::beside(t, errors),
    }
}

/// The newsletter of a URL, looking as the query says.
async fn looking(request: &HttpRequest, app: &App, id: &str) -> Result<Newsletter, PageError> {
    let newsletter = newsletter_of(&mut app.store.read().await?, id).await?;
    let input = input(&Form::of_query(request)).map_err(|_| PageError::BadRequest)?;
    Ok(with_brand_as_far_as_right(&newsletter, &input))
}

/// `GET /admin/newsletters/{id}/brand/mail`: the first mail that a reader gets.
pub async fn mail(
    request: HttpRequest,
    app: Data<App>,
    _: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let newsletter = looking(&request, &app, &id).await?;
    let now = app.clock.now();
    let view = ConfirmView {
        newsletter: &newsletter,
        language: newsletter.language,
        confirm_url: &app.url("/confirm/preview"),
        asked_at: now,
        valid_until: now.plus(VALID_FOR),
    };
    let mail = render_confirm(&view)
        .map_err(|error| PageError::internal("a preview of the brand could not be rendered", error))?;
    let html = without_recipient(&mail.html, escape_html);
    let html = scheme::chosen(&request).map_or(html.clone(), |scheme| scheme::settled(&html, scheme));
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .body(html))
}

/// `GET /admin/newsletters/{id}/brand/page`: the sign-up page.
pub async fn sign_up_page(
    request: HttpRequest,
    app: Data<App>,
    _: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let newsletter = looking(&request, &app, &id).await?;
    let language = newsletter.language;
    let base = format!("/n/{}", newsletter.slug);
    let open = OpenForm::default_of(app.store.read().await?.db(), newsletter).await?;
    show_sign_up_page(&request, &app, Door { open, base }, language, Filled::default(), StatusCode::OK).await
}

/// `GET /admin/newsletters/{id}/brand/notes`: how readable a colour is, while one tries colours.
pub async fn notes(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let newsletter = looking(&request, &app, &id).await?;
    let notes = notes_of(signed_in.texts(), &newsletter.brand_color);
    crate::web::layout::html(StatusCode::OK, &Notes { notes })
}
