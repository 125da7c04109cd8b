//! Relays that are one, on a real NATS server: channels at one relay, users at another, and what
//! becomes of them when something is lost.
#![cfg(all(unix, feature = "cluster", feature = "program"))]

mod cluster_rig;
mod common;
mod program;

use std::io::Read;
use std::time::{Duration, Instant};

use cluster_rig::{
    CREATE, ENTER, LONG, Nats, OK, Raw, channel, cluster_of, figure_of, signal, taking_part, until,
};
use peote_relay::{Config, Relay};
use program::{PATIENCE, Running};
use rustix::process::Signal;

#[test]
fn the_story_of_a_channel_with_bytes_as_of_haxe() {
    let Some(nats) = Nats::start("story") else { return };
    let (_a, at_a) = nats.relay("story", "10");
    let (_b, at_b) = nats.relay("story", "10");
    let (mut server, mut user, mut third) = (Raw::connect(at_a), Raw::connect(at_b), Raw::connect(at_b));
    user.command(ENTER, 1, b"room");
    user.expect(&[0, 3, 1, 1, 1]); // no such channel
    server.command(CREATE, 1, b"room");
    server.expect(OK);
    third.command(CREATE, 1, b"room");
    third.expect(&[0, 3, 1, 1, 2]); // in use
    user.command(ENTER, 1, b"room");
    user.expect(OK);
    server.expect(&[0, 4, 0, 0, 0, 0]); // user 0 entered
    third.command(ENTER, 1, b"room");
    third.expect(OK);
    server.expect(&[0, 4, 0, 0, 0, 1]);
    user.command(ENTER, 2, b"room");
    user.expect(&[0, 3, 2, 1, 3]); // already entered
    // data in both directions, a broadcast, one to all but one
    user.say(&[3, 0, 1, 77]);
    server.expect(&[4, 128, 0, 1, 77]);
    server.say(&[4, 128, 1, 1, 78]);
    third.expect(&[3, 0, 1, 78]);
    server.say(&[1, 1, 3, 128, 1, 79]);
    user.expect(&[3, 0, 1, 79]);
    third.expect(&[3, 0, 1, 79]);
    server.say(&[1, 0, 4, 128, 0, 1, 80]);
    third.expect(&[3, 0, 1, 80]);
    // leaving, losing, removing, deleting
    user.say(&[0, 2, 0, 1, 0]);
    server.expect(&[0, 5, 0, 1, 0, 0, 0]);
    user.command(ENTER, 1, b"room");
    let answer = user.next().unwrap();
    assert_eq!(answer[..4], OK[..4]);
    server.expect(&[0, 4, 0, 0, 0, 2]);
    server.say(&[0, 4, 0, 2, 0, 1]); // removes user 1
    third.expect(&[0, 4, 0, 2, 0, 2]);
    server.expect(&[0, 5, 0, 1, 0, 1, 2]);
    drop(user);
    server.expect(&[0, 5, 0, 1, 0, 2, 1]); // lost
    third.command(ENTER, 1, b"room");
    let answer = third.next().unwrap();
    assert_eq!(answer[..4], OK[..4]);
    server.expect(&[0, 4, 0, 0, 0, 3]);
    server.say(&[0, 5, 0, 2, 0, 3]); // removes and blocks
    third.expect(&[0, 4, 0, 2, answer[4], 2]);
    server.expect(&[0, 5, 0, 1, 0, 3, 2]);
    third.command(ENTER, 1, b"room");
    third.expect(&[0, 3, 1, 1, 6]); // blocked
    let mut last = Raw::user(at_b, b"room");
    server.expect(&[0, 4, 0, 0, 0, 4]);
    server.say(&[5, 128, 4, 2, 1, 2]);
    server.say(&[0, 3, 0, 1, 0]); // deletes
    last.expect(&[4, 0, 2, 1, 2]);
    last.expect(&[0, 4, 0, 2, 0, 0]);
    // the name is free, at the other relay as well
    let answer = last.command_until(CREATE, b"room", &[0, 3, 1, 1, 2]);
    assert_eq!(answer, OK);
}

