//! One relay: a few [`Session`]s, kept and reused, its rate, and a pause when it cannot be used.
//!
//! Whoever sends gets a connection from here and never counts them: at most `connections` are open, the
//! last used is used first, and those nobody needs are closed. Several relays are a [`super::relays::Relays`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsConnector;

use super::reply::without_identities;
pub use super::smtp::{Attempt, Cause, ConnectError, Outgoing, Stage};
use super::smtp::{Elsewhere, SILENT_MAX, Session, unless_in_vain};
use super::wire;
use crate::keys;
use crate::model::{Gcra, RelaySettings, TlsMode};
use crate::waiting::Waiting;

/// First pause after the relay could not be used.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest pause: with the quarter that is added, and the second after which others follow the one that tries, a relay that is
/// back is noticed well within a minute.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Longest pause after a refused login: who knocks more often with a wrong password is locked out.
const PAUSE_LOGIN_MAX: Duration = Duration::from_secs(600);
/// So many connections that broke in a row mean that the relay cannot be used, whatever it says before.
const LOSSES_MAX: u32 = 3;
/// So long a connection is waited for that tries a relay again which could not be used.
const PROBE_MAX: Duration = Duration::from_secs(30);
/// A relay that refuses a connection is full where it answered a message within this.
const FULL_WITNESS: Duration = Duration::from_secs(10);
/// So long a full relay is asked for no more connections, each.
const FULL_FOR: Duration = Duration::from_secs(60);
/// A relay that has answered nothing for so long, while it is in use, is told of.
const SILENT_TOLD: Duration = Duration::from_secs(120);
/// A relay that comes and goes is told of once in this time.
const WARN_EVERY: Duration = Duration::from_secs(60);
/// Longest wait for a turn under `mails_per_hour` inside a send: a mailing that is paused or cancelled must
/// stop within 2 s.
pub(super) const TURN_MAX: Duration = Duration::from_secs(2);
/// An announced message that does not follow within this goes over another connection: the relay may be about to give
/// this one up, and what it says of its patience would be read as an answer about the message.
const ANNOUNCED_MAX: Duration = Duration::from_secs(5);
/// A relay from which the answer to EHLO takes so long is far away: there a message is announced behind the one before.
/// Near by it would win little, and after a crash more messages would be in doubt.
const FAR: Duration = Duration::from_millis(10);
/// After so many announcements in a row that came to nothing none is made any more.
const FORGOTTEN_MAX: u32 = 3;
const SECONDS_PER_HOUR: u64 = 3600;

/// The way to one relay. Cheap to clone; clones share connections and the pause.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relay({}, {}:{})", self.0.name, self.0.settings.host, self.0.settings.port)
    }
}

/// A connection on which the next message was announced: its MAIL, RCPT and DATA went out behind the message before it.
/// Only that message can follow. Dropped, the connection is cut, and nothing of the message was sent.
pub struct Announced {
    relay: Relay,
    session: Session,
    slot: OwnedSemaphorePermit,
    since: Instant,
}

impl fmt::Debug for Announced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Announced({:?})", self.relay)
    }
}

impl Announced {
    pub(super) const fn relay(&self) -> &Relay {
        &self.relay
    }
}

/// A turn under the rate of a relay that nobody else has. Dropped unused, it is the next one's.
pub struct Turn {
    relay: Relay,
    /// Since the relay began; `None`: it has no rate, or the turn was used.
    at: Option<Duration>,
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Turn({:?}, {:?})", self.relay, self.at)
    }
}

impl Turn {
    pub(super) const fn relay(&self) -> &Relay {
        &self.relay
    }

    /// How long until it comes.
    pub(super) fn comes_in(&self) -> Duration {
        self.at.map_or(Duration::ZERO, |at| at.saturating_sub(self.relay.0.began.elapsed()))
    }

    /// Whether it has not passed: many that were kept and then used at once would be too many.
    fn stands(&self) -> bool {
        self.at.is_none_or(|at| self.relay.0.began.elapsed() <= at + TURN_MAX)
    }

