//! The memory of a link, on the heap.

use std::fmt;

use peote_net::link::Buffers;
use peote_net::link::memory::{BufferParts, LocalParts, LocalUserSlot, NameSlot, OwnSlot, PartySlot};
use peote_net::protocol::{MAX_CHANNELS, MAX_COMMAND};

/// How much memory a link gets. What does not matter stays at its default:
///
/// ```
/// use peote_net_std::Sizes;
/// let sizes = Sizes { chunk_size: 1 << 20, ..Sizes::default() };
/// assert_eq!(sizes.parties, 256);
/// // The transmit ring is to hold a chunk.
/// assert!(sizes.transmit < sizes.chunk_size);
/// let sizes = Sizes { transmit: 2 << 20, ..sizes };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sizes {
    /// The greatest chunk a channel can have, in bytes: 1 to 2,147,483,647. Default: 32,768.
    pub chunk_size: usize,
    /// Bytes that the link keeps for each party while the program does not want its event: up to
    /// 268,435,455, and never less than `chunk_size`. On most systems that is address space only,
    /// until it is used. Default: 262,144.
    pub window: usize,
    /// Users of own channels plus entered channels, at once: 1 to 65,534. Default: 256.
    pub parties: usize,
    /// Own channels, at once: 0 to 128. Default: 128.
    pub own_channels: usize,
    /// Bytes that can wait to be sent, from 259. A chunk is queued whole, with its framing, unless
    /// it is sent in parts. Default: 262,144.
    pub transmit: usize,
    /// Bytes that are read and handled by one poll at most, from 16. Chunks that lie in them whole
    /// are delivered without a copy. Default: 65,536.
    pub receive: usize,
    /// Users of own channels on the link itself, at once: 0 to 65,279. Each takes two parties.
    /// Default: 64.
    pub local_users: usize,
    /// Bytes that can be under way between such a user and its server, in each direction: 64 to
    /// 16,777,215. Address space only, until it is used. Default: 262,144.
    pub local_line: usize,
}

impl Sizes {
    /// All that the protocol allows on one connection: 128 own channels with 256 users each, and
    /// 128 entered channels.
    ///
    /// Each party has a window of 32,768 bytes, one chunk. That is 1 GiB of address space, and 2 MB
    /// of memory as long as nothing is kept. It is not the default because a system that counts
    /// address space as memory (Windows, Linux without overcommitment) may refuse it:
    /// [`SizesError::OutOfMemory`].
    ///
    /// ```
    /// use peote_net_std::{DesktopLink, Sizes};
    /// # fn main() -> Result<(), peote_net_std::LinkError> {
    /// let link = DesktopLink::builder().sizes(Sizes::MOST).offline()?;
    /// # drop(link);
    /// # Ok(()) }
    /// ```
    pub const MOST: Self = Self {
        chunk_size: 32_768,
        window: 32_768,
        parties: MAX_CHANNELS * 256 + MAX_CHANNELS,
        own_channels: MAX_CHANNELS,
        transmit: 262_144,
        receive: 65_536,
        local_users: 64,
        local_line: 262_144,
    };
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            chunk_size: 32_768,
            window: 262_144,
            parties: 256,
            own_channels: 128,
            transmit: 262_144,
            receive: 65_536,
            local_users: 64,
            local_line: 262_144,
        }
    }
}

/// Sizes that cannot work, or for which there is no memory.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SizesError {
    /// One of the sizes is out of its range.
    OutOfRange {
        /// The name of the field of [`Sizes`].
        field: &'static str,
        /// What was asked for.
        size: usize,
        /// The least that works.
        min: usize,
        /// The most that works.
        max: usize,
    },
    /// The operating system has no memory of this size.
    OutOfMemory(Sizes),
}

/// The memory of a [`Link`](peote_net::link::Link), on the heap, with sizes chosen at run time. It
/// is never on the stack, not even while it is made.
///
/// ```
/// use peote_net::link::Link;
/// use peote_net_std::{HeapBuffers, Sizes};
/// # fn main() -> Result<(), peote_net_std::SizesError> {
/// let buffers = HeapBuffers::new(Sizes { parties: 1000, ..Sizes::default() })?;
/// let link = Link::with_buffers(buffers);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HeapBuffers {
    own_channels: Box<[OwnSlot]>,
    parties: Box<[PartySlot]>,
    chunks: Box<[u8]>,
    chunk_size: usize,
    window: usize,
    transmit: Box<[u8]>,
    receive: Box<[u8]>,
    names: Box<[NameSlot]>,
    local_users: Box<[LocalUserSlot]>,
    local_lines: Box<[u8]>,
}

impl HeapBuffers {
    /// Allocates memory of these sizes.
    ///
    /// # Errors
    ///
    /// A size is out of its range, or there is no memory for it.
    pub fn new(sizes: Sizes) -> Result<Self, SizesError> {
        let Sizes { chunk_size, window, parties, own_channels, transmit, receive, local_users, local_line } =
            sizes;
        check("chunk_size", chunk_size, 1, i32::MAX as usize)?;
        check("window", window, 0, (1 << 28) - 1)?;
        check("parties", parties, 1, 65_534)?;
        check("own_channels", own_channels, 0, MAX_CHANNELS)?;
        check("transmit", transmit, MAX_COMMAND, isize::MAX as usize)?;
        check("receive", receive, 16, isize::MAX as usize)?;
        check("local_users", local_users, 0, 65_279)?;
        check("local_line", local_line, LocalParts::MIN_LINE, (1 << 24) - 1)?;
        let out_of_memory = SizesError::OutOfMemory(sizes);
        let lines = local_line.checked_mul(2 * local_users).ok_or(out_of_memory)?;
        let window = window.max(chunk_size);
        let chunks = window.checked_mul(parties).ok_or(out_of_memory)?;
        Ok(Self {
            own_channels: vec![OwnSlot::FREE; own_channels].into_boxed_slice(),
            parties: vec![PartySlot::FREE; parties].into_boxed_slice(),
            chunks: zeroed(chunks).ok_or(out_of_memory)?,
            chunk_size,
            window,
            transmit: zeroed(transmit).ok_or(out_of_memory)?,
            receive: zeroed(receive).ok_or(out_of_memory)?,
            names: vec![NameSlot::FREE; if local_users > 0 { own_channels } else { 0 }].into_boxed_slice(),
            local_users: vec![LocalUserSlot::FREE; local_users].into_boxed_slice(),
            local_lines: zeroed(lines).ok_or(out_of_memory)?,
        })
    }
}

