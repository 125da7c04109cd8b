//! What stands in the relay's tables: connections, channels, memberships. All of them start as zero
//! bits: indices are kept plus one, 0 is none.

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

/// What a connection is for flow control and admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)] // zero is the first
pub(super) enum Stage {
    /// It has given no command.
    New,
    /// It has sent nothing but what may stand in front of a hello.
    Fresh,
    /// The same, and its first command has said that a hello will come. Until then no more may be
    /// under way to it than that command said.
    Awaited,
    /// It takes part.
    Part,
    /// It is an existing endpoint.
    Existing,
}

impl Stage {
    /// Whether a hello would count.
    #[inline]
    pub(super) const fn may_say_hello(self) -> bool {
        matches!(self, Self::New | Self::Fresh | Self::Awaited)
    }
}

/// Memory for one connection, 152 bytes.
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
    pub(super) stage: Stage,
    /// Payload bytes that it can keep for each party, if it takes part, or its hello is awaited.
    pub(super) window: u32,
    /// Until when its hello is awaited: the low bits of the milliseconds.
    pub(super) until: u32,
    /// The first of the sides of memberships that are to be dealt with when its queue has drained.
    pub(super) waiting: u32,
    pub(super) generation: u32,
    /// The connections, index plus one, behind this one and in front of it whose hello is awaited;
    /// or the next free one.
    pub(super) next: u32,
    pub(super) before: u32,
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
        stage: Stage::New,
        window: 0,
        until: 0,
        waiting: 0,
        generation: 0,
        next: 0,
        before: 0,
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
    /// Users that knock.
    pub(super) knocking: u8,
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
        knocking: 0,
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
    pub(super) flags: Flags,
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
        flags: Flags::NONE,
    };
}

/// What is known of a membership beside who is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const NONE: Self = Self(0);
    /// What goes to the user is counted, or goes to nobody: not the short way.
    pub(super) const TO_USER: Self = Self(1);
    /// The same for what goes to the server.
    pub(super) const TO_SERVER: Self = Self(2);
    /// The user knocks.
    pub(super) const KNOCKS: Self = Self(4);
    /// Broadcasts to those that are ready pass over the user.
    pub(super) const LEFT_OUT: Self = Self(8);
    /// The user takes part.
    pub(super) const USER_PART: Self = Self(16);
    /// The server takes part.
    pub(super) const SERVER_PART: Self = Self(32);

    #[inline]
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) const fn toggled(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    /// These with `other` or without it.
    pub(super) const fn set(self, other: Self, is_set: bool) -> Self {
        if is_set { self.with(other) } else { self.without(other) }
    }
}

/// Memory for the windows of one membership, and for a user that knocks: 48 bytes. A relay that has
/// it for each membership can take part in flow control.
#[derive(Clone, Debug)]
pub struct FlowSlot {
    /// Of the user, and of the server.
    pub(super) sides: [SideSlot; 2],
    /// When the knock is over: the low bits of the milliseconds.
    pub(super) deadline: u32,
    /// Of the command to enter.
    pub(super) tag: u8,
    /// Of the knock.
    pub(super) ticket: u8,
    /// The number in the channel that the user is told. It is another one where another relay has
    /// given it.
    pub(super) shown: u8,
    /// Whether the user took part when it gave the command to enter.
    pub(super) took_part: bool,
}

/// One side of a membership: what goes there, and what is to be said there.
#[derive(Clone, Debug)]
pub(super) struct SideSlot {
    /// Bytes: see [`Way`](super::windows::Way) for what is counted.
    pub(super) count: u32,
    /// Bytes of a grant that this side is to be told of.
    pub(super) grant: u32,
    /// The next side and the one before in the list of this side's connection.
    pub(super) next: u32,
    pub(super) before: u32,
    pub(super) is_waiting: bool,
    /// The other side has asked this one for a grant. For an existing one the relay grants.
    pub(super) is_asked: bool,
}

impl SideSlot {
    const EMPTY: Self = Self { count: 0, grant: 0, next: 0, before: 0, is_waiting: false, is_asked: false };
}

impl FlowSlot {
    /// The state to start with, all bits zero.
    pub const EMPTY: Self = Self {
        sides: [SideSlot::EMPTY, SideSlot::EMPTY],
        deadline: 0,
        tag: 0,
        ticket: 0,
        shown: 0,
        took_part: false,
    };
}

/// Who gets the unit under way. Fixed when its first byte is routed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// Of the membership; for a broadcast the latest there was at its start: whoever has a greater
    /// one gets nothing.
    pub(super) sequence: u64,
    /// Of the membership or the channel.
    pub(super) index: u32,
    pub(super) kind: Kind,
    /// Number of the user a broadcast leaves out. Whoever has that number is that user or too new.
    pub(super) excluded: Option<u8>,
    /// Whether a broadcast passes over the users that are left out.
    pub(super) ready: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nobody,
    Server,
    User,
    Users,
}

impl Target {
    pub(super) const NOBODY: Self =
        Self { sequence: 0, index: 0, kind: Kind::Nobody, excluded: None, ready: false };
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
