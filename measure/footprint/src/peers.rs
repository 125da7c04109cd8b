//! Who the images talk to.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use peote_net::link::{Channel, Destination, EnteredChannel, Event, Mode, OwnChannel, SendError, Source};
use peote_net::rpc::{Remote, remote};
use peote_net_std::DesktopLink;
use peote_relay::{Config, Relay};

use crate::job::{Job, MESSAGES};
use crate::{Result, mqtt};

/// After so long nothing will come any more.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The channels' greatest chunk.
const MODE: Mode = Mode::chunks(256);
/// Of the channel in which the board's lamp is called.
const CALLS: Mode = Mode::rpc(256);
/// Users of the board's own channel.
const USERS: usize = 3;

/// Who an image talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Somebody who wants its bytes back.
    Echo,
    /// An MQTT broker.
    Broker,
    /// A relay, behind it the server of the channel that the board enters.
    Server,
    /// The same, and users of the board's own channel.
    ServerAndUsers,
    /// The same, and the users call the board's lamp.
    Callers,
}

/// A peer that waits for a board.
pub(crate) struct Waiting {
    /// Where the board has to be connected to.
    pub(crate) address: SocketAddr,
    work: Box<dyn FnOnce() -> Result + Send>,
}

impl Waiting {
    /// Starts to listen.
    pub(crate) fn start(peer: Peer) -> Result<Self> {
        let (address, work): (_, Box<dyn FnOnce() -> Result + Send>) = match peer {
            Peer::Echo | Peer::Broker => {
                let listener =
                    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
                let address = listener.local_addr().map_err(|error| error.to_string())?;
                (address, Box::new(move || accept(&listener, peer)))
            }
            Peer::Server | Peer::ServerAndUsers | Peer::Callers => {
                let listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
                let mut relay =
                    Relay::bind(Config { listen, ..Config::default() }).map_err(|error| error.to_string())?;
                let address = relay.local_addrs().first().copied().ok_or("the relay does not listen")?;
                std::thread::spawn(move || relay.run());
                let mut peers = Peers::start(address, peer)?;
                (address, Box::new(move || peers.run()))
            }
        };
        Ok(Self { address, work })
    }

    /// Does the peer's part.
    pub(crate) fn run(self) -> Result {
        (self.work)()
    }
}

fn accept(listener: &TcpListener, peer: Peer) -> Result {
    let (stream, _) = listener.accept().map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    if peer == Peer::Broker { mqtt::serve(stream) } else { echo(stream) }
}

/// Sends messages and reads them back.
fn echo(mut stream: TcpStream) -> Result {
    for n in 0..MESSAGES {
        let message = Job::message(n);
        let mut back = vec![0; message.len()];
        let answered = stream.write_all(&message).and_then(|()| stream.read_exact(&mut back));
        answered.map_err(|error| format!("message {n}: {error}"))?;
        if back != message {
            return Err(format!("message {n} came back wrong"));
        }
    }
    Ok(())
}

/// What the board offers.
#[remote]
trait Lamp {
    fn set(&mut self, brightness: u8, name: &str);
}

/// The desktop's side: the server of the channel `work`, and perhaps users of the board's channel.
struct Peers {
    server: DesktopLink,
    work: OwnChannel,
    job: Job,
    started: bool,
    users: Vec<User>,
}

impl Peers {
    fn start(relay: SocketAddr, peer: Peer) -> Result<Self> {
        let mut server = connect(relay)?;
        let work = server.create("work", MODE).map_err(|error| error.to_string())?;
        let mut created = false;
        turns(|| {
            poll(&mut server, |event, _| {
                created |= matches!(event, Event::Opened { channel: Channel::Own(_) });
            })?;
            Ok(created)
        })?;
        let users = if peer == Peer::Server { 0 } else { USERS };
        let users = (0..users).map(|number| User::new(relay, number, peer == Peer::Callers));
        Ok(Self { server, work, job: Job::default(), started: false, users: users.collect::<Result<_>>()? })
    }

    fn run(&mut self) -> Result {
        turns(|| {
            let (job, started) = (&mut self.job, &mut self.started);
            let mut wrong = false;
            poll(&mut self.server, |event, _| match event {
                Event::UserEntered { .. } => *started = true,
                Event::Chunk { bytes, .. } => wrong |= !job.came_back(bytes),
                _ => {}
            })?;
            if wrong {
                return Err("a chunk came back wrong".into());
            }
            while let Some(message) = self.job.next().filter(|_| self.started) {
                if self.server.out().send(Destination::All(self.work), &message).is_err() {
                    break;
                }
                self.job.sent();
            }
            let mut done = self.job.is_done();
            let all_inside = self.users.iter().all(|user| matches!(user.state, State::Inside(_)));
            for user in &mut self.users {
                done &= user.turn(all_inside)?;
            }
            Ok(done)
        })?;
        self.server.out().delete(self.work).map_err(|error| error.to_string())?;
        // until it is written
        turns(|| poll(&mut self.server, |_, _| {}).map(|()| !self.server.link().wants_write()))
    }
}

