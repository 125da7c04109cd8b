//! TLS below a connection's transport: what the socket carries becomes what was meant, and the
//! other way round.
//!
//! rustls' unbuffered interface works on buffers that are lent to it, so what a connection holds is
//! only what lies between two reads or writes: the beginning of a record that has not come whole,
//! and records that the socket has not taken.

mod credentials;
mod pem;
pub(crate) mod records;
mod sealing;

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use rustls::{Error, ServerConfig};

pub(crate) use credentials::load;
use records::{MAX_PLAIN, OVERHEAD, Records};
use sealing::Sealing;

use crate::hellos::TLS;
use crate::http::Refusal;
use crate::queue::{Pool, Queue};
use crate::system::TcpStream;
use crate::transport::Transport;

/// What connections are accepted with: certificate and key, as they were read last.
pub(crate) type Credentials = Arc<ServerConfig>;

/// Bytes that may wait for the rest of a record, or of a message of the handshake: the longest
/// record there is. A message of the handshake could be longer, but none that a client without a
/// certificate has reason to send.
pub(crate) const MAX_KEPT: usize = 5 + 16_384 + 2048;

/// Bytes that rustls is taken to need for one connection beside those buffers: what it holds of
/// keys and states is not told.
const STATE: usize = 8 * 1024;

/// Bytes of memory that a connection with TLS may always have, on top of what each connection may.
pub(crate) const RESERVE: usize = STATE + MAX_KEPT + MAX_PLAIN + OVERHEAD;

/// TLS of one connection, as its server.
pub(crate) struct Tls {
    connection: UnbufferedServerConnection,
    /// The beginning of a record that has not come whole. rustls knows how far it has looked at it.
    kept: Vec<u8>,
    /// Records that the socket has not taken.
    output: Records,
    /// The first byte has come.
    has_begun: bool,
    is_established: bool,
    end: Option<End>,
}

/// Why nothing more comes, though the connection may be there still.
#[derive(Clone, Debug)]
enum End {
    /// The endpoint has closed TLS.
    Closed,
    Failed(Failure),
}

/// What is wrong with what came.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// Not TLS.
    Tls(Error),
    /// It does not begin with a record of a handshake.
    NoHello,
    /// An HTTP request that is not encrypted.
    PlainHttp,
    /// A message of the handshake that is too long.
    TooLong,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => error.fmt(f),
            Self::NoHello => {
                f.write_str("what came first is no TLS handshake; the endpoint may speak without TLS")
            }
            Self::PlainHttp => f.write_str("an HTTP request came without TLS"),
            Self::TooLong => f.write_str("a message of the handshake is too long"),
        }
    }
}

/// What came of a read.
#[derive(Debug)]
pub(crate) enum Got {
    /// So many bytes of what was meant, out of so many that were read, where so many were asked
    /// for.
    Bytes { len: usize, read: usize, asked: usize },
    /// The endpoint has ended its direction as it should.
    End,
    /// The endpoint has not kept to the rules.
    Failed(Failure),
}

/// What is to be done once rustls has dealt with all that came.
enum Then<'a> {
    Encrypt(&'a [u8]),
    Close,
}

impl Tls {
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, Error> {
        Ok(Self {
            connection: UnbufferedServerConnection::new(Arc::clone(credentials))?,
            kept: Vec::new(),
            output: Records::default(),
            has_begun: false,
            is_established: false,
            end: None,
        })
    }

    /// Whether the first byte has come.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether the handshake is over.
    pub(crate) fn is_established(&self) -> bool {
        self.is_established
    }

    /// Whether nothing more is to be read from the socket.
    pub(crate) fn is_at_end(&self) -> bool {
        self.end.is_some()
    }

