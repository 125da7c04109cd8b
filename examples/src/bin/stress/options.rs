//! The command line of `stress`, and what follows from it.

use std::time::Duration;

use clap::{Parser, ValueEnum};
use peote_net::time;
use peote_net_examples::Failure;
use peote_net_examples::options::{RelayOptions, between, seconds};
use peote_net_examples::traffic::{Client, Script, Sending, Serving, mix};

/// Load for a relay: servers and clients that verify every byte. A server is one channel, a client
/// is one user of one channel.
#[derive(Debug, Parser)]
#[command(name = "stress", version, allow_negative_numbers = true, after_help = AFTER_HELP, next_line_help = true)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) relay: RelayOptions,

    /// What this process runs
    #[arg(long, value_enum, default_value_t = Role::Both)]
    pub(crate) role: Role,

    /// The channels are NAME/1, NAME/2 and so on; another name for each run on the same relay
    #[arg(long, default_value = "stress", value_name = "NAME")]
    pub(crate) name: String,

    /// Servers: channels, up to 128 of them on one connection
    #[arg(long, default_value_t = 4, value_name = "NUMBER", value_parser = between(1..=8192))]
    pub(crate) servers: u32,

    /// Clients, shared out among the servers; with --role servers: how many there can be at the
    /// same time
    #[arg(long, default_value_t = 16, value_name = "NUMBER", value_parser = between(1..=65_534))]
    pub(crate) clients: u32,

    /// Connections that the clients are shared out among [default: as few as it takes, since a
    /// connection can be in a channel only once]
    #[arg(long, value_name = "NUMBER", value_parser = between(1..=65_534))]
    connections: Option<u32>,

    /// What the clients do
    #[arg(long, value_enum, default_value_t = Pattern::Echo)]
    pub(crate) pattern: Pattern,

    /// The shortest chunk
    #[arg(long, default_value_t = 1, value_name = "BYTES", value_parser = between(1..=4_194_304))]
    pub(crate) min_bytes: u32,

    /// The longest chunk; the same for servers and clients. Broadcasts stay below 32,764 bytes, so
    /// that users can come at any time
    #[arg(long, default_value_t = 32_768, value_name = "BYTES", value_parser = between(1..=4_194_304))]
    pub(crate) max_bytes: u32,

    /// How long to send, once all clients are there. With --role servers: how long to serve; 0:
    /// until all clients have come and gone
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Duration,

    /// Time between two chunks of a client, or two broadcasts of a server; 0: as fast as possible
    #[arg(long, default_value_t = 0, value_name = "MILLISECONDS", value_parser = between(0..=60_000))]
    pub(crate) delay: u32,

    /// Chunks of a client that can be on their way there and back at the same time, with --pattern
    /// echo
    #[arg(long, default_value_t = 32, value_name = "NUMBER", value_parser = between(1..=100_000))]
    pub(crate) window: u32,

    /// With --role clients: how long to wait for servers that are not there yet
    #[arg(long, default_value = "5", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) wait: Duration,
}

/// What a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Servers and clients
    Both,
    /// Servers, for clients in other processes
    Servers,
    /// Clients, for servers in another process
    Clients,
}

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pattern {
    /// Send chunks and get them back
    Echo,
    /// Send chunks; servers say in the end what has arrived
    Upload,
    /// Listen to broadcasts
    Broadcast,
}

const AFTER_HELP: &str = "\
Examples:
  stress --servers 3 --clients 60
      mixed lengths, everything in one process
  stress --min-bytes 16 --max-bytes 16 --window 256
      messages a second
  stress --role servers --clients 100 --duration 0
  stress --role clients --clients 100 --pattern broadcast
      two processes, in two terminals

Output:
  A line each second and a table at the end. \"verified\" is what arrived in this
  process and was right in every byte. Lengths: first those at which the coding
  changes, then all of the range in a scattered order.

The relay has to allow as many connections from one address as are used here.

Exit codes:
  0  every byte was verified
  1  something was wrong, or could not be begun; the last line says what
  2  wrong options
  3  the relay was not reached, or the connection to it was lost";

/// Channels of one connection, as many as the protocol has numbers for.
const CHANNELS: u32 = 128;

