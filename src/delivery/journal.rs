//! What is on the wire, in memory and in a file: so that after a crash only that is in doubt.
//!
//! Outcomes go to the database in batches, and a claim there does not say whether its mail has begun. So each
//! sender notes in a file, before the wire, what is in doubt from now on, and after the answer, what became of
//! it. A note is one write into the page cache, which outlives a process that is killed, however it is
//! killed. The next process finds the notes of the dead one: outcomes that had not reached the database are
//! recorded, mails on the wire are doubts, and all other claims were never sent.
//!
//! After a power cut the file may be older than the database. The notes that are there are still true (each
//! was true when it was written, and counts only for a claim that still stands), but a claim without a note is
//! in doubt as well. The file says in which boot of the machine it was written, where the system tells.
//!
//! The file has a head and places of [`PLACE_BYTES`], one for each mail between its start and its stored
//! outcome. It is made whole at the start: a full disk cannot take it away. Whoever writes it holds its lock,
//! so others on this machine know at once that its process is dead.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::model::{MailingId, Timestamp, WorkerId};
use crate::store::deliveries::Record;

/// Room for one note, in bytes: a record with the longest reply, each character escaped.
const PLACE_BYTES: usize = 4096;
/// Of a usual note.
const NOTE_ROOM_BYTES: usize = 512;
/// Beside one for each sender: outcomes that may wait for the database, which on a busy disk takes a while. After a
/// power cut so many mails may be sent twice; after a process was killed none of them is.
const PLACES_ALONE: usize = 192;
/// The same where others may take over who cannot read the file, on another machine: they send all of it again.
const PLACES_SHARED: usize = 96;
const EXTENSION: &str = "journal";
const FORMAT: u32 = 1;
/// Largest file that is read, in bytes: 2,000 connections.
const FILE_MAX_BYTES: u64 = 2_100 * PLACE_BYTES as u64;

/// Whose file it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    format: u32,
    worker: WorkerId,
    /// When the worker signed on: another database may have a worker of the same number.
    started_at: Timestamp,
    /// Of the machine; empty where the system does not tell.
    boot: String,
}

/// What is noted of a delivery: what to record if the process dies now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub mailing: MailingId,
    /// Of a mail that is on the wire: a doubt.
    pub record: Record,
    pub is_on_wire: bool,
}

/// A note as it is written.
#[derive(Serialize)]
struct NoteOf<'a> {
    mailing: MailingId,
    record: &'a Record,
    is_on_wire: bool,
}

/// The mails of one worker that have begun and whose outcome is not stored.
#[derive(Debug)]
pub struct Journal {
    file: Option<(PathBuf, File)>,
    permits: Arc<Semaphore>,
    /// From so many free places on downwards the outcomes should be stored.
    few: usize,
    places: Mutex<Places>,
    filling: Notify,
}

#[derive(Debug)]
struct Places {
    /// Of the mails that are on the wire.
    notes: Vec<Option<(MailingId, Record)>>,
    free: Vec<usize>,
}

/// Room for one mail. It stays noted until [`Place::free`].
#[derive(Debug)]
pub struct Place {
    journal: Arc<Journal>,
    index: usize,
    _permit: OwnedSemaphorePermit,
}

impl Journal {
    /// With a file in a folder, or in memory only. `is_shared`: other machines may send from the same database.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn begin(
        folder: Option<&Path>,
        worker: WorkerId,
        started_at: Timestamp,
        senders: usize,
        is_shared: bool,
    ) -> io::Result<Self> {
        let count = senders + if is_shared { PLACES_SHARED } else { PLACES_ALONE };
        let file = folder.map(|folder| make_file(folder, worker, started_at, count)).transpose()?;
        let places = Places { notes: vec![None; count], free: (0..count).rev().collect() };
        Ok(Self {
            file,
            permits: Arc::new(Semaphore::new(count)),
            // With fewer places the others must last longer: a commit may wait for one of the feeder.
            few: if is_shared { count * 2 / 3 } else { count / 2 },
            places: Mutex::new(places),
            filling: Notify::new(),
        })
    }

    /// Waits for room: what could not be stored is not sent.
    pub async fn place(self: &Arc<Self>) -> Option<Place> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        let index = self.lock().free.pop()?;
        if self.has_few() {
            self.filling.notify_one();
        }
        Some(Place { journal: Arc::clone(self), index, _permit: permit })
    }

    /// Comes back when senders will soon have to wait for places.
    pub async fn filling(&self) {
        while !self.has_few() {
            self.filling.notified().await;
        }
    }

    fn has_few(&self) -> bool {
        self.permits.available_permits() <= self.few
    }

    /// The mails that are on the wire, as doubts.
    pub fn on_wire(&self) -> Vec<(MailingId, Record)> {
        self.lock().notes.iter().flatten().cloned().collect()
    }

    /// After the worker signed off in good order.
    pub fn delete(&self) {
        if let Some((path, _)) = &self.file
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, "the journal could not be deleted");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, index: usize, note: Option<&NoteOf<'_>>) -> io::Result<()> {
        let Some((_, file)) = &self.file else { return Ok(()) };
        match note {
            Some(note) => file.write_all_at(&encoded(note)?, offset(index)),
            // All of it: a reply may name the recipient, who may be erased before the place is used again.
            None => file.write_all_at(&[0; PLACE_BYTES], offset(index)),
        }
    }
}

