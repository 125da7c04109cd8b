//! Remote procedure calls (`docs/PROTOCOL.md`, section 8; the guide is `guide::rpc`).
//!
//! An object that can be called from the other end is a trait, marked with `#[remote]` (feature
//! `macros`, on by default). Its methods are the procedures, in the order of their declaration.
//! From the trait `Board` come
//!
//! - `Board::dispatch`, which calls the implementation that a message asks for,
//! - `BoardCaller`, which makes such messages: the same procedures, each with the sending half as
//!   its first argument.
//!
//! A procedure that wants to call back has a [`Context`] as its first parameter, which does not
//! travel. One that returns a value answers its calls; [`Calls`] is what both ends need for that.
//!
//! ```
//! # #[cfg(feature = "macros")] {
//! use peote_net::link::{Event, Flow, Out, SendError};
//! use peote_net::rpc::{self, Context, Message, Remote, remote};
//!
//! /// What a server lets its users do.
//! #[remote]
//! trait Board {
//!     fn draw(&mut self, context: &mut Context<'_>, x: i16, y: i16, colour: u8) -> Result<(), SendError>;
//!     fn clear(&mut self);
//! }
//!
//! /// What a user lets the server do.
//! #[remote]
//! trait Screen {
//!     fn drawn(&mut self, count: i32);
//! }
//!
//! const BOARD: u8 = 0;
//! const SCREEN: u8 = 0;
//!
//! #[derive(Default)]
//! struct Picture { points: i32 }
//!
//! impl Board for Picture {
//!     fn draw(&mut self, context: &mut Context<'_>, _x: i16, _y: i16, _colour: u8) -> Result<(), SendError> {
//!         // the call back comes first: should it not fit, this procedure is called again, and must not have counted yet
//!         ScreenCaller::new(Remote::assume(context.from(), SCREEN)).drawn(context.out(), self.points + 1)?;
//!         self.points += 1;
//!         Ok(())
//!     }
//!     fn clear(&mut self) {
//!         self.points = 0;
//!     }
//! }
//!
//! /// The handler of a server.
//! fn serve(picture: &mut Picture, event: Event<'_>, out: &mut Out<'_>) -> Result<Flow, SendError> {
//!     match event {
//!         Event::UserEntered { channel, user } => rpc::offer(out, (channel, user), BOARD)?,
//!         Event::Rpc { from, bytes } => match Message::read(from, bytes) {
//!             Message::Call(call) => {
//!                 let answer = match call.object() {
//!                     BOARD => picture.dispatch(&call, out),
//!                     _ => Err(call.unknown_object()),
//!                 };
//!                 return answer.or_else(rpc::Error::pass_over);
//!             }
//!             Message::Offer(remote) => println!("{remote:?} can be called"),
//!         },
//!         other => other.ok()?, // a channel that is refused, or ends, is an error
//!     }
//!     Ok(Flow::Continue)
//! }
//! # let _ = serve;
//! # }
//! ```
//!
//! # Channels
//!
//! Calls have channels of their own, which both ends create or enter with
//! [`Mode::RPC`](crate::link::Mode::RPC). What arrives there is an
//! [`Event::Rpc`](crate::link::Event::Rpc), and anything else that is sent there is an error
//! ([`SendError::OnlyRpc`](crate::link::SendError::OnlyRpc)): a peer would take any two bytes for a
//! call. A call in a channel of another mode is an error, too
//! ([`SendError::NotRpc`](crate::link::SendError::NotRpc)). On the wire they are chunks, so existing
//! peers take part.
//!
//! # Offers
//!
//! Each end [offers](offer) the objects that the other may call. A [`Remote`] is an object that can
//! be called; it comes with the offer ([`Message::Offer`]), so an object cannot be called before it
//! is offered. [`Offers`] remembers them, for programs with many peers.
//!
//! # Faults
//!
//! An unknown object or procedure, arguments that cannot be read, and bytes left over are an
//! [`Error::Violation`], which says who, what and why; nothing has been called. The link and all
//! channels go on. [`Error::pass_over`] is for handlers that leave it at that.

mod answer;
mod bytes;
mod calls;
mod context;
mod error;
#[doc(hidden)]
pub mod generated;
mod interface;
mod message;
mod offers;
mod open;
mod remote;

pub use answer::{Answer, CallId, Cancelled, End, Ended, Ticket};
pub use bytes::Bytes;
pub use calls::{Calls, Heard};
pub use context::Context;
pub use error::{Error, Fault, Violation};
pub use interface::{Interface, Mismatch, Procedure};
pub use message::{Call, Message};
pub use offers::{NotOffered, Offers, OffersFull};
pub use open::OpenCalls;
pub use remote::{Remote, offer};

/// The number of the object for answers: what an end offers that takes part in calls with answers.
/// [`Calls`] deals with it.
pub const ANSWERS: u8 = 255;

/// The number of the object for interfaces: what an end offers that describes its objects and wants
/// those of the other end described. [`Calls`] deals with it.
pub const INTERFACES: u8 = 254;

/// Makes a trait callable from the other end of a channel.
///
/// Its methods are the procedures, numbered in the order of their declaration, at most 256. What
/// comes of a trait `Board`:
///
/// - the provided method
///   `dispatch(&mut self, call: &Call<'_>, out: &mut Out<'_>) -> Result<Flow, rpc::Error>`: reads
///   the arguments of a call and calls the procedure; all arguments are checked before;
/// - the struct `BoardCaller`, as visible as the trait: `BoardCaller::new(remote)`, each procedure
///   as `fn draw(&self, out: &mut Out<'_>, x: i16, …) -> Result<(), SendError>`, and
///   `BoardCaller::INTERFACE`, which is what [`Calls`] compares.
///
/// A method has `&mut self` or `&self`, then optionally `context: &mut Context<'_>`, then its
/// arguments. An argument is of any type that is [`Encode`](crate::value::Encode) and
/// [`Decode`](crate::value::Decode); lifetimes in it are elided.
///
/// | it returns | that is |
/// |---|---|
/// | nothing, [`Flow`](crate::link::Flow), or a `Result` of one of them with a [`SendError`](crate::link::SendError) | no answer |
/// | a `T` that is `Encode` and `Decode`, or `Result<T, SendError>` | the answer to the call |
/// | as without an answer, with a parameter `ticket: Ticket<T>` in front of the arguments | an answer whenever the [`Ticket`] is used |
///
/// Types are told apart by their last names, so an alias of `Result<(), SendError>` does not work.
/// A call with an answer has one more parameter, a [`Calls`], and returns a [`CallId`]:
/// `fn degrees(&self, out: &mut Out<'_>, calls: &mut Calls<…>, …) -> Result<CallId<T>, SendError>`.
///
/// Anything else is a compile error that names the procedure: generic, `async` or `unsafe`
/// procedures, `self` by value, and `#[cfg]` on a procedure, since that would change the numbers of
/// those behind it.
///
/// ```compile_fail
/// #[peote_net::rpc::remote]
/// trait Thermometer {
///     fn degrees(&self) -> std::time::Instant; // not a typed value
/// }
/// ```
///
/// In a program that knows this crate by another name: `#[remote(crate = other_name)]`. The version
/// that a mismatch names is that of the package that declares the trait, or that of
/// `#[remote(version = "2.1")]`.
#[cfg(feature = "macros")]
pub use peote_net_macros::remote;
