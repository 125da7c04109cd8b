//! Hello, windows and admission (`docs/PROTOCOL.md`, sections 11.4 to 11.8), byte by byte.

use peote_net::protocol::items::{self, Item, Items, NumberReader};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::protocol::to_relay::{self, Command, Grant, Verdict};
use peote_net::protocol::{MAX_WORDS, to_endpoint::Unit};
use proptest::prelude::*;

use crate::said::{Kind, Said, by_endpoint, by_relay_of, cut};

const DOCUMENT: &str = include_str!("../../../docs/PROTOCOL.md");

/// The bytes of the document's examples in that section and direction, in order.
fn examples(section: &str, direction: char) -> Vec<u8> {
    let (_, section) = DOCUMENT.split_once(&format!("\n### {section} ")).expect("the section");
    let section = section.split("\n### ").next().unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix(direction)?.split(';').next());
    let bytes = lines.flat_map(str::split_whitespace);
    bytes.map(|byte| u8::from_str_radix(byte, 16).expect("a byte in hex")).collect()
}

fn said(kind: Kind, bytes: &[u8]) -> Said {
    Said { kind, bytes: bytes.to_vec(), total: bytes.len() }
}

/// What endpoints say in a section's examples, at several cuts.
#[track_caller]
fn endpoints_say(section: &str, expected: &[Said]) {
    let bytes = examples(section, '>');
    for lengths in [vec![bytes.len()], vec![1], vec![2, 3], vec![5]] {
        assert_eq!(by_relay_of(true, &cut(&bytes, &lengths)), expected);
    }
}

#[cfg(feature = "flow")]
#[track_caller]
fn relays_say(section: &str, expected: &[Said]) {
    let bytes = examples(section, '<');
    for lengths in [vec![bytes.len()], vec![1], vec![2, 3], vec![5]] {
        assert_eq!(by_endpoint(&cut(&bytes, &lengths)), expected);
    }
}

#[cfg(feature = "flow")]
fn control(unit: Unit<'static>) -> Said {
    Said::bare(Kind::Control(unit))
}

#[test]
fn an_endpoints_hello() {
    let list = [
        &items::capabilities(items::TAKES_PART)[..],
        &items::number(items::KEEPALIVE, 60),
        &items::head(items::NAME, 3),
        b"d/1",
        &items::number(items::WINDOW, 32_768),
        &[99, 0],
    ]
    .concat();
    let head = to_relay::command_head(Command::Hello, list.len()).unwrap();
    assert_eq!(examples("11.4", '>'), [&head[..], &list].concat());
    endpoints_say("11.4", &[said(Kind::Command(6, 0), &list)]);
    let known: Vec<_> = Items::new(&list).collect();
    assert_eq!(known, [Item::Capabilities(1), Item::Keepalive(60), Item::Name(b"d/1"), Item::Window(32_768)]);
}

#[cfg(feature = "flow")]
#[test]
fn a_relays_hello() {
    let list = [
        &items::capabilities(items::TAKES_PART)[..],
        &items::number(items::KEEPALIVE, 60),
        &items::head(items::NAME, 3),
        b"r/1",
    ]
    .concat();
    let head = to_endpoint::hello(list.len()).unwrap();
    let end = to_endpoint::come_back_in(1000);
    assert_eq!(examples("11.4", '<'), [&head[..], &list, &end].concat());
    let come_back = items::number(items::COME_BACK_IN, 1000);
    relays_say("11.4", &[said(Kind::Hello, &list), said(Kind::Hello, &come_back)]);
    assert_eq!(Items::new(&come_back).collect::<Vec<_>>(), [Item::ComeBackIn(1000)]);
    assert_eq!(items::capabilities(0x86), [1, 1, 0x86]);
}

