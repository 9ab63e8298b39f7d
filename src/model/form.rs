//! A door of a newsletter: its hosted page, the form on a website, the API. All check the same things.

use super::{FormId, NewsletterId, Timestamp};

text_enum!(
    /// What happens to a sign-up from a throw-away mailbox.
    DisposablePolicy {
        Allow = "allow",
        /// Taken, and marked on the subscription.
        Flag = "flag",
        Refuse = "refuse",
    }
);

text_enum!(
    /// When a form asks the browser for a proof of work.
    ProofPolicy {
        /// While the form is under attack.
        Auto = "auto",
        Always = "always",
        Never = "never",
    }
);

/// A form, as its owner made it.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Form {
    pub id: FormId,
    pub public_id: uuid::Uuid,
    pub newsletter_id: NewsletterId,
    pub name: String,
    /// The form of the newsletter's own page.
    pub is_default: bool,
    /// Counts the changes: consents say which one they were given on.
    pub version: i64,
    /// Origins of websites whose scripts may use the API, one a line.
    pub allowed_origins: String,
    /// Where a plain form leads after a sign-up; empty: to our page.
    pub redirect_url: String,
    pub disposable_policy: DisposablePolicy,
    pub proof_policy: ProofPolicy,
    /// Until then a proof of work is asked for, because the form is under attack.
    pub proof_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Takes no more sign-ups since then.
    pub archived_at: Option<Timestamp>,
}

impl Form {
    /// Whether scripts of a website may use the API. The browser names its origin the way we keep it.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.allowed_origins.lines().any(|allowed| allowed == origin)
    }
}
