//! Everything that is known of one person (GDPR 15).

use serde::Serialize;

use crate::model::{Consent, ConsentText, Delivery, EmailAddress, Subscriber, Subscription, SubscriptionId};
use crate::store::address_changes::AddressChange;
use crate::store::consents::FormName;
use crate::store::departures::Said;
use crate::store::hits::HitOf;
use crate::store::imports::BroughtBy;
use crate::store::outbox::SingleMail;
use crate::store::subscription_changes::Change;
use crate::store::subscription_values::Answer;
use crate::store::tokens::Token;
use crate::store::welcome::Had;
use crate::store::{
    Reader, Result, Store, address_changes, consents, deliveries, departures, hits, imports, outbox,
    subscribers, subscription_changes, subscription_values, subscriptions, tokens, welcome,
};

/// The whole story of one person.
#[derive(Debug, Serialize)]
pub struct Dossier {
    pub subscriber: Subscriber,
    pub subscriptions: Vec<Subscription>,
    /// What more there is of each subscription, in the same order.
    pub details: Vec<Details>,
    /// What was answered to the fields of forms.
    pub answers: Vec<Answer>,
    pub consents: Vec<Consent>,
    /// The words that the consents refer to.
    pub consent_texts: Vec<ConsentText>,
    /// The forms that the consents refer to.
    pub forms: Vec<FormName>,
    /// Where the person wants to move.
    pub address_changes: Vec<AddressChange>,
    pub deliveries: Vec<Delivery>,
    /// What was counted of opens and clicks, with consent.
    pub hits: Vec<HitOf>,
}

/// What there is of one subscription beside its row.
#[derive(Debug, Serialize)]
pub struct Details {
    pub subscription_id: SubscriptionId,
    /// What was said on leaving.
    pub departure: Option<Said>,
    /// Single mails about it, and what the relay answered.
    pub mails: Vec<SingleMail>,
    /// The links to confirm it; what was typed for them, while they wait.
    pub requests: Vec<Token>,
    /// The steps of the welcome series.
    pub welcome: Vec<Had>,
    pub import: Option<BroughtBy>,
    /// What the reader chose anew.
    pub changes: Vec<Change>,
}

async fn details(reader: &mut Reader, id: SubscriptionId) -> Result<Details> {
    Ok(Details {
        subscription_id: id,
        departure: departures::of_subscription(reader.db(), id).await?,
        mails: outbox::of_subscription(reader.db(), id).await?,
        requests: tokens::of_subscription(reader.db(), id).await?,
        welcome: welcome::had(reader.db(), id).await?,
        import: imports::that_brought(reader.db(), id).await?,
        changes: subscription_changes::of_subscription(reader.db(), id).await?,
    })
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
    let mut more = Vec::new();
    for subscription in &subscriptions {
        more.push(details(reader, subscription.id).await?);
    }
    let answers = subscription_values::of_subscriber(reader.db(), subscriber.id).await?;
    let consents = consents::of_subscriber(reader.db(), subscriber.id).await?;
    let mut text_ids: Vec<_> = consents.iter().filter_map(|consent| consent.consent_text_id).collect();
    text_ids.sort();
    text_ids.dedup();
    let mut consent_texts = Vec::new();
    for id in text_ids {
        consent_texts.extend(crate::store::consents::text_by_id(reader.db(), id).await?);
    }
    Ok(Dossier {
        details: more,
        answers,
        forms: consents::forms_of(reader.db(), subscriber.id).await?,
        address_changes: address_changes::of_subscriber(reader.db(), subscriber.id).await?,
        deliveries: deliveries::of_subscriber(reader.db(), subscriber.id).await?,
        hits: hits::of_subscriber(reader.db(), subscriber.id).await?,
        subscriber,
        subscriptions,
        consents,
        consent_texts,
    })
}
