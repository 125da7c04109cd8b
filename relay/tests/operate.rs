//! What an operator asks of a relay that runs: kick, ban, close a channel, limits, drain.

mod common;

use std::io::Read;
use std::time::{Duration, Instant};

use common::websocket::{Browser, Frame, response};
use common::{Endpoint, config, start, talk, to_all, to_server};
use peote_relay::access::unix_now;
use peote_relay::{Ban, Banned, Closed, Config, Refused, TurnedAway};

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

fn id_of(relay: &common::Running, number: usize) -> String {
    relay.with(move |relay| {
        let mut all = Vec::new();
        relay.each_connection(|info| {
            all.push(info.id);
            true
        });
        all.swap_remove(number)
    })
}

#[test]
fn connections_and_channels_are_shown() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    talk(&mut server, &mut user);
    let (server_id, user_id) = (id_of(&relay, 0), id_of(&relay, 1));
    let (info, own, entered) = relay.with(move |relay| relay.connection(&user_id).unwrap());
    assert_eq!((info.own, info.entered, own.len(), entered.len()), (0, 1, 0, 1));
    assert_eq!((&entered[0].name[..], &entered[0].server), (&b"a"[..], &server_id));
    assert!(info.received_bytes > 40_000 && info.sent_bytes > 80_000);
    let channels = relay.with(|relay| {
        let mut all = Vec::new();
        relay.each_channel(|channel| {
            all.push((channel.name, channel.users));
            true
        });
        all
    });
    assert_eq!(channels, [(b"a".to_vec(), 1)]);
    for wrong in ["", "x", "0", "0.", "9.9", "0.99", "-1.0", "0.0x"] {
        assert!(relay.with(move |relay| relay.connection(wrong).is_none()), "{wrong}");
    }
}

#[test]
fn who_is_kicked_is_told_why_where_there_are_words_for_it() {
    let relay = start(config());
    let mut server = relay.connect();
    server.create(b"a");
    let mut browser = Browser::new(&relay);
    browser.send(b"\0\x01\x01\x01a");
    browser.control();
    server.control();
    let id = id_of(&relay, 1);
    let reason = "ä".repeat(100);
    assert!(relay.with({
        let (id, reason) = (id.clone(), reason.clone());
        move |relay| relay.kick(&id, &reason)
    }));
    // as much of the reason as a close frame holds, at the border of a character
    let mut said = Vec::new();
    browser.socket.read_to_end(&mut said).unwrap();
    assert_eq!(said[..4], [0x88, 124, 1008u16.to_be_bytes()[0], 1008u16.to_be_bytes()[1]]);
    assert_eq!(str::from_utf8(&said[4..126]).unwrap(), &reason[..122]);
    assert_eq!(server.control(), [0, 1, 0, 0, 1]);
    assert!(!relay.with(move |relay| relay.kick(&id, "")), "it is gone");
    assert_eq!(relay.stats().closed.of(Closed::Kicked), 1);
}

#[test]
fn who_is_banned_goes_and_cannot_come_until_the_ban_is_over_or_lifted() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    let who = Banned::Address("127.0.0.0/8".parse().unwrap());
    let ban = |until| Ban { who: who.clone(), until, reason: String::new() };
    let for_good = ban(None);
    assert_eq!(relay.with(|relay| relay.ban(for_good)), Ok(2));
    server.is_closed();
    user.is_closed();
    relay.connect().is_closed();
    assert_eq!(relay.stats().turned_away.of(TurnedAway::Banned), 1);
    let over = ban(Some(unix_now() - 1));
    assert_eq!(relay.with(|relay| relay.ban(over)), Ok(0));
    relay.connect().create(b"b");
    let (for_good, lifted) = (ban(None), who.clone());
    relay.with(|relay| relay.ban(for_good)).unwrap();
    assert!(relay.with(move |relay| relay.lift_ban(&lifted)));
    assert_eq!(relay.with(|relay| relay.bans().count()), 0);
    relay.connect().create(b"c");
}

