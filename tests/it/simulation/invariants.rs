//! What must be so: at every moment, and at the end.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use postiljon::model::{Delivery, Mailing, MailingId, MailingStatus, Outcome, SubscriberId, Timestamp};
use postiljon::store::{Pools, deliveries, mailings, workers};

use super::people::{Letter, Reader};
use super::world::World;

/// How long a mail may still begin after somebody left: `CLAIM_FRESH` of the sender.
const AFTER_LEAVING: Duration = Duration::from_millis(100);
/// How long a mail may still begin after its mailing was paused or cancelled.
const AFTER_STOPPING: Duration = Duration::from_secs(2);
const LEDGER_ROWS: i64 = 1_000;

pub type Violation = String;

macro_rules! must {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}

/// A mailing and its rows, in one look.
#[derive(Debug, sqlx::FromRow)]
struct Books {
    #[sqlx(flatten)]
    mailing: Mailing,
    row_count: i64,
    row_sent: i64,
    row_deferred: i64,
    row_bounced: i64,
    row_uncertain: i64,
    row_skipped: i64,
    row_expired: i64,
    row_claimed: i64,
}

const BOOKS: &str = "SELECT m.*, COUNT(d.outcome) AS row_count,
        COUNT(CASE WHEN d.outcome = 'sent' THEN 1 END) AS row_sent,
        COUNT(CASE WHEN d.outcome = 'deferred' THEN 1 END) AS row_deferred,
        COUNT(CASE WHEN d.outcome = 'bounced' THEN 1 END) AS row_bounced,
        COUNT(CASE WHEN d.outcome = 'uncertain' THEN 1 END) AS row_uncertain,
        COUNT(CASE WHEN d.outcome = 'skipped' THEN 1 END) AS row_skipped,
        COUNT(CASE WHEN d.outcome = 'expired' THEN 1 END) AS row_expired,
        COUNT(CASE WHEN d.outcome = 'claimed' THEN 1 END) AS row_claimed
    FROM mailings m LEFT JOIN deliveries d ON d.mailing_id = m.id GROUP BY m.id ORDER BY m.id";

/// How far the mailings are, after everything in their books was found right.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub have_ended: bool,
    /// Changes when anything did.
    pub trace: i64,
}

impl World {
    /// What holds in every committed state.
    pub async fn check_books(&mut self) -> Result<Progress, Violation> {
        let all: Vec<Books> = match self.store.pools() {
            Pools::Sqlite { reader, .. } => sqlx::query_as(BOOKS).fetch_all(reader).await,
            Pools::Postgres(pool) => sqlx::query_as(BOOKS).fetch_all(pool).await,
        }
        .map_err(|error| error.to_string())?;
        let mut progress = Progress { have_ended: true, trace: 0 };
        for books in &all {
            balanced(books)?;
            let letter = self.letters.iter_mut().find(|letter| letter.id == books.mailing.id);
            let letter = letter.ok_or("a mailing that nobody made")?;
            if let (None, Some(started_at)) = (letter.started_at, books.mailing.started_at) {
                letter.started_at = Some(started_at);
                audience_is_right(letter, &self.readers, books.mailing.account.audience)?;
            }
            must!(letter.started_at == books.mailing.started_at, "mailing {} began twice", letter.id);
            progress.have_ended &= has_ended(books);
            progress.trace = progress.trace.wrapping_mul(31).wrapping_add(
                books.row_count
                    + books.row_claimed * 1_000
                    + books.row_deferred * 1_000_000
                    + i64::from(books.mailing.status == MailingStatus::Paused),
            );
        }
        Ok(progress)
    }

    /// The mailings that are paused now.
    pub async fn paused(&self) -> Vec<usize> {
        let mut found = Vec::new();
        let mut reader = self.store.read().await.expect("a reader");
        for (index, letter) in self.letters.iter().enumerate() {
            let mailing = mailings::by_id(reader.db(), letter.id).await.expect("read").expect("a mailing");
            if mailing.status == MailingStatus::Paused {
                found.push(index);
            }
        }
        found
    }

