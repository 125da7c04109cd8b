//! A transport around a transport that makes life hard.

use std::fmt;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

use crate::random::Random;

/// The faults of a [`Faulty`] transport. The default is none.
///
/// ```
/// use peote_net_testkit::faulty::Faults;
/// let byte_by_byte = Faults { read_limit: 1, write_limit: 1, ..Faults::default() };
/// ```
#[derive(Clone, Debug)]
pub struct Faults {
    /// Bytes that one read gives at most, at least 1.
    pub read_limit: usize,
    /// Bytes that one write takes at most, at least 1.
    pub write_limit: usize,
    /// Whether each read and write moves a random number of bytes, up to the limits.
    pub random_sizes: bool,
    /// How often in a thousand a direction says that it is not ready though it is. Below 1000, so
    /// that it is in the end.
    pub hesitation: usize,
    /// The connection is broken as soon as so many reads have been made.
    pub fail_after_reads: Option<usize>,
    /// The connection is broken as soon as so many writes have been made.
    pub fail_after_writes: Option<usize>,
    /// The far end's half is at its end, in order, as soon as so many bytes have been read.
    pub end_after_bytes: Option<usize>,
    /// What the random numbers begin with.
    pub seed: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            read_limit: usize::MAX,
            write_limit: usize::MAX,
            random_sizes: false,
            hesitation: 0,
            fail_after_reads: None,
            fail_after_writes: None,
            end_after_bytes: None,
            seed: 0,
        }
    }
}

/// A transport that does what it is told by [`Faults`], and otherwise what the one in it does.
///
/// It keeps the contract of a transport (see [`conformance`](mod@crate::conformance)), except that
/// hesitation and stalling make a ready direction say no: once broken, both directions are ready,
/// and are errors of the kind [`ErrorKind::ConnectionReset`], for good.
#[derive(Debug)]
pub struct Faulty<T> {
    inner: T,
    faults: Faults,
    random: Random,
    read_stalled: bool,
    write_stalled: bool,
    /// A readiness answer that was given holds until the next call.
    promised_read: bool,
    promised_write: bool,
    reads: usize,
    writes: usize,
    bytes_read: usize,
}

/// An error of a [`Faulty`] transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultyError<E> {
    /// One that it was told to make.
    Injected,
    /// One of the transport in it.
    Inner(E),
}

impl<T> Faulty<T> {
    /// Makes life hard for who uses `inner`.
    pub fn new(inner: T, faults: Faults) -> Self {
        let random = Random::new(faults.seed);
        Self {
            inner,
            faults,
            random,
            read_stalled: false,
            write_stalled: false,
            promised_read: false,
            promised_write: false,
            reads: 0,
            writes: 0,
            bytes_read: 0,
        }
    }

    /// While true, there is never anything to read.
    pub fn stall_reads(&mut self, stalled: bool) {
        self.read_stalled = stalled;
    }

    /// While true, there is never room to write.
    pub fn stall_writes(&mut self, stalled: bool) {
        self.write_stalled = stalled;
    }

    /// The transport in it.
    pub fn inner(&mut self) -> &mut T {
        &mut self.inner
    }

    /// How many reads were made, with room for at least one byte.
    pub fn reads(&self) -> usize {
        self.reads
    }

    /// How many writes were made, of at least one byte.
    pub fn writes(&self) -> usize {
        self.writes
    }

    fn is_broken(&self) -> bool {
        self.faults.fail_after_reads.is_some_and(|count| self.reads >= count)
            || self.faults.fail_after_writes.is_some_and(|count| self.writes >= count)
    }

    fn size(&mut self, length: usize, limit: usize) -> usize {
        let most = length.min(limit);
        if self.faults.random_sizes { 1 + self.random.below(most) } else { most }
    }

    /// Bytes left until the end that was asked for.
    fn left(&self) -> usize {
        self.faults.end_after_bytes.map_or(usize::MAX, |end| end.saturating_sub(self.bytes_read))
    }
}

impl<T: ErrorType> ErrorType for Faulty<T> {
    type Error = FaultyError<T::Error>;
}

impl<T: ReadReady> ReadReady for Faulty<T> {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        if self.promised_read || self.is_broken() {
            return Ok(true);
        }
        if self.read_stalled || self.random.chance(self.faults.hesitation) {
            return Ok(false);
        }
        self.promised_read = self.left() == 0 || self.inner.read_ready().map_err(FaultyError::Inner)?;
        Ok(self.promised_read)
    }
}

impl<T: WriteReady> WriteReady for Faulty<T> {
    fn write_ready(&mut self) -> Result<bool, Self::Error> {
        if self.promised_write || self.is_broken() {
            return Ok(true);
        }
        if self.write_stalled || self.random.chance(self.faults.hesitation) {
            return Ok(false);
        }
        self.promised_write = self.inner.write_ready().map_err(FaultyError::Inner)?;
        Ok(self.promised_write)
    }
}

impl<T: Read> Read for Faulty<T> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.is_broken() {
            return Err(FaultyError::Injected);
        }
        self.promised_read = false;
        self.reads += 1;
        let left = self.left();
        if left == 0 {
            return Ok(0);
        }
        let size = self.size(buffer.len(), self.faults.read_limit.min(left));
        let count = self.inner.read(&mut buffer[..size]).map_err(FaultyError::Inner)?;
        self.bytes_read += count;
        Ok(count)
    }
}

impl<T: Write> Write for Faulty<T> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Error> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.is_broken() {
            return Err(FaultyError::Injected);
        }
        self.promised_write = false;
        self.writes += 1;
        let size = self.size(bytes.len(), self.faults.write_limit);
        self.inner.write(&bytes[..size]).map_err(FaultyError::Inner)
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.inner.flush().map_err(FaultyError::Inner)
    }
}

impl<E: embedded_io::Error> embedded_io::Error for FaultyError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Injected => ErrorKind::ConnectionReset,
            Self::Inner(error) => error.kind(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for FaultyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Injected => f.write_str("broken on purpose"),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for FaultyError<E> {}
