//! What a cluster makes of faults: relays that are killed or stand still, a NATS server that does,
//! a network that is cut.
#![cfg(all(unix, feature = "cluster", feature = "program"))]

mod cluster_rig;
mod common;
mod program;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cluster_rig::elsewhere::Elsewhere;
use cluster_rig::{CREATE, ENTER, LONG, Nats, OK, Raw, Way, channel, cluster_of, signal, until};
use program::Running;
use rustix::process::Signal;

#[test]
fn a_relay_that_was_killed_has_its_names_again_without_waiting_for_its_lease() {
    let Some(nats) = Nats::start("again") else { return };
    let (file, url) = (nats.path("numbers"), nats.url());
    let arguments = ["--cluster-file", &file];
    let (mut a, at_a) = nats.relay_with(&url, "again", LONG, &arguments);
    let (_b, at_b) = nats.relay("again", LONG);
    let _server = Raw::server(at_a, b"mine");
    let mut user = Raw::user(at_b, b"mine");
    // two relays cannot have one file
    let mut second = Running::start(&["--listen", "127.0.0.1:0", "--cluster", &url, "--cluster-file", &file]);
    let (code, errors) = second.end();
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("each relay needs a file of its own"), "{errors}");
    a.child.kill().unwrap();
    a.child.wait().unwrap();
    let (_a, at_a) = nats.relay_with(&url, "again", LONG, &arguments);
    // users elsewhere are told, and the name is free everywhere
    user.expect(&[0, 4, 0, 2, 0, 1]);
    let mut server = Raw::connect(at_a);
    assert_eq!(server.command_until(CREATE, b"mine", &[0, 3, 1, 1, 2]), OK);
    assert_eq!(user.command_until(ENTER, b"mine", &[0, 3, 1, 1, 1])[..4], OK[..4]);
}

#[test]
fn nats_that_stands_still_ends_leases_and_all_heals() {
    let Some(nats) = Nats::start("still") else { return };
    let (_a, at_a) = nats.relay("still", "2");
    let (_b, at_b) = nats.relay("still", "2");
    let (mut server, mut user) = channel(at_a, at_b, b"x");
    nats.signal(Signal::STOP);
    // it may be that the others reach NATS, so the channel cannot go on
    while let Some(unit) = server.next() {
        assert_eq!(unit, [0, 5, 0, 1, 0, 0, 1], "the user is lost");
    }
    user.expect(&[0, 4, 0, 2, 0, 1]);
    nats.signal(Signal::CONT);
    let mut server = Raw::connect(at_b);
    until("the name to be free", || {
        server.command(CREATE, 1, b"x");
        server.next().unwrap() == OK
    });
    let mut user = Raw::connect(at_a);
    until("it to be found", || {
        user.command(ENTER, 1, b"x");
        user.next().unwrap() == OK
    });
}

#[test]
fn a_relay_that_is_cut_off_gives_up_its_names_before_others_have_them() {
    let Some(nats) = Nats::start("cut") else { return };
    let way = Way::to(&nats);
    let b = nats.relay_with(&way.url(), "cut", "2", &[]);
    is_cut_off_and_comes_back(&nats, "cut", b, |is_cut| way.cut(is_cut));
}

/// The same where the network itself is gone: a cable that is pulled out between two namespaces.
#[test]
#[ignore = "needs a network namespace of its own, which scripts/cluster makes where it may"]
fn a_relay_whose_network_is_gone_gives_up_its_names_before_others_have_them() {
    let Some(nats) = Nats::start_with("cable", &["-a", "0.0.0.0"]) else { return };
    let place = Elsewhere::new();
    let url = format!("nats://{}:{}", place.nats, nats.port);
    let listen = format!("{}:0", place.relay);
    let of_cluster = ["--cluster", &url, "--cluster-name", "cable", "--cluster-lease", "2"];
    let mut b = place.run(&[&["--listen", &listen, "--unlimited"][..], &of_cluster].concat());
    let at_b = b.address();
    b.log_until("part of the cluster");
    is_cut_off_and_comes_back(&nats, "cable", (b, at_b), |is_cut| place.pull_out(is_cut));
}

