//! Versions of articles: autosave, compare, restore.
//!
//! Every save is a version with a number, one higher than the last. The row of the article is what readers see: of a
//! draft it is always the last version; of a published article autosaves stand behind it, until somebody saves. So
//! nothing that was written is lost, and nothing that was not meant to be read is read.
//!
//! Autosaves of one person within ten minutes replace each other, but never a version that readers could see or that
//! was mailed.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::articles::{self, ArticleError, ArticleInput};
use crate::clock::Clock;
use crate::model::{
    Act, Article, ArticleId, ArticleStatus, ArticleVersion, ArticleVersionId, Permission, Timestamp, UserId,
    VersionKind,
};
use crate::store::article_versions::{self as table, Saving};
use crate::store::articles::ArticleText;
use crate::store::{self, Db, Store, StoreError, Tx};

/// How long autosaves of one person replace each other: what was written before then can be brought back.
const AUTOSAVES_TOGETHER: Duration = Duration::from_secs(10 * 60);
/// How long a comparison looks for the smallest difference, before it takes what it has: two texts of the longest kind
/// with nothing in common would take minutes.
const COMPARE_MAX: Duration = Duration::from_millis(400);

/// The last version of an article. One that was stored without versions is its own.
pub async fn latest(db: Db<'_>, article: &Article) -> Result<ArticleVersion, StoreError> {
    let mut db = db;
    match table::latest(db.again(), article.id).await? {
        Some(version) => Ok(version),
        None => Ok(of_row(article, store::tags::of_article(db, article.id).await?.join(", "))),
    }
}

/// The row of an article as a version.
fn of_row(article: &Article, tags: String) -> ArticleVersion {
    ArticleVersion {
        id: ArticleVersionId(0),
        article_id: article.id,
        number: article.version,
        kind: VersionKind::Saved,
        slug: article.slug.clone(),
        language: article.language,
        title: article.title.clone(),
        author: article.author.clone(),
        teaser: article.teaser.clone(),
        body: article.body.clone(),
        canonical_url: article.canonical_url.clone(),
        tags,
        user_id: None,
        created_at: article.updated_at,
        updated_at: article.updated_at,
        published_at: article.published_at,
    }
}

/// The row and the last version of an article, held until the end of the transaction.
///
/// # Errors
/// [`ArticleError::Conflict`] when the last version is not the one that the person began with.
pub(super) async fn hold(
    tx: &mut Tx,
    id: ArticleId,
    version: i64,
) -> Result<(Article, ArticleVersion), ArticleError> {
    let stored = store::articles::lock(tx, id).await?.ok_or(ArticleError::NotFound)?;
    let latest = latest(tx.db(), &stored).await?;
    if latest.number == version {
        Ok((stored, latest))
    } else {
        Err(ArticleError::Conflict { theirs: Box::new(latest) })
    }
}

/// Keeps what somebody has written so far. A draft changes with it; of a published article readers see nothing of it.
/// Its short name stays until somebody saves: one that is half typed would become its own for good.
/// Answers the version that the next save is over.
///
/// # Errors
/// As [`articles::save_by`].
pub async fn autosave(
    store: &Store,
    clock: &Clock,
    by: UserId,
    id: ArticleId,
    version: i64,
    input: &ArticleInput,
) -> Result<ArticleVersion, ArticleError> {
    store.permit(Permission::WriteArticles, None)?;
    let mut written = articles::parse(input)?;
    let now = clock.now();
    let mut tx = store.begin().await?;
    let (stored, latest) = hold(&mut tx, id, version).await?;
    written.text.slug = stored.slug.clone();
    let typed = written.as_typed();
    if says_the_same(&latest, &typed, &written.tag_names()) {
        return Ok(latest);
    }
    articles::check_family(&mut tx, &stored, written.text.language).await?;
    let tags = written.tag_names();
    let saving = Saving {
        number: latest.number + 1,
        kind: VersionKind::Autosaved,
        tags: &tags,
        by: Some(by),
        at: now,
    };
    if stored.status == ArticleStatus::Draft {
        articles::write_row(&mut tx, &stored, &written, saving).await?;
    }
    let replaced = if may_replace(&mut tx, &stored, &latest, by, now).await? {
        table::replace(&mut tx, latest.id, &typed, saving).await?
    } else {
        None
    };
    let kept = match replaced {
        Some(version) => version,
        None => table::insert(&mut tx, id, &typed, saving).await?,
    };
    tx.note(Act::ArticleSaved, None, id.0).await?;
    tx.commit().await?;
    Ok(kept)
}

pub(super) fn says_the_same(latest: &ArticleVersion, text: &ArticleText, tags: &str) -> bool {
    latest.title == text.title
        && latest.body == text.body
        && latest.teaser == text.teaser
        && latest.author == text.author
        && latest.language == text.language
        && latest.canonical_url == text.canonical_url
        && latest.slug == text.slug
        && latest.tags == tags
}

async fn may_replace(
    tx: &mut Tx,
    stored: &Article,
    latest: &ArticleVersion,
    by: UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let is_mine = latest.kind == VersionKind::Autosaved
        && latest.user_id == Some(by)
        && latest.published_at.is_none()
        // What readers see, whatever its version says of it.
        && (stored.status == ArticleStatus::Draft || latest.number != stored.version)
        && now.since(latest.created_at) < AUTOSAVES_TOGETHER;
    Ok(is_mine && !table::was_mailed(tx.db(), latest.article_id, latest.number).await?)
}

