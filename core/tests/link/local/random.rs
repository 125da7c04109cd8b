//! Random lives of channels with local and remote users, against a simple model: a queue for each
//! sender and receiver.

use core::num::NonZeroU16;
use std::collections::VecDeque;

use peote_net::Reason;
use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, Flow, OwnChannel, SendError, SimulatedLine, Source, User,
};
use peote_net::protocol::to_endpoint;
use peote_net::protocol::to_relay::{Decoder, Unit};
use peote_net::time::Duration;
use proptest::prelude::*;
use proptest::sample::Index;

use super::support::*;
use crate::support::{chunk, from_user};

#[derive(Clone, Debug)]
enum Step {
    Create(u8),
    Enter(u8),
    Delete(Index),
    Leave(Index),
    Up(Index, usize),
    Down(Index, usize),
    Broadcast(Index, Option<Index>, usize),
    RemoteEnters(Index),
    RemoteSays(Index, usize),
    Simulate(Index, u64, u32),
    /// The relay answers what it has been asked.
    Answer,
    /// Time passes, and one poll.
    Poll(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = any::<Index>;
    let len = || prop_oneof![4 => 1usize..60, 1 => 1usize..450];
    let step = prop_oneof![
        3 => (0u8..4).prop_map(Step::Create),
        6 => (0u8..4).prop_map(Step::Enter),
        1 => index().prop_map(Step::Delete),
        3 => index().prop_map(Step::Leave),
        12 => (index(), len()).prop_map(|(who, len)| Step::Up(who, len)),
        12 => (index(), len()).prop_map(|(who, len)| Step::Down(who, len)),
        6 => (index(), prop::option::of(index()), len()).prop_map(|(who, but, len)| Step::Broadcast(who, but, len)),
        3 => index().prop_map(Step::RemoteEnters),
        4 => (index(), len()).prop_map(|(who, len)| Step::RemoteSays(who, len)),
        2 => (index(), 0u64..200, prop_oneof![Just(0u32), 100u32..5000]).prop_map(|(who, lag, bps)| Step::Simulate(who, lag, bps)),
        5 => Just(Step::Answer),
        14 => (0u64..40).prop_map(Step::Poll),
    ];
    prop::collection::vec(step, 1..200)
}

#[derive(Clone, Debug)]
struct Own {
    channel: OwnChannel,
    name: u8,
    /// The number on the wire, once it is open.
    number: Option<u8>,
    remote: Vec<u8>,
}

/// One user's time in a channel.
#[derive(Debug)]
struct Membership {
    own: OwnChannel,
    entered: EnteredChannel,
    /// As which user the server knows it, from its coming to its going.
    user: Option<User>,
    /// The server will hear of nothing more: it has heard of the end, or made it.
    served: bool,
    /// The user has left, or heard of the end.
    left: bool,
    open: bool,
    /// The server has deleted the channel, and the user has not heard of it.
    deleted: bool,
    up: VecDeque<Vec<u8>>,
    down: VecDeque<Vec<u8>>,
}

struct Life {
    rig: LocalRig,
    face: Face,
    owns: Vec<Own>,
    members: Vec<Membership>,
    /// What each remote user has said: number, user, chunk.
    remote: VecDeque<(u8, u8, Vec<u8>)>,
    /// Names at the relay, and the answers it owes.
    names: Vec<(u8, u8)>,
    owed: Vec<(u8, Vec<u8>)>,
    wire: Decoder,
    name: Vec<u8>,
    number: u8,
    counter: u8,
    events: usize,
    again: usize,
    /// Broadcasts on the wire: made, and seen.
    broadcasts: (usize, usize),
}

fn pick<T: Clone>(index: &Index, from: &[T]) -> Option<T> {
    (!from.is_empty()).then(|| index.get(from).clone())
}

impl Life {
    fn new(face: Face, again: usize) -> Self {
        Self {
            rig: rig(),
            face,
            owns: Vec::new(),
            members: Vec::new(),
            remote: VecDeque::new(),
            names: Vec::new(),
            owed: Vec::new(),
            wire: Decoder::new(),
            name: Vec::new(),
            number: 0,
            counter: 0,
            events: 0,
            again,
            broadcasts: (0, 0),
        }
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        self.counter = self.counter.wrapping_add(1);
        (0..len).map(|at| u8::try_from((at + usize::from(self.counter)) & 255).unwrap()).collect()
    }

