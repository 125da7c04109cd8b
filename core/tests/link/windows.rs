//! Hello, windows and admission, against a relay that knows them.

use peote_net::chunk::Violation;
use peote_net::link::{
    Channel, Destination, Event, Flow, Hello, Link, Mode, SendError, Source, User, link_buffers,
};
use peote_net::protocol::items::{self, Item, Items};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::protocol::to_relay;
use peote_net::time::{Duration, Instant};

use crate::support::{Rig, Seen, chunk, from_server, from_user, tag_of};

pub(crate) const CHUNKS: Mode = Mode::chunks(64);

/// A slot keeps 256 bytes.
pub(crate) type Memory = link_buffers!(
    chunk: 64, window: 256, parties: 4, own_channels: 1, transmit: 1024, receive: 512
);

pub(crate) type Windowed = Rig<peote_net::link::LinkBuffers<64, 4, 1, 1024, 512, 256>>;

pub(crate) fn items_of_relay() -> Vec<u8> {
    let items = [&items::capabilities(items::TAKES_PART)[..], &items::number(items::KEEPALIVE, 5)].concat();
    [&to_endpoint::hello(items.len()).unwrap()[..], &items].concat()
}

/// A link to a relay that knows hello, which has been said.
pub(crate) fn rig() -> Windowed {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    rig.hears(to_endpoint::announcement(Capabilities::HELLO));
    let sent = rig.sent();
    assert_eq!(sent[..3], [0, 6, 0]);
    let said: Vec<Item<'_>> = Items::new(&sent[4..]).collect();
    assert_eq!(said, [Item::Capabilities(1), Item::Window(256)]);
    rig.hears(items_of_relay());
    rig
}

/// An entered channel of number 5 whose server takes 100 bytes.
fn entered(rig: &mut Windowed) -> peote_net::link::EnteredChannel {
    let channel = rig.out().enter("e", CHUNKS).unwrap();
    let sent = rig.sent();
    let seen = rig.hears(to_endpoint::entered(sent[2], 5, 9, 100));
    assert_eq!(seen, [Seen::Notice(Event::Opened { channel: Channel::Entered(channel) })]);
    channel
}

/// An own channel of number 3 with user 7, who knocked and takes 100 bytes.
fn served(rig: &mut Windowed) -> (peote_net::link::OwnChannel, User) {
    let channel = rig.own(3, CHUNKS);
    let user = User::new(7);
    let seen = rig.hears(to_endpoint::knock(3, 7, 99, true, 100, 0).unwrap());
    assert_eq!(seen, [Seen::Notice(Event::UserEntered { channel, user })]);
    assert_eq!(rig.sent(), to_relay::admit(3, 7, 99));
    (channel, user)
}

// §11.4-first
#[test]
fn hello_is_said_once_and_before_data() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    rig.link.set_hello(Hello {
        keepalive: Some(Duration::from_secs(60)),
        name: Some("thermometer 1.0"),
        ..Hello::default()
    });
    let channel = rig.out().enter("e", CHUNKS).unwrap();
    rig.says(to_endpoint::announcement(Capabilities::HELLO));
    rig.says(to_endpoint::success(tag_of(256, 1), 5));
    rig.poll_once(|event, out| match event {
        Event::Opened { .. } => out.send(channel, b"first"),
        _ => Ok(()),
    })
    .unwrap();
    rig.says(to_endpoint::announcement(Capabilities::HELLO));
    let sent = rig.sent();
    let at = 4 + 1;
    let hello = &sent[at..];
    assert_eq!(hello[..3], [0, 6, 0]);
    let end = 4 + usize::from(hello[3]);
    let said: Vec<Item<'_>> = Items::new(&hello[4..end]).collect();
    let name = Item::Name(b"thermometer 1.0");
    assert_eq!(said, [Item::Capabilities(1), Item::Window(256), Item::Keepalive(60), name]);
    assert_eq!(hello[end..], [7, 5, 4, b'f', b'i', b'r', b's', b't']);
}

