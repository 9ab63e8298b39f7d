//! Claims in hand, lane by lane: who is next, and who must wait without holding up anybody else.
//!
//! A lane is a newsletter and a destination. A sender asks for the next claim and gets one whose destination
//! has room on the wire, whose rates allow it, in turn with all other lanes. The feeder asks how many claims
//! each destination may have in hand; what is beyond that waits in the database, and costs nothing here.
//!
//! A destination begins with few mails on the wire at once and gets one more with every success, up to its
//! limit (D53). A refusal of our mail as such (5.7.x, 4.7.x, 421), again and again, slows or blocks it; a mail
//! that hangs while others pass halves it. A domain among the others that does so becomes a destination of its
//! own. Nothing of this is written down: a new process finds out anew.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::hosting::Hosting;
use super::share::Share;
use super::shift::Claim;
use crate::clock::Clock;
use crate::model::destination::OTHER;
use crate::model::{Destinations, EmailAddress, Gcra, Limits, NewsletterId, WarmUp};
use crate::waiting::Waiting;

/// Mails on the wire at once with which a destination begins.
const WINDOW_START: usize = 2;
/// Claims in hand of a destination, for each mail that it may have on the wire: enough until the feeder has
/// brought more.
const HAND_PER_WINDOW: usize = 10;
/// Fewest claims of [`OTHER`] wanted in hand.
const HAND_MIN: usize = 20;
/// So old a claim should be at most when it is taken: an older one is soon looked at again before the wire, which
/// costs more than to claim fewer at once.
const AGE_WANTED: Duration = Duration::from_millis(50);
/// Claims in hand where a rate is set: they may wait long, and are looked at again before the wire.
const HAND_BY_RATE: usize = 4;
/// So many refusals of our mail as such, without a success between, are no accident.
const REFUSALS_IN_A_ROW: u32 = 3;
/// How a destination is treated that said that we are too fast (D52).
const SLOW_FOR: Duration = Duration::from_secs(90 * 60);
const SLOW_INTERVAL: Duration = Duration::from_secs(60);
/// How long one that refuses our mail for good is left alone at first; each time twice as long.
const BLOCKED_FIRST: Duration = Duration::from_secs(15 * 60);
const BLOCKED_MAX: Duration = Duration::from_secs(4 * 3600);
/// The same for one at which mails hang or connections break.
const TROUBLE_FIRST: Duration = Duration::from_secs(30);
const TROUBLE_MAX: Duration = Duration::from_secs(600);
/// Domains that are watched, or are destinations of their own, at most; beyond that nothing is remembered.
const DOMAINS_MAX: usize = 1000;

/// What a mail's end says about its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// It was answered: taken, or refused for a reason of its own.
    Fair,
    /// We are too fast for it, or not yet trusted.
    TooFast,
    /// It does not want our mail.
    Blocked,
    /// It hangs or breaks while others answer.
    Broken,
}

/// What became of a destination by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    None,
    Slowed,
    Blocked,
}

#[derive(Debug)]
pub struct Lanes {
    clock: Clock,
    destinations: Destinations,
    /// Who hosts the domains that stand in no table, if that is asked.
    hosting: Option<Arc<Hosting>>,
    senders: usize,
    /// Most claims of [`OTHER`] in hand, however fast they go. Each other destination is held by its window.
    hand_max: usize,
    state: Mutex<State>,
    /// Senders that have nothing to do.
    waiting: Waiting,
    /// A claim came or a mail ended: senders look again.
    for_senders: Notify,
    /// There is room again: the feeder looks again.
    for_feeder: Notify,
}

type Key = (NewsletterId, Arc<str>);

#[derive(Debug)]
struct State {
    /// Of every limit.
    share: Share,
    queues: BTreeMap<Key, VecDeque<Claim>>,
    destinations: HashMap<Arc<str>, Destination>,
    rates: HashMap<NewsletterId, Rate>,
    /// Domains that are destinations of their own for now.
    own: HashSet<Arc<str>>,
    /// How often in a row a domain of [`OTHER`] made trouble.
    suspects: HashMap<String, u32>,
    /// Destinations for which the feeder found no room.
    denied: HashSet<Arc<str>>,
    last: Option<Key>,
    queued: usize,
    /// Claims of [`OTHER`] that are wanted in hand: as many as are taken while they are fresh. Those of a provider do not
    /// count: it may hang, and its claims would leave no room for anybody else.
    hand: usize,
}

