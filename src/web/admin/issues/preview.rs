//! `/admin/issues/{id}/preview`: the issue as it will arrive: on a desk, on a phone and as text, light and dark, with
//! pictures and without, for nobody in particular or for one reader; and test mails.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use uuid::Uuid;

use super::checks::{CheckLine, check_lines};
use super::initial;
use crate::i18n::{FieldErrors, Message};
use crate::mail::slot::{escape_html, for_reader};
use crate::model::{EmailAddress, Issue, IssueId, Language, NewsletterId, Permission, Subscriber, TestGroup};
use crate::publishing::compose::{Composed, View};
use crate::publishing::test_groups;
use crate::publishing::test_mail::{TestMailError, send_test_in};
use crate::store;
use crate::web::admin::{Frame, Mistakes, id_of};
use crate::web::form::Form;
use crate::web::headers::MAIL_POLICY;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const VIEWS: [&str; 3] = ["desktop", "phone", "text"];
const SCHEMES: [&str; 2] = ["light", "dark"];
const PICTURES: [&str; 2] = ["on", "off"];
/// How a stylesheet asks for the dark look; what it is replaced by shows one look whatever the browser prefers.
const DARK_QUERY: &str = "(prefers-color-scheme: dark)";

/// What is looked at, from the query: `?view=phone&scheme=dark&pictures=off&as=..`.
#[derive(Debug, Clone)]
struct Looking {
    view: &'static str,
    scheme: &'static str,
    pictures: &'static str,
    reader: Option<Uuid>,
    /// `None`: that of the reader, or of the newsletter.
    language: Option<Language>,
}

impl Looking {
    fn of(query: &Form) -> Self {
        let one = |known: &[&'static str], name: &str| {
            known.iter().copied().find(|known| *known == query.first(name)).unwrap_or(known[0])
        };
        Self {
            view: one(&VIEWS, "view"),
            scheme: one(&SCHEMES, "scheme"),
            pictures: one(&PICTURES, "pictures"),
            reader: query.first("as").parse().ok(),
            language: query.first("language").parse().ok(),
        }
    }

    fn query(&self) -> String {
        let reader = self.reader.map(|reader| format!("&as={reader}")).unwrap_or_default();
        let language = self.language.map(|language| format!("&language={language}")).unwrap_or_default();
        format!("?view={}&scheme={}&pictures={}{reader}{language}", self.view, self.scheme, self.pictures)
    }
}

/// A way to look, and whether it is the one now.
struct Choice {
    href: String,
    words: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "admin/preview.html")]
struct PreviewPage {
    page: Frame,
    id: IssueId,
    view: &'static str,
    is_text: bool,
    views: Vec<Choice>,
    schemes: Vec<Choice>,
    pictures: Vec<Choice>,
    /// In each of its languages; empty: there is one.
    languages: Vec<Choice>,
    /// The other subject of a trial; empty: there is one.
    second_subject: String,
    may_look_as: bool,
    /// As whom it is looked at; empty: nobody in particular.
    reader: String,
    without_reader: String,
    query: String,
    subject: String,
    preheader: String,
    sender: String,
    /// Its first letter, as inboxes show it.
    initial: String,
    /// `None` when it cannot be rendered; the checks say why.
    text: Option<String>,
    checks: Vec<CheckLine>,
    can_fix: bool,
    is_ready: bool,
    groups: Vec<TestGroup>,
    to: String,
    /// Of the group that the addresses are to become.
    group_name: String,
    mistakes: Mistakes,
}

/// What stands in the form of the test mails.
#[derive(Clone, Copy)]
struct ToTest<'a> {
    to: &'a str,
    name: &'a str,
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
    let looking = Looking::of(&Form::of_query(&request));
    let typed = ToTest { to: &to, name: "" };
    show(&request, &app, &signed_in, id, looking, typed, Mistakes::none(signed_in.texts())).await
}

/// In which language somebody looks: as asked, else as the reader would get it.
async fn language_of(
    app: &App,
    looking: &Looking,
    reader: Option<&Subscriber>,
    composed: &Composed,
) -> Result<Language, PageError> {
    if let Some(language) = looking.language {
        return Ok(language);
    }
    let Some(reader) = reader else { return Ok(composed.newsletter.language) };
    let subscriptions = store::subscriptions::of_subscriber(app.store.read().await?.db(), reader.id).await?;
    let subscription =
        subscriptions.iter().find(|subscription| subscription.newsletter_id == composed.newsletter.id);
    Ok(subscription.map_or(composed.newsletter.language, |subscription| subscription.language))
}

