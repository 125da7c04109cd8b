//! The Wireshark dissector of tools/wireshark, compared field by field with the references of the
//! decoders.
#![cfg(unix)]

mod capture;
#[path = "../../../core/tests/chunk/reference.rs"]
#[allow(dead_code, reason = "the core's tests use all of it")]
mod chunk_reference;
mod expected;
#[path = "../vectors/recording.rs"]
#[allow(dead_code, reason = "tests of the recordings use all of it")]
mod recording;
#[path = "../../../core/tests/protocol/reference.rs"]
#[allow(dead_code, reason = "the core's tests use all of it")]
mod reference;
#[path = "../../../core/tests/protocol/said.rs"]
#[allow(dead_code, reason = "the core's tests use all of it")]
mod said;
mod shown;
mod tshark;

use std::fmt::Write as _;

use capture::Capture;
use expected::expected;
use peote_net::chunk::ChunkLimit;
use peote_net_simulation::Random;
use recording::Recording;
use shown::{Shown, compare};
use tshark::{Payload, dissect};

const LIMIT: ChunkLimit = ChunkLimit::DEFAULT;

/// The recording as it was, or with other cuts, or over WebSocket.
fn capture(recording: &Recording, websocket: bool, cuts: &mut dyn FnMut(usize) -> usize) -> Capture {
    let mut capture = Capture::default();
    if websocket {
        (0..recording.connections()).for_each(|connection| capture.upgrade(connection));
    }
    for line in &recording.lines {
        let mut rest = line.bytes.as_deref().unwrap_or_default();
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(cuts(rest.len()).clamp(1, rest.len()));
            capture.say(line.connection, line.to_relay, websocket, piece);
            rest = more;
        }
    }
    capture
}

/// Connections whose maximum chunk size is another are compared without chunks.
fn check(recording: &Recording, shown: &[Shown], limit: ChunkLimit, with_chunks: impl Fn(usize) -> bool) {
    for connection in 0..recording.connections() {
        for to_relay in [true, false] {
            let wanted = expected(&recording.stream(connection, to_relay), to_relay, false, limit);
            let what = format!("{}, connection {connection}, to the relay: {to_relay}", recording.name);
            compare(shown, connection, to_relay, &wanted, with_chunks(connection), &what);
        }
    }
}

fn limit_of(recording: &Recording) -> ChunkLimit {
    if recording.name == "chunks-256" { ChunkLimit::new(256) } else { LIMIT }
}

/// In two recordings no connection has another maximum, in "chunks-32k" three have.
fn has_limit(recording: &Recording) -> impl Fn(usize) -> bool {
    let mixed = recording.name == "chunks-32k";
    move |connection| !mixed || connection < 3
}

#[test]
fn every_recording_as_it_was() {
    for recording in recording::all() {
        let capture = capture(&recording, false, &mut |all| all);
        let limit = limit_of(&recording);
        let shown = dissect(&capture, limit, Payload::Chunks, &[]);
        check(&recording, &shown, limit, has_limit(&recording));
        // the second pass, as in the program with windows, says what the first one said
        assert_eq!(dissect(&capture, limit, Payload::Chunks, &["-2"]), shown, "{}", recording.name);
    }
}

#[test]
fn every_recording_in_small_pieces_and_over_websocket() {
    let mut random = Random::new(7);
    for recording in recording::all() {
        let limit = limit_of(&recording);
        let bytes = capture(&recording, false, &mut |_| 1 + random.below(3));
        check(&recording, &dissect(&bytes, limit, Payload::Chunks, &[]), limit, has_limit(&recording));
        let messages = capture(&recording, true, &mut |_| 1 + random.below(9));
        let shown = dissect(&messages, limit, Payload::Chunks, &[]);
        check(&recording, &shown, limit, has_limit(&recording));
        assert_eq!(dissect(&messages, limit, Payload::Chunks, &["-2"]), shown, "{}", recording.name);
    }
}

#[test]
fn names_of_channels_follow_their_numbers() {
    let recording = recording::broadcast();
    let shown = dissect(&capture(&recording, false, &mut |all| all), LIMIT, Payload::Chunks, &[]);
    let named = shown.iter().filter(|unit| unit.name.as_deref() == Some("chunks")).count();
    let keepalives = shown.iter().filter(|unit| unit.title == "keepalive").count();
    assert!(named > 20);
    assert_eq!(named + keepalives, shown.len(), "{shown:?}");
}

