//! What stands in the relay's tables: connections, channels, memberships. All of them start as zero bits: indices are kept plus one,
//! 0 is none.

use super::host::{ConnectionId, Home};
use super::numbers::Numbers;
use super::places::{Chained, PAGE};
use crate::protocol::{MAX_CHANNELS, MAX_NAME, MAX_USERS};

/// Pages of a table of a connection's channels.
pub(super) const CHANNEL_PAGES: usize = MAX_CHANNELS / PAGE;

/// Pages of a table of a channel's users.
pub(super) const USER_PAGES: usize = MAX_USERS / PAGE;

/// Pages of the longest name.
pub(super) const NAME_PAGES: usize = MAX_NAME.div_ceil(PAGE * 4);

/// Memory for one connection, 136 bytes.
#[derive(Clone, Debug)]
pub struct ConnectionSlot {
    pub(super) own: Numbers<CHANNEL_PAGES>,
    pub(super) entered: Numbers<CHANNEL_PAGES>,
    pub(super) target: Target,
    pub(super) home: Home,
    /// Payload bytes of the unit under way that are still to come.
    pub(super) left: u16,
    pub(super) open: bool,
    /// Its first byte has come, and it has been told what this relay can do.
    pub(super) announced: bool,
    pub(super) generation: u32,
    pub(super) next: u32,
}

impl ConnectionSlot {
    /// The state to start with, all bits zero.
    pub const EMPTY: Self = Self {
        own: Numbers::EMPTY,
        entered: Numbers::EMPTY,
        target: Target::NOBODY,
        home: Home { address: 0, network: 0 },
        left: 0,
        open: false,
        announced: false,
        generation: 0,
        next: 0,
    };
}

/// Memory for one channel, 120 bytes, without its users, its name and those it has blocked.
#[derive(Clone, Debug)]
pub struct ChannelSlot {
    pub(super) server: ConnectionId,
    pub(super) users: Numbers<USER_PAGES>,
    pub(super) name: [u32; NAME_PAGES],
    pub(super) name_len: u8,
    /// Number of the channel at its server.
    pub(super) number: u8,
    pub(super) hash: u32,
    /// Index plus one of the first page with connections that are blocked.
    pub(super) blocked: u32,
    /// Next in the same bucket, or next free.
    pub(super) next: u32,
}

impl ChannelSlot {
    /// The state to start with, all bits zero.
    pub const EMPTY: Self = Self {
        server: ConnectionId { index: 0, generation: 0 },
        users: Numbers::EMPTY,
        name: [0; NAME_PAGES],
        name_len: 0,
        number: 0,
        hash: 0,
        blocked: 0,
        next: 0,
    };
}

/// Memory for one user of one channel, 32 bytes.
#[derive(Clone, Debug)]
pub struct MembershipSlot {
    /// Greater than that of everybody who entered any channel before; 0 if the slot is free.
    pub(super) sequence: u64,
    pub(super) server: ConnectionId,
    pub(super) user: ConnectionId,
    /// The channel's index; the next free slot's if the slot is free.
    pub(super) channel: u32,
    /// Number of the channel at its server.
    pub(super) at_server: u8,
    /// Number of the channel at the user.
    pub(super) at_user: u8,
    /// Number of the user in the channel.
    pub(super) number: u8,
}

impl MembershipSlot {
    /// The state to start with, all bits zero.
    pub const EMPTY: Self = Self {
        sequence: 0,
        server: ConnectionId { index: 0, generation: 0 },
        user: ConnectionId { index: 0, generation: 0 },
        channel: 0,
        at_server: 0,
        at_user: 0,
        number: 0,
    };
}

/// Who gets the unit under way. Fixed when its first byte is routed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// Of the membership; for a broadcast the latest there was at its start: whoever has a greater one gets nothing.
    pub(super) sequence: u64,
    /// Of the membership or the channel.
    pub(super) index: u32,
    pub(super) kind: Kind,
    /// Number of the user a broadcast leaves out. Whoever has that number is that user or too new.
    pub(super) excluded: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nobody,
    Server,
    User,
    Users,
}

impl Target {
    pub(super) const NOBODY: Self = Self { sequence: 0, index: 0, kind: Kind::Nobody, excluded: None };
}

impl Chained for ConnectionSlot {
    fn next(&mut self) -> &mut u32 {
        &mut self.next
    }
}

impl Chained for ChannelSlot {
    fn next(&mut self) -> &mut u32 {
        &mut self.next
    }
}

impl Chained for MembershipSlot {
    fn next(&mut self) -> &mut u32 {
        &mut self.channel
    }
}