    async fn wait(mut self) {
        if let Some(at) = self.at {
            sleep_until(self.relay.0.began + at).await;
        }
        self.at = None;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(at) = self.at
            && let Some(rate) = &mut self.relay.state().rate
        {
            rate.give_back(at);
        }
    }
}

struct Inner {
    name: Arc<str>,
    settings: RelaySettings,
    tls: Option<TlsConnector>,
    /// One permit for each connection that may be open.
    slots: Arc<Semaphore>,
    /// Those who wait for a permit.
    waiting: Waiting,
    /// From when the rate counts.
    began: Instant,
    state: Mutex<State>,
    /// Told when a pause begins.
    failed: Notify,
}

#[derive(Default)]
struct State {
    /// Unused sessions, the last used at the end.
    idle: Vec<(Session, Instant)>,
    /// Whether a task closes those that are unused for too long.
    reaping: bool,
    closed: bool,
    /// Before then no new connection is opened.
    pause_until: Option<Instant>,
    /// How often in a row the relay could not be used.
    failures: u32,
    /// After a failure one connection is tried, and nobody else tries until that is known.
    probing: bool,
    /// That connection is open: so long the others wait for the answer to its first message.
    probed_until: Option<Instant>,
    /// When a connection or a message was tried the last time, and when a message was answered.
    tried_at: Option<Instant>,
    answered_at: Option<Instant>,
    /// Whether the log was told that it bears fewer connections than it may get.
    said_full: bool,
    /// How many connections in a row broke in the middle of a message.
    losses: u32,
    /// What was wrong the last time.
    trouble: Option<ConnectError>,
    /// When the log was told of trouble, and whether it is to be told of its end.
    warned: Option<Instant>,
    owes_all_clear: bool,
    rate: Option<Gcra>,
    /// Somebody waited for a connection in vain.
    crowded: bool,
    /// The shortest that was seen.
    round_trip: Option<Duration>,
    /// How many announcements in a row came to nothing.
    forgotten: u32,
}

impl State {
    /// Until when no new connection is opened, as far as is known.
    fn closed_until(&self, now: Instant) -> Option<Instant> {
        let pause = self.pause_until.filter(|until| *until > now);
        let probed = self.probed_until.filter(|until| *until > now);
        pause.or_else(|| self.probing.then(|| now + PAUSE_MIN)).or(probed)
    }
}

/// Why there is no new session.
enum NotOpened {
    Down(Unreachable),
    /// The relay bears no more connections than are open.
    Full,
}

/// Ends a probe, also one that is dropped on the way.
struct Probe<'a>(&'a Relay);

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.0.state().probing = false;
    }
}

/// Asked right before the first octet of a message, when all is waited for: a connection, the login, a turn. Who sends may
/// have waited for minutes, and meanwhile the message may have become one that must not go.
pub trait LastLook: Send + Sync {
    /// `false`: nothing of the message is sent.
    fn may_go(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>>;
}

/// For a message that nothing forbids.
#[derive(Debug, Clone, Copy)]
pub struct Always;

impl LastLook for Always {
    fn may_go(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(std::future::ready(true))
    }
}

/// Why a message did not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The relay cannot be used.
    Down,
    /// Nothing is wrong with the relay: it has had what it may get in an hour.
    Busy,
    /// By its [`LastLook`].
    Withdrawn,
}

