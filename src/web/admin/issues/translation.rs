//! `/admin/issues/{id}/languages/{language}`: the words of an issue in another language of its readers. The articles are
//! those of the issue, each in that language where there is one.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::checks::{CheckLine, check_lines};
use super::edit::{not_saved, saved, saved_at, wants_json};
use super::theirs::{self, TheirsPart};
use super::{LanguageTab, initial};
use crate::mail::slot::line_for_anyone;
use crate::model::{ArticleId, Issue, IssueId, IssueTranslation, Language, Permission, UserId};
use crate::publishing::compose::Composed;
use crate::publishing::issues::{IssueError, Theirs};
use crate::publishing::translations::{TranslationInput, remove, save};
use crate::store;
use crate::web::admin::{Frame, Mistakes, given_twice, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const FIELDS: [&str; 5] = ["subject", "second_subject", "preheader", "intro", "outro"];

#[derive(Template)]
#[template(path = "admin/issue_translation.html")]
struct TranslationPage {
    page: Frame,
    id: IssueId,
    language: Language,
    name: String,
    languages: Vec<LanguageTab>,
    input: TranslationInput,
    version: i64,
    /// The issue in the newsletter's language, beside each field.
    issue: Issue,
    own: Language,
    rows: Vec<Row>,
    mistakes: Mistakes,
    is_there: bool,
    /// What someone else saved in the meantime.
    theirs: Option<TheirsPart>,
    checks: Vec<CheckLine>,
    /// Whether whoever looks may change it.
    may_edit: bool,
    can_fix: bool,
    is_ready: bool,
    sender: String,
    /// For `{{newsletter}}` in the inbox row.
    newsletter: String,
    initial: String,
    saved: String,
}

impl TranslationPage {
    /// A line as inboxes show it to somebody without a name.
    fn shown(&self, line: &str) -> String {
        line_for_anyone(line, &self.newsletter)
    }
}

/// An article of the issue, and what the readers of this language get of it.
struct Row {
    id: ArticleId,
    title: String,
    language: Language,
    /// The translation, or the article itself where there is none.
    href: String,
    is_translated: bool,
    /// Of the section that it begins, in the newsletter's language; empty: none.
    original_heading: String,
    heading: String,
}

fn language_of(composed: &Composed, text: &str) -> Result<Language, PageError> {
    let language: Language = text.parse().map_err(|_| PageError::NotFound)?;
    let newsletter = &composed.newsletter;
    let is_offered = language != newsletter.language && newsletter.reader_languages.has(language);
    if is_offered { Ok(language) } else { Err(PageError::NotFound) }
}

/// `GET /admin/issues/{id}/languages/{language}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let (id, language) = path.into_inner();
    let id = IssueId(id_of(&id)?);
    let mailing = store::mailings::of_issue(app.store.read().await?.db(), id).await?;
    if let Some(mailing) = mailing {
        return Ok(see_other(&format!("/admin/mailings/{}", mailing.id)));
    }
    let composed = super::composed(&app, id, app.clock.now()).await?;
    let language = language_of(&composed, &language)?;
    let none = Mistakes::none(signed_in.texts());
    show(&request, &app, &signed_in, composed, language, None, none, None).await
}

#[expect(clippy::too_many_arguments, reason = "the ways in which one page is shown")]
async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    composed: Composed,
    language: Language,
    typed: Option<(TranslationInput, i64)>,
    mistakes: Mistakes,
    theirs: Option<Box<Theirs>>,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let id = composed.issue.id;
    let mut reader = app.store.read().await?;
    let stored = store::issue_translations::of_issue(reader.db(), id).await?;
    let headings = store::issue_translations::headings(reader.db(), id).await?;
    drop(reader);
    let stored = stored.into_iter().find(|translation| translation.language == language);
    let is_there = stored.is_some();
    let stored_version = stored.as_ref().map_or(0, |stored| stored.version);
    let (input, version) = typed.unwrap_or_else(|| {
        let of_it = headings.iter().filter(|heading| heading.language == language);
        let headings = of_it.map(|heading| (heading.article_id, heading.heading.clone())).collect();
        (input_from(stored, headings), stored_version)
    });
    let name = t.with2(
        "desk-issue-name",
        "number",
        composed.issue.number.to_string(),
        "newsletter",
        composed.newsletter.name.clone(),
    );
    let status = match (&mistakes.notice, &theirs) {
        (None, _) => StatusCode::OK,
        (Some(_), Some(_)) => StatusCode::CONFLICT,
        (Some(_), None) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let theirs = theirs.map(|theirs| {
        let stored = format!("/admin/issues/{id}/languages/{language}");
        theirs::of_translation(t, &input, &theirs, stored)
    });
    let may_edit = signed_in.may(Permission::DraftIssues, composed.newsletter.id);
    let template = TranslationPage {
        page: Frame::new(request, signed_in, "issues", name.clone()),
        id,
        language,
        name,
        languages: LanguageTab::all(&composed, Some(language)),
        rows: rows(&composed, language, &input),
        input,
        // Who has seen what someone else saved may save over it.
        version: if theirs.is_some() { stored_version } else { version },
        own: composed.newsletter.language,
        is_there,
        theirs,
        mistakes,
        checks: check_lines(t, &composed),
        may_edit,
        can_fix: false,
        is_ready: composed.is_ready(),
        initial: initial(&composed.newsletter.sender_name),
        sender: composed.newsletter.sender_name.clone(),
        newsletter: composed.newsletter.name.clone(),
        saved: saved_at(t, &composed),
        issue: composed.issue,
    };
    html(status, &template)
}

