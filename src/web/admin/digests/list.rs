//! `GET /admin/newsletters/{id}/digests`: each rule, what it waits for, and what became of its last dates.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{base, in_words};
use crate::i18n::Texts;
use crate::mail::slot::line_for_anyone;
use crate::model::{DigestRule, DigestRun, Newsletter, Permission, Rhythm, RunReason, RunState, User};
use crate::publishing::approval::content_of;
use crate::publishing::compose::compose;
use crate::publishing::digest::acts::{is_approved, is_edited};
use crate::publishing::digest::mails::when_words;
use crate::publishing::digest::rules::{RULES_MAX, moved_by_switch};
use crate::publishing::digest::{POOL_MAX, run};
use crate::publishing::schedule::zone_of;
use crate::store::{self, Reader, digest_runs, digests, issues};
use crate::web::admin::forms::newsletter_of;
use crate::web::admin::{Frame, Mistakes, Status};
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// Dates that are shown of what was.
const PAST_MAX: i64 = 8;
/// Runs that are shown of those with which somebody is asked to do something: each of them is composed.
const ASKING_MAX: i64 = 20;
/// Dates that are shown of those that are decided already.
const DECIDED_MAX: i64 = 60;

#[derive(Template)]
#[template(path = "admin/digests.html")]
struct DigestsPage {
    page: Frame,
    newsletter: Newsletter,
    base: String,
    rules: Vec<Card>,
    /// Whether whoever looks may decide about them.
    may_set: bool,
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
    next: Option<NextDate>,
    /// Whether a proposal is dropped when it is switched off.
    has_open: bool,
    waiting: String,
    /// Who moves when it is switched.
    moves: Option<String>,
    open: Vec<RunCard>,
    decided: Vec<RunCard>,
    past: Vec<RunCard>,
}

/// The first date that nothing is decided about.
struct NextDate {
    words: String,
    /// Which date its button skips: a second click is about the same.
    period: String,
}

/// A run.
struct RunCard {
    action: String,
    date: String,
    status: Status,
    words: String,
    /// Of its issue, while it can be edited.
    issue: Option<String>,
    subject: String,
    can_approve: bool,
    /// What is approved, for the form to hand back.
    seen: String,
    can_retry: bool,
    /// The date that is skipped, where that can be taken back.
    back: Option<Back>,
}

struct Back {
    period: String,
    /// For those who do not see beside which date the button stands.
    label: String,
}

/// What the cards of a page share.
#[derive(Clone, Copy)]
struct Desk<'a> {
    app: &'a App,
    t: Texts,
    newsletter: &'a Newsletter,
    users: &'a [User],
}

