//! Lists of subscriptions with their people: what the desk shows, counts, exports and changes.

use uuid::Uuid;

use super::filter::{Driver, Statement, driver, driver_to_count, driver_to_count_all};
use super::mailing_audience::since_of;
use super::{Db, PAGE_ROWS, Result, Tx, bulk, on, sql};
use crate::model::{
    EmailAddress, ImportId, Language, NewsletterId, Rhythm, Selection, SubscriberId, SubscriptionId,
    SubscriptionStatus, Timestamp, search_words,
};

/// Up to here a list says exactly how many there are; beyond, that there are more.
pub const COUNT_MAX: i64 = 10_000;
/// Most people whose words are written in one transaction.
const INDEX_ROWS: i64 = 500;

/// A subscription in a list.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct PersonRow {
    pub subscription_id: SubscriptionId,
    pub public_id: Uuid,
    pub address: EmailAddress,
    pub name: String,
    pub newsletter_id: NewsletterId,
    pub status: SubscriptionStatus,
    pub language: Language,
    pub created_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub unsubscribed_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "SELECT n.id AS subscription_id, s.public_id, s.address, s.name, n.newsletter_id, n.status,
        n.language, n.created_at, n.confirmed_at, n.unsubscribed_at
    FROM subscriptions n JOIN subscribers s ON s.id = n.subscriber_id WHERE ";

/// The id as it is compared: with a plus, that SQLite does not walk the ids where something else drives.
const fn id_of(driver: Option<&Driver>) -> &'static str {
    if driver.is_some() { "+n.id" } else { "n.id" }
}

/// The newest first, behind `before`. A row more than [`PAGE_ROWS`] says that there are more.
pub async fn page(
    mut db: Db<'_>,
    selection: &Selection,
    before: Option<SubscriptionId>,
) -> Result<Vec<PersonRow>> {
    let driver = driver(db.again(), selection).await?;
    let mut statement = Statement::of(COLUMNS);
    statement.sql(id_of(driver.as_ref())).sql(" < ").number(before.map_or(i64::MAX, |before| before.0));
    statement.selected(selection, driver.as_ref()).sql(" ORDER BY n.id DESC LIMIT ").number(PAGE_ROWS + 1);
    statement.fetch_all(db).await
}

/// In the order of their ids, behind `after`: for exports.
pub async fn next(
    mut db: Db<'_>,
    selection: &Selection,
    after: SubscriptionId,
    limit: i64,
) -> Result<Vec<PersonRow>> {
    let driver = driver(db.again(), selection).await?;
    let mut statement = Statement::of(COLUMNS);
    statement.sql(id_of(driver.as_ref())).sql(" > ").number(after.0);
    statement.selected(selection, driver.as_ref()).sql(" ORDER BY n.id LIMIT ").number(limit);
    statement.fetch_all(db).await
}

