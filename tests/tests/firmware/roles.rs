//! What a client obeys, server and client at once, and what the command line says no to.

use peote_net::link::{Destination, Source};

use crate::image::Board;
use crate::machine::{Machine, Network};
use crate::peer::{Peer, Seen, exercise};
use crate::relay_thread::RelayThread;

/// The number and the temperature of a reading.
pub(crate) fn reading(bytes: &[u8]) -> (u32, i16) {
    let (number, temperature) = bytes.split_at(4);
    (u32::from_le_bytes(number.try_into().unwrap()), i16::from_le_bytes(temperature.try_into().unwrap()))
}

#[test]
fn server_and_client_at_once_on_one_link() {
    let board = Board::Lm3s6965evb;
    let relay = RelayThread::start();
    let (mut server, channel) = Peer::server(relay.address(), "readings", board.chunk());
    let mut machine = Machine::start(board, &Network::User, &["both", &relay.argument(), "interval=3600000"]);
    let Seen::In(user) = server.next() else { panic!("the firmware has not come") };
    let next = |server: &mut Peer| {
        let (from, bytes) = server.next_chunk();
        assert_eq!(from, Source::User { channel, user });
        reading(&bytes)
    };
    // the second one would come after an hour, but for the order
    assert_eq!(next(&mut server), (0, 1800));
    server.send(Destination::User(channel, user), b"interval 20");
    machine.wait_for("a reading every 20 ms");
    for number in 1..4 {
        assert_eq!(next(&mut server).0, number);
    }
    let (mut guest, echo) = Peer::user(relay.address(), "firmware/echo", board.chunk());
    exercise(&mut guest, echo, 1, 200, board.chunk());

    server.send(Destination::User(channel, user), b"dance");
    machine.wait_for("not an order");
    server.send(Destination::User(channel, user), b"stop");
    machine.wait_for("stopped");
    assert_eq!(machine.exit_code(), 0);
}

#[test]
fn refused_with_reason() {
    let board = Board::Lm3s6965evb;
    let relay = RelayThread::start();
    let (_server, _) = Peer::server(relay.address(), "firmware/echo", board.chunk());
    let arguments = ["both", &relay.argument(), "channel=nowhere"];
    let mut machine = Machine::start(board, &Network::User, &arguments);
    machine.wait_for("connected to the relay");
    machine.wait_for("channel firmware/echo was refused: NameInUse");
    machine.wait_for("channel nowhere was refused: NoSuchChannel");
    // it asks again
    machine.wait_for("channel nowhere was refused: NoSuchChannel");
    let (mut server, _) = Peer::server(relay.address(), "nowhere", board.chunk());
    // a server that takes part in windows admits its users, so it has to be polled
    assert!(matches!(server.next(), Seen::In(_)));
    machine.wait_for("in channel nowhere");
}

#[test]
fn bad_command_lines() {
    let cases = [
        ("nonsense", "\"nonsense\" is neither a role"),
        ("colour=red", "\"colour=red\" is neither a role"),
        ("relay=10.0.2.2", "relay=\"10.0.2.2\" is not an IPv4 address and a port"),
        ("chunk=1025", "chunk=\"1025\" is not a chunk size that this board has room for"),
        ("relay", "no room for a relay"),
    ];
    for (argument, message) in cases {
        let mut machine = Machine::start(Board::Lm3s6965evb, &Network::User, &[argument]);
        assert_eq!(machine.exit_code(), 2, "{argument}");
        assert!(machine.log().contains(message), "{argument}: {}", machine.log());
    }
}
