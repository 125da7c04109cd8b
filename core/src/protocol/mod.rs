//! The wire codec of the joint protocol, in both directions, usable alone.
//!
//! [`to_relay`] is what an endpoint sends, [`to_endpoint`] what a relay sends. Each has a `Decoder`
//! that is fed any cut of the byte stream, keeps a few bytes of state and never a payload, and
//! yields units whose payload is a [`Fragment`] borrowed from the input; and functions that encode.
//! `docs/PROTOCOL.md` describes every byte.
//!
//! ```
//! use peote_net::protocol::to_endpoint::{Decoder, Unit};
//!
//! // "user 2 of own channel 0 says 05 0c 13", cut in two by the network
//! let mut decoder = Decoder::new();
//! let (used, unit) = decoder.decode(&[0x05, 0x80, 0x02, 0x05]).unwrap();
//! let Unit::FromUser { channel: 0, user: 2, payload } = unit else { panic!() };
//! assert_eq!((used, payload.bytes(), payload.is_last()), (4, &[0x05][..], false));
//! let (used, unit) = decoder.decode(&[0x0c, 0x13]).unwrap();
//! let Unit::FromUser { channel: 0, user: 2, payload } = unit else { panic!() };
//! assert_eq!((used, payload.bytes(), payload.is_last()), (2, &[0x0c, 0x13][..], true));
//! ```

mod decode;
mod header;
pub mod items;
pub mod to_endpoint;
pub mod to_relay;

pub use header::Header;

/// The TCP port a relay listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 7680;

/// Own channels one connection can have at once, and, apart from those, channels it can be in at
/// once.
pub const MAX_CHANNELS: usize = 128;

/// Users one channel can have at once.
pub const MAX_USERS: usize = 256;

/// Length of a channel name in bytes, at most.
pub const MAX_NAME: usize = 255;

/// The greatest size a unit's size field can carry: everything behind the size field.
pub const MAX_UNIT: usize = 32_767;

/// Payload bytes a sender puts into one data unit, at most.
///
/// Two less than [`MAX_UNIT`] allows a user to send, so that the unit still fits when the relay
/// frames it anew for the channel's server, with one byte more in front.
pub const MAX_UNIT_PAYLOAD: usize = 32_765;

/// Length of the longest command in bytes: a name of [`MAX_NAME`] bytes behind four bytes of head.
pub const MAX_COMMAND: usize = 259;

/// Bytes of words of a user that wants to enter a channel, and of a server that refuses it, at
/// most.
pub const MAX_WORDS: usize = 200;

/// The greatest number of commands that can wait for their answers at once: tags are 1..=255.
pub const MAX_TAGS: usize = 255;

/// Milliseconds of silence after which a relay sends a keepalive.
pub const KEEPALIVE_INTERVAL_MILLIS: u64 = 5_000;

/// The part of a unit's payload that lies in the bytes just decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fragment<'a> {
    bytes: &'a [u8],
    offset: u16,
    total: u16,
}

impl<'a> Fragment<'a> {
    /// A payload of no bytes.
    pub(crate) const EMPTY: Self = Self { bytes: &[], offset: 0, total: 0 };

    /// The bytes themselves. Empty only if the unit's whole payload is.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many bytes of the payload came before these.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset as usize
    }

    /// The length of the unit's whole payload in bytes.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.total as usize
    }

    /// Whether this is where the payload starts.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.offset == 0
    }

    /// Whether the payload ends here.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.offset().saturating_add(self.bytes.len()) == self.total()
    }

    /// Whether this is the whole payload.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.bytes.len() == self.total()
    }
}
