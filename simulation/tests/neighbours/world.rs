//! One run.

use std::collections::BTreeMap;

use peote_net::time::{Duration, Instant};
use peote_net_simulation::{Network, Sleep, Step};

use crate::bad::{Bad, Badness};
use crate::plan::{END, Plan};
use crate::program::{PARTIES, Program, WINDOW};

/// For each stream, the milliseconds after which each message (by its number) has reached each
/// program (by its place).
pub(crate) type Delays = Vec<BTreeMap<(usize, usize), u64>>;

pub(crate) struct World<'p> {
    plan: &'p Plan,
    network: Network,
    programs: Vec<Program>,
    bads: Vec<Bad>,
    delays: Delays,
    /// Most that may wait in the relay for a good one.
    bound: usize,
}

impl<'p> World<'p> {
    /// Runs a plan to its end, with the bad ones or without. Returns all delays.
    pub(crate) fn run(plan: &'p Plan, with_bad: bool) -> Delays {
        let mut network = Network::with_relay(plan.seed, plan.relay.clone());
        network.print_history(std::env::var_os("PEOTE_NET_PRINT").is_some() && with_bad);
        let goods = plan.goods.iter().enumerate();
        let programs = goods.map(|(place, good)| Program::new(place, good.clone(), &mut network)).collect();
        let bads = if with_bad { &plan.bads[..] } else { &[] };
        let bads = bads.iter().enumerate().map(|(place, bad)| bad.begin(place)).collect();
        let queue = plan.relay.queue_bytes;
        // what windows allow goes beyond, in units of a byte if need be; so do grants and knocks
        let bound = queue + PARTIES * (2 * 5 * (queue.max(WINDOW) + 5) + 300);
        let delays = vec![BTreeMap::new(); plan.streams.len()];
        let mut world = Self { plan, network, programs, bads, delays, bound };
        world.until(500);
        world.programs.iter_mut().for_each(Program::enter);
        world.until(1_200);
        for channel in plan.bads.iter().filter_map(Badness::channel) {
            world.programs.iter_mut().for_each(|program| program.visit(&channel));
        }
        world.until(END);
        let now = world.network.now();
        world.bads.iter_mut().for_each(|bad| bad.check(now));
        // those that wait for existing ones have to see the end of it
        world.bads.clear();
        world.until(END + 60_000);
        let takes_part = |place: usize| plan.goods[place].takes_part;
        let window = plan.relay.queue_bytes / 2;
        for program in &mut world.programs {
            program.check_windows(takes_part, window);
        }
        world.check_all_arrived();
        world.delays
    }

    fn check_all_arrived(&self) {
        for (stream, delays) in self.plan.streams.iter().zip(&self.delays) {
            for number in 0..stream.plan.len() {
                let arrived = delays.keys().filter(|(arrived, _)| *arrived == number).count();
                assert!(arrived > 0 || self.has_no_receiver(stream), "{number} of {stream:?} is lost");
            }
        }
    }

    fn has_no_receiver(&self, stream: &crate::stream::Stream) -> bool {
        let is_user = |good: &crate::plan::Good| good.channels.contains(&stream.channel);
        stream.way == crate::stream::Way::Broadcast && !self.plan.goods.iter().any(is_user)
    }

    fn until(&mut self, millis: u64) {
        let end = Instant::from_millis(millis);
        loop {
            for program in &mut self.programs {
                if self.network.is_awake(&program.sleep(&self.plan.streams)).is_some() {
                    program.wake(&self.plan.streams, &mut self.delays, &mut self.network);
                }
            }
            for bad in &mut self.bads {
                if self.network.is_awake(&bad.sleep()).is_some() {
                    bad.wake(&mut self.network);
                }
            }
            let mut sleepers: Vec<Sleep> =
                self.programs.iter().map(|program| program.sleep(&self.plan.streams)).collect();
            sleepers.extend(self.bads.iter().map(Bad::sleep));
            let step = self.network.step(&sleepers, end).unwrap_or_else(|stuck| panic!("{stuck}"));
            for program in &self.programs {
                let queued = self.network.queued(program.transport.line());
                assert!(queued <= self.bound, "{queued} bytes wait where {} may", self.bound);
            }
            if step != Step::Awake {
                // time goes on for all, though nothing happens
                let _ = self.network.step(&[], end);
                return;
            }
        }
    }
}

/// A moment that is so many milliseconds later.
pub(crate) fn later(now: Instant, millis: usize) -> Instant {
    now + Duration::from_millis(millis as u64)
}
