//! What was done at the desk or by the command line, as the audit log keeps it: a key for each act.
//!
//! To add one: a value here, its words `act-KEY` in the language files, and a line in the verb: `tx.note(Act::..)`. Its
//! first word is the kind of object that it was done to.

text_enum!(Act {
    ArticleAdded = "article_added",
    ArticleSaved = "article_saved",
    ArticleRestored = "article_restored",
    ArticlePublished = "article_published",
    ArticleWithdrawn = "article_withdrawn",
    ArticleArchived = "article_archived",
    /// Brought back from there.
    ArticleUnarchived = "article_unarchived",
    ImageAdded = "image_added",
    IssueAdded = "issue_added",
    IssueSaved = "issue_saved",
    IssueDiscarded = "issue_discarded",
    IssueTested = "issue_tested",
    /// Colleagues were asked by mail to approve one.
    IssueApprovalAsked = "issue_approval_asked",
    IssueApproved = "issue_approved",
    IssueScheduled = "issue_scheduled",
    /// Sent now, paused, resumed, cancelled, sent again: the detail says which.
    MailingMoved = "mailing_moved",
    NewsletterAdded = "newsletter_added",
    /// The detail is the part: `sender`, `brand`.
    NewsletterChanged = "newsletter_changed",
    TopicAdded = "topic_added",
    TopicChanged = "topic_changed",
    TopicArchived = "topic_archived",
    TopicRestored = "topic_restored",
    FormAdded = "form_added",
    FormChanged = "form_changed",
    FormArchived = "form_archived",
    FormRestored = "form_restored",
    FieldAdded = "field_added",
    FieldChanged = "field_changed",
    FieldArchived = "field_archived",
    FieldRestored = "field_restored",
    WelcomeAdded = "welcome_added",
    WelcomeChanged = "welcome_changed",
    WelcomeDeleted = "welcome_deleted",
    WelcomeTested = "welcome_tested",
    DigestAdded = "digest_added",
    DigestChanged = "digest_changed",
    /// On or off: the detail says which.
    DigestSwitched = "digest_switched",
    DigestDeleted = "digest_deleted",
    DigestApproved = "digest_approved",
    DigestSkipped = "digest_skipped",
    /// A date that was skipped ahead is one again.
    DigestUnskipped = "digest_unskipped",
    /// Its issue became one like any other.
    DigestTaken = "digest_taken",
    DigestRetried = "digest_retried",
    SourceAdded = "source_added",
    SourceChanged = "source_changed",
    SourceRemoved = "source_removed",
    GroupSaved = "group_saved",
    GroupDeleted = "group_deleted",
    SubscribersExported = "subscribers_exported",
    /// One, or many: the detail says what.
    SubscribersChanged = "subscribers_changed",
    SubscribersImported = "subscribers_imported",
    SegmentAdded = "segment_added",
    SegmentChanged = "segment_changed",
    SegmentDeleted = "segment_deleted",
    SubscribersErased = "subscribers_erased",
    RelayAdded = "relay_added",
    RelayChanged = "relay_changed",
    RelayRemoved = "relay_removed",
    DomainKeyMade = "domain_key_made",
    /// It signs: seen in DNS, or because somebody said so, as the detail says.
    DomainKeyBegan = "domain_key_began",
    DomainKeyRetired = "domain_key_retired",
    DomainKeyRemoved = "domain_key_removed",
    /// The detail is the period and its days, or that it is that of the configuration again.
    RetentionChanged = "retention_changed",
    /// With a password at once, by the command line or the first run.
    PersonAdded = "person_added",
    PersonInvited = "person_invited",
    PersonRevoked = "person_revoked",
    PersonJoined = "person_joined",
    /// Another role, or other newsletters: the detail says which.
    PersonGranted = "person_granted",
    PersonDisabled = "person_disabled",
    PersonEnabled = "person_enabled",
    PersonRemoved = "person_removed",
    PersonProfile = "person_profile",
    PersonPassword = "person_password",
    /// A forgotten password was asked for.
    PersonForgot = "person_forgot",
    PersonSignedIn = "person_signed_in",
    PersonSignedOut = "person_signed_out",
    /// Somebody typed too many wrong passwords.
    PersonPasswordsRefused = "person_passwords_refused",
    PersonSessionsEnded = "person_sessions_ended",
    PersonFactorOn = "person_factor_on",
    PersonFactorOff = "person_factor_off",
    /// An account at the provider was linked, or the link was cut.
    PersonIdentityLinked = "person_identity_linked",
    PersonIdentityCut = "person_identity_cut",
    PersonPasskeyAdded = "person_passkey_added",
    PersonPasskeyRemoved = "person_passkey_removed",
    /// It counts as if there were two of it: it was refused.
    PersonPasskeyCopied = "person_passkey_copied",
    PersonCodesMade = "person_codes_made",
    PersonCodeUsed = "person_code_used",
    /// Somebody with the password typed too many wrong ones.
    PersonCodesRefused = "person_codes_refused",
    /// Of everybody: the detail is `on` or `off`.
    PersonFactorDemanded = "person_factor_demanded",
    /// Of the API: the detail has its permissions.
    KeyAdded = "key_added",
    KeyRevoked = "key_revoked",
});

impl Act {
    /// The kind of object that it is done to.
    pub fn kind(self) -> &'static str {
        self.as_str().split_once('_').map_or("", |(kind, _)| kind)
    }

    /// Whether it is done again and again while somebody works, so that the log keeps it once in a while.
    pub const fn is_frequent(self) -> bool {
        matches!(self, Self::ArticleSaved | Self::IssueSaved)
    }
}

/// The kinds of objects, as the log can be searched for.
pub const KINDS: [&str; 19] = [
    "article",
    "image",
    "issue",
    "mailing",
    "newsletter",
    "topic",
    "form",
    "field",
    "welcome",
    "digest",
    "source",
    "group",
    "subscribers",
    "segment",
    "relay",
    "domain",
    "retention",
    "person",
    "key",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_a_kind_that_can_be_searched_for() {
        for act in Act::ALL {
            assert!(KINDS.contains(&act.kind()), "{act}");
        }
        for kind in KINDS {
            assert!(Act::ALL.iter().any(|act| act.kind() == kind), "{kind}");
        }
    }
}
