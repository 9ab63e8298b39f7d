//! Engines, their databases, the relay and the people of one run, and how time passes for them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::delivery::{Engine, EngineHandle, EngineParts, EngineSettings};
use postiljon::model::{MailingId, NewsletterId, Timestamp, UncertainPolicy};
use postiljon::store::{Pools, Store};
use tokio::task::JoinHandle;

use super::dice::Dice;
use super::faults::Weather;
use super::people::{self, Letter, MAILINGS, NEWSLETTERS, READERS_MAX, Reader};
use super::relay::{Mood, Relay};
use super::story::Story;
use crate::support::samples::NOW;

/// Looks at a world in which nothing moves any more before it is believed.
const QUIET_LOOKS: u32 = 8;
/// Longest that a world may be busy without time passing, in real time: it has hung.
const BUSY_MAX: Duration = Duration::from_secs(20);

/// One process that sends.
pub struct Slot {
    pub store: Store,
    pub weather: Arc<Weather>,
    pub journals: Option<PathBuf>,
    pub state: State,
}

pub enum State {
    Down,
    Up(EngineHandle),
    Stopping(JoinHandle<()>),
}

pub struct World {
    pub dice: Dice,
    pub clock: Clock,
    /// Without faults: for people, and for the one who checks.
    pub store: Store,
    pub relay: Arc<Relay>,
    pub slots: Vec<Slot>,
    pub readers: Vec<Reader>,
    pub letters: Vec<Letter>,
    pub story: Arc<Story>,
    /// Whether somebody took journals away.
    pub journals_lost: bool,
    settings: EngineSettings,
    _folder: tempfile::TempDir,
}

impl World {
    /// `stores`: one for each engine that there may be, of a database as [`people::populate`] leaves it.
    pub async fn new(seed: u64, stores: Vec<Store>, folder: tempfile::TempDir) -> Self {
        let mut dice = Dice::new(seed);
        let clock = Clock::test(NOW);
        let story = Arc::new(Story::new(clock.clone()));
        let relay = Relay::new(seed, mood(&mut dice), clock.clone(), Arc::clone(&story));
        let mut settings = EngineSettings::new("https://news.example.org", dice.index(8) + 1);
        settings.retry_for = Duration::from_secs(3600 * dice.pick(&[1, 6, 48]));
        settings.drain = Duration::from_secs(dice.pick(&[1, 30]));
        let engines = 1 + dice.index(stores.len());
        let (with_journals, one_machine) = (dice.chance(700), dice.chance(500));
        let store = stores[0].clone();
        let mut slots = Vec::new();
        for (n, store) in stores.into_iter().take(engines).enumerate() {
            let name = format!("engine {n}");
            let weather =
                Weather::new(name, Dice::of(seed, "weather", n as u64), clock.clone(), Arc::clone(&story));
            let weather = Arc::new(weather);
            let machine = if one_machine { 0 } else { n };
            slots.push(Slot {
                store: store.with_faults(weather.clone()),
                weather,
                journals: with_journals.then(|| folder.path().join(format!("machine-{machine}"))),
                state: State::Down,
            });
        }
        let mut world = Self {
            dice,
            clock,
            store,
            relay,
            slots,
            readers: Vec::new(),
            letters: Vec::new(),
            story,
            journals_lost: false,
            settings,
            _folder: folder,
        };
        world.draw_people().await;
        world
    }

    /// Who takes part, what they asked for, and what is sent to them.
    async fn draw_people(&mut self) {
        let count = if self.dice.chance(300) {
            self.dice.between(20, READERS_MAX as u64)
        } else {
            self.dice.between(5, 40)
        };
        let first_absent = usize::try_from(count).expect("few") + 1;
        self.readers = people::readers(&self.store, first_absent - 1).await;
        let last = self.readers.last().expect("a reader").subscriber;
        self.execute(&format!("DELETE FROM subscribers WHERE id > {last}")).await;
        let pending = self.some_readers(100);
        // Reminded already: the relay here knows mailings only.
        self.set_status(&pending, "status = 'pending', confirmed_at = NULL, reminded_at = 0").await;
        let left = self.some_readers(50);
        let at = NOW.minus(Duration::from_secs(600)).as_millis();
        self.set_status(&left, &format!("status = 'unsubscribed', unsubscribed_at = {at}")).await;
        for newsletter in 1..=NEWSLETTERS as i64 {
            let (policy, rate) = (draw_policy(&mut self.dice), draw_rate(&mut self.dice));
            self.set_newsletter(NewsletterId(newsletter), policy, rate).await;
        }
        for n in 0..1 + self.dice.index(MAILINGS) {
            let letter = Letter {
                id: MailingId(n as i64 + 1),
                newsletter: NewsletterId((n % NEWSLETTERS) as i64 + 1),
                started_at: None,
                stops: Vec::new(),
            };
            let most = self.dice.pick(&[1, 30, 3600]);
            let due = NOW.plus(Duration::from_secs(self.dice.below(most))).as_millis();
            self.execute(&format!("UPDATE mailings SET due_at = {due} WHERE id = {}", letter.id)).await;
            self.letters.push(letter);
        }
        self.execute(&format!("DELETE FROM mailing_contents WHERE mailing_id > {}", self.letters.len()))
            .await;
        self.execute(&format!("DELETE FROM mailings WHERE id > {}", self.letters.len())).await;
        self.story.tell(&format!(
            "{} subscriptions, {} mailings, {} engines with {} senders, journals: {}",
            self.readers.len(),
            self.letters.len(),
            self.slots.len(),
            self.settings.senders,
            self.slots[0].journals.is_some(),
        ));
    }

