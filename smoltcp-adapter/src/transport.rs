//! A TCP socket of smoltcp as a transport.

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use smoltcp::socket::tcp::{RecvError, Socket, State};

use crate::TransportError;

/// A TCP socket of smoltcp with embedded-io's traits, borrowed for as long as a poll takes.
///
/// Nothing here blocks, and no frame moves: that is what the interface's `poll` does, which has to
/// be called before (for what has come) and after (for what was written).
///
/// | call | what it does |
/// |---|---|
/// | `read_ready` | `true`: the next `read` moves at least one byte, or tells the end or an error. `false` while connecting |
/// | `write_ready` | `true`: the next `write` takes at least one byte, or tells an error. `false` while connecting |
/// | `read` | `Ok(0)`: the other side has ended the connection in order, and all it sent has been read. A connection that was refused, reset, aborted or never made is an error, which comes after what has been received before |
/// | `write` | takes what fits the socket's buffer; all of it goes out with the interface's next polls |
/// | `flush` | does nothing |
///
/// Calling `read` or `write` though not ready is [`TransportError::NotReady`]. Empty buffers give
/// `Ok(0)` at any time.
///
/// The end of the other side's half leaves our own open (`CLOSE-WAIT`), and the socket stays there
/// until it is closed: a [`Connector`](crate::Connector) does, or [`close`](Self::close).
///
/// ```
/// use embedded_io::{ReadReady, WriteReady};
/// use peote_net_smoltcp::TcpTransport;
/// use smoltcp::socket::tcp;
///
/// let (mut receive, mut transmit) = ([0; 1024], [0; 1024]);
/// let mut socket = tcp::Socket::new(tcp::SocketBuffer::new(&mut receive[..]), tcp::SocketBuffer::new(&mut transmit[..]));
/// socket.listen(7680)?;
/// let mut transport = TcpTransport::new(&mut socket);
/// assert_eq!(transport.read_ready(), Ok(false)); // not connected yet
/// assert_eq!(transport.write_ready(), Ok(false));
/// # Ok::<(), tcp::ListenError>(())
/// ```
#[derive(Debug)]
pub struct TcpTransport<'a, 'buffers> {
    /// `None`: there is to be a connection later.
    socket: Option<&'a mut Socket<'buffers>>,
}

impl<'a, 'buffers> TcpTransport<'a, 'buffers> {
    /// A transport on a socket, which may be in any state.
    pub const fn new(socket: &'a mut Socket<'buffers>) -> Self {
        Self { socket: Some(socket) }
    }

    /// A transport that will have a connection later: it is not ready, and nothing is wrong with
    /// it. For polling a link between two connections.
    #[must_use]
    pub const fn unconnected() -> Self {
        Self { socket: None }
    }

    /// The socket; `None` between two connections.
    pub fn socket(&mut self) -> Option<&mut Socket<'buffers>> {
        self.socket.as_deref_mut()
    }

    /// Ends this side's half of the connection: the other side gets everything written so far, then
    /// the end. Reading goes on.
    pub fn close(&mut self) {
        if let Some(socket) = &mut self.socket {
            socket.close();
        }
    }

    /// The socket, unless the connection has not been made yet but still may be.
    fn opened(&self) -> Option<&Socket<'buffers>> {
        let is_opening = |state| matches!(state, State::Listen | State::SynSent | State::SynReceived);
        self.socket.as_deref().filter(|socket| !is_opening(socket.state()))
    }

    pub(crate) fn is_readable(&self) -> bool {
        // At the end, and when there is no connection, `may_recv` is false.
        self.opened().is_some_and(|socket| socket.can_recv() || !socket.may_recv())
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.opened().is_some_and(|socket| socket.can_send() || !socket.may_send())
    }
}

impl ErrorType for TcpTransport<'_, '_> {
    type Error = TransportError;
}

impl ReadReady for TcpTransport<'_, '_> {
    fn read_ready(&mut self) -> Result<bool, TransportError> {
        Ok(self.is_readable())
    }
}

impl WriteReady for TcpTransport<'_, '_> {
    fn write_ready(&mut self) -> Result<bool, TransportError> {
        Ok(self.is_writable())
    }
}

impl Read for TcpTransport<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransportError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let readable = self.is_readable();
        let Some(socket) = self.socket.as_mut().filter(|_| readable) else {
            return Err(TransportError::NotReady);
        };
        match socket.recv_slice(buffer) {
            Err(RecvError::Finished) => Ok(0),
            Err(error) => Err(TransportError::Receive(error)),
            Ok(count) => Ok(count),
        }
    }
}

impl Write for TcpTransport<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, TransportError> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let writable = self.is_writable();
        let Some(socket) = self.socket.as_mut().filter(|_| writable) else {
            return Err(TransportError::NotReady);
        };
        // Up to the end of the socket's ring. Who writes on gets what is at its beginning, so this
        // needs no second copy as `send_slice` has it.
        let written = socket.send(|room| {
            let count = room.len().min(bytes.len());
            if let Some((place, bytes)) = room.get_mut(..count).zip(bytes.get(..count)) {
                place.copy_from_slice(bytes);
            }
            (count, count)
        });
        written.map_err(TransportError::Send)
    }

    fn flush(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for TcpTransport<'_, '_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "TcpTransport({})", self.socket.as_ref().map(|socket| socket.state()));
    }
}
