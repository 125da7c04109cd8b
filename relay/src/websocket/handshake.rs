//! The HTTP request with which an endpoint begins, and the response.

use httparse::{EMPTY_HEADER, Header, Status};
use tungstenite::handshake::derive_accept_key;

/// Bytes of the longest request, up to and including the empty line behind its headers.
pub const MAX_REQUEST: usize = 8 * 1024;

/// Header lines of the longest request.
const MAX_HEADERS: usize = 64;

/// Answers a request, of which `bytes` is what has come so far, and maybe some of what comes behind it.
///
/// Returns how long the request is and the response that agrees to it, or `None` if more has to come.
///
/// # Errors
/// The response that refuses it and says why; the connection ends behind it.
pub fn handshake(bytes: &[u8]) -> Result<Option<(usize, Vec<u8>)>, Vec<u8>> {
    let Some(len) = end_of_head(bytes, 0) else {
        let is_too_long = bytes.len() >= MAX_REQUEST;
        return if is_too_long { Err(Refusal::TOO_LARGE.response()) } else { Ok(None) };
    };
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    parse(&bytes[..len], &mut headers)
        .and_then(|request| upgrade(&request))
        .map(|response| Some((len, response)))
        .map_err(Refusal::response)
}

/// A request line and headers.
pub(crate) type Request<'h, 'b> = httparse::Request<'h, 'b>;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Status code and phrase.
    pub(crate) status: &'static str,
    /// What is wrong, as the response's body.
    pub(crate) what: &'static str,
}

impl Refusal {
    pub(crate) const TOO_LARGE: Self =
        Self::new("431 Request Header Fields Too Large", "a request has at most 8192 bytes and 64 headers");

    const fn new(status: &'static str, what: &'static str) -> Self {
        Self { status, what }
    }

    const fn bad(what: &'static str) -> Self {
        Self::new("400 Bad Request", what)
    }

    pub(crate) fn response(self) -> Vec<u8> {
        let Self { status, what } = self;
        // which versions and methods there are is part of saying that another one is none (RFC 6455, 4.2.2; RFC 9110, 15.5.6)
        let more = match status.get(..3) {
            Some("405") => "Allow: GET\r\n",
            Some("426") => "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
            _ => "",
        };
        let len = what.len() + 1;
        format!(
            "HTTP/1.1 {status}\r\n{more}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len}\r\n\
             Connection: close\r\n\r\n{what}\n"
        )
        .into_bytes()
    }
}

/// Where a request ends: behind the first empty line. `from`: where it is known not to be before.
pub(crate) fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    let start = from.saturating_sub(3);
    let rest = bytes.get(start..)?;
    let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    for (at, _) in ends {
        match rest.get(at + 1..) {
            Some([b'\n', ..]) => return Some(start + at + 2),
            Some([b'\r', b'\n', ..]) => return Some(start + at + 3),
            _ => {}
        }
    }
    None
}

/// Takes a whole request apart.
pub(crate) fn parse<'h, 'b>(
    head: &'b [u8],
    headers: &'h mut [Header<'b>],
) -> Result<Request<'h, 'b>, Refusal> {
    if head.len() > MAX_REQUEST {
        return Err(Refusal::TOO_LARGE);
    }
    let mut request = Request::new(headers);
    match request.parse(head) {
        Ok(Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::TOO_LARGE),
        Err(httparse::Error::Version) => {
            return Err(Refusal::new("505 HTTP Version Not Supported", "this is HTTP/1.1"));
        }
        Ok(Status::Partial) | Err(_) => return Err(Refusal::bad("this is no HTTP request")),
    }
    if request.method != Some("GET") {
        return Err(Refusal::new("405 Method Not Allowed", "there is only GET"));
    }
    Ok(request)
}

/// Whether a request asks for a WebSocket.
pub(crate) fn is_upgrade(request: &Request<'_, '_>) -> bool {
    has_token(request, "Upgrade", "websocket")
}

/// Where the page comes from in which the browser runs that asks, as often as it says so.
pub(crate) fn origins<'a>(request: &'a Request<'_, '_>) -> impl Iterator<Item = &'a [u8]> {
    values(request, "Origin")
}

/// What the one that asks takes for the name of the one that is asked, as often as it says so.
pub(crate) fn hosts<'a>(request: &'a Request<'_, '_>) -> impl Iterator<Item = &'a [u8]> {
    values(request, "Host")
}

/// The response that agrees, if all is as RFC 6455, section 4.2.1, has it.
pub(crate) fn upgrade(request: &Request<'_, '_>) -> Result<Vec<u8>, Refusal> {
    if request.version != Some(1) {
        return Err(Refusal::new("505 HTTP Version Not Supported", "a WebSocket needs HTTP/1.1"));
    }
    if !is_upgrade(request) {
        return Err(Refusal::bad("the header Upgrade: websocket is missing"));
    }
    if !has_token(request, "Connection", "upgrade") {
        return Err(Refusal::bad("the header Connection: Upgrade is missing"));
    }
    if values(request, "Host").count() != 1 {
        return Err(Refusal::bad("there has to be one header Host"));
    }
    if !values(request, "Sec-WebSocket-Version").eq([&b"13"[..]]) {
        return Err(Refusal::new("426 Upgrade Required", "Sec-WebSocket-Version has to be 13"));
    }
    let mut keys = values(request, "Sec-WebSocket-Key");
    let key = keys.next().filter(|key| is_key(key) && keys.next().is_none());
    let key = key.ok_or(Refusal::bad("Sec-WebSocket-Key has to be there once, 16 bytes in base64"))?;
    let accept = derive_accept_key(key);
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes())
}

/// All values of a header.
fn values<'a>(request: &'a Request<'_, '_>, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    let found = request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    found.map(|header| header.value.trim_ascii())
}

/// Whether a header is a list with this word in it.
fn has_token(request: &Request<'_, '_>, name: &str, token: &str) -> bool {
    values(request, name)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

fn is_key(key: &[u8]) -> bool {
    key.len() == 24 && data_encoding::BASE64.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
