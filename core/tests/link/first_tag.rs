//! The first command of a connection says how much may be sent before the hello.

use peote_net::link::{Event, Flow, Link, Mode, Source};
use peote_net::protocol::items::first_window;
use peote_net::protocol::to_endpoint::{self, Capabilities};

use crate::support::{Heap, Rig, Seen, Sizes, chunk, from_server, tag_of};
use crate::windows::{CHUNKS, Windowed, items_of_relay};

// §11.5-first-tag
#[test]
fn the_first_command_of_a_connection_says_how_much_room_there_is() {
    for (window, tag) in [(1, 240), (2, 241), (3, 241), (255, 247), (256, 248), (65_535, 255), (65_536, 1_u8)]
    {
        let mut rig =
            Rig::new(Link::with_buffers(Heap::new(Sizes { chunk_size: window, ..Sizes::default() })));
        for _ in 0..3 {
            rig.out().enter("a", Mode::Data).unwrap();
            rig.out().create("b", Mode::Data).unwrap();
            let second = tag.checked_add(1).unwrap_or(1);
            assert_eq!(rig.sent(), [0, 1, tag, 1, b'a', 0, 0, second, 1, b'b'], "{window}");
            assert_eq!(first_window(tag).unwrap_or(65_536).ilog2(), window.ilog2());
            rig.script.closed = true;
            rig.lose();
            rig.script = Default::default();
        }
    }
}

/// It has said hello then, or the relay knows none.
#[test]
fn a_link_that_has_heard_from_the_relay_needs_not_say_so() {
    for said in [&to_endpoint::announcement(Capabilities::HELLO), &to_endpoint::keepalive()] {
        let mut rig: Windowed = Rig::new(Link::new());
        rig.hears(said);
        rig.sent();
        rig.out().enter("a", CHUNKS).unwrap();
        assert_eq!(rig.sent(), [0, 1, 1, 1, b'a']);
    }
}

/// What comes before the hello fits into the slot, and what comes behind is heard, so that it hears
/// of its window.
// §11.5-more
#[test]
fn an_event_that_is_kept_before_the_hello_holds_up_its_party_only() {
    for is_too_much in [false, true] {
        let mut rig: Windowed = Rig::new(Link::new());
        let channel = rig.out().enter("e", CHUNKS).unwrap();
        rig.sent();
        rig.says(to_endpoint::announcement(Capabilities::HELLO));
        rig.says(to_endpoint::success(tag_of(256, 1), 5));
        for _ in 0..if is_too_much { 10 } else { 4 } {
            rig.says(from_server(5, &chunk(&[7; 60])));
        }
        rig.says(items_of_relay());
        rig.says(to_endpoint::raised(false, 5, 2, 100, if is_too_much { 0 } else { 12 }));
        let from = Source::Server { channel };
        // it answers each with two of the greatest chunks, and knows no window to send them in
        let mut answered = 0;
        for _ in 0..20 {
            rig.poll_once(|event, out| match event {
                Event::Chunk { bytes, .. } if out.window(channel).is_none() => {
                    assert_eq!(bytes, [7; 60]);
                    Flow::Again
                }
                Event::Chunk { .. } => {
                    answered += 1;
                    Flow::Continue
                }
                _ => Flow::Continue,
            })
            .unwrap();
        }
        // without a bound for what comes before the hello it reads no further
        assert_eq!(answered, if is_too_much { 0 } else { 4 });
        assert_eq!(rig.out().window(channel), (!is_too_much).then_some(100));
        if is_too_much {
            assert_eq!(rig.poll(), vec![Seen::Chunk(from, vec![7; 60]); 10]);
            assert_eq!(rig.out().window(channel), Some(100));
        }
    }
}
