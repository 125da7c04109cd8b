//! That the verification of `demo` and `stress` finds what is wrong: honest clients against a
//! server that does one thing wrong, and an honest server against clients that do.

use std::rc::Rc;
use std::time::Duration;

use peote_net::link::{Channel, Destination, Event, Link, Mode, Out, SendError, Source};
use peote_net::time;
use peote_net_demo::traffic::{
    Client, Clients, Control, Flow, Kind, Noise, Script, Sending, Servers, Serving, Tally, excluded,
};
use peote_net_std::{Clock, HeapBuffers, TcpTransport};
use peote_relay::{Config, Relay};

const SCRIPT: Script = Script { stream: 1, begin: 0, min: 1, max: 1_000 };
const ROUNDS: usize = 300;

/// A relay in this thread, and connections to it.
struct World {
    relay: Relay,
    clock: Clock,
    noise: Rc<Noise>,
    tally: Tally,
}

impl World {
    fn new() -> Self {
        let listen = vec!["127.0.0.1:0".parse().unwrap()];
        let relay = Relay::bind(Config { listen, ..Config::default() }).unwrap();
        Self { relay, clock: Clock::new(), noise: Rc::new(Noise::new(1_000)), tally: Tally::new(1_000) }
    }

    fn connect(&self) -> TcpTransport {
        let address = self.relay.local_addrs()[0].to_string();
        TcpTransport::connect_blocking(&address, Duration::from_secs(10)).unwrap()
    }

    /// Lets the relay do what there is to do.
    fn turn(&mut self) {
        for _ in 0..4 {
            self.relay.turn(Some(Duration::from_millis(1))).unwrap();
        }
    }

    fn clients(&self) -> Clients {
        let sending = Sending {
            data: true,
            echo: true,
            broadcasts: true,
            window: 4,
            delay: time::Duration::ZERO,
            at_least: 50,
            max: 1_000,
            patience: time::Duration::from_secs(10),
        };
        let client = Client { channel: "room".into(), script: SCRIPT };
        Clients::new(self.connect(), vec![client], sending, Rc::clone(&self.noise), self.clock.now()).unwrap()
    }

    fn servers(&self) -> Servers {
        let serving = Serving {
            names: vec!["room".into()],
            users: 4,
            max: 1_000,
            broadcast: SCRIPT,
            broadcast_from: 1,
            broadcast_delay: time::Duration::from_millis(5),
        };
        Servers::new(self.connect(), serving, Rc::clone(&self.noise)).unwrap()
    }
}

/// What the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Nothing,
    ChangesTheLastByte,
    LeavesOut,
    SendsTwice,
    Swaps,
    Cuts,
    CountsTooFew,
    BroadcastsToTheExcluded,
    LeavesOutABroadcast,
    LastBroadcastIsMissing,
}

/// A server of one channel that behaves, but for one thing, as [`Servers`] does.
struct Server {
    wrong: Wrong,
    noise: Rc<Noise>,
    chunks: u64,
    bytes: u64,
    held: Option<Vec<u8>>,
    broadcast: u64,
}

