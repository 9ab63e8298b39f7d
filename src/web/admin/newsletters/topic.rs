//! `/admin/newsletters/{id}/topics/{topic}`: the words of one topic; and the buttons of its row in the list.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::topics::{self, WordsFields, field_names, fields, input_of};
use crate::model::{Newsletter, NewsletterId, Topic, TopicId};
use crate::publishing::topics::{Direction, TopicError, archive, mark, rename, restore, shift};
use crate::store;
use crate::web::admin::{Frame, Mistakes, given_twice, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "admin/topic.html")]
struct TopicPage {
    page: Frame,
    newsletter: Newsletter,
    topic: Topic,
    fields: Vec<WordsFields>,
    /// What it was called when the page was shown.
    seen: String,
    mistakes: Mistakes,
}

/// The newsletter and the topic of a URL; the topic must be one of the newsletter's.
fn ids(path: &(String, String)) -> Result<(NewsletterId, TopicId), PageError> {
    Ok((NewsletterId(id_of(&path.0)?), TopicId(id_of(&path.1)?)))
}

async fn found(app: &App, path: &(String, String)) -> Result<(Newsletter, Topic), PageError> {
    let (newsletter, topic) = ids(path)?;
    let mut reader = app.store.read().await?;
    let topic = store::topics::by_id(reader.db(), topic).await?.ok_or(PageError::NotFound)?;
    if topic.newsletter_id != newsletter {
        return Err(PageError::NotFound);
    }
    let newsletter = store::newsletters::by_id(reader.db(), newsletter).await?;
    Ok((newsletter.ok_or(PageError::NotFound)?, topic))
}

/// `GET /admin/newsletters/{id}/topics/{topic}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let (newsletter, topic) = found(&app, &path).await?;
    let texts = store::topics::texts(app.store.read().await?.db(), newsletter.id).await?;
    let value = |field: &str| {
        let (kind, language) = field.split_once('-').unwrap_or_default();
        let text = texts.iter().find(|text| text.topic_id == topic.id && text.language.as_str() == language);
        text.map(|text| if kind == "name" { text.name.clone() } else { text.description.clone() })
            .unwrap_or_default()
    };
    let fields = fields(&newsletter, value);
    let seen = mark(&texts, topic.id);
    show(&request, &signed_in, newsletter, topic, fields, seen, Mistakes::none(signed_in.texts()))
}

fn show(
    request: &HttpRequest,
    signed_in: &SignedIn,
    newsletter: Newsletter,
    topic: Topic,
    fields: Vec<WordsFields>,
    seen: String,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let status = if mistakes.notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let title = fields.first().map(|field| field.name.clone()).filter(|name| !name.is_empty());
    let title = title.unwrap_or_else(|| topic.key.clone());
    let page = Frame::new(request, signed_in, "newsletters", title);
    html(status, &TopicPage { page, newsletter, topic, fields, seen, mistakes })
}

/// `POST /admin/newsletters/{id}/topics/{topic}`: `do` says what.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let (newsletter, topic) = found(&app, &path).await?;
    let (seen, place) = (form.all("seen").next(), form.first("place").parse().ok());
    let result = match form.first("do") {
        "up" => shift(&app.store, topic.id, place, Direction::Up).await.map(|()| ""),
        "down" => shift(&app.store, topic.id, place, Direction::Down).await.map(|()| ""),
        "archive" => archive(&app.store, &app.clock, topic.id).await.map(|()| "?done=topic-archived"),
        "restore" => restore(&app.store, topic.id).await.map(|()| "?done=topic-restored"),
        _ => match given_twice(&form, &field_names()).or(()) {
            Ok(()) => rename(&app.store, topic.id, seen, &input_of(&form)).await.map(|()| "?done=saved"),
            Err(errors) => Err(errors.into()),
        },
    };
    match result {
        Ok(done) => Ok(see_other(&format!("/admin/newsletters/{}/topics{done}", newsletter.id))),
        Err(TopicError::Invalid(errors)) => {
            let fields = fields(&newsletter, |field| form.first(field).to_owned());
            let seen = seen.unwrap_or_default().to_owned();
            show(&request, &signed_in, newsletter, topic, fields, seen, Mistakes::of(t, errors))
        }
        Err(error @ TopicError::Changed) => {
            let fields = fields(&newsletter, |field| form.first(field).to_owned());
            let texts = store::topics::texts(app.store.read().await?.db(), newsletter.id).await?;
            let seen = mark(&texts, topic.id);
            let mistakes = Mistakes::notice(t, &error.message());
            show(&request, &signed_in, newsletter, topic, fields, seen, mistakes)
        }
        Err(TopicError::Store(error)) => Err(error.into()),
        Err(TopicError::NotFound) => Err(PageError::NotFound),
        Err(error) => {
            let mistakes = Mistakes::notice(t, &error.message());
            topics::show(&request, &app, &signed_in, newsletter.id, &Form::default(), mistakes).await
        }
    }
}
