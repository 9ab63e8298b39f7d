//! The page of the editor, for whoever shows it: as stored, or with what was typed and what is wrong with it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::compare::{self, Line};
use crate::i18n::Texts;
use crate::model::{Article, ArticleId, ArticleStatus, ArticleVersion, Language, NewsletterId, Permission};
use crate::publishing::articles::ArticleInput;
use crate::publishing::{presence, versions};
use crate::store::{self, Reader};
use crate::web::admin::{Frame, Mistakes, Status, desk_zone};
use crate::web::form::Form;
use crate::web::layout::html;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// Most names that a field suggests: browsers show a handful.
const SUGGESTIONS_MAX: i64 = 200;
/// Words that are read in a minute, by adults in their own language.
const WORDS_PER_MINUTE: usize = 220;

#[derive(Template)]
#[template(path = "admin/article.html")]
struct ArticlePage {
    page: Frame,
    /// Where the form goes.
    action: String,
    input: ArticleInput,
    version: i64,
    mistakes: Mistakes,
    /// The stored article; `None` while it is new.
    stored: Option<Stored>,
    /// What someone else saved in the meantime, as changes of what was typed.
    theirs: Option<Vec<Line>>,
    words: usize,
    minutes: usize,
    tags: Vec<String>,
    authors: Vec<String>,
    /// Who else has it open.
    others: Vec<String>,
}

impl ArticlePage {
    fn is_published(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.is_published)
    }

    /// Whether something stands in what is folded away, or is wrong with it.
    fn opens_more(&self) -> bool {
        let is_wrong =
            ["tags", "canonical_url", "slug"].iter().any(|field| !self.mistakes.line(field).is_empty());
        is_wrong || !self.input.tags.is_empty() || !self.input.canonical_url.is_empty()
    }
}

struct Stored {
    id: ArticleId,
    /// It is published and was in no issue yet: an issue could begin with it. The newsletter, where there is one only.
    next_issue: Option<Option<NewsletterId>>,
    /// Where it can be read.
    address: String,
    status: Status,
    is_published: bool,
    /// It was put away.
    is_archived: bool,
    /// There are words that readers do not see yet.
    is_ahead: bool,
    /// The version that readers see.
    shown: i64,
    saved: String,
    preview: String,
    appearances: Vec<Appearance>,
    family: Vec<Relative>,
    /// In which it could be translated.
    missing: Vec<Language>,
}

struct Appearance {
    href: String,
    words: String,
    date: String,
}

/// The same article in another language.
struct Relative {
    href: String,
    title: String,
    language: Language,
    status: Status,
}

/// What stands in the form, and what is said about it.
pub struct Draft {
    mistakes: Mistakes,
    /// What was typed, and the version that it began with; `None`: what is stored.
    typed: Option<(ArticleInput, i64)>,
    theirs: Option<Vec<Line>>,
}

impl Draft {
    pub const fn stored(t: Texts) -> Self {
        Self { mistakes: Mistakes::none(t), typed: None, theirs: None }
    }

    pub const fn typed(input: ArticleInput, version: i64, mistakes: Mistakes) -> Self {
        Self { mistakes, typed: Some((input, version)), theirs: None }
    }

    /// With what somebody else saved.
    pub fn beside(mut self, theirs: &ArticleVersion) -> Self {
        self.theirs = self.typed.as_ref().map(|(input, _)| {
            let mine = compare::joined(&input.title, &input.teaser, &input.body);
            compare::lines(&compare::of_version(theirs), &mine)
        });
        self
    }
}

pub fn input_of(form: &Form) -> ArticleInput {
    let field = |name: &str| form.first(name).to_owned();
    ArticleInput {
        title: field("title"),
        author: field("author"),
        language: field("language"),
        teaser: field("teaser"),
        body: field("body"),
        canonical_url: field("canonical_url"),
        slug: field("slug"),
        tags: field("tags"),
    }
}

/// How many words a text has, and the minutes to read them.
pub fn length(body: &str) -> (usize, usize) {
    // The address of a link or an image is no word.
    let is_word = |word: &&str| word.chars().any(char::is_alphanumeric) && !word.contains("](");
    let words = body.split_whitespace().filter(is_word).count();
    (words, words.div_ceil(WORDS_PER_MINUTE).max(1))
}

