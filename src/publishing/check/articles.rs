//! The articles of an issue, each by itself.

use super::{Facts, Findings, Fix, Place};
use crate::i18n::Message;
use crate::model::{ArticleDisplay, ArticleStatus, IssueArticle};

pub(super) fn check(findings: &mut Findings, facts: Facts<'_>) {
    if facts.articles.is_empty() {
        findings.error(Place::Issue, Message::new("check-no-articles"));
    }
    for row in facts.articles {
        article(findings, facts, row);
    }
}

fn article(findings: &mut Findings, facts: Facts<'_>, row: &IssueArticle) {
    let article = &row.article;
    let place = || Place::of(row);
    if article.status != ArticleStatus::Published {
        findings.error(place(), Message::new("check-article-draft")).fix(Some(Fix::Publish(article.id)));
    }
    match row.display {
        ArticleDisplay::Full if article.body.trim().is_empty() => {
            findings.error(place(), Message::new("check-article-empty")).fix(Some(Fix::Remove(article.id)));
        }
        // Its page is ours then, and there would be nothing on it.
        ArticleDisplay::Teaser if article.canonical_url.is_empty() && article.body.trim().is_empty() => {
            findings.error(place(), Message::new("check-article-empty")).fix(Some(Fix::Remove(article.id)));
        }
        ArticleDisplay::Teaser if article.teaser.is_empty() => {
            findings.warning(place(), Message::new("check-teaser-empty"));
        }
        ArticleDisplay::Full | ArticleDisplay::Teaser => {}
    }
    if article.language != facts.language {
        let is_translation = facts.language != facts.newsletter.language;
        let key = if is_translation { "check-article-untranslated" } else { "check-article-language" };
        let message =
            Message::new(key).language("language", article.language).language("expected", facts.language);
        findings.warning(place(), message);
    }
    if let Some(seen) = facts.seen.iter().find(|seen| seen.article_id == article.id) {
        let message = Message::new("check-article-sent").text("number", seen.number.to_string());
        findings.warning(place(), message).fix(Some(Fix::Remove(article.id)));
    }
}
