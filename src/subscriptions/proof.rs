//! Proof of work: a browser shows that it spent a second of its time, so that ten thousand sign-ups cost hours.
//!
//! The protocol is that of ALTCHA (its second, which its widget speaks from version 3 on), with PBKDF2/SHA-256:
//! the challenge names a nonce, a salt and the first half of a key; the browser derives keys from the nonce and
//! a counter until one begins like that. Nothing is stored for it: challenge and key carry our signatures, and
//! only a proof that was handed in is remembered, until its challenge ends, so that it counts once
//! (`store/used_proofs.rs`). A challenge is for one form.
//!
//! We know the counter when we make a challenge, and sign its key: so to check a proof costs two signatures,
//! whoever sends it, and to make a challenge one derivation, about as much as a page.

use std::num::NonZeroU32;
use std::time::Duration;

use aws_lc_rs::pbkdf2;
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keys::{Keys, NoRandomness, Purpose, equal, random};
use crate::model::Timestamp;

/// Rounds of one derivation: about a millisecond.
const ROUNDS: NonZeroU32 = match NonZeroU32::new(5_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};
/// Counters that a browser may have to try: half of them on average, half a second on a desk, two on a phone.
const COUNTERS: u32 = 1_000;
/// From the first key pressed in a form to its button; who takes longer gets another challenge.
pub const CHALLENGE_VALID: Duration = Duration::from_secs(20 * 60);
/// Octets of the derived key; the first half is in the challenge.
const KEY_OCTETS: usize = 32;
const PREFIX_OCTETS: usize = KEY_OCTETS / 2;
const NONCE_OCTETS: usize = 16;
const ALGORITHM: &str = "PBKDF2/SHA-256";
/// Longest text that can be a proof: ours have about 800 characters.
const PROOF_MAX_OCTETS: usize = 2_048;

/// What a browser is asked to do, as it travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    pub parameters: Parameters,
    pub signature: String,
}

/// The fields stand in the order of their names: this is the text that is signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    pub algorithm: String,
    pub cost: u32,
    pub data: For,
    /// Seconds since 1970-01-01 UTC.
    pub expires_at: i64,
    pub key_length: usize,
    pub key_prefix: String,
    pub key_signature: String,
    pub nonce: String,
    pub salt: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct For {
    pub form: Uuid,
}

/// What a browser hands in, in base64.
#[derive(Debug, Serialize, Deserialize)]
struct Handed {
    challenge: Challenge,
    solution: Solution,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Solution {
    #[serde(default)]
    counter: u32,
    derived_key: String,
}

/// A good proof. Whether it was handed in before, the database knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Under which it is remembered.
    pub hash: [u8; 32],
    pub expires_at: Timestamp,
}

/// A challenge for a form.
///
/// # Errors
/// When the system has no randomness to give.
pub fn challenge(keys: &Keys, form: Uuid, now: Timestamp) -> Result<Challenge, NoRandomness> {
    let (nonce, salt) = (random::<NONCE_OCTETS>()?, random::<NONCE_OCTETS>()?);
    let counter = u32::from_be_bytes(random::<4>()?) % COUNTERS;
    let key = derive(&nonce, &salt, counter);
    let parameters = Parameters {
        algorithm: ALGORITHM.to_owned(),
        cost: ROUNDS.get(),
        data: For { form },
        expires_at: now.plus(CHALLENGE_VALID).as_millis() / 1_000,
        key_length: KEY_OCTETS,
        key_prefix: HEXLOWER.encode(&key[..PREFIX_OCTETS]),
        key_signature: HEXLOWER.encode(&keys.mac(Purpose::ProofKey, &key)),
        nonce: HEXLOWER.encode(&nonce),
        salt: HEXLOWER.encode(&salt),
    };
    let signature = HEXLOWER.encode(&signed(keys, &parameters));
    Ok(Challenge { parameters, signature })
}

/// Checks what was handed in for a form. `None` for everything that is no proof of work for it, now.
pub fn check(keys: &Keys, form: Uuid, text: &str, now: Timestamp) -> Option<Proof> {
    if text.is_empty() || text.len() > PROOF_MAX_OCTETS {
        return None;
    }
    let handed: Handed = serde_json::from_slice(&BASE64.decode(text.trim().as_bytes()).ok()?).ok()?;
    let Challenge { parameters, signature } = handed.challenge;
    let hash = signed(keys, &parameters);
    let is_ours = equal(HEXLOWER.encode(&hash).as_bytes(), signature.as_bytes());
    let expires_at = Timestamp::from_millis(parameters.expires_at.checked_mul(1_000)?);
    if !is_ours || parameters.data.form != form || expires_at <= now {
        return None;
    }
    let key = HEXLOWER.decode(handed.solution.derived_key.as_bytes()).ok()?;
    let key_signature = HEXLOWER.encode(&keys.mac(Purpose::ProofKey, &key));
    equal(key_signature.as_bytes(), parameters.key_signature.as_bytes()).then_some(Proof { hash, expires_at })
}

