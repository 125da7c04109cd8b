//! What a relay can be told: addresses, limits, times, memory.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};

mod check;
mod lift;
mod origin;
mod policy;

pub use check::InvalidConfig;
pub(crate) use policy::matches;

/// Everything that a [`Relay`](crate::Relay) can be told, with defaults for a small public relay.
///
/// For every field that counts something, 0 means "no limit"; where the protocol itself has a
/// limit, that one still holds. Times and amounts of memory always have a limit, but for
/// [`idle_timeout`](Self::idle_timeout) and [`unused_timeout`](Self::unused_timeout). Lists that
/// are empty allow everything, [`watch_from`](Self::watch_from) included. [`check`](Self::check)
/// says whether all values are in their ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Addresses to accept connections on, without TLS; at least one, here or in
    /// [`listen_tls`](Self::listen_tls). Port 0 lets the system choose a free port.
    ///
    /// Default: 127.0.0.1:7680, so that a relay is open to the network only when told so.
    pub listen: Vec<SocketAddr>,

    /// Addresses to accept connections on that begin with TLS, for `wss://` and all others.
    /// Default: none.
    ///
    /// Needs [`tls_certificate`](Self::tls_certificate) and [`tls_key`](Self::tls_key), and the
    /// feature `tls` of this crate.
    pub listen_tls: Vec<SocketAddr>,

    /// The PEM file with the certificate that the relay shows, and behind it the intermediate
    /// certificates up to its root. Default: none.
    pub tls_certificate: Option<PathBuf>,

    /// The PEM file with the private key of the certificate. Default: none.
    pub tls_key: Option<PathBuf>,

    /// Connections at the same time; 0: no limit. Default: 10,000.
    ///
    /// The number of files the process may open is a limit, too.
    pub max_connections: u32,

    /// Connections at the same time from one IP address; 0: no limit. Default: 64. With IPv6 a
    /// whole /64 counts as one address, because every subscriber has at least that many.
    pub max_connections_per_address: u32,

    /// Connections at the same time from one network, which is a /24, or a /48 with IPv6; 0: no
    /// limit. Default: 1024.
    ///
    /// It keeps a client with many addresses from taking all places.
    pub max_connections_per_network: u32,

    /// Connections a second from one IP address (or /64), including connections that are gone
    /// again; 0: no limit. Default: 100.
    ///
    /// What comes in [`burst`](Self::burst) may come at once. More connections are turned away.
    pub connections_per_second_per_address: u32,

    /// Channels at the same time on the whole relay; 0: no limit. Default: 16,384.
    pub max_channels: u32,

    /// Channels at the same time that the connections of one IP address own together; 0: no limit.
    /// Default: 512. With IPv6 a whole /64 counts as one address.
    pub max_channels_per_address: u32,

    /// Channels at the same time that the connections of one network (a /24, or a /48 with IPv6)
    /// own together; 0: no limit. Default: 1024.
    pub max_channels_per_network: u32,

    /// Channels that one connection may own at the same time, and, counted separately, channels
    /// that it may be a user of; 0 to 128. 0 is the protocol's limit, 128, which is also the
    /// default.
    pub max_channels_per_connection: u32,

    /// Users of one channel at the same time; 0 to 256. 0 is the protocol's limit, 256, which is
    /// also the default.
    pub max_users_per_channel: u32,

    /// Numbers of one channel that users of one IP address (or /64) may have at the same time; 0:
    /// no limit. Default: 64.
    ///
    /// A number that rests, for about 6 s after a user has left, counts for the address of that
    /// user. So an address whose users come and go has no more of a channel than one whose users
    /// stay.
    pub max_users_per_channel_per_address: u32,

    /// Numbers of one channel that users of one network (a /24, or a /48 with IPv6) may have at the
    /// same time, including numbers that rest; 0, the default: no limit, since all users of a
    /// channel can be in one network of a company or a school.
    pub max_users_per_channel_per_network: u32,

    /// Commands (create, enter, leave, delete, hello …) a second from one connection; 0: no limit.
    /// Default: 500.
    ///
    /// A second's worth may come at once. A connection that gives more is read more slowly. Data is
    /// not counted.
    pub commands_per_second: u32,

    /// Units of data a second from one connection, to all receivers together; 0: no limit. Default:
    /// 1,000,000.
    ///
    /// What comes in [`burst`](Self::burst) may come at once. A connection that sends more is read
    /// more slowly, and nothing is lost. A unit of size 0 counts too. So do grants, what a server
    /// says of users that knock, and frames of a WebSocket, pings and empty ones included, where
    /// there are more of them than units.
    pub messages_per_second: u32,

    /// Bytes a second from one connection, as they come from its socket; 0: no limit; up to 1 TiB.
    /// Default: 128 MiB, more than a gigabit a second.
    ///
    /// What comes in [`burst`](Self::burst) may come at once. A connection that sends more is read
    /// more slowly, and nothing is lost.
    pub bytes_per_second: usize,

    /// TLS handshakes a second from one network (a /24, or a /48 with IPv6); 0: no limit. Default:
    /// 50.
    ///
    /// What comes in [`burst`](Self::burst) may come at once. Handshakes above it wait, and end
    /// with [`first_byte_timeout`](Self::first_byte_timeout) if it takes too long.
    pub tls_handshakes_per_second_per_network: u32,

    /// Tokens a second that are checked for one network (a /24, or a /48 with IPv6), whether they
    /// count or not; 0: no limit. Default: 50.
    ///
    /// What comes in [`burst`](Self::burst) may come at once. Tokens above it that come in hellos
    /// wait, and the commands behind them. A WebSocket with one is refused.
    pub tokens_per_second_per_network: u32,

    /// How much may come at once where a number a second is limited: as much as is allowed in this
    /// time; 0.1 s to 1 min. Default: 10 s.
    ///
    /// Holds for [`messages_per_second`](Self::messages_per_second),
    /// [`bytes_per_second`](Self::bytes_per_second),
    /// [`tls_handshakes_per_second_per_network`](Self::tls_handshakes_per_second_per_network),
    /// [`tokens_per_second_per_network`](Self::tokens_per_second_per_network) and
    /// [`connections_per_second_per_address`](Self::connections_per_second_per_address).
    pub burst: Duration,

    /// Bytes of the longest name that a channel may be given; 0 to 255. 0 is the protocol's limit,
    /// 255, which is also the default.
    pub max_name_bytes: u32,

    /// Names that channels may be given: patterns in which `*` stands for any bytes, or none.
    /// Empty, the default: any name.
    pub allowed_names: Vec<String>,

    /// Ranges of addresses from which connections are accepted; others are turned away as soon as
    /// they come. Empty, the default: from everywhere.
    pub connect_from: Vec<IpNet>,

    /// Ranges of addresses of proxies whose connections begin with a header of the PROXY protocol,
    /// version 1 or 2. All limits and lists of addresses then hold for the client that it names.
    /// Empty, the default: none.
    ///
    /// A connection from there without a header is closed, but for an HTTP request, which comes
    /// from the proxy's machine itself.
    pub proxy_protocol_from: Vec<IpNet>,

    /// Ranges of addresses of proxies whose HTTP requests name the client in
    /// [`forwarded_header`](Self::forwarded_header). All limits and lists of addresses then hold
    /// for that. Empty, the default: none.
    ///
    /// Where there is no such header, and for what is no HTTP, they hold for the proxy's own
    /// address.
    pub forwarded_from: Vec<IpNet>,

    /// The header that these proxies set. A proxy passes other headers on as they come, so a client
    /// could write anything there. Default: [`ForwardedHeader::XForwardedFor`].
    pub forwarded_header: ForwardedHeader,

    /// Ranges of addresses from which channels may be created. Empty, the default: from everywhere.
    /// Entering is not bound by it.
    pub create_from: Vec<IpNet>,

    /// Origins of the pages from which browsers may connect: `https://example.com`,
    /// `https://example.com:8443`, `https://*.example.com` (all hosts below it, not itself), or
    /// `null`, which browsers say of pages that have none. Empty, the default: all.
    ///
    /// Programs that are no browsers mostly say no origin, or any that they like; they are not kept
    /// out by this.
    pub allowed_origins: Vec<String>,

    /// What it takes to create and to enter channels. Default: [`Access::Open`].
    pub access: Access,

    /// The TOML file with the keys for tokens and signed names: tables `[[key]]` with `id`,
    /// `algorithm` (`HS256` or `EdDSA`), and `secret` (base64url) or `public` (PEM or base64url).
    /// Default: none. Needed where [`access`](Self::access) is not [`Access::Open`], and the
    /// feature `tokens` of this crate with it.
    pub access_keys: Option<PathBuf>,

    /// How far the clocks of the makers of tokens and signed names may be from the relay's; 0 s to
    /// 10 min, whole seconds. Default: 10 s.
    pub access_leeway: Duration,

    /// Whether connections whose key has been taken away stay, when the configuration is read
    /// again. Default: [`Revoked::Keep`].
    pub access_revoked: Revoked,

    /// With [`Access::Mixed`], names of channels that connections may create that have shown no
    /// token and no signed name: patterns in which `*` stands for any bytes, or none. Empty, the
    /// default: none.
    pub anonymous_create: Vec<String>,

    /// With [`Access::Mixed`], names of channels that such connections may enter. Empty, the
    /// default: none.
    pub anonymous_enter: Vec<String>,

    /// With [`Access::Mixed`], a lower limit than
    /// [`max_channels_per_connection`](Self::max_channels_per_connection) for such connections; 0
    /// to 128. 0: as for all. Default: 4.
    pub anonymous_max_channels: u32,

    /// With [`Access::Mixed`], a lower limit than
    /// [`commands_per_second`](Self::commands_per_second) for such connections; 0: as for all.
    /// Default: 20.
    pub anonymous_commands_per_second: u32,

    /// With [`Access::Mixed`], a lower limit than
    /// [`messages_per_second`](Self::messages_per_second) for such connections; 0: as for all.
    /// Default: 1000.
    pub anonymous_messages_per_second: u32,

    /// With [`Access::Mixed`], a lower limit than [`bytes_per_second`](Self::bytes_per_second) for
    /// such connections; 0: as for all. Default: 256 KiB.
    pub anonymous_bytes_per_second: usize,

    /// A connection is closed when its first byte has not come within this time; 0.1 s to 1 h.
    /// Default: 5 s.
    pub first_byte_timeout: Duration,

    /// A connection that begins with an HTTP request (a WebSocket, or a page like `/health`) is
    /// closed when the request has not come within this time after its first byte, and one with TLS
    /// when its TLS handshake is not over by then; 0.1 s to 1 h. Default: 5 s.
    pub handshake_timeout: Duration,

    /// A connection that has sent nothing for this long is closed; 0 s to 24 h. 0 s, the default:
    /// it is not.
    ///
    /// Endpoints do not answer keepalives, so one that only listens sends nothing for hours.
    pub idle_timeout: Duration,

    /// A connection that is in no channel, and owns none, for this long is closed; 0 s to 24 h. 0
    /// s: it is not. Default: 5 min.
    ///
    /// Nothing reaches such a connection, and what it sends is dropped. Endpoints
    /// create or enter a channel as soon as they are connected.
    pub unused_timeout: Duration,

    /// A connection to which nothing was sent for this long is sent a keepalive unit; 0.1 s to 1
    /// min. Default: 5 s.
    ///
    /// Endpoints take silence for the loss of the connection, after 20 s unless told otherwise, so
    /// this should stay well below that. An endpoint that said hello was told the interval. It
    /// keeps that one, or a shorter one, when the configuration is read again.
    pub keepalive_interval: Duration,

    /// The longest interval of keepalives that an endpoint may ask for in its hello; 5 s to 24 h.
    /// Default: 1 h.
    ///
    /// Such a connection is sent a keepalive after its own interval instead of
    /// [`keepalive_interval`](Self::keepalive_interval), so that a device with a battery can sleep.
    /// An endpoint that is gone without a word is noticed that much later.
    pub max_keepalive_interval: Duration,

    /// How long a connection is kept whose endpoint gives no sign of life; 1 s to 32,767 s (the
    /// system counts whole seconds). Default: 15 s.
    ///
    /// An endpoint that is gone without a word acknowledges nothing that is sent to it, keepalives
    /// included, so by default its names are free again 20 s later at most. The time is never
    /// shorter than two [`keepalive_interval`](Self::keepalive_interval)s and
    /// [`stall_timeout`](Self::stall_timeout). It also holds for one that is there, but takes
    /// nothing of what waits for it in the system; while the relay does not read from it, because
    /// it waits for others or has sent too much, it has 64 `stall_timeout`s more. On Linux this is
    /// `TCP_USER_TIMEOUT`; elsewhere the system only probes connections to which nothing is sent.
    pub tcp_keepalive: Duration,

    /// Bytes that may wait to be sent to one connection; 64 KiB to 1 GiB. Default: 1 MiB.
    ///
    /// [`slow_receiver`](Self::slow_receiver) says what happens when that is used up. Half of it,
    /// 64 KiB at most, is the window of endpoints that take no part in flow control. Other
    /// endpoints are told of that window and go by it, so it stays as it was at the relay's start.
    pub queue_bytes: usize,

    /// Bytes in the queues of all connections and in all tables together, at least
    /// [`queue_bytes`](Self::queue_bytes); 1 MiB to 1 TiB (or what the machine can address).
    /// Default: 256 MiB.
    ///
    /// Tables of connections, channels, users and addresses take at most one half; connections are
    /// turned away and commands refused that would make them grow beyond. Queues have the rest.
    pub memory_bytes: usize,

    /// What to do about a receiver that is slower than its senders. Default:
    /// [`SlowReceiver::Pause`].
    pub slow_receiver: SlowReceiver,

    /// With [`SlowReceiver::Drop`], the time that a receiver's queue may stay full; 0 s to 1 h.
    /// Default: 10 s.
    pub slow_receiver_grace: Duration,

    /// How long others wait for a receiver that takes nothing. Then it is dropped, with each value
    /// of [`slow_receiver`](Self::slow_receiver). 0.1 s to 24 h. Default: 5 s.
    ///
    /// It is a budget of time. Waiting of others takes from it; bytes that the receiver takes give
    /// to it, by [`slow_receiver_bytes_per_second`](Self::slow_receiver_bytes_per_second). While no
    /// connection waits it comes back, a second in 8.
    ///
    /// A receiver that waits for another one itself may be unable to read before it can write, so
    /// the one at the end of such a chain is timed. A receiver further up has 64 times this time.
    /// In a circle those are timed that a channel's server waits for, or all if they are all of one
    /// kind.
    ///
    /// A connection that has ended waits for a receiver of what it had sent 4 times as long; then
    /// the rest of it is lost.
    pub stall_timeout: Duration,

    /// Bytes a second that a receiver has to take while a sender waits for it; 0 B to 1 GiB. 0: a
    /// single byte within [`stall_timeout`](Self::stall_timeout) is enough. Default: 12 KiB.
    ///
    /// A receiver that takes less is dropped once the lack has used up
    /// [`stall_timeout`](Self::stall_timeout): with the defaults after 15 s at 8 KiB a second.
    /// Counted is what the system takes from the queue. On Linux it takes at least 32 KiB at once
    /// when a receiver is slow, so a rate below 8 KiB a second asks for a longer
    /// [`stall_timeout`](Self::stall_timeout).
    pub slow_receiver_bytes_per_second: usize,

    /// How long a relay that was asked to stop goes on writing what is queued, and waits for
    /// endpoints to close their side; 0 s to 1 min. Default: 1 s.
    pub shutdown_timeout: Duration,

    /// Addresses of NATS servers, `nats://HOST:PORT` or `tls://HOST:PORT`, on which this relay and
    /// others are one: the same names, whichever relay an endpoint is connected to. All servers of
    /// the NATS cluster belong here. Empty, the default: this relay is alone. Needs the feature
    /// `cluster` of this crate.
    pub cluster: Vec<String>,

    /// Which cluster on these servers: letters, digits, `-` and `_`, 1 to 64 of them. Relays with
    /// another one are not seen. Default: `peote`.
    pub cluster_name: String,

    /// The file with credentials for NATS: a user's JWT and seed, as `nsc generate creds` writes
    /// them. Default: none; a user and a password, or a token, may stand in the addresses.
    pub cluster_credentials: Option<PathBuf>,

    /// The PEM file with the root that the certificates of the NATS servers are checked by.
    /// Default: none; with `tls://` those of the system.
    pub cluster_ca: Option<PathBuf>,

    /// The PEM file with the certificate that this relay shows NATS servers, where these ask for
    /// one; with the certificates between it and its root. Default: none.
    pub cluster_certificate: Option<PathBuf>,

    /// The PEM file with the key of [`cluster_certificate`](Self::cluster_certificate). Default:
    /// none.
    pub cluster_key: Option<PathBuf>,

    /// A file in which this relay keeps its number, locked while it runs. With it the names of a
    /// relay that was killed are free as soon as it is started again on the same machine; without
    /// it they are when its lease is over. Each relay needs one of its own. Default: none. On Unix
    /// only.
    pub cluster_file: Option<PathBuf>,

    /// How long the names of a relay are kept for it when nothing is heard of it; 1 s to 10 min.
    /// Default: 10 s.
    ///
    /// All relays of a cluster have to have the same.
    pub cluster_lease: Duration,

    /// Whether `/metrics`, asked for over HTTP on the same port, answers with the relay's figures.
    /// Default: false.
    ///
    /// They are totals, and nothing about single connections and channels. The request's `Host` has
    /// to be as for [`details`](Self::details).
    pub metrics: bool,

    /// Whether `/details`, asked for over HTTP on the same port, answers with the busiest and the
    /// slowest connections with their addresses, and the channels of those with their names, as
    /// JSON. Default: false.
    ///
    /// Unless [`watch_from`](Self::watch_from) is empty, the request's `Host` has to be an address,
    /// or a name without a dot such as `localhost`: a page from elsewhere can have a name of its
    /// own stand for the relay's address, and would read the answer in the browser of a person who
    /// may see it.
    pub details: bool,

    /// Ranges of addresses from which these two pages may be asked for, and all pages while a limit
    /// of connections is used up. Others get 403, or 503. Empty: from everywhere. Default: this
    /// machine's loopback, `127.0.0.0/8` and `::1`.
    ///
    /// Connections through a proxy on this machine count as from this machine.
    pub watch_from: Vec<IpNet>,
}