/// Relay B is cut off from NATS and from relay A for longer than its lease, and comes back.
/// Endpoints reach both all the time.
fn is_cut_off_and_comes_back(
    nats: &Nats,
    cluster: &str,
    (mut b, at_b): (Running, SocketAddr),
    cut: impl Fn(bool),
) {
    let (_a, at_a) = nats.relay(cluster, "2");
    let (mut of_a, mut of_b) = (Raw::server(at_a, b"a"), Raw::server(at_b, b"b"));
    let (mut in_a, mut in_b) = (Raw::user(at_b, b"a"), Raw::user(at_a, b"b"));
    of_a.expect(&[0, 4, 0, 0, 0, 0]);
    of_b.expect(&[0, 4, 0, 0, 0, 0]);
    cut(true);
    // its own server hears of the end, whether its user was told before or not
    let closed = std::thread::spawn(move || {
        while let Some(unit) = of_b.next() {
            assert_eq!(unit, [0, 5, 0, 1, 0, 0, 1]);
        }
        Instant::now()
    });
    let mut next = Raw::connect(at_a);
    assert_eq!(next.command_until(CREATE, b"b", &[0, 3, 1, 1, 2]), OK);
    let taken = Instant::now();
    assert!(closed.join().unwrap() <= taken, "two owners");
    // both users are told once, and the one that is not across goes on
    in_b.expect(&[0, 4, 0, 2, 0, 1]);
    in_a.expect(&[0, 4, 0, 2, 0, 1]);
    of_a.expect(&[0, 5, 0, 1, 0, 0, 1]);
    cut(false);
    b.log_until("part of the cluster");
    assert_eq!(in_a.command_until(ENTER, b"b", &[0, 3, 1, 1, 1])[..4], OK[..4]);
    next.expect(&[0, 4, 0, 0, 0, 0]);
}

#[test]
fn a_relay_that_stands_still_holds_up_only_who_talks_to_it() {
    let Some(nats) = Nats::start("slow") else { return };
    let socket = nats.path("ctl");
    let (_a, at_a) =
        nats.relay_with(&nats.url(), "slow", LONG, &["--control-socket", &socket, "--stall-timeout", "60"]);
    let (mut b, at_b) = nats.relay("slow", LONG);
    let (_c, at_c) = nats.relay("slow", LONG);
    let mut servers: Vec<Raw> = Vec::new();
    let mut users: Vec<Raw> = Vec::new();
    for (name, at) in [(b"b", at_b), (b"c", at_c)] {
        let (server, user) = channel(at_a, at, name);
        servers.push(server);
        users.push(user);
    }
    signal(&b, Signal::STOP);
    // the one says as much as it can, until nothing more is taken
    let unit = [&[0x80 | 3, 234, 128, 0][..], &[7; 1000]].concat();
    servers[0].0.set_nonblocking(true).unwrap();
    let mut said = 0;
    let mut last = Instant::now();
    while last.elapsed() < Duration::from_millis(300) {
        use std::io::Write;
        match servers[0].0.write(&unit[said % unit.len()..]) {
            Ok(len) => (said, last) = (said + len, Instant::now()),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    servers[0].0.set_nonblocking(false).unwrap();
    // the other one is not held up
    for number in 0..200 {
        servers[1].say(&[4, 128, 0, 1, number]);
        users[1].expect(&[3, 0, 1, number]);
        users[1].say(&[2, 0, number]);
        servers[1].expect(&[3, 128, 0, number]);
    }
    let info = cluster_of(&socket);
    assert_eq!(info["broken_lines"], 0, "{info}");
    signal(&b, Signal::CONT);
    // and everything that was said comes
    servers[0].say(&unit[said % unit.len()..]);
    let whole = said.div_ceil(unit.len()) * 1000;
    let mut got = 0;
    while got < whole {
        let Some(unit) = users[0].next() else { panic!("{:?}", b.log_until("connection closed")) };
        got += unit.len() - if unit[0] > 127 { 3 } else { 2 };
    }
    assert_eq!(got, whole);
}
