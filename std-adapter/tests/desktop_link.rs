//! A link with its transport, clock and waiter, against the bytes of a relay.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use common::{LONG, listener, reset};
use peote_net::link::{Channel, Event, Flow, Hello, Mode, SendError};
use peote_net::reconnect::Backoff;
use peote_net::time;
use peote_net_std::{Change, DesktopLink, Interest, LinkError, Lost, TcpTransport, Watch, describe};

const CREATE_ECHO: [u8; 8] = [0, 0, 1, 4, b'e', b'c', b'h', b'o'];
const CREATED: [u8; 5] = [0, 3, 1, 0, 0];
const USER_7_ENTERED: [u8; 6] = [0, 4, 0, 0, 0, 7];
const HI_OF_USER_7: [u8; 6] = [5, 128, 7, 1, b'h', b'i'];

/// A link that has asked for a channel, and the relay's end of its connection.
fn link() -> (DesktopLink, TcpStream, TcpListener) {
    let (listener, address) = listener();
    let mut link = DesktopLink::builder().connect_timeout(LONG).connect(&address.to_string()).unwrap();
    let relay = listener.accept().unwrap().0;
    relay.set_read_timeout(Some(LONG)).unwrap();
    link.create("echo", Mode::default()).unwrap();
    (link, relay, listener)
}

fn expect(relay: &mut TcpStream, bytes: &[u8]) {
    let mut received = vec![0; bytes.len()];
    relay.read_exact(&mut received).unwrap();
    assert_eq!(received, bytes);
}

fn echo(link: &mut DesktopLink) -> Result<bool, LinkError> {
    link.poll(|event, out| match event {
        Event::Chunk { from, bytes } => out.send(from, bytes),
        _ => Ok(()),
    })
}

#[test]
fn an_echo_server() {
    let (mut link, mut relay, _listener) = link();
    let relay = thread::spawn(move || {
        expect(&mut relay, &CREATE_ECHO);
        relay.write_all(&[&CREATED[..], &USER_7_ENTERED].concat()).unwrap();
        for _ in 0..100 {
            relay.write_all(&HI_OF_USER_7).unwrap();
            expect(&mut relay, &HI_OF_USER_7);
        }
    });
    let mut waits = 0;
    let error = loop {
        if let Err(error) = echo(&mut link) {
            break error;
        }
        link.wait().unwrap();
        waits += 1;
    };
    assert!(matches!(error, LinkError::Lost(Lost::Closed)), "{error}");
    assert!(waits < 1000, "{waits} wake-ups for a hundred messages");
    relay.join().unwrap();
}

#[test]
fn a_token_is_said_in_front_of_everything_and_another_one_at_the_next_connection() {
    let (listener, address) = listener();
    let hello = |token| Hello { token: Some(token), name: Some("d/1"), ..Hello::default() };
    let delay = time::Duration::from_millis(50);
    let rules = Backoff::new().with_delays(delay, delay);
    let is_lost = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&is_lost);
    let builder = DesktopLink::builder().reconnect(rules).connect_timeout(LONG).hello(hello(b"first"));
    let builder = builder.on_change(move |change| {
        if matches!(change, Change::Lost(_)) {
            tell.store(true, Ordering::Relaxed);
        }
    });
    let mut link = builder.connect(&address.to_string()).unwrap();
    link.create("echo", Mode::default()).unwrap();
    let relay = thread::spawn(move || {
        for token in [&b"first"[..], b"second"] {
            let mut relay = listener.accept().unwrap().0;
            relay.set_read_timeout(Some(LONG)).unwrap();
            // what a relay can do is announced when a byte has come
            expect(&mut relay, &[0]);
            relay.write_all(&[0, 4, 0, 255, 0x50, 7]).unwrap();
            let mut said = Vec::new();
            while !said.ends_with(b"echo") {
                let mut byte = [0];
                relay.read_exact(&mut byte).unwrap();
                said.push(byte[0]);
            }
            let place = |text: &[u8]| said.windows(text.len()).position(|bytes| bytes == text);
            assert!(said.starts_with(&[6, 0]) && place(b"d/1").is_some(), "{said:?}");
            assert!(place(token) < place(b"echo") && place(token).is_some(), "{said:?}");
            // and it is lost
        }
    });
    while !relay.is_finished() {
        if is_lost.load(Ordering::Relaxed) {
            link.set_hello(hello(b"second"));
        }
        let soon = link.now() + time::Duration::from_millis(20);
        echo(&mut link).unwrap();
        link.wait_for(&mut [], Some(soon)).unwrap();
    }
    relay.join().unwrap();
}

