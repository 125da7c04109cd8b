//! Who has offered what.

use peote_net::link::{Destination, EnteredChannel, Event, Mode, Source, User};
use peote_net::protocol::to_endpoint;
use peote_net::rpc::{Message, NotOffered, Offers, OffersFull, Remote};

use crate::peer::{Peer as _, TestLink, poll, server};

#[test]
fn an_object_can_be_called_once_it_was_offered_and_until_the_user_is_gone() {
    let (mut link, mut relay) = server();
    let mut offers = Offers::<2, 2>::new();
    relay.chunk_of_user(&[3]);
    relay.chunk_of_user(&[3]);
    relay.chunk_of_user(&[9]);
    relay.chunk_of_user(&[10]);
    let (mut user, mut full) = (None, Vec::new());
    poll(&mut link, &mut relay, |event, _| {
        offers.follow(&event);
        if let Event::Rpc { from, bytes } = event {
            user = Some(from);
            let Message::Offer(remote) = Message::read(from, bytes) else { panic!("{bytes:?}") };
            assert_eq!(remote.destination(), Destination::from(from));
            full.extend(offers.add(remote).err());
        }
    });
    assert_eq!(full, [OffersFull::Objects]);
    let user = user.unwrap();
    assert_eq!(offers.of(user).map(Remote::object).collect::<Vec<_>>(), [3, 9]);
    assert_eq!(offers.remote(user, 9).map(Remote::object), Ok(9));
    assert_eq!(offers.remote(user, 10), Err(NotOffered { object: 10 }));
    assert_eq!(offers.all(9).count(), 1);
    assert_eq!(offers.all(1).count(), 0);

    relay.incoming.extend(to_endpoint::user_gone(0, 0, 1));
    poll(&mut link, &mut relay, |event, _| offers.follow(&event));
    assert_eq!(offers.remote(user, 3), Err(NotOffered { object: 3 }));
    assert_eq!(offers.of(user).count(), 0);
}

/// Entered channels, which need no relay to have a handle.
fn channels() -> (Box<TestLink>, [EnteredChannel; 3]) {
    let mut link = Box::new(TestLink::new());
    let channels = ["a", "b", "c"].map(|name| link.out().enter(name, Default::default()).unwrap());
    (link, channels)
}

#[test]
fn the_table_has_its_limits_and_places_become_free() {
    let (_link, [a, b, c]) = channels();
    let mut offers = Offers::<2, 1>::new();
    assert_eq!(offers.add(Remote::assume(a, 1)), Ok(()));
    assert_eq!(offers.add(Remote::assume(b, 1)), Ok(()));
    assert_eq!(offers.add(Remote::assume(c, 1)), Err(OffersFull::Parties));
    assert_eq!(offers.add(Remote::assume(a, 2)), Err(OffersFull::Objects));
    assert_eq!(offers.all(1).count(), 2);
    offers.forget(Source::Server { channel: a });
    assert_eq!(offers.add(Remote::assume(c, 2)), Ok(()));
    let objects: Vec<u8> = offers.all(2).map(Remote::object).collect();
    assert_eq!(objects, [2]);
}

/// Of a channel that the program leaves or deletes no event tells.
#[test]
fn a_channel_that_was_left_takes_its_offers_with_it() {
    let (mut link, [a, b, _]) = channels();
    let own = link.out().create("d", Mode::RPC).unwrap();
    let users = [0, 1].map(|number| Destination::User(own, User::new(number)));
    let mut offers = Offers::<4, 1>::new();
    for peer in [a.into(), b.into(), users[0], users[1]] {
        assert_eq!(offers.add(Remote::assume(peer, 1)), Ok(()));
    }
    let peers = |offers: &Offers<4, 1>| offers.all(1).map(Remote::destination).collect::<Vec<_>>();
    offers.left(a);
    assert_eq!(peers(&offers), [b.into(), users[0], users[1]]);
    offers.left(own);
    assert_eq!(peers(&offers), [b.into()]);
}

#[test]
fn a_lost_connection_takes_all_offers_with_it() {
    let (mut link, mut relay) = server();
    let mut offers = Offers::<4, 4>::default();
    relay.chunk_of_user(&[0]);
    let mut count = 0;
    let mut handle = |event: Event<'_>| {
        offers.follow(&event);
        if let Event::Rpc { from, bytes } = event
            && let Message::Offer(remote) = Message::read(from, bytes)
        {
            offers.add(remote).unwrap();
        }
        count = offers.all(0).count();
    };
    poll(&mut link, &mut relay, |event, _| handle(event));
    relay.closed = true;
    let gone = link.poll(&mut relay, peote_net::time::Instant::ZERO, |event, _| handle(event));
    assert!(gone.is_err());
    assert_eq!(count, 0);
}

#[test]
fn the_table_takes_the_memory_that_its_documentation_says() {
    assert_eq!(size_of::<Offers<16, 4>>(), 16 * (2 * 4 + 14_usize).next_multiple_of(4));
    assert_eq!(size_of::<Offers<100, 1>>(), 100 * (2 + 14_usize).next_multiple_of(4));
}

#[test]
fn a_caller_is_a_few_bytes() {
    assert_eq!(size_of::<crate::calls::SpeakerCaller>(), 16);
}
