//! Grants that wait for room in a queue, and what a call may still do.

use super::super::turn::Turn;
use super::flow::to_user;
use super::*;
use crate::protocol::to_relay;

/// Bytes of a grant of a user, for its server.
const GRANT: usize = to_endpoint::grant_from_user(0, 0, 0).len();

#[test]
fn a_grant_is_said_where_it_just_fits() {
    for (room, is_said) in [(GRANT, true), (GRANT - 1, false)] {
        let mut world = World::in_a(&[4000, 3000]);
        world.host.bound = room;
        world.send(1, &to_relay::grant_server(0, 5));
        assert_eq!(world.take(0).len(), if is_said { GRANT } else { 0 }, "at once");
        world.host.bound = 0;
        world.send(1, &to_relay::grant_server(0, 7));
        world.host.bound = room;
        world.relay.drained(world.ids[0], &mut world.host);
        assert_eq!(world.take(0).len(), if is_said { GRANT } else { 0 }, "when it has drained");
    }
}

/// A question is one unit, and so is a grant.
// §11.6-grant
#[test]
fn questions_and_grants_are_said_once() {
    let mut world = World::in_a(&[4000, 3000]);
    world.send(1, &to_relay::grant_server(0, 0));
    assert_eq!(world.take(0), to_endpoint::grant_from_user(0, 0, 0));
    world.send(1, &to_relay::grant_server(0, 9));
    assert_eq!(world.take(0), to_endpoint::grant_from_user(0, 0, 9));
    world.send(0, &to_relay::grant_user(0, 0, 0));
    assert_eq!(world.take(1), to_endpoint::grant_from_server(0, 0));
}

/// An existing user that has taken nothing since grants nothing, and asks for nothing.
#[test]
fn nothing_is_granted_where_nothing_was_taken() {
    let mut world = World::in_a(&[4000, 0]);
    for _ in 0..2 {
        world.send(0, &to_relay::grant_user(0, 0, 0));
        assert_eq!((world.take(0), world.take(1)), (Vec::new(), Vec::new()));
        world.send(0, &to_user(0, 10));
        world.send(0, &to_relay::grant_user(0, 0, 0));
        assert_eq!(world.take(0), to_endpoint::grant_from_user(0, 0, 10));
        world.take(1);
    }
}

/// Whichever of three that wait goes, the others are heard.
#[test]
fn one_that_waits_goes() {
    for gone in 1..=3 {
        let mut world = World::in_a(&[4000, 3000, 3000, 3000]);
        world.host.bound = 0;
        for user in 1..=3 {
            world.send(user, &to_relay::grant_server(0, 5));
        }
        world.disconnect(gone);
        world.take(0);
        world.host.bound = 1000;
        world.relay.drained(world.ids[0], &mut world.host);
        let mut heard = Vec::new();
        units(&world.take(0), |unit| {
            if let Unit::GrantFromUser { user, .. } = unit {
                heard.push(usize::from(user) + 1);
            }
        });
        heard.sort_unstable();
        let others: Vec<_> = (1..=3).filter(|user| *user != gone).collect();
        assert_eq!(heard, others, "{gone} is gone");
    }
}

#[test]
fn bytes_that_a_call_may_still_push() {
    let mut turn = Turn::new(100);
    assert_eq!(turn.bytes_for(10, 64), Some(9 * 64));
    assert_eq!(turn.bytes_for(200, 1024), Some(1024), "nothing was done yet");
    assert!(turn.take(60));
    assert_eq!(turn.bytes_for(10, 3 * 64), Some(3 * 64));
    assert_eq!(turn.bytes_for(10, 3 * 64 + 1), None);
    assert_eq!(turn.bytes_for(41, 0), None, "there is no work for one of each");
    assert_eq!(turn.bytes_for(40, 0), Some(0));
    assert_eq!(Turn::of_broadcast(3, 128), 3 * (1 + 2));
    assert_eq!(Turn::of_broadcast(3, 63), 3);
}
