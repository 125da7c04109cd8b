//! TLS below a connection's transport: what the socket carries becomes what was meant, and the
//! other way round.
//!
//! rustls' unbuffered interface works on buffers that are lent to it, so what a connection holds is
//! only what lies between two reads or writes: the beginning of a record that has not come whole,
//! and records that the socket has not taken.

mod credentials;
mod pem;

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{Error, ServerConfig};

pub(crate) use credentials::load;

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

/// Bytes that are encrypted at once: one record.
const MAX_PLAIN: usize = 16_384;

/// Bytes by which a record is longer than what it says, at most.
const OVERHEAD: usize = 64;

/// Bytes that may wait to be taken by the socket when rustls has more to say. The flight with the
/// certificates is the longest.
const MAX_OUTPUT: usize = 256 * 1024;

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
    output: Vec<u8>,
    /// Bytes of `output` that it has.
    taken: usize,
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
    /// An HTTP request that is not encrypted.
    PlainHttp,
    /// A message of the handshake that is too long.
    TooLong,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => error.fmt(f),
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
    Nothing,
    Encrypt(&'a [u8]),
    Close,
}

impl Tls {
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, Error> {
        Ok(Self {
            connection: UnbufferedServerConnection::new(Arc::clone(credentials))?,
            kept: Vec::new(),
            output: Vec::new(),
            taken: 0,
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
        STATE + self.kept.capacity() + self.output.capacity()
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
            self.output = Refusal::bad("this port speaks TLS: https or wss").response(is_head);
            self.end = Some(End::Failed(Failure::PlainHttp));
            return Ok(Got::Failed(Failure::PlainHttp));
        }
        self.has_begun = true;
        raw[..kept].copy_from_slice(&self.kept);
        let raw = &mut raw[..kept + read];
        let (used, len) = self.decrypt(raw, plain);
        let rest = &raw[used..];
        if rest.len() > MAX_KEPT {
            self.end = self.end.take().or(Some(End::Failed(Failure::TooLong)));
        }
        self.kept = if self.end.is_some() { Vec::new() } else { rest.to_vec() };
        Ok(Got::Bytes { len, read, asked })
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
                    if encode(&mut self.output, |to| data.encode(to)).is_err() {
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
                && encode(&mut self.output, |to| data.encode(to)).is_ok()
            {}
        }
        self.end = end;
        (used, len)
    }

    /// Writes once: records that wait, or else what the transport has to say. Says how many bytes
    /// were taken and how many there were.
    pub(crate) fn write(
        &mut self,
        socket: &TcpStream,
        transport: &mut Transport,
        queue: &mut Queue,
        pool: &mut Pool,
    ) -> io::Result<(usize, usize)> {
        if self.output.is_empty() {
            transport.write(&mut *self, queue, pool)?;
        }
        self.flush_to(socket)
    }

    /// Encrypts `bytes`, as far as one record goes, and writes as much as the socket takes. Says
    /// whether that was all.
    pub(crate) fn say(&mut self, socket: &TcpStream, mut bytes: &[u8]) -> bool {
        while self.is_established && !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(MAX_PLAIN));
            if self.then(&Then::Encrypt(now)).is_err() {
                return false;
            }
            bytes = later;
        }
        bytes.is_empty() && self.flush_to(socket).is_ok() && self.output.is_empty()
    }

    /// Closes this direction as it should be closed, and writes as much as the socket takes of what
    /// waits. Says whether the endpoint was told all that there was to say.
    pub(crate) fn close(&mut self, socket: &TcpStream) -> bool {
        if self.is_established {
            let _ = self.then(&Then::Close);
        }
        self.has_begun && self.flush_to(socket).is_ok() && self.output.is_empty()
    }

    fn flush_to(&mut self, mut socket: &TcpStream) -> io::Result<(usize, usize)> {
        let waiting = self.output.get(self.taken..).unwrap_or_default();
        if waiting.is_empty() {
            return Ok((0, 0));
        }
        let offered = waiting.len();
        let taken = socket.write(waiting)?;
        self.taken += taken;
        if taken == offered {
            // an idle connection holds no buffer
            (self.output, self.taken) = (Vec::new(), 0);
        }
        Ok((taken, offered))
    }

    /// Puts records behind those that wait.
    fn then(&mut self, then: &Then<'_>) -> io::Result<()> {
        if let Some(End::Failed(_)) = self.end {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        loop {
            // what is kept holds no whole record, so nothing comes of it; but rustls knows how far
            // it has looked at it
            let UnbufferedStatus { state, .. } = self.connection.process_tls_records(&mut self.kept);
            match state.map_err(io::Error::other)? {
                ConnectionState::EncodeTlsData(mut data) => encode(&mut self.output, |to| data.encode(to))?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::WriteTraffic(mut traffic) => {
                    return match then {
                        Then::Nothing => Ok(()),
                        Then::Encrypt(bytes) => encode(&mut self.output, |to| traffic.encrypt(bytes, to)),
                        Then::Close => encode(&mut self.output, |to| traffic.queue_close_notify(to)),
                    };
                }
                ConnectionState::PeerClosed => {}
                _ => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }
}

/// What a transport writes to is encrypted at once, one record at most. What the socket does not
/// take of it waits.
impl Write for &mut Tls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(MAX_PLAIN);
        self.then(&Then::Encrypt(&bytes[..len]))?;
        Ok(len)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut all = Vec::with_capacity(total.min(MAX_PLAIN));
        for slice in slices {
            let room = MAX_PLAIN - all.len();
            all.extend(&slice[..slice.len().min(room)]);
        }
        self.write(&all)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.then(&Then::Nothing)
    }
}

/// How much more room it takes to say something.
trait Lack {
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

/// Puts what `encode` writes at the end of `output`.
fn encode<E: Lack + Into<Box<dyn std::error::Error + Send + Sync>>>(
    output: &mut Vec<u8>,
    mut encode: impl FnMut(&mut [u8]) -> Result<usize, E>,
) -> io::Result<()> {
    let before = output.len();
    let len = match encode(&mut []) {
        Ok(len) => len,
        Err(error) => {
            let lack = error.lack().filter(|lack| before + lack <= MAX_OUTPUT);
            let Some(lack) = lack else { return Err(io::Error::other(error)) };
            output.reserve_exact(lack);
            output.resize(before + lack, 0);
            encode(&mut output[before..]).map_err(io::Error::other)?
        }
    };
    output.truncate(before + len);
    Ok(())
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("is_established", &self.is_established).finish_non_exhaustive()
    }
}
