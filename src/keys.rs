//! Signatures, keyed hashes and random tokens, all from one secret of the installation.
//!
//! - A **signed link** (unsubscribe, preferences) names a subscription and works for years without a row: version,
//!   purpose and id, and an HMAC-SHA-256 over them, cut to 128 bits (RFC 2104, 5), in base32 so that
//!   it survives as the local part of an address, whose case may be folded on the way.
//! - A **tracked link** names a mailing, a number in it, and for a reader who agreed to be counted the subscription; signed
//!   in the same way. Where it leads stands in the database and nowhere in the link.
//! - A **token** (confirm, session) has 256 bits and is stored as its SHA-256 only. A confirmation token
//!   is derived from a random nonce, so that its mail can be written again after a restart although no
//!   usable token is stored anywhere.
//! - A **sealed secret** (the password of a relay, a key that signs mail) is encrypted and authenticated (AES-256-GCM under a key of its purpose,
//!   with a random nonce) for one context: moved elsewhere it does not open.
//! - An **address hash** recognises an address that was erased; without the secret it cannot be guessed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{constant_time, digest, hmac, rand};
use data_encoding::{BASE32_NOPAD, HEXLOWER};

use crate::model::{EmailAddress, MailingId, SubscriptionId};

/// Octets of a token before encoding, and of the nonce that it is derived from.
pub const TOKEN_OCTETS: usize = 32;
/// Octets of the signature in a signed link.
const MAC_OCTETS: usize = 16;
/// First octet of every signed link: a later format gets another number.
const LINK_VERSION: u8 = 1;
/// First octet of everything sealed: another cipher gets another number.
const SEAL_VERSION: u8 = 1;
/// What the key of a purpose is derived from.
const SEALING: &[u8] = b"seal";
/// Longest text that can be one of our tokens; what is longer is not even decoded.
const TOKEN_TEXT_MAX: usize = 64;

/// What a link or token is for. A token of one purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Confirm,
    Unsubscribe,
    /// Undoing an unsubscription, offered on the goodbye page.
    Resubscribe,
    Session,
    FormStamp,
    Csrf,
    /// The cookie that lets the confirm page submit itself in the browser that signed up.
    SignupCookie,
    AddressHash,
    RateLimit,
    /// Octets that make up a Message-ID.
    MessageId,
    /// The link to a subscriber's preferences. New purposes come last: the octet is the place.
    Preferences,
    /// The button in the mail to a new address.
    AddressChange,
    /// What a browser is asked to work on.
    Challenge,
    /// The key that this work finds.
    ProofKey,
    /// The cookie that holds what was typed into the sign-up form, for the page after it.
    InboxCookie,
    /// The password of a relay, sealed.
    RelayPassword,
    /// A password that was typed into a form with a mistake elsewhere, sealed, until the form comes again.
    TypedPassword,
    /// A link of a mailing that counts who follows it. Numbered by hand: links in mails must outlive any purpose that is
    /// put before it.
    Click = 0x60,
    /// The picture of a mailing that counts who opens it.
    Open = 0x61,
    /// The links in the mail that proposes a digest.
    Digest = 0x62,
    /// The link that is worth a password: an invitation, or a forgotten one.
    AccountLink = 0x63,
    /// The secret of an authenticator, sealed.
    Authenticator = 0x64,
    /// Recovery codes, of which a keyed hash is kept.
    RecoveryCode = 0x65,
    /// What somebody looked for at the desk, sealed: an address stands in no URL.
    Search = 0x66,
    /// A key that signs mail, sealed.
    DkimKey = 0x75,
    /// The state of a visit to the provider, from the cookie of the browser that goes there.
    ProviderState = 0x70,
    /// Its nonce, which the provider puts into its token.
    ProviderNonce = 0x71,
    /// What only whoever began can show (PKCE).
    ProviderProof = 0x72,
    /// What a passkey is to sign, from the cookie of the browser that asked.
    PasskeyChallenge = 0x73,
    /// How authenticators know a person: nothing that says who it is.
    PasskeyUser = 0x74,
    /// By which a database recognises the secret with which it is used.
    SecretCheck = 0x76,
}

