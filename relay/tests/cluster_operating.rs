//! What operators do to a cluster, and what happens to it in their hands: relays that are drained
//! and started again while endpoints speak, a bucket that is full, a bucket that is lost.
#![cfg(all(unix, feature = "cluster", feature = "program"))]

mod cluster_rig;
mod common;
mod program;

use async_nats::jetstream::{self, kv};
use cluster_rig::{CREATE, ENTER, LONG, Nats, OK, Raw, channel, cluster_of, until};
use program::output;

/// Makes the bucket of a cluster as an operator may, with so many bytes at most.
fn make_bucket(nats: &Nats, cluster: &str, max_bytes: i64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(nats.url()).await.unwrap();
        let bucket = format!("peote-{cluster}");
        let config = kv::Config { bucket, history: 1, max_bytes, ..Default::default() };
        jetstream::new(client).create_key_value(config).await.unwrap();
    });
}

/// How many messages NATS keeps of the bucket of a cluster.
fn messages(nats: &Nats, cluster: &str) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(nats.url()).await.unwrap();
        let stream = jetstream::new(client).get_stream(format!("KV_peote-{cluster}")).await.unwrap();
        stream.cached_info().state.messages
    })
}

/// Endpoints as a game's: the server of a channel creates it again where it comes to next, and its
/// user enters again. Meanwhile a channel at relays that are not drained goes on.
#[test]
fn relays_are_drained_and_started_again_one_after_the_other() {
    let Some(nats) = Nats::start("rolling") else { return };
    let sockets: Vec<String> = (0..3).map(|number| nats.path(&format!("ctl-{number}"))).collect();
    let start = |number: usize| {
        let more = ["--control-socket", &sockets[number], "--drain-time", "0.5"];
        nats.relay_with(&nats.url(), "rolling", LONG, &more)
    };
    let mut relays: Vec<_> = (0..3).map(start).collect();
    for number in 0..2 {
        let (drained, next) = (relays[number].1, relays[number + 1].1);
        // one channel that has to move, and one that has not
        let (mut server, mut user) = channel(drained, relays[2].1, b"moves");
        let (mut stays, mut of_stays) = channel(relays[2].1, next, b"stays");
        for byte in 0..200 {
            user.say(&[2, 0, byte]);
            of_stays.say(&[2, 0, byte]);
        }
        let asked = output(&["ctl", "--socket", &sockets[number], "drain", "--stop"]);
        assert!(asked.status.success(), "{asked:?}");
        // what was said before comes in order as far as it comes, and then the end
        let mut heard = 0;
        while let Some(unit) = server.next() {
            if unit.starts_with(&[3, 128, 0]) {
                assert_eq!(unit[3], heard);
                heard += 1;
            }
        }
        user.expect(&[0, 4, 0, 2, 0, 1]);
        let mut again = Raw::connect(next);
        assert_eq!(again.command_until(CREATE, b"moves", &[0, 3, 1, 1, 2]), OK);
        let entered = user.command_until(ENTER, b"moves", &[0, 3, 1, 1, 1]);
        assert_eq!(entered[..4], OK[..4]);
        again.expect(&[0, 4, 0, 0, 0, 0]);
        user.say(&[2, entered[4], 77]);
        again.expect(&[3, 128, 0, 77]);
        assert_eq!(relays[number].0.end().0, Some(0));
        relays[number] = start(number);
        for byte in 0..200 {
            stays.expect(&[3, 128, 0, byte]);
        }
        of_stays.say(&[2, 0, 200]);
        stays.expect(&[3, 128, 0, 200]);
        // the names are free for the next one
        again.say(&[0, 3, 0, 1, 0]);
        stays.say(&[0, 3, 0, 1, 0]);
        user.expect(&[0, 4, 0, 2, entered[4], 0]);
        of_stays.expect(&[0, 4, 0, 2, 0, 0]);
    }
    let others = cluster_of(&sockets[0]);
    assert_eq!((&others["lapses"], &others["broken_lines"]), (&0.into(), &0.into()), "{others}");
}

