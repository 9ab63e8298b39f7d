//! Filters as SQL. Every value is a parameter; the text is made of our own words only.
//!
//! A statement about subscriptions calls them `n`; [`Statement::selected`] adds who is selected.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, FromRow};

use super::{Db, Result, StoreError, like_pattern};
use crate::model::{Condition, FieldKind, FieldTest, Filter, Group, Joined, NewsletterId, Selection};

/// A word that more people than this have tells nobody apart: the list is walked then, and found in quickly.
const COMMON_WORD: i64 = 5_000;
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
}

impl Statement {
    pub fn of(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
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

    /// ` AND ..`: who is selected, of the subscriptions `n`. `rare` is the word that drives the search, if there is one
    /// ([`rare_word`]).
    pub fn selected(&mut self, selection: &Selection, rare: Option<usize>) -> &mut Self {
        if let Some(newsletter) = selection.newsletter {
            self.of_newsletter(newsletter);
        }
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
        match condition {
            Condition::Status { is, status } => self.sql("n.status").sql(equals(is)).text(status.as_str()),
            Condition::Language { is, language } => {
                self.sql("n.language").sql(equals(is)).text(language.as_str())
            }
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
            Condition::Mailed { was, issue } => self
                .sql(not(was))
                .sql(
                    "EXISTS (SELECT 1 FROM mailings m JOIN deliveries d ON d.mailing_id = m.id
                        AND d.subscriber_id = n.subscriber_id WHERE d.outcome = 'sent' AND m.issue_id = ",
                )
                .number(issue.0)
                .sql(")"),
        }
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
            FieldTest::Contains => {
                self.sql(" AND LOWER(v.value) LIKE ").text(&like_pattern(value)).sql(" ESCAPE '\\'")
            }
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

/// Which of the words the fewest people have; `None` when all are common, or there are none.
pub(super) async fn rare_word(mut db: Db<'_>, words: &[String]) -> Result<Option<usize>> {
    let mut rarest = None;
    for (at, word) in words.iter().enumerate() {
        let mut statement = Statement::of("SELECT count(*) FROM (SELECT 1 FROM subscriber_words w WHERE ");
        statement.begins(word).sql(" LIMIT ").number(COMMON_WORD).sql(") AS few");
        let count = statement.fetch_number(db.again()).await?;
        if count < COMMON_WORD && rarest.is_none_or(|(_, least)| count < least) {
            rarest = Some((at, count));
        }
    }
    Ok(rarest.map(|(at, _)| at))
}
