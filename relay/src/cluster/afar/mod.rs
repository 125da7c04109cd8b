//! Memberships across: users of this relay in channels of others, and users of others in channels
//! of this one.
//!
//! Each endpoint that is elsewhere has a *stand-in* here: a connection of the forwarding core
//! without a socket, which says what the endpoint says. The stand-in of a channel's server is its
//! *proxy*; it owns one channel, with the same name. The stand-in of a user is its *double*; it is
//! in channels of this relay. So admission, windows, removing, blocking and limits are the core's,
//! on both sides. Stand-ins always take part in flow control, so each side knows how much may be
//! under way.
//!
//! No I/O, and no core either: what is to be done with the core stands in [`Todo`], in order for
//! each stand-in.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use foldhash::{HashMap as ByNumber, HashMapExt};
use peote_net::protocol::items::{self, head, number};
use peote_net::protocol::to_relay::{self, Command};
use peote_net::relay::ConnectionId;

mod hear;
mod heard;
mod memory;
mod pass_on;
mod proxies;
#[cfg(test)]
mod tests;

use super::line::Line;
use super::member::{Member, WINDOW};
use super::record::Record;
use super::{Key, Name, RelayId};

/// What is to be done with the core for a stand-in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    /// It connects, from that address.
    Connect(IpAddr),
    /// It says this.
    Bytes(Vec<u8>),
    /// A user of its channel is admitted with that ticket, and told that number.
    Admit { user: u8, ticket: u8, number: u8 },
    /// A user of its channel is refused.
    Refuse { user: u8, ticket: u8, code: u8, words: Vec<u8> },
    /// A user of its channel is told that the channel is gone.
    EndUser { user: u8, code: u8 },
    /// It is lost in a channel that it has entered.
    LoseEntered(u8),
    /// It knocks no more that knocked with that tag.
    LoseKnock(u8),
    /// It is a proxy, and goes if it has no members.
    CloseUnused,
    /// It is gone.
    Close,
}

#[derive(Debug)]
enum Role {
    /// Stands for the server of a channel: which one, and the members by their numbers.
    Proxy { name: Name, members: ByNumber<u8, u32> },
    /// Stands for a user: its connection there, the members by the numbers of channels, and by tags
    /// of commands to enter; whether the user's connection is gone.
    Double {
        connection: u64,
        entered: ByNumber<u8, u32>,
        tags: ByNumber<u8, u32>,
        next_tag: u8,
        is_gone: bool,
    },
}

/// A membership that ends when what waits in it has been handed on.
#[derive(Debug)]
struct Ending {
    since: u64,
    peer: RelayId,
    member: u32,
    is_guest: bool,
    key: Key,
}

#[derive(Debug)]
struct StandIn {
    id: Option<ConnectionId>,
    peer: RelayId,
    role: Role,
    todo: VecDeque<Todo>,
    is_listed: bool,
    /// It is about to go, and what the core still says to it is dropped.
    is_over: bool,
    /// Tells it apart from others that had its place before.
    serial: u64,
}

/// Another relay.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) line: Line,
    /// Users of this relay there, and users of that one here.
    guests: ByNumber<u32, Member>,
    hosted: ByNumber<u32, Member>,
    next_member: u32,
    doubles: ByNumber<u64, Key>,
    /// The members that data was said to last on the line, by this relay and by the other one.
    said_to: Vec<u8>,
    heard_for: Vec<u8>,
}

/// All memberships across.
///
/// What is found by a number that a relay has chosen is hashed fast: each unit of a broadcast asks
/// for it several times. Names are chosen by endpoints.
#[derive(Debug, Default)]
pub(crate) struct Afar {
    peers: ByNumber<RelayId, Peer>,
    stand_ins: Vec<Option<StandIn>>,
    free: Vec<Key>,
    /// By the places of connections in the core.
    by_place: ByNumber<u32, Key>,
    /// Channels that there are in the core, and whether they are proxies.
    here: HashMap<Name, bool>,
    proxies_here: usize,
    proxies: HashMap<Name, Key>,
    /// The relays where a connection of this one has a double.
    travellers: ByNumber<u64, Vec<RelayId>>,
    /// Connections of this relay that have gone, of which other relays are told behind what has
    /// been heard of them.
    gone: Vec<u64>,
    /// Stand-ins that have something to do.
    listed: VecDeque<Key>,
    /// What the core has said to stand-ins, until it is passed on.
    heard: heard::Heard,
    serials: u64,
    /// Memberships that end, those first that began to end first. Some may have ended.
    endings: VecDeque<Ending>,
    /// Bytes of memory that take what waits for windows of endpoints here.
    waiting: usize,
    /// Proxies that were made, when, and what tells them apart: whether they are used is still to be
    /// seen.
    young: VecDeque<(u64, Key, u64)>,
    /// Proxies that could not be made.
    pub(crate) failed: Vec<Name>,
    /// Proxies that have gone because they had no members.
    pub(crate) unused: Vec<Name>,
    epochs: u32,
}

