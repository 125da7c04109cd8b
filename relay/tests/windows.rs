//! Endpoints that take part in flow control and admission, and those that do not beside them.

mod common;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use common::{Endpoint, Got, Running, config, pattern, start, talk, to_all, to_server, to_user};
use peote_net::protocol::items::{self, Item, Items};
use peote_net::protocol::to_relay::Command;
use peote_net::protocol::{to_endpoint, to_relay};
use peote_relay::{Closed, Config, Paused};

const WINDOW: u32 = 32_768;

/// A hello of so large a window, and other items.
fn hello(window: u32, more: &[&[u8]]) -> Vec<u8> {
    let list = [&items::capabilities(1)[..], &items::number(items::WINDOW, window), &more.concat()].concat();
    [&to_relay::command_head(Command::Hello, list.len()).unwrap()[..], &list].concat()
}

/// One that takes part.
fn partner(relay: &Running) -> Endpoint {
    let mut endpoint = relay.connect();
    endpoint.send(&hello(WINDOW, &[]));
    let greeting = endpoint.control();
    assert_eq!(greeting[..2], [0, 3]);
    assert_eq!(Items::new(&greeting[2..]).next(), Some(Item::Capabilities(1)));
    endpoint
}

/// Has a user enter a channel whose server takes part and admits it. Returns the user's number.
fn admit(server: &mut Endpoint, user: &mut Endpoint, name: &[u8]) -> u8 {
    user.send(&[&[0, 1, 1, u8::try_from(name.len()).unwrap()], name].concat());
    let knock = next_event(server, 4);
    let (channel, number, ticket) = (knock[2], knock[3], knock[4]);
    server.send(&to_relay::admit(channel, number, ticket));
    assert_eq!(user.control()[..2], [1, 0]);
    number
}

/// The next event of that kind; others are passed over.
#[track_caller]
fn next_event(endpoint: &mut Endpoint, kind: u8) -> Vec<u8> {
    loop {
        let control = endpoint.control();
        if control[..2] == [0, kind] {
            return control;
        }
    }
}

