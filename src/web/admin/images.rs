//! Pictures: `GET /admin/images` takes one in and shows the latest, for whoever writes without scripts;
//! `POST /admin/images` keeps one. The editor posts there too, and asks for JSON.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use futures_util::TryStreamExt as _;
use serde_json::json;

use crate::i18n::{FieldErrors, Message};
use crate::model::{Image, ImageVariant};
use crate::publishing::images::{self as verbs, FILE_MAX_OCTETS, ImageError};
use crate::store;
use crate::web::admin::{Frame, Mistakes};
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// How many pictures the page shows.
const LATEST_MAX: i64 = 24;
/// Most parts of the form.
const PARTS_MAX: usize = 10;
/// Longest text field, in octets.
const TEXT_MAX_OCTETS: usize = 8 * 1024;

#[derive(Template)]
#[template(path = "admin/images.html")]
struct ImagesPage {
    page: Frame,
    mistakes: Mistakes,
    alt: String,
    is_decorative: bool,
    /// The one that was just taken in.
    new: Option<Picture>,
    latest: Vec<Picture>,
}

struct Picture {
    src: String,
    alt: String,
    width: i64,
    height: i64,
    markdown: String,
}

impl Picture {
    fn of(image: &Image) -> Self {
        let (width, height) = image.shown();
        Self {
            src: format!("/images/{}", image.file(ImageVariant::Mail)),
            alt: image.alt.clone(),
            width,
            height,
            markdown: markdown(image),
        }
    }
}

/// What stands in an article.
fn markdown(image: &Image) -> String {
    let decorative = if image.alt.is_empty() { ",decorative" } else { "" };
    let alt = image.alt.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    format!("![{alt}]({}{decorative})", image.address())
}

/// What came in.
#[derive(Default)]
struct Upload {
    csrf: String,
    alt: String,
    is_decorative: bool,
    file: Vec<u8>,
}

/// Reads the parts of the form. The names of files are nobody's business.
async fn read(mut parts: Multipart) -> Result<Upload, PageError> {
    let mut upload = Upload::default();
    let mut count = 0;
    while let Some(mut part) = parts.try_next().await.map_err(|_| PageError::BadRequest)? {
        count += 1;
        if count > PARTS_MAX {
            return Err(PageError::TooLarge);
        }
        let name = part.name().unwrap_or_default().to_owned();
        let most = if name == "file" { FILE_MAX_OCTETS } else { TEXT_MAX_OCTETS };
        let mut octets = Vec::new();
        while let Some(chunk) = part.try_next().await.map_err(|_| PageError::BadRequest)? {
            if octets.len() + chunk.len() > most {
                return Err(PageError::TooLarge);
            }
            octets.extend_from_slice(&chunk);
        }
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        match name.as_str() {
            "csrf" => upload.csrf = text(&octets),
            "alt" => upload.alt = text(&octets),
            "decorative" => upload.is_decorative = true,
            "file" => upload.file = octets,
            _ => {}
        }
    }
    Ok(upload)
}

/// `GET /admin/images`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let mistakes = Mistakes::none(signed_in.texts());
    show(&request, &app, &signed_in, mistakes, &Upload::default(), None).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    mistakes: Mistakes,
    upload: &Upload,
    new: Option<&Image>,
) -> Result<HttpResponse, PageError> {
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let latest = store::images::latest(app.store.read().await?.db(), LATEST_MAX).await?;
    let title = signed_in.texts().text("images-title");
    let template = ImagesPage {
        page: Frame::new(request, signed_in, "articles", title),
        mistakes,
        alt: upload.alt.clone(),
        is_decorative: upload.is_decorative,
        new: new.map(Picture::of),
        latest: latest.iter().map(Picture::of).collect(),
    };
    html(status, &template)
}

/// `POST /admin/images`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    parts: Multipart,
) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    let is_script = request.headers().get(ACCEPT).is_some_and(|accept| accept == "application/json");
    let t = signed_in.texts();
    let upload = match read(parts).await {
        Err(PageError::TooLarge) if is_script => {
            let words = ImageError::TooLarge.message().in_words(t);
            return Ok(HttpResponse::PayloadTooLarge().json(json!({ "error": words })));
        }
        read => read?,
    };
    csrf::check_token(&signed_in, &upload.csrf)?;
    match keep(&app, &signed_in, &upload).await? {
        Ok(image) if is_script => {
            let picture = Picture::of(&image);
            Ok(HttpResponse::Ok().json(json!({
                "address": image.address(), "src": picture.src, "width": picture.width, "height": picture.height,
            })))
        }
        Ok(image) => {
            let fresh = Upload::default();
            show(&request, &app, &signed_in, Mistakes::none(t), &fresh, Some(&image)).await
        }
        Err(errors) if is_script => {
            let words = errors.iter().next().map(|error| error.message.in_words(t)).unwrap_or_default();
            Ok(HttpResponse::UnprocessableEntity().json(json!({ "error": words })))
        }
        Err(errors) => show(&request, &app, &signed_in, Mistakes::of(t, errors), &upload, None).await,
    }
}

/// The image, or what is wrong with the form.
async fn keep(
    app: &App,
    signed_in: &SignedIn,
    upload: &Upload,
) -> Result<Result<Image, FieldErrors>, PageError> {
    let mut errors = FieldErrors::new();
    if upload.file.is_empty() {
        errors.add("file", Message::new("image-error-none"));
    }
    if upload.alt.trim().is_empty() && !upload.is_decorative {
        errors.add("alt", Message::new("image-error-alt"));
    }
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let alt = if upload.is_decorative { "" } else { upload.alt.as_str() };
    let by = Some(signed_in.user.id);
    match verbs::add(&app.store, &app.clock, &app.images, by, alt, upload.file.clone()).await {
        Ok(image) => Ok(Ok(image)),
        Err(ImageError::Store(error)) => Err(error.into()),
        Err(error @ ImageError::AltTooLong) => Ok(Err(FieldErrors::of("alt", error.message()))),
        Err(error) if error.is_of_file() => Ok(Err(FieldErrors::of("file", error.message()))),
        Err(error) => Err(PageError::internal("an image could not be kept", error)),
    }
}
