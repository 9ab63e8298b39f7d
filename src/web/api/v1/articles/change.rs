//! `PUT /api/v1/articles/{id}`: changes an article that is still what the program knows. What is not said stays.

use actix_web::http::header::IF_MATCH;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::{answer, handed_in, pictures};
use crate::model::{ArticleId, ArticleStatus};
use crate::publishing::handed_in::{Basis, HandInError, change};
use crate::web::App;
use crate::web::api::v1::access::Caller;
use crate::web::api::v1::error::Refusal;
use crate::web::api::v1::id_of;
use crate::web::api::v1::json::Names;

pub async fn put(
    request: HttpRequest,
    app: Data<App>,
    caller: Caller,
    id: Path<String>,
    body: Result<Bytes, actix_web::Error>,
) -> HttpResponse {
    let done = save(&request, &app, &caller, &id, body).await;
    done.unwrap_or_else(|refusal| refusal.response(caller.t))
}

async fn save(
    request: &HttpRequest,
    app: &App,
    caller: &Caller,
    id: &str,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Refusal> {
    let id = ArticleId(id_of(id)?);
    let mut names = Names::read(request, body)?;
    let handed = handed_in(&mut names);
    let version = names.number("version");
    names.finish()?;
    let known = known_by_header(request)?;
    let basis = known.or_else(|| version.map(Basis::Version)).ok_or(Refusal::NoVersion)?;
    match change(pictures(app), caller.user, id, basis, &handed).await {
        Ok(outcome) => answer(app, caller, id, Some(outcome)).await,
        Err(HandInError::Stale { .. }) if known.is_some() => Err(Refusal::Precondition),
        Err(error) => Err(error.into()),
    }
}

/// What `If-Match` says. One of another form than ours matches nothing.
fn known_by_header(request: &HttpRequest) -> Result<Option<Basis>, Refusal> {
    let mut given = request.headers().get_all(IF_MATCH);
    let Some(first) = given.next() else { return Ok(None) };
    let text = first.to_str().unwrap_or_default().trim();
    if given.next().is_some() {
        return Err(Refusal::Precondition);
    }
    if text == "*" {
        return Ok(Some(Basis::Any));
    }
    basis_of(text).map(Some).ok_or(Refusal::Precondition)
}

/// `"5-draft"`. A proxy that compresses may have made it weak; it is a version all the same.
fn basis_of(text: &str) -> Option<Basis> {
    let text = text.strip_prefix("W/").unwrap_or(text);
    let (version, status) = text.strip_prefix('"')?.strip_suffix('"')?.split_once('-')?;
    Some(Basis::State(version.parse().ok()?, status.parse::<ArticleStatus>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::api::v1::articles::tag_of;

    #[test]
    fn a_tag_of_ours_is_read_and_no_other() {
        for status in ArticleStatus::ALL {
            let tag = tag_of(7, *status);
            for text in [format!("\"{tag}\""), format!("W/\"{tag}\"")] {
                assert_eq!(basis_of(&text), Some(Basis::State(7, *status)));
            }
        }
        for text in ["", "7-draft", "\"7\"", "\"7-x\"", "\"x-draft\"", "\"7-draft\", \"8-draft\"", "\"\""] {
            assert_eq!(basis_of(text), None, "{text}");
        }
    }
}
