//! Local users that knock. The relay hears nothing of it.

use peote_net::Reason;
use peote_net::link::{
    Admission, Buffers, Channel, EnteredChannel, Event, Flow, IntoFlow, Out, OwnChannel, SendError, User,
};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::time::{Duration, Instant};

use super::support::*;
use crate::support::{Rig, Seen, tag, tag_of};

/// An own channel that asks, on a relay that can.
fn asking(rig: &mut LocalRig) -> OwnChannel {
    let all = Capabilities::HELLO.with(Capabilities::REMOVE_USER);
    rig.says(to_endpoint::announcement(all));
    settle(rig);
    rig.script.outgoing.clear();
    let channel = open(rig, b"club", 7, CHUNKS);
    rig.script.outgoing.clear();
    rig.out().set_admission(channel, Admission::Ask).unwrap();
    channel
}

/// As long as a knock lasts.
const KNOCK: Duration = Duration::from_secs(10);

/// Drives the link, but not to the end of a knock that has just come.
fn sleep_and_wake<B: Buffers, R: IntoFlow<Error = SendError>>(
    rig: &mut Rig<B>,
    face: Face,
    handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
) {
    sleep_less_than(rig, Duration::from_millis(KNOCK.as_millis() - 1), face, handler);
}

fn settle<B: Buffers>(rig: &mut Rig<B>) -> Vec<Seen> {
    let mut seen = Vec::new();
    sleep_and_wake(rig, Face::Poll, |event, _| seen.push(Seen::from(event)));
    seen
}

fn knock(rig: &mut LocalRig, words: &str) -> EnteredChannel {
    rig.out().enter_with("club", CHUNKS, words).unwrap()
}

fn knocks(channel: OwnChannel, user: u16, words: &str) -> Seen {
    Seen::Knock(channel, local(user), words.as_bytes().to_vec())
}

fn local(place: u16) -> User {
    // numbers of local users are not for programs to make
    let mut rig = rig();
    let channel = open(&mut rig, b"any", 0, CHUNKS);
    (0..=place).map(|_| join(&mut rig, b"any", channel, CHUNKS).1).last().unwrap()
}

fn notice(event: Event<'static>) -> Seen {
    Seen::Notice(event)
}

fn opened(channel: EnteredChannel) -> Seen {
    notice(Event::Opened { channel: Channel::Entered(channel) })
}

#[test]
fn a_local_user_is_in_when_it_is_let_in() {
    for face in FACES {
        let mut rig = rig();
        let channel = asking(&mut rig);
        let entered = knock(&mut rig, "swordfish");
        let mut seen = Vec::new();
        sleep_and_wake(&mut rig, face, |event, out| {
            seen.push(Seen::from(event));
            match event {
                Event::Knock { channel, user, .. } => {
                    assert_eq!(out.send((channel, user), b"too early"), Err(SendError::NotOpen));
                    assert_eq!(out.remove_user(channel, user), Err(SendError::NotOpen));
                    out.admit(channel, user)?;
                    out.send((channel, user), b"hi")
                }
                Event::UserEntered { channel, user } => out.send((channel, user), b"welcome"),
                _ => Ok(()),
            }
        });
        let user = local(0);
        assert_eq!(seen[0], knocks(channel, 0, "swordfish"));
        assert_eq!(seen[1], notice(Event::UserEntered { channel, user }), "{face:?}");
        let mut rest: Vec<Seen> = seen.split_off(2);
        let from = from_server_of(entered);
        assert_eq!(rest.remove(0), opened(entered));
        assert_eq!(rest, [Seen::Chunk(from, b"hi".to_vec()), Seen::Chunk(from, b"welcome".to_vec())]);
        rig.out().send(entered, b"up").unwrap();
        assert_eq!(settle(&mut rig), [Seen::Chunk(from_user_of(channel, user), b"up".to_vec())]);
        nothing_on_the_wire(&mut rig);
    }
}

