//! Counting clicks and opens behind the answers: a reader who follows a link waits for nothing but where it leads.
//!
//! A handler notes a hit in a queue that never makes it wait; one task writes what came together, some times a second, in
//! one transaction. A queue that is full, or a crash, loses counts of the last moment and nothing else; a stop writes
//! everything first.
//!
//! A burst (many links of one mail at once) is known only with its last hit. What was counted as a person's before is
//! taken back then, so that nothing waits to be judged.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::model::calendar::hour_of;
use crate::model::tracking::SECOND_LINKS;
use crate::model::{HitKind, HitRule, MailingId, SubscriptionId, Timestamp};
use crate::store::hits::{self, Added, ReaderHits, Tally};
use crate::store::{Result, Store, mailing_links};

/// Most hits that wait to be written: some seconds of the fastest scanners.
const QUEUE: usize = 20_000;
/// Most hits of one transaction, so that the one writer of SQLite is held for some milliseconds only.
const BATCH: usize = 500;
/// How often what came is written.
const EVERY: Duration = Duration::from_millis(500);
/// So many different links of one mail within [`BURST`] are no person's (H12), and both of one that has two.
const BURST_LINKS: usize = 3;
const BURST_LINKS_FEWEST: usize = 2;
/// Most mailings of which it is known how many links they have.
const MAILINGS_MAX: usize = 1_000;
const BURST: Duration = Duration::from_secs(2);
/// A click so soon after the delivery is no person's (H12).
const SOON: Duration = Duration::from_secs(10);
/// Most visitors that are watched for bursts; of others a burst is not seen.
const VISITORS_MAX: usize = 20_000;
/// How often a stop tries to write the last hits.
const LAST_TRIES: usize = 3;

/// One hit, as a handler saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    pub mailing: MailingId,
    /// Of the link; 0: the mail was opened.
    pub number: u16,
    /// Whose link it was; `None`: everybody's.
    pub reader: Option<SubscriptionId>,
    /// Tells visitors apart where the link does not; see [`Hits::stranger`]. Kept for seconds, and never stored.
    pub stranger: u64,
    pub at: Timestamp,
    /// What the request says by itself.
    pub rule: HitRule,
}

impl Hit {
    const fn kind(&self) -> HitKind {
        HitKind::of(self.number)
    }
}

enum Word {
    Hit(Hit),
    /// Everything before this is to be written now.
    Flush(oneshot::Sender<()>),
}

/// Where handlers note hits. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hits {
    words: mpsc::Sender<Word>,
    lost: Arc<AtomicU64>,
    /// Random for each process: what tells strangers apart is worth nothing elsewhere, or later.
    seed: std::hash::RandomState,
}

impl Hits {
    /// Starts the task that writes; it ends when the last clone is gone.
    pub fn start(store: &Store) -> (Self, JoinHandle<()>) {
        let (words, received) = mpsc::channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Counter {
            store: store.clone(),
            lost: Arc::clone(&lost),
            bursts: Bursts::default(),
            links: HashMap::new(),
            batch: Vec::new(),
        };
        (Self { words, lost, seed: std::hash::RandomState::new() }, tokio::spawn(counter.run(received)))
    }

    /// Notes a hit; never waits.
    pub fn note(&self, hit: Hit) {
        if self.words.try_send(Word::Hit(hit)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything that was noted before is written, or cannot be for now.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.words.send(Word::Flush(done)).await.is_ok() {
            // Gone with the process: then there is nothing to wait for.
            let _ = written.await;
        }
    }

    /// A number for a visitor who is nobody in particular.
    pub fn stranger(&self, ip: IpAddr, user_agent: &str) -> u64 {
        use std::hash::BuildHasher as _;
        self.seed.hash_one((ip, user_agent))
    }
}

/// A hit with what it counts as: 1, or -1 where that is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Judged {
    hit: Hit,
    rule: HitRule,
    count: i64,
}

/// Who followed a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Visitor {
    Reader(SubscriptionId),
    Stranger(u64),
}

/// Watches who follows many links of one mail at once.
#[derive(Debug, Default)]
struct Bursts {
    recent: HashMap<(MailingId, Visitor), Vec<Judged>>,
}

