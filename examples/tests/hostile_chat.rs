//! A chat room in which somebody sends what no chat program would.

use std::time::Duration;

use peote_net::Reason;
use peote_net::link::{Channel, EnteredChannel, Event, Link, Mode};
use peote_net_examples::chat::{Command, MAX_TEXT, Nick, Session};
use peote_net_std::{Clock, HeapBuffers, TcpTransport};
use peote_relay::{Config, Relay};

/// A relay, people in a room, and one link that is not a chat program.
struct World {
    relay: Relay,
    clock: Clock,
    people: Vec<Person>,
    hostile: (Link<HeapBuffers>, TcpTransport),
    inside: Option<EnteredChannel>,
    /// Why that link is not in the channel any more, or was not let in.
    ended: Vec<Reason>,
}

struct Person {
    link: Link<HeapBuffers>,
    transport: TcpTransport,
    session: Session,
    screen: Vec<String>,
}

impl World {
    fn new() -> Self {
        let listen = vec!["127.0.0.1:0".parse().unwrap()];
        let relay = Relay::bind(Config { listen, ..Config::default() }).unwrap();
        let hostile = (Link::with_buffers(HeapBuffers::default()), connect(&relay));
        Self { relay, clock: Clock::new(), people: Vec::new(), hostile, inside: None, ended: Vec::new() }
    }

    /// Somebody comes into the room; waits until they are in it.
    fn come(&mut self, name: &str) {
        let link = Link::with_buffers(HeapBuffers::default());
        let mut session = Session::new("tea", Nick::new(name).unwrap()).unwrap();
        session.begin(self.clock.now());
        self.people.push(Person { link, transport: connect(&self.relay), session, screen: Vec::new() });
        self.turn_until(|world| world.people.iter().all(|person| person.session.is_inside()));
    }

    fn say(&mut self, person: usize, text: &str) {
        let Person { link, session, .. } = &mut self.people[person];
        session.type_in(&Command::parse(text), &mut link.out()).unwrap();
    }

    fn turn(&mut self) {
        self.relay.turn(Some(Duration::from_millis(1))).unwrap();
        let now = self.clock.now();
        for Person { link, transport, session, screen } in &mut self.people {
            session.drive(&mut link.out(), now).unwrap();
            link.poll(transport, now, |event, out| session.handle(event, out, now)).unwrap();
            session.check(now).unwrap();
            screen.extend(session.take_screen());
        }
        let (link, transport) = &mut self.hostile;
        link.poll(transport, now, |event, _| match event {
            Event::Opened { channel: Channel::Entered(channel) } => self.inside = Some(channel),
            Event::Closed { channel: Channel::Entered(_), reason, .. }
            | Event::Refused { channel: Channel::Entered(_), reason, .. } => {
                self.inside = None;
                self.ended.push(reason);
            }
            _ => {}
        })
        .unwrap();
    }

    #[track_caller]
    fn turn_until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..1_000 {
            if done(self) {
                return;
            }
            self.turn();
        }
        panic!("it never happens; on the screens: {:#?}", self.screens());
    }

    fn screens(&self) -> Vec<&Vec<String>> {
        self.people.iter().map(|person| &person.screen).collect()
    }

    /// Everybody's screen, and whatever is on it can be printed.
    #[track_caller]
    fn assert_printable(&self) {
        for line in self.screens().into_iter().flatten() {
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(line.chars().count() < MAX_TEXT + 50, "{line:?}");
        }
    }
}

fn connect(relay: &Relay) -> TcpTransport {
    TcpTransport::connect_blocking(&relay.local_addrs()[0].to_string(), Duration::from_secs(10)).unwrap()
}

#[test]
fn a_hostile_user_disturbs_nobody() {
    let mut world = World::new();
    world.come("anna");
    world.come("bob");
    world.hostile.0.out().enter("chat/tea", Mode::default()).unwrap();
    world.turn_until(|world| world.inside.is_some());
    let channel = world.inside.unwrap();

    let long = [&b"\x01\x02"[..], "ä".repeat(16_000).as_bytes()].concat();
    let before_hello: [&[u8]; 4] = [b"\x01\x02before hello", b"\x01\x01\x04a\x1b[2", b"\xff", &[0; 30_000]];
    let after_hello: [&[u8]; 8] = [
        b"\x01\x01\x03eve",                          // hello
        b"\x01\x01\x04anna",                         // hello again
        b"\x01\x04\x04anna",                         // a name that is taken
        b"\x01\x04\x05\x1b[31m",                     // a name that is none
        b"\x01\x02\x1b]0;title\x07\r\n-- anna left", // a notice that is none
        b"\x01\x03\xff\xfe",                         // not UTF-8
        b"\x01\x42\x04annaI said this",              // what only a server says
        &long,
    ];
    for chunk in before_hello.into_iter().chain(after_hello) {
        world.hostile.0.out().send(channel, chunk).unwrap();
    }
    world.turn_until(|world| world.people[1].screen.iter().any(|line| line.contains("ää")));
    world.say(0, "is that you, bob?");
    world.say(1, "no");
    world.turn_until(|world| world.people[0].screen.iter().any(|line| line == "<bob> no"));

    world.assert_printable();
    for screen in world.screens() {
        let hers: Vec<&String> = screen.iter().filter(|line| line.contains("eve")).collect();
        assert_eq!(hers.len(), 3, "joined, and two lines: {hers:?}");
        assert!(!screen.iter().any(|line| line.contains("before hello") || line.starts_with("-- anna left")));
    }
}

