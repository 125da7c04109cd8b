//! Why something was refused, closed or slowed down, and how often that was.

use std::fmt;
use std::marker::PhantomData;

/// Room of [`Counts`]: more than any kind of cause has.
const MOST: usize = 32;

/// A kind of cause: a fixed number of them, each with a name.
pub trait Cause: Copy + fmt::Debug + 'static {
    /// All of them, in the order in which they are counted.
    const ALL: &'static [Self];

    /// What it is called in metrics and log lines. Never changes.
    fn name(self) -> &'static str;

    /// Its place in [`ALL`](Self::ALL).
    fn index(self) -> usize;
}

/// How often something happened, for each cause.
///
/// ```
/// use peote_relay::{Cause, Counts, Refused};
///
/// let counts = Counts::<Refused>::default(); // as in `Stats::refused`
/// assert_eq!(counts.of(Refused::NameInUse), 0);
/// assert_eq!(counts.iter().count(), Refused::ALL.len());
/// ```
#[derive(Clone, Copy)]
pub struct Counts<C> {
    counts: [u64; MOST],
    cause: PhantomData<C>,
}

impl<C: Cause> Counts<C> {
    /// How often it happened because of that.
    #[must_use]
    pub fn of(&self, cause: C) -> u64 {
        self.counts.get(cause.index()).copied().unwrap_or_default()
    }

    /// How often it happened.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Every cause, also those of which there was none, and how often it happened.
    pub fn iter(&self) -> impl Iterator<Item = (C, u64)> {
        C::ALL.iter().map(|cause| (*cause, self.of(*cause)))
    }

    /// Once more.
    pub(crate) fn add(&mut self, cause: C) {
        if let Some(count) = self.counts.get_mut(cause.index()) {
            *count += 1;
        }
    }
}

impl<C> Default for Counts<C> {
    fn default() -> Self {
        Self { counts: [0; MOST], cause: PhantomData }
    }
}

impl<C> PartialEq for Counts<C> {
    fn eq(&self, other: &Self) -> bool {
        self.counts == other.counts
    }
}

impl<C> Eq for Counts<C> {}

impl<C: Cause> fmt::Debug for Counts<C> {
    /// The causes with a count above 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().filter(|(_, count)| *count > 0).map(|(cause, count)| (cause.name(), count)))
            .finish()
    }
}

