//! `GET /admin/issues/new` and `POST /admin/issues`: of which newsletter, and about what.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::i18n::{FieldErrors, Message};
use crate::model::{ArticleDisplay, ArticleId, Newsletter, NewsletterId, Permission, Placed};
use crate::publishing::issues::{IssueError, IssueInput, create};
use crate::publishing::suggestions;
use crate::store;
use crate::web::admin::{Frame, Mistakes, given_twice};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

/// Field with the article that the issue begins with.
const ARTICLE: &str = "article";

#[derive(Template)]
#[template(path = "admin/issue_new.html")]
struct NewIssuePage {
    page: Frame,
    newsletters: Vec<Newsletter>,
    newsletter: i64,
    subject: String,
    /// With which it begins: somebody pressed the button beside it.
    article: Option<Beginning>,
    mistakes: Mistakes,
}

/// The article that an issue begins with.
struct Beginning {
    id: ArticleId,
    title: String,
}

/// The one that the address or the form names, if it is there.
async fn beginning(app: &App, form: &Form) -> Result<Option<Beginning>, PageError> {
    let Ok(id) = form.first(ARTICLE).parse().map(ArticleId) else { return Ok(None) };
    let article = store::articles::by_id(app.store.read().await?.db(), id).await?;
    Ok(article.map(|article| Beginning { id, title: article.title }))
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let mistakes = Mistakes::none(signed_in.texts());
    show(&request, &app, &signed_in, &Form::of_query(&request), mistakes).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    form: &Form,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let newsletters = signed_in.newsletters(&mut app.store.read().await?, Permission::DraftIssues).await?;
    let title = signed_in.texts().text("desk-issue-new");
    let status = if mistakes.notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = NewIssuePage {
        page: Frame::new(request, signed_in, "issues", title),
        newsletters,
        newsletter: form.first("newsletter").parse().unwrap_or(0),
        subject: form.first("subject").to_owned(),
        article: beginning(app, form).await?,
        mistakes,
    };
    html(status, &template)
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let mut errors = given_twice(&form, &["newsletter", "subject", ARTICLE]);
    let newsletter = form.first("newsletter").parse::<i64>().ok();
    if newsletter.is_none() {
        errors.add("newsletter", Message::new("error-required"));
    }
    let article = beginning(&app, &form).await?;
    let mut input = IssueInput {
        articles: article.map(|article| Placed::new(article.id, ArticleDisplay::Full)).into_iter().collect(),
        subject: form.first("subject").to_owned(),
        editor: Some(signed_in.user.id),
        ..IssueInput::default()
    };
    suggestions::fill_in(&mut app.store.read().await?, &mut input).await?;
    let result = match errors.or(newsletter) {
        Ok(newsletter) => create(&app.store, &app.clock, NewsletterId(newsletter.unwrap_or(0)), &input).await,
        Err(errors) => Err(errors.into()),
    };
    match result {
        Ok(issue) => Ok(see_other(&format!("/admin/issues/{}", issue.id))),
        Err(IssueError::Invalid(errors)) => {
            show(&request, &app, &signed_in, &form, Mistakes::of(t, errors)).await
        }
        Err(IssueError::NotFound) => {
            let errors = FieldErrors::of("newsletter", Message::new("error-required"));
            show(&request, &app, &signed_in, &form, Mistakes::of(t, errors)).await
        }
        Err(IssueError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("an issue could not be made", error)),
    }
}
