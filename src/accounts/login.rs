//! Signing in, throttled (S4). An unknown user gets the same answer after the same time.

use std::net::IpAddr;
use std::time::Duration;

use super::passwords::{self, HashError};
use super::sessions::{self, SessionError};
use crate::clock::Clock;
use crate::i18n::Message;
use crate::keys::{Keys, Purpose};
use crate::model::{EmailAddress, Timestamp, User};
use crate::store::{self, Store, StoreError, Tx, rate_limits};

const QUARTER: Duration = Duration::from_secs(15 * 60);

/// How many failures are borne in which time.
#[derive(Debug, Clone, Copy)]
struct Limit {
    name: &'static str,
    window: Duration,
    most: i64,
}

/// Short, so that a stranger who keeps failing cannot shut an account's owner out for long.
const PER_ACCOUNT: Limit = Limit { name: "login-account", window: QUARTER, most: 5 };
/// For a network (an IPv4 /24, an IPv6 /64) the wait grows.
const PER_NETWORK: [Limit; 2] = [
    Limit { name: "login-network", window: QUARTER, most: 5 },
    Limit { name: "login-network-long", window: Duration::from_secs(4 * 3600), most: 20 },
];

/// A login that succeeded. The token goes into the browser's cookie and nowhere else.
#[derive(Debug)]
pub struct LoggedIn {
    pub user: User,
    pub token: String,
}

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// No such user, a disabled user, or another password: nobody learns which.
    #[error("{}", self.message())]
    Wrong,
    #[error("{}", self.message())]
    Throttled { minutes: i64 },
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LoginError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Wrong => Message::new("error-login-wrong"),
            Self::Throttled { minutes } => Message::new("error-login-throttled").number("minutes", *minutes),
            Self::Hash(_) | Self::Session(_) | Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    /// The key of [`LoginError::message`].
    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

/// Signs in and begins a session.
///
/// # Errors
/// [`LoginError`]. Attempts are counted before the password is looked at, so that guesses made at once
/// count like guesses one after the other.
pub async fn log_in(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    address: &str,
    password: &str,
    ip: IpAddr,
) -> Result<LoggedIn, LoginError> {
    let parsed = EmailAddress::parse(address).ok();
    let account = parsed.as_ref().map_or_else(|| address.trim().to_lowercase(), EmailAddress::key);
    let counters = Counters::new(keys, &account, ip);
    counters.count(store, clock.now()).await?;

    let user = match &parsed {
        Some(address) => {
            let mut reader = store.read().await?;
            store::users::by_address(reader.db(), address).await?.filter(|user| user.disabled_at.is_none())
        }
        None => None,
    };
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let is_right = passwords::verify(password, hash).await?;
    let Some(user) = user.filter(|_| is_right) else { return Err(LoginError::Wrong) };

    let mut tx = store.begin().await?;
    counters.forgive(&mut tx).await?;
    let token = sessions::begin(&mut tx, clock, user.id).await?;
    tx.commit().await?;
    Ok(LoggedIn { user, token })
}

/// The counters that one attempt moves.
struct Counters {
    account: Vec<u8>,
    networks: Vec<(Limit, Vec<u8>)>,
}

impl Counters {
    fn new(keys: &Keys, account: &str, ip: IpAddr) -> Self {
        let key = |limit: Limit, of: &str| {
            keys.mac(Purpose::RateLimit, format!("{}:{of}", limit.name).as_bytes()).to_vec()
        };
        let network = network_of(ip);
        Self {
            account: key(PER_ACCOUNT, account),
            networks: PER_NETWORK.iter().map(|limit| (*limit, key(*limit, &network))).collect(),
        }
    }

    /// Counts an attempt, and refuses it when there were too many.
    async fn count(&self, store: &Store, now: Timestamp) -> Result<(), LoginError> {
        let mut tx = store.begin().await?;
        let mut until = None;
        let all = std::iter::once((PER_ACCOUNT, &self.account))
            .chain(self.networks.iter().map(|(limit, key)| (*limit, key)));
        for (limit, key) in all {
            if rate_limits::hit(&mut tx, key, limit.window, now).await? > limit.most {
                until = until.max(rate_limits::ends_at(tx.db(), key, now).await?);
            }
        }
        tx.commit().await?;
        match until {
            None => Ok(()),
            Some(until) => {
                let seconds = until.since(now).as_secs();
                Err(LoginError::Throttled { minutes: i64::try_from(seconds / 60 + 1).unwrap_or(i64::MAX) })
            }
        }
    }

    /// A success clears the account, and takes its own attempt off the network's count. Other attempts
    /// from there stay: a guesser with an account of their own gets no more guesses by it.
    async fn forgive(&self, tx: &mut Tx) -> Result<(), StoreError> {
        rate_limits::clear(tx, &self.account).await?;
        for (_, key) in &self.networks {
            rate_limits::take_back(tx, key).await?;
        }
        Ok(())
    }
}

/// The network that one customer of a provider usually has.
fn network_of(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}