/// The message cannot go now. No recipient's fault: the same message can be sent again.
#[derive(Debug, Clone)]
pub struct Unreachable {
    pub stage: Stage,
    /// When it is worth trying again.
    pub retry_at: Instant,
    pub obstacle: Obstacle,
    pub(super) sentence: String,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Unreachable {}

/// The relay's settings cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[error("the settings of relay {name} cannot be used: {reason}")]
pub struct BadSettings {
    name: Arc<str>,
    reason: String,
}

/// Between two mails, where the relay has a rate.
fn interval(settings: &RelaySettings) -> Option<Duration> {
    settings.mails_per_hour.map(|per_hour| Duration::from_secs(SECONDS_PER_HOUR) / per_hour.get())
}

impl Relay {
    /// Prepares TLS; connects only when there is something to send. `name` is what people call it.
    ///
    /// # Errors
    /// When `extra_roots_pem` or the system's certificate store cannot be read.
    pub fn new(name: impl Into<Arc<str>>, settings: RelaySettings) -> Result<Self, BadSettings> {
        let name = name.into();
        let tls = match settings.tls {
            TlsMode::None => None,
            _ => match wire::tls_connector(settings.extra_roots_pem.as_deref()) {
                Ok(tls) => Some(tls),
                Err(reason) => return Err(BadSettings { name, reason }),
            },
        };
        let slots = Arc::new(Semaphore::new(settings.connections.max(1)));
        // No burst: the relay counts any hour, and would count a burst on top of the hour's mails.
        let rate = interval(&settings).map(|interval| Gcra::new(interval, 1));
        let state = Mutex::new(State { rate, ..State::default() });
        Ok(Self(Arc::new(Inner {
            name,
            settings,
            tls,
            slots,
            waiting: Waiting::default(),
            began: Instant::now(),
            state,
            failed: Notify::new(),
        })))
    }

    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    pub fn settings(&self) -> &RelaySettings {
        &self.0.settings
    }

    /// Sends one message, waiting for a connection if all are in use.
    ///
    /// A kept connection that the relay closed in the meantime is replaced once, and is no failure.
    ///
    /// # Errors
    /// [`Unreachable`] when no connection can be had; nothing was sent.
    pub async fn send(&self, mail: &Outgoing<'_>) -> Result<Attempt, Unreachable> {
        loop {
            let sent = self.send_within(Duration::MAX, None, mail, None, &Always, None).await?;
            if let Some((attempt, _)) = sent {
                return Ok(attempt);
            }
        }
    }

    /// As [`Relay::send`], in a turn that was taken before, if it was; announcing the `next` message where that can be;
    /// if the `look` lets it go; not waiting for an answer in vain where mail goes out `elsewhere`. `None` when no connection
    /// was free within `patience`, or the relay bears no more than are open.
    pub(super) async fn send_within(
        &self,
        patience: Duration,
        turn: Option<Turn>,
        mail: &Outgoing<'_>,
        next: Option<&Outgoing<'_>>,
        look: &dyn LastLook,
        elsewhere: Elsewhere<'_>,
    ) -> Result<Option<(Attempt, Option<Announced>)>, Unreachable> {
        let slots = Arc::clone(&self.0.slots);
        let slot = if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
            slot
        } else {
            let _waits = self.0.waiting.begin();
            let Ok(slot) = timeout(patience, slots.acquire_owned()).await else {
                self.state().crowded = true;
                return Ok(None);
            };
            let Ok(slot) = slot else {
                return Err(self.shut_down());
            };
            slot
        };
        self.state().crowded = false;
        self.wait_for_turn(turn).await?;
        let kept = self.take_idle().map(|session| (session, false));
        self.send_over(slot, kept, mail, next, look, elsewhere).await
    }

    /// As [`Relay::send_within`], for the message that was announced.
    pub(super) async fn send_announced(
        &self,
        announced: Announced,
        mail: &Outgoing<'_>,
        next: Option<&Outgoing<'_>>,
        look: &dyn LastLook,
        elsewhere: Elsewhere<'_>,
    ) -> Result<Option<(Attempt, Option<Announced>)>, Unreachable> {
        let Announced { session, slot, since, .. } = announced;
        let kept = (since.elapsed() <= ANNOUNCED_MAX).then_some((session, true));
        self.send_over(slot, kept, mail, next, look, elsewhere).await
    }