impl Bursts {
    /// What a hit counts as, and what is taken back by it. `many` links of its mail at once are a burst.
    fn judge(&mut self, hit: Hit, many: usize) -> Vec<Judged> {
        let own = |rule| Judged { hit, rule, count: 1 };
        if hit.kind() == HitKind::Open {
            return vec![own(hit.rule)];
        }
        let visitor = hit.reader.map_or(Visitor::Stranger(hit.stranger), Visitor::Reader);
        let key = (hit.mailing, visitor);
        if self.recent.len() >= VISITORS_MAX && !self.recent.contains_key(&key) {
            return vec![own(hit.rule)];
        }
        let recent = self.recent.entry(key).or_default();
        recent.retain(|before| is_near(before.hit.at, hit.at));
        recent.push(own(hit.rule));
        let links: HashSet<u16> = recent.iter().map(|judged| judged.hit.number).collect();
        let mut judged = Vec::new();
        if links.len() >= many {
            let last = recent.len() - 1;
            let people = recent.iter_mut().enumerate().filter(|(_, before)| !before.rule.is_machine());
            for (at, before) in people {
                // The last is this hit, which was not counted yet.
                if at != last {
                    judged.push(Judged { count: -1, ..*before });
                    judged.push(Judged { rule: HitRule::Burst, ..*before });
                }
                before.rule = HitRule::Burst;
            }
        }
        // More of the same say no more.
        if recent.len() > BURST_LINKS * 4 {
            recent.remove(0);
        }
        let rule = if links.len() >= many && !hit.rule.is_machine() { HitRule::Burst } else { hit.rule };
        judged.push(own(rule));
        judged
    }

    /// Forgets who can be part of no burst any more.
    fn forget(&mut self, now: Timestamp) {
        self.recent.retain(|_, hits| hits.last().is_some_and(|last| is_near(last.hit.at, now)));
    }
}

/// Also when the clock of the machine was set back meanwhile.
fn is_near(before: Timestamp, now: Timestamp) -> bool {
    now.since(before) <= BURST && before.since(now) <= BURST
}

struct Counter {
    store: Store,
    lost: Arc<AtomicU64>,
    bursts: Bursts,
    /// How many links of a mail are a burst: by mailing, and by whether it is a mail with the second subject.
    links: HashMap<(MailingId, bool), usize>,
    batch: Vec<Judged>,
}

impl Counter {
    async fn run(mut self, mut words: mpsc::Receiver<Word>) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // A database that does not answer leaves the rest in the queue, which is bounded.
            let has_room = self.batch.len() < BATCH;
            tokio::select! {
                word = words.recv(), if has_room => match word {
                    Some(Word::Hit(hit)) => {
                        let many = self.burst_links(&hit).await;
                        self.batch.extend(self.bursts.judge(hit, many));
                    }
                    Some(Word::Flush(done)) => {
                        self.write().await;
                        // Who asked may be gone.
                        let _ = done.send(());
                    }
                    None => break,
                },
                _ = tick.tick(), if !self.batch.is_empty() => self.write().await,
            }
            if self.batch.len() >= BATCH && has_room {
                self.write().await;
            }
        }
        for _ in 0..LAST_TRIES {
            self.write().await;
        }
    }

    /// Asked once for each mailing. Where the database does not answer, it is asked again with the next hit.
    async fn burst_links(&mut self, hit: &Hit) -> usize {
        if hit.kind() == HitKind::Open {
            return BURST_LINKS;
        }
        let key = (hit.mailing, hit.number > SECOND_LINKS);
        if let Some(known) = self.links.get(&key) {
            return *known;
        }
        let counted = async {
            mailing_links::count_beside(self.store.read().await?.db(), hit.mailing, hit.number).await
        };
        let Ok(links) = counted.await else { return BURST_LINKS };
        let many = usize::try_from(links).unwrap_or(BURST_LINKS).clamp(BURST_LINKS_FEWEST, BURST_LINKS);
        if self.links.len() >= MAILINGS_MAX {
            self.links.clear();
        }
        self.links.insert(key, many);
        many
    }

    async fn write(&mut self) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "clicks and opens came faster than they could be counted; some are lost");
        }
        let Some(last) = self.batch.last() else { return };
        self.bursts.forget(last.hit.at);
        match write(&self.store, &self.batch).await {
            Ok(()) => self.batch.clear(),
            Err(error) => tracing::warn!(cause = %error, "clicks and opens could not be counted yet"),
        }
    }
}