    /// Indexes of readers who are subscribed, each with so many chances in a thousand.
    fn some_readers(&mut self, per_mille: u64) -> Vec<usize> {
        let dice = &mut self.dice;
        let readers = self.readers.iter().enumerate();
        let some = readers.filter(|(_, reader)| reader.is_confirmed() && dice.chance(per_mille));
        some.map(|(index, _)| index).collect()
    }

    /// Before the first mailing: these are not subscribed.
    async fn set_status(&mut self, readers: &[usize], change: &str) {
        if readers.is_empty() {
            return;
        }
        let ids: Vec<String> =
            readers.iter().map(|index| self.readers[*index].subscription.to_string()).collect();
        self.execute(&format!("UPDATE subscriptions SET {change} WHERE id IN ({})", ids.join(", "))).await;
        for index in readers {
            self.readers[*index].history = vec![(NOW.minus(Duration::from_secs(600)), false)];
        }
    }

    pub async fn set_newsletter(&self, id: NewsletterId, policy: UncertainPolicy, rate: Option<i64>) {
        let rate_sql = rate.map_or_else(|| "NULL".to_owned(), |rate| rate.to_string());
        let policy_sql = if policy == UncertainPolicy::Hold { "hold" } else { "resend" };
        self.execute(&format!(
            "UPDATE newsletters SET on_uncertain = '{policy_sql}', mails_per_hour = {rate_sql} WHERE id = {id}"
        ))
        .await;
        self.story.tell(&format!("newsletter {id}: {policy_sql}, mails per hour: {rate_sql}"));
    }

    pub async fn execute(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match self.store.pools() {
            Pools::Sqlite { writer, .. } => drop(sqlx::query(sql).execute(writer).await.expect("executed")),
            Pools::Postgres(pool) => drop(sqlx::query(sql).execute(pool).await.expect("executed")),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn start(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        let parts = EngineParts {
            store: slot.store.clone(),
            clock: self.clock.clone(),
            keys: people::keys(),
            wire: self.relay.clone(),
            settings: EngineSettings { journal_folder: slot.journals.clone(), ..self.settings.clone() },
        };
        self.story.tell(&format!("engine {index} starts"));
        slot.state = State::Up(Engine::start(parts));
    }

    /// Tells an engine to stop; it may take its time.
    pub fn stop(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.state = match std::mem::replace(&mut slot.state, State::Down) {
            State::Up(handle) => {
                self.story.tell(&format!("engine {index} is told to stop"));
                State::Stopping(tokio::spawn(handle.stop()))
            }
            state => state,
        };
    }

    pub async fn crash(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        match std::mem::replace(&mut slot.state, State::Down) {
            State::Up(handle) => handle.crash().await,
            state => {
                slot.state = state;
                return;
            }
        }
        self.story.tell(&format!("engine {index} has crashed"));
        // What a process held is gone before the next begins.
        self.settle().await;
    }

    /// Lets tasks go on for a moment, in which no time passes: whatever happens next finds them in the middle.
    pub async fn go_on_a_little(&mut self) {
        for _ in 0..self.dice.below(60) {
            tokio::task::yield_now().await;
            if self.dice.chance(300) {
                std::thread::yield_now();
            }
        }
    }

    /// Lets everything happen that does not need time.
    pub async fn settle(&mut self) {
        let mut quiet = 0;
        let began = std::time::Instant::now();
        while quiet < QUIET_LOOKS {
            tokio::task::yield_now().await;
            if self.is_database_idle() {
                quiet += 1;
            } else {
                quiet = 0;
                std::thread::yield_now();
                assert!(began.elapsed() < BUSY_MAX, "a run is busy for ever: {:?}", self.store);
            }
        }
        for slot in &mut self.slots {
            if matches!(&slot.state, State::Stopping(task) if task.is_finished()) {
                slot.state = State::Down;
            }
        }
    }

    /// Every answer of the database has come.
    fn is_database_idle(&self) -> bool {
        let stores = self.slots.iter().map(|slot| &slot.store).chain([&self.store]);
        stores.into_iter().all(|store| match store.pools() {
            Pools::Sqlite { reader, writer } => {
                reader.num_idle() == reader.size() as usize && writer.num_idle() == writer.size() as usize
            }
            Pools::Postgres(pool) => pool.num_idle() == pool.size() as usize,
        })
    }

    /// Time passes, at once, after everything that could happen before has happened.
    pub async fn pass(&mut self, duration: Duration) {
        self.settle().await;
        self.clock.advance(duration);
        tokio::time::advance(duration).await;
    }
}

pub fn draw_policy(dice: &mut Dice) -> UncertainPolicy {
    if dice.chance(400) { UncertainPolicy::Hold } else { UncertainPolicy::Resend }
}

pub fn draw_rate(dice: &mut Dice) -> Option<i64> {
    dice.chance(250).then(|| i64::try_from(dice.between(200, 20_000)).expect("small"))
}

fn mood(dice: &mut Dice) -> Mood {
    let mut some = |chance: u64, most: u64| if dice.chance(chance) { dice.between(1, most) } else { 0 };
    Mood {
        refuses: some(600, 400),
        loses: some(500, 150),
        breaks: some(600, 200),
        unreachable: some(400, 100),
        hangs: some(600, 200),
    }
}