/// What a relay does when a connection's queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SlowReceiver {
    /// The connections that send to it are not read until the queue has drained: nothing is lost,
    /// and TCP makes the senders wait.
    ///
    /// What it costs: a sender waits with all that it sends, to all receivers, in all its channels.
    /// So one slow user of one channel slows down all users of that channel's server, to
    /// [`Config::slow_receiver_bytes_per_second`] at worst. A command that stands behind the data,
    /// such as the removal of that user, waits with it: for `n` bytes, `n` divided by that rate at
    /// most.
    ///
    /// That concerns endpoints that do not take part in flow control (section 11.4 of PROTOCOL.md)
    /// only: one that does is never made to wait for another endpoint's receiver.
    #[default]
    Pause,
    /// The receiver's connection is closed once its queue has been full for
    /// [`Config::slow_receiver_grace`]; until then as [`Pause`](Self::Pause).
    Drop,
}

/// The header in which a proxy names the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For: CLIENT, PROXY, …`
    #[default]
    XForwardedFor,
    /// `Forwarded: for=CLIENT;…, for=PROXY` (RFC 7239).
    Forwarded,
}

/// What it takes to create and to enter channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Nothing: every connection may. Tokens are not looked at, and names are what they are.
    #[default]
    Open,
    /// A token or a signed name. Without one nothing can be created or entered.
    Tokens,
    /// The same, but [`Config::anonymous_create`] and [`Config::anonymous_enter`] name channels for
    /// connections that have shown nothing, which have limits of their own.
    Mixed,
}

