//! A relay whose every answer comes from the seed: the same recipient gets the same answer to the same try,
//! in whatever order mails arrive. It remembers everything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::delivery::wire::{Attempt, Obstacle, Sending, Sent, Unreachable, Wire, WireMail};
use postiljon::mail::relay::Stage;
use postiljon::mail::reply::Reply;
use postiljon::model::Timestamp;
use tokio::sync::watch;

use super::dice::Dice;
use super::story::Story;

/// A mailing, by its number in the subject, and an address.
pub type Pair = (i64, String);

/// What happens to one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Accept,
    Refuse(Stage, u16, &'static str),
    /// Cut before the final dot.
    Lose,
    /// Taken, and cut before the answer.
    TakeAndBreak,
    /// Not taken, and cut after the final dot all the same.
    Break,
    NoRelay,
}

const REFUSALS: [Fate; 10] = [
    Fate::Refuse(Stage::Recipient, 450, "4.2.1 busy"),
    Fate::Refuse(Stage::Recipient, 452, "4.2.2 full"),
    Fate::Refuse(Stage::Recipient, 550, "5.1.1 no such user"),
    Fate::Refuse(Stage::Recipient, 421, "4.7.0 too fast"),
    Fate::Refuse(Stage::FinalDot, 451, "4.3.0 later"),
    Fate::Refuse(Stage::FinalDot, 554, "5.7.1 blocked"),
    Fate::Refuse(Stage::FinalDot, 552, "5.3.4 too big"),
    Fate::Refuse(Stage::FinalDot, 550, "I do not like it"),
    Fate::Refuse(Stage::Mail, 451, "4.3.0 not now"),
    Fate::Refuse(Stage::Mail, 553, "5.7.1 not yours"),
];

/// How bad it is, per mille.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mood {
    pub refuses: u64,
    pub loses: u64,
    pub breaks: u64,
    pub unreachable: u64,
    pub hangs: u64,
}

/// One try.
#[derive(Debug, Clone)]
pub struct Try {
    pub pair: Pair,
    pub message_id: String,
    pub at: Timestamp,
    /// Whether the relay has it.
    pub is_taken: bool,
}

#[derive(Debug, Default)]
pub struct Book {
    pub tries: Vec<Try>,
    counts: HashMap<Pair, u64>,
    /// Answers that left it open.
    pub uncertain: HashMap<Pair, i64>,
    /// Tries whose sender was gone before the answer.
    pub interrupted: HashMap<Pair, i64>,
}

#[derive(Debug)]
pub struct Relay {
    seed: u64,
    clock: Clock,
    story: Arc<Story>,
    mood: Mutex<Mood>,
    is_down: Mutex<bool>,
    book: Mutex<Book>,
    /// Nothing hangs any more.
    released: watch::Sender<bool>,
}

/// A mail on the wire; dropped before its answer it was interrupted.
struct Flight<'a> {
    relay: &'a Relay,
    pair: Option<Pair>,
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if let Some(pair) = self.pair.take() {
            self.relay.story.tell(&format!("relay: {} of mailing {} is interrupted", pair.1, pair.0));
            *self.relay.book().interrupted.entry(pair).or_default() += 1;
        }
    }
}

impl Relay {
    pub fn new(seed: u64, mood: Mood, clock: Clock, story: Arc<Story>) -> Arc<Self> {
        Arc::new(Self {
            seed,
            clock,
            story,
            mood: Mutex::new(mood),
            is_down: Mutex::new(false),
            book: Mutex::default(),
            released: watch::Sender::new(false),
        })
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("a book")
    }

    pub fn set_down(&self, is_down: bool) {
        *self.is_down.lock().expect("a relay") = is_down;
    }

    /// From now on everything is taken and answered at once.
    pub fn mend(&self) {
        self.set_down(false);
        *self.mood.lock().expect("a mood") = Mood::default();
        self.released.send_replace(true);
    }

    fn draw(&self, dice: &mut Dice) -> (Fate, Duration) {
        let mood = *self.mood.lock().expect("a mood");
        let hang = if dice.chance(mood.hangs) {
            let most = dice.pick(&[5, 300, 5_000, 60_000, 600_000]);
            Duration::from_millis(dice.between(1, most))
        } else {
            Duration::ZERO
        };
        let mut number = dice.below(1000);
        let mut falls = |per_mille: u64| {
            let falls = number < per_mille;
            number = number.saturating_sub(per_mille);
            falls
        };
        let fate = if falls(mood.refuses) {
            dice.pick(&REFUSALS)
        } else if falls(mood.loses) {
            Fate::Lose
        } else if falls(mood.breaks) {
            if dice.chance(700) { Fate::TakeAndBreak } else { Fate::Break }
        } else if falls(mood.unreachable) || *self.is_down.lock().expect("a relay") {
            Fate::NoRelay
        } else {
            Fate::Accept
        };
        (fate, hang)
    }

    /// Decides, and writes down what it has from now on.
    fn begin(&self, mail: &WireMail) -> (Pair, Fate, Duration) {
        let (mailing, message_id) = read(mail);
        let pair = (mailing, mail.to.as_str().to_owned());
        let mut book = self.book();
        let count = book.counts.entry(pair.clone()).or_default();
        let (fate, hang) =
            self.draw(&mut Dice::of(self.seed, &pair.1, (mailing.unsigned_abs() << 32) + *count));
        *count += 1;
        let is_taken = matches!(fate, Fate::Accept | Fate::TakeAndBreak);
        if fate != Fate::NoRelay {
            let at = self.clock.now();
            book.tries.push(Try { pair: pair.clone(), message_id, at, is_taken });
        }
        let hangs = if hang.is_zero() { String::new() } else { format!(", after {} ms", hang.as_millis()) };
        self.story.tell(&format!("relay: {} of mailing {mailing}: {fate:?}{hangs}", pair.1));
        (pair, fate, hang)
    }
}

/// The number of the mailing and the Message-ID.
fn read(mail: &WireMail) -> (i64, String) {
    let text = String::from_utf8_lossy(&mail.octets);
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    let number = field("Subject: Mailing").parse().unwrap_or(0);
    (number, field("Message-ID:"))
}

impl Wire for Relay {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a> {
        Box::pin(async move {
            let (pair, fate, hang) = self.begin(mail);
            let mut flight = Flight { relay: self, pair: Some(pair.clone()) };
            if hang.is_zero() {
                tokio::task::yield_now().await;
            } else {
                let mut released = self.released.subscribe();
                tokio::select! {
                    biased;
                    _ = released.wait_for(|released| *released) => {}
                    () = self.clock.sleep(hang) => {}
                }
            }
            flight.pair = None;
            let attempt = match fate {
                Fate::Accept => Attempt::Accepted { reply: Reply::parse(250, "2.0.0 ok") },
                Fate::Refuse(stage, code, words) => {
                    Attempt::Refused { stage, reply: Reply::parse(code, words) }
                }
                Fate::Lose => Attempt::Lost { reason: "cut".into() },
                Fate::TakeAndBreak | Fate::Break => {
                    *self.book().uncertain.entry(pair).or_default() += 1;
                    Attempt::Uncertain { reason: "cut after the dot".into() }
                }
                Fate::NoRelay => {
                    return Err(Unreachable {
                        why: "refused".into(),
                        wait: Duration::ZERO,
                        obstacle: Obstacle::Down,
                    });
                }
            };
            Ok(Sent { attempt, relay: "main".into() })
        })
    }
}
