//! Filters as SQL. Every value is a parameter; the text is made of our own words only.
//!
//! A statement about subscriptions calls them `n`; [`Statement::selected`] adds who is selected.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, FromRow};

use super::{Db, Result, StoreError, like_pattern, on};
use crate::model::{
    Condition, FieldKind, FieldTest, Filter, Group, IssueId, Joined, NewsletterId, Selection, TopicId,
};

/// What more people than this meet tells nobody apart: the list is walked then, and found in quickly.
const COMMON: i64 = 5_000;
/// What more people than this meet is not looked up one by one to count them: walking the list in its order is faster.
const COUNTED: i64 = 200_000;
/// The same of whom an issue was sent to, where everybody would be walked.
const COUNTED_OF_MAILING: i64 = 500_000;
/// Behind every text that begins with a word.
const AFTER_ALL: char = '\u{10ffff}';

#[derive(Debug, Clone)]
enum Value {
    Number(i64),
    Text(String),
}

/// An SQL text that grows with its parameters.
#[derive(Debug, Clone, Default)]
pub(super) struct Statement {
    sql: String,
    values: Vec<Value>,
    /// Everybody is looked at: PostgreSQL may join whole tables. Otherwise it is to look people up one by one, since the
    /// first of them are enough.
    pub is_of_all: bool,
    /// The mailings of issues that are asked about, where they are known ([`Self::know_mailings`]).
    mailings: Vec<(IssueId, Vec<i64>)>,
    /// What the driver has everybody meet already.
    met: Option<Driver>,
}

impl Statement {
    pub fn of(sql: &str) -> Self {
        Self { sql: sql.to_owned(), ..Self::default() }
    }

    /// Looks up the mailings that filters ask about, for a statement about everybody: of a mailing that it is told
    /// PostgreSQL knows how many it went to. Of one that it has to look up itself it expects a few hundred, and then looks each
    /// of a million up.
    pub async fn know_mailings(&mut self, mut db: Db<'_>, filters: &[&Filter]) -> Result<()> {
        const SQL: &str = "SELECT id FROM mailings WHERE issue_id = $1 ORDER BY id";
        for condition in filters.iter().flat_map(|filter| &filter.groups).flat_map(|group| &group.conditions)
        {
            if let Condition::Mailed { issue, .. } = condition {
                let ids = on!(db.again(), |c| sqlx::query_scalar(SQL).bind(*issue).fetch_all(c).await?);
                self.mailings.push((*issue, ids));
            }
        }
        Ok(())
    }

