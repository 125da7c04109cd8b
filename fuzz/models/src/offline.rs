//! Servers and users on one link, offline: what is delivered is what a queue for each user and
//! direction would deliver. Servers remove and block users, who are not heard from then on, get
//! what was said to them before, and are told why.

mod world;

use embedded_io::ReadReady;
use peote_net::link::Link;
use peote_net::offline::Offline;
use peote_net::time::{Duration, Instant};
use peote_net_testkit::heap::{Heap, Sizes};

use super::Input;
use world::World;

/// The greatest chunk a channel can have.
const CHUNK: usize = 300;

fn memory(input: &mut Input<'_>) -> Heap {
    // in this order: it is that of the seeds
    let parties = input.choose(&[3, 8, 20]);
    let local_users = input.choose(&[1, 3, 8]);
    let local_line = input.choose(&[64, 100, 400, 2_000]);
    let transmit = input.choose(&[259, 1000]);
    let (own_channels, receive) = (3, 64);
    Heap::new(Sizes { chunk_size: CHUNK, own_channels, parties, transmit, receive, local_users, local_line })
}

/// Runs the target on one input: it chooses the memory, what the program does, the lines and the
/// times.
///
/// # Panics
///
/// When it finds something.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut link = Link::with_buffers(memory(&mut input));
    let mut transport = Offline::new();
    let mut world = World::new(input);
    while !world.input.is_empty() {
        match world.input.below(8) {
            0..=3 => world.act(&mut link.out()),
            4..=6 => poll(&mut link, &mut transport, &mut world),
            _ => world.now = world.now + Duration::from_millis(u64::from(world.input.byte())),
        }
    }
    // everything that is under way arrives, by nothing but what the link says it waits for
    world.settling = true;
    let mut idle = 0;
    loop {
        let before = (world.now, world.told);
        poll(&mut link, &mut transport, &mut world);
        if world.finish_parts(&mut link.out()) || link.wants_write() || transport.read_ready() == Ok(true) {
        } else if let Some(deadline) = link.next_deadline() {
            world.now = world.now.max(deadline);
        } else {
            break;
        }
        idle = if before == (world.now, world.told) { idle + 1 } else { 0 };
        assert!(idle < 1_000, "a busy loop");
        assert!(world.now < Instant::from_millis(1 << 40), "it goes on for ever");
    }
    world.check_settled();
}

fn poll(link: &mut Link<Heap>, transport: &mut Offline, world: &mut World<'_>) {
    let now = world.now;
    let polled = link.poll(transport, now, |event, out| world.handle(&event, out));
    assert_eq!(polled, Ok(()), "nothing can fail");
}
