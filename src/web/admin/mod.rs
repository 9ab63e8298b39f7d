//! The desk: one file per page. Every handler but the login's takes [`SignedIn`], and every post checks its
//! token with [`super::csrf`].
//!
//! To add a page: a handler that fills a struct with a [`Frame`], a template that extends
//! `admin/layout.html`, its texts in the language files under "Desk", and its URL in [`configure`].

use actix_web::HttpRequest;
use actix_web::web::{ServiceConfig, resource};
use chrono_tz::Tz;

use super::PageError;
use super::form::Form;
use super::session::SignedIn;
use crate::i18n::{FieldErrors, Message, Texts};
use crate::mail::slot::escape_html;
use crate::model::{Actor, ArticleStatus, MailingStatus, Permission, RunState};
use crate::publishing::schedule::zone_of;
use crate::store::{self, Reader};

pub mod account;
pub mod articles;
pub mod code;
pub mod digests;
pub mod fields;
pub mod forgot;
pub mod forms;
pub mod home;
pub mod images;
pub mod issues;
pub mod language;
pub mod link;
pub mod login;
pub mod mailing;
pub mod newsletters;
pub mod passkey;
pub mod people;
pub mod provider;
mod relay_troubles;
pub mod reports;
pub mod settings;
pub mod subscribers;

pub fn configure(config: &mut ServiceConfig) {
    // Before the moves of a mailing, which take any word.
    reports::configure(config);
    config
        .service(resource("/admin").get(home::get))
        .service(resource("/admin/login").get(login::get).post(login::post))
        .service(resource("/admin/login/code").get(code::get).post(code::post))
        .service(resource("/admin/login/provider").post(provider::begin))
        .service(resource("/admin/login/provider/return").get(provider::come_back))
        .service(resource("/admin/login/passkey").post(passkey::post))
        .service(resource("/admin/login/passkey/challenge").post(passkey::challenge))
        .service(resource("/admin/link/{token}/provider").post(provider::begin_to_join))
        .service(resource("/admin/forgot").get(forgot::get).post(forgot::post))
        .service(resource("/admin/link/{token}").get(link::get).post(link::post))
        .service(resource("/admin/logout").post(login::log_out))
        .service(resource("/admin/language").post(language::post))
        .service(resource("/admin/images").get(images::get).post(images::post))
        .service(resource("/admin/issues").get(issues::list::get).post(issues::new::post))
        .service(resource("/admin/issues/new").get(issues::new::get))
        .service(resource("/admin/issues/{id}").get(issues::edit::get).post(issues::edit::post))
        .service(
            resource("/admin/issues/{id}/preview").get(issues::preview::get).post(issues::preview::look_as),
        )
        .service(
            resource("/admin/issues/{id}/languages/{language}")
                .get(issues::translation::get)
                .post(issues::translation::post),
        )
        .service(resource("/admin/issues/{id}/checks.json").get(issues::checks::get))
        .service(resource("/admin/issues/{id}/copy").post(issues::copy::post))
        .service(resource("/admin/issues/{id}/discard").post(issues::discard::post))
        .service(resource("/admin/issues/{id}/ask").post(issues::schedule::ask))
        .service(resource("/admin/issues/{id}/approve").post(issues::schedule::approve))
        .service(resource("/admin/issues/{id}/groups/{group}/delete").post(issues::test_groups::remove))
        .service(resource("/admin/issues/{id}/mail").get(issues::preview::mail))
        .service(resource("/admin/issues/{id}/test").post(issues::preview::test))
        .service(
            resource("/admin/issues/{id}/schedule").get(issues::schedule::get).post(issues::schedule::post),
        )
        .service(resource("/admin/newsletters").get(newsletters::list::get).post(newsletters::new::post))
        .service(resource("/admin/newsletters/new").get(newsletters::new::get))
        .service(resource("/admin/newsletters/{id}").get(newsletters::overview::get))
        .service(resource("/admin/newsletters/{id}/forms").get(forms::list::get).post(forms::edit::create))
        .service(resource("/admin/newsletters/{id}/forms/new").get(forms::edit::new))
        .service(
            resource("/admin/newsletters/{id}/forms/{form}").get(forms::share::get).post(forms::edit::save),
        )
        .service(resource("/admin/newsletters/{id}/forms/{form}/archive").post(forms::edit::archive))
        .service(resource("/admin/newsletters/{id}/forms/{form}/qr.svg").get(forms::qr::get))
        .service(resource("/admin/newsletters/{id}/fields").get(fields::list::get).post(fields::edit::create))
        .service(resource("/admin/newsletters/{id}/fields/new").get(fields::edit::new))
        .service(
            resource("/admin/newsletters/{id}/fields/{field}")
                .get(fields::edit::get)
                .post(fields::edit::save),
        )
        .service(resource("/admin/newsletters/{id}/fields/{field}/archive").post(fields::edit::archive))
        .service(
            resource("/admin/newsletters/{id}/topics")
                .get(newsletters::topics::get)
                .post(newsletters::topics::add),
        )
        .service(
            resource("/admin/newsletters/{id}/topics/{topic}")
                .get(newsletters::topic::get)
                .post(newsletters::topic::post),
        )
        .service(resource("/admin/mailings/{id}.json").get(mailing::progress::get))
        .service(resource("/admin/mailings/{id}").get(mailing::get))
        .service(resource("/admin/mailings/{id}/events").get(mailing::events::get))
        .service(resource("/admin/mailings/{id}/ledger").get(mailing::ledger::get))
        .service(resource("/admin/mailings/{id}/{move}").post(mailing::moves::post));
    account::configure(config);
    articles::configure(config);
    digests::configure(config);
    newsletters::sections::configure(config);
    newsletters::welcome::configure(config);
    people::configure(config);
    settings::configure(config);
    subscribers::configure(config);
}

