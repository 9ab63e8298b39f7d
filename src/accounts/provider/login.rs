//! Going to the provider and coming back.
//!
//! The browser that goes holds one random token in a cookie; of it the database keeps the SHA-256, and from it follow state,
//! nonce and proof (PKCE), by keys of the installation. So the way back is bound to that browser and works once, and what the
//! provider, its logs and the browser's history see opens nothing by itself.

use std::net::IpAddr;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;

use super::exchange::Failure;
use super::id_token::Identified;
use super::{Provider, RETURN_PATH};
use crate::accounts::login::{self, Limit, LoggedIn, LoginError, Origin, Passed, Wait};
use crate::accounts::second_factor::{FactorError, confirm};
use crate::accounts::sessions::{self, SessionError};
use crate::accounts::{Desk, links, mails};
use crate::i18n::Message;
use crate::keys::{Keys, NoRandomness, Purpose, equal, random_token, sha256, token_hash};
use crate::mail::accounts::Notice;
use crate::model::{Act, ProviderAim, User};
use crate::store::provider_logins::ProviderLogin;
use crate::store::{
    StoreError, Tx, account_links, audit, identities, login_steps, provider_logins, sessions as rows, users,
};

/// So long somebody may take at the provider.
pub const VISIT_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Visits that one network may begin: a company comes to work at nine.
const PER_NETWORK: Limit = Limit::new("provider-network", Duration::from_secs(15 * 60), 100);
/// Longest code that is taken to the provider.
const CODE_MAX_OCTETS: usize = 4096;

/// Somebody goes to the provider.
#[derive(Debug)]
pub struct Begun {
    /// Where to.
    pub url: String,
    /// For the browser's cookie, for [`VISIT_LIFETIME`].
    pub token: String,
}

/// What a browser brings back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Brought<'a> {
    /// Of its cookie.
    pub token: &'a str,
    pub state: &'a str,
    pub code: &'a str,
    /// Who says that it sent it (RFC 9207).
    pub issuer: Option<&'a str>,
    pub error: Option<&'a str>,
}

/// Who came back.
#[derive(Debug)]
pub enum Came {
    /// Somebody who is here; a second factor of their own is still asked for.
    Passed(Passed),
    /// The account there is linked to the one here.
    Linked,
    /// Somebody who was invited.
    Joined(LoggedIn),
}

#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Not of this browser, used already, or too late.
    #[error("{}", self.message())]
    Over,
    /// They changed their mind there, or may not come here.
    #[error("{}", self.message())]
    Cancelled,
    /// Nobody here, or disabled: nobody learns which.
    #[error("{}", self.message())]
    Stranger,
    /// The account there is somebody else's here, or they have another one there.
    #[error("{}", self.message())]
    Taken,
    /// The invitation has been used, replaced or revoked.
    #[error("{}", self.message())]
    Gone,
    /// It did not answer, or what it said cannot be believed.
    #[error("the provider: {0}")]
    Failed(#[from] Failure),
    #[error(transparent)]
    Throttled(#[from] Wait),
    /// For linking: the password, or a session that has just begun.
    #[error(transparent)]
    Unconfirmed(#[from] FactorError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ProviderError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Over => Message::new("provider-error-over"),
            Self::Cancelled => Message::new("provider-error-cancelled"),
            Self::Stranger => Message::new("provider-error-stranger"),
            Self::Taken => Message::new("provider-error-taken"),
            Self::Gone => Message::new("link-gone"),
            Self::Failed(_) => Message::new("provider-error-failed"),
            Self::Throttled(wait) => wait.message(),
            Self::Unconfirmed(_) | Self::Session(_) | Self::Store(_) => Message::new("page-error-internal"),
        }
    }

    /// The key of [`ProviderError::message`].
    pub fn key(&self) -> &'static str {
        self.message().key()
    }
}

impl From<NoRandomness> for ProviderError {
    fn from(error: NoRandomness) -> Self {
        Self::Session(error.into())
    }
}

impl From<LoginError> for ProviderError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Session(error) => Self::Session(error),
            LoginError::Store(error) => Self::Store(error),
            _ => Self::Stranger,
        }
    }
}

/// What of a visit follows from its token.
fn derived(keys: &Keys, purpose: Purpose, token: &str) -> String {
    keys.derive_token(purpose, token.as_bytes())
}

/// Begins to sign in.
///
/// # Errors
/// [`ProviderError::Throttled`] for a network that begins too often, [`ProviderError::Failed`].
pub async fn begin(desk: Desk<'_>, provider: &Provider, ip: IpAddr) -> Result<Begun, ProviderError> {
    login::count_network::<ProviderError>(desk, PER_NETWORK, ip).await?;
    go(desk, provider, ProviderAim::Login, &[]).await
}