impl Place {
    /// Before the wire: what to record if the process dies now.
    ///
    /// # Errors
    /// When it cannot be noted; then the mail must not go out.
    pub fn begin(&self, mailing: MailingId, doubt: Record) -> io::Result<()> {
        self.journal.write(self.index, Some(&NoteOf { mailing, record: &doubt, is_on_wire: true }))?;
        self.set(Some((mailing, doubt)));
        Ok(())
    }

    /// The outcome is known. If that cannot be noted the doubt stands, which is safe.
    pub fn end(&self, mailing: MailingId, record: &Record) {
        if let Err(error) =
            self.journal.write(self.index, Some(&NoteOf { mailing, record, is_on_wire: false }))
        {
            tracing::warn!(%error, "an outcome could not be noted in the journal");
        }
        self.set(None);
    }

    /// The mail did not go out.
    pub fn forget(&self) {
        if let Err(error) = self.journal.write(self.index, None) {
            tracing::warn!(%error, "a note could not be taken back in the journal");
        }
        self.set(None);
    }

    /// The outcome is in the database.
    pub fn free(self) {
        self.forget();
        self.journal.lock().free.push(self.index);
    }

    fn set(&self, note: Option<(MailingId, Record)>) {
        if let Some(place) = self.journal.lock().notes.get_mut(self.index) {
            *place = note;
        }
    }
}

fn offset(index: usize) -> u64 {
    // The head takes the first place.
    (index as u64 + 1) * PLACE_BYTES as u64
}

/// Length and JSON in one write.
fn encoded(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(NOTE_ROOM_BYTES);
    bytes.extend_from_slice(&[0; 4]);
    serde_json::to_writer(&mut bytes, value)?;
    let length = u32::try_from(bytes.len() - 4).ok().filter(|_| bytes.len() <= PLACE_BYTES);
    let length = length.ok_or_else(|| io::Error::other("a note is longer than its place"))?;
    if let Some(head) = bytes.first_chunk_mut::<4>() {
        *head = length.to_le_bytes();
    }
    Ok(bytes)
}

fn decoded<'a, T: Deserialize<'a>>(place: &'a [u8]) -> Option<T> {
    let (length, json) = place.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    serde_json::from_slice(json.get(..length).filter(|json| !json.is_empty())?).ok()
}

fn make_file(
    folder: &Path,
    worker: WorkerId,
    started_at: Timestamp,
    places: usize,
) -> io::Result<(PathBuf, File)> {
    std::fs::create_dir_all(folder)?;
    let path = path_of(folder, worker);
    let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&path)?;
    file.try_lock()?;
    let head = Head { format: FORMAT, worker, started_at, boot: boot_id() };
    // Written whole, so that the room is there; and place by place: what the kernel cached as one large piece it would
    // walk through with each note.
    let mut place = encoded(&head)?;
    place.resize(PLACE_BYTES, 0);
    file.write_all_at(&place, 0)?;
    place.fill(0);
    for index in 0..places {
        file.write_all_at(&place, offset(index))?;
    }
    file.sync_all()?;
    Ok((path, file))
}

fn path_of(folder: &Path, worker: WorkerId) -> PathBuf {
    folder.join(format!("worker-{worker}.{EXTENSION}"))
}

/// Which start of the machine this is (Linux); empty where that is not told.
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// What a dead worker of this machine has left.
#[derive(Debug)]
pub struct Remains {
    pub worker: WorkerId,
    pub started_at: Timestamp,
    pub notes: Vec<Note>,
    /// Whether a claim without a note was never on the wire.
    pub is_whole: bool,
    path: PathBuf,
    /// Holds the lock while its claims are recovered.
    _file: File,
}

impl Remains {
    /// After its claims were recovered.
    pub fn delete(self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "the journal of a dead sender could not be deleted");
        }
    }
}

/// The journal of a worker of this process that ended without signing off; `None` while something of it still holds it.
pub fn remains_of_worker(folder: &Path, worker: WorkerId) -> Option<Remains> {
    remains_of(path_of(folder, worker)).filter(|remains| remains.worker == worker)
}

/// The journals in a folder whose processes are dead. One that cannot be read says nothing, and its worker's
/// claims are in doubt.
pub fn remains(folder: &Path) -> Vec<Remains> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let journals = paths.filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    journals.filter_map(remains_of).collect()
}

