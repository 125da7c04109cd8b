//! Links over TCP sockets of embassy-net, to a relay with another device.

use std::cell::{Cell, RefCell};

use embassy_futures::select::{Either, select};
use embassy_net::tcp::TcpSocket;
use embassy_net::{IpEndpoint, Ipv4Address};
use embassy_time::{Duration, Ticker};
use peote_net::link::{Channel, EnteredChannel, Error, Event, Link, LinkBuffers, Mode, SendError};
use peote_net_embassy::{TcpError, TcpTransport, run};
use smoltcp::socket::tcp::State;

use crate::device::{Device, fixed};
use crate::executor::Task;
use crate::hub::Faults;
use crate::machine::{Machine, PORT, endpoint};
use crate::relay::RelayMachine;
use crate::world::World;

pub(crate) type SmallLink = Link<LinkBuffers<256, 1, 0, 1024, 256>>;

const MODE: Mode = Mode::chunks(256);
const RELAY: (Ipv4Address, u16) = (Ipv4Address::new(10, 0, 0, 2), PORT);

/// The world with a relay, and a server that sends each chunk back.
pub(crate) struct Network {
    pub(crate) world: World,
    pub(crate) relay: RelayMachine,
    server: Device,
    /// Whether the server creates its channel again after a loss.
    pub(crate) server_comes_back: bool,
}

impl Network {
    pub(crate) fn new(faults: Faults, seed: u64) -> Self {
        let world = World::new(faults, seed);
        let relay = RelayMachine::new(Machine::new(&world.hub, 2));
        let address = peote_net_smoltcp::RelayAddress::Endpoint(endpoint(2));
        let mut server = Device::new(&world.hub, 3, fixed(3), address);
        server.link.out().create("echo", MODE).unwrap();
        let mut network = Self { world, relay, server, server_comes_back: false };
        for _ in 0..2_000 {
            network.step(&mut []);
        }
        network
    }

