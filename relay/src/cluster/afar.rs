//! Memberships across: users of this relay in channels of others, and users of others in channels of this one.
//!
//! Each endpoint that is elsewhere has a *stand-in* here: a connection of the forwarding core without a socket, which says what the
//! endpoint says. The stand-in of a channel's server is its *proxy*; it owns one channel, with the same name. The stand-in of a user is its
//! *double*; it is in channels of this relay. So admission, windows, removing, blocking and limits are the core's, on both sides. Stand-ins
//! always take part in flow control, so each side knows how much may be under way.
//!
//! No I/O, and no core either: what is to be done with the core stands in [`Todo`], in order for each stand-in.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use peote_net::protocol::items::{self, head, number};
use peote_net::protocol::to_endpoint::{Decoder, Unit};
use peote_net::protocol::to_relay::{self, Command};
use peote_net::relay::ConnectionId;

use super::line::Line;
use super::member::{Member, Stage, WINDOW};
use super::record::{Record, members};
use super::{Name, RelayId};

/// A stand-in, by its place.
pub(crate) type Key = usize;

/// The tag of a proxy's command to create.
const CREATE: u8 = 1;

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
    /// It is gone.
    Close,
}

#[derive(Debug)]
enum Role {
    /// Stands for the server of a channel: which one, and the members by their numbers.
    Proxy { name: Name, members: HashMap<u8, u32> },
    /// Stands for a user: its connection there, the members by the numbers of channels, and by tags of commands to enter.
    Double { connection: u64, entered: HashMap<u8, u32>, tags: HashMap<u8, u32>, next_tag: u8 },
}

#[derive(Debug)]
struct StandIn {
    id: Option<ConnectionId>,
    peer: RelayId,
    role: Role,
    todo: VecDeque<Todo>,
    /// What the core has said to it.
    heard: Vec<u8>,
    is_listed: bool,
    has_heard: bool,
}

/// Another relay.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) line: Line,
    /// Users of this relay there, and users of that one here.
    guests: HashMap<u32, Member>,
    hosted: HashMap<u32, Member>,
    next_member: u32,
    doubles: HashMap<u64, Key>,
}

