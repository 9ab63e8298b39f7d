//! What the desk does to one subscription, and the data of one person as JSON.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::i18n::{FieldErrors, Message};
use crate::model::{Act, Permission, Subscriber, Subscription, SubscriptionId};
use crate::store;
use crate::subscriptions::another::AskError;
use crate::subscriptions::company::{self, CompanyError};
use crate::subscriptions::show::dossier;
use crate::web::admin::{Mistakes, id_of};
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// A subscription of the person of a URL.
async fn subscription(
    app: &App,
    path: &(String, String, String),
) -> Result<(Subscriber, Subscription), PageError> {
    let person = super::subscriber(app, &path.0).await?;
    let id = SubscriptionId(id_of(&path.1)?);
    let found = store::subscriptions::by_id(app.store.read().await?.db(), id).await?;
    let found = found.filter(|found| found.subscriber_id == person.id).ok_or(PageError::NotFound)?;
    Ok((person, found))
}

/// `POST /admin/subscribers/{id}/subscriptions/{subscription}/{act}`: `end`, `again` or `ask`.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let (person, found) = subscription(&app, &path).await?;
    let (done, said) = match path.2.as_str() {
        "end" => (company::end_subscription(&app.store, &app.clock, &app.keys, found.id).await, "ended"),
        "again" => {
            let basis = form.first("basis");
            (company::subscribe_again(&app.store, &app.clock, &app.keys, found.id, basis).await, "subscribed")
        }
        "ask" => (company::ask_again(&app.store, &app.clock, &app.keys, found.id).await, "asked"),
        _ => return Err(PageError::NotFound),
    };
    let t = signed_in.texts();
    let mistakes = match done {
        Ok(()) => {
            tracing::info!(user = signed_in.user.id.0, subscription = found.id.0, act = %path.2, "done at the desk");
            app.wake.notify_one();
            return Ok(see_other(&format!("/admin/subscribers/{}?done={said}", person.public_id)));
        }
        Err(CompanyError::Invalid(errors)) => Mistakes::beside(t, errors),
        Err(CompanyError::Ask(AskError::Enough)) => {
            Mistakes::beside(t, FieldErrors::of("ask", Message::new("error-company-enough")))
        }
        Err(CompanyError::NotPossible) => Mistakes::notice(t, &Message::new("error-company-not-possible")),
        Err(CompanyError::Store(error) | CompanyError::Ask(AskError::Store(error))) => {
            return Err(error.into());
        }
        Err(error) => return Err(PageError::internal("an act at the desk failed", error)),
    };
    let at = Some((found.id, form.first("basis").to_owned()));
    super::show::show(&request, &app, &signed_in, person, mistakes, at).await
}

/// `GET /admin/subscribers/{id}/data.json`: everything that is known of a person.
pub async fn data(app: Data<App>, signed_in: SignedIn, id: Path<String>) -> Result<HttpResponse, PageError> {
    let person = super::subscriber(&app, &id).await?;
    // It holds all of a person, also what other newsletters know.
    let all = store::subscriptions::of_subscriber(app.store.read().await?.db(), person.id).await?;
    if !all.iter().all(|one| signed_in.may(Permission::ExportSubscribers, one.newsletter_id)) {
        return Err(PageError::Denied);
    }
    let dossier = dossier(&app.store, &person.address).await?.ok_or(PageError::NotFound)?;
    let mut tx = app.store.begin().await?;
    tx.note_detail(Act::SubscribersExported, None, Some(person.id.0), "data.json").await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"data.json\""))
        .json(dossier))
}
