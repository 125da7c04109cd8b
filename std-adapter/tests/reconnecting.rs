//! A link that comes back, against the bytes of a relay.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use common::{LONG, listener, refusing, reset};
use peote_net::Reason;
use peote_net::link::{Channel, Event, Mode, SendError};
use peote_net::protocol::to_endpoint;
use peote_net::reconnect::{Backoff, Cause, ChannelState, Exhausted, Retry, Status};
use peote_net::time;
use peote_net_std::{Change, DesktopLink, LinkError, Lost, describe};

const CREATE_ECHO: [u8; 8] = [0, 0, 1, 4, b'e', b'c', b'h', b'o'];
const CREATED: [u8; 5] = [0, 3, 1, 0, 0];
const USER_7_ENTERED: [u8; 6] = [0, 4, 0, 0, 0, 7];
const HI_OF_USER_7: [u8; 6] = [5, 128, 7, 1, b'h', b'i'];

fn rules() -> Backoff {
    Backoff::new().with_delays(time::Duration::from_millis(1), time::Duration::from_millis(20))
}

type Changes = mpsc::Receiver<Change>;

fn link_to(relay: &str, rules: Backoff, retry: Retry) -> (DesktopLink, Changes) {
    let (tell, changes) = mpsc::channel();
    let link = DesktopLink::builder()
        .reconnect(rules)
        .retry(retry)
        .answer_timeout(Some(Duration::from_secs(1)))
        .on_change(move |change| tell.send(change).unwrap());
    (link.connect(relay).unwrap(), changes)
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

/// The relay is asked for `echo`; the tag.
fn asked(relay: &mut TcpStream) -> u8 {
    let mut asked = CREATE_ECHO;
    relay.read_exact(&mut asked).unwrap();
    assert_eq!((&asked[..2], &asked[3..]), (&CREATE_ECHO[..2], &CREATE_ECHO[3..]));
    asked[2]
}

/// Polls and sleeps until the relay's end has come to its end; what the channel was told meanwhile.
fn run(
    link: &mut DesktopLink,
    one_by_one: bool,
    relay: impl FnOnce() + Send,
    mut until: impl FnMut(&DesktopLink) -> bool,
) -> Vec<String> {
    let mut told = Vec::new();
    let mut see = |event: &Event<'_>| match event {
        Event::Opened { .. } => told.push("opened".to_owned()),
        Event::Away { reason, .. } => told.push(format!("away: {reason:?}")),
        Event::Refused { reason, .. } => told.push(format!("refused: {reason:?}")),
        Event::Closed { reason, .. } => told.push(format!("closed: {reason:?}")),
        _ => {}
    };
    let mut waits = 0;
    std::thread::scope(|scope| {
        let relay = scope.spawn(relay);
        while !relay.is_finished() || !until(link) {
            if one_by_one {
                while let Some((event, mut out)) = link.next().unwrap() {
                    see(&event);
                    if let Event::Chunk { from, bytes } = event {
                        out.send(from, bytes).unwrap();
                    }
                }
            } else {
                let polled = link.poll(|event, out| {
                    see(&event);
                    match event {
                        Event::Chunk { from, bytes } => out.send(from, bytes),
                        _ => Ok(()),
                    }
                });
                polled.unwrap();
            }
            let look = link.now() + time::Duration::from_millis(50);
            link.wait_for(&mut [], Some(look)).unwrap();
            waits += 1;
            assert!(waits < 2000, "it is busy, or nothing comes");
        }
        relay.join().unwrap();
    });
    told
}