impl Purpose {
    const fn octet(self) -> u8 {
        self as u8
    }
}

/// What a tracked link names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackedLink {
    pub mailing: MailingId,
    /// Of the link in the mailing, from 1; 0 is the mailing itself.
    pub number: u16,
    /// Whose link it is; `None`: everybody's.
    pub reader: Option<SubscriptionId>,
}

/// Octets of a tracked link that is everybody's, before its signature: mailing and number.
const TRACKED_OCTETS: usize = 10;

impl TrackedLink {
    fn octets(&self) -> Vec<u8> {
        let mut octets = self.mailing.0.to_be_bytes().to_vec();
        octets.extend_from_slice(&self.number.to_be_bytes());
        if let Some(reader) = self.reader {
            octets.extend_from_slice(&reader.0.to_be_bytes());
        }
        octets
    }

    fn read(octets: &[u8]) -> Option<Self> {
        let (mailing, rest) = octets.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let reader = match rest {
            [] => None,
            reader => Some(SubscriptionId(i64::from_be_bytes(reader.try_into().ok()?))),
        };
        Some(Self {
            mailing: MailingId(i64::from_be_bytes(*mailing)),
            number: u16::from_be_bytes(*number),
            reader,
        })
    }
}

/// The installation's secret. Never shown: `Debug` prints no key.
#[derive(Clone)]
pub struct Keys {
    key: hmac::Key,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(..)")
    }
}

impl Keys {
    /// Fewest octets of a secret.
    pub const SECRET_MIN_OCTETS: usize = 32;

    pub fn new(secret: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// HMAC-SHA-256 of `data` under the key of this purpose.
    pub fn mac(&self, purpose: Purpose, data: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[LINK_VERSION, purpose.octet()]);
        context.update(data);
        let tag = context.sign();
        let mut out = [0; 32];
        out.copy_from_slice(tag.as_ref());
        out
    }

    /// A link for one subscription and one purpose; 40 characters of a-z and 2-7.
    pub fn sign_link(&self, purpose: Purpose, id: SubscriptionId) -> String {
        let id = id.0.to_be_bytes();
        let mut octets = vec![LINK_VERSION];
        octets.extend_from_slice(&id);
        octets.extend_from_slice(&self.mac(purpose, &id)[..MAC_OCTETS]);
        BASE32_NOPAD.encode(&octets).to_ascii_lowercase()
    }

    /// The subscription of a signed link; `None` when it is not ours, or for another purpose.
    /// Takes the same time wherever the signature differs.
    pub fn open_link(&self, purpose: Purpose, text: &str) -> Option<SubscriptionId> {
        let octets = decode(text)?;
        let (&version, rest) = octets.split_first()?;
        if version != LINK_VERSION || rest.len() != 8 + MAC_OCTETS {
            return None;
        }
        let (id, mac) = rest.split_at(8);
        let expected = self.mac(purpose, id);
        constant_time::verify_slices_are_equal(mac, &expected[..MAC_OCTETS]).ok()?;
        Some(SubscriptionId(i64::from_be_bytes(id.try_into().ok()?)))
    }

    /// A tracked link; 44 characters of a-z and 2-7, 56 for one that is a reader's own.
    pub fn sign_tracked(&self, purpose: Purpose, link: &TrackedLink) -> String {
        let payload = link.octets();
        let mut octets = vec![LINK_VERSION];
        octets.extend_from_slice(&payload);
        octets.extend_from_slice(&self.mac(purpose, &payload)[..MAC_OCTETS]);
        BASE32_NOPAD.encode(&octets).to_ascii_lowercase()
    }

