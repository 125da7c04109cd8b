//! Broadcasts where users have windows.

use peote_net::link::{Destination, Event, Flow, Link, Mode, Out, SendError, User};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::protocol::to_relay;

use crate::support::{Rig, chunk, from_user};
use crate::windows::{CHUNKS, Memory, Windowed, items_of_relay, rig};

/// A broadcast in channel 3 to those who have room.
fn to_ready(bytes: &[u8]) -> Vec<u8> {
    [to_relay::broadcast_to_ready(3, None, bytes.len()).as_bytes(), bytes].concat()
}

/// A user of channel 3 is left out of such broadcasts, or is not any more.
fn leaves_out(user: u8) -> Vec<u8> {
    [&to_relay::leave_out(3, 1).unwrap()[..], &[user]].concat()
}

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
    assert_eq!(rig.sent(), [leaves_out(7), to_ready(&chunk(&[2; 60]))].concat());
    assert_eq!(rig.out().window((channel, User::new(8))), Some(100 - 10 - 61));
    assert_eq!(rig.out().window((channel, User::new(7))), Some(35));
    // still left out
    assert_eq!(rig.out().send_to_ready(channel, &[2; 25]), Ok(0));
    assert_eq!(rig.sent(), [leaves_out(7), to_ready(&chunk(&[2; 25]))].concat());
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

/// The relay keeps in mind who is left out, whether its window is known or not.
#[test]
fn who_is_left_out_before_its_window_is_known_stays_so() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    rig.says(to_endpoint::announcement(Capabilities::HELLO));
    let own = rig.own(3, CHUNKS);
    let user = rig.user(own, 3, 7);
    rig.out().send((own, user), &[1; 64]).unwrap();
    rig.sent();
    rig.hears(items_of_relay());
    assert_eq!(rig.out().send_to_ready(own, &[2; 60]), Ok(1));
    assert_eq!(rig.sent(), [leaves_out(7), to_ready(&chunk(&[2; 60]))].concat());
    // there is no window yet
    assert_eq!((rig.out().window((own, user)), rig.out().window(own)), (None, None));
    assert_eq!(rig.hears(from_user(3, 7, &chunk(&[1; 64]))).len(), 1);
    rig.hears(to_endpoint::grant_from_user(3, 7, 0));
    assert_eq!(rig.sent(), []);
    rig.hears(to_endpoint::raised(true, 3, 7, 200, 256));
    assert_eq!(rig.out().window((own, user)), Some(135));
    assert_eq!(rig.out().send_to_ready(own, &[2; 60]), Ok(0));
    assert_eq!(rig.sent(), [leaves_out(7), to_ready(&chunk(&[2; 60]))].concat());
    assert_eq!(rig.out().send_to_ready(own, &[2; 60]), Ok(0));
    assert_eq!(rig.sent(), to_ready(&chunk(&[2; 60])));
}

/// Who is gone holds up nothing any more, and what waits for its window is tried again.
#[test]
fn an_end_wakes_what_waits_for_a_window() {
    for keeps in [false, true] {
        let mut rig = rig();
        let channel = rig.own(3, CHUNKS);
        for user in [7, 8] {
            rig.hears(to_endpoint::knock(3, user, 1, true, 100, 0).unwrap());
        }
        rig.out().send((channel, User::new(7)), &[1; 64]).unwrap();
        rig.sent();
        let relays = |event: Event<'_>, out: &mut Out<'_>| match event {
            Event::Chunk { from, .. } if from.user() == Some(User::new(7)) && keeps => {
                Err(SendError::WouldBlock)
            }
            Event::Chunk { bytes, .. } => out.send(Destination::All(channel), bytes),
            _ => Ok(()),
        };
        if keeps {
            rig.says(from_user(3, 7, &chunk(b"held")));
        }
        rig.says(from_user(3, 8, &chunk(&[2; 60])));
        rig.poll_once(relays).unwrap();
        rig.poll_once(relays).unwrap();
        assert!(
            rig.link.has_kept() && !rig.link.wants_write() && !rig.link.has_more(),
            "asleep until the end"
        );
        rig.says(to_endpoint::user_gone(3, 7, 1));
        rig.poll_once(relays).unwrap();
        assert!(rig.link.wants_write() || rig.link.has_more(), "asleep");
        rig.poll_once(relays).unwrap();
        let unit = to_relay::broadcast(3, None, 61);
        assert_eq!(rig.script.outgoing, [unit.as_bytes(), &chunk(&[2; 60])].concat());
    }
}

