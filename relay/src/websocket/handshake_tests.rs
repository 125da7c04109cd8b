use super::*;

const GOOD: [&str; 6] = [
    "GET /any/path?query HTTP/1.1",
    "Host: relay.example:7680",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

fn request(lines: &[&str]) -> Vec<u8> {
    [&lines.join("\r\n"), "\r\n\r\n"].concat().into_bytes()
}

/// The example of RFC 6455, section 1.3.
#[track_caller]
fn is_agreed_to(bytes: &[u8]) {
    let (len, response) = handshake(bytes).unwrap().unwrap();
    assert_eq!(len, bytes.len());
    let response = String::from_utf8(response).unwrap();
    assert!(response.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{response}");
    assert!(response.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\n"));
}

#[track_caller]
fn is_refused(bytes: &[u8], status: &str) -> String {
    let response = String::from_utf8(handshake(bytes).unwrap_err()).unwrap();
    assert!(response.starts_with(&format!("HTTP/1.1 {status}")), "{response}");
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{response}");
    response
}

#[test]
fn the_example_of_the_rfc_in_many_spellings() {
    is_agreed_to(&request(&GOOD));
    is_agreed_to(&request(&GOOD.map(|line| match line {
        "Upgrade: websocket" => "uPGRADE:WebSocket ",
        "Connection: keep-alive, Upgrade" => "connection:   upgrade",
        other => other,
    })));
    // header lines in two, as lists may be, and with line ends of one byte
    let lines = GOOD.join("\n").replace("keep-alive, Upgrade", "keep-alive\nConnection: x,Upgrade");
    is_agreed_to(format!("{lines}\n\n").as_bytes());
    is_agreed_to(format!("{}\r\nOrigin: http://a.example\r\nCookie: a=b\r\n\n", GOOD.join("\n")).as_bytes());
}

/// RFC 9110, section 7.8, and RFC 6455, section 9.1.
#[test]
fn websocket_is_chosen_among_protocols_and_no_extension_is() {
    for (old, new) in [
        ("Upgrade: websocket", "Upgrade: h2c, WebSocket"),
        ("Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket"),
        ("Connection: keep-alive, Upgrade", "Connection: , keep-alive,,upgrade,"),
    ] {
        is_agreed_to(&request(&GOOD.map(|line| if line == old { new } else { line })));
    }
    let extension = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    let (_, response) = handshake(&request(&[&GOOD[..], &[extension]].concat())).unwrap().unwrap();
    assert!(!String::from_utf8(response).unwrap().contains("Extensions"));
}

#[test]
fn no_part_of_a_request_is_an_answer() {
    let whole = request(&GOOD);
    for len in 0..whole.len() {
        assert_eq!(handshake(&whole[..len]), Ok(None), "{len} bytes");
    }
    let more = [&whole[..], b"\x82\x80abcd\n\r\n\r\n"].concat();
    assert_eq!(handshake(&more).unwrap().unwrap().0, whole.len());
}

#[test]
fn each_part_is_necessary() {
    let without = |name: &str| {
        let lines: Vec<_> = GOOD.into_iter().filter(|line| !line.starts_with(name)).collect();
        request(&lines)
    };
    let with = |name: &str, line: &'static str| {
        request(&GOOD.map(|old| if old.starts_with(name) { line } else { old }))
    };
    is_refused(&without("Upgrade"), "400");
    is_refused(&without("Host"), "400");
    is_refused(&without("Connection"), "400");
    is_refused(&without("Sec-WebSocket-Key"), "400");
    is_refused(&with("Connection", "Connection: close"), "400");
    is_refused(&with("Sec-WebSocket-Key", "Sec-WebSocket-Key: "), "400");
    is_refused(&with("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"), "400");
    is_refused(&with("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSEh"), "400");
    is_refused(&with("Sec-WebSocket-Key", "Sec-WebSocket-Key: ************************"), "400");
    is_refused(&request(&[&GOOD[..], &[GOOD[4]]].concat()), "400");
    for version in ["Sec-WebSocket-Version: 8", "Sec-WebSocket-Version: 13, 8", "Sec-WebSocket-Version: "] {
        let response = is_refused(&with("Sec-WebSocket-Version", version), "426");
        assert!(response.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{response}");
    }
    is_refused(&without("Sec-WebSocket-Version"), "426");
    is_refused(&with("GET", "GET / HTTP/1.0"), "505");
    is_refused(&with("GET", "GET / HTTP/2.0"), "505");
    assert!(is_refused(&with("GET", "GETS / HTTP/1.1"), "405").contains("\r\nAllow: GET, HEAD\r\n"));
    // what comes behind would be taken for frames
    for content in
        ["Content-Length: 5", "Content-Length: x", "Content-Length: ", "Transfer-Encoding: chunked"]
    {
        is_refused(&request(&[&GOOD[..], &[content]].concat()), "400");
    }
    is_agreed_to(&request(&[&GOOD[..], &["Content-Length: 0"]].concat()));
}

/// RFC 6455, section 4.1, has a key of which the bits behind its 16 bytes are not 0, and says no
/// word about them.
#[test]
fn the_bits_behind_a_key_may_be_anything() {
    let with_key = |key: &str| {
        let line = format!("Sec-WebSocket-Key: {key}");
        request(&GOOD.map(|old| if old.starts_with("Sec-WebSocket-Key") { &line } else { old }))
    };
    // from an implementation of its own: base64(sha1(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
    for (key, accept) in [
        ("AQIDBAUGBwgJCgsMDQ4PEC==", "OfS0wDaT5NoxF2gqm7Zj2YtetzM="),
        ("AQIDBAUGBwgJCgsMDQ4PEA==", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY="),
    ] {
        let response = String::from_utf8(handshake(&with_key(key)).unwrap().unwrap().1).unwrap();
        assert!(response.contains(&format!("\r\nSec-WebSocket-Accept: {accept}\r\n")), "{response}");
    }
    for wrong in ["AQIDBAUGBwgJCgsMDQ4P=C==", "AQIDBAUGBwgJCgsMDQ4PE===", "AQIDBAUGBwgJCgsMDQ4PECAA", "=="] {
        is_refused(&with_key(wrong), "400");
    }
}

/// RFC 6455, sections 4.2.2 and 11.3.4: the server names one of those asked for, or none.
#[test]
fn the_subprotocol_binary_is_named_back() {
    let named = |lines: &[&str]| {
        let response = handshake(&request(&[&GOOD[..], lines].concat())).unwrap().unwrap().1;
        let response = String::from_utf8(response).unwrap();
        let line = response.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "));
        line.map(String::from)
    };
    assert_eq!(named(&[]), None);
    for lines in [
        &["Sec-WebSocket-Protocol: binary"][..],
        &["sec-websocket-protocol: base64, binary"],
        &["Sec-WebSocket-Protocol: base64", "Sec-WebSocket-Protocol: ,binary ,"],
    ] {
        assert_eq!(named(lines).as_deref(), Some("binary"), "{lines:?}");
    }
    // names are compared as they are
    for lines in [&["Sec-WebSocket-Protocol: chat"][..], &["Sec-WebSocket-Protocol: Binary, binary2"]] {
        assert_eq!(named(lines), None, "{lines:?}");
    }
}

#[test]
fn what_is_no_request_is_refused() {
    is_refused(b"G\r\n\r\n", "400");
    is_refused(b"GET / HTTP/1.1\r\nno colon\r\n\r\n", "400");
    is_refused(b"GET /\x00 HTTP/1.1\r\n\r\n", "400");
    is_refused(&request(&[&GOOD[..], &["Many: x"; MAX_LINES]].concat()), "431");
    is_refused(&[b'G'; MAX_REQUEST], "431");
    assert_eq!(handshake(&[b'G'; MAX_REQUEST - 1]), Ok(None));
    let long = format!("X: {}", "x".repeat(MAX_REQUEST));
    is_refused(&request(&[&GOOD[..], &[&long]].concat()), "431");
}
