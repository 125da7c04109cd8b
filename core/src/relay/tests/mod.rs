//! Tests of the forwarding core, and the host they share.

#[cfg(feature = "flow")]
mod afar;
#[cfg(feature = "flow")]
mod awaited;
mod channels;
#[cfg(feature = "flow")]
mod fates;
#[cfg(feature = "flow")]
mod flow;
#[cfg(feature = "flow")]
mod flow_limits;
#[cfg(feature = "alloc")]
mod growing;
#[cfg(feature = "flow")]
mod hello;
mod host;
#[path = "../../../tests/common/limit.rs"]
mod limit;
mod limits;
mod operator;
mod queues;
mod removing;
mod resting;
mod runs;
mod sizes;
mod turns;
#[cfg(feature = "flow")]
mod waiting;
mod weaknesses;

use std::vec::Vec;

use limit::TimeLimit;

use super::memory::{ChannelSlot, ConnectionSlot, FlowSlot, MembershipSlot, Page, Parts};
use super::*;
use crate::Reason;
#[cfg(feature = "flow")]
use crate::protocol::to_endpoint;
use crate::protocol::to_endpoint::{Capabilities, Decoder, Unit};
use crate::time::{Duration, Instant};

/// Storage that grows by one place at a time, so that everything happens that growing can bring
/// about.
#[derive(Default)]
pub(super) struct Growing {
    connections: Vec<ConnectionSlot>,
    channels: Vec<ChannelSlot>,
    memberships: Vec<MembershipSlot>,
    pages: Vec<Page>,
    buckets: Vec<u32>,
    flows: Vec<FlowSlot>,
}

impl Storage for Growing {
    fn parts(&mut self) -> Parts<'_> {
        Parts {
            connections: &mut self.connections,
            channels: &mut self.channels,
            memberships: &mut self.memberships,
            pages: &mut self.pages,
            buckets: &mut self.buckets,
            flows: &mut self.flows,
        }
    }

    fn grow(&mut self, pool: Pool) -> bool {
        match pool {
            Pool::Connections => self.connections.push(ConnectionSlot::EMPTY),
            Pool::Channels => self.channels.push(ChannelSlot::EMPTY),
            Pool::Memberships => {
                self.memberships.push(MembershipSlot::EMPTY);
                self.flows.push(FlowSlot::EMPTY);
            }
            Pool::Pages => self.pages.extend(std::vec![Page::EMPTY; 16]),
            Pool::Buckets => self.buckets.push(0),
        }
        true
    }
}

/// A relay with queues in memory.
pub(super) struct World {
    relay: Relay<Growing>,
    host: Queues,
    ids: Vec<ConnectionId>,
}

/// One queue for each connection, drained by hand.
pub(super) struct Queues {
    queues: Vec<Vec<u8>>,
    /// Bound of each queue.
    bound: usize,
    cut: usize,
    decision: fn(&Request<'_>) -> Decision,
    /// What of a name is the channel's.
    channel_name: fn(&[u8]) -> &[u8],
    /// None, unless a test is about them: then the wire is that of the original protocol, byte by
    /// byte.
    capabilities: Capabilities,
    now: Instant,
    /// Of those that do not take part.
    window: u32,
    /// What one call may do.
    work: usize,
    pushes: usize,
    notes: usize,
    worked: usize,
    units: usize,
    broadcasts: usize,
    blocked: Vec<(ConnectionId, u8, bool)>,
    /// Who was said to go on, and who owes a grant now.
    resumed: Vec<ConnectionId>,
    owing: Vec<ConnectionId>,
    hash: Option<u64>,
    /// All tests have one of these.
    _limit: TimeLimit,
}

impl Default for Queues {
    fn default() -> Self {
        Self {
            queues: std::vec![Vec::new(); 16],
            bound: 1 << 20,
            cut: 1024,
            decision: |_| Decision::Yes,
            channel_name: |name| name,
            capabilities: Capabilities::NONE,
            now: Instant::ZERO,
            window: 65_536,
            work: usize::MAX,
            pushes: 0,
            notes: 0,
            worked: 0,
            units: 0,
            broadcasts: 0,
            blocked: Vec::new(),
            resumed: Vec::new(),
            owing: Vec::new(),
            hash: None,
            _limit: TimeLimit::default(),
        }
    }
}

impl Host for Queues {
    fn free(&self, connection: ConnectionId) -> usize {
        self.bound.saturating_sub(self.queues[connection.index()].len())
    }

    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
        self.queues[connection.index()].extend(header.iter().chain(payload));
        self.pushes += 1;
    }