/// The last user of a relay leaves a channel that is elsewhere, and enters it again in one breath.
#[test]
fn a_user_that_leaves_and_enters_at_once_is_in() {
    let Some(nats) = Nats::start("again") else { return };
    let (_a, at_a) = nats.relay("again", LONG);
    let (_b, at_b) = nats.relay("again", LONG);
    let (mut server, mut user) = channel(at_a, at_b, b"room");
    let (mut entered, mut number) = (0, 0);
    for _ in 0..20 {
        user.say(&[&[0, 2, 0, 1, entered, 0, ENTER, 1, 4][..], b"room"].concat());
        let answer = user.next().unwrap();
        assert_eq!(answer[..4], OK[..4]);
        entered = answer[4];
        server.expect(&[0, 5, 0, 1, 0, number, 0]);
        let next = server.next().unwrap();
        assert_eq!(next[..5], [0, 4, 0, 0, 0]);
        number = next[5];
        server.say(&[3, 128, number, 9]);
        user.expect(&[2, entered, 9]);
    }
}

/// Channels that users have entered elsewhere take no place from those that are created here.
#[test]
fn channels_elsewhere_are_none_of_this_relay() {
    let Some(nats) = Nats::start("count") else { return };
    let (_a, at_a) = nats.relay("count", LONG);
    let (_b, at_b) =
        nats.relay_with(&nats.url(), "count", LONG, &["--max-channels", "2", "--metrics", "true"]);
    let mut far = Raw::server(at_a, b"far 1");
    far.command(CREATE, 1, b"far 2");
    far.expect(&[0, 3, 1, 0, 1]);
    let mut user = Raw::user(at_b, b"far 1");
    user.command(ENTER, 1, b"far 2");
    user.expect(&[0, 3, 1, 0, 1]);
    assert_eq!(figure_of(at_b, "channels"), 0);
    for number in 0..2 {
        user.command(CREATE, 1, &[number]);
        user.expect(&[0, 3, 1, 0, number]);
    }
    user.command(CREATE, 1, b"one too many");
    user.expect(&[0, 3, 1, 1, 1]);
    assert_eq!(figure_of(at_b, "channels"), 2);
    assert_eq!(figure_of(at_b, "cluster_users_elsewhere"), 2);
}

/// Bytes of data from a user.
fn payload_len(unit: &[u8]) -> usize {
    unit.len() - if unit[0] > 127 { 4 } else { 3 }
}

