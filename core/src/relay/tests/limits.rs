//! What the host does not allow, and tables that are used up.

use std::vec::Vec;

use super::super::{Relay, StaticStorage};
use super::*;
use crate::protocol::{MAX_CHANNELS, MAX_USERS};

#[test]
fn a_request_that_comes_too_early_is_asked_about_again() {
    let mut world = World::with_channel(2);
    world.host.decision = |_| Decision::Later;
    for command in [&b"\0\0\x01\x01b"[..], b"\0\x01\x01\x01c", &[0, 2, 0, 1, 0], &[0, 3, 0, 1, 0]] {
        let bytes = [&[2, 0, b'x'], command].concat();
        assert_eq!(world.receive(1, &bytes), Received { used: 3, outcome: Outcome::Later });
        assert_eq!(world.receive(1, command), Received { used: 0, outcome: Outcome::Later });
        assert_eq!(world.take(0), [3, 128, 0, b'x']);
    }
    world.host.decision = |_| Decision::Yes;
    world.send(1, b"\0\0\x01\x01b");
    assert_eq!(world.take(1), [0, 3, 1, 0, 0]);
}

#[test]
fn the_hosts_refusal_reaches_the_endpoint_and_undoes_nothing() {
    let mut world = World::with_channel(3);
    world.host.decision = |request| match request {
        Request::Create { .. } => Decision::No(Reason::TooManyChannels),
        Request::Enter { .. } => Decision::No(Reason::ChannelFull),
        _ => Decision::No(Reason::OnPurpose),
    };
    world.send(2, b"\0\0\x01\x01b\0\x01\x02\x01a\0\x01\x03\x01z");
    assert_eq!(world.take(2), [0, 3, 1, 1, 1, 0, 3, 2, 1, 3, 0, 3, 3, 1, 1]);
    world.send(2, &[0, 2, 0, 1, 0]); // leaving cannot be refused
    assert_eq!(world.take(0), [0, 5, 0, 1, 0, 1, 0]);
    // a reason that the protocol has no number for here
    world.host.decision = |_| Decision::No(Reason::OnPurpose);
    world.send(2, b"\0\0\x01\x01b\0\x01\x02\x01a");
    assert_eq!(world.take(2), [0, 3, 1, 1, 1, 0, 3, 2, 1, 4]);
}

#[test]
fn a_request_can_close_the_connection() {
    let mut world = World::with_channel(3);
    world.host.decision = |_| Decision::Close;
    assert_eq!(world.send_fatal(2, b"\0\0\x01\x01b"), CloseReason::NotAllowed);
}

#[test]
fn requests_say_what_there_is_already() {
    let mut world = World::with_channel(3);
    world.host.decision = |request| match *request {
        Request::Create { own: 1, channels: 1, name: b"b", given: b"b" }
        | Request::Enter { entered: 1, users: 2, name: b"a", given: b"a", of_address: 0, of_network: 0 }
        | Request::Enter { entered: 1, users: 0, name: b"z", given: b"z", of_address: 0, of_network: 0 } => {
            Decision::Yes
        }
        _ => Decision::Close,
    };
    world.send(0, b"\0\0\x01\x01b");
    world.send(1, b"\0\x01\x01\x01a\0\x01\x01\x01z");
}

#[test]
fn tables_that_are_used_up_refuse_and_recover() {
    let mut relay = Relay::new(StaticStorage::<3, 2, 2, 6>::new());
    let mut host = Queues::default();
    let ids: Vec<_> = (0..3).map(|_| relay.connect().unwrap()).collect();
    assert_eq!(relay.connect(), Err(Full));
    let mut send = |id: ConnectionId, bytes: &[u8]| {
        assert_eq!(relay.receive(id, bytes, &mut host).used, bytes.len());
        let answers: Vec<u8> = core::mem::take(&mut host.queues[id.index()]);
        answers
    };
    assert_eq!(send(ids[0], b"\0\0\x01\x01a\0\0\x01\x01b\0\0\x01\x01c")[13..], [1, 1]);
    assert_eq!(send(ids[1], b"\0\x01\x01\x01a\0\x01\x01\x01b"), [0, 3, 1, 0, 0, 0, 3, 1, 0, 1]);
    assert_eq!(send(ids[2], b"\0\x01\x01\x01a"), [0, 3, 1, 1, 4]);
    assert_eq!(send(ids[0], &[0, 3, 0, 1, 0]).len(), 12);
    assert_eq!(send(ids[2], b"\0\0\x01\x01c\0\0\x01\x01d"), [0, 3, 1, 0, 0, 0, 3, 1, 1, 1]);
    assert_eq!(send(ids[2], &[0, 3, 0, 1, 0]), []);
    relay.disconnect(ids[1], &mut host);
    assert_eq!((relay.channels(), relay.memberships()), (1, 0));
    let answer = relay.receive(ids[2], b"\0\x01\x01\x01b", &mut host);
    assert_eq!((answer.used, &host.queues[2][..]), (5, &[0, 3, 1, 0, 0][..]));
    assert_eq!(relay.memberships(), 1);
}

/// A name takes a page for each 64 bytes, and its owner's table one. Whichever of them is missing,
/// what was taken goes back, and a shorter name still finds its place.
#[test]
fn a_channel_for_which_there_are_too_few_pages_takes_none() {
    let mut relay = Relay::new(StaticStorage::<2, 2, 2, 6>::new());
    let mut host = Queues::default();
    let ids: Vec<_> = (0..2).map(|_| relay.connect().unwrap()).collect();
    let mut create = |from: usize, len: u8| {
        let command = [&[0, 0, 1, len][..], &std::vec![b'n'; len.into()]].concat();
        let _ = relay.receive(ids[from], &command, &mut host);
        let is_open = core::mem::take(&mut host.queues[from])[3..] == [0, 0];
        (is_open, relay.channels(), relay.pages())
    };
    assert_eq!(create(0, 65), (true, 1, 3));
    // three are left: too few for the name; then for the table
    for len in [255, 193, 192, 129] {
        assert_eq!(create(1, len), (false, 1, 3), "{len} bytes");
    }
    assert_eq!(create(1, 128), (true, 2, 6));
}