fn input_from(stored: Option<IssueTranslation>, headings: Vec<(ArticleId, String)>) -> TranslationInput {
    let Some(stored) = stored else { return TranslationInput { headings, ..TranslationInput::default() } };
    TranslationInput {
        subject: stored.subject,
        second_subject: stored.second_subject,
        preheader: stored.preheader,
        intro: stored.intro,
        outro: stored.outro,
        headings,
        editor: None,
    }
}

fn rows(composed: &Composed, language: Language, input: &TranslationInput) -> Vec<Row> {
    let view = composed.view(language);
    let row = |(at, row): (usize, &crate::model::IssueArticle)| {
        let shown = view.articles.get(at).map_or(&row.article, |shown| &shown.article);
        let heading = input.headings.iter().find(|(article, _)| *article == row.article.id);
        Row {
            id: row.article.id,
            title: shown.title.clone(),
            language: shown.language,
            href: format!("/admin/articles/{}", shown.id),
            is_translated: shown.language == language,
            original_heading: row.heading.clone(),
            heading: heading.map(|(_, heading)| heading.clone()).unwrap_or_default(),
        }
    };
    composed.articles.iter().enumerate().map(row).collect()
}

fn input_of(form: &Form, editor: UserId) -> TranslationInput {
    let field = |name: &str| form.first(name).to_owned();
    let articles = form.all("article").filter_map(|id| id.parse().ok());
    TranslationInput {
        subject: field("subject"),
        second_subject: field("second_subject"),
        preheader: field("preheader"),
        intro: field("intro"),
        outro: field("outro"),
        headings: articles.map(|id| (ArticleId(id), field(&format!("heading-{id}")))).collect(),
        editor: Some(editor),
    }
}

/// `POST /admin/issues/{id}/languages/{language}`: saves the words, or takes the translation away.
pub async fn post(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let (id, language) = path.into_inner();
    let id = IssueId(id_of(&id)?);
    let t = signed_in.texts();
    let composed = super::composed(&app, id, app.clock.now()).await?;
    let language = language_of(&composed, &language)?;
    let version = form.first("version").parse().unwrap_or(0);
    let input = input_of(&form, signed_in.user.id);
    let result = match given_twice(&form, &FIELDS).or(()) {
        Ok(()) if form.first("do") == "remove" => {
            remove(&app.store, &app.clock, id, language, version, input.editor).await.map(|()| 0)
        }
        Ok(()) => save(&app.store, &app.clock, id, language, version, &input).await,
        Err(errors) => Err(errors.into()),
    };
    match result {
        Ok(version) if wants_json(&request) => saved(&app, t, id, version, false).await,
        Ok(_) => Ok(see_other(&after_save(id, language, form.first("do")))),
        Err(error) if wants_json(&request) => not_saved(t, &error),
        Err(IssueError::Invalid(errors)) => {
            let (typed, mistakes) = (Some((input, version)), Mistakes::of(t, errors));
            show(&request, &app, &signed_in, composed, language, typed, mistakes, None).await
        }
        Err(IssueError::NotFound) => Err(PageError::NotFound),
        Err(IssueError::Store(error)) => Err(error.into()),
        Err(error) => {
            let mistakes = Mistakes::notice(t, &error.message());
            let typed = Some((input, version));
            let theirs = match error {
                IssueError::Conflict { theirs } => Some(theirs),
                _ => None,
            };
            show(&request, &app, &signed_in, composed, language, typed, mistakes, theirs).await
        }
    }
}

/// Where the pressed button leads.
fn after_save(id: IssueId, language: Language, button: &str) -> String {
    match button {
        "preview" => format!("/admin/issues/{id}/preview?language={language}"),
        "schedule" => format!("/admin/issues/{id}/schedule"),
        "remove" => format!("/admin/issues/{id}?done=translation-removed"),
        _ => format!("/admin/issues/{id}/languages/{language}?done=saved"),
    }
}