    /// What a tracked link names; `None` when it is not ours, or for another purpose. Takes the same time wherever the
    /// signature differs.
    pub fn open_tracked(&self, purpose: Purpose, text: &str) -> Option<TrackedLink> {
        let octets = decode(text)?;
        let (&version, rest) = octets.split_first()?;
        if version != LINK_VERSION || rest.len() < TRACKED_OCTETS + MAC_OCTETS {
            return None;
        }
        let (payload, mac) = rest.split_at(rest.len() - MAC_OCTETS);
        let expected = self.mac(purpose, payload);
        constant_time::verify_slices_are_equal(mac, &expected[..MAC_OCTETS]).ok()?;
        TrackedLink::read(payload)
    }

    /// The token that belongs to a stored nonce; 52 characters of a-z and 2-7.
    pub fn derive_token(&self, purpose: Purpose, nonce: &[u8]) -> String {
        BASE32_NOPAD.encode(&self.mac(purpose, nonce)).to_ascii_lowercase()
    }

    /// Encrypts a short secret. It opens again for the same purpose and context only.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn seal(&self, purpose: Purpose, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, NoRandomness> {
        let mut text = secret.to_vec();
        let key = self.sealing_key(purpose).ok_or(NoRandomness)?;
        let nonce = key.seal_in_place_append_tag(Aad::from(context), &mut text).map_err(|_| NoRandomness)?;
        let mut sealed = vec![SEAL_VERSION];
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// What was sealed; `None` for what was sealed with another secret, for another purpose or context, or was altered.
    pub fn unseal(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (&version, rest) = sealed.split_first()?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN)?;
        if version != SEAL_VERSION {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let opened = self.sealing_key(purpose)?.open_in_place(nonce, Aad::from(context), &mut text).ok()?;
        Some(opened.to_vec())
    }

    fn sealing_key(&self, purpose: Purpose) -> Option<RandomizedNonceKey> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.mac(purpose, SEALING)).ok()
    }

    /// By which a database recognises the secret; it says nothing else of it.
    pub fn secret_check(&self) -> Vec<u8> {
        self.mac(Purpose::SecretCheck, b"").to_vec()
    }

    /// Under which an erased or suppressed address is recognised.
    pub fn address_hash(&self, address: &EmailAddress) -> Vec<u8> {
        self.mac(Purpose::AddressHash, address.key().as_bytes()).to_vec()
    }
}

/// What is stored of a token: its SHA-256. `None` for a text that cannot be a token.
pub fn token_hash(text: &str) -> Option<Vec<u8>> {
    let octets = decode(text)?;
    (octets.len() == TOKEN_OCTETS).then(|| digest::digest(&digest::SHA256, &octets).as_ref().to_vec())
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > TOKEN_TEXT_MAX {
        return None;
    }
    BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()
}

/// SHA-256.
pub fn sha256(data: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, data).as_ref().to_vec()
}

/// Hexadecimal SHA-256.
pub fn sha256_hex(data: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, data).as_ref())
}

/// The same as browsers want it in a content security policy.
pub fn sha256_base64(data: &[u8]) -> String {
    data_encoding::BASE64.encode(digest::digest(&digest::SHA256, data).as_ref())
}

/// Octets from the system's random generator.
///
/// # Errors
/// When the system has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut octets = [0; N];
    rand::fill(&mut octets).map_err(|_| NoRandomness)?;
    Ok(octets)
}

/// A fresh token as text; store its [`token_hash`].
///
/// # Errors
/// When the system has no randomness to give.
pub fn random_token() -> Result<String, NoRandomness> {
    Ok(BASE32_NOPAD.encode(&random::<TOKEN_OCTETS>()?).to_ascii_lowercase())
}