// §11.5-raised
#[cfg(feature = "flow")]
#[test]
fn raising() {
    let user = to_endpoint::raised(false, 0, 5, 4096, 32_768);
    let server = to_endpoint::raised(true, 1, 7, 256, 65_536);
    let knows = to_endpoint::announcement(Capabilities::HELLO);
    let answer = to_endpoint::success(248, 0);
    let list = items::capabilities(items::TAKES_PART);
    let head = to_endpoint::hello(list.len()).unwrap();
    let behind_hello = to_endpoint::raised(false, 0, 5, 4096, 200);
    let little = [&knows[..], &answer, &head, &list, &behind_hello].concat();
    assert_eq!(examples("11.5", '<'), [&user[..], &server, &little].concat());
    relays_say(
        "11.5",
        &[
            control(Unit::Raised { own: false, channel: 0, user: 5, send: 4096, receive: 32_768 }),
            control(Unit::Raised { own: true, channel: 1, user: 7, send: 256, receive: 65_536 }),
            control(Unit::Keepalive { last: [0x50, 4] }),
            control(Unit::Success { tag: 248, channel: 0 }),
            said(Kind::Hello, &list),
            control(Unit::Raised { own: false, channel: 0, user: 5, send: 4096, receive: 200 }),
        ],
    );
    let enter = to_relay::name_command(Command::Enter, items::first_tag(256).unwrap(), b"a").unwrap();
    let list = [&list[..], &items::number(items::WINDOW, 300)].concat();
    let head = to_relay::command_head(Command::Hello, list.len()).unwrap();
    assert_eq!(examples("11.5", '>'), [&enter[..], b"a", &head, &list].concat());
}

// §11.6-grant
#[test]
fn grants_of_endpoints() {
    let stream = [&to_relay::grant_server(0, 16_384)[..], &to_relay::grant_user(3, 2, 0)].concat();
    assert_eq!(examples("11.6", '>'), stream);
    let (by_user, by_server) = (&stream[4..9], &stream[13..]);
    endpoints_say("11.6", &[said(Kind::Command(8, 0), by_user), said(Kind::Command(8, 0), by_server)]);
    assert_eq!(Grant::from_payload(by_user), Some(Grant::Server { channel: 0, bytes: 16_384 }));
    assert_eq!(Grant::from_payload(by_server), Some(Grant::User { channel: 3, user: 2, bytes: 0 }));
    for len in 0..by_user.len() {
        assert_eq!(Grant::from_payload(&by_user[..len]), None);
        assert_eq!(Grant::from_payload(&by_server[..len]), None);
    }
    assert_eq!(Grant::from_payload(&[0x83, 2, 0, 0, 0, 0, 0]), None);
}

#[cfg(feature = "flow")]
#[test]
fn grants_of_relays() {
    let stream = [&to_endpoint::grant_from_user(3, 2, 16_384)[..], &to_endpoint::grant_from_server(0, 0)];
    assert_eq!(examples("11.6", '<'), stream.concat());
    relays_say(
        "11.6",
        &[
            control(Unit::GrantFromUser { channel: 3, user: 2, bytes: 16_384 }),
            control(Unit::GrantFromServer { channel: 0, bytes: 0 }),
        ],
    );
}

// §11.7-admit, §11.7-refuse
#[test]
fn knocking_and_verdicts() {
    let stream = [
        &to_relay::command_head(Command::Words, 2).unwrap()[..],
        b"hi",
        &to_relay::name_command(Command::Enter, 9, b"a").unwrap(),
        b"a",
        &to_relay::admit(2, 5, 42),
        &to_relay::refuse(2, 5, 42, to_relay::CODE_REFUSED, 2).unwrap(),
        b"no",
    ]
    .concat();
    assert_eq!(examples("11.7", '>'), stream);
    endpoints_say(
        "11.7",
        &[
            said(Kind::Command(7, 0), b"hi"),
            said(Kind::Command(1, 9), b"a"),
            said(Kind::Command(9, 0), &[2, 5, 42]),
            said(Kind::Command(10, 0), &[2, 5, 42, 7, b'n', b'o']),
        ],
    );
    let admitted = Verdict { channel: 2, user: 5, ticket: 42, code: None, words: &[] };
    assert_eq!(Verdict::from_admit(&[2, 5, 42]), Some(admitted));
    let refused = Verdict { code: Some(7), words: b"no", ..admitted };
    assert_eq!(Verdict::from_refuse(&[2, 5, 42, 7, b'n', b'o']), Some(refused));
    for wrong in [&[][..], &[2, 5], &[2, 5, 42, 7]] {
        assert_eq!(Verdict::from_admit(wrong), None);
    }
    assert_eq!(Verdict::from_refuse(&[2, 5, 42]), None);
    assert!(Verdict::from_refuse(&[0; 4 + MAX_WORDS]).is_some());
    assert_eq!(Verdict::from_refuse(&[0; 5 + MAX_WORDS]), None);
}

