//! `GET /a/{slug}`: a published article. It is the home of those that have none elsewhere; the others name theirs.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::{IssueLink, found_by, page};
use crate::i18n::Texts;
use crate::mail::issue::article_url;
use crate::mail::markdown::{self, Context};
use crate::mail::slot::{clean, escape_html, line_for_anyone, without_recipient};
use crate::model::{Article, ArticleStatus, Newsletter, Slug};
use crate::publishing::schedule::zone_of;
use crate::store::{self, Reader};
use crate::web::layout::Page;
use crate::web::{App, PageError, language};

/// An article may be mended at any time.
const CACHE: &str = "public, max-age=60";
/// What search engines show of a description.
const DESCRIPTION_MAX_CHARS: usize = 200;

#[derive(Template)]
#[template(path = "public/article.html")]
struct ArticlePage {
    page: Page,
    article: Article,
    title: String,
    description: String,
    /// Its home: elsewhere, or here.
    canonical: String,
    /// The name of the website that is its home, if that is not ours.
    home: Option<String>,
    picture: Option<String>,
    is_indexed: bool,
    published: String,
    date: String,
    /// Safe.
    html: String,
    /// In which it was sent.
    newsletter: Option<Newsletter>,
    sent_in: Option<IssueLink>,
}

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    slug: Path<String>,
) -> Result<HttpResponse, PageError> {
    let slug = Slug::parse(&slug).map_err(|_| PageError::NotFound)?;
    let mut reader = app.store.read().await?;
    let Some(article) = published(&mut reader, &slug).await? else {
        return moved(&mut reader, &slug).await;
    };
    let newsletter = store::newsletters::that_sent(reader.db(), article.id).await?.into_iter().next();
    let sent_in = match &newsletter {
        Some(newsletter) if newsletter.archive.is_open() => {
            let issue = store::archive::with_article(reader.db(), newsletter.id, article.id).await?;
            issue.map(|issue| IssueLink::of(newsletter, &issue))
        }
        _ => None,
    };
    let brand = match &newsletter {
        Some(newsletter) => Some(newsletter.clone()),
        None => only_newsletter(&mut reader).await?,
    };
    drop(reader);
    let t = Texts::new(language::of(&request, article.language));
    let page_of = article_page(&request, &app, t, article, newsletter, brand);
    // What was sent to a segment only is for search engines as little as its issue.
    let is_indexed = page_of.is_indexed && sent_in.is_some();
    let template = ArticlePage { sent_in, is_indexed, ..page_of };
    Ok(found_by(page(StatusCode::OK, &template)?, template.is_indexed, CACHE))
}

async fn published(reader: &mut Reader, slug: &Slug) -> store::Result<Option<Article>> {
    let article = store::articles::by_slug(reader.db(), slug).await?;
    Ok(article.filter(|article| article.status == ArticleStatus::Published))
}

/// A link in a mail may have the short name of yesterday.
async fn moved(reader: &mut Reader, slug: &Slug) -> Result<HttpResponse, PageError> {
    let current = store::article_slugs::current(reader.db(), slug).await?.ok_or(PageError::NotFound)?;
    // What is no longer published does not say what it is called now.
    let article = published(reader, &current).await?.ok_or(PageError::NotFound)?;
    Ok(HttpResponse::MovedPermanently().insert_header((LOCATION, format!("/a/{}", article.slug))).finish())
}

/// Where there is one newsletter, everything is in its colours.
async fn only_newsletter(reader: &mut Reader) -> store::Result<Option<Newsletter>> {
    let mut all = store::newsletters::all(reader.db()).await?;
    Ok(if all.len() == 1 { all.pop() } else { None })
}

fn article_page(
    request: &HttpRequest,
    app: &App,
    t: Texts,
    article: Article,
    newsletter: Option<Newsletter>,
    brand: Option<Newsletter>,
) -> ArticlePage {
    let name = brand.as_ref().map_or("", |newsletter| newsletter.name.as_str());
    let title = line_for_anyone(&article.title, name);
    let is_at_home = article.canonical_url.is_empty();
    let own_url = article_url(&app.settings.public_url, &article);
    let canonical = if is_at_home { own_url } else { article.canonical_url.clone() };
    let context = Context { base_url: &canonical, site_url: &app.settings.public_url, newsletter: name };
    let written = Words::of(&article, context);
    let zone = brand.as_ref().map_or(chrono_tz::UTC, zone_of);
    let teaser = line_for_anyone(&article.teaser, name);
    let mut frame = Page::new(t, title.clone()).with_languages(request);
    if let Some(brand) = &brand {
        frame = frame.of_newsletter(brand);
    }
    ArticlePage {
        page: frame,
        title,
        description: shortened(if teaser.is_empty() { &written.text } else { &teaser }),
        home: (!is_at_home).then(|| host(&canonical)),
        picture: written.picture,
        is_indexed: is_at_home && newsletter.as_ref().is_some_and(|sent| sent.archive.is_public()),
        published: article.published_at.map(|at| at.rfc3339()).unwrap_or_default(),
        date: article.published_at.map(|at| t.date(at, zone)).unwrap_or_default(),
        html: written.html,
        canonical,
        newsletter: newsletter.or(brand),
        sent_in: None,
        article,
    }
}

/// An article's body for anyone.
struct Words {
    html: String,
    text: String,
    picture: Option<String>,
}

impl Words {
    fn of(article: &Article, context: Context<'_>) -> Self {
        match markdown::write_above(&article.body, context) {
            Ok(written) => Self {
                html: without_recipient(&written.html, escape_html),
                text: without_recipient(&written.text, str::to_owned),
                picture: written
                    .images
                    .into_iter()
                    .map(|image| image.url)
                    .find(|url| url.starts_with("https:")),
            },
            // What cannot be a mail, such as a field that nobody knows, is shown as it was written.
            Err(_) => Self { html: as_written(&article.body), text: clean(&article.body), picture: None },
        }
    }
}

fn as_written(body: &str) -> String {
    let body = clean(body);
    let paragraphs = body.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|words| format!("<p>{}</p>\n", escape_html(words))).collect()
}

/// The first words of a text, on one line.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= DESCRIPTION_MAX_CHARS {
        return line;
    }
    let cut: String = line.chars().take(DESCRIPTION_MAX_CHARS).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{whole}…")
}

/// The host of a web address, as people say it.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.strip_prefix("www.").unwrap_or(host).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_ends_at_a_word() {
        assert_eq!(shortened("Een\n\n twee "), "Een twee");
        let long = shortened(&"woord ".repeat(100));
        assert!(long.ends_with("woord…") && long.chars().count() <= DESCRIPTION_MAX_CHARS + 1, "{long}");
        assert!(shortened(&"x".repeat(300)).ends_with("x…"));
    }

    #[test]
    fn what_cannot_be_written_is_shown_as_it_is() {
        assert_eq!(as_written("Dag <b>\n\n{{x}}\u{e000}\n\n\n"), "<p>Dag &lt;b&gt;</p>\n<p>{{x}}</p>\n");
        assert_eq!(host("https://www.meridiaan.example/blog?x"), "meridiaan.example");
    }
}