    /// Over a session that is open, on which this message may be announced; if that one turns out to be closed, or there
    /// is none, over a new one.
    async fn send_over(
        &self,
        slot: OwnedSemaphorePermit,
        kept: Option<(Session, bool)>,
        mail: &Outgoing<'_>,
        next: Option<&Outgoing<'_>>,
        look: &dyn LastLook,
        elsewhere: Elsewhere<'_>,
    ) -> Result<Option<(Attempt, Option<Announced>)>, Unreachable> {
        // What is announced keeps its connection, for which somebody may wait.
        let next = next.filter(|_| !self.0.waiting.is_anybody());
        if let Some((session, is_announced)) = kept {
            let start = Instant::now();
            let failures = self.failures();
            let (attempt, session) = self.send_on(session, is_announced, mail, next, look, elsewhere).await?;
            let is_moot = if is_announced {
                self.note_announced(&attempt)
            } else {
                // A relay that hangs is not one that closed the connection.
                is_stale(&attempt) && start.elapsed() < self.0.settings.timeouts.command
            };
            if !is_moot {
                return Ok(Some(self.done(slot, attempt, session, failures).await));
            }
        }
        let session = match self.open(elsewhere).await {
            Ok(session) => session,
            Err(NotOpened::Down(error)) => return Err(error),
            Err(NotOpened::Full) => {
                self.leave_empty(slot);
                return Ok(None);
            }
        };
        let failures = self.failures();
        let (attempt, session) = self.send_on(session, false, mail, next, look, elsewhere).await?;
        Ok(Some(self.done(slot, attempt, session, failures).await))
    }

    /// Whether messages are announced: who waits for turns waits for the next one as well.
    pub(super) fn announces(&self) -> bool {
        let state = self.state();
        let is_far = state.round_trip.is_some_and(|round_trip| round_trip >= FAR);
        is_far && state.rate.is_none() && state.forgotten < FORGOTTEN_MAX
    }

    /// Whether an announcement came to nothing: MAIL was not heard, or not wanted there. Counts those in a row.
    fn note_announced(&self, attempt: &Attempt) -> bool {
        let is_moot = match attempt {
            Attempt::Refused { stage: Stage::Mail, reply } => reply.code >= 500 || reply.closes(),
            Attempt::Lost { stage, .. } => *stage == Stage::Mail,
            Attempt::Accepted(_) | Attempt::Refused { .. } | Attempt::Uncertain(_) => false,
        };
        let mut state = self.state();
        state.forgotten = if is_moot { state.forgotten.saturating_add(1) } else { 0 };
        if state.forgotten == FORGOTTEN_MAX {
            drop(state);
            let relay = &self.0.name;
            tracing::info!(%relay, "the relay hears nothing that is said behind a message; from now on nothing is");
        }
        is_moot
    }

    /// After a message: the session is kept for what was announced on it, or for whoever comes.
    async fn done(
        &self,
        slot: OwnedSemaphorePermit,
        attempt: Attempt,
        session: Session,
        failures: u32,
    ) -> (Attempt, Option<Announced>) {
        self.note(&attempt, failures);
        if !session.has_announced() {
            self.put_back(session).await;
            return (attempt, None);
        }
        let announced = Announced { relay: self.clone(), session, slot, since: Instant::now() };
        let stands = announced.session.is_usable() && !self.is_closed();
        (attempt, stands.then_some(announced))
    }

    /// The turn of a message under `mails_per_hour`, or else the next one, waited for.
    async fn wait_for_turn(&self, turn: Option<Turn>) -> Result<(), Unreachable> {
        let turn = match turn.filter(Turn::stands) {
            Some(turn) => turn,
            None => self.take_turn(TURN_MAX).map_err(|wait| self.busy(Instant::now() + wait))?,
        };
        turn.wait().await;
        Ok(())
    }

    /// The next turn, if it comes within so long; otherwise how long until it does.
    pub(super) fn take_turn(&self, within: Duration) -> Result<Turn, Duration> {
        let mut state = self.state();
        let at = match &mut state.rate {
            None => None,
            Some(rate) => {
                let now = self.0.began.elapsed();
                let at = rate.ready_at(now);
                let wait = at.saturating_sub(now);
                if wait > within {
                    return Err(wait);
                }
                rate.take(at);
                Some(at)
            }
        };
        drop(state);
        Ok(Turn { relay: self.clone(), at })
    }

