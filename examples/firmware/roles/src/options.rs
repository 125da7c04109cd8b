//! The command line.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::str::FromStr;

use peote_net::chunk::ChunkLimit;
use peote_net::time::Duration;
use smoltcp::wire::Ipv4Cidr;

/// What the board is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub enum Role {
    /// A user of a channel.
    Client,
    /// The server of two channels.
    Server,
    /// Client and server at once, over one connection.
    Both,
    /// A lamp that the users of its channel call, and that calls them back.
    Lamp,
    /// A relay for others.
    Relay,
}

/// Where the board's address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// From a DHCP server.
    Dhcp,
    /// It is told.
    Static {
        /// The address and the length of the network's prefix.
        address: Ipv4Cidr,
        /// Who forwards to other networks.
        gateway: Option<Ipv4Addr>,
    },
}

/// The command line: a role, then `key=value`.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// `client`, `server`, `both`, `lamp` or `relay`.
    pub role: Role,
    /// `address=10.0.2.15/24` or `address=dhcp`, `gateway=10.0.2.2`.
    pub addresses: Addresses,
    /// `relay=10.0.2.2:7680`: who to connect to.
    pub relay: SocketAddrV4,
    /// `port=7680`: where a relay listens.
    pub port: u16,
    /// `echo=name`: the channel in which a server sends each chunk back.
    pub echo: &'a str,
    /// `chat=name`: the channel in which a server passes each chunk on to all other users.
    pub chat: &'a str,
    /// `channel=name`: the channel that a client enters, or that of a lamp.
    pub channel: &'a str,
    /// `chunk=1024`: the greatest chunk in bytes, for all channels.
    pub chunk: ChunkLimit,
    /// `interval=1000`: milliseconds between two readings of the sensor.
    pub interval: Duration,
    /// `exercise=1000`: instead of a sensor's readings the client sends so many chunks, and checks
    /// that each comes back.
    pub exercise: Option<u32>,
}

/// What is wrong with the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionsError<'a> {
    /// A key without a value, or a role that does not exist.
    Unknown(&'a str),
    /// A value that cannot be read.
    Value {
        /// What it is for.
        key: &'a str,
        /// The value.
        value: &'a str,
        /// What it has to be.
        expected: &'static str,
    },
}

impl fmt::Display for OptionsError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(argument) => write!(
                f,
                "command line: \"{argument}\" is neither a role (client, server, both, lamp, relay) nor one of address=, gateway=, relay=, port=, \
                 echo=, chat=, channel=, chunk=, interval=, exercise="
            ),
            Self::Value { key, value, expected } => {
                write!(f, "command line: {key}=\"{value}\" is not {expected}")
            }
        }
    }
}

impl<'a> Options<'a> {
    /// What holds where the command line says nothing. `chunk`: the greatest chunk the board has
    /// room for, in bytes.
    #[must_use]
    pub const fn of_board(chunk: u32) -> Self {
        Self {
            role: Role::Both,
            addresses: Addresses::Static {
                address: Ipv4Cidr::new(Ipv4Addr::new(10, 0, 2, 15), 24),
                gateway: None,
            },
            relay: SocketAddrV4::new(Ipv4Addr::new(10, 0, 2, 2), 7680),
            port: 7680,
            echo: "firmware/echo",
            chat: "firmware/chat",
            channel: "readings",
            chunk: ChunkLimit::new(chunk),
            interval: Duration::from_millis(1000),
            exercise: None,
        }
    }

    /// Reads the command line. A later argument wins over an earlier one.
    ///
    /// # Errors
    /// [`OptionsError`], for the first argument that cannot be understood.
    pub fn parse(self, arguments: impl Iterator<Item = &'a str>) -> Result<Self, OptionsError<'a>> {
        let most = self.chunk.max();
        let mut options = self;
        let mut gateway = None;
        for argument in arguments {
            match argument.split_once('=') {
                None => options.role = role(argument)?,
                Some(("gateway", value)) => gateway = Some(read("gateway", value, "an IPv4 address")?),
                Some((key, value)) => options.set(key, value, argument, most)?,
            }
        }
        if let (Addresses::Static { gateway: into, .. }, Some(gateway)) = (&mut options.addresses, gateway) {
            *into = Some(gateway);
        }
        Ok(options)
    }

    fn set(
        &mut self,
        key: &'a str,
        value: &'a str,
        argument: &'a str,
        most: u32,
    ) -> Result<(), OptionsError<'a>> {
        match key {
            "address" if value == "dhcp" => self.addresses = Addresses::Dhcp,
            "address" => {
                let address = read(key, value, "\"dhcp\", or an IPv4 address with prefix, as 10.0.2.15/24")?;
                self.addresses = Addresses::Static { address, gateway: None };
            }
            "relay" => self.relay = read(key, value, "an IPv4 address and a port, as 10.0.2.2:7680")?,
            "port" => self.port = read(key, value, "a port, 1 to 65535")?,
            "echo" => self.echo = value,
            "chat" => self.chat = value,
            "channel" => self.channel = value,
            "chunk" => {
                let expected = "a chunk size that this board has room for";
                let chunk = read(key, value, expected)?;
                if !(1..=most).contains(&chunk) {
                    return Err(OptionsError::Value { key, value, expected });
                }
                self.chunk = ChunkLimit::new(chunk);
            }
            "interval" => {
                self.interval = Duration::from_millis(read(key, value, "a number of milliseconds")?);
            }
            "exercise" => self.exercise = Some(read(key, value, "a number of chunks")?),
            _ => return Err(OptionsError::Unknown(argument)),
        }
        Ok(())
    }
}

fn role(word: &str) -> Result<Role, OptionsError<'_>> {
    match word {
        "client" => Ok(Role::Client),
        "server" => Ok(Role::Server),
        "both" => Ok(Role::Both),
        "lamp" => Ok(Role::Lamp),
        "relay" => Ok(Role::Relay),
        _ => Err(OptionsError::Unknown(word)),
    }
}

fn read<'a, T: FromStr>(key: &'a str, value: &'a str, expected: &'static str) -> Result<T, OptionsError<'a>> {
    value.parse().map_err(|_| OptionsError::Value { key, value, expected })
}