#[test]
fn admission_numbers_and_windows_go_across() {
    let Some(nats) = Nats::start("admission") else { return };
    let (_a, at_a) = nats.relay("admission", "10");
    let (_b, at_b) = nats.relay("admission", "10");
    let mut server = taking_part(at_a, 4000);
    server.command(CREATE, 1, b"");
    server.expect(OK);
    // one at the server's own relay first, so that the numbers are others there
    let mut near = taking_part(at_a, 1000);
    near.command(ENTER, 1, b"");
    let knock = server.next().unwrap();
    server.say(&[0, 9, 0, 3, 0, knock[5], knock[6]]);
    near.expect(&[&[0, 8, 1, 0, 0, 0][..], &4000_u32.to_le_bytes()].concat());
    let mut user = taking_part(at_b, 5000);
    user.command(7, 0, b"hi");
    user.command(ENTER, 1, b"");
    let knock = server.next().unwrap();
    assert_eq!((&knock[..6], &knock[12..]), (&[0, 12, 0, 4, 0, 1][..], &b"hi"[..]));
    server.say(&[&[0, 10, 0, 6, 0, 1, knock[6], 7][..], b"no"].concat());
    user.expect(&[0, 5, 1, 1, 7, b'n', b'o']);
    user.command(ENTER, 1, b"");
    let knock = server.next().unwrap();
    assert_eq!(knock[5], 2);
    server.say(&[0, 9, 0, 3, 0, 2, knock[6]]);
    let answer = user.next().unwrap();
    assert_eq!(answer[..4], [0, 8, 1, 0]);
    assert_eq!(answer[5], 2, "its number is that of the server's relay");
    let window = u32::from_le_bytes(answer[6..].try_into().unwrap());
    // the server takes nothing: no more than both windows comes across
    let piece = [&[0x80 | 3, 233, answer[4]][..], &[7; 1000]].concat();
    for _ in 0..window / 1000 {
        user.say(&piece);
    }
    let mut got = 0;
    while got < 4000 {
        got += payload_len(&server.next().unwrap());
    }
    assert_eq!(got, 4000);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(server.take(), None);
    assert!(
        matches!(server.0.read(&mut [0; 10]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock),
        "above the window"
    );
    // it takes, and the rest comes, and the user is granted it
    server.say(&[&[0, 8, 0, 6, 128, 2][..], &window.to_le_bytes()].concat());
    while got < window as usize / 1000 * 1000 {
        got += payload_len(&server.next().unwrap());
    }
    let grant = user.next().unwrap();
    assert_eq!(grant[..5], [0, 7, 0, 5, answer[4]]);
    // the user is gone, with all that it is in
    drop(user);
    server.expect(&[0, 5, 0, 1, 0, 2, 1]);
}

/// A user says something and goes at once. Its server hears all of it when it wants it, wherever
/// the user was.
#[test]
fn last_words_that_wait_for_a_window_are_heard() {
    let Some(nats) = Nats::start("last") else { return };
    let (_a, at_a) = nats.relay("last", "10");
    let (_b, at_b) = nats.relay("last", "10");
    let mut server = taking_part(at_a, 1000);
    server.command(CREATE, 1, b"x");
    server.expect(OK);
    for (number, at) in [(0, at_a), (1, at_b)] {
        let mut user = Raw::connect(at);
        user.command(ENTER, 1, b"x");
        let knock = server.next().unwrap();
        assert_eq!(knock[..6], [0, 10, 0, 4, 0, number]);
        server.say(&[0, 9, 0, 3, 0, number, knock[6]]);
        user.expect(OK);
        let piece = [&[0x80 | 3, 233, 0][..], &[number; 1000]].concat();
        user.say(&piece.repeat(5));
        drop(user);
        let (mut got, mut granted) = (0, 0);
        loop {
            let unit = server.next().unwrap();
            if unit[0] == 0 {
                assert_eq!(unit, [0, 5, 0, 1, 0, number, 1]);
                break;
            }
            got += payload_len(&unit);
            if got - granted >= 1000 {
                // nothing is granted before the end of the user may have been noticed
                std::thread::sleep(Duration::from_millis(100));
                let more = u32::try_from(got - granted).unwrap();
                server.say(&[&[0, 8, 0, 6, 128, number][..], &more.to_le_bytes()].concat());
                granted = got;
            }
        }
        assert_eq!(got, 5000, "of user {number}");
    }
}

/// A user that takes nothing does not keep the name of a channel that is gone.
#[test]
fn a_name_does_not_wait_for_last_words() {
    let Some(nats) = Nats::start("name") else { return };
    let (_a, at_a) = nats.relay("name", LONG);
    let (_b, at_b) = nats.relay_with(&nats.url(), "name", LONG, &["--stall-timeout", "60"]);
    let mut server = Raw::server(at_a, b"x");
    let mut user = taking_part(at_b, 1000);
    user.command(ENTER, 1, b"x");
    let entered = user.next().unwrap();
    assert_eq!(entered[..4], [0, 8, 1, 0]);
    server.expect(&[0, 4, 0, 0, 0, 0]);
    server.say(&[&[0x80 | 3, 234, 128, 0][..], &[7; 1000]].concat().repeat(5));
    server.say(&[0, 3, 0, 1, 0]);
    let mut next = Raw::connect(at_b);
    assert_eq!(next.command_until(CREATE, b"x", &[0, 3, 1, 1, 2]), OK);
    let mut got = 0;
    let end = loop {
        let unit = user.next().unwrap();
        if unit[0] == 0 {
            break unit;
        }
        got += payload_len(&unit) + 1;
    };
    assert_eq!((got, &end[..]), (1000, &[0, 4, 0, 2, entered[4], 0][..]));
    // and the channel there is that of its new server
    user.command(ENTER, 1, b"x");
    assert_eq!(user.next().unwrap()[..4], [0, 8, 1, 0]);
    next.expect(&[0, 4, 0, 0, 0, 0]);
}

/// A server that takes nothing does not keep those who have gone for ever.
#[test]
fn last_words_that_nobody_wants_are_dropped_after_a_while() {
    let Some(nats) = Nats::start("words") else { return };
    let more = ["--stall-timeout", "1", "--metrics", "true"];
    let (_a, at_a) = nats.relay_with(&nats.url(), "words", "10", &more);
    let (_b, at_b) = nats.relay("words", "10");
    let mut server = taking_part(at_a, 1000);
    server.command(CREATE, 1, b"x");
    server.expect(OK);
    let mut user = Raw::connect(at_b);
    user.command(ENTER, 1, b"x");
    let knock = server.next().unwrap();
    server.say(&[0, 9, 0, 3, 0, 0, knock[6]]);
    user.expect(OK);
    user.say(&[&[0x80 | 3, 233, 0][..], &[7; 1000]].concat().repeat(5));
    drop(user);
    let mut got = 0;
    let unit = loop {
        let unit = server.next().unwrap();
        if unit[0] == 0 {
            break unit;
        }
        got += payload_len(&unit);
    };
    assert_eq!((got, &unit[..]), (1000, &[0, 5, 0, 1, 0, 0, 1][..]));
    until("nothing to be kept", || figure_of(at_a, "cluster_users_from_elsewhere") == 0);
}

#[test]
fn two_clusters_on_one_nats_do_not_see_each_other() {
    let Some(nats) = Nats::start("two") else { return };
    let (_a, at_a) = nats.relay("one", "10");
    let (_b, at_b) = nats.relay("other", "10");
    let (mut server, mut other) = (Raw::connect(at_a), Raw::connect(at_b));
    server.command(CREATE, 1, b"x");
    server.expect(OK);
    other.command(ENTER, 1, b"x");
    other.expect(&[0, 3, 1, 1, 1]);
    other.command(CREATE, 1, b"x");
    other.expect(OK);
}

#[test]
fn a_relay_that_is_killed_or_stands_still_is_told_of_once_and_its_names_are_free() {
    let Some(nats) = Nats::start("killed") else { return };
    let (mut a, at_a) = nats.relay("killed", "2");
    let (b, at_b) = nats.relay("killed", "2");
    let (_c, at_c) = nats.relay("killed", "2");
    let (_of_a, mut of_b) = (Raw::server(at_a, b"a"), Raw::server(at_b, b"b"));
    let mut user = Raw::user(at_c, b"a");
    user.command(ENTER, 2, b"b");
    user.expect(&[0, 3, 2, 0, 1]);
    // one is killed
    a.child.kill().unwrap();
    user.expect(&[0, 4, 0, 2, 0, 1]);
    let mut next = Raw::connect(at_c);
    assert_eq!(next.command_until(CREATE, b"a", &[0, 3, 1, 1, 2]), OK);
    // one stands still for longer than its lease: its own server hears of the end before anything
    // else happens
    signal(&b, Signal::STOP);
    user.expect(&[0, 4, 0, 2, 1, 1]);
    assert_eq!(next.command_until(CREATE, b"b", &[0, 3, 1, 1, 2]), [0, 3, 1, 0, 1]);
    of_b.say(&[3, 128, 0, 9]);
    signal(&b, Signal::CONT);
    while let Some(unit) = of_b.next() {
        assert_eq!(unit[..2], [0, 4], "{unit:?}"); // that a user has entered, or is gone
    }
    // it is one of the cluster again
    let mut of_b = Raw::connect(at_b);
    of_b.command(ENTER, 1, b"b");
    let begin = Instant::now();
    while of_b.next().unwrap() != OK {
        assert!(begin.elapsed() < PATIENCE);
        of_b.command(ENTER, 1, b"b");
    }
}

#[test]
fn channels_go_on_without_nats_and_all_heals_by_itself() {
    let Some(mut nats) = Nats::start("gone") else { return };
    let (mut a, at_a) = nats.relay("gone", "2");
    let (mut b, at_b) = nats.relay("gone", "2");
    let (mut server, mut near, mut far) = (Raw::connect(at_a), Raw::connect(at_a), Raw::connect(at_b));
    server.command(CREATE, 1, b"x");
    server.expect(OK);
    near.command(ENTER, 1, b"x");
    near.expect(OK);
    server.expect(&[0, 4, 0, 0, 0, 0]);
    far.command(ENTER, 1, b"x");
    far.expect(OK);
    server.expect(&[0, 4, 0, 0, 0, 1]);
    nats.kill();
    // who is across is told, on both sides; who is not goes on, for longer than the lease
    far.expect(&[0, 4, 0, 2, 0, 1]);
    server.expect(&[0, 5, 0, 1, 0, 1, 1]);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        near.say(&[2, 0, 1]);
        server.expect(&[3, 128, 0, 1]);
        std::thread::sleep(Duration::from_millis(200));
    }
    far.command(CREATE, 1, b"new");
    far.expect(&[0, 3, 1, 1, 1]); // nothing can be created now
    nats.again();
    a.log_until("part of the cluster");
    b.log_until("part of the cluster");
    far.command(CREATE, 1, b"x");
    far.expect(&[0, 3, 1, 1, 2]); // the name is still its owner's
    far.command(ENTER, 1, b"x");
    let answer = far.next().unwrap();
    assert_eq!(answer[..4], OK[..4]);
    server.expect(&[0, 4, 0, 0, 0, 2]);
    near.say(&[2, 0, 1]);
    server.expect(&[3, 128, 0, 1]);
}