/// The same for the end of a channel whose server has taken no more.
#[test]
fn the_end_of_a_channel_wakes_what_waits_for_its_window() {
    let mut rig = rig();
    rig.own(3, CHUNKS);
    rig.hears(to_endpoint::knock(3, 8, 1, true, 100, 0).unwrap());
    rig.sent();
    let server = rig.out().enter("e", CHUNKS).unwrap();
    let tag = rig.sent()[2];
    rig.hears(to_endpoint::entered(tag, 5, 9, 100));
    rig.out().send(server, &[1; 64]).unwrap();
    rig.sent();
    let mut ends = Vec::new();
    let mut relays = |event: Event<'_>, out: &mut Out<'_>| match event {
        Event::Chunk { bytes, .. } => match out.send(server, bytes) {
            Err(SendError::WouldBlock) => Flow::Again,
            sent => {
                ends.push(sent);
                Flow::Continue
            }
        },
        _ => Flow::Continue,
    };
    rig.says(from_user(3, 8, &chunk(&[2; 60])));
    rig.poll_once(&mut relays).unwrap();
    rig.poll_once(&mut relays).unwrap();
    assert!(rig.link.has_kept() && !rig.link.wants_write() && !rig.link.has_more());
    rig.says(to_endpoint::channel_gone(5, 1));
    rig.poll_once(&mut relays).unwrap();
    assert!(rig.link.wants_write() || rig.link.has_more(), "asleep");
    rig.poll_once(&mut relays).unwrap();
    assert_eq!(ends, [Err(SendError::NotOpen)]);
}

/// To the relay, the number of a user that is gone can mean the next one by now.
#[test]
fn a_user_that_is_gone_leaves_nobody_out() {
    for is_kept in [false, true] {
        let mut rig = Rig::default();
        let channel = rig.own(3, Mode::chunks(64));
        let user = rig.user(channel, 3, 7);
        rig.user(channel, 3, 8);
        if is_kept {
            rig.says(from_user(3, 7, b"\x00x"));
            rig.poll_once(|_, _| Flow::Again).unwrap();
        }
        rig.says(to_endpoint::user_gone(3, 7, 0));
        if is_kept {
            rig.poll_once(|_, _| Flow::Again).unwrap();
        }
        let to = Destination::AllBut(channel, user);
        let mut told = 0;
        while told < 2 {
            rig.poll_once(|event, out| {
                out.send(to, b"gone")?;
                let is_over = matches!(event, Event::UserGone { .. });
                told += u8::from(is_over);
                // its end is kept once
                Ok::<_, SendError>(if is_over && told < 2 { Flow::Again } else { Flow::Continue })
            })
            .unwrap();
        }
        let all = [to_relay::broadcast(3, None, 5).as_bytes(), b"\x03gone"].concat();
        assert_eq!(rig.sent(), all.repeat(if is_kept { 3 } else { 2 }));
        // in parts as well
        rig.says(from_user(3, 8, b"\x00y"));
        rig.poll_once(|_, _| Flow::Again).unwrap();
        rig.says(to_endpoint::user_gone(3, 8, 0));
        rig.poll_once(|_, _| Flow::Again).unwrap();
        rig.out().begin_chunk(Destination::AllBut(channel, User::new(8)), 5).unwrap();
        assert_eq!(rig.out().write_chunk(b"parts"), Ok(5));
        assert_eq!(rig.poll().len(), 2);
        assert_eq!(rig.sent()[..2], [1, 1]);
    }
}
