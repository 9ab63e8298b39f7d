//! Words that an issue begins with, taken from its first article: a page that is filled in is read faster than an empty
//! one is filled.

use crate::mail::markdown::{Context, write_above};
use crate::mail::slot::{clean, without_recipient};
use crate::model::{Article, ArticleId};
use crate::publishing::issues::IssueInput;
use crate::store::{self, Reader};

/// Longest preview line that is suggested: what inboxes show.
pub const PREHEADER_MAX_CHARS: usize = 120;
/// Addresses in the text lead nowhere: its words alone are taken.
const NO_BASE: &str = "https://example.org/";

/// Fills in subject and preview line of an issue where nobody has typed either.
///
/// # Errors
/// Of the database.
pub async fn fill_in(reader: &mut Reader, input: &mut IssueInput) -> store::Result<()> {
    if !input.subject.trim().is_empty() || !input.preheader.trim().is_empty() {
        return Ok(());
    }
    let Some(article) = first(reader, input.articles.first().map(|placed| placed.article)).await? else {
        return Ok(());
    };
    input.preheader = preheader(&article);
    input.subject = article.title;
    Ok(())
}

async fn first(reader: &mut Reader, id: Option<ArticleId>) -> store::Result<Option<Article>> {
    match id {
        Some(id) => store::articles::by_id(reader.db(), id).await,
        None => Ok(None),
    }
}

/// The teaser of an article, else the words that it begins with.
pub fn preheader(article: &Article) -> String {
    if !article.teaser.trim().is_empty() {
        return beginning(&article.teaser);
    }
    let context = Context { base_url: NO_BASE, site_url: NO_BASE, newsletter: "" };
    match write_above(&article.body, context) {
        Ok(written) => beginning(&without_recipient(&written.text, str::to_owned)),
        Err(_) => beginning(&clean(&article.body)),
    }
}

/// The first words of a text, on one line: without the lines under headings, the stars of what is bold, and addresses.
fn beginning(text: &str) -> String {
    let is_word = |word: &&str| {
        !word.chars().all(|c| "=-_*#>".contains(c))
            && !word.trim_start_matches(['<', '(']).starts_with("http")
    };
    let line = text.split_whitespace().filter(is_word).collect::<Vec<_>>().join(" ").replace('*', "");
    if line.chars().count() <= PREHEADER_MAX_CHARS {
        return line;
    }
    let cut: String = line.chars().take(PREHEADER_MAX_CHARS - 1).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{whole}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_ends_at_a_word_and_fits_an_inbox() {
        assert_eq!(beginning("Eén\n\ntwee  drie"), "Eén twee drie");
        assert_eq!(beginning("Kop\n===\n*Lees* meer <https://example.org/a>."), "Kop Lees meer");
        let long = beginning(&"woorden ".repeat(40));
        assert!(long.chars().count() <= PREHEADER_MAX_CHARS && long.ends_with("woorden…"), "{long}");
    }
}
