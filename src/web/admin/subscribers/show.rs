//! `GET /admin/subscribers/{id}`: a reader, and what this person is subscribed to.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::story::{Event, story};
use crate::model::{Permission, Subscriber, SubscriptionId, SubscriptionStatus};
use crate::publishing::schedule::zone_of;
use crate::store;
use crate::subscriptions::fields::with_words;
use crate::web::admin::{Frame, Mistakes};
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

#[derive(Template)]
#[template(path = "admin/subscriber.html")]
struct SubscriberPage {
    page: Frame,
    person: Subscriber,
    lines: Vec<Line>,
    events: Vec<Event>,
    mistakes: Mistakes,
}

/// A subscription in the list.
struct Line {
    newsletter: String,
    receipt: String,
    class: &'static str,
    status: String,
    since: String,
    /// What was answered to the fields of its forms: question and answer.
    answers: Vec<(String, String)>,
    /// Where its acts are posted to.
    path: String,
    can_end: bool,
    can_return: bool,
    can_ask: bool,
    /// What was typed about this one.
    basis: String,
    is_asked_about: bool,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let person = super::subscriber(&app, &id).await?;
    show(&request, &app, &signed_in, person, Mistakes::none(signed_in.texts()), None).await
}

pub(super) async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    person: Subscriber,
    mistakes: Mistakes,
    asked_about: Option<(SubscriptionId, String)>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let mut newsletters = store::newsletters::all(reader.db()).await?;
    // Neither states nor story of a newsletter that is none of theirs.
    newsletters.retain(|one| signed_in.may(Permission::SeeSubscribers, one.id));
    let events = story(&mut reader, t, &newsletters, &person).await?;
    let given = store::subscription_values::of_subscriber(reader.db(), person.id).await?;
    let mut lines = Vec::new();
    for subscription in store::subscriptions::of_subscriber(reader.db(), person.id).await? {
        let found = newsletters.iter().find(|found| found.id == subscription.newsletter_id);
        let Some(newsletter) = found else { continue };
        let asked = with_words(&mut reader, newsletter.id, newsletter.language, &newsletters).await?;
        let answers = given.iter().filter(|answer| answer.subscription_id == subscription.id);
        let answers = answers.map(|answer| {
            let field = asked.iter().find(|asked| asked.field.key == answer.key);
            let question = field.map_or(answer.key.as_str(), |field| field.label(t.language()));
            (question.to_owned(), answer.value.clone())
        });
        let mine = asked_about.as_ref().filter(|(id, _)| *id == subscription.id);
        let at = match subscription.status {
            SubscriptionStatus::Pending => Some(subscription.created_at),
            SubscriptionStatus::Confirmed => subscription.confirmed_at,
            SubscriptionStatus::Unsubscribed => subscription.unsubscribed_at,
        };
        let date = t.date(at.unwrap_or(subscription.created_at), zone_of(newsletter));
        lines.push(Line {
            receipt: format!("/admin/subscribers/{}/receipt/{}", person.public_id, newsletter.slug),
            newsletter: newsletter.name.clone(),
            class: class_of(subscription.status),
            status: t.text(&format!("reader-status-{}", subscription.status)),
            answers: answers.collect(),
            since: t.with(&format!("reader-since-{}", subscription.status), "date", date),
            path: format!("/admin/subscribers/{}/subscriptions/{}", person.public_id, subscription.id),
            can_end: subscription.status != SubscriptionStatus::Unsubscribed,
            can_return: subscription.status != SubscriptionStatus::Confirmed,
            can_ask: subscription.status == SubscriptionStatus::Pending,
            basis: mine.map(|(_, basis)| basis.clone()).unwrap_or_default(),
            is_asked_about: mine.is_some() && mistakes.has_any(),
        });
    }
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Frame::new(request, signed_in, "subscribers", t.text("reader-title"));
    html(status, &SubscriberPage { page, person, lines, events, mistakes })
}

/// The class of the stylesheet for a state.
pub(super) const fn class_of(status: SubscriptionStatus) -> &'static str {
    match status {
        SubscriptionStatus::Pending => "scheduled",
        SubscriptionStatus::Confirmed => "sent",
        SubscriptionStatus::Unsubscribed => "draft",
    }
}
