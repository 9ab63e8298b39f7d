//! `GET /images/{uuid}/{variant}.{ext}`: pictures of articles, for mails, for the web and for the desk. What is there
//! never changes.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, http::header::HeaderName};
use uuid::Uuid;

use super::{App, PageError};
use crate::model::{ImageType, ImageVariant};

/// A picture that somebody opens by itself can do nothing, whatever a browser takes it for.
const POLICY: &str = "default-src 'none'; sandbox";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub async fn get(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, PageError> {
    let (id, file) = path.into_inner();
    let id = Uuid::try_parse(&id).map_err(|_| PageError::NotFound)?;
    let (variant, extension) = file.split_once('.').ok_or(PageError::NotFound)?;
    let variant: ImageVariant = variant.parse().map_err(|_| PageError::NotFound)?;
    let media_type = ImageType::ALL.iter().find(|known| known.extension() == extension);
    let media_type = media_type.ok_or(PageError::NotFound)?;
    // Made of what was understood, and not of what was asked.
    let name = format!("{id}/{variant}.{}", media_type.extension());
    let octets = app.images.files.get(&name).await;
    let octets = octets.map_err(|error| PageError::internal("an image could not be read", error))?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, FOR_EVER))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"))
        .content_type(media_type.as_str())
        .body(octets.ok_or(PageError::NotFound)?))
}
