//! The window of a party.

/// The window of a party, to the byte, and what is to be remembered of it. Both ends compare it
/// with the same halves, so it is never rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) struct Window(u32);

impl Window {
    /// None: the party has no windows. All bytes are zero.
    pub(in crate::link) const NONE: Self = Self(0);

    /// The greatest window; greater ones count as this one.
    pub(super) const MAX: u32 = (1 << 28) - 1;
    /// It has been asked for a grant, and none has come since.
    pub(super) const ASKED: u32 = 1 << 31;
    /// It has asked for one, and waits for each byte.
    pub(super) const EAGER: u32 = 1 << 30;
    /// Broadcasts to ready users pass over it, which the relay knows. So may one without windows
    /// be.
    pub(super) const LEFT_OUT: u32 = 1 << 29;
    /// It has sent more than it may.
    const OUTLAW: u32 = 1 << 28;

    /// A window of so many bytes.
    pub(super) fn new(bytes: u32) -> Self {
        Self(bytes.clamp(1, Self::MAX))
    }

    /// Returns its bytes; 0 if the party has no windows.
    #[inline]
    pub(in crate::link) const fn bytes(self) -> u32 {
        self.0 & Self::MAX
    }

    /// It is so many bytes from now on. Whether broadcasts pass over it stays.
    pub(super) fn begin(&mut self, bytes: u32) {
        self.0 = (self.0 & Self::LEFT_OUT) | Self::new(bytes).0;
    }

    /// Returns true if the party has no windows.
    #[inline]
    pub(in crate::link) const fn is_none(self) -> bool {
        self.bytes() == 0
    }

    /// It is greater than was said.
    pub(super) fn grow(&mut self, by: u32) {
        let bytes = self.bytes().saturating_add(by).min(Self::MAX);
        self.0 = (self.0 & !Self::MAX) | bytes;
    }

    /// The party has sent more than it may.
    pub(in crate::link) const fn outlaw(&mut self) {
        self.set(Self::OUTLAW, true);
    }

    pub(in crate::link) const fn is_outlaw(self) -> bool {
        self.has(Self::OUTLAW)
    }

    pub(super) const fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    pub(super) const fn set(&mut self, flag: u32, on: bool) {
        if on {
            self.0 |= flag;
        } else {
            self.0 &= !flag;
        }
    }
}
