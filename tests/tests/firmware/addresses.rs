//! Where the board's address comes from.

use crate::image::Board;
use crate::machine::{Machine, Network};
use crate::peer::{Peer, exercise};
use crate::relay_thread::RelayThread;

fn address_by_dhcp(board: Board) {
    let relay = RelayThread::start();
    let mut machine = Machine::start(board, &Network::User, &["server", &relay.argument(), "address=dhcp"]);
    machine.wait_for("10.0.2.15");
    machine.wait_for("channel firmware/echo is open");
    let (mut user, channel) = Peer::user(relay.address(), "firmware/echo", board.chunk());
    exercise(&mut user, channel, 0, 20, board.chunk());
}

#[test]
fn address_by_dhcp_on_lm3s6965evb() {
    address_by_dhcp(Board::Lm3s6965evb);
}

#[test]
fn address_by_dhcp_on_mps2_an385() {
    address_by_dhcp(Board::Mps2An385);
}
