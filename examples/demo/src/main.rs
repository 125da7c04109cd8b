//! Shows all of it at work in one thread: a relay, three servers on one connection, sixty clients
//! on another, and listeners on three more for the broadcasts. Everything goes over real TCP
//! connections, and every byte that arrives is verified.
//!
//! ```text
//!                       ┌─────────┐  connection 2: 60 clients, one in each channel
//! connection 1:         │         ├──────────────────────────────────────────────
//! 3 servers,            │  relay  │  connections 3 to 5: 60 listeners each,
//! 20 channels each  ────┤         ├──────────────────────────────────────────────
//!                       └─────────┘  one in each channel
//! ```
//!
//! Why 20 channels for each server: a connection can be in a channel only once, so sixty clients
//! that share a connection are in sixty channels. And why listeners: a broadcast to a channel with
//! a single user would not show much. With them, each channel has four users on four connections,
//! and a broadcast goes to all four or to all but one.
//!
//! The clients send chunks of 1 byte to 32 KiB; the servers verify them and send them back; the
//! clients verify them again. The servers broadcast chunks of the same lengths; the users verify
//! that they get exactly those that are for them, in order.
//!
//! What is specific to this program is below: the layout and the loop. What a server and a client
//! do about events is in `src/traffic/servers.rs` and `src/traffic/clients.rs`.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant as Moment};

use clap::Parser;
use peote_net::time;
use peote_net_demo::Failure;
use peote_net_demo::options::{between, seconds};
use peote_net_demo::progress::Progress;
use peote_net_demo::report::{count, print, table};
use peote_net_demo::traffic::{Client, Clients, Noise, Script, Sending, Servers, Serving, Tally, mix};
use peote_net_std::{Clock, TcpTransport, Waiter, Watch};
use peote_relay::{Config, Relay};

/// A relay, servers and clients in one thread, over TCP on this machine: every byte is verified,
/// and a table tells what was done.
#[derive(Debug, Parser)]
#[command(name = "demo", version, allow_negative_numbers = true, after_help = AFTER_HELP)]
struct Options {
    /// How long to send
    #[arg(long, default_value = "6", value_name = "SECONDS", value_parser = seconds)]
    seconds: Duration,

    /// Servers, all on one connection; the channels are shared out among them
    #[arg(long, default_value_t = 3, value_name = "NUMBER", value_parser = between(1..=128))]
    servers: u32,

    /// Clients, all on one connection, each in a channel of its own
    #[arg(long, default_value_t = 60, value_name = "NUMBER", value_parser = between(1..=128))]
    clients: u32,

    /// Further connections, each in every channel, that listen to the broadcasts
    #[arg(long, default_value_t = 3, value_name = "NUMBER", value_parser = between(0..=32))]
    listeners: u32,

    /// The longest chunk, in bytes
    #[arg(long, default_value_t = 32_768, value_name = "BYTES", value_parser = between(1..=32_768))]
    max_bytes: u32,

    /// Chunks of a client that can be on their way at the same time
    #[arg(long, default_value_t = 2, value_name = "NUMBER", value_parser = between(1..=1000))]
    window: u32,

    /// Another number, other contents
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
}

const AFTER_HELP: &str = "\
Output:
  What runs where and the final table on standard output; progress on standard
  error, as a bar on a terminal and as a line each second elsewhere.

Exit codes:
  0  every byte was verified
  1  something was wrong; the table says what
  2  wrong options
  3  a connection to the relay was lost";

/// How long nothing may arrive before that counts as an error.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    peote_net_demo::failure::main("demo", run)
}

fn run(options: &Options) -> Result<(), Failure> {
    let mut demo = Demo::new(options)?;
    print(demo.layout(options))?;

    let mut progress = Progress::new(options.seconds);
    while !demo.clients.iter().all(Clients::all_welcome) {
        demo.turn(PATIENCE)?;
    }
    let start = Moment::now();
    while start.elapsed() < options.seconds {
        demo.turn(progress.interval().min(options.seconds.saturating_sub(start.elapsed())))?;
        progress.show(start.elapsed(), &mut demo.tally);
    }
    // Time is up: what is on its way still has to arrive, then everybody compares totals and
    // leaves.
    demo.clients.iter_mut().for_each(Clients::finish);
    while !(demo.clients.iter().all(Clients::all_done) && demo.servers.clients() == 0) {
        demo.turn(progress.interval())?;
        progress.show(start.elapsed(), &mut demo.tally);
    }
    progress.end();

    let tally = &demo.tally;
    print(table(tally, start.elapsed()))?;
    print(format_args!(
        "{:<28}{:>14} of 1 to {} bytes",
        "different lengths",
        count(tally.different_lengths() as u64),
        count(options.max_bytes.into())
    ))?;
    if tally.errors > 0 {
        return Err(Failure::Failed(format!("{} errors; the first are in the table", count(tally.errors))));
    }
    print("Everything that was sent has arrived, and every byte was verified.")
}

/// Everything that runs.
struct Demo {
    relay: Relay,
    servers: Servers,
    /// The clients' connection, then those of the listeners.
    clients: Vec<Clients>,
    clock: Clock,
    waiter: Waiter,
    tally: Tally,
    /// How much had arrived, and when that was different the last time.
    arrived: (u64, Moment),
}