#[cfg(feature = "flow")]
#[test]
fn knocks_and_their_answers() {
    let stream = [
        &to_endpoint::knock(2, 5, 42, true, 32_768, 2).unwrap()[..],
        b"hi",
        &to_endpoint::entered(9, 0, 5, 32_768),
        &to_endpoint::refused_with(9, 7, 2).unwrap(),
        b"no",
    ]
    .concat();
    assert_eq!(examples("11.7", '<'), stream);
    relays_say(
        "11.7",
        &[
            said(Kind::Knock(2, 5, 42, true, 32_768), b"hi"),
            control(Unit::Entered { tag: 9, channel: 0, user: 5, window: 32_768 }),
            said(Kind::RefusedWith(9, 7), b"no"),
        ],
    );
}

// §11.8-left-out
#[test]
fn leaving_out() {
    let stream = [
        &to_relay::leave_out(0x82, 2).unwrap()[..],
        &[5, 7],
        to_relay::broadcast_to_ready(2, None, 1).as_bytes(),
        b"x",
        to_relay::broadcast_to_ready(2, Some(6), 1).as_bytes(),
        b"y",
    ]
    .concat();
    assert_eq!(examples("11.8", '>'), stream);
    endpoints_say(
        "11.8",
        &[
            said(Kind::Command(11, 0), &[0x82, 5, 7]),
            said(Kind::ToReady(2), b"x"),
            said(Kind::ToReadyBut(2, 6), b"y"),
        ],
    );
}

#[test]
fn what_is_too_long_is_not_encoded() {
    assert!(to_relay::command_head(Command::Words, MAX_WORDS).is_some());
    assert_eq!(to_relay::command_head(Command::Words, MAX_WORDS + 1), None);
    assert_eq!(to_relay::command_head(Command::Hello, items::MAX_ITEMS), Some([0, 6, 0, 253]));
    assert_eq!(to_relay::command_head(Command::Hello, items::MAX_ITEMS + 1), None);
    assert_eq!(to_endpoint::hello(items::MAX_ITEMS), Some([0, 255, 0, 3]));
    assert_eq!(to_endpoint::hello(items::MAX_ITEMS + 1), None);
    assert!(to_endpoint::knock(0, 0, 0, false, 0, MAX_WORDS).is_some());
    assert_eq!(to_endpoint::knock(0, 0, 0, false, 0, MAX_WORDS + 1), None);
    assert_eq!(to_endpoint::refused_with(1, 7, MAX_WORDS + 1), None);
    assert!(to_relay::refuse(0, 0, 0, 7, MAX_WORDS).is_some());
    assert_eq!(to_relay::refuse(0, 0, 0, 7, MAX_WORDS + 1), None);
    assert_eq!(to_relay::leave_out(0, 254), Some([0, 11, 0, 255, 0]));
    assert_eq!(to_relay::leave_out(0, 255), None);
    assert_eq!(to_endpoint::announcement(Capabilities::HELLO), [0, 4, 0, 255, 0x50, 4]);
}

/// A broken list ends at the break, and an item that is too short means nothing.
// §11.4-items
#[test]
fn items_of_any_length() {
    let whole = [1, 2, 1, 9, 2, 3, 1, 1, 1, 6, 5, 1, 2, 3, 4, 5, 1, 0, 4, 1, b't', 5, 0];
    let expected =
        [Item::Capabilities(1), Item::Window(0x0403_0201), Item::TokenPart(b"t"), Item::TokenEnd(b"")];
    assert_eq!(Items::new(&whole).collect::<Vec<_>>(), expected);
    for len in 0..whole.len() {
        let known: Vec<_> = Items::new(&whole[..len]).collect();
        assert!(expected.starts_with(&known) && known.len() < expected.len());
    }
}

