//! TLS over a connection: what the socket carries becomes what was meant, and the other way round.
//!
//! rustls keeps what it has decrypted until it is read, and what it has encrypted and the socket
//! has not taken. Both are bounded: reading stops at [`ENOUGH`], and nothing more is encrypted
//! while something waits for the socket.

mod error;
mod options;
mod options_error;

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use rustls::{ClientConnection, IoState};

pub use error::{TlsError, TlsErrorKind};
pub use options::TlsOptions;
pub use options_error::{TlsOptionsError, TlsOptionsErrorKind};

use crate::error::Failure;
use crate::readiness::{self, AsFd, PollFlags, READ, WRITE};
use crate::{Interest, TcpError};

/// Decrypted bytes that are enough for now: rustls reads no further while it has that many, one
/// record.
const ENOUGH: usize = 16_384;

/// How often the socket is read at once, at most: who sends what is nothing to be read, tickets of
/// sessions without end, is not to keep this side from everything else.
const READS: usize = 16;

/// TLS of one connection, as its client. None of its methods blocks unless it says so.
pub(crate) struct Session(Box<Inner>);

struct Inner {
    connection: ClientConnection,
    /// Whom it is spoken with, for errors.
    server: Arc<str>,
    /// Decrypted bytes that have not been read.
    decrypted: usize,
    /// Why nothing more comes behind them.
    end: Option<End>,
    output: Output,
}

#[derive(Debug)]
enum End {
    /// The other side has ended its half.
    Closed,
    Tls(TlsError),
    Tcp(Failure),
}

/// The state of this side's half.
#[derive(Debug)]
enum Output {
    Open,
    /// Its end is behind what waits for the socket.
    Closing,
    Closed,
    /// The socket takes nothing more.
    Broken(Failure),
}

impl Session {
    /// Begins as the client of `host`. Nothing is sent before [`send`](Self::send).
    pub(crate) fn new(host: &str, options: &TlsOptions) -> Result<Self, TlsError> {
        let server: Arc<str> = Arc::from(host);
        let name = options.name_for(host).map_err(|_| TlsError::new(&server, TlsErrorKind::ServerName))?;
        let server: Arc<str> = Arc::from(name.to_str().as_ref());
        let connection = ClientConnection::new(options.config(), name)
            .map_err(|error| TlsError::of(&server, error, true))?;
        let inner = Inner { connection, server, decrypted: 0, end: None, output: Output::Open };
        Ok(Self(Box::new(inner)))
    }

    /// Goes on with the handshake, as far as the socket lets it.
    pub(crate) fn handshake(&mut self, socket: &TcpStream) -> Poll<Result<(), TcpError>> {
        let Self(inner) = self;
        inner.send(socket);
        if inner.connection.is_handshaking() {
            inner.receive(socket);
        }
        match &inner.end {
            Some(End::Tls(error)) => Poll::Ready(Err(error.clone().into())),
            Some(End::Tcp(failure)) => Poll::Ready(Err((*failure).into())),
            Some(End::Closed) | None if inner.connection.is_handshaking() => Poll::Pending,
            Some(End::Closed) | None => Poll::Ready(Ok(())),
        }
    }

    /// Whether the next `read` returns at once.
    pub(crate) fn known_readable(&self) -> bool {
        self.0.decrypted > 0 || self.0.end.is_some()
    }

    /// Whether the next `write` returns at once.
    pub(crate) fn known_writable(&self) -> bool {
        self.0.write_error().is_some() || (!self.0.connection.is_handshaking() && !self.0.has_output())
    }

    /// Returns what is to be asked about the socket, for a caller with this interest.
    pub(crate) fn flags(&self, interest: Interest) -> PollFlags {
        let handshakes = self.0.connection.is_handshaking() && interest != Interest::NONE;
        let mut flags = PollFlags::empty();
        flags.set(READ, (interest.read || handshakes) && self.0.end.is_none());
        // Whatever the interest is: this has been promised to be sent.
        flags.set(WRITE, self.0.has_output());
        flags
    }

