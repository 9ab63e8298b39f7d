//! The keys that sign our mail (DKIM, RFC 6376): what they are, how they are stored, what DNS says of them.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::BASE64;

use super::{DkimKeyId, Timestamp};

/// Fewest bits of an RSA key (RFC 8301, 3.2 asks for 1024 and recommends 2048).
const RSA_MIN_BITS: usize = 2048;
/// Most bits of an RSA key: verifiers need not take longer ones (RFC 8301, 3.2).
const RSA_MAX_BITS: usize = 4096;
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";
/// Characters on a line of PEM (RFC 7468, 2).
const PEM_LINE: usize = 64;
/// Longest string in a TXT record, in octets (RFC 1035, 3.3.14); a longer value is several strings.
const TXT_STRING_MAX_OCTETS: usize = 255;

/// With whose keys mails are signed: of one domain and its subdomains.
#[derive(Debug, Clone)]
pub struct DkimSettings {
    /// As A-labels, lower case.
    pub domain: String,
    /// One signature is made with each, in this order.
    pub keys: Vec<DkimKey>,
}

/// A key and the name under which DNS has its public half.
#[derive(Debug, Clone)]
pub struct DkimKey {
    pub selector: String,
    pub key: SigningKey,
}

impl DkimKey {
    /// The name of its TXT record.
    pub fn record_name(&self, domain: &str) -> String {
        record_name(&self.selector, domain)
    }
}

text_enum!(
    /// How a key signs, by its name in the record.
    DkimAlgorithm {
        /// `rsa-sha256`, which every receiver can check.
        Rsa = "rsa",
        /// `ed25519-sha256` (RFC 8463), beside the other.
        Ed25519 = "ed25519",
    }
);

impl DkimAlgorithm {
    /// Its name in a signature.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Rsa => "rsa-sha256",
            Self::Ed25519 => "ed25519-sha256",
        }
    }
}

text_enum!(
    /// What a key that was made at the desk does.
    DkimKeyState {
        /// Its record was not seen in DNS yet.
        Waiting = "waiting",
        Signing = "signing",
        /// Signs no more; its record stays for mails that are on their way.
        Retired = "retired",
    }
);

/// A key that was made at the desk. `Debug` and JSON show nothing of its private half.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct StoredDkimKey {
    pub id: DkimKeyId,
    /// As A-labels, lower case.
    pub domain: String,
    pub selector: String,
    pub algorithm: DkimAlgorithm,
    /// What the TXT record says.
    pub record: String,
    #[serde(skip)]
    pub sealed_key: Vec<u8>,
    pub state: DkimKeyState,
    pub state_at: Timestamp,
    /// When its record was last seen in DNS.
    pub seen_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl fmt::Debug for StoredDkimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredDkimKey({}, {}, {})", self.selector, self.algorithm, self.state)
    }
}

/// The public half of a key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub struct ConfiguredDkimKey {
    pub domain: String,
    pub selector: String,
    pub algorithm: DkimAlgorithm,
    pub record: String,
}

impl DkimSettings {
    /// The public halves of its keys.
    ///
    /// # Errors
    /// When the library fails.
    pub fn public(&self) -> Result<Vec<ConfiguredDkimKey>, SigningKeyError> {
        let public = |key: &DkimKey| {
            Ok(ConfiguredDkimKey {
                domain: self.domain.clone(),
                selector: key.selector.clone(),
                algorithm: key.key.algorithm(),
                record: key.key.record()?,
            })
        };
        self.keys.iter().map(public).collect()
    }
}