#[test]
fn a_local_user_is_refused_with_words() {
    let mut rig = rig();
    let channel = asking(&mut rig);
    let entered = knock(&mut rig, "sole");
    assert_eq!(settle(&mut rig), [knocks(channel, 0, "sole")]);
    assert_eq!(rig.out().send(entered, b"?"), Err(SendError::NotOpen));
    rig.out().refuse(channel, local(0), "no such fish").unwrap();
    assert_eq!(rig.out().admit(channel, local(0)), Err(SendError::NotOpen));
    let reason = Reason::RefusedByServer;
    let refused = Seen::Refused(Channel::Entered(entered), reason, b"no such fish".to_vec());
    let mut seen = Vec::new();
    for flow in [Flow::Again, Flow::Again, Flow::Continue] {
        drive(&mut rig, Face::Poll, |event, _| {
            seen.push(Seen::from(event));
            flow
        });
    }
    assert_eq!(seen, [refused.clone(), refused.clone(), refused]);
    assert_eq!(settle(&mut rig), []);
    nothing_on_the_wire(&mut rig);
    // the places are free again
    for _ in 0..20 {
        let entered = knock(&mut rig, "x");
        assert_eq!(settle(&mut rig).len(), 1);
        let user = local_of(&mut rig, channel);
        rig.out().refuse(channel, user, "").unwrap();
        let refused = Event::Refused { channel: Channel::Entered(entered), reason, words: &[] };
        assert_eq!(settle(&mut rig), [notice(refused)]);
    }
}

/// The one local user that knocks.
fn local_of(rig: &mut LocalRig, channel: OwnChannel) -> User {
    let found = (0..5)
        .map(local)
        .find(|user| rig.out().refuse(channel, *user, "x".repeat(201)) != Err(SendError::NotOpen));
    found.unwrap()
}

#[test]
fn a_closed_and_a_full_channel_refuse_by_themselves() {
    let mut rig = rig();
    let channel = asking(&mut rig);
    rig.out().set_admission(channel, Admission::Closed).unwrap();
    let entered = knock(&mut rig, "x");
    let reason = Reason::RefusedByServer;
    let refused = Event::Refused { channel: Channel::Entered(entered), reason, words: &[] };
    assert_eq!(settle(&mut rig), [notice(refused)]);
    rig.out().set_admission(channel, Admission::Open).unwrap();
    rig.out().set_most_users(channel, 1).unwrap();
    let (_, user) = join(&mut rig, b"club", channel, CHUNKS);
    let entered = knock(&mut rig, "x");
    let reason = Reason::ChannelFull;
    let refused = Event::Refused { channel: Channel::Entered(entered), reason, words: &[] };
    assert_eq!(settle(&mut rig), [notice(refused)]);
    rig.out().remove_user(channel, user).unwrap();
    settle(&mut rig);
    join(&mut rig, b"club", channel, CHUNKS);
    nothing_on_the_wire(&mut rig);
}

#[test]
fn who_leaves_while_it_knocks() {
    for knows in [true, false] {
        let mut rig = rig();
        let channel = asking(&mut rig);
        let entered = knock(&mut rig, "x");
        let user = local(0);
        if knows {
            assert_eq!(settle(&mut rig), [knocks(channel, 0, "x")]);
        }
        rig.out().leave(entered).unwrap();
        let ended = [notice(Event::KnockEnded { channel, user })];
        assert_eq!(settle(&mut rig), if knows { &ended[..] } else { &[] });
        assert_eq!(rig.out().admit(channel, user), Err(SendError::NotOpen));
        assert_eq!(rig.link.next_deadline(), None);
    }
}

fn refused_for_want_of_an_answer(channel: EnteredChannel) -> Seen {
    notice(Event::Refused { channel: Channel::Entered(channel), reason: Reason::NoAnswer, words: &[] })
}