#[derive(Debug)]
struct Rate {
    mails_per_hour: i64,
    gcra: Gcra,
    queued: usize,
}

#[derive(Debug)]
struct Destination {
    /// Everybody who is with no known provider: its claims in hand are as many as go fast enough.
    is_other: bool,
    /// Of the limits, these are this worker's share.
    share: Share,
    /// 0 where there are more workers than mails at once: then others have its mails.
    limit: usize,
    window: usize,
    on_wire: usize,
    queued: usize,
    rate: Option<Gcra>,
    slow: Option<(Duration, Gcra)>,
    blocked_until: Duration,
    /// Until then it is given no more claims; those in hand go out.
    full_until: Duration,
    /// Refusals of our mail as such without a success between.
    refusals: u32,
    /// How often it was blocked, or broke, without a success between.
    troubles: u32,
}

impl State {
    fn new(share: Share) -> Self {
        Self {
            share,
            queues: BTreeMap::new(),
            destinations: HashMap::new(),
            rates: HashMap::new(),
            own: HashSet::new(),
            suspects: HashMap::new(),
            denied: HashSet::new(),
            last: None,
            queued: 0,
            hand: HAND_MIN,
        }
    }

    /// Claims in hand that count for [`State::hand`]. Until enough of [`OTHER`] were answered it may hang as well.
    fn counted(&self) -> usize {
        let flows = |other: &&Destination| other.window >= other.limit;
        self.destinations.get(OTHER).filter(flows).map_or(0, |other| other.queued)
    }

    fn is_half_empty(&self) -> bool {
        self.counted() * 2 <= self.hand
    }
}

impl Destination {
    fn new(name: &str, limits: &Limits, senders: usize, share: Share) -> Self {
        let limit = limit_at_once(limits, senders, share);
        Self {
            is_other: name == OTHER,
            share,
            limit,
            window: WINDOW_START.min(limit),
            on_wire: 0,
            queued: 0,
            rate: limits.mails_per_hour.map(|mails| Gcra::new(interval(i64::from(mails), share), 1)),
            slow: None,
            blocked_until: Duration::ZERO,
            full_until: Duration::ZERO,
            refusals: 0,
            troubles: 0,
        }
    }

    /// When one more mail may go, or one in the place of another; `None`: when one has ended.
    fn ready_at(&self, now: Duration, takes_over: bool) -> Option<Duration> {
        let slow = self.slow.as_ref().filter(|(until, _)| *until > now);
        let window = if slow.is_some() { 1 } else { self.window }.min(self.limit);
        if self.on_wire >= window + usize::from(takes_over) {
            return None;
        }
        let rate = self.rate.as_ref().map_or(now, |rate| rate.ready_at(now));
        let slow = slow.map_or(now, |(_, rate)| rate.ready_at(now));
        Some(rate.max(slow).max(self.blocked_until).max(now))
    }

    fn take(&mut self, now: Duration, takes_over: bool) {
        self.on_wire += usize::from(!takes_over);
        if let Some(rate) = &mut self.rate {
            rate.take(now);
        }
        if let Some((_, rate)) = self.slow.as_mut().filter(|(until, _)| *until > now) {
            rate.take(now);
        }
    }

    /// How many claims it may have in hand; `None`: as many as there is room for.
    fn hand(&self, now: Duration, senders: usize) -> Option<usize> {
        let is_slow = self.slow.as_ref().is_some_and(|(until, _)| *until > now);
        if self.limit == 0 || self.blocked_until.max(self.full_until) > now {
            Some(0)
        } else if self.rate.is_some() || is_slow {
            Some(HAND_BY_RATE)
        } else if self.is_other && self.window >= senders {
            None
        } else {
            Some(self.window * HAND_PER_WINDOW)
        }
    }
}

/// A rate as even as can be: between two mails, where the hour's are shared.
fn interval(mails_per_hour: i64, share: Share) -> Duration {
    let of_all = Duration::from_secs(3600) / u32::try_from(mails_per_hour.max(1)).unwrap_or(u32::MAX);
    of_all.saturating_mul(share.workers())
}

/// Most mails of this worker at once.
fn limit_at_once(limits: &Limits, senders: usize, share: Share) -> usize {
    limits.at_once.map_or(senders, |most| share.part(most.max(1))).min(senders.max(1))
}

