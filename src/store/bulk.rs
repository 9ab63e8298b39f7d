//! One statement for many rows, prepared once.
//!
//! The rows are a table `v` with named columns, which one text for both databases then reads: on PostgreSQL one array
//! for each column, on SQLite `VALUES`. A text of which the length follows the number of rows would be prepared anew
//! nearly each time, so on SQLite there are few lengths: the rest is filled up with rows that are NULL, and a statement
//! must leave those alone. Its parameters have no numbers, because SQLite looks a number up in a list that grows with
//! them.

use sqlx::{PgConnection, SqliteConnection};

use super::{Db, Result, Tx};

/// Most rows of one statement: its parameters stay below SQLite's 32,766.
pub const BULK_ROWS_MAX: usize = 512;

/// A column of the rows, with its name.
#[derive(Debug)]
pub enum Column<'a> {
    Numbers(&'static str, Vec<Option<i64>>),
    Texts(&'static str, Vec<&'a str>),
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
            Self::Numbers(name, _) | Self::Texts(name, _) => name,
        }
    }

    const fn len(&self) -> usize {
        match self {
            Self::Numbers(_, values) => values.len(),
            Self::Texts(_, values) => values.len(),
        }
    }
}

/// Runs a statement that reads its rows from `v`; each `?` in it is the next of `same`. Answers how many rows
/// it changed. There are as many rows as the longest column has, at most [`BULK_ROWS_MAX`].
pub async fn execute(tx: &mut Tx, columns: &[Column<'_>], statement: &str, same: &[Same<'_>]) -> Result<u64> {
    match tx.db() {
        Db::Sqlite(connection) => sqlite(connection, columns, statement, same).await,
        Db::Postgres(connection) => postgres(connection, columns, statement, same).await,
    }
}

fn names(columns: &[Column<'_>]) -> String {
    columns.iter().map(Column::name).collect::<Vec<_>>().join(", ")
}

async fn sqlite(
    connection: &mut SqliteConnection,
    columns: &[Column<'_>],
    statement: &str,
    same: &[Same<'_>],
) -> Result<u64> {
    let rows = columns.iter().map(Column::len).max().unwrap_or(0);
    if rows == 0 {
        return Ok(0);
    }
    let padded = rows.next_power_of_two();
    let row = format!("({}), ", vec!["?"; columns.len()].join(", "));
    let mut values = row.repeat(padded);
    values.truncate(values.len() - 2);
    let sql = format!("WITH v ({}) AS (VALUES {values}) {statement}", names(columns));
    // The text is made of our own words only.
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for row in 0..padded {
        for column in columns {
            query = match column {
                Column::Numbers(_, values) => query.bind(values.get(row).copied().flatten()),
                Column::Texts(_, values) => query.bind(values.get(row).copied()),
            };
        }
    }
    for value in same {
        query = match value {
            Same::Number(number) => query.bind(*number),
            Same::Text(text) => query.bind(*text),
        };
    }
    Ok(query.execute(connection).await?.rows_affected())
}

async fn postgres(
    connection: &mut PgConnection,
    columns: &[Column<'_>],
    statement: &str,
    same: &[Same<'_>],
) -> Result<u64> {
    use std::fmt::Write as _;
    let mut sql = format!("WITH v ({}) AS (SELECT * FROM UNNEST(", names(columns));
    let mut parameter = 0;
    for column in columns {
        let comma = if parameter == 0 { "" } else { ", " };
        parameter += 1;
        let kind = match column {
            Column::Numbers(..) => "BIGINT",
            Column::Texts(..) => "TEXT",
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
    // The text is made of numbers and our own words only.
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for column in columns {
        query = match column {
            Column::Numbers(_, values) => query.bind(values.as_slice()),
            Column::Texts(_, values) => query.bind(values.as_slice()),
        };
    }
    for value in same {
        query = match value {
            Same::Number(number) => query.bind(*number),
            Same::Text(text) => query.bind(*text),
        };
    }
    Ok(query.execute(connection).await?.rows_affected())
}
