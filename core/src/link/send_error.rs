//! What can go wrong in sending.

use core::fmt;

use super::Channel;
use crate::Reason;
use crate::value::EncodeError;

/// Why something was not sent. Nothing was queued, nothing else was disturbed.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u32)] // so that moving one moves whole words
pub enum SendError {
    /// The transmit ring, the window of one of those it goes to, or a local user's line, has no
    /// room for all of it now. Try again after a poll.
    WouldBlock,
    /// The handle or its user is no longer, or not yet, there: the channel was left, deleted,
    /// refused or lost, the user is gone.
    NotOpen,
    /// The relay has not announced that it can do this (see
    /// [`Out::relay_capabilities`](super::Out::relay_capabilities)). Most relays cannot. A relay
    /// that can announces it after the first command.
    Unsupported,
    /// There was nothing to send: payloads have at least one byte.
    Empty,
    /// A chunk above the channel's maximum. Without feature `large-chunks` also anything above
    /// 32,760 bytes.
    ChunkTooLarge {
        /// The chunk's length in bytes.
        len: usize,
        /// The channel's maximum in bytes.
        max: u32,
    },
    /// The transmit ring, or a local user's line, could not hold this even if it were empty. Make
    /// it larger, or write the chunk in parts (`Out::begin_chunk`, feature `large-chunks`).
    QueueTooSmall {
        /// Bytes it would take there.
        needed: usize,
        /// The size in bytes.
        capacity: usize,
    },
    /// More raw data at once than the window of one of those it goes to. Send it in parts.
    WindowTooSmall {
        /// The length of the data in bytes.
        len: usize,
        /// The window in bytes.
        window: u32,
    },
    /// A channel name above 255 bytes.
    NameTooLong {
        /// The name's length in bytes.
        len: usize,
    },
    /// Words at the door above 200 bytes.
    #[cfg(feature = "admission")]
    WordsTooLong {
        /// Their length in bytes.
        len: usize,
    },
    /// A maximum chunk size of 0, above
    /// [`ChunkLimit::GREATEST`](crate::chunk::ChunkLimit::GREATEST), or above the link's chunk
    /// size. Without feature `large-chunks` also one above 32,768 bytes.
    ChunkLimit {
        /// The maximum that was asked for.
        max: u32,
        /// The link's chunk size in bytes.
        chunk_size: usize,
    },
    /// All slots for own channels are taken: raise `OWN_CHANNELS`.
    TooManyOwnChannels,
    /// All slots for parties (users of own channels and entered channels) are taken: raise
    /// `PARTIES`.
    TooManyParties,
    /// All slots for local users are taken, or the link has no memory for any.
    TooManyLocalUsers,
    /// All entries of a [list of channels](crate::reconnect) that come back are taken.
    ListFull {
        /// How many there are.
        capacity: usize,
    },
    /// This link is in 128 channels already, or as many are still being answered.
    TooManyEnteredChannels,
    /// 255 commands wait for their answers.
    TooManyCommands,
    /// A chunk in parts is on its way to some of those this would reach; finish it first.
    ChunkUnfinished,
    /// No chunk in parts has been begun.
    NoChunkBegun,
    /// More bytes than the chunk that was begun still lacks.
    ChunkOverrun {
        /// What it still lacks, in bytes.
        left: usize,
    },
    /// A value that cannot be written.
    Encode(EncodeError),
    /// A remote procedure call in a channel of another mode: create or enter it with
    /// [`Mode::Rpc`](super::Mode::Rpc).
    #[cfg(feature = "rpc")]
    NotRpc,
    /// Something else than a remote procedure call in a channel of
    /// [`Mode::Rpc`](super::Mode::Rpc): use another channel for it.
    #[cfg(feature = "rpc")]
    OnlyRpc,
    /// A remote procedure call with an answer, to a peer that has not offered the object for
    /// answers ([`rpc::ANSWERS`](crate::rpc::ANSWERS)).
    #[cfg(feature = "rpc")]
    NoAnswers,
    /// As many remote procedure calls with answers are open as [`rpc::Calls`](crate::rpc::Calls)
    /// has room for.
    #[cfg(feature = "rpc")]
    TooManyCalls,
    /// A channel was refused, and the handler did not look at it: from
    /// [`Event::ok`](super::Event::ok), not from sending.
    Refused {
        /// The channel.
        channel: Channel,
        /// Why.
        reason: Reason,
    },
    /// A channel is gone, and the handler did not look at it: from [`Event::ok`](super::Event::ok),
    /// not from sending.
    Closed {
        /// The channel.
        channel: Channel,
        /// Why.
        reason: Reason,
    },
}

