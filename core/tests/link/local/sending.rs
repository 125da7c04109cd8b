//! Data, chunks and broadcasts between users and servers on one link.

use peote_net::chunk::Violation;
use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, Flow, Link, LinkBuffers, LocalBuffers, Mode, SendError, User,
};
use peote_net::protocol::to_endpoint;

use super::support::*;
use crate::support::{Rig, Seen, tag};

/// Who got which bytes, in the order of arrival.
fn chunks_of(seen: &[Seen]) -> Vec<(peote_net::link::Source, Vec<u8>)> {
    seen.iter()
        .filter_map(|seen| match seen {
            Seen::Chunk(from, bytes) => Some((*from, bytes.clone())),
            _ => None,
        })
        .collect()
}

#[test]
fn a_broadcast_reaches_everybody_once() {
    for face in FACES {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 3, CHUNKS);
        let other = open(&mut rig, b"b", 4, CHUNKS);
        let remote = rig.user(channel, 3, 9);
        let users: Vec<(EnteredChannel, User)> =
            (0..3).map(|_| join(&mut rig, b"a", channel, CHUNKS)).collect();
        join(&mut rig, b"b", other, CHUNKS);
        let gets = |rig: &mut LocalRig, to: Destination| {
            rig.out().send(to, b"to some").unwrap();
            let mut seen: Vec<Seen> = Vec::new();
            sleep_and_wake(rig, face, |event, _| seen.push(event.into()));
            assert_eq!(chunks_of(&seen).len(), seen.len());
            let mut gets: Vec<usize> = chunks_of(&seen)
                .iter()
                .map(|(from, bytes)| {
                    assert_eq!(bytes, b"to some");
                    users.iter().position(|(entered, _)| from_server_of(*entered) == *from).unwrap()
                })
                .collect();
            gets.sort_unstable();
            (gets, std::mem::take(&mut rig.script.outgoing))
        };
        let all = [&[1, 1, 9, 0x83, 6], &b"to some"[..]].concat();
        assert_eq!(gets(&mut rig, Destination::All(channel)), (vec![0, 1, 2], all.clone()));
        // the relay leaves out its own user
        let but_remote = [&[1, 0, 10, 0x83, 9, 6], &b"to some"[..]].concat();
        assert_eq!(gets(&mut rig, Destination::AllBut(channel, remote)), (vec![0, 1, 2], but_remote));
        // the link leaves out a local one, and the relay nobody
        for (place, user) in users.iter().enumerate() {
            let others = (0..3).filter(|&other| other != place).collect();
            assert_eq!(gets(&mut rig, Destination::AllBut(channel, user.1)), (others, all.clone()));
        }
        // of those that are gone, nobody is left out in their place
        rig.out().leave(users[1].0).unwrap();
        assert_eq!(settle(&mut rig).len(), 1);
        assert_eq!(gets(&mut rig, Destination::AllBut(channel, users[1].1)), (vec![0, 2], all.clone()));
        assert_eq!(gets(&mut rig, Destination::All(channel)), (vec![0, 2], all));
    }
}

/// All or nothing: the ring and every line have room, or nobody hears anything.
#[test]
fn a_broadcast_that_one_line_has_no_room_for() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 3, CHUNKS);
    let users: Vec<_> = (0..2).map(|_| join(&mut rig, b"a", channel, CHUNKS)).collect();
    rig.out().send((channel, users[1].1), &[7; 400]).unwrap();
    let to = Destination::All(channel);
    let (free, room) = (rig.out().free(), LINE - (RECORD + 402) - 2 * RECORD - 1);
    assert!(!rig.out().can_send(to, room + 1));
    assert_eq!(rig.out().send(to, &vec![1; room + 1]), Err(SendError::WouldBlock));
    assert_eq!(rig.out().free(), free);
    assert_eq!(chunks_of(&settle(&mut rig)), [(from_server_of(users[1].0), vec![7; 400])]);
    nothing_on_the_wire(&mut rig);
    // the same with the ring full
    rig.script.room = 0;
    rig.user(channel, 3, 1);
    while rig.out().can_send((channel, User::new(1)), 100) {
        rig.out().send((channel, User::new(1)), &[0; 100]).unwrap();
    }
    assert!(rig.out().can_send((channel, users[0].1), 100), "the ring is nothing to local users");
    assert_eq!(rig.out().send(to, &[1; 100]), Err(SendError::WouldBlock));
    assert_eq!(settle(&mut rig), []);
    // and with both having room
    rig.script.room = usize::MAX;
    settle(&mut rig);
    rig.script.outgoing.clear();
    assert!(rig.out().can_send(to, room));
    rig.out().send(to, &vec![1; room]).unwrap();
    assert_eq!(settle(&mut rig).len(), 2);
    assert_eq!(rig.script.outgoing.len(), room + 5);
}

