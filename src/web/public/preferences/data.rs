//! `GET /preferences/{link}/data.json` and `data.csv`: everything that is known of the person, to keep. Reads only.

use actix_web::http::header::{CONTENT_DISPOSITION, ContentType};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::gone;
use crate::subscriptions::preferences::data::{PersonalData, personal_data};
use crate::subscriptions::preferences::{Preferences, look};
use crate::web::public::confirm::unknown;
use crate::web::{App, PageError};

pub async fn json(
    request: HttpRequest,
    app: Data<App>,
    link: Path<String>,
) -> Result<HttpResponse, PageError> {
    let data = match read(&request, &app, &link).await? {
        Ok(data) => data,
        Err(answer) => return Ok(answer),
    };
    let body = serde_json::to_vec_pretty(&data)
        .map_err(|error| PageError::internal("personal data could not be written", error))?;
    Ok(file("my-data.json", ContentType::json(), body))
}

pub async fn csv(
    request: HttpRequest,
    app: Data<App>,
    link: Path<String>,
) -> Result<HttpResponse, PageError> {
    let data = match read(&request, &app, &link).await? {
        Ok(data) => data,
        Err(answer) => return Ok(answer),
    };
    let body =
        data.to_csv().map_err(|error| PageError::internal("personal data could not be written", error))?;
    let kind = "text/csv; charset=utf-8".parse().map_or_else(|_| ContentType::octet_stream(), ContentType);
    Ok(file("my-data.csv", kind, body))
}

/// The data, or the page that says why there is none.
async fn read(
    request: &HttpRequest,
    app: &App,
    link: &str,
) -> Result<Result<PersonalData, HttpResponse>, PageError> {
    if let Some(data) = personal_data(&app.store, &app.keys, link).await? {
        return Ok(Ok(data));
    }
    match look(&app.store, &app.keys, link).await? {
        Preferences::Unknown => unknown(request).map(Err),
        Preferences::Open(_) | Preferences::Gone => gone(request).map(Err),
    }
}

fn file(name: &str, kind: ContentType, body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(kind)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header(("X-Robots-Tag", "noindex"))
        .body(body)
}
