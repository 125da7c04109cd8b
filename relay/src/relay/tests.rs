//! What depends on time, at times of the test's choice, and what is counted.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::Relay;
use crate::causes::Closed;
use crate::config::Config;
use crate::rate::Capacity;

/// A relay that is driven by hand, and those who are connected to it.
struct World {
    relay: Relay,
    sockets: Vec<TcpStream>,
}

fn config() -> Config {
    Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        keepalive_interval: Duration::from_secs(60),
        ..Config::default()
    }
}

impl World {
    fn new(config: Config) -> Self {
        Self { relay: Relay::bind(config).unwrap(), sockets: Vec::new() }
    }

    /// Turns until something is so.
    #[track_caller]
    fn until(&mut self, what: impl Fn(&Relay) -> bool) {
        let end = std::time::Instant::now() + Duration::from_secs(30);
        while !what(&self.relay) {
            assert!(std::time::Instant::now() < end, "it does not come about");
            self.relay.turn(Some(Duration::from_millis(10))).unwrap();
        }
    }

    /// One more is connected. The first has place 0.
    fn connect(&mut self) -> u32 {
        let count = self.relay.stats().connections;
        self.sockets.push(TcpStream::connect(self.relay.local_addrs()[0]).unwrap());
        self.until(|relay| relay.stats().connections > count);
        u32::try_from(count).unwrap()
    }

    /// One more has said this, and it has been routed.
    fn connect_and_say(&mut self, bytes: &[u8]) -> u32 {
        let index = self.connect();
        self.say(index, bytes);
        index
    }

    fn say(&mut self, index: u32, bytes: &[u8]) {
        let before = self.relay.stats().received_bytes;
        self.sockets[index as usize].write_all(bytes).unwrap();
        self.until(|relay| relay.stats().received_bytes == before + bytes.len() as u64);
    }

    fn is_there(&mut self, index: u32) -> bool {
        self.relay.connections.get(index).is_some()
    }

    /// So many milliseconds later, without a look at any socket.
    fn judge_after(&mut self, millis: u64) {
        self.relay.connections.now += millis;
        self.relay.judge(self.relay.connections.now);
    }

    fn closed(&self, cause: Closed) -> u64 {
        self.relay.stats().closed.of(cause)
    }
}

#[cfg(feature = "cluster")]
#[path = "cluster_tests.rs"]
mod of_cluster;

#[test]
fn who_waits_is_not_idle_and_has_time_afterwards() {
    let mut world = World::new(Config { idle_timeout: Duration::from_secs(10), ..config() });
    let (server, user) = (world.connect_and_say(b"\0\0\x01\x01a"), world.connect_and_say(b"\0\x01\x01\x01a"));
    world.relay.connections.wait(user, server, false);
    for _ in 0..4 {
        world.relay.connections.get(server).unwrap().last_received = world.relay.connections.now;
        world.relay.connections.note_taken(server, 1 << 20);
        world.judge_after(4000);
        assert!(world.is_there(user), "it is not read");
    }
    world.relay.connections.stop_waiting(user);
    world.judge_after(9000);
    assert!(world.is_there(user), "it was not read until now");
    world.judge_after(1050);
    assert!(!world.is_there(user));
    assert_eq!(world.closed(Closed::IdleTimeout), 1);
}

#[test]
fn who_has_sent_too_much_is_not_idle_and_has_time_afterwards() {
    let mut world = World::new(Config { idle_timeout: Duration::from_secs(10), ..config() });
    let server = world.connect_and_say(b"\0\0\x01\x01a");
    world.relay.connections.pause(server, crate::causes::Paused::Bytes, 20_000_000);
    world.judge_after(15_000);
    assert!(world.is_there(server), "it is not read");
    world.judge_after(6000);
    assert!(!world.relay.connections.get(server).unwrap().wait.is_paused());
    // what it has sent is served
    world.relay.connections.take_off(server);
    world.judge_after(9000);
    assert!(world.is_there(server), "it was not read until now");
    world.judge_after(1050);
    assert!(!world.is_there(server));
}