    /// Does what the socket is ready for.
    pub(crate) fn note(&mut self, socket: &TcpStream, answer: PollFlags) {
        if answer.is_empty() {
            return;
        }
        self.0.send(socket);
        if readiness::is_readable(answer) {
            self.0.receive(socket);
        }
    }

    /// Reads from the socket, unless something is there already.
    pub(crate) fn receive(&mut self, socket: &TcpStream) {
        self.0.receive(socket);
    }

    /// Has the socket take what waits for it.
    pub(crate) fn send(&mut self, socket: &TcpStream) {
        self.0.send(socket);
    }

    /// **Blocks** when there is nothing to read.
    pub(crate) fn read(&mut self, socket: &TcpStream, buffer: &mut [u8]) -> Result<usize, TcpError> {
        loop {
            if self.0.decrypted > 0 {
                return self.0.take(buffer);
            }
            match &self.0.end {
                Some(End::Closed) => return Ok(0),
                Some(End::Tls(error)) => return Err(error.clone().into()),
                Some(End::Tcp(failure)) => return Err((*failure).into()),
                None => {}
            }
            self.0.send(socket);
            self.0.receive(socket);
            if !self.known_readable() {
                readiness::poll_one(socket.as_fd(), self.flags(Interest::READ), None)?;
            }
        }
    }

    /// **Blocks** when there is no room.
    pub(crate) fn write(&mut self, socket: &TcpStream, bytes: &[u8]) -> Result<usize, TcpError> {
        self.until_writable(socket)?;
        let Self(inner) = self;
        let count = inner.connection.writer().write(bytes)?;
        inner.send(socket);
        if count == 0 { Err(io::Error::from(io::ErrorKind::WriteZero).into()) } else { Ok(count) }
    }

    /// Whether something waits for the socket.
    pub(crate) fn has_unsent(&self) -> bool {
        self.0.has_output()
    }

    /// Has the socket take what waits for it, as far as it takes it.
    pub(crate) fn flush(&mut self, socket: &TcpStream) -> Result<(), TcpError> {
        self.0.send(socket);
        self.0.failure().map_or(Ok(()), Err)
    }

    /// **Blocks** until a `write` can take something.
    fn until_writable(&mut self, socket: &TcpStream) -> Result<(), TcpError> {
        loop {
            self.0.send(socket);
            if self.0.connection.is_handshaking() {
                self.0.receive(socket);
            }
            if let Some(error) = self.0.write_error() {
                return Err(error);
            }
            if self.known_writable() {
                return Ok(());
            }
            readiness::poll_one(socket.as_fd(), self.flags(Interest::WRITE), None)?;
        }
    }

    /// Ends this side's half, behind what waits for the socket.
    pub(crate) fn close(&mut self, socket: &TcpStream) {
        let Self(inner) = self;
        if matches!(inner.output, Output::Open) {
            inner.output = Output::Closing;
            if !inner.has_failed() && !inner.connection.is_handshaking() {
                inner.connection.send_close_notify();
            }
            inner.send(socket);
        }
    }

    /// Whether the socket has taken everything, the end of this half included.
    pub(crate) fn has_said_everything(&self) -> Result<bool, TcpError> {
        match &self.0.output {
            Output::Open | Output::Closing => Ok(false),
            Output::Closed => Ok(true),
            Output::Broken(failure) => Err((*failure).into()),
        }
    }
}

impl Inner {
    fn has_failed(&self) -> bool {
        matches!(self.end, Some(End::Tls(_) | End::Tcp(_)))
    }

    /// Whether something waits for the socket.
    fn has_output(&self) -> bool {
        match self.output {
            Output::Open => self.connection.wants_write(),
            Output::Closing => true,
            Output::Closed | Output::Broken(_) => false,
        }
    }

    /// How the connection broke, as far as writing is concerned.
    fn failure(&self) -> Option<TcpError> {
        match (&self.end, &self.output) {
            (Some(End::Tls(error)), _) => Some(error.clone().into()),
            (Some(End::Tcp(failure)), _) | (_, Output::Broken(failure)) => Some((*failure).into()),
            _ => None,
        }
    }

