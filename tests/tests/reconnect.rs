//! A server and its clients come back when the relay is restarted: real sockets, on this machine
//! only.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peote_net::link::{Channel, Event, Mode, Source};
use peote_net::reconnect::{Backoff, Retry, Status};
use peote_net::time;
use peote_net_std::{Change, DesktopLink};
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
    link: DesktopLink,
    changes_seen: mpsc::Receiver<Change>,
    channel: Channel,
    /// Of its channel: opened, away.
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
        let (tell, changes_seen) = mpsc::channel();
        let link = DesktopLink::builder()
            .reconnect(rules)
            .retry(Retry::Always) // whoever comes first waits for the server
            .on_change(move |change| tell.send(change).unwrap());
        let mut link = link.connect(&address.to_string()).unwrap();
        let channel = match number {
            0 => link.create("room", Mode::default()).unwrap().into(),
            _ => link.enter("room", Mode::default()).unwrap().into(),
        };
        Self { link, changes_seen, channel, told: (0, 0), changes: (0, 0), answers: 0 }
    }

    fn turn(&mut self) {
        let Self { link, changes_seen, channel, told, changes, answers } = self;
        let polled = link.poll(|event, out| {
            assert!(event.channel().is_none_or(|of| of == *channel), "handles stay: {event:?}");
            match event {
                Event::Chunk { from: from @ Source::User { .. }, bytes } => return out.send(from, bytes),
                Event::Chunk { .. } => *answers += 1,
                Event::Opened { channel: channel @ Channel::Entered(_) } => {
                    out.send(channel, b"anybody there?")?;
                    told.0 += 1;
                }
                Event::Opened { .. } => told.0 += 1,
                Event::Away { .. } => told.1 += 1,
                other => return other.ok(),
            }
            Ok(())
        });
        polled.unwrap();
        for change in changes_seen.try_iter() {
            match change {
                Change::Connected => changes.0 += 1,
                Change::Lost(_) => changes.1 += 1,
                // the server came later, or went earlier
                _ => {}
            }
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
            let is_server = matches!(program.channel, Channel::Own(_));
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
            program.link.wait_for(&mut [], Some(soon)).unwrap();
        }
    }
}
