//! What a party says behind an event that is kept, with windows: nothing is lost, all is granted,
//! and who keeps to its window is no liar.

use peote_net::chunk::Violation;
use peote_net::link::{Channel, Event, Flow, Link, LinkBuffers, Mode, Source, User};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::protocol::to_relay;

use crate::support::{Rig, Seen, chunk, from_server, from_user};
use crate::windows::items_of_relay;

/// A slot keeps as much as the greatest chunk has, without its length.
type Memory = LinkBuffers<300, 2, 1, 512, 1024>;

const CHUNKS: Mode = Mode::chunks(300);

/// A link that has said hello, to a relay that has answered.
fn greeted() -> Rig<Memory> {
    let mut rig = Rig::new(Link::<Memory>::new());
    rig.hears(to_endpoint::announcement(Capabilities::HELLO));
    rig.sent();
    rig.hears(items_of_relay());
    rig
}

/// An answer is on its way that an entered channel is open, of number 5.
fn entering(rig: &mut Rig<Memory>, mode: Mode) -> peote_net::link::EnteredChannel {
    let channel = rig.out().enter("e", mode).unwrap();
    let tag = rig.sent()[2];
    rig.says(to_endpoint::entered(tag, 5, 9, 100));
    channel
}

/// A chunk of 128 to 300 bytes, with its length.
fn long(len: u16) -> Vec<u8> {
    let code = len - 1;
    let field = [u8::try_from(code & 127).unwrap() | 128, u8::try_from(code >> 7).unwrap()];
    [&field[..], &vec![u8::try_from(len & 255).unwrap(); len.into()]].concat()
}

/// Returns how many bytes have been granted.
fn granted(sent: &[u8]) -> u32 {
    let len = to_relay::grant_server(5, 0).len();
    assert_eq!(sent.len() % len, 0, "other things than grants: {sent:?}");
    sent.chunks(len).map(|grant| u32::from_le_bytes(grant[len - 4..].try_into().unwrap())).sum()
}

/// All that came is granted when it is asked for, also what is the beginning of a length.
#[test]
fn the_beginning_of_a_length_behind_a_kept_chunk_is_granted() {
    let mut rig = greeted();
    entering(&mut rig, CHUNKS);
    rig.poll();
    rig.says(from_server(5, &chunk(&[1; 10])));
    rig.poll_once(|_, _| Flow::Again).unwrap();
    rig.says(from_server(5, &[0xe4]));
    rig.poll_once(|_, _| Flow::Again).unwrap();
    assert_eq!(rig.poll().len(), 1);
    rig.hears(to_endpoint::grant_from_server(5, 0));
    assert_eq!(granted(&rig.sent()), 12);
}

/// As much as the window has, or one chunk of any size, may come while it is kept that the user has
/// entered.
#[test]
fn the_first_chunk_of_a_user_may_be_as_long_as_any() {
    let mut rig = greeted();
    let channel = rig.own(3, CHUNKS);
    let user = User::new(7);
    let from = Source::User { channel, user };
    rig.says(to_endpoint::knock(3, 7, 1, true, 100, 0).unwrap());
    rig.says(from_user(3, 7, &long(300)));
    for _ in 0..3 {
        rig.poll_once(|event, _| {
            assert_eq!(Seen::from(event), Seen::Notice(Event::UserEntered { channel, user }));
            Flow::Again
        })
        .unwrap();
        assert!(rig.link.wants_read());
    }
    let expected = [Seen::Notice(Event::UserEntered { channel, user }), Seen::Chunk(from, vec![44; 300])];
    assert_eq!(rig.poll(), expected);
}

