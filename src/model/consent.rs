//! The evidence kept for a subscription (GDPR 7(1)): append-only.

use super::{ConsentTextId, FormId, Language, NewsletterId, SubscriberId, Timestamp};

text_enum!(ConsentEvent {
    /// Someone filled in the form.
    Requested = "requested",
    /// The owner of the address pressed the button.
    Confirmed = "confirmed",
    /// The owner left.
    Withdrawn = "withdrawn",
    /// The owner undid leaving.
    Restored = "restored",
    /// The owner agreed that opens and clicks are counted: of the time when one box asked for both.
    TrackingGiven = "tracking_given",
    TrackingWithdrawn = "tracking_withdrawn",
    /// The owner agreed that opens are counted.
    OpensGiven = "opens_given",
    OpensWithdrawn = "opens_withdrawn",
    /// The owner agreed that clicks are counted.
    ClicksGiven = "clicks_given",
    ClicksWithdrawn = "clicks_withdrawn",
    /// The owner moved to another address, and confirmed it there.
    AddressChanged = "address_changed",
    /// The company brought the person along from elsewhere; the words are its basis for that.
    Imported = "imported",
});

/// One event in the life of a subscription, with where it came from.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Consent {
    pub subscriber_id: SubscriberId,
    pub newsletter_id: NewsletterId,
    pub event: ConsentEvent,
    pub at: Timestamp,
    pub consent_text_id: Option<ConsentTextId>,
    pub language: Language,
    /// Through which door: `page`, `form`, `one-click`, `mail`, `command`, ...
    pub source: String,
    /// The page that held the form, as the browser named it; may be empty.
    pub page: String,
    pub ip: String,
    pub user_agent: String,
    /// Of the mail that answered the request, or of the confirmation mail that was pressed, where there was one.
    pub message_id: Option<String>,
    pub form_id: Option<FormId>,
    pub form_version: Option<i64>,
    /// The page before the one with the form; may be empty.
    pub referrer: String,
    /// `utm_source=..&utm_medium=..`; may be empty.
    pub utm: String,
    /// The privacy text that was linked then; may be empty.
    pub privacy_url: String,
    /// Which version of it; may be empty.
    pub privacy_version: String,
}

/// The exact words that someone agreed to. Never changed: new words are a new version.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct ConsentText {
    pub id: ConsentTextId,
    pub newsletter_id: NewsletterId,
    pub language: Language,
    pub version: i64,
    /// Hexadecimal SHA-256 of the body.
    pub sha256: String,
    pub body: String,
    pub created_at: Timestamp,
}
