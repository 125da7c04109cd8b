//! What the forwarding core and its caller say to each other.

use core::fmt;

use crate::Reason;
use crate::protocol::items::Items;
use crate::protocol::to_endpoint::Capabilities;
use crate::protocol::to_relay::Malformed;
use crate::time::Instant;

/// Seconds of silence after which a relay sends a keepalive where nothing else is agreed.
const KEEPALIVE_SECONDS: u32 = 5;
const _: () = assert!(KEEPALIVE_SECONDS as u64 * 1000 == crate::protocol::KEEPALIVE_INTERVAL_MILLIS);

/// One connection of a [`Relay`](super::Relay): a place in its table and how often the place was
/// used before, so that a stale one is never taken for its successor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConnectionId {
    pub(super) index: u32,
    pub(super) generation: u32,
}

impl ConnectionId {
    /// The place in the table of connections, counted from 0: below the number of connections there
    /// ever were at once. A place is given again to a later connection, so that callers can keep a
    /// table of their own beside it.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// Tells the connections apart that had the same place one after the other.
    #[inline]
    #[must_use]
    pub const fn generation(self) -> u32 {
        self.generation
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

/// Where a connection comes from, for limits of what one address and one network may have.
///
/// Any numbers that are the same for the same address, such as a hash of it. Where they do not
/// matter all are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Home {
    /// Stands for the address.
    pub address: u32,
    /// Stands for the network that the address belongs to.
    pub network: u32,
}

/// What [`receive`](super::Relay::receive) did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use]
pub struct Received {
    /// Bytes of the input that are dealt with. Those behind them have to be presented again.
    pub used: usize,
    /// Why it went no further.
    pub outcome: Outcome,
}

/// Why [`receive`](super::Relay::receive) went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Outcome {
    /// Everything is routed that could be. At most [`MAX_REST`](super::MAX_REST) bytes are left
    /// unused: the start of a unit, to be presented again with more behind it.
    NeedMore,
    /// The queue of that connection lacks room. Present the unused bytes again once it has drained
    /// (or is gone). It can be the sender's own queue, where an answer has to go.
    WaitFor(ConnectionId),
    /// The sender does not take part, and the window of one that does is used up. Present the
    /// unused bytes again after [`Host::resume`]. Where that takes too long,
    /// [`Relay::end_membership`](super::Relay::end_membership) is the way on.
    WaitForWindow(Membership),
    /// [`Host::allow`] has said so. Present the unused bytes again when it is going to say
    /// something else.
    Later,
    /// That is all the [work](Host::work) that the connection may do for now. Present the unused
    /// bytes again when others have had their turn.
    Enough,
    /// Close the connection and call [`disconnect`](super::Relay::disconnect).
    Close(CloseReason),
}

/// One user of one channel, for [`Outcome::WaitForWindow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Membership {
    pub(super) index: u32,
    pub(super) sequence: u64,
}

/// A hello that has come, for [`Host::hello`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Hello<'a> {
    /// What the endpoint says, in its order.
    pub items: Items<'a>,
    /// Whether it takes part from now on.
    pub takes_part: bool,
}

/// What a relay answers to a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Greeting {
    /// Seconds of silence after which the connection gets a keepalive.
    pub keepalive: u32,
    /// Name and version of the relay; what is behind 64 bytes is left out.
    pub name: &'static str,
}

/// Why a connection has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CloseReason {
    /// The endpoint sent what no endpoint means.
    Malformed(Malformed),
    /// The endpoint gave a command that does not exist.
    UnknownCommand(u8),
    /// [`Host::allow`] has said so.
    NotAllowed,
    /// There is no such connection (any more).
    NotConnected,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => write!(f, "malformed: {malformed}"),
            Self::UnknownCommand(code) => write!(f, "unknown command {code}"),
            Self::NotAllowed => f.write_str("a command that is not allowed"),
            Self::NotConnected => f.write_str("there is no such connection"),
        }
    }
}

