//! `GET /admin`: what to do next, and how things stand.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::articles::list::{ArticleLine, lines as article_lines};
use super::issues::list::{IssueLine, lines as issue_lines};
use super::relay_troubles::{self, TroubleLine};
use super::{Frame, desk_zone, grouped};
use crate::i18n::Texts;
use crate::mail::slot::line_for_anyone;
use crate::model::{ArticleId, ArticleStatus, MailingStatus, Permission, SetupStep};
use crate::setup::steps::Progress;
use crate::store::articles::ArticleFilter;
use crate::store::issues::IssueRow;
use crate::store::{self};
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::setup::done::sign_up_page;
use crate::web::{App, PageError};

/// How many of the latest are shown.
const LATEST: usize = 5;

#[derive(Template)]
#[template(path = "admin/home.html")]
struct HomePage {
    page: Frame,
    next: Step,
    /// The sign-up page, while nobody reads anything yet.
    sign_up: Option<String>,
    /// Where the links of mails lead, if readers cannot come there.
    local_address: Option<String>,
    /// Nothing can be sent yet.
    lacks_relay: bool,
    troubles: Vec<TroubleLine>,
    issues: Vec<IssueLine>,
    articles: Vec<ArticleLine>,
    newsletters: Vec<NewsletterLine>,
}

/// The one thing to do next.
struct Step {
    name: &'static str,
    title: String,
    words: String,
    /// Of the button.
    href: String,
    action: String,
}

/// What an issue can be made of.
struct Shelf {
    has_published: bool,
    /// The draft that was edited last.
    draft: Option<(ArticleId, String)>,
}

struct NewsletterLine {
    name: String,
    /// Its overview.
    href: String,
    forms: String,
    topics: String,
    welcome: String,
    readers: String,
    /// Nobody has said where the privacy notice is.
    lacks_privacy: bool,
    language: &'static str,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let zone = desk_zone(&mut reader).await?;
    let mut newsletters = Vec::new();
    let mut sign_up = None;
    let mut all_readers = 0;
    for newsletter in signed_in.newsletters(&mut reader, Permission::SeeNewsletter).await? {
        let readers = super::newsletters::readers(&mut reader, newsletter.id).await?;
        let href = format!("/admin/newsletters/{}", newsletter.id);
        sign_up.get_or_insert_with(|| sign_up_page(&newsletter.slug, &signed_in.user.address));
        all_readers += readers;
        newsletters.push(NewsletterLine {
            name: newsletter.name,
            forms: format!("{href}/forms"),
            topics: format!("{href}/topics"),
            welcome: format!("{href}/welcome"),
            href,
            readers: t.with2("desk-readers", "count", readers, "shown", grouped(readers)),
            lacks_privacy: newsletter.privacy_url.is_empty(),
            language: newsletter.language.own_name(),
        });
    }
    let mut articles = store::articles::list(reader.db(), &ArticleFilter::default()).await?;
    let published = ArticleFilter { status: Some(ArticleStatus::Published), ..ArticleFilter::default() };
    let draft = articles.iter().find(|article| article.status == ArticleStatus::Draft);
    let shelf = Shelf {
        has_published: !store::articles::list(reader.db(), &published).await?.is_empty(),
        draft: draft.map(|article| (article.id, article.title.clone())),
    };
    articles.truncate(LATEST);
    let mut issues = store::issues::list_for(reader.db(), signed_in.actor(), 0).await?;
    let progress = Progress::of(&mut reader, !app.relays.relays().is_empty()).await?;
    let next = next_step(t, &progress, &shelf, &issues);
    // Who signs up waits for a mail.
    let can_welcome = progress.has_relay() && progress.is_done(SetupStep::Sender);
    let sign_up = sign_up.filter(|_| all_readers == 0 && can_welcome);
    issues.truncate(LATEST);
    let troubles = relay_troubles::lines(&mut reader, &signed_in, app.clock.now()).await?;
    // Told above already where it is the next thing to do.
    let lacks_relay = !progress.has_relay() && next.name != "relay";
    let title = t.with("desk-welcome", "name", signed_in.user.name.clone());
    let page = Frame::new(&request, &signed_in, "home", title);
    let (issues, articles) = (issue_lines(t, issues), article_lines(t, zone, articles));
    let local_address = app.local_address();
    let template =
        HomePage { page, next, sign_up, local_address, lacks_relay, troubles, issues, articles, newsletters };
    html(StatusCode::OK, &template)
}

/// What is on its way comes first, then what is missing, then what was begun, and then something new.
fn next_step(t: Texts, progress: &Progress, shelf: &Shelf, issues: &[IssueRow]) -> Step {
    let step = |name: &'static str, subject: String, href: String| Step {
        name,
        title: t.text(&format!("desk-next-{name}-title")),
        words: t.with(&format!("desk-next-{name}"), "subject", subject),
        href,
        action: t.text(&format!("desk-next-{name}-action")),
    };
    let about = |name: &'static str, issue: &IssueRow| {
        let href = match issue.mailing_id {
            Some(mailing) => format!("/admin/mailings/{mailing}"),
            None => format!("/admin/issues/{}", issue.id),
        };
        step(name, subject_of(t, issue), href)
    };
    let with = |status: Option<MailingStatus>| issues.iter().find(|issue| issue.mailing_status == status);
    if let Some(paused) = with(Some(MailingStatus::Paused)) {
        return about("paused", paused);
    }
    if let Some(sending) = with(Some(MailingStatus::Sending)) {
        return about("sending", sending);
    }
    let new = |name: &'static str, href: &str| step(name, String::new(), href.to_owned());
    if progress.newsletter.is_none() {
        return new("newsletter", "/setup/newsletter");
    }
    if !progress.is_done(SetupStep::Sender) {
        return new("sender", "/setup/sender");
    }
    if !progress.is_done(SetupStep::Relay) {
        return new("relay", "/setup/relay");
    }
    match (with(None), with(Some(MailingStatus::Scheduled)), issues.first()) {
        (Some(draft), ..) => about("finish", draft),
        // With something to send it matters that nothing can be sent.
        (None, Some(_), _) if !progress.has_relay() => new("relay", "/admin/settings/relays/new"),
        (None, Some(scheduled), _) => about("scheduled", scheduled),
        (None, None, Some(latest)) if latest.mailing_status == Some(MailingStatus::Sent) => {
            if latest.sent.unwrap_or_default() == 0 {
                return about("unread", latest);
            }
            step("again", subject_of(t, latest), "/admin/issues/new".to_owned())
        }
        (None, None, _) if shelf.has_published => new("issue", "/admin/issues/new"),
        (None, None, _) => match &shelf.draft {
            Some((id, title)) => step("draft", title.clone(), format!("/admin/articles/{id}")),
            None => new("article", "/admin/articles/new"),
        },
    }
}

/// An issue without a subject goes by its number.
fn subject_of(t: Texts, issue: &IssueRow) -> String {
    if !issue.subject.is_empty() {
        return line_for_anyone(&issue.subject, &issue.newsletter_name);
    }
    let (number, newsletter) = (issue.number.to_string(), issue.newsletter_name.clone());
    t.with2("desk-issue-name", "number", number, "newsletter", newsletter)
}