/// Chunks of all lengths up to the greatest, both ways, in a line that they wrap around in.
#[test]
fn chunks_of_every_length() {
    // a line of no round size, so that records begin everywhere
    type Odd = LocalBuffers<LinkBuffers<300, 4, 1, 600, 64>, 1, 1, 331>;
    for limit in [1, 2, 127, 128, 129, 255, 256, 257, 300] {
        let mode = Mode::chunks(limit);
        let mut rig = Rig::new(Link::<Odd>::with_local_users());
        rig.link.set_silence_limit(None);
        let channel = open(&mut rig, b"a", 0, mode);
        let (entered, user) = join(&mut rig, b"a", channel, mode);
        for len in 1..=usize::try_from(limit).unwrap() {
            let bytes: Vec<u8> = (0..len).map(|at| u8::try_from((at * 7 + len) & 255).unwrap()).collect();
            rig.out().send(entered, &bytes).unwrap();
            rig.out().send((channel, user), &bytes).unwrap();
            let mut seen = chunks_of(&settle(&mut rig));
            seen.sort_by_key(|(from, _)| *from == from_server_of(entered));
            let expected = [(from_user_of(channel, user), bytes.clone()), (from_server_of(entered), bytes)];
            assert_eq!(seen, expected, "{len} of {limit} bytes");
        }
        let len = usize::try_from(limit).unwrap() + 1;
        let error = SendError::ChunkTooLarge { len, max: limit };
        assert_eq!(rig.out().send(entered, &vec![0; len]), Err(error));
        assert_eq!(rig.out().send((channel, user), &vec![0; len]), Err(error));
        assert_eq!(rig.out().send(entered, b""), Err(SendError::Empty));
        nothing_on_the_wire(&mut rig);
    }
}

/// With the longest length codes there are, and chunks that take the line nearly whole.
#[test]
fn the_greatest_chunks() {
    for (max, len, line) in
        [(32_768u32, 32_768usize, 32_794), (4_194_304, 40_000, 40_027), (u32::MAX >> 1, 70_000, 70_100)]
    {
        let mut rig =
            Rig::new(Link::with_buffers(Heap::new(Sizes { chunk_size: 70_000, local_line: line, ..LEAST })));
        rig.link.set_silence_limit(None);
        let mode = Mode::Chunks(peote_net::chunk::ChunkLimit::new(max.min(70_000)).among(max));
        let channel = open(&mut rig, b"a", 0, mode);
        let (entered, user) = join(&mut rig, b"a", channel, mode);
        let bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        for _ in 0..3 {
            rig.out().send(entered, &bytes).unwrap();
            rig.out().send((channel, user), &bytes).unwrap();
            let seen = chunks_of(&settle(&mut rig));
            assert_eq!(seen.len(), 2);
            assert!(seen.iter().all(|(_, chunk)| *chunk == bytes));
        }
    }
}

