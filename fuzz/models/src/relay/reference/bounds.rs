//! What queues may hold, who waits for them, and which memberships end because more was sent than
//! may be under way.

use std::collections::{BTreeMap, VecDeque};

use super::windows::{SERVER, USER};
use super::{Key, Model};

/// Bytes that a sender may be above a window: the length field of a chunk.
const LENGTH: u64 = 5;

/// Bytes of the longest header of data.
const HEADER: usize = 4;

/// Payload bytes of the longest unit.
const LONGEST: usize = 32_765;

/// Data that was pushed: how much, and how much room its queue had.
#[derive(Clone, Copy, Debug)]
pub(in crate::relay) struct Piece {
    pub(in crate::relay) len: usize,
    pub(in crate::relay) free: usize,
}

/// A membership that has ended for its window, and how much room the queues of both had then.
#[derive(Clone, Debug)]
pub(in crate::relay) struct Ended {
    pub(in crate::relay) user: usize,
    pub(in crate::relay) name: Vec<u8>,
    pub(in crate::relay) user_free: usize,
    pub(in crate::relay) server_free: usize,
}

/// What the relay has done in one call, where the reference does not say what it has to do: how it
/// has cut data, what it has granted by then, and when more was sent than may be.
#[derive(Debug, Default)]
pub(in crate::relay) struct Seen {
    pub(in crate::relay) pieces: BTreeMap<Key, VecDeque<Piece>>,
    pub(in crate::relay) raised: VecDeque<(usize, u32)>,
    pub(in crate::relay) ended: VecDeque<Ended>,
}

impl Model {
    /// All that the relay has done came of what has been fed, or comes of `rest`: a broadcast may
    /// end a membership and then wait for the queue of another user.
    pub(in crate::relay) fn has_seen_all(&mut self, from: usize, rest: &[u8]) {
        while let Some(ended) = self.seen.ended.pop_front() {
            assert_eq!(self.channels[&ended.name].server, from, "a membership ends without need");
            let mut users = self.channels[&ended.name].users.used.iter();
            let (user, _) = users.find(|(_, user)| user.connection == ended.user).expect("it is there");
            self.is_overdrawn((&ended.name, *user, USER), rest.len(), ended.user_free);
            self.end_too_slow(ended.user, &ended.name);
        }
        let Seen { pieces, raised, .. } = &self.seen;
        assert!(pieces.values().all(VecDeque::is_empty), "something is pushed that was not sent: {pieces:?}");
        assert!(raised.is_empty(), "a membership is raised that is not there: {raised:?}");
    }

    /// An endpoint has taken all that was queued for it.
    pub(in crate::relay) fn has_taken(&mut self, of: usize) {
        for (name, user, side) in self.sides_of(of) {
            self.side(&name, user, side).above = 0;
        }
    }

    /// A payload of `len` bytes is sent in a membership. Returns how many of them go to the
    /// receiver: fewer only if the membership ends.
    pub(super) fn goes(&mut self, from: usize, id: u64, to: &Key, len: usize) -> usize {
        let (name, user, side) = self.way_of(id, to.0);
        let mut sum = 0;
        while sum < len
            && let Some(piece) = self.seen.pieces.get_mut(to).and_then(VecDeque::pop_front)
        {
            sum += piece.len;
            assert!(sum <= len, "more is pushed than was sent");
            self.is_within(&name, user, side, from, piece);
        }
        sum
    }

    /// A piece is pushed: its queue has room for it, or a window allows it.
    fn is_within(&mut self, name: &[u8], user: u8, side: usize, from: usize, piece: Piece) {
        let receiver = self.receiver_of(name, user, side);
        let (to_part, to_window) = (self.takes_part(receiver), self.has_window(receiver));
        let (promised, window) = (self.promised(receiver), u64::from(self.window));
        let is_above = piece.free < piece.len + HEADER;
        let len = piece.len as u64;
        let from_part = self.takes_part(from);
        let counts = self.side(name, user, side);
        match (from_part, to_part) {
            (true, true) if is_above => {
                counts.over += len;
                assert!(counts.over <= promised + LENGTH, "more is queued than was promised: {counts:?}");
            }
            // one with room for a window is granted for, and a window of a few bytes is less than a header
            (true, false) if is_above && (piece.free as u64) < window => {
                counts.above += len;
                assert!(counts.above <= window, "more is queued than may be under way: {counts:?}");
            }
            // that it keeps to a window is looked at where it is counted
            (false, _) if to_window => {}
            (true, false) if is_above => {}
            _ => assert!(piece.free > piece.len, "a queue is above its bound"),
        }
    }

