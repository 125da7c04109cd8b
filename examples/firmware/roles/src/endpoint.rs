//! The loop of a board that is client, server, both, or a lamp.

use defmt::{info, warn};
use firmware_support::{Clock, Ethernet, Mac};
use peote_net::link::{Buffers, Error, Event, Flow, Link, Mode, Out, SendError};
use peote_net::reconnect::Backoff;
use peote_net::time::{Duration, Instant};
use peote_net_smoltcp::{Addressing, Config, ConfigError, RelayAddress, Stack, StackMemory};
use smoltcp::wire::{IpAddress, IpCidr};

use crate::client::{Client, Job};
use crate::exercise::Exercise;
use crate::object::Object;
use crate::options::{Addresses, Options, Role};
use crate::sensor::Sensor;
use crate::server::{Server, Service};

/// The shortest and the longest time between two attempts to connect. A firmware of many devices
/// would wait longer.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const GREATEST_DELAY: Duration = Duration::from_secs(1);

/// How long the relay may take to confirm the last bytes.
const FAREWELL: Duration = Duration::from_secs(5);

/// Runs the roles `client`, `server`, `both` and `lamp`, until a client has done its job. Returns
/// the exit code: 0 if all went well.
///
/// # Errors
/// The addresses make no sense.
pub fn run<M: Mac, B: Buffers, const RECEIVE: usize, const TRANSMIT: usize, const SOCKETS: usize>(
    options: &Options<'_>,
    ethernet: &mut Ethernet<M>,
    clock: Clock,
    seed: u64,
    memory: &'static mut StackMemory<'static, RECEIVE, TRANSMIT, SOCKETS>,
    link: &mut Link<B>,
) -> Result<u8, ConfigError> {
    let relay = (IpAddress::from(*options.relay.ip()), options.relay.port()).into();
    let config = Config::new(
        ethernet.address().into(),
        addressing(options.addresses),
        RelayAddress::Endpoint(relay),
        seed,
    );
    let mut stack = Stack::new(memory, config, ethernet, clock.now())?;
    stack.connector().set_backoff(Backoff::new().with_delays(FIRST_DELAY, GREATEST_DELAY).with_seed(seed));
    let mut tasks = Tasks::new(options);
    let mut end = None;
    loop {
        let now = clock.now();
        match stack.drive(ethernet, link, now, |event, out| tasks.handle(event, out, now)) {
            Ok(()) => {}
            Err(Error::Handler(error)) => warn!("a chunk could not be sent on: {}", error),
            // the tasks have heard of it by events
            Err(error) => warn!("the connection is lost: {}", error),
        }
        if let Some(code) = tasks.finished() {
            let until = *end.get_or_insert_with(|| {
                tasks.leave(&mut link.out());
                now + FAREWELL
            });
            let unsent = stack.transport().socket().map_or(0, |socket| socket.send_queue());
            if now >= until || (!link.wants_write() && unsent == 0) {
                return Ok(code);
            }
            let deadlines = [stack.next_deadline(link, now), Some(until)];
            clock.sleep(deadlines.into_iter().flatten().min(), ethernet);
            continue;
        }
        // What has been queued is written by the next turn of the loop.
        if !tasks.turn(&mut link.out(), now) {
            let deadlines = [stack.next_deadline(link, now), tasks.next_deadline()];
            clock.sleep(deadlines.into_iter().flatten().min(), ethernet);
        }
    }
}

fn addressing(addresses: Addresses) -> Addressing {
    match addresses {
        Addresses::Dhcp => Addressing::Dhcp,
        Addresses::Static { address, gateway } => {
            Addressing::Static { address: IpCidr::Ipv4(address), gateway: gateway.map(IpAddress::from) }
        }
    }
}

/// What runs over the link.
#[derive(Debug)]
struct Tasks<'a> {
    servers: Option<[Server<'a>; 2]>,
    client: Option<Client<'a>>,
    lamp: Option<Object<'a>>,
}

impl<'a> Tasks<'a> {
    fn new(options: &Options<'a>) -> Self {
        let mode = Mode::Chunks(options.chunk);
        let job = match options.exercise {
            Some(total) => Job::Exercise(Exercise::new(total, options.chunk)),
            None => Job::Sensor(Sensor::new(options.interval)),
        };
        let is = |role| options.role == role || options.role == Role::Both;
        info!("role: {}", options.role);
        Self {
            servers: is(Role::Server).then(|| {
                [
                    Server::new(Service::Echo, options.echo, mode),
                    Server::new(Service::Chat, options.chat, mode),
                ]
            }),
            client: is(Role::Client).then(|| Client::new(options.channel, mode, job)),
            lamp: (options.role == Role::Lamp).then(|| {
                // others take chunks of the usual size for granted
                let mode = Mode::Rpc(options.chunk.among(32_768));
                Object::new(options.channel, mode)
            }),
        }
    }

    fn servers(&mut self) -> impl Iterator<Item = &mut Server<'a>> {
        self.servers.iter_mut().flatten()
    }

    fn handle(&mut self, event: Event<'_>, out: &mut Out<'_>, now: Instant) -> Result<Flow, SendError> {
        if let Some(lamp) = &mut self.lamp {
            return lamp.handle(event, out, now);
        }
        self.servers().try_for_each(|server| server.handle(event, out, now))?;
        if let Some(client) = &mut self.client {
            client.handle(event, now);
        }
        Ok(Flow::Continue)
    }

    /// Whatever is to be done without an event. Says whether something is to be sent.
    fn turn(&mut self, out: &mut Out<'_>, now: Instant) -> bool {
        let mut is_sending = false;
        for server in self.servers() {
            is_sending |= server.turn(out, now);
        }
        if let Some(client) = &mut self.client {
            is_sending |= client.turn(out, now);
        }
        if let Some(lamp) = &mut self.lamp {
            is_sending |= lamp.turn(out, now);
        }
        is_sending
    }

    fn next_deadline(&self) -> Option<Instant> {
        let servers = self.servers.iter().flatten().filter_map(Server::next_deadline);
        let client = self.client.as_ref().and_then(Client::next_deadline);
        servers.chain(client).chain(self.lamp.as_ref().and_then(Object::next_deadline)).min()
    }

    fn finished(&self) -> Option<u8> {
        self.client.as_ref().and_then(Client::finished)
    }

    fn leave(&self, out: &mut Out<'_>) {
        if let Some(Err(error)) = self.client.as_ref().map(|client| client.leave(out)) {
            warn!("the channel cannot be left: {}", error);
        }
    }
}
