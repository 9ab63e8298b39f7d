//! What somebody typed at a sign-up, kept with the link in the mail that answers it: pressing that button confirms those
//! words, and not what a stranger typed for the same address meanwhile.

use serde::{Deserialize, Serialize};

use super::signup::Request;
use crate::model::{FieldId, FormId, Language, Subscription, SubscriptionStatus};
use crate::store::tokens::Token;
use crate::store::{Result, Tx, subscribers, subscription_values, subscriptions, tokens};

/// Kept as JSON in the row of the link.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) name: String,
    pub(super) language: Language,
    form: FormId,
    /// Of each field that the form asked; `None` where nothing was answered.
    pub(super) answers: Vec<(FieldId, Option<String>)>,
}

impl Profile {
    /// `name` as it is written for this address.
    pub(super) fn of(request: &Request, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            language: request.language,
            form: request.form.form.id,
            answers: request.passed.values.clone(),
        }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `None` for a link that answers no form: of an import, or of before profiles were kept.
    pub(super) fn of_token(token: &Token) -> Option<Self> {
        Self::parse(token.profile.as_deref()?)
    }

    pub(super) fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

/// Gives the person and the subscription, which this transaction has locked and which is about to be confirmed, what was
/// typed at the sign-up of this link; and forgets what was typed for it.
pub(super) async fn apply(tx: &mut Tx, subscription: &mut Subscription, token: &Token) -> Result<()> {
    if subscription.status == SubscriptionStatus::Confirmed {
        return Ok(());
    }
    if let Some(profile) = Profile::of_token(token) {
        let all = subscriptions::of_subscriber(tx.db(), subscription.subscriber_id).await?;
        // As at the sign-up: whoever has confirmed anything is called as they were then.
        if all.iter().all(|one| one.confirmed_at.is_none()) {
            let person = (subscription.subscriber_id, profile.name.as_str(), profile.language);
            subscribers::update_profiles(tx, &[person]).await?;
        }
        let answers = answers(tx, &profile, token).await?;
        let answers: Vec<_> =
            answers.iter().map(|(field, value)| (subscription.id, *field, value.as_deref())).collect();
        subscription_values::set_all(tx, &answers).await?;
        subscriptions::set_request(tx, subscription.id, profile.language, profile.form).await?;
        (subscription.language, subscription.form_id) = (profile.language, Some(profile.form));
    }
    tokens::forget_profiles(tx, subscription.id).await
}

/// The answers of a sign-up; and none to what only later ones answered.
async fn answers(tx: &mut Tx, profile: &Profile, token: &Token) -> Result<Vec<(FieldId, Option<String>)>> {
    let mut answers = profile.answers.clone();
    let later = tokens::profiles_since(tx.db(), token.subscription_id, token.created_at).await?;
    for (field, _) in later.iter().filter_map(|json| Profile::parse(json)).flat_map(|later| later.answers) {
        if answers.iter().all(|(known, _)| *known != field) {
            answers.push((field, None));
        }
    }
    Ok(answers)
}
