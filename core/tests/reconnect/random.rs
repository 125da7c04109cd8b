//! Random lives of a list: whatever is lost and refused, each channel is open, being restored, or
//! given up, and nothing is told twice.

use std::collections::HashMap;

use peote_net::link::{Channel, Destination};
use peote_net::protocol::to_endpoint;
use peote_net::protocol::to_relay::Command;
use peote_net::reconnect::{ChannelState, Notice, Reconnect, Retry, Status};
use peote_net::time::Duration;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::Rig;

#[derive(Clone, Debug)]
enum Step {
    AddOwn(Retry),
    AddEntered(Retry),
    Remove(Index),
    Retry(Index),
    /// The next attempt is made, however late, and fails or not.
    Attempt(bool),
    Lose,
    /// The relay answers one of the commands: yes, or no and why.
    Answer(Index, Option<u8>),
    /// One of the entered channels is gone, and why.
    Gone(Index, u8),
    Turn(u64),
    /// So many events are kept from now on.
    Keep(usize),
    /// So many bytes can be written from now on.
    Room(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let retry = || prop::sample::select(vec![Retry::Never, Retry::IfOpenedBefore, Retry::Always]);
    let one = || any::<Index>();
    let step = prop_oneof![
        2 => retry().prop_map(Step::AddOwn),
        2 => retry().prop_map(Step::AddEntered),
        1 => one().prop_map(Step::Remove),
        1 => one().prop_map(Step::Retry),
        1 => Just(Step::Attempt(false)),
        4 => Just(Step::Attempt(true)),
        2 => Just(Step::Lose),
        8 => one().prop_map(|one| Step::Answer(one, None)),
        3 => (one(), 1u8..7).prop_map(|(one, code)| Step::Answer(one, Some(code))),
        2 => (one(), 0u8..3).prop_map(|(one, code)| Step::Gone(one, code)),
        6 => (0u64..300).prop_map(Step::Turn),
        1 => (0usize..4).prop_map(Step::Keep),
        1 => prop_oneof![0usize..20, Just(usize::MAX)].prop_map(Step::Room),
    ];
    prop::collection::vec(step, 0..120)
}

/// What the notices have said of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Restoring,
    Open,
    GivenUp,
}

/// The relay's end of the present connection.
#[derive(Debug, Default)]
struct Relay {
    /// Not answered yet: tag, command, name.
    asked: Vec<(u8, Command, Vec<u8>)>,
    /// Number, command that opened it, name.
    open: Vec<(u8, Command, Vec<u8>)>,
    next_number: u8,
}

#[derive(Debug)]
struct World {
    rig: Rig,
    relay: Relay,
    told: HashMap<Channel, (Told, bool)>,
    added: usize,
}

