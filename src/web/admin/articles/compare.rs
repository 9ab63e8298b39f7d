//! Two texts of an article beside each other, for the template `admin/comparison.html`.

use crate::model::ArticleVersion;
use crate::publishing::versions::{self, Change, Row};

/// A line of a comparison.
pub struct Line {
    /// `same`, `added`, `removed`, or `skipped` for lines that were left out.
    pub class: &'static str,
    /// How many were left out.
    pub skipped: usize,
    pub pieces: Vec<(Change, String)>,
}

impl Line {
    pub const fn is_added(&self, change: &Change) -> bool {
        matches!(change, Change::Added)
    }

    pub const fn is_removed(&self, change: &Change) -> bool {
        matches!(change, Change::Removed)
    }
}

/// What of an article is compared, as one text.
pub fn joined(title: &str, teaser: &str, body: &str) -> String {
    let body = body.replace("\r\n", "\n");
    [title.trim(), teaser.trim(), body.trim()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
        + "\n"
}

fn joined_lines(mut text: String, line: &str) -> String {
    text.push_str(line);
    text.push('\n');
    text
}

pub fn of_version(version: &ArticleVersion) -> String {
    joined(&version.title, &version.teaser, &version.body)
}

pub fn lines(old: &str, new: &str) -> Vec<Line> {
    // Blank lines between paragraphs say nothing, unless nothing else changed.
    let dense =
        |text: &str| text.lines().filter(|line| !line.trim().is_empty()).fold(String::new(), joined_lines);
    let rows = match versions::compare(&dense(old), &dense(new)) {
        rows if rows.is_empty() => versions::compare(old, new),
        rows => rows,
    };
    rows.into_iter()
        .map(|row| match row {
            Row::Skipped(skipped) => Line { class: "skipped", skipped, pieces: Vec::new() },
            Row::Line(pieces) => {
                let has = |change: Change| pieces.iter().any(|piece| piece.change == change);
                let class = match (has(Change::Added), has(Change::Removed)) {
                    (true, _) => "added",
                    (_, true) => "removed",
                    _ => "same",
                };
                let pieces = pieces.into_iter().map(|piece| (piece.change, piece.text)).collect();
                Line { class, skipped: 0, pieces }
            }
        })
        .collect()
}