/// Whether the keys of a domain sign for a sender's: for itself and what is under it. Both as A-labels; only then is the
/// signature one that counts for the sender (DMARC calls it aligned).
pub fn signs_for(domain: &str, sender: &str) -> bool {
    let sender = sender.to_ascii_lowercase();
    let above = sender.strip_suffix(domain);
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// The name of the TXT record of a key.
pub fn record_name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// A private key. Cheap to clone; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SigningKey(Arc<Pair>);

enum Pair {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why there is no key, or no signature. Each finishes a sentence that begins with what the key is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    #[error("holds no key in PEM form: a line {PEM_BEGIN}, the key, a line {PEM_END}")]
    NotPem,
    #[error(
        "holds no key that can sign mail, which is RSA of {RSA_MIN_BITS} to {RSA_MAX_BITS} bits or Ed25519, in PKCS#8. \
         `postiljon dkim new` makes one"
    )]
    NotUsable,
    #[error("failed in the cryptographic library")]
    Failed,
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn generate(algorithm: DkimAlgorithm) -> Result<Self, SigningKeyError> {
        let pair = match algorithm {
            DkimAlgorithm::Rsa => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            DkimAlgorithm::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        pair.map(|pair| Self(Arc::new(pair))).map_err(|_| SigningKeyError::Failed)
    }

    /// Reads a key in PKCS#8 (RFC 5958) and PEM, as `openssl genpkey` writes it too.
    ///
    /// # Errors
    /// When there is none, or not one that can sign mail.
    pub fn from_pem(text: &str) -> Result<Self, SigningKeyError> {
        let (_, rest) = text.split_once(PEM_BEGIN).ok_or(SigningKeyError::NotPem)?;
        let (body, _) = rest.split_once(PEM_END).ok_or(SigningKeyError::NotPem)?;
        let base64: String = body.split_ascii_whitespace().collect();
        let der = BASE64.decode(base64.as_bytes()).map_err(|_| SigningKeyError::NotPem)?;
        let pair = match RsaKeyPair::from_pkcs8(&der) {
            Ok(rsa) if (RSA_MIN_BITS..=RSA_MAX_BITS).contains(&(rsa.public_modulus_len() * 8)) => {
                Pair::Rsa(rsa)
            }
            Ok(_) => return Err(SigningKeyError::NotUsable),
            Err(_) => {
                Pair::Ed25519(Ed25519KeyPair::from_pkcs8(&der).map_err(|_| SigningKeyError::NotUsable)?)
            }
        };
        Ok(Self(Arc::new(pair)))
    }

    /// The key in PKCS#8 and PEM: for a file that only its owner can read.
    ///
    /// # Errors
    /// When the library fails.
    pub fn to_pem(&self) -> Result<String, SigningKeyError> {
        let der: Result<Pkcs8V1Der<'static>, _> = match &*self.0 {
            Pair::Rsa(pair) => pair.as_der(),
            Pair::Ed25519(pair) => pair.as_der(),
        };
        let base64 = BASE64.encode(der.map_err(|_| SigningKeyError::Failed)?.as_ref());
        let lines = ascii_pieces(&base64, PEM_LINE).collect::<Vec<_>>().join("\n");
        Ok(format!("{PEM_BEGIN}\n{lines}\n{PEM_END}\n"))
    }

    pub fn algorithm(&self) -> DkimAlgorithm {
        match &*self.0 {
            Pair::Rsa(_) => DkimAlgorithm::Rsa,
            Pair::Ed25519(_) => DkimAlgorithm::Ed25519,
        }
    }

    /// What the TXT record says (RFC 6376, 3.6.1; RFC 8463, 4).
    ///
    /// # Errors
    /// When the library fails.
    pub fn record(&self) -> Result<String, SigningKeyError> {
        let public = match &*self.0 {
            Pair::Rsa(pair) => {
                let der: Result<PublicKeyX509Der<'static>, _> = pair.public_key().as_der();
                BASE64.encode(der.map_err(|_| SigningKeyError::Failed)?.as_ref())
            }
            Pair::Ed25519(pair) => BASE64.encode(pair.public_key().as_ref()),
        };
        Ok(format!("v=DKIM1; k={}; p={public}", self.algorithm()))
    }

    /// Signs the canonical header of a mail. The same octets give the same signature.
    ///
    /// # Errors
    /// When the library fails.
    pub fn sign(&self, header: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
        match &*self.0 {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                // The padding of PKCS#1 1.5 has no randomness; the library wants a generator all the same.
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), header, &mut signature)
                    .map_err(|_| SigningKeyError::Failed)?;
                Ok(signature)
            }
            // RFC 8463, 3: PureEdDSA over the SHA-256.
            Pair::Ed25519(pair) => pair
                .try_sign(digest(&SHA256, header).as_ref())
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SigningKeyError::Failed),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm().tag())
    }
}

/// The strings of a TXT record with this value, which is ASCII.
pub fn txt_strings(value: &str) -> impl Iterator<Item = &str> {
    ascii_pieces(value, TXT_STRING_MAX_OCTETS)
}

/// Pieces of at most so many characters.
fn ascii_pieces(text: &str, most: usize) -> impl Iterator<Item = &str> {
    // A cut within a character, which ASCII has not, would lose its piece.
    (0..text.len()).step_by(most).filter_map(move |at| text.get(at..text.len().min(at + most)))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    fn public(key: &SigningKey) -> Vec<u8> {
        let record = key.record().unwrap();
        BASE64.decode(record.split_once("p=").unwrap().1.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_written_as_pem_is_read_as_the_same_key() {
        for algorithm in [DkimAlgorithm::Rsa, DkimAlgorithm::Ed25519] {
            let key = SigningKey::generate(algorithm).unwrap();
            let pem = key.to_pem().unwrap();
            assert!(pem.lines().all(|line| line.len() <= 64), "{algorithm:?}");
            let read = SigningKey::from_pem(&pem.replace('\n', "\r\n")).unwrap();
            assert_eq!(read.algorithm(), algorithm);
            assert_eq!(read.record().unwrap(), key.record().unwrap());
            assert_eq!(read.sign(b"x").unwrap(), key.sign(b"x").unwrap());
            assert!(!format!("{key:?}").contains("KeyPair"));
        }
    }

    #[test]
    fn the_record_has_the_key_that_verifies() {
        let rsa = SigningKey::generate(DkimAlgorithm::Rsa).unwrap();
        let verifier = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public(&rsa));
        assert!(verifier.verify(b"header", &rsa.sign(b"header").unwrap()).is_ok());
        assert!(verifier.verify(b"headers", &rsa.sign(b"header").unwrap()).is_err());

        let ed25519 = SigningKey::generate(DkimAlgorithm::Ed25519).unwrap();
        let verifier = UnparsedPublicKey::new(&ED25519, public(&ed25519));
        let hash = digest(&SHA256, b"header");
        assert!(verifier.verify(hash.as_ref(), &ed25519.sign(b"header").unwrap()).is_ok());
    }

    #[test]
    fn the_strings_of_a_record_are_short_and_whole() {
        let record = SigningKey::generate(DkimAlgorithm::Rsa).unwrap().record().unwrap();
        let strings: Vec<&str> = txt_strings(&record).collect();
        assert_eq!(strings.iter().map(|string| string.len()).collect::<Vec<_>>(), [255, record.len() - 255]);
        assert_eq!(strings.concat(), record);
    }

    #[test]
    fn what_is_no_key_for_mail_is_refused() {
        assert_eq!(SigningKey::from_pem("key").unwrap_err(), SigningKeyError::NotPem);
        let wrapped = |body: &str| format!("{PEM_BEGIN}\n{body}\n{PEM_END}\n");
        assert_eq!(SigningKey::from_pem(&wrapped("é")).unwrap_err(), SigningKeyError::NotPem);
        assert_eq!(SigningKey::from_pem(&wrapped("AAAA")).unwrap_err(), SigningKeyError::NotUsable);
    }
}
