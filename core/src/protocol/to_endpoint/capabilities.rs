//! What a relay announces.

/// What a relay can do beyond the original protocol, announced in a keepalive.
///
/// ```
/// use peote_net::protocol::to_endpoint::Capabilities;
/// let announced = Capabilities::from_keepalive([0x50, 0x01]).unwrap();
/// assert!(announced.contains(Capabilities::REMOVE_USER));
/// assert_eq!(Capabilities::from_keepalive([0, 0]), None); // an ordinary keepalive
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Capabilities(u8);

impl Capabilities {
    /// No more than the original protocol.
    pub const NONE: Self = Self(0);
    /// The relay knows [`Command::RemoveUser`](crate::protocol::to_relay::Command::RemoveUser).
    pub const REMOVE_USER: Self = Self(1);
    /// The relay knows [`Command::BlockUser`](crate::protocol::to_relay::Command::BlockUser).
    pub const BLOCK_USER: Self = Self(2);
    /// The relay knows [`Command::Hello`](crate::protocol::to_relay::Command::Hello), and answers
    /// it.
    pub const HELLO: Self = Self(4);

    /// Nothing comes when there is nothing to say: no keepalives, and silence means nothing.
    /// Announced by transports that are no network (`peote_net::offline`), not by relays.
    pub const NO_KEEPALIVES: Self = Self(0x80);

    /// First of a keepalive's two last bytes, if it announces capabilities.
    const MARK: u8 = 0x50;

    /// What the two last bytes of a keepalive announce, if they announce anything.
    #[must_use]
    pub const fn from_keepalive(last: [u8; 2]) -> Option<Self> {
        match last {
            [Self::MARK, bits] => Some(Self(bits)),
            _ => None,
        }
    }

    /// Whether all of `other` is among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These but not `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The two last bytes of a keepalive that announces these.
    pub(super) const fn in_keepalive(self) -> [u8; 2] {
        [Self::MARK, self.0]
    }

    /// These and `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