    /// What holds when everything has ended and every engine has stopped.
    pub async fn check_all(&mut self) -> Result<(), Violation> {
        self.check_books().await?;
        let mut reader = self.store.read().await.map_err(|error| error.to_string())?;
        let left = workers::all(reader.db()).await.map_err(|error| error.to_string())?;
        must!(left.is_empty(), "workers that nobody buried, nor signed off: {left:?}");
        let signed_on = self.workers_ever().await;
        for letter in &self.letters {
            let rows = deliveries::ledger(reader.db(), letter.id, SubscriberId(0), LEDGER_ROWS)
                .await
                .map_err(|error| error.to_string())?;
            self.check_ledger(letter, &rows, signed_on)?;
        }
        self.check_tries()
    }

    /// The ledger against what the relay has.
    fn check_ledger(&self, letter: &Letter, rows: &[Delivery], signed_on: i64) -> Result<(), Violation> {
        let of_mailing: Vec<&Reader> =
            self.readers.iter().filter(|reader| reader.newsletter == letter.newsletter).collect();
        let book = self.relay.book();
        let mut copies = HashMap::<&str, i64>::new();
        for copy in book.tries.iter().filter(|copy| copy.pair.0 == letter.id.0 && copy.is_taken) {
            *copies.entry(&copy.pair.1).or_default() += 1;
        }
        let has_exact_journals = !self.journals_lost
            && self.slots.len() == 1
            && self.slots[0].journals.is_some()
            && self.slots[0].weather.failed() == 0;
        for row in rows {
            let Some(reader) = of_mailing.iter().find(|reader| reader.subscriber == row.subscriber_id.0)
            else {
                return Err(format!("a row for a stranger: {row:?}"));
            };
            let copies = copies.remove(reader.address.as_str()).unwrap_or_default();
            let who = format!("{} of mailing {}: {row:?}", reader.address, letter.id);
            let is_sent = row.outcome == Outcome::Sent;
            must!(copies >= 1 || !is_sent, "LOST: {who}");
            must!(copies <= row.doubts + i64::from(is_sent), "{copies} COPIES: {who}");
            must!(letter.started_at.is_some(), "a row of a mailing that never began: {who}");
            let pair = (letter.id.0, reader.address.clone());
            let open = book.uncertain.get(&pair).copied().unwrap_or_default();
            let interrupted = book.interrupted.get(&pair).copied().unwrap_or_default();
            // A worker that died has all it held in doubt, unless its journal says more.
            let others = if has_exact_journals { interrupted } else { signed_on };
            must!(
                row.doubts <= open + others,
                "doubts for which there is no reason ({open}, {others}): {who}"
            );
        }
        must!(copies.is_empty(), "mails of mailing {} to nobody of its audience: {copies:?}", letter.id);
        let Some(started_at) = letter.started_at else { return Ok(()) };
        for reader in of_mailing {
            let has_row = rows.iter().any(|row| row.subscriber_id.0 == reader.subscriber);
            if let Some(in_audience) = reader.was_surely_confirmed(started_at) {
                must!(
                    has_row == in_audience,
                    "{} has a row of mailing {}: {has_row}, was in its audience: {in_audience}",
                    reader.address,
                    letter.id
                );
            }
        }
        Ok(())
    }