#[test]
fn waits_end_by_deadline_waker_and_other_watches() {
    let (mut link, relay, _listener) = link();
    echo(&mut link).unwrap();

    let deadline = link.now() + time::Duration::from_millis(20);
    let woken = link.wait_for(&mut [], Some(deadline)).unwrap();
    assert!(woken.deadline && woken.ready == 0 && link.now() >= deadline);

    let waker = link.waker();
    let caller = thread::spawn(move || waker.wake());
    assert!(link.wait().unwrap().waker);
    caller.join().unwrap();

    let mut other = TcpTransport::new(relay.try_clone().unwrap()).unwrap();
    let mut others = [Watch::transport(&mut other, Interest::WRITE)];
    assert_eq!(link.wait_for(&mut others, None).unwrap().ready, 1);
    assert!(others[0].is_ready());
}

#[test]
fn a_silent_relay_is_noticed_without_a_deadline_of_the_caller() {
    let (mut link, _relay, _listener) = link();
    link.link().set_silence_limit(Some(time::Duration::from_millis(30)));
    let error = loop {
        if let Err(error) = echo(&mut link) {
            break error;
        }
        link.wait().unwrap();
    };
    assert!(matches!(error, LinkError::Lost(Lost::Silent { .. })), "{error}");
}

#[test]
fn what_an_error_of_the_handler_left_unhandled_ends_the_next_wait() {
    let (mut link, mut relay, _listener) = link();
    echo(&mut link).unwrap();
    expect(&mut relay, &CREATE_ECHO);
    relay.write_all(&[&CREATED[..], &USER_7_ENTERED, &HI_OF_USER_7].concat()).unwrap();
    let mut seen = Vec::new();
    let mut errors = 0;
    while seen.len() < 3 {
        let polled = link.poll(|event, _| {
            seen.push(format!("{event:?}"));
            Err::<(), _>(SendError::Empty)
        });
        match polled {
            Ok(_) => {}
            Err(LinkError::Handler(SendError::Empty)) => errors += 1,
            Err(error) => panic!("{error}"),
        }
        let deadline = link.now() + time::Duration::from_secs(60);
        link.wait_for(&mut [], Some(deadline)).unwrap();
        if seen.len() == 3 {
            break;
        }
    }
    assert_eq!(errors, 3);
    assert!(seen[0].starts_with("Opened") && seen[2].starts_with("Chunk"), "{seen:?}");
}

#[test]
fn a_lost_connection_can_be_replaced() {
    let (mut link, mut relay, listener) = link();
    relay.write_all(&CREATED).unwrap();
    let mut is_open = false;
    while !is_open {
        link.poll(|event, _| is_open |= matches!(event, Event::Opened { .. })).unwrap();
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(20))).unwrap();
    }
    reset(relay);
    let error = loop {
        if let Err(error) = echo(&mut link) {
            break error;
        }
        link.wait().unwrap();
    };
    assert!(matches!(error, LinkError::Lost(Lost::Transport(_))), "{error}");
    assert!(
        describe(&error).starts_with("the connection to the relay failed: Connection reset"),
        "{error:?}"
    );
    assert_eq!(format!("{error:?}"), describe(&error));
    // told once; then it is only not connected, and waiting does not block
    link.wait().unwrap();
    assert!(matches!(echo(&mut link), Err(LinkError::NotConnected)));

    link.try_now();
    while link.peer_addr().is_none() {
        echo(&mut link).unwrap();
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(50))).unwrap();
    }
    echo(&mut link).unwrap();
    let mut relay = listener.accept().unwrap().0;
    let mut first = [0; 2];
    relay.read_exact(&mut first).unwrap();
    assert_eq!(first, [0, 0], "the channel is asked for again");
    assert_eq!(link.peer_addr().unwrap(), listener.local_addr().unwrap());
}

#[test]
fn closing_sends_what_is_queued_and_waits_for_the_relay() {
    let (link, mut relay, _listener) = link();
    let relay = thread::spawn(move || {
        let mut all = Vec::new();
        relay.read_to_end(&mut all).unwrap();
        all
    });
    link.close(LONG).unwrap();
    assert_eq!(relay.join().unwrap(), CREATE_ECHO);

    let (link, _relay, _listener) = crate::link();
    let error = link.close(Duration::from_millis(20)).unwrap_err();
    assert!(describe(&error).contains("timed out"), "{error:?}");
}

