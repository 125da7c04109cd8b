//! Removing and blocking users who are on the same link as the server, beside users of the relay.

use peote_net::Reason;
use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, Flow, OwnChannel, SendError, SimulatedLine, Source, User,
};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::time::Duration;

use super::support::*;
use crate::support::Seen;

const LAG: SimulatedLine = SimulatedLine::new().round_trip(Duration::from_millis(100));

fn removed(channel: OwnChannel, user: User) -> Seen {
    Seen::Notice(Event::UserGone { channel, user, reason: Reason::Kicked })
}

fn refused(channel: EnteredChannel) -> Seen {
    Seen::Notice(Event::Refused { channel: Channel::Entered(channel), reason: Reason::Blocked, words: &[] })
}

/// What a relay can do does not matter for local users; and they are nothing to the relay.
#[test]
fn local_users_are_removed_whatever_the_relay_can_do() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 3, CHUNKS);
    let remote = rig.user(channel, 3, 5);
    for block in [false, true] {
        let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
        assert_eq!(rig.out().remove_user(channel, remote), Err(SendError::Unsupported));
        assert_eq!(rig.out().block_user(channel, remote), Err(SendError::Unsupported));
        let mut out = rig.out();
        let done = if block { out.block_user(channel, user) } else { out.remove_user(channel, user) };
        assert_eq!(done, Ok(()));
        let gone = Seen::Notice(Event::Closed { channel: Channel::Entered(entered), reason: Reason::Kicked });
        assert_eq!(settle(&mut rig), [removed(channel, user), gone]);
        nothing_on_the_wire(&mut rig);
    }
    assert!(rig.out().users(channel).eq([remote]));
}

/// A block concerns one connection: that of the link, with all its local users, or that of a user
/// of the relay.
#[test]
fn blocking_one_kind_of_users_leaves_the_other_alone() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 3, CHUNKS);
    rig.says(to_endpoint::announcement(Capabilities::BLOCK_USER));
    let remote = rig.user(channel, 3, 5);
    let (first, user) = join(&mut rig, b"a", channel, CHUNKS);
    let (second, _) = join(&mut rig, b"a", channel, CHUNKS);

    // a user of the relay is the relay's to keep out
    rig.out().block_user(channel, remote).unwrap();
    settle(&mut rig);
    assert_eq!(rig.sent(), [0, 5, 0, 2, 3, 5]);
    rig.says(to_endpoint::user_gone(3, 5, 2));
    assert_eq!(settle(&mut rig), [removed(channel, remote)]);
    let (third, _) = join(&mut rig, b"a", channel, CHUNKS);

    // a local one is the link's: those that are in stay, and others of the relay come
    rig.out().block_user(channel, user).unwrap();
    let gone = Seen::Notice(Event::Closed { channel: Channel::Entered(first), reason: Reason::Kicked });
    assert_eq!(settle(&mut rig), [removed(channel, user), gone]);
    nothing_on_the_wire(&mut rig);
    rig.user(channel, 3, 6);
    for _ in 0..2 {
        let late = rig.out().enter("a", CHUNKS).unwrap();
        assert_eq!(settle(&mut rig), [refused(late)]);
        assert_eq!(rig.out().leave(late), Err(SendError::NotOpen));
    }
    rig.out().send(Destination::All(channel), b"x").unwrap();
    let heard = [second, third].map(|channel| Seen::Chunk(Source::Server { channel }, b"x".to_vec()));
    assert_eq!(settle(&mut rig), heard);
    assert_eq!(rig.sent(), [1, 1, 3, 128 + 3, 0, b'x'], "one broadcast for the users of the relay");

    // the channel takes the block along
    rig.out().delete(channel).unwrap();
    settle(&mut rig);
    rig.sent();
    let channel = open(&mut rig, b"a", 4, CHUNKS);
    join(&mut rig, b"a", channel, CHUNKS);
}

