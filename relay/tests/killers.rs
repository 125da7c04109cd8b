//! What kills or confuses other relays, over real connections. Each time, bystanders' traffic goes
//! on, before and after.

mod common;

use common::{Endpoint, config, start, talk, to_server};

/// Runs `attack` with a connection that is in the bystanders' channel, and with one that is in
/// none.
fn survives(attack: impl Fn(&mut Endpoint)) {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    talk(&mut server, &mut user);

    let mut stranger = relay.connect();
    attack(&mut stranger);
    drop(stranger);
    talk(&mut server, &mut user);

    let (mut other_server, mut attacker) = relay.pair(b"b");
    attack(&mut attacker);
    drop(attacker);
    // whatever came through: the user is gone in the end
    loop {
        match other_server.next() {
            Some(common::Got::Control(event)) if event.starts_with(&[0, 1]) => {
                assert_eq!(event[2..4], [0, 0]);
                break;
            }
            Some(_) => {}
            None => panic!("the attacker's channel has lost its server"),
        }
    }
    talk(&mut server, &mut user);
    relay.until(|stats| (stats.connections, stats.channels, stats.users) == (3, 2, 1));
}

#[test]
fn a_user_unit_of_the_greatest_size() {
    survives(|attacker| attacker.send(&[&[0xff, 0xff, 0][..], &[7; 32_766]].concat()));
    survives(|attacker| {
        for _ in 0..100 {
            attacker.send(&[&[0xff, 0xff, 0][..], &[7; 32_766]].concat());
        }
    });
}

#[test]
fn a_users_broadcast_prefix_with_a_cut_unit_behind_it() {
    survives(|attacker| {
        attacker.send(&[1, 1, 3, 0, 0x61]);
        let _ = std::io::Write::write_all(&mut attacker.socket, &[0x62]);
        attacker.is_closed();
    });
    survives(|attacker| attacker.send(&[1, 1, 3, 0]));
}

#[test]
fn a_broadcast_prefix_that_sticks() {
    survives(|attacker| {
        attacker.create(b"c");
        attacker.send(&[1, 1, 1, 128, 3, 128, 0, b'x', 1, 0, 2, 128, 0, 3, 128, 0, b'x', 1, 1, 0x80, 0]);
    });
    survives(|attacker| {
        attacker.send(&[1, 1, 0]);
        attacker.is_closed();
    });
}

#[test]
fn a_zero_length_name_and_a_delete_of_what_is_not_open() {
    survives(|attacker| {
        attacker.create(b"");
        attacker.send(&[0, 3, 0, 1, 5, 0, 3, 0, 1, 128, 0, 3, 0, 1, 255]);
        assert_eq!(attacker.create(b"c"), 1);
    });
}

#[test]
fn commands_with_lengths_that_are_wrong() {
    survives(|attacker| {
        attacker.send(&[0, 2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 3, 0, 0, 0]);
        attacker.send(&[&[0, 3, 0, 255][..], &[0; 255]].concat());
        attacker.create(b"c");
    });
}

#[test]
fn leave_and_data_before_the_first_command() {
    survives(|attacker| {
        attacker.send(&[0, 2, 0, 1, 100, 2, 100, b'x', 3, 0x80 | 100, 0, b'x', 1, 1, 2, 0x80 | 100, b'x']);
        attacker.create(b"c");
    });
}

#[test]
fn an_unknown_command() {
    for command in [12, 13, 99, 255] {
        survives(|attacker| {
            attacker.create(b"c");
            attacker.send(&[0, command]);
            attacker.is_closed();
        });
    }
}

#[test]
fn sizes_that_are_zero_or_not_minimal() {
    survives(|attacker| {
        attacker.send(&[0x80, 0].repeat(100_000));
        attacker.send(&[1, 1, 0x80, 0].repeat(50_000));
        attacker.send(&[0x80, 5, 100, 1, 2, 3, 4]);
        attacker.create(b"c");
    });
}

#[test]
fn single_bytes() {
    survives(|attacker| {
        let mut bytes = to_server(100, &common::pattern(300, 1));
        bytes.extend(b"\0\0\x01\x01c");
        for byte in bytes {
            attacker.send(&[byte]);
        }
        assert_eq!(attacker.control(), [1, 0, 0]);
    });
}

#[test]
fn half_a_unit_and_gone() {
    survives(|attacker| attacker.send(&[0xff, 0xff, 0, 1, 2, 3]));
    survives(|attacker| attacker.send(&[0xff]));
    survives(|attacker| attacker.send(b"\0\0\x01\xffhalf a na"));
}

#[test]
fn noise() {
    for seed in 0..20 {
        survives(|attacker| {
            let mut noise = common::pattern(100_000, seed);
            if noise[0] == b'G' {
                noise[0] = 0;
            }
            // it may be closed at any byte, and then writing fails
            let _ = std::io::Write::write_all(&mut attacker.socket, &noise);
        });
    }
}

#[test]
fn websocket_payloads_that_are_long_and_in_many_fragments() {
    use common::websocket::{BINARY, Browser, CLOSE, frame};

    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    let mut browser = Browser::new(&relay);
    browser.send(b"\0\x01\x01\x01a");
    browser.control();
    assert_eq!(server.control(), [0, 0, 0, 1]);
    // above 65,536 bytes in one frame, and more than 128 fragments of one message
    let bytes = common::pattern(100_000, 1);
    browser.send(&to_server(0, &bytes));
    assert!(server.data(true, 0, 1, bytes.len()) == bytes);
    browser.raw(&frame(BINARY & 0x0f, &[]));
    for piece in to_server(0, &bytes).chunks(100) {
        browser.raw(&frame(0, piece));
    }
    browser.raw(&frame(0x80, &[]));
    assert!(server.data(true, 0, 1, bytes.len()) == bytes);
    browser.raw(&frame(CLOSE, &[]));
    browser.is_closed(None);
    assert_eq!(server.control(), [0, 1, 0, 1, 1]);
    talk(&mut server, &mut user);
}

#[test]
fn connections_that_are_reset() {
    survives(|attacker| {
        attacker.create(b"c");
        attacker.send(&to_server(0, &[1; 1000]));
        socket2::SockRef::from(&attacker.socket).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    });
}