impl Options {
    /// What the options say each for itself is right; now together.
    ///
    /// # Errors
    /// They contradict each other.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let wrong = |what: String| Err(Failure::Usage(what));
        if self.min_bytes > self.max_bytes {
            return wrong(format!("--min-bytes {} is above --max-bytes {}", self.min_bytes, self.max_bytes));
        }
        if self.duration.is_zero() && self.role != Role::Servers {
            return wrong("--duration 0 is for --role servers only".into());
        }
        let least = self.fewest_connections();
        if self.role != Role::Servers && self.connections() < least {
            return wrong(format!(
                "--connections {} is too few for {} clients of {} servers: a connection can be in a channel once, \
                 and in {CHANNELS} in all; at least {least}",
                self.connections(),
                self.clients,
                self.servers
            ));
        }
        Ok(())
    }

    /// Connections of clients.
    fn connections(&self) -> u32 {
        self.connections.unwrap_or_else(|| self.fewest_connections())
    }

    /// A connection can be in a channel once, and in so many channels in all.
    fn fewest_connections(&self) -> u32 {
        self.clients.div_ceil(self.servers).max(self.clients.div_ceil(CHANNELS))
    }

    /// What servers do, for each of their connections.
    pub(crate) fn serving(&self) -> Vec<Serving> {
        // A longer broadcast takes two units, and who comes between them would get only the second.
        const ONE_UNIT: u32 = 32_763;
        let names: Vec<String> = (0..self.servers).map(|server| self.channel(server)).collect();
        let broadcast = Script {
            stream: mix(std::process::id().into()),
            begin: 0,
            min: self.min_bytes.min(ONE_UNIT),
            max: self.max_bytes.min(ONE_UNIT),
        };
        let serving = |names: &[String]| Serving {
            names: names.to_vec(),
            users: self.clients as usize,
            max: self.max_bytes,
            broadcast,
            broadcast_from: 1,
            broadcast_delay: self.delay(),
        };
        names.chunks(CHANNELS as usize).map(serving).collect()
    }

    /// The clients, for each of their connections.
    pub(crate) fn clients(&self) -> Vec<Vec<Client>> {
        let (each, more) = (self.clients / self.servers, self.clients % self.servers);
        let servers = (0..self.servers).flat_map(|server| {
            let clients = each + u32::from(server < more);
            std::iter::repeat_n(server, clients as usize)
        });
        // The clients of a server follow each other, so the next connection for each client means
        // that no two of them share one.
        let mut connections = vec![Vec::new(); self.connections() as usize];
        let places = (0..connections.len()).cycle();
        for ((client, server), place) in (0..).zip(servers).zip(places) {
            let client: u64 = client;
            let script = Script {
                stream: mix(u64::from(std::process::id()) << 32 | client),
                begin: client * u64::from(self.max_bytes - self.min_bytes) / u64::from(self.clients),
                min: self.min_bytes,
                max: self.max_bytes,
            };
            connections[place].push(Client { channel: self.channel(server), script });
        }
        connections
    }

    /// What each client does.
    pub(crate) fn sending(&self) -> Sending {
        Sending {
            data: self.pattern != Pattern::Broadcast,
            echo: self.pattern == Pattern::Echo,
            broadcasts: self.pattern == Pattern::Broadcast,
            window: self.window as usize,
            delay: self.delay(),
            at_least: 1,
            max: self.max_bytes,
            patience: time::Duration::from_millis(u64::try_from(self.wait.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    fn channel(&self, server: u32) -> String {
        format!("{}/{}", self.name, server + 1)
    }

    fn delay(&self) -> time::Duration {
        time::Duration::from_millis(self.delay.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use std::collections::HashSet;

    fn options(text: &str) -> Options {
        Options::parse_from(std::iter::once("stress").chain(text.split_whitespace()))
    }

    #[test]
    fn the_command_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_connection_is_in_a_channel_once_and_in_128_at_most() {
        for text in [
            "--servers 4 --clients 16",
            "--servers 3 --clients 60",
            "--servers 3 --clients 61 --connections 40",
            "--servers 1 --clients 1",
            "--servers 200 --clients 1000",
            "--servers 300 --clients 7",
            "--servers 8192 --clients 65534",
            "--servers 5 --clients 13 --connections 100",
            "--servers 129 --clients 130 --connections 2",
        ] {
            let options = options(text);
            options.check().unwrap_or_else(|failure| panic!("{text}: {failure}"));
            let connections = options.clients();
            assert_eq!(connections.iter().map(Vec::len).sum::<usize>(), options.clients as usize);
            for clients in connections {
                assert!(clients.len() <= 128, "{text}: {}", clients.len());
                let channels: HashSet<&str> = clients.iter().map(|client| &*client.channel).collect();
                assert_eq!(channels.len(), clients.len(), "{text}");
            }
        }
    }

    #[test]
    fn contradictions_are_named() {
        for (text, expected) in [
            ("--min-bytes 10 --max-bytes 5", "--min-bytes 10 is above --max-bytes 5"),
            ("--duration 0", "--duration 0 is for --role servers only"),
            (
                "--servers 2 --clients 9 --connections 4",
                "--connections 4 is too few for 9 clients of 2 servers",
            ),
        ] {
            let failure = options(text).check().unwrap_err().to_string();
            assert!(failure.starts_with(expected), "{failure}");
        }
    }
}
