//! Values that serde has no word for.
//!
//! Each is a newtype or struct of a name that the serializer and deserializer of this package know;
//! to other formats it is its content.

use serde::{Deserialize, Serialize};

/// The names by which serializer and deserializer know the types.
pub(crate) mod name {
    pub(crate) const DATE: &str = "$haxe::Date";
    pub(crate) const INT64: &str = "$haxe::Int64";
    pub(crate) const LIST: &str = "$haxe::List";
    pub(crate) const INT_MAP: &str = "$haxe::IntMap";
    pub(crate) const OBJECT: &str = "$haxe::Object";
    pub(crate) const INSTANCE: &str = "$haxe::Instance";
    pub(crate) const FIELDS: &str = "fields";
}

/// A `Date`: milliseconds since the start of 1970, UTC.
///
/// Milliseconds are what is written. Reading takes the older form (`2023-11-14 22:13:20`) as well,
/// which does not say in which time zone it is; it is taken for UTC. A date can also be read as a
/// number of any type that has room for its milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename = "$haxe::Date")]
pub struct Date(
    /// Milliseconds since 1970-01-01 00:00:00 UTC. To be written it has to be finite.
    pub f64,
);

/// A `haxe.Int64`, as programs of Haxe 4 write it: an instance of the class `haxe._Int64.___Int64`.
///
/// Reading takes an `Int` as well, and an `Int64` can be read as a number of any type that has room
/// for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename = "$haxe::Int64")]
pub struct Int64(
    /// The number.
    pub i64,
);

/// A `List`: a sequence that would be written as an `Array` otherwise. Reading takes either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename = "$haxe::List")]
pub struct List<T>(
    /// The items: a sequence or a tuple.
    pub T,
);

/// An `IntMap` also when it has no entries: a map without any would be written as a `StringMap`
/// otherwise. Reading takes no other map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename = "$haxe::IntMap")]
pub struct IntMap<T>(
    /// The entries: a map with integers as keys.
    pub T,
);

/// An anonymous object whose fields are known at run time only: a map with strings as keys, which
/// would be written as a `StringMap` otherwise.
///
/// For a struct with `#[serde(flatten)]` as well, which serde treats as a map. Reading takes an
/// anonymous object or an instance of a class, and no map.
///
/// ```
/// use peote_net_formats::haxe::{Object, from_str, to_slice};
/// use std::collections::BTreeMap;
///
/// let fields = BTreeMap::from([("x", 2), ("y", 3)]);
/// let mut buffer = [0; 32];
/// assert_eq!(to_slice(&Object(&fields), &mut buffer)?, "oy1:xi2y1:yi3g");
/// assert_eq!(to_slice(&fields, &mut buffer)?, "by1:xi2y1:yi3h");
/// assert_eq!(from_str("oy1:xi2y1:yi3g"), Ok(Object(fields)));
/// # Ok::<(), peote_net_formats::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename = "$haxe::Object")]
pub struct Object<T>(
    /// The fields: a map or a struct.
    pub T,
);

/// An instance of a class, with the class's name at hand.
///
/// An instance can be read as a struct or map of its fields without this type; then its class does
/// not matter.
///
/// ```
/// use peote_net_formats::haxe::{Instance, from_str, to_slice};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Thing { x: i32 }
///
/// let thing: Instance<&str, Thing> = from_str("cy5:Thingy1:xi3g")?;
/// assert_eq!(thing, Instance { class: "Thing", fields: Thing { x: 3 } });
/// assert_eq!(to_slice(&thing, &mut [0; 32])?, "cy5:Thingy1:xi3g");
/// assert_eq!(from_str("cy5:Thingy1:xi3g"), Ok(Thing { x: 3 }));
/// # Ok::<(), peote_net_formats::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[serde(rename = "$haxe::Instance")]
pub struct Instance<C, T> {
    /// The name of the class, with its package in front: any type of string.
    pub class: C,
    /// The fields: a struct or a map. Of a class that writes itself (`hxSerialize`), what it has
    /// written: a sequence, to read only.
    pub fields: T,
}