/// A user of the board's channel.
struct User {
    link: DesktopLink,
    number: usize,
    state: State,
    job: Job,
    /// The first user calls all others once, and each of them has to hear it.
    has_called: bool,
    must_hear: bool,
    /// The lamp is still to be called, and has answered.
    calls: bool,
    answered: bool,
    /// The channel in which it is called.
    lamp: Option<EnteredChannel>,
}

#[derive(Clone, Copy)]
enum State {
    Outside(Instant),
    Entering,
    Inside(EnteredChannel),
}

impl User {
    fn new(relay: SocketAddr, number: usize, calls: bool) -> Result<Self> {
        Ok(Self {
            link: connect(relay)?,
            number,
            state: State::Outside(Instant::now()),
            job: Job::default(),
            has_called: number != 0,
            must_hear: number != 0,
            calls,
            answered: !calls,
            lamp: None,
        })
    }

    /// Says whether everything is done.
    fn turn(&mut self, all_inside: bool) -> Result<bool> {
        let Self { link, state, job, must_hear, answered, lamp, .. } = self;
        let mut wrong = None;
        poll(link, |event, _| match event {
            Event::Opened { channel } if Some(channel) == lamp.map(Channel::Entered) => {}
            Event::Opened { channel: Channel::Entered(channel) } => *state = State::Inside(channel),
            Event::Refused { channel: Channel::Entered(_), .. } => {
                *state = State::Outside(Instant::now() + Duration::from_millis(20));
            }
            Event::Chunk { bytes: b"welcome", .. } => {}
            Event::Rpc { bytes, .. } => *answered |= bytes.as_bytes().ends_with(b"ready"),
            Event::Chunk { bytes: [b'*', ..], .. } => *must_hear = false,
            Event::Chunk { from: Source::Server { .. }, bytes } if !job.came_back(bytes) => {
                wrong = Some(bytes.to_vec());
            }
            _ => {}
        })?;
        if let Some(bytes) = wrong {
            return Err(format!("user {}: {bytes:02x?} came back", self.number));
        }
        match self.state {
            State::Outside(until) if until <= Instant::now() => {
                self.link.enter("board", MODE).map_err(|error| error.to_string())?;
                self.state = State::Entering;
            }
            State::Outside(_) | State::Entering => {}
            State::Inside(channel) => self.say(channel, all_inside)?,
        }
        Ok(self.job.is_done() && self.has_called && !self.must_hear && self.answered)
    }

    fn say(&mut self, channel: EnteredChannel, all_inside: bool) -> Result {
        let mut out = self.link.out();
        while let Some(message) = self.job.next() {
            if out.send(channel, &message).is_err() {
                return Ok(());
            }
            self.job.sent();
        }
        if all_inside && !self.has_called {
            out.send(channel, b"*hear").map_err(|error| error.to_string())?;
            self.has_called = true;
        }
        if self.calls {
            let lamp = match self.lamp {
                Some(lamp) => lamp,
                None => *self.lamp.insert(out.enter("lamp", CALLS).map_err(|error| error.to_string())?),
            };
            match LampCaller::new(Remote::assume(lamp, 0)).set(&mut out, 1, "ready") {
                Ok(()) => self.calls = false,
                Err(SendError::NotOpen | SendError::WouldBlock) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(())
    }
}

fn connect(relay: SocketAddr) -> Result<DesktopLink> {
    DesktopLink::connect(&relay.to_string()).map_err(|error| error.to_string())
}

fn poll(link: &mut DesktopLink, handler: impl FnMut(Event<'_>, &mut peote_net::link::Out<'_>)) -> Result {
    link.poll(handler).map(drop).map_err(|error| error.to_string())
}

/// Turns of a loop, until one says that it is done.
fn turns(mut turn: impl FnMut() -> Result<bool>) -> Result {
    let start = Instant::now();
    while !turn()? {
        if start.elapsed() > PATIENCE {
            return Err(format!("nothing has happened for {} s", PATIENCE.as_secs()));
        }
        // several links are looked at in turn
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
