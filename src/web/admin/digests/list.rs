//! `GET /admin/newsletters/{id}/digests`: each rule, what it waits for, and what became of its last dates.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{base, in_words};
use crate::i18n::Texts;
use crate::model::{DigestRule, DigestRun, Newsletter, Rhythm, RunReason, RunState};
use crate::publishing::approval::content_of;
use crate::publishing::compose::compose;
use crate::publishing::digest::acts::{is_approved, is_edited};
use crate::publishing::digest::mails::when_words;
use crate::publishing::digest::rules::{RULES_MAX, moved_by_switch};
use crate::publishing::digest::{POOL_MAX, run};
use crate::publishing::schedule::zone_of;
use crate::store::{self, Reader, digest_runs, digests};
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::{Frame, Mistakes, Status};
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// Dates that are shown of what was.
const PAST_MAX: i64 = 8;

#[derive(Template)]
#[template(path = "admin/digests.html")]
struct DigestsPage {
    page: Frame,
    newsletter: Newsletter,
    base: String,
    rules: Vec<Card>,
    can_add: bool,
    mistakes: Mistakes,
}

/// A rule.
struct Card {
    id: String,
    href: String,
    name: String,
    is_on: bool,
    when: String,
    whom: String,
    next: Option<String>,
    waiting: String,
    /// Who moves when it is switched.
    moves: Option<String>,
    open: Vec<RunCard>,
    past: Vec<RunCard>,
}

/// A run.
pub(super) struct RunCard {
    pub action: String,
    pub date: String,
    pub status: Status,
    pub words: String,
    /// Of its issue, while it can be edited.
    pub issue: Option<String>,
    pub subject: String,
    pub can_approve: bool,
    /// What is approved, for the form to hand back.
    pub seen: String,
    pub can_retry: bool,
}

impl RunCard {
    pub(super) async fn of(
        reader: &mut Reader,
        t: Texts,
        public_url: &str,
        newsletter: &Newsletter,
        rule: &DigestRule,
        run: &DigestRun,
    ) -> Result<Self, PageError> {
        let composed = match run.issue_id {
            Some(issue) => compose(reader.db(), issue, run.due_at, public_url).await?,
            None => None,
        };
        let subject = composed.as_ref().map(|composed| composed.issue.subject.clone()).unwrap_or_default();
        let is_approved_now = composed.as_ref().is_some_and(|composed| is_approved(run, composed));
        let mut words = Vec::new();
        if run.state.is_open() {
            if is_approved_now {
                let moment = t.date_time(run.due_at, zone_of(newsletter));
                words.push(t.with("digest-approved-goes", "moment", moment));
            } else {
                words.push(when_words(t, newsletter, rule, run));
                if run.state == RunState::Approved {
                    words.push(t.text("digest-approval-over"));
                }
            }
        }
        if run.reason != RunReason::None {
            words.push(t.text(&format!("digest-reason-{}", run.reason)));
        }
        if run.reason == RunReason::TooFew {
            words.push(t.with2("digest-found", "found", run.found, "fewest", rule.fewest));
        }
        if composed.as_ref().is_some_and(|composed| is_edited(run, composed)) && run.state.is_open() {
            words.push(t.text("digest-edited"));
        }
        if let Some(by) = run.acted_by {
            let users = store::users::all(reader.db()).await?;
            if let Some(user) = users.into_iter().find(|user| user.id == by) {
                words.push(t.with("digest-acted-by", "name", user.name));
            }
        }
        Ok(Self {
            action: format!("{}/{}/runs/{}", base(newsletter.id), rule.id, run.id),
            date: t.date(run.due_at, zone_of(newsletter)),
            status: Status::of_run(t, run.state),
            words: words.join(" "),
            issue: run.issue_id.map(|issue| format!("/admin/issues/{issue}")),
            subject,
            // Where four eyes are asked for, one that failed can be tried again once it is approved.
            can_approve: !is_approved_now
                && (run.state.is_open() || (run.state == RunState::Failed && newsletter.needs_approval)),
            seen: composed.as_ref().map(content_of).unwrap_or_default(),
            can_retry: run.state == RunState::Failed,
        })
    }
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let newsletter = newsletter_of(&mut app.store.read().await?, &id).await?;
    show(&request, &app, &signed_in, newsletter, Mistakes::none(signed_in.texts())).await
}

pub(super) async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    newsletter: Newsletter,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let mut rules = Vec::new();
    for rule in digests::of_newsletter(reader.db(), newsletter.id).await? {
        rules.push(card(&mut reader, app, t, &newsletter, &rule).await?);
    }
    drop(reader);
    let status = if mistakes.has_any() { StatusCode::CONFLICT } else { StatusCode::OK };
    let template = DigestsPage {
        page: Frame::new(request, signed_in, "newsletters", t.text("desk-digests")),
        base: base(newsletter.id),
        can_add: rules.len() < RULES_MAX,
        newsletter,
        rules,
        mistakes,
    };
    html(status, &template)
}

async fn card(
    reader: &mut Reader,
    app: &App,
    t: Texts,
    newsletter: &Newsletter,
    rule: &DigestRule,
) -> Result<Card, PageError> {
    let now = app.clock.now();
    let zone = zone_of(newsletter);
    let (mut open, mut past) = (Vec::new(), Vec::new());
    let mut next = None;
    for run in digest_runs::of_rule(reader.db(), rule.id, PAST_MAX).await? {
        let is_open = run.state.is_open() || run.state == RunState::Failed;
        let card = RunCard::of(reader, t, &app.settings.public_url, newsletter, rule, &run).await?;
        if is_open { open.push(card) } else { past.push(card) }
    }
    if rule.on_since.is_some() {
        let mut after = now;
        // The first that has no run: the others stand below it.
        for _ in 0..PAST_MAX {
            let Some(found) = run::next(rule, newsletter, after) else { break };
            if digest_runs::of_period(reader.db(), rule.id, &found.occasion.period()).await?.is_none() {
                let moment = t.date_time(found.occasion.at, zone);
                let proposed = t.date_time(found.proposed_at.max(now), zone);
                next = Some(t.with2("digest-next", "moment", moment, "proposed", proposed));
                break;
            }
            after = found.occasion.at;
        }
    }
    let waiting = digests::count_candidates(reader.db(), rule, now, POOL_MAX).await?;
    let moved = moved_by_switch(&app.store, rule).await?;
    let moves = match (moved, rule.on_since.is_some()) {
        (0, _) => None,
        (count, true) => Some(t.with("digest-moves-off", "count", count)),
        (count, false) => Some(t.with("digest-moves-on", "count", count)),
    };
    let whom = match rule.audience {
        Rhythm::Each => t.text("digest-audience-each"),
        Rhythm::Monthly => t.text("digest-audience-monthly"),
    };
    Ok(Card {
        id: rule.id.to_string(),
        href: format!("{}/{}", base(newsletter.id), rule.id),
        name: rule.name.clone(),
        is_on: rule.on_since.is_some(),
        when: in_words(t, &rule.calendar.calendar),
        whom,
        next,
        waiting: t.with("digest-waiting", "count", waiting),
        moves,
        open,
        past,
    })
}