    fn open(&self) -> Vec<Own> {
        self.owns.iter().filter(|own| own.number.is_some()).cloned().collect()
    }

    /// Those that can send, by their own knowledge.
    fn can_send(&self) -> Vec<EnteredChannel> {
        self.members.iter().filter(|m| m.open && !m.left).map(|m| m.entered).collect()
    }

    /// Those that the server knows.
    fn known(&self) -> Vec<(OwnChannel, User)> {
        self.members.iter().filter(|m| m.served).filter_map(|m| Some((m.own, m.user?))).collect()
    }

    fn member(&mut self, entered: EnteredChannel) -> &mut Membership {
        self.members.iter_mut().find(|m| m.entered == entered).expect("a member")
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Create(name) => {
                match self.rig.out().create([*name], CHUNKS) {
                    Ok(channel) => {
                        self.owns.push(Own { channel, name: *name, number: None, remote: Vec::new() });
                    }
                    // those that are given up while they are being created take places as well
                    Err(error) => {
                        assert!(matches!(error, SendError::TooManyOwnChannels | SendError::WouldBlock));
                    }
                }
            }
            Step::Enter(name) => self.enter(*name),
            Step::Delete(index) => {
                let Some(own) = pick(index, &self.owns) else { return };
                let deleted = self.rig.out().delete(own.channel);
                if deleted == Err(SendError::WouldBlock) {
                    return;
                }
                assert_eq!(deleted, Ok(()));
                self.owns.retain(|other| other.channel != own.channel);
                for member in self.members.iter_mut().filter(|m| m.own == own.channel) {
                    member.served = false;
                    member.user = None;
                    member.deleted = true;
                    member.up.clear();
                }
                self.members.retain(|m| !(m.left && m.deleted));
            }
            Step::Leave(index) => {
                let all: Vec<_> = self.members.iter().filter(|m| !m.left).map(|m| m.entered).collect();
                let Some(entered) = pick(index, &all) else { return };
                self.rig.out().leave(entered).unwrap();
                let waits = self.owns.iter().filter(|own| own.number.is_none()).map(|own| own.channel);
                let waits: Vec<OwnChannel> = waits.collect();
                let member = self.member(entered);
                member.left = true;
                member.down.clear();
                // nobody has heard of it, and nobody will
                member.deleted |= waits.contains(&member.own);
                self.members.retain(|m| !(m.left && m.deleted));
            }
            Step::Up(index, len) => {
                let Some(entered) = pick(index, &self.can_send()) else { return };
                let bytes = self.bytes(*len);
                if self.sent(Destination::Server(entered), &bytes) {
                    let member = self.member(entered);
                    if !member.deleted {
                        member.up.push_back(bytes);
                    }
                }
            }
            Step::Down(index, len) => {
                let Some((own, user)) = pick(index, &self.known()) else { return };
                let bytes = self.bytes(*len);
                if self.sent(Destination::User(own, user), &bytes) {
                    let member =
                        self.members.iter_mut().find(|m| m.own == own && m.user == Some(user)).unwrap();
                    if !member.left {
                        member.down.push_back(bytes);
                    }
                }
            }
            Step::Broadcast(index, but, len) => {
                let Some(own) = pick(index, &self.open()) else { return };
                let known: Vec<User> = self.rig.out().users(own.channel).collect();
                let but = but.and_then(|but| pick(&but, &known));
                let to =
                    but.map_or(Destination::All(own.channel), |but| Destination::AllBut(own.channel, but));
                let bytes = self.bytes(*len);
                if self.sent(to, &bytes) {
                    self.broadcasts.0 += 1;
                    let reached = |m: &&mut Membership| {
                        m.own == own.channel && m.served && m.user.is_some() && m.user != but && !m.left
                    };
                    for member in self.members.iter_mut().filter(reached) {
                        member.down.push_back(bytes.clone());
                    }
                }
            }
            Step::RemoteEnters(index) => {
                let Some(own) = pick(index, &self.open()) else { return };
                let user = u8::try_from(own.remote.len()).unwrap();
                if user < 1 {
                    self.rig.says(to_endpoint::user_entered(own.number.unwrap(), user));
                    let at = self.owns.iter().position(|other| other.channel == own.channel).unwrap();
                    self.owns[at].remote.push(user);
                }
            }
            Step::RemoteSays(index, len) => {
                let all: Vec<(u8, u8)> = self
                    .open()
                    .iter()
                    .flat_map(|own| own.remote.iter().map(|&user| (own.number.unwrap(), user)))
                    .collect();
                let Some((number, user)) = pick(index, &all) else { return };
                let bytes = self.bytes((*len).min(100));
                self.rig.says(from_user(number, user, &chunk(&bytes)));
                self.remote.push_back((number, user, bytes));
            }
            Step::Simulate(index, lag, bps) => {
                let Some(own) = pick(index, &self.owns) else { return };
                let line =
                    SimulatedLine::new().round_trip(Duration::from_millis(*lag)).bytes_per_second(*bps);
                self.rig.out().simulate(own.channel, line).unwrap();
            }
            Step::Answer => self.answer(),
            Step::Poll(millis) => {
                self.rig.now = self.rig.now + Duration::from_millis(*millis);
                self.poll();
            }
        }
    }

