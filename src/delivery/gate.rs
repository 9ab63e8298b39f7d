//! Whether the relay can be reached. While it cannot, everybody waits, and one sender at a time tries, at
//! growing distances: no recipient pays for a relay that is down, and a relay that struggles is not stormed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, watch};

use crate::clock::Clock;
use crate::mail::reply::without_identities;

const FIRST_WAIT: Duration = Duration::from_secs(1);
/// A relay that was repaired gets mail again within this.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// One warning per minute says it all.
const WARN_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Gate {
    clock: Clock,
    trouble: watch::Sender<Trouble>,
    probe: Mutex<()>,
    answers: AtomicU64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Trouble {
    failures: u32,
    /// On [`Clock::elapsed`].
    next_try: Duration,
    warned: Option<Duration>,
}

/// Leave to use the relay once.
#[derive(Debug)]
pub struct Pass<'a> {
    _probe: Option<MutexGuard<'a, ()>>,
}

impl Gate {
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            trouble: watch::Sender::new(Trouble::default()),
            probe: Mutex::new(()),
            answers: AtomicU64::new(0),
        }
    }

    /// Waits until the relay is thought to answer, or it is this caller's turn to find out.
    pub async fn pass(&self) -> Pass<'_> {
        if self.is_open() {
            return Pass { _probe: None };
        }
        let mut trouble = self.trouble.subscribe();
        let probe = tokio::select! {
            biased;
            // The sender lives in `self`, so waiting cannot fail.
            _ = trouble.wait_for(|trouble| trouble.failures == 0) => return Pass { _probe: None },
            probe = self.probe.lock() => probe,
        };
        let mut trouble = self.trouble.subscribe();
        let rest = trouble.borrow().next_try.saturating_sub(self.clock.elapsed());
        tokio::select! {
            _ = trouble.wait_for(|trouble| trouble.failures == 0) => Pass { _probe: None },
            () = self.clock.sleep(rest) => Pass { _probe: Some(probe) },
        }
    }

    /// Whether nobody needs to wait.
    pub fn is_open(&self) -> bool {
        self.trouble.borrow().failures == 0
    }

    /// The relay took a mail, or refused one properly.
    pub fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        let changed = self.trouble.send_if_modified(|trouble| {
            let was_closed = trouble.failures > 0;
            *trouble = Trouble { warned: trouble.warned, ..Trouble::default() };
            was_closed
        });
        if changed {
            tracing::info!("the relay answers again");
        }
    }

    /// How many mails the relay has answered: if it has answered others meanwhile, what broke was not the
    /// relay.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// The relay could not be reached, or cut us off. Answers how long to leave it alone: for its own `pause`, where it
    /// keeps one (two that end one after the other would be twice as long); where that is zero, longer after each failure.
    pub fn failed(&self, why: &str, pause: Duration) -> Duration {
        let now = self.clock.elapsed();
        let mut wait = FIRST_WAIT;
        self.trouble.send_modify(|trouble| {
            let own = FIRST_WAIT.saturating_mul(1 << trouble.failures.min(5)).min(WAIT_MAX);
            wait = if pause.is_zero() { own } else { pause };
            trouble.failures = trouble.failures.saturating_add(1);
            trouble.next_try = now + wait;
            if trouble.warned.is_none_or(|at| now.saturating_sub(at) >= WARN_EVERY) {
                trouble.warned = Some(now);
                let why = without_identities(why);
                tracing::warn!("the relay cannot be used now; no recipient is lost by it: {why}");
            }
        });
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use futures_util::FutureExt as _;

    #[test]
    fn one_tries_and_the_others_wait_until_it_is_known() {
        let clock = Clock::test(Timestamp::from_millis(0));
        let gate = Gate::new(clock.clone());
        assert!(gate.pass().now_or_never().is_some());
        gate.failed("refused", Duration::ZERO);
        let mut first = Box::pin(gate.pass());
        let mut second = Box::pin(gate.pass());
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        clock.advance(FIRST_WAIT);
        let pass = first.as_mut().now_or_never();
        assert!(pass.is_some() && second.as_mut().now_or_never().is_none());
        gate.answered();
        assert!(second.as_mut().now_or_never().is_some());
    }

    #[test]
    fn tries_get_rarer_up_to_half_a_minute() {
        let gate = Gate::new(Clock::test(Timestamp::from_millis(0)));
        let waits: Vec<u64> = (0..8).map(|_| gate.failed("refused", Duration::ZERO).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        let pause = Duration::from_secs(5);
        assert_eq!(gate.failed("refused", pause), pause, "where the relay keeps its own pause");
    }
}
