//! A board in QEMU at its UART: the firmware of examples/firmware, the program, a relay and a
//! server.
//!
//! `scripts/firmware` builds the image and sees to QEMU; set `PEOTE_FIRMWARE` to a folder with
//! images to use those.
#![cfg(unix)]

mod common;

use common::{Bridge, Machine, Noise, Served, Server};

const NOISE: Noise = Noise { lost: 50, flipped: 50 };

#[test]
fn chunks_come_back_over_a_uart_with_noise() {
    let server = Server::start();
    let (_bridge, lines) = Bridge::start(server.relay(), 1);
    let machine = Machine::start(&lines[0], NOISE, "exercise=30");
    assert_eq!(machine.exit_code(), Some(0));
}

#[test]
fn a_board_that_is_reset_in_the_middle_of_a_unit_is_a_new_user() {
    let server = Server::start();
    let (_bridge, lines) = Bridge::start(server.relay(), 1);
    let machine = Machine::start(&lines[0], Noise { lost: 0, flipped: 0 }, "half");
    common::wait("the user", || server.served().contains(&Served::Entered));
    // head and length of a chunk of 64 bytes, and four of those, are on the line
    machine.wait_for_bytes(b"\x42");
    drop(machine);
    let machine = Machine::start(&lines[0], NOISE, "exercise=5");
    assert_eq!(machine.exit_code(), Some(0));
    let served = server.served();
    let is_chunk = |what: &Served| matches!(what, Served::Chunk(_));
    let others: Vec<_> = served.iter().filter(|what| !is_chunk(what)).collect();
    assert_eq!(others, [&Served::Entered, &Served::Gone, &Served::Entered], "{served:?}");
    let lengths: Vec<_> = served
        .iter()
        .filter_map(|what| if let Served::Chunk(c) = what { Some(c.len()) } else { None })
        .collect();
    assert_eq!(lengths, [1, 2, 3, 4, 5]);
}