/// The ids of the next that are selected, behind `after` and up to `end`: what an act works off.
pub async fn next_ids(
    mut db: Db<'_>,
    selection: &Selection,
    after: SubscriptionId,
    end: SubscriptionId,
    limit: i64,
) -> Result<Vec<SubscriptionId>> {
    let driver = driver(db.again(), selection).await?;
    let mut statement = Statement::of("SELECT n.id FROM subscriptions n WHERE ");
    statement.sql(id_of(driver.as_ref())).sql(" > ").number(after.0).sql(" AND n.id <= ").number(end.0);
    statement.selected(selection, driver.as_ref()).sql(" ORDER BY n.id LIMIT ").number(limit);
    let ids: Vec<(SubscriptionId,)> = statement.fetch_all(db).await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// How many are selected; one more than `most` stands for any number above it.
pub async fn count(mut db: Db<'_>, selection: &Selection, most: i64) -> Result<i64> {
    let driver = driver_to_count(db.again(), selection).await?;
    let mut statement = Statement::of("SELECT count(*) FROM (SELECT 1 FROM subscriptions n WHERE ");
    statement.sql(id_of(driver.as_ref())).sql(" > 0");
    statement
        .selected(selection, driver.as_ref())
        .sql(" LIMIT ")
        .number(most.saturating_add(1))
        .sql(") AS few");
    statement.fetch_number(db).await
}

/// How many of them would get an issue of this rhythm now.
pub async fn count_audience(mut db: Db<'_>, selection: &Selection, rhythm: Rhythm) -> Result<i64> {
    let mut driver = driver_to_count_all(db.again(), selection).await?;
    let mut statement = Statement::of("SELECT count(*) FROM ");
    statement.is_of_all = true;
    statement.know_mailings(db.again(), &[&selection.within, &selection.filter]).await?;
    match statement.joined_to(driver.as_ref()) {
        Some(joined) => driver = Some(joined),
        None => {
            statement.sql("subscriptions n WHERE ");
        }
    }
    statement.sql("CAST(n.status AS TEXT) = 'confirmed' AND ");
    statement.sql(since_of(rhythm)).sql(" IS NOT NULL").selected(selection, driver.as_ref());
    statement.fetch_number(db).await
}

/// The last subscription that there is.
pub async fn last_id(db: Db<'_>) -> Result<SubscriptionId> {
    const SQL: &str = "SELECT COALESCE(MAX(id), 0) FROM subscriptions";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// Whether there is anybody whose words are not written: a look that costs no lock.
pub async fn has_unwritten_words(db: Db<'_>) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM subscribers WHERE NOT is_searchable)";
    Ok(on!(db, |c| sqlx::query_scalar(SQL).fetch_one(c).await?))
}

/// Writes the words of people who are new or were renamed; `false` when there is nobody more.
pub async fn index_words(tx: &mut Tx) -> Result<bool> {
    const FORGET: &str = "DELETE FROM subscriber_words WHERE subscriber_id IN (SELECT id FROM v)";
    const INSERT: &str = "INSERT INTO subscriber_words (word, subscriber_id)
            SELECT v.word, v.id FROM v WHERE v.id IS NOT NULL
        ON CONFLICT (word, subscriber_id) DO NOTHING";
    const DONE: &str = "UPDATE subscribers SET is_searchable = TRUE FROM v WHERE subscribers.id = v.id";
    let sql = sql!(
        tx.db(),
        "SELECT id, address_key, name FROM subscribers WHERE NOT is_searchable ORDER BY id LIMIT $1",
        sqlite: "",
        postgres: " FOR UPDATE SKIP LOCKED",
        ""
    );
    let people: Vec<(SubscriberId, String, String)> =
        on!(tx.db(), |c| sqlx::query_as(sql).bind(INDEX_ROWS).fetch_all(c).await?);
    let words: Vec<(String, SubscriberId)> = people
        .iter()
        .flat_map(|(id, key, name)| search_words::words_of(key, name).into_iter().map(|word| (word, *id)))
        .collect();
    let ids = [bulk::Column::Numbers("id", people.iter().map(|(id, ..)| Some(id.0)).collect())];
    bulk::execute(tx, &ids, FORGET, &[]).await?;
    for chunk in words.chunks(bulk::BULK_ROWS_MAX) {
        let columns = [
            bulk::Column::Numbers("id", chunk.iter().map(|(_, id)| Some(id.0)).collect()),
            bulk::Column::Texts("word", chunk.iter().map(|(word, _)| Some(word.as_str())).collect()),
        ];
        bulk::execute(tx, &columns, INSERT, &[]).await?;
    }
    bulk::execute(tx, &ids, DONE, &[]).await?;
    Ok(i64::try_from(people.len()).is_ok_and(|count| count == INDEX_ROWS))
}

/// Someone who is known, with the subscription to one newsletter.
#[derive(Debug, sqlx::FromRow)]
pub struct Known {
    pub id: SubscriberId,
    pub address_key: String,
    pub status: Option<SubscriptionStatus>,
    pub import_id: Option<ImportId>,
}

/// Those of several addresses that are known.
pub async fn known(db: Db<'_>, newsletter: NewsletterId, address_keys: &[&str]) -> Result<Vec<Known>> {
    // Looked up one by one: PostgreSQL would join such a table by walking all of it, until it has hundreds of thousands of rows.
    const SQL: &str = "SELECT k.id, k.address_key,
            (SELECT n.status FROM subscriptions n WHERE n.subscriber_id = k.id AND n.newsletter_id = ?) AS status,
            (SELECT n.import_id FROM subscriptions n WHERE n.subscriber_id = k.id AND n.newsletter_id = ?) AS import_id
        FROM (SELECT (SELECT s.id FROM subscribers s WHERE s.address_key = v.k) AS id, v.k AS address_key FROM v
            LIMIT ?) k
        WHERE k.id IS NOT NULL";
    let columns = [bulk::Column::Texts("k", address_keys.iter().map(|key| Some(*key)).collect())];
    let newsletter = bulk::Same::Number(newsletter.0);
    // A limit keeps the two selects apart.
    let all = bulk::Same::Number(i64::MAX);
    bulk::fetch_all(db, &columns, SQL, &[newsletter, newsletter, all]).await
}

/// A subscription that an import brings.
#[derive(Debug, Clone, Copy)]
pub struct Brought {
    pub subscriber_id: SubscriberId,
    pub status: SubscriptionStatus,
    pub language: Language,
}

/// Adds subscriptions of an import, and answers those that were not there. `since` is when who is confirmed comes into
/// the audience. Who had left elsewhere had been subscribed there: the row must outlive those that are never confirmed.
pub async fn bring(
    tx: &mut Tx,
    newsletter: NewsletterId,
    import: ImportId,
    brought: &[Brought],
    since: Timestamp,
) -> Result<Vec<(SubscriptionId, SubscriberId)>> {
    const SQL: &str = "INSERT INTO subscriptions (subscriber_id, newsletter_id, status, language, created_at,
            confirmed_at, unsubscribed_at, audience_since, import_id)
        SELECT v.subscriber_id, CAST(? AS BIGINT), v.status, v.language, CAST(? AS BIGINT),
            v.confirmed_at, v.unsubscribed_at, v.audience_since, CAST(? AS BIGINT)
        FROM v WHERE v.subscriber_id IS NOT NULL
        ON CONFLICT (subscriber_id, newsletter_id) DO NOTHING RETURNING id, subscriber_id";
    let when = |of: fn(SubscriptionStatus) -> bool| {
        brought.iter().map(|one| of(one.status).then_some(since.as_millis())).collect::<Vec<_>>()
    };
    let columns = [
        bulk::Column::Numbers("subscriber_id", brought.iter().map(|one| Some(one.subscriber_id.0)).collect()),
        bulk::Column::Texts("status", brought.iter().map(|one| Some(one.status.as_str())).collect()),
        bulk::Column::Texts("language", brought.iter().map(|one| Some(one.language.as_str())).collect()),
        bulk::Column::Numbers("confirmed_at", when(|status| status != SubscriptionStatus::Pending)),
        bulk::Column::Numbers("unsubscribed_at", when(|status| status == SubscriptionStatus::Unsubscribed)),
        bulk::Column::Numbers("audience_since", when(|status| status == SubscriptionStatus::Confirmed)),
    ];
    let same = [newsletter.0, since.as_millis(), import.0].map(bulk::Same::Number);
    bulk::fetch_all(tx.db(), &columns, SQL, &same).await
}

/// Gives several subscriptions every topic that their newsletter offers.
pub async fn give_topics(
    tx: &mut Tx,
    newsletter: NewsletterId,
    subscriptions: &[SubscriptionId],
    since: Timestamp,
) -> Result<()> {
    const SQL: &str = "INSERT INTO subscription_topics (subscription_id, topic_id, since)
        SELECT v.id, t.id, CAST(? AS BIGINT) FROM v CROSS JOIN topics t
        WHERE v.id IS NOT NULL AND t.newsletter_id = ? AND t.archived_at IS NULL
        ON CONFLICT (subscription_id, topic_id) DO NOTHING";
    let columns = [bulk::Column::Numbers("id", subscriptions.iter().map(|id| Some(id.0)).collect())];
    let same = [bulk::Same::Number(since.as_millis()), bulk::Same::Number(newsletter.0)];
    bulk::execute(tx, &columns, SQL, &same).await?;
    Ok(())
}

/// Takes the rows of the people behind several subscriptions, in one order for everyone: before those of mailings, as
/// every verb does.
pub async fn lock_all(tx: &mut Tx, subscriptions: &[SubscriptionId]) -> Result<()> {
    let Db::Postgres(_) = tx.db() else { return Ok(()) };
    const SQL: &str = "SELECT s.id FROM subscribers s WHERE s.id IN
            (SELECT n.subscriber_id FROM v JOIN subscriptions n ON n.id = v.id) ORDER BY s.id FOR UPDATE";
    let columns = [bulk::Column::Numbers("id", subscriptions.iter().map(|id| Some(id.0)).collect())];
    let _: Vec<(i64,)> = bulk::fetch_all(tx.db(), &columns, SQL, &[]).await?;
    Ok(())
}
