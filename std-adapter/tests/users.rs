//! The table of users that grows, against events of a link.

use peote_net::Reason;
use peote_net::link::{Channel, Event, Link, Mode, OwnChannel, Source, User};
use peote_net_std::{HeapBuffers, Users};

fn channels() -> (OwnChannel, OwnChannel) {
    let mut link = Link::with_buffers(HeapBuffers::default());
    let mut out = link.out();
    (out.create("a", Mode::Data).unwrap(), out.create("b", Mode::Data).unwrap())
}

fn entered(channel: OwnChannel, user: u8) -> Event<'static> {
    Event::UserEntered { channel, user: User::new(user) }
}

#[test]
fn each_user_is_there_until_it_is_told_to_be_gone_once() {
    let (a, b) = channels();
    let mut users = Users::<u32>::new();
    for number in 0..=255 {
        users.follow(&entered(a, number), |_, _, _| panic!("all are there"));
    }
    users.follow(&entered(b, 7), |_, _, _| panic!("all are there"));
    *users.from(Source::User { channel: a, user: User::new(7) }).unwrap() = 1;
    *users.get_mut(b, User::new(7)).unwrap() = 2;
    users.of_mut(a).for_each(|(_, data)| *data += 10);
    users.follow(&entered(a, 7), |_, _, _| panic!("all are there"));
    assert_eq!((users.get(a, User::new(7)), users.get(b, User::new(7))), (Some(&11), Some(&2)));
    assert_eq!((users.len(), users.of(b).count()), (257, 1));

    let mut gone = Vec::new();
    let leaves = Event::UserGone { channel: a, user: User::new(3), reason: Reason::OnPurpose };
    let lost = Event::Closed { channel: Channel::Own(a), reason: Reason::LinkLost };
    for event in [leaves, leaves, lost, lost] {
        users.follow(&event, |channel, user, _| gone.push((channel, user.number())));
    }
    let others = (0..=255).filter(|&number| number != 3);
    assert_eq!(gone, [3].into_iter().chain(others).map(|number| (a, number)).collect::<Vec<_>>());
    assert_eq!(users.iter().map(|(channel, _, _)| channel).collect::<Vec<_>>(), [b]);
}

/// A channel that takes the place of an earlier one has users of its own.
#[test]
fn another_channel_has_other_users() {
    let mut link = Link::with_buffers(HeapBuffers::default());
    let first = link.out().create("a", Mode::Data).unwrap();
    let mut users = Users::<u32>::new();
    users.enter(first, User::new(0), 1);
    link.poll(&mut peote_net::offline::Offline::new(), peote_net::time::Instant::ZERO, |_, _| ()).unwrap();
    link.out().delete(first).unwrap();
    link.poll(&mut peote_net::offline::Offline::new(), peote_net::time::Instant::ZERO, |_, _| ()).unwrap();
    let second = link.out().create("a", Mode::Data).unwrap();
    assert_eq!(second.index(), first.index());
    assert_eq!(users.get(second, User::new(0)), None);
    users.enter(second, User::new(0), 2);
    assert_eq!(users.of(second).collect::<Vec<_>>(), [(User::new(0), &2)]);
}

/// Of a channel that the program deletes no event tells.
#[test]
fn a_deleted_channel_leaves_no_users_behind() {
    let mut link = Link::with_buffers(HeapBuffers::default());
    let mut next = || {
        let mut relay = peote_net::offline::Offline::new();
        let now = peote_net::time::Instant::ZERO;
        let channel = link.out().create("a", Mode::Data).unwrap();
        link.poll(&mut relay, now, |_, _| ()).unwrap();
        link.out().delete(channel).unwrap();
        link.poll(&mut relay, now, |_, _| ()).unwrap();
        channel
    };
    let (first, second, third) = (next(), next(), next());
    let mut users = Users::<u32>::new();
    let mut gone = Vec::new();
    let all = [0, 1, 2].map(User::new);
    for number in 0..3 {
        users.follow(&entered(first, number), |_, _, _| panic!("all are there"));
    }
    // the program says so
    users.left(first, |channel, user, _| gone.push((channel, user)));
    assert_eq!(gone, all.map(|user| (first, user)));
    assert!(users.is_empty());
    for number in 0..3 {
        users.follow(&entered(second, number), |_, _, _| panic!("all are there"));
    }
    // or another channel is in its place
    gone.clear();
    users.follow(&entered(third, 1), |channel, user, _| gone.push((channel, user)));
    assert_eq!(gone, all.map(|user| (second, user)));
    assert_eq!(users.iter().collect::<Vec<_>>(), [(third, User::new(1), &0)]);
    users.enter(first, User::new(5), 7);
    assert_eq!(users.iter().collect::<Vec<_>>(), [(first, User::new(5), &7)]);
}
