//! Tables that grow.

use std::format;

use super::super::GrowingStorage;
use super::*;

fn lengths(storage: &mut GrowingStorage) -> [usize; 5] {
    let Parts { connections, channels, memberships, pages, buckets, .. } = storage.parts();
    [connections.len(), channels.len(), memberships.len(), pages.len(), buckets.len()]
}

#[test]
fn tables_double_one_by_one() {
    let mut storage = GrowingStorage::new();
    assert_eq!(lengths(&mut storage), [0; 5]);
    let pools = [Pool::Connections, Pool::Channels, Pool::Memberships, Pool::Pages, Pool::Buckets];
    for (place, pool) in pools.into_iter().enumerate() {
        let mut expected = lengths(&mut storage);
        for len in [16, 32, 64, 128] {
            assert!(storage.grow(pool));
            expected[place] = len;
            assert_eq!(lengths(&mut storage), expected);
        }
    }
}

#[test]
fn tables_grow_when_they_are_needed() {
    let mut relay = Relay::new(GrowingStorage::new());
    let mut host = Queues { queues: std::vec![Vec::new(); 40], ..Queues::default() };
    let ids: Vec<_> = (0..17).map(|_| relay.connect().unwrap()).collect();
    assert_eq!(lengths(&mut relay.storage), [32, 0, 0, 0, 0]);
    let mut say = |relay: &mut Relay<_>, id, bytes: &[u8]| {
        assert_eq!(relay.receive(id, bytes, &mut host).used, bytes.len());
    };
    say(&mut relay, ids[0], b"\0\0\x01\x01a");
    assert_eq!(lengths(&mut relay.storage), [32, 16, 16, 16, 16]);
    for id in &ids[1..] {
        say(&mut relay, *id, b"\0\x01\x01\x01a");
    }
    // 16 users, each with a page for the numbers of its entered channels; half of the pages are
    // free
    assert_eq!(lengths(&mut relay.storage), [32, 16, 16, 64, 16]);
    // nothing gets shorter
    ids.iter().for_each(|id| relay.disconnect(*id, &mut host));
    assert_eq!(lengths(&mut relay.storage), [32, 16, 16, 64, 16]);
}

/// What connections hear when 12 of them have 20 channels each, everybody is in all those of the
/// others, and all say something.
fn said<S: Storage>(storage: S) -> Vec<Vec<u8>> {
    let mut relay = Relay::new(storage);
    let mut host = Queues::default();
    let ids: Vec<_> = (0..12).map(|_| relay.connect().unwrap()).collect();
    let mut say = |from: usize, bytes: &[u8]| {
        let received = relay.receive(ids[from], bytes, &mut host);
        assert_eq!(received, Received { used: bytes.len(), outcome: Outcome::NeedMore });
    };
    let command = |code: u8, owner: usize, number: usize| {
        let name = format!("{number} of {owner} {}", "x".repeat(number * 10));
        [&[0, code, 1, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat()
    };
    for number in 0..20 {
        (0..12).for_each(|owner| say(owner, &command(0, owner, number)));
    }
    for number in 0..10 {
        for (owner, user) in (0..12).flat_map(|owner| (0..12).map(move |user| (owner, user))) {
            if owner != user {
                say(user, &command(1, owner, number));
            }
        }
    }
    for from in 0..12 {
        let channel = u8::try_from(from).unwrap();
        say(from, &[2, channel, b'u', 1, 1, 2, 128 + channel % 10, b's']);
    }
    assert_eq!((relay.channels(), relay.memberships()), (240, 12 * 11 * 10));
    host.queues
}

#[test]
fn tables_that_have_grown_are_as_those_that_were_large_from_the_beginning() {
    let large = StaticStorage::<12, 256, 2048, 4096>::new();
    assert_eq!(said(GrowingStorage::new()), said(large));
}

#[test]
fn there_is_an_end_to_growing() {
    use super::super::memory::growing::{MOST, lengthen};
    let mut table = std::vec![(); MOST - 1];
    assert!(lengthen(&mut table, ()));
    assert_eq!(table.len(), MOST);
    assert!(!lengthen(&mut table, ()));
    assert_eq!(table.len(), MOST);
}

#[test]
fn tables_grow_as_far_as_their_limit_in_bytes_and_refuse_beyond() {
    let limit = 64 << 10;
    let mut storage = GrowingStorage::new();
    storage.set_limit(limit);
    let mut relay = Relay::new(storage);
    let mut host = Queues { queues: std::vec![Vec::new(); 4096], ..Queues::default() };
    let mut ids = Vec::new();
    while let Ok(id) = relay.connect() {
        ids.push(id);
        for number in 0..8 {
            let [low, high, ..] = ids.len().to_le_bytes();
            let name = [0, 0, 1, 3, number, low, high];
            assert_eq!(relay.receive(id, &name, &mut host).used, name.len());
        }
        assert!(relay.storage().memory() <= limit, "{}", relay.storage().memory());
    }
    let channels = relay.channels();
    assert!(ids.len() > 16 && channels > 16, "{} connections, {channels} channels", ids.len());
    assert!(channels < 8 * ids.len(), "some were refused");
    // what goes makes room, and a higher limit is one
    relay.disconnect(ids[0], &mut host);
    assert!(relay.connect().is_ok());
    assert!(relay.connect().is_err());
    relay.storage_mut().set_limit(10 * limit);
    assert!(relay.connect().is_ok());
}

#[test]
fn two_tables_that_grow_together_keep_to_the_limit_together() {
    for limit in (1..200).map(|step| step << 9) {
        let mut storage = GrowingStorage::new();
        storage.set_limit(limit);
        loop {
            let before = size_of_val(storage.parts().memberships);
            if !storage.grow(Pool::Memberships) {
                break;
            }
            // the second one has been moved while the first one was as long as it is now
            let most = storage.memory() + before;
            assert!(most <= limit, "{most} bytes of {limit}");
        }
        let Parts { memberships, flows, .. } = storage.parts();
        assert_eq!(memberships.len(), flows.len());
        assert!(limit < 10_000 || !memberships.is_empty());
    }
}

/// Flow control counts for each membership, so both tables are as long.
#[test]
fn each_membership_has_a_place_for_what_is_counted() {
    let mut storage = GrowingStorage::new();
    let mut before = 0;
    for _ in 0..5 {
        assert!(storage.grow(Pool::Memberships));
        let Parts { memberships, flows, .. } = storage.parts();
        assert_eq!(memberships.len(), flows.len());
        assert!(flows.len() > before);
        before = flows.len();
    }
}