/// It can be because the relay has much to do. One that sends without end has only so many bytes.
#[test]
fn what_has_come_and_is_not_read_is_in_time() {
    for (bytes, cause) in [
        (&b""[..], Closed::FirstByteTimeout),
        (b"GET / HTTP/1.1\r\n", Closed::HandshakeTimeout),
        (b"\0\x01\x01\x01x", Closed::UnusedTimeout),
    ] {
        let mut world = World::new(config());
        let index = world.connect_and_say(bytes);
        let connection =
            |world: &mut World| world.relay.connections.get(index).unwrap().flags.readable = true;
        connection(&mut world);
        // the first time is given back because it is judged late
        for _ in 0..10 {
            world.judge_after(400_000);
            assert!(world.is_there(index), "{cause}");
        }
        world.relay.connections.get(index).unwrap().traffic.received += 8 << 20;
        world.judge_after(400_000);
        world.judge_after(10_000_000);
        assert!(!world.is_there(index), "{cause}");
        assert_eq!(world.closed(cause), 1);
    }
}

#[test]
fn a_receiver_that_is_to_be_written_is_not_judged() {
    let mut world = World::new(config());
    let (server, user) = (world.connect_and_say(b"\0\0\x01\x01a"), world.connect_and_say(b"\0\x01\x01\x01a"));
    world.until(|relay| relay.connections.dirty.is_empty());
    world.relay.connections.wait(user, server, false);
    world.relay.connections.queue(server, &[0, 4, 0, 255, 0, 0], &[]);
    world.judge_after(8000);
    assert!(world.is_there(server), "its socket may have had room for long");
    world.relay.connections.get(server).unwrap().flags.writable = false;
    world.judge_after(1000);
    assert!(!world.is_there(server));
    assert_eq!(world.closed(Closed::StallTimeout), 1);
}

/// With an accomplice that takes just enough, a receiver is held up for ever, and takes nothing
/// itself.
#[test]
fn being_held_up_does_not_protect_for_ever() {
    let mut world = World::new(config());
    let (first, second) =
        (world.connect_and_say(b"\0\0\x01\x01a"), world.connect_and_say(b"\0\x01\x01\x01a"));
    let third = world.connect_and_say(b"\0\x01\x01\x01a");
    world.relay.connections.get(second).unwrap().flags.writable = false;
    world.relay.connections.wait(first, second, true);
    world.relay.connections.wait(second, third, false);
    for _ in 0..80 {
        world.relay.connections.note_taken(third, 1 << 20);
        world.judge_after(4000);
        let is_over = world.relay.connections.now > 63 * 5000;
        assert!(is_over || world.is_there(second), "{}", world.relay.connections.now);
    }
    world.judge_after(4000);
    assert!(!world.is_there(second) && world.is_there(third) && world.is_there(first));
    assert_eq!((world.closed(Closed::StallTimeout), world.relay.connections.paused), (1, 0));
}

#[test]
fn another_stall_timeout_holds_for_those_who_are_there() {
    let with = |seconds| Config { stall_timeout: Duration::from_secs(seconds), ..config() };
    for (before, now) in [(3600, 10), (2, 10)] {
        let mut world = World::new(with(before));
        let server = world.connect_and_say(b"\0\0\x01\x01a");
        let user = world.connect_and_say(b"\0\x01\x01\x01a");
        world.until(|relay| relay.connections.dirty.is_empty());
        let listen = world.relay.config().listen.clone();
        assert!(world.relay.reconfigure(Config { listen, ..with(now) }).unwrap().is_empty());
        world.relay.connections.wait(user, server, false);
        world.judge_after(9000);
        assert!(world.is_there(server), "{before}");
        world.judge_after(2000);
        assert!(!world.is_there(server) && world.is_there(user), "{before}");
    }
}

/// Otherwise one that takes nothing could hold up others for as long as settings are read again.
#[test]
fn a_new_configuration_gives_no_new_patience() {
    let with = |seconds| Config { stall_timeout: Duration::from_secs(seconds), ..config() };
    // how long the first one lets others wait, and how much longer the second one does
    for (before, after, left) in [(10, 10, 4000), (20, 10, 4000), (10, 20, 14_000), (20, 4, 1)] {
        let mut world = World::new(with(before));
        let server = world.connect_and_say(b"\0\0\x01\x01a");
        let user = world.connect_and_say(b"\0\x01\x01\x01a");
        world.until(|relay| relay.connections.dirty.is_empty());
        world.relay.connections.wait(user, server, false);
        world.judge_after(6000);
        world.relay.connections.reconfigure(with(after));
        if left > 1 {
            world.judge_after(left - 1);
            assert!(world.is_there(server), "{before} {after}");
        }
        world.judge_after(1);
        assert!(!world.is_there(server) && world.is_there(user), "{before} {after}");
    }
}

