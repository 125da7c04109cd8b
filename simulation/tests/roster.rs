//! Rosters on a simulated network: programs come, go, stand still and take the room over, and in
//! the end each of them knows who is there.

use peote_net::link::{Event, Link, Mode, link_buffers};
use peote_net::reconnect::Backoff;
use peote_net::room::{Change, Room};
use peote_net::roster::{Member, Roster};
use peote_net::time::{Duration, Instant};
use peote_net::value::Decode as _;
use peote_net_simulation::{Conditions, Direction, LineConfig, Network, Random, Step, Transport};

type SmallLink = Link<link_buffers!(chunk: 64, parties: 10, own_channels: 1, transmit: 320, receive: 128)>;

const MODE: Mode = Mode::chunks(64);

/// As many as there are places for, so those that are gone have to make room.
const PROGRAMS: usize = 6;

/// A program in the room. It tells the server its data, which is a number that only it has.
struct Program {
    link: SmallLink,
    line: Option<Transport>,
    room: Room<&'static str>,
    roster: Roster<u32, PROGRAMS>,
    data: u32,
    is_said: bool,
    /// What its roster has said, with what was taken back.
    there: Vec<u32>,
}

impl Program {
    fn new(number: u32) -> Self {
        let backoff = Backoff::new().with_delays(Duration::from_millis(50), Duration::from_secs(2));
        let room = Room::new("room", MODE).with_backoff(backoff.with_seed(number.into()));
        let (roster, there) = (Roster::new(), Vec::new());
        Self { link: SmallLink::new(), line: None, room, roster, data: number, is_said: false, there }
    }

    fn run(&mut self, network: &mut Network) {
        let now = network.now();
        let Self { link, line, room, roster, data, is_said, there } = self;
        let Some(transport) = line else { return };
        room.drive(&mut link.out(), now).unwrap();
        let polled = link.poll(transport, now, |event, _| {
            let change = room.observe(&event, now);
            assert!(roster.observe(&event), "there is a place for each");
            match change {
                Some(Change::Serving(channel)) => roster.serve(channel, *data).unwrap(),
                Some(Change::Entered(channel)) => {
                    there.clear();
                    *is_said = false;
                    roster.enter(channel);
                }
                Some(Change::Refused(_)) => panic!("{change:?}"),
                Some(Change::Out(_)) | None => {}
            }
            let Event::Chunk { from, bytes } = event else { return };
            if let Some(user) = from.user() {
                roster.set(user, u32::from_bytes(bytes).unwrap()).unwrap();
            } else {
                let notice = peote_net::roster::Notice::<u32>::from_bytes(bytes).unwrap();
                if let peote_net::roster::Notice::Here(_, data) = notice {
                    there.push(data);
                }
                let gone = |_, data| {
                    let at = there.iter().position(|&other| other == data).unwrap();
                    there.swap_remove(at);
                };
                assert!(roster.take(notice, gone), "there is a place for each");
            }
        });
        if polled.is_err() {
            *line = None;
            return;
        }
        if let Some(peote_net::link::Channel::Entered(server)) = room.channel()
            && !*is_said
        {
            *is_said = link.out().send_value(server, &*data).is_ok();
        }
        roster.drive(&mut link.out(), |out, to, notice| out.send_value(to, &notice)).unwrap();
    }

    /// Who is there by its roster, and whether that is what it was told one by one.
    fn sees(&self) -> Vec<u32> {
        let mut members: Vec<_> = self.roster.members().map(|(_, &data)| data).collect();
        members.sort_unstable();
        let mut there = self.there.clone();
        there.sort_unstable();
        assert!(self.room.is_server() || members == there, "{members:?} {there:?}");
        members
    }
}

fn run(programs: &mut [Program], network: &mut Network, until: Instant) {
    let end = network.run_until(until, |network| {
        programs.iter_mut().for_each(|program| program.run(network));
        let sleeps = programs.iter().filter_map(|program| {
            let sleep = program.line.as_ref()?.sleep(&program.link);
            Some(program.room.next_deadline().map_or(sleep, |deadline| sleep.or_until(deadline)))
        });
        sleeps.collect::<Vec<_>>()
    });
    assert!(matches!(end, Ok(Step::TimeUp | Step::Idle)), "{end:?}");
}

fn one_run(seed: u64) {
    let mut random = Random::new(seed);
    let mut network = Network::new(seed);
    let mut programs: Vec<_> = (0..).take(PROGRAMS).map(Program::new).collect();
    for round in 1..30 {
        for program in programs.iter_mut().filter(|program| program.line.is_none()) {
            let delay = Duration::from_millis(u64::try_from(random.below(100)).unwrap());
            let conditions = Conditions { delay, ..Conditions::default() };
            program.line = Some(network.connect(LineConfig::both(conditions)));
        }
        let one = random.below(PROGRAMS);
        let Program { link, line, room, roster, data, is_said, .. } = &mut programs[one];
        match random.below(5) {
            0 => network.reset(line.as_ref().unwrap().line()),
            1 => {
                let _ = room.leave(&mut link.out());
                room.join();
            }
            2 => {
                let time = Duration::from_millis(u64::try_from(random.below(3_000)).unwrap());
                network.stall(line.as_ref().unwrap().line(), Direction::ToLink, Some(time));
            }
            _ => {
                *data = round * 100 + u32::try_from(one).unwrap();
                *is_said = false;
                let _ = roster.set(Member::Server, *data); // it does not serve
            }
        }
        let until = network.now() + Duration::from_millis(u64::try_from(random.below(1_000)).unwrap());
        run(&mut programs, &mut network, until);
    }
    for program in programs.iter_mut().filter(|program| program.line.is_none()) {
        program.line = Some(network.connect(LineConfig::both(Conditions::default())));
    }
    let until = network.now() + Duration::from_secs(60);
    run(&mut programs, &mut network, until);

    let mut all: Vec<_> = programs.iter().map(|program| program.data).collect();
    all.sort_unstable();
    for program in &programs {
        let roster = &program.roster;
        assert_eq!(program.sees(), all, "seed {seed}");
        assert_eq!(roster.get(roster.me().unwrap()), Some(&program.data), "seed {seed}: its own number");
        assert_eq!(roster.others().count(), PROGRAMS - 1);
        assert_eq!(roster.me() == Some(Member::Server), program.room.is_server());
    }
}

#[test]
fn all_know_who_is_there() {
    (0..300).for_each(one_run);
}