#[test]
fn an_echo_server_that_comes_back() {
    for one_by_one in [false, true] {
        let (listener, address) = listener();
        let (mut link, changes) = link_to(&address.to_string(), rules(), Retry::default());
        let channel = link.create("echo", Mode::default()).unwrap();
        let mut expected = vec!["opened"];
        let rounds = 3;
        let relay = || {
            for round in 0..rounds {
                let mut relay = accept(&listener);
                let created = to_endpoint::success(asked(&mut relay), 0);
                relay.write_all(&[&created[..], &USER_7_ENTERED, &HI_OF_USER_7].concat()).unwrap();
                expect(&mut relay, &HI_OF_USER_7);
                if round == 1 {
                    reset(relay);
                }
            }
        };
        let told = run(&mut link, one_by_one, relay, |link| matches!(link.status(), Status::Lost { .. }));
        for _ in 1..rounds {
            expected.extend(["away: LinkLost", "opened"]);
        }
        expected.push("away: LinkLost");
        assert_eq!(told, expected);
        assert!(matches!(link.state(channel), Some(ChannelState::Waiting { .. })));
        assert_eq!(link.send(channel, b"hi"), Err(SendError::NotOpen));
        let changes: Vec<Change> = changes.try_iter().collect();
        let connected = changes.iter().filter(|change| matches!(change, Change::Connected)).count();
        let lost = changes.iter().filter(|change| matches!(change, Change::Lost(_))).count();
        // a further attempt may already have been made
        assert!((rounds..=rounds + 1).contains(&connected), "{changes:?}");
        assert_eq!(lost, rounds, "{changes:?}");
        assert!(changes.iter().any(|change| matches!(change, Change::Lost(Lost::Closed))), "{changes:?}");
    }
}

/// The relay has not noticed the loss: the name is in use, by this program itself. The handler
/// hears nothing of that.
#[test]
fn refusals_that_pass_are_no_events() {
    let (listener, address) = listener();
    let (mut link, changes) = link_to(&address.to_string(), rules(), Retry::default());
    link.create("echo", Mode::default()).unwrap();
    let relay = || {
        let mut relay = accept(&listener);
        let tag = asked(&mut relay);
        relay.write_all(&to_endpoint::success(tag, 0)).unwrap();
        drop(relay);
        let mut relay = accept(&listener);
        for _ in 0..3 {
            let tag = asked(&mut relay);
            relay.write_all(&to_endpoint::refused(tag, 2)).unwrap();
        }
        let tag = asked(&mut relay);
        relay.write_all(&to_endpoint::success(tag, 0)).unwrap();
        relay.write_all(&[&USER_7_ENTERED[..], &HI_OF_USER_7].concat()).unwrap();
        expect(&mut relay, &HI_OF_USER_7);
    };
    let told = run(&mut link, false, relay, |link| matches!(link.status(), Status::Lost { .. }));
    assert_eq!(told, ["opened", "away: LinkLost", "opened", "away: LinkLost"]);
    let waiting: Vec<String> = changes
        .try_iter()
        .filter(|change| matches!(change, Change::Waiting { cause: Cause::Relay(Reason::NameInUse), .. }))
        .map(|change| change.to_string())
        .collect();
    assert_eq!(waiting.len(), 3);
    let text = "channel \"echo\" is not there yet: a channel of this name exists already; asking again";
    assert_eq!(waiting[0], text);
}

#[test]
fn given_up_when_nobody_is_there() {
    let address = refusing();
    let (mut link, changes) = link_to(&address.to_string(), rules().with_most_attempts(3), Retry::default());
    let error = link.run(|_, _| ()).unwrap_err();
    assert!(matches!(error, LinkError::GivenUp { exhausted: Exhausted::Attempts, .. }), "{error:?}");
    let told = describe(&error);
    let text = format!(
        "no connection to the relay (the most attempts there may be have been made): cannot connect to {address}: "
    );
    assert!(told.starts_with(&text), "{told}");
    let changes: Vec<Change> = changes.try_iter().collect();
    assert_eq!(changes.len(), 3, "{changes:?}");
    for change in &changes {
        assert!(matches!(change, Change::ConnectFailed(_)), "{change:?}");
        let text = change.to_string();
        assert!(text.starts_with("cannot connect") && text.ends_with("; trying again"), "{text}");
    }
    // waiting does not block for ever, and a new attempt can be made
    link.wait().unwrap();
    assert!(matches!(link.poll(|_, _| ()), Err(LinkError::NotConnected)));
    link.try_now();
    assert!(link.poll(|_, _| ()).is_ok());
}

/// When the attempt after a first one that has failed is due, by the link's clock.
fn second_attempt(rules: Backoff) -> u64 {
    let (mut link, changes) = link_to(&refusing().to_string(), rules, Retry::default());
    while changes.try_recv().is_err() {
        link.poll(|_, _| ()).unwrap();
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(20))).unwrap();
    }
    match link.status() {
        Status::Lost { until } => until.as_millis(),
        other => panic!("{other:?}"),
    }
}

