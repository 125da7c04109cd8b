//! The memory of local users: sizes, limits, and places beyond those that most programs have.

use peote_net::link::memory::{LocalUserSlot, NameSlot};
use peote_net::link::{Link, LinkBuffers, LocalBuffers, Mode, SendError};

use super::support::*;
use crate::support::{Rig, Seen};

#[test]
fn the_sizes_of_places() {
    assert_eq!(size_of::<NameSlot>(), 268);
    #[cfg(target_pointer_width = "64")]
    assert_eq!(size_of::<LocalUserSlot>(), if cfg!(feature = "admission") { 216 } else { 208 });
}

/// The documented formula.
fn check<const OWN: usize, const USERS: usize, const LINE: usize>() {
    type Inner = LinkBuffers<256, 8, 4, 1024, 512>;
    let bytes = size_of::<Inner>() + OWN * 268 + USERS * (2 * LINE + size_of::<LocalUserSlot>());
    assert_eq!(size_of::<LocalBuffers<Inner, OWN, USERS, LINE>>(), bytes.next_multiple_of(8));
}

#[test]
fn the_size_follows_from_its_parameters() {
    check::<0, 1, 64>();
    check::<1, 2, 512>();
    check::<4, 5, 333>();
    check::<128, 300, 65>();
}

/// A link in a `static`, made while compiling.
#[test]
fn a_static_link_with_local_users() {
    type Memory = LocalBuffers<LinkBuffers<64, 4, 1, 300, 64>, 1, 1, 64>;
    static LINK: std::sync::Mutex<Link<Memory>> = std::sync::Mutex::new(Link::with_local_users());
    let mut link = LINK.lock().unwrap();
    assert!(link.out().create("a", Mode::chunks(64)).is_ok());
    assert!(link.out().enter("a", Mode::chunks(64)).is_ok());
    assert_eq!(link.out().enter("a", Mode::chunks(64)), Err(SendError::TooManyLocalUsers));
}

/// The smallest line there can be takes entering and leaving, and 40 bytes.
#[test]
fn the_smallest_line() {
    let mut rig = Rig::new(Link::with_buffers(Heap::new(LEAST)));
    rig.link.set_silence_limit(None);
    let channel = open(&mut rig, b"a", 0, Mode::Data);
    for _ in 0..20 {
        let entered = rig.out().enter("a", Mode::Data).unwrap();
        rig.out().leave(entered).unwrap();
        settle(&mut rig);
        let (entered, user) = join(&mut rig, b"a", channel, Mode::Data);
        rig.out().send(entered, &[1; 40]).unwrap();
        rig.out().send((channel, user), &[2; 40]).unwrap();
        rig.out().leave(entered).unwrap();
        assert_eq!(settle(&mut rig).iter().filter(|seen| matches!(seen, Seen::Data(..))).count(), 1);
    }
}

/// More local users than half of all numbers: their lines are looked after as well.
#[test]
fn a_place_beyond_the_32768th() {
    let mut rig = Rig::new(Link::with_buffers(Heap::new(Sizes {
        chunk_size: 4,
        own_channels: 2,
        local_users: 33_000,
        ..LEAST
    })));
    rig.link.set_silence_limit(None);
    let mode = Mode::chunks(4);
    let channel = open(&mut rig, b"a", 0, mode);
    // a place is given to others as late as possible, also that of a user who has not got far
    rig.out().create("b", mode).unwrap();
    for _ in 0..32_900 {
        let entered = rig.out().enter("b", mode).unwrap();
        rig.out().leave(entered).unwrap();
    }
    settle(&mut rig);
    let (entered, user) = join(&mut rig, b"a", channel, mode);
    assert_eq!(user.number(), 256 + 32_900);
    rig.out().send(entered, b"up").unwrap();
    assert_eq!(settle(&mut rig), [Seen::Chunk(from_user_of(channel, user), b"up".to_vec())]);
}

/// A line can be handed in that is longer than the longest record: the length of what is refused is
/// not cut off.
#[test]
fn a_line_longer_than_a_record_can_be() {
    const LONGEST: usize = (1 << 24) - 1;
    let mut rig =
        Rig::new(Link::with_buffers(Heap::new(Sizes { chunk_size: 4, local_line: LONGEST + 1000, ..LEAST })));
    rig.link.set_silence_limit(None);
    let channel = open(&mut rig, b"a", 0, Mode::Data);
    let (entered, _) = join(&mut rig, b"a", channel, Mode::Data);
    let error = rig.out().send(entered, &vec![0; LONGEST + 1]);
    assert_eq!(error, Err(SendError::QueueTooSmall { needed: LONGEST + 1 + 2 * RECORD, capacity: LONGEST }));
}

/// Memory with more places for own channels than there can be: those beyond do not count.
#[test]
fn more_places_for_own_channels_than_count() {
    let mut rig = Rig::new(Link::with_buffers(Heap::new(Sizes {
        chunk_size: 4,
        own_channels: 300,
        local_users: 2,
        ..LEAST
    })));
    rig.link.set_silence_limit(None);
    let mode = Mode::chunks(4);
    let channel = open(&mut rig, b"a", 0, mode);
    rig.out().enter("b", mode).unwrap();
    join(&mut rig, b"a", channel, mode);
}