/// A chunk's worth of data is granted as it is taken.
fn grant_all(user: &mut Endpoint, mut len: usize) {
    while len > 0 {
        match user.next() {
            Some(Got::Data(false, channel, _, bytes)) => {
                len -= bytes.len();
                user.send(&to_relay::grant_server(channel, u32::try_from(bytes.len()).unwrap()));
            }
            Some(Got::Control(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_silent_user_that_takes_part_holds_up_nobody() {
    let relay = start(Config { queue_bytes: 65_536, ..config() });
    let mut server = partner(&relay);
    server.create(b"a");
    let mut silent: Vec<Endpoint> = (0..4).map(|_| partner(&relay)).collect();
    for user in &mut silent {
        admit(&mut server, user, b"a");
    }
    let mut other = partner(&relay);
    let number = admit(&mut server, &mut other, b"a");
    // all that they have granted, which nobody reads; it is far more than sockets and queues hold
    // together
    for user in 0..4 {
        server.send(&to_user(0, user, &[7; WINDOW as usize]));
    }
    for round in 0..200u32 {
        let bytes = pattern(16_000, round);
        server.send(&to_user(0, number, &bytes));
        assert!(other.data(false, 0, 0, 16_000) == bytes);
        other.send(&to_relay::grant_server(0, 16_000));
        next_event(&mut server, 5);
    }
    let stats = relay.stats();
    assert_eq!((stats.paused, stats.pauses.total(), stats.closed.total()), (0, 0, 0));
}

/// One that sends more than it may loses the user that it does that to, and nothing else.
#[test]
fn a_liar_costs_itself() {
    let relay = start(Config { stall_timeout: Duration::from_millis(200), queue_bytes: 65_536, ..config() });
    let mut server = partner(&relay);
    server.create(b"a");
    let mut silent = partner(&relay);
    admit(&mut server, &mut silent, b"a");
    let (mut other_server, mut other_user) = relay.pair(b"other");
    server.send(&to_user(0, 0, &vec![7; 32 << 20]));
    assert_eq!(next_event(&mut server, 1), [0, 1, 0, 0, 3]);
    let stats = relay.stats();
    assert!(stats.queued_bytes < 1 << 20, "{stats:?}");
    assert_eq!((stats.pauses.total(), stats.closed.total()), (0, 0));
    talk(&mut other_server, &mut other_user);
}

/// One that grants what it does not take is the only one that does without.
#[test]
fn a_user_that_grants_nonsense_holds_up_nobody() {
    let relay = start(Config { stall_timeout: Duration::from_millis(200), queue_bytes: 65_536, ..config() });
    let mut server = partner(&relay);
    server.create(b"a");
    let mut liar = partner(&relay);
    admit(&mut server, &mut liar, b"a");
    let mut other = partner(&relay);
    let number = admit(&mut server, &mut other, b"a");
    liar.send(&to_relay::grant_server(0, u32::MAX));
    assert_eq!(next_event(&mut server, 5)[..2], [0, 5]);
    // the server believes it
    for round in 0..2000u32 {
        server.send(&to_user(0, 0, &[7; 16_000]));
        if round % 10 == 0 {
            let bytes = pattern(16_000, round);
            server.send(&to_user(0, number, &bytes));
            assert!(other.data(false, 0, 0, 16_000) == bytes);
            other.send(&to_relay::grant_server(0, 16_000));
        }
    }
    let stats = relay.stats();
    assert_eq!((stats.pauses.total(), stats.closed.total()), (0, 0));
    assert!(stats.queued_bytes < 1 << 20, "{stats:?}");
}

// §11.6-memory
#[test]
fn the_one_that_holds_the_most_is_given_up_where_memory_runs_out() {
    let relay = start(Config { queue_bytes: 65_536, memory_bytes: 1 << 20, ..config() });
    let mut server = partner(&relay);
    server.create(b"a");
    // it grants more than there is
    let mut greedy = relay.connect();
    greedy.send(&hello(1 << 30, &[]));
    greedy.control();
    admit(&mut server, &mut greedy, b"a");
    let mut modest = partner(&relay);
    let number = admit(&mut server, &mut modest, b"a");
    let mut socket = server.socket.try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        socket.write_all(&to_user(0, 0, &vec![7; 16 << 20])).unwrap();
        socket.write_all(&to_user(0, number, b"and you?")).unwrap();
    });
    assert_eq!(modest.data(false, 0, 0, 8), b"and you?");
    writer.join().unwrap();
    let stats = relay.until(|stats| stats.connections == 2);
    assert_eq!((stats.closed.of(Closed::Memory), stats.dropped, stats.pauses.total()), (1, 1, 0));
    assert!(next_event(&mut server, 1)[..4] == [0, 1, 0, 0]);
}

// §11.6-to-existing, §11.6-takes-nothing
#[test]
fn an_existing_receiver_is_granted_for_and_given_up_when_it_takes_nothing() {
    let relay = start(Config { stall_timeout: Duration::from_millis(500), queue_bytes: 65_536, ..config() });
    let mut server = partner(&relay);
    server.create(b"a");
    let mut user = relay.connect_small();
    let number = admit(&mut server, &mut user, b"a");
    // as fast as it is granted, which is as fast as it takes
    let thread = std::thread::spawn(move || (user.data(false, 0, 0, 4 << 20), user));
    let mut window = 32_768;
    let bytes = pattern(4 << 20, 3);
    for piece in bytes.chunks(8192) {
        while window < piece.len() {
            let grant = next_event(&mut server, 5);
            assert_eq!(grant[..4], [0, 5, 128, number]);
            window += u32::from_le_bytes(grant[4..8].try_into().unwrap()) as usize;
            assert!(window <= 32_768);
        }
        server.send(&to_user(0, number, piece));
        window -= piece.len();
    }
    let (got, user) = thread.join().unwrap();
    assert!(got == bytes);
    // from now on it takes nothing: the sender is not paused, and it goes
    loop {
        while window >= 8192 {
            server.send(&to_user(0, number, &[7; 8192]));
            window -= 8192;
        }
        match server.control() {
            grant if grant[..2] == [0, 5] => {
                window += u32::from_le_bytes(grant[4..8].try_into().unwrap()) as usize;
            }
            gone if gone[..2] == [0, 1] => break,
            _ => {}
        }
    }
    let stats = relay.stats();
    assert_eq!((stats.closed.of(Closed::StallTimeout), stats.pauses.total()), (1, 0));
    drop(user);
}

#[test]
fn an_existing_sender_pays_for_itself_only() {
    let relay = start(Config { stall_timeout: Duration::from_millis(500), ..config() });
    let mut server = partner(&relay);
    server.create(b"a");
    let (mut kept, mut other) = (relay.connect(), relay.connect());
    admit(&mut server, &mut kept, b"a");
    let number = admit(&mut server, &mut other, b"a");
    kept.send(&to_server(0, &[7; WINDOW as usize]));
    other.send(&to_server(0, b"hello"));
    // the program does not want what the first one says; the other is served meanwhile
    kept.send(&to_server(0, &[8; 1000]));
    relay.until(|stats| stats.pauses.of(Paused::Window) == 1);
    let mut of_kept = 0;
    loop {
        match server.next() {
            Some(Got::Data(true, 0, user, bytes)) if user == number => {
                assert_eq!(bytes, b"hello");
                break;
            }
            Some(Got::Data(true, 0, 0, bytes)) => of_kept += bytes.len(),
            other => panic!("{other:?}"),
        }
    }
    // it goes on when it is granted more, and is gone when it takes too long
    server.send(&to_relay::grant_user(0, 0, 500));
    while of_kept < WINDOW as usize + 500 {
        match server.next() {
            Some(Got::Data(true, 0, 0, bytes)) => of_kept += bytes.len(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(next_event(&mut server, 1), [0, 1, 0, 0, 3]);
    assert_eq!(next_event(&mut kept, 2), [0, 2, 0, 1]);
    let stats = relay.stats();
    assert_eq!((stats.connections, stats.users, stats.paused), (3, 1, 0));
}

/// A server that does not take part, with users of both kinds.
#[test]
fn a_broadcast_of_an_existing_server_reaches_both_kinds() {
    let relay = start(config());
    let mut server = relay.connect();
    server.create(b"a");
    let mut partner = partner(&relay);
    partner.send(b"\0\x01\x01\x01a");
    let answer = partner.control();
    assert_eq!((answer.len(), &answer[..2]), (8, &[1, 0][..]), "it is not asked, and its user has a window");
    let mut existing = relay.connect();
    existing.enter(b"a");
    let bytes = pattern(1 << 20, 4);
    let mut socket = server.socket.try_clone().unwrap();
    let all = to_all(0, &bytes);
    let writer = std::thread::spawn(move || socket.write_all(&all).unwrap());
    let thread = std::thread::spawn(move || grant_all(&mut partner, 1 << 20));
    assert!(existing.data(false, 0, 0, 1 << 20) == bytes);
    thread.join().unwrap();
    writer.join().unwrap();
}

// §11.4-keepalive
#[test]
fn keepalives_come_at_the_interval_that_was_asked_for() {
    let config = Config {
        keepalive_interval: Duration::from_millis(100),
        max_keepalive_interval: Duration::from_secs(5),
        ..config()
    };
    let relay = start(config);
    let mut endpoint = relay.connect();
    let wanted = items::number(items::KEEPALIVE, 3600);
    let name = [&items::head(items::NAME, 9)[..], b"sensor/\x1b2"].concat();
    endpoint.send(&hello(WINDOW, &[&wanted, &name]));
    let greeting = endpoint.control();
    let items: Vec<_> = Items::new(&greeting[2..]).collect();
    assert_eq!(items[..2], [Item::Capabilities(1), Item::Keepalive(5)], "what the relay allows");
    assert!(matches!(items[2], Item::Name(name) if name.starts_with(b"peote-relay ")));
    let mut existing = relay.connect();
    existing.send(&[0x80, 0]);
    for _ in 0..10 {
        assert_eq!(existing.control(), [0, 255, 0, 0]);
    }
    // it has had none meanwhile, which takes 10 times as long as it would without its hello
    endpoint.socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let error = endpoint.socket.read(&mut [0; 10]).unwrap_err();
    assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
}

// §11.4-keepalive
#[test]
fn what_is_wanted_of_keepalives_has_bounds() {
    let day = Duration::from_secs(86_400);
    for (wanted, most, in_force) in [
        (0, day, 5),
        (4, day, 5),
        (5, day, 5),
        (3600, day, 3600),
        (86_400, day, 86_400),
        (86_401, day, 86_400),
        (u32::MAX, day, 86_400),
        (u32::MAX, Duration::from_secs(60), 60),
    ] {
        let relay = start(Config { max_keepalive_interval: most, ..config() });
        let mut endpoint = relay.connect();
        endpoint.send(&hello(WINDOW, &[&items::number(items::KEEPALIVE, wanted)]));
        let greeting = endpoint.control();
        let told = Items::new(&greeting[2..]).nth(1);
        assert_eq!(told, Some(Item::Keepalive(in_force)), "{wanted} s of {most:?}");
    }
}

#[test]
fn a_knock_is_over_after_a_while_and_one_at_an_existing_door_is_none() {
    let relay = start(config());
    let mut server = partner(&relay);
    server.create(b"a");
    let mut user = partner(&relay);
    user.send(b"\0\x07\0\x05hello\0\x01\x01\x01a");
    let knock = next_event(&mut server, 4);
    assert_eq!(knock[5..], [&[1][..], &WINDOW.to_le_bytes(), b"hello"].concat());
    server.send(&[&to_relay::refuse(0, knock[3], knock[4], 7, 4).unwrap()[..], b"full"].concat());
    assert_eq!(user.control(), b"\x01\x01\x07full");
    user.send(b"\0\x01\x02\x01a");
    // not answered
    let begin = Instant::now();
    assert_eq!(loop_until_answer(&mut user), [2, 1, 8]);
    assert!(begin.elapsed() >= Duration::from_secs(9));
}

fn loop_until_answer(endpoint: &mut Endpoint) -> Vec<u8> {
    loop {
        let control = endpoint.control();
        if control[0] != 0 {
            return control;
        }
    }
}

// §11.4-come-back
#[test]
fn an_endpoint_is_told_when_to_come_back() {
    let relay = start(config());
    let (mut partner, mut existing) = (partner(&relay), relay.connect());
    existing.send(&[0x80, 0]);
    relay.until(|stats| stats.connections == 2);
    relay.with(|relay| relay.drain(Duration::ZERO));
    assert_eq!(next_event(&mut partner, 3), to_endpoint::come_back_in(0)[2..]);
    assert!(partner.next().is_none());
    assert!(existing.next().is_none());
}

/// Endpoints were told the relay's window, so it stays what it was: with a larger one the relay
/// would wait for more than may come before it grants.
#[test]
fn a_longer_queue_leaves_the_windows_as_they_were() {
    let small = Config { queue_bytes: 65_536, ..config() };
    let relay = start(small.clone());
    let mut server = partner(&relay);
    server.create(b"a");
    let mut user = relay.connect();
    let number = admit(&mut server, &mut user, b"a");
    relay.with(move |relay| relay.reconfigure(Config { queue_bytes: 1 << 20, ..small }).unwrap());
    // as many pieces as fit; what is left is less than a piece, and a piece is less than half of it
    server.send(&to_user(0, number, &[7; 10_000]).repeat(3));
    assert_eq!(user.data(false, 0, 0, 30_000), [7; 30_000]);
    let grant = next_event(&mut server, 5);
    assert_eq!(grant[..4], [0, 5, 128, number]);
}

/// Neither grants nor hellos are a way around the limits of what a connection may send.
#[test]
fn grants_are_messages_and_hellos_are_commands() {
    let relay = start(Config { messages_per_second: 100, commands_per_second: 50, ..config() });
    let mut server = partner(&relay);
    server.create(b"a");
    let mut user = partner(&relay);
    admit(&mut server, &mut user, b"a");
    user.send(&to_relay::grant_server(0, 0).repeat(2000));
    relay.until(|stats| stats.pauses.of(Paused::Messages) > 0);
    let mut other = partner(&relay);
    other.send(&hello(WINDOW, &[]).repeat(200));
    relay.until(|stats| stats.pauses.of(Paused::Commands) > 0);
}

/// The relay granted for it before its hello, and is owed nothing from then on.
#[test]
fn who_says_hello_while_others_wait_for_it_is_given_up_by_nobody() {
    let stall_timeout = Duration::from_secs(2);
    let keepalive_interval = Duration::from_secs(1);
    let relay = start(Config { stall_timeout, keepalive_interval, queue_bytes: 768 << 10, ..config() });
    let mut server = relay.connect_small();
    server.create(b"a");
    let mut users: Vec<Endpoint> = (0..14).map(|_| partner(&relay)).collect();
    for user in &mut users {
        user.send(&[0, 1, 1, 1, b'a']);
        assert_eq!(user.control()[..2], [1, 0]);
        user.send(&to_server(0, &[7; 65_536]));
    }
    // above half of the queue, and with room for the answer to its hello
    let sent = 14 * 65_536;
    relay.until(|stats| stats.received_bytes > sent as u64 && stats.queued_bytes > 384 << 10);
    server.send(&hello(WINDOW, &[]));
    let mut left = sent;
    while left > 0 {
        if let Some(Got::Data(_, _, _, bytes)) = server.next() {
            left -= bytes.len();
        }
    }
    std::thread::sleep(3 * stall_timeout);
    assert_eq!(relay.stats().closed.total(), 0);
}
