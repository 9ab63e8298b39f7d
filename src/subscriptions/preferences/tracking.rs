//! Whether opens and clicks of this person may be counted: asked apart from the subscription, and as easily
//! withdrawn as given (L2, L4).

use super::{Answer, Opened, open};
use crate::clock::Clock;
use crate::i18n::Texts;
use crate::keys::{Keys, sha256_hex};
use crate::model::{ConsentEvent, Language, Newsletter};
use crate::store::{Result, Store, consents, hits, newsletters, subscriptions};
use crate::subscriptions::{Evidence, consent};

/// The exact words beside the box.
pub fn words(newsletter: &Newsletter, language: Language) -> String {
    Texts::new(language).with("preferences-tracking-words", "sender", newsletter.sender_name.clone())
}

/// Agrees, or withdraws: then what was kept of this person goes, and links of old mails count as everybody's. The evidence keeps the words as they were shown; saying the same twice adds none.
///
/// # Errors
/// Only of the database.
pub async fn set_tracking(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    link: &str,
    agrees: bool,
    shown_in: Language,
    evidence: &Evidence,
) -> Result<Answer> {
    let Opened { mut tx, subscription, .. } = match open(store, keys, link).await? {
        Ok(opened) => opened,
        Err(answer) => return Ok(answer),
    };
    let Some(newsletter) = newsletters::by_id(tx.db(), subscription.newsletter_id).await? else {
        return Ok(Answer::Gone);
    };
    if subscription.tracking_since.is_some() != agrees {
        let now = clock.now();
        let event = if agrees { ConsentEvent::TrackingGiven } else { ConsentEvent::TrackingWithdrawn };
        let mut row = consent(&subscription, event, evidence, now);
        row.language = shown_in;
        if agrees {
            let words = words(&newsletter, shown_in);
            let hash = sha256_hex(words.as_bytes());
            row.consent_text_id =
                Some(consents::keep_text(&mut tx, newsletter.id, shown_in, &words, &hash, now).await?);
            row.privacy_url.clone_from(&newsletter.privacy_url);
        }
        consents::insert(&mut tx, &row).await?;
        subscriptions::set_tracking(&mut tx, subscription.id, agrees.then_some(now)).await?;
        if !agrees {
            // Behind the change: who is counting this person right now has written by then, or sees that it is over.
            hits::forget_reader(&mut tx, subscription.id).await?;
        }
    }
    tx.commit().await?;
    Ok(Answer::Saved)
}
