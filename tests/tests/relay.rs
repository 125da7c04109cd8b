//! The forwarding core: arbitrary streams in arbitrary cuts against the reference that the fuzz
//! target `relay` has, too.

use peote_net_models::relay::{Both, CONNECTIONS, Room, Step};
use proptest::prelude::*;

/// What an endpoint sends. Most of it makes sense.
fn unit() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![Just(b"a".to_vec()), Just(b"b".to_vec()), Just(Vec::new()), Just(vec![b'n'; 200])];
    let number = prop_oneof![4 => 0u8..3, 1 => 0u8..=127];
    let user = prop_oneof![4 => 0u8..4, 1 => any::<u8>()];
    let len = prop_oneof![8 => 0usize..40, 4 => 100usize..140, 2 => 0usize..3000, 1 => 32_700usize..=32_765];
    let command = (0u8..2, 0u8..4, name).prop_map(|(command, tag, name)| {
        [&[0, command, tag, u8::try_from(name.len()).unwrap()][..], &name].concat()
    });
    let end = (2u8..4, prop_oneof![6 => Just(1usize), 1 => 0usize..5], number.clone()).prop_map(
        |(command, len, number)| {
            [&[0, command, 0, u8::try_from(len).unwrap()][..], &vec![number; len]].concat()
        },
    );
    let data = (0u8..4, number, user, len, any::<u8>(), any::<bool>()).prop_map(
        |(kind, number, user, len, start, long)| {
            let numbers: &[u8] = match kind {
                0 => &[number],
                2 => &[number | 128],
                _ => &[number | 128, user],
            };
            let size = numbers.len() + len;
            let mut bytes = match kind {
                2 => vec![1, 1],
                3 => vec![1, 0],
                _ => Vec::new(),
            };
            if size < 128 && !long && (size > 1 || kind >= 2) {
                bytes.push(u8::try_from(size).unwrap());
            } else {
                bytes.extend((u16::try_from(size).unwrap() | 0x8000).to_be_bytes());
            }
            bytes.extend(numbers);
            bytes.extend((0..len).map(|i| start.wrapping_add(i.to_le_bytes()[0])));
            bytes
        },
    );
    // short broadcasts one behind the other, now and then to somebody else
    let broadcasts = proptest::collection::vec((0u8..8, 1u8..30, any::<u8>()), 1..60).prop_map(|units| {
        let one = |(to, len, byte): (u8, u8, u8)| {
            let excluded: &[u8] = if to < 2 { &[to] } else { &[] };
            let numbers = [&[128][..], excluded].concat();
            let size = len + u8::try_from(numbers.len()).unwrap();
            [&[1, u8::from(to >= 2), size][..], &numbers, &vec![byte; len.into()]].concat()
        };
        units.into_iter().flat_map(one).collect()
    });
    let nothing = prop_oneof![Just(vec![0x80, 0]), Just(vec![1, 1, 0x80, 0])];
    let nonsense = proptest::collection::vec(any::<u8>(), 1..12);
    prop_oneof![6 => command, 2 => end, 12 => data, 3 => broadcasts, 1 => nothing, 1 => nonsense]
}

/// What only those say that take part, and what others say by mistake.
fn of_flow() -> impl Strategy<Value = Vec<u8>> {
    fn command(code: u8, payload: &[u8]) -> Vec<u8> {
        [&[0, code, 0, u8::try_from(payload.len()).unwrap()], payload].concat()
    }
    let number = prop_oneof![4 => 0u8..3, 1 => 0u8..=127];
    let bytes = prop_oneof![Just(0u32), 1u32..200, 1u32..4000, Just(70_000), Just(u32::MAX)];
    let bytes = bytes.prop_map(u32::to_le_bytes);
    let hello = (any::<bool>(), prop_oneof![9 => Just(1u8), 1 => any::<u8>()], bytes.clone()).prop_map(
        |(unknown, bits, window)| {
            let unknown: &[u8] = if unknown { &[99, 2, 1, 1] } else { &[] };
            command(6, &[unknown, &[1, 1, bits, 6, 4], &window].concat())
        },
    );
    let broken = proptest::collection::vec(0u8..7, 0..9).prop_map(|items| command(6, &items));
    let words = prop_oneof![0usize..20, 199usize..202].prop_map(|len| command(7, &vec![b'w'; len]));
    let enter = (any::<bool>(), 0u8..4).prop_map(|(a, tag)| vec![0, 1, tag, 1, if a { b'a' } else { b'b' }]);
    let words = (words, prop_oneof![4 => enter, 1 => Just(Vec::new())])
        .prop_map(|(words, enter)| [words, enter].concat());
    let grant = (number.clone(), 0u8..4, any::<bool>(), bytes).prop_map(|(number, user, own, bytes)| {
        if own {
            command(8, &[&[number | 128, user], &bytes[..]].concat())
        } else {
            command(8, &[&[number], &bytes[..]].concat())
        }
    });
    let admit = (number.clone(), 0u8..4, 0u8..9).prop_map(|(number, user, ticket)| {
        command(9 + ticket % 2, &[number, user, ticket, 7][..3 + usize::from(ticket % 2)])
    });
    let leave_out = (number.clone(), proptest::collection::vec(0u8..4, 0..4))
        .prop_map(|(number, users)| command(11, &[&[number | 128], &users[..]].concat()));
    let ready = (2u8..4, number, 0u8..4, 1u8..90).prop_map(|(mode, number, user, len)| {
        let excluded: &[u8] = if mode == 3 { &[user] } else { &[] };
        let size = 1 + u8::try_from(excluded.len()).unwrap() + len;
        [&[1, mode, size, 128 | number], excluded, &vec![len; len.into()]].concat()
    });
    prop_oneof![3 => hello, 1 => broken, 3 => words, 4 => grant, 1 => admit, 2 => leave_out, 4 => ready]
}

