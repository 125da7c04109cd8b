//! The table of users, against events of a link.

use std::collections::BTreeMap;

use peote_net::Reason;
use peote_net::link::{Channel, Event, Link, LinkBuffers, Mode, OwnChannel, Source, User};
use peote_net::offline::Offline;
use peote_net::time::Instant;
use peote_net::users::Users;
use proptest::prelude::*;

/// Handles of two channels.
fn channels() -> (OwnChannel, OwnChannel) {
    let mut link = Link::<LinkBuffers<16, 1, 2, 512, 64>>::new();
    let mut out = link.out();
    (out.create("a", Mode::Data).unwrap(), out.create("b", Mode::Data).unwrap())
}

fn entered(channel: OwnChannel, user: u8) -> Event<'static> {
    Event::UserEntered { channel, user: User::new(user) }
}

fn gone(channel: OwnChannel, user: u8) -> Event<'static> {
    Event::UserGone { channel, user: User::new(user), reason: Reason::OnPurpose }
}

fn closed(channel: OwnChannel) -> Event<'static> {
    Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost }
}

#[test]
fn data_belongs_to_one_user_of_one_channel() {
    let (a, b) = channels();
    let mut users = Users::<u32, 8>::new();
    for event in [entered(a, 7), entered(b, 7), entered(a, 3)] {
        assert!(users.follow(&event, |_, _, _| panic!("nobody is gone")));
    }
    *users.from(Source::User { channel: a, user: User::new(7) }).unwrap() = 1;
    *users.get_mut(b, User::new(7)).unwrap() = 2;
    users.of_mut(a).for_each(|(_, data)| *data += 10);
    assert_eq!(users.of(a).collect::<Vec<_>>(), [(User::new(3), &10), (User::new(7), &11)]);
    assert_eq!(users.get(b, User::new(7)), Some(&2));
    assert_eq!(users.get(b, User::new(3)), None);
    assert_eq!(users.len(), 3);
}

#[test]
fn a_lost_channel_tells_of_each_user_once() {
    let (a, b) = channels();
    let mut users = Users::<u32, 8>::new();
    for event in [entered(a, 0), entered(a, 1), entered(b, 0), gone(a, 0)] {
        users.follow(&event, |_, _, _| ());
    }
    let mut told = Vec::new();
    for event in [closed(a), closed(a), gone(a, 1), closed(b)] {
        users.follow(&event, |channel, user, _| told.push((channel, user)));
    }
    assert_eq!(told, [(a, User::new(1)), (b, User::new(0))]);
    assert!(users.is_empty());
}

#[test]
fn what_has_no_place_is_said() {
    let (a, _) = channels();
    let mut users = Users::<u32, 1>::new();
    assert!(users.follow(&entered(a, 0), |_, _, _| ()));
    assert!(users.follow(&entered(a, 0), |_, _, _| ()), "delivered again");
    assert!(!users.follow(&entered(a, 1), |_, _, _| ()));
    assert_eq!(users.enter(a, User::new(1), 5), Err(5));
    assert_eq!(users.iter().count(), 1);
}

/// Of a channel that the program deletes no event tells.
#[test]
fn a_deleted_channel_leaves_no_users_behind() {
    let mut link = Link::<LinkBuffers<16, 1, 1, 512, 64>>::new();
    let mut next = || {
        let channel = link.out().create("a", Mode::Data).unwrap();
        link.poll(&mut Offline::new(), Instant::ZERO, |_, _| ()).unwrap();
        link.out().delete(channel).unwrap();
        link.poll(&mut Offline::new(), Instant::ZERO, |_, _| ()).unwrap();
        channel
    };
    let (first, second, third) = (next(), next(), next());
    let mut users = Users::<u32, 3>::new();
    let mut told = Vec::new();
    let all = [0, 1, 2].map(User::new);
    for number in 0..3 {
        assert!(users.follow(&entered(first, number), |_, _, _| ()));
    }
    // the program says so
    users.left(first, |channel, user, _| told.push((channel, user)));
    assert_eq!(told, all.map(|user| (first, user)));
    for number in 0..3 {
        assert!(users.follow(&entered(second, number), |_, _, _| panic!("all are there")));
    }
    // or another channel is in its place
    told.clear();
    assert!(users.follow(&entered(third, 1), |channel, user, _| told.push((channel, user))));
    assert_eq!(told, all.map(|user| (second, user)));
    assert_eq!(users.get(third, User::new(1)), Some(&0));
    assert_eq!(users.iter().count(), 1);
    assert_eq!(users.enter(first, User::new(2), 7), Ok(()));
    assert_eq!(users.iter().collect::<Vec<_>>(), [(first, User::new(2), &7)]);
}

proptest! {
    #[test]
    fn it_is_a_map(steps in proptest::collection::vec((0u8..8, any::<bool>(), 0u8..12), 0..200)) {
        let (a, b) = channels();
        let (mut users, mut map) = (Users::<u32, 10>::new(), BTreeMap::new());
        for (step, (what, first, user)) in (0u32..).zip(steps) {
            let channel = if first { a } else { b };
            let key = (channel.index(), User::new(user));
            let mut told = Vec::new();
            match what {
                0..=3 => {
                    let is_in = users.follow(&entered(channel, user), |_, _, _| ());
                    prop_assert_eq!(is_in, map.len() < 10 || map.contains_key(&key));
                    if is_in {
                        map.entry(key).or_insert(0);
                    }
                }
                4 | 5 => {
                    users.follow(&gone(channel, user), |channel, user, data| told.push((channel, user, data)));
                    let expected = map.remove(&key).map(|data| (channel, User::new(user), data));
                    prop_assert_eq!(told, Vec::from_iter(expected));
                }
                6 => {
                    if let Some(data) = users.get_mut(channel, User::new(user)) {
                        *data = step;
                    }
                    map.entry(key).and_modify(|data| *data = step);
                }
                _ => {
                    users.follow(&closed(channel), |channel, user, data| told.push((channel, user, data)));
                    let before = map.len();
                    map.retain(|(index, _), _| *index != channel.index());
                    prop_assert_eq!(told.len(), before - map.len());
                }
            }
            let all: Vec<_> = users.iter().map(|(channel, user, data)| ((channel.index(), user), *data)).collect();
            prop_assert_eq!(all, map.iter().map(|(key, data)| (*key, *data)).collect::<Vec<_>>());
        }
    }
}
