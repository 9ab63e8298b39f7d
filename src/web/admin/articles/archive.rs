//! `POST /admin/articles/{id}/archive`: puts an article away, or brings it back.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::edit::failed;
use crate::model::ArticleId;
use crate::publishing::articles::set_archived;
use crate::web::admin::id_of;
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// The list, where each of them can be brought back.
const LIST: &str = "/admin/articles";

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = ArticleId(id_of(&id)?);
    let is_back = form.first("do") == "restore";
    set_archived(&app.store, &app.clock, id, !is_back).await.map_err(failed)?;
    Ok(see_other(&if is_back {
        format!("{LIST}?done=article-restored")
    } else {
        format!("{LIST}?done=article-archived&undo={id}")
    }))
}
