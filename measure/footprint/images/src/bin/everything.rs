//! All that the library has for a microcontroller, in one image: the job of `client-server` over
//! the ready-made stack with DHCP and DNS, the channels in a list that comes back after a lost
//! connection, remote procedure calls, a local user, and the forwarding core of a relay.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use footprint_images::network::{PEER, board, sleep};
use footprint_images::report;
use peote_net::link::{
    Channel, Destination, Event, Link, LinkBuffers, LocalBuffers, Mode, Out, SendError, Source,
};
use peote_net::protocol::to_relay::{self, Command};
use peote_net::reconnect::{Backoff, Reconnect};
use peote_net::relay::{ConnectionId, Host, Relay, StaticStorage};
use peote_net::rpc::{self, Context, Message, Remote, remote};
use peote_net::time::Instant;
use peote_net_smoltcp::{Addressing, Config, Progress, RelayAddress, Stack, StackMemory};
use static_cell::ConstStaticCell;

/// Chunks up to 256 bytes, seven users, an entered channel and the two ends of a local user, two
/// own channels, 512 bytes each to send and to receive.
type Buffers = LocalBuffers<LinkBuffers<256, 10, 2, 512, 512>, 1, 1, 512>;
/// Two connections, one channel with one user.
type Core = Relay<StaticStorage<2, 1, 1, 4>>;
type Memory = StackMemory<'static, 1024, 1024>;

const MODE: Mode = Mode::chunks(256);
const CALLS: Mode = Mode::rpc(256);

static LINK: ConstStaticCell<Link<Buffers>> = ConstStaticCell::new(Link::with_local_users());
static STACK: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static RELAY: ConstStaticCell<Core> = ConstStaticCell::new(Relay::new(StaticStorage::new()));

/// What the board offers to its users.
#[remote]
trait Lamp {
    fn set(&mut self, context: &mut Context<'_>, brightness: u8, name: &str) -> Result<(), SendError>;
}

struct Board {
    calls: u32,
}

impl Lamp for Board {
    fn set(&mut self, context: &mut Context<'_>, brightness: u8, name: &str) -> Result<(), SendError> {
        let caller = LampCaller::new(Remote::assume(context.from(), 0));
        caller.set(context.out(), brightness, name)?;
        self.calls += u32::from(brightness);
        Ok(())
    }
}

/// Counts what the relay sends.
struct Queues([usize; 2]);

impl Host for Queues {
    fn free(&self, _: ConnectionId) -> usize {
        1024
    }
    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
        if let Some(queue) = self.0.get_mut(connection.index()) {
            *queue += header.len() + payload.len();
        }
    }
    fn now(&self) -> Instant {
        Instant::from_millis(black_box(0))
    }
}

/// One connection creates a channel, the other one enters it and says something.
fn forward(relay: &mut Core) -> Result<[usize; 2], &'static core::ffi::CStr> {
    let full = |_| c"the relay is full";
    let (server, user) = (relay.connect().map_err(full)?, relay.connect().map_err(full)?);
    let mut queues = Queues([0; 2]);
    for (connection, command) in [(server, Command::Create), (user, Command::Enter)] {
        let head = to_relay::name_command(command, 1, b"x").ok_or(c"the name is too long")?;
        let [a, b, c, d] = head;
        let received = relay.receive(connection, black_box(&[a, b, c, d, b'x']), &mut queues);
        black_box(received.used);
    }
    let header = to_relay::data_from_user(0, 1);
    let mut unit = [0; 8];
    let bytes = header.as_bytes();
    unit.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    let unit = unit.get(..bytes.len() + 1).unwrap_or_default();
    black_box(relay.receive(user, unit, &mut queues).used);
    relay.disconnect(user, &mut queues);
    relay.disconnect(server, &mut queues);
    Ok(queues.0)
}

/// What the board does with an event of its channels.
fn handle(event: Event<'_>, out: &mut Out<'_>, lamp: &mut Board) -> Result<(), SendError> {
    match event {
        Event::UserEntered { channel, user } => match rpc::offer(out, (channel, user), 0) {
            Err(SendError::NotRpc) => Ok(()),
            offered => offered,
        },
        Event::Chunk { from: Source::User { channel, user }, bytes: bytes @ [b'*', ..] } => {
            out.send(Destination::AllBut(channel, user), bytes)
        }
        Event::Chunk { from, bytes } => out.send(from, bytes),
        Event::Rpc { from, bytes } => match Message::read(from, bytes) {
            Message::Call(call) => lamp.dispatch(&call, out).or_else(rpc::Error::pass_over).map(drop),
            Message::Offer(remote) => LampCaller::new(remote).set(out, black_box(1), "desk"),
        },
        _ => Ok(()),
    }
}

#[entry]
fn main() -> ! {
    match forward(RELAY.take()) {
        Ok(bytes) if bytes.iter().all(|bytes| *bytes > 0) => {}
        Ok(_) => report::failed(c"the relay has forwarded nothing"),
        Err(error) => report::failed(error),
    }
    let (clock, ethernet) = board();
    // The name is looked up if the loader says so: it is part of the image, but QEMU's network has
    // no names.
    let relay = if black_box(false) {
        RelayAddress::Name { name: "relay.example", port: 7680 }
    } else {
        RelayAddress::Endpoint(PEER)
    };
    let config = Config::new(ethernet.address().into(), Addressing::Dhcp, relay, 0x5eed);
    let Ok(mut stack) = Stack::new(STACK.take(), config, ethernet, clock.now()) else {
        report::failed(c"the configuration is wrong");
    };
    report::start_work();
    let link = LINK.take();
    let mut channels = Reconnect::<&str, 3>::new(Backoff::new());
    let mut out = link.out();
    let own = channels.create(&mut out, "board", MODE).and_then(|_| channels.create(&mut out, "lamp", CALLS));
    let (Ok(_), Ok(work)) = (own, channels.enter(&mut out, "work", MODE)) else {
        report::failed(c"there is no room for the channels");
    };
    let mut lamp = Board { calls: 0 };
    let mut joined = false;
    let mut done = false;
    loop {
        let now = clock.now();
        if stack.progress() == Progress::Connected {
            channels.try_now();
            if channels.start_attempt(now) {
                channels.connected();
            }
        }
        while channels.restore(&mut link.out(), now).is_some() {}
        let result = stack.drive(ethernet, link, now, |event, out| {
            let Some(event) = channels.follow(event, now) else { return Ok(()) };
            if let Event::Opened { channel: Channel::Own(_) } = event
                && !joined
            {
                joined = out.enter("board", MODE).is_ok();
            }
            if let Event::Closed { channel, .. } = event {
                done |= channel == work;
            }
            handle(event, out, &mut lamp)
        });
        if done {
            if lamp.calls < 2 {
                report::failed(c"the lamp was not called");
            }
            report::end(size_of::<Buffers>() + size_of::<Core>());
        }
        if result.is_err() {
            report::failed(c"the connection is lost");
        }
        let deadlines = [stack.next_deadline(link, now), channels.next_deadline()];
        sleep(clock, deadlines.into_iter().flatten().min(), ethernet);
    }
}