/// The reader as whom somebody looks, if they may see readers of this newsletter and it is one of them.
async fn reader_of(
    app: &App,
    looking: &Looking,
    newsletter: NewsletterId,
) -> Result<Option<Subscriber>, PageError> {
    let Some(id) = looking.reader.filter(|_| may_look_as(app, newsletter)) else { return Ok(None) };
    let reader = store::subscribers::by_public_id(app.store.read().await?.db(), id).await?;
    of_newsletter(app, newsletter, reader).await
}

/// A reader's name and language are read off the mail.
fn may_look_as(app: &App, newsletter: NewsletterId) -> bool {
    app.store.permit(Permission::SeeSubscribers, Some(newsletter)).is_ok()
}

/// Somebody who has to do with another newsletter alone is nobody here.
async fn of_newsletter(
    app: &App,
    newsletter: NewsletterId,
    reader: Option<Subscriber>,
) -> Result<Option<Subscriber>, PageError> {
    let Some(reader) = reader else { return Ok(None) };
    let subscriptions = store::subscriptions::of_subscriber(app.store.read().await?.db(), reader.id).await?;
    let is_here = subscriptions.iter().any(|subscription| subscription.newsletter_id == newsletter);
    Ok(is_here.then_some(reader))
}

async fn show(
    request: &HttpRequest,
    app: &Data<App>,
    signed_in: &SignedIn,
    id: IssueId,
    looking: Looking,
    typed: ToTest<'_>,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let composed = super::composed(app, id, app.clock.now()).await?;
    let reader = reader_of(app, &looking, composed.newsletter.id).await?;
    let name = reader.as_ref().map_or("", |reader| reader.name.as_str());
    let shown = composed.view(language_of(app, &looking, reader.as_ref(), &composed).await?);
    let groups =
        store::test_groups::of_newsletter(app.store.read().await?.db(), composed.newsletter.id).await?;
    let choices = |known: &[&'static str], chosen: &str, of: &dyn Fn(&'static str) -> Looking| {
        let choice = |key: &&'static str| Choice {
            href: of(key).query(),
            words: t.text(&format!("desk-view-{key}")),
            is_chosen: *key == chosen,
        };
        known.iter().map(choice).collect::<Vec<_>>()
    };
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = PreviewPage {
        page: Frame::new(request, signed_in, "issues", t.text("desk-preview-title")),
        id,
        view: looking.view,
        is_text: looking.view == "text",
        views: choices(&VIEWS, looking.view, &|view| Looking { view, ..looking.clone() }),
        schemes: choices(&SCHEMES, looking.scheme, &|scheme| Looking { scheme, ..looking.clone() }),
        pictures: PICTURES
            .iter()
            .map(|pictures| Choice {
                href: Looking { pictures, ..looking.clone() }.query(),
                words: t.text(&format!("desk-pictures-{pictures}")),
                is_chosen: *pictures == looking.pictures,
            })
            .collect(),
        languages: languages(&composed, &looking, shown.language),
        may_look_as: may_look_as(app, composed.newsletter.id),
        reader: reader.as_ref().map(|reader| reader.address.to_string()).unwrap_or_default(),
        without_reader: Looking { reader: None, ..looking.clone() }.query(),
        query: looking.query(),
        subject: match shown.rendered {
            Ok(rendered) => for_reader(&rendered.subject, name, str::to_owned),
            Err(_) => shown.issue.subject.clone(),
        },
        second_subject: match shown.rendered {
            Ok(rendered) => for_reader(&rendered.second_subject, name, str::to_owned),
            Err(_) => shown.issue.second_subject.clone(),
        },
        preheader: match shown.rendered {
            Ok(rendered) => for_reader(&rendered.preheader, name, str::to_owned),
            Err(_) => shown.issue.preheader.clone(),
        },
        initial: initial(&composed.newsletter.sender_name),
        sender: composed.newsletter.sender_name.clone(),
        text: shown.rendered.as_ref().ok().map(|rendered| for_reader(&rendered.text, name, str::to_owned)),
        checks: check_lines(t, &composed),
        can_fix: false,
        is_ready: composed.is_ready(),
        groups,
        to: typed.to.to_owned(),
        group_name: typed.name.to_owned(),
        mistakes,
    };
    html(status, &template)
}

/// `GET /admin/issues/{id}/mail`: the HTML part alone, for the frame.
pub async fn mail(
    request: HttpRequest,
    app: Data<App>,
    _: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let looking = Looking::of(&Form::of_query(&request));
    let composed = super::composed(&app, IssueId(id_of(&id)?), app.clock.now()).await?;
    let reader = reader_of(&app, &looking, composed.newsletter.id).await?;
    let shown = composed.view(language_of(&app, &looking, reader.as_ref(), &composed).await?);
    let rendered = shown.rendered.as_ref().map_err(|_| PageError::NotFound)?;
    let name = reader.map(|reader| reader.name).unwrap_or_default();
    let mut mail = for_reader(&rendered.html, name.as_str(), escape_html);
    if looking.pictures == "off" {
        // Only pictures have one: their words show instead.
        mail = mail.replace(" src=\"", " data-src=\"");
    }
    let query = if looking.scheme == "dark" { "all" } else { "not all" };
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .body(mail.replace(DARK_QUERY, query)))
}