/// Who is on the way in when another one is blocked gets in; who asks later does not, and may leave
/// before the answer.
#[test]
fn blocking_while_others_are_on_the_way_in() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 3, CHUNKS);
    rig.out().simulate(channel, LAG).unwrap();
    let (_, user) = join(&mut rig, b"a", channel, CHUNKS);
    let early = rig.out().enter("a", CHUNKS).unwrap();
    rig.out().block_user(channel, user).unwrap();
    let late = rig.out().enter("a", CHUNKS).unwrap();
    let gone = rig.out().enter("a", CHUNKS).unwrap();
    rig.out().leave(gone).unwrap();
    let seen = settle(&mut rig);
    assert!(seen.contains(&Seen::Notice(Event::Opened { channel: Channel::Entered(early) })), "{seen:?}");
    assert!(seen.contains(&refused(late)), "{seen:?}");
    assert_eq!(
        seen.len(),
        5,
        "and the two ends of the one who is blocked, and one who has entered: {seen:?}"
    );
    assert_eq!(rig.link.next_deadline(), None);
}

/// Whoever is removed and leaves in the same moment: the server's event, which waits, is not lost
/// by that.
#[test]
fn leaving_while_the_server_keeps_the_event_that_one_is_removed() {
    for face in FACES {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 3, CHUNKS);
        rig.out().simulate(channel, LAG).unwrap();
        let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
        // a long message on a slow line, behind which the user hears of its end
        rig.out().simulate(channel, LAG.bytes_per_second(10)).unwrap();
        rig.out().send((channel, user), b"good bye").unwrap();
        rig.out().remove_user(channel, user).unwrap();
        let gone = Event::UserGone { channel, user, reason: Reason::Kicked };
        let mut kept = 0;
        while kept == 0 {
            rig.now = rig.link.next_deadline().unwrap().max(rig.now);
            drive(&mut rig, face, |event, _| {
                assert_eq!(event, gone);
                kept += 1;
                Flow::Again
            });
        }
        rig.out().leave(entered).unwrap();
        let mut told: Vec<Seen> = Vec::new();
        sleep_and_wake(&mut rig, face, |event, _| told.push(event.into()));
        assert_eq!(told, [Seen::Notice(gone)]);
        rig.out().simulate(channel, SimulatedLine::new()).unwrap();
        join(&mut rig, b"a", channel, CHUNKS);
    }
}

/// As with a user of the relay: until the event comes, what is sent is lost, and removing again
/// does nothing.
#[test]
fn sending_to_whoever_is_removed() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 3, CHUNKS);
    rig.out().simulate(channel, LAG).unwrap();
    let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
    rig.out().send((channel, user), b"before").unwrap();
    rig.out().remove_user(channel, user).unwrap();
    for _ in 0..2 * LINE {
        // more than the line holds
        rig.out().send((channel, user), b"after").unwrap();
    }
    rig.out().send(Destination::All(channel), b"all").unwrap();
    rig.out().begin_chunk((channel, user), 1000).unwrap();
    assert_eq!(rig.out().write_chunk(&[7; 400]), Ok(400));
    assert!(rig.out().users(channel).eq([user]));
    rig.out().block_user(channel, user).unwrap();
    rig.script.outgoing.clear(); // the broadcast
    let told = settle(&mut rig);
    assert_eq!(
        told,
        [
            Seen::Notice(Event::UserGone { channel, user, reason: Reason::Kicked }),
            Seen::Chunk(Source::Server { channel: entered }, b"before".to_vec()),
            Seen::Notice(Event::Closed { channel: Channel::Entered(entered), reason: Reason::Kicked }),
        ]
    );
    assert_eq!(rig.out().unfinished(), 0);
    assert_eq!(rig.out().send((channel, user), b"gone"), Err(SendError::NotOpen));
    // who was removed already was not blocked
    rig.out().simulate(channel, SimulatedLine::new()).unwrap();
    join(&mut rig, b"a", channel, CHUNKS);
}
