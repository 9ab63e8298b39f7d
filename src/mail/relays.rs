//! Several relays: which one takes the next message, and who steps in when it cannot be used.
//!
//! The order in which a relay is chosen is [`Rank`]; to add a reason to prefer one, add a field there. A relay
//! that cannot be used harms no recipient: nothing was sent, and the same message goes to the next one at once.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::relay::{
    Always, Announced, Attempt, BadSettings, ConnectError, LastLook, Obstacle, Outgoing, Relay, Stage,
    TURN_MAX, Turn, Unreachable,
};
use super::smtp::{Elsewhere, SILENT_MAX};
use crate::model::NamedRelay;

/// How long a connection of the chosen relay is waited for while another relay could be used: long enough that
/// shares hold when all is well, short enough that a relay that hangs holds back nobody else.
const CONNECTION_WAIT: Duration = Duration::from_secs(1);

/// As long as there is no relay at all it is looked again so often; one that is set is noticed at once.
const NO_RELAY_WAIT: Duration = Duration::from_secs(10);
/// Also while the service stops.
const NO_RELAY: &str = "There is no relay. To do: set one at the desk (Settings), by `postiljon relay add`, or as [relay] in the \
    configuration.";

/// The relays of this process. Cheap to clone; clones are the same set.
#[derive(Clone)]
pub struct Relays(Arc<Inner>);

struct Inner {
    members: Mutex<Vec<Member>>,
    connections: watch::Sender<usize>,
    /// Among how many processes every rate is shared.
    sharing: AtomicU32,
}

struct Member {
    relay: Relay,
    weight: u32,
    /// What it is owed of the mails so far; see [`fair_choice`].
    credit: i64,
}

/// A message that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub attempt: Attempt,
    /// The name of the relay that it was tried on.
    pub relay: Arc<str>,
}

/// What a message has at a relay before it goes out. Dropped, others get it.
#[derive(Debug, Default)]
pub enum Held {
    #[default]
    Nothing,
    /// Announced behind the one before it.
    Announced(Box<Announced>),
    /// Its turn under the relay's rate.
    Turn(Turn),
}

impl From<Option<Announced>> for Held {
    fn from(announced: Option<Announced>) -> Self {
        announced.map_or(Self::Nothing, |announced| Self::Announced(Box::new(announced)))
    }
}

/// The place of a relay that can be used in the order of choice: the smallest is chosen, by weight among equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// All its connections are in use, and somebody waited for one in vain.
    is_crowded: bool,
    is_not_preferred: bool,
    is_reserve: bool,
    /// Until its rate lets the next mail go.
    wait: Duration,
}

impl fmt::Debug for Relays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members().iter().map(|member| &member.relay)).finish()
    }
}

impl From<Relay> for Relays {
    /// A set of one.
    fn from(relay: Relay) -> Self {
        Self::of(vec![Member { relay, weight: 1, credit: 0 }])
    }
}

impl Relays {
    /// Prepares TLS of each; connects only when there is something to send.
    ///
    /// # Errors
    /// When the certificates of one cannot be used.
    pub fn new(relays: Vec<NamedRelay>) -> Result<Self, BadSettings> {
        Ok(Self::of(members(relays, &[])?))
    }

    fn of(members: Vec<Member>) -> Self {
        let connections = watch::Sender::new(sum_of_connections(&members));
        Self(Arc::new(Inner { members: Mutex::new(members), connections, sharing: AtomicU32::new(1) }))
    }

    /// Sends one message over the relay that is called `preferred` if that can be used, otherwise over one of
    /// the others in proportion to their weights. Waits for a connection, and shortly for a turn.
    ///
    /// # Errors
    /// [`Unreachable`] when no relay can be used now; nothing was sent.
    pub async fn send(&self, mail: &Outgoing<'_>, preferred: &str) -> Result<Sent, Unreachable> {
        let sent = self.send_announcing(mail, preferred, Held::Nothing, None, &Always).await?;
        Ok(sent.0)
    }

