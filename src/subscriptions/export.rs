//! Subscriptions as CSV (RFC 4180) or as JSON, one a line: a page at a time, so that a million fit into little memory.

use std::collections::VecDeque;

use crate::model::{Act, NewsletterId, Permission, Selection, SubscriptionId, Timestamp};
use crate::store::people::{self, PersonRow};
use crate::store::subscription_values::Answer;
use crate::store::{BULK_ROWS_MAX, Store, StoreError, fields, newsletters, subscription_values};

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the file could not be written: {0}")]
    Write(#[from] csv::Error),
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With a first line of names that stay.
    Csv,
    /// An object a line.
    JsonLines,
}

/// Columns of an export before those of the fields.
const HEAD: [&str; 8] = [
    "address",
    "name",
    "newsletter",
    "status",
    "language",
    "signed_up_at",
    "confirmed_at",
    "unsubscribed_at",
];

/// An export that is read part by part.
#[derive(Debug)]
pub struct Export {
    store: Store,
    selection: Selection,
    format: Format,
    /// Of fields, also of archived ones.
    keys: Vec<String>,
    slugs: Vec<(NewsletterId, String)>,
    after: SubscriptionId,
    is_begun: bool,
    rows: u64,
}

impl Export {
    /// # Errors
    /// Of the database.
    pub async fn of(store: &Store, selection: Selection, format: Format) -> Result<Self, StoreError> {
        store.permit(Permission::ExportSubscribers, selection.newsletter)?;
        // Noted before the first row leaves: what is cut off has left too.
        let mut tx = store.begin().await?;
        tx.note_detail(Act::SubscribersExported, selection.newsletter, None, "").await?;
        tx.commit().await?;
        let mut reader = store.read().await?;
        let keys = match selection.newsletter {
            None => fields::all_keys(reader.db()).await?,
            Some(id) => {
                fields::of_newsletter(reader.db(), id).await?.into_iter().map(|field| field.key).collect()
            }
        };
        let all = newsletters::all(reader.db()).await?;
        let slugs = all.into_iter().map(|newsletter| (newsletter.id, newsletter.slug.to_string())).collect();
        drop(reader);
        let store = store.clone();
        Ok(Self { store, selection, format, keys, slugs, after: SubscriptionId(0), is_begun: false, rows: 0 })
    }

    /// How many subscriptions were written so far.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// Of the database: then the export is incomplete.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        let mut reader = self.store.read().await?;
        let limit = i64::try_from(BULK_ROWS_MAX).unwrap_or(i64::MAX);
        let page = people::next(reader.db(), &self.selection, self.after, limit).await?;
        let answers = if self.keys.is_empty() {
            Vec::new()
        } else {
            let ids: Vec<_> = page.iter().map(|row| row.subscription_id).collect();
            subscription_values::of_all(reader.db(), &ids).await?
        };
        drop(reader);
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        if page.is_empty() && !(is_first && self.format == Format::Csv) {
            return Ok(None);
        }
        let mut answers = VecDeque::from(answers);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut lines = Vec::new();
        if is_first && self.format == Format::Csv {
            writer.write_record(HEAD.into_iter().chain(self.keys.iter().map(String::as_str)))?;
        }
        for row in &page {
            self.after = row.subscription_id;
            self.rows += 1;
            let mut mine = Vec::new();
            while let Some(answer) = answers.pop_front_if(|a| a.subscription_id == row.subscription_id) {
                mine.push(answer);
            }
            match self.format {
                Format::Csv => writer.write_record(self.cells(row, &mine))?,
                Format::JsonLines => lines.extend(self.line(row, &mine)),
            }
        }
        let csv = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
        Ok(Some(if self.format == Format::Csv { csv } else { lines }))
    }

    fn slug(&self, row: &PersonRow) -> &str {
        self.slugs.iter().find(|(id, _)| *id == row.newsletter_id).map_or("", |(_, slug)| slug)
    }

    fn cells(&self, row: &PersonRow, answers: &[Answer]) -> Vec<String> {
        let time = |moment: Option<Timestamp>| moment.map(Timestamp::rfc3339).unwrap_or_default();
        let mut cells = vec![
            guarded(row.address.as_str()),
            guarded(&row.name),
            self.slug(row).to_owned(),
            row.status.to_string(),
            row.language.to_string(),
            row.created_at.rfc3339(),
            time(row.confirmed_at),
            time(row.unsubscribed_at),
        ];
        cells.extend(self.keys.iter().map(|key| {
            let answer = answers.iter().find(|answer| answer.key == *key);
            answer.map(|answer| guarded(&answer.value)).unwrap_or_default()
        }));
        cells
    }

    fn line(&self, row: &PersonRow, answers: &[Answer]) -> Vec<u8> {
        let answers: serde_json::Map<_, _> = answers
            .iter()
            .map(|answer| (answer.key.clone(), serde_json::Value::from(answer.value.clone())))
            .collect();
        let object = serde_json::json!({
            "address": row.address,
            "name": row.name,
            "newsletter": self.slug(row),
            "status": row.status,
            "language": row.language,
            "signed_up_at": row.created_at,
            "confirmed_at": row.confirmed_at,
            "unsubscribed_at": row.unsubscribed_at,
            "answers": answers,
        });
        format!("{object}\n").into_bytes()
    }
}

/// Writes all of a selection. Answers how many subscriptions.
///
/// # Errors
/// Of the database, or of the writer: then the file is incomplete.
pub async fn export(
    store: &Store,
    selection: Selection,
    format: Format,
    mut out: impl std::io::Write,
) -> Result<u64, ExportError> {
    let mut export = Export::of(store, selection, format).await?;
    while let Some(part) = export.next().await? {
        out.write_all(&part).map_err(csv::Error::from)?;
    }
    out.flush().map_err(csv::Error::from)?;
    Ok(export.rows())
}

/// Writes a header and one line per subscription, of one newsletter or of all. Answers how many.
///
/// # Errors
/// As [`export`].
pub async fn export_csv(
    store: &Store,
    newsletter: Option<NewsletterId>,
    out: impl std::io::Write,
) -> Result<u64, ExportError> {
    export(store, Selection { newsletter, ..Selection::default() }, Format::Csv, out).await
}

/// A spreadsheet would run a cell that begins like a formula (S15): an apostrophe makes it text.
pub fn guarded(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text() {
        for cell in ["=cmd()", "+1", "-1", "@x", "\tx"] {
            assert_eq!(guarded(cell), format!("'{cell}"));
        }
        assert_eq!(guarded("Jan =1"), "Jan =1");
    }
}
