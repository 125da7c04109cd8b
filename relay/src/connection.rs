//! One connection: its socket, what waits in both directions, and what it waits for.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use peote_net::relay::{ConnectionId, Home};

use crate::access::{Granted, Permit};
use crate::allowance::Allowance;
use crate::hellos::{HEAD, TLS};
use crate::pace::Pace;
use crate::patience::Patience;
use crate::proxy::Arrival;
use crate::queue::{Pool, Queue};
use crate::rate::{Bucket, Rate};
use crate::rest::Rest;
use crate::system::TcpStream;
use crate::times::Times;
use crate::tls::{self, Credentials, Got, Tls};
use crate::transport::{End, Transport};
use crate::wait::Wait;

/// Whether a read or write that handled less than it was asked for has emptied (or filled) the
/// socket, so that readiness will be reported again. Elsewhere only "would block" says that.
pub(crate) const SHORT_IS_ALL: bool = cfg!(unix);

/// Whether this is the first byte of an HTTP request: methods are upper-case letters, and there may
/// be empty lines in front. As the first byte of the joint protocol it would be data for a channel
/// that cannot be yet.
///
/// That is so for all methods and not for GET alone, because a page can make a browser send any
/// bytes behind `POST`, with no handshake that says which page it is; as data they would be
/// skipped, and what comes behind them would be commands.
pub(crate) const fn begins_http(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'\r' | b'\n')
}

/// Everything about one connection but who is in which channel.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) address: SocketAddr,
    /// What stands for the address where that is looked for often.
    pub(crate) home: Home,
    socket: TcpStream,
    /// Between the socket and the transport, where it was accepted so.
    tls: Option<Box<Tls>>,
    pub(crate) transport: Transport,
    /// Bytes of memory of TLS and the transport that the pool knows of.
    counted: usize,
    pub(crate) queue: Queue,
    /// What was read but could not be routed yet.
    pub(crate) rest: Rest,
    pub(crate) flags: Flags,
    /// How often it is written.
    pub(crate) pace: Pace,
    /// How often it has said something only to those who are written often.
    pub(crate) calm: u8,
    pub(crate) wait: Wait,
    /// When it came, in milliseconds.
    pub(crate) since: u64,
    /// Bytes that came from it and that its socket took, since it came and when that was last
    /// looked at.
    pub(crate) traffic: Traffic,
    pub(crate) looked_at: Traffic,
    /// What is still to be told about where it comes from. Its address is not counted before that.
    pub(crate) arrival: Arrival,
    /// What it was granted beyond what everybody may, if anything.
    pub(crate) granted: Option<Box<Granted>>,
    /// How much it may send, and how many channels it may have.
    pub(crate) allowance: Allowance,
    /// Commands that it may give.
    pub(crate) commands: Rate,
    /// Messages and bytes that it may send.
    pub(crate) messages: Bucket,
    pub(crate) bytes: Bucket,
    /// Why commands of it were refused, as far as that was logged: a bit for each cause.
    pub(crate) refusals_said: u32,
    /// Channels that it owns or is in.
    pub(crate) channels: u32,
    /// Channels that it owns, as they are counted for its address.
    pub(crate) own: u16,
    /// Since when it has been in none, in milliseconds.
    pub(crate) unused_since: u64,
    /// When something has come from it last, in milliseconds.
    pub(crate) last_received: u64,
    /// When its stage began, in milliseconds.
    pub(crate) stage_since: u64,
    /// When it is sent a keepalive unless it is sent something else, in milliseconds.
    pub(crate) keepalive_at: u64,
    /// Milliseconds between two keepalives, if its endpoint has asked for some.
    pub(crate) keepalive_every: Option<u64>,
    /// Milliseconds between two keepalives that its endpoint was told in answer to a hello, and
    /// judges silence by. A configuration that is read again takes nothing back.
    pub(crate) keepalive_told: u64,
    /// Name and version of its program, as it says.
    pub(crate) program: Option<Box<[u8]>>,
    /// Bytes that had come from it when it was found to be late, while something was to be served.
    pub(crate) overdue: Option<u64>,
}

