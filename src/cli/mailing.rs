//! `mailing show`, `mailing ledger` and `mailing cancel`.

use super::Settings;
use super::open::Open;
use super::output::{self, Output};
use crate::delivery::mailing::progress;
use crate::model::{EmailAddress, MailingId, Move, Outcome, SubscriberId, Timestamp};
use crate::publishing::moves::make_move;
use crate::store;

/// Rows of the ledger that are read at once.
const BATCH_ROWS: i64 = 1_000;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the account of a mailing
    Show {
        id: i64,
        #[command(flatten)]
        output: Output,
    },
    /// Show what became of each recipient
    Ledger {
        id: i64,
        #[command(flatten)]
        output: Output,
    },
    /// Cancel a mailing that has not begun
    Cancel { id: i64 },
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.action {
        Action::Show { id, output } => {
            let progress = progress(&open.store, &open.clock, MailingId(id)).await?;
            let progress = progress.ok_or_else(|| missing(id))?;
            let account = progress.account;
            let fields = [
                ("Status", progress.status.to_string()),
                ("Audience", account.audience.to_string()),
                ("Sent", account.sent.to_string()),
                ("Deferred", account.deferred.to_string()),
                ("Bounced", account.bounced.to_string()),
                ("Uncertain", account.uncertain.to_string()),
                ("Skipped", account.skipped.to_string()),
                ("Expired", account.expired.to_string()),
                ("Open", account.open().to_string()),
            ];
            output.one(&progress, &fields)
        }
        Action::Ledger { id, output } => {
            if store::mailings::by_id(open.store.read().await?.db(), MailingId(id)).await?.is_none() {
                return Err(missing(id));
            }
            let rows = ledger(&open, MailingId(id)).await?;
            output.list(&rows, ["ADDRESS", "OUTCOME", "TRIES", "DOUBTS", "TIME", "REPLY"], |row| {
                [
                    row.address.as_ref().map_or_else(|| "(erased)".to_owned(), ToString::to_string),
                    row.outcome.to_string(),
                    row.attempts.to_string(),
                    row.doubts.to_string(),
                    row.at.rfc3339(),
                    row.reply.clone(),
                ]
            })
        }
        Action::Cancel { id } => {
            make_move(&open.store, &open.clock, MailingId(id), Move::Cancel).await?;
            output::print(&format!(
                "Mailing {id} is cancelled; its issue can be changed and scheduled again.\n"
            ))
        }
    }
}

fn missing(id: i64) -> anyhow::Error {
    anyhow::anyhow!("there is no mailing {id}. `postiljon issue list --json` names the mailing of each issue")
}

#[derive(serde::Serialize)]
struct Row {
    /// `None` for someone who was erased.
    address: Option<EmailAddress>,
    outcome: Outcome,
    attempts: i64,
    doubts: i64,
    at: Timestamp,
    reply: String,
}

async fn ledger(open: &Open, id: MailingId) -> anyhow::Result<Vec<Row>> {
    let mut reader = open.store.read().await?;
    let mut rows = Vec::new();
    let mut after = SubscriberId(0);
    loop {
        let page = store::deliveries::ledger(reader.db(), id, after, BATCH_ROWS).await?;
        let Some(last) = page.last() else { return Ok(rows) };
        after = last.subscriber_id;
        for delivery in page {
            let subscriber = store::subscribers::by_id(reader.db(), delivery.subscriber_id).await?;
            rows.push(Row {
                address: subscriber.map(|subscriber| subscriber.address),
                outcome: delivery.outcome,
                attempts: delivery.attempts,
                doubts: delivery.doubts,
                at: delivery.at,
                reply: delivery.reply,
            });
        }
    }
}