fn languages(composed: &Composed, looking: &Looking, chosen: Language) -> Vec<Choice> {
    if composed.translations.is_empty() {
        return Vec::new();
    }
    let choice = |view: View<'_>| Choice {
        href: Looking { language: Some(view.language), ..looking.clone() }.query(),
        words: view.language.own_name().to_owned(),
        is_chosen: view.language == chosen,
    };
    composed.views().map(choice).collect()
}

/// `POST /admin/issues/{id}/preview`: as whom to look. By post, so that the address stands in no history and no log.
pub async fn look_as(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let id = IssueId(id_of(&id)?);
    let looking = Looking::of(&Form::of_query(&request));
    let newsletter = issue_of(&app, id).await?.newsletter_id;
    app.store.permit(Permission::SeeSubscribers, Some(newsletter))?;
    let found = match EmailAddress::parse(form.first("reader")) {
        Ok(address) => {
            let known = store::subscribers::by_address(app.store.read().await?.db(), &address).await?;
            of_newsletter(&app, newsletter, known).await?.ok_or_else(|| Message::new("reader-unknown"))
        }
        Err(error) => Err(Message::new(error.key())),
    };
    match found {
        Ok(reader) => {
            let looking = Looking { reader: Some(reader.public_id), language: None, ..looking };
            Ok(see_other(&format!("/admin/issues/{id}/preview{}", looking.query())))
        }
        Err(message) => {
            let to = signed_in.user.address.as_str().to_owned();
            let mistakes = Mistakes::beside(signed_in.texts(), FieldErrors::of("reader", message));
            let typed = ToTest { to: &to, name: "" };
            show(&request, &app, &signed_in, id, looking, typed, mistakes).await
        }
    }
}

/// `POST /admin/issues/{id}/test`: to a group, or to addresses as typed, which may become a group.
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
    let looking = Looking::of(&Form::of_query(&request));
    let to = match group_of(&app, id, form.first("group")).await? {
        Some(group) => group.addresses,
        None => form.first("to").to_owned(),
    };
    let typed = ToTest { to: &to, name: form.first("name") };
    match send_test_in(&app.store, &app.clock, &app.settings.public_url, id, looking.language, &to).await {
        Ok(_) => {
            app.wake.notify_one();
            let Some(errors) = keep_group(&app, id, typed).await? else {
                return Ok(see_other(&format!("/admin/issues/{id}/preview?done=tested")));
            };
            let mut mistakes = Mistakes::beside(t, errors);
            mistakes.notice = Some(t.text("desk-test-not-kept"));
            show(&request, &app, &signed_in, id, looking, typed, mistakes).await
        }
        Err(TestMailError::Invalid(errors)) => {
            show(&request, &app, &signed_in, id, looking, typed, Mistakes::of(t, errors)).await
        }
        Err(error @ TestMailError::Blocked(_)) => {
            let mistakes = Mistakes::notice(t, &error.message());
            show(&request, &app, &signed_in, id, looking, typed, mistakes).await
        }
        Err(TestMailError::NotFound) => Err(PageError::NotFound),
        Err(TestMailError::Store(error)) => Err(error.into()),
        Err(error) => Err(PageError::internal("a test mail failed", error)),
    }
}

async fn issue_of(app: &App, id: IssueId) -> Result<Issue, PageError> {
    store::issues::by_id(app.store.read().await?.db(), id).await?.ok_or(PageError::NotFound)
}

async fn group_of(app: &App, id: IssueId, group: &str) -> Result<Option<TestGroup>, PageError> {
    let issue = issue_of(app, id).await?;
    let groups = store::test_groups::of_newsletter(app.store.read().await?.db(), issue.newsletter_id).await?;
    Ok(groups.into_iter().find(|known| known.id.to_string() == group))
}

/// Keeps the addresses under the name that was typed, if any; answers why they cannot be. The mails are on their way by
/// then.
async fn keep_group(app: &App, id: IssueId, typed: ToTest<'_>) -> Result<Option<FieldErrors>, PageError> {
    if typed.name.trim().is_empty() {
        return Ok(None);
    }
    let issue = issue_of(app, id).await?;
    match test_groups::save(&app.store, &app.clock, issue.newsletter_id, typed.name, typed.to).await {
        Ok(_) | Err(test_groups::TestGroupError::NotFound) => Ok(None),
        Err(test_groups::TestGroupError::Invalid(errors)) => Ok(Some(errors)),
        Err(test_groups::TestGroupError::Store(error)) => Err(error.into()),
    }
}
