//! The promise under everything that can go wrong at once, drawn from a seed: engines that crash and stop, a
//! relay that refuses, loses, takes and breaks, hangs and is away, a database that fails at every step, people
//! who leave in the middle, and those who pause, cancel and resend. At the end everything works again, and then
//! every mailing must end, with an account that the relay's own book confirms.
//!
//! A run that fails prints its seed, its story and the command that replays it.
//!
//! # What a replay repeats
//!
//! The world, the people, the events and their moments, and the relay's answer to each try of each recipient:
//! all of them come from the seed alone. Time is simulated on both clocks, the [`Clock`] of the plan and
//! tokio's of the machinery, and moves only when nothing else can happen; each run has one thread for its tasks.
//!
//! Not repeated is the order of what happens within one moment. The databases are real: SQLite answers from
//! threads of its own, PostgreSQL from another process, and how far the tasks are when the next event comes
//! depends on that, as does the step that a database fault hits. tokio's `select!` throws dice of its own. So a
//! violation that needs one such order comes back with its seed often, not always; the story, which is printed
//! at the failure, is what happened.
//!
//! # To add to it
//!
//! Something that can happen: a branch of [`World::event`]. Something that must hold: `invariants`.
//!
//! [`Clock`]: postiljon::clock::Clock

mod dice;
mod events;
mod faults;
mod invariants;
mod people;
mod relay;
mod story;
mod world;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures_util::FutureExt as _;
use postiljon::model::Move;
use postiljon::store::Store;

use self::dice::Dice;
use self::events::Plan;
use self::invariants::Violation;
use self::world::{State, World};
use crate::support::database::TestDatabase;

/// Runs at once: each keeps one core and the thread of its database busy.
const AT_ONCE: usize = 2;
/// Longest run, in real time; the usual one takes a tenth of a second.
const RUN_MAX: Duration = Duration::from_secs(120);
/// Engines of a run on PostgreSQL, at most.
const ENGINES_MAX: usize = 3;
/// Moments in which things go wrong.
const STEPS_MAX: u64 = 50;
/// Moments until everything has ended, at most.
const LAST_STEPS_MAX: usize = 3_000;
const FIRST_STEP: Duration = Duration::from_millis(10);
/// Longest step at the end.
const LAST_STEP_MAX: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

mod the_promise_holds_for_every_seed {
    use super::{Kind, run_seeds};

    #[test]
    fn sqlite() {
        run_seeds(Kind::Sqlite, 1_000);
    }

    #[test]
    fn postgres() {
        run_seeds(Kind::Postgres, 100);
    }
}

/// As many as `POSTILJON_TEST_SEEDS` says.
mod the_promise_holds_for_very_many_seeds {
    use super::{Kind, run_seeds, seeds_wanted};

    #[test]
    #[ignore = "takes hours: POSTILJON_TEST_SEEDS=100000 cargo test --test it simulation -- --ignored"]
    fn sqlite() {
        run_seeds(Kind::Sqlite, seeds_wanted());
    }