pub async fn show_new(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    input: ArticleInput,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let title = signed_in.texts().text("desk-article-new");
    let status = if mistakes.notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut reader = app.store.read().await?;
    let (words, minutes) = length(&input.body);
    let template = ArticlePage {
        page: Frame::new(request, signed_in, "articles", title),
        action: "/admin/articles".to_owned(),
        input,
        version: 0,
        mistakes,
        stored: None,
        theirs: None,
        words,
        minutes,
        tags: store::tags::used(reader.db(), SUGGESTIONS_MAX).await?,
        authors: store::articles::authors(reader.db(), SUGGESTIONS_MAX).await?,
        others: Vec::new(),
    };
    html(status, &template)
}

pub async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    id: ArticleId,
    status: StatusCode,
    draft: Draft,
) -> Result<HttpResponse, PageError> {
    let others = presence::others(&app.store, &app.clock, id, signed_in.user.id).await?;
    let mut reader = app.store.read().await?;
    let article = store::articles::by_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
    let latest = versions::latest(reader.db(), &article).await?;
    let stored = stored(app, signed_in, &mut reader, &article, &latest).await?;
    let (input, version) = draft.typed.unwrap_or_else(|| (ArticleInput::of_version(&latest), latest.number));
    let (words, minutes) = length(&input.body);
    let template = ArticlePage {
        page: Frame::new(request, signed_in, "articles", latest.title.clone()),
        action: format!("/admin/articles/{id}"),
        input,
        version,
        mistakes: draft.mistakes,
        stored: Some(stored),
        theirs: draft.theirs,
        words,
        minutes,
        tags: store::tags::used(reader.db(), SUGGESTIONS_MAX).await?,
        authors: store::articles::authors(reader.db(), SUGGESTIONS_MAX).await?,
        others,
    };
    html(status, &template)
}

async fn stored(
    app: &App,
    signed_in: &SignedIn,
    reader: &mut Reader,
    article: &Article,
    latest: &ArticleVersion,
) -> Result<Stored, PageError> {
    let t = signed_in.texts();
    let zone = desk_zone(reader).await?;
    let appearances = store::articles::appearances_for(reader.db(), signed_in.actor(), article.id).await?;
    let appearances = appearances.into_iter().map(|seen| Appearance {
        href: format!("/admin/issues/{}", seen.issue_id),
        words: t.with2(
            "desk-issue-name",
            "number",
            seen.number.to_string(),
            "newsletter",
            seen.newsletter_name,
        ),
        date: t.date(seen.due_at, zone),
    });
    let family = store::articles::family(reader.db(), article.family()).await?;
    let is_missing = |language: &&Language| !family.iter().any(|one| one.language == **language);
    let missing = Language::ALL.iter().filter(is_missing).copied().collect();
    let relatives = family.into_iter().filter(|one| one.id != article.id).map(|one| Relative {
        href: format!("/admin/articles/{}", one.id),
        title: one.title,
        language: one.language,
        status: Status::of_article(t, one.status),
    });
    let is_published = article.status == ArticleStatus::Published;
    let appearances: Vec<_> = appearances.collect();
    let is_archived = store::articles::is_archived(reader.db(), article.id).await?;
    let is_free = !store::articles::is_in_an_issue(reader.db(), article.id).await?;
    let next_issue = if is_published && !is_archived && is_free {
        let newsletters = signed_in.newsletters(reader, Permission::DraftIssues).await?;
        match newsletters.as_slice() {
            [] => None,
            [only] => Some(Some(only.id)),
            _ => Some(None),
        }
    } else {
        None
    };
    Ok(Stored {
        id: article.id,
        next_issue,
        address: app.url(&format!("/a/{}", article.slug)),
        status: Status::of_article(t, article.status),
        is_published,
        is_archived,
        is_ahead: is_published && latest.number > article.version,
        shown: article.version,
        saved: t.date_time(latest.updated_at, zone),
        preview: format!("/admin/articles/{}/preview", article.id),
        appearances,
        family: relatives.collect(),
        missing,
    })
}
