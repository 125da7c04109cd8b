//! Connections that wait for the directory of a cluster.

use super::{World, config};
use crate::causes::Paused;
use crate::cluster::{Cluster, Fact, NoBus, Outcome};
use crate::config::Config;
use crate::relay::close::Why;

impl World {
    /// One that has a cluster with a directory that does not answer.
    fn of_cluster() -> Self {
        Self::of_cluster_with(config())
    }

    fn of_cluster_with(config: Config) -> Self {
        let mut world = Self::new(config);
        let cluster = Cluster::new("x".into(), 10_000, 1, Box::new(NoBus), || 0);
        world.relay.connections.cluster = Some(Box::new(cluster));
        world
    }

    /// The directory answers a connection, whether that is still there or not.
    fn answer(&mut self, (index, generation): (u32, u32)) {
        let fact = Fact::Settled((index, generation), (b"a"[..].into(), Outcome::Nowhere));
        self.relay.connections.cluster.as_mut().unwrap().directory.facts.push(fact);
        self.relay.turn(Some(std::time::Duration::ZERO)).unwrap();
    }

    fn waiter(&mut self, index: u32) -> (u32, u32) {
        (index, self.relay.connections.get(index).unwrap().id.generation())
    }

    fn is_paused(&mut self, index: u32) -> bool {
        self.relay.connections.get(index).unwrap().wait.is_paused()
    }
}

#[test]
fn an_answer_of_the_directory_lifts_no_pause_for_a_rate() {
    let mut world = World::of_cluster();
    let index = world.connect_and_say(b"\0\x01\x01\x01a");
    assert!(world.is_paused(index), "it waits for the directory");
    world.relay.connections.pause(index, Paused::Bytes, 20_000_000);
    let waiter = world.waiter(index);
    world.answer(waiter);
    assert!(world.is_paused(index), "it has sent too much");
    world.judge_after(21_000);
    assert!(!world.is_paused(index));
}

#[test]
fn the_end_of_a_pause_is_no_answer_of_the_directory() {
    let mut world = World::of_cluster();
    let index = world.connect_and_say(b"\0\x01\x01\x01a");
    world.relay.connections.pause(index, Paused::Bytes, 1_000_000);
    world.judge_after(2000);
    assert!(world.is_paused(index), "it still waits for the directory");
    let waiter = world.waiter(index);
    world.answer(waiter);
    world.until(|relay| relay.stats().refused.total() == 1);
    // nor does it wait for ever
    world.say(index, b"\0\x01\x02\x01b");
    assert!(world.is_paused(index));
    world.judge_after(16_000);
    assert!(!world.is_paused(index));
}

#[test]
fn an_answer_for_a_connection_that_is_gone_is_not_kept() {
    let mut world = World::of_cluster();
    let index = world.connect_and_say(b"\0\x01\x01\x01a");
    let waiter = world.waiter(index);
    world.relay.close(index, &Why::Drained);
    let is_kept = |world: &World| world.relay.connections.cluster.as_ref().unwrap().settled() > 0;
    world.answer(waiter);
    assert!(!is_kept(&world), "its place is empty");
    assert_eq!(world.connect(), index);
    assert_ne!(world.waiter(index), waiter);
    world.answer(waiter);
    assert!(!is_kept(&world), "its place is another one's");
}

/// A command that has waited is counted once, and those behind it are counted as well.
#[test]
fn commands_are_counted_after_one_that_has_waited() {
    let mut world = World::of_cluster_with(Config { commands_per_second: 1, ..config() });
    let enter = b"\0\x01\x01\x01a";
    let index = world.connect_and_say(enter);
    assert!(world.is_paused(index), "it waits for the directory");
    // the channel is here by the time of the answer
    let id = world.relay.connections.get(index).unwrap().id;
    world.relay.connections.cluster.as_mut().unwrap().afar.channel_is_here(b"a", id);
    let waiter = world.waiter(index);
    world.answer(waiter);
    world.until(|relay| relay.stats().refused.total() == 1);
    world.say(index, &enter.repeat(600));
    assert!(world.is_paused(index), "it gives too many commands");
    assert!(world.relay.stats().refused.total() < 100);
}

#[test]
fn an_answer_that_comes_twice_is_not_kept_for_the_next_command() {
    let mut world = World::of_cluster();
    let index = world.connect_and_say(b"\0\x01\x01\x01a");
    let waiter = world.waiter(index);
    world.answer(waiter);
    world.until(|relay| relay.stats().refused.total() == 1);
    world.answer(waiter);
    assert_eq!(world.relay.connections.cluster.as_ref().unwrap().settled(), 0);
    world.say(index, b"\0\x01\x01\x01a");
    assert!(world.is_paused(index), "it asks anew");
}
