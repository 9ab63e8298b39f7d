//! The keys of the provider (RFC 7517, 7518): those for RS256 and ES256, which are all that is taken. None of them is ever a
//! secret of an HMAC, and none verifies what says that it is not signed.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

/// Most keys of a provider: far more than any changes between at once.
const KEYS_MAX: usize = 100;
/// Octets of a coordinate of P-256.
const COORDINATE_OCTETS: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    /// As a token names it; `None` for all that is not taken.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
enum Public {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Uncompressed.
    P256(Vec<u8>),
}

#[derive(Debug, Clone)]
pub struct Key {
    id: Option<String>,
    public: Public,
}

impl Key {
    const fn algorithm(&self) -> Algorithm {
        match self.public {
            Public::Rsa { .. } => Algorithm::Rs256,
            Public::P256(_) => Algorithm::Es256,
        }
    }

    /// Whether a signature of a message is of this key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.public {
            Public::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            Public::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}

#[derive(Debug, Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Entry {
    /// The key, if it is one of ours.
    fn key(self) -> Option<Key> {
        let octets = |text: Option<String>| BASE64URL_NOPAD.decode(text?.as_bytes()).ok();
        let public = match self.kty.as_str() {
            "RSA" => Public::Rsa { n: octets(self.n)?, e: octets(self.e)? },
            "EC" if self.crv.as_deref() == Some("P-256") => {
                let (x, y) = (octets(self.x)?, octets(self.y)?);
                if x.len() != COORDINATE_OCTETS || y.len() != COORDINATE_OCTETS {
                    return None;
                }
                Public::P256([&[4], x.as_slice(), y.as_slice()].concat())
            }
            _ => return None,
        };
        let key = Key { id: self.kid, public };
        let is_for_signatures = self.usage.is_none_or(|usage| usage == "sig");
        let is_of_its_algorithm = self.alg.is_none_or(|alg| Algorithm::named(&alg) == Some(key.algorithm()));
        (is_for_signatures && is_of_its_algorithm).then_some(key)
    }
}

/// The keys of a provider.
#[derive(Debug, Clone, Default)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a set; keys of other kinds are passed over, as the standard wants it.
    ///
    /// # Errors
    /// When it is no set of keys, or too large a one.
    pub fn read(document: &[u8]) -> Result<Self, &'static str> {
        let document: Document = serde_json::from_slice(document).map_err(|_| "its keys cannot be read")?;
        if document.keys.len() > KEYS_MAX {
            return Err("it has too many keys");
        }
        let entries = document.keys.into_iter().filter_map(|key| serde_json::from_value::<Entry>(key).ok());
        Ok(Self(entries.filter_map(Entry::key).collect()))
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that a token names, for the algorithm that it names. A token that names no key has one only where there is
    /// only one.
    pub fn find(&self, algorithm: Algorithm, id: Option<&str>) -> Option<&Key> {
        let mut fitting = self
            .0
            .iter()
            .filter(|key| key.algorithm() == algorithm && (id.is_none() || key.id.as_deref() == id));
        let first = fitting.next();
        if fitting.next().is_some() { None } else { first }
    }
}
