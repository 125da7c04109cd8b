//! The table of all settings.

use std::ops::RangeInclusive;
use std::time::Duration;

use peote_relay::{Access, Config, ForwardedHeader, Revoked, SlowReceiver};

use super::{Field, LogFormat, LogLevel, Setting};

pub(super) const SWITCH: [&str; 2] = ["false", "true"];
const LOG_FORMAT: [LogFormat; 2] = [LogFormat::Text, LogFormat::Json];
const SLOW_RECEIVER: [SlowReceiver; 2] = [SlowReceiver::Pause, SlowReceiver::Drop];
const FORWARDED: [ForwardedHeader; 2] = [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded];
const ACCESS: [Access; 3] = [Access::Open, Access::Tokens, Access::Mixed];
const REVOKED: [Revoked; 2] = [Revoked::Keep, Revoked::Close];
pub(super) const LOG_LEVEL_NAMES: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
pub(super) const LOG_LEVEL: [LogLevel; 6] =
    [LogLevel::Off, LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

/// The place of a value among all there are.
pub(super) fn place<T: PartialEq>(value: &T, all: &[T]) -> usize {
    all.iter().position(|one| one == value).unwrap_or_default()
}

const LISTENING: &str = "Listening";
const LIMITS: &str = "Limits (0 means none)";
const POLICY: &str = "Who may do what (empty: no restriction)";
const ACCESS_GROUP: &str = "Tokens and signed names";
const TIMES: &str = "Times (seconds, or with ms, min, h)";
const MEMORY: &str = "Memory (bytes, or with KiB, MiB, GiB, TiB)";
const SLOW: &str = "Receivers slower than their senders";
const CLUSTER: &str = "Many relays as one, on NATS";
const WATCHING: &str = "Watching it";
const OPERATING: &str = "Operating it (peote-relay ctl)";

/// Range of `drain-time`.
const DRAIN_TIME: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(86_400);

/// All settings, in the order in which they are shown.
pub(crate) static SETTINGS: [Setting; 70] = [
    Setting {
        name: "listen",
        group: LISTENING,
        help: "IP address to accept connections on (names are not looked up); give it again for more. Port 0: any free port",
        field: Field::Addresses(|all| &mut all.relay.listen),
    },
    Setting {
        name: "listen-tls",
        group: LISTENING,
        help: "IP address to accept connections on that begin with TLS (wss:// and others); give it again for more",
        field: Field::Addresses(|all| &mut all.relay.listen_tls),
    },
    Setting {
        name: "tls-certificate",
        group: LISTENING,
        help: "For listen-tls: PEM file with the certificate and its chain up to the root; read again on SIGHUP",
        field: Field::File(|all| &mut all.relay.tls_certificate),
    },
    Setting {
        name: "tls-key",
        group: LISTENING,
        help: "For listen-tls: PEM file with the certificate's private key; read again on SIGHUP",
        field: Field::File(|all| &mut all.relay.tls_key),
    },
    Setting {
        name: "proxy-protocol-from",
        group: LISTENING,
        help: "Range of addresses of proxies whose connections begin with a header of the PROXY protocol; give it again for more; \
               none at all: no such proxies",
        field: Field::Ranges(|all| &mut all.relay.proxy_protocol_from),
    },
    Setting {
        name: "forwarded-from",
        group: LISTENING,
        help: "Range of addresses of proxies whose HTTP requests name the client in forwarded-header; give it again for more; \
               none at all: no such proxies",
        field: Field::Ranges(|all| &mut all.relay.forwarded_from),
    },
    Setting {
        name: "forwarded-header",
        group: LISTENING,
        help: "The header that these proxies set themselves",
        field: Field::Choice(
            &["x-forwarded-for", "forwarded"],
            |all| place(&all.relay.forwarded_header, &FORWARDED),
            |all, choice| all.relay.forwarded_header = FORWARDED[choice],
        ),
    },
    Setting {
        name: "max-connections",
        group: LIMITS,
        help: "Connections at the same time",
        field: Field::Count(|all| &mut all.relay.max_connections, Config::COUNT),
    },
    Setting {
        name: "max-connections-per-address",
        group: LIMITS,
        help: "Connections at the same time from one IP address, or from one /64 with IPv6",
        field: Field::Count(|all| &mut all.relay.max_connections_per_address, Config::COUNT),
    },
    Setting {
        name: "max-connections-per-network",
        group: LIMITS,
        help: "Connections at the same time from one network: a /24, or a /48 with IPv6",
        field: Field::Count(|all| &mut all.relay.max_connections_per_network, Config::COUNT),
    },
    Setting {
        name: "connections-per-second-per-address",
        group: LIMITS,
        help: "Connections a second from one IP address (or /64), ended ones included",
        field: Field::Count(|all| &mut all.relay.connections_per_second_per_address, Config::COUNT),
    },
    Setting {
        name: "max-channels",
        group: LIMITS,
        help: "Channels at the same time on the whole relay",
        field: Field::Count(|all| &mut all.relay.max_channels, Config::COUNT),
    },
    Setting {
        name: "max-channels-per-address",
        group: LIMITS,
        help: "Channels that the connections of one IP address (or /64) own together",
        field: Field::Count(|all| &mut all.relay.max_channels_per_address, Config::COUNT),
    },
    Setting {
        name: "max-channels-per-network",
        group: LIMITS,
        help: "Channels that the connections of one network (a /24, or a /48 with IPv6) own together",
        field: Field::Count(|all| &mut all.relay.max_channels_per_network, Config::COUNT),
    },
    Setting {
        name: "max-channels-per-connection",
        group: LIMITS,
        help: "Channels one connection may own, and channels it may be in; \
               the protocol has at most 128 of each",
        field: Field::Count(
            |all| &mut all.relay.max_channels_per_connection,
            Config::MAX_CHANNELS_PER_CONNECTION,
        ),
    },
    Setting {
        name: "max-users-per-channel",
        group: LIMITS,
        help: "Users of one channel; the protocol has at most 256",
        field: Field::Count(|all| &mut all.relay.max_users_per_channel, Config::MAX_USERS_PER_CHANNEL),
    },
    Setting {
        name: "max-users-per-channel-per-address",
        group: LIMITS,
        help: "Users of one channel from one IP address (or /64); a user that has left counts for 6 s more",
        field: Field::Count(|all| &mut all.relay.max_users_per_channel_per_address, Config::COUNT),
    },
    Setting {
        name: "max-users-per-channel-per-network",
        group: LIMITS,
        help: "Users of one channel from one network (a /24, or a /48 with IPv6), counted in the same way",
        field: Field::Count(|all| &mut all.relay.max_users_per_channel_per_network, Config::COUNT),
    },
    Setting {
        name: "commands-per-second",
        group: LIMITS,
        help: "Commands (create, enter, leave, delete) a second from one connection; data is not counted",
        field: Field::Count(|all| &mut all.relay.commands_per_second, Config::COUNT),
    },
    Setting {
        name: "messages-per-second",
        group: LIMITS,
        help: "Units of data a second from one connection; with more it is read more slowly",
        field: Field::Count(|all| &mut all.relay.messages_per_second, Config::COUNT),
    },
    Setting {
        name: "bytes-per-second",
        group: LIMITS,
        help: "Bytes a second from one connection; with more it is read more slowly",
        field: Field::Size(|all| &mut all.relay.bytes_per_second, Config::BYTES_PER_SECOND),
    },
    Setting {
        name: "tls-handshakes-per-second-per-network",
        group: LIMITS,
        help: "TLS handshakes a second from one network (a /24, or a /48 with IPv6); more have to wait",
        field: Field::Count(|all| &mut all.relay.tls_handshakes_per_second_per_network, Config::COUNT),
    },
    Setting {
        name: "tokens-per-second-per-network",
        group: LIMITS,
        help: "Tokens a second that are checked for one network (a /24, or a /48 with IPv6); more have to wait",
        field: Field::Count(|all| &mut all.relay.tokens_per_second_per_network, Config::COUNT),
    },
    Setting {
        name: "burst",
        group: LIMITS,
        help: "Seconds whose worth of messages, bytes, connections, TLS handshakes and tokens may come at once",
        field: Field::Seconds(|all| &mut all.relay.burst, Config::BURST),
    },
    Setting {
        name: "max-name-bytes",
        group: LIMITS,
        help: "Bytes of the longest name of a channel; the protocol has at most 255",
        field: Field::Count(|all| &mut all.relay.max_name_bytes, Config::MAX_NAME_BYTES),
    },
    Setting {
        name: "connect-from",
        group: POLICY,
        help: "Range of addresses from which connections are accepted; give it again for more",
        field: Field::Ranges(|all| &mut all.relay.connect_from),
    },
    Setting {
        name: "create-from",
        group: POLICY,
        help: "Range of addresses from which channels may be created; give it again for more",
        field: Field::Ranges(|all| &mut all.relay.create_from),
    },
    Setting {
        name: "allowed-names",
        group: POLICY,
        help: "Names that channels may be given, with * for any characters; give it again for more",
        field: Field::Texts(|all| &mut all.relay.allowed_names, "PATTERN"),
    },
    Setting {
        name: "allowed-origins",
        group: POLICY,
        help: "Origins of pages from which browsers may connect (https://example.com, https://*.example.com); \
               give it again for more",
        field: Field::Texts(|all| &mut all.relay.allowed_origins, "ORIGIN"),
    },
    Setting {
        name: "access",
        group: ACCESS_GROUP,
        help: "What it takes to create and enter channels: nothing, a token or a signed name, or one of both but for the channels of \
               anonymous-create and anonymous-enter",
        field: Field::Choice(
            &["open", "tokens", "mixed"],
            |all| place(&all.relay.access, &ACCESS),
            |all, choice| all.relay.access = ACCESS[choice],
        ),
    },
    Setting {
        name: "access-keys",
        group: ACCESS_GROUP,
        help: "For access: TOML file with the keys of tokens and signed names; read again on SIGHUP",
        field: Field::File(|all| &mut all.relay.access_keys),
    },
    Setting {
        name: "access-leeway",
        group: ACCESS_GROUP,
        help: "How far the clock of a maker of tokens and signed names may be from this one",
        field: Field::Seconds(|all| &mut all.relay.access_leeway, Config::ACCESS_LEEWAY),
    },
    Setting {
        name: "access-revoked",
        group: ACCESS_GROUP,
        help: "When a key has been taken away: keep the connections that have used it, or close them",
        field: Field::Choice(
            &["keep", "close"],
            |all| place(&all.relay.access_revoked, &REVOKED),
            |all, choice| all.relay.access_revoked = REVOKED[choice],
        ),
    },
    Setting {
        name: "anonymous-create",
        group: ACCESS_GROUP,
        help: "With access = mixed, names of channels that may be created without, with * for any characters; give it again for more",
        field: Field::Texts(|all| &mut all.relay.anonymous_create, "PATTERN"),
    },
    Setting {
        name: "anonymous-enter",
        group: ACCESS_GROUP,
        help: "With access = mixed, names of channels that may be entered without; give it again for more",
        field: Field::Texts(|all| &mut all.relay.anonymous_enter, "PATTERN"),
    },
    Setting {
        name: "anonymous-max-channels",
        group: ACCESS_GROUP,
        help: "With access = mixed, as max-channels-per-connection for connections without; 0: the same",
        field: Field::Count(|all| &mut all.relay.anonymous_max_channels, Config::MAX_CHANNELS_PER_CONNECTION),
    },
    Setting {
        name: "anonymous-commands-per-second",
        group: ACCESS_GROUP,
        help: "With access = mixed, as commands-per-second for connections without; 0: the same",
        field: Field::Count(|all| &mut all.relay.anonymous_commands_per_second, Config::COUNT),
    },
    Setting {
        name: "anonymous-messages-per-second",
        group: ACCESS_GROUP,
        help: "With access = mixed, as messages-per-second for connections without; 0: the same",
        field: Field::Count(|all| &mut all.relay.anonymous_messages_per_second, Config::COUNT),
    },
    Setting {
        name: "anonymous-bytes-per-second",
        group: ACCESS_GROUP,
        help: "With access = mixed, as bytes-per-second for connections without; 0: the same",
        field: Field::Size(|all| &mut all.relay.anonymous_bytes_per_second, Config::BYTES_PER_SECOND),
    },
    Setting {
        name: "first-byte-timeout",
        group: TIMES,
        help: "Close a connection whose first byte has not come after this time",
        field: Field::Seconds(|all| &mut all.relay.first_byte_timeout, Config::FIRST_BYTE_TIMEOUT),
    },
    Setting {
        name: "handshake-timeout",
        group: TIMES,
        help: "Close a connection that begins with an HTTP request (WebSocket, /health) \
               when that has not come after this time, or whose TLS handshake is not over by then",
        field: Field::Seconds(|all| &mut all.relay.handshake_timeout, Config::HANDSHAKE_TIMEOUT),
    },
    Setting {
        name: "idle-timeout",
        group: TIMES,
        help: "Close a connection that has sent nothing for this time, 0: never; \
               endpoints that only listen send nothing",
        field: Field::Seconds(|all| &mut all.relay.idle_timeout, Config::IDLE_TIMEOUT),
    },
    Setting {
        name: "unused-timeout",
        group: TIMES,
        help: "Close a connection that is in no channel and owns none for this time, 0: never",
        field: Field::Seconds(|all| &mut all.relay.unused_timeout, Config::UNUSED_TIMEOUT),
    },
    Setting {
        name: "keepalive-interval",
        group: TIMES,
        help: "Say something to a connection that was sent nothing for this time; \
               endpoints take 20 s of silence for the loss of the connection, so from 20 on there is a warning",
        field: Field::Seconds(|all| &mut all.relay.keepalive_interval, Config::KEEPALIVE_INTERVAL),
    },
    Setting {
        name: "max-keepalive-interval",
        group: TIMES,
        help: "Longest keepalive interval that an endpoint may ask for",
        field: Field::Seconds(|all| &mut all.relay.max_keepalive_interval, Config::MAX_KEEPALIVE_INTERVAL),
    },
    Setting {
        name: "tcp-keepalive",
        group: TIMES,
        help: "Give up a connection whose endpoint gives no sign of life for this time; counted in whole seconds",
        field: Field::Seconds(|all| &mut all.relay.tcp_keepalive, Config::TCP_KEEPALIVE),
    },
    Setting {
        name: "shutdown-timeout",
        group: TIMES,
        help: "When asked to stop, go on writing what is queued, and wait for endpoints to close, \
               for at most this time",
        field: Field::Seconds(|all| &mut all.relay.shutdown_timeout, Config::SHUTDOWN_TIMEOUT),
    },
    Setting {
        name: "queue-bytes",
        group: MEMORY,
        help: "What may wait to be sent to one connection",
        field: Field::Size(|all| &mut all.relay.queue_bytes, Config::QUEUE_BYTES),
    },
    Setting {
        name: "memory-bytes",
        group: MEMORY,
        help: "What may wait to be sent to all connections together, with all tables; at least queue-bytes",
        field: Field::Size(|all| &mut all.relay.memory_bytes, Config::MEMORY_BYTES),
    },
    Setting {
        name: "slow-receiver",
        group: SLOW,
        help: "When a receiver's queue is full: pause its senders, or drop the receiver",
        field: Field::Choice(
            &["pause", "drop"],
            |all| place(&all.relay.slow_receiver, &SLOW_RECEIVER),
            |all, choice| all.relay.slow_receiver = SLOW_RECEIVER[choice],
        ),
    },
    Setting {
        name: "slow-receiver-grace",
        group: SLOW,
        help: "With slow-receiver = drop: seconds a queue may stay full",
        field: Field::Seconds(|all| &mut all.relay.slow_receiver_grace, Config::SLOW_RECEIVER_GRACE),
    },
    Setting {
        name: "stall-timeout",
        group: SLOW,
        help: "Drop a receiver that has taken nothing for so many seconds while others wait for it, \
               with each value of slow-receiver",
        field: Field::Seconds(|all| &mut all.relay.stall_timeout, Config::STALL_TIMEOUT),
    },
    Setting {
        name: "slow-receiver-bytes-per-second",
        group: SLOW,
        help: "What a receiver has to take while others wait for it, or it is dropped once it lacks \
               stall-timeout's worth; 0: a single byte within stall-timeout is enough",
        field: Field::Size(
            |all| &mut all.relay.slow_receiver_bytes_per_second,
            Config::SLOW_RECEIVER_BYTES_PER_SECOND,
        ),
    },
    Setting {
        name: "cluster",
        group: CLUSTER,
        help: "Address of a NATS server (nats:// or tls://) on which this relay and others are one; give it again for all servers of a NATS \
               cluster",
        field: Field::Texts(|all| &mut all.relay.cluster, "nats://HOST:PORT"),
    },
    Setting {
        name: "cluster-name",
        group: CLUSTER,
        help: "Which cluster of relays on these servers: letters, digits, - and _; relays with another one are not seen",
        field: Field::Text(|all| &mut all.relay.cluster_name, "NAME"),
    },
    Setting {
        name: "cluster-credentials",
        group: CLUSTER,
        help: "File with credentials for NATS: a user's JWT and seed, as \"nsc generate creds\" writes them",
        field: Field::File(|all| &mut all.relay.cluster_credentials),
    },
    Setting {
        name: "cluster-ca",
        group: CLUSTER,
        help: "PEM file with the root by which the certificates of the NATS servers are checked; for tls://",
        field: Field::File(|all| &mut all.relay.cluster_ca),
    },
    Setting {
        name: "cluster-certificate",
        group: CLUSTER,
        help: "PEM file with the certificate that this relay shows NATS servers, if they ask for one; with cluster-key",
        field: Field::File(|all| &mut all.relay.cluster_certificate),
    },
    Setting {
        name: "cluster-key",
        group: CLUSTER,
        help: "PEM file with the key of cluster-certificate",
        field: Field::File(|all| &mut all.relay.cluster_key),
    },
    Setting {
        name: "cluster-file",
        group: CLUSTER,
        help: "File of this relay alone, locked while it runs: its names are free at once when it is started again after it was killed",
        field: Field::File(|all| &mut all.relay.cluster_file),
    },
    Setting {
        name: "cluster-lease",
        group: CLUSTER,
        help: "How long the names of a relay are kept for it that nothing is heard of; the same for all relays of the cluster",
        field: Field::Seconds(|all| &mut all.relay.cluster_lease, Config::CLUSTER_LEASE),
    },
    Setting {
        name: "metrics",
        group: WATCHING,
        help: "Answer HTTP requests for /metrics, on the same port, with figures for Prometheus",
        field: Field::Switch(|all| &mut all.relay.metrics),
    },
    Setting {
        name: "details",
        group: WATCHING,
        help: "Answer HTTP requests for /details, on the same port, with the busiest connections and their channels, \
               as JSON; `peote-relay top` needs it",
        field: Field::Switch(|all| &mut all.relay.details),
    },
    Setting {
        name: "watch-from",
        group: WATCHING,
        help: "Range of addresses from which /metrics and /details may be asked for; give it again for more; \
               none at all: from everywhere",
        field: Field::Ranges(|all| &mut all.relay.watch_from),
    },
    Setting {
        name: "log-level",
        group: WATCHING,
        help: "What is logged to standard error",
        field: Field::Choice(
            &LOG_LEVEL_NAMES,
            |all| place(&all.log_level, &LOG_LEVEL),
            |all, choice| all.log_level = LOG_LEVEL[choice],
        ),
    },
    Setting {
        name: "log-format",
        group: WATCHING,
        help: "How it is logged: as lines of text, or as one JSON object in each line",
        field: Field::Choice(
            &["text", "json"],
            |all| place(&all.log_format, &LOG_FORMAT),
            |all, choice| all.log_format = LOG_FORMAT[choice],
        ),
    },
    Setting {
        name: "log-bytes-per-day",
        group: WATCHING,
        help: "Bytes of log lines in any 24 hours, 0: no limit; ordinary lines leave a part of it to warnings",
        field: Field::Size(|all| &mut all.log_bytes_per_day, Config::BYTES_PER_SECOND),
    },
    Setting {
        name: "control-socket",
        group: OPERATING,
        help: "Path of the Unix socket on which peote-relay ctl is answered; its permissions are the only check",
        field: Field::File(|all| &mut all.control_socket),
    },
    Setting {
        name: "ban-file",
        group: OPERATING,
        help: "File in which bans are kept, so that they hold after a restart",
        field: Field::File(|all| &mut all.ban_file),
    },
    Setting {
        name: "drain-time",
        group: OPERATING,
        help: "Over how long connections are closed, one after the other, when the relay is drained",
        field: Field::Seconds(|all| &mut all.drain_time, DRAIN_TIME),
    },
];
