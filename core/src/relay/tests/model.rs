//! Arbitrary streams in arbitrary cuts against a reference that is as naive as possible: one byte at a time, names and
//! lists instead of tables, and queues without end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// What a receiver gets, in order: a control unit, or the payload of one unit of data behind its channel and user bytes.
#[derive(Debug)]
enum Item {
    Control(Vec<u8>),
    Data(Vec<u8>, VecDeque<u8>),
}

/// Numbers that are given out late.
#[derive(Debug, Default)]
struct Late<T> {
    used: BTreeMap<u8, T>,
    fresh: u16,
    free: VecDeque<u8>,
}

impl<T> Late<T> {
    fn take(&mut self, limit: u16, value: T) -> u8 {
        let number = if self.fresh < limit {
            self.fresh += 1;
            u8::try_from(self.fresh - 1).unwrap()
        } else {
            self.free.pop_front().unwrap()
        };
        self.used.insert(number, value);
        number
    }

    fn release(&mut self, number: u8) -> Option<T> {
        let value = self.used.remove(&number)?;
        self.free.push_back(number);
        Some(value)
    }
}

#[derive(Debug, Default)]
struct Endpoint {
    own: Late<Vec<u8>>,
    entered: Late<Vec<u8>>,
    head: Vec<u8>,
    left: usize,
    /// Who gets the unit under way: the membership, and where its bytes go.
    receivers: Vec<(u64, usize, Vec<u8>)>,
    first: bool,
}

#[derive(Debug)]
struct Member {
    id: u64,
    connection: usize,
    number_there: u8,
}

#[derive(Debug)]
struct Channel {
    server: usize,
    number: u8,
    users: Late<Member>,
}

#[derive(Debug, Default)]
struct Model {
    endpoints: BTreeMap<usize, Endpoint>,
    channels: BTreeMap<Vec<u8>, Channel>,
    queues: BTreeMap<usize, VecDeque<Item>>,
    members: u64,
    alive: BTreeSet<u64>,
}

impl Model {
    fn control(&mut self, to: usize, payload: &[u8]) {
        let mut bytes = std::vec![0, u8::try_from(payload.len()).unwrap()];
        bytes.extend(payload);
        self.queues.entry(to).or_default().push_back(Item::Control(bytes));
    }

    fn feed(&mut self, from: usize, bytes: &[u8]) {
        for byte in bytes {
            let endpoint = self.endpoints.get_mut(&from).unwrap();
            if endpoint.left == 0 {
                endpoint.head.push(*byte);
                self.head(from);
            } else {
                endpoint.left -= 1;
                if core::mem::take(&mut endpoint.first) {
                    self.start(from);
                }
                self.data(from, *byte);
            }
        }
    }

    fn data(&mut self, from: usize, byte: u8) {
        let endpoint = &self.endpoints[&from];
        for (id, to, head) in &endpoint.receivers {
            if self.alive.contains(id) {
                let queue = self.queues.entry(*to).or_default();
                // the item of this unit is the last of its kind
                let item = queue.iter_mut().rev().find_map(|item| match item {
                    Item::Data(other, bytes) if other == head => Some(bytes),
                    _ => None,
                });
                match item {
                    Some(bytes) if bytes.len() < 40_000 => bytes.push_back(byte),
                    _ => queue.push_back(Item::Data(head.clone(), VecDeque::from([byte]))),
                }
            }
        }
    }

