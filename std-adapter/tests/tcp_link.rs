//! A link with its transport, clock and waiter, against the bytes of a relay.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use common::{LONG, listener, reset};
use peote_net::link::{Channel, Error, Event, Mode, SendError};
use peote_net::time;
use peote_net_std::{Interest, TcpLink, TcpTransport, Watch};

const CREATE_ECHO: [u8; 8] = [0, 0, 1, 4, b'e', b'c', b'h', b'o'];
const CREATED: [u8; 5] = [0, 3, 1, 0, 0];
const USER_7_ENTERED: [u8; 6] = [0, 4, 0, 0, 0, 7];
const HI_OF_USER_7: [u8; 6] = [5, 128, 7, 1, b'h', b'i'];

/// A link that has asked for a channel, and the relay's end of its connection.
fn link() -> (TcpLink, TcpStream, TcpListener) {
    let (listener, address) = listener();
    let mut link = TcpLink::connect(&address.to_string(), LONG).unwrap();
    let relay = listener.accept().unwrap().0;
    relay.set_read_timeout(Some(LONG)).unwrap();
    link.out().create("echo", Mode::default()).unwrap();
    (link, relay, listener)
}

fn expect(relay: &mut TcpStream, bytes: &[u8]) {
    let mut received = vec![0; bytes.len()];
    relay.read_exact(&mut received).unwrap();
    assert_eq!(received, bytes);
}

fn echo(link: &mut TcpLink) -> Result<(), Error<peote_net_std::TcpError>> {
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
        link.wait(&mut [], None).unwrap();
        waits += 1;
    };
    assert!(matches!(error, Error::Closed), "{error}");
    assert!(waits < 1000, "{waits} wake-ups for a hundred messages");
    relay.join().unwrap();
}

#[test]
fn waits_end_by_deadline_waker_and_other_watches() {
    let (mut link, relay, _listener) = link();
    echo(&mut link).unwrap();

    let deadline = link.now() + time::Duration::from_millis(20);
    let woken = link.wait(&mut [], Some(deadline)).unwrap();
    assert!(woken.deadline && woken.ready == 0 && link.now() >= deadline);

    let waker = link.waker();
    let caller = thread::spawn(move || waker.wake());
    assert!(link.wait(&mut [], None).unwrap().waker);
    caller.join().unwrap();

    let mut other = TcpTransport::new(relay.try_clone().unwrap()).unwrap();
    let mut others = [Watch::transport(&mut other, Interest::WRITE)];
    assert_eq!(link.wait(&mut others, None).unwrap().ready, 1);
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
        link.wait(&mut [], None).unwrap();
    };
    assert!(matches!(error, Error::Silent { .. }), "{error}");
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
            Ok(()) => {}
            Err(Error::Handler(SendError::Empty)) => errors += 1,
            Err(error) => panic!("{error}"),
        }
        let deadline = link.now() + time::Duration::from_secs(60);
        link.wait(&mut [], Some(deadline)).unwrap();
        if seen.len() == 3 {
            break;
        }
    }
    assert_eq!(errors, 3);
    assert!(seen[0].starts_with("Opened") && seen[2].starts_with("Chunk"), "{seen:?}");
}

#[test]
fn a_lost_connection_can_be_replaced() {
    let (mut link, relay, listener) = link();
    echo(&mut link).unwrap();
    reset(relay);
    let mut refused = 0;
    let error = loop {
        let polled = link.poll(|event, _| {
            refused += usize::from(matches!(event, Event::Refused { channel: Channel::Own(_), .. }));
        });
        if let Err(error) = polled {
            break error;
        }
        link.wait(&mut [], None).unwrap();
    };
    assert!(matches!(error, Error::Transport(_)), "{error}");
    assert_eq!(refused, 1, "the channel was not told");

    let address = listener.local_addr().unwrap();
    link.reconnect(TcpTransport::connect_blocking(&address.to_string(), LONG).unwrap());
    let mut relay = listener.accept().unwrap().0;
    link.out().create("echo", Mode::default()).unwrap();
    echo(&mut link).unwrap();
    let mut first = [0; 2];
    relay.read_exact(&mut first).unwrap();
    assert_eq!(first, [0, 0]);
    assert_eq!(link.peer_addr().unwrap(), address);
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
    assert!(error.to_string().contains("timed out"), "{error}");
}

#[test]
fn a_relay_that_is_not_there_is_named() {
    let address = common::refusing().to_string();
    let error = TcpLink::connect(&address, LONG).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&address));
}
