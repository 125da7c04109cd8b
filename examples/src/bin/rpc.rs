//! A whiteboard by remote procedure calls: a server and users that call each other, in one process
//! or in several.
//!
//! What both ends agree on, and what they do, is in `src/rpc`; here is only who runs where.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use peote_net_examples::Failure;
use peote_net_examples::report::{count, print};
use peote_net_examples::rpc::{CHANNEL, Server, User};
use peote_net_std::TcpTransport;
use peote_relay::{Config, Relay};

/// A whiteboard: users draw by calling the server, the server tells everybody by calling them, and
/// all pictures are compared at the end.
#[derive(Debug, Parser)]
#[command(name = "rpc", version, after_help = AFTER_HELP)]
struct Options {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// A relay, a server and users in one process
    Demo {
        /// Users that draw
        #[arg(long, default_value_t = 3, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=100))]
        users: u8,
        /// Strokes that each of them draws
        #[arg(long, default_value_t = 200, value_name = "NUMBER")]
        strokes: u32,
    },
    /// Serves a whiteboard over a relay, until as many users have drawn and left
    Serve {
        #[command(flatten)]
        place: Place,
        /// Users to wait for
        #[arg(long, default_value_t = 2, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=200))]
        users: u8,
    },
    /// Draws on a whiteboard that somebody serves
    Join {
        #[command(flatten)]
        place: Place,
        /// What to be called
        #[arg(long, default_value = "anna", value_name = "NAME")]
        name: String,
        /// The colour to draw in, 1 to 26
        #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=26))]
        colour: u8,
        /// Strokes to draw
        #[arg(long, default_value_t = 200, value_name = "NUMBER")]
        strokes: u32,
    },
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The relay
    #[arg(long, default_value = "127.0.0.1:7680", value_name = "HOST:PORT")]
    relay: String,
    /// The channel
    #[arg(long, default_value = CHANNEL, value_name = "NAME")]
    channel: String,
}

const AFTER_HELP: &str = "\
In three terminals, with a relay running:
  rpc serve --users 2
  rpc join --name anna --colour 1
  rpc join --name ben --colour 2

Exit codes:
  0  all pictures are the same
  1  they are not, or the channel cannot be created or entered
  2  wrong options
  3  the relay was not reached, or the connection to it was lost";

/// How long to try to connect, and how long the demonstration may take without an end.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    peote_net_examples::failure::main("rpc", |options: &Options| match &options.role {
        Role::Demo { users, strokes } => demo(*users, *strokes),
        Role::Serve { place, users } => {
            serve(place, *users).map_err(|failure| failure.with_relay(&place.relay))
        }
        Role::Join { place, name, colour, strokes } => {
            join(place, name, *colour, *strokes).map_err(|failure| failure.with_relay(&place.relay))
        }
    })
}

fn demo(users: u8, strokes: u32) -> Result<(), Failure> {
    let listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    let config = Config { listen, max_connections_per_address: 0, ..Config::default() };
    let mut relay = Relay::bind(config)?;
    let address = relay.local_addrs()[0].to_string();
    let connect = || TcpTransport::connect_blocking(&address, PATIENCE);

    let start = Instant::now();
    let mut turn = |server: &mut Server, people: &mut [User]| {
        if start.elapsed() > PATIENCE {
            return Err(Failure::Failed("it does not come to an end".into()));
        }
        relay.turn(Some(Duration::from_millis(1)))?;
        server.poll()?;
        people.iter_mut().try_for_each(User::poll)
    };
    let mut server = Server::new(connect()?, CHANNEL, users.into())?;
    while !server.is_open() {
        turn(&mut server, &mut [])?;
    }
    let mut people = (1..=users)
        .map(|number| User::new(connect()?, CHANNEL, &format!("user {number}"), number, strokes))
        .collect::<Result<Vec<_>, _>>()?;
    while people.iter().any(|user| user.verified().is_none()) {
        turn(&mut server, &mut people)?;
    }
    print(server.picture())?;
    let seen: u64 = people.iter().map(|user| u64::from(user.strokes_seen())).sum();
    let same = people
        .iter()
        .filter(|user| user.verified() == Some(true) && user.picture() == Some(server.picture()));
    let same = same.count();
    print(format_args!(
        "{users} users drew {} strokes each and saw {} in all; {same} of {users} pictures are the server's; {} wrong calls; {:.2} s",
        count(strokes.into()),
        count(seen),
        server.violations(),
        start.elapsed().as_secs_f64(),
    ))?;
    if same == people.len() && server.violations() == 0 {
        Ok(())
    } else {
        Err(Failure::Failed("the pictures differ".into()))
    }
}

fn serve(place: &Place, users: u8) -> Result<(), Failure> {
    let transport = TcpTransport::connect_blocking(&place.relay, PATIENCE)?;
    let mut server = Server::new(transport, &place.channel, users.into())?;
    let mut told = false;
    while !server.is_done() {
        server.poll()?;
        if server.is_open() && !told {
            told = true;
            print(format_args!("serving \"{}\" for {users} users", place.channel))?;
        }
        if !server.is_done() {
            server.wait()?;
        }
    }
    print(server.picture())?;
    match server.violations() {
        0 => Ok(()),
        wrong => Err(Failure::Failed(format!("{wrong} calls were wrong"))),
    }
}

fn join(place: &Place, name: &str, colour: u8, strokes: u32) -> Result<(), Failure> {
    let transport = TcpTransport::connect_blocking(&place.relay, PATIENCE)?;
    let mut user = User::new(transport, &place.channel, name, colour, strokes)?;
    while user.verified().is_none() {
        user.poll()?;
        if user.verified().is_none() {
            user.wait()?;
        }
    }
    print(format_args!("{name} saw {} strokes", count(user.strokes_seen().into())))?;
    let verified = user.verified();
    user.leave()?;
    if verified == Some(true) {
        print("the picture is the server's")
    } else {
        Err(Failure::Failed("the picture is not the server's".into()))
    }
}
