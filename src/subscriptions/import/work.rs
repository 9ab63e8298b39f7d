//! Works off imports, some chunks in one transaction.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use uuid::Uuid;

use super::columns::{Candidate, candidate};
use super::file::{Cells, Row};
use super::{asked_fields, lease, meanings, steps};
use crate::clock::Clock;
use crate::keys::{Keys, Purpose, TOKEN_OCTETS, random, token_hash};
use crate::model::{
    AskedField, Consent, ConsentEvent, ConsentTextId, Import, ImportCounts, ImportId, ImportStatus, Language,
    Meaning, Newsletter, OutboxKind, RowOutcome, SubscriberId, SubscriptionId, SubscriptionStatus, Timestamp,
};
use crate::store::imports::Step;
use crate::store::outbox::NewMail;
use crate::store::people::{Brought, Known};
use crate::store::subscribers::NewSubscriber;
use crate::store::tokens::NewToken;
use crate::store::{
    Store, StoreError, Tx, consents, growth, imports, mailings, newsletters, objections, outbox, people,
    subscribers, subscription_values, suppressions, tokens,
};
use crate::subscriptions::signup::CONFIRM_VALID;

/// After this, who works on an import counts as dead, and somebody else goes on.
pub(super) const LEASE: Duration = Duration::from_secs(10);
/// Chunks of one transaction: enough that its commit costs little, and few enough that others who write wait for a part
/// of a second.
const CHUNKS_A_STEP: i64 = 8;

/// One process that works, under a name of its own.
#[derive(Debug, Clone)]
pub struct Worker {
    name: String,
    checking: Option<Checking>,
}

/// The check that a process is at.
#[derive(Debug, Clone)]
struct Checking {
    import: ImportId,
    /// The chunks that are in `seen`. A check that begins anew, or that somebody else went on with, is elsewhere.
    cursor: i64,
    /// The addresses that would be added. Eight octets each.
    seen: HashSet<u64>,
}

impl Default for Worker {
    fn default() -> Self {
        Self { name: Uuid::new_v4().simple().to_string(), checking: None }
    }
}

impl Worker {
    /// Under which the database knows it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Does a step of any import; `false` when there is nothing to do.
///
/// # Errors
/// Of the database: then nothing of the step is written, and it can be done again.
pub async fn work_off(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    worker: &mut Worker,
) -> Result<bool, StoreError> {
    if !imports::has_work(store.read().await?.db()).await? {
        return Ok(false);
    }
    let now = clock.now();
    let mut tx = store.begin().await?;
    let taken = imports::take(&mut tx, &worker.name, now, lease(now)).await?;
    match taken {
        Some(import) => try_step(tx, clock, keys, worker, import).await.map(|()| true),
        None => Ok(false),
    }
}

/// Does a step of this one; `None` when it is not moving, or somebody else is at it.
///
/// # Errors
/// As [`work_off`].
pub async fn work_off_one(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    worker: &mut Worker,
    id: ImportId,
) -> Result<Option<()>, StoreError> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    match imports::take_one(&mut tx, id, &worker.name, now, lease(now)).await? {
        Some(import) => try_step(tx, clock, keys, worker, import).await.map(Some),
        None => Ok(None),
    }
}

/// A check whose step failed counts from the beginning again: what it noted is not what the database holds.
async fn try_step(
    tx: Tx,
    clock: &Clock,
    keys: &Keys,
    worker: &mut Worker,
    import: Import,
) -> Result<(), StoreError> {
    let done = step(tx, clock, keys, worker, import).await;
    if done.is_err() {
        worker.checking = None;
    }
    done
}

