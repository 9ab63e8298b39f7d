//! A wire that does what a test says, and remembers what it took.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::delivery::wire::{Attempt, Obstacle, Sending, Sent, Unreachable, Wire, WireMail};
use postiljon::mail::relay::Stage;
use postiljon::mail::reply::Reply;
use tokio::sync::watch;

/// What happens to one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Accept,
    Refuse {
        is_permanent: bool,
    },
    Lose,
    /// Taken, and the connection breaks before the answer.
    TakeAndBreak,
    /// Taken, and answered only after [`Script::release`].
    TakeAndWait,
    /// Hangs for five minutes of the clock, and breaks.
    HangAndLose,
    /// Taken, while others begin.
    AcceptSlowly,
    /// Lost only after [`Script::release`].
    WaitAndLose,
    /// A reply of its own, at a stage.
    Answer(Stage, u16, &'static str),
    NoRelay,
}

/// A relay's answer.
pub fn answer(code: u16, words: &str) -> Result<Sent, Unreachable> {
    answer_at(Stage::Recipient, code, words)
}

fn answer_at(stage: Stage, code: u16, words: &str) -> Result<Sent, Unreachable> {
    let reply = Reply::parse(code, words);
    sent(match code {
        200..=299 => Attempt::Accepted { reply },
        _ => Attempt::Refused { stage, reply },
    })
}

fn sent(attempt: Attempt) -> Result<Sent, Unreachable> {
    Ok(Sent { attempt, relay: "main".into() })
}

type Rule = dyn Fn(&str, usize) -> Step + Send + Sync;

/// The rule sees the recipient and how often it was tried before.
pub struct Script {
    rule: Box<Rule>,
    state: Mutex<State>,
    released: watch::Sender<bool>,
    clock: OnceLock<Clock>,
    /// How many tries began, also those that found no relay.
    pub tries: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    tries: HashMap<String, usize>,
    /// Recipient and Message-ID of what the relay has.
    taken: Vec<(String, String)>,
    /// Recipient and Subject of the same.
    subjects: Vec<(String, String)>,
    at_once: HashMap<String, usize>,
    most_at_once: HashMap<String, usize>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    pub fn new(rule: impl Fn(&str, usize) -> Step + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            rule: Box::new(rule),
            state: Mutex::default(),
            released: watch::Sender::new(false),
            clock: OnceLock::new(),
            tries: watch::Sender::new(0),
        })
    }

    /// For steps that take time.
    pub fn tell_time(&self, clock: &Clock) {
        self.clock.set(clock.clone()).expect("told once");
    }

    /// The most mails that were on the wire at once, by domain.
    pub fn most_at_once(&self) -> HashMap<String, usize> {
        self.state.lock().unwrap().most_at_once.clone()
    }

    /// Counts a mail that begins, or ends, at a domain.
    fn count(&self, mail: &WireMail, begins: bool) {
        let domain = mail.to.ascii_domain().to_owned();
        let mut state = self.state.lock().unwrap();
        let now = state.at_once.entry(domain.clone()).or_default();
        *now = if begins { *now + 1 } else { *now - 1 };
        let now = *now;
        let most = state.most_at_once.entry(domain).or_default();
        *most = now.max(*most);
    }

    /// Answers those who wait, now and from now on.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    pub async fn wait_for_tries(&self, count: usize) {
        let mut tries = self.tries.subscribe();
        let reached = tries.wait_for(|tries| *tries >= count);
        tokio::time::timeout(super::PATIENCE, reached).await.expect("as many tries in time").expect("open");
    }

    pub fn taken(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().taken.clone()
    }

    /// Recipient and Subject of what the relay has.
    pub fn subjects(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().subjects.clone()
    }

    /// How many copies each recipient got.
    pub fn copies(&self) -> HashMap<String, usize> {
        let mut copies = HashMap::new();
        for (to, _) in self.taken() {
            *copies.entry(to).or_default() += 1;
        }
        copies
    }

    fn step(&self, mail: &WireMail) -> Step {
        let to = mail.to.as_str();
        let mut state = self.state.lock().unwrap();
        let before = state.tries.entry(to.to_owned()).or_default();
        let step = (self.rule)(to, *before);
        *before += 1;
        if matches!(step, Step::Accept | Step::AcceptSlowly | Step::TakeAndBreak | Step::TakeAndWait) {
            let octets = String::from_utf8_lossy(&mail.octets).into_owned();
            let id = octets.lines().find(|line| line.starts_with("Message-ID")).expect("a Message-ID");
            let subject = octets.lines().find_map(|line| line.strip_prefix("Subject: ")).expect("a Subject");
            state.taken.push((to.to_owned(), id.to_owned()));
            state.subjects.push((to.to_owned(), subject.to_owned()));
        }
        step
    }
}

impl Wire for Script {
    fn send<'a>(&'a self, mail: &'a WireMail) -> Sending<'a> {
        Box::pin(async move {
            let step = self.step(mail);
            self.tries.send_modify(|tries| *tries += 1);
            match step {
                Step::Accept => answer(250, "2.0.0 ok"),
                Step::Refuse { is_permanent: true } => answer(550, "5.1.1 no such user"),
                Step::Refuse { is_permanent: false } => answer(450, "4.2.1 busy"),
                Step::Answer(stage, code, words) => answer_at(stage, code, words),
                Step::HangAndLose => {
                    self.clock.get().expect("the time").sleep(Duration::from_secs(300)).await;
                    sent(Attempt::Lost { reason: "no answer".into() })
                }
                Step::AcceptSlowly => {
                    self.count(mail, true);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    self.count(mail, false);
                    answer(250, "2.0.0 ok")
                }
                Step::Lose => sent(Attempt::Lost { reason: "cut".into() }),
                Step::TakeAndBreak => sent(Attempt::Uncertain { reason: "cut after the dot".into() }),
                Step::TakeAndWait => {
                    let _ = self.released.subscribe().wait_for(|released| *released).await;
                    answer(250, "2.0.0 ok")
                }
                Step::WaitAndLose => {
                    let _ = self.released.subscribe().wait_for(|released| *released).await;
                    sent(Attempt::Lost { reason: "cut".into() })
                }
                Step::NoRelay => {
                    Err(Unreachable { why: "refused".into(), wait: Duration::ZERO, obstacle: Obstacle::Down })
                }
            }
        })
    }
}
