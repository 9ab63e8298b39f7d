//! What one subscribes to.

use super::{EmailAddress, Language, NewsletterId, ReaderLanguages, Slug, Theme, Timestamp, Tracking};

text_enum!(
    /// What happens to a delivery of which nobody knows whether the relay took it.
    UncertainPolicy {
        /// Send it again under the same Message-ID, and count it (the default).
        Resend = "resend",
        /// Keep it aside until a person decides.
        Hold = "hold",
    }
);

text_enum!(
    /// Who finds the issues of a newsletter on the web.
    ArchivePolicy {
        /// Everybody: search engines are welcome.
        Public = "public",
        /// Who has the address; search engines are asked to leave it out (the default).
        Unlisted = "unlisted",
        /// Nobody: only the link in a mail leads to its issue.
        Off = "off",
    }
);

impl ArchivePolicy {
    /// Whether there is an archive at all.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Whether search engines are welcome.
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Public)
    }
}

/// A newsletter with its sender and its brand.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Newsletter {
    pub id: NewsletterId,
    pub slug: Slug,
    pub name: String,
    /// One or two sentences for the sign-up page.
    pub description: String,
    pub language: Language,
    /// IANA name, such as `Europe/Brussels`; times are entered and shown in it.
    pub time_zone: String,
    pub sender_name: String,
    pub sender_address: EmailAddress,
    pub reply_to: Option<EmailAddress>,
    /// In every issue, as the law asks (L10). Lines are separated by `\n`.
    pub postal_address: String,
    /// `#rrggbb`.
    pub brand_color: String,
    /// Absolute https URL, or empty.
    pub logo_url: String,
    pub on_uncertain: UncertainPolicy,
    /// Name of the relay that is asked first; empty: any.
    pub relay: String,
    /// Most mails in an hour; without: as fast as relays and destinations take them.
    pub mails_per_hour: Option<i64>,
    /// Where the company says what it does with personal data; empty: nowhere.
    pub privacy_url: String,
    /// The version of that text, or its date, in the company's words; empty: not told.
    pub privacy_version: String,
    /// Which languages readers can choose beside [`Newsletter::language`].
    pub reader_languages: ReaderLanguages,
    pub archive: ArchivePolicy,
    /// How its issues look, where they do not say otherwise.
    pub theme: Theme,
    /// Whether an issue goes out only when somebody else than who wrote it has approved it.
    pub needs_approval: bool,
    /// Whether clicks and opens of its issues are counted.
    pub tracking: Tracking,
    pub created_at: Timestamp,
}

impl Newsletter {
    /// The languages in which readers can have the mails about their subscription, its own first.
    pub fn languages_of_readers(&self) -> Vec<Language> {
        let others = self.reader_languages.iter().filter(|language| *language != self.language);
        std::iter::once(self.language).chain(others).collect()
    }

    /// The language that was wished for, where readers can choose it; else its own.
    pub fn language_for(&self, wished: Language) -> Language {
        if self.reader_languages.has(wished) { wished } else { self.language }
    }
}

/// What is needed to add a newsletter.
#[derive(Debug, Clone)]
pub struct NewNewsletter {
    pub slug: Slug,
    pub name: String,
    pub description: String,
    pub language: Language,
    pub time_zone: String,
    pub sender_name: String,
    pub sender_address: EmailAddress,
    pub reply_to: Option<EmailAddress>,
    pub postal_address: String,
    pub brand_color: String,
    pub logo_url: String,
    pub on_uncertain: UncertainPolicy,
}