impl Default for HeapBuffers {
    /// Memory of the default sizes.
    ///
    /// # Panics
    ///
    /// When there is none.
    fn default() -> Self {
        match Self::new(Sizes::default()) {
            Ok(buffers) => buffers,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Buffers for HeapBuffers {
    fn parts(&mut self) -> BufferParts<'_> {
        BufferParts {
            own_channels: &mut self.own_channels,
            parties: &mut self.parties,
            chunks: &mut self.chunks,
            chunk_size: self.chunk_size,
            window: self.window,
            transmit: &mut self.transmit,
            receive: &mut self.receive,
            local: LocalParts {
                names: &mut self.names,
                users: &mut self.local_users,
                lines: &mut self.local_lines,
            },
        }
    }
}

fn check(field: &'static str, size: usize, min: usize, max: usize) -> Result<(), SizesError> {
    if (min..=max).contains(&size) { Ok(()) } else { Err(SizesError::OutOfRange { field, size, min, max }) }
}

fn zeroed(length: usize) -> Option<Box<[u8]>> {
    // `vec!` gets zeros from the operating system, which takes memory only where it is written to,
    // but ends the program when there is none. So that is tried before, in the way that does not.
    Vec::<u8>::new().try_reserve_exact(length).ok()?;
    Some(vec![0; length].into_boxed_slice())
}

impl fmt::Display for SizesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { field, size, min, max } => {
                write!(f, "{field} is {size}, which is not from {min} to {max}")
            }
            Self::OutOfMemory(sizes) => write!(
                f,
                "no memory for {} parties with {} bytes each, {} bytes to send and {} bytes received",
                sizes.parties,
                sizes.window.max(sizes.chunk_size),
                sizes.transmit,
                sizes.receive
            ),
        }
    }
}

/// The same text: it is what is seen when `main` returns the error.
impl fmt::Debug for SizesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for SizesError {}

impl From<SizesError> for std::io::Error {
    fn from(error: SizesError) -> Self {
        let kind = match error {
            SizesError::OutOfRange { .. } => std::io::ErrorKind::InvalidInput,
            SizesError::OutOfMemory(_) => std::io::ErrorKind::OutOfMemory,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_have_the_sizes_asked_for() {
        let sizes = Sizes {
            chunk_size: 100,
            window: 150,
            parties: 7,
            own_channels: 3,
            transmit: 259,
            receive: 16,
            local_users: 5,
            local_line: 64,
        };
        let mut buffers = HeapBuffers::new(sizes).unwrap();
        let parts = buffers.parts();
        assert_eq!((parts.own_channels.len(), parts.parties.len()), (3, 7));
        assert_eq!((parts.chunks.len(), parts.chunk_size, parts.window), (1050, 100, 150));
        assert_eq!((parts.transmit.len(), parts.receive.len()), (259, 16));
        assert_eq!((parts.local.names.len(), parts.local.users.len(), parts.local.lines.len()), (3, 5, 640));
        HeapBuffers::new(Sizes { own_channels: 0, ..sizes }).unwrap();
    }

    #[test]
    fn sizes_that_cannot_work_are_named() {
        let fine = Sizes::default();
        for (sizes, text) in [
            (Sizes { chunk_size: 0, ..fine }, "chunk_size is 0, which is not from 1 to 2147483647"),
            (Sizes { parties: 0, ..fine }, "parties is 0, which is not from 1 to 65534"),
            (Sizes { parties: 65_535, ..fine }, "parties is 65535, which is not from 1 to 65534"),
            (Sizes { own_channels: 129, ..fine }, "own_channels is 129, which is not from 0 to 128"),
        ] {
            assert_eq!(HeapBuffers::new(sizes).unwrap_err().to_string(), text);
        }
        for sizes in [Sizes { transmit: 258, ..fine }, Sizes { receive: 15, ..fine }] {
            assert!(matches!(HeapBuffers::new(sizes), Err(SizesError::OutOfRange { .. })));
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn too_much_is_an_error_and_not_the_end_of_the_program() {
        // More than the address space of any machine there is.
        let sizes = Sizes { transmit: 1 << 60, ..Sizes::default() };
        assert_eq!(HeapBuffers::new(sizes).unwrap_err(), SizesError::OutOfMemory(sizes));
    }

    #[test]
    fn large_buffers_need_no_stack() {
        let sizes = Sizes { parties: 4096, ..Sizes::default() };
        let make = move || drop(peote_net::link::Link::with_buffers(HeapBuffers::new(sizes).unwrap()));
        std::thread::Builder::new().stack_size(64 << 10).spawn(make).unwrap().join().unwrap();
    }
}