// §11.4-partners-only
#[test]
fn an_existing_relay_hears_nothing_of_it() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    rig.hears(to_endpoint::announcement(Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER)));
    let channel = rig.entered(5, CHUNKS);
    assert_eq!(rig.out().window(channel), None);
    for _ in 0..10 {
        rig.out().send(channel, &[1; 64]).unwrap();
        assert_eq!(rig.hears(from_server(5, &chunk(&[1; 60]))).len(), 1);
    }
    assert_eq!(rig.sent().len(), 10 * 67);
}

// §11.4-silence
#[test]
fn the_keepalive_interval_of_the_relay_sets_the_silence_limit() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    rig.hears(to_endpoint::announcement(Capabilities::HELLO));
    rig.sent();
    assert_eq!(rig.link.next_deadline(), Some(Instant::from_millis(20_000)));
    let items = items::number(items::KEEPALIVE, 3600);
    rig.hears([&to_endpoint::hello(items.len()).unwrap()[..], &items].concat());
    assert_eq!(rig.link.next_deadline(), Some(Instant::from_millis(4 * 3_600_000)));
    rig.link.set_silence_limit(Some(Duration::from_secs(7)));
    assert_eq!(rig.link.next_deadline(), Some(Instant::from_millis(7000)));
}

// §11.6-whole
#[test]
fn who_has_no_window_is_waited_for_and_nobody_else() {
    let mut rig = rig();
    let server = entered(&mut rig);
    let (channel, user) = served(&mut rig);
    assert_eq!(rig.out().window(server), Some(100));
    assert_eq!(rig.out().own_number(server), Some(User::new(9)));
    rig.out().send(server, &[1; 59]).unwrap();
    assert_eq!(rig.out().window(server), Some(40));
    assert!(!rig.out().can_send(server, 40));
    assert_eq!(rig.out().send(server, &[1; 40]), Err(SendError::WouldBlock));
    assert!(rig.out().can_send((channel, user), 64));
    rig.out().send(server, &[1; 39]).unwrap();
    rig.sent();
    rig.hears(to_endpoint::grant_from_server(5, 60));
    assert_eq!(rig.out().window(server), Some(60));
    rig.out().send(server, &[1; 59]).unwrap();
}

#[test]
fn a_grant_wakes_what_waits_for_it() {
    let mut rig = rig();
    let server = entered(&mut rig);
    served(&mut rig);
    rig.out().send(server, &[1; 64]).unwrap();
    rig.sent();
    rig.says(from_user(3, 7, &chunk(&[2; 60])));
    let forward = |rig: &mut Windowed| {
        let mut sent = 0;
        rig.poll_once(|event, out| match event {
            Event::Chunk { bytes, .. } => out.send(server, bytes).inspect(|()| sent += 1),
            _ => Ok(()),
        })
        .unwrap();
        sent
    };
    assert_eq!(forward(&mut rig), 0);
    assert!(!rig.link.wants_write() && rig.link.has_kept());
    rig.says(to_endpoint::grant_from_server(5, 65));
    assert_eq!(forward(&mut rig), 0);
    assert!(rig.link.wants_write(), "asleep");
    assert_eq!(forward(&mut rig), 1);
}

// §11.6-any-size
/// A chunk goes whole, also if the window of the other end is no larger than the chunk without its
/// length.
#[test]
fn a_chunk_for_a_window_that_is_full_goes_whatever_its_size() {
    let mut rig = rig();
    let channel = rig.out().enter("e", CHUNKS).unwrap();
    let sent = rig.sent();
    rig.hears(to_endpoint::entered(sent[2], 5, 0, 64));
    rig.out().send(channel, &[1; 64]).unwrap();
    assert_eq!(rig.out().window(channel), Some(0));
    assert_eq!(rig.out().send(channel, b"x"), Err(SendError::WouldBlock));
    rig.sent();
    // all but one byte: not enough, and the rest is asked for
    rig.hears(to_endpoint::grant_from_server(5, 64));
    assert_eq!(rig.out().send(channel, &[1; 64]), Err(SendError::WouldBlock));
    assert_eq!(rig.out().send(channel, &[1; 64]), Err(SendError::WouldBlock));
    assert_eq!(rig.sent(), to_relay::grant_server(5, 0));
    rig.hears(to_endpoint::grant_from_server(5, 1));
    rig.out().send(channel, &[1; 64]).unwrap();
}

