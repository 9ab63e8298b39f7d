//! All subscriptions as CSV (RFC 4180), a page at a time, so that a million fit into little memory.

use crate::model::{Act, NewsletterId, Permission};
use crate::store::{Store, StoreError, fields, subscribers, subscription_values};

/// Rows read at once.
const BATCH_ROWS: i64 = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the file could not be written: {0}")]
    Write(#[from] csv::Error),
}

/// Writes a header and one line per subscription, of one newsletter or of all. Answers how many.
///
/// # Errors
/// Of the database, or of the writer: then the file is incomplete.
pub async fn export_csv(
    store: &Store,
    newsletter: Option<NewsletterId>,
    out: impl std::io::Write,
) -> Result<u64, ExportError> {
    store.permit(Permission::ExportSubscribers, newsletter)?;
    // Noted before the first row leaves: what is cut off has left too.
    let mut tx = store.begin().await?;
    tx.note_detail(Act::SubscribersExported, newsletter, None, "").await?;
    tx.commit().await?;
    let mut writer = csv::Writer::from_writer(out);
    let keys = keys_of(store, newsletter).await?;
    let head = [
        "address",
        "name",
        "newsletter",
        "status",
        "language",
        "signed_up_at",
        "confirmed_at",
        "unsubscribed_at",
    ];
    writer.write_record(head.into_iter().chain(keys.iter().map(String::as_str)))?;
    let (mut after, mut rows) = (0, 0);
    loop {
        let mut reader = store.read().await?;
        let page =
            subscribers::export_page(reader.db(), newsletter.map(|id| id.0), after, BATCH_ROWS).await?;
        let Some(last) = page.last() else { break };
        let answers = if keys.is_empty() {
            Vec::new()
        } else {
            subscription_values::between(reader.db(), newsletter, after, last.subscription_id).await?
        };
        drop(reader);
        after = last.subscription_id;
        for row in &page {
            let time =
                |moment: Option<crate::model::Timestamp>| moment.map(|at| at.rfc3339()).unwrap_or_default();
            let answer = |key: &String| {
                let mine = answers
                    .iter()
                    .skip(answers.partition_point(|a| a.subscription_id.0 < row.subscription_id));
                let mut mine = mine.take_while(|answer| answer.subscription_id.0 == row.subscription_id);
                mine.find(|answer| answer.key == *key)
                    .map(|answer| guarded(&answer.value))
                    .unwrap_or_default()
            };
            let cells = [
                guarded(row.address.as_str()),
                guarded(&row.name),
                row.newsletter.clone(),
                row.status.to_string(),
                row.language.to_string(),
                row.created_at.rfc3339(),
                time(row.confirmed_at),
                time(row.unsubscribed_at),
            ];
            writer.write_record(cells.into_iter().chain(keys.iter().map(answer)))?;
            rows += 1;
        }
    }
    writer.flush().map_err(csv::Error::from)?;
    Ok(rows)
}

/// The columns for answers to fields, also of archived ones: by their keys.
async fn keys_of(store: &Store, newsletter: Option<NewsletterId>) -> Result<Vec<String>, StoreError> {
    let mut reader = store.read().await?;
    match newsletter {
        None => fields::all_keys(reader.db()).await,
        Some(id) => {
            let fields = fields::of_newsletter(reader.db(), id).await?;
            Ok(fields.into_iter().map(|field| field.key).collect())
        }
    }
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
