//! Random lives of a link, under any cut and every manner of driving, against the model.

mod steps;

use core::num::NonZeroU16;
use std::collections::{HashMap, VecDeque};

use embedded_io::ErrorKind;
use peote_net::chunk::{ChunkLimit, Violation};
use peote_net::link::{Destination, Error, Event, Flow, Link, Mode, Out, SendError, Source, User};
use peote_net::protocol::to_endpoint;
use peote_net::protocol::to_relay::{Decoder, Unit};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::model::{Handle, Model, Speaker, merged};
use crate::support::{
    Heap, Rig, Seen, Sizes, by_party, from_server, from_user, without_grants, without_loss,
};
use steps::{Manner, Step, manners, steps};

/// A link with its model.
struct Life {
    rig: Rig<Heap>,
    model: Model,
    manner: Manner,
    /// What the relay has said and the link has not heard.
    said: Vec<u8>,
    /// What users and servers have begun to say: the rest of it.
    unsaid: HashMap<(u8, Option<u8>), Vec<u8>>,
    /// The number of the next channel.
    number: u8,
    /// What the link has told and has not been compared.
    seen: Vec<Seen>,
    /// What handlers have sent: to whom, and the bytes without their length.
    echoed: VecDeque<(Source, Vec<u8>)>,
    /// Events delivered, again or not.
    events: usize,
    /// An event was wanted again, for whatever reason.
    kept: bool,
    /// The same, since the link was compared with the model: others' events may have overtaken it.
    is_reordered: bool,
    /// Everything told and everything written so far.
    told: Vec<Seen>,
    written: Vec<u8>,
}

/// Numbers the relay gives out here. Few, so that they are used again.
const NUMBERS: u8 = 12;

/// Own channels a link can have here.
const OWN_CHANNELS: usize = 5;

/// Bytes of the transmit ring.
const RING: usize = 700;