    fn work(&self, _: ConnectionId) -> usize {
        self.work
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn cut(&self) -> usize {
        self.cut
    }

    fn channel_name<'a>(&self, _: ConnectionId, name: &'a [u8]) -> &'a [u8] {
        (self.channel_name)(name)
    }

    fn allow(&mut self, _: ConnectionId, request: &Request<'_>) -> Decision {
        (self.decision)(request)
    }

    fn count(&mut self, _: ConnectionId, units: usize, broadcasts: usize, work: usize) {
        self.worked += work;
        self.units += units;
        self.broadcasts += broadcasts;
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn window(&self) -> u32 {
        self.window
    }

    fn resume(&mut self, connection: ConnectionId) {
        self.resumed.push(connection);
    }

    fn waits(&mut self, connection: ConnectionId, owes: bool) {
        self.owing.retain(|other| *other != connection);
        if owes {
            self.owing.push(connection);
        }
    }

    fn notify(&mut self, note: &Note<'_>) {
        self.notes += 1;
        if let Note::Blocked { user, number, is_kept, .. } = *note {
            self.blocked.push((user, number, is_kept));
        }
    }

    fn hash(&self, name: &[u8]) -> u64 {
        self.hash
            .unwrap_or_else(|| name.iter().fold(7, |hash, byte| hash.wrapping_mul(31) ^ u64::from(*byte)))
    }
}

impl World {
    /// `connections` that have sent nothing yet, numbered from 0.
    pub(super) fn new(connections: usize) -> Self {
        let mut relay = Relay::new(Growing::default());
        let ids = (0..connections).map(|_| relay.connect().unwrap()).collect();
        Self { relay, host: Queues::default(), ids }
    }

    /// Connection 0 has created the channel "a" and all others have entered it, in order; what was
    /// said about it is gone.
    pub(super) fn with_channel(connections: usize) -> Self {
        let mut world = Self::new(connections);
        world.send(0, b"\0\0\x01\x01a");
        for user in 1..connections {
            world.send(user, b"\0\x01\x01\x01a");
        }
        world.host.queues.iter_mut().for_each(Vec::clear);
        world
    }

    /// Presents `bytes`; all must be used.
    #[track_caller]
    pub(super) fn send(&mut self, from: usize, bytes: &[u8]) {
        let received = self.relay.receive(self.ids[from], bytes, &mut self.host);
        assert_eq!(received, Received { used: bytes.len(), outcome: Outcome::NeedMore });
    }

    pub(super) fn receive(&mut self, from: usize, bytes: &[u8]) -> Received {
        self.relay.receive(self.ids[from], bytes, &mut self.host)
    }

    /// `bytes` must make the relay close the connection, which is then done.
    #[track_caller]
    pub(super) fn send_fatal(&mut self, from: usize, bytes: &[u8]) -> CloseReason {
        let Outcome::Close(cause) = self.receive(from, bytes).outcome else { panic!("not closed") };
        self.disconnect(from);
        cause
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.host.now = self.host.now + Duration::from_secs(seconds);
    }

    /// One more connection. Returns its place among them.
    pub(super) fn connect_from(&mut self, address: u32, network: u32) -> usize {
        self.ids.push(self.relay.connect_from(Home { address, network }).unwrap());
        self.ids.len() - 1
    }

    pub(super) fn disconnect(&mut self, connection: usize) {
        self.relay.disconnect(self.ids[connection], &mut self.host);
    }

    /// What is in the queue of a connection, which is emptied.
    pub(super) fn take(&mut self, of: usize) -> Vec<u8> {
        core::mem::take(&mut self.host.queues[self.ids[of].index()])
    }

    /// Data in the queue of a connection, joined for each (own, channel, user); which is emptied.
    pub(super) fn take_data(&mut self, of: usize) -> Vec<((bool, u8, u8), Vec<u8>)> {
        let mut data: Vec<((bool, u8, u8), Vec<u8>)> = Vec::new();
        let bytes = self.take(of);
        units(&bytes, |unit| {
            let (from, payload) = match unit {
                Unit::FromServer { channel, payload } => ((false, channel, 0), payload),
                Unit::FromUser { channel, user, payload } => ((true, channel, user), payload),
                _ => return,
            };
            match data.iter_mut().find(|(other, _)| *other == from) {
                Some((_, bytes)) => bytes.extend(payload.bytes()),
                None => data.push((from, payload.bytes().to_vec())),
            }
        });
        data
    }
}

/// Calls `each` with all units in `bytes`, which must end with one.
#[track_caller]
pub(super) fn units<'a>(bytes: &'a [u8], mut each: impl FnMut(Unit<'a>)) {
    let mut decoder = Decoder::new();
    let mut rest = bytes;
    while let Some((used, unit)) = decoder.decode(rest) {
        assert_ne!(unit, Unit::Unknown, "a relay must not send what it does not know");
        each(unit);
        rest = &rest[used..];
    }
    assert!(rest.is_empty() && decoder.is_between_units(), "a unit is not whole");
}
