//! Making records of what a transport writes.

use std::io::{self, IoSlice, Write};

use super::records::{MAX_PLAIN, Scratch};
use super::{Then, Tls};

/// Records that are made for one write, at most: what a read brings, and some more.
const BATCH: usize = 8;

/// Makes records of what a transport writes.
pub(super) struct Sealing<'a> {
    tls: &'a mut Tls,
    scratch: &'a mut Scratch,
    /// Bytes that it takes at once.
    most: usize,
}

impl<'a> Sealing<'a> {
    /// `share` is what the connection may hold, if its socket takes nothing.
    pub(super) fn new(tls: &'a mut Tls, scratch: &'a mut Scratch, share: usize) -> Self {
        scratch.plain.clear();
        Self { tls, scratch, most: (share / MAX_PLAIN).clamp(1, BATCH) * MAX_PLAIN }
    }

    fn seal(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tls.then(&Then::Encrypt(bytes), &mut self.scratch.records)
    }

    /// Makes a record of what was collected.
    fn seal_collected(&mut self) -> io::Result<()> {
        let mut plain = std::mem::take(&mut self.scratch.plain);
        let sealed = if plain.is_empty() { Ok(()) } else { self.seal(&plain) };
        plain.clear();
        self.scratch.plain = plain;
        sealed
    }

    /// Collects the beginning of `bytes` for the next record, and makes that if it is full. Says
    /// how much of `bytes` was used.
    fn collect(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(MAX_PLAIN - self.scratch.plain.len());
        if len == MAX_PLAIN {
            // a whole record in one piece
            return self.seal(&bytes[..len]).map(|()| len);
        }
        self.scratch.plain.extend_from_slice(&bytes[..len]);
        if self.scratch.plain.len() == MAX_PLAIN {
            self.seal_collected()?;
        }
        Ok(len)
    }

    /// Makes records of as much as may be. `sealed` is how many bytes are in records.
    fn seal_all(&mut self, slices: &[IoSlice<'_>], sealed: &mut usize) -> io::Result<()> {
        let mut used = 0;
        for slice in slices {
            let mut left = &slice[..slice.len().min(self.most - used)];
            while !left.is_empty() {
                let len = self.collect(left)?;
                left = &left[len..];
                used += len;
                *sealed = used - self.scratch.plain.len();
            }
        }
        self.seal_collected()?;
        *sealed = used;
        Ok(())
    }
}

/// What does not fit into records of one write is not taken.
impl Write for Sealing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut sealed = 0;
        match self.seal_all(slices, &mut sealed) {
            // what is in records is said, and the next time tells the error
            Err(error) if sealed == 0 => Err(error),
            _ => Ok(sealed),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
