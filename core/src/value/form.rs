//! What values are on the wire, as numbers that can be compared.

/// What values of a type are on the wire: equal for types that are written alike.
///
/// Part of the hash of a procedure, by which two programs find out whether they mean the same
/// interface (`rpc::Calls`). It is FNV-1a with 32 bits: of the form's name,
/// then of the forms inside it, four bytes each, little end first. `docs/PROTOCOL.md`, section 8.5,
/// has the names.
///
/// ```
/// use peote_net::value::{Encode, Form, List};
///
/// assert_eq!(<&str>::FORM, heapless::String::<16>::FORM);
/// assert_eq!(<[i16; 2]>::FORM, List::<'_, i16>::FORM);
/// assert_ne!(i16::FORM, u16::FORM);
/// assert_eq!(List::<'_, i16>::FORM, Form::of("list", &[Form::named("i16")]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Form(u32);

impl Form {
    /// The form of types that do not say what they are.
    pub const OWN: Self = Self::named("own");

    /// The form of a plain type.
    #[must_use]
    pub const fn named(name: &str) -> Self {
        Self(feed(START, name.as_bytes()))
    }

    /// The form of a type that others are in.
    #[must_use]
    pub const fn of(name: &str, inner: &[Self]) -> Self {
        let Self(mut hash) = Self::named(name);
        let mut rest = inner;
        while let [form, behind @ ..] = rest {
            hash = feed(hash, &form.0.to_le_bytes());
            rest = behind;
        }
        Self(hash)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What a hash begins with.
pub(crate) const START: u32 = 0x811c_9dc5;

/// Adds bytes to a hash.
pub(crate) const fn feed(mut hash: u32, bytes: &[u8]) -> u32 {
    let mut rest = bytes;
    while let [byte, behind @ ..] = rest {
        hash = (hash ^ *byte as u32).wrapping_mul(0x0100_0193);
        rest = behind;
    }
    hash
}

/// The bytes of up to `items` items of up to `most` bytes each, behind their length.
pub(super) const fn most_of_items(items: usize, most: usize) -> usize {
    let length = match items {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    };
    items.saturating_mul(most).saturating_add(length)
}