/// What a batch adds, put together.
#[derive(Default)]
struct Sums {
    mailings: BTreeMap<MailingId, Added>,
    hours: BTreeMap<(MailingId, i64), Added>,
    links: BTreeMap<(MailingId, u16), (Tally, i64)>,
    rules: BTreeMap<(MailingId, HitKind, HitRule), i64>,
    readers: BTreeMap<(SubscriptionId, MailingId, u16), ReaderHits>,
}

impl Sums {
    fn add(&mut self, judged: &Judged, reader: Option<SubscriptionId>) {
        let Judged { hit, rule, count } = *judged;
        let tally = |added: &mut Added| match hit.kind() {
            HitKind::Click => added.clicks.add(rule, count),
            HitKind::Open => added.opens.add(rule, count),
        };
        tally(self.mailings.entry(hit.mailing).or_default());
        tally(self.hours.entry((hit.mailing, hour_of(hit.at))).or_default());
        if hit.kind() == HitKind::Click {
            self.links.entry((hit.mailing, hit.number)).or_default().0.add(rule, count);
        }
        *self.rules.entry((hit.mailing, hit.kind(), rule)).or_default() += count;
        if let Some(reader) = reader {
            let ReaderHits { at, tally, .. } =
                self.readers.entry((reader, hit.mailing, hit.number)).or_insert(ReaderHits {
                    reader,
                    mailing: hit.mailing,
                    number: hit.number,
                    at: hit.at,
                    tally: Tally::default(),
                });
            *at = (*at).max(hit.at);
            tally.add(rule, count);
        }
    }
}

/// Writes a batch in one transaction. Whose link a hit was is kept only of those who agree to its kind at this moment:
/// others count as everybody, and their opens, which say no more than that somebody's mail was shown, not at all (L4).
async fn write(store: &Store, batch: &[Judged]) -> Result<()> {
    let readers: BTreeSet<SubscriptionId> = batch.iter().filter_map(|judged| judged.hit.reader).collect();
    let readers: Vec<SubscriptionId> = readers.into_iter().collect();
    let mut tx = store.begin().await?;
    let agreed = hits::lock_readers(&mut tx, &readers).await?;
    let mut delivered: HashMap<(MailingId, SubscriptionId), Option<Timestamp>> = HashMap::new();
    let mut sums = Sums::default();
    for judged in batch {
        let Some(owner) = judged.hit.reader else {
            sums.add(judged, None);
            continue;
        };
        if !agreed.get(&owner).is_some_and(|agreed| agreed.to(judged.hit.kind())) {
            if judged.hit.kind() == HitKind::Click {
                sums.add(judged, None);
            }
            continue;
        }
        let key = (judged.hit.mailing, owner);
        let at = match delivered.get(&key) {
            Some(known) => *known,
            None => {
                let found = hits::delivered_at(tx.db(), judged.hit.mailing, owner).await?;
                delivered.insert(key, found);
                found
            }
        };
        // Before the outcome is stored the mail has only just gone out.
        let is_soon = at.is_none_or(|at| judged.hit.at.since(at) < SOON);
        let rule = if is_soon && judged.rule == HitRule::Human { HitRule::Soon } else { judged.rule };
        sums.add(&Judged { rule, ..*judged }, Some(owner));
    }
    add_readers(&mut tx, &mut sums).await?;
    for ((mailing, number), (tally, readers)) in &sums.links {
        hits::add_to_link(&mut tx, *mailing, *number, *tally, *readers).await?;
    }
    for (mailing, added) in &sums.mailings {
        hits::add_to_mailing(&mut tx, *mailing, added).await?;
    }
    for ((mailing, hour), added) in &sums.hours {
        hits::add_to_hour(&mut tx, *mailing, *hour, added).await?;
    }
    for ((mailing, kind, rule), count) in sums.rules.iter().filter(|(_, count)| **count != 0) {
        hits::add_to_rule(&mut tx, *mailing, *kind, *rule, *count).await?;
    }
    tx.commit().await
}