/// Begins to accept an invitation.
///
/// # Errors
/// As [`begin`], and [`ProviderError::Gone`].
pub async fn begin_to_join(
    desk: Desk<'_>,
    provider: &Provider,
    invitation: &str,
    ip: IpAddr,
) -> Result<Begun, ProviderError> {
    login::count_network::<ProviderError>(desk, PER_NETWORK, ip).await?;
    let link = links::look(desk, invitation).await?.ok_or(ProviderError::Gone)?;
    if link.purpose != crate::model::LinkPurpose::Invite {
        return Err(ProviderError::Gone);
    }
    let hash = token_hash(invitation).ok_or(ProviderError::Gone)?;
    go(desk, provider, ProviderAim::Join, &hash).await
}

/// Begins to link an account there to one's own: the password is asked for, or a session that has just begun.
///
/// # Errors
/// As [`begin`], and [`ProviderError::Unconfirmed`].
pub async fn begin_to_link(
    desk: Desk<'_>,
    provider: &Provider,
    user: &User,
    this_session: &[u8],
    password: &str,
) -> Result<Begun, ProviderError> {
    crate::accounts::users::own(desk.store, user.id)?;
    confirm(desk, user, this_session, password).await?;
    go(desk, provider, ProviderAim::Link, this_session).await
}

async fn go(
    desk: Desk<'_>,
    provider: &Provider,
    aim: ProviderAim,
    bound_to: &[u8],
) -> Result<Begun, ProviderError> {
    let endpoints = provider.endpoints(desk.clock).await?;
    let token = random_token()?;
    let hash = token_hash(&token).ok_or(NoRandomness)?;
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    provider_logins::delete_expired(&mut tx, now).await?;
    provider_logins::insert(&mut tx, &hash, aim, bound_to, now.plus(VISIT_LIFETIME)).await?;
    tx.commit().await?;
    let proof = derived(desk.keys, Purpose::ProviderProof, &token);
    let mut url = endpoints.authorization;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("scope", if provider.knows_addresses() { "openid email" } else { "openid" })
        .append_pair("client_id", &provider.settings.client_id)
        .append_pair("redirect_uri", &return_url(desk))
        .append_pair("state", &derived(desk.keys, Purpose::ProviderState, &token))
        .append_pair("nonce", &derived(desk.keys, Purpose::ProviderNonce, &token))
        .append_pair("code_challenge", &BASE64URL_NOPAD.encode(&sha256(proof.as_bytes())))
        .append_pair("code_challenge_method", "S256");
    Ok(Begun { url: url.into(), token })
}

fn return_url(desk: Desk<'_>) -> String {
    format!("{}{RETURN_PATH}", desk.public_url.trim_end_matches('/'))
}

/// Looks at what a browser brought back, asks the provider whom it means, and lets them in, links or welcomes them.
/// `session`: of who is signed in, by the SHA-256 of its token.
///
/// # Errors
/// [`ProviderError`]. Whatever comes of it, this visit is over.
pub async fn come_back(
    desk: Desk<'_>,
    provider: &Provider,
    brought: Brought<'_>,
    signed_in: Option<(&User, &[u8])>,
    from: &Origin<'_>,
) -> Result<Came, ProviderError> {
    let visit = take(desk, &brought).await?;
    if let Some(issuer) = brought.issuer
        && issuer != provider.issuer()
    {
        return Err(ProviderError::Over);
    }
    if let Some(error) = brought.error {
        return Err(match error {
            "access_denied" => ProviderError::Cancelled,
            _ => Failure::Document("it sent somebody back with an error").into(),
        });
    }
    let endpoints = provider.endpoints(desk.clock).await?;
    if endpoints.names_itself && brought.issuer.is_none() {
        return Err(ProviderError::Over);
    }
    if brought.code.is_empty() || brought.code.len() > CODE_MAX_OCTETS {
        return Err(ProviderError::Over);
    }
    let proof = derived(desk.keys, Purpose::ProviderProof, brought.token);
    let nonce = derived(desk.keys, Purpose::ProviderNonce, brought.token);
    let identified = provider.redeem(desk.clock, brought.code, &return_url(desk), &proof, &nonce).await?;
    let is_welcome = !provider.knows_addresses()
        || identified.address.as_ref().is_some_and(|address| provider.is_trusted_for(address));
    if !is_welcome {
        return Err(ProviderError::Stranger);
    }
    match visit.aim {
        ProviderAim::Login => enter(desk, provider, &identified, from).await.map(Came::Passed),
        ProviderAim::Link => {
            let (user, session) = signed_in
                .filter(|(_, session)| equal(session, &visit.bound_to))
                .ok_or(ProviderError::Over)?;
            link(desk, provider, user, session, &identified).await?;
            Ok(Came::Linked)
        }
        ProviderAim::Join => join(desk, provider, &visit.bound_to, &identified, from).await.map(Came::Joined),
    }
}

