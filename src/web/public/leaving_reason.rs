//! `POST /unsubscribe/{token}/reason`: why someone left, if they like to say so.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::confirm::unknown;
use super::unsubscribe::{Filled, show_done, show_gone};
use crate::i18n::Texts;
use crate::model::DepartureReason;
use crate::subscriptions::reason::{REMARK_MAX_CHARS, ReasonError, say_why};
use crate::subscriptions::unsubscribe::{self, Departure};
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::{App, PageError, language};

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    let reason = form.first("reason").parse::<DepartureReason>().ok();
    let remark = form.first("remark");
    let said = say_why(&app.store, &app.clock, &app.keys, &token, reason, remark).await;
    let (key, chars) = match said {
        Ok(Departure::Unknown) => return unknown(&request),
        Ok(Departure::Gone) => return show_gone(&request),
        Ok(Departure::Open(_) | Departure::Done(_)) => {
            let query =
                language::chosen(&request).map(|chosen| format!("?lang={chosen}")).unwrap_or_default();
            return Ok(see_other(&format!("/unsubscribe/{token}{query}")));
        }
        Err(ReasonError::None) => ("error-reason", 0),
        Err(ReasonError::TooLong { chars }) => ("error-too-long", chars),
        Err(ReasonError::Store(error)) => return Err(error.into()),
    };
    let Departure::Done(left) = unsubscribe::look(&app.store, &app.keys, &token).await? else {
        return unknown(&request);
    };
    let t = Texts::new(language::chosen(&request).unwrap_or(left.1.language));
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let mistake = t.with2(key, "chars", number(chars), "most", number(REMARK_MAX_CHARS));
    let filled = Filled { reason, remark: remark.to_owned(), mistake: Some((key, mistake)), is_said: false };
    show_done(&request, &app, StatusCode::UNPROCESSABLE_ENTITY, *left, &token, filled)
}
