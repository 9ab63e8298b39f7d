//! The verbs of marketing.

mod approval;
mod articles;
mod check;
mod digest;
mod handed_in;
mod images;
mod issues;
mod links;
mod newsletters;
mod permissions;
mod schedule;
mod sources;
mod test_groups;
pub mod topics;
mod translations;
mod versions;
mod welcome;

use postiljon::clock::Clock;
use postiljon::model::{Article, ArticleDisplay, ArticleStatus, Issue, NewsletterId, Placed};
use postiljon::publishing::articles::{self as verbs, ArticleInput};
use postiljon::publishing::issues::{self as issue_verbs, IssueInput};
use postiljon::store::Store;

pub const PUBLIC_URL: &str = "https://nieuws.example.org";

pub fn input(title: &str) -> ArticleInput {
    ArticleInput {
        title: title.into(),
        author: "An Peeters".into(),
        language: "nl".into(),
        teaser: "Kort gezegd.".into(),
        body: "Een *goed* verhaal.".into(),
        canonical_url: "https://example.org/verhaal".into(),
        slug: String::new(),
        tags: String::new(),
    }
}

pub async fn published(store: &Store, clock: &Clock, title: &str) -> Article {
    let article = verbs::create(store, clock, &input(title)).await.expect("stored");
    verbs::set_status(store, clock, article.id, ArticleStatus::Published).await.expect("published");
    article
}

/// An issue that may be sent, of these articles in full.
pub async fn issue(store: &Store, clock: &Clock, newsletter: NewsletterId, articles: &[&Article]) -> Issue {
    let input = IssueInput {
        subject: "Wat wij lazen".into(),
        preheader: "Drie verhalen om te lezen bij de koffie, en wat wij ervan leerden.".into(),
        intro: "Dag {{name|lezer}},".into(),
        articles: articles.iter().map(|article| Placed::new(article.id, ArticleDisplay::Full)).collect(),
        ..IssueInput::default()
    };
    issue_verbs::create(store, clock, newsletter, &input).await.expect("composed")
}
