//! `/admin/issues/{id}/preview`: the issue as it will arrive, on a desk, on a phone and as text; and a test mail.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::edit::{CheckLine, check_lines, shown_subject};
use crate::mail::slot::{escape_html, without_recipient};
use crate::model::IssueId;
use crate::publishing::test_mail::{TestMailError, send_test};
use crate::web::admin::{Frame, Mistakes, id_of};
use crate::web::form::Form;
use crate::web::headers::MAIL_POLICY;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const VIEWS: [&str; 3] = ["desktop", "phone", "text"];

#[derive(Template)]
#[template(path = "admin/preview.html")]
struct PreviewPage {
    page: Frame,
    id: IssueId,
    view: &'static str,
    is_text: bool,
    views: Vec<(&'static str, String)>,
    subject: String,
    preheader: String,
    sender: String,
    /// `None` when it cannot be rendered; the checks say why.
    text: Option<String>,
    checks: Vec<CheckLine>,
    is_ready: bool,
    to: String,
    mistakes: Mistakes,
}

impl PreviewPage {
    fn is_view(&self, key: &str) -> bool {
        self.view == key
    }
}

/// `GET /admin/issues/{id}/preview`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let id = IssueId(id_of(&id)?);
    let to = signed_in.user.address.as_str().to_owned();
    show(&request, &app, &signed_in, id, &to, Mistakes::none(signed_in.texts())).await
}

async fn show(
    request: &HttpRequest,
    app: &Data<App>,
    signed_in: &SignedIn,
    id: IssueId,
    to: &str,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let composed = super::composed(app, id, app.clock.now()).await?;
    let query = Form::of_query(request);
    let view = VIEWS.into_iter().find(|view| *view == query.first("view")).unwrap_or("desktop");
    let text = composed.rendered.as_ref().ok();
    let status = if mistakes.notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = PreviewPage {
        page: Frame::new(request, signed_in, "issues", t.text("desk-preview-title")),
        id,
        view,
        is_text: view == "text",
        views: VIEWS.iter().map(|view| (*view, t.text(&format!("desk-view-{view}")))).collect(),
        subject: shown_subject(&composed),
        preheader: composed.issue.preheader.clone(),
        sender: composed.newsletter.sender_name.clone(),
        text: text.map(|rendered| without_recipient(&rendered.text, str::to_owned)),
        checks: check_lines(t, &composed.findings),
        is_ready: composed.is_ready(),
        to: to.to_owned(),
        mistakes,
    };
    html(status, &template)
}

/// `GET /admin/issues/{id}/mail`: the HTML part alone, for the frame.
pub async fn mail(app: Data<App>, _: SignedIn, id: Path<String>) -> Result<HttpResponse, PageError> {
    let composed = super::composed(&app, IssueId(id_of(&id)?), app.clock.now()).await?;
    let rendered = composed.rendered.map_err(|_| PageError::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .body(without_recipient(&rendered.html, escape_html)))
}

/// `POST /admin/issues/{id}/test`.
pub async fn test(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = IssueId(id_of(&id)?);
    let t = signed_in.texts();
    let to = form.first("to");
    match send_test(&app.store, &app.clock, &app.settings.public_url, id, to).await {
        Ok(_) => {
            app.wake.notify_one();
            Ok(see_other(&format!("/admin/issues/{id}/preview?done=tested")))
        }
        Err(TestMailError::Invalid(errors)) => {
            show(&request, &app, &signed_in, id, to, Mistakes::of(t, errors)).await
        }
        Err(error @ TestMailError::Blocked(_)) => {
            show(&request, &app, &signed_in, id, to, Mistakes::notice(t, &error.message())).await
        }
        Err(TestMailError::NotFound) => Err(PageError::NotFound),
        Err(TestMailError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a test mail failed", error)),
    }
}
