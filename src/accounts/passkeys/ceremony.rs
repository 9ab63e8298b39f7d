//! What an authenticator says, and whether it may be believed (WebAuthn Level 3, 7.1 and 7.2). Nothing here asks or writes
//! anything: octets in, a judgement out.

use serde::Deserialize;

use super::cbor::{self, Value};
use super::cose::PublicKey;
use crate::keys::{equal, sha256};

/// Longest answer of a browser about itself.
const CLIENT_DATA_MAX_OCTETS: usize = 4096;
/// Longest answer of an authenticator: a key of RSA and what extensions add.
const ATTESTATION_MAX_OCTETS: usize = 8192;
/// Longest name of a credential (Level 3, 4).
pub const CREDENTIAL_ID_MAX_OCTETS: usize = 1023;

/// Flags of an authenticator (Level 3, 6.1).
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const CAN_SYNC: u8 = 0x08;
const IS_SYNCED: u8 = 0x10;
const HAS_KEY: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

/// Where passkeys of this installation belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The host: passkeys are made for it, and browsers offer them nowhere else.
    pub id: String,
    /// Scheme, host and port.
    pub origin: String,
}

impl Site {
    /// The site of a public URL; `None` where browsers have no passkeys: on an address without a name, and without TLS.
    pub fn of(public_url: &str) -> Option<Self> {
        let url = reqwest::Url::parse(public_url).ok()?;
        let id = url.domain()?.to_owned();
        let is_safe = url.scheme() == "https" || id == "localhost" || id.ends_with(".localhost");
        let origin = url.origin().ascii_serialization();
        is_safe.then_some(Self { id, origin })
    }
}

/// What an answer must be to.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    pub site: &'a Site,
    pub challenge: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CeremonyError {
    #[error("it cannot be read")]
    Malformed,
    #[error("it was made for something else")]
    Kind,
    #[error("it answers another question")]
    Challenge,
    #[error("it was made on another website")]
    Origin,
    #[error("it is a passkey of another website")]
    Site,
    #[error("nobody was there")]
    Absent,
    #[error("nobody showed who they are")]
    Unverified,
    #[error("it says of its copies what cannot be")]
    Copies,
    #[error("its key is of a kind that is not taken")]
    Key,
    #[error("it vouches for its maker in a way that is not taken")]
    Attestation,
    #[error("its signature is wrong")]
    Signature,
}

/// A passkey that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub credential_id: Vec<u8>,
    /// COSE, as it came.
    pub public_key: Vec<u8>,
    pub counter: u32,
    pub can_sync: bool,
    pub is_synced: bool,
}

/// A passkey that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    pub counter: u32,
    pub can_sync: bool,
    pub is_synced: bool,
}

/// What was signed with.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    pub client_data: &'a [u8],
    pub authenticator_data: &'a [u8],
    pub signature: &'a [u8],
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    cross_origin: Option<bool>,
    top_origin: Option<serde_json::Value>,
}

/// Looks at what a browser says that it did, and where.
fn check_client(expected: &Expected<'_>, octets: &[u8], kind: &str) -> Result<(), CeremonyError> {
    if octets.len() > CLIENT_DATA_MAX_OCTETS {
        return Err(CeremonyError::Malformed);
    }
    let data: ClientData = serde_json::from_slice(octets).map_err(|_| CeremonyError::Malformed)?;
    if data.kind != kind {
        return Err(CeremonyError::Kind);
    }
    let challenge = data_encoding::BASE64URL_NOPAD.encode(expected.challenge);
    if !equal(data.challenge.as_bytes(), challenge.as_bytes()) {
        return Err(CeremonyError::Challenge);
    }
    // In a frame of another website nobody signs in.
    if data.origin != expected.site.origin || data.cross_origin == Some(true) || data.top_origin.is_some() {
        return Err(CeremonyError::Origin);
    }
    Ok(())
}

