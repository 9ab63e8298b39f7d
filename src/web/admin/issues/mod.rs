//! `/admin/issues`: from a selection of articles to a mailing.

pub mod checks;
pub mod copy;
pub mod discard;
pub mod edit;
pub mod list;
pub mod new;
pub mod preview;
pub mod schedule;
pub mod test_groups;
mod theirs;
pub mod translation;

use crate::i18n::Texts;
use crate::model::topic::text_for;
use crate::model::{IssueId, Language, Theme, Timestamp};
use crate::publishing::audiences::Audiences;
use crate::publishing::compose::{Composed, compose_counting};
use crate::store;
use crate::web::admin::grouped;
use crate::web::{App, PageError};

/// An issue as it is now, dated as it would be if it went out at `date`, or as its mailing is dated.
pub(in crate::web) async fn composed(app: &App, id: IssueId, date: Timestamp) -> Result<Composed, PageError> {
    composed_counting(app, id, date, Some(&app.audiences)).await
}

/// The same with the number of people of this moment: for who is about to send.
async fn composed_now(app: &App, id: IssueId, date: Timestamp) -> Result<Composed, PageError> {
    composed_counting(app, id, date, None).await
}

async fn composed_counting(
    app: &App,
    id: IssueId,
    date: Timestamp,
    audiences: Option<&Audiences>,
) -> Result<Composed, PageError> {
    let mut reader = app.store.read().await?;
    let mailing = store::mailings::of_issue(reader.db(), id).await?;
    let date = mailing.map_or(date, |mailing| mailing.due_at);
    let composed = compose_counting(reader.db(), id, date, &app.settings.public_url, audiences).await?;
    composed.ok_or(PageError::NotFound)
}

/// The first letter of a sender, in the place of a picture.
fn initial(sender: &str) -> String {
    sender.chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

/// A look that can be chosen.
pub struct ThemeOption {
    pub key: &'static str,
    pub name: String,
    pub words: String,
    pub is_chosen: bool,
}

impl ThemeOption {
    /// All of them.
    pub fn all(t: Texts, chosen: Theme) -> Vec<Self> {
        let option = |theme: &Theme| Self {
            key: theme.as_str(),
            name: t.text(&format!("theme-{theme}")),
            words: t.text(&format!("theme-{theme}-words")),
            is_chosen: *theme == chosen,
        };
        Theme::ALL.iter().map(option).collect()
    }
}

/// A language of an issue, above its words.
pub struct LanguageTab {
    pub language: Language,
    /// The issue in it.
    pub href: String,
    /// Whether there is a translation, or it is the issue's own language.
    pub is_there: bool,
    pub is_chosen: bool,
}

impl LanguageTab {
    /// The newsletter's own first; `chosen`: of the translation that is looked at. None where there is one language.
    pub fn all(composed: &Composed, chosen: Option<Language>) -> Vec<Self> {
        let (issue, own) = (composed.issue.id, composed.newsletter.language);
        let languages = composed.newsletter.languages_of_readers();
        if languages.len() < 2 {
            return Vec::new();
        }
        let tab = |language: Language| Self {
            language,
            href: match language == own {
                true => format!("/admin/issues/{issue}"),
                false => format!("/admin/issues/{issue}/languages/{language}"),
            },
            is_there: composed.view(language).language == language,
            is_chosen: chosen.unwrap_or(own) == language,
        };
        languages.into_iter().map(tab).collect()
    }
}

/// How many would get an issue if it went out now, as a number and in words.
async fn readers(app: &App, t: Texts, composed: &Composed) -> Result<(i64, String), PageError> {
    let (newsletter, topic) = (&composed.newsletter, composed.issue.topic_id);
    let mut reader = app.store.read().await?;
    let count = composed.audience;
    let readers = t.with2("desk-readers", "count", count, "shown", grouped(count));
    let Some(topic) = topic else { return Ok((count, readers)) };
    let texts = store::topics::texts(reader.db(), newsletter.id).await?;
    let name = text_for(&texts, topic, t.language(), newsletter.language).map(|text| text.name.clone());
    let words = t.with2("desk-readers-of-topic", "readers", readers, "topic", name.unwrap_or_default());
    Ok((count, words))
}
