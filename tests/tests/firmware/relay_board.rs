//! The relay on a board, with desktop peers.

use std::thread;

use peote_net::Reason;
use peote_net::link::{Destination, Source};

use crate::image::Board;
use crate::machine::{Machine, Network};
use crate::peer::{Peer, Seen, exercise};

fn start() -> (Machine, std::net::SocketAddr) {
    let mut machine = Machine::start(Board::Mps2An385, &Network::UserWithPort, &["relay"]);
    machine.wait_for("relay at");
    let address = machine.forwarded();
    (machine, address)
}

#[test]
fn desktop_peers_over_a_relay_on_a_board() {
    let (mut machine, relay) = start();
    let (mut server, channel) = Peer::server(relay, "room", 32_768);
    machine.wait_for("channel b\"room\" of");
    // an echo for 3 users, until all are gone
    let server = thread::spawn(move || {
        let mut users = 3;
        while users > 0 {
            match server.next() {
                Seen::Chunk(Source::User { user, .. }, bytes) => {
                    server.send(Destination::User(channel, user), &bytes);
                }
                Seen::Out(..) => users -= 1,
                Seen::In(_) => {}
                other => panic!("{other:?}"),
            }
        }
    });
    thread::scope(|scope| {
        for sender in 0..3 {
            scope.spawn(move || {
                let (mut user, channel) = Peer::user(relay, "room", 32_768);
                exercise(&mut user, channel, sender, if sender == 0 { 1000 } else { 100 }, 32_768);
            });
        }
    });
    server.join().unwrap();
    machine.wait_for("channel b\"room\" is gone");
}

#[test]
fn broadcasts_and_endings_over_a_relay_on_a_board() {
    let (mut machine, relay) = start();
    let (mut server, channel) = Peer::server(relay, "room", 1000);
    let mut users: Vec<_> = (0..3).map(|_| Peer::user(relay, "room", 1000)).collect();
    let numbers: Vec<_> = (0..3)
        .map(|_| match server.next() {
            Seen::In(user) => user,
            other => panic!("{other:?}"),
        })
        .collect();
    server.send(Destination::AllBut(channel, numbers[1]), b"not for 1");
    server.send(Destination::All(channel), b"for all");
    for (number, (user, channel)) in users.iter_mut().enumerate() {
        let source = Source::Server { channel: *channel };
        if number != 1 {
            assert_eq!(user.next_chunk(), (source, b"not for 1".to_vec()));
        }
        assert_eq!(user.next_chunk(), (source, b"for all".to_vec()));
    }
    drop(users.remove(2));
    assert_eq!(server.next(), Seen::Out(numbers[2], Reason::ConnectionLost));
    drop(server);
    for (user, _) in &mut users {
        assert_eq!(user.next(), Seen::Gone(Reason::ConnectionLost));
    }
    machine.wait_for("channel b\"room\" is gone: ConnectionLost");
}