#[test]
fn a_new_configuration_gives_no_new_patience_with_windows() {
    let with = |seconds| Config { stall_timeout: Duration::from_secs(seconds), ..config() };
    let mut world = World::new(with(10));
    let server = world.connect_and_say(b"\0\0\x01\x01a");
    // with a window of 64 bytes, which is then used up, and a byte more
    world.connect_and_say(b"\0\x06\0\x09\x01\x01\x01\x06\x04\x40\0\0\0\0\x01\x01\x01a");
    world.say(server, &[&[66, 128, 0][..], &[7; 64], &[3, 128, 0, 9]].concat());
    let waits = |world: &mut World| world.relay.connections.get(server).unwrap().wait.for_window.is_some();
    assert!(waits(&mut world));
    world.judge_after(6000);
    world.relay.connections.reconfigure(with(10));
    world.judge_after(3000);
    assert!(waits(&mut world));
    world.judge_after(1001);
    assert!(!waits(&mut world), "the membership has ended");
}

impl World {
    /// A server that does not take part, and users that do and take nothing: one for each window.
    /// The server has sent so many bytes to all that it waits.
    fn with_silent_users(windows: &[u8], len: u8) -> Self {
        let mut world = Self::new(config());
        world.connect_and_say(b"\0\0\x01\x01a");
        for window in windows {
            let hello = [0, 6, 0, 9, 1, 1, 1, 6, 4, *window, 0, 0, 0];
            world.connect_and_say(&[&hello[..], b"\0\x01\x01\x01a"].concat());
        }
        world.say(0, &[&[1, 1, len + 1, 128][..], &vec![7; len.into()]].concat());
        assert_eq!(world.relay.stats().paused, 1);
        world
    }
}

/// An endpoint that does not take part waits for windows. It does not wait for silent users one
/// after the other.
#[test]
fn users_that_are_silent_at_the_same_time_are_given_up_at_the_same_time() {
    let mut world = World::with_silent_users(&[64, 64, 64, 64, 100], 80);
    world.judge_after(5001);
    assert_eq!(world.relay.stats().users, 1, "one still has a window");
    world.until(|relay| relay.stats().paused == 0);
    // one that has waited for many of them for a short time each gives up one
    let mut world = World::with_silent_users(&[64, 64, 64], 80);
    let began = world.relay.connections.now + 3000;
    world.relay.connections.get(0).unwrap().wait.began = began;
    world.judge_after(5001);
    assert_eq!(world.relay.stats().users, 2);
}

/// Nor does it wait for each as long where each has a little more room than the one before.
#[test]
fn users_that_are_silent_one_after_the_other_have_less_time() {
    let mut world = World::with_silent_users(&[64, 65, 66, 67], 100);
    let mut users = 4;
    for millis in [5001, 2510, 1260, 640] {
        world.until(|relay| relay.stats().paused == 1);
        world.judge_after(millis);
        users -= 1;
        assert_eq!(world.relay.stats().users, users, "after {millis} ms");
    }
    world.until(|relay| relay.stats().paused == 0);
}

/// More memory may be more room; the same is not, and what has been waited for in one go stays so.
#[test]
fn a_new_configuration_lets_those_go_on_that_it_gives_room() {
    let mut world = World::new(config());
    let server = world.connect_and_say(b"\0\0\x01\x01a");
    let user = world.connect_and_say(b"\0\x01\x01\x01a");
    let more = 2 * config().queue_bytes;
    for (queue_bytes, goes_on) in [(more, true), (more, false), (more / 2, false), (more, true)] {
        if world.relay.connections.paused == 0 {
            world.relay.connections.wait(user, server, false);
        }
        world.relay.connections.reconfigure(Config { queue_bytes, ..config() });
        assert_eq!(world.relay.connections.paused == 0, goes_on, "{queue_bytes}");
    }
}

#[test]
fn after_a_standstill_keepalives_are_due() {
    let mut world = World::new(config());
    let endpoint = world.connect_and_say(b"\0\0\x01\x01a");
    // deadlines that are over already
    world.judge_after(10_000);
    assert!(world.relay.connections.timers.next().unwrap() > world.relay.connections.now + 1000);
    world.relay.note_standstill(Duration::from_secs(10));
    assert_eq!(world.relay.connections.timers.next(), Some(world.relay.connections.now));
    world.judge_after(0);
    assert!(!world.relay.connections.get(endpoint).unwrap().queue.is_empty());
}