#[test]
fn closing_waits_until_a_relay_that_was_slow_has_taken_all() {
    const PIECE: [u8; 1000] = [0xab; 1000];
    let (mut link, mut relay, _listener) = link();
    relay.write_all(&[&CREATED[..], &USER_7_ENTERED].concat()).unwrap();
    let mut user = None;
    while user.is_none() {
        link.poll(|event, _| {
            if let Event::UserEntered { channel, user: entered, .. } = event {
                user = Some((channel, entered));
            }
        })
        .unwrap();
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(50))).unwrap();
    }
    // until neither the link nor the system takes any more
    let mut sent = 0;
    loop {
        match link.send(user.unwrap(), &PIECE) {
            Ok(()) => sent += PIECE.len(),
            Err(SendError::WouldBlock) if link.poll(|_, _| ()).is_ok() => {
                match link.send(user.unwrap(), &PIECE) {
                    Ok(()) => sent += PIECE.len(),
                    Err(error) => break assert_eq!(error, SendError::WouldBlock),
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    let relay = thread::spawn(move || {
        let mut all = Vec::new();
        relay.read_to_end(&mut all).unwrap();
        all.into_iter().filter(|byte| *byte == PIECE[0]).count()
    });
    link.close(LONG).unwrap();
    assert_eq!(relay.join().unwrap(), sent);
}

#[test]
fn channels_of_the_list_and_others_are_left_and_deleted_alike() {
    let (mut link, mut relay, _listener) = link();
    let more = "more".to_owned();
    let entered = link.enter("echo", Mode::default()).unwrap();
    let (own_once, entered_once) = {
        let mut out = link.out();
        (out.create(&more, Mode::default()).unwrap(), out.enter(&more, Mode::default()).unwrap())
    };
    assert_eq!(link.name(entered), Some("echo"));
    assert_eq!(link.name(own_once), None, "it does not come back");
    link.delete(own_once).unwrap();
    link.leave(entered_once).unwrap();
    link.leave(entered).unwrap();
    assert_eq!((link.state(entered), link.name(entered)), (None, None));
    for gone in [link.delete(own_once), link.leave(entered_once), link.leave(entered)] {
        assert_eq!(gone, Err(SendError::NotOpen));
    }
    link.poll(|_, _| ()).unwrap();
    const CREATE_MORE: [u8; 8] = [0, 0, 1, 4, b'm', b'o', b'r', b'e'];
    expect(&mut relay, &CREATE_MORE);
    expect(&mut relay, &[&[0, 0, 2], &CREATE_ECHO[3..]].concat());
    // the channel that was given up before it was there is deleted when it is
    relay.write_all(&[0, 3, 2, 0, 1, 0, 3, 1, 0, 0]).unwrap();
    let mut opened = Vec::new();
    while opened.is_empty() {
        link.poll(|event, _| {
            if let Event::Opened { channel } = event {
                opened.push(channel);
            }
        })
        .unwrap();
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(50))).unwrap();
    }
    assert_eq!(link.name(opened[0]), Some("echo"), "the program is not told of the other");
    const DELETE_0: [u8; 3] = [0, 3, 0];
    link.poll(|_, _| ()).unwrap();
    expect(&mut relay, &DELETE_0);
}

#[test]
fn a_relay_that_is_not_there_is_named() {
    let address = common::refusing().to_string();
    let error = DesktopLink::connect(&address).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot connect to {address}"));
    let told = describe(&error);
    assert!(
        told.starts_with(&format!("cannot connect to {address}: {address}: Connection refused")),
        "{told}"
    );
}

/// A relay that is full, or speaks TLS there, ends the connection without a word.
#[test]
fn a_relay_that_says_nothing_before_it_closes_may_be_full() {
    for has_read in [false, true] {
        let (mut link, mut relay, _listener) = link();
        echo(&mut link).unwrap();
        if has_read {
            expect(&mut relay, &CREATE_ECHO);
        }
        drop(relay); // with unread bytes this is a reset
        let error = loop {
            match echo(&mut link) {
                Ok(_) => drop(link.wait().unwrap()),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, LinkError::Lost(Lost::TurnedAway)), "{error:?}");
        assert!(error.to_string().contains("may be full"), "{error}");
    }
}

/// What a handler says with `?` is what comes out, with all that lies behind it.
#[test]
fn a_handler_can_return_any_error() {
    let mut link = DesktopLink::offline().unwrap();
    link.create("echo", Mode::default()).unwrap();
    let run = |link: &mut DesktopLink| -> Result<(), Box<dyn std::error::Error>> {
        link.run(|event, _| match event {
            Event::Opened { .. } => Err::<(), Box<dyn std::error::Error>>("enough".into()),
            _ => Ok(()),
        })?;
        Ok(())
    };
    let error = run(&mut link).unwrap_err();
    assert_eq!((error.to_string(), format!("{error:?}")), ("enough".into(), "enough".into()));
}

/// As with reconnecting, but for good.
#[test]
fn a_channel_that_is_refused_is_told_to_the_handler() {
    let (mut link, mut relay, _listener) = link();
    let handler = |event: Event<'_>| event.ok();
    link.poll(|event, _| handler(event)).unwrap();
    expect(&mut relay, &CREATE_ECHO);
    relay.write_all(&peote_net::protocol::to_endpoint::refused(1, 2)).unwrap();
    let error = link.run(|event, _| handler(event)).unwrap_err();
    assert_eq!(
        format!("{error:?}"),
        "channel \"echo\": the relay did not create the channel: a channel of this name exists already"
    );
}

/// `next` returns events, which know no names, so the program asks for the name.
#[test]
fn an_error_of_an_event_that_was_returned_gets_the_name() {
    let (mut link, mut relay, _listener) = link();
    assert!(link.next().unwrap().is_none());
    expect(&mut relay, &CREATE_ECHO);
    relay.write_all(&peote_net::protocol::to_endpoint::refused(1, 2)).unwrap();
    let error = loop {
        link.wait().unwrap();
        let Some((event, _)) = link.next().unwrap() else { continue };
        let ended = event.ok();
        if let Err(error) = link.named(ended) {
            break error;
        }
    };
    assert_eq!(
        format!("{error:?}"),
        "channel \"echo\": the relay did not create the channel: a channel of this name exists already"
    );
    // another error, and a later event
    let other = link.named(Err::<(), _>(SendError::Empty)).unwrap_err();
    assert!(matches!(other, LinkError::Handler(SendError::Empty)), "{other:?}");
    assert!(link.next().unwrap().is_none());
    let later = link.named(Err::<(), _>(SendError::NotOpen)).unwrap_err();
    assert!(matches!(later, LinkError::Handler(SendError::NotOpen)), "{later:?}");
}

/// What happens is told by `next` as it is by `poll`.
#[test]
fn events_one_by_one() {
    let (mut link, mut relay, _listener) = link();
    assert!(link.next().unwrap().is_none());
    expect(&mut relay, &CREATE_ECHO);
    relay.write_all(&[&CREATED[..], &USER_7_ENTERED, &HI_OF_USER_7].concat()).unwrap();
    let mut seen = Vec::new();
    while seen.len() < 4 {
        while let Some((event, mut out)) = link.next().unwrap() {
            if let Event::Chunk { from, bytes } = event {
                out.send(from, bytes).unwrap();
                // once more
                if seen.len() == 2 {
                    out.again();
                }
            }
            seen.push(format!("{event:?}"));
        }
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(20))).unwrap();
    }
    assert!(seen[0].starts_with("Opened") && seen[1].starts_with("UserEntered"), "{seen:?}");
    assert!(seen[2].starts_with("Chunk") && seen[3] == seen[2], "{seen:?}");
    expect(&mut relay, &HI_OF_USER_7);
    drop(relay);
    let mut told = Vec::new();
    let error = loop {
        match link.next() {
            Ok(Some((event, _))) => told.push(format!("{event:?}")),
            Ok(None) => drop(link.wait().unwrap()),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LinkError::Lost(_)), "{error:?}");
    assert!(told.iter().any(|event| event.starts_with("Away")), "{told:?}");
}

