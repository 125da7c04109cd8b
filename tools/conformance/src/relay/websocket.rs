//! Section 9: WebSocket.

use super::{Pair, Peer, Target, strict, tolerant};
use crate::case::{Case, Outcome};
use crate::conn::Conn;
use crate::websocket::{self as ws, BINARY, CLOSE, PING, PONG, TEXT, accept_of_request, frame, header};
use crate::wire::command;

pub(super) const CASES: &[Case] = &[
    tolerant("9-upgrade", "the handshake on the same port, with any path", upgrade),
    tolerant("9-frames", "a user over WebSocket and a server over TCP", mixed),
    tolerant("9-borders", "every byte a message of its own", borders),
    strict("9-fragments", "fragmented messages, with a ping in between that is answered", fragments),
    strict("9-close", "a close is answered with a close", close),
    strict("9-unmasked", "an unmasked frame ends the connection, and only that", |target| {
        fails(target, &frame(BINARY, &[0x80, 0], false))
    }),
    strict("9-text", "a text frame ends the connection, and only that", |target| {
        fails(target, &frame(TEXT, b"text", true))
    }),
    strict("9-with-handshake", "frames that arrive together with the handshake", with_handshake),
    strict("9-borders/large", "a message of 200,000 bytes, and one of 300 fragments", large),
    strict("12.1-http-answer", "an HTTP request that is no upgrade is answered", not_an_upgrade),
    strict(
        "9-foreign-first-bytes",
        "the first bytes of HTTP's other methods and of TLS are refused",
        foreign,
    ),
];

/// A connection behind the handshake.
fn connect(target: &Target) -> Result<Peer, String> {
    let mut conn = target.tcp()?;
    conn.send_raw(&ws::request("/any/path?at=all"));
    upgraded(&mut conn)?;
    conn.speak_websocket();
    Ok(Peer::new(conn, target.name("there is none")))
}

fn upgraded(conn: &mut Conn) -> Outcome {
    let head = conn.head()?;
    if !head.starts_with("HTTP/1.1 101 ") {
        return Err(format!("the handshake was answered with {head:?}"));
    }
    match header(&head, "sec-websocket-accept") {
        Some(accept) if accept == accept_of_request() => Ok(()),
        other => Err(format!("Sec-WebSocket-Accept is {other:?}, {} was expected", accept_of_request())),
    }
}

fn pair(target: &Target) -> Result<Pair, String> {
    Pair::new(target.connect()?, connect(target)?, &target.name("room"))
}

fn no_complaint(peer: &Peer) -> Outcome {
    peer.conn.complaint.map_or(Ok(()), |complaint| Err(complaint.into()))
}

fn upgrade(target: &Target) -> Outcome {
    let mut peer = connect(target)?;
    peer.create(&target.name("room"))?;
    no_complaint(&peer)
}

fn mixed(target: &Target) -> Outcome {
    let mut pair = pair(target)?;
    for _ in 0..3 {
        pair.talk()?;
    }
    let long: Vec<u8> = (0..32_765_u32).map(|at| at as u8).collect();
    pair.user.say(pair.entered, &long);
    pair.server.hear_user(pair.own, pair.number, &long)?;
    pair.server.say_to_all(pair.own, &long);
    pair.user.hear(pair.entered, &long)?;
    no_complaint(&pair.user)
}

fn borders(target: &Target) -> Outcome {
    let mut pair = pair(target)?;
    for byte in [7, pair.entered, 1, 2, 3, 4, 5, 6] {
        pair.user.conn.send_raw(&frame(BINARY, &[byte], true));
    }
    pair.server.hear_user(pair.own, pair.number, &[1, 2, 3, 4, 5, 6])?;
    pair.user.conn.send_raw(&frame(BINARY, &[], true));
    pair.talk()
}

fn fragments(target: &Target) -> Outcome {
    let mut pair = pair(target)?;
    let conn = &mut pair.user.conn;
    conn.send_raw(&frame(0x02, &[4, pair.entered], true));
    conn.send_raw(&frame(PING, b"how are you", true));
    conn.send_raw(&frame(0x00, b"ab", true));
    conn.send_raw(&frame(0x80, b"c", true));
    pair.server.hear_user(pair.own, pair.number, b"abc")?;
    let end = pair.user.conn.end();
    loop {
        let came = pair.user.conn.frame(end)?;
        if came.first == PONG {
            let right = came.payload == b"how are you";
            return if right { Ok(()) } else { Err("the pong has not the payload of the ping".into()) };
        }
    }
}

fn close(target: &Target) -> Outcome {
    let mut peer = connect(target)?;
    peer.quiet()?;
    peer.conn.send_raw(&frame(CLOSE, &[3, 232], true));
    let end = peer.conn.end();
    loop {
        if peer.conn.frame(end)?.first == CLOSE {
            return Ok(());
        }
    }
}

fn fails(target: &Target, bytes: &[u8]) -> Outcome {
    let mut bystanders = target.pair("bystanders")?;
    let mut wrong = connect(target)?;
    wrong.quiet()?;
    wrong.conn.send_raw(bytes);
    wrong.closed()?;
    bystanders.talk()
}

fn with_handshake(target: &Target) -> Outcome {
    let mut conn = target.tcp()?;
    let create = frame(BINARY, &command(0, 1, &target.name("room")), true);
    conn.send_raw(&[ws::request("/"), create].concat());
    upgraded(&mut conn)?;
    conn.speak_websocket();
    let mut peer = Peer::new(conn, target.name("there is none"));
    match peer.answer(1)? {
        (false, _) => peer.quiet(),
        (true, code) => Err(format!("refused with code {code}")),
    }
}

fn large(target: &Target) -> Outcome {
    let mut pair = pair(target)?;
    let unit = [&[0x80 | (5001_u16 >> 8) as u8, 5001_u16 as u8, pair.entered], &[9; 5000][..]].concat();
    pair.user.conn.send_raw(&frame(BINARY, &unit.repeat(40), true));
    pair.server.hear_user(pair.own, pair.number, &vec![9; 200_000])?;
    let units: Vec<u8> = [2, pair.entered, 5].repeat(100);
    for (at, byte) in units.iter().enumerate() {
        let first = if at == 0 { 0x02 } else { 0 } | if at + 1 == units.len() { 0x80 } else { 0 };
        pair.user.conn.send_raw(&frame(first, &[*byte], true));
    }
    pair.server.hear_user(pair.own, pair.number, &[5; 100])
}

fn not_an_upgrade(target: &Target) -> Outcome {
    let mut conn = target.tcp()?;
    conn.send_raw(b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n");
    let head = conn.head()?;
    if head.starts_with("HTTP/1.1 ") && !head.starts_with("HTTP/1.1 101") {
        return Ok(());
    }
    Err(format!("the answer is {head:?}"))
}

fn foreign(target: &Target) -> Outcome {
    for first in [&b"POST / HTTP/1.1\r\n\r\n"[..], b"PUT /", b"\r\n\r\n", &[22, 3, 1, 0, 5, 1, 0, 0, 1, 3]] {
        // one that closes whatever comes does not pass
        target.connect()?.quiet()?;
        let mut peer = target.connect()?;
        peer.send(first);
        peer.closed().map_err(|why| format!("{why} after {:?}", String::from_utf8_lossy(first)))?;
    }
    Ok(())
}
