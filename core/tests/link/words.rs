//! Words at a door, words of a refusal and tokens, at the side of the user.

use peote_net::Reason;
use peote_net::link::{Channel, EnteredChannel, Event, Flow, Hello, Link, LinkBuffers, SendError};
use peote_net::protocol::items::{Item, Items};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::time::Duration;

use crate::admission::{ASKS, CHUNKS, HELLO, greeted, hello_of_relay, new};
use crate::support::{Rig, Script, Seen, tag_of};

/// The tag of a command of a link that has given its first one before it has heard anything.
const fn tag(nth: u8) -> u8 {
    tag_of(256, nth)
}

#[test]
fn the_words_of_a_refusal_are_told() {
    for limit in [1, 3, 512] {
        let mut rig = greeted();
        rig.script.read_limit = limit;
        let channel = rig.out().enter_with("door", CHUNKS, "sword").unwrap();
        let enter = [&[0, 7, 0, 5][..], b"sword", &[0, 1, 1, 4], b"door"].concat();
        assert_eq!(rig.sent(), enter);
        let words = b"no such fish";
        let refusal = [&to_endpoint::refused_with(1, 7, words.len()).unwrap()[..], words].concat();
        let reason = Reason::RefusedByServer;
        let refused = Seen::Refused(Channel::Entered(channel), reason, words.to_vec());
        assert_eq!(rig.hears(&refusal), [refused]);

        // one that is kept has them as well, even if its slot is wanted meanwhile
        let channel = rig.out().enter("door", CHUNKS).unwrap();
        rig.sent();
        rig.says([&to_endpoint::refused_with(2, 4, 2).unwrap()[..], b"no"].concat());
        let mut seen = Vec::new();
        for flow in [Flow::Again, Flow::Again, Flow::Continue] {
            while !rig.script.incoming.is_empty() && limit < 512 {
                let before = seen.len();
                rig.poll_once(|event, _| {
                    seen.push(Seen::from(event));
                    Flow::Again
                })
                .unwrap();
                seen.truncate(before.max(1));
            }
            rig.poll_once(|event, _| {
                seen.push(Seen::from(event));
                flow
            })
            .unwrap();
        }
        seen.dedup();
        assert_eq!(seen, [Seen::Refused(Channel::Entered(channel), Reason::ChannelFull, b"no".to_vec())]);
        assert!(rig.poll().is_empty());
    }
}

#[test]
fn a_handler_may_ask_for_another_channel_while_it_reads_the_words() {
    let mut rig = greeted();
    rig.out().enter("door", CHUNKS).unwrap();
    rig.sent();
    rig.says([&to_endpoint::refused_with(1, 7, 4).unwrap()[..], b"next"].concat());
    let mut entered: Option<EnteredChannel> = None;
    rig.poll_once(|event, out| {
        let Event::Refused { words, .. } = event else { panic!("{event:?}") };
        entered = Some(out.enter("other", CHUNKS).unwrap());
        assert_eq!(words, b"next");
        Flow::Continue
    })
    .unwrap();
    assert_eq!(rig.sent(), [&[0, 1, 2, 5][..], b"other"].concat());
    let seen = rig.hears(to_endpoint::entered(2, 5, 9, 100));
    assert_eq!(seen, [Seen::Notice(Event::Opened { channel: Channel::Entered(entered.unwrap()) })]);
}

#[test]
fn words_wait_for_the_announcement_and_for_nothing_else() {
    // the byte that all commands begin with makes the relay announce
    let mut rig = new();
    rig.out().enter_with("a", CHUNKS, "pw").unwrap();
    rig.out().enter("b", CHUNKS).unwrap();
    assert!(rig.link.wants_write());
    assert_eq!(rig.sent(), [0]);
    assert!(!rig.link.wants_write(), "the rest waits");
    rig.hears(to_endpoint::announcement(ASKS));
    let rest = [&[7, 0, 2][..], b"pw", &[0, 1, tag(1), 1], b"a", &[0, 1, tag(2), 1], b"b"].concat();
    assert_eq!([&[0], &rig.sent()[..]].concat(), [&HELLO[..], &[0], &rest].concat());
    assert!(!rig.link.wants_write());
    // known by now
    rig.out().enter_with("c", CHUNKS, "x").unwrap();
    assert_eq!(rig.sent(), [0, 7, 0, 1, b'x', 0, 1, tag(3), 1, b'c']);
}

