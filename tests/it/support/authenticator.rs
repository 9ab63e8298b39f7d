//! An authenticator of software: makes passkeys and signs with them, rightly until it is told otherwise.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

pub const PRESENT: u8 = 0x01;
pub const VERIFIED: u8 = 0x04;
pub const CAN_SYNC: u8 = 0x08;
pub const IS_SYNCED: u8 = 0x10;
pub const HAS_KEY: u8 = 0x40;
pub const HAS_EXTENSIONS: u8 = 0x80;

pub const ES256: i64 = -7;
pub const EDDSA: i64 = -8;
pub const RS256: i64 = -257;

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// One passkey.
pub struct Authenticator {
    key: Key,
    pub site: String,
    pub credential_id: Vec<u8>,
    pub counter: u32,
    pub flags: u8,
    /// Behind everything else in what it says of itself.
    pub tail: Vec<u8>,
}

/// What the browser says of itself.
pub fn client_data(kind: &str, challenge: &[u8], origin: &str) -> Value {
    json!({"type": kind, "challenge": BASE64URL_NOPAD.encode(challenge), "origin": origin, "crossOrigin": false})
}

/// CBOR: the kind, and a number in as few octets as it takes.
pub fn head(kind: u8, number: usize) -> Vec<u8> {
    let kind = kind << 5;
    match number {
        0..=23 => vec![kind | u8::try_from(number).expect("small")],
        24..=0xff => vec![kind | 24, u8::try_from(number).expect("small")],
        _ => [vec![kind | 25], u16::try_from(number).expect("small").to_be_bytes().to_vec()].concat(),
    }
}

pub fn octets(octets: &[u8]) -> Vec<u8> {
    [head(2, octets.len()), octets.to_vec()].concat()
}

pub fn text(text: &str) -> Vec<u8> {
    [head(3, text.len()), text.as_bytes().to_vec()].concat()
}

pub fn number(number: i64) -> Vec<u8> {
    match usize::try_from(number) {
        Ok(number) => head(0, number),
        Err(_) => head(1, usize::try_from(-1 - number).expect("small")),
    }
}

/// A map of what is written already.
pub fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut written = head(5, entries.len());
    for (key, value) in entries {
        written.extend_from_slice(key);
        written.extend_from_slice(value);
    }
    written
}

impl Authenticator {
    pub fn new(algorithm: i64, site: &str) -> Self {
        let key = match algorithm {
            ES256 => Key::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key")),
            EDDSA => Key::EdDsa(Ed25519KeyPair::generate().expect("a key")),
            _ => Key::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")),
        };
        let mut this = Self {
            key,
            site: site.to_owned(),
            credential_id: Vec::new(),
            counter: 1,
            flags: PRESENT | VERIFIED,
            tail: Vec::new(),
        };
        this.credential_id = digest(&SHA256, &this.cose()).as_ref()[..16].to_vec();
        this
    }

    pub const fn algorithm(&self) -> i64 {
        match self.key {
            Key::Es256(_) => ES256,
            Key::EdDsa(_) => EDDSA,
            Key::Rs256(_) => RS256,
        }
    }

    /// Its public key.
    pub fn cose(&self) -> Vec<u8> {
        let entry = |label, value| (number(label), value);
        match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                map(&[
                    entry(1, number(2)),
                    entry(3, number(ES256)),
                    entry(-1, number(1)),
                    entry(-2, octets(&point[1..33])),
                    entry(-3, octets(&point[33..])),
                ])
            }
            Key::EdDsa(key) => map(&[
                entry(1, number(1)),
                entry(3, number(EDDSA)),
                entry(-1, number(6)),
                entry(-2, octets(key.public_key().as_ref())),
            ]),
            Key::Rs256(key) => map(&[
                entry(1, number(3)),
                entry(3, number(RS256)),
                entry(-1, octets(&key.public_key().as_ref()[9..9 + 256])),
                entry(-2, octets(&[1, 0, 1])),
            ]),
        }
    }

    pub fn sign_octets(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => key.sign(&SystemRandom::new(), message).expect("signed").as_ref().to_vec(),
            Key::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("signed");
                signature
            }
        }
    }

    /// What it says of itself, with a key where it has just made one.
    pub fn data(&self, key: Option<&[u8]>) -> Vec<u8> {
        let flags = if key.is_some() { self.flags | HAS_KEY } else { self.flags };
        let mut data = digest(&SHA256, self.site.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend_from_slice(&self.counter.to_be_bytes());
        if let Some(key) = key {
            data.extend_from_slice(&[0; 16]);
            let length = u16::try_from(self.credential_id.len()).expect("short");
            data.extend_from_slice(&length.to_be_bytes());
            data.extend_from_slice(&self.credential_id);
            data.extend_from_slice(key);
        }
        data.extend_from_slice(&self.tail);
        data
    }

    /// The attestation of a new passkey, vouched for by nobody.
    pub fn make(&self) -> Vec<u8> {
        attestation("none", &map(&[]), &self.data(Some(&self.cose())))
    }

    /// What it says of itself, and its signature.
    pub fn sign(&self, client_data: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let data = self.data(None);
        let signature = self.sign_octets(&signed(&data, client_data));
        (data, signature)
    }
}

/// What an authenticator signs.
pub fn signed(data: &[u8], client_data: &[u8]) -> Vec<u8> {
    [data, digest(&SHA256, client_data).as_ref()].concat()
}

pub fn attestation(format: &str, statement: &[u8], data: &[u8]) -> Vec<u8> {
    map(&[
        (text("fmt"), text(format)),
        (text("attStmt"), statement.to_vec()),
        (text("authData"), octets(data)),
    ])
}
