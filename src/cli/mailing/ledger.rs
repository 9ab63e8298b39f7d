//! `mailing ledger`: what became of each recipient, a batch at a time, so that a million fit into little memory.

use std::io::Write as _;

use super::super::open::Open;
use super::super::output::{Output, Parts};
use crate::model::{Act, Outcome, SubscriberId};
use crate::store::deliveries::{LedgerFilter, LedgerRow, ledger_with_addresses};

/// Rows of the ledger that are in memory at once.
const BATCH_ROWS: i64 = 1_000;
const HEADINGS: [&str; 8] = ["ADDRESS", "OUTCOME", "TRIES", "DOUBTS", "RELAY", "REFUSAL", "TIME", "REPLY"];

#[derive(Debug, clap::Args)]
pub struct Arguments {
    id: i64,
    /// Of one outcome only: claimed, sent, deferred, bounced, uncertain, skipped or expired
    #[arg(long)]
    outcome: Option<Outcome>,
    /// Answer with CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    output: Output,
}

pub async fn run(open: &Open, arguments: Arguments) -> anyhow::Result<()> {
    let id = super::mailing(open, arguments.id).await?.id;
    let filter = LedgerFilter { outcome: arguments.outcome, search: "" };
    // Noted before the first row leaves: what is cut off has left too.
    let mut tx = open.store.begin().await?;
    tx.note_detail(Act::SubscribersExported, None, Some(id.0), "ledger").await?;
    tx.commit().await?;
    let mut writer = Writer::new(&arguments);
    let mut after = SubscriberId(0);
    loop {
        // A connection of its own for each batch: a slow reader of the output holds no snapshot.
        let mut reader = open.store.read().await?;
        let rows = ledger_with_addresses(reader.db(), id, filter, after, BATCH_ROWS).await?;
        drop(reader);
        let Some(last) = rows.last() else { return writer.end() };
        after = last.delivery.subscriber_id;
        if !writer.add(&rows)? {
            return Ok(());
        }
    }
}

fn cells(row: &LedgerRow) -> [String; 8] {
    let delivery = &row.delivery;
    [
        row.address.as_ref().map_or_else(|| "(erased)".to_owned(), ToString::to_string),
        delivery.outcome.to_string(),
        delivery.attempts.to_string(),
        delivery.doubts.to_string(),
        delivery.relay.clone(),
        delivery.refusal.to_string(),
        delivery.at.rfc3339(),
        delivery.reply.clone(),
    ]
}

enum Writer {
    Parts(Parts),
    Csv(Box<csv::Writer<std::io::Stdout>>, bool),
}

impl Writer {
    fn new(arguments: &Arguments) -> Self {
        if arguments.csv {
            Self::Csv(Box::new(csv::Writer::from_writer(std::io::stdout())), false)
        } else {
            Self::Parts(arguments.output.parts())
        }
    }

    /// `false` when nobody reads on.
    fn add(&mut self, rows: &[LedgerRow]) -> anyhow::Result<bool> {
        match self {
            Self::Parts(parts) => parts.add(rows, HEADINGS, cells),
            Self::Csv(writer, has_head) => {
                let mut write = || -> csv::Result<()> {
                    if !std::mem::replace(has_head, true) {
                        writer.write_record(HEADINGS.map(str::to_lowercase))?;
                    }
                    for row in rows {
                        writer.write_record(cells(row).map(unarmed))?;
                    }
                    Ok(writer.flush()?)
                };
                unless_closed(write())
            }
        }
    }

    fn end(self) -> anyhow::Result<()> {
        match self {
            Self::Parts(parts) => parts.end(HEADINGS),
            Self::Csv(mut writer, has_head) => {
                let mut write = || -> csv::Result<()> {
                    if !has_head {
                        writer.write_record(HEADINGS.map(str::to_lowercase))?;
                    }
                    writer.flush()?;
                    Ok(std::io::stdout().flush()?)
                };
                unless_closed(write()).map(drop)
            }
        }
    }
}

/// Who closes the output (`| head`) has seen enough.
fn unless_closed(written: csv::Result<()>) -> anyhow::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            csv::ErrorKind::Io(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
            _ => Err(error.into()),
        },
    }
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe in front (S15): replies are the
/// words of strangers.
fn unarmed(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) { format!("'{cell}") } else { cell }
}