/// A claim whose turn it is. Dropping it ends its time on the wire.
#[derive(Debug)]
pub struct Turn<'a> {
    lanes: &'a Lanes,
    destination: Arc<str>,
    pub claim: Claim,
    /// Not to be sent: its destination takes nothing before so long.
    pub wait: Option<Duration>,
    /// Whether it is one of those on the wire at its destination. One that follows another there takes its place.
    is_counted: bool,
}

impl Turn<'_> {
    /// The one that it follows ends now.
    pub fn begin(&mut self) {
        if self.wait.is_none() && !std::mem::replace(&mut self.is_counted, true) {
            let mut state = self.lanes.lock();
            self.lanes.destination_state(&mut state, &self.destination).on_wire += 1;
        }
    }

    /// Leaves it to another sender, as the first of its lane.
    pub fn leave(self) {
        self.lanes.take_back(&self.claim);
    }

    /// Says how the destination behaved.
    pub fn report(&self, to: &EmailAddress, weather: Weather) -> Change {
        self.lanes.report(&self.destination, to, weather)
    }

    pub fn destination(&self) -> &str {
        &self.destination
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.wait.is_some() {
            return;
        }
        let mut state = self.lanes.lock();
        if let Some(destination) = state.destinations.get_mut(&self.destination).filter(|_| self.is_counted) {
            destination.on_wire = destination.on_wire.saturating_sub(1);
        }
        let has_more = state.queued > 0;
        drop(state);
        if has_more {
            self.lanes.for_senders.notify_waiters();
        }
    }
}

impl Lanes {
    pub fn new(clock: Clock, destinations: Destinations, senders: usize, hand_max: usize) -> Self {
        Self {
            clock,
            destinations,
            hosting: None,
            senders: senders.max(1),
            hand_max,
            state: Mutex::new(State::new(Share::WHOLE)),
            waiting: Waiting::default(),
            for_senders: Notify::new(),
            for_feeder: Notify::new(),
        }
    }

    /// The same with somebody who knows where domains are hosted.
    pub fn with_hosting(self, hosting: Option<Arc<Hosting>>) -> Self {
        Self { hosting, ..self }
    }

