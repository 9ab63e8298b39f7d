//! `/admin/link/{token}`: a password for who was invited, or another one for who forgot it. The GET changes nothing.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::login::{enter, origin, texts_of};
use super::{Mistakes, given_twice};
use crate::accounts::links::{Followed, LinkError, follow, look};
use crate::i18n::Texts;
use crate::model::LinkPurpose;
use crate::store::account_links::AccountLink;
use crate::web::client::Client;
use crate::web::form::Form;
use crate::web::layout::{Page, html, see_other};
use crate::web::{App, PageError, csrf, language};

#[derive(Template)]
#[template(path = "admin/link.html")]
struct LinkPage {
    page: Page,
    action: String,
    address: String,
    /// Of an invitation: name and language are asked too.
    is_invitation: bool,
    /// Whether passwords are taken.
    has_passwords: bool,
    /// What the provider is called, where an invitation can be accepted through it.
    provider: Option<String>,
    /// Where that begins.
    provider_action: String,
    typed: Form,
    mistakes: Mistakes,
}

#[derive(Template)]
#[template(path = "admin/link_gone.html")]
struct GonePage {
    page: Page,
}

fn gone(request: &HttpRequest) -> Result<HttpResponse, PageError> {
    let t = texts_of(request);
    html(StatusCode::NOT_FOUND, &GonePage { page: Page::new(t, t.text("link-gone-title")) })
}

/// The language of the mail, unless another is chosen.
fn texts(request: &HttpRequest, link: &AccountLink) -> Texts {
    Texts::new(language::chosen(request).unwrap_or(link.user.language))
}

fn show(
    request: &HttpRequest,
    app: &App,
    token: &str,
    link: &AccountLink,
    typed: Form,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = texts(request, link);
    let is_invitation = link.purpose == LinkPurpose::Invite;
    let title = if is_invitation { "link-invite-title" } else { "link-reset-title" };
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = LinkPage {
        page: Page::new(t, t.text(title)).with_languages(request),
        action: format!("/admin/link/{token}?lang={}", t.language()),
        address: link.user.address.to_string(),
        is_invitation,
        has_passwords: app.takes_passwords(),
        provider: app.provider_label().filter(|_| is_invitation),
        provider_action: format!("/admin/link/{token}/provider?lang={}", t.language()),
        typed,
        mistakes,
    };
    html(status, &template)
}

/// What a token opens. Where no passwords are taken there is nothing to choose another one for.
async fn open(app: &App, token: &str) -> Result<Option<AccountLink>, PageError> {
    let link = look(app.desk(), token).await?;
    Ok(link.filter(|link| app.takes_passwords() || link.purpose == LinkPurpose::Invite))
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    let Some(link) = open(&app, &token).await? else { return gone(&request) };
    let t = texts(&request, &link);
    let typed = Form::of(&[("name", link.user.name.as_str()), ("language", t.language().as_str())]);
    show(&request, &app, &token, &link, typed, Mistakes::none(t))
}

pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
    client: Client,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check_origin(&request, &app)?;
    let Some(link) = open(&app, &token).await?.filter(|_| app.takes_passwords()) else {
        return gone(&request);
    };
    let t = texts(&request, &link);
    let (browser, user_agent) = origin(&request, &app, &client)?;
    let visit = super::login::from(&client, &browser, &user_agent).visit;
    let language = form.first("language").parse().unwrap_or(t.language());
    let (name, password) = (form.first("name"), form.first("password"));
    let followed = match given_twice(&form, &["name", "password", "language"]).or(()) {
        Ok(()) => follow(app.desk(), &token, name, language, password, &visit).await,
        Err(errors) => Err(errors.into()),
    };
    app.wake.notify_one();
    match followed {
        Ok(Followed::Joined { token, .. }) => enter(&app, token, &browser),
        Ok(Followed::Reset(_)) => Ok(see_other("/admin/login?done=password")),
        Err(LinkError::Gone) => gone(&request),
        Err(LinkError::Invalid(errors)) => {
            show(&request, &app, &token, &link, form.clone(), Mistakes::of(t, errors))
        }
        Err(LinkError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a link could not be followed", error)),
    }
}