/// All memberships across.
#[derive(Debug, Default)]
pub(crate) struct Afar {
    peers: HashMap<RelayId, Peer>,
    stand_ins: Vec<Option<StandIn>>,
    free: Vec<Key>,
    /// By the places of connections in the core.
    by_place: HashMap<u32, Key>,
    /// Channels that there are in the core, and whether they are proxies.
    here: HashMap<Name, bool>,
    proxies: HashMap<Name, Key>,
    /// The relays where a connection of this one has a double.
    travellers: HashMap<u64, Vec<RelayId>>,
    /// Stand-ins that have something to do, and those that have heard something.
    listed: VecDeque<Key>,
    hearing: Vec<Key>,
    /// Proxies that could not be made.
    pub(crate) failed: Vec<Name>,
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
            guests: HashMap::new(),
            hosted: HashMap::new(),
            next_member: 0,
            doubles: HashMap::new(),
        })
    }

    /// All other relays that something was ever said to.
    pub(crate) fn peers(&mut self) -> impl Iterator<Item = (RelayId, &mut Peer)> {
        self.peers.iter_mut().map(|(id, peer)| (*id, peer))
    }

    pub(crate) fn peer_ids(&self) -> Vec<RelayId> {
        self.peers.keys().copied().collect()
    }

    /// Users of this relay in channels of that one, and of that one in channels of this one, and bytes that wait to be sent there.
    pub(crate) fn memberships_with(&self, peer: RelayId) -> (usize, usize, usize) {
        self.peers
            .get(&peer)
            .map_or((0, 0, 0), |peer| (peer.guests.len(), peer.hosted.len(), peer.line.backlog()))
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
        let key = *self.by_place.get(&crate::connections::index(id))?;
        (self.stand_ins.get(key)?.as_ref()?.id == Some(id)).then_some(key)
    }

    // ---- what the core says ----

    /// The core has a channel of that name now.
    pub(crate) fn channel_is_here(&mut self, name: &[u8], server: ConnectionId) {
        let is_proxy = self.is_stand_in(server);
        self.here.insert(name.into(), is_proxy);
    }

    /// It has none any more. Returns whether it was one of this relay's own.
    pub(crate) fn channel_is_gone(&mut self, name: &[u8]) -> bool {
        self.here.remove(name) == Some(false)
    }

    /// Whether the core has a channel of that name, and if so, whether it is a proxy.
    pub(crate) fn has_channel(&self, name: &[u8]) -> Option<bool> {
        self.here.get(name).copied()
    }

    /// Whether a proxy is being made, or there is one.
    pub(crate) fn has_proxy(&self, name: &[u8]) -> bool {
        self.proxies.contains_key(name)
    }

    /// The core says something to a connection that has no socket.
    pub(crate) fn hear(&mut self, place: u32, header: &[u8], payload: &[u8]) {
        let Some(key) = self.by_place.get(&place) else { return };
        let Some(Some(stand_in)) = self.stand_ins.get_mut(*key) else { return };
        stand_in.heard.extend_from_slice(header);
        stand_in.heard.extend_from_slice(payload);
        if !std::mem::replace(&mut stand_in.has_heard, true) {
            self.hearing.push(*key);
        }
    }

    // ---- stand-ins ----

    fn add(&mut self, peer: RelayId, role: Role, address: IpAddr) -> Key {
        let hello = hello();
        let stand_in = StandIn {
            id: None,
            peer,
            role,
            todo: [Todo::Connect(address), Todo::Bytes(hello)].into(),
            heard: Vec::new(),
            is_listed: false,
            has_heard: false,
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
        !self.listed.is_empty() || !self.hearing.is_empty()
    }

    pub(crate) fn listed(&self) -> usize {
        self.listed.len()
    }

    /// Takes the first thing that a stand-in has to do, and says which connection it is.
    pub(crate) fn take_todo(&mut self, key: Key) -> Option<(Option<ConnectionId>, Todo)> {
        let stand_in = self.get(key)?;
        let todo = stand_in.todo.pop_front()?;
        Some((stand_in.id, todo))
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
            Some(id) => drop(self.by_place.insert(crate::connections::index(id), key)),
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
        if is_guest { peer.guests.remove(&member) } else { peer.hosted.remove(&member) }
    }

    /// A stand-in goes, now and whatever it still had to do.
    fn end(&mut self, key: Key) {
        let Some(stand_in) = self.get(key) else { return };
        let (peer, id) = (stand_in.peer, stand_in.id);
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
            Role::Double { connection, .. } => {
                let connection = *connection;
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.doubles.remove(&connection);
                }
            }
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
            self.by_place.remove(&crate::connections::index(id));
        }
        self.listed.retain(|listed| *listed != key);
        self.hearing.retain(|hearing| *hearing != key);
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
            peer.guests.clear();
            peer.hosted.clear();
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
    pub(crate) fn connection_gone(&mut self, id: ConnectionId, now: u64) {
        let connection = packed(id);
        for peer in self.travellers.remove(&connection).unwrap_or_default() {
            self.say(peer, &Record::ConnectionGone { connection }, now);
        }
    }

    /// Makes a proxy of a channel of another relay.
    pub(crate) fn make_proxy(&mut self, peer: RelayId, name: &[u8]) {
        let role = Role::Proxy { name: name.into(), members: HashMap::new() };
        let key = self.add(peer, role, IpAddr::from([0, 0, 0, 0]));
        self.proxies.insert(name.into(), key);
        if let Some(create) = to_relay::name_command(Command::Create, CREATE, name) {
            self.push_bytes(key, &[&create, name]);
        }
    }

    // ---- what other relays say ----

    /// Another relay says this.
    pub(crate) fn hear_record(&mut self, peer: RelayId, record: &Record<'_>, now: u64) {
        match *record {
            Record::Knock { member, connection, address, name, words } => {
                self.knock(peer, member, (connection, address), (name, words), now);
            }
            Record::Leave { member, code } => self.leave(peer, member, code),
            Record::ToServer { member, payload } => self.carry(peer, member, false, payload, now),
            Record::ToUsers { members: list, payload } => {
                members(list).for_each(|member| self.carry(peer, member, true, payload, now));
            }
            Record::UserTook { member, bytes } => self.took(peer, member, false, bytes, now),
            Record::ServerTook { member, bytes } => self.took(peer, member, true, bytes, now),
            Record::ConnectionGone { connection } => {
                if let Some(key) =
                    self.peers.get(&peer).and_then(|peer| peer.doubles.get(&connection)).copied()
                {
                    self.lose_double(peer, key);
                }
            }
            Record::Admitted { member, number } => self.admitted(peer, member, number),
            Record::Refused { member, code, words } => self.refused(peer, member, code, words),
            Record::Gone { member, code } => self.gone(peer, member, code, now),
        }
    }

    fn lose_double(&mut self, peer: RelayId, key: Key) {
        let Some(StandIn { role: Role::Double { entered, tags, .. }, .. }) = self.get(key) else { return };
        let gone: Vec<u32> = entered.drain().chain(tags.drain()).map(|(_, member)| member).collect();
        for member in gone {
            self.forget_member(peer, member, false);
        }
        // what it said before is said first
        self.push(key, Todo::Close);
    }

    fn knock(
        &mut self,
        peer: RelayId,
        member: u32,
        (connection, address): (u64, IpAddr),
        (name, words): (&[u8], &[u8]),
        now: u64,
    ) {
        if self.here.get(name) != Some(&false) {
            return self.say(peer, &Record::Refused { member, code: 1, words: &[] }, now);
        }
        let double = self.peer(peer, now).doubles.get(&connection).copied();
        let key = double.unwrap_or_else(|| {
            let (entered, tags) = (HashMap::new(), HashMap::new());
            self.add(peer, Role::Double { connection, entered, tags, next_tag: 1 }, address)
        });
        self.peer(peer, now).doubles.insert(connection, key);
        let Some(StandIn { role: Role::Double { tags, next_tag, .. }, .. }) = self.get(key) else { return };
        let free = (0..=u8::MAX)
            .map(|step| next_tag.wrapping_add(step))
            .find(|tag| *tag != 0 && !tags.contains_key(tag));
        let Some(tag) = free else {
            return self.say(peer, &Record::Refused { member, code: 8, words: &[] }, now);
        };
        tags.insert(tag, member);
        *next_tag = tag.wrapping_add(1);
        self.peer(peer, now).hosted.insert(member, Member::new(key, Stage::Entering { tag }));
        if let (false, Some(head)) = (words.is_empty(), to_relay::command_head(Command::Words, words.len())) {
            self.push_bytes(key, &[&head, words]);
        }
        if let Some(head) = to_relay::name_command(Command::Enter, tag, name) {
            self.push_bytes(key, &[&head, name]);
        }
    }

    fn leave(&mut self, peer: RelayId, member: u32, code: u8) {
        let Some(found) = self.peers.get_mut(&peer).and_then(|peer| peer.hosted.get_mut(&member)) else {
            return;
        };
        found.ending = Some(code);
        let key = found.stand_in;
        match found.stage {
            Stage::Entering { tag } => self.push(key, Todo::LoseKnock(tag)),
            _ if found.is_carried() => self.end_hosted(peer, member),
            _ => {}
        }
    }

    /// A user of another relay leaves a channel of this one, behind all that it has said.
    fn end_hosted(&mut self, peer: RelayId, member: u32) {
        let Some(found) = self.forget_member(peer, member, false) else { return };
        let (key, at) = (found.stand_in, found.at);
        if let Some(StandIn { role: Role::Double { entered, .. }, .. }) = self.get(key) {
            entered.remove(&at);
        }
        if found.ending == Some(0) {
            self.push_bytes(key, &[&to_relay::number_command(Command::Leave, at)]);
        } else {
            self.push(key, Todo::LoseEntered(at));
        }
    }

    /// Whether a double that was to knock no more did knock.
    pub(crate) fn lost_knock(&mut self, key: Key, tag: u8, did_knock: bool) {
        if !did_knock {
            return; // the answer is under way, and it leaves when that has come
        }
        let Some(stand_in) = self.get(key) else { return };
        let peer = stand_in.peer;
        if let Role::Double { tags, .. } = &mut stand_in.role
            && let Some(member) = tags.remove(&tag)
        {
            self.forget_member(peer, member, false);
        }
    }

    fn member(&mut self, peer: RelayId, member: u32, is_guest: bool) -> Option<&mut Member> {
        let peer = self.peers.get_mut(&peer)?;
        if is_guest { peer.guests.get_mut(&member) } else { peer.hosted.get_mut(&member) }
    }

    /// Data comes from the other relay, for a user (`is_guest`) or for a server of this one.
    fn carry(&mut self, peer: RelayId, member: u32, is_guest: bool, payload: &[u8], now: u64) {
        let Some(found) = self.member(peer, member, is_guest) else { return };
        if found.ending.is_some() {
            return;
        }
        found.keep(payload);
        self.hand_on(peer, member, is_guest, now);
    }

    /// Hands on what waits, as far as the window of the receiver allows.
    fn hand_on(&mut self, peer: RelayId, member: u32, is_guest: bool, now: u64) {
        let Some(slot) = self.peers.get_mut(&peer) else { return };
        let found = if is_guest { slot.guests.get_mut(&member) } else { slot.hosted.get_mut(&member) };
        let Some(found) = found else { return };
        let Some(Some(stand_in)) = self.stand_ins.get_mut(found.stand_in) else { return };
        let (key, at) = (found.stand_in, found.at);
        let mut has_some = false;
        while let Some(piece) = found.next_piece() {
            if !matches!(stand_in.todo.back(), Some(Todo::Bytes(_))) {
                stand_in.todo.push_back(Todo::Bytes(Vec::new()));
            }
            let Some(Todo::Bytes(bytes)) = stand_in.todo.back_mut() else { break };
            let header = if is_guest {
                to_relay::data_from_server(0, at, piece.len())
            } else {
                to_relay::data_from_user(at, piece.len())
            };
            bytes.extend_from_slice(header.as_bytes());
            bytes.extend_from_slice(piece);
            found.pass();
            has_some = true;
        }
        let told = found.take_told();
        let is_over = found.ending.is_some() && found.is_carried();
        let ending = found.ending.unwrap_or_default();
        if has_some {
            self.list(key);
        }
        if told > 0 {
            let record = match is_guest {
                true => Record::UserTook { member, bytes: told },
                false => Record::ServerTook { member, bytes: told },
            };
            self.say(peer, &record, now);
        }
        if is_over && is_guest {
            self.end_guest(peer, member, ending);
        } else if is_over {
            self.end_hosted(peer, member);
        }
    }

    /// The other side has handed on so many bytes, or (0) asks for being told so.
    fn took(&mut self, peer: RelayId, member: u32, is_guest: bool, bytes: u32, now: u64) {
        let Some(found) = self.member(peer, member, is_guest) else { return };
        if bytes == 0 {
            found.is_asked = true;
            return self.hand_on(peer, member, is_guest, now);
        }
        found.outstanding = found.outstanding.saturating_sub(bytes);
        let (key, at) = (found.stand_in, found.at);
        if is_guest {
            self.push_bytes(key, &[&to_relay::grant_user(0, at, bytes)]);
        } else {
            self.push_bytes(key, &[&to_relay::grant_server(at, bytes)]);
        }
    }

    fn admitted(&mut self, peer: RelayId, member: u32, number: u8) {
        let Some(found) = self.member(peer, member, true) else { return };
        let Stage::Knocking { ticket } = found.stage else { return };
        found.stage = Stage::In;
        let (key, user) = (found.stand_in, found.at);
        self.push(key, Todo::Admit { user, ticket, number });
    }

    fn refused(&mut self, peer: RelayId, member: u32, code: u8, words: &[u8]) {
        let Some(found) = self.member(peer, member, true) else { return };
        let Stage::Knocking { ticket } = found.stage else { return };
        let (key, user) = (found.stand_in, found.at);
        self.forget_member(peer, member, true);
        self.push(key, Todo::Refuse { user, ticket, code, words: words.into() });
        self.forget_user(key, user);
    }

    fn gone(&mut self, peer: RelayId, member: u32, code: u8, now: u64) {
        let Some(found) = self.member(peer, member, true) else { return };
        found.ending = Some(code);
        self.hand_on(peer, member, true, now);
    }

    fn end_guest(&mut self, peer: RelayId, member: u32, code: u8) {
        let Some(found) = self.forget_member(peer, member, true) else { return };
        self.push(found.stand_in, Todo::EndUser { user: found.at, code });
        self.forget_user(found.stand_in, found.at);
    }

    /// A proxy has a user less. One without users goes, behind what it still has to say.
    fn forget_user(&mut self, key: Key, user: u8) {
        let Some(StandIn { role: Role::Proxy { name, members }, .. }) = self.get(key) else { return };
        members.remove(&user);
        if members.is_empty() {
            let name = name.clone();
            if self.proxies.get(&name) == Some(&key) {
                self.proxies.remove(&name);
            }
            self.push(key, Todo::Close);
        }
    }

    // ---- what the core says to stand-ins ----

    /// Makes records of what the core has said. `user` finds the connection and the address behind a user of a proxy's channel.
    pub(crate) fn pass_on(
        &mut self,
        now: u64,
        mut user: impl FnMut(ConnectionId, u8) -> Option<(ConnectionId, IpAddr)>,
    ) {
        for key in std::mem::take(&mut self.hearing) {
            let Some(stand_in) = self.get(key) else { continue };
            stand_in.has_heard = false;
            let (heard, id) = (std::mem::take(&mut stand_in.heard), stand_in.id);
            let (mut decoder, mut rest) = (Decoder::new(), &heard[..]);
            while let Some((used, unit)) = decoder.decode(rest) {
                rest = rest.get(used..).unwrap_or_default();
                let find = |number| id.and_then(|id| user(id, number));
                self.pass_on_one(key, &unit, find, now);
            }
            let mut heard = heard;
            heard.clear();
            if heard.capacity() <= 64 * 1024
                && let Some(stand_in) = self.get(key)
                && stand_in.heard.is_empty()
            {
                stand_in.heard = heard;
            }
        }
    }

    fn pass_on_one(
        &mut self,
        key: Key,
        unit: &Unit<'_>,
        user_of: impl FnOnce(u8) -> Option<(ConnectionId, IpAddr)>,
        now: u64,
    ) {
        let Some(stand_in) = self.get(key) else { return };
        let peer = stand_in.peer;
        match (&mut stand_in.role, *unit) {
            (Role::Proxy { members, .. }, Unit::FromUser { user, payload, .. }) => {
                let Some(member) = members.get(&user).copied() else { return };
                self.send(peer, member, true, payload.bytes(), now);
            }
            (Role::Double { entered, .. }, Unit::FromServer { channel, payload }) => {
                let Some(member) = entered.get(&channel).copied() else { return };
                self.send(peer, member, false, payload.bytes(), now);
            }
            (Role::Proxy { members, .. }, Unit::GrantFromUser { user, bytes, .. }) => {
                let Some(member) = members.get(&user).copied() else { return };
                self.granted(peer, member, true, bytes, now);
            }
            (Role::Double { entered, .. }, Unit::GrantFromServer { channel, bytes }) => {
                let Some(member) = entered.get(&channel).copied() else { return };
                self.granted(peer, member, false, bytes, now);
            }
            (Role::Proxy { name, .. }, Unit::Knock { user, ticket, window, words, .. }) => {
                let name = name.clone();
                let Some((connection, address)) = user_of(user) else { return };
                self.knocked(key, (user, ticket, window), (connection, address), &name, words.bytes(), now);
            }
            (Role::Proxy { members, .. }, Unit::UserGone { user, reason, .. }) => {
                let Some(member) = members.get(&user).copied() else { return };
                self.forget_member(peer, member, true);
                self.say(peer, &Record::Leave { member, code: reason }, now);
                self.forget_user(key, user);
            }
            (Role::Proxy { .. }, Unit::Refused { .. }) => self.fail(key, now),
            (Role::Double { entered, tags, .. }, Unit::Entered { tag, channel, user, window }) => {
                let Some(member) = tags.remove(&tag) else { return };
                entered.insert(channel, member);
                self.entered(peer, member, (channel, user, window), now);
            }
            (Role::Double { tags, .. }, Unit::Refused { tag, code, words }) => {
                let Some(member) = tags.remove(&tag) else { return };
                self.forget_member(peer, member, false);
                self.say(peer, &Record::Refused { member, code, words: words.bytes() }, now);
            }
            (Role::Double { entered, .. }, Unit::ChannelGone { channel, reason }) => {
                let Some(member) = entered.remove(&channel) else { return };
                self.forget_member(peer, member, false);
                self.say(peer, &Record::Gone { member, code: reason }, now);
            }
            // keepalives, answers to hello and create, and what does not concern stand-ins
            _ => {}
        }
    }

    /// Data of this relay goes across. One who has sent more than can be honest is in the channel no more.
    fn send(&mut self, peer: RelayId, member: u32, is_guest: bool, payload: &[u8], now: u64) {
        let Some(found) = self.member(peer, member, is_guest) else { return };
        if found.stage != Stage::In || found.ending.is_some() {
            return;
        }
        if !found.count_sent(payload.len()) {
            return self.end_liar(peer, member, is_guest, now);
        }
        if is_guest {
            self.say(peer, &Record::ToServer { member, payload }, now);
        } else {
            let mut list = Vec::with_capacity(5);
            super::record::put_number(&mut list, member);
            self.say(peer, &Record::ToUsers { members: &list, payload }, now);
        }
    }

    fn end_liar(&mut self, peer: RelayId, member: u32, is_guest: bool, now: u64) {
        if is_guest {
            self.say(peer, &Record::Leave { member, code: 3 }, now);
            self.end_guest(peer, member, 3);
        } else {
            self.say(peer, &Record::Gone { member, code: 3 }, now);
            if let Some(found) = self.member(peer, member, false) {
                found.ending = Some(3);
            }
            self.end_hosted(peer, member);
        }
    }

    fn granted(&mut self, peer: RelayId, member: u32, is_guest: bool, bytes: u32, now: u64) {
        let Some(found) = self.member(peer, member, is_guest) else { return };
        if bytes > 0 {
            found.window = found.window.saturating_add(i64::from(bytes));
            return self.hand_on(peer, member, is_guest, now);
        }
        // it waits for more than there is: the other side is to say all that it has handed on
        let record = match is_guest {
            true => Record::UserTook { member, bytes: 0 },
            false => Record::ServerTook { member, bytes: 0 },
        };
        // an ask goes where data goes
        self.say(peer, &record, now);
    }

    fn knocked(
        &mut self,
        key: Key,
        (user, ticket, window): (u8, u8, u32),
        (connection, address): (ConnectionId, IpAddr),
        name: &[u8],
        words: &[u8],
        now: u64,
    ) {
        let Some(stand_in) = self.get(key) else { return };
        let peer = stand_in.peer;
        let connection = packed(connection);
        let slot = self.peer(peer, now);
        slot.next_member = slot.next_member.wrapping_add(1);
        let member = slot.next_member;
        let mut new = Member::new(key, Stage::Knocking { ticket });
        (new.at, new.window) = (user, i64::from(window));
        slot.guests.insert(member, new);
        if let Some(StandIn { role: Role::Proxy { members, .. }, .. }) = self.get(key) {
            members.insert(user, member);
        }
        let relays = self.travellers.entry(connection).or_default();
        if !relays.contains(&peer) {
            relays.push(peer);
        }
        self.say(peer, &Record::Knock { member, connection, address, name, words }, now);
    }

    fn entered(&mut self, peer: RelayId, member: u32, (channel, user, window): (u8, u8, u32), now: u64) {
        let Some(found) = self.member(peer, member, false) else { return };
        (found.stage, found.at, found.window) = (Stage::In, channel, i64::from(window));
        if found.ending.is_some() {
            return self.end_hosted(peer, member);
        }
        self.say(peer, &Record::Admitted { member, number: user }, now);
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
