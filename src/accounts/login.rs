//! Signing in, throttled (S4). An unknown user gets the same answer after the same time.

use std::net::IpAddr;
use std::time::Duration;

use data_encoding::HEXLOWER;

use super::passwords::{self, HashError};
use super::second_factor::{self, Typed};
use super::sessions::{self, SessionError, Visit};
use super::{Desk, mails};
use crate::i18n::Message;
use crate::keys::{Keys, NoRandomness, Purpose, random_token, token_hash};
use crate::mail::accounts::Notice;
use crate::model::{Act, EmailAddress, Timestamp, User, UserId};
use crate::store::{self, Store, StoreError, Tx, audit, known_browsers, rate_limits};

const QUARTER: Duration = Duration::from_secs(15 * 60);

/// How many failures are borne in which time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    name: &'static str,
    window: Duration,
    most: i64,
}

impl Limit {
    pub(super) const fn new(name: &'static str, window: Duration, most: i64) -> Self {
        Self { name, window, most }
    }
}

/// What one kind of attempt is counted under.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    account: Limit,
    networks: &'static [Limit],
}

const HOUR: Duration = Duration::from_secs(3600);

/// Short, so that a stranger who keeps failing cannot shut an account's owner out for long; a browser from which the owner
/// signed in before is counted apart, so that strangers cannot shut it out. For a network (an IPv4 /24, an
/// IPv6 /64) the wait grows.
const PER_LOGIN: Limits = Limits {
    account: Limit { name: "login-account", window: QUARTER, most: 5 },
    networks: &[
        Limit { name: "login-network", window: QUARTER, most: 5 },
        Limit { name: "login-network-long", window: Duration::from_secs(4 * 3600), most: 20 },
    ],
};
/// Codes of a second factor: whoever comes so far has the password.
const PER_CODE: Limits = Limits {
    account: Limit { name: "code-account", window: QUARTER, most: 5 },
    networks: &[Limit { name: "code-network-long", window: Duration::from_secs(4 * 3600), most: 20 }],
};
/// Mails about a forgotten password.
pub(super) const PER_FORGETTER: Limits = Limits {
    account: Limit { name: "forgot-account", window: HOUR, most: 3 },
    networks: &[Limit { name: "forgot-network", window: HOUR, most: 10 }],
};
/// The password of who is signed in: an unlocked machine is no place to guess it.
const PER_OWN: Limit = Limit { name: "own-account", window: QUARTER, most: 5 };

/// So long the second factor may take after the password.
pub const STEP_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// A login that succeeded. The token goes into the browser's cookie and nowhere else.
#[derive(Debug)]
pub struct LoggedIn {
    pub user: User,
    pub token: String,
}

/// What a right password is worth.
#[derive(Debug)]
pub enum Passed {
    In(LoggedIn),
    /// The second factor is asked for; the token is for the browser's cookie, for [`STEP_LIFETIME`].
    Step(String),
}

/// Too many attempts: how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there were too many attempts; the next is in {minutes} minutes")]
pub struct Wait {
    pub minutes: i64,
}