impl Life {
    fn new(manner: Manner, places: usize) -> Self {
        let memory = Heap::new(Sizes {
            chunk_size: 300,
            own_channels: OWN_CHANNELS,
            parties: places,
            transmit: RING,
            receive: manner.receive,
            ..Sizes::default()
        });
        let mut link = Link::with_buffers(memory);
        link.set_event_limit(NonZeroU16::new(manner.limit));
        Self {
            rig: Rig { script: manner.script(), ..Rig::new(link) },
            model: Model::new(OWN_CHANNELS, places),
            manner,
            said: Vec::new(),
            unsaid: HashMap::new(),
            number: 0,
            seen: Vec::new(),
            echoed: VecDeque::new(),
            events: 0,
            kept: false,
            is_reordered: false,
            told: Vec::new(),
            written: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        if self.model.has_windows {
            return;
        }
        match step {
            Step::Create(mode) => match self.rig.out().create("c", *mode) {
                Ok(channel) => self.asked(Handle::Own(channel), *mode),
                Err(error) => {
                    assert_eq!((error, self.model.can_create()), (SendError::TooManyOwnChannels, false));
                }
            },
            Step::Enter(mode) => match self.rig.out().enter("e", *mode) {
                Ok(channel) => self.asked(Handle::Entered(channel), *mode),
                Err(error) => {
                    assert_eq!((error, self.model.can_enter()), (SendError::TooManyParties, false));
                }
            },
            Step::GiveUp(index) => {
                let handles = self.model.handles();
                if !handles.is_empty() {
                    let handle = *index.get(&handles);
                    match handle {
                        Handle::Own(channel) => self.rig.out().delete(channel).unwrap(),
                        Handle::Entered(channel) => self.rig.out().leave(channel).unwrap(),
                    }
                    self.model.give_up(handle);
                    self.write();
                }
            }
            Step::Answer(index, outcome) => {
                let tags = self.model.tags();
                if !tags.is_empty() {
                    let tag = *index.get(&tags);
                    self.number = (self.number + 1) % NUMBERS;
                    self.said.extend(match *outcome {
                        Ok(()) => to_endpoint::success(tag, self.number),
                        Err(code) => to_endpoint::refused(tag, code),
                    });
                }
            }
            Step::UserEnters(index, user) => {
                let numbers = self.model.own_numbers();
                if !numbers.is_empty() {
                    self.said.extend(to_endpoint::user_entered(*index.get(&numbers), *user));
                }
            }
            Step::UserGone(index, reason) => {
                let speakers = self.model.speakers();
                if let Some(&Speaker { number, user: Some(user), .. }) = pick(index, &speakers) {
                    self.said.extend(to_endpoint::user_gone(number, user, *reason));
                }
            }
            Step::Speaks { who, chunks, nonsense, now } => {
                let speakers = self.model.speakers();
                if let Some(speaker) = pick(who, &speakers) {
                    self.speaks(speaker, chunks, nonsense, now);
                }
            }
            Step::Says(bytes) => self.said.extend(bytes),
            Step::Hear => self.hear(),
            Step::Lose => self.lose(),
        }
    }

    fn speaks(&mut self, speaker: &Speaker, chunks: &[usize], nonsense: &[u8], now: &Index) {
        let Speaker { number, user, mode } = *speaker;
        let mut bytes = self.unsaid.remove(&(number, user)).unwrap_or_default();
        for &len in chunks {
            let limit = if let Mode::Chunks(limit) = mode { limit } else { ChunkLimit::new(9) };
            let len = len % limit.max() as usize + 1;
            bytes.extend(limit.encode_length(len).unwrap().as_bytes());
            bytes.extend((0..len).map(|i| u8::try_from((7 * i + len) & 255).unwrap()));
        }
        bytes.extend(nonsense);
        let unsaid = bytes.split_off(now.index(bytes.len()) + 1);
        self.unsaid.insert((number, user), unsaid);
        self.said.extend(match user {
            Some(user) => from_user(number, user, &bytes),
            None => from_server(number, &bytes),
        });
    }

    /// Writes what is queued; nothing is heard meanwhile.
    fn write(&mut self) {
        while self.rig.link.wants_write() {
            assert_eq!(self.drive(), Ok(()));
        }
    }

    /// A command has been queued: tells the model which tag it has.
    fn asked(&mut self, handle: Handle, mode: Mode) {
        self.write();
        let [.., tag, 1, b'c' | b'e'] = self.rig.script.outgoing[..] else { panic!("{:?}", self.rig.script) };
        self.model.asked(tag, handle, mode);
    }

    /// One poll, or its equal.
    fn drive(&mut self) -> Result<(), Error<ErrorKind>> {
        self.rig.script.room = self.manner.room;
        let (seen, echoed, events, again) =
            (&mut self.seen, &mut self.echoed, &mut self.events, self.manner.again);
        let (kept, is_reordered) = (&mut self.kept, &mut self.is_reordered);
        let has_windows = self.model.has_windows;
        let mut dealt_with = 0;
        let mut handler = |event: Event<'_>, out: &mut Out<'_>| {
            *events += 1;
            if again > 0 && *events % (again + 1) == 0 {
                (*kept, *is_reordered) = (true, true);
                return Flow::Again;
            }
            if let Event::Chunk { from, bytes } = event {
                let free = out.free();
                match out.send(from, bytes) {
                    // what goes to a party whose end has not been told is lost
                    Ok(()) if out.free() == free => assert!(cfg!(feature = "flow") && *kept),
                    Ok(()) => echoed.push_back((from, bytes.to_vec())),
                    // its window is used up, perhaps for ever
                    Err(SendError::WouldBlock) if free > bytes.len() + 20 => assert!(has_windows),
                    Err(error) => {
                        assert_eq!(error, SendError::WouldBlock);
                        (*kept, *is_reordered) = (true, true);
                        return Flow::Again;
                    }
                }
            }
            dealt_with += 1;
            seen.push(Seen::from(event));
            Flow::Continue
        };
        if !self.manner.next_event {
            let polled = self.rig.poll_once(handler);
            let limit = usize::from(self.manner.limit);
            assert!(polled.is_err() || limit == 0 || dealt_with <= limit);
            return polled;
        }
        while let Some((event, mut out)) = self.rig.link.next_event(&mut self.rig.script, self.rig.now)? {
            if handler(event, &mut out) == Flow::Again {
                out.again();
            }
        }
        Ok(())
    }

    fn hear(&mut self) {
        self.rig.script.incoming.extend(&self.said);
        let expected = self.model.hears(&std::mem::take(&mut self.said));
        self.is_reordered = false;
        let mut polls = 0;
        while !self.rig.script.incoming.is_empty()
            || self.rig.link.wants_write()
            || !self.rig.link.wants_read()
            || self.rig.link.has_kept()
            || self.rig.link.has_more()
        {
            polls += 1;
            assert!(polls < 100_000, "comes to no end");
            assert_eq!(self.drive(), Ok(()));
        }
        let seen = std::mem::take(&mut self.seen);
        self.told.extend_from_slice(&seen);
        let (seen, expected) = match self.is_reordered {
            false => (seen, expected),
            true => (by_party(seen), by_party(expected)),
        };
        let (seen, mut expected) = (merged(seen), merged(expected));
        self.silence_liars(&seen, &mut expected);
        assert_eq!(seen, expected, "{:?}", self.manner);
        self.check_outgoing();
    }

    /// Parties that have sent more than they may while an event of theirs was kept are heard as far
    /// as their slots reach.
    fn silence_liars(&mut self, seen: &[Seen], expected: &mut Vec<Seen>) {
        for event in seen {
            let Seen::Notice(Event::Malicious { from, violation: Violation::WindowExceeded }) = event else {
                continue;
            };
            assert!(self.kept, "nothing was kept");
            self.model.silence(*from);
            let of = |event: &Seen| match event {
                Seen::Data(other, bytes) => (other == from).then_some(bytes.len()),
                Seen::Chunk(other, _) | Seen::Notice(Event::Malicious { from: other, .. }) => {
                    (other == from).then_some(0)
                }
                _ => None,
            };
            // how many events, and how many bytes of raw data, have come before
            let heard: Vec<usize> = seen.iter().filter_map(of).collect();
            let mut heard = heard.into_iter();
            let mut is_over = false;
            expected.retain_mut(|event| {
                let Some(len) = of(event) else { return true };
                let Some(most) = heard.next().filter(|_| !is_over) else { return false };
                if let Seen::Data(_, bytes) = event
                    && most < len
                    && most > 0
                {
                    bytes.truncate(most);
                    return true;
                }
                if heard.len() == 0 {
                    // in place of what could not be followed
                    is_over = true;
                    *event =
                        Seen::Notice(Event::Malicious { from: *from, violation: Violation::WindowExceeded });
                }
                true
            });
            if !is_over {
                let at = seen.iter().position(|other| other == event).unwrap_or(expected.len());
                expected.insert(at.min(expected.len()), event.clone());
            }
        }
    }

    /// What was written since the last time: the echoes in their order, and, in any order, what was
    /// given back.
    fn check_outgoing(&mut self) {
        let outgoing = std::mem::take(&mut self.rig.script.outgoing);
        let (mut given_back, mut turned_away) = (Vec::new(), Vec::new());
        let mut decoder = Decoder::new();
        let mut rest = &outgoing[..];
        while let Some((used, unit)) = decoder.decode(rest) {
            rest = &rest[used..];
            let (from, payload) = match unit {
                // what the link says by itself to a relay that knows it, as this one can by chance
                Unit::Command { command: 0 | 1 | 6 | 8 | 9 | 10, .. } => continue,
                Unit::Command { command: 4, payload, .. } => {
                    turned_away.push(*payload.bytes().first_chunk().unwrap());
                    continue;
                }
                Unit::Command { command, tag, payload } => {
                    assert_eq!((tag, payload.total()), (0, 1));
                    given_back.push((command, payload.bytes()[0]));
                    continue;
                }
                Unit::ToServer { payload, .. } => (None, payload),
                Unit::ToUser { user, payload, .. } => (Some(User::new(user)), payload),
                unit => panic!("{unit:?}"),
            };
            let (source, bytes) = self.echoed.pop_front().expect("an echo");
            assert!(payload.is_whole() && payload.bytes().ends_with(&bytes));
            assert!((1..=2).contains(&(payload.total() - bytes.len())), "a length of 1 or 2 bytes");
            match source {
                Source::User { user, .. } => assert_eq!(from, Some(user)),
                Source::Server { .. } => assert_eq!(from, None),
            }
        }
        assert!(rest.is_empty() && decoder.is_between_units() && self.echoed.is_empty());
        given_back.sort_unstable();
        self.model.given_back.sort_unstable();
        assert_eq!(given_back, std::mem::take(&mut self.model.given_back));
        turned_away.sort_unstable();
        self.model.turned_away.sort_unstable();
        assert_eq!(turned_away, std::mem::take(&mut self.model.turned_away));
        self.written.extend(outgoing);
    }

    fn lose(&mut self) {
        self.hear();
        self.rig.script.closed = true;
        let mut expected = self.model.loses();
        self.unsaid.clear();
        assert!((0..5).any(|_| self.drive() == Err(Error::Closed)));
        self.rig.script = self.manner.script();
        // what has not been told yet is told now
        for _ in 0..2 * expected.len() + 2 {
            assert_eq!(self.drive(), Ok(()));
        }
        let mut seen = std::mem::take(&mut self.seen);
        self.told.extend_from_slice(&seen);
        assert_eq!(without_loss(&mut seen), 0);
        let order = |seen: &Seen| format!("{seen:?}");
        seen.sort_by_key(order);
        expected.sort_by_key(order);
        assert_eq!(seen, expected);
        assert!(self.rig.script.outgoing.is_empty());
        assert_eq!(self.rig.out().free(), RING);
    }

    /// What the model knows is there, and nothing else.
    fn finish(&mut self) {
        self.hear();
        // a window may be used up
        let has_windows = self.model.has_windows;
        for handle in self.model.handles() {
            let open = self.model.is_open(handle);
            match handle {
                Handle::Entered(channel) => {
                    let can_send = self.rig.out().can_send(channel, 1);
                    assert!(can_send == open || (open && has_windows));
                }
                Handle::Own(channel) => {
                    let can_send = self.rig.out().can_send(Destination::All(channel), 1);
                    assert!(can_send == open || (open && has_windows));
                    let mut users: Vec<User> = self.rig.out().users(channel).collect();
                    users.sort_unstable();
                    assert_eq!(users, self.model.users(channel));
                }
            }
        }
    }
}

fn pick<'a, T>(index: &Index, from: &'a [T]) -> Option<&'a T> {
    if from.is_empty() { None } else { Some(index.get(from)) }
}

