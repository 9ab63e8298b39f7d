//! Issues that were sent: articles, an issue of them, its mailing begun. Everything through the store and the verbs, as
//! the desk does it.

use postiljon::clock::Clock;
use postiljon::model::{Article, ArticleDisplay, ArticleStatus, Issue, Mailing, NewsletterId, Placed};
use postiljon::publishing::articles::{self, ArticleInput};
use postiljon::publishing::schedule::{ScheduleError, When, schedule};
use postiljon::store::issues::IssueText;
use postiljon::store::{Store, issues, mailings};

use super::database::change;

pub struct Press {
    store: Store,
    clock: Clock,
    public_url: String,
}

/// An article as typed: published, in Dutch, without a home elsewhere.
pub fn piece(title: &str, body: &str) -> ArticleInput {
    ArticleInput {
        title: title.into(),
        author: "An Peeters".into(),
        language: "nl".into(),
        teaser: "Kort gezegd.".into(),
        body: body.into(),
        ..ArticleInput::default()
    }
}

pub fn words(subject: &str) -> IssueText {
    IssueText { subject: subject.into(), preheader: "Drie verhalen".into(), ..IssueText::default() }
}

impl Press {
    pub fn new(store: &Store, clock: &Clock, public_url: &str) -> Self {
        Self { store: store.clone(), clock: clock.clone(), public_url: public_url.to_owned() }
    }

    pub async fn article(&self, input: &ArticleInput) -> Article {
        let article = articles::create(&self.store, &self.clock, input).await.expect("stored");
        let status = ArticleStatus::Published;
        articles::set_status(&self.store, &self.clock, article.id, status).await.expect("published");
        article
    }

    /// An issue of these articles in full, and its mailing, scheduled for now.
    pub async fn scheduled(
        &self,
        newsletter: NewsletterId,
        text: &IssueText,
        articles: &[&Article],
    ) -> (Issue, Mailing) {
        let rows: Vec<_> =
            articles.iter().map(|article| Placed::new(article.id, ArticleDisplay::Full)).collect();
        let issue = self.issue(newsletter, text, &rows).await;
        let mailing = self.schedule(&issue).await.expect("scheduled");
        (issue, mailing)
    }

    /// An issue that is not scheduled.
    pub async fn issue(&self, newsletter: NewsletterId, text: &IssueText, articles: &[Placed]) -> Issue {
        let issue = change!(self.store, |tx| issues::insert(tx, newsletter, text, self.clock.now()));
        change!(self.store, |tx| issues::set_articles(tx, issue.id, articles));
        issue
    }

    /// Schedules an issue for now; what stands in the way, if anything does.
    pub async fn schedule(&self, issue: &Issue) -> Result<Mailing, ScheduleError> {
        let scheduled = schedule(&self.store, &self.clock, &self.public_url, issue.id, When::Now).await;
        scheduled.map(|scheduled| scheduled.mailing)
    }

    pub async fn start(&self, mailing: &Mailing) -> Mailing {
        let started = change!(self.store, |tx| mailings::start(tx, mailing.id, self.clock.now()));
        started.expect("it was due")
    }

    /// The same, and begun.
    pub async fn sent(
        &self,
        newsletter: NewsletterId,
        text: &IssueText,
        articles: &[&Article],
    ) -> (Issue, Mailing) {
        let (issue, mailing) = self.scheduled(newsletter, text, articles).await;
        let started = self.start(&mailing).await;
        (issue, started)
    }
}