impl Wait {
    pub fn message(self) -> Message {
        Message::new("error-login-throttled").number("minutes", self.minutes)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// No such user, a disabled user, or another password: nobody learns which.
    #[error("{}", self.message())]
    Wrong,
    /// The code is none, was used, or its time is over.
    #[error("{}", self.message())]
    WrongCode,
    /// The password was too long ago.
    #[error("{}", self.message())]
    StepOver,
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
            Self::WrongCode => Message::new("factor-error-code"),
            Self::StepOver => Message::new("factor-error-over"),
            Self::Throttled { minutes } => Wait { minutes: *minutes }.message(),
            Self::Hash(_) | Self::Session(_) | Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    /// The key of [`LoginError::message`].
    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

/// From where somebody signs in.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub ip: IpAddr,
    pub visit: Visit<'a>,
}

/// Looks at a password, and begins a session, or asks for the second factor.
///
/// # Errors
/// [`LoginError`]. Attempts are counted before the password is looked at, so that guesses made at once
/// count like guesses one after the other.
pub async fn log_in(
    desk: Desk<'_>,
    address: &str,
    password: &str,
    from: &Origin<'_>,
) -> Result<Passed, LoginError> {
    let Desk { store, clock, keys, .. } = desk;
    let parsed = EmailAddress::parse(address).ok();
    let account = parsed.as_ref().map_or_else(|| address.trim().to_lowercase(), EmailAddress::key);
    let counters = Counters::new(keys, PER_LOGIN, &counted_as(store, &account, &from.visit).await?, from.ip);
    counters.count_or_wait(store, parsed.as_ref(), clock.now()).await?;

    let user = match &parsed {
        Some(address) => {
            let mut reader = store.read().await?;
            store::users::by_address(reader.db(), address).await?.filter(User::is_active)
        }
        None => None,
    };
    // Who has no password comes in another way, and takes as long as nobody.
    let user = user.filter(User::has_password);
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let is_right = passwords::verify(password, hash).await?;
    let Some(user) = user.filter(|_| is_right) else { return Err(LoginError::Wrong) };

    let mut tx = store.begin().await?;
    // Looking at a password takes its time: meanwhile it may have become another, or its user disabled.
    let there = store::users::lock(&mut tx, user.id).await?;
    if !there.is_some_and(|there| there.is_active() && there.password_hash == user.password_hash) {
        return Err(LoginError::Wrong);
    }
    counters.forgive(&mut tx).await?;
    let passed = pass(&mut tx, desk, user, from, "").await?;
    tx.commit().await?;
    Ok(passed)
}

/// What tries at an account are counted under: those from a browser of its owner apart. The same work for any address.
async fn counted_as(store: &Store, account: &str, visit: &Visit<'_>) -> Result<String, StoreError> {
    let Some(hash) = token_hash(visit.browser) else { return Ok(account.to_owned()) };
    let is_known = known_browsers::is_of_address(store.read().await?.db(), account, &hash).await?;
    Ok(if is_known { format!("{account} {}", HEXLOWER.encode(&hash)) } else { account.to_owned() })
}

/// Lets in somebody whose password was right, or whom the provider sends; who has a second factor is asked for it first.
/// `way`: for the log.
pub(super) async fn pass(
    tx: &mut Tx,
    desk: Desk<'_>,
    user: User,
    from: &Origin<'_>,
    way: &str,
) -> Result<Passed, LoginError> {
    let now = desk.clock.now();
    if store::authenticators::is_active(tx.db(), user.id).await? {
        let token = random_token().map_err(SessionError::from)?;
        let hash = token_hash(&token).ok_or(SessionError::from(NoRandomness))?;
        store::login_steps::delete_expired(tx, now).await?;
        store::login_steps::insert(tx, &hash, user.id, now, now.plus(STEP_LIFETIME)).await?;
        return Ok(Passed::Step(token));
    }
    let token = enter(tx, desk, &user, from, way).await?;
    Ok(Passed::In(LoggedIn { user, token }))
}

/// Whether a step of [`Passed::Step`] still waits for its code.
///
/// # Errors
/// Of the database.
pub async fn is_waiting(desk: Desk<'_>, step: &str) -> Result<bool, StoreError> {
    let Some(hash) = token_hash(step) else { return Ok(false) };
    let waiting = store::login_steps::find(desk.store.read().await?.db(), &hash, desk.clock.now()).await?;
    Ok(waiting.is_some())
}

/// Signs in with the code of the authenticator, or a recovery code, after the password.
///
/// # Errors
/// [`LoginError`].
pub async fn log_in_with_code(
    desk: Desk<'_>,
    step: &str,
    code: &str,
    from: &Origin<'_>,
) -> Result<LoggedIn, LoginError> {
    let hash = token_hash(step).ok_or(LoginError::StepOver)?;
    let now = desk.clock.now();
    let user = store::login_steps::find(desk.store.read().await?.db(), &hash, now).await?;
    let user = user.ok_or(LoginError::StepOver)?;
    let counters = Counters::new(desk.keys, PER_CODE, &user.id.to_string(), from.ip);
    let mut tx = desk.store.begin().await?;
    let counted = counters.count(&mut tx, now).await?;
    if counted.is_just_full {
        audit::by(&mut tx, None, "", Act::PersonCodesRefused, None, Some(user.id.0), "", now).await?;
        mails::tell(&mut tx, desk, user.id, Notice::CodesRefused).await?;
    }
    tx.commit().await?;
    counted.or_wait()?;
    let mut tx = desk.store.begin().await?;
    // The step may have ended meanwhile, with the password or the person.
    store::users::lock(&mut tx, user.id).await?.ok_or(LoginError::StepOver)?;
    let user = store::login_steps::find(tx.db(), &hash, now).await?.ok_or(LoginError::StepOver)?;
    let left = match second_factor::check(&mut tx, desk.keys, user.id, code, now).await? {
        Typed::Wrong => return Err(LoginError::WrongCode),
        Typed::Code => None,
        Typed::Recovery(left) => Some(left),
    };
    counters.forgive(&mut tx).await?;
    store::login_steps::delete_of_user(&mut tx, user.id).await?;
    if let Some(left) = left {
        let id = Some(user.id.0);
        audit::by(&mut tx, Some(user.id), &user.name, Act::PersonCodeUsed, None, id, "", now).await?;
        mails::tell(&mut tx, desk, user.id, Notice::CodeUsed(left)).await?;
    }
    let token = enter(&mut tx, desk, &user, from, "").await?;
    tx.commit().await?;
    Ok(LoggedIn { user, token })
}

/// Begins the session; tells somebody about a browser that was not seen before. `way`: for the log.
pub(super) async fn enter(
    tx: &mut Tx,
    desk: Desk<'_>,
    user: &User,
    from: &Origin<'_>,
    way: &str,
) -> Result<String, LoginError> {
    let known = token_hash(from.visit.browser);
    let (has_any, is_known) = known_browsers::look(tx.db(), user.id, known.as_deref()).await?;
    // Who never signed in with a cookie of ours has nothing to compare with.
    if has_any && !is_known {
        let browser = browser_in_words(from.visit.user_agent);
        mails::tell(tx, desk, user.id, Notice::NewLogin(&browser)).await?;
    }
    let id = Some(user.id.0);
    let now = desk.clock.now();
    audit::by(tx, Some(user.id), &user.name, Act::PersonSignedIn, None, id, way, now).await?;
    Ok(sessions::begin_from(tx, desk.clock, user.id, &from.visit).await?)
}

/// Counts what a network does that has no account yet, and refuses what is too much.
pub(super) async fn count_network<E: From<Wait> + From<StoreError>>(
    desk: Desk<'_>,
    limit: Limit,
    ip: IpAddr,
) -> Result<(), E> {
    let now = desk.clock.now();
    let key = key_of(desk.keys, limit, &network_of(ip));
    let mut tx = desk.store.begin().await?;
    let over = hit(&mut tx, &(limit, key), now).await?;
    tx.commit().await?;
    match over {
        Some(over) => Err(Wait { minutes: minutes(over.until, now) }.into()),
        None => Ok(()),
    }
}

/// Counts a try of one's own password; answers how long to wait.
pub(super) async fn count_own(desk: Desk<'_>, user: UserId) -> Result<Option<Wait>, StoreError> {
    let mut tx = desk.store.begin().await?;
    let wait = count_one(&mut tx, desk.keys, PER_OWN, &user.to_string(), desk.clock.now()).await?;
    tx.commit().await?;
    Ok(wait)
}

pub(super) async fn forgive_own(desk: Desk<'_>, user: UserId) -> Result<(), StoreError> {
    let mut tx = desk.store.begin().await?;
    rate_limits::clear(&mut tx, &key_of(desk.keys, PER_OWN, &user.to_string())).await?;
    tx.commit().await
}

fn key_of(keys: &Keys, limit: Limit, of: &str) -> Vec<u8> {
    keys.mac(Purpose::RateLimit, format!("{}:{of}", limit.name).as_bytes()).to_vec()
}

fn minutes(until: Timestamp, now: Timestamp) -> i64 {
    i64::try_from(until.since(now).as_secs() / 60 + 1).unwrap_or(i64::MAX)
}

/// The counters that one attempt moves.
pub(super) struct Counters {
    account: (Limit, Vec<u8>),
    networks: Vec<(Limit, Vec<u8>)>,
}

/// How long an account and a network have to wait, in minutes; `None`: not at all.
pub(super) struct Counted {
    pub account_wait: Option<i64>,
    pub network_wait: Option<i64>,
    /// This is the first attempt at the account in its window that is refused.
    is_just_full: bool,
    /// The same of the network.
    is_network_just_full: bool,
}

impl Counted {
    fn or_wait(&self) -> Result<(), LoginError> {
        match self.account_wait.max(self.network_wait) {
            None => Ok(()),
            Some(minutes) => Err(LoginError::Throttled { minutes }),
        }
    }
}

impl Counters {
    pub(super) fn new(keys: &Keys, limits: Limits, account: &str, ip: IpAddr) -> Self {
        let network = network_of(ip);
        let of = |limit: &Limit| (*limit, key_of(keys, *limit, &network));
        Self {
            account: (limits.account, key_of(keys, limits.account, account)),
            networks: limits.networks.iter().map(of).collect(),
        }
    }

