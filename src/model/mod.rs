//! Plain types without I/O. A value that exists is right: parsing happens in the constructors.
//!
//! To add a type: a file of its own, its states as an enum made by [`text_enum!`], and a line in
//! `docs/glossary.md`. The words there are the words here.

#[macro_use]
mod text_enum;

pub mod account_link;
pub mod act;
pub mod actor;
pub mod api_key;
pub mod article;
pub mod bulk_act;
pub mod calendar;
pub mod consent;
pub mod delivery;
pub mod departure;
pub mod destination;
pub mod digest;
pub mod disposable;
pub mod dkim;
pub mod email_address;
pub mod field;
pub mod filter;
pub mod form;
pub mod gcra;
pub mod ids;
pub mod image;
pub mod import;
pub mod issue;
pub mod language;
pub mod link_check;
pub mod mailing;
pub mod newsletter;
pub mod outbox;
pub mod person_name;
pub mod provider_aim;
pub mod reader_languages;
pub mod relay;
pub mod retention;
pub mod search_words;
pub mod segment;
pub mod setup_step;
pub mod slug;
pub mod source;
pub mod subscriber;
pub mod subscription;
pub mod tag;
pub mod test_group;
pub mod theme;
pub mod timestamp;
pub mod topic;
pub mod tracking;
pub mod trial;
pub mod user;
pub mod welcome;

pub use account_link::LinkPurpose;
pub use act::Act;
pub use actor::{Actor, ByKey, Denied, Grant, Permission, Person, Role, Scope};
pub use api_key::{ApiKey, ExternalArticle, KeyLifetime};
pub use article::{Article, ArticleStatus, ArticleVersion, VersionKind};
pub use bulk_act::{BulkAct, BulkActKind, BulkActStatus};
pub use consent::{Consent, ConsentEvent, ConsentText};
pub use delivery::{Delivery, Outcome, Refusal};
pub use departure::DepartureReason;
pub use destination::{Destinations, Limits, WarmUp};
pub use digest::{
    Calendar, CalendarText, Days, DigestOrder, DigestPolicy, DigestRule, DigestRun, DigestSource, RunReason,
    RunState,
};
pub use disposable::DisposableDomains;
pub use dkim::{
    ConfiguredDkimKey, DkimAlgorithm, DkimKey, DkimKeyState, DkimSettings, SigningKey, SigningKeyError,
    StoredDkimKey,
};
pub use email_address::EmailAddress;
pub use field::{AskedField, Field, FieldKind, FieldText};
pub use filter::{Condition, FieldTest, Filter, Group, Joined, Selection};
pub use form::{DisposablePolicy, Form, ProofPolicy};
pub use gcra::Gcra;
pub use ids::*;
pub use image::{Image, ImageStore, ImageType, ImageVariant};
pub use import::{Import, ImportCounts, ImportOrigin, ImportStatus, Meaning, RowOutcome, RowProblem};
pub use issue::{ArticleDisplay, Issue, IssueArticle, IssueTranslation, Placed};
pub use language::Language;
pub use link_check::{LinkCheck, LinkVerdict};
pub use mailing::{Account, Mailing, MailingStatus, Move, PauseReason};
pub use newsletter::{ArchivePolicy, Newsletter, UncertainPolicy};
pub use outbox::{OutboxKind, OutboxMail, OutboxStatus};
pub use person_name::PersonName;
pub use provider_aim::ProviderAim;
pub use reader_languages::ReaderLanguages;
pub use relay::{
    AuthMethod, Credentials, NamedRelay, RelayCause, RelaySettings, RelayTrouble, StageTimeouts, StoredRelay,
    TlsMode,
};
pub use retention::{RETENTION_DAYS_MAX, Retention, RetentionPeriod, RetentionRun};
pub use segment::Segment;
pub use setup_step::SetupStep;
pub use slug::Slug;
pub use source::{Intake, Source, SourceItem};
pub use subscriber::Subscriber;
pub use subscription::{Rhythm, Subscription, SubscriptionChange, SubscriptionStatus};
pub use tag::Tag;
pub use test_group::TestGroup;
pub use theme::Theme;
pub use timestamp::Timestamp;
pub use topic::{Topic, TopicText};
pub use tracking::{Agreed, HitCounts, HitKind, HitRule, MailingLink, Tracking};
pub use trial::{Trial, TrialBy, TrialPlan, Variant};
pub use user::User;
pub use welcome::{WelcomeStep, WelcomeText};
