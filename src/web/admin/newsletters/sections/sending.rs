//! How the issues of a newsletter are sent.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{Section, View, answer, seen};
use crate::i18n::{FieldErrors, Message, Texts};
use crate::model::{Newsletter, UncertainPolicy};
use crate::publishing::newsletters::{SendingInput, set_sending};
use crate::store::{self, Reader};
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::{Mistakes, given_twice, grouped};
use crate::web::form::Form;
use crate::web::layout::rendered;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const NAME: &str = "sending";
const FIELDS: [&str; 3] = ["relay", "mails_per_hour", "on_uncertain"];

#[derive(Template)]
#[template(path = "admin/sections/sending.html")]
struct Fields {
    t: Texts,
    typed: Form,
    mistakes: Mistakes,
    /// Names of all that can be preferred.
    relays: Vec<String>,
}

fn typed(newsletter: &Newsletter) -> Form {
    let rate = newsletter.mails_per_hour.map(|mails| mails.to_string()).unwrap_or_default();
    Form::of(&[
        ("relay", &newsletter.relay),
        ("mails_per_hour", &rate),
        ("on_uncertain", newsletter.on_uncertain.as_str()),
    ])
}

/// Names of the relays of this process and of the desk.
async fn relay_names(app: &App, reader: &mut Reader) -> Result<Vec<String>, PageError> {
    let mut names: Vec<String> = app.relays.relays().iter().map(|relay| relay.name.to_string()).collect();
    names.extend(store::relays::all(reader.db()).await?.into_iter().map(|relay| relay.name));
    names.dedup();
    Ok(names)
}

pub async fn section(view: &View<'_>, reader: &mut Reader) -> Result<Section, PageError> {
    let (t, newsletter) = (view.t, view.newsletter);
    let (typed, mistakes) = view.typed(NAME, typed);
    let mut relays = relay_names(view.app, reader).await?;
    let relay = match newsletter.relay.as_str() {
        _ if relays.is_empty() => t.text("desk-sending-no-relay"),
        "" => t.text("desk-sending-any-relay"),
        name => name.to_owned(),
    };
    // One that was set on the command line, for a machine that has it.
    if !newsletter.relay.is_empty() && !relays.contains(&newsletter.relay) {
        relays.push(newsletter.relay.clone());
    }
    let rate = match newsletter.mails_per_hour {
        Some(mails) => t.with("desk-sending-rate", "mails", grouped(mails)),
        None => t.text("desk-sending-no-rate"),
    };
    let summary = format!("{relay} · {rate}");
    let fields = rendered(&Fields { t, typed, mistakes, relays })?;
    Ok(view.section::<SendingInput>(NAME, summary, fields))
}

fn input(form: &Form, newsletter: &Newsletter, known: &[String]) -> Result<SendingInput, FieldErrors> {
    let mut errors = given_twice(form, &FIELDS);
    let relay = form.first("relay").to_owned();
    if !relay.is_empty() && relay != newsletter.relay && !known.contains(&relay) {
        errors.add("relay", Message::new("error-relay-not-found"));
    }
    let mails_per_hour = match form.first("mails_per_hour").trim() {
        "" => None,
        typed => {
            typed.parse().map_err(|_| errors.add("mails_per_hour", Message::new("error-mails-per-hour"))).ok()
        }
    };
    let on_uncertain = form.first("on_uncertain").parse().unwrap_or(UncertainPolicy::Resend);
    errors.or(SendingInput { relay, mails_per_hour, on_uncertain })
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let mut reader = app.store.read().await?;
    let newsletter = newsletter_of(&mut reader, &id).await?;
    let known = relay_names(&app, &mut reader).await?;
    drop(reader);
    let saved = match input(&form, &newsletter, &known) {
        Ok(input) => set_sending(&app.store, newsletter.id, seen(&form), &input).await,
        Err(errors) => Err(errors.into()),
    };
    if saved.is_ok() {
        app.wake.notify_one();
    }
    answer(&request, &app, &signed_in, newsletter, (NAME, &form), saved).await
}
