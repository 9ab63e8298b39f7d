//! Ends the pauses of readers on their day, and before a mailing begins.

use std::time::Duration;

use super::patience::Patience;
use super::shift::Shift;
use crate::model::{NewsletterId, SubscriptionId, Timestamp};
use crate::store::{Result, mailings, subscribers, subscriptions};

/// So late a pause may end: nobody sees the difference, since the scheduler looks too.
const EVERY: Duration = Duration::from_secs(60);
/// Read at once.
const BATCH: i64 = 200;

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let mut patience = Patience::new("end pauses");
    loop {
        let rest = match end_all(shift).await {
            Ok(()) => {
                patience.over();
                shift.unless_stopped(shift.clock.sleep(EVERY)).await
            }
            Err(error) => shift.unless_stopped(patience.wait(&error)).await,
        };
        if rest.is_none() {
            return;
        }
    }
}

/// Ends every pause that is over now.
pub async fn end_all(shift: &Shift) -> Result<()> {
    let now = shift.clock.now();
    while !*shift.signals.stop.borrow() {
        let over = subscriptions::pauses_over(shift.store.read().await?.db(), now, BATCH).await?;
        if over.is_empty() {
            break;
        }
        for (subscription, newsletter) in over {
            end(shift, subscription, newsletter, now).await?;
        }
        shift.signals.did();
    }
    Ok(())
}

/// Locks in the order of the verbs of a subscriber: the person, the mailings, then the change.
async fn end(shift: &Shift, id: SubscriptionId, newsletter: NewsletterId, now: Timestamp) -> Result<()> {
    let mut tx = shift.store.begin().await?;
    let Some(subscription) = subscriptions::by_id(tx.db(), id).await? else { return Ok(()) };
    subscribers::lock(&mut tx, subscription.subscriber_id).await?;
    let open = mailings::lock_open(&mut tx, newsletter).await?;
    let since = mailings::after_starts(now, &open);
    subscriptions::end_pause(&mut tx, id, since, now).await?;
    tx.commit().await
}