/// The disk of NATS is wiped: no relay can know who has which name, so all channels end, and are
/// created again.
#[test]
fn a_bucket_that_is_lost_ends_all_channels_and_is_made_anew() {
    let Some(mut nats) = Nats::start("wiped") else { return };
    let (mut a, at_a) = nats.relay("wiped", "2");
    let (mut b, at_b) = nats.relay("wiped", "2");
    let (mut server, mut user) = channel(at_a, at_b, b"x");
    nats.kill();
    std::fs::remove_dir_all(&nats.folder).unwrap();
    nats.again();
    // told of the loss of the user at most, then closed
    while let Some(unit) = server.next() {
        assert_eq!(unit, [0, 5, 0, 1, 0, 0, 1]);
    }
    user.expect(&[0, 4, 0, 2, 0, 1]);
    a.log_until("part of the cluster");
    b.log_until("part of the cluster");
    let mut server = Raw::connect(at_b);
    assert_eq!(server.command_until(CREATE, b"x", &[0, 3, 1, 1, 1]), OK);
    let mut user = Raw::connect(at_a);
    assert_eq!(user.command_until(ENTER, b"x", &[0, 3, 1, 1, 1])[..4], OK[..4]);
    server.expect(&[0, 4, 0, 0, 0, 0]);
}

/// A bucket with a limit that is reached: no further channel can be created, and all that there are
/// go on, for leases are renewed in a full bucket as well. A name that is given back makes room.
#[test]
fn a_bucket_that_is_full_refuses_new_names_only() {
    let Some(nats) = Nats::start("full") else { return };
    make_bucket(&nats, "full", 6000);
    let socket = nats.path("ctl");
    let (mut a, at_a) = nats.relay_with(&nats.url(), "full", "2", &["--control-socket", &socket]);
    let (_b, at_b) = nats.relay("full", "2");
    let (mut server, mut user) = channel(at_a, at_b, b"kept");
    let mut other = Raw::connect(at_a);
    let mut created = Vec::new();
    let refusal = loop {
        let tag = u8::try_from(created.len() + 1).unwrap();
        other.command(CREATE, tag, &[b"a long name of a channel "[..].to_vec(), vec![b'a' + tag]].concat());
        let answer = other.next().unwrap();
        if answer[3] != 0 {
            break answer;
        }
        created.push(answer[4]);
    };
    assert!(created.len() > 3, "{created:?}");
    assert_eq!(refusal[3..], [1, 1], "there is no word for it on the wire");
    a.log_until("a change of the directory was not carried out");
    // several leases later all is as it was
    let renewed = std::time::Instant::now();
    until("three leases to pass", || renewed.elapsed() > std::time::Duration::from_secs(6));
    user.say(&[2, 0, 5]);
    server.expect(&[3, 128, 0, 5]);
    let info = cluster_of(&socket);
    assert_eq!((&info["lapses"], &info["broken_lines"]), (&0.into(), &0.into()), "{info}");
}

/// Names that were used once would fill the bucket, and each relay that starts would be told of all
/// of them.
#[test]
fn nothing_is_kept_of_names_that_were_given_back() {
    let Some(nats) = Nats::start("marks") else { return };
    let (_a, at_a) = nats.relay("marks", "5");
    let (_b, at_b) = nats.relay("marks", "5");
    let messages = || messages(&nats, "marks");
    let mut stays = Raw::server(at_b, b"stays");
    for relay in [at_a, at_b] {
        let mut server = Raw::connect(relay);
        for number in 0..50_u8 {
            server.command(CREATE, 1, &[b"name ", &[number][..]].concat());
            let answer = server.next().unwrap();
            assert_eq!(answer[..4], OK[..4]);
            server.say(&[0, 3, 0, 1, answer[4]]);
        }
    }
    // the version, the leases of both, and one name
    until("names to be forgotten", || messages() == 4);
    // what is there goes on, and names can be had again
    let mut user = Raw::user(at_a, b"stays");
    stays.expect(&[0, 4, 0, 0, 0, 0]);
    user.command(CREATE, 1, b"name 7");
    assert_eq!(user.next().unwrap()[..4], OK[..4]);
    assert_eq!(messages(), 5);
}