/// Adds to what readers have hit, and counts those whose first hit it is, or of whom none is left.
async fn add_readers(tx: &mut crate::store::Tx, sums: &mut Sums) -> Result<()> {
    let pairs: BTreeSet<_> = sums.readers.keys().map(|(reader, mailing, _)| (*reader, *mailing)).collect();
    for (reader, mailing) in pairs {
        let before = hits::links_followed(tx.db(), mailing, reader).await?;
        let of_pair = sums.readers.range((reader, mailing, 0)..=(reader, mailing, u16::MAX));
        for ((.., number), hits_of) in of_pair {
            let (had, has) = hits::add_reader(tx, hits_of).await?;
            let change = i64::from(has > 0) - i64::from(had > 0);
            if *number == 0 {
                sums.mailings.entry(mailing).or_default().open_readers += change;
            } else {
                sums.links.entry((mailing, *number)).or_default().1 += change;
            }
        }
        let after = hits::links_followed(tx.db(), mailing, reader).await?;
        sums.mailings.entry(mailing).or_default().click_readers +=
            i64::from(after > 0) - i64::from(before > 0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn hit(number: u16, stranger: u64, millis: u64) -> Hit {
        let at = START.plus(Duration::from_millis(millis));
        Hit { mailing: MailingId(1), number, reader: None, stranger, at, rule: HitRule::Human }
    }

    /// What people and machines have after these hits.
    fn counted(hits: &[Hit]) -> Tally {
        counted_of(hits, BURST_LINKS)
    }

    fn counted_of(hits: &[Hit], many: usize) -> Tally {
        let mut bursts = Bursts::default();
        let mut tally = Tally::default();
        for hit in hits {
            for judged in bursts.judge(*hit, many) {
                tally.add(judged.rule, judged.count);
            }
        }
        tally
    }

    #[test]
    fn three_links_in_two_seconds_are_taken_back_as_a_machines() {
        assert_eq!(counted(&[hit(1, 7, 0), hit(2, 7, 500)]), Tally { human: 2, machine: 0 });
        assert_eq!(counted(&[hit(1, 7, 0), hit(2, 7, 500), hit(3, 7, 900)]), Tally { human: 0, machine: 3 });
        let more = [hit(1, 7, 0), hit(2, 7, 500), hit(3, 7, 900), hit(4, 7, 1000), hit(1, 7, 1500)];
        assert_eq!(counted(&more), Tally { human: 0, machine: 5 });
    }

    #[test]
    fn both_links_of_a_mail_with_two_are_taken_back_and_one_after_the_other_are_a_readers() {
        let counted = |hits: &[Hit]| counted_of(hits, BURST_LINKS_FEWEST);
        assert_eq!(counted(&[hit(1, 7, 0), hit(2, 7, 500)]), Tally { human: 0, machine: 2 });
        assert_eq!(counted(&[hit(1, 7, 0), hit(2, 7, 3000)]), Tally { human: 2, machine: 0 });
        assert_eq!(counted(&[hit(1, 7, 0), hit(1, 7, 500)]), Tally { human: 2, machine: 0 });
    }

    #[test]
    fn one_link_many_times_several_people_and_a_slow_reader_are_people() {
        let again: Vec<Hit> = (0..40).map(|at| hit(1, 7, at * 20)).collect();
        assert_eq!(counted(&again), Tally { human: 40, machine: 0 });
        assert_eq!(counted(&[hit(1, 7, 0), hit(2, 8, 1), hit(3, 9, 2)]), Tally { human: 3, machine: 0 });
        assert_eq!(
            counted(&[hit(1, 7, 0), hit(2, 7, 1500), hit(3, 7, 3000)]),
            Tally { human: 3, machine: 0 }
        );
    }

    #[test]
    fn opens_are_part_of_no_burst_and_what_is_a_machines_already_is_not_taken_back() {
        let opens: Vec<Hit> = (0..4).map(|at| hit(0, 7, at)).collect();
        assert_eq!(counted(&opens), Tally { human: 4, machine: 0 });
        let head = Hit { rule: HitRule::Head, ..hit(1, 7, 0) };
        assert_eq!(counted(&[head, hit(2, 7, 1), hit(3, 7, 2)]), Tally { human: 0, machine: 3 });
    }

    #[test]
    fn what_is_remembered_of_visitors_is_forgotten_after_seconds() {
        let mut bursts = Bursts::default();
        bursts.judge(hit(1, 7, 0), BURST_LINKS);
        bursts.forget(START.plus(Duration::from_secs(1)));
        assert_eq!(bursts.recent.len(), 1);
        bursts.forget(START.plus(Duration::from_secs(3)));
        assert!(bursts.recent.is_empty());
    }
}
