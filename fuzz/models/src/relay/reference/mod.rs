//! A relay as naive as possible: one byte at a time, and names and lists instead of tables. How data
//! is cut, and how full queues are, it is shown; it says whether that may be.

mod awaited;
mod bounds;
mod doors;
mod grants;
mod windows;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use peote_net::protocol::to_endpoint::Unit;

pub(super) use bounds::{Ended, Piece, Seen};
use grants::Grants;
use windows::Sides;

/// An endpoint, and what data is headed with there: for its receiver, or by its sender.
type Key = (usize, Vec<u8>);

/// What a receiver gets, in order: a control unit, or the payload of one unit of data behind its
/// channel and user bytes.
#[derive(Debug)]
enum Item {
    Control(Vec<u8>),
    Data(Vec<u8>, VecDeque<u8>),
}

/// Milliseconds of a tick, and for how many of them a number rests.
const TICK: u64 = 1024;
const REST: u64 = 6;

/// Numbers that are given out late.
#[derive(Debug)]
struct Late<T> {
    used: BTreeMap<u8, T>,
    fresh: u16,
    /// In the order in which they became free, with the tick from which on each may be given again.
    free: VecDeque<(u8, u64)>,
}

impl<T> Default for Late<T> {
    fn default() -> Self {
        Self { used: BTreeMap::new(), fresh: 0, free: VecDeque::new() }
    }
}

impl<T> Late<T> {
    /// Whether a number can be taken.
    fn has_room(&self, limit: u16, now: u64) -> bool {
        self.fresh < limit || self.free.iter().any(|(_, from)| *from <= now / TICK)
    }

    fn take(&mut self, limit: u16, value: T, now: u64) -> u8 {
        let number = if self.fresh < limit {
            self.fresh += 1;
            u8::try_from(self.fresh - 1).unwrap()
        } else {
            // the oldest if it has rested, else the first that need not
            let place = self.free.iter().position(|(_, from)| *from <= now / TICK).unwrap();
            self.free.remove(place).unwrap().0
        };
        self.used.insert(number, value);
        number
    }

    /// Gives a number back, which rests unless nothing can be under way for it.
    fn release(&mut self, number: u8, rests: bool, now: u64) -> Option<T> {
        let value = self.used.remove(&number)?;
        self.free.push_back((number, if rests { now / TICK + REST } else { 0 }));
        Some(value)
    }
}

#[derive(Debug, Default)]
pub(super) struct Endpoint {
    own: Late<Vec<u8>>,
    entered: Late<Vec<u8>>,
    head: Vec<u8>,
    left: usize,
    /// Who gets the unit under way: the membership, and where its bytes go.
    receivers: Vec<(u64, usize, Vec<u8>)>,
    first: bool,
    announced: bool,
    stage: Stage,
    /// Of one that takes part, or is awaited.
    window: u32,
    /// Words that have come and belong to the command behind them, if it is to enter.
    words: Vec<u8>,
}

/// Whether an endpoint takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// It has given no command.
    #[default]
    New,
    /// It may still say so.
    Fresh,
    /// Its first command has said that it will; `order` says how many had before.
    Awaited {
        until: u64,
        order: u64,
    },
    Existing,
    Part,
}

#[derive(Debug)]
struct Member {
    id: u64,
    connection: usize,
    number_there: u8,
    /// Of one that is not in yet.
    knock: Option<doors::Knock>,
    left_out: bool,
    sides: Sides,
}

#[derive(Debug)]
pub(super) struct Channel {
    server: usize,
    number: u8,
    users: Late<Member>,
    blocked: BTreeSet<usize>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) endpoints: BTreeMap<usize, Endpoint>,
    pub(super) channels: BTreeMap<Vec<u8>, Channel>,
    queues: BTreeMap<usize, VecDeque<Item>>,
    members: u64,
    /// In milliseconds.
    pub(super) now: u64,
    alive: BTreeSet<u64>,
    /// The relay knows hello.
    pub(super) hello: bool,
    /// What the relay lets be under way to an existing endpoint.
    pub(super) window: u32,
    ticket: u8,
    /// How many endpoints have been awaited.
    begun: u64,
    /// What is still to be granted, by who is granted and where.
    grants: BTreeMap<Key, Grants>,
    /// What the relay has done in the call that is looked at.
    pub(super) seen: Seen,
}

