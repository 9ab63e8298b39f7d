//! Taking in a file of people.
//!
//! 1. [`Upload`] reads the file piece by piece into chunks of rows in the database, so that any machine can go on with
//!    it, and nothing of the file is needed any longer.
//! 2. Somebody says what the columns mean and on what basis these people get mail ([`check`]).
//! 3. The background looks what would become of each row, and writes nothing; then somebody starts it ([`run`]).
//! 4. The background works off the chunks in order, those of who has left before the others: rows, evidence, mails, counts and cursor of some chunks in one
//!    transaction, so that it goes on where it was whatever happens to the process (`docs/decisions/0024-imports.md`).
//!
//! Who has left, said no or was erased stays so, and a second import of a file changes nothing.

pub mod columns;
pub mod file;
mod work;

pub use work::{Worker, work_off, work_off_one};

use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::model::{
    Act, AskedField, Field, Import, ImportId, ImportStatus, Meaning, NewsletterId, Permission, Timestamp,
    UserId,
};
use crate::store::imports::FileRead;
use crate::store::{Store, StoreError, Tx, fields, imports};
use file::{FileError, FileReader, Row};

/// Rows of a chunk: one statement each for what they become.
const CHUNK_ROWS: usize = crate::store::BULK_ROWS_MAX;
/// Chunks that are written in one transaction while a file is read.
const CHUNKS_TOGETHER: usize = 16;
/// Octets of a file after which a chunk ends however few rows it has, and of those that are written together: rows can
/// be long.
const CHUNK_OCTETS: usize = 1_000_000;
const OCTETS_TOGETHER: usize = 4_000_000;
/// Most characters kept of a file's name.
const FILE_NAME_MAX_CHARS: usize = 120;
/// Rows shown beside the headings.
pub const SAMPLE_ROWS: usize = 3;
/// Files that nobody goes on with are forgotten after this.
const ABANDONED_AFTER: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    File(#[from] FileError),
    /// Fields: `address`, `basis`.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("the import is in another state by now")]
    NotPossible,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A file on its way into the database.
#[derive(Debug)]
pub struct Upload {
    store: Store,
    import: Import,
    reader: FileReader,
    waiting: Vec<String>,
    rows: i64,
    chunks: i64,
}

impl Upload {
    /// # Errors
    /// Of the database.
    pub async fn begin(
        store: &Store,
        clock: &Clock,
        newsletter: NewsletterId,
        file_name: &str,
        user: Option<UserId>,
    ) -> Result<Self, ImportError> {
        let name: String = file_name.chars().filter(|c| !c.is_control()).take(FILE_NAME_MAX_CHARS).collect();
        store.permit(Permission::ImportSubscribers, Some(newsletter))?;
        let mut tx = store.begin().await?;
        let import = imports::insert(&mut tx, newsletter, &name, user, clock.now()).await?;
        tx.note_detail(Act::SubscribersImported, Some(newsletter), Some(import.id.0), "upload").await?;
        tx.commit().await?;
        let reader = FileReader::default();
        Ok(Self { store: store.clone(), import, reader, waiting: Vec::new(), rows: 0, chunks: 0 })
    }

    /// The next octets of the file.
    ///
    /// # Errors
    /// [`ImportError::File`] when it is refused: then call [`Upload::give_up`].
    pub async fn push(&mut self, octets: &[u8]) -> Result<(), ImportError> {
        self.reader.push(octets)?;
        while self.reader.ready() >= CHUNK_ROWS || self.reader.ready_octets() >= CHUNK_OCTETS {
            self.put_aside();
            let octets: usize = self.waiting.iter().map(String::len).sum();
            if self.waiting.len() >= CHUNKS_TOGETHER || octets >= OCTETS_TOGETHER {
                self.write().await?;
            }
        }
        Ok(())
    }

    fn put_aside(&mut self) {
        let rows = self.reader.take(CHUNK_ROWS);
        self.rows += i64::try_from(rows.len()).unwrap_or(0);
        self.waiting.push(serde_json::to_string(&rows).unwrap_or_default());
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        for body in self.waiting.drain(..) {
            self.chunks += 1;
            imports::insert_chunk(&mut tx, self.import.id, self.chunks, &body).await?;
        }
        tx.commit().await
    }

    /// The end of the file: its columns can be looked at now.
    ///
    /// # Errors
    /// As [`Upload::push`]; whatever it is, call [`Upload::give_up`].
    pub async fn finish(&mut self) -> Result<Import, ImportError> {
        self.reader.finish()?;
        while self.reader.ready() > 0 {
            self.put_aside();
        }
        self.write().await?;
        let headings = self.reader.headings().to_vec();
        let origin = columns::origin_of(&headings);
        let samples = samples(&self.store, &self.import).await?;
        let mut tx = self.store.begin().await?;
        let fields = fields::of_newsletter(tx.db(), self.import.newsletter_id).await?;
        let meanings = columns::guess(origin, &headings, &fields, &samples);
        let read = FileRead {
            origin,
            columns: &serde_json::to_string(&headings).unwrap_or_default(),
            mapping: &serde_json::to_string(&meanings).unwrap_or_default(),
            rows: self.rows,
            chunks: self.chunks,
        };
        let import = imports::set_read(&mut tx, self.import.id, read).await?;
        tx.commit().await?;
        import.ok_or(ImportError::NotPossible)
    }

    /// Forgets what was read of a file that is refused, or could not be kept.
    ///
    /// # Errors
    /// Of the database.
    pub async fn give_up(self, clock: &Clock) -> Result<(), StoreError> {
        cancel(&self.store, clock, self.import.id).await.map(drop)
    }
}

/// The headings of a file.
pub fn headings(import: &Import) -> Vec<String> {
    serde_json::from_str(&import.columns).unwrap_or_default()
}

/// What its columns mean, as said last.
pub fn meanings(import: &Import) -> Vec<Meaning> {
    serde_json::from_str(&import.mapping).unwrap_or_default()
}

/// How many chunks are worked off in all. Where columns say who has left, each of them twice: first those who have, so
/// that no other row of the file subscribes them, wherever it stands; then the others.
pub fn steps(import: &Import) -> i64 {
    let is_twice = meanings(import).iter().any(Meaning::says_who_left);
    import.chunk_count * if is_twice { 2 } else { 1 }
}

/// The first rows that can be read.
///
/// # Errors
/// Of the database.
pub async fn samples(store: &Store, import: &Import) -> Result<Vec<Vec<String>>, StoreError> {
    let chunk = imports::chunk(store.read().await?.db(), import.id, 1).await?;
    let rows: Vec<Row> = serde_json::from_str(chunk.as_deref().unwrap_or("[]")).unwrap_or_default();
    let cells = rows.into_iter().filter_map(|(_, cells)| match cells {
        file::Cells::Read(cells) => Some(cells),
        file::Cells::Unreadable(_) => None,
    });
    Ok(cells.take(SAMPLE_ROWS).collect())
}

fn checked(meanings: &[Meaning], basis: &str) -> Result<(String, String), FieldErrors> {
    let mut errors = FieldErrors::new();
    if meanings.iter().filter(|meaning| **meaning == Meaning::Address).count() != 1 {
        errors.add("address", Message::new("error-import-address"));
    }
    let is_twice = meanings.iter().enumerate().any(|(at, meaning)| {
        !meaning.may_repeat() && meanings.iter().skip(at + 1).any(|other| other == meaning)
    });
    if is_twice {
        errors.add("address", Message::new("error-import-twice"));
    }
    let basis = match basis.trim() {
        "" => String::new(),
        given => match super::company::basis_of(given) {
            Ok(basis) => basis,
            Err(wrong) => {
                for error in wrong.iter() {
                    errors.add("basis", error.message.clone());
                }
                String::new()
            }
        },
    };
    errors.or((serde_json::to_string(meanings).unwrap_or_default(), basis))
}

/// Has the background look what would become of each row.
///
/// # Errors
/// [`ImportError::Invalid`] names every field that is wrong.
pub async fn check(
    store: &Store,
    clock: &Clock,
    id: ImportId,
    meanings: &[Meaning],
    basis: &str,
) -> Result<Import, ImportError> {
    let (mapping, basis) = checked(meanings, basis)?;
    let mut tx = store.begin().await?;
    permit(&mut tx, id).await?;
    let begun = imports::begin(&mut tx, id, ImportStatus::Checking, &mapping, &basis, clock.now()).await?;
    let begun = begun.ok_or(ImportError::NotPossible)?;
    tx.commit().await?;
    Ok(begun)
}

/// Starts it as it was checked.
///
/// # Errors
/// [`ImportError::NotPossible`] unless it was checked.
pub async fn run(store: &Store, clock: &Clock, id: ImportId) -> Result<Import, ImportError> {
    let mut tx = store.begin().await?;
    let import = imports::by_id(tx.db(), id).await?.filter(|import| import.status == ImportStatus::Checked);
    let import = import.ok_or(ImportError::NotPossible)?;
    tx.permit(Permission::ImportSubscribers, Some(import.newsletter_id))?;
    let now = clock.now();
    let begun =
        imports::begin(&mut tx, id, ImportStatus::Running, &import.mapping, &import.basis, now).await?;
    let begun = begun.ok_or(ImportError::NotPossible)?;
    tx.note(Act::SubscribersImported, Some(import.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(begun)
}

/// Leaves it: what is written already stays. `false` when it had ended.
///
/// # Errors
/// Of the database.
pub async fn cancel(store: &Store, clock: &Clock, id: ImportId) -> Result<bool, StoreError> {
    use ImportStatus::{Checked, Checking, Mapping, Reading, Running};
    let from = [Reading, Mapping, Checking, Checked, Running];
    let mut tx = store.begin().await?;
    permit(&mut tx, id).await?;
    let was = imports::set_status(&mut tx, id, &from, ImportStatus::Cancelled, clock.now()).await?;
    if was {
        let newsletter = imports::by_id(tx.db(), id).await?.map(|import| import.newsletter_id);
        tx.note_detail(Act::SubscribersImported, newsletter, Some(id.0), "cancel").await?;
    }
    tx.commit().await?;
    Ok(was)
}

/// An import that is gone is refused by what comes after.
async fn permit(tx: &mut Tx, id: ImportId) -> Result<(), StoreError> {
    match imports::by_id(tx.db(), id).await? {
        Some(import) => tx.permit(Permission::ImportSubscribers, Some(import.newsletter_id)),
        None => Ok(()),
    }
}

/// Forgets files that nobody went on with.
pub(super) async fn forget_abandoned(store: &Store, clock: &Clock) -> Result<(), StoreError> {
    let before = clock.now().minus(ABANDONED_AFTER);
    let found = imports::abandoned(store.read().await?.db(), before).await?;
    for id in found {
        // Not one that somebody went on with since.
        let from = [ImportStatus::Reading, ImportStatus::Mapping, ImportStatus::Checked];
        let mut tx = store.begin().await?;
        imports::set_status(&mut tx, id, &from, ImportStatus::Cancelled, clock.now()).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The fields of a newsletter as a form would ask them.
async fn asked_fields(
    tx: &mut Tx,
    newsletter: &crate::model::Newsletter,
) -> Result<Vec<AskedField>, StoreError> {
    let all = fields::of_newsletter(tx.db(), newsletter.id).await?;
    let asked = |field: Field| AskedField {
        field,
        is_required: false,
        texts: Vec::new(),
        fallback: newsletter.language,
    };
    Ok(all.into_iter().map(asked).collect())
}

/// When a lease that is taken now ends.
fn lease(now: Timestamp) -> Timestamp {
    now.plus(work::LEASE)
}
