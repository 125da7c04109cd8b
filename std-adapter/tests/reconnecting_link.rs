//! A link that comes back, against the bytes of a relay.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use common::{LONG, listener, refusing, reset};
use peote_net::link::{Error, Event, Mode, SendError};
use peote_net::reconnect::{Backoff, Cause, Exhausted, Notice, Retry, Status};
use peote_net::time;
use peote_net_std::{Change, ReconnectError, ReconnectingLink};

const CREATE_ECHO: [u8; 8] = [0, 0, 1, 4, b'e', b'c', b'h', b'o'];
const CREATED: [u8; 5] = [0, 3, 1, 0, 0];
const USER_7_ENTERED: [u8; 6] = [0, 4, 0, 0, 0, 7];
const HI_OF_USER_7: [u8; 6] = [5, 128, 7, 1, b'h', b'i'];

fn rules() -> Backoff {
    Backoff::new().with_delays(time::Duration::from_millis(1), time::Duration::from_millis(20))
}

fn accept(listener: &TcpListener) -> TcpStream {
    let relay = listener.accept().unwrap().0;
    relay.set_read_timeout(Some(LONG)).unwrap();
    relay
}

fn expect(relay: &mut TcpStream, bytes: &[u8]) {
    let mut received = vec![0; bytes.len()];
    relay.read_exact(&mut received).unwrap_or_else(|error| panic!("{error}, not {bytes:?}"));
    assert_eq!(received, bytes);
}

/// Polls and sleeps until the relay's end has come to its end; what was told meanwhile.
fn run(
    link: &mut ReconnectingLink,
    relay: impl FnOnce() + Send,
    mut until: impl FnMut(&ReconnectingLink) -> bool,
) -> (Vec<Notice>, Vec<Change>) {
    let (mut notices, mut changes) = (Vec::new(), Vec::new());
    let mut waits = 0;
    std::thread::scope(|scope| {
        let relay = scope.spawn(relay);
        while !relay.is_finished() || !until(link) {
            let change = link.poll(|event, context| {
                notices.extend(context.notice);
                match event {
                    Event::Chunk { from, bytes } => {
                        assert!(context.channels.place_of(from).is_some());
                        context.out.send(from, bytes)
                    }
                    _ => Ok(()),
                }
            });
            changes.extend(change.unwrap());
            let look = link.now() + time::Duration::from_millis(50);
            link.wait(&mut [], Some(look)).unwrap();
            waits += 1;
            assert!(waits < 2000, "it is busy, or nothing comes: {changes:?}");
        }
        relay.join().unwrap();
    });
    (notices, changes)
}

#[test]
fn an_echo_server_that_comes_back() {
    let (listener, address) = listener();
    let mut link = ReconnectingLink::new(&address.to_string(), rules()).unwrap();
    let place = link.create("echo", Mode::default()).unwrap();
    assert!(matches!(link.status(), Status::Lost { .. }));
    let mut expected = vec![Notice::Opened { place, first: true }];
    let rounds = 3;
    let relay = || {
        for round in 0..rounds {
            let mut relay = accept(&listener);
            expect(&mut relay, &CREATE_ECHO[..2]);
            let mut tag = [0];
            relay.read_exact(&mut tag).unwrap();
            expect(&mut relay, &CREATE_ECHO[3..]);
            let created = [0, 3, tag[0], 0, 0];
            relay.write_all(&[&created[..], &USER_7_ENTERED, &HI_OF_USER_7].concat()).unwrap();
            expect(&mut relay, &HI_OF_USER_7);
            if round == 1 {
                reset(relay);
            }
        }
    };
    let (notices, changes) = run(&mut link, relay, |link| matches!(link.status(), Status::Lost { .. }));
    for _ in 1..rounds {
        expected.push(Notice::Interrupted { place });
        expected.push(Notice::Opened { place, first: false });
    }
    expected.push(Notice::Interrupted { place });
    assert_eq!(notices, expected);
    let connected = changes.iter().filter(|change| matches!(change, Change::Connected)).count();
    let lost = changes.iter().filter(|change| matches!(change, Change::Lost(_))).count();
    // a further attempt may already have been made
    assert!((rounds..=rounds + 1).contains(&connected), "{changes:?}");
    assert_eq!(lost, rounds, "{changes:?}");
    assert!(changes.iter().any(|change| matches!(change, Change::Lost(Error::Closed))), "{changes:?}");
}

#[test]
fn given_up_when_nobody_is_there() {
    let mut link =
        ReconnectingLink::<1>::new(&refusing().to_string(), rules().with_most_attempts(3)).unwrap();
    let mut changes = Vec::new();
    let mut polls = 0;
    let error = loop {
        match link.poll(|_, _| ()) {
            Ok(change) => changes.extend(change),
            Err(error) => break error,
        }
        link.wait(&mut [], None).unwrap();
        polls += 1;
        assert!(polls < 100, "it is busy: {changes:?}");
    };
    assert_eq!(error, ReconnectError::GivenUp(Exhausted::Attempts));
    assert_eq!(changes.len(), 4, "{changes:?}");
    for change in &changes {
        assert!(matches!(change, Change::ConnectFailed(_)), "{change:?}");
        assert!(change.to_string().contains("cannot connect"), "{change}");
    }
    // waiting does not block for ever, and a new attempt can be made
    link.wait(&mut [], None).unwrap();
    assert!(link.poll(|_, _| ()).is_err());
    link.try_now();
    assert!(link.poll(|_, _| ()).is_ok());
    assert_eq!(
        error.to_string(),
        "no connection to the relay, given up: the most attempts there may be have been made"
    );
}

