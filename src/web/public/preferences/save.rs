//! `POST /preferences/{link}/{group}`: saves one group and comes back to the page, which says so.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::{Filled, gone, show};
use crate::i18n::{FieldErrors, Message};
use crate::model::{Agreed, TopicId};
use crate::subscriptions::preferences::address::{ChangeError, ask};
use crate::subscriptions::preferences::pause::{PauseError, Until, pause, resume};
use crate::subscriptions::preferences::topics::set_topics;
use crate::subscriptions::preferences::tracking::set_tracking;
use crate::subscriptions::preferences::{Answer, set_language, set_rhythm};
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::public::confirm::unknown;
use crate::web::public::evidence;
use crate::web::{App, PageError, language};

/// What a group's form asks for, and where the answer is seen.
enum Outcome {
    Done(Answer),
    /// Shown again, filled in, with the mistake beside its field.
    Mistake(Filled),
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    client: Client,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    let (link, group) = path.into_inner();
    let outcome = match group.as_str() {
        "topics" => topics(&app, &link, &form).await?,
        "rhythm" => {
            let wanted = form.first("rhythm").parse().map_err(|_| PageError::BadRequest)?;
            Outcome::Done(set_rhythm(&app.store, &app.clock, &app.keys, &link, wanted).await?)
        }
        "pause" => take_a_pause(&app, &link, &form).await?,
        "resume" => Outcome::Done(resume(&app.store, &app.clock, &app.keys, &link).await?),
        "language" => {
            let chosen = form.first("language").parse().map_err(|_| PageError::BadRequest)?;
            Outcome::Done(set_language(&app.store, &app.clock, &app.keys, &link, chosen).await?)
        }
        "tracking" => {
            let shown_in = form.first("shown_in").parse().map_err(|_| PageError::BadRequest)?;
            let wanted = Agreed { opens: form.has("opens"), clicks: form.has("clicks") };
            let evidence = evidence(client, "page");
            let set =
                set_tracking(&app.store, &app.clock, &app.keys, &link, wanted, shown_in, &evidence).await?;
            Outcome::Done(set)
        }
        "address" => change_address(&app, &link, &form).await?,
        _ => return Err(PageError::NotFound),
    };
    match outcome {
        Outcome::Mistake(filled) => show(&request, &app, &link, filled).await,
        Outcome::Done(Answer::Saved) => Ok(see_other(&back_to(&request, &link, &group))),
        Outcome::Done(Answer::NotSubscribed) => Ok(see_other(&format!("/preferences/{link}"))),
        Outcome::Done(Answer::Gone) => gone(&request),
        Outcome::Done(Answer::Unknown) => unknown(&request),
    }
}

/// The page, which says what was saved, in the language that it was read in; of a new language that is the new one.
fn back_to(request: &HttpRequest, link: &str, group: &str) -> String {
    let chosen = language::chosen(request).filter(|_| group != "language");
    let lang = chosen.map(|chosen| format!("&lang={chosen}")).unwrap_or_default();
    format!("/preferences/{link}?saved={group}{lang}")
}

async fn topics(app: &App, link: &str, form: &Form) -> Result<Outcome, PageError> {
    let wanted: Vec<TopicId> = form.all("topic").filter_map(|id| id.parse().ok()).map(TopicId).collect();
    Ok(Outcome::Done(set_topics(&app.store, &app.clock, &app.keys, link, &wanted).await?))
}

async fn take_a_pause(app: &App, link: &str, form: &Form) -> Result<Outcome, PageError> {
    let (choice, date) = (form.first("until"), form.first("date"));
    let paused = match Until::parse(choice, date) {
        Ok(until) => pause(&app.store, &app.clock, &app.keys, link, until).await,
        Err(error) => Err(error),
    };
    match paused {
        Ok(answer) => Ok(Outcome::Done(answer)),
        Err(PauseError::Store(error)) => Err(error.into()),
        Err(error) => Ok(Outcome::Mistake(Filled {
            errors: FieldErrors::of("date", Message::new(error.key())),
            pause: choice.to_owned(),
            date: date.to_owned(),
            ..Filled::default()
        })),
    }
}

async fn change_address(app: &App, link: &str, form: &Form) -> Result<Outcome, PageError> {
    let typed = form.first("email");
    match ask(&app.store, &app.clock, &app.keys, link, typed).await {
        Ok(answer) => {
            app.wake.notify_one();
            Ok(Outcome::Done(answer))
        }
        Err(ChangeError::Store(error)) => Err(error.into()),
        Err(ChangeError::NoRandomness(error)) => {
            Err(PageError::internal("an address cannot be changed", error))
        }
        Err(error) => Ok(Outcome::Mistake(Filled {
            errors: FieldErrors::of("email", Message::new(error.key())),
            address: typed.to_owned(),
            ..Filled::default()
        })),
    }
}