    /// Why a `write` cannot take anything, now or later.
    fn write_error(&self) -> Option<TcpError> {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe).into();
        self.failure().or_else(|| (!matches!(self.output, Output::Open)).then(closed))
    }

    /// Reads from the socket until there is something for this side, or nothing more to read. What
    /// has to be said in answer is said.
    fn receive(&mut self, mut socket: &TcpStream) {
        if self.decrypted > 0 {
            return;
        }
        for _ in 0..READS {
            if self.end.is_some() || self.decrypted >= ENOUGH {
                break;
            }
            match self.connection.read_tls(&mut socket) {
                Ok(0) => self.end = Some(self.end_of_tcp()),
                Ok(_) => self.decrypt(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error().is_some() => {
                    self.end = Some(End::Tcp(Failure::of(&error)));
                }
                // rustls itself: a message that is too long.
                Err(_) => self.end = Some(End::Tls(TlsError::new(&self.server, TlsErrorKind::Protocol))),
            }
        }
        self.send(socket);
    }

    /// Hands out what has been decrypted.
    fn take(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        let count = self.connection.reader().read(buffer)?;
        self.decrypted = self.decrypted.saturating_sub(count);
        if self.decrypted == 0 {
            self.decrypted = self.next_piece();
        }
        Ok(count)
    }

    /// How many decrypted bytes lie in the first of rustls' buffers.
    fn next_piece(&mut self) -> usize {
        self.connection.reader().fill_buf().map_or(0, <[u8]>::len)
    }

    /// Deals with what was read.
    fn decrypt(&mut self) {
        let is_handshaking = self.connection.is_handshaking();
        match self.process() {
            Ok(state) => {
                self.decrypted = state.plaintext_bytes_to_read();
                if state.peer_has_closed() {
                    self.end = Some(End::Closed);
                }
            }
            Err(error) => {
                // What came before is whole; rustls does not say how much it is.
                self.decrypted = self.decrypted.max(self.next_piece());
                self.end = Some(End::Tls(TlsError::of(&self.server, error, is_handshaking)));
            }
        }
    }

    fn process(&mut self) -> Result<IoState, rustls::Error> {
        if matches!(self.output, Output::Open) {
            return self.connection.process_new_packets();
        }
        // With debug assertions, rustls panics if it has to complain of what came when it has said
        // its end already. Nobody but the other side could be blamed for that, so it must not bring
        // this one down. The connection is not used any more after it.
        catch_unwind(AssertUnwindSafe(|| self.connection.process_new_packets()))
            .unwrap_or_else(|_| Err(rustls::Error::General("wrong, and after this side's end".into())))
    }

    /// What it means that TCP has ended, though TLS has not.
    fn end_of_tcp(&self) -> End {
        match self.output {
            // Once it has told an error, the operating system shows a reset connection as an ended
            // one.
            Output::Broken(failure) if !failure.is_broken_pipe() => End::Tcp(failure),
            _ if self.connection.is_handshaking() => {
                End::Tls(TlsError::new(&self.server, TlsErrorKind::Refused))
            }
            _ => End::Tls(TlsError::new(&self.server, TlsErrorKind::CutOff)),
        }
    }

    /// Has the socket take as much as it takes of what waits.
    fn send(&mut self, mut socket: &TcpStream) {
        if matches!(self.output, Output::Closed | Output::Broken(_)) {
            return;
        }
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut socket) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.output = Output::Broken(Failure::of(&error));
                    return;
                }
            }
        }
        if matches!(self.output, Output::Closing) {
            // Fails only where there is no connection any more.
            let _ = socket.shutdown(Shutdown::Write);
            self.output = Output::Closed;
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Inner { server, decrypted, end, output, .. } = &*self.0;
        f.debug_struct("Session")
            .field("server", server)
            .field("decrypted", decrypted)
            .field("end", end)
            .field("output", output)
            .finish_non_exhaustive()
    }
}