/// There is no room for one more connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no room for one more connection")
    }
}

impl core::error::Error for Full {}

/// A command that a connection has given, for [`Host::allow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Request<'a> {
    /// Create a channel.
    Create {
        /// The channel's name, 0..=255 bytes of the endpoint's choice.
        name: &'a [u8],
        /// What the command has as the name, of which [`Host::channel_name`] has made `name`.
        given: &'a [u8],
        /// Channels the connection owns so far, 0..=128.
        own: usize,
        /// Channels that exist in the whole relay.
        channels: usize,
    },
    /// Enter a channel.
    Enter {
        /// The channel's name, 0..=255 bytes of the endpoint's choice.
        name: &'a [u8],
        /// What the command has as the name, of which [`Host::channel_name`] has made `name`.
        given: &'a [u8],
        /// Channels the connection is in so far, 0..=128.
        entered: usize,
        /// Users the channel has so far, 0..=256; 0 if there is no such channel.
        users: usize,
        /// Numbers in the channel that users of the connection's address ([`Home`]) have, or had
        /// and which [rest](super#numbers) now, 0..=256. A few that rest may be those of another
        /// address. 0 where entering is refused anyway.
        of_address: usize,
        /// The same for the connection's network.
        of_network: usize,
    },
    /// Leave an entered channel.
    Leave,
    /// Delete an own channel.
    Delete,
    /// Remove a user from an own channel.
    Remove,
    /// Remove a user from an own channel and block its connection.
    Block,
    /// Say hello, maybe with a token.
    Hello,
}

/// Answer of [`Host::allow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Decision {
    /// Carry it out.
    Yes,
    /// Not now: [`receive`](super::Relay::receive) stops in front of the command with
    /// [`Outcome::Later`] and asks again next time.
    Later,
    /// Refuse it, for one of the reasons that creating or entering can be refused for. `Leave`,
    /// `Delete` and `Hello` cannot be refused, for those it means `Yes`. `Remove` and `Block` are
    /// then passed over; they have no answer, so the endpoint does not hear of it.
    No(Reason),
    /// Refuse it without a hint whether there is a channel of this name: creating with
    /// [`Reason::NameInUse`], entering with [`Reason::NoSuchChannel`], even where the core has a
    /// reason of its own. For all others as `No`.
    Hide,
    /// Close the connection.
    Close,
}

