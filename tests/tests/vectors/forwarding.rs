//! The forwarding core in the place of the recorded relay.

use std::collections::VecDeque;

use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::protocol::to_endpoint::Unit as FromRelay;
use peote_net::protocol::to_relay::{self, Command, Decoder, Unit as FromEndpoint};
use peote_net::relay::{ConnectionId, Host, Outcome, Relay, StaticStorage};
use peote_net::time::Instant;

use crate::recording::{self, Recording};
use crate::wire::{self, Heard};

/// Queues with room for everything.
#[derive(Default)]
struct Queues(Vec<Vec<u8>>);

impl Host for Queues {
    fn free(&self, _: ConnectionId) -> usize {
        usize::MAX
    }

    /// The recorded relay has no extensions.
    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }

    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
        let queue = &mut self.0[connection.index()];
        queue.extend_from_slice(header);
        queue.extend_from_slice(payload);
    }

    fn now(&self) -> Instant {
        Instant::ZERO
    }
}

/// The recorded relay gave the number 0 again to the user that came next; the core gives out 1. So
/// the server, which says 0, is made to say 1 from then on.
struct Renumbered {
    decoder: Decoder,
    user: u8,
}

impl Renumbered {
    fn apply(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut rest = bytes;
        let mut renumbered = Vec::new();
        while let Some((used, unit)) = self.decoder.decode(rest) {
            rest = &rest[used..];
            let (head, payload) = match unit {
                FromEndpoint::ToUser { channel, user, payload } => {
                    (to_relay::data_from_server(channel, user + self.user, payload.bytes().len()), payload)
                }
                FromEndpoint::ToAll { channel, payload } => {
                    (to_relay::broadcast(channel, None, payload.bytes().len()), payload)
                }
                FromEndpoint::ToAllBut { channel, excluded, payload } => {
                    (to_relay::broadcast(channel, Some(excluded + self.user), payload.bytes().len()), payload)
                }
                FromEndpoint::Command { command: 3, payload, .. } if payload.is_whole() => {
                    renumbered.extend(to_relay::number_command(Command::Delete, payload.bytes()[0]));
                    continue;
                }
                FromEndpoint::Command { command: 0, tag, payload } if payload.is_whole() => {
                    renumbered.extend([0, 0, tag, u8::try_from(payload.total()).unwrap()]);
                    renumbered.extend(payload.bytes());
                    continue;
                }
                unit => panic!("{unit:?}"),
            };
            renumbered.extend(head.as_bytes());
            renumbered.extend(payload.bytes());
        }
        renumbered
    }
}

/// What the core says to each connection when the endpoints say what is recorded, `cut` bytes at a
/// time.
fn forward(recording: &Recording, cut: usize, server: usize, renumber: bool) -> Vec<Vec<u8>> {
    let mut relay = Relay::new(StaticStorage::<8, 2, 16, 16>::new());
    let connections: Vec<ConnectionId> =
        (0..recording.connections()).map(|_| relay.connect().unwrap()).collect();
    let mut queues = Queues(vec![Vec::new(); connections.len()]);
    let mut waiting: Vec<VecDeque<u8>> = vec![VecDeque::new(); connections.len()];
    let mut renumbered = Renumbered { decoder: Decoder::new(), user: 0 };
    for line in &recording.lines {
        // the second session of chunks-32k has a relay of its own
        if line.connection < server || line.connection >= server + 3 && recording.name == "chunks-32k" {
            continue;
        }
        let id = connections[line.connection];
        match (&line.bytes, line.to_relay) {
            (Some(bytes), true) => {
                let bytes =
                    if renumber && line.connection == server { &renumbered.apply(bytes) } else { bytes };
                for piece in bytes.chunks(cut) {
                    let rest = &mut waiting[line.connection];
                    rest.extend(piece);
                    let received = relay.receive(id, rest.make_contiguous(), &mut queues);
                    assert_eq!(received.outcome, Outcome::NeedMore);
                    rest.drain(..received.used);
                }
            }
            (None, true) => relay.disconnect(id, &mut queues),
            // a user is gone: the next one gets another number
            (Some(bytes), false)
                if renumber && line.connection == server && bytes.starts_with(&[0, 5, 0, 1]) =>
            {
                renumbered.user = 1;
            }
            _ => {}
        }
    }
    assert!(waiting.iter().all(VecDeque::is_empty));
    queues.0
}

/// What the recorded relay said, with the user's number changed behind the first that is gone.
fn expected(recording: &Recording, connection: usize, renumber: bool) -> Vec<Heard> {
    let mut gone = false;
    let mut heard = wire::heard(&[&recording.stream(connection, false)]);
    heard.retain(|heard| !matches!(heard, Heard::Control(FromRelay::Keepalive { .. })));
    for heard in &mut heard {
        match heard {
            Heard::FromUser { user, .. } | Heard::Control(FromRelay::UserEntered { user, .. })
                if renumber && gone =>
            {
                *user += 1;
            }
            Heard::Control(FromRelay::UserGone { .. }) => gone = true,
            _ => {}
        }
    }
    heard
}

fn check(recording: &Recording, server: usize, users: usize, renumber: bool) {
    for cut in [usize::MAX, 1, 2, 3, 5, 7] {
        let queues = forward(recording, cut, server, renumber);
        for (connection, queue) in queues.iter().enumerate().skip(server).take(users + 1) {
            let expected = expected(recording, connection, renumber);
            let mut heard = wire::heard(&[queue]);
            assert!(expected.len() > 1);
            // this stream breaks off in the recording, in the middle of what its last user says
            if (recording.name, connection) == ("chunks-32k", 3) {
                let Some(Heard::FromUser { user: 1, bytes, .. }) = heard.last_mut() else {
                    panic!("{heard:?}")
                };
                assert_eq!(*bytes, [&[4], &recording::chunk(5)[..]].concat());
                bytes.truncate(1);
            }
            assert_eq!(heard, expected, "{}, connection {connection}, cut {cut}", recording.name);
        }
    }
}

#[test]
fn the_core_says_what_the_recorded_relay_said() {
    check(&recording::broadcast(), 0, 3, false);
    check(&recording::rpc(), 0, 1, false);
    check(&recording::chunks_256(), 0, 2, true);
    check(&recording::chunks_32k(), 0, 2, true);
    check(&recording::chunks_32k(), 3, 2, true);
}

/// Uncut, not only the same bytes to each in each channel, but the same units.
#[test]
fn uncut_units_stay_as_they_are() {
    let recording = recording::broadcast();
    let queues = forward(&recording, usize::MAX, 0, false);
    for (connection, queue) in queues.iter().enumerate() {
        assert_eq!(*queue, recording.stream(connection, false), "connection {connection}");
    }
}