    pub(super) fn has_rate(&self) -> bool {
        self.0.settings.mails_per_hour.is_some()
    }

    /// Leaves to others their part of the rate: it is shared among so many processes.
    pub(super) fn share_rate(&self, processes: u32) {
        if let Some((rate, interval)) = self.state().rate.as_mut().zip(interval(&self.0.settings)) {
            rate.set_interval(interval.saturating_mul(processes.max(1)));
        }
    }

    /// How long after `now` the next mail can go, as far as the rate says it.
    pub(super) fn turn_in(&self, now: Instant) -> Duration {
        let now = now.saturating_duration_since(self.0.began);
        self.state().rate.as_ref().map_or(Duration::ZERO, |rate| rate.ready_at(now).saturating_sub(now))
    }

    /// Until when it is not tried, because it could not be used.
    pub(super) fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.state().closed_until(now)
    }

    /// Ends a pause: whoever runs the service has said that something changed.
    pub(super) fn try_again(&self) {
        let mut state = self.state();
        state.pause_until = None;
        state.probed_until = None;
    }

    /// What keeps it from being used, as long as no mail was answered since: it failed, or it says nothing to those who wait
    /// there. Failing once is no trouble: a relay may answer its last mail for today with 421.
    pub(super) fn trouble(&self) -> Option<ConnectError> {
        let is_in_use = self.is_in_use();
        let state = self.state();
        let is_silent = is_in_use && state.tried_at.is_some_and(|at| at.elapsed() >= SILENT_TOLD);
        match state.failures {
            0 | 1 => is_silent.then(|| ConnectError::silent(SILENT_TOLD)),
            _ => state.trouble.clone(),
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failures() > 0
    }

    /// Tries a relay that could not be used and that no mail has tried for so long: by a connection, without a mail. Else its
    /// trouble would be told of until there is one to send.
    pub(super) async fn try_unless_used(&self, for_so_long: Duration) {
        let now = Instant::now();
        let failures = {
            let state = self.state();
            let is_left = state.tried_at.is_none_or(|at| at + for_so_long <= now);
            if state.failures == 0 || !is_left || state.closed_until(now).is_some() || self.is_in_use() {
                return;
            }
            state.failures
        };
        let Ok(_slot) = self.0.slots.try_acquire() else { return };
        let Ok(session) = self.open(None).await else { return };
        if self.failures() == failures {
            self.all_is_well();
        }
        session.quit().await;
    }

    /// Whether a message is on the wire there.
    fn is_in_use(&self) -> bool {
        self.0.slots.available_permits() < self.0.settings.connections.max(1)
    }

    /// Whether it answered any message of late.
    pub(super) fn has_answered_within(&self, so_long: Duration) -> bool {
        self.state().answered_at.is_some_and(|at| at.elapsed() <= so_long)
    }

    /// Whether waiting for a connection was in vain, and still would be.
    pub(super) fn is_crowded(&self) -> bool {
        self.0.slots.available_permits() == 0 && self.state().crowded
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.slots.is_closed()
    }

    /// Whether both are clones of the same.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Why no mail can go now, for a relay that is paused or has had its share.
    pub(super) fn not_now(&self, now: Instant) -> Unreachable {
        match self.paused_until(now) {
            Some(until) => self.paused(until),
            None => self.busy(now + self.turn_in(now)),
        }
    }

    /// Returns when a new connection may be tried: at once, or at the end of the pause.
    pub async fn wait_until_usable(&self) {
        let until = self.state().pause_until;
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }

    /// Connects, greets and logs in, and says what the relay offers, for a person to read.
    ///
    /// # Errors
    /// With the stage that failed; [`Relay::sentence`] says what to do about it.
    pub async fn test_connection(&self) -> Result<String, ConnectError> {
        let session = Session::open(&self.0.settings, self.0.tls.as_ref()).await?;
        let offers = session.offers().to_string();
        session.quit().await;
        Ok(offers)
    }

    /// Ends all kept connections; those in use end with their message. Later sends are refused.
    pub async fn close(&self) {
        let idle = {
            let mut state = self.state();
            state.closed = true;
            std::mem::take(&mut state.idle)
        };
        self.0.slots.close();
        quit_all(idle).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self) -> Option<Session> {
        self.state().idle.pop().map(|(session, _)| session)
    }

    async fn send_on(
        &self,
        mut session: Session,
        is_announced: bool,
        mail: &Outgoing<'_>,
        next: Option<&Outgoing<'_>>,
        look: &dyn LastLook,
        elsewhere: Elsewhere<'_>,
    ) -> Result<(Attempt, Session), Unreachable> {
        if !look.may_go().await {
            // Where it was announced nobody else can use the connection.
            if !is_announced {
                self.put_back(session).await;
            }
            return Err(self.withdrawn());
        }
        let failures = self.failures();
        // The last message of a connection announces none.
        let is_last = session.messages + 1 >= self.0.settings.messages_per_connection.max(1);
        let next = next.filter(|_| !is_last && self.announces());
        let sent = if is_announced {
            session.send_announced(next, elsewhere).await
        } else {
            session.send(mail, next, elsewhere).await
        };
        match sent {
            Ok(attempt) => Ok((attempt, session)),
            Err(error) => {
                let retry_at = self.pause_after_failures(failures, &error);
                Err(self.unreachable(&error, retry_at))
            }
        }
    }

    /// A new session, unless the relay failed a moment ago.
    ///
    /// Who passes after a failure closes the gate behind itself until it knows: a relay that is down sees
    /// one connection in each pause, however many messages wait. It waits for that one less patiently, so that a relay is
    /// tried again soon that accepts connections before it works.
    async fn open(&self, elsewhere: Elsewhere<'_>) -> Result<Session, NotOpened> {
        let failures = {
            let mut state = self.state();
            let now = Instant::now();
            if let Some(retry_at) = state.closed_until(now) {
                drop(state);
                return Err(NotOpened::Down(self.paused(retry_at)));
            }
            state.tried_at = Some(now);
            state.probing = state.failures > 0;
            state.failures
        };
        let _probe = (failures > 0).then(|| Probe(self));
        let limit = if failures > 0 { PROBE_MAX } else { Duration::MAX };
        let opening = unless_in_vain(Session::open(&self.0.settings, self.0.tls.as_ref()), elsewhere);
        let opened = match timeout(limit, opening).await {
            Ok(opened) => opened.unwrap_or_else(|| Err(ConnectError::silent(SILENT_MAX))),
            Err(_) => Err(ConnectError::silent(limit)),
        };
        match opened {
            Ok(session) => {
                let mut state = self.state();
                // Where another one has failed meanwhile its pause stands: that this one was let in is older.
                if state.failures == failures {
                    state.pause_until = None;
                    state.probed_until = (failures > 0).then(|| Instant::now() + PAUSE_MIN);
                }
                state.round_trip = Some(state.round_trip.unwrap_or(Duration::MAX).min(session.round_trip));
                drop(state);
                Ok(session)
            }
            Err(error) if failures == 0 && self.bears_no_more(&error) => Err(NotOpened::Full),
            Err(error) => {
                let retry_at = self.pause_after_failures(failures, &error);
                Err(NotOpened::Down(self.unreachable(&error, retry_at)))
            }
        }
    }

    /// Keeps the place of a connection empty for a while, or until the relay fails: then it was not full, but going down.
    fn leave_empty(&self, slot: OwnedSemaphorePermit) {
        let relay = self.clone();
        tokio::spawn(async move {
            let _ = timeout(FULL_FOR, relay.0.failed.notified()).await;
            drop(slot);
        });
    }

    /// Whether a connection was refused because there are others, which work: then nothing is wrong but that it was one too
    /// many.
    fn bears_no_more(&self, error: &ConnectError) -> bool {
        let in_use = self.0.settings.connections.max(1).saturating_sub(self.0.slots.available_permits());
        let mut state = self.state();
        let others = in_use.saturating_sub(1) + state.idle.len();
        let bears_no_more = matches!(error.stage, Stage::Connect | Stage::Hello)
            && others > 0
            && state.answered_at.is_some_and(|at| at.elapsed() <= FULL_WITNESS);
        if bears_no_more && !std::mem::replace(&mut state.said_full, true) {
            drop(state);
            tracing::warn!(
                relay = %self.0.name,
                "the relay refuses another connection beside {others} that work; {} is too high as its number of connections",
                self.0.settings.connections
            );
        }
        bears_no_more
    }

    /// An answer of the relay ends the row of failures; 421 adds to it, wherever it came, and so does a relay
    /// that takes connections only to break them.
    ///
    /// `failures` is how many there were when the message began.
    fn note(&self, attempt: &Attempt, failures: u32) {
        self.state().tried_at = Some(Instant::now());
        let broken = match attempt {
            Attempt::Refused { stage, reply } if reply.closes() => {
                self.pause_after_failures(failures, &ConnectError::refused(*stage, reply));
                return;
            }
            Attempt::Accepted(_) | Attempt::Refused { .. } => return self.all_is_well(),
            Attempt::Lost { stage, reason } => ConnectError::new(*stage, reason.as_str()),
            Attempt::Uncertain(reason) => ConnectError::new(Stage::FinalDot, reason.as_str()),
        };
        let losses = {
            let mut state = self.state();
            state.losses = state.losses.saturating_add(1);
            state.losses
        };
        if losses >= LOSSES_MAX {
            self.pause_after_failures(failures, &broken);
        }
    }

    fn all_is_well(&self) {
        let mut state = self.state();
        state.answered_at = Some(Instant::now());
        state.failures = 0;
        state.losses = 0;
        state.probed_until = None;
        if std::mem::take(&mut state.owes_all_clear) {
            tracing::info!(relay = %self.0.name, "the relay can be used again");
        }
    }

    fn failures(&self) -> u32 {
        self.state().failures
    }

    /// Begins a pause, unless another connection that was tried at the same `failures` has begun it: ten
    /// workers that find the relay down have found one failure.
    fn pause_after_failures(&self, failures: u32, error: &ConnectError) -> Instant {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(until) = state.pause_until.filter(|until| *until > now && state.failures > failures) {
            return until;
        }
        state.tried_at = Some(now);
        self.0.failed.notify_waiters();
        state.failures = state.failures.saturating_add(1);
        state.trouble = Some(error.clone());
        let until = now + pause_after(state.failures, error.stage);
        state.pause_until = Some(until);
        state.probed_until = None;
        let said_lately = state.warned.is_some_and(|at| now.saturating_duration_since(at) < WARN_EVERY);
        if !state.owes_all_clear && !said_lately {
            state.warned = Some(now);
            state.owes_all_clear = true;
            drop(state);
            let error = ConnectError { reason: without_identities(&error.reason), ..error.clone() };
            tracing::warn!(relay = %self.0.name, "{} No mail is lost by it.", self.sentence(&error));
        }
        until
    }

    async fn put_back(&self, session: Session) {
        let full = session.messages >= self.0.settings.messages_per_connection.max(1);
        if !session.is_usable() {
            return;
        }
        let refused = {
            let mut state = self.state();
            if full || state.closed {
                Some(session)
            } else {
                state.idle.push((session, Instant::now()));
                if !std::mem::replace(&mut state.reaping, true) {
                    tokio::spawn(reap(self.clone()));
                }
                None
            }
        };
        if let Some(session) = refused {
            session.quit().await;
        }
    }

    fn shut_down(&self) -> Unreachable {
        self.unreachable(&ConnectError::new(Stage::Connect, "this service is stopping"), Instant::now())
    }

    fn paused(&self, retry_at: Instant) -> Unreachable {
        let trouble = self.state().trouble.clone();
        let trouble = trouble.unwrap_or_else(|| ConnectError::new(Stage::Connect, "it could not be used"));
        self.unreachable(&trouble, retry_at)
    }

    fn busy(&self, retry_at: Instant) -> Unreachable {
        let per_hour = self.0.settings.mails_per_hour.map_or(0, std::num::NonZeroU32::get);
        let sentence = format!("The relay {} has had its share of {per_hour} mails per hour.", self.0.name);
        Unreachable { stage: Stage::Connect, retry_at, obstacle: Obstacle::Busy, sentence }
    }

    fn withdrawn(&self) -> Unreachable {
        let sentence = "It must not go, or not as it is.".to_owned();
        Unreachable { stage: Stage::Mail, retry_at: Instant::now(), obstacle: Obstacle::Withdrawn, sentence }
    }

    fn unreachable(&self, error: &ConnectError, retry_at: Instant) -> Unreachable {
        let obstacle = Obstacle::Down;
        Unreachable { stage: error.stage, retry_at, obstacle, sentence: self.sentence(error) }
    }

    /// What happened, and what to do about it, for whoever runs the service.
    pub fn sentence(&self, error: &ConnectError) -> String {
        let Inner { name, settings, .. } = &*self.0;
        format!(
            "The relay {name} ({}:{}) cannot be used ({}): {}. To do: {}.",
            settings.host,
            settings.port,
            error.stage,
            error.reason,
            error.advice()
        )
    }
}