    /// Bytes that a read may return beside those it reads.
    pub(crate) fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        STATE + self.kept.capacity() + self.output.memory()
    }

    /// Whether the socket has to take something.
    pub(crate) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Reads once, by way of `raw`. Whatever was read fits into `plain` when it is decrypted.
    pub(crate) fn read(
        &mut self,
        mut socket: &TcpStream,
        plain: &mut [u8],
        raw: &mut [u8],
    ) -> io::Result<Got> {
        match &self.end {
            Some(End::Closed) => return Ok(Got::End),
            Some(End::Failed(failure)) => return Ok(Got::Failed(failure.clone())),
            None => {}
        }
        let kept = self.kept.len();
        let asked = plain.len().min(raw.len()).saturating_sub(kept);
        let read = socket.read(&mut raw[kept..kept + asked])?;
        if read == 0 && !self.is_established {
            return Ok(Got::End);
        }
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "cut off: TLS was not closed"));
        }
        if !self.has_begun && raw[0].is_ascii_uppercase() {
            self.has_begun = true;
            let is_head = raw[..read].starts_with(b"HEAD ");
            self.output = Refusal::bad("this port speaks TLS: https or wss").response(is_head).into();
            self.end = Some(End::Failed(Failure::PlainHttp));
            return Ok(Got::Failed(Failure::PlainHttp));
        }
        if !self.has_begun && raw[0] != TLS {
            // an alert may stand in front of a hello, for rustls: that would be no way to have a
            // copy of one answered
            self.has_begun = true;
            self.end = Some(End::Failed(Failure::NoHello));
            return Ok(Got::Failed(Failure::NoHello));
        }
        self.has_begun = true;
        raw[..kept].copy_from_slice(&self.kept);
        let raw = &mut raw[..kept + read];
        let (used, len) = self.decrypt(raw, plain);
        if raw.len() - used > MAX_KEPT {
            self.end = self.end.take().or(Some(End::Failed(Failure::TooLong)));
        }
        self.keep(&raw[used..]);
        Ok(Got::Bytes { len, read, asked })
    }

    /// Keeps the beginning of a record until the rest of it has come. Between records no memory is
    /// held.
    fn keep(&mut self, rest: &[u8]) {
        if rest.is_empty() || self.end.is_some() {
            self.kept = Vec::new();
            return;
        }
        self.kept.clear();
        self.kept.reserve_exact(rest.len());
        self.kept.extend_from_slice(rest);
    }

    /// Decrypts what is whole of `raw`. Says how much of it was used and how long what was meant
    /// is.
    fn decrypt(&mut self, raw: &mut [u8], plain: &mut [u8]) -> (usize, usize) {
        let (mut used, mut len) = (0, 0);
        let end = loop {
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(&mut raw[used..]);
            let mut is_all = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        used += record.discard;
                        plain[len..len + record.payload.len()].copy_from_slice(record.payload);
                        len += record.payload.len();
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    if self.output.append(0, |to| data.encode(to)).is_err() {
                        break Some(End::Failed(Failure::TooLong));
                    }
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::BlockedHandshake) => is_all = true,
                Ok(ConnectionState::WriteTraffic(_)) => (self.is_established, is_all) = (true, true),
                // closed, or data before the handshake is over, which is not asked for
                Ok(_) => break Some(End::Closed),
                Err(error) => {
                    used += discard;
                    break Some(End::Failed(Failure::Tls(error)));
                }
            }
            used += discard;
            if is_all {
                break None;
            }
        };
        if let Some(End::Failed(_)) = end {
            // The endpoint is told what is wrong. Only what is ready may be taken: rustls must not
            // be asked to look at more after an error.
            while self.connection.wants_write()
                && let Ok(ConnectionState::EncodeTlsData(mut data)) =
                    self.connection.process_tls_records(&mut []).state
                && self.output.append(0, |to| data.encode(to)).is_ok()
            {}
        }
        self.end = end;
        (used, len)
    }

    /// Writes once: records that wait, or else what the transport has to say. Says how many bytes
    /// were taken and how many there were.
    ///
    /// What the transport says becomes records where those of all connections do. Only what the
    /// socket does not take is kept here.
    pub(crate) fn write(
        &mut self,
        socket: &TcpStream,
        transport: &mut Transport,
        queue: &mut Queue,
        pool: &mut Pool,
    ) -> io::Result<(usize, usize)> {
        if !self.output.is_empty() {
            return self.write_output(socket);
        }
        let mut scratch = std::mem::take(&mut pool.scratch);
        let sealed = transport.write(Sealing::new(self, &mut scratch, pool.share()), queue, pool);
        let written = scratch.records.write_to(socket);
        if !scratch.records.is_empty() {
            self.output = scratch.records.take();
        }
        pool.scratch = scratch;
        sealed.and(written)
    }

    /// Encrypts `bytes`, and writes as much as the socket takes. Says whether that was all.
    pub(crate) fn say(&mut self, socket: &TcpStream, bytes: &[u8]) -> bool {
        let mut records = std::mem::take(&mut self.output);
        let is_said = self.is_established
            && bytes.chunks(MAX_PLAIN).all(|bytes| self.then(&Then::Encrypt(bytes), &mut records).is_ok());
        self.output = records;
        is_said && self.flush_to(socket)
    }

    /// Closes this direction as it should be closed, and writes as much as the socket takes of what
    /// waits. Says whether the endpoint was told all that there was to say.
    pub(crate) fn close(&mut self, socket: &TcpStream) -> bool {
        if self.is_established {
            let mut records = std::mem::take(&mut self.output);
            let _ = self.then(&Then::Close, &mut records);
            self.output = records;
        }
        self.has_begun && self.flush_to(socket)
    }

    /// Writes records that wait. Says whether the socket has taken all of them.
    fn flush_to(&mut self, socket: &TcpStream) -> bool {
        self.write_output(socket).is_ok() && self.output.is_empty()
    }

    fn write_output(&mut self, socket: &TcpStream) -> io::Result<(usize, usize)> {
        let written = self.output.write_to(socket);
        if self.output.is_empty() {
            // an idle connection holds no memory
            self.output = Records::default();
        }
        written
    }

    /// Puts records at the end of `records`.
    fn then(&mut self, then: &Then<'_>, records: &mut Records) -> io::Result<()> {
        if let Some(End::Failed(_)) = self.end {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        loop {
            // what is kept holds no whole record, so nothing comes of it; but rustls knows how far
            // it has looked at it
            let UnbufferedStatus { state, .. } = self.connection.process_tls_records(&mut self.kept);
            match state.map_err(io::Error::other)? {
                ConnectionState::EncodeTlsData(mut data) => records.append(0, |to| data.encode(to))?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::WriteTraffic(mut traffic) => {
                    return match then {
                        Then::Encrypt(bytes) => {
                            records.append(bytes.len() + OVERHEAD, |to| traffic.encrypt(bytes, to))
                        }
                        Then::Close => records.append(OVERHEAD, |to| traffic.queue_close_notify(to)),
                    };
                }
                ConnectionState::PeerClosed => {}
                _ => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("is_established", &self.is_established).finish_non_exhaustive()
    }
}
