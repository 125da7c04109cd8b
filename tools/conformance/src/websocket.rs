//! Frames of RFC 6455, written out, so that everything can be wrong about them.

use tungstenite::handshake::derive_accept_key;

pub(crate) const BINARY: u8 = 0x82;
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// The client's half of the handshake.
pub(crate) fn request(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .into_bytes()
}

/// What the answer to [`request`] has to have as `Sec-WebSocket-Accept`.
pub(crate) fn accept_of_request() -> String {
    derive_accept_key(b"dGhlIHNhbXBsZSBub25jZQ==")
}

/// The server's half, if the request has a key.
pub(crate) fn response(request: &str) -> Option<Vec<u8>> {
    let key = header(request, "sec-websocket-key")?;
    let accept = derive_accept_key(key.as_bytes());
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    Some(format!("{head}Sec-WebSocket-Accept: {accept}\r\n\r\n").into_bytes())
}

/// A header's value.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// A frame with this first byte.
pub(crate) fn frame(first: u8, payload: &[u8], masked: bool) -> Vec<u8> {
    let bit = if masked { 128 } else { 0 };
    let len = payload.len();
    let mut bytes = vec![first];
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..=125), _) => bytes.push(bit | len),
        (_, Ok(len)) => {
            bytes.push(bit | 126);
            bytes.extend(len.to_be_bytes());
        }
        _ => {
            bytes.push(bit | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    if masked {
        let mask = [0xa1, 0x52, 0x0f, 0x77];
        bytes.extend(mask);
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    } else {
        bytes.extend_from_slice(payload);
    }
    bytes
}

/// A frame that has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The first byte.
    pub(crate) first: u8,
    pub(crate) masked: bool,
    pub(crate) payload: Vec<u8>,
}

/// The first frame of these bytes, and how long it is, if it is all there.
pub(crate) fn parse(bytes: &[u8]) -> Option<(Frame, usize)> {
    let [first, second, ..] = *bytes else { return None };
    let masked = second & 128 != 0;
    let (len, at) = match second & 127 {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
        len => (usize::from(len), 2),
    };
    let (mask, at) = if masked { (bytes.get(at..at + 4)?, at + 4) } else { (&[0; 4][..], at) };
    let payload = bytes.get(at..at.checked_add(len)?)?;
    let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some((Frame { first, masked, payload }, at + len))
}
