//! Writes outcomes in batches. Its queue is bounded: a slow database slows sending, and no outcome is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::engine::Shared;
use crate::model::MailingId;
use crate::store::deliveries::{RECORD_ROWS_MAX, Record};
use crate::store::{Result, deliveries, mailings};

/// Outcomes that wait, at most; with the connections' own, all that can be in doubt when the process dies.
pub const QUEUE: usize = RECORD_ROWS_MAX;
/// Longest that an outcome waits for company.
const BATCH_WAIT: Duration = Duration::from_millis(50);
/// Waits between tries when the database does not answer: doubled from the first to the last.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// What became of one delivery of a mailing.
#[derive(Debug)]
pub struct Recorded {
    pub mailing: MailingId,
    pub record: Record,
}

/// Writes until every sender has gone and the queue is empty.
pub async fn run(shared: Arc<Shared>, mut outcomes: mpsc::Receiver<Recorded>) {
    while let Some(first) = outcomes.recv().await {
        let mut batch = vec![first];
        let deadline = Instant::now() + BATCH_WAIT;
        while batch.len() < RECORD_ROWS_MAX {
            match timeout_at(deadline, outcomes.recv()).await {
                Ok(Some(next)) => batch.push(next),
                Ok(None) | Err(_) => break,
            }
        }
        let mut by_mailing = BTreeMap::<MailingId, Vec<Record>>::new();
        for Recorded { mailing, record } in batch {
            by_mailing.entry(mailing).or_default().push(record);
        }
        write_until_done(&shared, &by_mailing).await;
    }
}

/// Tries for as long as it takes: these mails are sent, and nobody else knows.
async fn write_until_done(shared: &Shared, batch: &BTreeMap<MailingId, Vec<Record>>) {
    let mut wait = RETRY_FIRST;
    loop {
        match write(shared, batch).await {
            Ok(ended) => {
                for mailing in ended {
                    log_end(shared, mailing).await;
                }
                return;
            }
            Err(error) => {
                tracing::error!(cause = %error, "outcomes cannot be stored; sending waits until they can");
                sleep(wait).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
        }
    }
}

/// One transaction; answers which mailings it ended.
async fn write(shared: &Shared, batch: &BTreeMap<MailingId, Vec<Record>>) -> Result<Vec<MailingId>> {
    let now = shared.clock.now();
    let mut ended = Vec::new();
    let mut tx = shared.store.begin().await?;
    for (mailing, records) in batch {
        let written = deliveries::record(&mut tx, *mailing, shared.worker, records, now).await?;
        if written < records.len() {
            let lost = records.len() - written;
            tracing::warn!(%mailing, lost, "outcomes of claims that others have taken over were dropped");
        }
        if mailings::finish(&mut tx, *mailing, now).await?.is_some() {
            ended.push(*mailing);
        }
    }
    tx.commit().await?;
    Ok(ended)
}

/// Tells the account of a mailing that has ended.
pub async fn log_end(shared: &Shared, mailing: MailingId) {
    let Ok(mut reader) = shared.store.read().await else { return };
    if let Ok(Some(ended)) = mailings::by_id(reader.db(), mailing).await {
        let account = ended.account;
        if account.balances() {
            tracing::info!(%mailing, ?account, "a mailing has been sent");
        } else {
            tracing::error!(%mailing, ?account, "a mailing has been sent, and its account does not balance");
        }
    }
}
