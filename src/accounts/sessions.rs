//! Sessions: who is signed in (S5). The browser holds the token, the database its SHA-256.

use std::time::Duration;

use crate::clock::Clock;
use crate::keys::{NoRandomness, random_token, token_hash};
use crate::model::{Act, Actor, User, UserId};
use crate::store::{self, Result, Store, StoreError, Tx};

/// A session ends so long after the login, however much it is used.
pub const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// A session that was not used for so long has ended.
pub const IDLE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// A session's last use is noted at most so often: a page must not cost a write.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// A valid session.
#[derive(Debug, Clone)]
pub struct Session {
    pub user: User,
    /// The user, with what they were granted.
    pub actor: Actor,
    /// Everybody needs a second factor, and this user has none: only the account is open.
    pub lacks_factor: bool,
    pub token_hash: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// From where somebody comes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visit<'a> {
    /// What the browser calls itself.
    pub user_agent: &'a str,
    /// The token of the cookie by which we know a browser again; empty: none.
    pub browser: &'a str,
}

/// Browsers of one person that are known: a phone, a few machines.
const BROWSERS_MAX: i64 = 20;

/// Begins a session in a transaction and answers its token, which is stored nowhere.
pub(super) async fn begin(
    tx: &mut Tx,
    clock: &Clock,
    user: UserId,
) -> std::result::Result<String, SessionError> {
    begin_from(tx, clock, user, &Visit::default()).await
}

/// The same from a browser, which is known from then on.
pub(super) async fn begin_from(
    tx: &mut Tx,
    clock: &Clock,
    user: UserId,
    visit: &Visit<'_>,
) -> std::result::Result<String, SessionError> {
    /// Characters of a browser's own name that are kept.
    const USER_AGENT_MAX: usize = 300;
    let user_agent: String =
        visit.user_agent.chars().filter(|c| !c.is_control()).take(USER_AGENT_MAX).collect();
    if let Some(hash) = token_hash(visit.browser) {
        store::known_browsers::set(tx, user, &hash, clock.now(), BROWSERS_MAX).await?;
    }
    let token = random_token()?;
    let hash = token_hash(&token).ok_or(NoRandomness)?;
    let now = clock.now();
    store::sessions::insert(tx, &hash, user, &user_agent, now, now.plus(LIFETIME)).await?;
    store::sessions::delete_expired(tx, now).await?;
    Ok(token)
}

/// The session of a token, if it is valid; notes that it was used.
///
/// # Errors
/// Of the database.
pub async fn find(store: &Store, clock: &Clock, token: &str) -> Result<Option<Session>> {
    let Some(hash) = token_hash(token) else { return Ok(None) };
    let now = clock.now();
    let (live, grants) = {
        let mut reader = store.read().await?;
        let live = store::sessions::find(reader.db(), &hash, now, now.minus(IDLE_MAX)).await?;
        let Some(live) = live else { return Ok(None) };
        let grants = store::grants::of_user(reader.db(), live.user.id).await?;
        (live, grants)
    };
    if now.since(live.last_seen_at) >= TOUCH_EVERY {
        let mut tx = store.begin().await?;
        store::sessions::touch(&mut tx, &hash, now).await?;
        tx.commit().await?;
    }
    let actor = Actor::user(live.user.id, &live.user.name, grants);
    let lacks_factor = live.lacks_factor;
    Ok(Some(Session { user: live.user, actor, lacks_factor, token_hash: hash }))
}

/// Whether a session is still valid; without noting that it was used: a page that is left open is no use.
///
/// # Errors
/// Of the database.
pub async fn is_live(store: &Store, clock: &Clock, token_hash: &[u8]) -> Result<bool> {
    let now = clock.now();
    let mut reader = store.read().await?;
    let live = store::sessions::find(reader.db(), token_hash, now, now.minus(IDLE_MAX)).await?;
    Ok(live.is_some())
}

/// Ends a session; one that has ended already is fine.
///
/// # Errors
/// Of the database.
pub async fn log_out(store: &Store, token_hash: &[u8]) -> Result<()> {
    let mut tx = store.begin().await?;
    store::sessions::delete(&mut tx, token_hash).await?;
    if let Some(user) = tx.actor().user_id() {
        tx.note(Act::PersonSignedOut, None, user.0).await?;
    }
    tx.commit().await
}