/// What an authenticator says of itself.
#[derive(Debug)]
struct AuthenticatorData<'a> {
    flags: u8,
    counter: u32,
    /// Credential id and key.
    key: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> AuthenticatorData<'a> {
    /// Reads it to its last octet.
    fn read(octets: &'a [u8], site: &Site) -> Result<Self, CeremonyError> {
        let read = || -> Option<(&[u8; 32], Self)> {
            let (site_hash, rest) = octets.split_first_chunk::<32>()?;
            let (&flags, rest) = rest.split_first()?;
            let (counter, mut rest) = rest.split_first_chunk::<4>()?;
            let mut key = None;
            if flags & HAS_KEY != 0 {
                // Before the id stands which model it is, which says nothing without a voucher.
                let (_model, after) = rest.split_first_chunk::<16>()?;
                let (length, after) = after.split_first_chunk::<2>()?;
                let (id, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                let (_, behind) = cbor::read(after)?;
                key = Some((id, &after[..after.len() - behind.len()]));
                rest = behind;
            }
            if flags & HAS_EXTENSIONS != 0 {
                let (extensions, behind) = cbor::read(rest)?;
                extensions.entries()?;
                rest = behind;
            }
            let data = Self { flags, counter: u32::from_be_bytes(*counter), key };
            rest.is_empty().then_some((site_hash, data))
        };
        let (site_hash, data) = read().ok_or(CeremonyError::Malformed)?;
        if !equal(site_hash, &sha256(site.id.as_bytes())) {
            return Err(CeremonyError::Site);
        }
        data.check_flags()?;
        Ok(data)
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn check_flags(&self) -> Result<(), CeremonyError> {
        if !self.has(PRESENT) {
            return Err(CeremonyError::Absent);
        }
        // A passkey is worth both factors only with this.
        if !self.has(VERIFIED) {
            return Err(CeremonyError::Unverified);
        }
        if self.has(IS_SYNCED) && !self.has(CAN_SYNC) {
            return Err(CeremonyError::Copies);
        }
        Ok(())
    }
}

/// Judges a passkey that was just made (7.1).
///
/// # Errors
/// [`CeremonyError`].
pub fn made(expected: &Expected<'_>, client_data: &[u8], attestation: &[u8]) -> Result<Made, CeremonyError> {
    check_client(expected, client_data, "webauthn.create")?;
    if attestation.len() > ATTESTATION_MAX_OCTETS {
        return Err(CeremonyError::Malformed);
    }
    let attestation = cbor::read_whole(attestation).ok_or(CeremonyError::Malformed)?;
    let octets = attestation.named("authData").and_then(Value::octets).ok_or(CeremonyError::Malformed)?;
    let data = AuthenticatorData::read(octets, expected.site)?;
    let (id, key) = data.key.ok_or(CeremonyError::Malformed)?;
    if id.is_empty() || id.len() > CREDENTIAL_ID_MAX_OCTETS {
        return Err(CeremonyError::Malformed);
    }
    let public_key = PublicKey::read(key).ok_or(CeremonyError::Key)?;
    check_attestation(&attestation, &public_key, octets, client_data)?;
    Ok(Made {
        credential_id: id.to_vec(),
        public_key: key.to_vec(),
        counter: data.counter,
        can_sync: data.has(CAN_SYNC),
        is_synced: data.has(IS_SYNCED),
    })
}

/// We ask for no voucher (`none`). An authenticator may still sign for itself, which browsers leave in (5.4.7), and which
/// then must be right. A voucher of a maker is more than was asked for, and is refused rather than half looked at.
fn check_attestation(
    attestation: &Value,
    key: &PublicKey,
    authenticator_data: &[u8],
    client_data: &[u8],
) -> Result<(), CeremonyError> {
    let statement = attestation.named("attStmt").ok_or(CeremonyError::Malformed)?;
    let is = |format: &str| attestation.named("fmt") == Some(&Value::Text(format.to_owned()));
    if is("none") && statement.entries() == Some(0) {
        return Ok(());
    }
    let algorithm = statement.named("alg") == Some(&Value::number(key.algorithm()));
    let Some(signature) = statement.named("sig").and_then(Value::octets) else {
        return Err(CeremonyError::Attestation);
    };
    if !is("packed") || !algorithm || statement.entries() != Some(2) {
        return Err(CeremonyError::Attestation);
    }
    let signed = [authenticator_data, &sha256(client_data)].concat();
    if key.verifies(&signed, signature) { Ok(()) } else { Err(CeremonyError::Attestation) }
}

/// Judges a passkey that was used (7.2), but for what is stored of it.
///
/// # Errors
/// [`CeremonyError`].
pub fn used(expected: &Expected<'_>, public_key: &[u8], signed: &Signed<'_>) -> Result<Used, CeremonyError> {
    check_client(expected, signed.client_data, "webauthn.get")?;
    if signed.authenticator_data.len() > ATTESTATION_MAX_OCTETS {
        return Err(CeremonyError::Malformed);
    }
    let data = AuthenticatorData::read(signed.authenticator_data, expected.site)?;
    if data.key.is_some() {
        return Err(CeremonyError::Malformed);
    }
    let key = PublicKey::read(public_key).ok_or(CeremonyError::Key)?;
    let message = [signed.authenticator_data, &sha256(signed.client_data)].concat();
    if !key.verifies(&message, signed.signature) {
        return Err(CeremonyError::Signature);
    }
    Ok(Used { counter: data.counter, can_sync: data.has(CAN_SYNC), is_synced: data.has(IS_SYNCED) })
}
