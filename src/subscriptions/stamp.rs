//! A signed note of the moment at which a form was handed out: it tells how long somebody took to fill it in.

use std::time::Duration;

use crate::keys::{Keys, Purpose};
use crate::model::Timestamp;

/// Nobody fills in the form faster than this.
const FILL_TIME_MIN: Duration = Duration::from_secs(2);
/// A page that was open for longer gets a fresh stamp with the next try.
const STAMP_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// A stamp of this moment.
pub fn stamp(keys: &Keys, now: Timestamp) -> String {
    let millis = now.as_millis();
    let mac = keys.mac(Purpose::FormStamp, &millis.to_be_bytes());
    format!("{millis}.{}", data_encoding::HEXLOWER.encode(&mac[..16]))
}

/// What a stamp says about the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// Ours, and old enough for a person to have filled in the form.
    Good,
    /// None, not ours, or too old: a form on another website.
    Foreign,
    /// Ours, and filled in faster than anyone types.
    TooFast,
}

pub fn look_at(keys: &Keys, text: &str, now: Timestamp) -> Stamp {
    let millis = text.split_once('.').and_then(|(millis, _)| millis.parse::<i64>().ok());
    let Some(made) = millis.map(Timestamp::from_millis) else { return Stamp::Foreign };
    if !crate::keys::equal(stamp(keys, made).as_bytes(), text.as_bytes()) || now.since(made) > STAMP_AGE_MAX {
        Stamp::Foreign
    } else if now.since(made) < FILL_TIME_MIN {
        Stamp::TooFast
    } else {
        Stamp::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_ours_or_foreign_or_too_fast() {
        let keys = Keys::new(&[7; 32]);
        let made = Timestamp::from_millis(1_000_000_000);
        let text = stamp(&keys, made);
        let after = |seconds| look_at(&keys, &text, made.plus(Duration::from_secs(seconds)));
        assert_eq!(after(0), Stamp::TooFast);
        assert_eq!(after(3), Stamp::Good);
        assert_eq!(after(25 * 3600), Stamp::Foreign);
        assert_eq!(look_at(&Keys::new(&[8; 32]), &text, made.plus(Duration::from_secs(5))), Stamp::Foreign);
        for text in ["", "x", "1.", "1.00", "99999999999999999999.00"] {
            assert_eq!(look_at(&keys, text, made), Stamp::Foreign, "{text}");
        }
    }
}