async fn step(
    mut tx: Tx,
    clock: &Clock,
    keys: &Keys,
    worker: &mut Worker,
    mut import: Import,
) -> Result<(), StoreError> {
    let is_check = import.status == ImportStatus::Checking;
    let is_at = |at: &Checking| (at.import, at.cursor) == (import.id, import.cursor);
    if is_check && !worker.checking.as_ref().is_some_and(is_at) {
        // What was counted elsewhere knows other addresses.
        imports::restart_check(&mut tx, import.id, &worker.name).await?;
        import.cursor = 0;
        import.counts = ImportCounts::default();
        worker.checking = Some(Checking { import: import.id, cursor: 0, seen: HashSet::new() });
    }
    let Some(newsletter) = newsletters::by_id(tx.db(), import.newsletter_id).await? else {
        imports::set_status(&mut tx, import.id, &[import.status], ImportStatus::Failed, clock.now()).await?;
        return tx.commit().await;
    };
    if !is_check {
        suppressions::hold(&mut tx).await?;
    }
    let mut writer = Writer {
        fields: asked_fields(&mut tx, &newsletter).await?,
        meanings: meanings(&import),
        import: &import,
        newsletter: &newsletter,
        keys,
        basis: None,
    };
    if !is_check && !import.basis.is_empty() {
        let basis = &import.basis;
        let language = newsletter.language;
        let now = clock.now();
        let text = crate::subscriptions::company::keep_basis(&mut tx, newsletter.id, language, basis, now);
        writer.basis = Some(text.await?);
    }
    let mut counts = import.counts;
    let mut cursor = import.cursor;
    let steps = steps(&import);
    while cursor < steps && cursor < import.cursor + CHUNKS_A_STEP {
        cursor += 1;
        let (chunk, have_left) = match cursor <= steps - import.chunk_count {
            true => (cursor, true),
            false => (cursor - (steps - import.chunk_count), false),
        };
        let body = imports::chunk(tx.db(), import.id, chunk).await?.unwrap_or_default();
        let Ok(rows) = serde_json::from_str::<Vec<Row>>(&body) else {
            tracing::error!(import = %import.id, chunk, "rows of an import cannot be read");
            imports::set_status(&mut tx, import.id, &[import.status], ImportStatus::Failed, clock.now())
                .await?;
            return tx.commit().await;
        };
        let seen = worker.checking.as_mut().filter(|_| is_check).map(|at| &mut at.seen);
        let outcomes = writer.chunk(&mut tx, (rows, have_left), seen, clock.now()).await?;
        for (_, outcome, _) in &outcomes {
            counts.count(*outcome);
        }
        let before = match steps > import.chunk_count && !have_left {
            true => imports::report(tx.db(), import.id, chunk).await?.unwrap_or_default(),
            false => String::new(),
        };
        imports::set_report(&mut tx, import.id, chunk, &report(&before, &outcomes)).await?;
    }
    let now = clock.now();
    let step = Step { worker: &worker.name, cursors: (import.cursor, cursor), counts, until: lease(now) };
    if !imports::advance(&mut tx, import.id, import.status, step).await? {
        // Somebody cancelled it, or took it over: what this step wrote is undone.
        worker.checking = None;
        return Ok(());
    }
    if let Some(at) = worker.checking.as_mut().filter(|_| is_check) {
        at.cursor = cursor;
    }
    if cursor >= steps {
        let (to, done) = if is_check { (ImportStatus::Checked, true) } else { (ImportStatus::Done, false) };
        imports::set_status(&mut tx, import.id, &[import.status], to, now).await?;
        if done {
            worker.checking = None;
        }
    }
    tx.commit().await
}

/// What became of a row, and why.
type Told = (i64, RowOutcome, &'static str);

/// The lines of a report in the order of the file, with those of before.
fn report(before: &str, outcomes: &[Told]) -> String {
    let row_of = |line: &str| line.split(',').next().and_then(|row| row.parse().ok()).unwrap_or(0_i64);
    let mut lines: Vec<(i64, String)> =
        outcomes.iter().map(|(row, outcome, why)| (*row, format!("{row},{outcome},{why}\n"))).collect();
    lines.extend(before.lines().map(|line| (row_of(line), format!("{line}\n"))));
    lines.sort_by_key(|(row, _)| *row);
    lines.into_iter().map(|(_, line)| line).collect()
}

struct Writer<'a> {
    import: &'a Import,
    newsletter: &'a Newsletter,
    fields: Vec<AskedField>,
    meanings: Vec<Meaning>,
    keys: &'a Keys,
    basis: Option<ConsentTextId>,
}

/// What becomes of somebody who is subscribed here, or was asked to confirm. Who left elsewhere may have signed up here by
/// themselves: only the company can tell.
const fn found_here(person: &Candidate) -> RowOutcome {
    if person.has_left { RowOutcome::StillSubscribed } else { RowOutcome::Known }
}

/// A row that names somebody.
struct Named {
    row: i64,
    key: String,
    person: Candidate,
}