/// Whether connections whose key is taken away stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revoked {
    /// They stay in the channels that they are in, and can create and enter no others by that key.
    #[default]
    Keep,
    /// They are closed. With [`Access::Tokens`] so are those in channels that have shown nothing.
    Close,
}

/// A limit where 0 is none.
pub(crate) fn limit(count: u32) -> usize {
    if count == 0 { usize::MAX } else { count as usize }
}

/// One mebibyte, in bytes.
const MIB: usize = 1 << 20;

/// One tebibyte, or what the machine can address.
const MOST_MEMORY: usize = if usize::BITS > 40 { 1_usize.wrapping_shl(40) } else { usize::MAX };

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, Self::DEFAULT_PORT))],
            listen_tls: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            max_connections: 10_000,
            max_connections_per_address: 64,
            max_connections_per_network: 1024,
            connections_per_second_per_address: 100,
            max_channels: 16_384,
            max_channels_per_address: 512,
            max_channels_per_network: 1024,
            max_channels_per_connection: 128,
            max_users_per_channel: 256,
            max_users_per_channel_per_address: 64,
            max_users_per_channel_per_network: 0,
            commands_per_second: 500,
            messages_per_second: 1_000_000,
            bytes_per_second: 128 * MIB,
            tls_handshakes_per_second_per_network: 50,
            tokens_per_second_per_network: 50,
            burst: Duration::from_secs(10),
            max_name_bytes: 255,
            allowed_names: Vec::new(),
            connect_from: Vec::new(),
            proxy_protocol_from: Vec::new(),
            forwarded_from: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            create_from: Vec::new(),
            allowed_origins: Vec::new(),
            access: Access::Open,
            access_keys: None,
            access_leeway: Duration::from_secs(10),
            access_revoked: Revoked::Keep,
            anonymous_create: Vec::new(),
            anonymous_enter: Vec::new(),
            anonymous_max_channels: 4,
            anonymous_commands_per_second: 20,
            anonymous_messages_per_second: 1000,
            anonymous_bytes_per_second: 256 << 10,
            first_byte_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(5),
            idle_timeout: Duration::ZERO,
            unused_timeout: Duration::from_secs(300),
            keepalive_interval: Duration::from_secs(5),
            max_keepalive_interval: Duration::from_secs(3600),
            tcp_keepalive: Duration::from_secs(15),
            queue_bytes: MIB,
            memory_bytes: 256 * MIB,
            slow_receiver: SlowReceiver::Pause,
            slow_receiver_grace: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(5),
            slow_receiver_bytes_per_second: 12 << 10,
            shutdown_timeout: Duration::from_secs(1),
            cluster: Vec::new(),
            cluster_name: "peote".into(),
            cluster_credentials: None,
            cluster_ca: None,
            cluster_certificate: None,
            cluster_key: None,
            cluster_file: None,
            cluster_lease: Duration::from_secs(10),
            metrics: false,
            details: false,
            watch_from: vec![
                Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8).into(),
                IpAddr::V6(Ipv6Addr::LOCALHOST).into(),
            ],
        }
    }
}