/// Somebody who floods the room is heard no more as soon as they are removed, and does not come
/// back if they are blocked.
#[test]
fn a_hostile_user_is_removed_and_kept_out() {
    let mut world = World::new();
    world.come("anna");
    world.come("bob");
    for typed in ["/kick eve", "/block eve"] {
        world.hostile.0.out().enter("chat/tea", Mode::default()).unwrap();
        world.turn_until(|world| world.inside.is_some());
        let channel = world.inside.unwrap();
        world.hostile.0.out().send(channel, b"\x01\x01\x03eve").unwrap();
        world.turn_until(|world| world.people[1].screen.last().is_some_and(|line| line == "-- eve joined"));
        let flood = |world: &mut World| {
            let out = &mut world.hostile.0.out();
            while out.send(channel, b"\x01\x02spam").is_ok() {}
        };
        flood(&mut world);
        world.turn_until(|world| world.people[1].screen.last().is_some_and(|line| line == "<eve> spam"));
        world.say(0, typed);
        let heard = world.people[0].screen.len();
        for _ in 0..100 {
            flood(&mut world);
            world.turn();
        }
        world.turn_until(|world| {
            world.inside.is_none() && world.people[1].screen.last().unwrap() == "-- eve was removed"
        });
        let since = &world.people[0].screen[heard..];
        assert_eq!(since.last().unwrap(), "-- eve was removed");
        assert!(!since.iter().any(|line| line.contains("spam")), "{since:?}");
    }
    world.hostile.0.out().enter("chat/tea", Mode::default()).unwrap();
    world.turn_until(|world| world.ended.len() == 3);
    assert_eq!(world.ended, [Reason::Kicked, Reason::Kicked, Reason::Blocked]);
    world.say(0, "peace");
    world.turn_until(|world| world.people[1].screen.last().is_some_and(|line| line == "<anna> peace"));
}

/// Nobody gets a name that people would take for another one's, neither by hello nor by renaming,
/// nor one with something invisible.
#[test]
fn nobody_gets_a_name_that_looks_like_another() {
    let mut world = World::new();
    world.come("anna");
    world.come("bill");
    world.hostile.0.out().enter("chat/tea", Mode::default()).unwrap();
    world.turn_until(|world| world.inside.is_some());
    let channel = world.inside.unwrap();
    let say = |world: &mut World, kind: u8, name: &str| {
        let chunk = [&[1, kind, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat();
        world.hostile.0.out().send(channel, &chunk).unwrap();
    };
    let last_is = |line: &'static str| {
        move |world: &World| world.people[1].screen.last().is_some_and(|last| last == line)
    };
    for name in ["anna\u{34f}", "anna\u{3164}", "anna\u{2800}", "anna\u{e0100}", "\u{301}anna"] {
        say(&mut world, 1, name);
    }
    say(&mut world, 1, "ann\u{430}");
    world.turn_until(last_is("-- ann\u{430}-2 joined"));
    // what is refused, and what is not
    for name in ["\u{430}nna", "b\u{131}ll", "bi1\u{406}", "ann\u{430}-2", "anna\u{34f}"] {
        say(&mut world, 4, name);
    }
    say(&mut world, 4, "anna-2");
    world.turn_until(last_is("-- ann\u{430}-2 is now anna-2"));
    world.say(1, "/nick \u{430}nna");
    world.turn_until(last_is("-- \u{430}nna is taken"));
    world.say(1, "/nick biII");
    world.turn_until(last_is("-- you are now biII"));
    world.say(0, "/nick anna-\u{1d7da}");
    world.turn_until(|world| world.people[0].screen.last().is_some_and(|last| last.ends_with(" is taken")));
    assert_eq!(world.people[1].screen.len(), 5, "{:#?}", world.people[1].screen);
    // one need not have the letters of a name to remove who has it
    say(&mut world, 4, "\u{441}\u{430}r\u{43e}l");
    world.turn_until(last_is("-- anna-2 is now \u{441}\u{430}r\u{43e}l"));
    world.say(0, "/kick carol");
    world.turn_until(last_is("-- \u{441}\u{430}r\u{43e}l was removed"));
}

#[test]
fn a_hostile_server_can_show_nothing_that_a_terminal_obeys() {
    let mut world = World::new();
    let room = world.hostile.0.out().create("chat/tea", Mode::default()).unwrap();
    world.turn_until(|world| !world.hostile.0.wants_write());
    let link = Link::with_buffers(HeapBuffers::default());
    let mut session = Session::new("tea", Nick::new("anna").unwrap()).unwrap();
    session.begin(world.clock.now());
    let transport = connect(&world.relay);
    world.people.push(Person { link, transport, session, screen: Vec::new() });
    world.turn_until(|world| world.relay.stats().users == 1);

    for chunk in [
        &b"\x01\x42\x03eveearly"[..],   // before the welcome
        b"\x01\x41\x05a\x1b[2J\x03eve", // a welcome with a name that is none
        b"\x01\x41\x04anna\x03eve",     // a welcome
        b"\x01\x41\x04anna\x03eve",     // and again
        b"\x01\x42\x03eve\x1b[2Jtext\nmore\xe2\x80\xae",
        b"\x01\x47\x03eve\x04\x1b[2J",           // names, one of them none
        b"\x01\x46\x04anna\x04\x07\x07\x07\x07", // renamed to what is no name
        b"\x01\x42\x03evethe end",
    ] {
        let sent = |world: &mut World| {
            world.hostile.0.out().send(peote_net::link::Destination::All(room), chunk).is_ok()
        };
        while !sent(&mut world) {
            world.turn();
        }
    }
    world.turn_until(|world| world.people[0].screen.iter().any(|line| line == "<eve> the end"));
    world.assert_printable();
    let screen = &world.people[0].screen;
    assert_eq!(screen.len(), 3, "{screen:?}");
    assert_eq!(screen[1], "<eve> \u{fffd}[2Jtext\u{fffd}more\u{fffd}");
}
