//! Values as the recording of every kind of parameter shows them.

use std::fmt::Debug;

use peote_net::value::{Decode, List, Map};
use peote_net_formats::haxe::Haxe;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

pub(crate) trait Shown {
    fn show(&self) -> String;
}

macro_rules! as_displayed {
    ($($type:ty)*) => {$(
        impl Shown for $type {
            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

as_displayed! { bool u8 u16 i16 i32 }

/// Whole numbers as such, others as the two halves of their bits.
impl Shown for f64 {
    fn show(&self) -> String {
        if self.fract() == 0.0 && self.abs() < 1e9 {
            return self.to_string();
        }
        if self.is_nan() {
            return "-524288/0".into();
        }
        let half = |shift: u32| u32::try_from(self.to_bits() >> shift & 0xffff_ffff).unwrap().cast_signed();
        format!("{}/{}", half(32), half(0))
    }
}

impl Shown for f32 {
    fn show(&self) -> String {
        f64::from(*self).show()
    }
}

impl Shown for &str {
    fn show(&self) -> String {
        format!("\"{}\"", self.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\""))
    }
}

impl Shown for String {
    fn show(&self) -> String {
        self.as_str().show()
    }
}

impl Shown for &[u8] {
    fn show(&self) -> String {
        self.iter().fold("bytes:".into(), |shown, byte| format!("{shown}{byte:02x}"))
    }
}

impl<T: Shown> Shown for Option<T> {
    fn show(&self) -> String {
        self.as_ref().map_or("null".into(), Shown::show)
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// In the order of the keys, which is not that of the bytes.
fn map(entries: impl Iterator<Item = (String, String)>) -> String {
    let mut entries: Vec<String> = entries.map(|(key, value)| format!("{key}=>{value}")).collect();
    entries.sort();
    format!("{{{}}}", entries.join(","))
}

impl<T: Shown> Shown for Vec<T> {
    fn show(&self) -> String {
        list(self.iter().map(Shown::show))
    }
}

impl<'a, T: Shown + Decode<'a> + Clone> Shown for List<'a, T> {
    fn show(&self) -> String {
        list(self.iter().map(|item| item.show()))
    }
}

impl<'a, K: Shown + Decode<'a> + Clone, V: Shown + Decode<'a> + Clone> Shown for Map<'a, K, V> {
    fn show(&self) -> String {
        map(self.iter().map(|(key, value)| (key.show(), value.show())))
    }
}

impl<T: Shown, const N: usize> Shown for Haxe<T, N> {
    fn show(&self) -> String {
        self.0.show()
    }
}

macro_rules! tuples {
    ($($open:literal $between:literal $close:literal: $($name:ident $field:tt)+;)*) => {$(
        impl<$($name: Shown),+> Shown for ($($name,)+) {
            fn show(&self) -> String {
                format!("{}{}{}", $open, [$(self.$field.show()),+].join($between), $close)
            }
        }
    )*};
}

tuples! {
    "[" "," "]": A 0 B 1;
    "[" "," "]": A 0 B 1 C 2 D 3 E 4;
    // the arguments of a call
    "" "" "": A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8;
}

/// A map in the order in which it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pairs<K, V>(pub(crate) Vec<(K, V)>);

impl<K: Shown, V: Shown> Shown for Pairs<K, V> {
    fn show(&self) -> String {
        map(self.0.iter().map(|(key, value)| (key.show(), value.show())))
    }
}

impl<K: Serialize, V: Serialize> Serialize for Pairs<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Pairs<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<K, V>(Vec<(K, V)>);

        impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for InOrder<K, V> {
            type Value = Pairs<K, V>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
                while let Some(entry) = map.next_entry()? {
                    self.0.push(entry);
                }
                Ok(Pairs(self.0))
            }
        }

        deserializer.deserialize_map(InOrder(Vec::new()))
    }
}

/// Bytes, which serde takes for a sequence unless told otherwise.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blob(pub(crate) Vec<u8>);

impl Shown for Blob {
    fn show(&self) -> String {
        self.0.as_slice().show()
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Blob;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(bytes.to_vec()))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}
