//! What handlers can return, and how things are named in what is printed.

use std::fmt;

use embedded_io::ErrorKind;
use peote_net::Reason;
use peote_net::link::{Channel, Error, Event, HandlerError, Mode, SendError, Source, User};
use peote_net::protocol::to_endpoint;

use crate::support::{Rig, chunk, from_user, tag};

/// A program's own error.
#[derive(Debug, PartialEq, Eq)]
enum ShopError {
    Send(SendError),
    SoldOut,
}

impl From<SendError> for ShopError {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl HandlerError for ShopError {
    fn is_would_block(&self) -> bool {
        *self == Self::Send(SendError::WouldBlock)
    }
}

#[test]
fn an_error_of_the_program_passes_through_poll() {
    let mut rig = Rig::default();
    let channel = rig.own(0, Mode::chunks(16));
    rig.user(channel, 0, 7);
    rig.says(from_user(0, 7, &chunk(b"a")));
    let polled = rig.link.poll(&mut rig.script, rig.now, |_, _| Err::<(), _>(ShopError::SoldOut));
    assert_eq!(polled, Err(Error::<ErrorKind, _>::Handler(ShopError::SoldOut)));
    // the event counts as dealt with
    let polled = rig.link.poll(&mut rig.script, rig.now, |event, _| -> Result<(), ShopError> {
        panic!("{event:?} came again")
    });
    assert_eq!(polled, Ok(()));
}

#[test]
fn would_block_in_an_error_of_the_program_means_again() {
    let mut rig = Rig::default();
    let channel = rig.own(0, Mode::chunks(16));
    rig.user(channel, 0, 7);
    rig.says(from_user(0, 7, &chunk(b"a")));
    let full =
        |_: Event<'_>, _: &mut peote_net::link::Out<'_>| Err::<(), ShopError>(SendError::WouldBlock.into());
    assert_eq!(rig.link.poll(&mut rig.script, rig.now, full), Ok(()));
    let mut again = 0;
    let counted = rig.link.poll(&mut rig.script, rig.now, |_, _| again += 1);
    assert_eq!((counted, again), (Ok(()), 1));
}

#[cfg(feature = "alloc")]
#[test]
fn boxed_errors_can_be_returned() {
    use peote_net::link::{Flow, IntoFlow};

    type Boxed = Box<dyn std::error::Error>;
    let would_block: Boxed = SendError::WouldBlock.into();
    assert!(matches!(Err::<(), _>(would_block).into_flow(), Ok(Flow::Again)));
    let other: Boxed = "nothing left".into();
    assert_eq!(Err::<(), _>(other).into_flow().unwrap_err().to_string(), "nothing left");
    let sent: Box<dyn std::error::Error + Send + Sync> = SendError::WouldBlock.into();
    assert!(sent.is_would_block());
}

/// A `match` that ends with `other => other.ok()` cannot miss a refusal, nor the end of a channel.
#[test]
fn refusals_and_ends_that_are_not_looked_at_are_errors() {
    let mut rig = Rig::default();
    let own = rig.out().create("shop", Mode::chunks(16)).unwrap();
    rig.says(to_endpoint::refused(tag(1), 2));
    let polled = rig.link.poll(&mut rig.script, rig.now, |event, _| event.ok());
    let refused = SendError::Refused { channel: own.into(), reason: Reason::NameInUse };
    assert_eq!(polled, Err(Error::Handler(refused)));
    assert!(refused.to_string().contains("exists already"), "{refused}");

    let channel = rig.entered(3, Mode::chunks(16));
    rig.says(to_endpoint::channel_gone(3, 2));
    let polled = rig.link.poll(&mut rig.script, rig.now, |event, _| event.ok());
    let closed = SendError::Closed { channel: channel.into(), reason: Reason::Kicked };
    assert_eq!(polled, Err(Error::Handler(closed)));
    assert!(closed.to_string().contains("removed by the channel's server"), "{closed}");
}

#[test]
fn what_else_happens_is_no_error() {
    let mut rig = Rig::default();
    let channel = rig.own(0, Mode::chunks(16));
    rig.says(to_endpoint::user_entered(0, 7));
    rig.says(from_user(0, 7, &chunk(b"a")));
    rig.says(to_endpoint::user_gone(0, 7, 0));
    let mut seen = Vec::new();
    let polled = rig.link.poll(&mut rig.script, rig.now, |event, _| {
        seen.push(event.channel());
        event.ok()
    });
    assert_eq!(polled, Ok(()));
    assert_eq!(seen, [Some(Channel::Own(channel)); 3]);
    // the loss of the connection is the poll's own error
    rig.link.out().enter("other", Mode::chunks(16)).unwrap();
    rig.script.closed = true;
    let polled = rig.link.poll(&mut rig.script, rig.now, |event, _| event.ok());
    assert_eq!(polled, Err(Error::Closed));
}

#[test]
fn channels_and_sources_have_names() {
    let mut rig = Rig::default();
    let own = rig.own(0, Mode::chunks(16));
    let entered = rig.entered(5, Mode::chunks(16));
    let user = Source::User { channel: own, user: User::new(7) };
    let server = Source::Server { channel: entered };
    assert_eq!(own.to_string(), "own channel 0");
    assert_eq!(Channel::from(entered).to_string(), entered.to_string());
    assert_eq!(user.to_string(), "user 7 of own channel 0");
    assert_eq!(server.to_string(), format!("the server of {entered}"));
    assert_eq!((user.channel(), server.channel()), (own.into(), entered.into()));
    assert_eq!((user.user(), server.user()), (Some(User::new(7)), None));
    assert!(user.channel() == own && server.channel() == entered && server.channel() != own);
    fn shown(of: &dyn fmt::Display) -> String {
        of.to_string()
    }
    assert_eq!(shown(&Channel::Own(own)), shown(&own));
}