#[test]
fn a_relay_that_stops_gives_its_names_back_at_once() {
    let Some(nats) = Nats::start("stops") else { return };
    let (mut a, at_a) = nats.relay("stops", "600");
    let (_b, at_b) = nats.relay("stops", "600");
    let (_server, mut user) = channel(at_a, at_b, b"x");
    signal(&a, Signal::TERM);
    user.expect(&[0, 4, 0, 2, 0, 1]);
    assert_eq!(a.end().0, Some(0));
    assert_eq!(user.command_until(CREATE, b"x", &[0, 3, 1, 1, 2]), OK);
}

#[test]
fn a_relay_of_another_version_is_refused_with_a_clear_word() {
    let Some(nats) = Nats::start("version") else { return };
    let url = format!("nats://127.0.0.1:{}", nats.port);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(&url).await.unwrap();
        let context = async_nats::jetstream::new(client);
        let config = async_nats::jetstream::kv::Config { bucket: "peote-old".into(), ..Default::default() };
        context.create_key_value(config).await.unwrap().put("version", "0".into()).await.unwrap();
    });
    let mut relay = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--cluster",
        &url,
        "--cluster-name",
        "old",
        "--log-level",
        "error",
    ]);
    let (code, errors) = relay.end();
    assert_eq!(code, Some(2));
    assert!(errors.contains("speak version 0 among each other and this one version 1"), "{errors}");
}

