//! `POST /admin/issues/{id}/copy`: a new issue that is like this one.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::model::IssueId;
use crate::publishing::issues::{IssueError, copy};
use crate::web::admin::id_of;
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    match copy(&app.store, &app.clock, IssueId(id_of(&id)?), Some(signed_in.user.id)).await {
        Ok(issue) => Ok(see_other(&format!("/admin/issues/{}?done=copied", issue.id))),
        Err(IssueError::NotFound) => Err(PageError::NotFound),
        Err(IssueError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("an issue could not be copied", error)),
    }
}
