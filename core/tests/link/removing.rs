//! Removing and blocking users (`docs/PROTOCOL.md`, section 11): only with relays that announce it.

use peote_net::Reason;
use peote_net::link::{Channel, Event, Mode, Out, OwnChannel, SendError, User};
use peote_net::protocol::to_endpoint::Capabilities;

use crate::support::{Rig, Seen};

type Call = fn(&mut Out<'_>, OwnChannel, User) -> Result<(), SendError>;

const CALLS: [(Call, u8, Capabilities); 2] = [
    (|out, channel, user| out.remove_user(channel, user), 4, Capabilities::REMOVE_USER),
    (|out, channel, user| out.block_user(channel, user), 5, Capabilities::BLOCK_USER),
];

/// A keepalive that announces these capabilities.
fn announcement(bits: u8) -> [u8; 6] {
    [0, 4, 0, 255, 0x50, bits]
}

/// Own channel 3 with user 7, and nothing announced.
fn rig() -> (Rig, OwnChannel, User) {
    let mut rig = Rig::default();
    let channel = rig.own(3, Mode::Data);
    let user = rig.user(channel, 3, 7);
    rig.sent();
    (rig, channel, user)
}

#[test]
fn an_old_relay_hears_nothing_of_it() {
    for (call, _, needed) in CALLS {
        let (mut rig, channel, user) = rig();
        let other = if needed == Capabilities::REMOVE_USER { 2 } else { 1 };
        // nothing, ordinary keepalives, another mark, the other capability alone
        for said in [&[][..], &[0, 4, 0, 255, 0, 0], &[0, 4, 0, 255, 0x51, 3], &announcement(other)] {
            assert_eq!(rig.hears(said), []);
            assert_eq!(call(&mut rig.out(), channel, user), Err(SendError::Unsupported));
            rig.poll();
            assert_eq!(rig.sent(), []);
        }
    }
}

#[test]
fn a_relay_that_announces_it_gets_the_command() {
    for (call, code, _) in CALLS {
        let (mut rig, channel, user) = rig();
        assert_eq!(rig.hears(announcement(3)), []);
        rig.hears([0, 4, 0, 255, 0, 0]); // which takes nothing back
        call(&mut rig.out(), channel, user).unwrap();
        rig.poll();
        assert_eq!(rig.sent(), [0, code, 0, 2, 3, 7]);
        let gone = Event::UserGone { channel, user, reason: Reason::Kicked };
        assert_eq!(rig.hears([0, 5, 0, 1, 3, 7, 2]), [Seen::Notice(gone)]);
        assert_eq!(call(&mut rig.out(), channel, user), Err(SendError::NotOpen));
        rig.out().delete(channel).unwrap();
        assert_eq!(call(&mut rig.out(), channel, user), Err(SendError::NotOpen));
    }
}

#[test]
fn a_full_ring_takes_all_of_it_or_nothing() {
    let (mut rig, channel, user) = rig();
    rig.hears(announcement(3));
    while rig.out().free() > 5 {
        let len = (rig.out().free() - 5).min(50);
        // header and payload: what is left in the end is 5 bytes at most
        if rig.out().send((channel, user), &[0; 50][..len.saturating_sub(3).max(1)]).is_err() {
            break;
        }
    }
    let free = rig.out().free();
    assert!(free < 6, "{free} bytes are free");
    assert_eq!(rig.out().remove_user(channel, user), Err(SendError::WouldBlock));
    assert_eq!(rig.out().free(), free);
}

#[test]
fn the_user_is_told_why() {
    let mut rig = Rig::default();
    let channel = rig.entered(5, Mode::Data);
    let gone = Event::Closed { channel: Channel::Entered(channel), reason: Reason::Kicked };
    assert_eq!(rig.hears([0, 4, 0, 2, 5, 2]), [Seen::Notice(gone)]);
    rig.sent();
    let channel = rig.out().enter("a", Mode::Data).unwrap();
    rig.poll();
    let tag = rig.sent()[2];
    let refused = Event::Refused { channel: Channel::Entered(channel), reason: Reason::Blocked, words: &[] };
    assert_eq!(rig.hears([0, 3, tag, 1, 6]), [Seen::Notice(refused)]);
}

#[test]
fn what_was_announced_goes_with_the_connection() {
    let (mut rig, ..) = rig();
    rig.hears(announcement(3));
    assert!(rig.out().relay_capabilities().contains(Capabilities::BLOCK_USER));
    rig.script.closed = true;
    rig.lose();
    assert_eq!(rig.out().relay_capabilities(), Capabilities::NONE);
}