// §11.6-more-than-it-was
/// A party that entered as an existing one has the window of the relay, until it grants more. From
/// then on it has all that: what is under way of it counts for a chunk of any size.
#[test]
fn a_window_that_was_granted_more_than_it_was_begins_anew() {
    let mut rig = rig();
    let channel = rig.out().enter("e", CHUNKS).unwrap();
    let sent = rig.sent();
    rig.hears(to_endpoint::entered(sent[2], 5, 0, 20));
    rig.out().send(channel, &[1; 9]).unwrap();
    // it has 65 bytes, of which 10 are under way
    rig.hears(to_endpoint::grant_from_server(5, 45));
    assert_eq!(rig.out().window(channel), Some(55));
    rig.hears(to_endpoint::grant_from_server(5, 10));
    rig.out().send(channel, &[1; 9]).unwrap();
    assert_eq!(rig.out().window(channel), Some(55));
    assert_eq!(rig.out().send(channel, &[1; 64]), Err(SendError::WouldBlock));
    rig.hears(to_endpoint::grant_from_server(5, 10));
    rig.out().send(channel, &[1; 64]).unwrap();
}

// §11.6-other-data
#[test]
fn raw_data_above_the_window_is_an_error_that_says_so() {
    let mut rig = rig();
    let channel = rig.out().enter("e", Mode::Data).unwrap();
    let sent = rig.sent();
    rig.hears(to_endpoint::entered(sent[2], 5, 0, 100));
    assert_eq!(rig.out().send(channel, &[1; 101]), Err(SendError::WindowTooSmall { len: 101, window: 100 }));
    rig.out().send(channel, &[1; 100]).unwrap();
    // what will have room, sooner or later
    for len in [1, 100] {
        assert_eq!(rig.out().send(channel, &[1; 101][..len]), Err(SendError::WouldBlock));
    }
    assert_eq!(rig.out().send(channel, &[1; 101]), Err(SendError::WindowTooSmall { len: 101, window: 100 }));
}

// §11.6-half, §11.6-counted
#[test]
fn grants_come_at_half_windows() {
    let mut rig = rig();
    entered(&mut rig);
    served(&mut rig);
    for _ in 0..2 {
        assert_eq!(rig.hears(from_server(5, &chunk(&[1; 60]))).len(), 1);
        assert_eq!(rig.sent(), []);
        assert_eq!(rig.hears(from_user(3, 7, &chunk(&[1; 60]))).len(), 1);
        assert_eq!(rig.sent(), []);
        assert_eq!(rig.hears(from_server(5, &chunk(&[1; 60]))).len(), 1);
        assert_eq!(rig.sent(), []);
        assert_eq!(rig.hears(from_server(5, &chunk(&[1; 60]))).len(), 1);
        assert_eq!(rig.sent(), to_relay::grant_server(5, 183));
        assert_eq!(rig.hears(from_user(3, 7, &chunk(&[1; 60]))).len(), 1);
        assert_eq!(rig.hears(from_user(3, 7, &chunk(&[1; 60]))).len(), 1);
        assert_eq!(rig.sent(), to_relay::grant_user(3, 7, 183));
    }
}

// §11.6-asked
/// Somebody waits for each byte.
#[test]
fn a_grant_of_nothing_asks_for_all() {
    let mut rig = rig();
    entered(&mut rig);
    rig.hears(from_server(5, &chunk(&[1; 9])));
    assert_eq!(rig.sent(), []);
    rig.hears(to_endpoint::grant_from_server(5, 0));
    assert_eq!(rig.sent(), to_relay::grant_server(5, 10));
}

/// What is kept is not granted, until it is dealt with.
#[test]
fn what_is_kept_is_not_granted() {
    let mut rig = rig();
    entered(&mut rig);
    for _ in 0..4 {
        rig.says(from_server(5, &chunk(&[1; 60])));
    }
    rig.poll_once(|_, _| Flow::Again).unwrap();
    assert!(rig.link.wants_read() && rig.script.outgoing.is_empty());
    assert_eq!(rig.poll().len(), 4);
    assert_eq!(rig.sent(), to_relay::grant_server(5, 244));
}

