//! `POST /admin/issues/{id}/groups/{group}/delete`: forgets a group of the issue's newsletter.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::model::{IssueId, TestGroupId};
use crate::publishing::test_groups::{TestGroupError, delete};
use crate::store;
use crate::web::admin::id_of;
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

pub async fn remove(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let (issue, group) = path.into_inner();
    let id = IssueId(id_of(&issue)?);
    let issue = store::issues::by_id(app.store.read().await?.db(), id).await?.ok_or(PageError::NotFound)?;
    match delete(&app.store, issue.newsletter_id, TestGroupId(id_of(&group)?)).await {
        // A second click.
        Ok(()) | Err(TestGroupError::NotFound) => {
            Ok(see_other(&format!("/admin/issues/{id}/preview?done=group-removed")))
        }
        Err(TestGroupError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a group could not be removed", error)),
    }
}