#[test]
fn a_channel_is_closed_for_all_in_it() {
    let relay = start(config());
    let (mut server, mut user) = relay.pair(b"a");
    assert!(relay.with(|relay| relay.close_channel(b"a")));
    assert_eq!(user.control(), [0, 2, 0, 2]);
    assert_eq!(server.control(), [0, 1, 0, 0, 2]);
    user.send(b"\0\x01\x01\x01a");
    assert_eq!(user.control(), [1, 1, 1]);
    server.send(&to_all(0, b"nobody"));
    server.create(b"b");
    assert!(!relay.with(|relay| relay.close_channel(b"a")));
}

#[test]
fn one_connection_has_limits_of_its_own_until_they_are_taken_back() {
    let relay = start(config());
    let mut server = relay.connect();
    server.create(b"a");
    let id = id_of(&relay, 0);
    let mut limits = peote_relay::access::Limits::default();
    limits.channels = Some(1);
    let one = id.clone();
    assert!(relay.with(move |relay| relay.limit(&one, limits)));
    server.send(b"\0\0\x01\x01b");
    assert_eq!(server.control(), [1, 1, 1]);
    relay.connect().create(b"b");
    assert!(relay.with(move |relay| relay.limit(&id, peote_relay::access::Limits::default())));
    server.create(b"c");
}

#[test]
fn a_slow_rate_slows_that_connection_down() {
    let relay = start(Config { burst: Duration::from_millis(100), ..config() });
    let (mut server, mut user) = relay.pair(b"a");
    let id = id_of(&relay, 1);
    let mut limits = peote_relay::access::Limits::default();
    limits.bytes = Some(100_000);
    let one = id.clone();
    relay.with(move |relay| relay.limit(&one, limits));
    let begin = Instant::now();
    user.send(&to_server(0, &[7; 60_000]));
    assert!(server.data(true, 0, 0, 60_000).iter().all(|byte| *byte == 7));
    assert!(begin.elapsed() > Duration::from_millis(300), "{:?}", begin.elapsed());
    assert!(relay.stats().pauses.total() > 0);
    relay.with(move |relay| relay.limit(&id, peote_relay::access::Limits::default()));
    talk(&mut server, &mut user);
}

#[test]
fn a_relay_that_drains_creates_nothing_and_lets_go_one_after_the_other() {
    const OVER: Duration = Duration::from_secs(1);
    let relay = start(config());
    let mut all: Vec<Endpoint> = (0..50).map(|_| relay.connect()).collect();
    for (number, endpoint) in all.iter_mut().enumerate() {
        endpoint.create(&[u8::try_from(number).unwrap()]);
    }
    let mut browser = Browser::new(&relay);
    assert!(response(&relay, HEALTH).starts_with("HTTP/1.1 200 "));
    relay.with(|relay| relay.drain(OVER));
    let told = response(&relay, HEALTH);
    assert!(told.starts_with("HTTP/1.1 503 ") && told.ends_with("draining\n"), "{told}");
    relay.connect().is_closed();
    let last = &mut all[49];
    last.send(b"\0\0\x01\x01z");
    assert_eq!(last.control(), [1, 1, 1]);
    assert_eq!(relay.stats().refused.of(Refused::Draining), 1);
    let half = relay.until(|stats| stats.connections <= 25);
    assert!(half.connections > 0, "they go one after the other");
    relay.until(|stats| stats.connections == 0);
    let stats = relay.stats();
    assert_eq!((stats.closed.of(Closed::Drained), stats.dropped), (51, 0));
    all.iter_mut().for_each(Endpoint::is_closed);
    assert_eq!(browser.frame(), Frame::Close(Some(1012)));
    relay.until(|_| relay.with(|relay| relay.is_drained()));
}

#[test]
fn what_is_queued_is_delivered_before_an_endpoint_has_to_go() {
    let relay = start(config());
    let mut server = relay.connect();
    server.create(b"a");
    let mut user = relay.connect_small();
    user.enter(b"a");
    server.control();
    let len = 400_000;
    server.send(&to_all(0, &vec![7; len]));
    relay.until(|stats| stats.queued_bytes > 0);
    relay.with(|relay| relay.drain(Duration::from_secs(20)));
    let bytes = user.data(false, 0, 0, len);
    assert!(bytes.iter().all(|byte| *byte == 7));
    // it has time to take all of that, and the relay need not wait for it
    let now = relay.with(|relay| {
        relay.drain(Duration::ZERO);
        Instant::now()
    });
    user.is_closed();
    assert!(now.elapsed() < common::PATIENCE);
}
