//! `GET /i/{public_id}`: an issue as it was mailed, for anyone. It holds no slot and no personal link.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, VARY};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use uuid::Uuid;

use super::is_public;
use crate::store;
use crate::web::headers::MAIL_POLICY;
use crate::web::{App, PageError, language};

/// What was mailed never changes.
const CACHE: &str = "public, max-age=3600";

pub async fn get(request: HttpRequest, app: Data<App>, id: Path<String>) -> Result<HttpResponse, PageError> {
    let id: Uuid = id.parse().map_err(|_| PageError::NotFound)?;
    let mut reader = app.store.read().await?;
    let issue = store::issues::by_public_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let mailing = store::mailings::of_issue(reader.db(), issue.id).await?;
    let mailing = mailing.filter(|mailing| is_public(mailing.status)).ok_or(PageError::NotFound)?;
    let contents = store::mailings::contents(reader.db(), mailing.id).await?;
    let wanted = [language::chosen(&request), language::accepted(&request)];
    let content = wanted
        .into_iter()
        .flatten()
        .find_map(|language| contents.iter().find(|content| content.language == language))
        .or(contents.first())
        .ok_or(PageError::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .insert_header((CACHE_CONTROL, CACHE))
        .insert_header((VARY, "Accept-Language"))
        .insert_header((HeaderName::from_static("x-robots-tag"), "noindex"))
        .body(content.web_html.clone()))
}