#[test]
fn connecting_without_blocking() {
    let (listener, address) = listener();
    let mut link = DesktopLink::builder().start(&address.to_string()).unwrap();
    link.create("echo", Mode::default()).unwrap();
    let mut relay = None;
    while relay.is_none() {
        echo(&mut link).unwrap();
        link.wait_for(&mut [], Some(link.now() + time::Duration::from_millis(20))).unwrap();
        relay = link.peer_addr().map(|_| listener.accept().unwrap().0);
    }
    echo(&mut link).unwrap();
    expect(&mut relay.unwrap(), &CREATE_ECHO);

    let mut link = DesktopLink::builder().start(&common::refusing().to_string()).unwrap();
    let error = link.run(|_, _| ()).unwrap_err();
    assert!(matches!(error, LinkError::Connect(_)), "{error:?}");
    let error = DesktopLink::builder().start("ws://localhost").unwrap_err();
    assert!(describe(&error).ends_with("write \"localhost\""), "{error:?}");
}

/// Lag and bandwidth are a matter of the builder, and sizes do not stand in the way of being
/// offline.
#[test]
fn offline_with_lag_and_any_sizes() {
    use peote_net::link::SimulatedLine;
    use peote_net_std::Sizes;
    let round_trip = time::Duration::from_millis(40);
    let sizes = Sizes { local_users: 300, parties: 700, chunk_size: 1000, ..Sizes::default() };
    let mut link = DesktopLink::builder()
        .sizes(sizes)
        .simulate(SimulatedLine::new().round_trip(round_trip))
        .offline()
        .unwrap();
    let mode = Mode::chunks(1000);
    let start = link.now();
    link.create("room", mode).unwrap();
    let users: Vec<_> = (0..300).map(|_| link.enter("room", mode).unwrap()).collect();
    let mut heard = 0;
    while heard < users.len() {
        link.wait().unwrap();
        link.poll(|event, out| match event {
            Event::Opened { channel } if users.iter().any(|user| channel == *user) => {
                out.send(channel, &[7; 1000])
            }
            Event::Chunk { bytes, .. } => {
                heard += 1;
                assert_eq!(bytes, [7; 1000]);
                Ok(())
            }
            other => other.ok(),
        })
        .unwrap();
    }
    // half a round trip to enter, and half for the chunk
    assert!(link.now().saturating_since(start) >= round_trip);
}

