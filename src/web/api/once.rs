//! Objects in which no name stands twice; serde's own would keep the last, and nobody would know which was meant.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// For a field: `#[serde(deserialize_with = "each_once")]`.
pub fn each_once<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Names<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Names<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object with each name once")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = BTreeMap::new();
            while let Some((name, value)) = map.next_entry()? {
                if found.insert(name, value).is_some() {
                    return Err(A::Error::custom("a name stands there twice"));
                }
            }
            Ok(found)
        }
    }

    deserializer.deserialize_map(Names(PhantomData))
}

/// Such an object as a whole body.
#[derive(Debug, Deserialize)]
#[serde(transparent, bound(deserialize = "V: Deserialize<'de>"))]
pub struct Each<V>(#[serde(deserialize_with = "each_once")] pub BTreeMap<String, V>);