    /// Every try: to whom, when, and under which Message-ID.
    fn check_tries(&self) -> Result<(), Violation> {
        let book = self.relay.book();
        let mut ids = BTreeMap::new();
        for one in &book.tries {
            let letter = self.letters.iter().find(|letter| letter.id == MailingId(one.pair.0));
            let letter = letter.ok_or_else(|| format!("a mail of no mailing: {one:?}"))?;
            let first = ids.entry(&one.message_id).or_insert(&one.pair);
            must!(**first == one.pair, "one Message-ID for two: {one:?} and {first:?}");
            let reader = self
                .readers
                .iter()
                .find(|reader| reader.address == one.pair.1 && reader.newsletter == letter.newsletter);
            let reader = reader.ok_or_else(|| format!("a mail to a stranger: {one:?}"))?;
            must!(
                reader.was_confirmed(one.at.minus(AFTER_LEAVING), one.at),
                "to someone who had left: {one:?}"
            );
            must!(letter.started_at.is_some_and(|started| started <= one.at), "before the start: {one:?}");
            let is_stopped = |(from, until): &(Timestamp, Option<Timestamp>)| {
                one.at > from.plus(AFTER_STOPPING) && until.is_none_or(|until| one.at < until)
            };
            must!(
                !letter.stops.iter().any(is_stopped),
                "after it was paused or cancelled: {one:?} {letter:?}"
            );
        }
        let pairs: std::collections::HashSet<_> = ids.values().collect();
        must!(pairs.len() == ids.len(), "somebody got copies of one mailing under different Message-IDs");
        Ok(())
    }

    /// How many workers ever signed on.
    async fn workers_ever(&self) -> i64 {
        let sqlite = "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'workers'), 0)";
        match self.store.pools() {
            Pools::Sqlite { reader, .. } => sqlx::query_scalar(sqlite).fetch_one(reader).await.expect("read"),
            Pools::Postgres(pool) => {
                let name: String = sqlx::query_scalar("SELECT pg_get_serial_sequence('workers', 'id')")
                    .fetch_one(pool)
                    .await
                    .expect("read");
                let sql = format!("SELECT last_value FROM {name}");
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(pool).await.expect("read")
            }
        }
    }
}

fn balanced(books: &Books) -> Result<(), Violation> {
    let mailing = &books.mailing;
    let account = mailing.account;
    let rows = [
        books.row_sent,
        books.row_deferred,
        books.row_bounced,
        books.row_uncertain,
        books.row_skipped,
        books.row_expired,
    ];
    let numbers = [
        account.sent,
        account.deferred,
        account.bounced,
        account.uncertain,
        account.skipped,
        account.expired,
    ];
    must!(rows == numbers, "the numbers of a mailing are not those of its rows: {books:?}");
    must!(books.row_count <= account.audience, "more rows than audience: {books:?}");
    if mailing.started_at.is_some() && mailing.cursor >= mailing.audience_end {
        must!(books.row_count == account.audience, "someone has no row, and the cursor is past: {books:?}");
    }
    if mailing.status == MailingStatus::Sent {
        must!(account.balances() && books.row_claimed == 0, "the account does not balance: {books:?}");
    }
    Ok(())
}

fn has_ended(books: &Books) -> bool {
    let mailing = &books.mailing;
    let is_wound_up = mailing.started_at.is_none()
        || (mailing.cursor >= mailing.audience_end && books.row_deferred + books.row_claimed == 0);
    match mailing.status {
        MailingStatus::Sent => true,
        MailingStatus::Cancelled => is_wound_up,
        _ => false,
    }
}

/// The audience is who was confirmed at the start; who changed in that very moment may be in it or not.
fn audience_is_right(letter: &Letter, readers: &[Reader], audience: i64) -> Result<(), Violation> {
    let Some(started_at) = letter.started_at else { return Ok(()) };
    let of_mailing = readers.iter().filter(|reader| reader.newsletter == letter.newsletter);
    let known: Vec<_> = of_mailing.map(|reader| reader.was_surely_confirmed(started_at)).collect();
    let sure = known.iter().filter(|known| **known == Some(true)).count();
    let open = known.iter().filter(|known| known.is_none()).count();
    let audience = usize::try_from(audience).unwrap_or_default();
    must!(
        (sure..=sure + open).contains(&audience),
        "mailing {} began with {audience} readers instead of {sure}, or up to {open} more",
        letter.id
    );
    Ok(())
}