/// Brings a version back, as a new one. Readers of a published article see it once somebody saves, unless it is what
/// they see already.
///
/// # Errors
/// [`ArticleError::NotFound`], or [`ArticleError::Conflict`] when someone saved since the page was shown.
pub async fn restore(
    store: &Store,
    clock: &Clock,
    by: UserId,
    id: ArticleId,
    version: i64,
    number: i64,
) -> Result<(), ArticleError> {
    store.permit(Permission::WriteArticles, None)?;
    let mut tx = store.begin().await?;
    let (stored, latest) = hold(&mut tx, id, version).await?;
    let old = table::by_number(tx.db(), id, number).await?.ok_or(ArticleError::NotFound)?;
    // Links to an article outlive its versions: the short name stays.
    let mut written =
        articles::parse(&ArticleInput { slug: String::new(), ..ArticleInput::of_version(&old) })?;
    written.text.slug = stored.slug.clone();
    articles::check_family(&mut tx, &stored, written.text.language).await?;
    let kind = VersionKind::Restored;
    let saving = Saving { number: latest.number + 1, kind, tags: &old.tags, by: Some(by), at: clock.now() };
    table::insert(&mut tx, id, &written.text, saving).await?;
    if stored.status == ArticleStatus::Draft {
        articles::write_row(&mut tx, &stored, &written, saving).await?;
    } else if old.number == stored.version {
        articles::write_row(&mut tx, &stored, &written, saving).await?;
        table::set_published(&mut tx, id, saving.number, saving.at).await?;
    }
    tx.note(Act::ArticleRestored, None, id.0).await?;
    tx.commit().await?;
    Ok(())
}

/// A piece of a line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Same,
    Added,
    Removed,
}

/// What a comparison shows, from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A line that stands in both, in one or, word by word, in part in both.
    Line(Vec<Piece>),
    /// So many lines that are the same and were left out.
    Skipped(usize),
}

/// Lines that are shown before and behind a change, to know where one is.
const AROUND: usize = 1;

/// What changed from one text to another: lines, and words within lines that were changed.
pub fn compare(old: &str, new: &str) -> Vec<Row> {
    let diff = TextDiff::configure().timeout(COMPARE_MAX).diff_lines(old, new);
    let mut rows = Vec::new();
    let mut end = 0;
    for group in diff.grouped_ops(AROUND) {
        let begin = group.first().map_or(end, |op| op.old_range().start);
        if begin > end {
            rows.push(Row::Skipped(begin - end));
        }
        end = group.last().map_or(end, |op| op.old_range().end);
        for op in &group {
            for change in diff.iter_inline_changes(op) {
                let kind = match change.tag() {
                    ChangeTag::Equal => Change::Same,
                    ChangeTag::Insert => Change::Added,
                    ChangeTag::Delete => Change::Removed,
                };
                rows.push(Row::Line(pieces(kind, change.iter_strings_lossy())));
            }
        }
    }
    let lines = diff.old_slices().len();
    if !rows.is_empty() && lines > end {
        rows.push(Row::Skipped(lines - end));
    }
    rows
}

fn pieces<'a>(kind: Change, parts: impl Iterator<Item = (bool, std::borrow::Cow<'a, str>)>) -> Vec<Piece> {
    let parts: Vec<_> = parts.collect();
    // A line that shares nothing with the other is changed as a whole.
    let is_partial = parts.iter().any(|(is_changed, _)| *is_changed);
    let piece = |(is_changed, text): &(bool, std::borrow::Cow<'a, str>)| Piece {
        text: text.trim_end_matches(['\r', '\n']).to_owned(),
        change: if kind == Change::Same || (is_partial && !is_changed) { Change::Same } else { kind },
    };
    parts.iter().map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(old: &str, new: &str) -> String {
        let mut told = String::new();
        for row in compare(old, new) {
            match row {
                Row::Skipped(lines) => told.push_str(&format!("..{lines}")),
                Row::Line(pieces) => {
                    for piece in pieces {
                        match piece.change {
                            Change::Same => told.push_str(&piece.text),
                            Change::Added => told.push_str(&format!("[+{}]", piece.text)),
                            Change::Removed => told.push_str(&format!("[-{}]", piece.text)),
                        }
                    }
                }
            }
            told.push('\n');
        }
        told
    }

    #[test]
    fn words_within_a_line_are_told_apart() {
        assert_eq!(told("een\ntwee\n", "een\ntwee\n"), "");
        let told = told(
            "a\nb\nc\nHet was een goed jaar voor ons.\nd\n",
            "a\nb\nc\nHet was een slecht jaar voor ons.\nd\n",
        );
        assert!(told.contains("..2") && told.contains("[-goed]") && told.contains("[+slecht]"), "{told}");
        assert!(told.contains("Het was een "), "{told}");
    }

    #[test]
    fn nothing_of_either_text_is_missing_where_it_changed() {
        let told = told("weg\n", "nieuw\nerbij");
        assert!(told.contains("[-weg]") && told.contains("[+nieuw]") && told.contains("[+erbij]"), "{told}");
    }

    #[test]
    fn two_long_texts_without_a_word_in_common_are_compared_in_time() {
        let text = |from: usize| (from..from + 20_000).map(|n| format!("woord{n}\n")).collect::<String>();
        let begun = std::time::Instant::now();
        assert!(!compare(&text(0), &text(1_000_000)).is_empty());
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