#[test]
fn a_broadcast_goes_once_to_each_relay() {
    const USERS: usize = 100;
    const LEN: usize = 10_000;
    let Some(nats) = Nats::start("once") else { return };
    let socket = nats.path("ctl");
    let (_a, at_a) = nats.relay_with(&nats.url(), "once", "10", &["--control-socket", &socket]);
    let (_b, at_b) = nats.relay("once", "10");
    let mut server = Raw::server(at_a, b"room");
    let mut users: Vec<Raw> = (0..USERS).map(|_| Raw::connect(at_b)).collect();
    for user in &mut users {
        user.command(ENTER, 1, b"room");
        user.expect(OK);
        assert_eq!(server.next().unwrap()[..5], [0, 4, 0, 0, 0]);
    }
    let sent_since = |before: u64| cluster_of(&socket)["sent_bytes"].as_u64().unwrap() - before;
    let before = sent_since(0);
    // one as long as it goes, and then short ones
    let long = u8::try_from((LEN + 1) >> 8).unwrap() | 128;
    let unit = [&[1, 1, long, (LEN + 1).to_le_bytes()[0], 128][..], &[7; LEN]].concat();
    server.say(&unit);
    let short: Vec<u8> = (0..200).flat_map(|number| [1, 1, 3, 128, number, 9]).collect();
    server.say(&short);
    for user in &mut users {
        let mut got = Vec::new();
        while got.len() < LEN {
            let unit = user.next().unwrap();
            got.extend_from_slice(&unit[if unit[0] > 127 { 3 } else { 2 }..]);
        }
        assert!(got == [7; LEN], "{} bytes of {LEN}", got.len());
        for number in 0..200 {
            user.expect(&[3, 0, number, 9]);
        }
    }
    let sent = sent_since(before);
    assert!(sent > 10_000, "{sent} bytes on the line");
    // what it says: the data, and a list of the members; once for each user would be a million
    assert!(sent < 16_000, "{sent} bytes on the line");
    // one after the other, each in a message of its own: the members are not listed again
    let before = sent_since(0);
    for number in 0..50 {
        server.say(&[1, 1, 3, 128, number, 9]);
        users.iter_mut().for_each(|user| user.expect(&[3, 0, number, 9]));
    }
    let sent = sent_since(before);
    assert!(sent < 50 * 70, "{sent} bytes on the line");
    server.say(&[0, 3, 0, 1, 0]);
    for user in &mut users {
        user.expect(&[0, 4, 0, 2, 0, 0]);
    }
}