    fn sent(&mut self, to: Destination, bytes: &[u8]) -> bool {
        let possible = self.rig.out().can_send(to, bytes.len());
        let sent = self.rig.out().send(to, bytes);
        assert_eq!(possible, sent.is_ok());
        assert!(matches!(sent, Ok(()) | Err(SendError::WouldBlock)), "{sent:?} to {to:?}");
        possible
    }

    fn enter(&mut self, name: u8) {
        // the one that is open, else the one that was asked for first
        let mut those: Vec<&Own> = self.owns.iter().filter(|own| own.name == name).collect();
        those.sort_by_key(|own| own.number.is_none());
        let Some(own) = those.first().map(|own| own.channel) else { return };
        // one after the other, so that it is known who comes as whom
        if self.members.iter().any(|m| m.own == own && m.user.is_none() && !m.deleted) {
            return;
        }
        match self.rig.out().enter([name], CHUNKS) {
            Ok(entered) => self.members.push(Membership {
                own,
                entered,
                user: None,
                served: false,
                left: false,
                open: false,
                deleted: false,
                up: VecDeque::new(),
                down: VecDeque::new(),
            }),
            Err(error) => {
                assert_eq!(error, SendError::TooManyLocalUsers);
                assert!(self.members.len() >= 5, "only {} places are taken", self.members.len());
            }
        }
    }

    /// What the relay does with what it has been sent.
    fn answer(&mut self) {
        let outgoing = std::mem::take(&mut self.rig.script.outgoing);
        let mut rest = &outgoing[..];
        while let Some((used, unit)) = self.wire.decode(rest) {
            rest = &rest[used..];
            match unit {
                Unit::Command { command: 0, tag, payload } => {
                    self.name.extend(payload.bytes());
                    if payload.is_last() {
                        let name = std::mem::take(&mut self.name)[0];
                        if self.names.iter().any(|(other, _)| *other == name) {
                            self.owed.push((tag, to_endpoint::refused(tag, 2).to_vec()));
                        } else {
                            self.number = (self.number + 1) % 120;
                            self.names.push((name, self.number));
                            self.owed.push((tag, to_endpoint::success(tag, self.number).to_vec()));
                        }
                    }
                }
                Unit::Command { command: 3, payload, .. } => {
                    self.names.retain(|(_, number)| *number != payload.bytes()[0]);
                }
                Unit::ToAll { payload, .. } | Unit::ToAllBut { payload, .. } => {
                    self.broadcasts.1 += usize::from(payload.is_last());
                }
                other => panic!("what local users do is on the wire: {other:?}"),
            }
        }
        for (_, bytes) in std::mem::take(&mut self.owed) {
            self.rig.says(bytes);
        }
    }