    #[test]
    #[ignore = "takes hours: POSTILJON_TEST_SEEDS=10000 cargo test --test it simulation -- --ignored"]
    fn postgres() {
        run_seeds(Kind::Postgres, seeds_wanted());
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {text}")))
}

fn seeds_wanted() -> u64 {
    number("POSTILJON_TEST_SEEDS").unwrap_or(100_000)
}

/// Runs the seeds from 1, or the one of `POSTILJON_TEST_SEED`.
fn run_seeds(kind: Kind, count: u64) {
    if kind == Kind::Postgres && std::env::var_os("POSTILJON_TEST_POSTGRES_URL").is_none() {
        assert!(std::env::var_os("CI").is_none(), "POSTILJON_TEST_POSTGRES_URL must be set in CI");
        eprintln!("not run: POSTILJON_TEST_POSTGRES_URL is not set");
        return;
    }
    let seeds = match number("POSTILJON_TEST_SEED") {
        Some(seed) => {
            let _ =
                tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_test_writer().try_init();
            seed..=seed
        }
        None => 1..=count,
    };
    let is_one = seeds.start() == seeds.end();
    let queue = Arc::new(Mutex::new((seeds, BTreeSet::new())));
    let (results, ended) = mpsc::channel();
    for _ in 0..AT_ONCE {
        let (queue, results) = (Arc::clone(&queue), results.clone());
        std::thread::spawn(move || {
            loop {
                let mut queued = queue.lock().expect("a queue");
                let Some(seed) = queued.0.next() else { return };
                queued.1.insert(seed);
                drop(queued);
                let ended = run_seed(kind, seed, is_one);
                queue.lock().expect("a queue").1.remove(&seed);
                if results.send(ended).is_err() {
                    return;
                }
            }
        });
    }
    drop(results);
    loop {
        match ended.recv_timeout(RUN_MAX) {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => panic!("{failure}"),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("of these seeds one does not end: {:?}", queue.lock().expect("a queue").1);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// One run on a runtime of its own. A failure is all there is to say about it.
fn run_seed(kind: Kind, seed: u64, prints_story: bool) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    let ended = runtime.block_on(async {
        let (stores, folder, postgres) = match kind {
            Kind::Sqlite => {
                let (store, folder) = people::sqlite().await;
                (vec![store], folder, None)
            }
            Kind::Postgres => {
                let database = TestDatabase::postgres().await.expect("a server");
                people::populate(&database.store).await;
                let mut stores = vec![database.store.clone()];
                for _ in 1..ENGINES_MAX {
                    stores.push(Store::open(&database.url, 3).await.expect("PostgreSQL opens"));
                }
                (stores, tempfile::tempdir().expect("a folder"), Some(database))
            }
        };
        // From here on time stands still. A task on a thread of its own keeps tokio from moving it by itself
        // whenever everybody waits for the database.
        tokio::time::pause();
        let (end, keeps) = mpsc::channel::<()>();
        let keeper = tokio::task::spawn_blocking(move || keeps.recv().is_ok());
        let opened = stores.clone();
        let mut world = World::new(seed, stores, folder).await;
        let story = Arc::clone(&world.story);
        let ended = AssertUnwindSafe(run(&mut world, seed)).catch_unwind().await;
        // One that has hung would not let itself be closed.
        if matches!(ended, Ok(Ok(()))) {
            for store in opened {
                store.close().await;
            }
        }
        drop(end);
        let _ = keeper.await;
        tokio::time::resume();
        if let Some(database) = postgres {
            database.drop_postgres().await;
        }
        if prints_story {
            println!("{}", story.text());
        }
        let failure = match ended {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(violation)) => violation,
            Err(panic) => words_of(panic.as_ref()),
        };
        Err(format!("seed {seed}, story:\n{}\n\nseed {seed}: {failure}", story.text()))
    });
    ended.map_err(|failure| {
        format!(
            "{failure}\n\nto replay:\nPOSTILJON_TEST_SEED={seed} cargo test --test it \
             simulation::the_promise_holds_for_every_seed::{} -- --nocapture",
            kind.name()
        )
    })
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".into())
}

async fn run(world: &mut World, seed: u64) -> Result<(), Violation> {
    let mut dice = Dice::of(seed, "plan", 0);
    let plan = Plan { with_database_faults: dice.chance(600), with_crashes: dice.chance(700) };
    // Some worlds live in a second, some in days.
    let pace = dice.pick(&[20, 1_000, 20_000, 400_000, 4_000_000]);
    for index in 0..world.slots.len() {
        if world.dice.chance(800) {
            world.start(index);
        }
    }
    for _ in 0..dice.between(10, STEPS_MAX) {
        world.event(plan).await;
        if dice.chance(400) {
            world.go_on_a_little().await;
        } else {
            let most = if dice.chance(500) { 20 } else { pace };
            world.pass(Duration::from_millis(dice.below(most))).await;
            if dice.chance(700) {
                world.settle().await;
            }
        }
        world.check_books().await?;
    }
    mend(world).await;
    until_all_ended(world).await?;
    if dice.chance(400) {
        for index in 0..world.letters.len() {
            world.make_move(index, Move::ResendFailed).await;
            world.make_move(index, Move::ResendUncertain).await;
        }
        until_all_ended(world).await?;
    }
    stop_all(world).await?;
    world.check_all().await
}

/// From now on everything works.
async fn mend(world: &mut World) {
    world.story.tell("everything works again");
    world.relay.mend();
    for slot in &world.slots {
        slot.weather.calm();
    }
    // Slow enough to be seen, fast enough to end.
    world.execute("UPDATE newsletters SET mails_per_hour = 600 WHERE mails_per_hour < 600").await;
}

async fn until_all_ended(world: &mut World) -> Result<(), Violation> {
    let mut step = FIRST_STEP;
    let mut trace = 0;
    // Long enough that those who died are missed.
    let mut beats = 0;
    for _ in 0..LAST_STEPS_MAX {
        for index in 0..world.slots.len() {
            world.start_if_down(index);
        }
        for index in world.paused().await {
            world.make_move(index, Move::Resume).await;
        }
        world.pass(step).await;
        world.settle().await;
        let progress = world.check_books().await?;
        if progress.have_ended && beats >= 20 {
            return Ok(());
        }
        // Time goes faster while nothing happens.
        step =
            if progress.trace == trace { (step * 2).min(LAST_STEP_MAX) } else { (step / 4).max(FIRST_STEP) };
        if progress.have_ended {
            step = Duration::from_secs(1);
            beats += 1;
        }
        trace = progress.trace;
    }
    Err("some mailings do not end".into())
}

async fn stop_all(world: &mut World) -> Result<(), Violation> {
    for index in 0..world.slots.len() {
        world.stop(index);
    }
    for _ in 0..100 {
        world.pass(Duration::from_secs(1)).await;
        world.settle().await;
        if world.slots.iter().all(|slot| matches!(slot.state, State::Down)) {
            return Ok(());
        }
    }
    Err("an engine does not stop".into())
}
