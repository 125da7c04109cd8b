//! An Ethernet in memory, on a virtual clock: every frame goes to all other ports, late, twice or
//! not at all.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::rc::Rc;

use peote_net::time::Instant;
use peote_net_testkit::random::Random;
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};

/// What happens to frames.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    /// How many of a thousand are lost.
    pub(crate) loss: usize,
    /// How many of a thousand arrive twice.
    pub(crate) doubled: usize,
    /// How long they take, in milliseconds. A range reorders.
    pub(crate) delay: RangeInclusive<u64>,
}

impl Faults {
    pub(crate) const NONE: Self = Self { loss: 0, doubled: 0, delay: 1..=1 };
    pub(crate) const BAD: Self = Self { loss: 50, doubled: 10, delay: 1..=20 };
}

/// Frames, by the time they arrive and their number.
type Arriving = BTreeMap<(u64, u64), Vec<u8>>;

#[derive(Debug)]
struct State {
    now: u64,
    faults: Faults,
    random: Random,
    /// What is on its way to each port; `None` while its cable is out.
    ports: Vec<Option<Arriving>>,
    frames: u64,
    /// The address of the network controller at each port that passes only what is for it. The
    /// others pass everything.
    filters: BTreeMap<usize, [u8; 6]>,
    /// What has arrived at the ports with a filter: when, where, and the frame.
    captured: Vec<(u64, usize, Vec<u8>)>,
}

/// The Ethernet and its clock.
#[derive(Clone, Debug)]
pub(crate) struct Hub(Rc<RefCell<State>>);

impl Hub {
    pub(crate) fn new(faults: Faults, seed: u64) -> Self {
        let random = Random::new(seed);
        Self(Rc::new(RefCell::new(State {
            now: 1000,
            faults,
            random,
            ports: Vec::new(),
            frames: 0,
            filters: BTreeMap::new(),
            captured: Vec::new(),
        })))
    }

    pub(crate) fn port(&self, medium: Medium) -> Port {
        let mut state = self.0.borrow_mut();
        state.ports.push(Some(BTreeMap::new()));
        Port { hub: self.clone(), index: state.ports.len() - 1, medium }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_millis(self.0.borrow().now)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.0.borrow_mut().faults = faults;
    }

    /// Frames sent so far.
    pub(crate) fn frames(&self) -> u64 {
        self.0.borrow().frames
    }

    /// From now on this port gets what is for this address, broadcasts, and nothing else, as from a
    /// network controller behind a switch. It is captured.
    pub(crate) fn filter(&self, port: usize, address: [u8; 6]) {
        self.0.borrow_mut().filters.insert(port, address);
    }

    /// What was captured since the last call.
    pub(crate) fn take_captured(&self) -> Vec<(u64, usize, Vec<u8>)> {
        std::mem::take(&mut self.0.borrow_mut().captured)
    }

    /// Whether a frame has arrived at the port of this index.
    pub(crate) fn has_frame(&self, port: usize) -> bool {
        let state = self.0.borrow();
        let first = state.ports.get(port).and_then(Option::as_ref).and_then(|frames| frames.keys().next());
        first.is_some_and(|key| key.0 <= state.now)
    }

    /// The first of the frames that have arrived at the port of this index.
    pub(crate) fn first_frame(&self, port: usize) -> Option<Vec<u8>> {
        let state = self.0.borrow();
        let (key, frame) = state.ports.get(port)?.as_ref()?.first_key_value()?;
        (key.0 <= state.now).then(|| frame.clone())
    }

    /// Jumps to the earliest of the deadlines and the next frame's arrival, by at least 1 ms and at
    /// most 1 s.
    pub(crate) fn advance(&self, deadlines: impl IntoIterator<Item = Option<Instant>>) {
        let mut state = self.0.borrow_mut();
        let frame = state.ports.iter().flatten().filter_map(|frames| frames.keys().next()).map(|key| key.0);
        let deadlines = deadlines.into_iter().flatten().map(Instant::as_millis);
        let next = frame.chain(deadlines).min().unwrap_or(u64::MAX);
        state.now = next.clamp(state.now + 1, state.now + 1000);
    }

    fn send(&self, from: usize, frame: &[u8]) {
        let State { now, faults, random, ports, frames: count, filters, captured } =
            &mut *self.0.borrow_mut();
        if ports[from].is_none() {
            return;
        }
        for (index, port) in ports.iter_mut().enumerate() {
            let Some(frames) = port else { continue };
            if index == from || random.chance(faults.loss) {
                continue;
            }
            if let Some(own) = filters.get(&index) {
                if frame[..6] != *own && frame[..6] != [0xFF; 6] {
                    continue;
                }
                captured.push((*now, index, frame.to_vec()));
            }
            for _ in 0..=usize::from(random.chance(faults.doubled)) {
                let spread = usize::try_from(faults.delay.end() - faults.delay.start()).unwrap() + 1;
                let delay = faults.delay.start() + random.below(spread) as u64;
                *count += 1;
                frames.insert((*now + delay, *count), frame.to_vec());
            }
        }
    }
}

/// Where a machine is plugged in.
#[derive(Debug)]
pub(crate) struct Port {
    hub: Hub,
    index: usize,
    medium: Medium,
}

impl Port {
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Pulls the cable out or puts it in again. Frames under way are lost.
    pub(crate) fn plug(&self, plugged: bool) {
        self.hub.0.borrow_mut().ports[self.index] = plugged.then(Arriving::new);
    }
}

impl Device for Port {
    type RxToken<'a> = Frame;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Frame, Sending<'_>)> {
        let mut state = self.hub.0.borrow_mut();
        let now = state.now;
        let first = state.ports[self.index].as_mut()?.first_entry()?;
        if first.key().0 > now {
            return None;
        }
        let frame = Frame(first.remove());
        drop(state);
        Some((frame, Sending(self)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Sending<'_>> {
        Some(Sending(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = self.medium;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

/// A frame that has arrived.
pub(crate) struct Frame(Vec<u8>);

impl RxToken for Frame {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// The permission to send one.
pub(crate) struct Sending<'a>(&'a mut Port);

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.hub.send(self.0.index, &frame);
        result
    }
}
