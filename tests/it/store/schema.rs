//! The two migrations make the same tables, and both know the enums of the model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use postiljon::model::{
    ArchivePolicy, ArticleDisplay, ArticleStatus, AuthMethod, BulkActKind, BulkActStatus, ConsentEvent,
    DepartureReason, DigestOrder, DigestPolicy, DigestSource, DisposablePolicy, DkimAlgorithm, DkimKeyState,
    FieldKind, HitKind, HitRule, ImageType, ImportOrigin, ImportStatus, Intake, Language, LinkPurpose,
    LinkVerdict, MailingStatus, OutboxKind, OutboxStatus, Outcome, PauseReason, ProofPolicy, ProviderAim,
    Refusal, RelayCause, RetentionPeriod, Rhythm, Role, RunReason, RunState, SetupStep, SubscriptionChange,
    SubscriptionStatus, Theme, TlsMode, Tracking, TrialBy, UncertainPolicy, Variant, VersionKind,
};
use postiljon::store::{Pools, Store};

use crate::support::database::TestDatabase;

/// Of each column: its kind, and whether it may be NULL.
type Columns = BTreeMap<(String, String), (&'static str, bool)>;

const SQLITE: &str = "SELECT t.name, c.name, lower(c.type), c.\"notnull\" = 0 AND c.pk = 0
    FROM sqlite_schema t JOIN pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '_sqlx_migrations'";

const POSTGRES: &str = "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES'
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'";

async fn columns(store: &Store) -> Columns {
    let rows: Vec<(String, String, String, bool)> = match store.pools() {
        Pools::Sqlite { writer, .. } => sqlx::query_as(SQLITE).fetch_all(writer).await.expect("read"),
        Pools::Postgres(pool) => sqlx::query_as(POSTGRES).fetch_all(pool).await.expect("read"),
    };
    let kind = |kind: &str| match kind {
        "integer" | "bigint" | "boolean" => "number",
        "text" => "text",
        // A UUID is sixteen bytes in SQLite.
        "blob" | "bytea" | "uuid" => "bytes",
        other => panic!("a column of type {other}: say here what it is on the other side"),
    };
    rows.into_iter().map(|(table, column, typ, null)| ((table, column), (kind(&typ), null))).collect()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let sqlite = TestDatabase::sqlite().await;
    let Some(postgres) = TestDatabase::postgres().await else { return };
    let found = columns(&sqlite.store).await;
    assert!(found.len() > 100, "only {} columns", found.len());
    assert_eq!(found, columns(&postgres.store).await);
    postgres.drop_postgres().await;
}

/// Names and definitions of indexes, without what the databases write differently.
async fn indexes(store: &Store) -> BTreeSet<String> {
    let names: Vec<String> = match store.pools() {
        Pools::Sqlite { writer, .. } => {
            let sql = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
            sqlx::query_scalar(sql).fetch_all(writer).await.expect("read")
        }
        Pools::Postgres(pool) => {
            let sql = "SELECT i.relname::text FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                JOIN pg_namespace n ON n.oid = i.relnamespace
                WHERE n.nspname = 'public' AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid)";
            sqlx::query_scalar(sql).fetch_all(pool).await.expect("read")
        }
    };
    names.into_iter().collect()
}

#[tokio::test]
async fn both_databases_have_the_same_indexes() {
    let sqlite = TestDatabase::sqlite().await;
    let Some(postgres) = TestDatabase::postgres().await else { return };
    let found = indexes(&sqlite.store).await;
    assert!(found.contains("mailings_one_per_issue"));
    assert_eq!(found, indexes(&postgres.store).await);
    postgres.drop_postgres().await;
}

/// The lists of `CHECK (column IN (..))` in all migrations of a folder, by table and column.
fn checks(migrations: &str) -> BTreeMap<String, Vec<String>> {
    let mut table = "";
    let mut found = BTreeMap::new();
    for line in migrations.lines() {
        if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            // A table that is made anew takes the old one's name.
            table = rest.trim_end_matches(" (").trim_start_matches("new_");
        } else if let Some(rest) = line.strip_prefix("ALTER TABLE ") {
            table = rest.split(' ').next().unwrap_or("");
        }
        if let Some((_, check)) = line.split_once("CHECK (")
            && let Some((column, list)) = check.split_once(" IN (")
        {
            let values =
                list.trim_end_matches([')', ',', ';']).split(", ").map(|v| v.trim_matches('\'').to_owned());
            found.insert(format!("{table}.{column}"), values.collect());
        }
    }
    found
}

fn names<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> Vec<String> {
    all.iter().map(|value| name(*value).to_owned()).collect()
}