impl From<EncodeError> for SendError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldBlock => {
                f.write_str("no room in the transmit ring or the window now; try again after a poll")
            }
            Self::NotOpen => f.write_str("the channel is not open (yet, or any more), or the user has gone"),
            Self::Unsupported => f.write_str("the relay has not announced that it can do this"),
            Self::Empty => f.write_str("there is nothing to send: a payload has at least one byte"),
            Self::ChunkTooLarge { len, max } => {
                write!(f, "a chunk of {len} bytes in a channel of at most {max} bytes a chunk")
            }
            Self::QueueTooSmall { needed, capacity } => {
                write!(
                    f,
                    "{needed} bytes never fit the transmit ring of {capacity} bytes; enlarge it or send in parts"
                )
            }
            Self::WindowTooSmall { len, window } => {
                write!(f, "{len} bytes at once for a window of {window}; send them in parts")
            }
            Self::NameTooLong { len } => write!(f, "a channel name of {len} bytes; at most 255 are allowed"),
            #[cfg(feature = "admission")]
            Self::WordsTooLong { len } => write!(f, "words of {len} bytes; at most 200 are allowed"),
            Self::ChunkLimit { max, chunk_size } => {
                write!(
                    f,
                    "a maximum chunk size of {max} bytes; the memory of this link allows 1 to {chunk_size}"
                )
            }
            Self::TooManyOwnChannels => {
                f.write_str("no free slot for an own channel: raise own_channels of the link's memory")
            }
            Self::TooManyParties => {
                f.write_str("no free slot for a party: raise parties of the link's memory")
            }
            Self::TooManyLocalUsers => {
                f.write_str("no free slot for a local user: raise local_users of the link's memory")
            }
            Self::ListFull { capacity } => {
                write!(f, "all {capacity} entries of the list of channels are taken")
            }
            Self::TooManyEnteredChannels => {
                f.write_str("this link has entered as many channels as it can, 128")
            }
            Self::TooManyCommands => f.write_str("255 commands wait for their answers"),
            Self::ChunkUnfinished => f.write_str("a chunk in parts to the same destination is not finished"),
            Self::NoChunkBegun => f.write_str("no chunk in parts has been begun"),
            Self::ChunkOverrun { left } => write!(f, "the chunk in parts lacks only {left} bytes"),
            Self::Encode(error) => write!(f, "a value cannot be written: {error}"),
            #[cfg(feature = "rpc")]
            Self::NotRpc => f.write_str(
                "the channel is not one of remote procedure calls: create or enter it with Mode::rpc",
            ),
            #[cfg(feature = "rpc")]
            Self::OnlyRpc => {
                f.write_str("the channel has remote procedure calls and nothing else: use another channel")
            }
            #[cfg(feature = "rpc")]
            Self::NoAnswers => f.write_str("the peer has not offered the object for answers to calls"),
            #[cfg(feature = "rpc")]
            Self::TooManyCalls => f.write_str("as many calls with answers are open as there is room for"),
            Self::Refused { channel: Channel::Own(_), reason } => {
                write!(f, "the relay did not create the channel: {reason}")
            }
            Self::Refused { channel: Channel::Entered(_), reason } => {
                write!(f, "the relay did not let this link enter the channel: {reason}")
            }
            Self::Closed { channel, reason } => write!(f, "{channel} is gone: {reason}"),
        }
    }
}

/// The same text: it is what is seen when `main` returns the error.
impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for SendError {}
