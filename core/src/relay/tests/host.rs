//! What a host gets that says nothing, and what is said about connections.

use std::string::ToString;

use super::*;
use crate::protocol::items::Items;
use crate::protocol::to_relay::Malformed;

/// A host with one queue, which says what every host has to say.
#[derive(Default)]
struct Bare {
    queue: Vec<u8>,
    room: usize,
}

impl Host for Bare {
    fn free(&self, _: ConnectionId) -> usize {
        self.room
    }

    fn push(&mut self, _: ConnectionId, header: &[u8], payload: &[u8]) {
        self.queue.extend(header.iter().chain(payload));
    }

    fn now(&self) -> Instant {
        Instant::ZERO
    }
}

#[test]
fn what_fits_is_pushed_and_nothing_else() {
    let id = ConnectionId::default();
    let mut host = Bare { room: 5, ..Bare::default() };
    assert!(!host.push_within(id, 6, b"ab", b"cdef"));
    assert_eq!(host.queue, b"");
    assert!(host.push_within(id, 5, b"ab", b"cde"));
    assert_eq!(host.queue, b"abcde");
    assert!(host.push_within(id, 4, b"f", b""));
    assert_eq!(host.queue, b"abcdef");
}

#[test]
fn what_a_host_says_that_says_nothing() {
    let id = ConnectionId::default();
    let mut host = Bare::default();
    assert_eq!(host.cut(), 1024);
    assert_eq!(host.capabilities(), Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER));
    assert_eq!(host.window(), 65_536);
    assert_eq!(host.work(id), usize::MAX);
    assert_eq!(host.channel_name(id, b"a name"), b"a name");
    assert_eq!(host.allow(id, &Request::Leave), Decision::Yes);
    let hello = Hello { items: Items::new(&[]), takes_part: false };
    assert_eq!(host.hello(id, &hello), Greeting { keepalive: 5, name: "" });
    // the whole window fits, or not
    for (room, is_drained) in [(65_535, false), (65_536, true), (65_537, true)] {
        host.room = room;
        assert_eq!(host.is_drained(id), is_drained);
    }
}

/// The values are those of the description of FNV-1a.
#[test]
fn names_are_hashed_by_fnv_1a() {
    let host = Bare::default();
    assert_eq!(host.hash(b""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(host.hash(b"a"), 0xaf63_dc4c_8601_ec8c);
    assert_eq!(host.hash(b"foobar"), 0x8594_4171_f739_67e8);
}

#[test]
fn texts() {
    let id = ConnectionId { index: 3, generation: 14 };
    assert_eq!((id.index(), id.generation(), id.to_string().as_str()), (3, 14, "3.14"));
    for (cause, text) in [
        (
            CloseReason::Malformed(Malformed::BroadcastOfNothing),
            "malformed: a broadcast prefix without data behind it",
        ),
        (CloseReason::UnknownCommand(77), "unknown command 77"),
        (CloseReason::NotAllowed, "a command that is not allowed"),
        (CloseReason::NotConnected, "there is no such connection"),
    ] {
        assert_eq!(cause.to_string(), text);
    }
    assert_eq!(Full.to_string(), "no room for one more connection");
}
