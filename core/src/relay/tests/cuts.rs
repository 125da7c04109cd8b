//! Streams in arbitrary cuts. What becomes of arbitrary streams is held against a reference in the package of the tests that need more than one package.

use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// What an endpoint sends. Most of it makes sense.
fn unit() -> impl Strategy<Value = Vec<u8>> {
    let name =
        prop_oneof![Just(b"a".to_vec()), Just(b"b".to_vec()), Just(Vec::new()), Just(std::vec![b'n'; 200])];
    let number = prop_oneof![4 => 0u8..3, 1 => 0u8..=127];
    let user = prop_oneof![4 => 0u8..4, 1 => any::<u8>()];
    let len = prop_oneof![8 => 0usize..40, 4 => 100usize..140, 2 => 0usize..3000, 1 => 32_700usize..=32_765];
    let command = (0u8..2, 0u8..4, name).prop_map(|(command, tag, name)| {
        [&[0, command, tag, u8::try_from(name.len()).unwrap()][..], &name].concat()
    });
    let end = (2u8..4, prop_oneof![6 => Just(1usize), 1 => 0usize..5], number.clone()).prop_map(
        |(command, len, number)| {
            [&[0, command, 0, u8::try_from(len).unwrap()][..], &std::vec![number; len]].concat()
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
                2 => std::vec![1, 1],
                3 => std::vec![1, 0],
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
            [&[1, u8::from(to >= 2), size][..], &numbers, &std::vec![byte; len.into()]].concat()
        };
        units.into_iter().flat_map(one).collect()
    });
    let nothing = prop_oneof![Just(std::vec![0x80, 0]), Just(std::vec![1, 1, 0x80, 0])];
    let nonsense = proptest::collection::vec(any::<u8>(), 1..12);
    prop_oneof![6 => command, 2 => end, 12 => data, 3 => broadcasts, 1 => nothing, 1 => nonsense]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_cut_of_a_stream_has_the_same_result(
        units in proptest::collection::vec(unit(), 1..20),
        cuts in proptest::collection::vec(1usize..50, 1..100),
    ) {
        let stream = units.concat();
        let mut results = Vec::new();
        for cuts in [&[usize::MAX][..], &[1], &cuts] {
            let mut world = World::with_channel(3);
            world.send(0, b"\0\0\x01\x01b\0\x01\x01\0");
            let mut cuts = cuts.iter().cycle();
            let (mut at, mut end) = (0, 0);
            while end < stream.len() {
                end = end.saturating_add(*cuts.next().unwrap()).min(stream.len());
                let received = world.receive(0, &stream[at..end]);
                at += received.used;
                if received.outcome != Outcome::NeedMore {
                    break;
                }
            }
            let own = world.take(0);
            let others: Vec<_> = (1..3).map(|connection| world.take_data(connection)).collect();
            results.push((at, own, others, world.relay.channels(), world.relay.memberships()));
        }
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0], results[2]);
    }
}
