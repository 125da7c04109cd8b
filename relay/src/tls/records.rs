//! Records of TLS: where they are made, and where those wait that a socket has not taken.

use std::io::{self, Write};

use rustls::unbuffered::{EncodeError, EncryptError};

/// Bytes that one record says at most.
pub(super) const MAX_PLAIN: usize = 16_384;

/// Bytes by which a record is longer than what it says, at most.
pub(super) const OVERHEAD: usize = 64;

/// Bytes that may wait to be taken by the socket when rustls has more to say. The flight with the
/// certificates is the longest.
const MAX_OUTPUT: usize = 256 * 1024;

/// Where records are made: one for all connections, since each makes its records and writes them in
/// one go.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// What the next record says, in one piece.
    pub(super) plain: Vec<u8>,
    pub(super) records: Records,
}

/// Records, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// All of it can be written to. So what lies behind `len` is not cleared each time before
    /// something is put there.
    bytes: Vec<u8>,
    /// Bytes that are in use.
    len: usize,
    /// Bytes of those that the socket has taken.
    taken: usize,
}

impl From<Vec<u8>> for Records {
    fn from(bytes: Vec<u8>) -> Self {
        Self { len: bytes.len(), bytes, taken: 0 }
    }
}

impl Records {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Puts what `encode` writes at the end, for which it is given room for `expected` bytes, and
    /// then for as many as it asks for.
    pub(super) fn append<E: Lack>(
        &mut self,
        expected: usize,
        mut encode: impl FnMut(&mut [u8]) -> Result<usize, E>,
    ) -> io::Result<()> {
        let len = match encode(self.room(expected)) {
            Ok(len) => len,
            Err(error) => {
                let lack = error.lack().filter(|lack| self.len + lack <= MAX_OUTPUT);
                let Some(lack) = lack else { return Err(io::Error::other(error)) };
                encode(self.room(lack)).map_err(io::Error::other)?
            }
        };
        self.len += len;
        Ok(())
    }

    /// So many bytes behind those that are in use.
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        let end = self.len + bytes;
        if self.bytes.len() < end {
            self.bytes.reserve_exact(end - self.bytes.len());
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.len..end]
    }

    /// Writes once. Says how many bytes were taken and how many there were.
    pub(super) fn write_to(&mut self, mut socket: impl Write) -> io::Result<(usize, usize)> {
        let waiting = &self.bytes[self.taken..self.len];
        if waiting.is_empty() {
            return Ok((0, 0));
        }
        let offered = waiting.len();
        let taken = socket.write(waiting)?;
        self.taken += taken;
        if taken == offered {
            (self.len, self.taken) = (0, 0);
        }
        Ok((taken, offered))
    }

    /// Takes out what waits.
    pub(super) fn take(&mut self) -> Self {
        let waiting = self.bytes[self.taken..self.len].to_vec();
        (self.len, self.taken) = (0, 0);
        waiting.into()
    }
}

/// How much more room it takes to say something.
pub(super) trait Lack: Into<Box<dyn std::error::Error + Send + Sync>> {
    fn lack(&self) -> Option<usize>;
}

impl Lack for EncodeError {
    fn lack(&self) -> Option<usize> {
        match self {
            Self::InsufficientSize(error) => Some(error.required_size),
            Self::AlreadyEncoded => None,
        }
    }
}

impl Lack for EncryptError {
    fn lack(&self) -> Option<usize> {
        match self {
            Self::InsufficientSize(error) => Some(error.required_size),
            Self::EncryptExhausted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls::unbuffered::InsufficientSizeError;

    use super::*;

    /// Takes so many bytes, and then none.
    struct Taking<'a>(&'a mut Vec<u8>, usize);

    impl Write for Taking<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = bytes.len().min(self.1);
            if len == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.0.extend(&bytes[..len]);
            self.1 -= len;
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Writes `bytes` as rustls does: not at all where there is no room for them.
    fn put<'a>(bytes: &'a [u8]) -> impl FnMut(&mut [u8]) -> Result<usize, EncodeError> + 'a {
        |to: &mut [u8]| {
            let Some(room) = to.get_mut(..bytes.len()) else {
                let error = InsufficientSizeError { required_size: bytes.len() };
                return Err(EncodeError::InsufficientSize(error));
            };
            room.copy_from_slice(bytes);
            Ok(bytes.len())
        }
    }

    #[test]
    fn records_come_out_as_they_went_in_whatever_is_taken_at_once() {
        let (mut records, mut sent, mut got) = (Records::default(), Vec::<u8>::new(), Vec::<u8>::new());
        for round in 0..200_u8 {
            let bytes = vec![round; usize::from(round) * 37 % 500 + 1];
            // more, less and as much as it takes
            for expected in [0, 100, bytes.len()] {
                records.append(expected, put(&bytes)).unwrap();
                sent.extend(&bytes);
            }
            let at_once = usize::from(round) * 151 % 4000;
            let _ = records.write_to(Taking(&mut got, at_once));
            if round % 3 == 0 {
                records = records.take();
                assert_eq!(records.memory(), sent.len() - got.len(), "no more than what waits");
            }
            assert_eq!(records.is_empty(), sent.len() == got.len());
        }
        while !records.is_empty() {
            records.write_to(Taking(&mut got, 3000)).unwrap();
        }
        assert!(sent == got);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut records = Records::default();
        let bytes = [7; 100_000];
        records.append(0, put(&bytes)).unwrap();
        records.append(0, put(&bytes)).unwrap();
        records.append(0, put(&bytes)).unwrap_err();
        assert_eq!(records.write_to(io::sink()).unwrap(), (200_000, 200_000));
        assert!(records.is_empty());
    }
}
