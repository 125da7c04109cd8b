//! Links over TLS, and a relay that listens with and without it.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use peote_net::link::{Channel, Event, Mode, SendError, Source};
use peote_net::reconnect::{Backoff, Status};
use peote_net::time;
use peote_net_std::{
    Change, ConnectError, ConnectErrorKind, DesktopLink, LinkError, Lost, TlsErrorKind, TlsOptions, describe,
};
use peote_relay::{Config, Handle, Relay};

use super::Files;
use super::far::Authority;

/// How long anything may take. Only a failure takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A relay in a thread.
struct Running {
    plain: SocketAddr,
    tls: SocketAddr,
    handle: Handle,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn start(files: &Files) -> Self {
        Self::start_on(files, "127.0.0.1:0".parse().unwrap())
    }

    fn start_on(files: &Files, tls: SocketAddr) -> Self {
        let config = Config {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            listen_tls: vec![tls],
            tls_certificate: Some(files.certificate()),
            tls_key: Some(files.key()),
            ..Config::default()
        };
        let mut relay = Relay::bind(config).unwrap();
        let (plain, tls, handle) = (relay.local_addrs()[0], relay.local_addrs()[1], relay.handle());
        Self { plain, tls, handle, thread: std::thread::spawn(move || relay.run()) }
    }

    /// Where it is by the name that its certificate is for.
    fn name(&self) -> String {
        format!("localhost:{}", self.tls.port())
    }

    fn stop(self) {
        self.handle.stop();
        self.thread.join().unwrap().unwrap();
    }
}

fn options(files: &Files) -> TlsOptions {
    TlsOptions::with_roots_from(files.ca()).unwrap()
}

/// One endpoint: its link, and what it has got.
struct End {
    link: DesktopLink,
    is_open: bool,
    /// Who is to be talked with.
    party: Option<Source>,
    got: Vec<u8>,
}

impl End {
    fn new(link: DesktopLink) -> Self {
        Self { link, is_open: false, party: None, got: Vec::new() }
    }

    fn turn(&mut self) {
        let Self { link, is_open, party, got } = self;
        let polled = link.poll(|event, _| match event {
            Event::Opened { channel: Channel::Own(_) } => *is_open = true,
            Event::Opened { channel: Channel::Entered(channel) } => *party = Some(channel.into()),
            Event::UserEntered { channel, user } => *party = Some(Source::User { channel, user }),
            Event::Chunk { bytes, .. } => got.extend_from_slice(bytes),
            _ => {}
        });
        polled.unwrap();
        let soon = link.now() + time::Duration::from_millis(1);
        link.wait_for(&mut [], Some(soon)).unwrap();
    }

    /// Sends what there is room for. How many bytes that were.
    fn send(&mut self, mut bytes: &[u8]) -> usize {
        let before = bytes.len();
        while !bytes.is_empty() {
            let (chunk, rest) = bytes.split_at(bytes.len().min(20_000));
            match self.link.out().send(self.party.unwrap(), chunk) {
                Ok(()) => bytes = rest,
                Err(SendError::WouldBlock) => break,
                Err(error) => panic!("{error}"),
            }
        }
        before - bytes.len()
    }
}

/// Turns of both until it is so.
#[track_caller]
fn until(server: &mut End, user: &mut End, done: impl Fn(&End, &End) -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done(server, user) {
        assert!(Instant::now() < end, "it does not come about");
        server.turn();
        user.turn();
    }
}

/// The two in a channel, as its server and its user.
fn meet(server: DesktopLink, user: DesktopLink) -> (End, End) {
    let (mut server, mut user) = (End::new(server), End::new(user));
    server.link.create("room", Mode::default()).unwrap();
    until(&mut server, &mut user, |server, _| server.is_open);
    user.link.enter("room", Mode::default()).unwrap();
    until(&mut server, &mut user, |server, user| server.party.is_some() && user.party.is_some());
    (server, user)
}

/// Bytes of which no two places look alike.
fn pattern(len: usize) -> Vec<u8> {
    (0_u32..).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).take(len).collect()
}

/// Both send so much to each other, as fast as there is room.
fn exchange(server: &mut End, user: &mut End, len: usize) {
    let bytes = pattern(len);
    let (mut down, mut up) = (0, 0);
    let end = Instant::now() + PATIENCE;
    while server.got.len() < len || user.got.len() < len {
        assert!(Instant::now() < end, "stuck: {} and {} bytes arrived", server.got.len(), user.got.len());
        down += server.send(&bytes[down..]);
        up += user.send(&bytes[up..]);
        server.turn();
        user.turn();
    }
    assert!(server.got == bytes && user.got == bytes);
}

#[test]
fn links_with_and_without_tls_talk_with_each_other() {
    let files = Files::new();
    let relay = Running::start(&files);
    let plain = || DesktopLink::connect(&relay.plain.to_string()).unwrap();
    let tls = || DesktopLink::builder().tls(options(&files)).connect(&relay.name()).unwrap();
    for (server, user) in [(tls(), plain()), (plain(), tls()), (tls(), tls())] {
        let (mut server, mut user) = meet(server, user);
        exchange(&mut server, &mut user, 1_000_000);
        // each is told that the relay has read everything
        user.link.close(PATIENCE).unwrap();
        server.link.close(PATIENCE).unwrap();
    }
    relay.stop();
}