proptest! {
    /// Both readers of items find the same numbers in any bytes.
    #[test]
    fn numbers_are_read_alike(list in prop::collection::vec(prop_oneof![4 => 0u8..8, 1 => any::<u8>()], 0..60)) {
        let mut reader = NumberReader::new();
        let byte_by_byte: Vec<_> = list.iter().filter_map(|&byte| reader.byte(byte)).collect();
        let whole = Items::new(&list);
        let numbers = |item: &Item<'_>| !matches!(item, Item::Name(_) | Item::TokenPart(_) | Item::TokenEnd(_));
        prop_assert_eq!(byte_by_byte, whole.filter(numbers).collect::<Vec<_>>());
    }

    #[test]
    fn what_relays_encode_is_decoded(a: u8, b: u8, c: u8, m: u32, n: u32, own: bool, tag in 1u8..) {
        if cfg!(feature = "flow") {
            for (bytes, unit) in [
                (&to_endpoint::entered(tag, a, b, m)[..], Unit::Entered { tag, channel: a, user: b, window: m }),
                (&to_endpoint::grant_from_server(a, m), Unit::GrantFromServer { channel: a & 127, bytes: m }),
                (&to_endpoint::grant_from_user(a, b, m), Unit::GrantFromUser { channel: a & 127, user: b, bytes: m }),
                (
                    &to_endpoint::raised(own, a, b, m, n),
                    Unit::Raised { own, channel: a & 127, user: b, send: m, receive: n },
                ),
            ] {
                prop_assert_eq!(by_endpoint(&cut(bytes, &[3])), [Said::bare(Kind::Control(unit))]);
            }
            let knock = to_endpoint::knock(a, b, c, own, m, 0).unwrap();
            prop_assert_eq!(by_endpoint(&[&knock[..]]), [said(Kind::Knock(a, b, c, own, m), &[])]);
        }
    }
}

// §4.9-nonsense
#[test]
fn events_that_are_one_byte_short_mean_nothing() {
    for event in [
        &to_endpoint::grant_from_server(3, 0x0403_0201)[..],
        &to_endpoint::grant_from_user(3, 2, 0x0403_0201),
        &to_endpoint::raised(true, 3, 2, 1, 2),
        &to_endpoint::raised(false, 3, 2, 1, 2),
        &to_endpoint::knock(3, 2, 1, true, 9, 0).unwrap(),
    ] {
        let mut short = event[..event.len() - 1].to_vec();
        short[1] -= 1;
        for len in 1..short.len() {
            assert_eq!(by_endpoint(&cut(&short, &[len])), [], "{short:?} in pieces of {len}");
        }
    }
}

/// Bytes that a later version may have behind a grant mean nothing to this one.
#[test]
fn grants_may_be_longer_than_they_are() {
    if !cfg!(feature = "flow") {
        return;
    }
    for (event, unit) in [
        (&to_endpoint::grant_from_server(3, 9)[..], Unit::GrantFromServer { channel: 3, bytes: 9 }),
        (&to_endpoint::grant_from_user(3, 2, 9), Unit::GrantFromUser { channel: 3, user: 2, bytes: 9 }),
    ] {
        for more in 0..10 {
            let mut long = [event, &[0xff; 10][..more]].concat();
            long[1] += u8::try_from(more).unwrap();
            for len in 1..long.len() {
                assert_eq!(by_endpoint(&cut(&long, &[len])), [Said::bare(Kind::Control(unit))], "{long:?}");
            }
        }
    }
}

/// The eighth bit of a channel's number says whose channel it is, and a caller cannot change that.
// §3.3-user-data, §3.3-server-data
#[test]
fn numbers_of_channels_have_seven_bits() {
    for channel in [3, 0x83] {
        assert_eq!(to_relay::grant_server(channel, 1)[4], 3);
        assert_eq!(to_relay::grant_user(channel, 9, 1)[4..6], [0x83, 9]);
        assert_eq!(to_relay::data_from_user(channel, 1).as_bytes(), [2, 3]);
        assert_eq!(to_relay::data_from_server(channel, 9, 1).as_bytes(), [3, 0x83, 9]);
        assert_eq!(to_relay::broadcast(channel, None, 1).as_bytes(), [1, 1, 2, 0x83]);
        assert_eq!(to_relay::broadcast_to_ready(channel, None, 1).as_bytes(), [1, 2, 2, 0x83]);
        assert_eq!(to_endpoint::data_for_user(channel, 1).as_bytes(), [2, 3]);
        assert_eq!(to_endpoint::data_for_server(channel, 9, 1).as_bytes(), [3, 0x83, 9]);
    }
}
