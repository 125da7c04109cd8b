//! Rooms without a dedicated server, on a simulated network: programs come, go, and lose their
//! connections, and in the end all that are there are in one room with one server.

use peote_net::link::{Channel, Event, Link, Mode, link_buffers};
use peote_net::reconnect::Backoff;
use peote_net::room::{Change, Room};
use peote_net::time::{Duration, Instant};
use peote_net_simulation::{Conditions, LineConfig, Network, Random, Sleep, Step, Transport};

type SmallLink = Link<link_buffers!(chunk: 64, parties: 10, own_channels: 1, transmit: 512, receive: 512)>;

const MODE: Mode = Mode::chunks(64);

/// A program in the room. It says hello to the server, which answers with its own number.
struct Program {
    number: u8,
    link: SmallLink,
    line: Option<Transport>,
    room: Room<&'static str>,
    /// What the server has answered, of the present membership.
    served_by: Option<u8>,
}

impl Program {
    fn new(number: u8) -> Self {
        let backoff = Backoff::new().with_delays(Duration::from_millis(50), Duration::from_secs(2));
        let room = Room::new("room", MODE).with_backoff(backoff.with_seed(number.into()));
        Self { number, link: SmallLink::new(), line: None, room, served_by: None }
    }

    fn run(&mut self, network: &mut Network) {
        let now = network.now();
        let Self { number, link, line, room, served_by } = self;
        let Some(transport) = line else { return };
        room.drive(&mut link.out(), now).unwrap();
        let polled = link.poll(transport, now, |event, out| {
            let change = room.observe(&event, now);
            if let Some(change) = change {
                *served_by = None;
                if let Change::Entered(server) = change {
                    out.send(server, &[*number]).unwrap();
                }
                assert!(!matches!(change, Change::Refused(_)), "{change:?}");
            }
            match event {
                Event::Chunk { from, .. } if from.user().is_some() => out.send(from, &[*number]).unwrap(),
                Event::Chunk { bytes, .. } => *served_by = Some(bytes[0]),
                _ => {}
            }
        });
        if polled.is_err() {
            *line = None;
        }
    }

    fn sleep(&self) -> Option<Sleep> {
        let sleep = self.line.as_ref()?.sleep(&self.link);
        Some(match self.room.next_deadline() {
            Some(deadline) => sleep.or_until(deadline),
            None => sleep,
        })
    }
}

fn run(programs: &mut [Program], network: &mut Network, until: Instant) {
    let end = network.run_until(until, |network| {
        programs.iter_mut().for_each(|program| program.run(network));
        programs.iter().filter_map(Program::sleep).collect::<Vec<_>>()
    });
    assert!(matches!(end, Ok(Step::TimeUp | Step::Idle)), "{end:?}");
}

fn millis(number: usize) -> Duration {
    Duration::from_millis(number.try_into().unwrap())
}

fn one_run(seed: u64) {
    let mut random = Random::new(seed);
    let mut network = Network::new(seed);
    let mut programs: Vec<_> = (0..6).map(Program::new).collect();
    for _ in 0..20 {
        let program = random.below(6);
        match random.below(6) {
            0..=2 => {
                for program in programs.iter_mut().filter(|program| program.line.is_none()) {
                    let delay = millis(random.below(200));
                    let conditions = Conditions { delay, ..Conditions::default() };
                    program.line = Some(network.connect(LineConfig::both(conditions)));
                }
            }
            3 => {
                if let Some(line) = &programs[program].line {
                    network.reset(line.line());
                }
            }
            4 => {
                let program = &mut programs[program];
                // without room in the queue it stays
                let _ = program.room.leave(&mut program.link.out());
                program.room.join();
                program.served_by = None;
            }
            _ => {
                network.stop_relay();
                network.start_relay();
            }
        }
        let until = network.now() + millis(random.below(3000));
        run(&mut programs, &mut network, until);
    }
    for program in &mut programs {
        if program.line.is_none() {
            program.line = Some(network.connect(LineConfig::default()));
        }
    }
    // connections that are reset now are noticed at the latest by the silence limit
    let until = network.now() + Duration::from_secs(60);
    run(&mut programs, &mut network, until);
    for program in &mut programs {
        program.line.get_or_insert_with(|| network.connect(LineConfig::default()));
    }
    let until = network.now() + Duration::from_secs(60);
    run(&mut programs, &mut network, until);
    let servers: Vec<u8> = programs.iter().filter(|p| p.room.is_server()).map(|p| p.number).collect();
    assert_eq!(servers.len(), 1, "seed {seed}: {servers:?}");
    for program in programs.iter().filter(|program| !program.room.is_server()) {
        let is_user = matches!(program.room.channel(), Some(Channel::Entered(_)));
        assert!(is_user, "seed {seed}: program {} is outside", program.number);
        assert_eq!(program.served_by, Some(servers[0]), "seed {seed}: program {}", program.number);
    }
    assert_eq!(network.relay_counts(), (6, 1, 5), "seed {seed}");
}

#[test]
fn in_the_end_all_are_in_one_room() {
    for seed in 0..500 {
        one_run(seed);
    }
}

/// The link itself has created the channel, so its room can neither enter nor create it.
#[test]
fn attempts_end_with_the_backoff() {
    let mut network = Network::new(1);
    let mut line = network.connect(LineConfig::both(Conditions::default()));
    let mut link = SmallLink::new();
    link.out().create("room", MODE).unwrap();
    let backoff = Backoff::new().with_delays(Duration::from_millis(50), Duration::from_secs(2));
    let mut room = Room::new("room", MODE).with_backoff(backoff.with_most_attempts(3));
    let mut ended = None;
    for _ in 0..20 {
        let until = network.now() + Duration::from_secs(1);
        let end = network.run_until(until, |network| {
            let now = network.now();
            room.drive(&mut link.out(), now).unwrap();
            link.poll(&mut line, now, |event, _| ended = room.observe(&event, now).or(ended)).unwrap();
            let sleep = line.sleep(&link);
            vec![room.next_deadline().map_or(sleep, |deadline| sleep.or_until(deadline))]
        });
        assert!(matches!(end, Ok(Step::TimeUp | Step::Idle)), "{end:?}");
    }
    assert!(matches!(ended, Some(Change::Refused(_))), "{ended:?}");
    assert_eq!(room.next_deadline(), None);
}
