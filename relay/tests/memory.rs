//! One figure bounds queues and tables together.

mod common;

use common::{config, start, talk};
use peote_relay::{Config, Refused, TurnedAway};

const MIB: usize = 1 << 20;

#[test]
fn tables_take_half_of_the_memory_and_refuse_what_would_make_them_grow() {
    let relay = start(Config {
        memory_bytes: MIB,
        queue_bytes: 64 << 10,
        max_connections: 0,
        max_channels: 0,
        ..config()
    });
    let (mut server, mut user) = relay.pair(b"first");
    // connections with as many channels as they may have, until there is no memory for more
    let mut all = Vec::new();
    'full: for number in 0u16.. {
        let mut endpoint = relay.connect();
        for channel in 0..128u8 {
            let [low, high] = number.to_le_bytes();
            endpoint.send(&[0, 0, 1, 3, low, high, channel]);
            match endpoint.next() {
                Some(common::Got::Control(answer)) if answer[1] == 0 => {}
                _ => break 'full,
            }
        }
        all.push(endpoint);
    }
    let stats = relay.stats();
    assert!(stats.table_bytes <= MIB / 2, "{}", stats.table_bytes);
    assert!(stats.refused.of(Refused::Memory) + stats.turned_away.of(TurnedAway::Memory) > 0, "{stats:?}");
    assert!(stats.channels > 128, "{stats:?}");
    // and connections alone, until there is none either
    while relay.stats().turned_away.of(TurnedAway::Memory) == 0 {
        all.push(relay.connect());
        assert!(all.len() < 10_000);
        if all.len().is_multiple_of(50) {
            let table_bytes = relay.stats().table_bytes;
            assert!(table_bytes <= MIB / 2, "{table_bytes}");
        }
    }
    talk(&mut server, &mut user);
    drop(all);
    relay.until(|stats| stats.connections == 2);
    relay.connect().create(b"again");
}