/// The same with a relay that knows hello.
fn step_of_flow() -> impl Strategy<Value = Step> {
    let connection = 0..CONNECTIONS;
    let refusal = proptest::option::weighted(0.2, (0u8..9, 0usize..=200));
    prop_oneof![
        9 => step(),
        3 => (connection.clone(), of_flow()).prop_map(|(from, unit)| Step::Queue(from, unit)),
        3 => (connection, refusal).prop_map(|(of, refusal)| Step::Answer(of, refusal)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let connection = 0..CONNECTIONS;
    let piece = prop_oneof![Just(1), 1usize..50];
    prop_oneof![
        12 => (connection.clone(), unit()).prop_map(|(from, unit)| Step::Queue(from, unit)),
        6 => (connection.clone(), 1usize..20).prop_map(|(from, len)| Step::Present(from, len)),
        12 => (connection.clone(), Just(100_000)).prop_map(|(from, len)| Step::Present(from, len)),
        4 => connection.clone().prop_map(Step::Drain),
        3 => (connection.clone(), piece).prop_map(|(from, len)| Step::PresentInPieces(from, len)),
        1 => connection.prop_map(Step::Disconnect),
        1 => prop_oneof![Just(1usize), 2usize..60, Just(usize::MAX)].prop_map(Step::Work),
        1 => (0u64..12).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_comes_in_whatever_cuts_is_routed_as_by_the_reference(
        steps in proptest::collection::vec(step(), 1..150),
        bound in prop_oneof![Just(300usize), Just(5_000), Just(1 << 20)],
        cut in prop_oneof![Just(0usize), Just(100), Just(256)],
        collide: bool,
    ) {
        let mut both = Both::new(bound, cut, collide);
        // so that most cases have somebody to talk to
        for (connection, bytes) in [(0, &b"\0\0\x01\x01a"[..]), (1, b"\0\x01\x01\x01a"), (2, b"\0\x01\x01\x01a")] {
            both.step(Step::Queue(connection, bytes.to_vec()));
            both.step(Step::Present(connection, 100));
        }
        steps.into_iter().for_each(|step| both.step(step));
        both.finish();
    }

    #[test]
    fn hello_knocks_and_windows_are_as_by_the_reference(
        steps in proptest::collection::vec(step_of_flow(), 1..150),
        windows in proptest::collection::vec(prop_oneof![3 => 1u32..500, 1 => Just(70_000)], CONNECTIONS),
        existing in 0u8..16,
        early in 0u8..16,
        window in prop_oneof![Just(1u32), Just(100), Just(65_536)],
        more in prop_oneof![Just(400usize), Just(5_000), Just(1 << 20)],
        memory in prop_oneof![3 => Just(usize::MAX), 1 => 2_000usize..100_000],
        is_eager: bool,
        cut in prop_oneof![Just(0usize), Just(100), Just(256)],
    ) {
        let mut both = Both::with_hello(Room { window, more, memory, is_eager }, cut, false);
        // most cases have somebody to talk to, who takes part or does not, and says so in front of
        // creating and entering or behind that
        for (connection, window) in windows.iter().enumerate() {
            let bit = 1 << connection;
            let first: &[u8] = if connection == 0 { b"\0\0\x01\x01a" } else { b"\0\x01\x01\x01a" };
            let hello = [&[0, 6, 0, 9, 1, 1, 1, 6, 4][..], &window.to_le_bytes()].concat();
            let both_ways = if early & bit == 0 { [first, &hello].concat() } else { [&hello, first].concat() };
            let said = if existing & bit == 0 { both_ways } else { first.to_vec() };
            both.step(Step::Queue(connection, said));
            both.step(Step::Present(connection, 100));
            both.step(Step::Answer(0, None));
            both.step(Step::Present(0, 100));
        }
        steps.into_iter().for_each(|step| both.step(step));
        both.finish();
    }

    #[test]
    fn nonsense_never_panics_and_uses_all_but_the_start_of_a_unit(
        streams in proptest::collection::vec((0..CONNECTIONS, proptest::collection::vec(prop_oneof![any::<u8>(), 0u8..4], 0..200)), 1..40),
    ) {
        let mut both = Both::new(500, 64, false);
        for (connection, bytes) in streams {
            both.step(Step::Queue(connection, bytes));
            both.step(Step::Present(connection, 150));
        }
        both.finish();
    }
}