macro_rules! causes {
    ($(#[$about:meta])* $kind:ident { $($(#[$what:meta])* $cause:ident = $name:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $kind {
            $($(#[$what])* $cause,)*
        }

        impl Cause for $kind {
            const ALL: &'static [Self] = &[$(Self::$cause,)*];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$cause => $name,)*
                }
            }

            fn index(self) -> usize {
                self as usize
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        const _: () = assert!($kind::ALL.len() <= MOST);
    };
}

causes! {
    /// Why a command was refused. The connection goes on.
    Refused {
        /// Creating: there is a channel of this name.
        NameInUse = "name-in-use",
        /// Entering: there is no channel of this name.
        NoSuchChannel = "no-such-channel",
        /// Entering: the channel is the connection's own.
        OwnChannel = "own-channel",
        /// Entering: the connection is in it already.
        AlreadyEntered = "already-entered",
        /// Entering: [`Config::max_users_per_channel`](crate::Config::max_users_per_channel).
        ChannelFull = "channel-full",
        /// [`Config::max_channels_per_connection`](crate::Config::max_channels_per_connection).
        ConnectionChannels = "connection-channels",
        /// Creating: [`Config::max_channels_per_address`](crate::Config::max_channels_per_address).
        AddressChannels = "address-channels",
        /// Creating: [`Config::max_channels_per_network`](crate::Config::max_channels_per_network).
        NetworkChannels = "network-channels",
        /// Creating: [`Config::max_channels`](crate::Config::max_channels).
        RelayChannels = "relay-channels",
        /// Entering:
        /// [`Config::max_users_per_channel_per_address`](crate::Config::max_users_per_channel_per_address).
        AddressUsers = "address-users",
        /// Entering:
        /// [`Config::max_users_per_channel_per_network`](crate::Config::max_users_per_channel_per_network).
        NetworkUsers = "network-users",
        /// Creating: [`Config::max_name_bytes`](crate::Config::max_name_bytes).
        NameTooLong = "name-too-long",
        /// Creating: [`Config::allowed_names`](crate::Config::allowed_names).
        NameNotAllowed = "name-not-allowed",
        /// Creating: [`Config::create_from`](crate::Config::create_from).
        AddressNotAllowed = "address-not-allowed",
        /// Entering: the channel's server has blocked the connection.
        Blocked = "blocked",
        /// Entering: the channel's server does not want the user.
        RefusedByServer = "refused-by-server",
        /// Entering: the channel's server did not answer, or could not be asked.
        NoAnswer = "no-answer",
        /// [`Config::access`](crate::Config::access): no token and no signed name that allows it.
        NotPermitted = "not-permitted",
        /// The signed name, or the key of the token, is none that the relay knows.
        Forged = "forged",
        /// The time of the token or of the signed name is over, or has not come.
        Expired = "expired",
        /// The tables have no room for it: [`Config::memory_bytes`](crate::Config::memory_bytes).
        Memory = "memory",
        /// Creating: the relay is drained.
        Draining = "draining",
        /// Creating: the directory of the [cluster](crate::Config::cluster) does not answer.
        Directory = "directory",
        /// Anything else.
        Other = "other",
    }
}

causes! {
    /// Why a connection was closed as soon as it came.
    TurnedAway {
        /// [`Config::connect_from`](crate::Config::connect_from).
        AddressNotAllowed = "address-not-allowed",
        /// [`Config::max_connections`](crate::Config::max_connections).
        Connections = "connections",
        /// [`Config::max_connections_per_address`](crate::Config::max_connections_per_address).
        Address = "address",
        /// [`Config::max_connections_per_network`](crate::Config::max_connections_per_network).
        Network = "network",
        /// [`Config::connections_per_second_per_address`](crate::Config::connections_per_second_per_address).
        Rate = "rate",
        /// The operator has banned it.
        Banned = "banned",
        /// The relay is drained.
        Draining = "draining",
        /// The tables have no room for it: [`Config::memory_bytes`](crate::Config::memory_bytes).
        Memory = "memory",
        /// The system had no room for it.
        System = "system",
    }
}

causes! {
    /// Why a connection has ended.
    Closed {
        /// Its endpoint has closed it, the WebSocket included.
        Endpoint = "endpoint",
        /// The network has.
        Broken = "broken",
        /// It sent what no endpoint means.
        Malformed = "malformed",
        /// It gave a command that does not exist.
        UnknownCommand = "unknown-command",
        /// It did not speak TLS where that is spoken, or broke its rules, or it spoke TLS
        /// elsewhere.
        TlsFailed = "tls-failed",
        /// It broke the rules of WebSocket.
        WebSocketFailed = "websocket-failed",
        /// [`Config::first_byte_timeout`](crate::Config::first_byte_timeout).
        FirstByteTimeout = "first-byte-timeout",
        /// [`Config::handshake_timeout`](crate::Config::handshake_timeout).
        HandshakeTimeout = "handshake-timeout",
        /// [`Config::idle_timeout`](crate::Config::idle_timeout).
        IdleTimeout = "idle-timeout",
        /// [`Config::unused_timeout`](crate::Config::unused_timeout).
        UnusedTimeout = "unused-timeout",
        /// [`Config::stall_timeout`](crate::Config::stall_timeout).
        StallTimeout = "stall-timeout",
        /// [`Config::slow_receiver_grace`](crate::Config::slow_receiver_grace).
        SlowReceiver = "slow-receiver",
        /// [`Config::memory_bytes`](crate::Config::memory_bytes): it held the most when that was
        /// used up.
        Memory = "memory",
        /// Its HTTP request was answered with a page, such as `/health`.
        Page = "page",
        /// Its HTTP request was refused, for any reason but the next two.
        BadRequest = "bad-request",
        /// [`Config::allowed_origins`](crate::Config::allowed_origins).
        Origin = "origin",
        /// [`Config::watch_from`](crate::Config::watch_from).
        WatchFrom = "watch-from",
        /// The token in its HTTP request does not count, or its network has shown too many
        /// ([`Config::tokens_per_second_per_network`](crate::Config::tokens_per_second_per_network)).
        /// Or three tokens in its hellos did not count, one after the other.
        Token = "token",
        /// [`Config::access_revoked`](crate::Config::access_revoked).
        Revoked = "revoked",
        /// [`Config::proxy_protocol_from`](crate::Config::proxy_protocol_from): there was no good
        /// header.
        ProxyHeader = "proxy-header",
        /// It came through a proxy, and its client is counted as [turned away](TurnedAway), too.
        TurnedAway = "turned-away",
        /// The operator has closed it.
        Kicked = "kicked",
        /// The operator has banned its address or its subject.
        Banned = "banned",
        /// The relay is drained.
        Drained = "drained",
        /// [`Config::cluster_lease`](crate::Config::cluster_lease) was over, and it owned channels.
        Lapsed = "lapsed",
        /// The relay stops.
        Stopping = "stopping",
        /// Anything else.
        Other = "other",
    }
}

causes! {
    /// Why a connection was not read for a while.
    Paused {
        /// The queue of a receiver was full.
        FullQueue = "full-queue",
        /// The window of a receiver that takes part in flow control was used up, and the connection
        /// does not take part.
        Window = "window",
        /// [`Config::commands_per_second`](crate::Config::commands_per_second).
        Commands = "commands",
        /// [`Config::bytes_per_second`](crate::Config::bytes_per_second).
        Bytes = "bytes",
        /// [`Config::messages_per_second`](crate::Config::messages_per_second).
        Messages = "messages",
        /// [`Config::tls_handshakes_per_second_per_network`](crate::Config::tls_handshakes_per_second_per_network),
        /// of its network.
        Handshakes = "handshakes",
        /// [`Config::tokens_per_second_per_network`](crate::Config::tokens_per_second_per_network),
        /// of its network.
        Tokens = "tokens",
    }
}

impl Refused {
    /// What it means, for the log. What an endpoint is told has only few words for all of these.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NameInUse => "there is a channel of this name",
            Self::NoSuchChannel => "there is no channel of this name",
            Self::OwnChannel => "the channel is the connection's own",
            Self::AlreadyEntered => "the connection is in the channel already",
            Self::ChannelFull => "the channel has as many users as it may (max-users-per-channel)",
            Self::ConnectionChannels => {
                "the connection has as many channels as it may (max-channels-per-connection)"
            }
            Self::AddressChannels => "the address owns as many channels as it may (max-channels-per-address)",
            Self::NetworkChannels => "the network owns as many channels as it may (max-channels-per-network)",
            Self::RelayChannels => "there are as many channels as there may be (max-channels)",
            Self::AddressUsers => {
                "the address has as many users in the channel as it may (max-users-per-channel-per-address)"
            }
            Self::NetworkUsers => {
                "the network has as many users in the channel as it may (max-users-per-channel-per-network)"
            }
            Self::NameTooLong => "the name is longer than it may be (max-name-bytes)",
            Self::NameNotAllowed => "the name is not one of those that are allowed (allowed-names)",
            Self::AddressNotAllowed => "channels may not be created from this address (create-from)",
            Self::Blocked => "the channel's server has blocked the connection",
            Self::RefusedByServer => "the channel's server does not want the user",
            Self::NoAnswer => "the channel's server did not answer, or could not be asked",
            Self::NotPermitted => "neither a token nor a signed name allows it (access)",
            Self::Forged => "the signature is by none of the keys (access-keys)",
            Self::Memory => "there is no memory for it in the tables (memory-bytes)",
            Self::Draining => "the relay is being drained",
            Self::Directory => "the directory of the cluster does not answer (cluster)",
            Self::Expired => "the token or the signed name is not valid at this time",
            Self::Other => "the relay has no room for it",
        }
    }

    /// Whether endpoints try again and again until it is over: a user that waits for its server or
    /// for a place, a server that waits for its name.
    pub(crate) fn is_waited_out(self) -> bool {
        matches!(
            self,
            Self::NoSuchChannel
                | Self::NameInUse
                | Self::ChannelFull
                | Self::RefusedByServer
                | Self::AddressUsers
                | Self::NetworkUsers
        )
    }
}