/// What every page of the desk has; templates hold it as `page`.
#[derive(Debug, Clone)]
pub struct Frame {
    pub t: Texts,
    pub title: String,
    pub user: String,
    pub csrf: String,
    /// Which entry of the menu is lit: `home`, `articles`, `issues`, `newsletters` (with all that belongs to one),
    /// `subscribers` or `settings`.
    pub section: &'static str,
    /// What was just done.
    pub done: Option<String>,
    /// Where a change of language comes back to.
    pub path: String,
    /// Who looks at it.
    pub actor: Actor,
}

impl Frame {
    pub fn new(request: &HttpRequest, signed_in: &SignedIn, section: &'static str, title: String) -> Self {
        /// What a page may say after a redirect: `?done=saved` says `desk-done-saved`.
        const DONE: &[&str] = &[
            "saved",
            "added",
            "archived",
            "restored",
            "published",
            "drafted",
            "tested",
            "cancelled",
            "sending",
            "stopped",
            "paused",
            "resumed",
            "again",
            "again-paused",
            "topic-added",
            "topic-archived",
            "topic-restored",
            "erased",
            "step-on",
            "step-off",
            "step-deleted",
            "version-restored",
            "translated",
            "newsletter-added",
            "relay-added",
            "relay-removed",
            "domain-key-made",
            "domain-key-began",
            "domain-key-retired",
            "domain-key-removed",
            "approved",
            "approved-half",
            "copied",
            "discarded",
            "group-removed",
            "links-checked",
            "translation-removed",
            "chosen",
            "approval-asked",
            "approval-asked-before",
            "summary-on",
            "summary-off",
            "digest-on",
            "digest-off",
            "digest-deleted",
            "digest-skipped",
            "digest-unskipped",
            "digest-approved",
            "digest-approved-again",
            "digest-half",
            "digest-retried",
            "digest-taken",
            "source-added",
            "source-removed",
            "source-asked",
            "invited",
            "disabled",
            "enabled",
            "person-removed",
            "sessions-ended",
            "factor-off",
            "password",
            "key-revoked",
            "keys-revoked",
            "linked",
            "cut",
            "passkey",
            "passkey-removed",
            "segment-deleted",
            "ended",
            "subscribed",
            "asked",
        ];
        let t = signed_in.texts();
        let query = Form::of_query(request);
        let done = DONE.iter().find(|known| **known == query.first("done"));
        Self {
            t,
            title,
            user: signed_in.user.name.clone(),
            csrf: signed_in.csrf.clone(),
            section,
            done: done.map(|done| t.text(&format!("desk-done-{done}"))),
            path: request.path().to_owned(),
            actor: signed_in.actor().clone(),
        }
    }
}

impl Frame {
    /// Whether whoever looks at the page may do something somewhere, by the name of the permission: for what the menu and
    /// the buttons offer.
    pub fn may(&self, permission: &str) -> bool {
        permission.parse::<Permission>().is_ok_and(|permission| self.actor.may_somewhere(permission))
    }
}

/// What is wrong with a form, for its template. Displays beside the fields.
#[derive(Debug, Clone)]
pub struct Mistakes {
    t: Texts,
    errors: FieldErrors,
    /// What is wrong with the form as a whole.
    pub notice: Option<String>,
}

impl Mistakes {
    pub const fn none(t: Texts) -> Self {
        Self { t, errors: FieldErrors::new(), notice: None }
    }

