//! Two or more connected sockets with something between them: the relay, the forwarder, or a NATS
//! server.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Child;
use std::time::Duration;

use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::protocol::{Header, to_relay};
use peote_relay::{Config, Handle, Relay};

use crate::forwarder;
use crate::processor::{self, Thread};

/// Bytes of what a relay says first.
pub(crate) const ANNOUNCEMENT: usize = to_endpoint::announcement(Capabilities::NONE).len();

/// A message as its sender writes it, and its length as each receiver reads it.
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    pub(crate) received: usize,
}

/// One sender and its receivers.
pub(crate) struct Rig {
    pub(crate) name: &'static str,
    pub(crate) sender: TcpStream,
    pub(crate) receivers: Vec<TcpStream>,
    /// Makes a message of a payload.
    pub(crate) message: fn(usize) -> Message,
    /// What a receiver writes to answer with so many bytes, and their length as the sender reads
    /// them.
    pub(crate) answer: fn(usize) -> Message,
    pub(crate) between: Between,
}

impl Rig {
    /// Nanoseconds of processor time that what is in between has used so far.
    pub(crate) fn nanos(&self) -> u64 {
        self.between.nanos()
    }

    /// The programs in between, where there are several.
    pub(crate) fn shares(&self) -> Vec<Share> {
        match &self.between {
            Between::Programs(programs) => programs.shares(),
            _ => Vec::new(),
        }
    }
}

/// What one of several programs has used so far.
pub(crate) struct Share {
    pub(crate) name: &'static str,
    pub(crate) nanos: u64,
    /// How often its threads have waited for something.
    pub(crate) waits: u64,
}

/// Prints what each program has used since `before`, for each of so many messages.
pub(crate) fn print_shares(before: &[Share], after: &[Share], messages: f64) {
    for (before, after) in before.iter().zip(after) {
        let nanos = (after.nanos - before.nanos) as f64 / messages;
        let waits = (after.waits - before.waits) as f64 / messages;
        println!("    {:18} {nanos:>8.1} ns, {waits:.4} waits each", after.name);
    }
}

/// What is in between.
pub(crate) enum Between {
    Relay(Handle, Thread),
    Forwarder(Thread),
    Nats(Child),
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "only clusters have several"))]
    Programs(Box<dyn Programs>),
}

/// Programs that end when they are dropped.
pub(crate) trait Programs {
    /// Nanoseconds of processor time that all have used so far.
    fn nanos(&self) -> u64;

    /// What each has used so far, where that is of interest.
    fn shares(&self) -> Vec<Share> {
        Vec::new()
    }
}

impl Between {
    /// Nanoseconds of processor time that it has used so far.
    pub(crate) fn nanos(&self) -> u64 {
        match self {
            Self::Relay(_, thread) | Self::Forwarder(thread) => thread.nanos(),
            Self::Nats(child) => processor::of_process(child.id()),
            Self::Programs(programs) => programs.nanos(),
        }
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        match self {
            Self::Relay(handle, _) => handle.stop(),
            Self::Forwarder(_) | Self::Programs(_) => {}
            Self::Nats(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpStream::connect(address)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(socket)
}

pub(crate) fn expect(socket: &mut TcpStream, len: usize) -> io::Result<()> {
    socket.read_exact(&mut vec![0; len])
}

pub(crate) fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| b'a' + (i % 26).to_le_bytes()[0]).collect()
}

pub(crate) fn unit(header: Header, len: usize, received: usize) -> Message {
    Message { bytes: [header.as_bytes(), &payload(len)].concat(), received }
}

pub(crate) fn start_relay(config: Config) -> io::Result<(SocketAddr, Handle, Thread)> {
    let mut relay = Relay::bind(config)?;
    let (address, handle) = (relay.local_addrs()[0], relay.handle());
    let thread = Thread::spawn("relay", move || relay.run())?;
    Ok((address, handle, thread))
}

pub(crate) fn config() -> io::Result<Config> {
    let address = "127.0.0.1:0".parse().map_err(io::Error::other)?;
    let mut config = Config { listen: vec![address], ..Config::default() };
    config.lift_limits();
    // the longest there is: receivers expect messages and nothing else
    config.keepalive_interval = Duration::from_secs(60);
    Ok(config)
}

/// A user that sends to the server of its channel.
pub(crate) fn relay_to_server() -> io::Result<Rig> {
    let (address, handle, thread) = start_relay(config()?)?;
    let (mut server, mut user) = (connect(address)?, connect(address)?);
    server.write_all(b"\0\0\x01\x01a")?;
    expect(&mut server, ANNOUNCEMENT + 5)?;
    user.write_all(b"\0\x01\x01\x01a")?;
    expect(&mut user, ANNOUNCEMENT + 5)?;
    expect(&mut server, 6)?;
    Ok(Rig {
        name: "relay",
        sender: user,
        receivers: vec![server],
        message: |len| unit(to_relay::data_from_user(0, len), len, len + if len < 126 { 3 } else { 4 }),
        answer: |len| unit(to_relay::data_from_server(0, 0, len), len, len + if len < 127 { 2 } else { 3 }),
        between: Between::Relay(handle, thread),
    })
}

/// A channel's server that broadcasts to its users.
pub(crate) fn relay_to_all(users: usize) -> io::Result<Rig> {
    let (address, handle, thread) = start_relay(config()?)?;
    let mut server = connect(address)?;
    server.write_all(b"\0\0\x01\x01a")?;
    expect(&mut server, ANNOUNCEMENT + 5)?;
    let mut receivers = Vec::new();
    for _ in 0..users {
        let mut user = connect(address)?;
        user.write_all(b"\0\x01\x01\x01a")?;
        expect(&mut user, ANNOUNCEMENT + 5)?;
        expect(&mut server, 6)?;
        receivers.push(user);
    }
    Ok(Rig {
        name: "relay",
        sender: server,
        receivers,
        message: |len| unit(to_relay::broadcast(0, None, len), len, len + if len < 127 { 2 } else { 3 }),
        answer: |len| unit(to_relay::data_from_user(0, len), len, len + if len < 126 { 3 } else { 4 }),
        between: Between::Relay(handle, thread),
    })
}

/// A channel's server that speaks to its ten users in turns.
pub(crate) fn relay_to_each() -> io::Result<Rig> {
    let all = |len| {
        let units = (0..10).map(|user| unit(to_relay::data_from_server(0, user, len), len, 0).bytes);
        Message { bytes: units.collect::<Vec<_>>().concat(), received: len + if len < 127 { 2 } else { 3 } }
    };
    Ok(Rig { message: all, ..relay_to_all(10)? })
}

/// Bytes from one connection to another.
pub(crate) fn forwarder() -> io::Result<Rig> {
    let (address, thread) = forwarder::spawn()?;
    let (sender, receiver) = (connect(address)?, connect(address)?);
    let message = |len| Message { bytes: payload(len), received: len };
    Ok(Rig {
        name: "forwarder",
        sender,
        receivers: vec![receiver],
        message,
        answer: message,
        between: Between::Forwarder(thread),
    })
}