fn remains_of(path: PathBuf) -> Option<Remains> {
    let file = OpenOptions::new().read(true).write(true).open(&path).ok()?;
    // Held by a process that lives.
    file.try_lock().ok()?;
    let length = file.metadata().ok()?.len().min(FILE_MAX_BYTES);
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let mut places = bytes.chunks(PLACE_BYTES);
    let Some(head) = places.next().and_then(decoded::<Head>).filter(|head| head.format == FORMAT) else {
        tracing::warn!("a journal of a sender cannot be read; what it held is in doubt");
        return None;
    };
    let boot = boot_id();
    let mut is_whole = !boot.is_empty() && boot == head.boot;
    let mut notes = Vec::new();
    for place in places.filter(|place| place.iter().any(|byte| *byte != 0)) {
        match decoded(place) {
            Some(note) => notes.push(note),
            // Somebody's mail may be with the relay, and nobody can say whose.
            None => is_whole = false,
        }
    }
    Some(Remains { worker: head.worker, started_at: head.started_at, notes, is_whole, path, _file: file })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, Refusal, SubscriberId};

    const STARTED: Timestamp = Timestamp::from_millis(1_800_000_000_123);

    fn record(subscriber: i64, outcome: Outcome) -> Record {
        Record {
            subscriber_id: SubscriberId(subscriber),
            outcome,
            attempts: 1,
            doubts: 0,
            due_at: Some(STARTED),
            // As long as a reply may be, and every character escaped.
            reply: "\"".repeat(300),
            relay: "main".into(),
            refusal: Refusal::None,
        }
    }

    #[tokio::test]
    async fn after_a_crash_the_notes_say_what_was_on_the_wire_and_what_was_answered() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::begin(Some(folder.path()), WorkerId(7), STARTED, 2, false).unwrap());
        let (on_wire, answered) = (journal.place().await.unwrap(), journal.place().await.unwrap());
        let (stored, lost) = (journal.place().await.unwrap(), journal.place().await.unwrap());
        on_wire.begin(MailingId(1), record(1, Outcome::Uncertain)).unwrap();
        answered.begin(MailingId(1), record(2, Outcome::Uncertain)).unwrap();
        answered.end(MailingId(1), &record(2, Outcome::Sent));
        stored.begin(MailingId(1), record(3, Outcome::Uncertain)).unwrap();
        stored.end(MailingId(1), &record(3, Outcome::Sent));
        stored.free();
        lost.begin(MailingId(1), record(4, Outcome::Uncertain)).unwrap();
        lost.forget();
        assert_eq!(journal.on_wire(), [(MailingId(1), record(1, Outcome::Uncertain))]);
        assert!(remains(folder.path()).is_empty(), "its process lives");
        drop((on_wire, answered, lost));
        drop(journal);

        let mut found = remains(folder.path());
        let dead = found.pop().unwrap();
        assert_eq!((dead.worker, dead.started_at, found.len()), (WorkerId(7), STARTED, 0));
        assert_eq!(dead.is_whole, !boot_id().is_empty());
        let mut notes: Vec<_> =
            dead.notes.iter().map(|note| (note.record.subscriber_id.0, note.is_on_wire)).collect();
        notes.sort_unstable();
        assert_eq!(notes, [(1, true), (2, false)]);
        assert_eq!(dead.notes.iter().find(|note| !note.is_on_wire).unwrap().record, record(2, Outcome::Sent));
        dead.delete();
        assert!(remains(folder.path()).is_empty());
    }

    #[tokio::test]
    async fn no_mail_begins_without_a_place_for_its_outcome() {
        for (is_shared, most) in [(false, PLACES_ALONE), (true, PLACES_SHARED)] {
            let journal = Arc::new(Journal::begin(None, WorkerId(1), STARTED, 1, is_shared).unwrap());
            let mut places = Vec::new();
            for _ in 0..=most {
                places.push(journal.place().await.unwrap());
            }
            let mut next = Box::pin(journal.place());
            assert!(futures_util::FutureExt::now_or_never(&mut next).is_none());
            places.pop().unwrap().free();
            assert!(next.await.is_some());
        }
    }

    #[tokio::test]
    async fn where_one_place_cannot_be_read_the_journal_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::begin(Some(folder.path()), WorkerId(7), STARTED, 2, false).unwrap());
        let (damaged, other) = (journal.place().await.unwrap(), journal.place().await.unwrap());
        damaged.begin(MailingId(1), record(1, Outcome::Uncertain)).unwrap();
        other.begin(MailingId(1), record(2, Outcome::Uncertain)).unwrap();
        let (_, file) = journal.file.as_ref().unwrap();
        file.write_all_at(b"\x05\0\0\0{{{{{", offset(damaged.index)).unwrap();
        drop((damaged, other));
        drop(journal);
        let dead = remains(folder.path()).pop().unwrap();
        let notes: Vec<_> = dead.notes.iter().map(|note| note.record.subscriber_id.0).collect();
        assert_eq!((dead.is_whole, notes), (false, vec![2]));
    }

    #[test]
    fn a_file_that_is_no_journal_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("worker-3.journal"), b"\xff\xff\xff\xffnonsense").unwrap();
        std::fs::write(folder.path().join("worker-4.journal"), b"").unwrap();
        std::fs::write(folder.path().join("notes.txt"), b"x").unwrap();
        assert!(remains(folder.path()).is_empty());
    }
}
