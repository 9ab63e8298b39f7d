//! `POST /admin/mailings/{id}/{move}`: send now, pause, resume, cancel, send again. And which of them the page
//! offers, with what must be said before.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::{mailing_of, show};
use crate::i18n::Texts;
use crate::model::{Mailing, MailingStatus, Move};
use crate::publishing::moves::{MoveError, make_move};
use crate::store::deliveries::WAITING_COUNT_MAX;
use crate::web::admin::{Mistakes, grouped};
use crate::web::form::Form;
use crate::web::layout::see_other;
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// In the order in which the page offers them.
const ORDER: [Move; 8] = [
    Move::ChooseFirst,
    Move::ChooseSecond,
    Move::SendNow,
    Move::Resume,
    Move::Pause,
    Move::ResendFailed,
    Move::ResendUncertain,
    Move::Cancel,
];

/// A button of the page.
pub(super) struct Action {
    pub path: String,
    pub class: &'static str,
    pub label: String,
    /// What is said before, where it cannot be undone: whom it concerns.
    pub ask: Option<String>,
    /// The button below that.
    pub confirm: String,
}

/// The moves that are possible now. `failed`: how many would be tried again; `is_soon`: whether it goes out
/// in a moment anyway.
pub(super) fn actions(t: Texts, mailing: &Mailing, failed: i64, is_soon: bool) -> Vec<Action> {
    ORDER.into_iter().filter_map(|wanted| action(t, mailing, failed, is_soon, wanted)).collect()
}

fn action(t: Texts, mailing: &Mailing, failed: i64, is_soon: bool, wanted: Move) -> Option<Action> {
    let account = &mailing.account;
    let has_begun = mailing.started_at.is_some();
    let concerned = match wanted {
        Move::ResendFailed => failed,
        Move::ResendUncertain => account.uncertain,
        _ => account.open() + account.deferred,
    };
    if !mailing.allows(wanted) || (wanted.is_again() && concerned == 0) {
        return None;
    }
    let must_ask = match wanted {
        Move::ResendFailed | Move::ResendUncertain | Move::ChooseFirst | Move::ChooseSecond => true,
        Move::Cancel => has_begun,
        Move::SendNow => !is_soon,
        Move::Pause | Move::Resume => false,
    };
    let count = match wanted {
        // Counted no further.
        Move::ResendFailed if concerned > WAITING_COUNT_MAX => {
            t.with("desk-more-than", "count", grouped(WAITING_COUNT_MAX))
        }
        _ => grouped(concerned),
    };
    let ask = || {
        let key = format!("desk-ask-{}", slug(wanted));
        t.with2(&key, "count", count, "sent", grouped(account.sent))
    };
    Some(Action {
        path: format!("/admin/mailings/{}/{}", mailing.id, slug(wanted)),
        class: match wanted {
            Move::Cancel => "danger",
            Move::Resume => "",
            Move::SendNow if is_soon => "",
            _ => "quiet",
        },
        label: t.text(&format!("desk-move-{}", slug(wanted))),
        ask: must_ask.then(ask),
        confirm: if must_ask { t.text(&format!("desk-sure-{}", slug(wanted))) } else { String::new() },
    })
}

/// As it stands in URLs and in keys of texts.
fn slug(wanted: Move) -> String {
    wanted.as_str().replace('_', "-")
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let (id, wanted) = path.into_inner();
    let wanted = Move::ALL.iter().copied().find(|known| slug(*known) == wanted).ok_or(PageError::NotFound)?;
    let mailing = mailing_of(&app, &id).await?;
    match make_move(&app.store, &app.clock, mailing.id, wanted).await {
        Ok(moved) => {
            app.wake.notify_one();
            let done = done(wanted, &moved.mailing);
            Ok(see_other(&format!("/admin/mailings/{}?done={done}", mailing.id)))
        }
        Err(ref error @ MoveError::MovedOn) => {
            let mistakes = Mistakes::notice(signed_in.texts(), &error.message());
            show(&request, &app, &signed_in, &id, mistakes).await
        }
        Err(MoveError::NotFound) => Err(PageError::NotFound),
        Err(MoveError::Store(error)) => Err(error.into()),
    }
}

/// What the page says of it.
fn done(wanted: Move, mailing: &Mailing) -> &'static str {
    match wanted {
        Move::SendNow => "sending",
        Move::Cancel if mailing.started_at.is_some() => "stopped",
        Move::Cancel => "cancelled",
        Move::Pause => "paused",
        Move::Resume => "resumed",
        Move::ResendUncertain if mailing.status == MailingStatus::Paused => "again-paused",
        Move::ResendFailed | Move::ResendUncertain => "again",
        Move::ChooseFirst | Move::ChooseSecond => "chosen",
    }
}