    /// What is queued for an endpoint that takes part although its queue has no room.
    fn promised(&self, receiver: usize) -> u64 {
        u64::from(self.window_of(receiver).max(self.window))
    }

    /// A sender waits for the queue of a receiver, with so much that it has sent.
    pub(in crate::relay) fn waits_for_a_queue(&self, from: usize, receiver: usize, rest: &[u8]) {
        let is_data = self.endpoints[&from].left > 0 || rest.first().is_some_and(|first| *first != 0);
        if !is_data {
            let is_own = receiver == from;
            return assert!(is_own || !self.takes_part(receiver), "a command waits for one that takes part");
        }
        assert_ne!(receiver, from, "data waits for the queue of its sender");
        assert!(!self.has_window(receiver), "data waits for one that has a window");
        if self.takes_part(from) {
            let window = u64::from(self.window);
            let mut ways = self.sides_of(receiver).into_iter();
            let is_more = ways.any(|(name, user, side)| {
                let key = self.sender_of(&name, user, side);
                key.0 == from && self.owed(&key) + rest.len() as u64 > window
            });
            assert!(is_more, "a sender is paused that keeps to its windows");
        }
    }

    /// Memberships end in which more was sent than may be: those of `cut`, each with the bytes that
    /// went nowhere.
    pub(super) fn end_overdrawn(&mut self, mut cut: Vec<(u64, usize, usize)>) {
        while !cut.is_empty() {
            let ended = self.seen.ended.pop_front().expect("bytes are missing");
            let is_it = |(id, to, _): &(u64, usize, usize)| {
                let (name, user, _) = self.way_of(*id, *to);
                name == ended.name && self.channels[&name].users.used[&user].connection == ended.user
            };
            let place = cut.iter().position(is_it).expect("it is another one that ends");
            let (id, to, left) = cut.remove(place);
            let (name, user, side) = self.way_of(id, to);
            let free = if side == USER { ended.user_free } else { ended.server_free };
            self.is_overdrawn((&name, user, side), left, free);
            self.end_too_slow(ended.user, &name);
        }
    }

    /// More was sent than may be, with `left` bytes that come now, and the receiver's queue has no
    /// room for them.
    fn is_overdrawn(&mut self, (name, user, side): (&[u8], u8, usize), left: usize, free: usize) {
        let (from, to) = (self.sender_of(name, user, side).0, self.receiver_of(name, user, side));
        assert!(self.takes_part(from) && self.takes_part(to), "a membership ends, and one has no window");
        let left = left.min(LONGEST);
        let over = self.side(name, user, side).over + left as u64;
        assert!(over > self.promised(to) + LENGTH, "a membership ends, and no more was sent than may be");
        assert!(free < left + HEADER, "a membership ends, and the queue has room");
    }

    /// The relay's caller has ended a membership, as what an existing endpoint sends there is not
    /// taken.
    pub(in crate::relay) fn end_who_waits(&mut self) {
        let ended = self.seen.ended.pop_front().expect("it is noted");
        let channel = &self.channels[&ended.name];
        let (server, user) = (channel.server, ended.user);
        assert!(!self.takes_part(user) || !self.takes_part(server), "one of them waits for a window");
        self.end_too_slow(user, &ended.name);
    }

    /// Where a membership lies, and the side of it that is a receiver.
    pub(super) fn way_of(&self, id: u64, to: usize) -> (Vec<u8>, u8, usize) {
        let found = self.channels.iter().find_map(|(name, channel)| {
            let (user, _) = channel.users.used.iter().find(|(_, user)| user.id == id)?;
            Some((name.clone(), *user, if channel.server == to { SERVER } else { USER }))
        });
        found.expect("it is there")
    }
}
