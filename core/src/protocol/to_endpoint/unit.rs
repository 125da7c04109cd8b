//! What a relay says.

use crate::protocol::Fragment;

/// One unit from a relay, or the part of it that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unit<'a> {
    /// A command was carried out.
    Success {
        /// The command's tag, 1..=255.
        tag: u8,
        /// The number of the channel that was created or entered.
        channel: u8,
    },
    /// A command to enter a channel was carried out, for an endpoint that takes part. Only with
    /// feature `flow`.
    Entered {
        /// The command's tag, 1..=255.
        tag: u8,
        /// The number of the channel that was entered.
        channel: u8,
        /// One's own number in the channel.
        user: u8,
        /// Payload bytes that may be sent to the channel's server.
        window: u32,
    },
    /// A command was refused.
    Refused {
        /// The command's tag, 1..=255.
        tag: u8,
        /// Why; see [`Reason::of_create`](crate::Reason::of_create) and
        /// [`Reason::of_enter`](crate::Reason::of_enter).
        code: u8,
        /// What the channel's server says about it. Empty without feature `flow`.
        words: Fragment<'a>,
    },
    /// A user has entered an own channel.
    UserEntered {
        /// The own channel's number.
        channel: u8,
        /// The user's number in it.
        user: u8,
    },
    /// A user is gone from an own channel.
    UserGone {
        /// The own channel's number.
        channel: u8,
        /// The user's number in it.
        user: u8,
        /// Why; see [`Reason::of_end`](crate::Reason::of_end).
        reason: u8,
    },
    /// An entered channel is gone.
    ChannelGone {
        /// The entered channel's number.
        channel: u8,
        /// Why; see [`Reason::of_end`](crate::Reason::of_end).
        reason: u8,
    },
    /// The relay is alive.
    Keepalive {
        /// The two last bytes; see
        /// [`Capabilities::from_keepalive`](super::Capabilities::from_keepalive).
        last: [u8; 2],
    },
    /// The relay's hello. Only with feature `flow`.
    Hello {
        /// What it says; see [`Items`](crate::protocol::items::Items).
        items: Fragment<'a>,
    },
    /// A user wants to enter an own channel. Only with feature `flow`.
    Knock {
        /// The own channel's number.
        channel: u8,
        /// The number in it that is reserved for the user.
        user: u8,
        /// Has to be returned with the answer.
        ticket: u8,
        /// Whether the user takes part.
        takes_part: bool,
        /// Payload bytes that may be sent to the user once it is admitted.
        window: u32,
        /// What the user says.
        words: Fragment<'a>,
    },
    /// The server of an entered channel takes more bytes. Only with feature `flow`.
    GrantFromServer {
        /// The entered channel's number, 0..=127.
        channel: u8,
        /// How many more.
        bytes: u32,
    },
    /// A user of an own channel takes more bytes. Only with feature `flow`.
    GrantFromUser {
        /// The own channel's number, 0..=127.
        channel: u8,
        /// The user's number in it.
        user: u8,
        /// How many more.
        bytes: u32,
    },
    /// A membership that began before the hello has windows from here on. Only with feature `flow`.
    Raised {
        /// Whether it is that of a user of an own channel.
        own: bool,
        /// The number of the own or entered channel, 0..=127.
        channel: u8,
        /// The user's number in it; one's own if the channel was entered.
        user: u8,
        /// Payload bytes that may be sent there.
        send: u32,
        /// Payload bytes that may still come from there, behind this unit.
        receive: u32,
    },
    /// The server of an entered channel speaks.
    FromServer {
        /// The entered channel's number, 0..=127.
        channel: u8,
        /// The data.
        payload: Fragment<'a>,
    },
    /// A user of an own channel speaks.
    FromUser {
        /// The own channel's number, 0..=127.
        channel: u8,
        /// The user's number in it.
        user: u8,
        /// The data.
        payload: Fragment<'a>,
    },
    /// Something this version gives no meaning to. It has been passed over; the stream goes on
    /// behind it.
    Unknown,
}
