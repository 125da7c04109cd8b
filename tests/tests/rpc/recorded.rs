//! The recorded calls (`tests/vectors/rpc.txt`): a link understands what existing peers have sent,
//! and sends the same bytes.

use peote_net::link::{Event, Flow, Mode, SendError, Source};
use peote_net::rpc::{self, Message, Remote};
use peote_net::value::{List, Map};
use peote_net_formats::haxe::Haxe;

use crate::calls::{Anonymous, Log, Recorded, RecordedCaller, Speaker, SpeakerCaller};
use crate::peer::{Peer as _, Relay, TestLink, chunks_to_relay, poll};

/// All bytes of one connection in one direction.
fn stream(connection: &str, direction: &str) -> Vec<u8> {
    let mut stream = Vec::new();
    for line in include_str!("../../vectors/rpc.txt").lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        if fields[..2] == [connection, direction] && fields[2] != "EOF" {
            let hex = (0..fields[2].len()).step_by(2).map(|at| &fields[2][at..at + 2]);
            stream.extend(hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        }
    }
    assert!(!stream.is_empty());
    stream
}

/// What the user of the recording sent: its offer, and a call of each procedure.
fn send_as_the_user(out: &mut peote_net::link::Out<'_>, object: Remote) -> Result<(), SendError> {
    rpc::offer(out, object.destination(), 3)?;
    let caller = RecordedCaller::new(object);
    caller.hello(out)?;
    caller.message(out, "hi ✓", -5)?;
    caller.scalars(out, true, 200, 65535, -32768, -2_147_483_648, 1.5, -0.1)?;
    caller.blobs(out, &[0, 0xff, 0x80], &[])?;
    let rows = [List::from(&[1, 2]), List::default(), List::from(&[65535])];
    caller.lists(
        out,
        (&[1, -1, 300]).into(),
        (&["a", "bc"]).into(),
        (&[true, false]).into(),
        (&rows).into(),
    )?;
    caller.maps(
        out,
        (&[("k", 7)]).into(),
        (&[(9, "nine")]).into(),
        Map::from(&[("x", List::from(&[1, 2]))]),
    )?;
    caller.dynamic(out, Haxe(Anonymous { a: 1, b: "two", c: [1.5, 2.0] }))
}

// §8.1-offer, §8.1-call
#[test]
fn a_user_sends_what_existing_users_send() {
    let (mut link, mut relay) = (Box::new(TestLink::new()), Relay::default());
    link.out().enter("rpc", Mode::RPC).unwrap();
    relay.incoming.extend(stream("1", "<"));
    let mut said = Log::default();
    poll(&mut link, &mut relay, |event, out| match event {
        Event::Rpc { from, bytes } => match Message::read(from, bytes) {
            Message::Offer(object) => {
                assert_eq!(object.object(), 0);
                send_as_the_user(out, object).map(|()| Flow::Continue)
            }
            Message::Call(call) => {
                assert_eq!((call.object(), call.procedure()), (3, 0));
                Ok(Speaker::dispatch(&mut said, &call, out).unwrap())
            }
        },
        _ => Ok(Flow::Continue),
    });
    assert_eq!(said.0, ["say grüße"]);
    assert_eq!(relay.chunks_sent(), chunks_to_relay(&stream("1", ">")));
}

#[test]
fn a_server_understands_what_existing_users_send_and_answers_as_existing_servers_do() {
    let (mut link, mut relay) = (Box::new(TestLink::new()), Relay::default());
    let channel = link.out().create("rpc", Mode::RPC).unwrap();
    relay.incoming.extend(stream("0", "<"));
    let mut called = Log::default();
    let mut offered = None;
    poll(&mut link, &mut relay, |event, out| match event {
        Event::UserEntered { channel, user } => rpc::offer(out, (channel, user), 0).map(|()| Flow::Continue),
        Event::Rpc { from, bytes } => match Message::read(from, bytes) {
            Message::Offer(object) => {
                assert!(matches!(from, Source::User { channel: c, .. } if c == channel));
                offered = Some(object.object());
                SpeakerCaller::new(object).say(out, "grüße").map(|()| Flow::Continue)
            }
            Message::Call(call) => Ok(Recorded::dispatch(&mut called, &call, out).unwrap()),
        },
        _ => Ok(Flow::Continue),
    });
    assert_eq!(offered, Some(3));
    assert_eq!(
        called.0,
        [
            "hello",
            r#"message "hi ✓" -5"#,
            "scalars true 200 65535 -32768 -2147483648 1.5 -0.1",
            "blobs [0, ff, 80] []",
            r#"lists [1, -1, 300] ["a", "bc"] [true, false] [[1, 2], [], [65535]]"#,
            r#"maps {"k": 7} {9: "nine"} {"x": [1, 2]}"#,
            r#"dynamic Anonymous { a: 1, b: "two", c: [1.5, 2.0] }"#,
        ]
    );
    assert_eq!(relay.chunks_sent(), chunks_to_relay(&stream("0", ">")));
}
