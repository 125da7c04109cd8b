//! Numbers of 24 bits.

/// A number of 24 bits without a sign: 0..=16,777,215.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct U24(u32);

/// A number of 24 bits with a sign: -8,388,608..=8,388,607.
///
/// ```
/// use peote_net::value::I24;
/// assert_eq!(I24::new(-1).map(I24::get), Some(-1));
/// assert_eq!(I24::new(8_388_608), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct I24(i32);

impl U24 {
    /// The greatest.
    pub const MAX: Self = Self(0xff_ffff);

    /// The number, if 24 bits can hold it.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The three bytes, little end first.
    #[must_use]
    pub const fn to_le_bytes(self) -> [u8; 3] {
        let [low, middle, high, _] = self.0.to_le_bytes();
        [low, middle, high]
    }

    /// The three bytes, big end first.
    #[must_use]
    pub const fn to_be_bytes(self) -> [u8; 3] {
        let [low, middle, high] = self.to_le_bytes();
        [high, middle, low]
    }

    /// From three bytes, little end first.
    #[must_use]
    pub const fn from_le_bytes([low, middle, high]: [u8; 3]) -> Self {
        Self(u32::from_le_bytes([low, middle, high, 0]))
    }

    /// From three bytes, big end first.
    #[must_use]
    pub const fn from_be_bytes([high, middle, low]: [u8; 3]) -> Self {
        Self::from_le_bytes([low, middle, high])
    }
}

impl I24 {
    /// The least.
    pub const MIN: Self = Self(-0x80_0000);

    /// The greatest.
    pub const MAX: Self = Self(0x7f_ffff);

    /// The number, if 24 bits can hold it.
    #[must_use]
    pub const fn new(number: i32) -> Option<Self> {
        if number >= Self::MIN.0 && number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The three bytes, little end first.
    #[must_use]
    pub const fn to_le_bytes(self) -> [u8; 3] {
        let [low, middle, high, _] = self.0.to_le_bytes();
        [low, middle, high]
    }

    /// The three bytes, big end first.
    #[must_use]
    pub const fn to_be_bytes(self) -> [u8; 3] {
        let [low, middle, high] = self.to_le_bytes();
        [high, middle, low]
    }

    /// From three bytes, little end first.
    #[must_use]
    pub const fn from_le_bytes([low, middle, high]: [u8; 3]) -> Self {
        // the sign moves down from the top
        Self(i32::from_le_bytes([0, low, middle, high]) >> 8)
    }

    /// From three bytes, big end first.
    #[must_use]
    pub const fn from_be_bytes([high, middle, low]: [u8; 3]) -> Self {
        Self::from_le_bytes([low, middle, high])
    }
}
