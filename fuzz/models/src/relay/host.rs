//! The relay's caller: queues with bounds, and what was put into them.

use std::collections::{BTreeMap, VecDeque};

use peote_net::Reason;
use peote_net::protocol::to_endpoint::{Capabilities, Decoder, Unit};
use peote_net::relay::{ConnectionId, Decision, Greeting, Hello, Host, Note, Request};
use peote_net::time::Instant;

use super::reference::{Ended, Piece, Seen};

/// The relay's caller, with a queue for each connection.
#[derive(Debug)]
pub(super) struct Queues {
    pub(super) queues: Vec<Vec<u8>>,
    /// Bound of each queue.
    pub(super) bound: usize,
    /// Bytes that all queues may hold. Where they are used up, the longest is given up.
    pub(super) memory: usize,
    pub(super) cut: usize,
    pub(super) later: bool,
    pub(super) now: Instant,
    /// Work that one call may do.
    pub(super) work: usize,
    /// All names fall together.
    pub(super) collide: bool,
    /// What may be under way to existing endpoints, if the relay knows hello.
    pub(super) window: Option<u32>,
    /// Places of connections that are to be closed, as their queues were the longest when the
    /// memory was used up. What is for them is dropped.
    pub(super) given_up: Vec<usize>,
    /// Data that was pushed in this call, by the receiver's place and what its units are headed
    /// with.
    pieces: BTreeMap<(usize, Vec<u8>), VecDeque<Piece>>,
    /// What memberships that were raised may receive, and to whom that was said.
    raised: VecDeque<(usize, u32)>,
    /// The memberships that ended for their windows.
    ended: VecDeque<Ended>,
}

impl Queues {
    pub(super) fn new(connections: usize, bound: usize, cut: usize, collide: bool) -> Self {
        Self {
            queues: vec![Vec::new(); connections],
            bound,
            memory: usize::MAX,
            cut,
            later: false,
            now: Instant::ZERO,
            work: usize::MAX,
            collide,
            window: None,
            given_up: Vec::new(),
            pieces: BTreeMap::new(),
            raised: VecDeque::new(),
            ended: VecDeque::new(),
        }
    }

    /// What has happened since it was asked last, in the words of the reference: `place` says where
    /// a connection stands.
    pub(super) fn take_seen(&mut self, place: impl Fn(usize) -> usize) -> Seen {
        let pieces = core::mem::take(&mut self.pieces);
        let raised = core::mem::take(&mut self.raised);
        let ended = core::mem::take(&mut self.ended);
        Seen {
            pieces: pieces.into_iter().map(|((to, head), all)| ((place(to), head), all)).collect(),
            raised: raised.into_iter().map(|(to, bytes)| (place(to), bytes)).collect(),
            ended: ended.into_iter().map(|end| Ended { user: place(end.user), ..end }).collect(),
        }
    }

    /// Notes what is pushed.
    fn see(&mut self, to: usize, free: usize, header: &[u8], payload: &[u8]) {
        let is_run = header.is_empty();
        let bytes = [header, payload].concat();
        assert!(!is_run || bytes.len() <= free, "several units are pushed above the bound");
        let (mut decoder, mut rest) = (Decoder::new(), &bytes[..]);
        while let Some((used, unit)) = decoder.decode(rest) {
            let (head, len) = match unit {
                Unit::FromServer { channel, payload } => (vec![channel], payload.total()),
                Unit::FromUser { channel, user, payload } => (vec![channel | 128, user], payload.total()),
                Unit::Raised { receive, .. } => {
                    self.raised.push_back((to, receive));
                    rest = &rest[used..];
                    continue;
                }
                _ => {
                    rest = &rest[used..];
                    continue;
                }
            };
            let piece = Piece { len, free: if is_run { usize::MAX } else { free } };
            self.pieces.entry((to, head)).or_default().push_back(piece);
            rest = &rest[used..];
        }
    }

    /// Gives up the longest queue while all take too much memory.
    fn keep_to_memory(&mut self) {
        while self.queues.iter().map(Vec::len).sum::<usize>() > self.memory {
            let longest = (0..self.queues.len()).max_by_key(|place| self.queues[*place].len());
            let longest = longest.expect("there are queues");
            self.queues[longest].clear();
            self.given_up.push(longest);
        }
    }
}

impl Host for Queues {
    fn free(&self, connection: ConnectionId) -> usize {
        if self.given_up.contains(&connection.index()) {
            return usize::MAX;
        }
        self.bound.saturating_sub(self.queues[connection.index()].len())
    }

    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
        let to = connection.index();
        self.see(to, self.free(connection), header, payload);
        if !self.given_up.contains(&to) {
            self.queues[to].extend(header.iter().chain(payload));
            self.keep_to_memory();
        }
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn work(&self, _: ConnectionId) -> usize {
        self.work
    }

    fn cut(&self) -> usize {
        self.cut
    }

    fn allow(&mut self, _: ConnectionId, _: &Request<'_>) -> Decision {
        if self.later { Decision::Later } else { Decision::Yes }
    }

    fn capabilities(&self) -> Capabilities {
        let all = Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER);
        if self.window.is_some() { all.with(Capabilities::HELLO) } else { all }
    }

    fn window(&self) -> u32 {
        self.window.unwrap_or_default()
    }

    fn hello(&mut self, _: ConnectionId, _: &Hello<'_>) -> Greeting {
        Greeting { keepalive: 9, name: "r" }
    }

    fn notify(&mut self, note: &Note<'_>) {
        if let Note::Left { user, server, name, reason: Reason::TooSlow, .. } = note {
            let (user_free, server_free) = (self.free(*user), self.free(*server));
            self.ended.push_back(Ended { user: user.index(), name: name.to_vec(), user_free, server_free });
        }
    }

    fn hash(&self, name: &[u8]) -> u64 {
        if self.collide {
            7
        } else {
            name.iter().fold(7, |hash, byte| hash * 31 % 1_000_003 + u64::from(*byte))
        }
    }
}
