//! `/admin/subscribers`: looks a reader up by address.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::i18n::{FieldErrors, Message};
use crate::model::{EmailAddress, Permission};
use crate::store;
use crate::web::admin::{Frame, Mistakes};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "admin/subscribers.html")]
struct LookupPage {
    page: Frame,
    address: String,
    mistakes: Mistakes,
    /// Why nobody was found.
    nobody: Option<String>,
}

/// `GET /admin/subscribers`.
pub async fn get(request: HttpRequest, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    show(&request, &signed_in, "", Mistakes::none(signed_in.texts()), None)
}

/// `POST /admin/subscribers`: by post, so that the address stands in no history and no log.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let typed = form.first("address");
    let address = match EmailAddress::parse(typed) {
        Ok(address) => address,
        Err(error) => {
            let errors = FieldErrors::of("address", Message::new(error.key()));
            let mistakes = Mistakes::beside(t, errors);
            return show(&request, &signed_in, typed, mistakes, None);
        }
    };
    let mut reader = app.store.read().await?;
    let known = store::subscribers::by_address(reader.db(), &address).await?;
    if let Some(subscriber) = known {
        let all = store::subscriptions::of_subscriber(reader.db(), subscriber.id).await?;
        let is_seen = |id| signed_in.may(Permission::SeeSubscribers, id);
        let sees_all = signed_in.actor().may(Permission::SeeSubscribers, None);
        // A reader of other newsletters alone is unknown here.
        if !sees_all && !all.iter().any(|subscription| is_seen(subscription.newsletter_id)) {
            let nobody = t.text("reader-unknown");
            return show(&request, &signed_in, typed, Mistakes::none(t), Some(nobody));
        }
        return Ok(see_other(&format!("/admin/subscribers/{}", subscriber.public_id)));
    }
    let was_erased = store::suppressions::contains(reader.db(), &app.keys.address_hash(&address)).await?;
    let nobody = t.text(if was_erased { "reader-erased" } else { "reader-unknown" });
    show(&request, &signed_in, typed, Mistakes::none(t), Some(nobody))
}

fn show(
    request: &HttpRequest,
    signed_in: &SignedIn,
    address: &str,
    mistakes: Mistakes,
    nobody: Option<String>,
) -> Result<HttpResponse, PageError> {
    let status = match (mistakes.has_any(), &nobody) {
        (true, _) => StatusCode::UNPROCESSABLE_ENTITY,
        (false, Some(_)) => StatusCode::NOT_FOUND,
        (false, None) => StatusCode::OK,
    };
    let title = signed_in.texts().text("readers-title");
    let page = Frame::new(request, signed_in, "subscribers", title);
    html(status, &LookupPage { page, address: address.to_owned(), mistakes, nobody })
}