/// Who breaks the rules is not heard any more. What it says is granted all the same, or what waits
/// for its window, such as a broadcast, would wait for ever.
#[test]
fn what_lies_behind_a_kept_event_is_granted_though_it_breaks_the_rules() {
    for keeps in [false, true] {
        let mut rig = rig();
        entered(&mut rig);
        rig.says(from_server(5, &[&chunk(&[1; 20])[..], &[200], &[1; 178]].concat()));
        rig.poll_once(|_, _| Flow::Again).unwrap();
        rig.poll_once(|event, _| match event {
            Event::Malicious { .. } if keeps => Flow::Again,
            _ => Flow::Continue,
        })
        .unwrap();
        assert_eq!(rig.hears(from_server(5, &[1; 28])).len(), usize::from(keeps));
        assert_eq!(rig.sent(), to_relay::grant_server(5, 200));
    }
}

/// Grants wait for room in the ring, and are not lost.
#[test]
fn grants_that_have_no_room_are_owed() {
    let mut rig = rig();
    entered(&mut rig);
    let (channel, user) = served(&mut rig);
    rig.script.room = 0;
    rig.hears(to_endpoint::grant_from_user(3, 7, 4000));
    while rig.out().send((channel, user), &[3; 60]).is_ok() {}
    while rig.out().send((channel, user), b"").is_err() && rig.out().send((channel, user), b"1").is_ok() {}
    for _ in 0..3 {
        assert_eq!(rig.hears(from_server(5, &chunk(&[1; 60]))).len(), 1);
    }
    rig.script.room = usize::MAX;
    assert!(rig.sent().ends_with(&to_relay::grant_server(5, 183)));
}

/// More than was granted: heard as far as it was, then no further, and the others go on.
#[test]
fn a_liar_costs_itself() {
    let mut rig = rig();
    let server = entered(&mut rig);
    let (channel, user) = served(&mut rig);
    for _ in 0..10 {
        rig.says(from_user(3, 7, &chunk(&[1; 60])));
    }
    rig.says(from_server(5, &chunk(b"honest")));
    let from = Source::User { channel, user };
    let mut heard = Vec::new();
    for _ in 0..2 {
        rig.poll_once(|event, _| match event {
            Event::Chunk { from: source, .. } if source == from => Flow::Again,
            event => {
                heard.push(Seen::from(event));
                Flow::Continue
            }
        })
        .unwrap();
    }
    assert_eq!(heard, [Seen::Chunk(Source::Server { channel: server }, b"honest".to_vec())]);
    let seen = rig.poll();
    assert_eq!(seen.len(), 5);
    assert_eq!(seen[..4], vec![Seen::Chunk(from, vec![1; 60]); 4]);
    assert_eq!(seen[4], Seen::Notice(Event::Malicious { from, violation: Violation::WindowExceeded }));
    assert_eq!(rig.hears(from_user(3, 7, &chunk(b"more"))), []);
}

// §11.5-raised, §11.5-receive
#[test]
fn memberships_that_were_there_before_the_hello_are_raised() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    let channel = rig.out().enter("e", CHUNKS).unwrap();
    rig.says(to_endpoint::announcement(Capabilities::HELLO));
    rig.says(to_endpoint::success(tag_of(256, 1), 5));
    rig.says(from_server(5, &chunk(&[1; 60])));
    rig.says(items_of_relay());
    rig.says(to_endpoint::raised(false, 5, 2, 100, 256 - 61));
    assert_eq!(rig.poll().len(), 2);
    rig.sent();
    assert_eq!(rig.out().window(channel), Some(100));
    assert_eq!(rig.out().own_number(channel), Some(User::new(2)));
    assert_eq!(rig.hears(from_server(5, &chunk(&[1; 64]))).len(), 1);
    assert_eq!(rig.hears(from_server(5, &chunk(b"1"))).len(), 1);
    assert_eq!(rig.sent(), to_relay::grant_server(5, 61 + 65 + 2));
}