    /// This worker's share of every limit, from now on.
    pub fn set_share(&self, share: Share) {
        let mut state = self.lock();
        if state.share == share {
            return;
        }
        state.share = share;
        for (name, destination) in &mut state.destinations {
            destination.set_share(&self.destinations.limits(name), self.senders, share);
        }
        for rate in state.rates.values_mut() {
            rate.gcra.set_interval(interval(rate.mails_per_hour, share));
        }
        drop(state);
        self.for_senders.notify_waiters();
        self.for_feeder.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The destination of an address, as things are now.
    pub fn destination(&self, address: &EmailAddress) -> Arc<str> {
        let destination = self.destinations.of(address);
        if &*destination != OTHER {
            return destination;
        }
        let domain = address.ascii_domain();
        if let Some(own) = self.lock().own.get(domain) {
            return Arc::clone(own);
        }
        self.hosting.as_ref().and_then(|hosting| hosting.destination(domain)).unwrap_or(destination)
    }

    /// A newsletter's own rate, as it is set now.
    pub fn set_rate(&self, newsletter: NewsletterId, mails_per_hour: Option<i64>) {
        let mut state = self.lock();
        match mails_per_hour {
            None => {
                state.rates.remove(&newsletter);
            }
            Some(mails) if state.rates.get(&newsletter).is_none_or(|rate| rate.mails_per_hour != mails) => {
                let queued = state.rates.get(&newsletter).map_or(0, |rate| rate.queued);
                let gcra = Gcra::new(interval(mails, state.share), 1);
                let rate = Rate { mails_per_hour: mails, gcra, queued };
                state.rates.insert(newsletter, rate);
            }
            Some(_) => {}
        }
    }

    /// How many more claims of a newsletter may be in hand.
    pub fn room(&self, newsletter: NewsletterId) -> usize {
        let state = self.lock();
        let all = state.hand.saturating_sub(state.counted());
        match state.rates.get(&newsletter) {
            Some(rate) => all.min(HAND_BY_RATE.saturating_sub(rate.queued)),
            None => all,
        }
    }

    /// How many more of a destination, of `wanted`. The feeder is woken when there is room for those denied.
    pub fn room_at(&self, destination: &Arc<str>, wanted: usize) -> usize {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        let room = self.destination_state(&mut state, destination).hand(now, self.senders);
        let queued = state.destinations.get(destination).map_or(0, |destination| destination.queued);
        let room = room.map_or(wanted, |most| most.saturating_sub(queued).min(wanted));
        if room < wanted {
            state.denied.insert(Arc::clone(destination));
        }
        room
    }

    fn destination_state<'s>(&self, state: &'s mut State, name: &Arc<str>) -> &'s mut Destination {
        let share = state.share;
        state
            .destinations
            .entry(Arc::clone(name))
            .or_insert_with(|| Destination::new(name, &self.destinations.limits(name), self.senders, share))
    }

    /// How long the feeder must wait for a destination that takes nothing now; `None` when it waits for
    /// mails on the wire.
    pub fn blocked_for(&self, destination: &str) -> Option<Duration> {
        let now = self.clock.elapsed();
        let state = self.lock();
        state
            .destinations
            .get(destination)
            .map(|destination| destination.blocked_until.max(destination.full_until).saturating_sub(now))
            .filter(|rest| !rest.is_zero())
    }

    /// The plan by which a destination is warmed up, if it is.
    pub fn warm_up(&self, destination: &str) -> Option<WarmUp> {
        self.destinations.limits(destination).warm_up
    }

    /// A destination has had its mails of the day: the feeder brings no more for so long.
    pub fn fill(&self, destination: &Arc<str>, rest: Duration) {
        let until = self.clock.elapsed() + rest;
        self.destination_state(&mut self.lock(), destination).full_until = until;
    }

    /// Hands over claims.
    pub fn push(&self, claims: Vec<Claim>) {
        if claims.is_empty() {
            return;
        }
        let mut state = self.lock();
        for claim in claims {
            let key = (claim.letter.newsletter, Arc::clone(&claim.destination));
            self.destination_state(&mut state, &claim.destination).queued += 1;
            if let Some(rate) = state.rates.get_mut(&key.0) {
                rate.queued += 1;
            }
            state.queued += 1;
            state.queues.entry(key).or_default().push_back(claim);
        }
        drop(state);
        self.for_senders.notify_waiters();
    }

    /// A claim that was taken and not begun. The turn that it had under a rate is lost.
    fn take_back(&self, claim: &Claim) {
        let mut state = self.lock();
        let key = (claim.letter.newsletter, Arc::clone(&claim.destination));
        self.destination_state(&mut state, &claim.destination).queued += 1;
        if let Some(rate) = state.rates.get_mut(&key.0) {
            rate.queued += 1;
        }
        state.queued += 1;
        state.queues.entry(key).or_default().push_front(claim.clone());
        drop(state);
        self.for_senders.notify_waiters();
    }

    /// Waits until half of the claims that are wanted in hand have been taken.
    pub async fn feeder_room(&self) {
        loop {
            let notified = self.for_feeder.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.lock().is_half_empty() {
                return;
            }
            notified.await;
        }
    }

    /// Comes back when a destination that was denied has room. Enable it before asking for room: what becomes free between
    /// the asking and the waiting must not be missed.
    pub fn denied_has_room(&self) -> Notified<'_> {
        self.for_feeder.notified()
    }

    /// The next claim, when there is one whose destination and rates allow it. `rate_wait` says how long the
    /// relays of a claim make it wait.
    pub async fn next(&self, rate_wait: impl Fn(&Claim) -> Duration) -> Turn<'_> {
        let mut waits = None;
        loop {
            let notified = self.for_senders.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            let found = self.try_next(&rate_wait, None);
            if found.is_err() {
                waits.get_or_insert_with(|| self.waiting.begin());
            }
            match found {
                Ok(turn) => return turn,
                Err(Some(rest)) => {
                    tokio::select! {
                        () = notified => {}
                        () = self.clock.sleep(rest) => {}
                    }
                }
                Err(None) => notified.await,
            }
        }
    }

    /// The claim after the one that a sender has, so that it can be announced behind it: none while other senders have
    /// nothing to do. It begins when the other one has ended, so it may take that one's room at its destination.
    pub fn following(&self, turn: &Turn<'_>, rate_wait: impl Fn(&Claim) -> Duration) -> Option<Turn<'_>> {
        if self.waiting.is_anybody() {
            return None;
        }
        self.try_next(&rate_wait, Some(&turn.destination)).ok()
    }

    /// `Err` tells how long until one is ready, unless something happens before.
    /// `leaving`: where a mail ends before this one begins; `None` where the sender has nothing to do.
    fn try_next(
        &self,
        rate_wait: &impl Fn(&Claim) -> Duration,
        leaving: Option<&Arc<str>>,
    ) -> Result<Turn<'_>, Option<Duration>> {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        let mut earliest: Option<Duration> = None;
        let mut chosen = None;
        {
            let from = match &state.last {
                Some(last) => Bound::Excluded(last),
                None => Bound::Unbounded,
            };
            let to = state.last.as_ref().map_or(Bound::Unbounded, Bound::Included);
            let behind = state.queues.range((from, Bound::Unbounded));
            let before = state.queues.range((Bound::Unbounded, to));
            let before = before.take(if state.last.is_some() { usize::MAX } else { 0 });
            for (key, queue) in behind.chain(before) {
                let Some(claim) = queue.front() else { continue };
                let Some(destination) = state.destinations.get(&key.1) else { continue };
                if destination.limit == 0 || destination.blocked_until > now {
                    // Nothing of it goes out, so there is nothing to announce.
                    if leaving.is_some() {
                        continue;
                    }
                    chosen = Some((key.clone(), Some(destination.blocked_until.saturating_sub(now))));
                    break;
                }
                let takes_over = leaving == Some(&key.1);
                let Some(mut ready) = destination.ready_at(now, takes_over) else { continue };
                if let Some(rate) = state.rates.get(&key.0) {
                    ready = ready.max(rate.gcra.ready_at(now));
                }
                // Asked last: who is told that it is now has taken that turn.
                if ready <= now {
                    ready = now + rate_wait(claim);
                }
                if ready <= now {
                    chosen = Some((key.clone(), None));
                    break;
                }
                earliest = Some(earliest.map_or(ready, |earliest| earliest.min(ready)));
            }
        }
        let Some((key, wait)) = chosen else {
            let waits =
                leaving.is_none() && state.destinations.get(OTHER).is_none_or(|other| other.queued == 0);
            if waits && state.hand < self.hand_max {
                // Senders wait for the feeder.
                state.hand = (state.hand + state.hand / 4).min(self.hand_max);
                self.for_feeder.notify_waiters();
            }
            return Err(earliest.map(|earliest| earliest.saturating_sub(now)));
        };
        let takes_over = leaving == Some(&key.1);
        let claim = self.pop(&mut state, &key, now, wait.is_some(), takes_over);
        let destination = Arc::clone(&key.1);
        state.last = Some(key);
        drop(state);
        match claim {
            Some(claim) => Ok(Turn { lanes: self, destination, claim, wait, is_counted: !takes_over }),
            None => Err(None),
        }
    }

    fn pop(
        &self,
        state: &mut State,
        key: &Key,
        now: Duration,
        is_parked: bool,
        takes_over: bool,
    ) -> Option<Claim> {
        let queue = state.queues.get_mut(key)?;
        let claim = queue.pop_front()?;
        if queue.is_empty() {
            state.queues.remove(key);
        }
        state.queued = state.queued.saturating_sub(1);
        if let Some(rate) = state.rates.get_mut(&key.0) {
            rate.queued = rate.queued.saturating_sub(1);
            if !is_parked {
                rate.gcra.take(now);
            }
        }
        let senders = self.senders;
        let age = now.saturating_sub(claim.claimed_at);
        let destination = state.destinations.get_mut(&key.1)?;
        destination.queued = destination.queued.saturating_sub(1);
        if !is_parked {
            destination.take(now, takes_over);
        }
        let has_room = destination.hand(now, senders).is_none_or(|most| destination.queued <= most / 2);
        let is_other = destination.is_other;
        let is_unlimited = destination.hand(now, senders).is_none();
        let has_room = has_room && state.denied.remove(&key.1);
        if is_unlimited && age > AGE_WANTED {
            state.hand = (state.hand - state.hand / 16).max(HAND_MIN);
        }
        // A claim of a provider makes room among its own, of which the feeder was told where it asked in vain; or among
        // those of a newsletter with a rate.
        let counts = is_other || state.rates.contains_key(&key.0);
        if has_room || (counts && state.is_half_empty()) {
            self.for_feeder.notify_waiters();
        }
        Some(claim)
    }

    fn report(&self, name: &Arc<str>, to: &EmailAddress, weather: Weather) -> Change {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        if &**name == OTHER {
            return self.report_other(&mut state, to, weather);
        }
        let senders = self.senders;
        let destination = self.destination_state(&mut state, name);
        let change = destination.report(weather, now);
        let is_fair = change == Change::None && weather == Weather::Fair;
        // As in `pop`: a transaction for each mail that was taken would cost more than it brings.
        let has_room = destination.hand(now, senders).is_none_or(|most| destination.queued <= most / 2);
        if is_fair && has_room && state.denied.remove(name) {
            self.for_feeder.notify_waiters();
        }
        change
    }

    /// What one domain does says nothing about all others: it is watched, and becomes a destination.
    fn report_other(&self, state: &mut State, to: &EmailAddress, weather: Weather) -> Change {
        let now = self.clock.elapsed();
        let domain = to.ascii_domain();
        if weather == Weather::Fair {
            if !state.suspects.is_empty() {
                state.suspects.remove(domain);
            }
            if let Some(other) = state.destinations.get_mut(OTHER) {
                other.report(weather, now);
            }
            return Change::None;
        }
        if state.suspects.len() >= DOMAINS_MAX {
            state.suspects.clear();
        }
        let count = state.suspects.entry(domain.to_owned()).or_default();
        *count += 1;
        // One mail that hung for minutes is enough; refusals may be about the recipient.
        let needed = if weather == Weather::Broken { 1 } else { REFUSALS_IN_A_ROW };
        if *count < needed || state.own.len() >= DOMAINS_MAX {
            return Change::None;
        }
        state.suspects.remove(domain);
        let own: Arc<str> = Arc::from(domain);
        state.own.insert(Arc::clone(&own));
        let destination = self.destination_state(state, &own);
        destination.refusals = REFUSALS_IN_A_ROW;
        destination.report(weather, now)
    }
}