fn live(steps: &[Step], manner: Manner, places: usize) -> Life {
    let mut life = Life::new(manner, places);
    for step in steps {
        life.step(step);
    }
    life.finish();
    life
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 2, ..ProptestConfig::default() })]

    #[test]
    fn a_life_with_channels_given_up_at_any_time(steps in steps(false, true), manner in manners()) {
        live(&steps, manner, 120);
    }

    #[test]
    fn a_life_with_few_places(steps in steps(false, false), manner in manners()) {
        // an end that is kept keeps its place
        let manner = if cfg!(feature = "flow") { Manner { again: 0, ..manner } } else { manner };
        live(&steps, manner, 6);
    }

    #[test]
    fn a_life_with_a_relay_that_talks_nonsense(steps in steps(true, true), manner in manners()) {
        live(&steps, manner, 120);
    }

    /// Both faces tell the same and write the same, to the byte and to the cut.
    #[test]
    fn next_event_is_poll(steps in steps(true, true), manner in manners(), places in prop::sample::select(vec![6usize, 120])) {
        // with few places it depends on the poll whether a place that is given up is free in time;
        // the model does not know that
        let steps: Vec<Step> = steps.into_iter().filter(|step| places > 6 || !matches!(step, Step::GiveUp(_))).collect();
        let again = if cfg!(feature = "flow") && places == 6 { 0 } else { manner.again };
        let manner = Manner { again, ..manner };
        let polled = live(&steps, Manner { next_event: false, limit: 0, ..manner }, places);
        let drawn = live(&steps, Manner { next_event: true, limit: 0, ..manner }, places);
        prop_assert_eq!(polled.told, drawn.told);
        prop_assert_eq!(polled.written, drawn.written);
        prop_assert_eq!(polled.events, drawn.events);
    }

    /// A limit of events changes nothing but how many polls it takes. An echo for which the queue
    /// has no room keeps its party alone, so parties may be heard in another order then.
    #[test]
    fn a_limit_changes_nothing(steps in steps(true, true), manner in manners(), limit in 1u16..5) {
        let manner = Manner { next_event: false, again: 0, ..manner };
        let without = live(&steps, Manner { limit: 0, ..manner }, 120);
        let with = live(&steps, Manner { limit, ..manner }, 120);
        if without.told == with.told {
            prop_assert_eq!(without_grants(&without.written), without_grants(&with.written));
        }
        prop_assert_eq!(by_party(without.told), by_party(with.told));
    }

    /// Any bytes at all, to a link that has something of everything.
    #[test]
    fn any_bytes(index in any::<Index>(), bytes in prop::collection::vec(any::<u8>(), 0..600), manner in manners()) {
        let mut life = Life::new(manner, 120);
        for mode in [Mode::Data, Mode::chunks(300), Mode::chunks(4)] {
            for step in [Step::Create(mode), Step::Enter(mode)] {
                life.step(&step);
                life.step(&Step::Answer(index, Ok(())));
                life.step(&Step::Hear);
            }
            life.step(&Step::UserEnters(index, 7));
        }
        life.step(&Step::Create(Mode::Data));
        life.step(&Step::Enter(Mode::Data));
        life.step(&Step::Says(bytes));
        life.finish();
    }
}
