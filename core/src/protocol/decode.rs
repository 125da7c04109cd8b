//! Decoding of data units, the part that both directions have in common.

use super::Fragment;

/// Where in a data unit the decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) enum DataState {
    /// Behind the first byte of a two-byte size.
    SizeLow { high: u8 },
    /// Behind the size; `left` counts what is still to come of it.
    Channel { left: u16 },
    /// Behind the channel of a unit that names a user.
    User { left: u16, channel: u8 },
    /// In the payload.
    Payload { channel: u8, user: u8, offset: u16, total: u16 },
}

/// What some bytes of a data unit amounted to.
pub(super) enum DataStep<'a> {
    /// All input used, more is needed.
    More(DataState),
    /// The unit is over and had nothing in it (`80 00`), or lacked its user byte.
    Nothing { used: usize, missing_user: Option<u8> },
    /// A piece of payload; the state to go on with, unless the unit is over.
    Fragment { used: usize, channel: u8, user: u8, payload: Fragment<'a>, next: Option<DataState> },
}

impl DataState {
    /// The state behind a unit's first size byte.
    #[inline]
    pub(super) fn begin(first: u8) -> Self {
        if first < 128 {
            Self::Channel { left: u16::from(first) }
        } else {
            Self::SizeLow { high: first & 127 }
        }
    }

    /// Goes through `input` up to the end of the unit or of the input. `names_user` says for a channel byte whether a
    /// user byte follows it.
    #[inline]
    pub(super) fn advance<'a>(mut self, input: &'a [u8], names_user: impl Fn(u8) -> bool) -> DataStep<'a> {
        let mut rest = input;
        loop {
            let used_to = |rest: &[u8]| input.len().saturating_sub(rest.len());
            if let Self::Payload { channel, user, offset, total } = self {
                let left = total.saturating_sub(offset);
                if rest.is_empty() && left > 0 {
                    return DataStep::More(self);
                }
                let bytes = rest.get(..usize::from(left)).unwrap_or(rest);
                // `bytes` is at most `left` long, which fits
                #[expect(clippy::cast_possible_truncation, reason = "at most `left`, a u16")]
                let len = bytes.len() as u16;
                let payload = Fragment { bytes, offset, total };
                let offset = offset.saturating_add(len);
                let next = (len < left).then_some(Self::Payload { channel, user, offset, total });
                let used = used_to(rest).saturating_add(bytes.len());
                return DataStep::Fragment { used, channel, user, payload, next };
            }
            let Some((&byte, behind)) = rest.split_first() else {
                return DataStep::More(self);
            };
            rest = behind;
            self = match self {
                Self::SizeLow { high } => match u16::from_be_bytes([high, byte]) {
                    0 => return DataStep::Nothing { used: used_to(rest), missing_user: None },
                    left => Self::Channel { left },
                },
                Self::Channel { left } => {
                    let left = left.saturating_sub(1);
                    match (names_user(byte), left) {
                        (true, 0) => {
                            return DataStep::Nothing { used: used_to(rest), missing_user: Some(byte) };
                        }
                        (true, _) => Self::User { left, channel: byte },
                        (false, _) => Self::Payload { channel: byte, user: 0, offset: 0, total: left },
                    }
                }
                Self::User { left, channel } => {
                    Self::Payload { channel, user: byte, offset: 0, total: left.saturating_sub(1) }
                }
                Self::Payload { .. } => self, // handled above
            };
        }
    }
}
