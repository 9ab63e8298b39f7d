//! The relay: a few [`Session`]s, kept and reused, and a pause when there is none to be had.
//!
//! Whoever sends gets a connection from here and never counts them: at most `connections` are open, the
//! last used is used first, and those nobody needs are closed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;

pub use super::smtp::{Attempt, Outgoing, Stage};
use super::smtp::{ConnectError, Session};
use super::wire;
use crate::keys;
use crate::model::{RelaySettings, TlsMode};

/// First pause after the relay could not be used.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest pause: a relay that is back is noticed within this.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The way to one relay. Cheap to clone; clones share connections and the pause.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relay({}:{})", self.0.settings.host, self.0.settings.port)
    }
}

struct Inner {
    settings: RelaySettings,
    tls: Option<TlsConnector>,
    /// One permit for each connection that may be open.
    slots: Semaphore,
    state: Mutex<State>,
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
}

/// The relay cannot be used now. No recipient's fault: the same message can be sent again.
#[derive(Debug, Clone)]
pub struct Unreachable {
    pub stage: Stage,
    /// When it is worth trying again.
    pub retry_at: Instant,
    sentence: String,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Unreachable {}

/// The relay's settings cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[error("the relay's settings cannot be used: {0}")]
pub struct BadSettings(String);

impl Relay {
    /// Prepares TLS; connects only when there is something to send.
    ///
    /// # Errors
    /// When `extra_roots_pem` or the system's certificate store cannot be read.
    pub fn new(settings: RelaySettings) -> Result<Self, BadSettings> {
        let tls = match settings.tls {
            TlsMode::None => None,
            _ => Some(wire::tls_connector(settings.extra_roots_pem.as_deref()).map_err(BadSettings)?),
        };
        let slots = Semaphore::new(settings.connections.max(1));
        Ok(Self(Arc::new(Inner { settings, tls, slots, state: Mutex::default() })))
    }

    /// Sends one message, waiting for a connection if all are in use.
    ///
    /// A kept connection that the relay closed in the meantime is replaced once, and is no failure.
    ///
    /// # Errors
    /// [`Unreachable`] when no connection can be had; nothing was sent.
    pub async fn send(&self, mail: &Outgoing<'_>) -> Result<Attempt, Unreachable> {
        let Ok(_slot) = self.0.slots.acquire().await else {
            return Err(self.shut_down());
        };
        if let Some(session) = self.take_idle() {
            let start = Instant::now();
            let (attempt, session) = self.send_on(session, mail).await?;
            // A relay that hangs is not one that closed the connection.
            if !is_stale(&attempt) || start.elapsed() >= self.0.settings.timeouts.command {
                self.note(&attempt);
                self.put_back(session).await;
                return Ok(attempt);
            }
        }
        let session = self.open().await?;
        let (attempt, session) = self.send_on(session, mail).await?;
        self.note(&attempt);
        self.put_back(session).await;
        Ok(attempt)
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
    /// [`Unreachable`] with what to do about it.
    pub async fn test_connection(&self) -> Result<String, Unreachable> {
        let session = Session::open(&self.0.settings, self.0.tls.as_ref())
            .await
            .map_err(|error| self.unreachable(&error, Instant::now()))?;
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
        mail: &Outgoing<'_>,
    ) -> Result<(Attempt, Session), Unreachable> {
        match session.send(mail).await {
            Ok(attempt) => Ok((attempt, session)),
            Err(error) => {
                let retry_at = self.pause();
                Err(self.unreachable(&error, retry_at))
            }
        }
    }

    /// A new session, unless the relay failed a moment ago.
    ///
    /// Who passes closes the gate behind itself until it knows: a relay that is down sees one connection
    /// in each pause, however many messages wait.
    async fn open(&self) -> Result<Session, Unreachable> {
        let failures = {
            let mut state = self.state();
            if let Some(retry_at) = state.pause_until.filter(|until| *until > Instant::now()) {
                drop(state);
                let error = ConnectError::new(Stage::Connect, "paused after it could not be used");
                return Err(self.unreachable(&error, retry_at));
            }
            state.pause_until = (state.failures > 0).then(|| Instant::now() + pause_after(state.failures));
            state.failures
        };
        match Session::open(&self.0.settings, self.0.tls.as_ref()).await {
            Ok(session) => {
                self.state().pause_until = None;
                Ok(session)
            }
            Err(error) => {
                let retry_at = self.pause_after_failures(failures);
                Err(self.unreachable(&error, retry_at))
            }
        }
    }

    /// An answer of the relay ends the row of failures; 421 adds to it, wherever it came.
    fn note(&self, attempt: &Attempt) {
        match attempt {
            Attempt::Refused { reply, .. } if reply.closes() => {
                self.pause();
            }
            Attempt::Accepted(_) | Attempt::Refused { .. } => self.state().failures = 0,
            Attempt::Lost { .. } | Attempt::Uncertain(_) => {}
        }
    }

    fn pause(&self) -> Instant {
        let failures = self.state().failures;
        self.pause_after_failures(failures)
    }

    /// Begins a pause, unless another connection that was tried at the same `failures` has begun it: ten
    /// workers that find the relay down have found one failure.
    fn pause_after_failures(&self, failures: u32) -> Instant {
        let mut state = self.state();
        let now = Instant::now();
        match state.pause_until.filter(|until| *until > now) {
            Some(until) if state.failures > failures => until,
            _ => {
                state.failures = state.failures.saturating_add(1);
                let until = now + pause_after(state.failures);
                state.pause_until = Some(until);
                until
            }
        }
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

    fn unreachable(&self, error: &ConnectError, retry_at: Instant) -> Unreachable {
        let settings = &self.0.settings;
        let sentence = format!(
            "The relay {}:{} cannot be used ({}): {}. To do: {}.",
            settings.host,
            settings.port,
            error.stage,
            error.reason,
            error.advice()
        );
        Unreachable { stage: error.stage, retry_at, sentence }
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

/// Doubling from [`PAUSE_MIN`] to [`PAUSE_MAX`], with up to a quarter more so that services that lost the
/// same relay do not come back together.
fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let pause = PAUSE_MIN.saturating_mul(1 << doublings).min(PAUSE_MAX);
    // Without randomness the pause is only less polite.
    let [random] = keys::random::<1>().unwrap_or([0]);
    pause + pause.mul_f64(f64::from(random) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_a_minute_and_a_quarter() {
        for (failures, seconds) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (1000, 60)] {
            let (pause, least) = (pause_after(failures), Duration::from_secs(seconds));
            assert!(pause >= least && pause <= least.mul_f64(1.25), "{failures}: {pause:?}");
        }
    }
}
