//! `POST /admin/issues/{id}/discard`: throws a draft away.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::edit::show;
use crate::model::IssueId;
use crate::publishing::issues::{IssueError, discard};
use crate::web::admin::{Mistakes, id_of};
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
    let id = IssueId(id_of(&id)?);
    match discard(&app.store, id, form.first("version").parse().unwrap_or(0)).await {
        Ok(()) => Ok(see_other("/admin/issues?done=discarded")),
        Err(IssueError::NotFound) => Err(PageError::NotFound),
        Err(IssueError::Store(error)) => Err(error.into()),
        Err(error) => {
            let mistakes = Mistakes::notice(signed_in.texts(), &error.message());
            show(&request, &app, &signed_in, id, "", None, mistakes, None).await
        }
    }
}