/// Something that happened, for logs and metrics. Names are an endpoint's choice, so escape them
/// before they reach a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Note<'a> {
    /// A connection has created a channel.
    Created {
        /// The channel's server.
        server: ConnectionId,
        /// The channel's number there, 0..=127.
        channel: u8,
        /// The channel's name.
        name: &'a [u8],
    },
    /// A channel is gone. A [`Note::Left`] for each of its users came before.
    Deleted {
        /// The channel's server.
        server: ConnectionId,
        /// The channel's number there, 0..=127.
        channel: u8,
        /// The channel's name.
        name: &'a [u8],
        /// [`Reason::OnPurpose`] or [`Reason::ConnectionLost`].
        reason: Reason,
    },
    /// A connection has entered a channel.
    Entered {
        /// The connection that has entered.
        user: ConnectionId,
        /// The user's number in the channel.
        number: u8,
        /// The channel's server.
        server: ConnectionId,
        /// The channel's name.
        name: &'a [u8],
    },
    /// A connection wants to enter a channel whose server takes part, and that server is asked.
    /// [`Note::Entered`] follows, or [`Note::NotAdmitted`].
    Knocked {
        /// The connection that knocks.
        user: ConnectionId,
        /// The number in the channel that is reserved for it.
        number: u8,
        /// The channel's server.
        server: ConnectionId,
        /// The channel's name.
        name: &'a [u8],
    },
    /// A connection that has [knocked](Note::Knocked) is not let in. [`Note::Refused`] follows if
    /// the server or the relay has refused it.
    NotAdmitted {
        /// The connection that knocked.
        user: ConnectionId,
        /// The number in the channel that was reserved for it.
        number: u8,
        /// The channel's server.
        server: ConnectionId,
        /// The channel's name.
        name: &'a [u8],
        /// [`Reason::Kicked`] if the server has refused it, [`Reason::ConnectionLost`] if it has
        /// gone or the server has not answered in time, [`Reason::NoSuchChannel`] if the channel
        /// has ended.
        reason: Reason,
    },
    /// A connection is no longer in a channel.
    Left {
        /// The connection that was in it.
        user: ConnectionId,
        /// The user's number in the channel.
        number: u8,
        /// The channel's server.
        server: ConnectionId,
        /// The channel's name.
        name: &'a [u8],
        /// [`Reason::OnPurpose`] or [`Reason::ConnectionLost`], of the user or of the channel's
        /// server; [`Reason::Kicked`] if the server removed the user.
        reason: Reason,
    },
    /// A channel's server has removed a user in order to block it. The user's [`Note::Left`] came
    /// before.
    Blocked {
        /// The connection that was in the channel.
        user: ConnectionId,
        /// The user's number in the channel.
        number: u8,
        /// The channel's server.
        server: ConnectionId,
        /// The channel's name.
        name: &'a [u8],
        /// Whether the connection is blocked from now on. `false`: there is no room for it, because
        /// [`MAX_BLOCKED`](super::MAX_BLOCKED) connections are blocked or because of the
        /// [storage](super::memory), and it may enter again.
        is_kept: bool,
    },
    /// A command was refused.
    Refused {
        /// The connection that gave it.
        connection: ConnectionId,
        /// The command.
        request: Request<'a>,
        /// Why.
        reason: Reason,
    },
    /// A connection has to be closed; [`receive`](super::Relay::receive) says so as well.
    Closing {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        cause: CloseReason,
    },
}

/// The caller's side of a [`Relay`](super::Relay): the queues of its connections, and its policy.
///
/// No method may block. The relay's own tables are not reachable from them, so a host cannot
/// disconnect an endpoint in the middle of a call: it notes that down and does it afterwards.
pub trait Host {
    /// Bytes the queue of `connection` has room for now. An empty queue must have room for
    /// [`Host::cut`] bytes, or its senders wait for ever.
    fn free(&self, connection: ConnectionId) -> usize;