    /// Counts an attempt; one that its network is refused is none at the account: otherwise one stranger alone could keep
    /// shutting its owner out.
    pub(super) async fn count(&self, tx: &mut Tx, now: Timestamp) -> Result<Counted, StoreError> {
        let mut network = None;
        let mut is_network_just_full = false;
        for one in &self.networks {
            let over = hit(tx, one, now).await?;
            is_network_just_full |= over.is_some_and(|over| over.by == 1);
            network = network.max(over);
        }
        let account = match network {
            None => hit(tx, &self.account, now).await?,
            Some(_) => None,
        };
        let wait = |over: Option<Over>| over.map(|over| minutes(over.until, now));
        Ok(Counted {
            account_wait: wait(account),
            network_wait: wait(network),
            is_just_full: account.is_some_and(|over| over.by == 1),
            is_network_just_full,
        })
    }

    /// Counts an attempt with a password, and refuses it when there were too many; the first that is refused stands in the
    /// log. The same work whether or not somebody has the address.
    async fn count_or_wait(
        &self,
        store: &Store,
        address: Option<&EmailAddress>,
        now: Timestamp,
    ) -> Result<(), LoginError> {
        let mut tx = store.begin().await?;
        let counted = self.count(&mut tx, now).await?;
        if counted.is_just_full || counted.is_network_just_full {
            let user = match address {
                Some(address) => store::users::by_address(tx.db(), address).await?.map(|user| user.id.0),
                None => None,
            };
            audit::by(&mut tx, None, "", Act::PersonPasswordsRefused, None, user, "", now).await?;
        }
        tx.commit().await?;
        counted.or_wait()
    }