#[test]
fn a_user_for_whom_there_is_no_place_is_refused() {
    let mut rig = rig();
    let channel = rig.own(3, CHUNKS);
    for user in 0..4 {
        rig.hears(to_endpoint::knock(3, user, user, true, 100, 0).unwrap());
    }
    rig.sent();
    let mut knock = to_endpoint::knock(3, 4, 4, true, 100, 5).unwrap().to_vec();
    knock.extend(b"words");
    assert_eq!(rig.hears(knock), []);
    assert_eq!(rig.sent(), to_relay::refuse(3, 4, 4, 4, 0).unwrap());
    assert_eq!(rig.out().users(channel).count(), 4);
}

/// One that had entered before the hello would wait for a grant for ever.
#[test]
fn a_user_that_entered_before_the_hello_and_finds_no_place_is_removed() {
    let all = Capabilities::HELLO.with(Capabilities::REMOVE_USER);
    for (known, is_removed) in [(all, true), (Capabilities::HELLO, false), (Capabilities::REMOVE_USER, false)]
    {
        let mut rig: Windowed = Rig::new(Link::<Memory>::new());
        rig.hears(to_endpoint::announcement(known));
        let channel = rig.own(3, CHUNKS);
        for user in 0..4 {
            rig.hears(to_endpoint::user_entered(3, user));
        }
        rig.sent();
        let seen = rig.hears(to_endpoint::user_entered(3, 4));
        assert_eq!(seen, [Seen::Notice(Event::UserIgnored { channel, user: User::new(4) })]);
        let removes = to_relay::user_command(to_relay::Command::RemoveUser, 3, 4);
        assert_eq!(rig.sent(), if is_removed { &removes[..] } else { &[] });
        assert_eq!(rig.hears(to_endpoint::user_gone(3, 4, 2)), []);
    }
}

// §11.6-counted
#[test]
fn a_window_counts_to_the_byte() {
    for window in [1, 127, 128, 129, 999, 65_535, 100_000, 999_999, (1 << 28) - 1] {
        let mut rig = rig();
        let channel = rig.out().enter("e", CHUNKS).unwrap();
        let sent = rig.sent();
        rig.hears(to_endpoint::entered(sent[2], 5, 0, window));
        assert_eq!(rig.out().window(channel), Some(window as usize));
    }
}

/// A slot as long as the greatest chunk, of a size that does not fit a few bits.
type Odd = Rig<peote_net::link::LinkBuffers<999, 1, 0, 2048, 512, 999>>;

/// An entered channel of number 5, at either end: two links that are as great.
fn odd(mode: Mode) -> (Odd, peote_net::link::EnteredChannel) {
    let mut rig: Odd = Rig::new(Link::new());
    rig.hears(to_endpoint::announcement(Capabilities::HELLO));
    rig.hears(items_of_relay());
    rig.sent();
    let channel = rig.out().enter("e", mode).unwrap();
    let sent = rig.sent();
    rig.hears(to_endpoint::entered(sent[2], 5, 9, 999));
    (rig, channel)
}

// §11.6-completes
/// Its length field does not fit the window with it, so that the last bytes are granted while it
/// comes.
#[test]
fn a_chunk_in_parts_can_be_as_long_as_the_slot() {
    let mode = Mode::chunks(999);
    let ((mut sender, channel), (mut receiver, _)) = (odd(mode), odd(mode));
    let whole = [7; 999];
    sender.out().begin_chunk(channel, 999).unwrap();
    assert_eq!(sender.out().write_chunk(&whole), Ok(997));
    assert_eq!(sender.out().write_chunk(&whole[997..]), Err(SendError::WouldBlock));
    let sent = sender.sent();
    assert_eq!(receiver.hears(from_server(5, &sent[sent.len() - 999..])), []);
    assert_eq!(receiver.sent(), to_relay::grant_server(5, 2));
    sender.hears(to_endpoint::grant_from_server(5, 2));
    assert_eq!(sender.out().write_chunk(&whole[997..]), Ok(2));
    assert_eq!(receiver.hears(from_server(5, &[7; 2])).len(), 1);
    // one that fits the window with its length field needs no grant
    let ((mut sender, channel), (mut receiver, _)) = (odd(mode), odd(mode));
    sender.out().begin_chunk(channel, 997).unwrap();
    assert_eq!(sender.out().write_chunk(&whole[..997]), Ok(997));
    let sent = sender.sent();
    assert_eq!(receiver.hears(from_server(5, &sent[sent.len() - 999..][..900])), []);
    assert_eq!(receiver.sent(), []);
}