impl Endpoint {
    /// Whether a broadcast of this mode names a user, who does not get it.
    fn names_user(&self, mode: u8) -> bool {
        mode == 0 || (mode == 3 && self.stage == Stage::Part)
    }
}

impl Model {
    fn control(&mut self, to: usize, payload: &[u8]) {
        let mut bytes = vec![0, u8::try_from(payload.len()).unwrap()];
        bytes.extend(payload);
        self.queues.entry(to).or_default().push_back(Item::Control(bytes));
    }

    /// Bytes have come from an endpoint: the first time it is told what the relay can do (remove:
    /// 1, block: 2, hello: 4).
    pub(super) fn announce(&mut self, to: usize) {
        if !core::mem::replace(&mut self.endpoints.get_mut(&to).unwrap().announced, true) {
            self.control(to, &[0, 255, 0x50, if self.hello { 7 } else { 3 }]);
        }
    }

    pub(super) fn feed(&mut self, from: usize, mut bytes: &[u8]) {
        while let [first, behind @ ..] = bytes {
            let endpoint = self.endpoints.get_mut(&from).unwrap();
            if endpoint.left == 0 {
                endpoint.head.push(*first);
                bytes = behind;
                self.head(from);
            } else {
                let (payload, behind) = bytes.split_at(endpoint.left.min(bytes.len()));
                endpoint.left -= payload.len();
                bytes = behind;
                if core::mem::take(&mut endpoint.first) {
                    self.start(from);
                }
                self.data(from, payload);
            }
        }
    }

    /// Whether `rest`, behind all that has been fed, begins with what makes a relay close the
    /// connection.
    pub(super) fn is_refused(&self, from: usize, rest: &[u8]) -> bool {
        let endpoint = &self.endpoints[&from];
        if endpoint.left > 0 || !endpoint.head.is_empty() {
            return false;
        }
        let (mode, data) = match *rest {
            [0, command, ..] => return command > if self.hello { 11 } else { 5 },
            [1, _, 0, ..] => return true,
            [1, mode, ref data @ ..] => (Some(mode), data),
            _ => (None, rest),
        };
        let (size, numbers) = match *data {
            [short @ 0..=127, ref numbers @ ..] => (usize::from(short), numbers),
            [high, low, ref numbers @ ..] => (usize::from(high & 127) * 256 + usize::from(low), numbers),
            _ => return false,
        };
        match (mode, numbers) {
            (_, []) => false,
            _ if size == 0 => false,
            (Some(_), [0..=127, ..]) => true,
            (None, [128..=255, ..]) => size == 1,
            (Some(mode), [128..=255, ..]) => endpoint.names_user(mode) && size == 1,
            _ => false,
        }
    }

    fn data(&mut self, from: usize, payload: &[u8]) {
        let receivers = self.endpoints[&from].receivers.clone();
        let mut overdrawn = Vec::new();
        for (id, to, head) in &receivers {
            if self.alive.contains(id) {
                let gone = self.goes(from, *id, &(*to, head.clone()), payload.len());
                let (payload, left) = payload.split_at(gone);
                if !left.is_empty() {
                    overdrawn.push((*id, *to, left.len()));
                }
                self.count(from, *id, *to, payload.len());
                let queue = self.queues.entry(*to).or_default();
                // the item of this unit is the last of its kind
                let item = queue.iter_mut().rev().find_map(|item| match item {
                    Item::Data(other, bytes) if other == head => Some(bytes),
                    _ => None,
                });
                match item {
                    Some(bytes) => bytes.extend(payload),
                    None => queue.push_back(Item::Data(head.clone(), payload.iter().copied().collect())),
                }
            }
        }
        self.end_overdrawn(overdrawn);
    }

