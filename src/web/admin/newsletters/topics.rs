//! `/admin/newsletters/{id}/topics`: what a newsletter is about, in order, and how many readers have each.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use crate::i18n::Texts;
use crate::model::topic::text_for;
use crate::model::{Language, Newsletter, NewsletterId, TopicId, TopicText};
use crate::publishing::topics::{TopicError, TopicInput, TopicWords, add as add_topic, fields_of};
use crate::store;
use crate::store::people::COUNT_MAX;
use crate::web::admin::{Frame, Mistakes, given_twice, grouped, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "admin/topics.html")]
struct TopicsPage {
    page: Frame,
    newsletter: Newsletter,
    /// Offered, in order.
    topics: Vec<Row>,
    archived: Vec<Row>,
    fields: Vec<WordsFields>,
    /// Whether those who have all topics get the new one.
    for_all: bool,
    mistakes: Mistakes,
}

struct Row {
    id: TopicId,
    name: String,
    description: String,
    /// Languages without a name of their own.
    missing: String,
    readers: String,
    is_first: bool,
    is_last: bool,
}

/// The fields of one language in the form of a topic.
pub struct WordsFields {
    pub language: Language,
    pub name_field: &'static str,
    pub name: String,
    pub description_field: &'static str,
    pub description: String,
    /// Of the newsletter's own language a name is needed.
    pub is_required: bool,
}

/// Fields filled with what was typed, the newsletter's language first.
pub fn fields(newsletter: &Newsletter, value: impl Fn(&str) -> String) -> Vec<WordsFields> {
    let mut languages = Language::ALL.to_vec();
    languages.sort_by_key(|language| *language != newsletter.language);
    let fields = |language| {
        let (name_field, description_field) = fields_of(language);
        WordsFields {
            language,
            name_field,
            name: value(name_field),
            description_field,
            description: value(description_field),
            is_required: language == newsletter.language,
        }
    };
    languages.into_iter().map(fields).collect()
}

/// The words of a topic as typed.
pub fn input_of(form: &Form) -> TopicInput {
    let words = |language: &Language| {
        let (name, description) = fields_of(*language);
        TopicWords {
            language: *language,
            name: form.first(name).to_owned(),
            description: form.first(description).to_owned(),
        }
    };
    TopicInput { texts: Language::ALL.iter().map(words).collect() }
}

/// Every field of the form, none of which may stand in it twice.
pub fn field_names() -> Vec<&'static str> {
    Language::ALL.iter().flat_map(|language| <[_; 2]>::from(fields_of(*language))).collect()
}

/// `GET /admin/newsletters/{id}/topics`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let id = NewsletterId(id_of(&id)?);
    show(&request, &app, &signed_in, id, &Form::default(), Mistakes::none(signed_in.texts())).await
}

/// The list, with the form as it was filled in.
pub async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    id: NewsletterId,
    form: &Form,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let newsletter = store::newsletters::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let texts = store::topics::texts(reader.db(), id).await?;
    let readers: BTreeMap<TopicId, i64> =
        store::topics::readers(reader.db(), id, COUNT_MAX).await?.into_iter().collect();
    let (archived, topics): (Vec<_>, Vec<_>) = store::topics::of_newsletter(reader.db(), id)
        .await?
        .into_iter()
        .partition(|topic| topic.archived_at.is_some());
    let row = |topics: &[crate::model::Topic], at: usize| {
        let topic = &topics[at];
        let text = text_for(&texts, topic.id, t.language(), newsletter.language);
        let count = readers.get(&topic.id).copied().unwrap_or(0);
        Row {
            id: topic.id,
            name: text.map_or_else(|| topic.key.clone(), |text| text.name.clone()),
            description: text.map(|text| text.description.clone()).unwrap_or_default(),
            missing: missing(t, &texts, topic.id),
            readers: t.with2("desk-readers", "count", count, "shown", shown(t, count)),
            is_first: at == 0,
            is_last: at + 1 == topics.len(),
        }
    };
    let rows = |topics: &[crate::model::Topic]| (0..topics.len()).map(|at| row(topics, at)).collect();
    let status = if mistakes.notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let title = t.text("desk-topics");
    let template = TopicsPage {
        page: Frame::new(request, signed_in, "newsletters", title),
        topics: rows(&topics),
        archived: rows(&archived),
        fields: fields(&newsletter, |field| form.first(field).to_owned()),
        for_all: form.first("everyone") != "no",
        newsletter,
        mistakes,
    };
    html(status, &template)
}

/// A count that stops at [`COUNT_MAX`], in words.
fn shown(t: Texts, count: i64) -> String {
    if count > COUNT_MAX { t.with("desk-more-than", "count", grouped(COUNT_MAX)) } else { grouped(count) }
}

fn missing(t: Texts, texts: &[TopicText], topic: TopicId) -> String {
    let has =
        |language: &Language| texts.iter().any(|text| text.topic_id == topic && text.language == *language);
    let missing: Vec<_> =
        Language::ALL.iter().filter(|language| !has(language)).map(|language| t.name_of(*language)).collect();
    if missing.is_empty() {
        String::new()
    } else {
        t.with("desk-topic-missing", "languages", missing.join(", "))
    }
}

/// `POST /admin/newsletters/{id}/topics`.
pub async fn add(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let id = NewsletterId(id_of(&id)?);
    let result = match given_twice(&form, &field_names()).or(()) {
        Ok(()) => {
            let for_all = form.first("everyone") != "no";
            add_topic(&app.store, &app.clock, id, &input_of(&form), for_all).await
        }
        Err(errors) => Err(errors.into()),
    };
    match result {
        Ok(_) => Ok(see_other(&format!("/admin/newsletters/{id}/topics?done=topic-added"))),
        Err(TopicError::Invalid(errors)) => {
            show(&request, &app, &signed_in, id, &form, Mistakes::of(t, errors)).await
        }
        Err(TopicError::Store(error)) => Err(error.into()),
        Err(TopicError::NotFound) => Err(PageError::NotFound),
        Err(error) => {
            show(&request, &app, &signed_in, id, &form, Mistakes::notice(t, &error.message())).await
        }
    }
}
