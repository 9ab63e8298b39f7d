//! Public keys as authenticators give them (COSE, RFC 9052 and 9053): ES256, EdDSA and RS256, written as WebAuthn wants it
//! (Level 3, 6.5.1.1), with what belongs to the kind and nothing more.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::cbor::{self, Value};

pub const ES256: i64 = -7;
pub const EDDSA: i64 = -8;
pub const RS256: i64 = -257;
/// Those that are taken, the best first.
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

/// Octets of a coordinate of P-256, and of a key of Ed25519.
const OCTETS: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// Uncompressed.
    Es256(Vec<u8>),
    EdDsa(Vec<u8>),
    Rs256 {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads a key; `None` for one that is not taken.
    pub fn read(octets: &[u8]) -> Option<Self> {
        Self::of(&cbor::read_whole(octets)?)
    }

    pub fn of(key: &Value) -> Option<Self> {
        let is = |label, number| key.numbered(label) == Some(&Value::number(number));
        let octets = |label| key.numbered(label).and_then(Value::octets).map(<[u8]>::to_vec);
        let short = |label| octets(label).filter(|octets| octets.len() == OCTETS);
        // 1: the kind, 3: the algorithm, -1 and below: of the kind.
        if is(1, 2) && is(3, ES256) && is(-1, 1) && key.entries() == Some(5) {
            return Some(Self::Es256([vec![4], short(-2)?, short(-3)?].concat()));
        }
        if is(1, 1) && is(3, EDDSA) && is(-1, 6) && key.entries() == Some(4) {
            return Some(Self::EdDsa(short(-2)?));
        }
        if is(1, 3) && is(3, RS256) && key.entries() == Some(4) {
            return Some(Self::Rs256 { n: octets(-1)?, e: octets(-2)? });
        }
        None
    }

    pub const fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => ES256,
            Self::EdDsa(_) => EDDSA,
            Self::Rs256 { .. } => RS256,
        }
    }

    /// Whether a signature of a message is of this key.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::EdDsa(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
            Self::Rs256 { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        };
        verified.is_ok()
    }
}
