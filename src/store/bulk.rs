//! One statement for many rows, prepared once.
//!
//! The rows are a table `v` with named columns, which one text for both databases then reads: on PostgreSQL one array
//! for each column, on SQLite `VALUES`. A text of which the length follows the number of rows would be prepared anew
//! nearly each time, so on SQLite there are few lengths: the rest is filled up with rows that are NULL, and a statement
//! must leave those alone. Its parameters have no numbers, because SQLite looks a number up in a list that grows with
//! them.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, FromRow};
use uuid::Uuid;

use super::{Db, Result, Tx};
use crate::store::StoreError;

/// Most rows of one statement: its parameters stay below SQLite's 32,766.
pub const BULK_ROWS_MAX: usize = 512;

/// A column of the rows, with its name.
#[derive(Debug)]
pub enum Column<'a> {
    Numbers(&'static str, Vec<Option<i64>>),
    Texts(&'static str, Vec<Option<&'a str>>),
    Octets(&'static str, Vec<&'a [u8]>),
    Uuids(&'static str, Vec<Uuid>),
    Flags(&'static str, Vec<bool>),
}

/// A value that is the same for all rows.
#[derive(Debug, Clone, Copy)]
pub enum Same<'a> {
    Number(i64),
    Text(&'a str),
}

impl Column<'_> {
    const fn name(&self) -> &'static str {
        match self {
            Self::Numbers(name, _)
            | Self::Texts(name, _)
            | Self::Octets(name, _)
            | Self::Uuids(name, _)
            | Self::Flags(name, _) => name,
        }
    }

    const fn len(&self) -> usize {
        match self {
            Self::Numbers(_, values) => values.len(),
            Self::Texts(_, values) => values.len(),
            Self::Octets(_, values) => values.len(),
            Self::Uuids(_, values) => values.len(),
            Self::Flags(_, values) => values.len(),
        }
    }
}

/// Runs a statement that reads its rows from `v`; each `?` in it is the next of `same`. Answers how many rows
/// it changed. There are as many rows as the longest column has, at most [`BULK_ROWS_MAX`].
pub async fn execute(tx: &mut Tx, columns: &[Column<'_>], statement: &str, same: &[Same<'_>]) -> Result<u64> {
    if columns.iter().all(|column| column.len() == 0) {
        return Ok(0);
    }
    // The texts are made of numbers and our own words only.
    Ok(match tx.db() {
        Db::Sqlite(connection) => {
            let (sql, arguments) = sqlite(columns, statement, same)?;
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(connection).await?.rows_affected()
        }
        Db::Postgres(connection) => {
            let (sql, arguments) = postgres(columns, statement, same)?;
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(connection).await?.rows_affected()
        }
    })
}

/// The same for a statement that answers rows; no row is asked for without one in `v`.
pub async fn fetch_all<T>(
    db: Db<'_>,
    columns: &[Column<'_>],
    statement: &str,
    same: &[Same<'_>],
) -> Result<Vec<T>>
where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    if columns.iter().all(|column| column.len() == 0) {
        return Ok(Vec::new());
    }
    // The texts are made of numbers and our own words only.
    Ok(match db {
        Db::Sqlite(connection) => {
            let (sql, arguments) = sqlite(columns, statement, same)?;
            sqlx::query_as_with(AssertSqlSafe(sql), arguments).fetch_all(connection).await?
        }
        Db::Postgres(connection) => {
            let (sql, arguments) = postgres(columns, statement, same)?;
            sqlx::query_as_with(AssertSqlSafe(sql), arguments).fetch_all(connection).await?
        }
    })
}

fn names(columns: &[Column<'_>]) -> String {
    columns.iter().map(Column::name).collect::<Vec<_>>().join(", ")
}

fn sqlite(columns: &[Column<'_>], statement: &str, same: &[Same<'_>]) -> Result<(String, SqliteArguments)> {
    let rows = columns.iter().map(Column::len).max().unwrap_or(0);
    let padded = rows.next_power_of_two();
    let row = format!("({}), ", vec!["?"; columns.len()].join(", "));
    let mut values = row.repeat(padded);
    values.truncate(values.len() - 2);
    let sql = format!("WITH v ({}) AS (VALUES {values}) {statement}", names(columns));
    let mut arguments = SqliteArguments::default();
    for row in 0..padded {
        for column in columns {
            match column {
                Column::Numbers(_, values) => arguments.add(values.get(row).copied().flatten()),
                Column::Texts(_, values) => arguments.add(values.get(row).copied().flatten()),
                Column::Octets(_, values) => arguments.add(values.get(row).copied()),
                Column::Uuids(_, values) => arguments.add(values.get(row).copied()),
                Column::Flags(_, values) => arguments.add(values.get(row).copied()),
            }
            .map_err(unencodable)?;
        }
    }
    for value in same {
        match value {
            Same::Number(number) => arguments.add(*number),
            Same::Text(text) => arguments.add(*text),
        }
        .map_err(unencodable)?;
    }
    Ok((sql, arguments))
}

fn postgres(columns: &[Column<'_>], statement: &str, same: &[Same<'_>]) -> Result<(String, PgArguments)> {
    use std::fmt::Write as _;
    let mut sql = format!("WITH v ({}) AS (SELECT * FROM UNNEST(", names(columns));
    let mut parameter = 0;
    for column in columns {
        let comma = if parameter == 0 { "" } else { ", " };
        parameter += 1;
        let kind = match column {
            Column::Numbers(..) => "BIGINT",
            Column::Texts(..) => "TEXT",
            Column::Octets(..) => "BYTEA",
            Column::Uuids(..) => "UUID",
            Column::Flags(..) => "BOOLEAN",
        };
        let _ = write!(sql, "{comma}CAST(${parameter} AS {kind}[])");
    }
    sql.push_str(")) ");
    for (at, part) in statement.split('?').enumerate() {
        if at > 0 {
            parameter += 1;
            let _ = write!(sql, "${parameter}");
        }
        sql.push_str(part);
    }
    let mut arguments = PgArguments::default();
    for column in columns {
        match column {
            Column::Numbers(_, values) => arguments.add(values.as_slice()),
            Column::Texts(_, values) => arguments.add(values.as_slice()),
            Column::Octets(_, values) => arguments.add(values.as_slice()),
            Column::Uuids(_, values) => arguments.add(values.as_slice()),
            Column::Flags(_, values) => arguments.add(values.as_slice()),
        }
        .map_err(unencodable)?;
    }
    for value in same {
        match value {
            Same::Number(number) => arguments.add(*number),
            Same::Text(text) => arguments.add(*text),
        }
        .map_err(unencodable)?;
    }
    Ok((sql, arguments))
}

fn unencodable(error: sqlx::error::BoxDynError) -> StoreError {
    StoreError::Database(sqlx::Error::Encode(error))
}
