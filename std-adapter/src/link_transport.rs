//! What a desktop program's link goes over: a socket, or nothing.

use std::io;

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::offline::Offline;

use crate::{TcpError, TcpTransport};

/// A socket, or the transport that leads nowhere.
#[derive(Debug)]
pub(crate) enum LinkTransport {
    Tcp {
        transport: TcpTransport,
        count: Count,
    },
    Offline {
        transport: Offline,
        count: Count,
    },
    /// In place of a socket whose relay does not answer: the link loses it, and tells the channels.
    Unanswering(Unanswering),
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    /// Bytes of this turn that may still be read.
    left: usize,
    /// Something was read in this round.
    has_read: bool,
    /// Something was read since the connection began.
    has_heard: bool,
}

impl Count {
    fn read(&mut self, len: usize) -> usize {
        self.left = self.left.saturating_sub(len);
        self.has_read = len > 0;
        self.has_heard |= len > 0;
        len
    }
}

#[derive(Debug)]
pub(crate) struct Unanswering;

impl Unanswering {
    fn error() -> TcpError {
        io::Error::from(io::ErrorKind::TimedOut).into()
    }
}

impl LinkTransport {
    pub(crate) fn tcp_of(transport: TcpTransport) -> Self {
        Self::Tcp { transport, count: Count::default() }
    }

    pub(crate) fn offline(transport: Offline) -> Self {
        Self::Offline { transport, count: Count::default() }
    }

    pub(crate) const fn tcp(&self) -> Option<&TcpTransport> {
        match self {
            Self::Tcp { transport, .. } => Some(transport),
            _ => None,
        }
    }

    const fn count(&mut self) -> Option<&mut Count> {
        match self {
            Self::Tcp { count, .. } | Self::Offline { count, .. } => Some(count),
            Self::Unanswering(_) => None,
        }
    }

    /// From now on so many bytes may be read.
    pub(crate) const fn begin_turn(&mut self, limit: usize) {
        if let Some(count) = self.count() {
            count.left = limit;
        }
    }

    /// A reading is to follow.
    pub(crate) fn begin_round(&mut self) {
        if let Self::Tcp { transport, .. } = self {
            transport.send();
        }
        if let Some(count) = self.count() {
            count.has_read = false;
        }
    }

    /// Returns true if something was read in this round.
    pub(crate) const fn has_read(&mut self) -> bool {
        matches!(self.count(), Some(Count { has_read: true, .. }))
    }

    /// Returns true if nothing has come since the connection began.
    pub(crate) const fn has_heard_nothing(&self) -> bool {
        matches!(self, Self::Tcp { count: Count { has_heard: false, .. }, .. })
    }

    /// Returns true if as much was read in this turn as may be.
    pub(crate) const fn is_exhausted(&mut self) -> bool {
        matches!(self.count(), Some(Count { left: 0, .. }))
    }

    /// Returns true if the next `read` returns at once, with an error perhaps.
    pub(crate) fn is_readable(&mut self) -> bool {
        self.read_ready().unwrap_or(true)
    }
}

impl ErrorType for LinkTransport {
    type Error = TcpError;
}

impl ReadReady for LinkTransport {
    fn read_ready(&mut self) -> Result<bool, TcpError> {
        match self {
            Self::Tcp { transport, .. } => transport.read_ready(),
            Self::Offline { transport, .. } => transport.read_ready().map_err(|never| match never {}),
            Self::Unanswering(_) => Err(Unanswering::error()),
        }
    }
}

impl WriteReady for LinkTransport {
    fn write_ready(&mut self) -> Result<bool, TcpError> {
        match self {
            Self::Tcp { transport, .. } => transport.write_ready(),
            Self::Offline { transport, .. } => transport.write_ready().map_err(|never| match never {}),
            Self::Unanswering(_) => Err(Unanswering::error()),
        }
    }
}

impl Read for LinkTransport {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        match self {
            Self::Tcp { transport, count } => Ok(count.read(transport.read(buffer)?)),
            Self::Offline { transport, count } => match transport.read(buffer) {
                Ok(len) => Ok(count.read(len)),
                Err(never) => match never {},
            },
            Self::Unanswering(_) => Err(Unanswering::error()),
        }
    }
}

impl Write for LinkTransport {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, TcpError> {
        match self {
            Self::Tcp { transport, .. } => transport.write(bytes),
            Self::Offline { transport, .. } => transport.write(bytes).map_err(|never| match never {}),
            Self::Unanswering(_) => Err(Unanswering::error()),
        }
    }

    fn flush(&mut self) -> Result<(), TcpError> {
        match self {
            Self::Tcp { transport, .. } => transport.flush(),
            Self::Offline { transport, .. } => transport.flush().map_err(|never| match never {}),
            Self::Unanswering(_) => Err(Unanswering::error()),
        }
    }
}
