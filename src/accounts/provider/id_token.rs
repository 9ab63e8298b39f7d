//! The ID token (OpenID Connect Core 1.0, 2 and 3.1.3.7; RFC 7515, 7519, 8725): whom the provider says that it let in, for
//! us, just now, in answer to this browser. Everything of it is checked before anything of it is believed.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use super::key_set::{Algorithm, KeySet};
use crate::keys::{equal, sha256};
use crate::model::{EmailAddress, Timestamp};

/// Longest token: with groups and pictures in it some have a few thousand octets.
const TOKEN_MAX_OCTETS: usize = 32 * 1024;
/// How far the provider's clock may be from ours.
const SKEW: Duration = Duration::from_secs(60);
/// A token is made for the answer that it comes in: one that is older was kept by somebody.
const AGE_MAX: Duration = Duration::from_secs(10 * 60);
/// Longest name of somebody at the provider (Core, 2).
const SUBJECT_MAX_CHARACTERS: usize = 255;

/// What a token must be about.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    /// What came with it.
    pub access_token: Option<&'a str>,
    pub now: Timestamp,
}

/// Who somebody is at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// With the issuer: the account. Nothing else names it.
    pub subject: String,
    /// An address that the provider says it has verified.
    pub address: Option<EmailAddress>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is none, or too large")]
    Malformed,
    #[error("the token is signed in a way that is not taken here, or not at all")]
    Algorithm,
    #[error("the token is signed with a key that the provider does not have")]
    UnknownKey,
    #[error("the signature of the token is wrong")]
    Signature,
    #[error("the token is of another issuer")]
    Issuer,
    #[error("the token is for another client")]
    Audience,
    #[error("the token has expired, or is of another time")]
    Time,
    #[error("the token answers another question")]
    Nonce,
    #[error("the token is not of the access token that came with it")]
    AccessToken,
    #[error("the token names nobody")]
    Subject,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    /// Extensions that must be understood: none is.
    crit: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    at_hash: Option<String>,
    email: Option<String>,
    /// Some say it as a text, which is not `true`.
    email_verified: Option<serde_json::Value>,
}

/// Reads a token.
///
/// # Errors
/// [`TokenError`]: [`TokenError::UnknownKey`] is worth another look at the provider's keys, everything else is final.
pub fn read(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<Identified, TokenError> {
    let claims = verified(token, keys)?;
    if claims.iss != expected.issuer {
        return Err(TokenError::Issuer);
    }
    check_audience(&claims, expected.client_id)?;
    check_times(&claims, expected.now)?;
    let nonce = claims.nonce.as_deref().unwrap_or_default();
    if !equal(nonce.as_bytes(), expected.nonce.as_bytes()) {
        return Err(TokenError::Nonce);
    }
    if let Some(hash) = &claims.at_hash {
        let access_token = expected.access_token.ok_or(TokenError::AccessToken)?;
        // The left half of the hash that the signature uses: SHA-256 in both algorithms (Core, 3.1.3.6).
        let half = &sha256(access_token.as_bytes())[..16];
        if !equal(hash.as_bytes(), BASE64URL_NOPAD.encode(half).as_bytes()) {
            return Err(TokenError::AccessToken);
        }
    }
    let is_subject = !claims.sub.is_empty()
        && claims.sub.len() <= SUBJECT_MAX_CHARACTERS
        && claims.sub.chars().all(|c| c.is_ascii() && !c.is_ascii_control());
    if !is_subject {
        return Err(TokenError::Subject);
    }
    let is_verified = claims.email_verified == Some(serde_json::Value::Bool(true));
    let address = claims.email.filter(|_| is_verified);
    Ok(Identified {
        subject: claims.sub,
        address: address.and_then(|address| EmailAddress::parse(&address).ok()),
    })
}

/// What a token says, once its signature is right.
fn verified(token: &str, keys: &KeySet) -> Result<Claims, TokenError> {
    if token.len() > TOKEN_MAX_OCTETS {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| TokenError::Malformed);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
    let algorithm = Algorithm::named(&header.alg).ok_or(TokenError::Algorithm)?;
    // A token of another kind is no ID token, whoever signed it (RFC 8725, 3.11).
    let is_plain = header.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    if !is_plain || header.crit.is_some() {
        return Err(TokenError::Algorithm);
    }
    let key = keys.find(algorithm, header.kid.as_deref()).ok_or(TokenError::UnknownKey)?;
    if !key.verifies(signed.as_bytes(), &decode(signature)?) {
        return Err(TokenError::Signature);
    }
    serde_json::from_slice(&decode(claims)?).map_err(|_| TokenError::Malformed)
}

fn check_audience(claims: &Claims, client_id: &str) -> Result<(), TokenError> {
    let is_for_us = match &claims.aud {
        Audience::One(one) => one == client_id,
        Audience::Many(many) => {
            // With others it must say for whom it was made.
            many.iter().any(|one| one == client_id) && (many.len() == 1 || claims.azp.is_some())
        }
    };
    let is_by_us = claims.azp.as_deref().is_none_or(|azp| azp == client_id);
    if is_for_us && is_by_us { Ok(()) } else { Err(TokenError::Audience) }
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), TokenError> {
    let seconds = |moment: Timestamp| moment.as_millis() as f64 / 1000.0;
    let (early, late) = (seconds(now.minus(SKEW)), seconds(now.plus(SKEW)));
    let oldest = seconds(now.minus(SKEW).minus(AGE_MAX));
    let is_now = claims.exp > early
        && claims.iat <= late
        && claims.iat >= oldest
        && claims.nbf.is_none_or(|nbf| nbf <= late);
    if is_now { Ok(()) } else { Err(TokenError::Time) }
}
