//! Who a newsletter comes from.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Section, View, answer, seen};
use crate::i18n::{FieldErrors, Texts};
use crate::model::{EmailAddress, Newsletter};
use crate::publishing::newsletters::{SenderInput, set_sender};
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::{Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::layout::rendered;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

pub const NAME: &str = "sender";
pub const FIELDS: [&str; 4] = ["sender_name", "sender_address", "reply_to", "postal_address"];

#[derive(Template)]
#[template(path = "admin/sections/sender.html")]
struct Fields {
    t: Texts,
    typed: Form,
    mistakes: Mistakes,
    /// Whether what can wait is folded away.
    is_short: bool,
}

impl Fields {
    /// Whether something stands in what is folded away.
    fn opens_more(&self) -> bool {
        !self.typed.first("reply_to").is_empty()
    }
}

/// The fields as HTML.
pub fn fields(t: Texts, typed: Form, mistakes: Mistakes) -> Result<String, PageError> {
    rendered(&Fields { t, typed, mistakes, is_short: false })
}

/// The same for the first run, which asks for little.
pub fn first_fields(t: Texts, typed: Form, mistakes: Mistakes) -> Result<String, PageError> {
    rendered(&Fields { t, typed, mistakes, is_short: true })
}

pub fn typed(newsletter: &Newsletter) -> Form {
    Form::of(&[
        ("sender_name", &newsletter.sender_name),
        ("sender_address", newsletter.sender_address.as_str()),
        ("reply_to", newsletter.reply_to.as_ref().map_or("", EmailAddress::as_str)),
        ("postal_address", &newsletter.postal_address),
    ])
}

/// # Errors
/// When a field stands in the form twice.
pub fn input(form: &Form) -> Result<SenderInput, FieldErrors> {
    let text = |field: &str| form.first(field).to_owned();
    given_twice(form, &FIELDS).or(SenderInput {
        sender_name: text("sender_name"),
        sender_address: text("sender_address"),
        reply_to: text("reply_to"),
        postal_address: text("postal_address"),
    })
}

pub fn section(view: &View<'_>) -> Result<Section, PageError> {
    let (typed, mistakes) = view.typed(NAME, typed);
    let summary = format!("{} <{}>", view.newsletter.sender_name, view.newsletter.sender_address);
    Ok(view.section::<SenderInput>(NAME, summary, fields(view.t, typed, mistakes)?))
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    let saved = match input(&form) {
        Ok(input) => set_sender(&app.store, newsletter.id, seen(&form), &input).await,
        Err(errors) => Err(errors.into()),
    };
    answer(&request, &app, &signed_in, newsletter, (NAME, &form), saved).await
}