/// Programs that were started at one moment do not come back at one moment, although none has
/// thought of a seed.
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
fn handlers_errors_and_channels_that_cannot_be() {
    let (listener, address) = listener();
    let (mut link, _changes) = link_to(&address.to_string(), rules(), Retry::default());
    let limit = SendError::ChunkLimit { max: 2_000_000, chunk_size: 32_768 };
    assert_eq!(link.create("big", Mode::chunks(2_000_000)), Err(limit));
    let echo = link.enter("echo", Mode::Data).unwrap();
    while link.status() != Status::Restoring {
        link.poll(|_, _| ()).unwrap();
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(20))).unwrap();
    }
    link.poll(|_, _| ()).unwrap();
    let mut relay = accept(&listener);
    expect(&mut relay, &[0, 1, 1, 4, b'e', b'c', b'h', b'o']);
    relay.write_all(&CREATED).unwrap();
    let error = link.run(|_, _| Err::<(), _>(SendError::Empty)).unwrap_err();
    assert!(matches!(error, LinkError::Handler(SendError::Empty)), "{error:?}");
    link.send(echo, b"hi").unwrap();
    assert_eq!((link.status(), link.name(echo)), (Status::Connected, Some("echo")));
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
    link_to(&refusing().to_string(), rules(), Retry::default()).0.close(LONG).unwrap();
}

/// A relay that says that it is there, and answers nothing, is given up; the next one answers.
#[test]
fn a_relay_that_does_not_answer_is_lost() {
    let (listener, address) = listener();
    let (mut link, changes) = link_to(&address.to_string(), rules(), Retry::Always);
    link.create("echo", Mode::default()).unwrap();
    let relay = || {
        let mut silent = accept(&listener);
        silent.write_all(&[0, 4, 0, 255, 0, 0]).unwrap();
        let mut heard = Vec::new();
        silent.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, CREATE_ECHO);
        let mut relay = accept(&listener);
        let created = to_endpoint::success(asked(&mut relay), 0);
        relay.write_all(&[&created[..], &USER_7_ENTERED, &HI_OF_USER_7].concat()).unwrap();
        expect(&mut relay, &HI_OF_USER_7);
    };
    let told = run(&mut link, false, relay, |link| matches!(link.status(), Status::Lost { .. }));
    assert_eq!(told, ["opened", "away: LinkLost"]);
    let told: Vec<String> = changes.try_iter().map(|change| change.to_string()).collect();
    assert_eq!(told[1], "channel \"echo\" is not there yet: the relay does not answer; asking again");
    assert_eq!(told[2], "the relay does not answer; connecting again");
}

/// One that has never been open is given up, by an event as any other refusal.
#[test]
fn a_channel_that_is_never_answered_for_is_refused() {
    for one_by_one in [false, true] {
        let (listener, address) = listener();
        let (mut link, _changes) = link_to(&address.to_string(), rules(), Retry::default());
        let channel = link.create("echo", Mode::default()).unwrap();
        let relay = || {
            let mut silent = accept(&listener);
            silent.write_all(&[0, 4, 0, 255, 0, 0]).unwrap();
            let _ = silent.read_to_end(&mut Vec::new());
        };
        let is_given_up = |link: &DesktopLink| {
            matches!(link.state(Channel::Own(channel)), Some(ChannelState::GivenUp { .. }))
        };
        assert_eq!(run(&mut link, one_by_one, relay, is_given_up), ["refused: NoAnswer"]);
    }
}

/// Polls until the link is connected and has asked for two channels, which the relay opens.
fn two_channels_open(link: &mut DesktopLink, listener: &TcpListener) -> TcpStream {
    let poll = |link: &mut DesktopLink| {
        let mut opened = 0;
        link.poll(|event, _| opened += usize::from(matches!(event, Event::Opened { .. }))).unwrap();
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(20))).unwrap();
        opened
    };
    while link.peer_addr().is_none() {
        poll(link);
    }
    let mut relay = accept(listener);
    for number in 0..2 {
        let mut command = [0; 5];
        relay.read_exact(&mut command).unwrap();
        relay.write_all(&to_endpoint::success(command[2], number)).unwrap();
    }
    let mut opened = 0;
    while opened < 2 {
        opened += poll(link);
    }
    relay
}