    /// Another byte of something that is not payload.
    fn head(&mut self, from: usize) {
        let endpoint = self.endpoints.get_mut(&from).unwrap();
        match *endpoint.head {
            [0, command, tag, len, ref payload @ ..] if payload.len() == usize::from(len) => {
                let payload = payload.to_vec();
                endpoint.head.clear();
                self.begins(from, command, tag);
                if !matches!(command, 0 | 1 | 6) {
                    self.is_no_longer_fresh(from);
                }
                self.command(from, command, tag, &payload);
            }
            [0 | 1] | [0, ..] | [1, _] => {}
            _ => {
                self.is_no_longer_fresh(from);
                let endpoint = self.endpoints.get_mut(&from).unwrap();
                let prefix = if endpoint.head[0] == 1 { 2 } else { 0 };
                let (size, at) = match endpoint.head[prefix..] {
                    [short @ 0..=127, ..] => (usize::from(short), prefix + 1),
                    [high, low, ..] => (usize::from(high & 127) * 256 + usize::from(low), prefix + 2),
                    _ => return,
                };
                if size > 0 && endpoint.head.len() == at {
                    return;
                }
                let names_user = size > 0
                    && endpoint.head[at] >= 128
                    && (prefix == 0 || endpoint.names_user(endpoint.head[1]));
                let numbers = if size == 0 { 0 } else { 1 + usize::from(names_user) };
                if endpoint.head.len() < at + numbers {
                    return;
                }
                endpoint.left = size - numbers;
                endpoint.first = true;
                endpoint.words.clear();
                if endpoint.left == 0 {
                    endpoint.head.clear();
                }
            }
        }
    }

    /// The first byte of payload has come.
    fn start(&mut self, from: usize) {
        let endpoint = self.endpoints.get_mut(&from).unwrap();
        let head = core::mem::take(&mut endpoint.head);
        let mode = (head[0] == 1).then_some(head[1]);
        let sizes = &head[if mode.is_some() { 2 } else { 0 }..];
        let numbers = if sizes[0] < 128 { &sizes[1..] } else { &sizes[2..] };
        let names_user = mode.is_some_and(|mode| endpoint.names_user(mode));
        let ready = endpoint.stage == Stage::Part && matches!(mode, Some(2 | 3));
        let mut receivers = Vec::new();
        if numbers[0] < 128 {
            if let Some(name) = endpoint.entered.used.get(&numbers[0]) {
                let channel = &self.channels[name];
                let (number, member) =
                    channel.users.used.iter().find(|(_, user)| user.connection == from).unwrap();
                if member.knock.is_none() {
                    receivers.push((member.id, channel.server, vec![channel.number | 128, *number]));
                }
            }
        } else if let Some(name) = endpoint.own.used.get(&(numbers[0] & 127)) {
            for (number, user) in &self.channels[name].users.used {
                let meant = match mode {
                    None => numbers[1] == *number,
                    Some(_) => !names_user || numbers[1] != *number,
                };
                if meant && user.knock.is_none() && !(ready && user.left_out) {
                    receivers.push((user.id, user.connection, vec![user.number_there]));
                }
            }
        }
        for (_, to, head) in &receivers {
            self.queues.entry(*to).or_default().push_back(Item::Data(head.clone(), VecDeque::new()));
        }
        self.endpoints.get_mut(&from).unwrap().receivers = receivers;
    }

