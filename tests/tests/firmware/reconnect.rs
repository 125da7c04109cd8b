//! The relay goes away and comes back.

use peote_net::link::Destination;

use crate::image::Board;
use crate::machine::{Machine, Network};
use crate::peer::{Peer, Seen, exercise};
use crate::relay_thread::RelayThread;
use crate::roles::reading;

#[test]
fn the_firmware_comes_back_after_the_relay() {
    let board = Board::Lm3s6965evb;
    let relay = RelayThread::start();
    let address = relay.address();
    let mut machine = Machine::start(board, &Network::User, &["both", &relay.argument(), "interval=20"]);
    let mut readings = Vec::new();
    let mut relay = Some(relay);
    for round in 0..3 {
        if round > 0 {
            drop(relay.take());
            machine.wait_for("the connection is lost");
            machine.wait_for("Refused; waiting");
            relay = Some(RelayThread::on(address.port()));
        }
        machine.wait_for("channel firmware/echo is open");
        let (mut server, channel) = Peer::server(address, "readings", board.chunk());
        let Seen::In(user) = server.next() else { panic!("the firmware has not come") };
        let (mut guest, echo) = Peer::user(address, "firmware/echo", board.chunk());
        exercise(&mut guest, echo, round, 100, board.chunk());
        readings.push(reading(&server.next_chunk().1).0);
        if round == 2 {
            server.send(Destination::User(channel, user), b"stop");
            assert_eq!(machine.exit_code(), 0);
        }
    }
    drop(relay);
    // it is the same firmware that went on, not one that began anew
    assert!(readings.is_sorted_by(|a, b| a < b), "{readings:?}");
}

#[test]
fn an_exercise_goes_on_after_the_relay_was_away() {
    let board = Board::Mps2An385;
    let relay = RelayThread::start();
    let address = relay.address();
    let arguments = ["client", &relay.argument(), "channel=echo", "exercise=1000"];
    let mut machine = Machine::start(board, &Network::User, &arguments);
    let mut relay = Some(relay);
    let mut echoed = 0;
    while echoed < 1000 {
        let (mut server, channel) = Peer::server(address, "echo", board.chunk());
        let Seen::In(user) = server.next() else { panic!("the firmware has not come") };
        // the relay goes away in the middle, once
        let until = if echoed == 0 { 400 } else { usize::MAX };
        while echoed < until {
            match server.next() {
                Seen::Chunk(_, bytes) => server.send(Destination::User(channel, user), &bytes),
                Seen::Out(..) => break,
                other => panic!("{other:?}"),
            }
            echoed += 1;
        }
        if until == usize::MAX {
            break;
        }
        drop(relay.take());
        machine.wait_for("the connection is lost");
        relay = Some(RelayThread::on(address.port()));
    }
    machine.wait_for("exercise goes on at chunk");
    machine.wait_for("1000 chunks came back right");
    assert_eq!(machine.exit_code(), 0);
}
