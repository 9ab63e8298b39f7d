//! Whether opens, and whether clicks, of this person may be counted: asked apart from the subscription and from each
//! other, and as easily withdrawn as given (L2, L4).

use super::{Answer, Opened, open};
use crate::clock::Clock;
use crate::i18n::Texts;
use crate::keys::{Keys, sha256_hex};
use crate::model::{Agreed, ConsentEvent, HitKind, Language, Newsletter};
use crate::store::{Result, Store, consents, hits, newsletters, subscriptions};
use crate::subscriptions::{Evidence, consent};

/// The exact words beside the box of a kind.
pub fn words(newsletter: &Newsletter, kind: HitKind, language: Language) -> String {
    let key = match kind {
        HitKind::Open => "preferences-opens-words",
        HitKind::Click => "preferences-clicks-words",
    };
    Texts::new(language).with(key, "sender", newsletter.sender_name.clone())
}

/// Agrees to each kind, or withdraws it: then what was kept of that kind of this person goes, and links of old mails count
/// as everybody's. The evidence of each keeps the words as they were shown; saying the same twice adds none.
///
/// # Errors
/// Only of the database.
pub async fn set_tracking(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    link: &str,
    wanted: Agreed,
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
    let now = clock.now();
    for kind in [HitKind::Open, HitKind::Click] {
        let agrees = wanted.to(kind);
        if subscription.agreed().to(kind) == agrees {
            continue;
        }
        let mut row = consent(&subscription, event(kind, agrees), evidence, now);
        row.language = shown_in;
        if agrees {
            let words = words(&newsletter, kind, shown_in);
            let hash = sha256_hex(words.as_bytes());
            row.consent_text_id =
                Some(consents::keep_text(&mut tx, newsletter.id, shown_in, &words, &hash, now).await?);
            row.privacy_url.clone_from(&newsletter.privacy_url);
            row.privacy_version.clone_from(&newsletter.privacy_version);
        }
        consents::insert(&mut tx, &row).await?;
        subscriptions::set_tracking(&mut tx, subscription.id, kind, agrees.then_some(now)).await?;
        if !agrees {
            // Behind the change: who is counting this person right now has written by then, or sees that it is over.
            hits::forget_kind(&mut tx, subscription.id, kind).await?;
        }
    }
    tx.commit().await?;
    Ok(Answer::Saved)
}

const fn event(kind: HitKind, agrees: bool) -> ConsentEvent {
    match (kind, agrees) {
        (HitKind::Open, true) => ConsentEvent::OpensGiven,
        (HitKind::Open, false) => ConsentEvent::OpensWithdrawn,
        (HitKind::Click, true) => ConsentEvent::ClicksGiven,
        (HitKind::Click, false) => ConsentEvent::ClicksWithdrawn,
    }
}
