//! `/preferences/{link}`: everything that a reader decides, on one page; each group saves by itself.
//!
//! GET shows and changes nothing; the posts below it act ([`save`], [`erase`]). The link is the whole permission: no
//! session, no cookie, no origin. The page shows the address masked only: a mail, and with it the link, may be
//! forwarded.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, PayloadConfig, ServiceConfig, head, resource};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::confirm::unknown;
use super::{page, texts_of_mail};
use crate::i18n::{FieldErrors, Texts};
use crate::keys::Purpose;
use crate::model::{Agreed, HitKind, Language, Newsletter, SubscriptionStatus, Tracking};
use crate::subscriptions::preferences::pause::{MONTHS, bounds, end_of};
use crate::subscriptions::preferences::{Preferences, Seen, TopicChoice, look, tracking};
use crate::subscriptions::unsubscribe;
use crate::web::form::Form;
use crate::web::layout::{Page, see_other};
use crate::web::{App, PageError, language};

pub mod data;
pub mod erase;
pub mod save;

/// Largest form of this page: every topic ticked, an address, a date.
const FORM_MAX_OCTETS: usize = 16 * 1024;
/// What the page may say after a post: `?saved=topics` says `preferences-saved-topics`.
const SAVED: [&str; 7] = ["topics", "rhythm", "pause", "resume", "language", "tracking", "address"];

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/preferences/{link}").get(get).route(head().to(get)))
        .service(resource("/preferences/{link}/data.json").get(data::json))
        .service(resource("/preferences/{link}/data.csv").get(data::csv))
        .service(
            resource("/preferences/{link}/erase")
                .get(erase::get)
                .route(head().to(erase::get))
                .post(erase::post),
        )
        .service(
            resource("/preferences/{link}/{group}")
                .app_data(PayloadConfig::new(FORM_MAX_OCTETS))
                .get(get_again)
                .post(save::post),
        );
}

#[derive(Template)]
#[template(path = "public/preferences.html")]
struct PreferencesPage {
    page: Page,
    newsletter: Newsletter,
    /// Path of the page; the posts are below it.
    path: String,
    /// What was just done.
    saved: Option<String>,
    masked: String,
    topics: Vec<TopicChoice>,
    /// Until when it is paused, in words.
    paused: Option<String>,
    is_monthly: bool,
    /// Whether the newsletter has a digest a month to choose.
    has_monthly: bool,
    pauses: Vec<PauseOption>,
    /// First and last day of a pause.
    first_day: String,
    last_day: String,
    leave: String,
    language: Language,
    /// What there is to agree to, or to withdraw: a box each.
    counted: Vec<CountedOption>,
    /// What was agreed to, in a few words.
    tracking_state: String,
    /// What it means not to tick.
    tracking_hint: String,
    filled: Filled,
}

/// A pause that is offered.
struct PauseOption {
    months: u32,
    words: String,
    until: String,
}

/// A kind of hits that may be counted of the reader.
struct CountedOption {
    /// Of its field.
    name: &'static str,
    words: String,
    is_agreed: bool,
}

#[derive(Template)]
#[template(path = "public/preferences_closed.html")]
struct ClosedPage {
    page: Page,
    newsletter: Newsletter,
    path: String,
    is_pending: bool,
    /// Where the undo of a request that was withdrawn posts to.
    undo: Option<String>,
}

#[derive(Template)]
#[template(path = "public/preferences_gone.html")]
struct GonePage {
    page: Page,
}

/// What was typed, and what is wrong with it.
#[derive(Debug, Clone, Default)]
struct Filled {
    errors: FieldErrors,
    /// Of the radio buttons of the pause.
    pause: String,
    date: String,
    address: String,
}

impl PreferencesPage {
    fn mistake(&self, field: &str) -> Option<String> {
        self.filled.errors.field(field).map(|message| message.in_words(self.page.t))
    }

    /// Those of the newsletter, and the one that the reader has.
    fn languages(&self) -> Vec<Language> {
        let mut languages = self.newsletter.languages_of_readers();
        if !languages.contains(&self.language) {
            languages.push(self.language);
        }
        languages
    }

    fn is_language(&self, language: &Language) -> bool {
        self.language == *language
    }
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    link: Path<String>,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &link, Filled::default()).await
}

/// A reload of an answer to a post, or the choice of a language on it: back to the page.
pub async fn get_again(path: Path<(String, String)>) -> HttpResponse {
    see_other(&format!("/preferences/{}", path.0))
}

