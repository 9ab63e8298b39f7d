//! `/admin/subscribers/{id}/receipt/{newsletter}`: the receipt of a subscription as a page, as JSON (`.json`) and as
//! a document of its own for paper or PDF (`/print`).

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::model::{Act, Permission, Slug};
use crate::store;
use crate::subscriptions::receipt::{Receipt, of_subscriber};
use crate::web::admin::Frame;
use crate::web::layout::html;
use crate::web::receipt::{View, document, policy};
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "admin/receipt.html")]
struct ReceiptPage {
    page: Frame,
    /// Of the reader's page.
    back: String,
    receipt: View,
}

async fn receipt(
    app: &App,
    signed_in: &SignedIn,
    path: &Path<(String, String)>,
) -> Result<Receipt, PageError> {
    let person = super::subscriber(app, &path.0).await?;
    let slug = Slug::parse(&path.1).map_err(|_| PageError::NotFound)?;
    let id = person.id;
    let newsletter = store::newsletters::by_slug(app.store.read().await?.db(), &slug).await?;
    let newsletter = newsletter.ok_or(PageError::NotFound)?.id;
    if !signed_in.may(Permission::SeeSubscribers, newsletter) {
        return Err(PageError::NotFound);
    }
    let receipts = of_subscriber(&app.store, &app.clock, person, Some(&slug)).await?;
    let receipt = receipts.into_iter().next().ok_or(PageError::NotFound)?;
    tracing::info!(user = signed_in.user.id.0, subscriber = id.0, "a receipt was read at the desk");
    Ok(receipt)
}

/// The same to be kept elsewhere, of which the audit log knows. Who sees a person sees the receipt as a page, too; so it
/// needs no more permission than that.
async fn taken_away(
    app: &App,
    signed_in: &SignedIn,
    path: &Path<(String, String)>,
    what: &str,
) -> Result<Receipt, PageError> {
    let receipt = receipt(app, signed_in, path).await?;
    let person = super::subscriber(app, &path.0).await?;
    let mut tx = app.store.begin().await?;
    tx.note_detail(Act::SubscribersExported, None, Some(person.id.0), what).await?;
    tx.commit().await?;
    Ok(receipt)
}

/// The receipt as a page of the desk.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let receipt = receipt(&app, &signed_in, &path).await?;
    let t = signed_in.texts();
    let page = Frame::new(&request, &signed_in, "subscribers", t.text("receipt-title"));
    let back = format!("/admin/subscribers/{}", receipt.subscriber.id);
    html(StatusCode::OK, &ReceiptPage { page, back, receipt: View::new(t, &receipt) })
}

/// The same for programs.
pub async fn json(
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let receipt = taken_away(&app, &signed_in, &path, "receipt.json").await?;
    let name = format!("attachment; filename=\"receipt-{}.json\"", receipt.newsletter.short_name);
    Ok(HttpResponse::Ok().insert_header((CONTENT_DISPOSITION, name)).json(receipt))
}

/// The same for paper.
pub async fn print(
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let receipt = taken_away(&app, &signed_in, &path, "receipt").await?;
    let body = document(signed_in.texts(), &[receipt])
        .map_err(|error| PageError::internal("a receipt could not be rendered", error))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, policy()))
        .body(body))
}
