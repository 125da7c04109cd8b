//! What happens because time passes. Times are short, and nothing is asserted about how long
//! anything takes.

mod common;

use std::time::Duration;

use common::websocket::Browser;
use common::{Got, config, start, talk};
use peote_relay::Config;

const SHORT: Duration = Duration::from_millis(100);

#[test]
fn a_keepalive_comes_again_and_again_once_something_was_sent() {
    let relay = start(Config { keepalive_interval: SHORT, ..config() });
    let mut endpoint = relay.connect();
    endpoint.create(b"a");
    for _ in 0..5 {
        assert_eq!(endpoint.control(), [0, 255, 0, 0]);
    }
    // others' traffic does not disturb it
    let (mut server, mut user) = relay.pair(b"b");
    talk(&mut server, &mut user);
    assert_eq!(endpoint.control(), [0, 255, 0, 0]);
}

#[test]
fn a_connection_that_says_nothing_is_closed_without_a_word() {
    let relay = start(Config { first_byte_timeout: SHORT, keepalive_interval: SHORT, ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let mut silent = relay.connect();
    assert_eq!(silent.next(), None, "not even a keepalive, as it may speak another protocol");
    relay.until(|stats| stats.connections == 2);
    // those that have said something may be silent afterwards
    std::thread::sleep(3 * SHORT);
    talk(&mut server, &mut user);
}

#[test]
fn the_first_byte_is_enough_to_stay() {
    let relay = start(Config { first_byte_timeout: SHORT, ..config() });
    let mut slow = relay.connect();
    slow.send(&[0]);
    relay.until(|stats| stats.received_bytes == 1);
    std::thread::sleep(3 * SHORT);
    slow.send(b"\0\x01\x01a");
    assert_eq!(slow.control(), [1, 0, 0]);
}

/// No keepalive is due that could remind of it.
#[test]
fn idle_and_unused_times_are_kept_from_the_start() {
    let minute = Duration::from_secs(60);
    let quiet = Config { first_byte_timeout: minute, keepalive_interval: minute, ..config() };
    for config in
        [Config { idle_timeout: SHORT, ..quiet.clone() }, Config { unused_timeout: SHORT, ..quiet.clone() }]
    {
        let relay = start(config);
        let mut endpoint = relay.connect();
        endpoint.send(b"\x02\0x");
        endpoint.is_closed();
        let mut browser = Browser::new(&relay);
        browser.is_closed(Some(1008));
    }
    // the channel is left later
    let relay = start(Config { unused_timeout: SHORT, ..quiet });
    let mut endpoint = relay.connect();
    endpoint.create(b"a");
    std::thread::sleep(3 * SHORT);
    endpoint.send(b"\0\x03\0\x01\0");
    endpoint.is_closed();
}

#[test]
fn commands_above_the_rate_wait_and_are_carried_out() {
    let relay = start(Config { commands_per_second: 20, ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let mut hasty = relay.connect();
    for number in 0..40u8 {
        hasty.send(&[0, 0, number + 1, 1, number]);
    }
    talk(&mut server, &mut user);
    for number in 0..40 {
        assert_eq!(hasty.control(), [number + 1, 0, number]);
    }
    // data is not counted: it only waits behind commands
    hasty.send(&common::to_user(0, 0, &[7; 100]).repeat(10_000));
    hasty.send(b"\0\x01\x01\x01z");
    loop {
        match hasty.next() {
            Some(Got::Control(answer)) if answer == [1, 1, 1] => break,
            Some(Got::Control(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(relay.stats().connections, 3);
}
