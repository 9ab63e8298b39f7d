//! `POST /admin/subscribers/{id}/erase`: erases a person who asked for it.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::i18n::{FieldErrors, Message};
use crate::subscriptions::erase::erase;
use crate::web::admin::Mistakes;
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
    let person = super::subscriber(&app, &id).await?;
    if !form.has("sure") {
        let errors = FieldErrors::of("sure", Message::new("reader-erase-sure-error"));
        let mistakes = Mistakes::beside(signed_in.texts(), errors);
        return super::show::show(&request, &app, &signed_in, person, mistakes, None).await;
    }
    erase(&app.store, &app.clock, &app.keys, &person.address).await?;
    tracing::info!(user = signed_in.user.id.0, subscriber = person.id.0, "a person was erased at the desk");
    Ok(see_other("/admin/subscribers?done=erased"))
}