#[test]
fn every_check_lists_the_values_of_its_enum() {
    let languages = names(Language::ALL, Language::as_str);
    let mut expected: BTreeMap<String, Vec<String>> = [
        ("article_versions.kind", names(VersionKind::ALL, VersionKind::as_str)),
        ("images.media_type", names(ImageType::ALL, ImageType::as_str)),
        ("articles.status", names(ArticleStatus::ALL, ArticleStatus::as_str)),
        ("consents.event", names(ConsentEvent::ALL, ConsentEvent::as_str)),
        ("departures.reason", names(DepartureReason::ALL, DepartureReason::as_str)),
        ("fields.kind", names(FieldKind::ALL, FieldKind::as_str)),
        ("forms.disposable_policy", names(DisposablePolicy::ALL, DisposablePolicy::as_str)),
        ("forms.proof_policy", names(ProofPolicy::ALL, ProofPolicy::as_str)),
        ("bulk_acts.kind", names(BulkActKind::ALL, BulkActKind::as_str)),
        ("bulk_acts.status", names(BulkActStatus::ALL, BulkActStatus::as_str)),
        ("imports.origin", names(ImportOrigin::ALL, ImportOrigin::as_str)),
        ("imports.status", names(ImportStatus::ALL, ImportStatus::as_str)),
        ("dkim_keys.algorithm", names(DkimAlgorithm::ALL, DkimAlgorithm::as_str)),
        ("dkim_keys.state", names(DkimKeyState::ALL, DkimKeyState::as_str)),
        ("configured_dkim_keys.algorithm", names(DkimAlgorithm::ALL, DkimAlgorithm::as_str)),
        ("retention_periods.period", names(RetentionPeriod::ALL, RetentionPeriod::as_str)),
        ("retention_runs.period", names(RetentionPeriod::ALL, RetentionPeriod::as_str)),
        ("relays.auth", names(AuthMethod::ALL, AuthMethod::as_str)),
        ("relay_troubles.cause", names(RelayCause::ALL, RelayCause::as_str)),
        ("relays.tls", names(TlsMode::ALL, TlsMode::as_str)),
        ("setup_steps.step", names(SetupStep::ALL, SetupStep::as_str)),
        ("subscription_changes.what", names(SubscriptionChange::ALL, SubscriptionChange::as_str)),
        ("subscriptions.rhythm", names(Rhythm::ALL, Rhythm::as_str)),
        ("grants.role", names(Role::ALL, Role::as_str)),
        ("account_links.purpose", names(LinkPurpose::ALL, LinkPurpose::as_str)),
        ("provider_logins.aim", names(ProviderAim::ALL, ProviderAim::as_str)),
        ("issues.rhythm", names(Rhythm::ALL, Rhythm::as_str)),
        ("mailings.rhythm", names(Rhythm::ALL, Rhythm::as_str)),
        ("digest_rules.audience", names(Rhythm::ALL, Rhythm::as_str)),
        ("digest_rules.source", names(DigestSource::ALL, DigestSource::as_str)),
        ("digest_rules.policy", names(DigestPolicy::ALL, DigestPolicy::as_str)),
        ("digest_rules.sort", names(DigestOrder::ALL, DigestOrder::as_str)),
        ("digest_rules.display", names(ArticleDisplay::ALL, ArticleDisplay::as_str)),
        ("digest_runs.state", names(RunState::ALL, RunState::as_str)),
        ("digest_runs.reason", names(RunReason::ALL, RunReason::as_str)),
        ("sources.intake", names(Intake::ALL, Intake::as_str)),
        ("issues.trial_by", names(TrialBy::ALL, TrialBy::as_str)),
        ("mailings.trial_by", names(TrialBy::ALL, TrialBy::as_str)),
        ("mailings.winner", names(Variant::ALL, Variant::as_str)),
        (
            "mailing_articles.language",
            std::iter::once(String::new()).chain(names(Language::ALL, Language::as_str)).collect(),
        ),
        ("issue_translations.language", names(Language::ALL, Language::as_str)),
        ("deliveries.outcome", names(Outcome::ALL, Outcome::as_str)),
        ("deliveries.refusal", names(Refusal::ALL, Refusal::as_str)),
        ("mailings.pause_reason", names(PauseReason::ALL, PauseReason::as_str)),
        ("newsletters.theme", names(Theme::ALL, Theme::as_str)),
        ("issues.theme", names(Theme::ALL, Theme::as_str)),
        ("link_checks.verdict", names(LinkVerdict::ALL, LinkVerdict::as_str)),
        ("issue_articles.display", names(ArticleDisplay::ALL, ArticleDisplay::as_str)),
        ("mailings.status", names(MailingStatus::ALL, MailingStatus::as_str)),
        ("newsletters.tracking", names(Tracking::ALL, Tracking::as_str)),
        ("mailings.tracking", names(Tracking::ALL, Tracking::as_str)),
        ("mailing_rules.kind", names(HitKind::ALL, HitKind::as_str)),
        ("mailing_rules.rule", names(HitRule::ALL, HitRule::as_str)),
        ("newsletters.archive", names(ArchivePolicy::ALL, ArchivePolicy::as_str)),
        ("newsletters.on_uncertain", names(UncertainPolicy::ALL, UncertainPolicy::as_str)),
        ("outbox.kind", names(OutboxKind::ALL, OutboxKind::as_str)),
        ("outbox.status", names(OutboxStatus::ALL, OutboxStatus::as_str)),
        ("subscriptions.status", names(SubscriptionStatus::ALL, SubscriptionStatus::as_str)),
        // No enums: one value each so far.
        ("suppressions.reason", vec!["erased".to_owned()]),
        ("tokens.purpose", vec!["confirm".to_owned()]),
    ]
    .into_iter()
    .map(|(column, values)| (column.to_owned(), values))
    .collect();
    for table in [
        "archive_texts",
        "article_versions",
        "articles",
        "consent_texts",
        "consents",
        "digest_rules",
        "field_texts",
        "mailing_contents",
        "newsletters",
        "outbox",
        "sources",
        "subscribers",
        "subscriptions",
        "topic_texts",
        "users",
        "welcome_step_texts",
    ] {
        expected.insert(format!("{table}.language"), languages.clone());
    }
    for folder in ["sqlite", "postgres"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
        let files = std::fs::read_dir(folder).expect("migrations").map(|file| file.expect("a file").path());
        let texts: BTreeMap<_, _> =
            files.map(|path| (path.clone(), std::fs::read_to_string(path).expect("a migration"))).collect();
        assert_eq!(checks(&texts.into_values().collect::<String>()), expected);
    }
}