impl Writer<'_> {
    /// What becomes of the rows of a chunk, of those of who has left or of the others; writes it unless this is a check,
    /// which notes in `seen` whom it would add.
    async fn chunk(
        &self,
        tx: &mut Tx,
        (rows, have_left): (Vec<Row>, bool),
        mut seen: Option<&mut HashSet<u64>>,
        now: Timestamp,
    ) -> Result<Vec<Told>, StoreError> {
        let mut told: Vec<Told> = Vec::with_capacity(rows.len());
        let mut named: Vec<Named> = Vec::with_capacity(rows.len());
        let mut keys = HashSet::with_capacity(rows.len());
        for (row, cells) in rows {
            let read = match cells {
                Cells::Unreadable(problem) => Err(problem),
                Cells::Read(cells) => candidate(&self.meanings, &self.fields, &cells),
            };
            match read {
                Err(_) if have_left => {}
                Err(problem) => told.push((row, RowOutcome::Invalid, problem.as_str())),
                // Its turn is before, or after.
                Ok(person) if person.has_left != have_left => {}
                Ok(person) => {
                    let key = person.address.key();
                    if keys.insert(key.clone()) {
                        named.push(Named { row, key, person });
                    } else {
                        told.push((row, RowOutcome::Duplicate, ""));
                    }
                }
            }
        }
        let hashes: Vec<_> = named.iter().map(|one| self.keys.address_hash(&one.person.address)).collect();
        let hashes: Vec<&[u8]> = hashes.iter().map(Vec::as_slice).collect();
        let erased: HashSet<Vec<u8>> = suppressions::among(tx.db(), &hashes).await?.into_iter().collect();
        let known = self.known(tx, &named).await?;
        // After those who are known: somebody who moves to another address in this moment is found either there or here.
        let objected = objections::among(tx.db(), self.newsletter.id, &hashes).await?;
        let objected: HashSet<Vec<u8>> = objected.into_iter().collect();
        let mut new = Vec::new();
        for (one, hash) in named.into_iter().zip(&hashes) {
            let before = known.get(&one.key);
            let status = before.and_then(|before| before.status);
            if erased.contains(*hash) {
                told.push((one.row, RowOutcome::RefusedErased, ""));
            } else if before.is_some_and(|before| before.import_id == Some(self.import.id)) {
                told.push((one.row, RowOutcome::Duplicate, ""));
            } else if status == Some(SubscriptionStatus::Unsubscribed) {
                told.push((one.row, RowOutcome::RefusedLeft, ""));
            } else if status.is_some() {
                told.push((one.row, found_here(&one.person), ""));
            } else if objected.contains(*hash) {
                told.push((one.row, RowOutcome::RefusedLeft, ""));
            } else if let Some(seen) = &mut seen {
                let mut hasher = DefaultHasher::new();
                one.key.hash(&mut hasher);
                let is_new = seen.insert(hasher.finish());
                let outcome = if is_new { self.outcome(&one.person) } else { RowOutcome::Duplicate };
                told.push((one.row, outcome, ""));
            } else {
                new.push((one, before.map(|before| before.id)));
            }
        }
        if !new.is_empty() {
            told.extend(self.write(tx, &new, now).await?);
        }
        told.sort_unstable_by_key(|(row, ..)| *row);
        Ok(told)
    }

    async fn known(&self, tx: &mut Tx, named: &[Named]) -> Result<HashMap<String, Known>, StoreError> {
        let keys: Vec<&str> = named.iter().map(|one| one.key.as_str()).collect();
        let known = people::known(tx.db(), self.newsletter.id, &keys).await?;
        Ok(known.into_iter().map(|known| (known.address_key.clone(), known)).collect())
    }

    const fn outcome(&self, person: &Candidate) -> RowOutcome {
        match (person.has_left, self.import.basis.is_empty()) {
            (true, _) => RowOutcome::LeftBefore,
            (false, true) => RowOutcome::Asked,
            (false, false) => RowOutcome::Added,
        }
    }

    fn language(&self, person: &Candidate) -> Language {
        person.language.map_or(self.newsletter.language, |language| self.newsletter.language_for(language))
    }

    /// Writes people who are new to the newsletter. People before mailings, as every verb locks them.
    async fn write(
        &self,
        tx: &mut Tx,
        new: &[(Named, Option<SubscriberId>)],
        now: Timestamp,
    ) -> Result<Vec<Told>, StoreError> {
        let strangers: Vec<NewSubscriber<'_>> = new
            .iter()
            .filter(|(_, id)| id.is_none())
            .map(|(one, _)| NewSubscriber {
                address: one.person.address.as_str(),
                address_key: &one.key,
                name: &one.person.name,
                language: self.language(&one.person),
            })
            .collect();
        let added: HashMap<String, SubscriberId> = subscribers::insert_all(tx, &strangers, now)
            .await?
            .into_iter()
            .map(|(id, key)| (key, id))
            .collect();
        let open = mailings::lock_open(tx, self.newsletter.id).await?;
        let since = mailings::after_starts(now, &open);
        let mut brought = Vec::with_capacity(new.len());
        for (one, id) in new {
            let id = id.or_else(|| added.get(&one.key).copied()).ok_or_else(StoreError::missing)?;
            let status = match self.outcome(&one.person) {
                RowOutcome::LeftBefore => SubscriptionStatus::Unsubscribed,
                RowOutcome::Added => SubscriptionStatus::Confirmed,
                _ => SubscriptionStatus::Pending,
            };
            brought.push(Brought { subscriber_id: id, status, language: self.language(&one.person) });
        }
        let made = people::bring(tx, self.newsletter.id, self.import.id, &brought, since).await?;
        let made: HashMap<SubscriberId, SubscriptionId> =
            made.into_iter().map(|(id, subscriber)| (subscriber, id)).collect();
        let mut told = Vec::with_capacity(new.len());
        let mut rows = Vec::with_capacity(new.len());
        for ((one, _), brought) in new.iter().zip(&brought) {
            match made.get(&brought.subscriber_id) {
                // Somebody signed up in this moment.
                None => told.push((one.row, found_here(&one.person), "")),
                Some(id) => {
                    told.push((one.row, self.outcome(&one.person), ""));
                    rows.push((one, *brought, *id));
                }
            }
        }
        self.write_more(tx, &rows, since).await?;
        Ok(told)
    }

    /// Answers, topics, evidence and mails.
    async fn write_more(
        &self,
        tx: &mut Tx,
        rows: &[(&Named, Brought, SubscriptionId)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let answers: Vec<_> = rows
            .iter()
            .flat_map(|(one, _, id)| {
                one.person.answers.iter().map(|(field, value)| (*id, *field, value.as_str()))
            })
            .collect();
        subscription_values::insert_all(tx, &answers).await?;
        let of = |status| rows.iter().filter(move |(_, brought, _)| brought.status == status);
        let confirmed: Vec<_> = of(SubscriptionStatus::Confirmed).map(|(_, _, id)| *id).collect();
        people::give_topics(tx, self.newsletter.id, &confirmed, now).await?;
        if !confirmed.is_empty() {
            let count = i64::try_from(confirmed.len()).unwrap_or(i64::MAX);
            growth::add_confirmed(tx, self.newsletter.id, count, now).await?;
        }
        let evidence: Vec<_> = rows.iter().map(|row| self.evidence(row, now)).collect();
        consents::insert_all(tx, &evidence).await?;
        let asked: Vec<_> = of(SubscriptionStatus::Pending).map(|(_, brought, id)| (brought, *id)).collect();
        self.ask(tx, &asked, now).await
    }

    fn evidence(&self, (one, brought, _): &(&Named, Brought, SubscriptionId), now: Timestamp) -> Consent {
        let (event, text) = match brought.status {
            SubscriptionStatus::Confirmed => (ConsentEvent::Imported, self.basis),
            SubscriptionStatus::Pending => (ConsentEvent::Requested, None),
            SubscriptionStatus::Unsubscribed => (ConsentEvent::Withdrawn, None),
        };
        Consent {
            subscriber_id: brought.subscriber_id,
            newsletter_id: self.newsletter.id,
            event,
            at: now,
            consent_text_id: text,
            language: brought.language,
            source: "import".to_owned(),
            page: format!("{}, {}", self.import.file_name, one.row),
            ip: String::new(),
            user_agent: String::new(),
            message_id: None,
            form_id: None,
            form_version: None,
            referrer: String::new(),
            utm: String::new(),
            privacy_url: String::new(),
            privacy_version: String::new(),
        }
    }

    /// Confirmation mails, as after a sign-up.
    async fn ask(
        &self,
        tx: &mut Tx,
        asked: &[(&Brought, SubscriptionId)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut mails = Vec::with_capacity(asked.len());
        let mut hashes = Vec::with_capacity(asked.len());
        for (brought, id) in asked {
            let nonce: [u8; TOKEN_OCTETS] = random().map_err(|_| StoreError::missing())?;
            let message_uuid = Uuid::now_v7();
            let hash = token_hash(&self.keys.derive_token(Purpose::Confirm, &nonce)).unwrap_or_default();
            hashes.push((hash, message_uuid.simple().to_string()));
            mails.push(NewMail {
                kind: OutboxKind::Confirm,
                newsletter_id: self.newsletter.id,
                subscription_id: Some(*id),
                to_address: None,
                issue_id: None,
                welcome_step_id: None,
                language: brought.language,
                nonce: nonce.to_vec(),
                message_uuid,
            });
        }
        let new: Vec<NewToken<'_>> = hashes
            .iter()
            .zip(asked)
            .map(|((hash, message_id), (_, id))| NewToken {
                hash,
                subscription_id: *id,
                message_id,
                created_at: now,
                expires_at: now.plus(CONFIRM_VALID),
                profile: None,
            })
            .collect();
        tokens::insert_confirms(tx, &new).await?;
        let mails: Vec<&NewMail> = mails.iter().collect();
        outbox::insert_bulk(tx, &mails, now).await
    }
}