/// What is known about a connection's socket, and on which lists it is.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    /// There may be something to read.
    pub(crate) readable: bool,
    /// Its endpoint has sent all it will ever send, so a short read does not mean that a read would
    /// block.
    pub(crate) read_closed: bool,
    /// The socket may take something.
    pub(crate) writable: bool,
    /// Nothing is queued any more: it is thrown away. What has come is still routed.
    pub(crate) mute: bool,
    /// Nothing can be written any more.
    pub(crate) broken: bool,
    /// Its first byte has come.
    pub(crate) started: bool,
    /// It was late, and was given more time, because the relay was late itself.
    pub(crate) has_extra_time: bool,
    /// The system was told that it may take nothing for long, because it is held up.
    pub(crate) patient: bool,
    /// It is a WebSocket, and what was read last was many small frames.
    pub(crate) small_frames: bool,
    /// It was said in the log that it sends more than it may.
    pub(crate) limited: bool,
    /// It is on the list of those to be written.
    pub(crate) dirty: bool,
    /// Its socket is looked at once in a millisecond.
    pub(crate) unhurried: bool,
    /// The core waits until its queue has drained.
    pub(crate) awaited: bool,
    /// It takes part in flow control.
    pub(crate) takes_part: bool,
    /// It held too much, and is closed as soon as may be.
    pub(crate) given_up: bool,
}

/// Bytes in both directions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

/// What came of a read.
#[derive(Debug)]
pub(crate) enum Input {
    /// That many bytes of the joint protocol, from that many that were read.
    Bytes { len: usize, read: usize },
    /// That many bytes of an HTTP request, and maybe of what comes behind it, from that many that
    /// were read.
    Http { len: usize, read: usize },
    /// So many bytes were read, and mean nothing before more comes.
    Incomplete(usize),
    /// Nothing now.
    None,
    /// Nothing any more.
    End(Ending),
}

/// Why nothing more comes of a connection.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The endpoint sends nothing any more.
    Ended,
    /// Nor does it over its WebSocket.
    WebSocket(End),
    /// TLS where none is spoken. It is not skipped as data for nobody, for the reason that HTTP is
    /// not.
    TlsHere,
    /// What came is not TLS, or not as it should be.
    TlsFailed(tls::Failure),
    /// The hello of its TLS is a copy of one that was answered.
    TlsCopied,
    /// The connection is broken.
    Broken(io::Error),
}

/// How far a connection is on its way to the joint protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its first byte has not come, over TLS or without.
    Silent,
    /// Its TLS handshake has begun.
    TlsHandshake,
    /// Its HTTP request has begun.
    Request,
    /// It speaks the joint protocol.
    Open,
}

/// How far a connection's TLS is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsStage {
    /// There is none, or nothing has come.
    None,
    /// The handshake has begun.
    Handshake,
    /// The handshake is over.
    Established,
}

impl Connection {
    pub(crate) fn new(
        id: ConnectionId,
        socket: TcpStream,
        address: SocketAddr,
        home: Home,
        now: u64,
        (times, allowance): (&Times, Allowance),
    ) -> Self {
        let flags = Flags { writable: true, ..Flags::default() };
        Self {
            id,
            address,
            home,
            socket,
            tls: None,
            transport: Transport::Plain,
            counted: 0,
            queue: Queue::default(),
            rest: Rest::default(),
            flags,
            pace: Pace::new(now * 1000),
            calm: 0,
            wait: Wait::new(Patience::new(now, times.terms), Patience::new(now, times.terms)),
            since: now,
            traffic: Traffic::default(),
            looked_at: Traffic::default(),
            arrival: Arrival::Settled,
            granted: None,
            allowance,
            commands: Rate::default(),
            messages: Bucket::default(),
            bytes: Bucket::default(),
            refusals_said: 0,
            channels: 0,
            own: 0,
            unused_since: now,
            last_received: now,
            stage_since: now,
            keepalive_at: now + times.keepalive,
            keepalive_every: None,
            keepalive_told: u64::MAX,
            program: None,
            overdue: None,
        }
    }

    /// Milliseconds of silence after which it is sent a keepalive. `interval`: the configuration's.
    pub(crate) fn keepalive(&self, interval: u64) -> u64 {
        self.keepalive_every.unwrap_or(interval.min(self.keepalive_told))
    }

    /// Has it begin with TLS.
    pub(crate) fn begin_tls(&mut self, credentials: &Credentials) -> io::Result<()> {
        self.tls = Some(Box::new(Tls::new(credentials).map_err(io::Error::other)?));
        Ok(())
    }