/// The room a line has is what the documentation says, to the byte.
#[test]
fn the_room_of_a_line() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, Mode::Data);
    let (entered, user) = join(&mut rig, b"a", channel, Mode::Data);
    for to in [Destination::Server(entered), Destination::User(channel, user), Destination::All(channel)] {
        let most = LINE - 2 * RECORD;
        assert!(rig.out().can_send(to, most) && !rig.out().can_send(to, most + 1));
        let too_small = SendError::QueueTooSmall { needed: LINE + 1, capacity: LINE };
        assert_eq!(rig.out().send(to, &[1; LINE - 2 * RECORD + 1]), Err(too_small));
        assert_eq!(rig.out().send(to, &[1; LINE - 2 * RECORD]), Ok(()));
        // the user can leave, and the server delete, whatever is under way
        assert_eq!(rig.out().send(to, &[1]), Err(SendError::WouldBlock));
        let bytes: usize = settle(&mut rig)
            .iter()
            .map(|seen| if let Seen::Data(_, bytes) = seen { bytes.len() } else { panic!("{seen:?}") })
            .sum();
        assert_eq!(bytes, most);
        // many small ones
        let mut sent = 0;
        while rig.out().send(to, &[2; 3]).is_ok() {
            sent += 1;
        }
        assert_eq!(sent, (LINE - RECORD) / (RECORD + 3));
        assert_eq!(settle(&mut rig).len(), sent);
    }
}

/// Raw data is a stream: order and bytes are kept, cuts mean nothing.
#[test]
fn raw_data() {
    for (face, chunk_size) in [(Face::Poll, 1), (Face::NextEvent, 7), (Face::Poll, 1000)] {
        let mut rig = Rig::new(Link::with_buffers(Heap::new(Sizes { chunk_size, local_line: 97, ..LEAST })));
        rig.link.set_silence_limit(None);
        let channel = open(&mut rig, b"a", 0, Mode::Data);
        let (entered, user) = join(&mut rig, b"a", channel, Mode::Data);
        let stream: Vec<u8> = (0..2000).map(|at| u8::try_from(at % 253).unwrap()).collect();
        let (mut up, mut down) = (Vec::new(), Vec::new());
        let (mut sent_up, mut sent_down) = (&stream[..], &stream[..]);
        for step in 1.. {
            for (to, left) in [
                (Destination::Server(entered), &mut sent_up),
                (Destination::User(channel, user), &mut sent_down),
            ] {
                let len = (step * 7 % 40 + 1).min(left.len());
                if len > 0 && rig.out().send(to, &left[..len]).is_ok() {
                    *left = &left[len..];
                }
            }
            drive(&mut rig, face, |event, _| match event {
                Event::Data { from, bytes } => {
                    assert!(!bytes.is_empty() && bytes.len() <= chunk_size);
                    if from == entered_source(entered) { &mut down } else { &mut up }
                        .extend_from_slice(bytes);
                }
                other => panic!("{other:?}"),
            });
            if sent_up.is_empty() && sent_down.is_empty() && rig.link.next_deadline().is_none() {
                break;
            }
            assert!(step < 10_000, "comes to no end");
        }
        assert_eq!((up, down), (stream.clone(), stream));
    }
}

fn entered_source(entered: EnteredChannel) -> peote_net::link::Source {
    from_server_of(entered)
}

/// Several chunks in one piece of raw data, and one cut into many: what a user in raw mode sends to
/// a server of chunks.
#[test]
fn ends_of_different_modes_are_heard_as_their_own_mode_says() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, Mode::chunks(200));
    let (entered, user) = join(&mut rig, b"a", channel, Mode::Data);
    let from = from_user_of(channel, user);
    rig.out().send(entered, b"\0a\x01bc\x04de").unwrap();
    assert_eq!(chunks_of(&settle(&mut rig)), [(from, b"a".to_vec()), (from, b"bc".to_vec())]);
    rig.out().send(entered, b"f").unwrap();
    rig.out().send(entered, b"gh\0i").unwrap();
    assert_eq!(chunks_of(&settle(&mut rig)), [(from, b"defgh".to_vec()), (from, b"i".to_vec())]);
    rig.out().send((channel, user), b"x").unwrap();
    assert_eq!(settle(&mut rig), [Seen::Data(from_server_of(entered), b"\0x".to_vec())]);
}