#[test]
fn what_was_asked_for_before_words_is_written_at_once() {
    for write_limit in [1, 2, 3, 100] {
        let mut rig = new();
        rig.script.write_limit = write_limit;
        rig.out().create("o", CHUNKS).unwrap();
        rig.out().enter_with("a", CHUNKS, "pw").unwrap();
        rig.out().enter_with("b", CHUNKS, "").unwrap();
        rig.out().enter_with("c", CHUNKS, "q").unwrap();
        assert_eq!(rig.sent(), [0, 0, tag(1), 1, b'o', 0]);
        // in one piece with an answer, and with no room to write the rest at once
        rig.says(to_endpoint::announcement(ASKS));
        rig.says(to_endpoint::success(tag(1), 3));
        rig.poll();
        let mut sent = Vec::new();
        for _ in 0..100 {
            rig.poll();
            sent.append(&mut rig.script.outgoing);
        }
        let rest = [
            &[0][..],
            &[7, 0, 2],
            b"pw",
            &[0, 1, tag(2), 1],
            b"a",
            &[0, 1, tag(3), 1],
            b"b",
            &[0, 7, 0, 1],
            b"q",
            &[0, 1, tag(4), 1],
            b"c",
        ];
        assert_eq!([&[0], &sent[..]].concat(), [&HELLO[..], &rest.concat()].concat(), "{write_limit}");
    }
}

#[test]
fn an_existing_relay_hears_no_words() {
    let anything = [
        to_endpoint::keepalive().to_vec(),
        to_endpoint::announcement(Capabilities::REMOVE_USER).to_vec(),
        to_endpoint::success(tag(1), 3).to_vec(),
    ];
    for said in anything {
        for is_first in [true, false] {
            let mut rig = new();
            let mut expected = Vec::new();
            if !is_first {
                rig.out().create("o", CHUNKS).unwrap();
                expected.extend([0, 0, tag(1), 1, b'o']);
            }
            let tag = tag(if is_first { 1 } else { 2 });
            rig.out().enter_with("a", CHUNKS, "pw").unwrap();
            rig.out().enter("b", CHUNKS).unwrap();
            rig.out().enter_with("c", CHUNKS, "x".repeat(200)).unwrap();
            expected.push(0);
            assert_eq!(rig.sent(), expected);
            rig.hears(&said);
            let rest = [1, tag, 1, b'a', 0, 1, tag + 1, 1, b'b', 0, 1, tag + 2, 1, b'c'];
            assert_eq!(rig.sent(), rest, "{said:?}");
            rig.out().enter_with("d", CHUNKS, "pw").unwrap();
            assert_eq!(rig.sent(), [0, 1, tag + 3, 1, b'd']);
        }
    }
}

#[test]
fn what_waits_is_lost_with_the_connection_and_the_next_one_begins_anew() {
    let mut rig = new();
    let channel = rig.out().enter_with("a", CHUNKS, "pw").unwrap();
    assert_eq!(rig.sent(), [0]);
    rig.script.closed = true;
    let reason = Reason::LinkLost;
    let refused = Event::Refused { channel: Channel::Entered(channel), reason, words: &[] };
    assert_eq!(rig.lose().0, [Seen::Notice(refused)]);
    rig.script = Default::default();
    rig.out().enter("b", CHUNKS).unwrap();
    assert_eq!(rig.sent(), [0, 1, tag(1), 1, b'b'], "it says again that hello will come");
    rig.hears(to_endpoint::announcement(ASKS));
    assert_eq!(rig.sent(), HELLO);
}