/// A probe of the system wakes a device up as a keepalive does, so it does not come before.
#[cfg(target_os = "linux")]
#[test]
fn who_asks_for_few_keepalives_is_not_probed_meanwhile() {
    let mut world = World::new(config());
    let idle = |world: &mut World, index| {
        let connection = world.relay.connections.get(index).unwrap();
        socket2::SockRef::from(&*connection.socket()).tcp_keepalive_time().unwrap().as_secs()
    };
    let index = world.connect_and_say(b"\0\0\x01\x01a");
    assert_eq!(idle(&mut world, index), 15);
    // a hello that asks for 600 s
    world.say(index, b"\0\x06\0\x06\x02\x04\x58\x02\0\0");
    assert_eq!(idle(&mut world, index), 615);
    // a new configuration is for all but what this one has asked for
    world.relay.reconfigure(Config { tcp_keepalive: Duration::from_secs(20), ..config() }).unwrap();
    assert_eq!(idle(&mut world, index), 620);
    // the relay says an hour at most
    world.say(index, b"\0\x06\0\x06\x02\x04\xff\xff\xff\0");
    assert_eq!(idle(&mut world, index), 3620);
}

/// An endpoint judges silence by what it was told, and is told nothing of a new configuration.
#[test]
fn a_new_configuration_keeps_the_keepalives_that_were_told() {
    let mut world = World::new(Config { keepalive_interval: Duration::from_secs(20), ..config() });
    let [greeted, silent, patient] =
        [b"\0\0\x01\x01a", b"\0\0\x01\x01b", b"\0\0\x01\x01c"].map(|ask| world.connect_and_say(ask));
    world.say(greeted, b"\0\x06\0\0");
    // a hello that asks for 600 s
    world.say(patient, b"\0\x06\0\x06\x02\x04\x58\x02\0\0");
    let every = |world: &mut World, index| {
        let keepalive = world.relay.connections.times.keepalive;
        world.relay.connections.get(index).unwrap().keepalive(keepalive) / 1000
    };
    for (interval, expected) in [(60, [20, 60, 600]), (10, [10, 10, 600]), (30, [20, 30, 600])] {
        let keepalive_interval = Duration::from_secs(interval);
        world.relay.reconfigure(Config { keepalive_interval, ..config() }).unwrap();
        assert_eq!([greeted, silent, patient].map(|index| every(&mut world, index)), expected);
    }
    // whoever is told anew is told what holds now
    world.relay.reconfigure(Config { keepalive_interval: Duration::from_secs(60), ..config() }).unwrap();
    world.say(greeted, b"\0\x06\0\0");
    assert_eq!(every(&mut world, greeted), 60);
}

#[test]
fn what_is_routed_after_a_wait_is_charged() {
    let mut world = World::new(Config {
        messages_per_second: 1_000_000,
        queue_bytes: 64 << 10,
        stall_timeout: Duration::from_secs(3600),
        ..config()
    });
    let (server, user) = (world.connect_and_say(b"\0\0\x01\x01a"), world.connect_and_say(b"\0\x01\x01\x01a"));
    let capacity = Capacity::new(1_000_000, Duration::from_secs(10));
    let left = |world: &mut World| {
        let now = world.relay.connections.now_micros;
        world.relay.connections.get(user).unwrap().messages.left(now, capacity)
    };
    world.until(|relay| relay.connections.dirty.is_empty());
    world.relay.connections.get(server).unwrap().flags.writable = false;
    // each is 4 bytes in the queue
    world.sockets[user as usize].write_all(&b"\x02\0x".repeat(20_000)).unwrap();
    world.until(|relay| relay.stats().paused == 1);
    let before = (left(&mut world), world.relay.connections.units);
    assert!(before.1 > 10_000, "{before:?}");
    // there is room for some, and not for all
    let connections = &mut world.relay.connections;
    let receiver = connections.slots[server as usize].as_mut().unwrap();
    receiver.queue.consume(8000, &mut connections.pool);
    connections.wake(server);
    world.relay.serve(user);
    let units = world.relay.connections.units - before.1;
    assert!(world.relay.connections.get(user).unwrap().rest.is_blocked && units > 1000, "{units}");
    assert_eq!(before.0 - left(&mut world), units);
}