    /// As [`Relays::send`], for one message of several: where it was announced or has its turn, if it does; and the `next`
    /// one is announced behind it where that can be, which is told. The `look` says at the last moment whether it may go.
    ///
    /// # Errors
    /// [`Unreachable`] when no relay can be used now, or it may not go; nothing was sent.
    pub async fn send_announcing(
        &self,
        mail: &Outgoing<'_>,
        preferred: &str,
        held: impl Into<Held>,
        next: Option<&Outgoing<'_>>,
        look: &dyn LastLook,
    ) -> Result<(Sent, Option<Announced>), Unreachable> {
        // Where there are several relays each message chooses anew.
        let next = next.filter(|_| self.members().len() == 1);
        let mut failed: Vec<(Relay, Unreachable)> = Vec::new();
        let mut turn = None;
        match held.into() {
            Held::Announced(announced) if self.has(announced.relay()) => {
                let relay = announced.relay().clone();
                match relay.send_announced(*announced, mail, next, look, None).await {
                    Ok(Some((attempt, announced))) => {
                        return Ok((Sent { attempt, relay: Arc::clone(relay.name()) }, announced));
                    }
                    Ok(None) => {}
                    Err(error) if error.obstacle == Obstacle::Withdrawn => return Err(error),
                    Err(error) => failed.push((relay, error)),
                }
            }
            Held::Turn(own) if self.has(own.relay()) => turn = Some(own),
            Held::Announced(_) | Held::Turn(_) | Held::Nothing => {}
        }
        // Ends: each round sends, waits for a connection, or leaves one connection or one relay fewer to choose.
        while let Some((relay, has_others)) = match &turn {
            Some(turn) => Some((turn.relay().clone(), self.members().len() > 1)),
            None => self.choose(preferred, &failed),
        } {
            let patience = if has_others { CONNECTION_WAIT } else { Duration::MAX };
            let goes_elsewhere = || self.goes_elsewhere(&relay);
            let elsewhere: Elsewhere<'_> = if has_others { Some(&goes_elsewhere) } else { None };
            match relay.send_within(patience, turn.take(), mail, next, look, elsewhere).await {
                Ok(Some((attempt, announced))) => {
                    return Ok((Sent { attempt, relay: Arc::clone(relay.name()) }, announced));
                }
                Ok(None) => {}
                Err(error) if error.obstacle == Obstacle::Withdrawn => return Err(error),
                // Replaced in the meantime: its successor is in the set.
                Err(_) if relay.is_closed() && !self.has(&relay) => {}
                Err(error) => failed.push((relay, error)),
            }
        }
        Err(self.none_usable(failed))
    }

    /// Whether messages are announced, as far as is known: at one relay, which is far away.
    pub fn announces(&self) -> bool {
        matches!(self.members().as_slice(), [only] if only.relay.announces())
    }

    /// Tries those that could not be used and that no mail has tried for so long since, without waiting for what comes of it.
    pub fn try_unless_used(&self, for_so_long: Duration) {
        let members = self.members();
        for relay in members.iter().map(|member| member.relay.clone()).filter(Relay::has_failed) {
            tokio::spawn(async move { relay.try_unless_used(for_so_long).await });
        }
    }

    /// The relays that could not be used each time they were tried of late, and why.
    pub fn troubles(&self) -> Vec<(Relay, ConnectError)> {
        let members = self.members();
        let troubled = members.iter().map(|member| (member.relay.clone(), member.relay.trouble()));
        troubled.filter_map(|(relay, trouble)| Some((relay, trouble?))).collect()
    }

    /// How many relays there are.
    pub fn count(&self) -> usize {
        self.members().len()
    }

    /// How long until a message with this preference can go without waiting, as far as is known now.
    pub fn ready_in(&self, preferred: &str) -> Duration {
        let now = Instant::now();
        let members = self.members();
        let usable = members.iter().filter_map(|member| member.rank(preferred, now)).min();
        usable.map(|rank| rank.wait).unwrap_or_else(|| {
            let soonest = members.iter().map(|member| member.relay.not_now(now).retry_at).min();
            soonest.map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
        })
    }

    /// Takes the turn of a message with this preference where it can go now and a relay has a rate: of many who wait for
    /// the same moment one has it.
    ///
    /// # Errors
    /// How long until one can go, as [`Relays::ready_in`].
    pub fn take_turn(&self, preferred: &str) -> Result<Option<Turn>, Duration> {
        let wait = self.ready_in(preferred);
        if !wait.is_zero() {
            return Err(wait);
        }
        match self.choose_by_rate(preferred) {
            Some(relay) => relay.take_turn(Duration::ZERO).map(Some),
            None => Ok(None),
        }
    }

    /// The next turn, and how long until it comes, for a message for which somebody waits: it goes before all that take
    /// theirs only when it comes. `None` where no relay has a rate, or none can be used.
    pub fn take_next_turn(&self, preferred: &str) -> Option<(Turn, Duration)> {
        let now = Instant::now();
        let soonest = || {
            let members = self.members();
            let usable = members.iter().filter(|member| member.relay.paused_until(now).is_none());
            usable.min_by_key(|member| member.relay.turn_in(now)).map(|member| member.relay.clone())
        };
        let relay = self.has_rates().then(|| self.choose_by_rate(preferred).or_else(soonest))??;
        let turn = relay.take_turn(Duration::MAX).ok()?;
        let wait = turn.comes_in();
        Some((turn, wait))
    }

