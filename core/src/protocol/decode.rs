//! What the decoders of both directions have in common: heads that may be cut, payloads that come
//! in pieces.

use super::Fragment;

/// The longest head in bytes: a relay's "user gone".
const MAX_HEAD: usize = 7;

/// What the first bytes of a unit are.
#[derive(Clone, Copy)]
pub(super) enum Head<K> {
    /// Its end is not there yet.
    Cut,
    /// A unit of size 0 (`80 00`): nothing at all, `len` bytes long.
    Nothing { len: usize },
    /// The head of a unit with `payload` bytes behind it.
    Unit { len: usize, kind: K, payload: u16 },
}

/// The size field, channel and user in front of data.
#[derive(Clone, Copy)]
pub(super) enum DataHead {
    Cut,
    Nothing {
        len: usize,
    },
    /// The unit ends before it names the user.
    MissingUser {
        len: usize,
        channel: u8,
    },
    Data {
        len: usize,
        channel: u8,
        user: u8,
        payload: u16,
    },
}

/// Looks at the first bytes of a data unit. `names_user` says for a channel byte whether a user
/// byte follows it.
#[inline]
pub(super) fn data_head(bytes: &[u8], names_user: impl Fn(u8) -> bool) -> DataHead {
    let (size, behind, len) = match *bytes {
        [size @ 0..=127, ref behind @ ..] => (u16::from(size), behind, 1usize),
        [high, low, ref behind @ ..] => (u16::from_be_bytes([high & 127, low]), behind, 2),
        _ => return DataHead::Cut,
    };
    if size == 0 {
        return DataHead::Nothing { len };
    }
    match *behind {
        [channel, ..] if !names_user(channel) => {
            DataHead::Data { len: len.wrapping_add(1), channel, user: 0, payload: size.wrapping_sub(1) }
        }
        [channel, ..] if size == 1 => DataHead::MissingUser { len: len.wrapping_add(1), channel },
        [channel, user, ..] => {
            DataHead::Data { len: len.wrapping_add(2), channel, user, payload: size.wrapping_sub(2) }
        }
        _ => DataHead::Cut,
    }
}

/// The state of a decoder: a head that has been cut, or a payload of which pieces are still to
/// come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Progress<K> {
    kind: K,
    total: u16,
    left: u16,
    head: [u8; MAX_HEAD],
    head_len: u8,
}

impl<K: Copy> Progress<K> {
    pub(super) const fn new(kind: K) -> Self {
        Self { kind, total: 0, left: 0, head: [0; MAX_HEAD], head_len: 0 }
    }

    pub(super) const fn is_between_units(&self) -> bool {
        self.left == 0 && self.head_len == 0
    }

    /// The next unit, or piece of one: its kind, its payload, and how many bytes of `input` were
    /// used up to its end.
    ///
    /// `parse` finds out what the first bytes of a unit are. It must not need bytes behind the
    /// head.
    #[inline]
    pub(super) fn next<'a>(
        &mut self,
        input: &'a [u8],
        parse: impl Fn(&[u8]) -> Head<K>,
    ) -> Option<(usize, K, Fragment<'a>)> {
        if self.left > 0 {
            return self.piece(input, 0);
        }
        let mut used = 0usize;
        loop {
            let rest = input.get(used..)?;
            let head = if self.head_len == 0 { parse(rest) } else { Head::Cut };
            match head {
                Head::Unit { len, kind, payload } => {
                    (self.kind, self.total, self.left) = (kind, payload, payload);
                    return self.piece(input, used.wrapping_add(len));
                }
                Head::Nothing { len } => used = used.wrapping_add(len),
                Head::Cut => {
                    let (len, head) = self.cut_head(rest, &parse)?;
                    used = used.wrapping_add(len);
                    if let Head::Unit { kind, payload, .. } = head {
                        (self.kind, self.total, self.left) = (kind, payload, payload);
                        return self.piece(input, used);
                    }
                }
            }
        }
    }

    /// Goes on with a head that came in pieces, byte by byte. How many bytes of `input` it took,
    /// and what it is.
    #[cold]
    fn cut_head(&mut self, input: &[u8], parse: impl Fn(&[u8]) -> Head<K>) -> Option<(usize, Head<K>)> {
        let mut used = 0usize;
        for &byte in input {
            used = used.wrapping_add(1);
            if let Some(place) = self.head.get_mut(usize::from(self.head_len)) {
                *place = byte;
                self.head_len = self.head_len.wrapping_add(1);
            }
            let head = self.head.get(..usize::from(self.head_len)).map_or(Head::Cut, &parse);
            if !matches!(head, Head::Cut) {
                self.head_len = 0;
                return Some((used, head));
            }
        }
        None
    }

    /// The piece of payload at `at` in `input`. `None` if there is nothing of it yet.
    #[inline]
    fn piece<'a>(&mut self, input: &'a [u8], at: usize) -> Option<(usize, K, Fragment<'a>)> {
        let rest = input.get(at..)?;
        let bytes = rest.get(..usize::from(self.left)).unwrap_or(rest);
        if bytes.is_empty() && self.left > 0 {
            return None;
        }
        let offset = self.total.wrapping_sub(self.left);
        #[expect(clippy::cast_possible_truncation, reason = "at most `left`, a u16")]
        let len = bytes.len() as u16;
        self.left = self.left.wrapping_sub(len);
        let used = at.wrapping_add(bytes.len());
        Some((used, self.kind, Fragment { bytes, offset, total: self.total }))
    }
}