/// However much is under way, the sender asks, or the receiver grants by itself.
#[test]
fn who_waits_is_granted_more() {
    for len in 1..999 {
        let ((mut sender, channel), (mut receiver, _)) = (odd(Mode::Data), odd(Mode::Data));
        sender.out().send(channel, &[1; 999][..len]).unwrap();
        assert_eq!(sender.out().send(channel, &[1; 999]), Err(SendError::WouldBlock));
        let asks = sender.sent().ends_with(&to_relay::grant_server(5, 0));
        for piece in [1; 999][..len].chunks(200) {
            receiver.hears(from_server(5, piece));
        }
        assert_ne!(asks, !receiver.sent().is_empty(), "{len} bytes");
    }
}

/// The relay says what may be sent behind the hello, before it has heard what is.
#[test]
fn what_is_sent_before_the_window_is_known_counts() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    let channel = rig.out().enter("e", CHUNKS).unwrap();
    rig.says(to_endpoint::announcement(Capabilities::HELLO));
    rig.says(to_endpoint::success(tag_of(256, 1), 5));
    assert_eq!(rig.poll().len(), 1);
    rig.out().send(channel, &[1; 59]).unwrap();
    rig.sent();
    rig.says(items_of_relay());
    rig.hears(to_endpoint::raised(false, 5, 2, 100, 256));
    assert_eq!(rig.out().window(channel), Some(40));
    assert_eq!(rig.out().send(channel, &[1; 40]), Err(SendError::WouldBlock));
    rig.hears(to_endpoint::grant_from_server(5, 60));
    assert_eq!(rig.out().window(channel), Some(100));
}

/// Behind the hello there are windows, whether they are known or not: what a receiver cannot keep
/// would count as a lie.
#[test]
fn one_chunk_goes_while_the_window_is_not_known() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    rig.says(to_endpoint::announcement(Capabilities::HELLO));
    let (chunks, raw) = (rig.entered(5, CHUNKS), rig.entered(6, Mode::Data));
    let own = rig.own(3, CHUNKS);
    let users = [rig.user(own, 3, 7), rig.user(own, 3, 8)];
    let mut out = rig.out();
    for to in [Destination::Server(chunks), Destination::User(own, users[0]), Destination::All(own)] {
        let is_first = to != Destination::All(own);
        assert_eq!(out.send(to, &[1; 64]).is_ok(), is_first);
        assert_eq!(out.send(to, b"1"), Err(SendError::WouldBlock));
    }
    assert_eq!(out.send(raw, &[1; 65]), Err(SendError::WouldBlock));
    out.send(raw, &[1; 60]).unwrap();
    assert_eq!(out.send(raw, &[1; 5]), Err(SendError::WouldBlock));
    out.send(raw, &[1; 4]).unwrap();
    rig.hears(items_of_relay());
    // what waits is tried again when the window is told
    rig.says(from_server(5, b"\0a"));
    rig.poll_once(|_, out| out.send(chunks, b"answer")).unwrap();
    rig.says(to_endpoint::raised(false, 5, 2, 200, 256));
    rig.poll_once(|_, out| out.send(chunks, b"answer")).unwrap();
    assert!(!rig.link.has_kept() || rig.link.wants_write());
    rig.poll();
    assert!(!rig.link.has_kept());
    rig.hears(to_endpoint::raised(true, 3, 7, 200, 256));
    rig.out().send((own, users[0]), b"1").unwrap();
    rig.out().send(Destination::All(own), b"1").unwrap();
    assert_eq!(rig.out().send(Destination::All(own), &[1; 64]), Err(SendError::WouldBlock));
}