/// A peer that breaks the rules of chunks is told of once, by whoever hears it, and passed over;
/// all others go on.
#[test]
fn malicious_users_and_servers() {
    for face in FACES {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 0, Mode::chunks(4));
        let (bad, bad_user) = join(&mut rig, b"a", channel, Mode::chunks(100));
        let (good, good_user) = join(&mut rig, b"a", channel, Mode::chunks(4));
        rig.out().send(bad, b"ok").unwrap();
        rig.out().send(bad, b"too long").unwrap();
        rig.out().send(bad, b"no").unwrap();
        rig.out().send(good, b"good").unwrap();
        let mut seen: Vec<Seen> = Vec::new();
        sleep_and_wake(&mut rig, face, |event, _| seen.push(event.into()));
        let from = from_user_of(channel, bad_user);
        let violation = Violation::ChunkTooLarge { len: 8, max: 4 };
        let of = |user: User| -> Vec<Seen> {
            let by = |seen: &&Seen| match seen {
                Seen::Chunk(from, _) | Seen::Notice(Event::Malicious { from, .. }) => {
                    *from == from_user_of(channel, user)
                }
                _ => false,
            };
            seen.iter().filter(by).cloned().collect()
        };
        let expected =
            [Seen::Chunk(from, b"ok".to_vec()), Seen::Notice(Event::Malicious { from, violation })];
        assert_eq!(of(bad_user), expected);
        assert_eq!(of(good_user), [Seen::Chunk(from_user_of(channel, good_user), b"good".to_vec())]);
        assert_eq!(seen.len(), 3);
        // for ever, and without filling anything up
        for _ in 0..100 {
            rig.out().send(bad, b"xy").unwrap();
            rig.out().send(good, b"go").unwrap();
            let go = Seen::Chunk(from_user_of(channel, good_user), b"go".to_vec());
            assert_eq!(settle(&mut rig), [go]);
        }
        // the other way it is not malicious
        rig.out().send((channel, bad_user), b"abc").unwrap();
        assert_eq!(settle(&mut rig), [Seen::Chunk(from_server_of(bad), b"abc".to_vec())]);

        let greater = open(&mut rig, b"b", 1, Mode::chunks(100));
        let (entered, user) = join(&mut rig, b"b", greater, Mode::chunks(4));
        rig.out().send((greater, user), b"much too long").unwrap();
        rig.out().send((greater, user), b"ok").unwrap();
        let violation = Violation::ChunkTooLarge { len: 13, max: 4 };
        let from = from_server_of(entered);
        assert_eq!(settle(&mut rig), [Seen::Notice(Event::Malicious { from, violation })]);
    }
}

/// A violation in the middle of a record that lies across the end of the line's memory.
#[test]
fn what_is_malicious_in_the_middle_of_a_record() {
    let mut rig = Rig::new(Link::with_buffers(Heap::new(Sizes { local_line: 100, ..LEAST })));
    rig.link.set_silence_limit(None);
    let channel = open(&mut rig, b"a", 0, Mode::chunks(4));
    for shift in 1..60 {
        let (entered, user) = join(&mut rig, b"a", channel, Mode::Data);
        rig.out()
            .send(entered, &[&[0, 1].repeat(shift / 2 + 1)[..], &[0, 1]].concat()[..shift / 2 * 2 + 2])
            .unwrap();
        assert_eq!(chunks_of(&settle(&mut rig)).len(), shift / 2 + 1);
        rig.out().send(entered, &[&[0, 9, 200][..], &[0; 50]].concat()).unwrap();
        rig.out().send(entered, b"\0x").unwrap();
        let violation = Violation::ChunkTooLarge { len: 201, max: 4 };
        let from = from_user_of(channel, user);
        assert_eq!(
            settle(&mut rig),
            [Seen::Chunk(from, vec![9]), Seen::Notice(Event::Malicious { from, violation })]
        );
        rig.out().leave(entered).unwrap();
        assert_eq!(settle(&mut rig).len(), 1);
    }
}