    /// A success clears the account, and takes its own attempt off the network's count. Other attempts
    /// from there stay: a guesser with an account of their own gets no more guesses by it.
    async fn forgive(&self, tx: &mut Tx) -> Result<(), StoreError> {
        rate_limits::clear(tx, &self.account.1).await?;
        for (_, key) in &self.networks {
            rate_limits::take_back(tx, key).await?;
        }
        Ok(())
    }
}

/// Counts one more of a limit for somebody; answers how long to wait.
pub(super) async fn count_one(
    tx: &mut Tx,
    keys: &Keys,
    limit: Limit,
    of: &str,
    now: Timestamp,
) -> Result<Option<Wait>, StoreError> {
    let over = hit(tx, &(limit, key_of(keys, limit, of)), now).await?;
    Ok(over.map(|over| Wait { minutes: minutes(over.until, now) }))
}

/// Too many attempts under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Over {
    until: Timestamp,
    /// So many more than are borne.
    by: i64,
}

/// Counts under one key; answers when it is too much.
async fn hit(
    tx: &mut Tx,
    (limit, key): &(Limit, Vec<u8>),
    now: Timestamp,
) -> Result<Option<Over>, StoreError> {
    let by = rate_limits::hit(tx, key, limit.window, now).await? - limit.most;
    if by <= 0 {
        return Ok(None);
    }
    let until = rate_limits::ends_at(tx.db(), key, now).await?;
    Ok(until.map(|until| Over { until, by }))
}

/// A browser as people call it: `Firefox, Linux`. Names that all of them pretend to be are asked for last.
pub fn browser_in_words(user_agent: &str) -> String {
    const BROWSERS: [(&str, &str); 7] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
    };
    let words: Vec<&str> = [find(&BROWSERS), find(&SYSTEMS)].into_iter().flatten().collect();
    if words.is_empty() { "?".to_owned() } else { words.join(", ") }
}

/// The network that one customer of a provider usually has.
pub(super) fn network_of(ip: IpAddr) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_have_names_that_people_know() {
        for (user_agent, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari, iPhone",
            ),
            ("curl/8.0", "?"),
        ] {
            assert_eq!(browser_in_words(user_agent), words);
        }
    }
}
