//! CBOR as authenticators write it: the canonical form of CTAP 2 (RFC 8949). What is written in any other way, or twice, is
//! refused: whoever reads less strictly reads what nobody meant to sign.

/// A map in a map in a map: the deepest that is needed, and one more.
const DEPTH_MAX: usize = 4;

/// A value. Tags, fractions and endless lengths have no place in what we read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Unsigned(u64),
    /// -1 minus this.
    Negative(u64),
    Octets(Vec<u8>),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
    Simple(u8),
}

impl Value {
    /// The value of a key of a map.
    pub fn get(&self, key: &Value) -> Option<&Value> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub fn named(&self, name: &str) -> Option<&Value> {
        self.get(&Self::Text(name.to_owned()))
    }

    /// The value of a number, as COSE has its keys.
    pub fn numbered(&self, number: i64) -> Option<&Value> {
        self.get(&Self::number(number))
    }

    pub fn number(number: i64) -> Self {
        match u64::try_from(number) {
            Ok(number) => Self::Unsigned(number),
            Err(_) => Self::Negative((-1 - number).unsigned_abs()),
        }
    }

    pub fn octets(&self) -> Option<&[u8]> {
        match self {
            Self::Octets(octets) => Some(octets),
            _ => None,
        }
    }

    pub fn entries(&self) -> Option<usize> {
        match self {
            Self::Map(entries) => Some(entries.len()),
            _ => None,
        }
    }
}

/// Reads one value; answers it and what follows it. `None` for what is none.
pub fn read(octets: &[u8]) -> Option<(Value, &[u8])> {
    let mut rest = octets;
    let value = value(&mut rest, 0)?;
    Some((value, rest))
}

/// Reads one value that is everything.
pub fn read_whole(octets: &[u8]) -> Option<Value> {
    read(octets).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}

fn value(rest: &mut &[u8], depth: usize) -> Option<Value> {
    if depth >= DEPTH_MAX {
        return None;
    }
    let (&first, after) = rest.split_first()?;
    *rest = after;
    let (kind, short) = (first >> 5, first & 0x1f);
    if kind == 7 {
        // False, true and null.
        return (20..=22).contains(&short).then_some(Value::Simple(short));
    }
    let number = argument(rest, short)?;
    let count = usize::try_from(number).ok();
    match kind {
        0 => Some(Value::Unsigned(number)),
        1 => Some(Value::Negative(number)),
        2 => Some(Value::Octets(take(rest, count?)?.to_vec())),
        3 => Some(Value::Text(std::str::from_utf8(take(rest, count?)?).ok()?.to_owned())),
        4 => {
            let mut list = Vec::new();
            // Each takes an octet at least: what announces more than there is ends here.
            for _ in 0..count.filter(|count| *count <= rest.len())? {
                list.push(value(rest, depth + 1)?);
            }
            Some(Value::List(list))
        }
        5 => {
            let mut map: Vec<(Value, Value)> = Vec::new();
            for _ in 0..count.filter(|count| *count <= rest.len() / 2)? {
                let key = value(rest, depth + 1)?;
                if map.iter().any(|(known, _)| *known == key) {
                    return None;
                }
                map.push((key, value(rest, depth + 1)?));
            }
            Some(Value::Map(map))
        }
        _ => None,
    }
}

/// The number behind the first octet, in as few octets as it takes.
fn argument(rest: &mut &[u8], short: u8) -> Option<u64> {
    let (octets, least) = match short {
        0..=23 => return Some(u64::from(short)),
        24 => (1, 24),
        25 => (2, 0x100),
        26 => (4, 0x1_0000),
        27 => (8, 0x1_0000_0000),
        _ => return None,
    };
    let number = take(rest, octets)?.iter().fold(0, |number, octet| (number << 8) | u64::from(*octet));
    (number >= least).then_some(number)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Option<Value> {
        read_whole(&data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 8949, appendix A.
        for (text, expected) in [
            ("00", Value::Unsigned(0)),
            ("17", Value::Unsigned(23)),
            ("1818", Value::Unsigned(24)),
            ("1903e8", Value::Unsigned(1000)),
            ("1bffffffffffffffff", Value::Unsigned(u64::MAX)),
            ("20", Value::number(-1)),
            ("3863", Value::number(-100)),
            ("4401020304", Value::Octets(vec![1, 2, 3, 4])),
            ("62c3bc", Value::Text("ü".into())),
            ("83010203", Value::List(vec![Value::Unsigned(1), Value::Unsigned(2), Value::Unsigned(3)])),
            (
                "a201020304",
                Value::Map(vec![
                    (Value::Unsigned(1), Value::Unsigned(2)),
                    (Value::Unsigned(3), Value::Unsigned(4)),
                ]),
            ),
            ("f5", Value::Simple(21)),
        ] {
            assert_eq!(hex(text), Some(expected), "{text}");
        }
        let map = hex("a2012620a16161f5").unwrap();
        assert_eq!(map.numbered(1), Some(&Value::number(-7)));
        assert_eq!(map.numbered(-1).unwrap().named("a"), Some(&Value::Simple(21)));
        assert_eq!(map.numbered(3), None);
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        for text in [
            "",
            "1817",
            "190017",
            "1a0000ffff",
            "1b00000000ffffffff", // longer than needed
            "5f42010243030405ff",
            "9f01ff",
            "bf0102ff",
            "7f616161ff", // without a length
            "a201020103", // a key twice
            "c074323031332d30332d32315432303a30343a30305a",
            "f90000",
            "fb3ff199999999999a",
            "f0",
            "ff", // tags, fractions
            "4402",
            "83",
            "a101",
            "18",
            "1900",       // cut off
            "61ff",       // no UTF-8
            "0000",       // more than one
            "8181818100", // too deep
            "9bffffffffffffffff",
            "bb7fffffffffffffff",
            "5bffffffffffffffff", // more than there is
        ] {
            assert_eq!(hex(text), None, "{text}");
        }
    }
}