/// Who has held up an existing server for most of its patience goes, and not who is waited for when
/// nothing is left of it.
#[test]
fn the_user_that_was_waited_for_the_longest_goes() {
    let mut world = World::new(Config { stall_timeout: Duration::from_secs(3600), ..config() });
    let server = world.connect_and_say(b"\0\0\x01\x01a");
    // users with a window of 64 bytes, which is then used up, and a byte more for each
    let [slow, other] =
        [(); 2].map(|()| world.connect_and_say(b"\0\x06\0\x09\x01\x01\x01\x06\x04\x40\0\0\0\0\x01\x01\x01a"));
    let to = |user: u8| [&[66, 128, user][..], &[user; 64], &[3, 128, user, 9]].concat();
    let waits_for =
        |relay: &Relay| relay.connections.slots[server as usize].as_ref().unwrap().wait.for_window;
    world.say(server, &[to(0), to(1)].concat());
    let first = waits_for(&world.relay).unwrap();
    // it is late, and grants in the end
    world.relay.connections.now += 3_000_000;
    world.relay.connections.stop_waiting_for_window(server);
    world.relay.connections.list(server);
    world.say(slow, b"\0\x08\0\x05\0\x40\0\0\0");
    world.until(|relay| waits_for(relay).is_some_and(|one| one != first));
    let second = waits_for(&world.relay).unwrap();
    world.judge_after(1_000_000);
    assert_eq!(waits_for(&world.relay), None, "the patience is over");
    // the server has it anew, and waits for the other one again
    world.until(|relay| waits_for(relay) == Some(second));
    world.say(other, b"\0\x08\0\x05\0\x40\0\0\0");
    // what has come last: that the channel is gone, because of slowness, and the byte
    for (user, end) in [(slow, &[0, 2, 0, 3][..]), (other, &[2, 0, 9])] {
        let socket = world.sockets[user as usize].try_clone().unwrap();
        socket.set_nonblocking(true).unwrap();
        let got = std::cell::RefCell::new(Vec::new());
        world.until(|_| {
            // it would block in the end
            let _ = socket.try_clone().unwrap().read_to_end(&mut got.borrow_mut());
            got.borrow().ends_with(end)
        });
    }
}

#[test]
fn accepting_goes_on_when_a_connection_goes() {
    let mut world = World::new(config());
    let first = world.connect();
    // as after an error of the system
    world.relay.accept_at = u64::MAX;
    world.sockets.push(TcpStream::connect(world.relay.local_addrs()[0]).unwrap());
    world.sockets.remove(first as usize);
    world.until(|relay| relay.stats().accepted == 2);
}

mod unhurried {
    //! Connections that are looked at once in a millisecond.

    use super::{Read, World, config};

    /// A server and two users of its channel. It is written often.
    fn room() -> (World, u32, [u32; 2]) {
        let mut world = World::new(config());
        let server = world.connect_and_say(b"\0\0\x01\x01a");
        let users = [0; 2].map(|_| world.connect_and_say(b"\0\x01\x01\x01a"));
        world.until(|relay| relay.connections.dirty.is_empty());
        let now = world.relay.connections.now_micros;
        world.relay.connections.get(server).unwrap().pace.let_wait(now);
        (world, server, users)
    }

    fn is_unhurried(world: &mut World, index: u32) -> bool {
        world.relay.connections.get(index).unwrap().flags.unhurried
    }

    /// Says something to the server, twice.
    fn calm_down(world: &mut World, user: u32) {
        for _ in 0..2 {
            world.say(user, b"\x02\0x");
            world.until(|relay| relay.connections.dirty.is_empty());
        }
    }

    #[test]
    fn what_they_say_arrives_and_so_does_their_end() {
        let (mut world, server, [user, other]) = room();
        calm_down(&mut world, user);
        assert!(is_unhurried(&mut world, user) && !is_unhurried(&mut world, other));
        let sent = world.relay.connections.get(server).unwrap().traffic.sent;
        for _ in 0..10 {
            world.say(user, b"\x02\0x");
        }
        world.until(|relay| {
            let server = relay.connections.slots[server as usize].as_ref().unwrap();
            server.traffic.sent == sent + 10 * 4
        });
        world.sockets[user as usize].shutdown(std::net::Shutdown::Both).unwrap();
        world.until(|relay| relay.stats().connections == 2);
        assert!(world.relay.unhurried.next().is_none());
    }