#[test]
fn a_knock_without_an_answer_is_over_after_ten_seconds() {
    let mut rig = rig();
    let channel = asking(&mut rig);
    for begin in [5_000, 40_000, 80_000] {
        rig.now = Instant::from_millis(begin);
        let entered = knock(&mut rig, "x");
        let seen = settle(&mut rig);
        let [Seen::Knock(_, user, _)] = seen[..] else { panic!("{seen:?}") };
        let over = rig.now + KNOCK;
        assert_eq!(rig.link.next_deadline(), Some(over));
        rig.now = Instant::from_millis(over.as_millis() - 1);
        let mut early = Vec::new();
        rig.poll_once(|event, _| early.push(Seen::from(event))).unwrap();
        assert_eq!(early, []);
        rig.now = over;
        let ended = notice(Event::KnockEnded { channel, user });
        assert_eq!(settle(&mut rig), [ended, refused_for_want_of_an_answer(entered)]);
        assert_eq!(rig.out().admit(channel, user), Err(SendError::NotOpen));
        assert_eq!(rig.out().refuse(channel, user, "late"), Err(SendError::NotOpen));
        assert_eq!(rig.link.next_deadline(), None);
    }
    // the places are free again
    rig.out().set_admission(channel, Admission::Open).unwrap();
    for _ in 0..5 {
        join(&mut rig, b"club", channel, CHUNKS);
    }
    nothing_on_the_wire(&mut rig);
}

#[test]
fn a_knock_that_is_kept_is_over_as_well_and_its_server_hears_no_more_of_it() {
    let mut rig = rig();
    let channel = asking(&mut rig);
    let entered = knock(&mut rig, "x");
    let mut seen = Vec::new();
    let keep = |event: Event<'_>, seen: &mut Vec<Seen>| {
        let is_knock = matches!(event, Event::Knock { .. });
        seen.push(Seen::from(event));
        if is_knock { Flow::Again } else { Flow::Continue }
    };
    drive(&mut rig, Face::Poll, |event, _| keep(event, &mut seen));
    drive(&mut rig, Face::Poll, |event, _| keep(event, &mut seen));
    assert_eq!(seen, [knocks(channel, 0, "x"), knocks(channel, 0, "x")]);
    let over = rig.now + KNOCK;
    assert_eq!(rig.link.next_deadline(), Some(over));
    rig.now = over;
    seen.clear();
    sleep_and_wake(&mut rig, Face::Poll, |event, _| keep(event, &mut seen));
    assert_eq!(seen, [refused_for_want_of_an_answer(entered)]);
    assert_eq!(rig.link.next_deadline(), None);
}

#[test]
fn who_has_left_when_its_time_is_over_is_told_of_once() {
    let mut rig = rig();
    let channel = asking(&mut rig);
    let line = peote_net::link::SimulatedLine::new().round_trip(Duration::from_secs(8));
    rig.out().simulate(channel, line).unwrap();
    let entered = knock(&mut rig, "x");
    assert_eq!(settle(&mut rig), [knocks(channel, 0, "x")]);
    rig.now = rig.now + Duration::from_secs(9);
    rig.out().leave(entered).unwrap();
    // that is under way when the time is over
    assert_eq!(settle(&mut rig), [notice(Event::KnockEnded { channel, user: local(0) })]);
    assert_eq!(rig.link.next_deadline(), None);
}