#[test]
fn words_have_to_fit_with_the_hello() {
    let mut rig: Rig<LinkBuffers<64, 4, 1, 259, 512>> = Rig::new(Link::new());
    let too_long = Err(SendError::WordsTooLong { len: 201 });
    assert_eq!(rig.out().enter_with("a", CHUNKS, "x".repeat(201)), too_long);
    let error = rig.out().enter_with("a", CHUNKS, "x".repeat(200)).unwrap_err();
    assert!(matches!(error, SendError::QueueTooSmall { .. }), "{error:?}");
    rig.out().enter_with("a", CHUNKS, "x".repeat(165)).unwrap();
    let error = rig.out().enter_with("b", CHUNKS, "y").unwrap_err();
    assert_eq!(error, SendError::WouldBlock);
    rig.hears(to_endpoint::announcement(ASKS));
    let sent = [&[0], &rig.sent()[..]].concat();
    assert_eq!(sent.len(), 1 + 13 + 4 + 165 + 5);
    rig.out().enter_with("b", CHUNKS, "y").unwrap();
}

/// What comes behind words waits with them, and leaves room for the hello that lets them go.
#[test]
fn what_waits_behind_words_leaves_room_for_the_hello() {
    let mut rig: Rig<LinkBuffers<64, 99, 1, 259, 512>> = Rig::new(Link::new());
    rig.out().enter_with("club", CHUNKS, "x".repeat(100)).unwrap();
    let name = "n".repeat(120);
    let mut entered = Vec::new();
    for name in [&name[..], "fifteen letters", "8 letter", "1"] {
        if rig.out().enter(name, CHUNKS).is_ok() {
            entered.push(name);
        }
    }
    assert_eq!(entered, ["fifteen letters", "8 letter", "1"]);
    assert_eq!(rig.sent(), [0]);
    rig.hears(to_endpoint::announcement(ASKS));
    assert_eq!([&[0], &rig.sent()[..]].concat()[..9], HELLO[..9]);
    assert!(!rig.link.wants_write() && rig.link.wants_read());
    rig.out().enter(name, CHUNKS).unwrap();
}

/// The same for what comes while a token is said.
#[test]
fn what_waits_behind_a_token_leaves_room_for_the_rest_of_it() {
    static TOKEN: [u8; 300] = [7; 300];
    let mut rig: Rig<LinkBuffers<64, 99, 1, 259, 512>> = Rig::new(Link::new());
    rig.link.set_hello(Hello { token: Some(&TOKEN), ..Hello::default() });
    rig.out().enter("first", CHUNKS).unwrap();
    assert_eq!(rig.sent(), [0]);
    rig.script.room = 0;
    rig.says(to_endpoint::announcement(ASKS));
    rig.poll_once(|_, _| Flow::Continue).unwrap();
    for _ in 0..90 {
        // room for a command, and for no part of the token
        rig.script.room = 4;
        rig.poll_once(|_, _| Flow::Continue).unwrap();
        let _ = rig.out().enter("", CHUNKS);
    }
    rig.script.room = usize::MAX;
    rig.sent();
    assert!(!rig.link.wants_write() && rig.link.wants_read());
    rig.out().enter("last", CHUNKS).unwrap();
    assert!(rig.sent().ends_with(b"last"));
}

/// Words are said or the command is not: also while hello itself waits for room.
#[test]
fn no_words_are_lost_while_hello_has_no_room() {
    let mut rig: Rig<LinkBuffers<64, 9, 1, 259, 512>> = Rig::new(Link::new());
    rig.script.room = 1;
    rig.out().enter("n".repeat(245), CHUNKS).unwrap();
    rig.says(to_endpoint::announcement(ASKS));
    rig.poll_once(|_, _| Flow::Continue).unwrap();
    assert_eq!(rig.out().enter_with("club", CHUNKS, "m"), Err(SendError::WouldBlock));
    assert!(rig.link.wants_write());
    rig.script.room = usize::MAX;
    assert_eq!(rig.sent().last_chunk::<13>().unwrap()[..9], HELLO[..9]);
    rig.out().enter_with("club", CHUNKS, "m").unwrap();
    assert_eq!(rig.sent(), [&[0, 7, 0, 1, b'm', 0, 1, 247, 4][..], b"club"].concat());
}