impl Server {
    fn handle(&mut self, event: Event<'_>, out: &mut Out<'_>) -> Result<(), SendError> {
        let Event::Chunk { from, bytes } = event else { return Ok(()) };
        let Source::User { channel, user } = from else { return Ok(()) };
        match (Kind::of(bytes), Control::decode(bytes)) {
            (_, Some(Control::Hello { .. })) => {
                let user = u8::try_from(user.number()).unwrap();
                out.send(from, &Control::Welcome { user, script: SCRIPT, next: 0 }.encode())?;
            }
            (_, Some(Control::Bye)) => {
                let missing = u64::from(self.wrong == Wrong::CountsTooFew);
                let next = self.broadcast + u64::from(self.wrong == Wrong::LastBroadcastIsMissing);
                let total = Control::Total { chunks: self.chunks - missing, bytes: self.bytes, next };
                out.send(from, &total.encode())?;
            }
            (Some(Kind::Data), _) => {
                self.chunks += 1;
                self.bytes += bytes.len() as u64;
                self.echo(from.into(), bytes, out)?;
                if self.chunks.is_multiple_of(8) {
                    self.broadcast(Destination::User(channel, user), out)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Sends a chunk back; the tenth one differently.
    fn echo(&mut self, to: Destination, bytes: &[u8], out: &mut Out<'_>) -> Result<(), SendError> {
        let mut bytes = bytes.to_vec();
        match (self.chunks, self.wrong) {
            (10, Wrong::ChangesTheLastByte) => *bytes.last_mut().unwrap() ^= 1,
            (10, Wrong::Cuts) => bytes.truncate(bytes.len() - 1),
            (10, Wrong::SendsTwice) => out.send(to, &bytes)?,
            (10, Wrong::LeavesOut) => return Ok(()),
            (10, Wrong::Swaps) => {
                self.held = Some(bytes);
                return Ok(());
            }
            _ => {}
        }
        out.send(to, &bytes)?;
        self.held.take().map_or(Ok(()), |held| out.send(to, &held))
    }

    /// The only user has number 0, so a broadcast to it alone is one to all, and none is one to all
    /// but it.
    fn broadcast(&mut self, to: Destination, out: &mut Out<'_>) -> Result<(), SendError> {
        let spared = excluded(self.broadcast) == Some(0);
        let sent = match (self.broadcast, self.wrong) {
            (1, Wrong::BroadcastsToTheExcluded) => true,
            (2, Wrong::LeavesOutABroadcast) => false,
            _ => !spared,
        };
        if sent {
            let chunk = SCRIPT.chunk(Kind::Broadcast, self.broadcast, &self.noise);
            out.send_parts(to, &chunk.parts())?;
        }
        self.broadcast += 1;
        Ok(())
    }
}

/// What is found wrong, and whether the client was done.
fn with_server(wrong: Wrong) -> (Tally, bool) {
    let mut world = World::new();
    let (mut link, mut transport) = (Link::with_buffers(HeapBuffers::default()), world.connect());
    link.out().create("room", Mode::default()).unwrap();
    let noise = Rc::clone(&world.noise);
    let mut server = Server { wrong, noise, chunks: 0, bytes: 0, held: None, broadcast: 0 };
    let mut clients = world.clients();
    clients.finish();
    for _ in 0..ROUNDS {
        world.turn();
        let now = world.clock.now();
        link.poll(&mut transport, now, |event, out| server.handle(event, out)).unwrap();
        clients.turn(now, &mut world.tally).unwrap();
        if clients.all_done() || world.tally.errors > 0 {
            break;
        }
    }
    (world.tally, clients.all_done())
}

#[test]
fn an_honest_server_is_found_honest() {
    let (tally, done) = with_server(Wrong::Nothing);
    assert_eq!((tally.errors, done), (0, true), "{:?}", tally.first_errors);
    assert!(tally.echoes.chunks >= 50 && tally.broadcasts.chunks >= 4 && tally.spared >= 1, "{tally:?}");
}

#[test]
fn whatever_a_server_does_wrong_is_found() {
    for wrong in [
        Wrong::ChangesTheLastByte,
        Wrong::LeavesOut,
        Wrong::SendsTwice,
        Wrong::Swaps,
        Wrong::Cuts,
        Wrong::CountsTooFew,
        Wrong::BroadcastsToTheExcluded,
        Wrong::LeavesOutABroadcast,
        Wrong::LastBroadcastIsMissing,
    ] {
        let (tally, _) = with_server(wrong);
        assert!(tally.errors > 0, "{wrong:?} was not found");
    }
}

/// What an honest server finds wrong with a client that sends these chunks, and leaves.
fn with_client(chunks: &[Vec<u8>]) -> Tally {
    let mut world = World::new();
    let mut servers = world.servers();
    while !servers.all_open() {
        world.turn();
        servers.turn(world.clock.now(), &mut world.tally).unwrap();
    }
    let (mut link, mut transport) = (Link::with_buffers(HeapBuffers::default()), world.connect());
    let room = link.out().enter("room", Mode::default()).unwrap();
    let mut to_send = chunks;
    for _ in 0..ROUNDS {
        world.turn();
        let now = world.clock.now();
        link.poll(&mut transport, now, |event, out| {
            if let Event::Opened { channel: Channel::Entered(channel) } = event {
                // the event comes again where one chunk has to wait: those before it are sent
                while let Some((chunk, rest)) = to_send.split_first() {
                    out.send(channel, chunk)?;
                    to_send = rest;
                }
            }
            Ok::<(), SendError>(())
        })
        .unwrap();
        servers.turn(now, &mut world.tally).unwrap();
        if servers.clients_ever() > 0 && world.tally.returned.chunks >= 2 {
            let _ = link.out().leave(room);
        }
        if servers.clients_ever() > 0 && servers.clients() == 0 {
            break;
        }
    }
    world.tally
}

fn hello() -> Vec<u8> {
    Control::Hello { script: SCRIPT, echo: true, broadcasts: false }.encode()
}

fn chunk(number: u64) -> Vec<u8> {
    SCRIPT.chunk(Kind::Data, number, &Noise::new(1_000)).parts().concat()
}

#[test]
fn an_honest_client_is_found_honest() {
    let tally = with_client(&[hello(), chunk(0), chunk(1), Control::Bye.encode()]);
    assert_eq!(tally.errors, 0, "{:?}", tally.first_errors);
    assert_eq!(tally.verified, Flow { chunks: 2, bytes: 1_001 });
}

#[test]
fn whatever_a_client_does_wrong_is_found() {
    let bye = || Control::Bye.encode();
    let mut changed = chunk(1);
    changed[500] ^= 0x80;
    for (what, chunks) in [
        ("no hello", vec![chunk(0), hello(), chunk(0), chunk(1), bye()]),
        ("wrong order", vec![hello(), chunk(1), chunk(0), bye()]),
        ("the same again", vec![hello(), chunk(0), chunk(0), bye()]),
        ("a wrong byte", vec![hello(), chunk(0), changed, bye()]),
        ("no bye", vec![hello(), chunk(0), chunk(1)]),
        ("hello again", vec![hello(), hello(), chunk(0), chunk(1), bye()]),
        ("nonsense", vec![hello(), vec![0xff; 10], chunk(0), chunk(1), bye()]),
    ] {
        assert!(with_client(&chunks).errors > 0, "{what} was not found");
    }
}