/// When the attempt after a first one that has failed is due, by the link's clock.
fn second_attempt(rules: Backoff) -> u64 {
    let mut link = ReconnectingLink::<1>::new(&refusing().to_string(), rules).unwrap();
    while !matches!(link.poll(|_, _| ()).unwrap(), Some(Change::ConnectFailed(_))) {
        link.wait(&mut [], None).unwrap();
    }
    link.channels().next_deadline().unwrap().as_millis()
}

/// Programs that were started at one moment do not come back at one moment, although none has thought of a seed.
#[test]
fn jitter_is_random_unless_there_is_a_seed() {
    // so long a delay that the time this test takes is nothing beside the jitter
    let delay = time::Duration::from_secs(1_000_000_000_000);
    let rules = Backoff::new().with_delays(delay, delay);
    let differ = |one: u64, other: u64| one.abs_diff(other) > LONG.as_secs() * 10_000;
    assert!(differ(second_attempt(rules), second_attempt(rules)));
    let seeded = rules.with_seed(7);
    assert!(!differ(second_attempt(seeded), second_attempt(seeded)));
}

#[test]
fn handlers_errors_and_channels_that_cannot_be_asked_for() {
    let (listener, address) = listener();
    let mut link = ReconnectingLink::<2>::new(&address.to_string(), rules()).unwrap();
    let big = link.create("big", Mode::chunks(2_000_000)).unwrap();
    let echo = link.enter("echo", Mode::Data).unwrap();
    let connected = loop {
        if let Some(change) = link.poll(|_, _| ()).unwrap() {
            break change;
        }
        link.wait(&mut [], None).unwrap();
    };
    assert!(matches!(connected, Change::Connected), "{connected:?}");
    let mut relay = accept(&listener);
    expect(&mut relay, &[0, 1, 1, 4, b'e', b'c', b'h', b'o']);
    assert!(matches!(link.status(), Status::Restoring));
    let change = link.poll(|_, _| ()).unwrap();
    assert!(
        matches!(change, Some(Change::Channel(Notice::GivenUp { place, .. })) if place == big),
        "{change:?}"
    );
    let text = change.unwrap().to_string();
    assert!(text.starts_with("a channel cannot be asked for: a maximum chunk size of 2000000"), "{text}");
    relay.write_all(&CREATED).unwrap();
    let error = loop {
        if let Err(error) = link.poll(|_, _| Err::<(), _>(SendError::Empty)) {
            break error;
        }
        link.wait(&mut [], None).unwrap();
    };
    assert_eq!(error, ReconnectError::Handler(SendError::Empty));
    let channel = link.channels().entered(echo).unwrap();
    link.out().send(channel, b"hi").unwrap();
    assert_eq!(link.status(), Status::Connected);
    // what is queued arrives before the connection ends
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut rest = Vec::new();
            relay.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, [3, 0, b'h', b'i']);
            drop(relay);
        });
        link.close(Duration::from_secs(60)).unwrap();
    });
}

#[test]
fn closing_without_a_connection() {
    let link = ReconnectingLink::<1>::new(&refusing().to_string(), rules()).unwrap();
    link.close(LONG).unwrap();
}

/// A relay that says that it is there, and answers nothing, is given up; the next one answers.
#[test]
fn a_relay_that_does_not_answer_is_lost() {
    let (listener, address) = listener();
    let mut link = ReconnectingLink::new(&address.to_string(), rules()).unwrap();
    link.set_answer_timeout(Some(Duration::from_secs(1)));
    let place = link.create("echo", Mode::default()).unwrap();
    link.set_retry(place, Retry::Always);
    let relay = || {
        let mut silent = accept(&listener);
        silent.write_all(&[0, 4, 0, 255, 0, 0]).unwrap();
        let mut heard = Vec::new();
        silent.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, CREATE_ECHO);
        let mut relay = accept(&listener);
        let mut asked = CREATE_ECHO;
        relay.read_exact(&mut asked).unwrap();
        let created = [0, 3, asked[2], 0, 0];
        relay.write_all(&[&created[..], &USER_7_ENTERED, &HI_OF_USER_7].concat()).unwrap();
        expect(&mut relay, &HI_OF_USER_7);
    };
    let (notices, changes) = run(&mut link, relay, |link| matches!(link.status(), Status::Lost { .. }));
    assert_eq!(notices.first(), Some(&Notice::Opened { place, first: true }), "{notices:?}");
    let told: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert!(
        matches!(changes[1], Change::Channel(Notice::Waiting { cause: Cause::NoAnswer, .. })),
        "{changes:?}"
    );
    assert!(matches!(changes[2], Change::Lost(Error::Transport(_))), "{changes:?}");
    assert_eq!(told[1], "a channel is not there: the relay does not answer");
    assert!(told[2].ends_with("the relay does not answer"), "{told:?}");
}