    fn poll(&mut self) {
        let mut events: Vec<(Event<'static>, Vec<u8>)> = Vec::new();
        let (count, again) = (&mut self.events, self.again);
        let mut entered_again = Vec::new();
        drive(&mut self.rig, self.face, |event, _| {
            *count += 1;
            let can_wait = matches!(
                event,
                Event::Chunk { .. }
                    | Event::Opened { channel: Channel::Entered(_) }
                    | Event::UserEntered { .. }
            );
            if can_wait && again > 0 && *count % (again + 1) == 0 {
                if let Event::UserEntered { channel, user } = event {
                    entered_again.push((channel, user));
                }
                return Flow::Again;
            }
            events.push(match event {
                Event::Chunk { from, bytes } => (Event::Chunk { from, bytes: b"" }, bytes.to_vec()),
                Event::Opened { channel: Channel::Own(channel) } => {
                    (Event::Opened { channel: Channel::Own(channel) }, vec![])
                }
                Event::Refused { channel: Channel::Own(channel), reason, .. } => {
                    (Event::Refused { channel: Channel::Own(channel), reason, words: &[] }, vec![])
                }
                Event::UserEntered { channel, user } => (Event::UserEntered { channel, user }, vec![]),
                Event::UserGone { channel, user, reason } => {
                    (Event::UserGone { channel, user, reason }, vec![])
                }
                Event::Opened { channel: Channel::Entered(channel) } => {
                    (Event::Opened { channel: Channel::Entered(channel) }, vec![])
                }
                Event::Refused { channel: Channel::Entered(channel), reason, .. } => {
                    (Event::Refused { channel: Channel::Entered(channel), reason, words: &[] }, vec![])
                }
                Event::Closed { channel: Channel::Entered(channel), reason } => {
                    (Event::Closed { channel: Channel::Entered(channel), reason }, vec![])
                }
                other => panic!("{other:?}"),
            });
            Flow::Continue
        });
        for (event, bytes) in events {
            self.happened(event, bytes);
        }
        // the server has seen those as well, and broadcasts reach them
        for (channel, user) in entered_again {
            self.came(channel, user);
        }
    }

    fn came(&mut self, channel: OwnChannel, user: User) {
        if user.number() < 256 || self.members.iter().any(|m| m.own == channel && m.user == Some(user)) {
            return;
        }
        let member = self.members.iter_mut().find(|m| m.own == channel && m.user.is_none() && !m.deleted);
        let place = member.expect("somebody who has entered");
        place.user = Some(user);
        place.served = true;
    }

    fn happened(&mut self, event: Event<'static>, bytes: Vec<u8>) {
        match event {
            Event::Opened { channel: Channel::Own(channel) } => {
                let own = self.owns.iter_mut().find(|own| own.channel == channel).expect("wanted");
                let (_, number) = *self.names.iter().find(|(name, _)| *name == own.name).unwrap();
                assert_eq!(own.number.replace(number), None);
            }
            Event::Refused { channel: Channel::Own(channel), reason, .. } => {
                assert_eq!(reason, Reason::NameInUse);
                let before = self.owns.len();
                self.owns.retain(|own| own.channel != channel);
                assert_eq!(self.owns.len() + 1, before);
                self.members.iter_mut().filter(|m| m.own == channel).for_each(|m| m.deleted = true);
            }
            Event::Opened { channel: Channel::Entered(channel) } => {
                let member = self.member(channel);
                assert!(!member.left && !member.open);
                member.open = true;
            }
            Event::Refused { channel: Channel::Entered(channel), .. } => {
                let member = self.member(channel);
                assert!(!member.open && !member.left && member.user.is_none());
                member.left = true;
                member.deleted = true;
            }
            Event::Closed { channel: Channel::Entered(channel), reason } => {
                assert_eq!(reason, Reason::OnPurpose);
                let member = self.member(channel);
                assert!(member.deleted && !member.left);
                assert_eq!(member.down, VecDeque::<Vec<u8>>::new(), "said before the end, not heard");
                member.left = true;
            }
            Event::UserEntered { channel, user } => self.came(channel, user),
            Event::UserGone { channel, user, reason } => {
                assert_eq!(reason, Reason::OnPurpose);
                let member = self
                    .members
                    .iter_mut()
                    .find(|m| m.own == channel && m.user == Some(user))
                    .expect("known");
                assert!(member.left && member.served);
                assert_eq!(member.up, VecDeque::<Vec<u8>>::new(), "said before leaving, not heard");
                member.served = false;
                member.deleted = true;
            }
            Event::Chunk { from: Source::Server { channel }, .. } => {
                let member = self.member(channel);
                assert!(!member.left, "told after leaving");
                assert_eq!(member.down.pop_front(), Some(bytes));
            }
            Event::Chunk { from: Source::User { channel, user }, .. } if user.number() >= 256 => {
                let member = self
                    .members
                    .iter_mut()
                    .find(|m| m.own == channel && m.user == Some(user))
                    .expect("known");
                assert_eq!(member.up.pop_front(), Some(bytes));
            }
            Event::Chunk { from: Source::User { channel, user }, .. } => {
                let number = self.owns.iter().find(|own| own.channel == channel).unwrap().number.unwrap();
                // those of channels that were deleted meanwhile are passed over
                let at =
                    self.remote.iter().position(|(n, u, _)| *n == number && u16::from(*u) == user.number());
                assert_eq!(self.remote.remove(at.unwrap()).unwrap().2, bytes);
            }
            other => panic!("{other:?}"),
        }
        // over for both sides
        self.members.retain(|m| !(m.left && m.deleted));
    }

    /// Everything that is under way arrives, in a loop that sleeps.
    fn finish(&mut self) {
        self.again = 0;
        for _ in 0..10_000 {
            self.answer();
            self.poll();
            let readable = !self.rig.script.incoming.is_empty();
            if readable || self.rig.link.wants_write() || !self.rig.script.outgoing.is_empty() {
                continue;
            }
            let Some(deadline) = self.rig.link.next_deadline() else { break };
            self.rig.now = self.rig.now.max(deadline);
        }
        self.answer();
        assert_eq!(self.rig.link.next_deadline(), None, "comes to no end");
        for member in &self.members {
            assert!(member.open && member.served && !member.left && !member.deleted, "{member:?}");
            assert!(member.up.is_empty() && member.down.is_empty(), "not heard: {member:?}");
        }
        assert_eq!(self.broadcasts.0, self.broadcasts.1, "broadcasts on the wire");
        for own in self.owns.clone() {
            let mut users: Vec<User> =
                self.rig.out().users(own.channel).filter(|user| user.number() >= 256).collect();
            users.sort_unstable();
            let mut known: Vec<User> =
                self.members.iter().filter(|m| m.own == own.channel).filter_map(|m| m.user).collect();
            known.sort_unstable();
            assert_eq!(users, known);
        }
        // every place that is not taken is free
        if let Some(own) = self.open().first() {
            for _ in self.members.len()..5 {
                self.rig.out().enter([own.name], CHUNKS).unwrap();
            }
            assert_eq!(self.rig.out().enter([own.name], CHUNKS), Err(SendError::TooManyLocalUsers));
        }
    }
}

proptest! {
    #[test]
    fn a_life_with_local_and_remote_users(
        steps in steps(), next_event in any::<bool>(), again in 0usize..4, limit in 0u16..4
    ) {
        let mut life = Life::new(if next_event { Face::NextEvent } else { Face::Poll }, again);
        life.rig.link.set_event_limit(NonZeroU16::new(limit));
        for step in &steps {
            life.step(step);
        }
        life.finish();
    }
}
