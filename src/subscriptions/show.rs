//! Everything that is known of one person (GDPR 15).

use serde::Serialize;

use crate::model::{Consent, ConsentText, Delivery, EmailAddress, Subscriber, Subscription};
use crate::store::hits::HitOf;
use crate::store::subscription_values::Answer;
use crate::store::{
    Reader, Result, Store, consents, deliveries, hits, subscribers, subscription_values, subscriptions,
};

/// The whole story of one person.
#[derive(Debug, Serialize)]
pub struct Dossier {
    pub subscriber: Subscriber,
    pub subscriptions: Vec<Subscription>,
    /// What was answered to the fields of forms.
    pub answers: Vec<Answer>,
    pub consents: Vec<Consent>,
    /// The words that the consents refer to.
    pub consent_texts: Vec<ConsentText>,
    pub deliveries: Vec<Delivery>,
    /// What was counted of opens and clicks, with consent.
    pub hits: Vec<HitOf>,
}

/// # Errors
/// Only of the database.
pub async fn dossier(store: &Store, address: &EmailAddress) -> Result<Option<Dossier>> {
    let mut reader = store.read().await?;
    let Some(subscriber) = subscribers::by_address(reader.db(), address).await? else { return Ok(None) };
    dossier_of(&mut reader, subscriber).await.map(Some)
}

/// The whole story of someone who was found already.
pub(super) async fn dossier_of(reader: &mut Reader, subscriber: Subscriber) -> Result<Dossier> {
    let subscriptions = subscriptions::of_subscriber(reader.db(), subscriber.id).await?;
    let answers = subscription_values::of_subscriber(reader.db(), subscriber.id).await?;
    let consents = consents::of_subscriber(reader.db(), subscriber.id).await?;
    let mut text_ids: Vec<_> = consents.iter().filter_map(|consent| consent.consent_text_id).collect();
    text_ids.sort();
    text_ids.dedup();
    let mut consent_texts = Vec::new();
    for id in text_ids {
        consent_texts.extend(crate::store::consents::text_by_id(reader.db(), id).await?);
    }
    let deliveries = deliveries::of_subscriber(reader.db(), subscriber.id).await?;
    let hits = hits::of_subscriber(reader.db(), subscriber.id).await?;
    Ok(Dossier { subscriber, subscriptions, answers, consents, consent_texts, deliveries, hits })
}