    fn command(&mut self, from: usize, command: u8, tag: u8, payload: &[u8]) {
        let endpoint = self.endpoints.get_mut(&from).unwrap();
        let words = core::mem::take(&mut endpoint.words);
        let takes_part = endpoint.stage == Stage::Part;
        let asked = self.channels.get(payload).map(|channel| self.endpoints[&channel.server].stage);
        let asked = command == 1 && asked == Some(Stage::Part);
        let endpoint = self.endpoints.get_mut(&from).unwrap();
        let now = self.now;
        let result = match (command, payload) {
            (0, _) if endpoint.own.used.len() == 128 => Err(1),
            (0, _) if self.channels.contains_key(payload) => Err(2),
            (0, _) => {
                let number = endpoint.own.take(128, payload.to_vec(), now);
                let channel =
                    Channel { server: from, number, users: Late::default(), blocked: BTreeSet::new() };
                self.channels.insert(payload.to_vec(), channel);
                Ok((number, None))
            }
            (1, _) => match self.channels.get_mut(payload) {
                None => Err(1),
                Some(channel) if channel.server == from => Err(2),
                Some(channel) if channel.users.used.values().any(|user| user.connection == from) => Err(3),
                Some(channel) if channel.blocked.contains(&from) => Err(6),
                Some(_) if endpoint.entered.used.len() == 128 => Err(5),
                Some(_) if !endpoint.entered.has_room(128, now) => Err(5),
                Some(channel) if !channel.users.has_room(256, now) => {
                    // both were asked, and the one that was there went back
                    let number = endpoint.entered.take(128, payload.to_vec(), now);
                    endpoint.entered.release(number, false, now);
                    Err(4)
                }
                Some(channel) => {
                    let number_there = endpoint.entered.take(128, payload.to_vec(), now);
                    self.members += 1;
                    let knock = asked.then(|| doors::Knock::new(tag, takes_part, now));
                    if !asked {
                        self.alive.insert(self.members);
                    }
                    let (id, left_out, sides) = (self.members, false, Sides::default());
                    let member = Member { id, connection: from, number_there, knock, left_out, sides };
                    let user = channel.users.take(256, member, now);
                    let server = (channel.server, channel.number, user);
                    if asked {
                        return self.knock(payload, user, &words);
                    }
                    self.begin(payload, user);
                    Ok((number_there, Some(server)))
                }
            },
            (2, [number]) if self.knocks(from, *number) => return,
            (2, [number]) => return self.leave(from, *number, 0),
            (3, [number]) => return self.delete(from, *number, 0),
            (4 | 5, [channel, user]) => return self.remove(from, *channel, *user, command == 5),
            (6, items) => return self.says_hello(from, items),
            (7, words) if takes_part && words.len() <= 200 => {
                self.endpoints.get_mut(&from).unwrap().words = words.to_vec();
                return;
            }
            (8, grant) if takes_part => return self.granted(from, grant),
            (9 | 10, verdict) if takes_part => return self.verdict(from, command == 9, verdict),
            (11, [channel, users @ ..]) if takes_part => return self.leave_out(from, *channel, users),
            _ => return,
        };
        if tag != 0 {
            match result {
                Ok((number, Some((server, _, user)))) if takes_part => {
                    let window = self.window_of(server);
                    self.control(from, &[&[tag, 0, number, user][..], &window.to_le_bytes()].concat());
                }
                Ok((number, _)) => self.control(from, &[tag, 0, number]),
                Err(code) => self.control(from, &[tag, 1, code]),
            }
        }
        if let Ok((_, Some((server, channel, user)))) = result {
            self.control(server, &[0, 0, channel, user]);
        }
    }

    fn leave(&mut self, from: usize, number: u8, reason: u8) {
        let now = self.now;
        let entered = &mut self.endpoints.get_mut(&from).unwrap().entered;
        let Some(name) = entered.release(number, false, now) else { return };
        let channel = self.channels.get_mut(&name).unwrap();
        let (&user, _) = channel.users.used.iter().find(|(_, user)| user.connection == from).unwrap();
        let member = channel.users.release(user, true, now).unwrap();
        self.alive.remove(&member.id);
        let event = [0, 1, channel.number, user, reason];
        let server = channel.server;
        self.control(server, &event);
    }

