//! The HTTP request with which an endpoint begins, and the response.

use httparse::EMPTY_HEADER;
use tungstenite::handshake::derive_accept_key;

use crate::http::{Collected, Head, MAX_HEAD, MAX_LINES, Method, Refusal};

/// Bytes of the longest request, up to and including the empty line behind its headers.
pub const MAX_REQUEST: usize = MAX_HEAD;

/// The one subprotocol that there is, under the name that clients for byte streams over WebSocket
/// give it.
const SUBPROTOCOL: &str = "binary";

/// Answers a request, of which `bytes` is what has come so far, and maybe some of what comes behind
/// it.
///
/// Returns how long the request is and the response that agrees to it, or `None` if more has to
/// come.
///
/// # Errors
/// The response that refuses it and says why; the connection ends behind it.
pub fn handshake(bytes: &[u8]) -> Result<Option<(usize, Vec<u8>)>, Vec<u8>> {
    let mut collected = Collected::default();
    let answer = collected.push(bytes).and_then(|len| {
        let Some(len) = len else { return Ok(None) };
        let mut headers = [EMPTY_HEADER; MAX_LINES];
        let response = upgrade(&collected.parse(&mut headers)?)?;
        Ok(Some((len, response)))
    });
    answer.map_err(|refusal| refusal.response(collected.is_head()))
}

/// Whether a request asks for a WebSocket.
pub(crate) fn is_upgrade(head: &Head<'_, '_>) -> bool {
    head.has_token("Upgrade", "websocket")
}

/// The response that agrees, if all is as RFC 6455, section 4.2.1, has it.
pub(crate) fn upgrade(head: &Head<'_, '_>) -> Result<Vec<u8>, Refusal> {
    if head.method != Method::Get {
        let refusal = Refusal::new("405 Method Not Allowed", "a WebSocket is asked for with GET");
        return Err(Refusal { methods: "GET", ..refusal });
    }
    if !head.is_1_1 {
        return Err(Refusal::new("505 HTTP Version Not Supported", "a WebSocket needs HTTP/1.1"));
    }
    if !is_upgrade(head) {
        return Err(Refusal::bad("the header Upgrade: websocket is missing"));
    }
    if !head.has_token("Connection", "upgrade") {
        return Err(Refusal::bad("the header Connection: Upgrade is missing"));
    }
    if head.has_content() {
        // it would be taken for frames
        return Err(Refusal::bad("a request for a WebSocket has no content"));
    }
    if !head.values("Sec-WebSocket-Version").eq([&b"13"[..]]) {
        return Err(Refusal::new("426 Upgrade Required", "Sec-WebSocket-Version has to be 13"));
    }
    let mut keys = head.values("Sec-WebSocket-Key");
    let key = keys.next().filter(|key| is_key(key) && keys.next().is_none());
    let key = key.ok_or(Refusal::bad("Sec-WebSocket-Key has to be there once, 16 bytes in base64"))?;
    let accept = derive_accept_key(key);
    let is_named = head.items("Sec-WebSocket-Protocol").any(|name| name == SUBPROTOCOL.as_bytes());
    let subprotocol =
        if is_named { format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n") } else { String::new() };
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{subprotocol}\r\n"
    )
    .into_bytes())
}

/// Whether this is 16 bytes in base64. The last of its 22 digits has bits behind them, which may be
/// anything: RFC 6455 has a key in section 4.1 whose are not 0.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix(b"==").is_some_and(|digits| digits.len() == 22 && digits.iter().all(is_digit))
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
