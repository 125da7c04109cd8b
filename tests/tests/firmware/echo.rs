//! Chunks of 1 byte up to the board's greatest, there and back, every byte checked.

use std::thread;

use peote_net::link::{Destination, Source};

use crate::image::Board;
use crate::machine::{Machine, Network};
use crate::peer::{Peer, Seen, exercise};
use crate::relay_thread::RelayThread;

const CHUNKS: usize = 1000;

/// What the firmware's exercise sends: byte `at` of chunk `number`.
fn byte(number: usize, at: usize) -> u8 {
    (number * 31 + at * 7 + (at >> 8) * 13).to_le_bytes()[0]
}

fn client_with_desktop_server(board: Board) {
    let relay = RelayThread::start();
    let (mut server, channel) = Peer::server(relay.address(), "echo", board.chunk());
    let arguments = ["client", &relay.argument(), "channel=echo", &format!("exercise={CHUNKS}")];
    let mut machine = Machine::start(board, &Network::User, &arguments);
    let Seen::In(user) = server.next() else { panic!("the firmware has not come") };
    let mut lengths = Vec::new();
    for number in 0..CHUNKS {
        let (from, bytes) = server.next_chunk();
        assert_eq!(from, Source::User { channel, user });
        assert!(bytes.iter().enumerate().all(|(at, have)| *have == byte(number, at)), "chunk {number}");
        lengths.push(bytes.len());
        server.send(Destination::User(channel, user), &bytes);
    }
    assert!(
        matches!(server.next(), Seen::Out(gone, _) if gone == user),
        "the firmware leaves when it is done"
    );
    assert_eq!(machine.exit_code(), 0);
    machine.wait_for("in channel echo");
    machine.wait_for(&format!("{CHUNKS} chunks came back right"));
    assert_eq!((lengths[0], lengths[CHUNKS - 1]), (1, board.chunk()));
    lengths.sort_unstable();
    lengths.dedup();
    assert!(lengths.len() > 100, "chunks of {} lengths", lengths.len());
}

#[test]
fn client_on_lm3s6965evb_with_desktop_server() {
    client_with_desktop_server(Board::Lm3s6965evb);
}

#[test]
fn client_on_mps2_an385_with_desktop_server() {
    client_with_desktop_server(Board::Mps2An385);
}

/// 8 users at once, one of them with many chunks.
fn server_with_desktop_users(board: Board) {
    let relay = RelayThread::start();
    let address = relay.address();
    let mut machine = Machine::start(board, &Network::User, &["server", &relay.argument()]);
    machine.wait_for("channel firmware/echo is open");
    thread::scope(|scope| {
        for sender in 0..8 {
            scope.spawn(move || {
                let (mut user, channel) = Peer::user(address, "firmware/echo", board.chunk());
                let chunks = if sender == 0 { CHUNKS } else { 50 };
                exercise(&mut user, channel, sender, chunks, board.chunk());
            });
        }
    });
    for _ in 0..8 {
        machine.wait_for("out of firmware/echo");
    }
    let log = machine.log();
    let came = |user| log.contains(&format!("user {user} in firmware/echo"));
    assert!((0..8).all(came), "{log}");
}

#[test]
fn server_on_lm3s6965evb_with_desktop_users() {
    server_with_desktop_users(Board::Lm3s6965evb);
}

#[test]
fn server_on_mps2_an385_with_desktop_users() {
    server_with_desktop_users(Board::Mps2An385);
}

#[test]
fn firmware_with_firmware() {
    let relay = RelayThread::start();
    let mut server =
        Machine::start(Board::Mps2An385, &Network::User, &["server", &relay.argument(), "chunk=1024"]);
    server.wait_for("channel firmware/echo is open");
    let arguments = ["client", &relay.argument(), "channel=firmware/echo", &format!("exercise={CHUNKS}")];
    let mut client = Machine::start(Board::Lm3s6965evb, &Network::User, &arguments);
    client.wait_for(&format!("{CHUNKS} chunks came back right"));
    assert_eq!(client.exit_code(), 0);
    server.wait_for("user 0 out of firmware/echo");
}

#[test]
fn broadcast_leaves_its_sender_out() {
    let board = Board::Lm3s6965evb;
    let relay = RelayThread::start();
    let mut machine = Machine::start(board, &Network::User, &["server", &relay.argument()]);
    machine.wait_for("channel firmware/chat is open");
    let mut users: Vec<_> = (0..4)
        .map(|_| {
            let (mut user, chat) = Peer::user(relay.address(), "firmware/chat", board.chunk());
            let echo = user.enter("firmware/echo", board.chunk());
            (user, chat, echo)
        })
        .collect();
    for sender in 0..users.len() {
        let said = [b'a', b'b', b'c', b'd'][sender..].repeat(30);
        let (user, chat, echo) = &mut users[sender];
        user.send(*chat, &said);
        // The firmware deals with chunks in order: when this comes back, the one before would have
        // come.
        user.send(*echo, b"done");
        assert_eq!(user.next_chunk(), (Source::Server { channel: *echo }, b"done".to_vec()));
        for (other, (user, chat, _)) in users.iter_mut().enumerate().filter(|(other, _)| *other != sender) {
            let heard = user.next_chunk();
            assert_eq!(heard, (Source::Server { channel: *chat }, said.clone()), "user {other}");
        }
    }
}
