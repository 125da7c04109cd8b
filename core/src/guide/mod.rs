//! The guide, in the order in which a reader needs it. Its pages are compiled and run as tests.
//!
//! 1. [A first message](first_message): an echo server and a client, against a relay that one
//!    command starts
//! 2. [Rooms](rooms): who is there, broadcasts, and rooms that the first program serves
//! 3. [Who may come in](admission): passwords, full rooms, a name at the door
//! 4. [Typed messages](typed_messages): structs and enums as messages
//! 5. [Remote procedure calls](rpc): objects that the other end can call
//! 6. [Reconnecting](reconnecting): what happens when the connection is lost
//! 7. [Offline](offline): the same program without a network, with simulated lag
//! 8. [Firmware](firmware): on a microcontroller, from nothing to a first message
//! 9. [The relay](relay): running one, and what it bounds
//!
//! For readers who know something else: [Coming from Haxe](from_haxe), [Coming from
//! MQTT](from_mqtt).
//!
//! # Who is connected with whom
//!
//! ```text
//!    program A                      relay                       program B
//!  ┌───────────┐               ┌─────────────┐               ┌───────────┐
//!  │ server of │   one TCP     │             │   one TCP     │ user of   │
//!  │  "tea"  ──┼───────────────┼── "tea"   ──┼───────────────┼──  "tea"  │
//!  │           │  connection   │             │  connection   │           │
//!  │ user of   │               │             │               │ server of │
//!  │ "scores"──┼───────────────┼─ "scores" ──┼───────────────┼─"scores"  │
//!  └───────────┘               └─────────────┘               └───────────┘
//! ```
//!
//! A program has one connection to a relay: its *link*. Over it run any number of *channels*. The
//! program that creates a channel is its *server*, programs that enter it are its *users*. Users
//! talk with the server only. The server answers one user, or broadcasts. One program can be server
//! and user at the same time, in different channels.
//!
//! # What one turn of the loop does
//!
//! ```text
//!           ┌──────────────────────────── poll ───────────────────────────┐
//!  bytes in │  read once ─► units ─► chunks ─► event ─► your handler      │
//!  ────────►│                                            │  out.send(…)   │ bytes out
//!           │                                            ▼                ├────────►
//!           │                                     queue ─► written        │
//!           └─────────────────────────────────────────────────────────────┘
//!           sleep until: readable · writable, if bytes wait · next_deadline
//! ```
//!
//! Nothing happens between two polls: there is no thread, no callback that is kept, and no queue
//! that grows. `send` queues everything or returns
//! [`WouldBlock`](crate::link::SendError::WouldBlock). A handler that returns this has the event
//! again later; meanwhile the link takes nothing more from that sender, and from that sender only.

#[doc = include_str!("first_message.md")]
pub mod first_message {}

#[doc = include_str!("rooms.md")]
pub mod rooms {}

#[doc = include_str!("admission.md")]
pub mod admission {}

#[doc = include_str!("typed_messages.md")]
pub mod typed_messages {}

#[doc = include_str!("rpc.md")]
pub mod rpc {}

#[doc = include_str!("reconnecting.md")]
pub mod reconnecting {}

#[doc = include_str!("offline.md")]
pub mod offline {}

#[doc = include_str!("firmware.md")]
pub mod firmware {}

#[doc = include_str!("relay.md")]
pub mod relay {}

#[doc = include_str!("from_haxe.md")]
pub mod from_haxe {}

#[doc = include_str!("from_mqtt.md")]
pub mod from_mqtt {}