impl World {
    fn new(next_event: bool) -> Self {
        let mut rig = Rig::with(Reconnect::new(Rig::rules()));
        rig.next_event = next_event;
        Self { rig, relay: Relay::default(), told: HashMap::new(), added: 0 }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::AddOwn(retry) => self.add(true, retry),
            Step::AddEntered(retry) => self.add(false, retry),
            Step::Remove(one) => {
                if let Some(channel) = self.channel(one) {
                    self.remove(channel);
                }
            }
            Step::Retry(one) => {
                if let Some(channel) = self.channel(one) {
                    self.retry(channel);
                }
            }
            Step::Attempt(success) => {
                let Some(deadline) = self.rig.reconnect.next_deadline() else { return };
                if self.rig.wire.is_some() {
                    return;
                }
                self.rig.now = self.rig.now.max(deadline);
                if success {
                    self.relay = Relay::default();
                    self.rig.connect();
                } else {
                    assert!(self.rig.reconnect.start_attempt(self.rig.now));
                    self.rig.reconnect.failed(self.rig.now);
                }
            }
            Step::Lose => {
                if let Some(wire) = &mut self.rig.wire {
                    wire.closed = true;
                }
                self.turn();
            }
            Step::Answer(one, refusal) => {
                if self.rig.wire.is_some() && !self.relay.asked.is_empty() {
                    self.answer(one.index(self.relay.asked.len()), refusal);
                }
            }
            Step::Gone(one, code) => {
                let entered: Vec<usize> = (0..self.relay.open.len())
                    .filter(|&at| self.relay.open[at].1 == Command::Enter)
                    .collect();
                if self.rig.wire.is_none() || entered.is_empty() {
                    return;
                }
                let (number, ..) = self.relay.open.remove(entered[one.index(entered.len())]);
                self.rig.wire().incoming.extend(to_endpoint::channel_gone(number, code));
            }
            Step::Turn(millis) => {
                self.rig.pass(millis);
                self.turn();
            }
            Step::Keep(events) => self.rig.keep = events,
            Step::Room(bytes) => {
                if let Some(wire) = &mut self.rig.wire {
                    wire.room = bytes;
                }
            }
        }
    }

    fn remove(&mut self, channel: Channel) {
        if self.rig.remove(channel).is_ok() {
            self.told.remove(&channel).unwrap();
        }
    }

    fn retry(&mut self, channel: Channel) {
        assert!(self.rig.reconnect.retry(channel));
        let told = self.told.get_mut(&channel).unwrap();
        if told.0 == Told::GivenUp {
            told.0 = Told::Restoring;
        }
    }

    fn answer(&mut self, at: usize, refusal: Option<u8>) {
        let (tag, command, name) = self.relay.asked.remove(at);
        let answer = match refusal {
            Some(code) => to_endpoint::refused(tag, code),
            None => {
                // numbers are not reused: a leave command under way would mean somebody else
                let number = self.relay.next_number;
                self.relay.next_number += 1;
                self.relay.open.push((number, command, name));
                to_endpoint::success(tag, number)
            }
        };
        self.rig.wire().incoming.extend(answer);
    }

    fn add(&mut self, own: bool, retry: Retry) {
        let kind = if own { "own" } else { "entered" };
        let list = &self.rig.reconnect;
        let of_kind = |channel: &Channel| list.name(*channel).is_some_and(|name| name.starts_with(kind));
        if list.channels().filter(of_kind).count() == 4 || list.channels().count() == 6 {
            return; // the link has no more slots, or the list no more entries
        }
        let name = format!("{kind} {}", self.added);
        let Rig { reconnect, link, .. } = &mut self.rig;
        let (mut out, mode) = (link.out(), crate::support::MODE);
        let added = match own {
            true => reconnect.create(&mut out, name, mode).map(Channel::Own),
            false => reconnect.enter(&mut out, name, mode).map(Channel::Entered),
        };
        // slots of those that were left before the relay has answered are not free yet
        if let Ok(channel) = added {
            self.added += 1;
            assert!(reconnect.set_retry(channel, retry));
            assert_eq!(self.told.insert(channel, (Told::Restoring, false)), None, "a channel that was there");
        }
    }

    fn channel(&self, one: Index) -> Option<Channel> {
        let channels: Vec<Channel> = self.rig.reconnect.channels().collect();
        (!channels.is_empty()).then(|| channels[one.index(channels.len())])
    }

    fn turn(&mut self) {
        let notices = self.rig.turn();
        for notice in notices {
            self.hear(notice);
        }
        if self.rig.wire.is_some() {
            for asked in self.rig.asked() {
                self.ask(asked.tag, asked.command, asked.payload);
            }
        }
        self.check();
    }

    /// What a notice may say after what was said before.
    fn hear(&mut self, notice: Notice) {
        let (told, opened) = self.told.get_mut(&notice.channel()).expect("a notice of a channel of the list");
        *told = match (notice, *told) {
            (Notice::Opened { first, .. }, Told::Restoring) => {
                assert_eq!(first, !*opened, "{notice:?}");
                *opened = true;
                Told::Open
            }
            (Notice::Interrupted { .. }, Told::Open) => Told::Restoring,
            (Notice::Waiting { until, .. }, Told::Open | Told::Restoring) => {
                assert!(until <= self.rig.now + Duration::from_millis(1000), "{notice:?}");
                Told::Restoring
            }
            (Notice::GivenUp { .. }, Told::Open | Told::Restoring) => Told::GivenUp,
            (notice, told) => panic!("{notice:?} of a channel that is {told:?}"),
        };
    }

    /// Never for what the relay has been asked for, or has opened, already.
    fn ask(&mut self, tag: u8, command: Command, payload: Vec<u8>) {
        let opened_by = match command {
            Command::Create | Command::Enter => {
                let known =
                    self.relay.asked.iter().chain(&self.relay.open).any(|(.., name)| *name == payload);
                assert!(!known, "asked twice for {}", String::from_utf8_lossy(&payload));
                self.relay.asked.push((tag, command, payload));
                return;
            }
            Command::Delete => Command::Create,
            _ => Command::Enter,
        };
        self.relay.open.retain(|&(number, by, _)| (number, by) != (payload[0], opened_by));
    }

    fn check(&mut self) {
        assert_eq!(self.rig.reconnect.channels().count(), self.told.len());
        if self.rig.kept || self.rig.link.has_kept() {
            return; // something has happened that the program has not been told yet
        }
        for (&channel, &(told, _)) in &self.told {
            let state = self.rig.reconnect.state(channel).unwrap();
            match (state, told) {
                (ChannelState::Open, Told::Open) => {
                    let out = self.rig.link.out();
                    let valid = out.can_send(Destination::from(channel), 1);
                    assert!(valid || out.free() < 10, "{channel:?} is not open on the link");
                }
                (ChannelState::Waiting { .. } | ChannelState::Asked, Told::Restoring)
                | (ChannelState::GivenUp { .. }, Told::GivenUp) => {}
                other => panic!("{channel:?}: {other:?}"),
            }
        }
    }

    /// From now on nothing goes wrong: everything is back soon, and then there is nothing left to
    /// do.
    fn settle(&mut self) {
        self.rig.keep = 0;
        for turn in 0..1000 {
            self.step(&Step::Attempt(true));
            self.step(&Step::Room(usize::MAX));
            self.step(&Step::Turn(200));
            while self.rig.wire.is_some() && !self.relay.asked.is_empty() {
                self.answer(0, None);
            }
            let done = (Status::Connected, None);
            if turn > 3 && (self.rig.reconnect.status(), self.rig.reconnect.next_deadline()) == done {
                break;
            }
        }
        assert_eq!(
            (self.rig.reconnect.status(), self.rig.reconnect.next_deadline()),
            (Status::Connected, None)
        );
        for (told, _) in self.told.values() {
            assert_ne!(*told, Told::Restoring);
        }
        let open = self.told.values().filter(|(told, _)| *told == Told::Open).count();
        assert_eq!(open, self.relay.open.len(), "the relay knows of as many");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn every_channel_is_open_or_restored_or_given_up(steps in steps(), next_event: bool) {
        let mut world = World::new(next_event);
        for step in &steps {
            world.step(step);
        }
        world.settle();
    }
}
