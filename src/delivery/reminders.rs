//! The one reminder of a confirmation that did not come, 48 hours after it was asked for.
//!
//! - The mark on the subscription, the token and the mail are one transaction: nobody gets two, however many engines
//!   look at once, and whichever of them dies.
//! - It prolongs nothing (L6): its link ends with the first one, and so does what is kept of the person.
//! - Who has confirmed, left or was erased meanwhile gets none; the composer asks once more before the wire.

use std::time::Duration;

use uuid::Uuid;

use super::patience::Patience;
use super::shift::Shift;
use crate::keys::{Purpose, TOKEN_OCTETS, random, token_hash};
use crate::model::OutboxKind;
use crate::store::outbox::NewMail;
use crate::store::subscriptions::{self, Forgotten};
use crate::store::{Tx, outbox, suppressions, tokens};

const EVERY: Duration = Duration::from_secs(15 * 60);
/// Long enough for a weekend away from the mailbox, short enough to remember having asked.
const AFTER: Duration = Duration::from_secs(48 * 3600);
/// After a long stop: a reminder of a link that ends tomorrow is of no use.
const VALID_MIN: Duration = Duration::from_secs(24 * 3600);
/// Subscriptions reminded in one transaction: it is over in a moment, and sign-ups wait no longer.
const BATCH: i64 = 100;

/// Runs until the engine stops.
pub async fn run(shift: &Shift) {
    let mut patience = Patience::new("remind of confirmations");
    loop {
        let rest = match remind(shift).await {
            Ok(reminded) => {
                patience.over();
                shift.signals.did();
                // A full batch: there may be more.
                let pause = if reminded < BATCH { EVERY } else { Duration::ZERO };
                shift.unless_stopped(shift.clock.sleep(pause)).await
            }
            Err(error) => shift.unless_stopped(patience.wait(&error)).await,
        };
        if rest.is_none() {
            return;
        }
    }
}

/// Reminds one batch, and answers how many subscriptions it took.
async fn remind(shift: &Shift) -> anyhow::Result<i64> {
    let now = shift.clock.now();
    let mut tx = shift.store.begin().await?;
    let forgotten =
        subscriptions::take_forgotten(&mut tx, now.minus(AFTER), now.plus(VALID_MIN), BATCH, now).await?;
    let mut mails = 0_u64;
    for subscription in &forgotten {
        let hash = shift.composer.keys().address_hash(&subscription.address);
        if !suppressions::contains(tx.db(), &hash).await? {
            write(shift, &mut tx, subscription).await?;
            mails += 1;
        }
    }
    tx.commit().await?;
    if mails > 0 {
        tracing::info!(mails, "sign-ups that wait for their confirmation are reminded");
        shift.signals.wake();
    }
    Ok(i64::try_from(forgotten.len()).unwrap_or(BATCH))
}

async fn write(shift: &Shift, tx: &mut Tx, subscription: &Forgotten) -> anyhow::Result<()> {
    let nonce = random::<TOKEN_OCTETS>()?;
    let message_uuid = Uuid::now_v7();
    let token = shift.composer.keys().derive_token(Purpose::Confirm, &nonce);
    if let Some(hash) = token_hash(&token) {
        let message_id = message_uuid.simple().to_string();
        let Forgotten { id, asked_at, expires_at, .. } = *subscription;
        tokens::insert_confirm(tx, &hash, id, &message_id, asked_at, expires_at).await?;
    }
    let mail = NewMail {
        kind: OutboxKind::Reminder,
        newsletter_id: subscription.newsletter_id,
        subscription_id: Some(subscription.id),
        to_address: None,
        issue_id: None,
        welcome_step_id: None,
        language: subscription.language,
        nonce: nonce.to_vec(),
        message_uuid,
    };
    outbox::insert_bulk(tx, &[&mail], shift.clock.now()).await?;
    Ok(())
}