impl TurnedAway {
    /// What it means, for the log.
    pub(crate) fn text(self) -> &'static str {
        self.told().trim_start_matches("full: ")
    }

    /// What is said to those who ask over HTTP.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::AddressNotAllowed => "connections from this address are not accepted (connect-from)",
            Self::Connections => "full: there are as many connections as there may be (max-connections)",
            Self::Address => {
                "full: the address has as many connections as it may (max-connections-per-address)"
            }
            Self::Network => {
                "full: the network has as many connections as it may (max-connections-per-network)"
            }
            Self::Rate => {
                "full: the address connects more often than it may (connections-per-second-per-address)"
            }
            Self::Banned => "connections from this address are not accepted (banned)",
            Self::Memory => "full: there is no memory for it in the tables (memory-bytes)",
            Self::Draining => "draining: the relay accepts no connections any more",
            Self::System => "full: the system has no room for it",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_counted_one_by_one() {
        let mut counts = Counts::<Closed>::default();
        for (place, cause) in Closed::ALL.iter().enumerate() {
            assert_eq!(cause.index(), place);
            for _ in 0..=place {
                counts.add(*cause);
            }
        }
        assert!(counts.iter().map(|(_, count)| count).eq(1..=Closed::ALL.len() as u64));
        assert_eq!(counts.of(Closed::Broken), 2);
        assert_eq!(counts.total(), (1..=Closed::ALL.len() as u64).sum::<u64>());
    }

    #[test]
    fn what_did_not_happen_is_not_shown() {
        let mut counts = Counts::<Paused>::default();
        counts.add(Paused::Bytes);
        assert_eq!(format!("{counts:?}"), "{\"bytes\": 1}");
    }
}