impl Config {
    /// The TCP port that endpoints expect a relay on.
    pub const DEFAULT_PORT: u16 = 7680;

    /// Range of a count that only memory limits.
    pub const COUNT: RangeInclusive<u32> = 0..=u32::MAX;
    /// Range of [`max_channels_per_connection`](Self::max_channels_per_connection).
    pub const MAX_CHANNELS_PER_CONNECTION: RangeInclusive<u32> = 0..=128;
    /// Range of [`max_users_per_channel`](Self::max_users_per_channel).
    pub const MAX_USERS_PER_CHANNEL: RangeInclusive<u32> = 0..=256;
    /// Range of [`bytes_per_second`](Self::bytes_per_second).
    pub const BYTES_PER_SECOND: RangeInclusive<usize> = 0..=MOST_MEMORY;
    /// Range of [`burst`](Self::burst).
    pub const BURST: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(60);
    /// Range of [`max_name_bytes`](Self::max_name_bytes).
    pub const MAX_NAME_BYTES: RangeInclusive<u32> = 0..=255;
    /// Range of [`access_leeway`](Self::access_leeway).
    pub const ACCESS_LEEWAY: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(600);
    /// Range of [`idle_timeout`](Self::idle_timeout).
    pub const IDLE_TIMEOUT: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);
    /// Range of [`unused_timeout`](Self::unused_timeout).
    pub const UNUSED_TIMEOUT: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);
    /// Range of [`first_byte_timeout`](Self::first_byte_timeout).
    pub const FIRST_BYTE_TIMEOUT: RangeInclusive<Duration> =
        Duration::from_millis(100)..=Duration::from_secs(3600);
    /// Range of [`handshake_timeout`](Self::handshake_timeout).
    pub const HANDSHAKE_TIMEOUT: RangeInclusive<Duration> =
        Duration::from_millis(100)..=Duration::from_secs(3600);
    /// Range of [`keepalive_interval`](Self::keepalive_interval).
    pub const KEEPALIVE_INTERVAL: RangeInclusive<Duration> =
        Duration::from_millis(100)..=Duration::from_secs(60);
    /// Range of [`tcp_keepalive`](Self::tcp_keepalive).
    pub const TCP_KEEPALIVE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(32_767);
    /// Range of [`queue_bytes`](Self::queue_bytes), in bytes: room for the longest unit and for
    /// notices at least.
    pub const QUEUE_BYTES: RangeInclusive<usize> = 65_536..=1 << 30;
    /// Range of [`memory_bytes`](Self::memory_bytes), in bytes.
    pub const MEMORY_BYTES: RangeInclusive<usize> = MIB..=MOST_MEMORY;
    /// Range of [`slow_receiver_grace`](Self::slow_receiver_grace).
    pub const SLOW_RECEIVER_GRACE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);
    /// Range of [`stall_timeout`](Self::stall_timeout).
    pub const STALL_TIMEOUT: RangeInclusive<Duration> =
        Duration::from_millis(100)..=Duration::from_secs(86_400);
    /// Range of [`slow_receiver_bytes_per_second`](Self::slow_receiver_bytes_per_second).
    pub const SLOW_RECEIVER_BYTES_PER_SECOND: RangeInclusive<usize> = 0..=1 << 30;
    /// Range of [`shutdown_timeout`](Self::shutdown_timeout).
    pub const SHUTDOWN_TIMEOUT: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(60);

    /// Range of [`max_keepalive_interval`](Self::max_keepalive_interval).
    pub const MAX_KEEPALIVE_INTERVAL: RangeInclusive<Duration> =
        Duration::from_secs(5)..=Duration::from_secs(24 * 3600);

    /// Range of [`cluster_lease`](Self::cluster_lease).
    pub const CLUSTER_LEASE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
}