#[test]
fn the_end_of_a_relay_is_one_in_order() {
    let files = Files::new();
    let relay = Running::start(&files);
    let mut link = DesktopLink::builder().tls(options(&files)).connect(&relay.name()).unwrap();
    assert_eq!(link.peer_addr().unwrap(), relay.tls);
    // the relay has heard the end of the handshake
    link.create("room", Mode::default()).unwrap();
    let mut is_open = false;
    while !is_open {
        link.poll(|event, _| is_open |= matches!(event, Event::Opened { .. })).unwrap();
        if !is_open {
            link.wait().unwrap();
        }
    }
    relay.stop();
    let error = loop {
        match link.poll(|_, _| ()) {
            Ok(_) => drop(link.wait().unwrap()),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LinkError::Lost(Lost::Closed)), "{error:?}");
}

/// A link that comes back, and what it has been told.
struct Returning {
    link: DesktopLink,
    changes: mpsc::Receiver<Change>,
    opened: usize,
}

impl Returning {
    fn new(relay: &str, tls: TlsOptions) -> Self {
        let delays = (time::Duration::from_millis(2), time::Duration::from_millis(50));
        let (tell, changes) = mpsc::channel();
        let link = DesktopLink::builder()
            .reconnect(Backoff::new().with_delays(delays.0, delays.1))
            .on_change(move |change| tell.send(change).unwrap())
            .tls(tls);
        let mut link = link.connect(relay).unwrap();
        link.create("room", Mode::default()).unwrap();
        Self { link, changes, opened: 0 }
    }

    fn poll(&mut self) {
        let opened = &mut self.opened;
        self.link.poll(|event, _| *opened += usize::from(matches!(event, Event::Opened { .. }))).unwrap();
    }

    /// The next change.
    fn change(&mut self) -> Change {
        let end = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < end, "nothing changes");
            if let Ok(change) = self.changes.try_recv() {
                return change;
            }
            self.poll();
            let soon = self.link.now() + time::Duration::from_millis(20);
            self.link.wait_for(&mut [], Some(soon)).unwrap();
        }
    }

    /// Why the next attempt to connect fails.
    fn failure(&mut self) -> ConnectError {
        loop {
            match self.change() {
                Change::ConnectFailed(error) => return error,
                Change::Lost(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Waits until it is connected and its channel is there.
    fn until_open(&mut self, times: usize) {
        loop {
            match self.change() {
                Change::Connected => break,
                Change::ConnectFailed(_) | Change::Lost(_) => {}
                other => panic!("{other:?}"),
            }
        }
        let end = Instant::now() + PATIENCE;
        loop {
            if self.opened == times {
                return;
            }
            self.poll();
            assert!(self.changes.try_recv().is_err());
            assert!(Instant::now() < end, "the channel does not come");
            let soon = self.link.now() + time::Duration::from_millis(20);
            self.link.wait_for(&mut [], Some(soon)).unwrap();
        }
    }
}

#[test]
fn a_link_comes_back_and_waits_for_a_certificate_that_is_right() {
    let files = Files::new();
    let relay = Running::start(&files);
    let (name, address) = (relay.name(), relay.tls);
    let mut returning = Returning::new(&name, options(&files));
    returning.until_open(1);
    relay.stop();
    assert!(matches!(returning.change(), Change::Lost(Lost::Closed)));
    let relay = Running::start_on(&files, address);
    returning.until_open(2);
    relay.stop();

    // somebody else's, by accident or not
    files.show(&Authority::new().certify(&["localhost"]));
    let relay = Running::start_on(&files, address);
    let error = loop {
        let error = returning.failure();
        if matches!(error.kind(), ConnectErrorKind::Tls(_)) {
            break error;
        }
    };
    let text = describe(&error);
    assert!(
        text.starts_with(&format!("cannot connect to {name}: TLS with localhost: the certificate ")),
        "{text}"
    );
    let ConnectErrorKind::Tls(cause) = error.kind() else { unreachable!() };
    assert_eq!(cause.as_tls().unwrap().kind(), TlsErrorKind::UnknownIssuer);
    assert!(matches!(returning.link.status(), Status::Lost { .. }), "{:?}", returning.link.status());
    // it is tried again, and fails again
    assert!(matches!(returning.failure().kind(), ConnectErrorKind::Tls(_)));
    relay.stop();

    files.show(&files.authority.certify(&["localhost"]));
    let relay = Running::start_on(&files, address);
    returning.until_open(3);
    returning.link.close(PATIENCE).unwrap();
    relay.stop();
}

#[test]
fn the_wrong_port_is_told() {
    let files = Files::new();
    let relay = Running::start(&files);
    let error = Returning::new(&relay.plain.to_string(), options(&files)).failure();
    let ConnectErrorKind::Tls(cause) = error.kind() else { panic!("{error:?}") };
    // the relay closes connections that begin as TLS does where it does not speak it
    assert_eq!(cause.as_tls().unwrap().kind(), TlsErrorKind::Refused);
    // the other way round there is nothing that could be told but the end
    let mut link = DesktopLink::connect(&relay.tls.to_string()).unwrap();
    link.create("room", Mode::default()).unwrap();
    while link.poll(|_, _| ()).is_ok() {
        link.wait().unwrap();
    }
    relay.stop();
}
