//! Begins mailings when they are due, exactly once whatever the number of processes.

use super::patience::Patience;
use super::shift::Shift;
use crate::model::Timestamp;
use crate::store::{Result, mailings};

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let mut work = shift.signals.work.subscribe();
    let mut patience = Patience::new("look for mailings that are due");
    while !*shift.signals.stop.borrow() {
        work.mark_unchanged();
        match begin_due(shift).await {
            Ok(next_due) => {
                patience.over();
                shift.idle(&mut work, next_due).await;
            }
            Err(error) => {
                shift.unless_stopped(patience.wait(&error)).await;
            }
        }
    }
}

/// Begins every mailing that is due; also those that became due while no process ran. Answers when the
/// next one will be.
async fn begin_due(shift: &Shift) -> Result<Option<Timestamp>> {
    let due = mailings::due(shift.store.read().await?.db(), shift.clock.now()).await?;
    for id in due {
        let mut tx = shift.store.begin().await?;
        let started = mailings::start(&mut tx, id, shift.clock.now()).await?;
        tx.commit().await?;
        if let Some(mailing) = started {
            tracing::info!(mailing = %mailing.id, audience = mailing.account.audience, "a mailing begins");
            shift.signals.wake();
            shift.signals.did();
        }
    }
    mailings::next_due(shift.store.read().await?.db()).await
}
