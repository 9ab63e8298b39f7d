//! Questions to the provider, each with a limit of time and size, and what is remembered of its answers.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use serde::Deserialize;

use super::Provider;
use super::discovery::{Endpoints, address_of};
use super::id_token::{Expected, Identified, TokenError, read};
use super::key_set::KeySet;
use crate::clock::Clock;
use crate::http::{HttpError, Post};
use crate::model::Timestamp;

/// Largest document: those of large providers have some thousand octets.
const DOCUMENT_MAX_OCTETS: usize = 256 * 1024;
/// Largest answer to a code.
const TOKENS_MAX_OCTETS: usize = 128 * 1024;
/// So long it is believed what the provider said about itself and its keys.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// A token with a key that is not known makes us ask for the keys again, at most so often: anybody can send one.
const KEYS_AGAIN: Duration = Duration::from_secs(60);
/// A provider that did not answer is left alone for so long.
const LEFT_ALONE: Duration = Duration::from_secs(5);

/// Why the provider could not be asked, for the log.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("{0}")]
    Document(&'static str),
    /// It answered with an error; the word for it where it is one of the standard's.
    #[error("it answers {status} {error}")]
    Refused { status: u16, error: String },
    #[error("it did not answer a moment ago")]
    LeftAlone,
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// What the provider said, and when.
#[derive(Debug, Default)]
pub(super) struct Known {
    endpoints: Option<(Endpoints, Timestamp)>,
    keys: Option<(Arc<KeySet>, Timestamp)>,
    keys_asked_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
}

impl Known {
    fn leave_alone(&self, now: Timestamp) -> Result<(), Failure> {
        match self.failed_at {
            Some(at) if now.since(at) < LEFT_ALONE => Err(Failure::LeftAlone),
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Complaint {
    error: String,
}

impl Provider {
    /// Where the provider does what: as it said within the last hour.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) async fn endpoints(&self, clock: &Clock) -> Result<Endpoints, Failure> {
        // Held while it is asked: many who come at once ask once.
        let mut known = self.known.lock().await;
        let now = clock.now();
        if let Some((endpoints, _)) = known.endpoints.as_ref().filter(|(_, at)| now.since(*at) < REMEMBERED) {
            return Ok(endpoints.clone());
        }
        known.leave_alone(now)?;
        let asked = self.ask_endpoints().await;
        known.failed_at = asked.is_err().then_some(now);
        let endpoints = asked?;
        known.endpoints = Some((endpoints.clone(), now));
        Ok(endpoints)
    }

    /// Whether it is there, and has keys that can be used.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn look(&self, clock: &Clock) -> Result<(), Failure> {
        let endpoints = self.endpoints(clock).await?;
        match self.keys(clock, &endpoints, false).await?.is_empty() {
            true => Err(Failure::Document("it has no key for RS256 or ES256")),
            false => Ok(()),
        }
    }

    async fn ask_endpoints(&self) -> Result<Endpoints, Failure> {
        let issuer = self.issuer();
        let answer =
            self.http.ask(&address_of(issuer).map_err(Failure::Document)?, None, DOCUMENT_MAX_OCTETS).await?;
        if answer.status != 200 {
            return Err(Failure::Refused { status: answer.status, error: String::new() });
        }
        Endpoints::read(&answer.body, issuer).map_err(Failure::Document)
    }

    /// Its keys: as it said within the last hour, or, where one is missing among them, within the last minute.
    async fn keys(
        &self,
        clock: &Clock,
        endpoints: &Endpoints,
        is_missing: bool,
    ) -> Result<Arc<KeySet>, Failure> {
        let mut known = self.known.lock().await;
        let now = clock.now();
        let within = |at: Option<Timestamp>, time| at.is_some_and(|at| now.since(at) < time);
        if let Some((keys, at)) = &known.keys {
            let is_recent = within(known.keys_asked_at, KEYS_AGAIN);
            if (is_missing && is_recent) || (!is_missing && within(Some(*at), REMEMBERED)) {
                return Ok(Arc::clone(keys));
            }
        }
        // Those who come meanwhile wait for one another here: each would wait as long as the one before.
        known.leave_alone(now)?;
        known.keys_asked_at = Some(now);
        let asked = self.ask_keys(endpoints).await;
        known.failed_at = asked.is_err().then_some(now);
        let keys = Arc::new(asked?);
        known.keys = Some((Arc::clone(&keys), now));
        Ok(keys)
    }

    async fn ask_keys(&self, endpoints: &Endpoints) -> Result<KeySet, Failure> {
        let answer = self.http.ask(&endpoints.keys, None, DOCUMENT_MAX_OCTETS).await?;
        if answer.status != 200 {
            return Err(Failure::Refused { status: answer.status, error: String::new() });
        }
        KeySet::read(&answer.body).map_err(Failure::Document)
    }

    /// Gives the provider the code that somebody brought back, and reads whom it means.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) async fn redeem(
        &self,
        clock: &Clock,
        code: &str,
        redirect_uri: &str,
        proof: &str,
        nonce: &str,
    ) -> Result<Identified, Failure> {
        let endpoints = self.endpoints(clock).await?;
        let (id, secret) = (self.settings.client_id.as_str(), self.settings.client_secret.expose());
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("code_verifier", proof);
        let authorization = if endpoints.secret_in_form {
            form.append_pair("client_id", id).append_pair("client_secret", secret);
            None
        } else {
            // Each of the two is encoded by itself (RFC 6749, 2.3.1).
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let both = format!("{}:{}", encoded(id), encoded(secret));
            Some(format!("Basic {}", BASE64.encode(both.as_bytes())))
        };
        let post = Post { form: &form.finish(), authorization: authorization.as_deref() };
        let answer = self.http.ask(&endpoints.token, Some(post), TOKENS_MAX_OCTETS).await?;
        if answer.status != 200 {
            return Err(Failure::Refused { status: answer.status, error: complaint(&answer.body) });
        }
        let tokens: Tokens = serde_json::from_slice(&answer.body)
            .map_err(|_| Failure::Document("its answer to a code has no token"))?;
        let expected = Expected {
            issuer: self.issuer(),
            client_id: id,
            nonce,
            access_token: tokens.access_token.as_deref(),
            now: clock.now(),
        };
        let keys = self.keys(clock, &endpoints, false).await?;
        match read(&tokens.id_token, &keys, &expected) {
            Err(TokenError::UnknownKey) => {
                let keys = self.keys(clock, &endpoints, true).await?;
                Ok(read(&tokens.id_token, &keys, &expected)?)
            }
            read => Ok(read?),
        }
    }
}

/// The word of an error as the standards have them (RFC 6749, 5.2); of anything else nothing goes into the log.
fn complaint(body: &[u8]) -> String {
    /// Longest of them.
    const WORD_MAX: usize = 40;
    let Ok(Complaint { error }) = serde_json::from_slice(body) else { return String::new() };
    let is_word = error.len() <= WORD_MAX && error.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if is_word { error } else { String::new() }
}