/// Closes sessions that nobody used for the idle time, and ends when none is left.
async fn reap(relay: Relay) {
    let keep = relay.0.settings.timeouts.idle;
    loop {
        let oldest = {
            let mut state = relay.state();
            let Some(oldest) = state.idle.first().map(|(_, since)| *since) else {
                state.reaping = false;
                return;
            };
            oldest
        };
        sleep_until(oldest + keep).await;
        // A slot each, so that a session that says goodbye still counts as open.
        let Ok(_slot) = relay.0.slots.acquire().await else { return };
        let expired = {
            let mut state = relay.state();
            let now = Instant::now();
            let is_expired = state.idle.first().is_some_and(|(_, since)| *since + keep <= now);
            is_expired.then(|| state.idle.remove(0))
        };
        quit_all(expired.into_iter().collect()).await;
    }
}

async fn quit_all(sessions: Vec<(Session, Instant)>) {
    futures_util::future::join_all(sessions.into_iter().map(|(session, _)| session.quit())).await;
}

/// A kept connection that the relay had closed: cut, or 421, before it answered MAIL.
fn is_stale(attempt: &Attempt) -> bool {
    match attempt {
        Attempt::Lost { stage, .. } => *stage == Stage::Mail,
        Attempt::Refused { stage, reply } => *stage == Stage::Mail && reply.closes(),
        Attempt::Accepted(_) | Attempt::Uncertain(_) => false,
    }
}

/// Doubling from [`PAUSE_MIN`] to [`PAUSE_MAX`], or to [`PAUSE_LOGIN_MAX`], with up to a quarter more so that
/// services that lost the same relay do not come back together.
fn pause_after(failures: u32, stage: Stage) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let longest = if stage == Stage::Login { PAUSE_LOGIN_MAX } else { PAUSE_MAX };
    let pause = PAUSE_MIN.saturating_mul(1 << doublings).min(longest);
    // Without randomness the pause is only less polite.
    let [random] = keys::random::<1>().unwrap_or([0]);
    pause + pause.mul_f64(f64::from(random) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_its_longest_and_a_quarter() {
        for (failures, seconds, after_login) in
            [(1, 1, 1), (2, 2, 2), (3, 4, 4), (5, 16, 16), (6, 30, 32), (10, 30, 512), (1000, 30, 600)]
        {
            for (stage, seconds) in [(Stage::Connect, seconds), (Stage::Login, after_login)] {
                let (pause, least) = (pause_after(failures, stage), Duration::from_secs(seconds));
                assert!(pause >= least && pause <= least.mul_f64(1.25), "{failures}, {stage}: {pause:?}");
            }
        }
    }
}