    fn has_rates(&self) -> bool {
        self.members().iter().any(|member| member.relay.has_rate())
    }

    /// The relay for a message of which the turn is taken before; without any rate it is chosen when the message goes.
    fn choose_by_rate(&self, preferred: &str) -> Option<Relay> {
        if !self.has_rates() {
            return None;
        }
        self.choose(preferred, &[]).map(|(relay, _)| relay)
    }

    /// How many connections all relays together may have: so many messages can be on the wire at once.
    pub fn connections(&self) -> usize {
        *self.0.connections.borrow()
    }

    /// [`Relays::connections`], and a notice whenever the relays were replaced.
    pub fn watch_connections(&self) -> watch::Receiver<usize> {
        self.0.connections.subscribe()
    }

    /// Shares every rate with the other processes that send: among so many, from now on.
    pub fn set_share(&self, processes: u32) {
        self.0.sharing.store(processes.max(1), Ordering::Relaxed);
        self.share_rates();
    }

    fn share_rates(&self) {
        let processes = self.0.sharing.load(Ordering::Relaxed);
        self.members().iter().for_each(|member| member.relay.share_rate(processes));
    }

    /// Puts other relays in the place of these. Those with the same name and settings keep their connections,
    /// and are tried again at once; those that are gone finish the messages they have.
    ///
    /// # Errors
    /// When the certificates of one cannot be used; then nothing has changed.
    pub async fn replace(&self, relays: Vec<NamedRelay>) -> Result<(), BadSettings> {
        let known: Vec<Relay> = self.members().iter().map(|member| member.relay.clone()).collect();
        self.put(members(relays, &known)?).await;
        Ok(())
    }

    /// Ends all kept connections; those in use end with their message. Later sends are refused.
    pub async fn close(&self) {
        self.put(Vec::new()).await;
    }

    async fn put(&self, members: Vec<Member>) {
        let sum = sum_of_connections(&members);
        let old = std::mem::replace(&mut *self.members(), members);
        self.share_rates();
        // Who only learns of another weight goes on with what is on the wire.
        self.0.connections.send_if_modified(|known| std::mem::replace(known, sum) != sum);
        let gone = old.iter().map(|member| &member.relay).filter(|relay| !self.has(relay));
        let gone: Vec<_> = gone.map(Relay::close).collect();
        futures_util::future::join_all(gone).await;
    }

    /// Whether others answer while this one is silent.
    fn goes_elsewhere(&self, silent: &Relay) -> bool {
        let members = self.members();
        let mut others = members.iter().filter(|member| !member.relay.is(silent));
        !silent.has_answered_within(SILENT_MAX)
            && others.any(|member| member.relay.has_answered_within(SILENT_MAX))
    }

    /// The relay for the next try, and whether there is another one. None that has `failed` this message.
    fn choose(&self, preferred: &str, failed: &[(Relay, Unreachable)]) -> Option<(Relay, bool)> {
        let now = Instant::now();
        let mut members = self.members();
        if let [only] = members.as_slice() {
            // No choice to make, so none to remember.
            let is_usable = failed.is_empty() && only.rank(preferred, now).is_some();
            return is_usable.then(|| (only.relay.clone(), false));
        }
        let mut usable: Vec<(Rank, &mut Member)> = members
            .iter_mut()
            .filter(|member| !failed.iter().any(|(relay, _)| relay.is(&member.relay)))
            .filter_map(|member| member.rank(preferred, now).map(|rank| (rank, member)))
            .collect();
        let best = usable.iter().map(|(rank, _)| *rank).min()?;
        let has_others = usable.len() > 1;
        let mut best: Vec<&mut Member> =
            usable.iter_mut().filter(|(rank, _)| *rank == best).map(|(_, member)| &mut **member).collect();
        let chosen = fair_choice(&mut best, |member| (member.weight, &mut member.credit))?;
        Some((best.get(chosen)?.relay.clone(), has_others))
    }