/// The visit of a browser, used up. A state that is not this browser's uses nothing up: others can send it there.
async fn take(desk: Desk<'_>, brought: &Brought<'_>) -> Result<ProviderLogin, ProviderError> {
    let hash = token_hash(brought.token).ok_or(ProviderError::Over)?;
    let state = derived(desk.keys, Purpose::ProviderState, brought.token);
    if !equal(state.as_bytes(), brought.state.as_bytes()) {
        return Err(ProviderError::Over);
    }
    let mut tx = desk.store.begin().await?;
    let visit = provider_logins::take(&mut tx, &hash, desk.clock.now()).await?;
    tx.commit().await?;
    visit.ok_or(ProviderError::Over)
}

/// Signs in whose account it is. Nobody is added.
async fn enter(
    desk: Desk<'_>,
    provider: &Provider,
    identified: &Identified,
    from: &Origin<'_>,
) -> Result<Passed, ProviderError> {
    let (issuer, subject) = (provider.issuer(), identified.subject.as_str());
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    let known = identities::user_of(tx.db(), issuer, subject).await?;
    let user = match (known, &identified.address) {
        (Some(user), _) => user,
        // Of an address that the provider is trusted for: whether it is, was asked before.
        (None, Some(address)) if provider.knows_addresses() => {
            let user = users::by_address(tx.db(), address).await?.filter(User::is_active);
            let user = user.ok_or(ProviderError::Stranger)?;
            // An address that somebody else has now is another account there: it does not open the one of before.
            if !identities::insert(&mut tx, user.id, issuer, subject, now).await? {
                return Err(ProviderError::Stranger);
            }
            told_linked(&mut tx, desk, provider, &user).await?;
            user
        }
        (None, _) => return Err(ProviderError::Stranger),
    };
    let user = users::lock(&mut tx, user.id).await?.filter(User::is_active).ok_or(ProviderError::Stranger)?;
    identities::touch(&mut tx, issuer, subject, now).await?;
    let passed = login::pass(&mut tx, desk, user, from, "provider").await?;
    tx.commit().await?;
    Ok(passed)
}

/// In the log and by mail, in the name of whose account it is.
async fn told_linked(
    tx: &mut Tx,
    desk: Desk<'_>,
    provider: &Provider,
    user: &User,
) -> Result<(), StoreError> {
    let (id, now) = (Some(user.id.0), desk.clock.now());
    audit::by(tx, Some(user.id), &user.name, Act::PersonIdentityLinked, None, id, "", now).await?;
    mails::tell(tx, desk, user.id, Notice::IdentityLinked(provider.label())).await
}

async fn link(
    desk: Desk<'_>,
    provider: &Provider,
    user: &User,
    session: &[u8],
    identified: &Identified,
) -> Result<(), ProviderError> {
    crate::accounts::users::own(desk.store, user.id)?;
    let (issuer, subject) = (provider.issuer(), identified.subject.as_str());
    let mut tx = desk.store.begin().await?;
    users::lock(&mut tx, user.id).await?.filter(User::is_active).ok_or(ProviderError::Over)?;
    match identities::user_of(tx.db(), issuer, subject).await? {
        Some(known) if known.id == user.id => return Ok(()),
        Some(_) => return Err(ProviderError::Taken),
        None => {}
    }
    if !identities::insert(&mut tx, user.id, issuer, subject, desk.clock.now()).await? {
        return Err(ProviderError::Taken);
    }
    rows::delete_others(&mut tx, user.id, session).await?;
    told_linked(&mut tx, desk, provider, user).await?;
    tx.commit().await?;
    Ok(())
}

/// Lets in who was invited, without a password.
async fn join(
    desk: Desk<'_>,
    provider: &Provider,
    invitation: &[u8],
    identified: &Identified,
    from: &Origin<'_>,
) -> Result<LoggedIn, ProviderError> {
    let now = desk.clock.now();
    let mut tx = desk.store.begin().await?;
    let link = account_links::find(tx.db(), invitation, now).await?.filter(links::is_open);
    let user = link.ok_or(ProviderError::Gone)?.user;
    if !account_links::take(&mut tx, invitation).await? {
        return Err(ProviderError::Gone);
    }
    if !identities::insert(&mut tx, user.id, provider.issuer(), &identified.subject, now).await? {
        return Err(ProviderError::Taken);
    }
    if !users::join(&mut tx, user.id, now).await? {
        return Err(ProviderError::Gone);
    }
    login_steps::delete_of_user(&mut tx, user.id).await?;
    account_links::delete_of_user(&mut tx, user.id).await?;
    let id = Some(user.id.0);
    audit::by(&mut tx, Some(user.id), &user.name, Act::PersonJoined, None, id, "provider", now).await?;
    let token = sessions::begin_from(&mut tx, desk.clock, user.id, &from.visit).await?;
    tx.commit().await?;
    Ok(LoggedIn { user, token })
}