/// The page as it is now, with what was typed.
async fn show(
    request: &HttpRequest,
    app: &App,
    link: &str,
    filled: Filled,
) -> Result<HttpResponse, PageError> {
    let seen = match look(&app.store, &app.keys, link).await? {
        Preferences::Open(seen) => *seen,
        Preferences::Gone => return gone(request),
        Preferences::Unknown => return unknown(request),
    };
    let t = texts_of_mail(request, seen.subscription.language);
    let path = format!("/preferences/{link}");
    if !seen.is_subscribed() {
        return closed(app, t, path, seen);
    }
    let status = if filled.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let query = Form::of_query(request);
    let saved = SAVED.iter().find(|known| **known == query.first("saved"));
    page(status, &open(app, t, path, seen, saved.copied(), filled))
}

fn open(
    app: &App,
    t: Texts,
    path: String,
    seen: Seen,
    saved: Option<&str>,
    filled: Filled,
) -> PreferencesPage {
    let now = app.clock.now();
    let topics = seen.topics(t.language());
    let Seen { newsletter, subscription, subscriber, has_monthly, .. } = seen;
    let zone = newsletter.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let (first, last) = bounds(&newsletter, now);
    let pauses = MONTHS.iter().filter_map(|months| {
        let until = end_of(*months, &newsletter, now)?;
        Some(PauseOption {
            months: *months,
            words: t.with("preferences-pause-months", "count", i64::from(*months)),
            until: t.date(until, zone),
        })
    });
    let frame = Page::new(t, t.text("preferences-title")).of_newsletter(&newsletter).with_languages_at(&path);
    PreferencesPage {
        saved: saved.map(|saved| t.text(&format!("preferences-saved-{saved}"))),
        masked: subscriber.address.masked(),
        topics,
        paused: subscription.paused_until.map(|until| t.date(until, zone)),
        is_monthly: subscription.rhythm == crate::model::Rhythm::Monthly,
        has_monthly,
        pauses: pauses.collect(),
        first_day: first.to_string(),
        last_day: last.to_string(),
        leave: format!("/unsubscribe/{}", app.keys.sign_link(Purpose::Unsubscribe, subscription.id)),
        language: subscription.language,
        counted: counted(&newsletter, subscription.agreed(), t.language()),
        tracking_state: t.text(tracking_state(subscription.agreed())),
        tracking_hint: t.text(&format!("preferences-tracking-hint-{}", newsletter.tracking)),
        page: frame,
        newsletter,
        path,
        filled,
    }
}

/// What is asked where the newsletter counts for each reader; elsewhere what was agreed to before, so that it can be
/// withdrawn.
fn counted(newsletter: &Newsletter, agreed: Agreed, language: Language) -> Vec<CountedOption> {
    [("opens", HitKind::Open), ("clicks", HitKind::Click)]
        .into_iter()
        .filter(|(_, kind)| newsletter.tracking == Tracking::Person || agreed.to(*kind))
        .map(|(name, kind)| CountedOption {
            name,
            words: tracking::words(newsletter, kind, language),
            is_agreed: agreed.to(kind),
        })
        .collect()
}

const fn tracking_state(agreed: Agreed) -> &'static str {
    match agreed {
        Agreed { opens: true, clicks: true } => "preferences-tracking-on",
        Agreed { opens: true, clicks: false } => "preferences-tracking-opens",
        Agreed { opens: false, clicks: true } => "preferences-tracking-clicks",
        Agreed { opens: false, clicks: false } => "preferences-tracking-off",
    }
}

/// Not confirmed yet, or left: what can still be done.
fn closed(app: &App, t: Texts, path: String, seen: Seen) -> Result<HttpResponse, PageError> {
    let is_pending = seen.subscription.status == SubscriptionStatus::Pending;
    let key = if is_pending { "preferences-pending-title" } else { "preferences-left-title" };
    let frame = Page::new(t, t.text(key)).of_newsletter(&seen.newsletter).with_languages_at(&path);
    let undo = unsubscribe::is_withdrawn(&seen.subscription)
        .then(|| format!("/resubscribe/{}", unsubscribe::undo_link(&app.keys, &seen.subscription)));
    page(StatusCode::OK, &ClosedPage { page: frame, newsletter: seen.newsletter, path, is_pending, undo })
}

/// The link is ours, and nothing is known of the person any more.
fn gone(request: &HttpRequest) -> Result<HttpResponse, PageError> {
    let t = Texts::new(language::of(request, Language::English));
    let frame = Page::new(t, t.text("preferences-gone-title"));
    page(StatusCode::GONE, &GonePage { page: frame })
}