    /// Puts the bytes of `header` and those of `payload` at the end of the connection's queue: one
    /// unit, or several short ones in `payload`.
    ///
    /// Payloads and answers come only after [`Host::free`] has said that they fit. Notices (a user
    /// is gone, a channel is gone) come without that question, with an empty `payload`: see [the
    /// module's documentation](super#queues) for how much that can be. So does what a window
    /// allows. A host that announces [`Capabilities::HELLO`] gives up a connection whose queue it
    /// has no memory for. A host that has given a connection up drops the bytes.
    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]);

    /// [`push`](Self::push) if [`free`](Self::free) is `room` at least. Returns whether it is. A
    /// host that has to search for its queue can do it once here.
    #[inline]
    fn push_within(&mut self, connection: ConnectionId, room: usize, header: &[u8], payload: &[u8]) -> bool {
        let has_room = self.free(connection) >= room;
        if has_room {
            self.push(connection, header, payload);
        }
        has_room
    }

    /// A piece of a payload that is longer than this is cut to what a queue has room for, once it
    /// has room for this many bytes; shorter ones go whole. Taken as 8 if it is less.
    fn cut(&self) -> usize {
        1024
    }

    /// The present moment. It says for how long numbers [rest](super#numbers), so it has to go on.
    fn now(&self) -> Instant;

    /// What this relay can do beyond the original protocol: all that the core can do, or some of
    /// it. [`Capabilities::HELLO`] is left out where the storage has [no
    /// memory](super::memory::Parts::flows) for it. Each connection is told when its first byte has
    /// come, unless it is [`Capabilities::NONE`]. A command that is not among it is unknown. Must
    /// not change while a connection is there.
    fn capabilities(&self) -> Capabilities {
        Capabilities::REMOVE_USER.with(Capabilities::BLOCK_USER)
    }

    /// Payload bytes that may be under way to an endpoint that does not take part, in each
    /// membership, from one that does. An empty queue must have room for twice as many. Must not
    /// change. 64 KiB.
    fn window(&self) -> u32 {
        64 * 1024
    }

    /// A connection has said hello. Returns the answer.
    fn hello(&mut self, connection: ConnectionId, hello: &Hello<'_>) -> Greeting {
        let _ = (connection, hello);
        Greeting { keepalive: KEEPALIVE_SECONDS, name: "" }
    }

    /// The window that a connection waited for ([`Outcome::WaitForWindow`]) may be there. Said for
    /// others, too.
    fn resume(&mut self, connection: ConnectionId) {
        let _ = connection;
    }

    /// Whether the queue of a connection has room again for what endpoints that take part may send
    /// there. Asked in [`drained`](super::Relay::drained) and for each unit; it has to become true
    /// some day where endpoints take what is queued.
    fn is_drained(&self, connection: ConnectionId) -> bool {
        self.free(connection) >= self.window() as usize
    }

    /// Something waits until the queue of a connection has [drained](super::Relay::drained): a
    /// notice of a grant; or, where the connection does not take part, a grant that it owes. One
    /// that owes a grant is to be given up if it takes nothing for some seconds. `false`: no
    /// longer.
    fn waits(&mut self, connection: ConnectionId, waits: bool) {
        let _ = (connection, waits);
    }

    /// How much work [`receive`](super::Relay::receive) may do for a connection, so that one that
    /// makes much work of few bytes does not keep others waiting. Asked once at the start of each
    /// call; 0 is taken as 1.
    ///
    /// A unit that is pushed is 1 for each receiver, and 1 for each 64 bytes of a broadcast that
    /// are pushed to each; a unit without a receiver is 1, a command is 32 and what it pushes. Long
    /// broadcasts are cut to what there is work for. What is more than the whole of it at once (a
    /// piece of [`cut`](Self::cut) to many users) is done when nothing else was done in that call;
    /// so with at least 288 a call pushes at most as many units as this says.
    fn work(&self, connection: ConnectionId) -> usize {
        let _ = connection;
        usize::MAX
    }

    /// Returns the part of `name`, as a create or enter command has it, that is the channel's name.
    /// All of it, unless a host keeps something else there, such as a signature. [`Host::allow`]
    /// says afterwards whether that is good.
    fn channel_name<'a>(&self, connection: ConnectionId, name: &'a [u8]) -> &'a [u8] {
        let _ = connection;
        name
    }

    /// Whether a command may be carried out. Asked once for each command that is carried out or
    /// refused, and once for each time it says [`Decision::Later`].
    fn allow(&mut self, connection: ConnectionId, request: &Request<'_>) -> Decision {
        let _ = (connection, request);
        Decision::Yes
    }

    /// Units of data that began in what a [`receive`](super::Relay::receive) has used, units of
    /// size 0 and units without a receiver included, and how many of them are broadcasts; for
    /// limits of what a connection may send, and for figures. Commands that [`Host::allow`] is
    /// asked about are not among them. All others are: grants, words, and what a server says of
    /// users that knock or that broadcasts leave out. And the [work](Host::work) that the call has
    /// done. Said once at the end of each call.
    fn count(&mut self, connection: ConnectionId, units: usize, broadcasts: usize, work: usize) {
        let _ = (connection, units, broadcasts, work);
    }

    /// Something has happened.
    fn notify(&mut self, note: &Note<'_>) {
        let _ = note;
    }

    /// Hash of a channel's name. Where names come from people one does not trust it should be keyed
    /// (`SipHash`), or they choose names that fall together and make each command slow. It must not
    /// change while the relay lives.
    ///
    /// This one is FNV-1a, small and without a key.
    fn hash(&self, name: &[u8]) -> u64 {
        name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}
