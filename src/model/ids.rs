//! Row ids. Inside they are `i64`; where the outside sees an id it is a UUIDv7 in its own column.

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+ };
}

ids!(
    ApiKeyId,
    ArticleId,
    ArticleVersionId,
    BulkActId,
    ConsentTextId,
    DigestRuleId,
    DigestRunId,
    DkimKeyId,
    FieldId,
    FormId,
    IdentityId,
    ImageId,
    ImportId,
    IssueId,
    MailingId,
    NewsletterId,
    OutboxId,
    PasskeyId,
    RelayId,
    SegmentId,
    SourceId,
    SubscriberId,
    SubscriptionId,
    TagId,
    TestGroupId,
    TopicId,
    UserId,
    WelcomeStepId,
    /// One running sender process.
    WorkerId,
);
