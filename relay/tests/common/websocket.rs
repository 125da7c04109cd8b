//! A WebSocket whose frames are written by hand, so that everything can be wrong about them.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{PATIENCE, Running};

pub const REQUEST: &str = "GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;

/// A masked frame with this first byte.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ ..126 => bytes.push(0x80 | u8::try_from(len).unwrap()),
        len @ ..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    let mask = [0xa1, 0x52, 0x0f, u8::try_from(payload.len() % 251).unwrap()];
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// Each byte as a message of its own, as some browser clients send them, with an empty one now and
/// then.
pub fn byte_by_byte(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    for (number, byte) in bytes.iter().enumerate() {
        if number % 7 == 0 {
            all.extend(frame(BINARY, &[]));
        }
        all.extend(frame(BINARY, &[*byte]));
    }
    all
}

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
    /// The connection has ended.
    End,
}

/// A blocking socket behind the handshake.
pub struct Browser<S = TcpStream> {
    pub socket: S,
    /// Payloads of messages that were not taken yet.
    received: Vec<u8>,
    /// Answers to pings that came among the messages.
    pub pongs: Vec<Vec<u8>>,
}

impl Browser {
    pub fn new(relay: &Running) -> Self {
        Self::over(relay.connect().socket)
    }

    pub fn over(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self::over_any(socket)
    }
}

impl<S: Read + Write> Browser<S> {
    pub fn over_any(mut socket: S) -> Self {
        socket.write_all(REQUEST.as_bytes()).unwrap();
        let response = head(&mut socket);
        assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
        Self::behind(socket)
    }

    /// One whose handshake is over.
    pub fn behind(socket: S) -> Self {
        Self { socket, received: Vec::new(), pongs: Vec::new() }
    }

    /// Bytes of the joint protocol as one message.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.raw(&frame(BINARY, bytes));
    }

    #[track_caller]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// The next frame; all that the relay sends is whole, not masked, and without reserved bits.
    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        let mut start = [0; 2];
        match self.socket.read(&mut start[..1]) {
            Ok(0) => return Frame::End,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Frame::End,
            result => assert_eq!(result.unwrap(), 1),
        }
        self.socket.read_exact(&mut start[1..]).unwrap();
        let len = match start[1] {
            len @ ..126 => usize::from(len),
            126 => usize::from(u16::from_be_bytes(self.exactly())),
            127 => usize::try_from(u64::from_be_bytes(self.exactly())).unwrap(),
            _ => panic!("the relay must not mask its frames"),
        };
        let mut payload = vec![0; len];
        self.socket.read_exact(&mut payload).unwrap();
        match start[0] {
            BINARY => Frame::Binary(payload),
            PONG => Frame::Pong(payload),
            CLOSE => Frame::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
            other => panic!("a frame of kind {other:#x}"),
        }
    }

    fn exactly<const LEN: usize>(&mut self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        self.socket.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// So many bytes of the joint protocol, out of however many messages.
    #[track_caller]
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        while self.received.len() < len {
            match self.frame() {
                Frame::Binary(payload) => self.received.extend(payload),
                Frame::Pong(payload) => self.pongs.push(payload),
                other => panic!("{other:?}"),
            }
        }
        self.received.drain(..len).collect()
    }

    /// An answer or event, keepalives left out.
    #[track_caller]
    pub fn control(&mut self) -> Vec<u8> {
        loop {
            let head = self.bytes(2);
            assert_eq!(head[0], 0, "this is data");
            let control = self.bytes(usize::from(head[1]));
            if !control.starts_with(&[0, 255]) {
                return control;
            }
        }
    }

    /// Data of the channel's server, of a length that is known, in however many units.
    #[track_caller]
    pub fn data(&mut self, channel: u8, len: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < len {
            let size = match self.bytes(1)[0] {
                0 => {
                    let len = self.bytes(1)[0];
                    assert!(self.bytes(usize::from(len)).starts_with(&[0, 255]), "not a keepalive");
                    continue;
                }
                size @ ..128 => usize::from(size),
                high => usize::from(high & 127) * 256 + usize::from(self.bytes(1)[0]),
            };
            let unit = self.bytes(size);
            assert_eq!(unit[0], channel);
            all.extend(&unit[1..]);
        }
        assert_eq!(all.len(), len);
        all
    }

    /// The relay says with this code that it is over, and ends the connection.
    #[track_caller]
    pub fn is_closed(&mut self, code: Option<u16>) {
        loop {
            match self.frame() {
                Frame::Binary(_) | Frame::Pong(_) => {}
                other => {
                    assert_eq!(other, Frame::Close(code));
                    assert_eq!(self.frame(), Frame::End);
                    return;
                }
            }
        }
    }
}

/// A response up to and including the empty line.
pub fn head(socket: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(socket.read(&mut byte).unwrap(), 1, "{}", head.escape_ascii());
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

/// The whole response to a request, until the relay closes.
#[track_caller]
pub fn response(relay: &Running, request: &[u8]) -> String {
    let mut socket = relay.connect().socket;
    socket.write_all(request).unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).unwrap();
    response
}
