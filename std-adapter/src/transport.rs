//! A TCP socket as a transport.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};

use crate::Interest;
use crate::error::{Failure, TcpError};
use crate::readiness::{self, AsFd, PollFlags, READ, WRITE};
use crate::tls::Session;

/// A connected TCP socket with embedded-io's traits, with TLS over it if it was connected so
/// (feature `tls`, `Connecting::with_tls`).
///
/// The socket is in non-blocking mode and has `TCP_NODELAY` set.
///
/// | call | what it does |
/// |---|---|
/// | `read_ready` | never blocks. True: the next `read` returns at once, with data, the end, or an error |
/// | `write_ready` | never blocks. True: the next `write` returns at once and takes at least one byte, or fails |
/// | `read` | `Ok(0)`: the other side has ended the connection in order, and all it sent has been read. A connection that was reset or lost is an error, and stays one. **Blocks when there is nothing to read** |
/// | `write` | takes at least one byte. **Blocks when there is no room.** After [`close`](Self::close) or once the other side is gone it fails |
/// | `flush` | never blocks. Does nothing, all bytes are with the operating system already; with TLS see below |
///
/// Blocking when not ready is what embedded-io demands; who asks `read_ready` and `write_ready`
/// first, as a link does, never blocks. An empty buffer is never waited for: reading into it and
/// writing from it give `Ok(0)`.
///
/// What the operating system said is remembered as long as it must be true: until the next `read`
/// or `write`. So the socket must not be read or written by other means, such as a clone.
///
/// # With TLS
///
/// The same holds for what is meant by "data": that which was encrypted. What is particular:
///
/// - A `write` takes 64 KiB at most, and what it has taken may not be with the operating system
///   yet. `write_ready` is false as long as something of it waits, and asking for readiness, a
///   [`Waiter`](crate::Waiter) with any [`Interest`], `flush`, [`finish`](Self::finish), and the
///   polls of a [`DesktopLink`](crate::DesktopLink) move it on, as far as the operating system takes
///   it.
/// - The end in order is TLS's own. A connection that ends without it was cut off, which is an
///   error: something may be missing.
/// - Readiness of the socket says little about that of the transport, which may have decrypted
///   bytes of a record that was read whole. A readiness loop other than [`Waiter`](crate::Waiter)
///   sleeps only when `read_ready` is false, and asks again after it. While
///   [`has_unsent`](Self::has_unsent) is true it waits for the socket to be writable as well.
///
/// ```
/// use embedded_io::{Read, ReadReady, Write};
/// use peote_net_std::TcpTransport;
/// # use std::net::TcpListener;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let address = listener.local_addr()?.to_string();
/// let mut transport = TcpTransport::connect_blocking(&address, std::time::Duration::from_secs(10))?;
/// # let mut far: TcpTransport = listener.accept()?.0.try_into()?;
/// assert!(!transport.read_ready()?);
/// # far.write(b"hello")?;
/// # while !transport.read_ready()? {}
/// // later:
/// let mut buffer = [0; 64];
/// if transport.read_ready()? {
///     let count = transport.read(&mut buffer)?;
///     assert_eq!(&buffer[..count], b"hello");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TcpTransport {
    socket: TcpStream,
    /// The next `read` returns at once. False: not known.
    readable: bool,
    /// The next `write` returns at once. False: not known.
    writable: bool,
    /// How the connection broke. The operating system reports it once only, so it is kept.
    failure: Option<Failure>,
    /// With TLS, it knows what the other fields know without.
    tls: Option<Session>,
}

impl TcpTransport {
    /// Takes a connected socket over: makes it non-blocking and sets `TCP_NODELAY`. Does not block.
    ///
    /// # Errors
    ///
    /// The operating system refuses to make the socket non-blocking.
    pub fn new(socket: TcpStream) -> Result<Self, TcpError> {
        socket.set_nonblocking(true)?;
        // Some systems refuse the option when the connection has ended already. That is for `read`
        // to report, after the data that came before.
        let _ = socket.set_nodelay(true);
        Ok(Self { socket, readable: false, writable: false, failure: None, tls: None })
    }