    /// Another byte of something that is not payload.
    fn head(&mut self, from: usize) {
        let endpoint = self.endpoints.get_mut(&from).unwrap();
        match *endpoint.head {
            [0, command, tag, len, ref payload @ ..] if payload.len() == usize::from(len) => {
                let payload = payload.to_vec();
                endpoint.head.clear();
                self.command(from, command, tag, &payload);
            }
            [0 | 1] | [0, ..] | [1, _] => {}
            _ => {
                let prefix = if endpoint.head[0] == 1 { 2 } else { 0 };
                let (size, at) = match endpoint.head[prefix..] {
                    [short @ 0..=127, ..] => (usize::from(short), prefix + 1),
                    [high, low, ..] => (usize::from(high & 127) * 256 + usize::from(low), prefix + 2),
                    _ => return,
                };
                if size > 0 && endpoint.head.len() == at {
                    return;
                }
                let names_user =
                    size > 0 && endpoint.head[at] >= 128 && (prefix == 0 || endpoint.head[1] == 0);
                let numbers = if size == 0 { 0 } else { 1 + usize::from(names_user) };
                if endpoint.head.len() < at + numbers {
                    return;
                }
                endpoint.left = size - numbers;
                endpoint.first = true;
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
        let mut receivers = Vec::new();
        if numbers[0] < 128 {
            if let Some(name) = endpoint.entered.used.get(&numbers[0]) {
                let channel = &self.channels[name];
                let (number, member) =
                    channel.users.used.iter().find(|(_, user)| user.connection == from).unwrap();
                receivers.push((member.id, channel.server, std::vec![channel.number | 128, *number]));
            }
        } else if let Some(name) = endpoint.own.used.get(&(numbers[0] & 127)) {
            for (number, user) in &self.channels[name].users.used {
                let meant = match mode {
                    None => numbers[1] == *number,
                    Some(0) => numbers[1] != *number,
                    Some(_) => true,
                };
                if meant {
                    receivers.push((user.id, user.connection, std::vec![user.number_there]));
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
        let result = match (command, payload) {
            (0, _) if self.channels.contains_key(payload) => Err(2),
            (0, _) => {
                let number = endpoint.own.take(128, payload.to_vec());
                let channel = Channel {
                    server: from,
                    number,
                    users: Late { used: BTreeMap::new(), fresh: 0, free: VecDeque::new() },
                };
                self.channels.insert(payload.to_vec(), channel);
                Ok((number, None))
            }
            (1, _) => match self.channels.get_mut(payload) {
                None => Err(1),
                Some(channel) if channel.server == from => Err(2),
                Some(channel) if channel.users.used.values().any(|user| user.connection == from) => Err(3),
                Some(channel) => {
                    let number_there = endpoint.entered.take(128, payload.to_vec());
                    self.members += 1;
                    self.alive.insert(self.members);
                    let user =
                        channel.users.take(256, Member { id: self.members, connection: from, number_there });
                    Ok((number_there, Some((channel.server, channel.number, user))))
                }
            },
            (2, [number]) => return self.leave(from, *number, 0),
            (3, [number]) => return self.delete(from, *number, 0),
            _ => return,
        };
        if tag != 0 {
            match result {
                Ok((number, _)) => self.control(from, &[tag, 0, number]),
                Err(code) => self.control(from, &[tag, 1, code]),
            }
        }
        if let Ok((_, Some((server, channel, user)))) = result {
            self.control(server, &[0, 0, channel, user]);
        }
    }

    fn leave(&mut self, from: usize, number: u8, reason: u8) {
        let Some(name) = self.endpoints.get_mut(&from).unwrap().entered.release(number) else { return };
        let channel = self.channels.get_mut(&name).unwrap();
        let (&user, _) = channel.users.used.iter().find(|(_, user)| user.connection == from).unwrap();
        let member = channel.users.release(user).unwrap();
        self.alive.remove(&member.id);
        let event = [0, 1, channel.number, user, reason];
        let server = channel.server;
        self.control(server, &event);
    }

    fn delete(&mut self, from: usize, number: u8, reason: u8) {
        let Some(name) = self.endpoints.get_mut(&from).unwrap().own.release(number) else { return };
        for user in self.channels.remove(&name).unwrap().users.used.values() {
            self.alive.remove(&user.id);
            self.endpoints.get_mut(&user.connection).unwrap().entered.release(user.number_there);
            self.control(user.connection, &[0, 2, user.number_there, reason]);
        }
    }

    fn disconnect(&mut self, from: usize) {
        for number in 0..128 {
            self.leave(from, number, 1);
        }
        for number in 0..128 {
            self.delete(from, number, 1);
        }
        self.endpoints.insert(from, Endpoint::default());
        self.queues.remove(&from);
    }

    /// Takes what `unit` says out of a queue; panics if it is not what comes next there.
    fn expect(&mut self, of: usize, unit: Unit<'_>, bytes: &[u8]) {
        let queue = self.queues.entry(of).or_default();
        let (head, payload) = match unit {
            Unit::FromServer { channel, payload } => (std::vec![channel], payload),
            Unit::FromUser { channel, user, payload } => (std::vec![channel | 128, user], payload),
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

    fn is_empty(&self, of: usize) -> bool {
        self.queues.get(&of).is_none_or(|queue| {
            queue.iter().all(|item| matches!(item, Item::Data(_, bytes) if bytes.is_empty()))
        })
    }
}

/// What an endpoint sends. Most of it makes sense.
fn unit() -> impl Strategy<Value = Vec<u8>> {
    let name =
        prop_oneof![Just(b"a".to_vec()), Just(b"b".to_vec()), Just(Vec::new()), Just(std::vec![b'n'; 200])];
    let number = prop_oneof![4 => 0u8..3, 1 => 0u8..=127];
    let user = prop_oneof![4 => 0u8..4, 1 => any::<u8>()];
    let len = prop_oneof![8 => 0usize..40, 4 => 100usize..140, 2 => 0usize..3000, 1 => 32_700usize..=32_765];
    let command = (0u8..2, 0u8..4, name).prop_map(|(command, tag, name)| {
        [&[0, command, tag, u8::try_from(name.len()).unwrap()][..], &name].concat()
    });
    let end = (2u8..4, prop_oneof![6 => Just(1usize), 1 => 0usize..5], number.clone()).prop_map(
        |(command, len, number)| {
            [&[0, command, 0, u8::try_from(len).unwrap()][..], &std::vec![number; len]].concat()
        },
    );
    let data = (0u8..4, number, user, len, any::<u8>(), any::<bool>()).prop_map(
        |(kind, number, user, len, start, long)| {
            let numbers: &[u8] = match kind {
                0 => &[number],
                2 => &[number | 128],
                _ => &[number | 128, user],
            };
            let size = numbers.len() + len;
            let mut bytes = match kind {
                2 => std::vec![1, 1],
                3 => std::vec![1, 0],
                _ => Vec::new(),
            };
            if size < 128 && !long && (size > 1 || kind >= 2) {
                bytes.push(u8::try_from(size).unwrap());
            } else {
                bytes.extend((u16::try_from(size).unwrap() | 0x8000).to_be_bytes());
            }
            bytes.extend(numbers);
            bytes.extend((0..len).map(|i| start.wrapping_add(i.to_le_bytes()[0])));
            bytes
        },
    );
    // short broadcasts one behind the other, now and then to somebody else
    let broadcasts = proptest::collection::vec((0u8..8, 1u8..30, any::<u8>()), 1..60).prop_map(|units| {
        let one = |(to, len, byte): (u8, u8, u8)| {
            let excluded: &[u8] = if to < 2 { &[to] } else { &[] };
            let numbers = [&[128][..], excluded].concat();
            let size = len + u8::try_from(numbers.len()).unwrap();
            [&[1, u8::from(to >= 2), size][..], &numbers, &std::vec![byte; len.into()]].concat()
        };
        units.into_iter().flat_map(one).collect()
    });
    let nothing = prop_oneof![Just(std::vec![0x80, 0]), Just(std::vec![1, 1, 0x80, 0])];
    let nonsense = proptest::collection::vec(any::<u8>(), 1..12);
    prop_oneof![6 => command, 2 => end, 12 => data, 3 => broadcasts, 1 => nothing, 1 => nonsense]
}

#[derive(Clone, Debug)]
enum Step {
    Queue(usize, Vec<u8>),
    Present(usize, usize),
    Drain(usize),
    Disconnect(usize),
}

const CONNECTIONS: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let connection = 0..CONNECTIONS;
    prop_oneof![
        12 => (connection.clone(), unit()).prop_map(|(from, unit)| Step::Queue(from, unit)),
        6 => (connection.clone(), 1usize..20).prop_map(|(from, len)| Step::Present(from, len)),
        12 => (connection.clone(), Just(100_000)).prop_map(|(from, len)| Step::Present(from, len)),
        4 => connection.clone().prop_map(Step::Drain),
        1 => connection.prop_map(Step::Disconnect),
    ]
}

/// A relay and the reference beside it.
struct Both {
    world: World,
    model: Model,
    outboxes: Vec<Vec<u8>>,
}

impl Both {
    fn new(bound: usize, cut: usize) -> Self {
        let mut world = World::new(CONNECTIONS);
        (world.host.bound, world.host.cut) = (bound, cut);
        let mut model = Model::default();
        model.endpoints.extend((0..CONNECTIONS).map(|connection| (connection, Endpoint::default())));
        Self { world, model, outboxes: std::vec![Vec::new(); CONNECTIONS] }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Queue(from, bytes) => self.outboxes[from].extend(bytes),
            Step::Present(from, len) => {
                self.present(from, len);
            }
            Step::Drain(of) => self.drain(of),
            Step::Disconnect(connection) => self.disconnect(connection),
        }
    }

    /// Says whether that got anything done.
    fn present(&mut self, from: usize, len: usize) -> bool {
        let input = self.outboxes[from].clone();
        let input = input.get(..len).unwrap_or(&input);
        let Received { used, outcome } = self.world.receive(from, input);
        self.model.feed(from, &input[..used]);
        self.outboxes[from].drain(..used);
        match outcome {
            Outcome::NeedMore => assert!(input.len() - used <= MAX_REST),
            Outcome::WaitFor(_) => {}
            Outcome::Later => panic!("nobody said so"),
            Outcome::Close(_) => self.disconnect(from),
        }
        let bound = self.world.host.bound + 7 * self.world.relay.memberships().max(CONNECTIONS * 4);
        assert!(
            self.world.host.queues.iter().all(|queue| queue.len() <= bound),
            "a queue is above its bound"
        );
        used > 0
    }

    fn drain(&mut self, of: usize) {
        let queue = self.world.take(of);
        let mut decoder = Decoder::new();
        let mut rest = &queue[..];
        while let Some((used, unit)) = decoder.decode(rest) {
            assert_ne!(unit, Unit::Unknown);
            self.model.expect(of, unit, &rest[..used]);
            rest = &rest[used..];
        }
        assert!(
            rest.is_empty() && decoder.is_between_units() && self.model.is_empty(of),
            "something is missing"
        );
    }

    fn disconnect(&mut self, connection: usize) {
        self.drain(connection);
        self.world.disconnect(connection);
        self.model.disconnect(connection);
        self.outboxes[connection].clear();
        self.world.ids[connection] = self.world.relay.connect().unwrap();
    }

    /// Everything that is still under way arrives.
    fn finish(&mut self) {
        let mut busy = true;
        while busy {
            busy = false;
            for connection in 0..CONNECTIONS {
                (0..CONNECTIONS).for_each(|connection| self.drain(connection));
                busy |= self.present(connection, usize::MAX);
            }
        }
        assert!(
            self.outboxes.iter().all(|outbox| outbox.len() <= MAX_REST),
            "somebody waits though all queues are empty"
        );
        assert_eq!(self.world.relay.channels(), self.model.channels.len());
        (0..CONNECTIONS).for_each(|connection| self.disconnect(connection));
        assert_eq!((self.world.relay.channels(), self.world.relay.memberships()), (0, 0));
        assert_eq!(self.world.relay.connections(), CONNECTIONS);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_comes_in_whatever_cuts_is_routed_as_by_the_reference(
        steps in proptest::collection::vec(step(), 1..150),
        bound in prop_oneof![Just(300usize), Just(5_000), Just(1 << 20)],
        cut in prop_oneof![Just(0usize), Just(100), Just(256)],
    ) {
        let mut both = Both::new(bound, cut);
        // so that most cases have somebody to talk to
        for (connection, bytes) in [(0, &b"\0\0\x01\x01a"[..]), (1, b"\0\x01\x01\x01a"), (2, b"\0\x01\x01\x01a")] {
            both.step(Step::Queue(connection, bytes.to_vec()));
            both.step(Step::Present(connection, 100));
        }
        steps.into_iter().for_each(|step| both.step(step));
        both.finish();
    }

    #[test]
    fn nonsense_never_panics_and_uses_all_but_the_start_of_a_unit(
        streams in proptest::collection::vec((0..CONNECTIONS, proptest::collection::vec(prop_oneof![any::<u8>(), 0u8..4], 0..200)), 1..40),
    ) {
        let mut both = Both::new(500, 64);
        for (connection, bytes) in streams {
            both.step(Step::Queue(connection, bytes));
            both.step(Step::Present(connection, 150));
        }
        both.finish();
    }

    #[test]
    fn every_cut_of_a_stream_has_the_same_result(
        units in proptest::collection::vec(unit(), 1..20),
        cuts in proptest::collection::vec(1usize..50, 1..100),
    ) {
        let stream = units.concat();
        let mut results = Vec::new();
        for cuts in [&[usize::MAX][..], &[1], &cuts] {
            let mut world = World::with_channel(3);
            world.send(0, b"\0\0\x01\x01b\0\x01\x01\0");
            let mut cuts = cuts.iter().cycle();
            let (mut at, mut end) = (0, 0);
            while end < stream.len() {
                end = end.saturating_add(*cuts.next().unwrap()).min(stream.len());
                let received = world.receive(0, &stream[at..end]);
                at += received.used;
                if received.outcome != Outcome::NeedMore {
                    break;
                }
            }
            let own = world.take(0);
            let others: Vec<_> = (1..3).map(|connection| world.take_data(connection)).collect();
            results.push((at, own, others, world.relay.channels(), world.relay.memberships()));
        }
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0], results[2]);
    }
}
