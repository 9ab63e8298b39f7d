//! `POST /admin/articles/{id}/translations`: a draft in another language, with the text to translate in it.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::edit::failed;
use crate::model::{ArticleId, Language};
use crate::publishing::articles;
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
    let id = ArticleId(id_of(&id)?);
    let language: Language = form.first("language").parse().map_err(|_| PageError::BadRequest)?;
    let by = Some(signed_in.user.id);
    let translation = articles::translate(&app.store, &app.clock, by, id, language).await.map_err(failed)?;
    Ok(see_other(&format!("/admin/articles/{}?done=translated", translation.id)))
}
