//! A program that polls once a frame sees what is new. Frames are counted; no clock is looked at.

use std::time::Duration;

use peote_net::link::{Event, Mode, SendError};
use peote_net_std::{DesktopLink, LinkBuilder};
use peote_relay::{Config, Relay};

/// What the server sends in each frame: 120 KB.
const CHUNKS: usize = 4;
const CHUNK: usize = 30_000;
const FRAMES: u32 = 600;

struct World {
    relay: Relay,
    server: DesktopLink,
    player: DesktopLink,
    frame: u32,
    /// The frame of the newest message that the player has.
    newest: u32,
    /// The last poll of the player said that more waits.
    has_more: bool,
}

impl World {
    fn new(player: LinkBuilder) -> Self {
        let config = Config { listen: vec!["127.0.0.1:0".parse().unwrap()], ..Config::default() };
        let relay = Relay::bind(config).unwrap();
        let address = relay.local_addrs()[0].to_string();
        let server = DesktopLink::builder().start(&address).unwrap();
        let player = player.start(&address).unwrap();
        Self { relay, server, player, frame: 0, newest: 0, has_more: false }
    }

    /// All that the relay can do without the others.
    fn relay(&mut self) {
        for _ in 0..20 {
            self.relay.turn(Some(Duration::ZERO)).unwrap();
        }
    }

    fn poll(&mut self) {
        let Self { player, newest, .. } = self;
        let polled = player.poll(|event, _| {
            if let Event::Chunk { bytes, .. } = event {
                *newest = u32::from_le_bytes(bytes[..4].try_into().unwrap());
            }
        });
        self.has_more = polled.unwrap();
    }

    /// Both are in a channel.
    fn meet(&mut self) -> peote_net::link::OwnChannel {
        let room = self.server.create("room", Mode::default()).unwrap();
        let (mut is_open, mut is_met) = (false, false);
        while !is_met {
            self.relay();
            self.poll();
            self.server
                .poll(|event, _| match event {
                    Event::Opened { .. } => is_open = true,
                    Event::UserEntered { .. } => is_met = true,
                    _ => {}
                })
                .unwrap();
            if is_open {
                self.player.enter("room", Mode::default()).unwrap();
                is_open = false;
            }
        }
        room
    }

    /// One frame of all. How old the newest message is then, in frames.
    fn step(&mut self, room: peote_net::link::OwnChannel) -> u32 {
        self.frame += 1;
        let mut chunk = vec![0; CHUNK];
        chunk[..4].copy_from_slice(&self.frame.to_le_bytes());
        for _ in 0..CHUNKS {
            match self.server.send(room, &chunk) {
                Ok(()) | Err(SendError::WouldBlock) => {} // left out
                Err(error) => panic!("{error}"),
            }
        }
        self.server.poll(|_, _| ()).unwrap();
        self.relay();
        self.poll();
        self.frame - self.newest
    }
}

#[test]
fn the_newest_message_is_at_most_two_frames_old() {
    let mut world = World::new(DesktopLink::builder());
    let room = world.meet();
    for _ in 0..FRAMES {
        let age = world.step(room);
        assert!(age <= 2, "frame {}: {age} frames old", world.frame);
    }
}

/// The program can bound what one call does, and is told that more waits.
#[test]
fn a_poll_ends_at_its_limit_and_says_so() {
    let mut world = World::new(DesktopLink::builder().poll_limit(1));
    let room = world.meet();
    let mut told = 0;
    for _ in 0..10 {
        world.step(room);
        told += u32::from(world.has_more);
    }
    assert!(told >= 5, "{told} of 10 polls said that more waits");
    while world.has_more {
        world.poll();
    }
    assert!(world.newest > 0 && !world.player.has_more());
}
