//! How much one connection may send, and how many channels it may have.

use crate::access::{Granted, Limits, Permit};
use crate::config::{Access, Config, limit};
use crate::rate::Capacity;

/// What one connection may, worked out when any of it changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// Channels that it may own, and as many that it may be in.
    pub(crate) channels: usize,
    /// Commands a second; 0: no limit.
    pub(crate) commands: u32,
    pub(crate) messages: Capacity,
    pub(crate) bytes: Capacity,
}

impl Allowance {
    /// What the configuration has, or what a connection has that has shown something. What the
    /// operator has set for a connection goes before what its token says, and that before the
    /// configuration.
    pub(crate) fn new(config: &Config, granted: Option<&Granted>) -> Self {
        let is_anonymous = config.access == Access::Mixed && !granted.is_some_and(Granted::has_shown);
        // of two limits the lower one, where 0 is none
        let lower = |of_all: u64, anonymous: u64| match (of_all, anonymous) {
            (of_all, 0) => of_all,
            (of_all, _) if !is_anonymous => of_all,
            (0, anonymous) => anonymous,
            (of_all, anonymous) => of_all.min(anonymous),
        };
        let none = Limits::default();
        let of_token = granted.and_then(|granted| granted.permit.as_ref()).map_or(none, Permit::limits);
        let of_operator = granted.map_or(none, |granted| granted.limits);
        let channels = of_operator.channels.or(of_token.channels).map_or_else(
            || lower(config.max_channels_per_connection.into(), config.anonymous_max_channels.into()),
            u64::from,
        );
        let commands = of_operator.commands.or(of_token.commands).map_or_else(
            || lower(config.commands_per_second.into(), config.anonymous_commands_per_second.into()),
            u64::from,
        );
        let messages = of_operator.messages.or(of_token.messages).map_or_else(
            || lower(config.messages_per_second.into(), config.anonymous_messages_per_second.into()),
            u64::from,
        );
        let bytes = of_operator.bytes.or(of_token.bytes).unwrap_or_else(|| {
            lower(config.bytes_per_second as u64, config.anonymous_bytes_per_second as u64)
        });
        Self {
            channels: limit(u32::try_from(channels).unwrap_or(0)),
            commands: u32::try_from(commands).unwrap_or(u32::MAX),
            messages: Capacity::new(messages, config.burst),
            bytes: Capacity::new(bytes, config.burst),
        }
    }
}