#[test]
fn one_that_comes_and_goes_does_not_use_up_the_pages() {
    let mut relay = Relay::new(StaticStorage::<3, 8, 8, 18>::new());
    let mut host = Queues::default();
    let ids: Vec<_> = (0..3).map(|_| relay.connect().unwrap()).collect();
    for _ in 0..300 {
        host.queues[0].clear();
        let _ = relay.receive(ids[0], b"\0\0\x01\x01a", &mut host);
        let number = host.queues[0][4];
        let _ = relay.receive(ids[0], &[0, 3, 0, 1, number], &mut host);
    }
    for (user, name) in [(1, b'x'), (2, b'y')] {
        let _ = relay.receive(ids[user], &[0, 0, 1, 1, name], &mut host);
        assert_eq!(host.queues[user], [0, 3, 1, 0, 0]);
    }
}

#[test]
fn a_growing_relay_reaches_the_limits_of_the_protocol() {
    let mut relay = Relay::new(Growing::default());
    let mut host = Queues { queues: std::vec![Vec::new(); MAX_USERS + 2], ..Queues::default() };
    let server = relay.connect().unwrap();
    for number in 0..=MAX_CHANNELS {
        let name = [u8::try_from(number).unwrap(); 100];
        let _ = relay.receive(server, &[&[0, 0, 1, 100][..], &name].concat(), &mut host);
        let expected = if number < MAX_CHANNELS { [0, name[0]] } else { [1, 1] };
        assert_eq!(host.queues[0].split_off(0)[3..], expected);
    }
    for number in 0..=MAX_USERS {
        let user = relay.connect().unwrap();
        let _ = relay.receive(user, &[&[0, 1, 1, 100][..], &[77; 100]].concat(), &mut host);
        let expected = if number < MAX_USERS { [0, 0] } else { [1, 4] };
        assert_eq!(host.queues[number + 1].split_off(0)[3..], expected);
    }
    // one connection in as many channels as it can be in
    let other = relay.connect().unwrap();
    host.queues.resize(MAX_USERS + 3, Vec::new());
    let _ = relay.receive(other, b"\0\0\x01\x01a", &mut host);
    host.queues[MAX_USERS + 2].clear();
    let user = relay.connect().unwrap();
    host.queues.resize(MAX_USERS + 4, Vec::new());
    for number in (0..=MAX_CHANNELS).filter(|number| *number != 77) {
        let name = [u8::try_from(number).unwrap(); 100];
        let _ = relay.receive(user, &[&[0, 1, 1, 100][..], &name].concat(), &mut host);
    }
    host.queues[MAX_USERS + 3].clear();
    let _ = relay.receive(user, b"\0\x01\x01\x01a\0\x01\x02\x01a", &mut host);
    assert_eq!(host.queues[MAX_USERS + 3], [0, 3, 1, 0, 127, 0, 3, 2, 1, 3]);
    relay.disconnect(server, &mut host);
    assert_eq!((relay.channels(), relay.memberships()), (1, 1));
}

#[test]
fn every_unit_is_counted_once_however_the_stream_is_cut() {
    // data for the server of channel 0, for that of one it is not in, of size 0, a long one; and a
    // leave, which is a command
    let mut stream = b"\x02\x00a\x02\x05b\x80\x00\x02\x00c\x81\x02\x00".to_vec();
    stream.extend([7; 257]);
    stream.extend(b"\x00\x02\x00\x01\x05\x02\x00d");
    for piece in [1, 2, 3, 7, 200, stream.len()] {
        let mut world = World::with_channel(2);
        world.host.units = 0;
        let mut rest = Vec::new();
        for bytes in stream.chunks(piece) {
            rest.extend(bytes);
            let received = world.receive(1, &rest);
            rest.drain(..received.used);
        }
        assert_eq!((world.host.units, rest.len()), (6, 0), "in pieces of {piece}");
        assert_eq!(world.host.broadcasts, 0);
    }
    // data for one user; broadcasts: a run of short ones, an empty one, a long one
    let mut stream =
        b"\x03\x80\0x\x01\x01\x02\x80a\x01\x01\x02\x80b\x01\x00\x03\x80\x01c\x01\x01\x80\x00\x01\x01\x81\x02\x80"
            .to_vec();
    stream.extend([7; 257]);
    for piece in [1, 4, 9, stream.len()] {
        let mut world = World::with_channel(4);
        world.host.units = 0;
        let mut rest = Vec::new();
        for bytes in stream.chunks(piece) {
            rest.extend(bytes);
            let received = world.receive(0, &rest);
            rest.drain(..received.used);
        }
        assert_eq!((world.host.units, rest.len()), (6, 0), "in pieces of {piece}");
        assert_eq!(world.host.broadcasts, 5, "in pieces of {piece}");
    }
}

#[test]
fn a_unit_that_waits_is_counted_when_it_goes() {
    let mut world = World::with_channel(2);
    world.host.units = 0;
    world.host.bound = 0;
    for _ in 0..3 {
        assert_eq!(world.receive(1, b"\x02\x00a").used, 0);
    }
    assert_eq!(world.host.units, 0);
    world.host.bound = 100;
    world.send(1, b"\x02\x00a");
    assert_eq!(world.host.units, 1);
}