/// A loss that `next` has begun to tell is told to its end by `poll`, and is over then.
#[test]
fn a_program_may_go_on_with_poll_in_the_middle_of_a_loss() {
    let (listener, address) = listener();
    let (mut link, changes) = link_to(&address.to_string(), rules(), Retry::default());
    let channels: [Channel; 2] = ["a", "b"].map(|name| link.create(name, Mode::default()).unwrap().into());
    drop(two_channels_open(&mut link, &listener));
    let first = loop {
        match link.next().unwrap() {
            Some((Event::Away { channel, .. }, _)) => break channel,
            Some(_) => {}
            None => drop(link.wait().unwrap()),
        }
    };
    let mut others = Vec::new();
    link.poll(|event, _| {
        if let Event::Away { channel, .. } = event {
            others.push(channel);
        }
    })
    .unwrap();
    assert_eq!([first, others[0]], channels);
    assert_eq!(others.len(), 1);

    let _relay = two_channels_open(&mut link, &listener);
    for _ in 0..5 {
        assert!(link.next().unwrap().is_none());
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(5))).unwrap();
    }
    assert_eq!(link.status(), Status::Connected);
    let lost = changes.try_iter().filter(|change| matches!(change, Change::Lost(_))).count();
    assert_eq!(lost, 1);
}

/// As with any other loss, what is left to say of it is how it came.
#[test]
fn closing_in_the_middle_of_a_loss_says_how_it_was_lost() {
    let (listener, address) = listener();
    let (mut link, _changes) = link_to(&address.to_string(), rules(), Retry::default());
    for name in ["a", "b"] {
        link.create(name, Mode::default()).unwrap();
    }
    drop(two_channels_open(&mut link, &listener));
    while !matches!(link.next().unwrap(), Some((Event::Away { .. }, _))) {
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(20))).unwrap();
    }
    let error = link.close(LONG).unwrap_err();
    assert!(matches!(error, LinkError::Lost(Lost::Closed)), "{error:?}");
}

/// A user that changes their mind twice: the relay hears "enter" twice before the answer to the
/// first one lets the link leave. The handler hears nothing of that.
#[test]
fn a_channel_that_was_left_before_the_answer_can_be_entered_again() {
    for (is_reconnecting, retry) in
        [(false, Retry::Never), (true, Retry::Never), (true, Retry::IfOpenedBefore)]
    {
        let (listener, address) = listener();
        let builder = DesktopLink::builder().retry(retry);
        let builder = if is_reconnecting { builder.reconnect(rules()) } else { builder };
        let mut link = builder.connect(&address.to_string()).unwrap();
        let relay = || {
            let mut relay = accept(&listener);
            let enter = |tag| [0, 1, tag, 4, b'e', b'c', b'h', b'o'];
            expect(&mut relay, &enter(1));
            expect(&mut relay, &enter(2));
            relay.write_all(&to_endpoint::success(1, 0)).unwrap();
            relay.write_all(&to_endpoint::refused(2, 3)).unwrap();
            expect(&mut relay, &[0, 2, 0, 1, 0]);
            let mut again = [0; 8];
            relay.read_exact(&mut again).unwrap();
            assert_eq!(again, enter(again[2]));
            relay.write_all(&to_endpoint::success(again[2], 1)).unwrap();
            relay
        };
        let first = link.enter("echo", Mode::Data).unwrap();
        while link.state(first) != Some(ChannelState::Asked) {
            link.poll(|_, _| ()).unwrap();
            link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(5))).unwrap();
        }
        link.leave(first).unwrap();
        let second = link.enter("echo", Mode::Data).unwrap();
        std::thread::scope(|scope| {
            let relay = scope.spawn(relay);
            let mut told = Vec::new();
            while told.is_empty() {
                link.poll(|event, _| told.extend(event.channel().map(|_| format!("{event:?}")))).unwrap();
                link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(5))).unwrap();
            }
            assert!(told[0].starts_with("Opened"), "{told:?}");
            assert_eq!(link.state(second), Some(ChannelState::Open));
            drop(relay.join().unwrap());
        });
    }
}
