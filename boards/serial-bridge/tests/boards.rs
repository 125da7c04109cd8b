//! Boards at pseudo terminals, the program, a relay and a server: wires with noise, boards that
//! start anew, cables that are pulled.
#![cfg(unix)]

mod common;

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use common::{Board, Bridge, Noise, Served, Server, Wire, wait};
use embedded_io::Write as _;
use peote_net_serial::SerialLine;
use peote_net_std::Clock;

/// 1 % of the bytes: half of them lost, half of them changed.
const NOISE: Noise = Noise { lost: 50, flipped: 50 };

/// Sends chunks of all lengths, and waits until each has come back.
fn exercise(board: &mut Board, count: u8) {
    for number in 0..count {
        let chunk: Vec<u8> = (0..=number % 64).map(|at| at.wrapping_mul(number)).collect();
        board.send(&chunk);
        assert_eq!(board.wait_for_chunk(), chunk);
    }
}

#[test]
fn what_is_sent_comes_back_over_a_line_with_noise() {
    let server = Server::start();
    let (bridge, lines) = Bridge::start(server.relay(), 1);
    let mut board = Board::new(&lines[0], NOISE, 1);
    board.enter();
    exercise(&mut board, 40);
    assert!(board.wire.disturbed > 20, "{} bytes were disturbed", board.wire.disturbed);
    drop(bridge);
}

/// What a serial line without frames makes of it: the first bytes of the new start are the rest of
/// the unit before.
#[test]
fn a_board_that_starts_anew_in_the_middle_of_a_unit_is_a_new_user() {
    let server = Server::start();
    let (_bridge, lines) = Bridge::start(server.relay(), 1);
    let mut board = Board::new(&lines[0], NOISE, 2);
    board.enter();
    exercise(&mut board, 3);
    server.forget();
    // size 66, channel 0, a chunk of 64 bytes, of which 20 are sent
    board.write_raw(&[[66, 0, 63].as_slice(), &[b'A'; 20]].concat());
    board.start_anew(3);
    board.enter();
    board.send(b"after");
    assert_eq!(board.wait_for_chunk(), b"after");
    let served = server.served();
    assert!(
        matches!(&served[..], [Served::Gone, Served::Entered, Served::Chunk(chunk)] if chunk == b"after"),
        "{served:?}"
    );
}

#[test]
fn a_cable_that_is_pulled_is_noticed_while_another_board_goes_on() {
    let server = Server::start();
    let (_bridge, lines) = Bridge::start(server.relay(), 2);
    let (mut pulled, mut other) = (Board::new(&lines[0], NOISE, 4), Board::new(&lines[1], NOISE, 5));
    pulled.enter();
    other.enter();
    exercise(&mut pulled, 2);
    server.forget();
    pulled.wire.is_cut = true;
    pulled.send(b"into the void");
    let mut number = 0;
    wait("the user is gone", || {
        pulled.turn();
        number += 1;
        other.send(&[number; 9]);
        assert_eq!(other.wait_for_chunk(), [number; 9]);
        server.served().contains(&Served::Gone)
    });
    assert!(!server.served().contains(&Served::Chunk(b"into the void".to_vec())));
    // the board notices as well, maybe a moment later, and calls again
    pulled.wait_for_loss();
    pulled.wire.is_cut = false;
    pulled.enter();
    exercise(&mut pulled, 2);
}

#[test]
fn a_device_that_appears_and_a_relay_that_ends_the_connection() {
    let server = Server::start();
    let folder = common::Folder::new();
    let device = folder.path("board");
    let _bridge = Bridge::with(server.relay(), std::slice::from_ref(&device));
    let line = common::Pty::open();
    std::os::unix::fs::symlink(line.name(), device).unwrap();
    let mut board = Board::new(&line, NOISE, 6);
    board.enter();
    exercise(&mut board, 2);
    server.stop();
    board.wait_for_end();
}

/// More than the program hands on at once waits while it connects. Afterwards the board says
/// nothing more, and neither does the relay.
#[test]
#[cfg(target_os = "linux")]
fn what_a_board_says_while_the_program_connects_is_all_handed_on() {
    let relay = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = relay.local_addr().unwrap();
    // one connection waits to be accepted, and there is no room for another
    rustix::net::listen(&relay, 0).unwrap();
    let _other = TcpStream::connect(address).unwrap();
    relay.set_nonblocking(true).unwrap();

    let (_bridge, lines) = Bridge::start(address, 1);
    let (clock, mut wire) = (Clock::new(), Wire::new(&lines[0], Noise { lost: 0, flipped: 0 }, 7));
    let said: Vec<u8> = (0..3000u32).map(|at| at.to_le_bytes()[0]).collect();
    let mut line = Box::new(SerialLine::<4096, 256>::new());
    line.call();
    let (mut has_said, mut accepted) = (false, Vec::new());
    wait("the program has connected", || {
        line.poll(&mut wire, clock.now()).unwrap();
        if line.is_over() {
            line.call();
            has_said = false;
        }
        if line.is_open() && !has_said {
            assert_eq!(line.write(&said), Ok(said.len()));
            has_said = true;
        } else if has_said && line.is_delivered() {
            accepted.extend(relay.accept().map(|(stream, _)| stream));
        }
        accepted.len() == 2
    });
    let mut stream = accepted.pop().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut heard = vec![0; said.len()];
    stream.read_exact(&mut heard).unwrap();
    assert!(heard == said, "as it was said");
}