    /// A millisecond.
    pub(crate) fn step(&mut self, tasks: &mut [&mut Task<'_>]) {
        self.step_by(tasks, 1);
    }

    /// So many milliseconds, or up to the next frame.
    pub(crate) fn step_by(&mut self, tasks: &mut [&mut Task<'_>], millis: u64) {
        self.relay.poll();
        let mut is_closed = false;
        self.server.turn(|event, out| match event {
            Event::Chunk { from, bytes } => out.send(from, bytes),
            Event::Closed { .. } | Event::Refused { .. } => {
                is_closed = true;
                Ok(())
            }
            _ => Ok(()),
        });
        if is_closed && self.server_comes_back {
            self.server.link.out().create("echo", MODE).unwrap();
        }
        self.world.step(tasks, millis);
    }

    /// Steps until it is so; answers how many milliseconds that took.
    pub(crate) fn until(
        &mut self,
        task: &mut Task<'_>,
        what: &str,
        mut done: impl FnMut(&Task<'_>) -> bool,
    ) -> u32 {
        for passed in 0..300_000 {
            if done(task) {
                return passed;
            }
            self.step(&mut [&mut *task]);
        }
        panic!("in vain: {what}");
    }
}

/// A connected socket as a transport, with 512 bytes in each direction.
async fn connect(stack: embassy_net::Stack<'static>) -> TcpTransport<'static> {
    // tests may leak
    let (receive, transmit) = (Box::leak(Box::new([0; 512])), Box::leak(Box::new([0; 512])));
    let mut socket = TcpSocket::new(stack, receive, transmit);
    socket.connect(IpEndpoint::from(RELAY)).await.unwrap();
    TcpTransport::new(socket)
}

/// Says `count` chunks one after the other, each when the one before has come back; then is silent.
async fn talk(stack: embassy_net::Stack<'static>, count: u32, heard: &Cell<u32>) -> Error<TcpError> {
    let mut transport = connect(stack).await;
    let mut link = SmallLink::new();
    link.out().enter("echo", MODE).unwrap();
    let chunk = |number: u32| vec![number.to_le_bytes()[0]; 1 + (number as usize * 7) % 256];
    let Err(error) = run(&mut link, &mut transport, |event, out| match event {
        Event::Opened { channel: Channel::Entered(channel) } => out.send(channel, &chunk(0)),
        Event::Chunk { from, bytes } => {
            assert!(bytes == chunk(heard.get()), "chunk {}", heard.get());
            if heard.get() + 1 < count {
                out.send(from, &chunk(heard.get() + 1))?;
            }
            heard.set(heard.get() + 1);
            Ok(())
        }
        other => other.ok(),
    })
    .await;
    error
}

#[test]
fn chunks_there_and_back_over_a_bad_line() {
    let mut network = Network::new(Faults::BAD, 7);
    let heard = Cell::new(0);
    let stack = network.world.stack;
    let mut task = Task::new(async { panic!("{:?}", talk(stack, 300, &heard).await) });
    network.until(&mut task, "all chunks", |_| heard.get() == 300);
}

/// Between two keepalives of the relay, every 5 s, the task sleeps.
#[test]
fn an_idle_link_sleeps() {
    let mut network = Network::new(Faults::NONE, 1);
    let heard = Cell::new(0);
    let stack = network.world.stack;
    let mut task = Task::new(async { panic!("{:?}", talk(stack, 10, &heard).await) });
    network.until(&mut task, "all chunks", |_| heard.get() == 10);
    let busy = task.polls;
    // each chunk takes a wake-up, perhaps one more each for what moves on
    assert!(busy <= 45, "{busy} polls for connecting, entering and 10 chunks");
    for _ in 0..60_000 {
        network.step(&mut [&mut task]);
    }
    let idle = task.polls - busy;
    assert!((12..=26).contains(&idle), "{idle} polls for 12 keepalives in a minute");
}

/// A connection that is reset, and one that ends in order: the task hears of both at once, and not
/// when the relay was silent for long enough.
#[test]
fn a_reset_wakes() {
    let mut network = Network::new(Faults::NONE, 2);
    let (heard, lost) = (Cell::new(0), RefCell::new(None));
    let stack = network.world.stack;
    let mut task = Task::new(async { *lost.borrow_mut() = Some(talk(stack, 1, &heard).await) });
    network.until(&mut task, "a chunk", |_| heard.get() == 1);
    network.relay.set_down(true);
    let passed = network.until(&mut task, "the loss", |task| task.is_done);
    assert_eq!(*lost.borrow(), Some(Error::Transport(TcpError::NotConnected)));
    assert!(passed < 100, "{passed} ms");
}

#[test]
fn an_end_wakes() {
    let mut world = World::new(Faults::NONE, 3);
    let mut far = Machine::new(&world.hub, 2);
    let socket = far.listen(512, 512);
    let lost = RefCell::new(None);
    let stack = world.stack;
    let mut task = Task::new(async {
        let mut transport = connect(stack).await;
        let result = run(&mut SmallLink::new(), &mut transport, |_, _| ()).await;
        *lost.borrow_mut() = result.err();
    });
    let mut passed = 0;
    while !task.is_done {
        if far.tcp(socket).state() == State::Established && passed == 200 {
            far.tcp(socket).close();
        }
        far.poll();
        world.step(&mut [&mut task], 1);
        passed += 1;
        assert!(passed < 300, "in vain: the end; {task_polls} polls", task_polls = task.polls);
    }
    assert_eq!(*lost.borrow(), Some(Error::Closed));
    assert!(task.polls < 12, "{} polls", task.polls);
}

/// A relay of which nothing is heard any more: the link's deadline wakes the task once.
#[test]
fn silence_wakes_once() {
    let mut network = Network::new(Faults::NONE, 4);
    let (heard, lost) = (Cell::new(0), RefCell::new(None));
    let stack = network.world.stack;
    let mut task = Task::new(async { *lost.borrow_mut() = Some(talk(stack, 1, &heard).await) });
    network.until(&mut task, "a chunk", |_| heard.get() == 1);
    for _ in 0..6_000 {
        network.step(&mut [&mut task]);
    }
    network.relay.machine.port.plug(false);
    let before = task.polls;
    let passed = network.until(&mut task, "the loss", |task| task.is_done);
    assert!(matches!(*lost.borrow(), Some(Error::Silent { .. })), "{lost:?}");
    assert!((14_000..=21_000).contains(&passed), "{passed} ms");
    let polls = task.polls - before;
    assert!(polls <= 4, "{polls} polls to hear of the silence");
}

/// The sensor of the documentation: what the program says unasked goes out, and `run` may be
/// dropped while it sleeps.
#[test]
fn readings_by_a_ticker() {
    let mut network = Network::new(Faults::NONE, 5);
    let heard = RefCell::new(Vec::new());
    let stack = network.world.stack;
    let mut task = Task::new(async {
        let mut transport = connect(stack).await;
        let mut link = SmallLink::new();
        link.out().enter("echo", MODE).unwrap();
        let channel: Cell<Option<EnteredChannel>> = Cell::new(None);
        let mut second = Ticker::every(Duration::from_secs(1));
        let mut number = 0;
        loop {
            let polling = run(&mut link, &mut transport, |event, _| {
                match event {
                    Event::Opened { channel: Channel::Entered(entered) } => channel.set(Some(entered)),
                    Event::Chunk { bytes, .. } => heard.borrow_mut().extend_from_slice(bytes),
                    other => other.ok()?,
                }
                Ok::<(), SendError>(())
            });
            match select(polling, second.next()).await {
                Either::First(Err(error)) => panic!("{error}"),
                Either::Second(()) => {
                    if let Some(channel) = channel.get() {
                        link.out().send(channel, &[number]).unwrap();
                        number += 1;
                    }
                }
            }
        }
    });
    for _ in 0..10_500 {
        network.step(&mut [&mut task]);
    }
    assert_eq!(*heard.borrow(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(task.polls < 70, "{} polls for 10 readings and 2 keepalives", task.polls);
}

/// A handler that wants an event again while there is no room keeps the task asleep, too.
#[test]
fn more_than_fits_is_sent_without_spinning() {
    let mut network = Network::new(Faults::NONE, 6);
    let (sent, heard) = (Cell::new(0_u32), Cell::new(0_u32));
    let stack = network.world.stack;
    let mut task = Task::new(async {
        let mut transport = connect(stack).await;
        let mut link = SmallLink::new();
        link.out().enter("echo", MODE).unwrap();
        let result = run(&mut link, &mut transport, |event, out| match event {
            Event::Opened { channel } => {
                // 100 chunks of 200 bytes: the event comes again until all are queued
                while sent.get() < 100 {
                    out.send(channel, &[7; 200])?;
                    sent.set(sent.get() + 1);
                }
                Ok(())
            }
            Event::Chunk { .. } => {
                heard.set(heard.get() + 1);
                Ok(())
            }
            other => other.ok(),
        })
        .await;
        panic!("{result:?}");
    });
    let passed = network.until(&mut task, "100 chunks", |_| heard.get() == 100);
    assert!(task.polls < 2 * passed + 200, "{} polls in {passed} ms", task.polls);
}