impl RunCard {
    async fn of(
        reader: &mut Reader,
        desk: Desk<'_>,
        rule: &DigestRule,
        run: &DigestRun,
    ) -> Result<Self, PageError> {
        let Desk { app, t, newsletter, users } = desk;
        // What is over is not rendered again: its subject is all that is shown.
        let composed = match run.issue_id.filter(|_| run.asks()) {
            Some(issue) => compose(reader.db(), issue, run.due_at, &app.settings.public_url).await?,
            None => None,
        };
        let subject = match (&composed, run.issue_id) {
            (Some(composed), _) => composed.issue.subject.clone(),
            (None, Some(issue)) => {
                issues::by_id(reader.db(), issue).await?.map(|issue| issue.subject).unwrap_or_default()
            }
            (None, None) => String::new(),
        };
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
        if let Some(user) = run.acted_by.and_then(|by| users.iter().find(|user| user.id == by)) {
            words.push(t.with("digest-acted-by", "name", user.name.as_str()));
        }
        let date = t.date(run.due_at, zone_of(newsletter));
        let back = run.can_be_put_back(app.clock.now()).then(|| Back {
            period: run.period.clone(),
            label: format!("{}, {date}", t.with("digest-unskip-of", "title", rule.name.as_str())),
        });
        Ok(Self {
            action: format!("{}/{}/runs/{}", base(newsletter.id), rule.id, run.id),
            date,
            status: Status::of_run(t, run.state),
            words: words.join(" "),
            issue: run.issue_id.map(|issue| format!("/admin/issues/{issue}")),
            subject: line_for_anyone(&subject, &newsletter.name),
            // Where four eyes are asked for, one that failed can be tried again once it is approved.
            can_approve: !is_approved_now
                && (run.state.is_open() || (run.state == RunState::Failed && newsletter.needs_approval)),
            seen: composed.as_ref().map(content_of).unwrap_or_default(),
            can_retry: run.state == RunState::Failed,
            back,
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
    let users = store::users::all(reader.db()).await?;
    let desk = Desk { app, t, newsletter: &newsletter, users: &users };
    let mut rules = Vec::new();
    for rule in digests::of_newsletter(reader.db(), newsletter.id).await? {
        rules.push(card(&mut reader, desk, &rule).await?);
    }
    drop(reader);
    let status = if mistakes.has_any() { StatusCode::CONFLICT } else { StatusCode::OK };
    let may_set = signed_in.may(Permission::SetDigests, newsletter.id);
    let template = DigestsPage {
        page: Frame::new(request, signed_in, "newsletters", t.text("desk-digests")),
        base: base(newsletter.id),
        may_set,
        can_add: may_set && rules.len() < RULES_MAX,
        newsletter,
        rules,
        mistakes,
    };
    html(status, &template)
}

async fn cards(
    reader: &mut Reader,
    desk: Desk<'_>,
    rule: &DigestRule,
    runs: Vec<DigestRun>,
) -> Result<Vec<RunCard>, PageError> {
    let mut cards = Vec::with_capacity(runs.len());
    for run in runs {
        cards.push(RunCard::of(reader, desk, rule, &run).await?);
    }
    Ok(cards)
}

/// What a rule waits for: the first date that has no run; the others stand below it.
async fn next_date(
    reader: &mut Reader,
    desk: Desk<'_>,
    rule: &DigestRule,
) -> Result<Option<NextDate>, PageError> {
    let Desk { app, t, newsletter, .. } = desk;
    let (now, zone) = (app.clock.now(), zone_of(newsletter));
    let mut after = now;
    for _ in 0..DECIDED_MAX {
        let Some(found) = run::next(rule, newsletter, after) else { break };
        let period = found.occasion.period();
        if digest_runs::of_period(reader.db(), rule.id, &period).await?.is_none() {
            let moment = t.date_time(run::due_at(rule, found.occasion, now), zone);
            let proposed = t.date_time(found.proposed_at.max(now), zone);
            let words = t.with2("digest-next", "moment", moment, "proposed", proposed);
            return Ok(Some(NextDate { words, period }));
        }
        after = found.occasion.at;
    }
    Ok(None)
}

async fn card(reader: &mut Reader, desk: Desk<'_>, rule: &DigestRule) -> Result<Card, PageError> {
    let Desk { app, t, newsletter, .. } = desk;
    let now = app.clock.now();
    let asking = digest_runs::asking(reader.db(), rule.id, ASKING_MAX).await?;
    let has_open = asking.iter().any(|run| run.state.is_open());
    let open = cards(reader, desk, rule, asking).await?;
    let decided = digest_runs::decided(reader.db(), rule.id, now, DECIDED_MAX).await?;
    let decided = cards(reader, desk, rule, decided).await?;
    let past = digest_runs::past(reader.db(), rule.id, now, PAST_MAX).await?;
    let past = cards(reader, desk, rule, past).await?;
    let next = match rule.on_since {
        Some(_) => next_date(reader, desk, rule).await?,
        None => None,
    };
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
        has_open,
        waiting: t.with("digest-waiting", "count", waiting),
        moves,
        open,
        decided,
        past,
    })
}