    /// Whether it is one with TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// What its transport is called.
    pub(crate) fn transport_name(&self) -> &'static str {
        match (&self.transport, self.is_tls()) {
            (Transport::Plain, false) => "plain",
            (Transport::Plain, true) => "tls",
            (Transport::Http(_), _) => "http",
            (Transport::WebSocket(_), false) => "websocket",
            (Transport::WebSocket(_), true) => "wss",
        }
    }

    /// The subject of its token, if it has shown one.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.granted.as_ref()?.permit.as_ref().map(Permit::subject)
    }

    /// Bytes of memory that it takes what it was granted.
    pub(crate) fn granted_memory(&self) -> usize {
        self.granted.as_ref().map_or(0, |granted| granted.memory())
    }

    /// How far its TLS is.
    pub(crate) fn tls_stage(&self) -> TlsStage {
        match &self.tls {
            Some(tls) if tls.is_established() => TlsStage::Established,
            Some(tls) if tls.has_begun() => TlsStage::Handshake,
            _ => TlsStage::None,
        }
    }

    /// Whether it begins with TLS and that is not established.
    pub(crate) fn is_in_handshake(&self) -> bool {
        self.is_tls() && self.tls_stage() != TlsStage::Established
    }

    /// How far it is on its way to the joint protocol.
    pub(crate) fn stage(&self) -> Stage {
        match (&self.transport, self.flags.started) {
            (Transport::Http(_), _) => Stage::Request,
            (_, true) => Stage::Open,
            (_, false) if self.tls_stage() == TlsStage::Handshake => Stage::TlsHandshake,
            (_, false) => Stage::Silent,
        }
    }

    /// Bytes that a read may return on top of those that it reads.
    pub(crate) fn kept(&self) -> usize {
        self.tls.as_ref().map_or(0, |tls| tls.kept())
    }

    /// Bytes of memory that it may always have, on top of what each connection may.
    pub(crate) fn reserve(&self) -> usize {
        if self.is_tls() { tls::RESERVE } else { 0 }
    }

    /// How a connection that begins with TLS begins, as far as it has come; nothing where it has
    /// begun already. Nothing is read by that.
    pub(crate) fn peek_hello<'a>(&self, head: &'a mut [u8; HEAD]) -> Option<&'a [u8]> {
        self.tls.as_ref().filter(|tls| !tls.has_begun())?;
        let len = self.socket.peek(head).ok()?;
        head.get(..len).filter(|head| !head.is_empty())
    }

    /// Reads once. What came over TLS is decrypted by way of `raw`.
    pub(crate) fn read(&mut self, buffer: &mut [u8], raw: &mut [u8]) -> Input {
        if let Some(end) = self.transport.end() {
            return Input::End(Ending::WebSocket(end));
        }
        let got = match &mut self.tls {
            None => self.socket.read(buffer).map(|read| match read {
                0 => Got::End,
                read => Got::Bytes { len: read, read, asked: buffer.len() },
            }),
            Some(tls) => tls.read(&self.socket, buffer, raw),
        };
        match got {
            Ok(Got::End) => Input::End(Ending::Ended),
            Ok(Got::Failed(failure)) => Input::End(Ending::TlsFailed(failure)),
            Ok(Got::Bytes { len, read, asked }) => {
                if SHORT_IS_ALL && read < asked && !self.flags.read_closed {
                    self.flags.readable = false;
                }
                if self.tls.as_ref().is_some_and(|tls| tls.is_at_end()) {
                    // what has come before the end is routed first; the next read says why it is
                    // the end
                    (self.flags.readable, self.flags.read_closed) = (true, true);
                }
                let is_first = !self.flags.started;
                self.flags.started |= len > 0;
                match self.transport {
                    _ if len == 0 => Input::Incomplete(read),
                    Transport::Plain if is_first && buffer[0] == TLS => Input::End(Ending::TlsHere),
                    Transport::Plain if !is_first || !begins_http(buffer[0]) => Input::Bytes { len, read },
                    Transport::Plain => {
                        self.transport = Transport::Http(Box::default());
                        Input::Http { len, read }
                    }
                    Transport::Http(_) => Input::Http { len, read },
                    Transport::WebSocket(_) => Input::Bytes { len: self.decode(&mut buffer[..len]), read },
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.flags.readable = false;
                Input::None
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Input::None,
            Err(error) => Input::End(Ending::Broken(error)),
        }
    }

    pub(crate) fn is_web_socket(&self) -> bool {
        matches!(self.transport, Transport::WebSocket(_))
    }

    /// Frames that have begun in what was read since the last time this was asked, if it is a
    /// WebSocket.
    pub(crate) fn take_frames(&mut self) -> u64 {
        match &mut self.transport {
            Transport::WebSocket(framed) => framed.take_frames(),
            _ => 0,
        }
    }

    /// Makes of what was read what was meant, in place. Says how long that is.
    pub(crate) fn decode(&mut self, bytes: &mut [u8]) -> usize {
        let Transport::WebSocket(framed) = &mut self.transport else { return bytes.len() };
        let len = framed.decode(bytes);
        if framed.is_at_end() {
            // what has come before the end is routed first; the next read says why it is the end
            (self.flags.readable, self.flags.read_closed) = (true, true);
        }
        len
    }

    /// Throws away what is queued for an endpoint that has said its last word, but for the rest of
    /// a frame. Says whether that is news.
    pub(crate) fn stop_queueing(&mut self, pool: &mut Pool) -> bool {
        let Transport::WebSocket(framed) = &self.transport else { return false };
        if !framed.is_at_end() || self.flags.mute {
            return false;
        }
        self.flags.mute = true;
        self.queue.truncate(framed.payload_left(), pool);
        true
    }

    /// Whether there is something to write that can be written some day.
    #[inline]
    pub(crate) fn has_output(&self) -> bool {
        !self.flags.broken
            && match &self.tls {
                None => self.transport.has_output(&self.queue),
                Some(tls) => {
                    tls.has_output() || tls.is_established() && self.transport.has_output(&self.queue)
                }
            }
    }

    /// Tells the pool how much memory TLS and the transport take now.
    #[inline]
    pub(crate) fn count_transport(&mut self, pool: &mut Pool) {
        let now = self.transport.memory() + self.tls.as_ref().map_or(0, |tls| tls.memory());
        if now != self.counted {
            pool.add(now);
            pool.remove(std::mem::replace(&mut self.counted, now));
        }
    }

    /// Writes what is queued, as far as the socket takes it. Says how many bytes it took.
    ///
    /// What is left after about `most` bytes waits for the next time.
    pub(crate) fn write(&mut self, pool: &mut Pool, most: usize) -> usize {
        let mut all = 0;
        while self.flags.writable && self.has_output() && all < most {
            let written = match &mut self.tls {
                None => self.transport.write(&self.socket, &mut self.queue, pool),
                Some(tls) => tls.write(&self.socket, &mut self.transport, &mut self.queue, pool),
            };
            match written {
                Ok((taken, offered)) => {
                    all += taken;
                    if SHORT_IS_ALL && taken < offered {
                        self.flags.writable = false;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.flags.writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.silence(pool),
            }
        }
        self.traffic.sent += all as u64;
        self.count_transport(pool);
        all
    }

    /// Nothing can be written any more. That it is broken shows when it is read, after what has
    /// come before.
    fn silence(&mut self, pool: &mut Pool) {
        self.queue.clear(pool);
        (self.flags.mute, self.flags.broken) = (true, true);
        (self.flags.readable, self.flags.read_closed) = (true, true);
    }

    /// Writes this at once, beside the queue. Says whether the socket took all of it.
    pub(crate) fn say(&mut self, bytes: &[u8]) -> bool {
        match &mut self.tls {
            None => self.socket.write(bytes).is_ok_and(|len| len == bytes.len()),
            Some(tls) => tls.say(&self.socket, bytes),
        }
    }

    /// Closes TLS as it should be closed. Says whether there is TLS, and its endpoint was told so.
    pub(crate) fn close_tls(&mut self) -> bool {
        self.tls.as_mut().is_some_and(|tls| tls.close(&self.socket))
    }

    /// Forgets TLS and transport, which ends what they take of memory.
    pub(crate) fn strip(&mut self, pool: &mut Pool) {
        (self.tls, self.transport) = (None, Transport::Plain);
        self.count_transport(pool);
    }

    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    pub(crate) fn into_socket(self) -> TcpStream {
        self.socket
    }
}