    /// Begins TLS over this connection, as the client of `host`, which is a name or an IP address
    /// without a port. Does not block: nothing is sent yet, and the handshake goes on with each
    /// question whether the transport is ready, each read and write, and each wait for it. Its
    /// failure is an error of the next `read` and `write`.
    ///
    /// For a socket from somewhere else, connected by way of a proxy perhaps.
    /// [`Connecting::with_tls`](crate::Connecting::with_tls) is simpler.
    ///
    /// # Errors
    ///
    /// `host` is neither a name nor an address.
    #[cfg(feature = "tls")]
    pub fn with_tls(mut self, host: &str, tls: &crate::TlsOptions) -> Result<Self, TcpError> {
        self.tls = Some(Session::new(host, tls)?);
        Ok(self)
    }

    /// Whether TLS is spoken over this connection, or is being begun.
    #[cfg(feature = "tls")]
    pub(crate) const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Goes on with the handshake.
    #[cfg(feature = "tls")]
    pub(crate) fn handshake(&mut self) -> std::task::Poll<Result<(), TcpError>> {
        match &mut self.tls {
            Some(tls) => tls.handshake(&self.socket),
            None => std::task::Poll::Ready(Ok(())),
        }
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// The operating system does not know it (any more).
    pub fn local_addr(&self) -> Result<SocketAddr, TcpError> {
        Ok(self.socket.local_addr()?)
    }

    /// The address of the other side.
    ///
    /// # Errors
    ///
    /// The operating system does not know it (any more): the connection has ended.
    pub fn peer_addr(&self) -> Result<SocketAddr, TcpError> {
        Ok(self.socket.peer_addr()?)
    }

    /// Returns true if something that was written has not been taken by the operating system yet,
    /// which happens with TLS only. Asking for readiness moves it on when the socket is writable.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.tls.as_ref().is_some_and(Session::has_unsent)
    }

    /// Ends this side's half of the connection: the other side reads everything written so far,
    /// then the end. Reading goes on. Does not block. Closing twice, or a connection that has
    /// ended, is fine.
    ///
    /// Dropping the transport without it sends the end as well, with TLS behind what is with the
    /// operating system by then. But when something is still unread at that moment, the operating
    /// system resets the connection, and the other side may lose what it has not read yet.
    /// [`finish`](Self::finish) avoids that.
    ///
    /// # Errors
    ///
    /// Anything the operating system reports other than that the connection has ended.
    pub fn close(&mut self) -> Result<(), TcpError> {
        if let Some(tls) = &mut self.tls {
            tls.close(&self.socket);
            return Ok(());
        }
        self.writable = false;
        match self.socket.shutdown(Shutdown::Write) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Closes, then waits until the other side has closed as well; what arrives meanwhile is thrown
    /// away. **Blocks**, for `timeout` at most. For the end of a program that wants to be sure that
    /// the other side has read everything.
    ///
    /// # Errors
    ///
    /// Of the kind `TimedOut` when the other side has not closed in time; else how the connection
    /// broke.
    pub fn finish(mut self, timeout: Duration) -> Result<(), TcpError> {
        let start = Instant::now();
        self.close()?;
        let mut waste = [0; 4096];
        loop {
            let is_over = self.known_readable() && self.read(&mut waste)? == 0;
            if is_over && self.has_said_everything()? {
                return Ok(());
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            if is_over || !self.known_readable() {
                let flags = self.flags(Interest::READ);
                let answer = readiness::poll_one(self.socket.as_fd(), flags, Some(left))?;
                self.note(answer);
            }
        }
    }

    /// The socket, for a question to the operating system.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether the next `read` is already known to return at once.
    pub(crate) fn known_readable(&self) -> bool {
        match &self.tls {
            Some(tls) => tls.known_readable(),
            None => self.readable || self.failure.is_some(),
        }
    }

    /// Whether the next `write` is already known to return at once.
    pub(crate) fn known_writable(&self) -> bool {
        match &self.tls {
            Some(tls) => tls.known_writable(),
            None => self.writable || self.failure.is_some(),
        }
    }

    /// Returns what is to be asked about the socket, for a caller with this interest.
    pub(crate) fn flags(&self, interest: Interest) -> PollFlags {
        match &self.tls {
            Some(tls) => tls.flags(interest),
            None => interest.flags(),
        }
    }

    /// Takes the operating system's answer. Returns true if it is one that the caller waits for.
    /// With TLS it is always false: only [`known_readable`](Self::known_readable) and
    /// [`known_writable`](Self::known_writable) say that.
    pub(crate) fn note(&mut self, answer: PollFlags) -> bool {
        if let Some(tls) = &mut self.tls {
            tls.note(&self.socket, answer);
            return false;
        }
        self.readable |= readiness::is_readable(answer);
        self.writable |= readiness::is_writable(answer);
        !answer.is_empty()
    }

    /// Has the socket take what was written and waits for it: of TLS, nothing else does.
    pub(crate) fn send(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send(&self.socket);
        }
    }

    /// Whether the other side can read all that was written, and the end behind it.
    fn has_said_everything(&self) -> Result<bool, TcpError> {
        self.tls.as_ref().map_or(Ok(true), Session::has_said_everything)
    }

    /// Asks the operating system, for both directions at once: a poll of a link wants to know both.
    fn look(&mut self) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.send(&self.socket);
            tls.receive(&self.socket);
            return Ok(());
        }
        let answer = readiness::poll_one(self.socket.as_fd(), READ | WRITE, Some(Duration::ZERO))?;
        self.note(answer);
        Ok(())
    }

    /// Keeps how the connection broke, for the other direction.
    fn fail(&mut self, error: io::Error) -> TcpError {
        self.failure = Some(Failure::of(&error));
        error.into()
    }
}