    fn none_usable(&self, mut failed: Vec<(Relay, Unreachable)>) -> Unreachable {
        let now = Instant::now();
        for member in self.members().iter() {
            if !failed.iter().any(|(relay, _)| relay.is(&member.relay)) {
                failed.push((member.relay.clone(), member.relay.not_now(now)));
            }
        }
        let sentences: Vec<&str> = failed.iter().map(|(_, error)| error.sentence.as_str()).collect();
        let sentence = sentences.join(" ");
        let is_busy = failed.iter().any(|(_, error)| error.obstacle == Obstacle::Busy);
        let obstacle = if is_busy { Obstacle::Busy } else { Obstacle::Down };
        match failed.into_iter().map(|(_, error)| error).min_by_key(|error| error.retry_at) {
            Some(soonest) => Unreachable { obstacle, sentence, ..soonest },
            None => Unreachable {
                stage: Stage::Connect,
                retry_at: now + NO_RELAY_WAIT,
                obstacle,
                sentence: NO_RELAY.to_owned(),
            },
        }
    }

    fn has(&self, relay: &Relay) -> bool {
        self.members().iter().any(|member| member.relay.is(relay))
    }

    fn members(&self) -> MutexGuard<'_, Vec<Member>> {
        self.0.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    /// `None` when it cannot be used now.
    fn rank(&self, preferred: &str, now: Instant) -> Option<Rank> {
        let wait = self.relay.turn_in(now);
        (self.relay.paused_until(now).is_none() && wait <= TURN_MAX).then(|| Rank {
            is_crowded: self.relay.is_crowded(),
            is_not_preferred: **self.relay.name() != *preferred,
            is_reserve: self.weight == 0,
            wait,
        })
    }
}

/// The members of a set; those of `known` with the same name and settings stay what they are.
fn members(relays: Vec<NamedRelay>, known: &[Relay]) -> Result<Vec<Member>, BadSettings> {
    relays
        .into_iter()
        .map(|NamedRelay { name, weight, settings }| {
            let same = known.iter().find(|relay| *relay.name() == name && *relay.settings() == settings);
            let relay = match same {
                Some(relay) => {
                    relay.try_again();
                    relay.clone()
                }
                None => Relay::new(name, settings)?,
            };
            Ok(Member { relay, weight, credit: 0 })
        })
        .collect()
}

fn sum_of_connections(members: &[Member]) -> usize {
    members.iter().map(|member| member.relay.settings().connections.max(1)).sum()
}

/// Smooth weighted round robin: every one is given its weight, the one with the most is chosen and gives what
/// all were given. So shares hold over every few mails, without runs. A weight of 0 counts as 1 among its like.
fn fair_choice<T>(among: &mut [T], parts: impl Fn(&mut T) -> (u32, &mut i64)) -> Option<usize> {
    let mut total = 0;
    let mut chosen: Option<(usize, i64)> = None;
    for (at, one) in among.iter_mut().enumerate() {
        let (weight, credit) = parts(one);
        let weight = i64::from(weight.max(1));
        total += weight;
        *credit += weight;
        if chosen.is_none_or(|(_, most)| *credit > most) {
            chosen = Some((at, *credit));
        }
    }
    let (at, _) = chosen?;
    *parts(among.get_mut(at)?).1 -= total;
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(weights: &[u32], count: usize) -> Vec<usize> {
        let mut relays: Vec<(u32, i64)> = weights.iter().map(|weight| (*weight, 0)).collect();
        (0..count)
            .map(|_| fair_choice(&mut relays, |relay| (relay.0, &mut relay.1)).expect("a choice"))
            .collect()
    }

    #[test]
    fn shares_hold_over_every_few_mails() {
        assert_eq!(choices(&[3, 1], 8), [0, 0, 1, 0, 0, 0, 1, 0]);
        assert_eq!(choices(&[1, 1, 1], 6), [0, 1, 2, 0, 1, 2]);
        assert_eq!(choices(&[0, 0], 4), [0, 1, 0, 1]);
        assert_eq!(fair_choice(&mut [] as &mut [(u32, i64)], |relay| (relay.0, &mut relay.1)), None);
    }

    #[test]
    fn any_weights_hold_over_any_run() {
        let weights = [5, 2, 1];
        let chosen = choices(&weights, 8 * 50);
        for round in chosen.chunks(8) {
            for (at, weight) in weights.iter().enumerate() {
                assert_eq!(round.iter().filter(|one| **one == at).count(), *weight as usize);
            }
        }
    }

    #[test]
    fn a_free_relay_goes_before_a_crowded_one_and_a_reserve_last() {
        let rank = |is_crowded, is_not_preferred, is_reserve, millis| Rank {
            is_crowded,
            is_not_preferred,
            is_reserve,
            wait: Duration::from_millis(millis),
        };
        let order = [
            rank(false, false, true, 900),
            rank(false, true, false, 0),
            rank(false, true, false, 5),
            rank(false, true, true, 0),
            rank(true, false, false, 0),
        ];
        assert!(order.is_sorted());
    }
}
