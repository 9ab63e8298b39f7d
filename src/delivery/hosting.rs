//! Who hosts the mail of a domain that stands in no table: the provider of its mail hosts (MX).
//!
//! Companies have their domains at Google or Microsoft, and what such a provider bears it bears for all of them
//! together. Nothing waits for it: who asks is told what is known now; what is not known is looked up in the
//! background, a few domains at a time, for the next mail that goes there. Nothing of it is written down.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::dns::{Dns, Mx};
use crate::model::Destinations;

/// Questions under way at once, and the rest after each: at most 200 questions in a second, so that a mailing to
/// a hundred thousand domains is no storm on the resolver.
const AT_ONCE: usize = 4;
const REST: Duration = Duration::from_millis(20);
/// A resolver that has not answered by then has nothing to say.
const DEADLINE: Duration = Duration::from_secs(5);
/// Domains that wait to be looked up; those beyond are met again with their next mail.
const QUEUE_MAX: usize = 2_000;
/// Domains remembered in each of two halves, about 100 bytes each: when one is full the other is forgotten.
const HALF_MAX: usize = 20_000;
/// Companies move their mail once in some years.
const KEPT: Duration = Duration::from_secs(12 * 3600);
/// After a question without an answer.
const ASKED_AGAIN: Duration = Duration::from_secs(15 * 60);

#[derive(Debug)]
pub struct Hosting {
    dns: Dns,
    clock: Clock,
    destinations: Destinations,
    state: Mutex<State>,
    wanted: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// What was learned or used of late, and what was before that.
    young: HashMap<Box<str>, Known>,
    old: HashMap<Box<str>, Known>,
    queue: VecDeque<Arc<str>>,
    /// Those of the queue, and those that are being looked up.
    asked: HashSet<Arc<str>>,
}

#[derive(Debug, Clone)]
struct Known {
    /// `None`: at no provider of the table, as far as we know.
    destination: Option<Arc<str>>,
    /// When to ask again, on [`Clock::elapsed`].
    until: Duration,
}

impl Hosting {
    pub fn new(dns: Dns, clock: Clock, destinations: Destinations) -> Self {
        Self { dns, clock, destinations, state: Mutex::default(), wanted: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The destination of a domain, as far as it is known now.
    pub fn destination(&self, domain: &str) -> Option<Arc<str>> {
        let mut state = self.lock();
        let known = state.recall(domain);
        let is_wanted = known.as_ref().is_none_or(|known| known.until <= self.clock.elapsed());
        let is_asked = is_wanted && state.ask(domain);
        drop(state);
        if is_asked {
            self.wanted.notify_one();
        }
        known.and_then(|known| known.destination)
    }

    /// Looks up what is wanted, as long as it is polled.
    pub async fn run(&self) {
        futures_util::future::join_all((0..AT_ONCE).map(|_| self.look_up())).await;
    }

    async fn look_up(&self) {
        loop {
            let domain = self.next().await;
            let mx = self.dns.mx(&domain, DEADLINE).await;
            self.learn(&domain, &mx);
            tokio::time::sleep(REST).await;
        }
    }

    async fn next(&self) -> Arc<str> {
        loop {
            let wanted = self.wanted.notified();
            let next = self.lock().queue.pop_front();
            match next {
                Some(domain) => return domain,
                None => wanted.await,
            }
        }
    }

    fn learn(&self, domain: &str, mx: &Mx) {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        state.asked.remove(domain);
        let known = match mx {
            // Mail goes to the preferred one; the others are for when it is down.
            Mx::Hosts(hosts) => {
                let destination = hosts.first().and_then(|host| self.destinations.of_host(host));
                Known { destination, until: now + KEPT }
            }
            Mx::Nowhere => Known { destination: None, until: now + KEPT },
            // What was known is better than nothing.
            Mx::Unknown => Known {
                destination: state.recall(domain).and_then(|known| known.destination),
                until: now + ASKED_AGAIN,
            },
        };
        state.remember(domain, known);
    }
}

impl State {
    fn recall(&mut self, domain: &str) -> Option<Known> {
        if let Some(known) = self.young.get(domain) {
            return Some(known.clone());
        }
        let known = self.old.remove(domain)?;
        self.remember(domain, known.clone());
        Some(known)
    }

    fn remember(&mut self, domain: &str, known: Known) {
        if self.young.len() >= HALF_MAX && !self.young.contains_key(domain) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(Box::from(domain), known);
    }

    /// `true` if it was not asked for before.
    fn ask(&mut self, domain: &str) -> bool {
        if self.queue.len() >= QUEUE_MAX || self.asked.contains(domain) {
            return false;
        }
        let domain: Arc<str> = Arc::from(domain);
        self.asked.insert(Arc::clone(&domain));
        self.queue.push_back(domain);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn hosting() -> Hosting {
        Hosting::new(Dns::none(), Clock::test(Timestamp::from_millis(0)), Destinations::default())
    }

    fn hosts(host: &str) -> Mx {
        Mx::Hosts(vec![host.to_owned(), "spare.example.org".to_owned()])
    }

    #[test]
    fn a_domain_is_asked_for_once_and_known_until_it_is_old() {
        let hosting = hosting();
        for _ in 0..3 {
            assert_eq!(hosting.destination("example.org"), None);
        }
        assert_eq!(hosting.lock().queue.drain(..).count(), 1);
        hosting.learn("example.org", &hosts("aspmx.l.google.com"));
        assert_eq!(hosting.destination("example.org").as_deref(), Some("google"));
        assert!(hosting.lock().queue.is_empty());
        hosting.clock.advance(KEPT);
        assert_eq!(hosting.destination("example.org").as_deref(), Some("google"), "until it is known anew");
        assert_eq!(hosting.lock().queue.drain(..).count(), 1);
        hosting.learn("example.org", &Mx::Unknown);
        assert_eq!(hosting.destination("example.org").as_deref(), Some("google"), "nobody said otherwise");
        hosting.learn("example.org", &hosts("mail.example.org"));
        assert_eq!(hosting.destination("example.org"), None);
    }

    #[test]
    fn memory_has_an_end_and_what_is_used_stays_in_it() {
        let hosting = hosting();
        hosting.learn("used.example", &hosts("aspmx.l.google.com"));
        for n in 0..3 * HALF_MAX {
            hosting.learn(&format!("n{n}.example"), &Mx::Nowhere);
            if n % 1000 == 0 {
                assert_eq!(hosting.destination("used.example").as_deref(), Some("google"), "{n}");
            }
        }
        let state = hosting.lock();
        assert!(state.young.len() + state.old.len() <= 2 * HALF_MAX);
        drop(state);
        for n in 0..2 * QUEUE_MAX {
            hosting.destination(&format!("new{n}.example"));
        }
        let state = hosting.lock();
        assert_eq!((state.queue.len(), state.asked.len()), (QUEUE_MAX, QUEUE_MAX));
    }
}
