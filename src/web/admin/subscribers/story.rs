//! What happened to a person, the newest first: evidence, mails, choices.

use crate::i18n::Texts;
use crate::mail::slot::line_for_anyone;
use crate::model::topic::text_for;
use crate::model::{ConsentEvent, Newsletter, OutboxKind, OutboxStatus, Outcome, Subscriber, Timestamp};
use crate::publishing::schedule::zone_of;
use crate::store::{self, Reader};
use crate::web::PageError;

/// Most events that a page shows.
const EVENTS_MAX: usize = 500;

/// Something that happened.
pub struct Event {
    pub at: String,
    pub title: String,
    pub details: Vec<String>,
    pub newsletter: String,
    moment: Timestamp,
}

/// The whole story.
pub async fn story(
    reader: &mut Reader,
    t: Texts,
    newsletters: &[Newsletter],
    person: &Subscriber,
) -> Result<Vec<Event>, PageError> {
    let mut events = Vec::new();
    let mut add = |newsletter: &Newsletter, moment: Timestamp, title: String, details: Vec<String>| {
        events.push(Event {
            at: t.date_time(moment, zone_of(newsletter)),
            title,
            details: details.into_iter().filter(|detail| !detail.is_empty()).collect(),
            newsletter: newsletter.name.clone(),
            moment,
        });
    };
    let of = |id| newsletters.iter().find(|newsletter| newsletter.id == id);
    for consent in store::consents::of_subscriber(reader.db(), person.id).await? {
        let Some(newsletter) = of(consent.newsletter_id) else { continue };
        let door = crate::web::receipt::door(t, &consent.source);
        let title = match (consent.event, consent.source.as_str()) {
            // It was not the person who asked.
            (ConsentEvent::Requested, "import") => t.text("people-story-asked-import"),
            (event, _) => t.text(&format!("receipt-event-{event}")),
        };
        add(newsletter, consent.at, title, vec![door, consent.page]);
    }
    for subscription in store::subscriptions::of_subscriber(reader.db(), person.id).await? {
        let Some(newsletter) = of(subscription.newsletter_id) else { continue };
        for mail in store::outbox::of_subscription(reader.db(), subscription.id).await? {
            let status = match mail.status {
                OutboxStatus::Queued | OutboxStatus::Claimed => t.text("receipt-mail-queued"),
                status => t.text(&format!("receipt-mail-{status}")),
            };
            let title = title_of(t, mail.kind);
            add(newsletter, mail.finished_at.unwrap_or(mail.created_at), title, vec![status, mail.reply]);
        }
        if let Some(said) = store::departures::of_subscription(reader.db(), subscription.id).await? {
            let reason = t.text(&format!("left-why-{}", said.reason));
            let at = subscription.unsubscribed_at.unwrap_or(subscription.created_at);
            add(newsletter, at, t.text("people-story-reason"), vec![reason, said.remark]);
        }
        if let Some(until) = subscription.paused_until {
            let date = t.date(until, zone_of(newsletter));
            add(newsletter, until, t.with("people-story-pause", "date", date), Vec::new());
        }
        for change in store::subscription_changes::of_subscription(reader.db(), subscription.id).await? {
            let title = t.text(&format!("people-story-changed-{}", change.what));
            add(newsletter, change.at, title, Vec::new());
        }
        let texts = store::topics::texts(reader.db(), newsletter.id).await?;
        for (topic, since) in store::topics::chosen_since(reader.db(), subscription.id).await? {
            let text = text_for(&texts, topic, t.language(), newsletter.language);
            let name = text.map(|text| text.name.clone()).unwrap_or_default();
            add(newsletter, since, t.with("people-story-topic", "topic", name), Vec::new());
        }
    }
    for mail in store::deliveries::mails_of(reader.db(), person.id).await? {
        let Some(newsletter) = of(mail.newsletter_id) else { continue };
        let was_tried = mail.attempts + mail.doubts > 0;
        let outcome = match mail.outcome {
            Outcome::Deferred if !was_tried => t.text("people-outcome-waiting"),
            outcome => t.text(&format!("people-outcome-{outcome}")),
        };
        let title = t.with("people-story-issue", "subject", line_for_anyone(&mail.subject, &newsletter.name));
        add(newsletter, mail.at, title, vec![outcome, mail.relay, mail.reply]);
    }
    for hit in store::hits::of_subscriber(reader.db(), person.id).await? {
        let Some(newsletter) = of(hit.newsletter_id) else { continue };
        let subject = line_for_anyone(&hit.subject, &newsletter.name);
        let key = if hit.url.is_some() { "people-story-click" } else { "people-story-open" };
        let times = match (hit.hits, hit.machine_hits) {
            (0, _) => t.text("people-story-by-machine"),
            (1, _) => String::new(),
            (more, _) => t.with("people-story-times", "count", more),
        };
        add(
            newsletter,
            hit.first_at,
            t.with(key, "subject", subject),
            vec![hit.url.unwrap_or_default(), times],
        );
    }
    events.sort_by_key(|event| std::cmp::Reverse(event.moment));
    events.truncate(EVENTS_MAX);
    Ok(events)
}

fn title_of(t: Texts, kind: OutboxKind) -> String {
    match kind {
        OutboxKind::Confirm => t.text("receipt-mail-kind-confirm"),
        OutboxKind::Reminder => t.text("receipt-mail-kind-reminder"),
        OutboxKind::AlreadySubscribed => t.text("receipt-mail-kind-already"),
        OutboxKind::AddressChange => t.text("receipt-mail-kind-address-change"),
        OutboxKind::AddressChanged => t.text("receipt-mail-kind-address-changed"),
        OutboxKind::Welcome => t.text("people-mail-welcome"),
        OutboxKind::Manage => t.text("people-mail-manage"),
        OutboxKind::Test | OutboxKind::Alert => t.text("people-mail-other"),
    }
}
