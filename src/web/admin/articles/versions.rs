//! Versions of an article: `/admin/articles/{id}/versions` lists them, `/versions/{number}` shows what one changed, and
//! a post there brings it back.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::compare::{self, Line};
use super::edit::failed;
use crate::i18n::Texts;
use crate::model::{Article, ArticleId, ArticleStatus, VersionKind};
use crate::publishing::articles::ArticleError;
use crate::publishing::versions as verbs;
use crate::store::article_versions::VersionLine;
use crate::store::articles::Appearance;
use crate::store::{self, article_versions};
use crate::web::admin::{Frame, Mistakes, Paging, desk_zone, id_of, page_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "admin/versions.html")]
struct VersionsPage {
    page: Frame,
    id: ArticleId,
    article: String,
    versions: Vec<VersionRow>,
    paging: Paging,
}

struct VersionRow {
    href: String,
    when: String,
    /// How it came about and by whom.
    how: String,
    title: String,
    /// Other than that of the version before.
    is_renamed: bool,
    marks: Vec<String>,
}

/// What the desk says of a version: that readers see it, that it was mailed.
fn marks(t: Texts, article: &Article, number: i64, published: bool, seen: &[Appearance]) -> Vec<String> {
    let mut marks = Vec::new();
    if article.status == ArticleStatus::Published && article.version == number {
        marks.push(t.text("writing-version-shown"));
    } else if published {
        marks.push(t.text("writing-version-was-shown"));
    }
    let mailed = seen.iter().filter(|seen| seen.article_version == number);
    marks.extend(mailed.map(|seen| {
        let (number, newsletter) = (seen.number.to_string(), seen.newsletter_name.as_str());
        t.with2("writing-sent-in", "number", number, "newsletter", newsletter)
    }));
    marks
}

fn how(t: Texts, kind: VersionKind, user: Option<&str>) -> String {
    match user {
        Some(user) => t.with(&format!("writing-version-{kind}-by"), "user", user),
        None => t.text(&format!("writing-version-{kind}")),
    }
}

/// `GET /admin/articles/{id}/versions`.
pub async fn list(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    id: Path<String>,
) -> Result<HttpResponse, PageError> {
    let id = ArticleId(id_of(&id)?);
    let t = signed_in.texts();
    let number = page_of(&Form::of_query(&request));
    let mut reader = app.store.read().await?;
    let article = store::articles::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let zone = desk_zone(&mut reader).await?;
    let mut lines = article_versions::list(reader.db(), id, number).await?;
    let seen = store::articles::appearances_for(reader.db(), signed_in.actor(), id).await?;
    let titles: Vec<String> = lines.iter().map(|line| line.title.clone()).collect();
    let paging = Paging::of(&mut lines, number, &format!("/admin/articles/{id}/versions?"));
    let row = |(at, line): (usize, VersionLine)| VersionRow {
        href: format!("/admin/articles/{id}/versions/{}", line.number),
        when: t.date_time(line.updated_at, zone),
        how: how(t, line.kind, line.user_name.as_deref()),
        is_renamed: titles.get(at + 1).is_some_and(|before| *before != line.title),
        marks: marks(t, &article, line.number, line.published_at.is_some(), &seen),
        title: line.title,
    };
    let versions = lines.into_iter().enumerate().map(row).collect();
    let page = Frame::new(&request, &signed_in, "articles", t.text("writing-versions"));
    html(StatusCode::OK, &VersionsPage { page, id, article: article.title, versions, paging })
}

#[derive(Template)]
#[template(path = "admin/version.html")]
struct VersionPage {
    page: Frame,
    mistakes: Mistakes,
    id: ArticleId,
    number: i64,
    /// The last version, over which this one is brought back.
    latest: i64,
    article: String,
    how: String,
    marks: Vec<String>,
    /// Compared with the one before, or with the last one.
    with: &'static str,
    is_latest: bool,
    /// Readers see this article, so that what is brought back is not shown at once.
    is_published: bool,
    /// Fields beside the text that differ: their names, the old and the new value.
    fields: Vec<(String, String, String)>,
    lines: Vec<Line>,
    is_first: bool,
}

/// `GET /admin/articles/{id}/versions/{number}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let (id, number) = (ArticleId(id_of(&path.0)?), id_of(&path.1)?);
    show(&request, &app, &signed_in, id, number, Mistakes::none(signed_in.texts())).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    id: ArticleId,
    number: i64,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let with = if Form::of_query(request).first("with") == "latest" { "latest" } else { "before" };
    let mut reader = app.store.read().await?;
    let article = store::articles::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let version = article_versions::by_number(reader.db(), id, number).await?.ok_or(PageError::NotFound)?;
    let latest = verbs::latest(reader.db(), &article).await?;
    let before = article_versions::before(reader.db(), id, number).await?;
    let seen = store::articles::appearances_for(reader.db(), signed_in.actor(), id).await?;
    let user = match version.user_id {
        Some(user) => {
            let all = store::users::all(reader.db()).await?;
            all.into_iter().find(|one| one.id == user).map(|one| one.name)
        }
        None => None,
    };
    let zone = desk_zone(&mut reader).await?;
    drop(reader);
    let (old, new) = match with {
        "latest" => (Some(&version), &latest),
        _ => (before.as_ref(), &version),
    };
    let field =
        |key: &str, old: &str, new: &str| (old != new).then(|| (t.text(key), old.to_owned(), new.to_owned()));
    let fields = old.map_or_else(Vec::new, |old| {
        [
            field("desk-article-author", &old.author, &new.author),
            field("signup-language", old.language.own_name(), new.language.own_name()),
            field("writing-tags", &old.tags, &new.tags),
            field("desk-article-url", &old.canonical_url, &new.canonical_url),
            field("desk-article-slug", old.slug.as_str(), new.slug.as_str()),
        ]
        .into_iter()
        .flatten()
        .collect()
    });
    let old_text = old.map(compare::of_version).unwrap_or_default();
    let lines = compare::lines(&old_text, &compare::of_version(new));
    let status = if mistakes.notice.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let page = Frame::new(request, signed_in, "articles", t.date_time(version.updated_at, zone));
    let template = VersionPage {
        page,
        mistakes,
        id,
        number,
        latest: latest.number,
        article: latest.title.clone(),
        how: how(t, version.kind, user.as_deref()),
        marks: marks(t, &article, number, version.published_at.is_some(), &seen),
        with,
        is_latest: latest.number == number,
        is_published: article.status == ArticleStatus::Published,
        fields,
        is_first: old.is_none(),
        lines,
    };
    html(status, &template)
}

/// `POST /admin/articles/{id}/versions/{number}`.
pub async fn restore(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let (id, number) = (ArticleId(id_of(&path.0)?), id_of(&path.1)?);
    let t = signed_in.texts();
    let over = form.first("over").parse().unwrap_or(0);
    let by = signed_in.user.id;
    match verbs::restore(&app.store, &app.clock, by, id, over, number).await {
        Ok(()) => Ok(see_other(&format!("/admin/articles/{id}?done=version-restored"))),
        Err(ArticleError::Invalid(errors)) => {
            let message = errors.iter().next().map(|error| error.message.clone());
            let message = message.unwrap_or_else(|| ArticleError::Invalid(errors).message());
            show(&request, &app, &signed_in, id, number, Mistakes::notice(t, &message)).await
        }
        Err(error @ ArticleError::Conflict { .. }) => {
            let mistakes = Mistakes::notice(t, &error.message());
            show(&request, &app, &signed_in, id, number, mistakes).await
        }
        Err(error) => Err(failed(error)),
    }
}
