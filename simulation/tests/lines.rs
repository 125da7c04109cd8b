//! What lines, the relay and the clock do, to the byte and to the millisecond.

use embedded_io::{ErrorKind, Read, ReadReady, Write, WriteReady};
use peote_net::link::{Channel, Error, Event, Link, LinkBuffers, Mode};
use peote_net::protocol::to_endpoint::Capabilities;
use peote_net::time::{Duration, Instant};
use peote_net_simulation::{
    Conditions, Cut, Direction, LineConfig, Network, RelayConfig, RelayEvent, Sleep, Step, Transport, Wake,
};

/// "Create the channel a", and the relay's answer.
const CREATE: &[u8] = b"\0\0\x01\x01a";
const CREATED: &[u8] = &[0, 3, 1, 0, 0];

/// A relay without extensions, which says nothing that it is not asked for.
fn original() -> RelayConfig {
    RelayConfig { capabilities: Capabilities::NONE, ..RelayConfig::default() }
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// Sleeps until something can be read.
fn reading(line: &Transport) -> [Sleep; 1] {
    [Sleep { line: Some(line.line()), read: true, ..Sleep::default() }]
}

/// Everything that can be read within `millis`, with the times at which it came.
fn read_all(network: &mut Network, line: &mut Transport, until: Instant) -> Vec<(u64, Vec<u8>)> {
    let mut read = Vec::new();
    while network.step(&reading(line), until) == Ok(Step::Awake) {
        let mut buffer = [0; 64];
        let count = line.read(&mut buffer).unwrap();
        read.push((network.now().as_millis(), buffer[..count].to_vec()));
        if count == 0 {
            break;
        }
    }
    read
}

fn with(conditions: Conditions) -> (Network, Transport) {
    let mut network = Network::with_relay(1, original());
    let line = network.connect(LineConfig { to_link: conditions, ..LineConfig::default() });
    (network, line)
}

#[test]
fn bytes_are_under_way_for_the_delay() {
    let delay = Duration::from_millis(70);
    let (mut network, mut line) = with(Conditions { delay, ..Conditions::default() });
    line.write(CREATE).unwrap();
    assert_eq!(network.under_way(line.line(), Direction::ToRelay), CREATE.len());
    assert!(!line.read_ready().unwrap());
    assert_eq!(read_all(&mut network, &mut line, at(1_000)), [(71, CREATED.to_vec())]);
    assert_eq!(network.now(), at(1_000));
}

#[test]
fn bytes_trickle_at_the_bandwidth() {
    let (mut network, mut line) = with(Conditions { bandwidth: Some(100), ..Conditions::default() });
    line.write(CREATE).unwrap();
    // each byte takes 10 ms, behind the 1 ms to the relay, and the delay of 1 ms comes on top
    let bytes = CREATED.iter().zip(1..).map(|(&byte, nth)| (1 + 10 * nth + 1, vec![byte]));
    assert_eq!(read_all(&mut network, &mut line, at(1_000)), bytes.collect::<Vec<_>>());
}

#[test]
fn reads_and_writes_are_cut_and_bounded() {
    let (mut network, mut line) = with(Conditions { reads: Cut::At(2), ..Conditions::default() });
    network.change(line.line(), Direction::ToRelay, |to_relay| {
        (to_relay.writes, to_relay.capacity) = (Cut::At(3), 4);
    });
    assert_eq!(line.write(CREATE), Ok(3));
    assert_eq!(line.write(&CREATE[3..]), Ok(1));
    assert!(!line.write_ready().unwrap(), "four bytes are under way");
    let writing = [Sleep { line: Some(line.line()), write: true, ..Sleep::default() }];
    assert_eq!(network.step(&writing, at(100)), Ok(Step::Awake));
    assert_eq!((network.now(), line.write(&CREATE[4..])), (at(1), Ok(1)));
    let read: Vec<Vec<u8>> =
        read_all(&mut network, &mut line, at(100)).into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(read, [vec![0, 3], vec![1, 0], vec![0]]);
}

#[test]
fn a_stall_keeps_everything_until_it_ends() {
    let (mut network, mut line) = with(Conditions::default());
    network.stall(line.line(), Direction::ToLink, Some(Duration::from_millis(500)));
    line.write(CREATE).unwrap();
    assert_eq!(read_all(&mut network, &mut line, at(400)), []);
    assert_eq!(read_all(&mut network, &mut line, at(1_000)), [(500, CREATED.to_vec())]);
    network.stall(line.line(), Direction::ToRelay, None);
    line.write(b"\0\0\x02\x01b").unwrap();
    assert_eq!(read_all(&mut network, &mut line, at(4_000)), []);
    network.resume(line.line(), Direction::ToRelay);
    assert_eq!(read_all(&mut network, &mut line, at(4_100)), [(4_001, vec![0, 3, 2, 0, 1])]);
}

#[test]
fn a_connection_breaks_behind_exactly_so_many_bytes() {
    for bytes in 0..=CREATED.len() {
        let (mut network, mut line) = with(Conditions::default());
        network.reset_after(line.line(), Direction::ToLink, bytes as u64);
        let mut got: Vec<u8> = Vec::new();
        if line.write(CREATE).is_ok() {
            while network.step(&reading(&line), at(100)) == Ok(Step::Awake) {
                let mut buffer = [0; 64];
                match line.read(&mut buffer) {
                    Ok(count) => got.extend(&buffer[..count]),
                    Err(error) => {
                        assert_eq!(error, ErrorKind::ConnectionReset);
                        break;
                    }
                }
            }
        }
        assert_eq!(got, CREATED[..bytes]);
        assert!(network.is_broken(line.line()));
        assert_eq!(line.write(CREATE), Err(ErrorKind::ConnectionReset));
        let _ = network.step(&[], at(200));
        assert_eq!(network.relay_counts(), (0, 0, 0), "the relay has noticed it as well");
    }
}

#[test]
fn a_direction_that_is_ended_says_so_behind_what_is_under_way() {
    let (mut network, mut line) = with(Conditions::default());
    line.write(CREATE).unwrap();
    network.end(line.line(), Direction::ToRelay);
    assert_eq!(line.write(CREATE), Err(ErrorKind::BrokenPipe), "nothing more can be said");
    // the relay answers, and then goes as well
    assert_eq!(read_all(&mut network, &mut line, at(100)), [(2, CREATED.to_vec()), (2, vec![])]);
    assert_eq!(network.relay_counts(), (0, 0, 0));
}

#[test]
fn a_relay_that_is_stopped_forgets_everything() {
    let mut network = Network::with_relay(1, RelayConfig { record_events: true, ..original() });
    let mut line = network.connect(LineConfig::default());
    line.write(CREATE).unwrap();
    assert_eq!(read_all(&mut network, &mut line, at(100)).len(), 1);
    assert_eq!(network.relay_counts(), (1, 1, 0));
    network.stop_relay();
    assert_eq!(line.read(&mut [0; 8]), Err(ErrorKind::ConnectionReset));
    let mut refused = network.connect(LineConfig::default());
    assert_eq!(refused.write(CREATE), Err(ErrorKind::ConnectionRefused));
    network.start_relay();
    assert_eq!(network.relay_counts(), (0, 0, 0));
    let mut line = network.connect(LineConfig::default());
    line.write(CREATE).unwrap();
    assert_eq!(read_all(&mut network, &mut line, at(200))[0].1, CREATED, "the name is free again");
    let created = |server| RelayEvent::Created { server, channel: 0, name: b"a".to_vec() };
    let events = network.take_relay_events();
    assert!(matches!(&events[..], [first, RelayEvent::Stopped, second]
        if *first == created(events_line(first)) && *second == created(line.line())));
}

fn events_line(event: &RelayEvent) -> peote_net_simulation::LineId {
    let RelayEvent::Created { server, .. } = event else { panic!("{event:?}") };
    *server
}

#[test]
fn a_full_relay_refuses() {
    let mut network = Network::with_relay(1, RelayConfig { max_connections: 1, ..original() });
    let first = network.connect(LineConfig::default());
    let second = network.connect(LineConfig::default());
    assert!(network.is_broken(second.line()));
    drop(first);
    assert_eq!(network.step(&[], at(10)), Ok(Step::Idle));
    let third = network.connect(LineConfig::default());
    assert!(!network.is_broken(third.line()));
}

#[test]
fn keepalives_come_in_time_and_silence_is_noticed_without_waiting_for_it() {
    let mut network = Network::with_relay(1, original());
    let mut line = network.connect(LineConfig::default());
    let mut link = Link::<LinkBuffers<64, 2, 1, 300, 64>>::new();
    link.out().create("a", Mode::Data).unwrap();
    let hour = at(3_600_000);
    let mut polls = 0;
    let end = network.run_until(hour, |network| {
        link.poll(&mut line, network.now(), |_, _| ()).unwrap();
        polls += 1;
        [line.sleep(&link)]
    });
    assert_eq!(end, Ok(Step::TimeUp));
    assert!((700..800).contains(&polls), "{polls} polls, for a keepalive every 5 s");
    // cut without a word: the link finds out 20 s after it heard the relay last
    for direction in Direction::BOTH {
        network.stall(line.line(), direction, None);
    }
    let mut lost_at = None;
    while lost_at.is_none() {
        let step = network.step(&[line.sleep(&link)], at(4_000_000));
        assert_eq!(step, Ok(Step::Awake));
        if let Err(error) = link.poll(&mut line, network.now(), |_, _| ()) {
            assert!(matches!(error, Error::Silent { .. }));
            lost_at = Some(network.now().as_millis());
        }
    }
    assert!((3_615_000..=3_620_000).contains(&lost_at.unwrap()));
}

#[test]
fn who_takes_nothing_while_others_wait_is_dropped() {
    let config = RelayConfig { queue_bytes: 100, cut: 64, keepalive_interval: None, ..original() };
    let mut network = Network::with_relay(1, config);
    let (mut server, mut user) =
        (network.connect(LineConfig::default()), network.connect(LineConfig::default()));
    server.write(CREATE).unwrap();
    assert_eq!(read_all(&mut network, &mut server, at(10)).len(), 1);
    user.write(b"\0\x01\x01\x01a").unwrap();
    assert_eq!(read_all(&mut network, &mut user, at(20)).len(), 1);
    network.change(server.line(), Direction::ToLink, |to_link| to_link.capacity = 10);
    for _ in 0..100 {
        user.write(&[3, 0, 1, 2]).unwrap();
    }
    assert_eq!(network.step(&[], at(59_000)), Ok(Step::TimeUp));
    assert!(network.queued(server.line()) <= 100 && !network.is_broken(server.line()));
    assert_eq!(network.step(&[], at(61_000)), Ok(Step::Idle));
    assert!(network.is_broken(server.line()) && !network.is_broken(user.line()));
    // "entered channel 0 is gone, the connection was lost"
    assert_eq!(read_all(&mut network, &mut user, at(62_000)).pop().unwrap().1, [0, 4, 0, 2, 0, 1]);
}

#[test]
fn a_busy_loop_is_found_and_says_who() {
    let mut network = Network::with_relay(1, original());
    let line = network.connect(LineConfig::default().named("busy"));
    let sleep = Sleep { line: Some(line.line()), write: true, ..Sleep::default() };
    let stuck = network.run_until(at(10), |_| [Sleep::default(), sleep]).unwrap_err();
    assert_eq!(stuck.awake, [(1, Some(line.line()), Wake::Writable)]);
    assert!(!stuck.moving && stuck.at == at(0));
    assert_eq!(
        stuck.to_string(),
        "a busy loop: 1000 steps at 0 ms, and nothing is done; sleeper 1 (line 0, busy) can write;"
    );
}

#[test]
fn the_history_is_that_of_the_seed() {
    let run = |seed: u64, note: &str| {
        let mut network = Network::with_relay(seed, original());
        let jitter = Conditions { jitter: Duration::from_millis(50), ..Conditions::default() };
        let mut line = network.connect(LineConfig::both(jitter));
        let mut link = Link::<LinkBuffers<64, 2, 1, 300, 64>>::new();
        link.out().create("a", Mode::Data).unwrap();
        let mut created = false;
        let end = network.run_until(at(60_000), |network| {
            link.poll(&mut line, network.now(), |event, _| {
                created |= matches!(event, Event::Opened { channel: Channel::Own(_) });
            })
            .unwrap();
            [line.sleep(&link)]
        });
        assert_eq!(end, Ok(Step::TimeUp));
        network.note(note);
        assert!(created);
        network.history()
    };
    assert_eq!(run(1, "a"), run(1, "a"));
    assert_ne!(run(1, "a"), run(2, "a"));
    assert_ne!(run(1, "a"), run(1, "b"));
}

#[test]
#[should_panic(expected = "a read on line 0 that would block for ever")]
fn a_read_that_would_block_is_an_error_of_who_calls() {
    let mut network = Network::with_relay(1, original());
    let mut line = network.connect(LineConfig::default());
    let _ = line.read(&mut [0; 8]);
}