/// Both parts of a connection's name in one number.
pub(crate) fn packed(id: ConnectionId) -> u64 {
    (id.index() as u64) << 32 | u64::from(id.generation())
}

impl Afar {
    /// One that knows nobody. `epoch` makes the epochs of lines.
    pub(crate) fn new(epoch: u32) -> Self {
        Self { epochs: epoch, ..Self::default() }
    }

    /// The other relay, which is new if nothing was ever said to it.
    pub(crate) fn peer(&mut self, id: RelayId, now: u64) -> &mut Peer {
        self.epochs = self.epochs.wrapping_add(0x9e37);
        let epoch = self.epochs;
        self.peers.entry(id).or_insert_with(|| Peer {
            line: Line::new(epoch, now),
            guests: ByNumber::new(),
            hosted: ByNumber::new(),
            next_member: 0,
            doubles: ByNumber::new(),
            said_to: Vec::new(),
            heard_for: Vec::new(),
        })
    }

    /// All other relays that something was ever said to.
    pub(crate) fn peers(&mut self) -> impl Iterator<Item = (RelayId, &mut Peer)> {
        self.peers.iter_mut().map(|(id, peer)| (*id, peer))
    }

    pub(crate) fn peer_ids(&self) -> Vec<RelayId> {
        self.peers.keys().copied().collect()
    }

    /// Users of this relay in channels of that one, and of that one in channels of this one, and
    /// bytes that wait to be sent there.
    pub(crate) fn memberships_with(&self, peer: RelayId) -> (usize, usize, usize) {
        let Some(peer) = self.peers.get(&peer) else { return (0, 0, 0) };
        (peer.guests.len(), peer.hosted.len(), peer.line.backlog())
    }

    /// Connections of the core that are stand-ins.
    pub(crate) fn stand_ins(&self) -> usize {
        self.by_place.len()
    }

    /// The connections of all stand-ins.
    pub(crate) fn connections(&self) -> Vec<ConnectionId> {
        self.stand_ins.iter().flatten().filter_map(|stand_in| stand_in.id).collect()
    }

    /// Whether a connection of the core is a stand-in.
    pub(crate) fn is_stand_in(&self, id: ConnectionId) -> bool {
        self.key_of(id).is_some()
    }

    fn key_of(&self, id: ConnectionId) -> Option<Key> {
        let key = *self.by_place.get(&crate::places::index(id))?;
        (self.stand_ins.get(key)?.as_ref()?.id == Some(id)).then_some(key)
    }

    // ---- what the core says ----

    /// The core has a channel of that name now.
    pub(crate) fn channel_is_here(&mut self, name: &[u8], server: ConnectionId) {
        let is_proxy = self.is_stand_in(server);
        self.here.insert(name.into(), is_proxy);
        self.proxies_here += usize::from(is_proxy);
    }

    /// It has none any more. Returns whether it was one of this relay's own.
    pub(crate) fn channel_is_gone(&mut self, name: &[u8]) -> bool {
        let was_proxy = self.here.remove(name);
        self.proxies_here -= usize::from(was_proxy == Some(true));
        was_proxy == Some(false)
    }

    /// Whether the core has a channel of that name, and if so, whether it is a proxy.
    pub(crate) fn has_channel(&self, name: &[u8]) -> Option<bool> {
        self.here.get(name).copied()
    }

    /// Channels in the core that are proxies.
    pub(crate) fn proxies_here(&self) -> usize {
        self.proxies_here
    }

    /// The core says something to a connection that has no socket.
    pub(crate) fn hear(&mut self, place: u32, header: &[u8], payload: &[u8]) {
        let Some(key) = self.by_place.get(&place) else { return };
        let Some(Some(stand_in)) = self.stand_ins.get(*key) else { return };
        self.heard.add((*key, stand_in.serial), header, payload);
    }