/// Every message of rpc-kinds.txt, and those of rpc.txt.
#[test]
fn remote_procedure_calls() {
    let mut capture = Capture::default();
    let mut wanted = String::new();
    for line in include_str!("../../vectors/rpc-kinds.txt").lines().filter(|line| !line.starts_with('#')) {
        let digits = line.split('\t').nth(2).unwrap();
        let len = digits.len() / 2;
        let message: Vec<u8> =
            (0..len).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect();
        let chunk = [&chunk_reference::length_field(len, 2)[..], &message].concat();
        for piece in chunk.chunks(1000) {
            let size = u16::try_from(piece.len() + 1).unwrap().to_be_bytes();
            capture.say(0, true, false, &[&[128 | size[0], size[1], 0], piece].concat());
        }
        let _ = writeln!(wanted, "{} {} {}", message[0], message[1], &digits[4..]);
    }
    let calls = |shown: &[Shown]| shown.iter().flat_map(|unit| unit.calls.clone()).collect::<Vec<String>>();
    let shown = calls(&dissect(&capture, LIMIT, Payload::Calls, &[]));
    assert_eq!(shown.len(), 117);
    assert_eq!(shown.join("\n"), wanted.trim_end());

    let recording = recording::rpc();
    let capture = self::capture(&recording, false, &mut |all| all);
    let shown = calls(&dissect(&capture, LIMIT, Payload::Calls, &[]));
    assert_eq!(shown[..2], ["0 offer", "0 offer"], "as the server sends it, and as it comes");
    assert!(shown.contains(&"0 1 06686920e29c93fbffffff".to_string()), "{shown:?}");
}

/// What section 11 of PROTOCOL.md shows, line by line.
#[test]
fn examples_of_the_specification() {
    let text = include_str!("../../../docs/PROTOCOL.md");
    let section = text.split_once("\n## 11 ").unwrap().1.split_once("\n## 12 ").unwrap().0;
    let mut capture = Capture::default();
    let mut streams: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for block in section.split("```").skip(1).step_by(2) {
        let lines = block.lines().filter(|line| line.starts_with("> ") || line.starts_with("< "));
        let (mut up, mut down) = (vec![0, 6, 0, 9, 1, 1, 1, 6, 4, 0, 128, 0, 0], Vec::new());
        for line in lines {
            let digits = line[2..].split(';').next().unwrap().split_whitespace();
            let bytes = digits.map(|byte| u8::from_str_radix(byte, 16).unwrap());
            if line.starts_with('>') { up.extend(bytes) } else { down.extend(bytes) }
        }
        capture.say(streams.len(), true, false, &up);
        if !down.is_empty() {
            capture.say(streams.len(), false, false, &down);
        }
        streams.push((up, down));
    }
    let shown = dissect(&capture, LIMIT, Payload::Data, &[]);
    assert_eq!(dissect(&capture, LIMIT, Payload::Data, &["-2"]), shown);
    let mut titles = std::collections::BTreeSet::new();
    for (connection, (up, down)) in streams.iter().enumerate() {
        for (to_relay, stream) in [(true, up), (false, down)] {
            let wanted = expected(stream, to_relay, true, LIMIT);
            compare(&shown, connection, to_relay, &wanted, false, "an example");
        }
    }
    titles.extend(shown.iter().map(|unit| unit.title.as_str()));
    let all = "admit, broadcast to those not left out, enter, grant, hello, keepalive, leave out, raised, refuse, \
        refused, success, user knocks, words";
    assert_eq!(titles.into_iter().collect::<Vec<_>>().join(", "), all);
}

/// Streams that are likely to mean something, with nonsense among it, cut anywhere.
#[test]
fn random_streams() {
    let mut random = Random::new(20_251_127);
    // every fourth one is of an endpoint that takes part, or is to one that does
    let streams: Vec<Vec<u8>> = (0..600).map(|at| stream(&mut random, at % 4 < 2)).collect();
    for websocket in [false, true] {
        let mut capture = Capture::default();
        for (connection, stream) in streams.iter().enumerate() {
            if websocket {
                capture.upgrade(connection);
            }
            let mut rest = &stream[..];
            while !rest.is_empty() {
                let (piece, more) = rest.split_at((1 + random.below(40)).min(rest.len()));
                capture.say(connection, connection % 2 == 0, websocket, piece);
                rest = more;
            }
        }
        let shown = dissect(&capture, LIMIT, Payload::Chunks, &[]);
        let mut units = 0;
        for (connection, stream) in streams.iter().enumerate() {
            let to_relay = connection % 2 == 0;
            let wanted = expected(stream, to_relay, connection % 4 < 2, LIMIT);
            units += wanted.len();
            let what = format!("websocket {websocket}, to the relay {to_relay}: {stream:02x?}");
            compare(&shown, connection, to_relay, &wanted, true, &what);
        }
        assert!(units > 1000, "{units} units are few");
    }
}