impl Destination {
    fn set_share(&mut self, limits: &Limits, senders: usize, share: Share) {
        self.share = share;
        self.limit = limit_at_once(limits, senders, share);
        self.window = self.window.min(self.limit).max(1);
        if let Some((rate, mails)) = self.rate.as_mut().zip(limits.mails_per_hour) {
            rate.set_interval(interval(i64::from(mails), share));
        }
        if let Some((_, rate)) = &mut self.slow {
            rate.set_interval(SLOW_INTERVAL.saturating_mul(share.workers()));
        }
    }

    fn report(&mut self, weather: Weather, now: Duration) -> Change {
        match weather {
            Weather::Fair => {
                self.refusals = 0;
                self.troubles = 0;
                self.window = (self.window + 1).min(self.limit);
                Change::None
            }
            Weather::TooFast | Weather::Blocked => {
                self.refusals = self.refusals.saturating_add(1);
                // What was on the wire when it was blocked says nothing new.
                if self.refusals < REFUSALS_IN_A_ROW || self.blocked_until > now {
                    return Change::None;
                }
                self.window = 1;
                if weather == Weather::TooFast {
                    let is_new = self.slow.as_ref().is_none_or(|(until, _)| *until <= now);
                    if is_new {
                        let mut rate = Gcra::new(SLOW_INTERVAL.saturating_mul(self.share.workers()), 1);
                        rate.take(now);
                        self.slow = Some((now + SLOW_FOR, rate));
                    }
                    return if is_new { Change::Slowed } else { Change::None };
                }
                let is_first = self.troubles == 0;
                self.block(now, BLOCKED_FIRST, BLOCKED_MAX);
                // One try when it may be over: if that is refused too it is blocked again.
                self.refusals = REFUSALS_IN_A_ROW;
                if is_first { Change::Blocked } else { Change::None }
            }
            Weather::Broken => {
                self.window = (self.window / 2).max(1);
                if self.blocked_until <= now {
                    self.block(now, TROUBLE_FIRST, TROUBLE_MAX);
                }
                Change::None
            }
        }
    }

    fn block(&mut self, now: Duration, first: Duration, most: Duration) {
        self.blocked_until = now + first.saturating_mul(1 << self.troubles.min(16)).min(most);
        self.troubles = self.troubles.saturating_add(1);
        self.window = 1;
    }
}
