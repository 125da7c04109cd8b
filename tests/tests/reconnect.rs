//! A server and its clients come back when the relay is restarted: real sockets, on this machine only.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peote_net::link::{Event, Mode, Source};
use peote_net::reconnect::{Backoff, Notice, Place, Retry, Status};
use peote_net::time;
use peote_net_std::{Change, ReconnectingLink};
use peote_relay::{Config, Handle, Relay};

/// How long anything may take. Only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

const CLIENTS: usize = 4;
const ROUNDS: usize = 4;

struct Running {
    address: SocketAddr,
    handle: Handle,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn start(address: SocketAddr) -> Self {
        let mut relay = Relay::bind(Config { listen: vec![address], ..Config::default() }).unwrap();
        let (address, handle) = (relay.local_addrs()[0], relay.handle());
        Self { address, handle, thread: std::thread::spawn(move || relay.run()) }
    }

    fn stop(self) {
        self.handle.stop();
        self.thread.join().unwrap().unwrap();
    }
}

/// One program, with what it has been told.
struct Program {
    link: ReconnectingLink,
    place: Place,
    /// Of the notices of its channel: opened, interrupted.
    told: (usize, usize),
    /// The connection: connected, lost.
    changes: (usize, usize),
    /// Answers to what it has said.
    answers: usize,
}

impl Program {
    fn new(address: SocketAddr, number: usize) -> Self {
        let delays = (time::Duration::from_millis(2), time::Duration::from_millis(100));
        let rules = Backoff::new().with_delays(delays.0, delays.1).with_seed(number as u64);
        let mut link = ReconnectingLink::new(&address.to_string(), rules).unwrap();
        let place = if number == 0 {
            link.create("room", Mode::default())
        } else {
            link.enter("room", Mode::default())
        };
        let place = place.unwrap();
        // whoever comes first waits for the server
        assert!(link.set_retry(place, Retry::Always));
        Self { link, place, told: (0, 0), changes: (0, 0), answers: 0 }
    }

    fn turn(&mut self) {
        let Self { link, place, told, changes, answers } = self;
        let change = link.poll(|event, context| {
            let Some(notice) = context.notice else {
                return match event {
                    Event::Chunk { from: from @ Source::User { .. }, bytes } => context.out.send(from, bytes),
                    Event::Chunk { .. } => {
                        *answers += 1;
                        Ok(())
                    }
                    _ => Ok(()),
                };
            };
            assert_eq!(notice.place(), *place);
            match notice {
                Notice::Opened { first, .. } => {
                    assert_eq!(first, told.0 == 0);
                    told.0 += 1;
                    if let Some(channel) = context.channels.entered(*place) {
                        context.out.send(channel, b"anybody there?")?;
                    }
                }
                Notice::Interrupted { .. } => told.1 += 1,
                // the server came later, or went earlier
                Notice::Waiting { .. } => {}
                other => panic!("{other:?}"),
            }
            Ok(())
        });
        match change.unwrap() {
            Some(Change::Connected) => changes.0 += 1,
            Some(Change::Lost(_)) => changes.1 += 1,
            _ => {}
        }
    }
}

#[test]
fn a_server_and_its_clients_come_back_when_the_relay_is_restarted() {
    let mut relay = Running::start("127.0.0.1:0".parse().unwrap());
    let mut programs: Vec<Program> =
        (0..=CLIENTS).map(|number| Program::new(relay.address, number)).collect();
    for round in 1..=ROUNDS {
        until(&mut programs, |program| {
            let is_server = program.link.channels().own(program.place).is_some();
            program.link.status() == Status::Connected && (is_server || program.answers > 0)
        });
        for (number, program) in programs.iter_mut().enumerate() {
            assert_eq!(program.changes, (round, round - 1), "program {number}, round {round}");
            program.answers = 0;
        }
        assert_eq!(programs[0].told, (round, round - 1), "the server, round {round}");
        let address = relay.address;
        relay.stop();
        until(&mut programs, |program| program.changes.1 == round);
        relay = Running::start(address);
    }
    relay.stop();
}

/// Turns of all of them until it is so for each.
#[track_caller]
fn until(programs: &mut [Program], done: impl Fn(&Program) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !programs.iter().all(&done) {
        let states: Vec<_> = programs.iter().map(|program| program.link.status()).collect();
        assert!(Instant::now() < end, "it does not come about: {states:?}");
        for program in programs.iter_mut() {
            program.turn();
            let soon = program.link.now() + time::Duration::from_millis(1);
            program.link.wait(&mut [], Some(soon)).unwrap();
        }
    }
}