    // ---- stand-ins ----

    fn add(&mut self, peer: RelayId, role: Role, address: IpAddr) -> Key {
        let hello = hello();
        self.serials += 1;
        let stand_in = StandIn {
            id: None,
            peer,
            role,
            todo: [Todo::Connect(address), Todo::Bytes(hello)].into(),
            is_listed: false,
            is_over: false,
            serial: self.serials,
        };
        let key = self.free.pop().unwrap_or_else(|| {
            self.stand_ins.push(None);
            self.stand_ins.len() - 1
        });
        self.stand_ins[key] = Some(stand_in);
        self.list(key);
        key
    }

    fn get(&mut self, key: Key) -> Option<&mut StandIn> {
        self.stand_ins.get_mut(key)?.as_mut()
    }

    fn list(&mut self, key: Key) {
        if let Some(stand_in) = self.get(key)
            && !std::mem::replace(&mut stand_in.is_listed, true)
        {
            self.listed.push_back(key);
        }
    }

    fn push(&mut self, key: Key, todo: Todo) {
        if let Some(stand_in) = self.get(key) {
            stand_in.todo.push_back(todo);
            self.list(key);
        }
    }

    fn push_bytes(&mut self, key: Key, parts: &[&[u8]]) {
        let Some(stand_in) = self.get(key) else { return };
        if !matches!(stand_in.todo.back(), Some(Todo::Bytes(_))) {
            stand_in.todo.push_back(Todo::Bytes(Vec::new()));
        }
        if let Some(Todo::Bytes(bytes)) = stand_in.todo.back_mut() {
            parts.iter().for_each(|part| bytes.extend_from_slice(part));
        }
        self.list(key);
    }

    /// The next stand-in that has something to do.
    pub(crate) fn next_listed(&mut self) -> Option<Key> {
        let key = self.listed.pop_front()?;
        if let Some(stand_in) = self.get(key) {
            stand_in.is_listed = false;
        }
        Some(key)
    }

    /// Whether there is something to be done.
    pub(crate) fn has_work(&self) -> bool {
        !self.listed.is_empty() || !self.heard.is_empty() || !self.gone.is_empty()
    }

    pub(crate) fn listed(&self) -> usize {
        self.listed.len()
    }

    /// Takes the first thing that a stand-in has to do, and says which connection it is.
    pub(crate) fn take_todo(&mut self, key: Key) -> Option<(Option<ConnectionId>, Todo)> {
        loop {
            let stand_in = self.get(key)?;
            let (id, todo) = (stand_in.id, stand_in.todo.pop_front()?);
            if todo != Todo::CloseUnused {
                return Some((id, todo));
            }
            if self.heard.is_for(key) {
                // a user may have knocked
                self.put_back(key, todo);
                return None;
            }
            if self.is_unused(key) {
                return Some((id, Todo::Close));
            }
        }
    }

    /// Puts back what could not be done yet. It is tried again with the next turn.
    pub(crate) fn put_back(&mut self, key: Key, todo: Todo) {
        if let Some(stand_in) = self.get(key) {
            stand_in.todo.push_front(todo);
            self.list(key);
        }
    }

    /// A stand-in has connected, or there was no room for it.
    pub(crate) fn connected(&mut self, key: Key, id: Option<ConnectionId>, now: u64) {
        let Some(stand_in) = self.get(key) else { return };
        stand_in.id = id;
        match id {
            Some(id) => drop(self.by_place.insert(crate::places::index(id), key)),
            None => self.fail(key, now),
        }
    }

    /// A stand-in cannot do what it is there for.
    pub(crate) fn fail(&mut self, key: Key, now: u64) {
        let Some(stand_in) = self.get(key) else { return };
        let peer = stand_in.peer;
        let (gone, is_proxy): (Vec<u32>, bool) = match &mut stand_in.role {
            Role::Proxy { members, .. } => (members.drain().map(|(_, member)| member).collect(), true),
            Role::Double { entered, tags, .. } => {
                (entered.drain().chain(tags.drain()).map(|(_, member)| member).collect(), false)
            }
        };
        for member in gone {
            if is_proxy {
                self.say(peer, &Record::Leave { member, code: 1 }, now);
            } else {
                self.say(peer, &Record::Refused { member, code: 8, words: &[] }, now);
                self.say(peer, &Record::Gone { member, code: 1 }, now);
            }
            self.forget_member(peer, member, is_proxy);
        }
        self.end(key);
    }