/// In all pieces that it can come in, with the event kept before each of them that comes first or
/// second.
#[test]
fn what_is_kept_behind_an_event_is_heard_and_granted_in_any_pieces() {
    let streams = [
        (CHUNKS, [long(300), vec![]].concat(), vec![vec![44; 300]]),
        (
            CHUNKS,
            [long(150), chunk(b"second"), long(135)].concat(),
            vec![vec![150; 150], b"second".to_vec(), vec![135; 135]],
        ),
        // the beginning of another one
        (CHUNKS, [long(200), vec![0xff]].concat(), vec![vec![200; 200]]),
        (CHUNKS, vec![0xff], vec![]),
        (Mode::Data, vec![5; 300], vec![vec![5; 300]]),
    ];
    for (mode, stream, expected) in streams {
        for (first, second) in (0..=stream.len()).flat_map(|a| [a, a + 1, stream.len()].map(|b| (a, b))) {
            for kept in 0..3 {
                let mut rig = greeted();
                let channel = entering(&mut rig, mode);
                let second = second.min(stream.len());
                let pieces = [&stream[..first], &stream[first..second], &stream[second..]];
                let (mut seen, mut data) = (Vec::new(), Vec::new());
                for (at, piece) in pieces.into_iter().enumerate() {
                    if !piece.is_empty() {
                        rig.says(from_server(5, piece));
                    }
                    let mut events = seen.len() + data.len();
                    rig.poll_once(|event, _| {
                        if at < 2 && events >= kept {
                            return Flow::Again;
                        }
                        events += 1;
                        match Seen::from(event) {
                            Seen::Data(_, bytes) => data.extend(bytes),
                            event => seen.push(event),
                        }
                        Flow::Continue
                    })
                    .unwrap();
                }
                for event in rig.poll() {
                    match event {
                        Seen::Data(_, bytes) => data.extend(bytes),
                        event => seen.push(event),
                    }
                }
                let from = Source::Server { channel };
                let opened = Seen::Notice(Event::Opened { channel: Channel::Entered(channel) });
                let mut all = vec![opened];
                if mode == Mode::Data {
                    assert_eq!(data, expected.concat());
                } else {
                    all.extend(expected.iter().map(|bytes| Seen::Chunk(from, bytes.clone())));
                }
                assert_eq!(seen, all, "cut at {first} and {second}, {kept} taken");
                rig.hears(to_endpoint::grant_from_server(5, 0));
                let sent = rig.sent();
                assert_eq!(
                    granted(&sent) as usize,
                    stream.len(),
                    "cut at {first} and {second}, {kept} taken"
                );
            }
        }
    }
}

/// Who breaks the rules of chunks while an event is kept.
#[test]
fn a_violation_behind_an_event_comes_behind_it() {
    let streams = [
        (&[0xff, 0x7f, 1, 2, 3][..], Violation::ChunkTooLarge { len: 16384, max: 300 }),
        (&[0x81, 0, 1, 2, 3], Violation::OverlongLength),
    ];
    for ((stream, violation), is_open) in
        streams.into_iter().flat_map(|stream| [(stream, false), (stream, true)])
    {
        for cut in 0..=stream.len() {
            let mut rig = greeted();
            let channel = entering(&mut rig, CHUNKS);
            let from = Source::Server { channel };
            let mut kept = Seen::Notice(Event::Opened { channel: Channel::Entered(channel) });
            let mut before = 0;
            if is_open {
                assert_eq!(rig.poll(), [kept]);
                rig.says(from_server(5, &chunk(b"first")));
                kept = Seen::Chunk(from, b"first".to_vec());
                before = 6;
            }
            for piece in [&stream[..cut], &stream[cut..]].into_iter().filter(|piece| !piece.is_empty()) {
                rig.says(from_server(5, piece));
                rig.poll_once(|event, _| {
                    assert_eq!(Seen::from(event), kept);
                    Flow::Again
                })
                .unwrap();
            }
            assert_eq!(rig.poll(), [kept, Seen::Notice(Event::Malicious { from, violation })]);
            assert_eq!(rig.hears(from_server(5, &[0, 1])), []);
            rig.hears(to_endpoint::grant_from_server(5, 0));
            assert_eq!(granted(&rig.sent()) as usize, before + stream.len() + 2);
        }
    }
}
