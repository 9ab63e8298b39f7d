//! Codes of an authenticator (TOTP, RFC 6238): six digits of HMAC-SHA-1 over the number of a period of 30 seconds.

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;

use crate::model::Timestamp;

/// Octets of a secret: as many as the hash has (RFC 4226, 4, R6).
pub const SECRET_OCTETS: usize = 20;
/// Seconds of a period.
pub const PERIOD_SECONDS: i64 = 30;
/// Digits of a code.
const DIGITS: usize = 6;
const MODULUS: u32 = 1_000_000;
/// Periods before and after the present one whose codes are taken: clocks of phones are not all right.
const DRIFT: i64 = 1;

/// In which period a moment is.
pub fn period_of(now: Timestamp) -> i64 {
    now.as_millis() / 1000 / PERIOD_SECONDS
}

/// The code of a period.
pub fn code(secret: &[u8], period: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &period.to_be_bytes());
    let octets = tag.as_ref();
    // RFC 4226, 5.3: the last four bits say where the number begins.
    let at = usize::from(octets.last().copied().unwrap_or_default() & 0xf);
    let number = octets.iter().skip(at).take(4).fold(0_u32, |number, octet| number << 8 | u32::from(*octet));
    format!("{:0DIGITS$}", (number & 0x7fff_ffff) % MODULUS)
}

/// The period whose code was typed, of those that are taken now. Spaces do not count.
pub fn period_of_code(secret: &[u8], typed: &str, now: Timestamp) -> Option<i64> {
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let present = period_of(now);
    let mut found = None;
    // All of them are looked at, so that the time says nothing.
    for period in present - DRIFT..=present + DRIFT {
        if crate::keys::equal(code(secret, period).as_bytes(), typed.as_bytes()) {
            found = Some(period);
        }
    }
    found
}

/// The secret as it is typed into an authenticator, in groups of four.
pub fn spelled(secret: &[u8]) -> String {
    let text = BASE32_NOPAD.encode(secret);
    let mut groups = String::new();
    for (at, c) in text.chars().enumerate() {
        if at > 0 && at.is_multiple_of(4) {
            groups.push(' ');
        }
        groups.push(c);
    }
    groups
}

/// What the QR code says: the address that authenticators read.
pub fn uri(secret: &[u8], address: &str) -> String {
    const ISSUER: &str = "Postiljon";
    let label: String = form_urlencoded::byte_serialize(address.as_bytes()).collect();
    let secret = BASE32_NOPAD.encode(secret);
    format!(
        "otpauth://totp/{ISSUER}:{label}?secret={secret}&issuer={ISSUER}&algorithm=SHA1&digits={DIGITS}&period={PERIOD_SECONDS}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B: the last six of its eight digits.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, period_of(at(seconds))), expected, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_taken_one_period_around_its_own_and_no_further() {
        let period = period_of(at(1_111_111_109));
        let taken = |seconds| period_of_code(SECRET, "081 804", at(seconds));
        for seconds in [1_111_111_079, 1_111_111_109, 1_111_111_139] {
            assert_eq!(taken(seconds), Some(period), "{seconds}");
        }
        assert_eq!((taken(1_111_111_049), taken(1_111_111_171)), (None, None));
        for wrong in ["", "081805", "81804", "0818040", "abcdef"] {
            assert_eq!(period_of_code(SECRET, wrong, at(1_111_111_109)), None, "{wrong}");
        }
    }

    #[test]
    fn the_address_for_authenticators_is_escaped() {
        let uri = uri(SECRET, "an+x&y@example.org");
        assert!(
            uri.starts_with("otpauth://totp/Postiljon:an%2Bx%26y%40example.org?secret=GEZDGNBVGY3TQOJQ"),
            "{uri}"
        );
        assert_eq!(spelled(SECRET), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }
}