/// Whether two secrets are the same, in constant time.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system's random generator gave nothing")]
pub struct NoRandomness;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::new(&[7; 32])
    }

    #[test]
    fn a_link_opens_for_its_purpose_only() {
        let link = keys().sign_link(Purpose::Unsubscribe, SubscriptionId(42));
        assert_eq!(keys().open_link(Purpose::Unsubscribe, &link), Some(SubscriptionId(42)));
        assert_eq!(keys().open_link(Purpose::Unsubscribe, &link.to_uppercase()), Some(SubscriptionId(42)));
        assert_eq!(keys().open_link(Purpose::Resubscribe, &link), None);
        assert_eq!(Keys::new(&[8; 32]).open_link(Purpose::Unsubscribe, &link), None);
    }

    #[test]
    fn an_altered_link_opens_nothing() {
        let link = keys().sign_link(Purpose::Unsubscribe, SubscriptionId(42));
        for at in 0..link.len() {
            let mut altered = link.clone().into_bytes();
            altered[at] = if altered[at] == b'a' { b'b' } else { b'a' };
            let altered = String::from_utf8_lossy(&altered).into_owned();
            assert_eq!(keys().open_link(Purpose::Unsubscribe, &altered), None, "{altered}");
        }
        for text in ["", "x", "é", "-", &"a".repeat(64), &"a".repeat(100_000)] {
            assert_eq!(keys().open_link(Purpose::Unsubscribe, text), None);
        }
    }

    #[test]
    fn a_tracked_link_says_what_it_names_and_is_no_link_of_another_purpose() {
        let everybodys = TrackedLink { mailing: MailingId(7), number: 3, reader: None };
        let own = TrackedLink { reader: Some(SubscriptionId(42)), ..everybodys };
        for (link, length) in [(everybodys, 44), (own, 56)] {
            let token = keys().sign_tracked(Purpose::Click, &link);
            assert_eq!(token.len(), length);
            assert_eq!(keys().open_tracked(Purpose::Click, &token), Some(link));
            assert_eq!(keys().open_tracked(Purpose::Open, &token), None);
            assert_eq!(Keys::new(&[8; 32]).open_tracked(Purpose::Click, &token), None);
            assert_eq!(keys().open_link(Purpose::Unsubscribe, &token), None);
        }
        let leave = keys().sign_link(Purpose::Click, SubscriptionId(42));
        assert_eq!(keys().open_tracked(Purpose::Click, &leave), None);
    }

    #[test]
    fn what_is_sealed_opens_where_it_belongs_and_nowhere_else() {
        let sealed = keys().seal(Purpose::RelayPassword, b"smtp.example", b"a secret").expect("sealed");
        let open = |keys: &Keys, purpose, context: &[u8]| keys.unseal(purpose, context, &sealed);
        assert_eq!(open(&keys(), Purpose::RelayPassword, b"smtp.example").as_deref(), Some(&b"a secret"[..]));
        assert_eq!(open(&keys(), Purpose::RelayPassword, b"evil.example"), None);
        assert_eq!(open(&keys(), Purpose::TypedPassword, b"smtp.example"), None);
        assert_eq!(open(&Keys::new(&[8; 32]), Purpose::RelayPassword, b"smtp.example"), None);
        assert!(!sealed.windows(8).any(|part| part == b"a secret"));
        assert_ne!(
            Ok(&sealed),
            keys().seal(Purpose::RelayPassword, b"smtp.example", b"a secret").as_ref().map_err(|_| ())
        );
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(keys().unseal(Purpose::RelayPassword, b"smtp.example", &altered), None, "{at}");
        }
        assert_eq!(keys().unseal(Purpose::RelayPassword, b"", &[]), None);
    }

    #[test]
    fn a_token_is_stored_as_a_hash_that_is_not_the_token() {
        let token = keys().derive_token(Purpose::Confirm, b"nonce");
        let hash = token_hash(&token);
        assert!(hash.as_ref().is_some_and(|hash| hash.len() == 32));
        assert_ne!(hash, decode(&token));
        assert_eq!(token_hash(&keys().sign_link(Purpose::Unsubscribe, SubscriptionId(1))), None);
    }
}