/// Does the work of a challenge, as a browser does: for the tests, the benchmark and the tour.
pub fn solve(challenge: &Challenge) -> Option<String> {
    let decode = |text: &str| HEXLOWER.decode(text.as_bytes()).ok();
    let (nonce, salt) = (decode(&challenge.parameters.nonce)?, decode(&challenge.parameters.salt)?);
    let (counter, key) = (0..COUNTERS)
        .map(|counter| (counter, derive(&nonce, &salt, counter)))
        .find(|(_, key)| HEXLOWER.encode(&key[..PREFIX_OCTETS]) == challenge.parameters.key_prefix)?;
    let solution = Solution { counter, derived_key: HEXLOWER.encode(&key) };
    let handed = Handed { challenge: challenge.clone(), solution };
    Some(BASE64.encode(&serde_json::to_vec(&handed).ok()?))
}

fn signed(keys: &Keys, parameters: &Parameters) -> [u8; 32] {
    // Plain texts and numbers are always JSON; were they not, an empty text would match no challenge of ours.
    keys.mac(Purpose::Challenge, &serde_json::to_vec(parameters).unwrap_or_default())
}

fn derive(nonce: &[u8], salt: &[u8], counter: u32) -> [u8; KEY_OCTETS] {
    let password = [nonce, &counter.to_be_bytes()].concat();
    let mut key = [0; KEY_OCTETS];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt, &password, &mut key);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const FORM: Uuid = Uuid::from_u128(7);

    fn keys() -> Keys {
        Keys::new(&[7; 32])
    }

    fn handed(text: &str) -> Handed {
        serde_json::from_slice(&BASE64.decode(text.as_bytes()).expect("base64")).expect("JSON")
    }

    fn packed(handed: &Handed) -> String {
        BASE64.encode(&serde_json::to_vec(handed).expect("JSON"))
    }

    #[test]
    fn work_is_proof_for_its_form_its_keys_and_its_time() {
        let challenge = challenge(&keys(), FORM, NOW).expect("a challenge");
        let text = solve(&challenge).expect("solved");
        let later = |seconds| NOW.plus(Duration::from_secs(seconds));
        let proof = check(&keys(), FORM, &text, later(1_199)).expect("a proof");
        assert_eq!(proof.expires_at, later(1_200));
        assert_eq!(check(&keys(), FORM, &text, later(1_200)), None);
        assert_eq!(check(&keys(), Uuid::from_u128(8), &text, NOW), None);
        assert_eq!(check(&Keys::new(&[8; 32]), FORM, &text, NOW), None);
    }

    #[test]
    fn nothing_of_a_challenge_can_be_changed_and_no_key_guessed() {
        let text = solve(&challenge(&keys(), FORM, NOW).expect("a challenge")).expect("solved");
        let changes: [fn(&mut Handed); 8] = [
            |handed| handed.challenge.parameters.expires_at += 1_000_000,
            |handed| handed.challenge.parameters.cost = 1,
            |handed| handed.challenge.parameters.data.form = Uuid::from_u128(9),
            |handed| handed.challenge.parameters.nonce.make_ascii_uppercase(),
            |handed| handed.challenge.parameters.key_prefix.clear(),
            |handed| handed.challenge.parameters.key_signature = String::new(),
            |handed| handed.challenge.signature.make_ascii_uppercase(),
            |handed| handed.solution.derived_key = handed.challenge.parameters.key_prefix.repeat(2),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut changed = handed(&text);
            change(&mut changed);
            assert_ne!(packed(&changed), text, "change {number} changes nothing");
            assert_eq!(check(&keys(), FORM, &packed(&changed), NOW), None, "change {number}");
        }
        for text in ["", "x", "e30=", &"A".repeat(10_000), &text[..text.len() - 4], "bnVsbA=="] {
            assert_eq!(check(&keys(), FORM, text, NOW), None, "{text}");
        }
    }

    #[test]
    fn the_same_proof_has_the_same_hash_however_it_is_packed() {
        let text = solve(&challenge(&keys(), FORM, NOW).expect("a challenge")).expect("solved");
        let mut again = handed(&text);
        again.solution.counter = 0;
        let (first, second) = (check(&keys(), FORM, &text, NOW), check(&keys(), FORM, &packed(&again), NOW));
        assert!(first.is_some() && first == second);
    }

    /// The vector is of another implementation of the protocol (npm and PyPI: altcha).
    #[test]
    fn a_key_is_derived_as_others_do() {
        let nonce = HEXLOWER.decode(b"000102030405060708090a0b0c0d0e0f").expect("hexadecimal");
        let salt = HEXLOWER.decode(b"101112131415161718191a1b1c1d1e1f").expect("hexadecimal");
        assert_eq!(
            HEXLOWER.encode(&derive(&nonce, &salt, 258)),
            "df6f44fc4b74250cd94b8ea22f1461faa6a5e11e1658f06609ef547b6da60b92"
        );
    }
}