#[test]
fn who_is_let_in_after_it_has_left_comes_and_goes() {
    let mut rig = rig();
    let channel = asking(&mut rig);
    let entered = knock(&mut rig, "x");
    let mut seen = Vec::new();
    sleep_and_wake(&mut rig, Face::Poll, |event, out| {
        seen.push(Seen::from(event));
        if let Event::Knock { channel, user, .. } = event {
            out.leave(entered)?;
            out.admit(channel, user)?;
        }
        Ok(())
    });
    let (user, reason) = (local(0), Reason::OnPurpose);
    let expected = [
        knocks(channel, 0, "x"),
        notice(Event::UserEntered { channel, user }),
        notice(Event::UserGone { channel, user, reason }),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_channel_that_is_deleted_refuses_who_knocks() {
    let mut rig = rig();
    let channel = asking(&mut rig);
    let entered = knock(&mut rig, "x");
    assert_eq!(settle(&mut rig), [knocks(channel, 0, "x")]);
    rig.out().delete(channel).unwrap();
    let reason = Reason::NoSuchChannel;
    let refused = Event::Refused { channel: Channel::Entered(entered), reason, words: &[] };
    assert_eq!(settle(&mut rig), [notice(refused)]);
}

#[test]
fn words_wait_for_a_channel_that_is_being_created() {
    let mut rig = rig();
    let channel = rig.out().create("club", CHUNKS).unwrap();
    rig.out().set_admission(channel, Admission::Ask).unwrap();
    let entered = knock(&mut rig, "early");
    assert_eq!(settle(&mut rig), []);
    assert_eq!(rig.link.next_deadline(), None, "nothing to do until the relay answers");
    let all = Capabilities::HELLO.with(Capabilities::REMOVE_USER);
    rig.says(to_endpoint::announcement(all));
    rig.says(to_endpoint::success(tag(1), 3));
    assert_eq!(settle(&mut rig), []);
    rig.says(to_endpoint::hello(0).unwrap());
    let opened = notice(Event::Opened { channel: Channel::Own(channel) });
    assert_eq!(settle(&mut rig), [opened, knocks(channel, 0, "early")]);
    rig.out().admit(channel, local(0)).unwrap();
    let seen = settle(&mut rig);
    assert!(seen.contains(&notice(Event::Opened { channel: Channel::Entered(entered) })), "{seen:?}");
    assert_eq!(seen.len(), 2);
}

#[test]
fn a_relay_that_cannot_ask_refuses_local_users_of_such_a_channel() {
    let mut rig = rig();
    let channel = rig.out().create("club", CHUNKS).unwrap();
    rig.out().set_admission(channel, Admission::Ask).unwrap();
    let entered = knock(&mut rig, "early");
    rig.says(to_endpoint::success(tag(1), 3));
    let refused = |channel, reason| notice(Event::Refused { channel, reason, words: &[] });
    let expected = [
        refused(Channel::Own(channel), Reason::Unsupported),
        refused(Channel::Entered(entered), Reason::NameInUse),
    ];
    assert_eq!(settle(&mut rig), expected);
}

#[test]
fn a_simulated_line_takes_its_time() {
    let mut rig = rig();
    let channel = asking(&mut rig);
    let line = peote_net::link::SimulatedLine::new().round_trip(Duration::from_millis(80));
    rig.out().simulate(channel, line).unwrap();
    let entered = knock(&mut rig, "x");
    let mut seen = Vec::new();
    let mut times = Vec::new();
    for millis in 0..200 {
        let now = Instant::from_millis(millis);
        rig.now = now;
        drive(&mut rig, Face::Poll, |event, out| {
            times.push(millis);
            seen.push(Seen::from(event));
            match event {
                Event::Knock { channel, user, .. } => out.admit(channel, user),
                _ => Ok(()),
            }
        });
    }
    let user = local(0);
    let expected = [knocks(channel, 0, "x"), notice(Event::UserEntered { channel, user }), opened(entered)];
    assert_eq!(seen, expected);
    assert_eq!(times[..2], [40, 40]);
    assert!((80..=81).contains(&times[2]), "{times:?}");
}

#[test]
fn words_have_to_fit_the_line() {
    let mut rig: Rig<Heap> = Rig::new(peote_net::link::Link::with_buffers(Heap::new(LEAST)));
    rig.link.set_silence_limit(None);
    let channel = rig.out().create("club", peote_net::link::Mode::Data).unwrap();
    let mode = peote_net::link::Mode::Data;
    let too_small = SendError::QueueTooSmall { needed: 41, capacity: 40 };
    assert_eq!(rig.out().enter_with("club", mode, "x".repeat(41)), Err(too_small));
    rig.out().enter_with("club", mode, "x".repeat(40)).unwrap();
    let all = Capabilities::HELLO.with(Capabilities::REMOVE_USER);
    rig.says(to_endpoint::announcement(all));
    rig.says(to_endpoint::success(tag_of(64, 1), 3));
    rig.out().set_admission(channel, Admission::Ask).unwrap();
    rig.says(to_endpoint::hello(0).unwrap());
    let seen = settle(&mut rig);
    assert_eq!(seen[1], knocks(channel, 0, &"x".repeat(40)));
    let too_small = SendError::QueueTooSmall { needed: 41, capacity: 40 };
    assert_eq!(rig.out().refuse(channel, local(0), "x".repeat(40)), Err(too_small));
    rig.out().refuse(channel, local(0), "x".repeat(39)).unwrap();
    assert!(
        matches!(&settle(&mut rig)[..], [Seen::Refused(_, Reason::RefusedByServer, words)] if words.len() == 39)
    );
}