    fn forget_member(&mut self, peer: RelayId, member: u32, is_guest: bool) -> Option<Member> {
        let peer = self.peers.get_mut(&peer)?;
        let found = if is_guest { peer.guests.remove(&member) } else { peer.hosted.remove(&member) }?;
        self.waiting -= found.memory();
        Some(found)
    }

    /// A stand-in goes, now and whatever it still had to do.
    fn end(&mut self, key: Key) {
        let Some(stand_in) = self.get(key) else { return };
        let (peer, id) = (stand_in.peer, stand_in.id);
        stand_in.is_over = true;
        stand_in.todo.clear();
        match &stand_in.role {
            Role::Proxy { name, .. } => {
                let name = name.clone();
                if self.proxies.get(&name) == Some(&key) {
                    self.proxies.remove(&name);
                    if self.here.get(&name) != Some(&true) {
                        self.failed.push(name);
                    }
                }
            }
            Role::Double { connection, is_gone: false, .. } => {
                let connection = *connection;
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.doubles.remove(&connection);
                }
            }
            Role::Double { .. } => {}
        }
        if id.is_some() {
            self.push(key, Todo::Close);
        } else {
            self.closed(key);
        }
    }

    /// A stand-in's connection is gone.
    pub(crate) fn closed(&mut self, key: Key) {
        let Some(stand_in) = self.stand_ins.get_mut(key).and_then(Option::take) else { return };
        if let Some(id) = stand_in.id {
            self.by_place.remove(&crate::places::index(id));
        }
        // it may still be on the list, where the next one with its place does no harm
        self.free.push(key);
    }

    // ---- lines ----

    fn say(&mut self, peer: RelayId, record: &Record<'_>, now: u64) {
        record.put(self.peer(peer, now).line.message());
    }

    /// The line to a relay is over: all memberships across it end.
    pub(crate) fn break_off(&mut self, peer: RelayId) {
        let of_peer = |slot: &Option<StandIn>| slot.as_ref().is_some_and(|stand_in| stand_in.peer == peer);
        let keys: Vec<_> = (0..self.stand_ins.len()).filter(|key| of_peer(&self.stand_ins[*key])).collect();
        if let Some(peer) = self.peers.get_mut(&peer) {
            (peer.said_to, peer.heard_for) = (Vec::new(), Vec::new());
            let members = peer.guests.drain().chain(peer.hosted.drain());
            self.waiting -= members.map(|(_, member)| member.memory()).sum::<usize>();
        }
        for key in keys {
            if let Some(StandIn { role: Role::Proxy { members, .. }, .. }) = self.get(key) {
                members.clear();
            }
            self.end(key);
        }
        self.travellers.retain(|_, relays| {
            relays.retain(|relay| *relay != peer);
            !relays.is_empty()
        });
    }

    /// A relay is gone for good.
    pub(crate) fn forget_peer(&mut self, peer: RelayId) {
        self.break_off(peer);
        self.peers.remove(&peer);
    }

    /// A connection of this relay is gone.
    pub(crate) fn connection_gone(&mut self, id: ConnectionId) {
        let connection = packed(id);
        if self.travellers.contains_key(&connection) {
            self.gone.push(connection);
        }
    }

    /// Tells other relays which connections have gone.
    fn tell_gone(&mut self, now: u64) {
        for connection in std::mem::take(&mut self.gone) {
            for peer in self.travellers.remove(&connection).unwrap_or_default() {
                self.say(peer, &Record::ConnectionGone { connection }, now);
            }
        }
    }
}

/// What each stand-in says first: it takes part, with that window.
fn hello() -> Vec<u8> {
    let capabilities = items::capabilities(items::TAKES_PART);
    let window = number(items::WINDOW, WINDOW);
    let mut name = head(items::NAME, 7).to_vec();
    name.extend_from_slice(b"cluster");
    let items: Vec<u8> = [&capabilities[..], &window, &name].concat();
    let mut hello =
        to_relay::command_head(Command::Hello, items.len()).map_or(Vec::new(), |head| head.to_vec());
    hello.extend(items);
    hello
}
