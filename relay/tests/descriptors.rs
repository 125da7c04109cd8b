//! File descriptors run out. In a program of its own, because the limit is the whole process's.
#![cfg(unix)]

mod common;

use std::net::TcpStream;

use common::{Endpoint, config, start, talk};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the relay and the test may open beyond what they have, when it gets tight.
const FEW: u64 = 21;

#[test]
fn when_descriptors_run_out_the_others_go_on_and_later_ones_get_in_again() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    // the next one to be opened has the lowest free number
    let next = std::os::fd::AsRawFd::as_raw_fd(&std::fs::File::open(".").unwrap());
    let limit = getrlimit(Resource::Nofile);
    let current = Some(u64::try_from(next).unwrap() + FEW);
    setrlimit(Resource::Nofile, Rlimit { current, ..limit }).unwrap();

    // each takes two, one on either side, until there is none left
    let mut others = Vec::new();
    while let Ok(socket) = TcpStream::connect(relay.address) {
        others.push(Endpoint::new(socket));
        talk(&mut server, &mut user);
    }
    let stats = relay.stats();
    assert!(stats.accepted < 2 + others.len() as u64, "the relay must have run out as well: {stats:?}");
    assert_eq!(stats.turned_away.total(), 0);
    talk(&mut server, &mut user);

    others.truncate(others.len() / 2);
    let mut late = relay.connect();
    late.create(b"late");
    talk(&mut server, &mut user);
    for other in &mut others {
        other.enter(b"late");
    }
    setrlimit(Resource::Nofile, limit).unwrap();
}
