//! `GET /api/forms/{form}/challenge`: what a browser may work on before it signs up. Nothing is stored.

use actix_web::HttpResponse;
use actix_web::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use actix_web::web::{Data, Path};
use uuid::Uuid;

use crate::subscriptions::open_form::OpenForm;
use crate::subscriptions::proof;
use crate::web::{App, PageError};

/// For scripts of any website: it is the same for all, and no secret.
pub async fn get(app: Data<App>, form: Path<String>) -> Result<HttpResponse, PageError> {
    let form = Uuid::parse_str(&form).map_err(|_| PageError::NotFound)?;
    let open = OpenForm::by_public_id(app.store.read().await?.db(), form).await?;
    let open = open.ok_or(PageError::NotFound)?;
    let challenge = proof::challenge(&app.keys, open.form.public_id, app.clock.now())
        .map_err(|error| PageError::internal("a challenge could not be made", error))?;
    Ok(HttpResponse::Ok().insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*")).json(challenge))
}