/// A chunk in parts, much longer than the line, both ways and to all; the loop sleeps whenever it
/// can.
#[test]
fn chunks_in_parts() {
    for face in FACES {
        let mut rig = Rig::new(Link::with_buffers(Heap::new(Sizes {
            chunk_size: 5000,
            parties: 8,
            local_users: 2,
            local_line: 80,
            ..LEAST
        })));
        rig.link.set_silence_limit(None);
        let mode = Mode::chunks(5000);
        let channel = open(&mut rig, b"a", 0, mode);
        let (entered, user) = join(&mut rig, b"a", channel, mode);
        let bytes: Vec<u8> = (0..5000).map(|at| u8::try_from(at % 249).unwrap()).collect();
        for to in [Destination::Server(entered), Destination::User(channel, user), Destination::All(channel)]
        {
            rig.out().begin_chunk(to, bytes.len()).unwrap();
            let mut left = &bytes[..];
            let mut seen: Vec<Seen> = Vec::new();
            let mut polls = 0;
            while rig.out().unfinished() > 0 || seen.is_empty() {
                match rig.out().write_chunk(left) {
                    Ok(count) => left = &left[count..],
                    Err(error) => assert!(matches!(error, SendError::WouldBlock | SendError::NoChunkBegun)),
                }
                assert!(rig.link.next_deadline().is_some(), "nothing would wake the caller");
                drive(&mut rig, face, |event, _| seen.push(event.into()));
                polls += 1;
                assert!(polls < 1000);
            }
            let from = match to {
                Destination::Server(_) => from_user_of(channel, user),
                _ => from_server_of(entered),
            };
            assert_eq!(seen, [Seen::Chunk(from, bytes.clone())]);
            rig.script.outgoing.clear();
        }
    }
}

/// Other chunks to the same receivers have to wait; to others they go, and come first.
#[test]
fn a_chunk_in_parts_is_not_interrupted() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let (one, one_user) = join(&mut rig, b"a", channel, CHUNKS);
    let (_, other_user) = join(&mut rig, b"a", channel, CHUNKS);
    rig.out().begin_chunk((channel, one_user), 6).unwrap();
    assert_eq!(rig.out().write_chunk(b"abc"), Ok(3));
    assert_eq!(rig.out().send((channel, one_user), b"x"), Err(SendError::ChunkUnfinished));
    assert_eq!(rig.out().send(Destination::All(channel), b"x"), Err(SendError::ChunkUnfinished));
    rig.out().send(Destination::AllBut(channel, one_user), b"y").unwrap();
    rig.out().send((channel, other_user), b"z").unwrap();
    rig.out().send(one, b"up").unwrap();
    assert_eq!(settle(&mut rig).len(), 3);
    assert_eq!(rig.out().write_chunk(b"def"), Ok(3));
    assert_eq!(settle(&mut rig), [Seen::Chunk(from_server_of(one), b"abcdef".to_vec())]);
}

/// Who enters while a broadcast in parts is under way is told to the server after its end, and gets
/// nothing of it.
#[test]
fn entering_during_a_broadcast_in_parts() {
    for face in FACES {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 3, CHUNKS);
        let (first, _) = join(&mut rig, b"a", channel, CHUNKS);
        rig.out().begin_chunk(Destination::All(channel), 4).unwrap();
        assert_eq!(rig.out().write_chunk(b"ab"), Ok(2));
        let second = rig.out().enter("a", CHUNKS).unwrap();
        let other = open_in_between(&mut rig);
        let (_, _) = join(&mut rig, b"other", other, CHUNKS);
        let mut seen: Vec<Seen> = Vec::new();
        // the loop sleeps meanwhile
        sleep_and_wake(&mut rig, face, |event, _| seen.push(event.into()));
        assert_eq!(seen, []);
        // what it says waits behind its entering
        rig.out().send(second, b"early").unwrap();
        sleep_and_wake(&mut rig, face, |event, _| seen.push(event.into()));
        assert_eq!(seen, []);
        assert_eq!(rig.out().write_chunk(b"cd"), Ok(2));
        sleep_and_wake(&mut rig, face, |event, _| seen.push(event.into()));
        let chunk = Seen::Chunk(from_server_of(first), b"abcd".to_vec());
        let at = seen.iter().position(|seen| *seen == chunk).unwrap_or_else(|| panic!("{seen:?}"));
        seen.remove(at);
        let Seen::Notice(Event::UserEntered { user, .. }) = seen[0] else { panic!("{seen:?}") };
        assert_eq!(seen[1..], [Seen::Chunk(from_user_of(channel, user), b"early".to_vec())]);
    }
}