impl Demo {
    /// Opens the relay, connects to it, and asks for the channels.
    fn new(options: &Options) -> Result<Self, Failure> {
        let config = Config { listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], ..Config::default() };
        let relay = Relay::bind(config)?;
        let address = relay.local_addrs()[0].to_string();
        // The system accepts connections for the relay, so this does not wait for the relay's first
        // turn.
        let connect = || TcpTransport::connect_blocking(&address, Duration::from_secs(10));
        let clock = Clock::new();
        let noise = Rc::new(Noise::new(options.max_bytes as usize));

        // The servers take turns: the first has channels 1, 4, 7, …, if there are three.
        let names: Vec<String> = (0..options.clients)
            .map(|room| format!("server {}, room {}", room % options.servers + 1, room + 1))
            .collect();
        let lengths = Script { stream: mix(options.seed), begin: 0, min: 1, max: options.max_bytes };
        let serving = Serving {
            names: names.clone(),
            users: (options.clients * (1 + options.listeners)) as usize,
            max: options.max_bytes,
            broadcast: lengths,
            // Not before all users of a channel are there, so that nobody comes in the middle of a
            // broadcast.
            broadcast_from: 1 + options.listeners as usize,
            broadcast_delay: time::Duration::from_millis(20),
        };
        let servers = Servers::new(connect()?, serving, Rc::clone(&noise))?;

        let sending = Sending {
            data: true,
            echo: true,
            broadcasts: true,
            window: options.window as usize,
            delay: time::Duration::ZERO,
            // Each client sends chunks of all lengths at which the coding changes.
            at_least: lengths.edge_count(),
            max: options.max_bytes,
            patience: time::Duration::from_secs(10),
        };
        let listening = Sending { data: false, echo: false, ..sending };
        let mut clients = Vec::new();
        for connection in 0..=options.listeners {
            let client = |(room, name): (u32, &String)| {
                let stream = mix(options.seed ^ mix(u64::from(room)));
                // Together the clients go through all lengths, each beginning where another one
                // ends.
                let begin = u64::from(room * options.max_bytes.div_ceil(options.clients));
                Client { channel: name.clone(), script: Script { stream, begin, ..lengths } }
            };
            let members = (0..).zip(&names).map(client).collect();
            let what = if connection == 0 { sending } else { listening };
            clients.push(Clients::new(connect()?, members, what, Rc::clone(&noise), clock.now())?);
        }
        let tally = Tally::new(options.max_bytes as usize);
        let waiter = Waiter::new(clock)?;
        Ok(Self { relay, servers, clients, clock, waiter, tally, arrived: (0, Moment::now()) })
    }

    /// What runs where.
    fn layout(&self, options: &Options) -> String {
        let Options { servers, clients, listeners, max_bytes, .. } = options;
        let address = self.relay.local_addrs()[0];
        let mut text = format!(
            "relay on {address}, in this process and thread\n\
             connection 1: {servers} servers with {clients} channels in all\n\
             connection 2: {clients} clients, one in each channel\n"
        );
        if *listeners > 0 {
            let last = listeners + 2;
            text += &format!(
                "connections 3 to {last}: {clients} listeners each, one in each channel, for the broadcasts\n"
            );
        }
        text + &format!(
            "chunks of 1 to {} bytes, there and back and broadcast to all users and to all but one\n",
            count((*max_bytes).into())
        )
    }

    /// One round: the relay, the servers, the clients. When nobody has anything to do, it sleeps,
    /// for `longest` at most.
    fn turn(&mut self, longest: Duration) -> Result<(), Failure> {
        let sleep = if self.has_work()? { Duration::ZERO } else { self.time_to_sleep(longest) };
        self.relay.turn(Some(sleep))?;
        let now = self.clock.now();
        self.servers.turn(now, &mut self.tally)?;
        for clients in &mut self.clients {
            clients.turn(now, &mut self.tally)?;
        }
        let arrived = self.tally.arrived().chunks;
        if arrived != self.arrived.0 {
            self.arrived = (arrived, Moment::now());
        } else if self.arrived.1.elapsed() > PATIENCE {
            return Err(Failure::Failed(format!("nothing has arrived for {} s", PATIENCE.as_secs())));
        }
        Ok(())
    }

    /// Whether one of the links has something to do. (Of the relay, its own turn knows.)
    fn has_work(&mut self) -> Result<bool, Failure> {
        let mut watches: Vec<Watch<'_>> = self.clients.iter_mut().map(Clients::watch).collect();
        watches.push(self.servers.watch());
        Ok(self.waiter.wait(&mut watches, Some(self.clock.now()))?.ready > 0)
    }

    /// Until the next thing that happens by itself. Everything else begins with something that the
    /// relay has to do, and that ends its turn.
    fn time_to_sleep(&self, longest: Duration) -> Duration {
        // But what the relay has written last can come out of the system a little later than it
        // went in.
        let longest = longest.min(Duration::from_millis(5));
        let deadlines =
            self.clients.iter().filter_map(Clients::next_deadline).chain(self.servers.next_deadline());
        let next = deadlines.map(|deadline| deadline.saturating_since(self.clock.now()).as_millis()).min();
        next.map_or(longest, Duration::from_millis).min(longest)
    }
}
