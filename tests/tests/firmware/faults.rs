//! Ethernet frames that get lost, come late, and in another order: three boards, one of them the
//! relay.

use std::time::Duration;

use crate::cable::{Faults, Switch};
use crate::image::Board;
use crate::machine::Machine;

#[test]
fn frames_lost_delayed_and_reordered() {
    let faults = Faults { lost: 5, delayed: 10, delay: Duration::from_millis(20), seed: 7 };
    let switch = Switch::new(3, faults);
    let mut relay = Machine::start(Board::Mps2An385, &switch.port(0), &["relay", "address=10.0.2.15/24"]);
    relay.wait_for("relay at");
    let mut server = Machine::start(
        Board::Lm3s6965evb,
        &switch.port(1),
        &["server", "address=10.0.2.16/24", "relay=10.0.2.15:7680"],
    );
    server.wait_for("channel firmware/echo is open");
    let mut client = Machine::start(
        Board::Lm3s6965evb,
        &switch.port(2),
        &["client", "address=10.0.2.17/24", "relay=10.0.2.15:7680", "channel=firmware/echo", "exercise=200"],
    );
    client.wait_for("200 chunks came back right");
    assert_eq!(client.exit_code(), 0);
    server.wait_for("user 0 out of firmware/echo");
    let tally = switch.tally();
    assert!(tally.frames > 200 && tally.lost > 10 && tally.reordered > 10, "{tally:?}");
}