/// A relay that does not let it take part gives no windows.
#[test]
fn without_taking_part_there_are_no_windows() {
    let mut rig: Windowed = Rig::new(Link::<Memory>::new());
    rig.says(to_endpoint::announcement(Capabilities::HELLO));
    let channel = rig.entered(5, CHUNKS);
    let items = items::capabilities(0);
    rig.hears([&to_endpoint::hello(items.len()).unwrap()[..], &items].concat());
    for _ in 0..10 {
        rig.out().send(channel, &[1; 64]).unwrap();
    }
}

/// A slot that is taken again begins anew.
#[test]
fn what_was_sent_to_an_earlier_party_does_not_count() {
    let mut rig = rig();
    let channel = rig.own(3, CHUNKS);
    let user = User::new(7);
    for _ in 0..3 {
        rig.hears(to_endpoint::knock(3, 7, 99, true, 100, 0).unwrap());
        assert_eq!(rig.out().window((channel, user)), Some(100));
        rig.out().send((channel, user), &[1; 64]).unwrap();
        rig.hears(to_endpoint::user_gone(3, 7, 0));
    }
}

#[test]
fn a_late_user_that_has_taken_all_is_asked_for_its_grant() {
    let mut rig = rig();
    let (channel, user) = served(&mut rig);
    let ask = to_relay::grant_user(3, 7, 0);
    let asked = |rig: &mut Windowed| rig.sent().windows(ask.len()).filter(|bytes| *bytes == ask).count();
    for _ in 0..3 {
        // less than half of its window of 100 is used up, so it grants nothing by itself
        rig.out().send((channel, user), &[1; 44]).unwrap();
        assert_eq!(rig.out().send_to_ready(channel, &[2; 60]), Ok(1));
        assert_eq!(asked(&mut rig), 1);
        assert_eq!(rig.out().send_to_ready(channel, &[2; 60]), Ok(1));
        assert_eq!(asked(&mut rig), 0, "once is enough");
        rig.hears(to_endpoint::grant_from_user(3, 7, 45));
        assert_eq!(rig.out().send_to_ready(channel, &[2; 60]), Ok(0));
        // one that has not taken it has more than half under way, and grants by itself
        assert_eq!(rig.out().send_to_ready(channel, &[2; 60]), Ok(1));
        assert_eq!(asked(&mut rig), 0);
        rig.hears(to_endpoint::grant_from_user(3, 7, 61));
    }
}

/// Only those are asked that were left out.
#[test]
fn one_that_is_not_late_is_not_asked_for_a_grant() {
    let mut rig = rig();
    let (channel, user) = served(&mut rig);
    rig.hears(to_endpoint::knock(3, 8, 98, true, 200, 0).unwrap());
    rig.sent();
    rig.out().send((channel, user), &[1; 44]).unwrap();
    assert_eq!(rig.out().send_to_ready(channel, &[2; 60]), Ok(1));
    let sent = rig.sent();
    assert!(sent.ends_with(&to_relay::grant_user(3, 7, 0)), "{sent:?}");
    let ask = to_relay::grant_user(3, 8, 0);
    assert!(!sent.windows(ask.len()).any(|bytes| bytes == ask), "{sent:?}");
}

/// As any other chunk does, and with the same bounds.
#[test]
fn a_chunk_for_those_that_are_ready_goes_whole_where_nothing_is_under_way() {
    for (mode, left_out) in [(CHUNKS, 0), (Mode::Data, 1)] {
        let mut rig = rig();
        let channel = rig.own(3, mode);
        rig.hears(to_endpoint::knock(3, 7, 99, true, 20, 0).unwrap());
        assert_eq!(rig.out().send_to_ready(channel, &[1; 60]), Ok(left_out), "{mode:?}");
        assert_eq!(rig.out().send_to_ready(channel, &[1; 60]), Ok(1), "{mode:?}");
    }
    let mut rig = rig();
    let (channel, _) = served(&mut rig);
    for (len, max) in [(32_760, 64), (32_761, 32_760)] {
        let error = SendError::ChunkTooLarge { len, max };
        assert_eq!(rig.out().send_to_ready(channel, &vec![1; len]), Err(error));
    }
}
