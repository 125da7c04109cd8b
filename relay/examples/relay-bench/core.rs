//! The forwarding core alone: no sockets, one thread, a queue that is emptied when it is full.

use std::time::Instant;

use peote_net::protocol::to_relay;
use peote_net::relay::{ConnectionId, Host, Outcome, Relay, StaticStorage};
use peote_net::time;

/// One buffer for everybody.
struct Queue {
    bytes: Vec<u8>,
    len: usize,
}

const BOUND: usize = 64 * 1024;

impl Host for Queue {
    #[inline]
    fn free(&self, _: ConnectionId) -> usize {
        BOUND - self.len
    }

    #[inline]
    fn push(&mut self, _: ConnectionId, header: &[u8], payload: &[u8]) {
        let room = &mut self.bytes[self.len..self.len + header.len() + payload.len()];
        let (front, back) = room.split_at_mut(header.len());
        match (&mut *front, header) {
            ([a, b], [x, y]) => (*a, *b) = (*x, *y),
            ([a, b, c], [x, y, z]) => (*a, *b, *c) = (*x, *y, *z),
            (front, header) => front.copy_from_slice(header),
        }
        back.copy_from_slice(payload);
        self.len += header.len() + payload.len();
    }

    fn now(&self) -> time::Instant {
        time::Instant::ZERO
    }
}

/// Nanoseconds for each 16-byte unit, from its bytes to the queue.
pub(crate) fn run() {
    let mut relay = Relay::new(StaticStorage::<4, 2, 4, 16>::new());
    let mut queue = Queue { bytes: vec![0; BOUND + 64], len: 0 };
    let (Ok(server), Ok(user)) = (relay.connect(), relay.connect()) else { return };
    let _ = relay.receive(server, b"\0\0\x01\x01a", &mut queue);
    let _ = relay.receive(user, b"\0\x01\x01\x01a", &mut queue);
    let kinds = [
        ("user to server", user, to_relay::data_from_user(0, 16)),
        ("server to user", server, to_relay::data_from_server(0, 0, 16)),
    ];
    for (name, sender, header) in kinds {
        let unit = [header.as_bytes(), &[7; 16]].concat();
        let input = unit.repeat(3000);
        let mut units = 0;
        let start = Instant::now();
        for _ in 0..10_000 {
            let mut rest = &input[..];
            while !rest.is_empty() {
                queue.len = 0;
                let received = relay.receive(sender, rest, &mut queue);
                rest = &rest[received.used..];
                assert!(matches!(received.outcome, Outcome::NeedMore | Outcome::WaitFor(_)));
            }
            units += 3000;
        }
        let nanos = start.elapsed().as_secs_f64() * 1e9 / f64::from(units);
        println!("forwarding core alone, 16-byte units, {name}: {nanos:.1} ns each");
    }
}
