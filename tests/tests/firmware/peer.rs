//! A desktop peer: a server or a user of channels, on the standard library.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use peote_net::Reason;
use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, Mode, OwnChannel, SendError, Source, User,
};
use peote_net_std::DesktopLink;

use crate::PATIENCE;

/// An event, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Created,
    Entered,
    Refused(Reason),
    In(User),
    Out(User, Reason),
    Gone(Reason),
    Chunk(Source, Vec<u8>),
    Other(String),
}

/// A peer with one link.
pub(crate) struct Peer {
    link: DesktopLink,
    seen: VecDeque<Seen>,
    /// When something was sent or came last.
    moved: Instant,
}

impl Peer {
    pub(crate) fn connect(relay: SocketAddr) -> Self {
        let link = DesktopLink::connect(&relay.to_string()).expect("the relay can be reached");
        Self { link, seen: VecDeque::new(), moved: Instant::now() }
    }

    /// A peer that is the server of a channel.
    pub(crate) fn server(relay: SocketAddr, name: &str, chunk: usize) -> (Self, OwnChannel) {
        let mut peer = Self::connect(relay);
        let channel = peer.link.create(name, mode(chunk)).unwrap();
        assert_eq!(peer.next(), Seen::Created, "{name}");
        (peer, channel)
    }

    /// A peer that is a user of a channel.
    pub(crate) fn user(relay: SocketAddr, name: &str, chunk: usize) -> (Self, EnteredChannel) {
        let mut peer = Self::connect(relay);
        let channel = peer.enter(name, chunk);
        (peer, channel)
    }

    /// Enters one more channel.
    pub(crate) fn enter(&mut self, name: &str, chunk: usize) -> EnteredChannel {
        let channel = self.link.enter(name, mode(chunk)).unwrap();
        self.wait_for(|seen| match seen {
            Seen::Refused(reason) => panic!("{name}: {reason}"),
            seen => *seen == Seen::Entered,
        });
        channel
    }

    /// Waits for the next event.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Seen {
        loop {
            if let Some(seen) = self.seen.pop_front() {
                return seen;
            }
            self.turn();
        }
    }

    /// Waits for the next event that is meant, and forgets those before it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, mut is_meant: impl FnMut(&Seen) -> bool) -> Seen {
        loop {
            let seen = self.next();
            if is_meant(&seen) {
                return seen;
            }
        }
    }

    /// Waits for the next chunk.
    #[track_caller]
    pub(crate) fn next_chunk(&mut self) -> (Source, Vec<u8>) {
        match self.wait_for(|seen| matches!(seen, Seen::Chunk(..) | Seen::Gone(_) | Seen::Other(_))) {
            Seen::Chunk(source, bytes) => (source, bytes),
            other => panic!("{other:?} instead of a chunk"),
        }
    }

    /// Sends a chunk; takes what comes meanwhile, so that two peers that send to each other get on.
    #[track_caller]
    pub(crate) fn send(&mut self, to: impl Into<Destination>, bytes: &[u8]) {
        let to = to.into();
        while !self.try_send(to, bytes) {
            self.turn();
        }
        self.poll();
    }

    /// Sends a chunk if there is room for it now.
    pub(crate) fn try_send(&mut self, to: impl Into<Destination>, bytes: &[u8]) -> bool {
        match self.link.out().send(to, bytes) {
            Ok(()) => {
                self.moved = Instant::now();
                true
            }
            Err(SendError::WouldBlock) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Writes and reads, and waits a while if nothing has come. Fails when nothing moves for too
    /// long.
    #[track_caller]
    fn turn(&mut self) {
        let before = (self.seen.len(), self.link.out().free());
        self.poll();
        if (self.seen.len(), self.link.out().free()) == before {
            assert!(self.moved.elapsed() < PATIENCE, "nothing moves");
            let look = self.link.now() + peote_net::time::Duration::from_secs(1);
            self.link.wait_for(&mut [], Some(look)).unwrap();
        } else {
            self.moved = Instant::now();
        }
    }

    fn poll(&mut self) {
        let seen = &mut self.seen;
        let polled = self.link.poll(|event, _| {
            seen.push_back(match event {
                Event::Opened { channel: Channel::Own(_) } => Seen::Created,
                Event::Opened { channel: Channel::Entered(_) } => Seen::Entered,
                Event::Refused { channel: Channel::Own(_), reason, .. }
                | Event::Refused { channel: Channel::Entered(_), reason, .. } => Seen::Refused(reason),
                Event::UserEntered { user, .. } => Seen::In(user),
                Event::UserGone { user, reason, .. } => Seen::Out(user, reason),
                Event::Closed { channel: Channel::Entered(_), reason, .. } => Seen::Gone(reason),
                Event::Chunk { from, bytes } => Seen::Chunk(from, bytes.to_vec()),
                other => Seen::Other(format!("{other:?}")),
            });
        });
        if let Err(error) = polled {
            self.seen.push_back(Seen::Other(error.to_string()));
        }
    }
}

/// Chunks of at most so many bytes.
pub(crate) fn mode(chunk: usize) -> Mode {
    Mode::chunks(u32::try_from(chunk).unwrap())
}

/// The content of a chunk that a desktop peer sends: nothing repeats within the longest one.
pub(crate) fn content(sender: usize, number: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 17 + at / 256 * 29 + number * 131 + sender * 59).to_le_bytes()[0]).collect()
}

/// The lengths of `total` chunks: 1, all magnitudes, the greatest.
pub(crate) fn length(number: usize, total: usize, greatest: usize) -> usize {
    let magnitude = 1usize << (number * 7 % 16);
    match number {
        0 => 1,
        _ if number + 1 == total => greatest,
        _ => (magnitude + number * 37 % magnitude).clamp(1, greatest),
    }
}

/// Sends `total` chunks to a channel that echoes, and checks that each comes back.
#[track_caller]
pub(crate) fn exercise(
    peer: &mut Peer,
    channel: EnteredChannel,
    sender: usize,
    total: usize,
    greatest: usize,
) {
    let (mut sent, mut checked) = (0, 0);
    while checked < total {
        while sent < total && peer.try_send(channel, &content(sender, sent, length(sent, total, greatest))) {
            sent += 1;
        }
        let (source, bytes) = peer.next_chunk();
        assert_eq!(source, Source::Server { channel });
        let expected = content(sender, checked, length(checked, total, greatest));
        assert!(bytes == expected, "chunk {checked} of sender {sender}: {} bytes", bytes.len());
        checked += 1;
    }
}