impl ErrorType for TcpTransport {
    type Error = TcpError;
}

impl ReadReady for TcpTransport {
    fn read_ready(&mut self) -> Result<bool, TcpError> {
        if !self.known_readable() {
            self.look()?;
        }
        Ok(self.known_readable())
    }
}

impl WriteReady for TcpTransport {
    fn write_ready(&mut self) -> Result<bool, TcpError> {
        if !self.known_writable() {
            self.look()?;
        }
        Ok(self.known_writable())
    }
}

impl Read for TcpTransport {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(tls) = &mut self.tls {
            return tls.read(&self.socket, buffer);
        }
        loop {
            match self.socket.read(buffer) {
                Ok(0) => {
                    // Once an error has been told, to `write` perhaps, the operating system shows a
                    // reset connection as an ended one.
                    self.readable = true;
                    return self.failure.map_or(Ok(0), |failure| Err(failure.into()));
                }
                Ok(count) => {
                    self.readable = false;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    readiness::poll_one(self.socket.as_fd(), READ, None)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fail(error)),
            }
        }
    }
}

impl Write for TcpTransport {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, TcpError> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if let Some(tls) = &mut self.tls {
            return tls.write(&self.socket, bytes);
        }
        self.writable = false;
        loop {
            match self.socket.write(bytes) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    readiness::poll_one(self.socket.as_fd(), WRITE, None)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Not a failure of the connection by itself: this side has closed, or the other one
                // ended in order before it went away. `read` finds out.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(error.into()),
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    fn flush(&mut self) -> Result<(), TcpError> {
        match &mut self.tls {
            Some(tls) => tls.flush(&self.socket),
            None => Ok(()),
        }
    }
}

impl TryFrom<TcpStream> for TcpTransport {
    type Error = TcpError;

    /// As [`TcpTransport::new`].
    fn try_from(socket: TcpStream) -> Result<Self, TcpError> {
        Self::new(socket)
    }
}

/// The other side is told that this one has ended, and was not cut off.
#[cfg(feature = "tls")]
impl Drop for TcpTransport {
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.close(&self.socket);
        }
    }
}

/// For a program's own readiness loop.
#[cfg(unix)]
impl AsFd for TcpTransport {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// For a program's own readiness loop.
#[cfg(unix)]
impl std::os::fd::AsRawFd for TcpTransport {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

/// For a program's own readiness loop.
#[cfg(windows)]
impl std::os::windows::io::AsSocket for TcpTransport {
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        std::os::windows::io::AsSocket::as_socket(&self.socket)
    }
}