/// A room with one local user, and a second one that there is no memory for.
fn crowded() -> (DesktopLink, peote_net::link::EnteredChannel) {
    let sizes = peote_net_std::Sizes { local_users: 1, ..peote_net_std::Sizes::default() };
    let mut link = DesktopLink::builder().sizes(sizes).offline().unwrap();
    link.create("room", Mode::default()).unwrap();
    link.enter("room", Mode::default()).unwrap();
    let second = link.enter("room", Mode::default()).unwrap();
    (link, second)
}

/// What the link itself refuses is an event as any other: it says why, and comes again.
#[test]
fn a_refusal_of_the_link_itself_comes_again() {
    let (mut link, second) = crowded();
    let mut told = 0;
    let error = loop {
        let polled = link.poll(|event, out| match event {
            Event::Refused { channel, reason, .. } => {
                assert_eq!((channel, reason), (second.into(), peote_net::Reason::ChannelFull));
                told += 1;
                match told {
                    1 => Ok(Flow::Again),
                    2 => {
                        out.again();
                        Ok(Flow::Continue)
                    }
                    _ => event.ok().map(|()| Flow::Continue),
                }
            }
            _ => Ok(Flow::Continue),
        });
        match polled {
            Ok(_) => drop(link.wait().unwrap()),
            Err(error) => break error,
        }
    };
    assert_eq!(told, 3);
    assert!(error.to_string().starts_with("channel \"room\": "), "{error}");
}

#[test]
fn a_refusal_of_the_link_itself_that_was_returned_comes_again() {
    let (mut link, second) = crowded();
    let (mut told, mut opened) = (0, 0);
    for _ in 0..100 {
        while let Some((event, mut out)) = link.next().unwrap() {
            match event {
                Event::Refused { channel, .. } => {
                    assert_eq!(channel, Channel::from(second));
                    told += 1;
                    if told < 3 {
                        out.again();
                    }
                }
                Event::Opened { .. } => opened += 1,
                _ => {}
            }
        }
        // a kept one does not keep the processor busy
        let soon = link.now() + time::Duration::from_millis(20);
        link.wait_for(&mut [], Some(soon)).unwrap();
        if told == 3 {
            break;
        }
    }
    // and holds up nothing else
    assert_eq!((told, opened), (3, 2));
    assert!(link.next().unwrap().is_none());
}