#[test]
fn a_token_is_said_before_all_else() {
    static TOKEN: [u8; 700] = {
        let mut token = [0u8; 700];
        let mut at = 1;
        while at < 700 {
            token[at] = token[at - 1].wrapping_add(7);
            at += 1;
        }
        token
    };
    for len in [1, 251, 252, 700] {
        // a ring that is smaller than the token
        let mut rig: Rig<LinkBuffers<64, 4, 1, 400, 512, 256>> = Rig::new(Link::new());
        rig.link.set_hello(Hello { token: Some(&TOKEN[..len]), ..Hello::default() });
        rig.out().create("o", CHUNKS).unwrap();
        rig.out().enter_with("e", CHUNKS, "w").unwrap();
        assert_eq!(rig.sent(), [0]);
        rig.says(to_endpoint::announcement(ASKS));
        let sent = [&[0], &rig.sent()[..]].concat();
        assert_eq!(sent[..13], HELLO);
        let (mut at, mut said, mut is_whole) = (13, Vec::new(), false);
        while sent[at + 1] == 6 {
            let end = at + 4 + usize::from(sent[at + 3]);
            for item in Items::new(&sent[at + 4..end]) {
                assert!(!is_whole);
                match item {
                    Item::TokenPart(part) => said.extend_from_slice(part),
                    Item::TokenEnd(part) => {
                        said.extend_from_slice(part);
                        is_whole = true;
                    }
                    other => panic!("{other:?}"),
                }
            }
            at = end;
        }
        assert!(is_whole);
        assert_eq!(said, TOKEN[..len]);
        assert_eq!(sent[at..], [0, 0, tag(1), 1, b'o', 0, 7, 0, 1, b'w', 0, 1, tag(2), 1, b'e']);
        assert!(!rig.link.wants_write());
    }
}

#[test]
fn a_relay_without_hello_hears_no_token() {
    let mut rig = new();
    rig.link.set_hello(Hello { token: Some(b"token"), ..Hello::default() });
    rig.out().create("o", CHUNKS).unwrap();
    assert_eq!(rig.sent(), [0]);
    rig.hears(to_endpoint::keepalive());
    assert_eq!(rig.sent(), [0, tag(1), 1, b'o']);
}

#[test]
fn when_to_come_back_is_told() {
    let mut rig = greeted();
    let seen = rig.hears(to_endpoint::come_back_in(1500));
    assert_eq!(seen, [Seen::Notice(Event::ComeBack { after: Duration::from_millis(1500) })]);
    let seen = rig.hears(to_endpoint::come_back_in(0));
    assert_eq!(seen, [Seen::Notice(Event::ComeBack { after: Duration::ZERO })]);
    assert!(rig.hears(hello_of_relay()).is_empty());
}

/// What the program has said once is said on each connection.
#[test]
fn hello_and_token_are_said_again_on_the_next_connection() {
    let keepalive = Some(Duration::from_secs(60));
    let mut rig = new();
    rig.link.set_hello(Hello { keepalive, name: Some("thermometer"), token: Some(b"secret") });
    for _ in 0..3 {
        rig.script = Script::default();
        rig.hears(to_endpoint::announcement(ASKS));
        let sent = rig.sent();
        let (hello, token) = sent.split_at(4 + usize::from(sent[3]));
        let said: Vec<Item<'_>> = Items::new(&hello[4..]).skip(2).collect();
        assert_eq!(said, [Item::Keepalive(60), Item::Name(b"thermometer")]);
        assert_eq!(Items::new(&token[4..]).collect::<Vec<_>>(), [Item::TokenEnd(b"secret")]);
        rig.script.closed = true;
        rig.lose();
    }
}