    pub fn sql(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    fn value(&mut self, value: Value) -> &mut Self {
        use std::fmt::Write as _;
        self.values.push(value);
        let _ = write!(self.sql, "${}", self.values.len());
        self
    }

    pub fn number(&mut self, number: i64) -> &mut Self {
        self.value(Value::Number(number))
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.value(Value::Text(text.to_owned()))
    }

    /// ` AND ..`: who is selected, of the subscriptions `n`. What few people meet drives the search ([`driver`]).
    pub fn selected(&mut self, selection: &Selection, driver: Option<&Driver>) -> &mut Self {
        match (selection.newsletter, driver) {
            (None, _) => {}
            (Some(newsletter), None | Some(Driver::Joined(_))) => {
                self.of_newsletter(newsletter);
            }
            // The plus keeps SQLite from walking the newsletter instead. So does the cast, which PostgreSQL drops: it expects
            // half a percent of all where it knows nothing, and joins accordingly.
            (Some(newsletter), Some(_)) => {
                let column =
                    if self.is_of_all { "CAST(n.newsletter_id AS BIGINT)" } else { "+n.newsletter_id" };
                self.sql(" AND ").sql(column).sql(" = ").number(newsletter.0);
            }
        }
        self.met = driver.cloned();
        let rare = match driver {
            Some(Driver::Word(at)) => Some(*at),
            Some(Driver::Joined(_)) | None => None,
            Some(driver) => {
                self.sql(if matches!(driver, Driver::Mailed(_)) {
                    " AND n.subscriber_id IN (SELECT "
                } else {
                    " AND n.id IN (SELECT "
                });
                self.driven_by(driver, selection).sql(")");
                None
            }
        };
        if !selection.ids.is_empty() {
            self.sql(" AND n.id IN (");
            for (at, id) in selection.ids.iter().enumerate() {
                self.sql(if at == 0 { "" } else { ", " }).number(id.0);
            }
            self.sql(")");
        }
        for (at, word) in selection.words.iter().enumerate() {
            if rare == Some(at) {
                self.sql(" AND n.subscriber_id IN (SELECT w.subscriber_id FROM subscriber_words w WHERE ");
            } else {
                self.sql(
                    " AND EXISTS (SELECT 1 FROM subscriber_words w WHERE w.subscriber_id = n.subscriber_id AND ",
                );
            }
            self.begins(word).sql(")");
        }
        self.filtered(&selection.within).filtered(&selection.filter)
    }

    /// Whom a driver means, behind `SELECT`.
    fn driven_by(&mut self, driver: &Driver, selection: &Selection) -> &mut Self {
        match driver {
            Driver::Word(at) => {
                let word = selection.words.get(*at).map_or("", String::as_str);
                self.sql("w.subscriber_id FROM subscriber_words w WHERE ").begins(word)
            }
            Driver::Topic(topic) => {
                self.sql("t.subscription_id FROM subscription_topics t WHERE t.topic_id = ").number(*topic)
            }
            Driver::Answer(field, value) => self
                .sql("v.subscription_id FROM subscription_values v WHERE v.field_id = ")
                .number(*field)
                .sql(" AND v.value = ")
                .text(value),
            Driver::Language(newsletter, language) => self
                .sql("l.id FROM subscriptions l WHERE l.newsletter_id = ")
                .number(*newsletter)
                .sql(" AND l.language = ")
                .text(language),
            Driver::Clicked(issue) => self
                .sql(
                    "h.subscription_id FROM mailings m JOIN reader_hits h ON h.mailing_id = m.id
                    WHERE h.number > 0 AND h.hits > 0 AND m.issue_id = ",
                )
                .number(*issue),
            Driver::Mailed(issue) | Driver::Joined(issue) if self.knows(IssueId(*issue)) => self
                .sql("d.subscriber_id FROM deliveries d WHERE d.outcome = 'sent' AND ")
                .of_mailings(IssueId(*issue)),
            Driver::Mailed(issue) | Driver::Joined(issue) => self
                .sql(
                    "d.subscriber_id FROM mailings m JOIN deliveries d ON d.mailing_id = m.id
                    WHERE d.outcome = 'sent' AND m.issue_id = ",
                )
                .number(*issue),
        }
    }

    pub fn of_newsletter(&mut self, newsletter: NewsletterId) -> &mut Self {
        self.sql(" AND n.newsletter_id = ").number(newsletter.0)
    }

    fn begins(&mut self, word: &str) -> &mut Self {
        self.sql("w.word >= ").text(word).sql(" AND w.word < ").text(&format!("{word}{AFTER_ALL}"))
    }

    /// ` AND (..)`: to whom a filter applies.
    pub fn filtered(&mut self, filter: &Filter) -> &mut Self {
        let groups: Vec<&Group> = filter.groups.iter().filter(|group| !group.conditions.is_empty()).collect();
        if groups.is_empty() {
            return self;
        }
        self.sql(" AND (");
        for (at, group) in groups.into_iter().enumerate() {
            self.sql(if at == 0 { "(" } else { joint(filter.joined) });
            if at > 0 {
                self.sql("(");
            }
            for (at, condition) in group.conditions.iter().enumerate() {
                if at > 0 {
                    self.sql(joint(group.joined));
                }
                self.condition(condition);
            }
            self.sql(")");
        }
        self.sql(")")
    }

    fn condition(&mut self, condition: &Condition) -> &mut Self {
        let equals = |is: &bool| if *is { " = " } else { " <> " };
        let not = |is: &bool| if *is { "" } else { "NOT " };
        // PostgreSQL joins no select that has an offset.
        let end = if self.is_of_all { "))" } else { ") LIMIT 1 OFFSET 0)" };
        match condition {
            Condition::Status { is, status } => self.sql("n.status").sql(equals(is)).text(status.as_str()),
            // The cast, which PostgreSQL drops, keeps SQLite from walking the index of languages with a look at each row:
            // a language that few read drives, and another is counted in the index that has everything.
            Condition::Language { is, language } => {
                self.sql("CAST(n.language AS TEXT)").sql(equals(is)).text(language.as_str())
            }
            Condition::Topic { has: true, topic } if self.has_met_topic(*topic) => self.sql("TRUE"),
            Condition::Topic { has, topic } => self
                .sql(not(has))
                .sql("EXISTS (SELECT 1 FROM subscription_topics t WHERE t.subscription_id = n.id AND t.topic_id = ")
                .number(topic.0)
                .sql(")"),
            Condition::Form { is, form } => self.optional("n.form_id", *is, form.0),
            Condition::Import { is, import } => self.optional("n.import_id", *is, import.0),
            Condition::Field { field, field_kind, test, value } => {
                self.field(field.0, *field_kind, *test, value)
            }
            Condition::SignedUpFrom { at } => self.sql("n.created_at >= ").number(at.as_millis()),
            Condition::SignedUpBefore { at } => self.sql("n.created_at < ").number(at.as_millis()),
            Condition::Mailed { was: true, issue } if self.has_met_mailed(*issue) => {
                self.sql("n.newsletter_id = (SELECT i.newsletter_id FROM issues i WHERE i.id = ").number(issue.0).sql(")")
            }
            // All whom it went to, once: the cast, which PostgreSQL drops, keeps SQLite from looking each of them up instead of
            // walking the index that has everything.
            Condition::Mailed { was: true, issue } if self.is_of_all => self
                .sql("(CAST(n.subscriber_id AS BIGINT) IN (SELECT d.subscriber_id FROM deliveries d WHERE ")
                .of_mailings(*issue)
                .sql(" AND d.outcome = 'sent') AND n.newsletter_id = (SELECT i.newsletter_id FROM issues i WHERE i.id = ")
                .number(issue.0)
                .sql("))"),
            Condition::Mailed { was, issue } => self
                .sql(not(was))
                .sql("EXISTS (SELECT 1 FROM deliveries d WHERE ")
                .of_mailings(*issue)
                .sql(
                    " AND d.subscriber_id = n.subscriber_id AND d.outcome = 'sent'
                        AND n.newsletter_id = (SELECT i.newsletter_id FROM issues i WHERE i.id = ",
                )
                .number(issue.0)
                .sql(end),
            Condition::Clicked { has, issue } => self
                .sql(not(has))
                .sql(
                    "EXISTS (SELECT 1 FROM mailings m JOIN reader_hits h ON h.mailing_id = m.id
                        AND h.subscription_id = n.id
                        WHERE h.number > 0 AND h.hits > 0 AND m.newsletter_id = n.newsletter_id AND m.issue_id = ",
                )
                .number(issue.0)
                .sql(")"),
        }
    }

    fn has_met_topic(&self, topic: TopicId) -> bool {
        matches!(self.met, Some(Driver::Topic(met)) if met == topic.0)
    }

    fn has_met_mailed(&self, issue: IssueId) -> bool {
        matches!(self.met, Some(Driver::Mailed(met) | Driver::Joined(met)) if met == issue.0)
    }

    /// ` deliveries d CROSS JOIN subscriptions n WHERE ..`: those whom the only mailing of an issue was sent to, each once.
    /// `None` without one, or with several. CROSS: SQLite keeps to this order.
    pub fn joined_to(&mut self, driver: Option<&Driver>) -> Option<Driver> {
        let Some(Driver::Mailed(issue)) = driver else { return None };
        let (_, ids) = self.mailings.iter().find(|(of, _)| of.0 == *issue)?;
        let [mailing] = **ids else { return None };
        self.sql("deliveries d CROSS JOIN subscriptions n WHERE n.subscriber_id = d.subscriber_id AND d.outcome = 'sent'")
            .sql(" AND d.mailing_id = ")
            .number(mailing)
            .sql(" AND ");
        Some(Driver::Joined(*issue))
    }

    fn knows(&self, issue: IssueId) -> bool {
        self.mailings.iter().any(|(of, _)| *of == issue)
    }

    /// The rows `d` of an issue.
    fn of_mailings(&mut self, issue: IssueId) -> &mut Self {
        let known = self.mailings.iter().find(|(of, _)| *of == issue).map(|(_, ids)| ids.clone());
        let Some(ids) = known else {
            return self
                .sql("d.mailing_id IN (SELECT m.id FROM mailings m WHERE m.issue_id = ")
                .number(issue.0)
                .sql(")");
        };
        // No mailing has the number 0: nobody was sent an issue without one.
        self.sql("d.mailing_id IN (").number(ids.first().copied().unwrap_or(0));
        for id in ids.iter().skip(1) {
            self.sql(", ").number(*id);
        }
        self.sql(")")
    }

    /// NULL is another value than any.
    fn optional(&mut self, column: &str, is: bool, id: i64) -> &mut Self {
        if is {
            return self.sql(column).sql(" = ").number(id);
        }
        self.sql("(").sql(column).sql(" IS NULL OR ").sql(column).sql(" <> ").number(id).sql(")")
    }

    fn field(&mut self, field: i64, kind: FieldKind, test: FieldTest, value: &str) -> &mut Self {
        let is_negative = matches!(test, FieldTest::IsNot | FieldTest::NotGiven);
        self.sql(if is_negative { "NOT " } else { "" })
            .sql("EXISTS (SELECT 1 FROM subscription_values v WHERE v.subscription_id = n.id AND v.field_id = ")
            .number(field);
        match test {
            FieldTest::Given | FieldTest::NotGiven => self,
            FieldTest::Is | FieldTest::IsNot => self.sql(" AND v.value = ").text(value),
            // An answer of before has no key until the background has been there.
            FieldTest::Contains => self
                .sql(" AND COALESCE(v.value_key, LOWER(v.value)) LIKE ")
                .text(&like_pattern(value))
                .sql(" ESCAPE '\\'"),
            FieldTest::AtLeast | FieldTest::AtMost => {
                let compared = if test == FieldTest::AtLeast { " >= " } else { " <= " };
                match (kind, value.parse()) {
                    (FieldKind::Number, Ok(number)) => {
                        // In this order: values of other fields are no numbers.
                        self.sql(" AND CASE WHEN v.field_id = ")
                            .number(field)
                            .sql(" THEN CAST(v.value AS BIGINT)")
                            .sql(compared)
                            .number(number)
                            .sql(" END")
                    }
                    // Dates are written so that their order is that of texts.
                    _ => self.sql(" AND v.value").sql(compared).text(value),
                }
            }
        }
        .sql(")")
    }

    fn arguments_sqlite(&self) -> Result<SqliteArguments> {
        let mut arguments = SqliteArguments::default();
        for value in &self.values {
            match value {
                Value::Number(number) => arguments.add(*number),
                Value::Text(text) => arguments.add(text.clone()),
            }
            .map_err(unencodable)?;
        }
        Ok(arguments)
    }

    fn arguments_postgres(&self) -> Result<PgArguments> {
        let mut arguments = PgArguments::default();
        for value in &self.values {
            match value {
                Value::Number(number) => arguments.add(*number),
                Value::Text(text) => arguments.add(text.as_str()),
            }
            .map_err(unencodable)?;
        }
        Ok(arguments)
    }

    pub async fn fetch_all<T>(&self, db: Db<'_>) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let sql = AssertSqlSafe(self.sql.clone());
        Ok(match db {
            Db::Sqlite(c) => sqlx::query_as_with(sql, self.arguments_sqlite()?).fetch_all(c).await?,
            Db::Postgres(c) => sqlx::query_as_with(sql, self.arguments_postgres()?).fetch_all(c).await?,
        })
    }

    /// The one number that it answers.
    pub async fn fetch_number(&self, db: Db<'_>) -> Result<i64> {
        let rows: Vec<(i64,)> = self.fetch_all(db).await?;
        rows.first().map(|(number,)| *number).ok_or_else(StoreError::missing)
    }

    pub async fn execute(&self, db: Db<'_>) -> Result<u64> {
        let sql = AssertSqlSafe(self.sql.clone());
        Ok(match db {
            Db::Sqlite(c) => {
                sqlx::query_with(sql, self.arguments_sqlite()?).execute(c).await?.rows_affected()
            }
            Db::Postgres(c) => {
                sqlx::query_with(sql, self.arguments_postgres()?).execute(c).await?.rows_affected()
            }
        })
    }
}

const fn joint(joined: Joined) -> &'static str {
    match joined {
        Joined::All => " AND ",
        Joined::Any => " OR ",
    }
}

fn unencodable(error: sqlx::error::BoxDynError) -> StoreError {
    StoreError::Database(sqlx::Error::Encode(error))
}

/// What is asked of everyone who is selected, and may be met by so few that the search begins with them.
#[derive(Debug, Clone)]
pub(super) enum Driver {
    /// By its place.
    Word(usize),
    Topic(i64),
    Answer(i64, String),
    Mailed(i64),
    /// The same where the statement begins at the rows of its only mailing.
    Joined(i64),
    Clicked(i64),
    Language(i64, &'static str),
}

/// Conditions that all must meet, of those that can drive.
fn drivers(selection: &Selection) -> Vec<Driver> {
    let mut found: Vec<Driver> = (0..selection.words.len()).map(Driver::Word).collect();
    for filter in [&selection.within, &selection.filter] {
        if filter.joined == Joined::Any && filter.groups.len() > 1 {
            continue;
        }
        for group in &filter.groups {
            if group.joined == Joined::Any && group.conditions.len() > 1 {
                continue;
            }
            found.extend(group.conditions.iter().filter_map(|condition| match condition {
                Condition::Topic { has: true, topic } => Some(Driver::Topic(topic.0)),
                Condition::Field { field, test: FieldTest::Is, value, .. } => {
                    Some(Driver::Answer(field.0, value.clone()))
                }
                Condition::Mailed { was: true, issue } => Some(Driver::Mailed(issue.0)),
                Condition::Clicked { has: true, issue } => Some(Driver::Clicked(issue.0)),
                Condition::Language { is: true, language } => {
                    let newsletter = selection.newsletter?;
                    Some(Driver::Language(newsletter.0, language.as_str()))
                }
                _ => None,
            }));
        }
    }
    found
}

/// What the fewest people meet; `None` when all is common, or nothing can drive.
pub(super) async fn driver(db: Db<'_>, selection: &Selection) -> Result<Option<Driver>> {
    driver_of_fewer(db, selection, |_| COMMON).await
}

/// The same to count everyone: then a driver saves time as long as it means a part of the list only.
pub(super) async fn driver_to_count(db: Db<'_>, selection: &Selection) -> Result<Option<Driver>> {
    driver_of_fewer(db, selection, |_| COUNTED).await
}

/// The same to count everyone exactly, with [`Statement::joined_to`].
pub(super) async fn driver_to_count_all(db: Db<'_>, selection: &Selection) -> Result<Option<Driver>> {
    let most = |driver: &Driver| match driver {
        Driver::Mailed(_) => COUNTED_OF_MAILING,
        _ => COUNTED,
    };
    driver_of_fewer(db, selection, most).await
}

async fn driver_of_fewer(
    mut db: Db<'_>,
    selection: &Selection,
    most: impl Fn(&Driver) -> i64,
) -> Result<Option<Driver>> {
    let mut rarest: Option<(Driver, i64)> = None;
    for driver in drivers(selection) {
        let most = most(&driver);
        let count = match driver {
            // Who reads so far in the ledger reads what the mailing itself has counted.
            Driver::Mailed(issue) if most > COUNTED => sent_of(db.again(), IssueId(issue)).await?,
            _ => {
                let mut statement = Statement::of("SELECT count(*) FROM (SELECT ");
                statement.driven_by(&driver, selection).sql(" LIMIT ").number(most).sql(") AS few");
                statement.fetch_number(db.again()).await?
            }
        };
        if count < most && rarest.as_ref().is_none_or(|(_, least)| count < *least) {
            rarest = Some((driver, count));
        }
    }
    Ok(rarest.map(|(driver, _)| driver))
}

/// How many an issue was sent to, by the account of its mailings.
async fn sent_of(db: Db<'_>, issue: IssueId) -> Result<i64> {
    const SQL: &str = "SELECT COALESCE(CAST(SUM(sent) AS BIGINT), 0) FROM mailings WHERE issue_id = $1";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).bind(issue).fetch_one(c).await?))
}
