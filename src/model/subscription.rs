//! A subscriber and a newsletter.

use super::{Agreed, FormId, Language, NewsletterId, SubscriberId, SubscriptionId, Timestamp};

text_enum!(SubscriptionStatus {
    /// Asked for, and not confirmed by the owner of the address: gets nothing but the confirmation mail.
    Pending = "pending",
    Confirmed = "confirmed",
    Unsubscribed = "unsubscribed",
});

text_enum!(
    /// How often a subscriber wants mail.
    Rhythm {
        /// Every issue as it is sent.
        Each = "each",
        /// A digest a month, instead of the issues.
        Monthly = "monthly",
    }
);

text_enum!(
    /// What a reader chose anew.
    SubscriptionChange {
        Language = "language",
        Rhythm = "rhythm",
        Topics = "topics",
        Pause = "pause",
        Resume = "resume",
    }
);

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub subscriber_id: SubscriberId,
    pub newsletter_id: NewsletterId,
    pub status: SubscriptionStatus,
    /// In which pages and mails speak to this subscriber.
    pub language: Language,
    pub created_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub unsubscribed_at: Option<Timestamp>,
    pub rhythm: Rhythm,
    /// No issue before this moment.
    pub paused_until: Option<Timestamp>,
    /// Since when it is part of the audience of issues: not while it is pending, paused, monthly or left.
    pub audience_since: Option<Timestamp>,
    /// Since when it is part of the audience of monthly digests, where there are any; never while the other is set.
    pub monthly_since: Option<Timestamp>,
    /// When the reader agreed that opens are counted for this person.
    pub opens_since: Option<Timestamp>,
    /// The same for clicks.
    pub clicks_since: Option<Timestamp>,
    /// The form that the sign-up came through.
    pub form_id: Option<FormId>,
    /// Of the one reminder to confirm.
    pub reminded_at: Option<Timestamp>,
    /// The address is one of throw-away mailboxes.
    pub is_disposable: bool,
}

impl Subscription {
    /// What the reader agrees now to be counted for.
    pub const fn agreed(&self) -> Agreed {
        Agreed { opens: self.opens_since.is_some(), clicks: self.clicks_since.is_some() }
    }

    /// Since when it is in the audience of mailings for readers of this rhythm.
    pub const fn in_audience_since(&self, rhythm: Rhythm) -> Option<Timestamp> {
        match rhythm {
            Rhythm::Each => self.audience_since,
            Rhythm::Monthly => self.monthly_since,
        }
    }
}