#[test]
fn the_metrics_have_the_cluster() {
    let Some(nats) = Nats::start("metrics") else { return };
    let (_a, at_a) = nats.relay_with(&nats.url(), "metrics", "10", &["--metrics", "true"]);
    let (_b, at_b) = nats.relay("metrics", "10");
    let (_server, _user) = channel(at_a, at_b, b"room");
    let figure = |name: &str| figure_of(at_a, &format!("cluster_{name}"));
    for (name, value) in [
        ("connected", 1),
        ("ready", 1),
        ("relays", 1),
        ("channels", 1),
        ("channels_elsewhere", 0),
        ("users_from_elsewhere", 1),
        ("users_elsewhere", 0),
        ("broken_lines_total", 0),
        ("lapses_total", 0),
    ] {
        assert_eq!(figure(name), value, "{name}");
    }
    assert!(figure("received_messages_total") > 0 && figure("sent_bytes_total") > 0);
}

/// NATS' client is made for tokio, and a runtime of tokio cannot be waited for inside another one.
#[test]
fn a_relay_of_a_cluster_inside_a_task_of_tokio_says_so() {
    let config = Config {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        // nobody listens there
        cluster: vec!["nats://127.0.0.1:9".into()],
        ..Config::default()
    };
    let mut outside = Relay::bind(config.clone()).unwrap();
    outside.turn(Some(Duration::ZERO)).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async move {
        let error = Relay::bind(config).map(drop).unwrap_err();
        assert!(error.to_string().contains("thread of its own"), "{error}");
        let error = outside.turn(Some(Duration::ZERO)).unwrap_err();
        assert!(error.to_string().contains("thread of its own"), "{error}");
        drop(outside);
    });
}
