//! Broadcasts where users have windows.

use peote_net::link::{Destination, Link, SendError, User};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::protocol::to_relay;

use crate::support::{Rig, chunk};
use crate::windows::{CHUNKS, Memory, Windowed, items_of_relay, rig};

// §11.6-broadcast, §11.8-ready
/// A broadcast waits for all, or leaves out those who have no room.
#[test]
fn broadcasts_wait_or_leave_out() {
    let mut rig = rig();
    let channel = rig.own(3, CHUNKS);
    for user in [7, 8] {
        rig.hears(to_endpoint::knock(3, user, 1, true, 100, 0).unwrap());
    }
    rig.out().send((channel, User::new(7)), &[1; 64]).unwrap();
    rig.sent();
    assert_eq!(rig.out().send(Destination::All(channel), &[2; 60]), Err(SendError::WouldBlock));
    rig.out().send(Destination::AllBut(channel, User::new(7)), &[2; 9]).unwrap();
    rig.sent();
    assert_eq!(rig.out().send_to_ready(channel, &[2; 60]), Ok(1));
    let unit = |bytes: &[u8]| [to_relay::broadcast_to_ready(3, None, bytes.len()).as_bytes(), bytes].concat();
    let mark = [&to_relay::leave_out(3, 1).unwrap()[..], &[7]].concat();
    assert_eq!(rig.sent(), [mark.clone(), unit(&chunk(&[2; 60]))].concat());
    assert_eq!(rig.out().window((channel, User::new(8))), Some(100 - 10 - 61));
    assert_eq!(rig.out().window((channel, User::new(7))), Some(35));
    // still left out
    assert_eq!(rig.out().send_to_ready(channel, &[2; 25]), Ok(0));
    assert_eq!(rig.sent(), [mark, unit(&chunk(&[2; 25]))].concat());
}

/// Users can have entered before the hello who are not known yet: they count what is broadcast, and
/// grant it.
#[test]
fn a_broadcast_waits_until_all_are_known_that_entered_before_the_hello() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    rig.says(to_endpoint::announcement(Capabilities::HELLO));
    let own = rig.own(3, CHUNKS);
    rig.sent();
    assert_eq!(rig.out().send(Destination::All(own), b"1"), Err(SendError::WouldBlock));
    assert_eq!(rig.out().send_to_ready(own, b"1"), Err(SendError::WouldBlock));
    rig.hears(to_endpoint::user_entered(3, 7));
    assert_eq!(rig.out().send(Destination::All(own), b"1"), Err(SendError::WouldBlock));
    rig.hears(items_of_relay());
    rig.hears(to_endpoint::raised(true, 3, 7, 200, 256));
    rig.out().send(Destination::All(own), b"1").unwrap();
    assert_eq!(rig.out().window((own, User::new(7))), Some(198));
}

/// What `window` says of a broadcast agrees with `send`.
#[test]
fn a_broadcast_has_no_window_until_all_are_known() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    rig.says(to_endpoint::announcement(Capabilities::HELLO));
    let own = rig.own(3, CHUNKS);
    rig.sent();
    // the relay has not answered
    rig.hears(to_endpoint::user_entered(3, 7));
    rig.hears(to_endpoint::raised(true, 3, 7, 200, 256));
    assert_eq!(rig.out().window((own, User::new(7))), Some(200));
    assert_eq!(rig.out().send(Destination::All(own), b"1"), Err(SendError::WouldBlock));
    assert_eq!(rig.out().window(own), None);
    rig.hears(items_of_relay());
    assert_eq!(rig.out().window(own), Some(200));
    // a relay that does not say what a user may be sent
    rig.hears(to_endpoint::user_entered(3, 8));
    assert_eq!((rig.out().window((own, User::new(8))), rig.out().window(own)), (None, None));
    assert_eq!(rig.out().window(Destination::AllBut(own, User::new(8))), Some(200));
}