fn stream(random: &mut Random, takes_part: bool) -> Vec<u8> {
    let mut stream = Vec::new();
    if takes_part {
        stream.extend([0, 6, 0, 9, 1, 1, 1, 6, 4, 0, 128, 0, 0]);
    }
    for _ in 0..1 + random.below(12) {
        if takes_part && random.below(2) == 0 {
            new_unit(random, &mut stream);
            continue;
        }
        let mut byte = || {
            let any = u8::try_from(random.below(256)).unwrap();
            [any % 6, any % 6, 126 + any % 6, any][random.below(4)]
        };
        let (first, second, third, fourth) = (byte(), byte(), byte(), byte());
        match random.below(6) {
            0 => stream.extend([0, first, second, third, fourth]),
            // an answer or event with all its bytes
            1 => stream.extend([0, 5, 0, first % 3, second, third, fourth]),
            2 => stream.extend([0, 3, first, second % 3, third]),
            // a chunk, or several, or a part, in the data of few channels
            3 | 4 => {
                let payload: Vec<u8> =
                    vec![2, 7, 8, 9, 0, 1][random.below(3)..][..1 + random.below(3)].to_vec();
                let head = [&[1, 1, 128][..], &[128, 0], &[1, 0, 128, 3], &[0], &[129, 2]][random.below(5)];
                let (prefix, head) = if head[0] == 1 { head.split_at(2) } else { (&[][..], head) };
                let size = u8::try_from(head.len() + payload.len()).unwrap();
                stream.extend([prefix, &[size], head, &payload].concat());
            }
            _ => stream.extend([first, second, third]),
        }
    }
    // the first byte of a WebSocket's handshake
    if stream[0] == b'G' {
        stream[0] = b'g';
    }
    stream
}

/// A command or event of sections 11.4 to 11.8, whole or nearly; as likely the one as the other.
fn new_unit(random: &mut Random, stream: &mut Vec<u8>) {
    let mut bytes = |count: usize| -> Vec<u8> {
        let byte = |random: &mut Random| match random.below(3) {
            0 => 128 + u8::try_from(random.below(4)).unwrap(),
            1 => u8::try_from(random.below(9)).unwrap(),
            _ => u8::try_from(random.below(256)).unwrap(),
        };
        (0..count).map(|_| byte(random)).collect()
    };
    let several = bytes(14);
    let (kind, spare, own) = (several[0] % 16, usize::from(several[1] % 4), several[2] & 129);
    let items: Vec<u8> = (0..1 + spare)
        .flat_map(|at| {
            let (kind, length) = (several[3 + at] % 9, several[7 + at] % 7);
            [vec![kind, length], bytes(usize::from(length))].concat()
        })
        .collect();
    let command =
        |code: u8, payload: &[u8]| [&[0, code, 0, u8::try_from(payload.len()).unwrap()], payload].concat();
    let control = |payload: &[u8]| [&[0, u8::try_from(payload.len()).unwrap()], payload].concat();
    let mode = several[4] % 4;
    stream.extend(match kind {
        0 => command(6, &items),
        1 => command(6, &items[..items.len() - 1]),
        2 => command(7, &bytes(spare)),
        3 => command(8, &[&[own], &bytes(if own < 128 { 4 } else { 5 })[..]].concat()),
        4 => command(8, &bytes(3 + spare)),
        5 => command(9, &bytes(if spare == 0 { 2 } else { 3 })),
        6 => command(10, &bytes(3 + spare)),
        7 => command(11, &bytes(spare)),
        8 => [&[1, mode, 4, 129], &bytes(3)[..]].concat(),
        9 => control(&[&[0, 3], &items[..]].concat()),
        10 => control(&[&[0, 4], &bytes(7 + spare)[..]].concat()),
        11 => control(&[&[0, 5, own], &bytes(if own < 128 { 4 } else { 5 })[..]].concat()),
        12 => control(&[&[0, 5], &bytes(4 + spare)[..]].concat()),
        13 => control(&[&[0, 6], &bytes(9 + spare)[..]].concat()),
        14 => control(&[&[several[5], 0], &bytes(5 + spare)[..]].concat()),
        _ => control(&[&[several[5], 1], &bytes(1 + spare)[..]].concat()),
    });
}