    fn remove(&mut self, from: usize, number: u8, user: u8, block: bool) {
        let now = self.now;
        let Some(name) = self.endpoints[&from].own.used.get(&number) else { return };
        let channel = self.channels.get_mut(name).unwrap();
        if channel.users.used.get(&user).is_some_and(|user| user.knock.is_some()) {
            return;
        }
        let Some(member) = channel.users.release(user, true, now) else { return };
        if block {
            channel.blocked.insert(member.connection);
        }
        self.alive.remove(&member.id);
        let entered = &mut self.endpoints.get_mut(&member.connection).unwrap().entered;
        entered.release(member.number_there, true, now);
        self.control(member.connection, &[0, 2, member.number_there, 2]);
        self.control(from, &[0, 1, number, user, 2]);
    }

    fn delete(&mut self, from: usize, number: u8, reason: u8) {
        let now = self.now;
        let own = &mut self.endpoints.get_mut(&from).unwrap().own;
        let Some(name) = own.release(number, false, now) else { return };
        for user in self.channels.remove(&name).unwrap().users.used.values() {
            self.alive.remove(&user.id);
            let entered = &mut self.endpoints.get_mut(&user.connection).unwrap().entered;
            entered.release(user.number_there, true, now);
            match &user.knock {
                Some(knock) => self.refused(user.connection, knock, 1, &[]),
                None => self.control(user.connection, &[0, 2, user.number_there, reason]),
            }
        }
    }

    pub(super) fn disconnect(&mut self, from: usize) {
        for number in 0..128 {
            self.leave(from, number, 1);
        }
        for number in 0..128 {
            self.delete(from, number, 1);
        }
        for channel in self.channels.values_mut() {
            channel.blocked.remove(&from);
        }
        self.endpoints.insert(from, Endpoint::default());
        self.queues.remove(&from);
    }

    /// Takes what `unit` says out of a queue; panics if it is not what comes next there.
    pub(super) fn expect(&mut self, of: usize, unit: Unit<'_>, bytes: &[u8]) {
        if self.is_grant(of, unit) {
            return;
        }
        let queue = self.queues.entry(of).or_default();
        let (head, payload) = match unit {
            Unit::FromServer { channel, payload } => (vec![channel], payload),
            Unit::FromUser { channel, user, payload } => (vec![channel | 128, user], payload),
            _ => {
                // what came of units before this one is used up
                queue.retain(|item| !matches!(item, Item::Data(_, bytes) if bytes.is_empty()));
                let Some(Item::Control(expected)) =
                    queue.iter().find(|item| matches!(item, Item::Control(_)))
                else {
                    panic!("{bytes:?} came out of nothing")
                };
                assert_eq!(expected, bytes);
                let at = queue.iter().position(|item| matches!(item, Item::Control(_))).unwrap();
                queue.remove(at);
                return;
            }
        };
        assert!(payload.is_whole() && !payload.bytes().is_empty(), "a unit is never forwarded empty");
        while let Some(at) =
            queue.iter().position(|item| matches!(item, Item::Data(other, _) if *other == head))
        {
            let Some(Item::Data(_, expected)) = queue.get_mut(at) else { unreachable!() };
            if expected.is_empty() {
                queue.remove(at); // that unit is over
                continue;
            }
            assert!(expected.len() >= payload.bytes().len(), "two units were merged");
            assert!(expected.drain(..payload.bytes().len()).eq(payload.bytes().iter().copied()));
            return;
        }
        panic!("{} bytes of {head:?} came out of nothing", payload.bytes().len());
    }

    pub(super) fn is_empty(&self, of: usize) -> bool {
        self.queues.get(&of).is_none_or(|queue| {
            queue.iter().all(|item| matches!(item, Item::Data(_, bytes) if bytes.is_empty()))
        })
    }
}
