//! Servers and users on one link, offline: what is delivered is what a queue for each user and
//! direction would deliver. Servers remove and block users, who are not heard from then on, get
//! what was said to them before, and are told why.

mod world;

use embedded_io::ReadReady;
use peote_net::link::memory::{BufferParts, LocalParts, LocalUserSlot, NameSlot, OwnSlot, PartySlot};
use peote_net::link::{Buffers, Link};
use peote_net::offline::Offline;
use peote_net::time::{Duration, Instant};

use super::Input;
use world::World;

/// The greatest chunk a channel can have.
const CHUNK: usize = 300;

#[derive(Debug)]
struct Memory {
    own_channels: Vec<OwnSlot>,
    parties: Vec<PartySlot>,
    chunks: Vec<u8>,
    transmit: Vec<u8>,
    receive: [u8; 64],
    names: Vec<NameSlot>,
    users: Vec<LocalUserSlot>,
    lines: Vec<u8>,
}

impl Memory {
    fn choose(input: &mut Input<'_>) -> Self {
        let (parties, users) = (input.choose(&[3, 8, 20]), input.choose(&[1, 3, 8]));
        let line = input.choose(&[64, 100, 400, 2_000]);
        Self {
            own_channels: vec![OwnSlot::FREE; 3],
            parties: vec![PartySlot::FREE; parties],
            chunks: vec![0; parties * CHUNK],
            transmit: vec![0; input.choose(&[259, 1000])],
            receive: [0; 64],
            names: vec![NameSlot::FREE; 3],
            users: vec![LocalUserSlot::FREE; users],
            lines: vec![0; users * 2 * line],
        }
    }
}

impl Buffers for Memory {
    fn parts(&mut self) -> BufferParts<'_> {
        BufferParts {
            own_channels: &mut self.own_channels,
            parties: &mut self.parties,
            chunks: &mut self.chunks,
            chunk_size: CHUNK,
            window: CHUNK,
            transmit: &mut self.transmit,
            receive: &mut self.receive,
            local: LocalParts { names: &mut self.names, users: &mut self.users, lines: &mut self.lines },
        }
    }
}

/// Runs the target on one input: it chooses the memory, what the program does, the lines and the
/// times.
///
/// # Panics
///
/// When it finds something.
pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut link = Link::with_buffers(Memory::choose(&mut input));
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

fn poll(link: &mut Link<Memory>, transport: &mut Offline, world: &mut World<'_>) {
    let now = world.now;
    let polled = link.poll(transport, now, |event, out| world.handle(&event, out));
    assert_eq!(polled, Ok(()), "nothing can fail");
}