/// Opens a channel and hears of a user that is already in another one.
fn open_in_between(rig: &mut LocalRig) -> peote_net::link::OwnChannel {
    let channel = rig.out().create("other", CHUNKS).unwrap();
    let seen = settle(rig);
    assert!(matches!(seen[..], [Seen::Notice(Event::Opened { channel: Channel::Entered(_) })]), "{seen:?}");
    rig.says(to_endpoint::success(tag(2), 9));
    assert_eq!(settle(rig), [Seen::Notice(Event::Opened { channel: Channel::Own(channel) })]);
    rig.script.outgoing.clear();
    channel
}

/// A receiver that goes in the middle of a chunk in parts: the rest of it is refused, and its
/// successor gets none of it.
#[test]
fn the_receiver_of_a_chunk_in_parts_goes() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 0, CHUNKS);
    let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
    rig.out().begin_chunk((channel, user), 6).unwrap();
    assert_eq!(rig.out().write_chunk(b"abc"), Ok(3));
    rig.out().leave(entered).unwrap();
    settle(&mut rig);
    assert_eq!(rig.out().unfinished(), 0);
    for _ in 0..5 {
        // until the number is the same again
        let (entered, again) = join(&mut rig, b"a", channel, CHUNKS);
        if again == user {
            assert_eq!(rig.out().write_chunk(b"def"), Err(SendError::NotOpen));
            assert_eq!(rig.out().write_chunk(b"def"), Err(SendError::NoChunkBegun));
            rig.out().send((channel, again), b"whole").unwrap();
            assert_eq!(settle(&mut rig), [Seen::Chunk(from_server_of(entered), b"whole".to_vec())]);
            return;
        }
        rig.out().leave(entered).unwrap();
        settle(&mut rig);
    }
    panic!("the number did not come again");
}

/// Both roles within one handler, with the bytes it was given.
#[test]
fn a_handler_answers_in_both_roles() {
    for face in FACES {
        let mut rig = rig();
        let channel = open(&mut rig, b"a", 0, CHUNKS);
        let (entered, user) = join(&mut rig, b"a", channel, CHUNKS);
        let mut left = 40;
        let mut seen = Vec::new();
        rig.out().send(entered, b"ball").unwrap();
        sleep_and_wake(&mut rig, face, |event, out| {
            let Event::Chunk { from, bytes } = event else { panic!("{event:?}") };
            assert_eq!(bytes, b"ball");
            seen.push(from);
            if left == 0 {
                return Flow::Continue;
            }
            left -= 1;
            // the same bytes to both sides, of which one is the sender; only one goes on with the
            // game
            if from == from_server_of(entered) {
                out.send(entered, bytes).unwrap();
            } else {
                out.send((channel, user), bytes).unwrap();
            }
            Flow::Continue
        });
        assert_eq!(seen.len(), 41);
        for pair in seen.chunks_exact(2) {
            assert_eq!(pair, [from_user_of(channel, user), from_server_of(entered)]);
        }
        nothing_on_the_wire(&mut rig);
    }
}

/// A panic, or a bug, in the middle of a payload: the lengths are right all the same.
#[test]
fn a_payload_that_is_not_put_whole() {
    let mut rig = rig();
    let channel = open(&mut rig, b"a", 3, CHUNKS);
    let users: Vec<_> = (0..2).map(|_| join(&mut rig, b"a", channel, CHUNKS)).collect();
    rig.out().send_with(Destination::All(channel), 5, |payload| payload.put(b"abc")).unwrap();
    rig.out().send_with((channel, users[0].1), 3, |payload| payload.put(b"too much")).unwrap();
    rig.out().send_parts(Destination::All(channel), &[b"in", b"", b" parts"]).unwrap();
    let seen = chunks_of(&settle(&mut rig));
    let of = |at: usize| -> Vec<&[u8]> {
        let from = from_server_of(users[at].0);
        seen.iter().filter(|(by, _)| *by == from).map(|(_, bytes)| &bytes[..]).collect()
    };
    assert_eq!(of(0), [&b"abc\0\0"[..], b"too", b"in parts"]);
    assert_eq!(of(1), [&b"abc\0\0"[..], b"in parts"]);
    let wire = [&[1u8, 1, 7, 0x83, 4][..], b"abc\0\0", &[1, 1, 10, 0x83, 7], b"in parts"].concat();
    assert_eq!(rig.script.outgoing, wire);
}