    pub fn of(t: Texts, errors: FieldErrors) -> Self {
        Self { t, errors, notice: Some(t.text("error-marked-fields")) }
    }

    /// The same without a word about the form as a whole: one field, and nothing that could have been saved.
    pub const fn beside(t: Texts, errors: FieldErrors) -> Self {
        Self { t, errors, notice: None }
    }

    pub const fn has_any(&self) -> bool {
        self.notice.is_some() || !self.errors.is_empty()
    }

    pub fn notice(t: Texts, message: &Message) -> Self {
        Self { t, errors: FieldErrors::new(), notice: Some(message.in_words(t)) }
    }

    /// Attributes of a field: safe HTML. The first wrong one gets the cursor.
    pub fn aria(&self, field: &str) -> String {
        if self.errors.field(field).is_none() {
            return String::new();
        }
        let is_first = self.errors.iter().next().is_some_and(|error| error.field == field);
        let autofocus = if is_first { " autofocus" } else { "" };
        format!(" aria-invalid=\"true\" aria-describedby=\"{field}-error\"{autofocus}")
    }

    /// The same of a field with a hint of the id `{field}-hint`, which is always read with it.
    pub fn described(&self, field: &str) -> String {
        if self.errors.field(field).is_none() {
            return format!(" aria-describedby=\"{field}-hint\"");
        }
        self.aria(field).replacen("aria-describedby=\"", &format!("aria-describedby=\"{field}-hint "), 1)
    }

    /// The line below a field: safe HTML.
    pub fn line(&self, field: &str) -> String {
        let Some(message) = self.errors.field(field) else { return String::new() };
        let words = escape_html(&message.in_words(self.t));
        format!("<p class=\"error\" id=\"{field}-error\">{words}</p>")
    }
}

/// Fields that stand in a form twice with different values.
pub(super) fn given_twice(form: &Form, fields: &[&'static str]) -> FieldErrors {
    let mut errors = FieldErrors::new();
    for field in fields.iter().filter(|field| form.one(field).is_err()) {
        errors.add(field, Message::new("error-field-twice"));
    }
    errors
}

/// The zone in which the desk shows times that belong to no newsletter: that of the first one.
async fn desk_zone(reader: &mut Reader) -> Result<Tz, PageError> {
    let newsletters = store::newsletters::all(reader.db()).await?;
    Ok(newsletters.first().map_or(Tz::UTC, zone_of))
}

/// The number in a URL.
fn id_of(text: &str) -> Result<i64, PageError> {
    text.parse().map_err(|_| PageError::NotFound)
}

/// A count in groups of three, with thin spaces.
pub(in crate::web) fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A status as a word and as a class of the stylesheet.
#[derive(Debug, Clone)]
pub struct Status {
    pub class: &'static str,
    pub word: String,
}

impl Status {
    fn of_article(t: Texts, status: ArticleStatus) -> Self {
        Self { class: status.as_str(), word: t.text(&format!("desk-status-{status}")) }
    }

    fn of_run(t: Texts, state: RunState) -> Self {
        let class = match state {
            RunState::Proposed => "scheduled",
            RunState::Approved | RunState::Scheduled => "sending",
            RunState::Sent => "sent",
            RunState::Skipped => "draft",
            RunState::Failed => "paused",
        };
        Self { class, word: t.text(&format!("digest-state-{state}")) }
    }

    fn of_mailing(t: Texts, status: Option<MailingStatus>) -> Self {
        let class = status.map_or("draft", MailingStatus::as_str);
        Self { class, word: t.text(&format!("desk-status-{class}")) }
    }
}

/// One page of a list, and the addresses of its neighbours.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    pub newer: Option<String>,
    pub older: Option<String>,
}

impl Paging {
    /// Cuts the row that only says that there is a next page. `base` ends in `?` or `&`.
    fn of<T>(rows: &mut Vec<T>, page: i64, base: &str) -> Self {
        let most = usize::try_from(store::PAGE_ROWS).unwrap_or(usize::MAX);
        let has_more = rows.len() > most;
        rows.truncate(most);
        Self {
            newer: (page > 0).then(|| format!("{base}page={}", page - 1)),
            older: has_more.then(|| format!("{base}page={}", page + 1)),
        }
    }
}

/// The page of a list that a query asks for.
fn page_of(query: &Form) -> i64 {
    /// Beyond this nobody turns pages; they search.
    const PAGE_MAX: i64 = 10_000;
    query.first("page").parse().unwrap_or(0).clamp(0, PAGE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_three() {
        let counts = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(counts, ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
    }
}