    #[test]
    fn who_says_something_to_somebody_else_is_in_a_hurry_again() {
        let (mut world, _, [user, other]) = room();
        calm_down(&mut world, user);
        // a channel of its own, whose user is not written often
        world.say(user, b"\0\0\x01\x01b");
        assert!(!is_unhurried(&mut world, user), "it was answered");
        world.say(other, b"\0\x01\x01\x01b");
        calm_down(&mut world, user);
        assert!(is_unhurried(&mut world, user));
        world.until(|relay| relay.connections.dirty.is_empty());
        world.say(user, b"\x03\x80\0x");
        assert!(!is_unhurried(&mut world, user));
    }

    #[test]
    fn when_nothing_comes_all_are_in_a_hurry() {
        let (mut world, server, [user, _]) = room();
        calm_down(&mut world, user);
        world.until(|relay| relay.unhurried.next().is_none());
        assert!(!is_unhurried(&mut world, user));
        // and still there
        world.say(user, b"\x02\0x");
        let socket = &mut world.sockets[server as usize];
        socket.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        // the announcement, the answer, two users and three messages
        world.relay.turn(Some(std::time::Duration::from_millis(10))).unwrap();
        world.sockets[server as usize].read_exact(&mut [0; 6 + 5 + 2 * 6 + 3 * 4]).unwrap();
    }
}

mod ended {
    //! Sockets of connections that have ended.

    use super::{Duration, Read, TcpStream, World, Write, config};

    /// A connection that gets a page and does not close.
    fn ask(world: &mut World) -> TcpStream {
        let count = world.relay.stats().http_requests;
        let mut socket = TcpStream::connect(world.relay.local_addrs()[0]).unwrap();
        socket.write_all(b"GET /health HTTP/1.1\r\nHost: relay\r\n\r\n").unwrap();
        world.until(|relay| relay.stats().http_requests > count);
        socket
    }

    #[test]
    fn stay_for_a_while() {
        let mut world = World::new(config());
        let mut socket = ask(&mut world);
        let now = world.relay.connections.now;
        assert_eq!(world.relay.lingering.len(), 1);
        world.relay.judge(now + 1000);
        assert_eq!(world.relay.lingering.len(), 1);
        world.relay.judge(now + 2100);
        assert_eq!(world.relay.lingering.len(), 0);
        let mut response = String::new();
        socket.read_to_string(&mut response).unwrap();
        assert!(response.ends_with("ok\n"), "{response}");
    }

    #[test]
    fn are_64_at_most() {
        let mut world = World::new(Config { max_connections_per_address: 0, ..config() });
        let sockets: Vec<_> = (0..70).map(|_| ask(&mut world)).collect();
        assert!(world.relay.lingering.len() <= 64, "{}", world.relay.lingering.len());
        drop(sockets);
        world.until(|relay| relay.lingering.len() == 0);
    }

    #[test]
    fn take_a_mebibyte_at_most() {
        let mut world = World::new(config());
        let mut socket = ask(&mut world);
        socket.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
        // its time does not pass
        let mut sent = 0;
        while let Ok(len) = socket.write(&[0; 10_000]) {
            sent += len;
            assert!(sent < 64 << 20, "all of it is taken");
            for _ in 0..3 {
                let now = world.relay.connections.now;
                let _ = world.relay.wait(Some(Duration::ZERO), Relay::note).unwrap();
                world.relay.connections.now = now;
            }
        }
        assert!(sent > 1 << 20, "{sent}");
        assert_eq!(world.relay.lingering.len(), 0);
    }

    use super::{Config, Relay};
}

/// On Windows no event tells of more behind what was only looked at.
#[test]
fn what_is_left_unread_is_looked_at_again_where_no_event_tells_of_more() {
    let from = vec!["127.0.0.1/32".parse().unwrap()];
    let mut world = World::new(Config { proxy_protocol_from: from, ..config() });
    let index = world.connect();
    let connection = world.relay.connections.get(index).unwrap();
    world.relay.poll.registry().deregister(connection.socket()).unwrap();
    let mut look = |header: &[u8]| {
        world.relay.connections.leave_unread_where(false, index);
        world.sockets[0].write_all(header).unwrap();
        world.judge_after(10);
        world.relay.turn(Some(Duration::ZERO)).unwrap();
        world.relay.stats().received_bytes
    };
    assert_eq!(look(b"PROXY TCP4 192."), 0);
    assert_eq!(look(b"0.2.7 127.0.0.1 1 2\r\n\0\0\x01\x01a"), 5);
}
