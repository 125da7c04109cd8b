//! A task that polls a link and sleeps.

use core::convert::Infallible;
use core::future::{pending, poll_fn};
use core::task::Poll;

use embassy_futures::select::select;
use embassy_futures::yield_now;
use embassy_time::Timer;
use peote_net::link::{Buffers, Error, Event, IntoFlow, Link, Out};
use peote_net::time::Instant;

use crate::Socket;
use crate::time::{now, to_embassy};

/// Polls the link, and sleeps in between until the socket is readable or writable (if the link
/// wants it) or the link's next deadline has come. Runs until the connection is lost, or the
/// handler returns an error of its own.
///
/// What the program wants to send without having been asked goes out at the next poll. So drop this
/// future, send, and call it again; nothing is lost by that, because between two polls it only
/// sleeps:
///
/// ```
/// use embassy_futures::select::{Either, select};
/// use embassy_time::{Duration, Ticker};
/// use peote_net::link::{Buffers, EnteredChannel, Error, Event, Link};
/// use peote_net_embassy::{Socket, run};
///
/// async fn sensor<S: Socket>(
///     link: &mut Link<impl Buffers>,
///     socket: &mut S,
///     channel: EnteredChannel,
///     measure: impl Fn() -> [u8; 6],
/// ) -> Error<S::Error> {
///     let mut second = Ticker::every(Duration::from_secs(1));
///     loop {
///         let polling = run(link, socket, |event, _| event.ok());
///         match select(polling, second.next()).await {
///             Either::First(Err(error)) => return error,
///             // left out when there is no room for it
///             Either::Second(()) => _ = link.out().send(channel, &measure()),
///         }
///     }
/// }
/// ```
///
/// # Errors
/// Those of [`Link::poll`]. After [`Error::Handler`] the connection is there, and `run` can be
/// called again. After all others it is lost.
pub async fn run<B: Buffers, S: Socket + ?Sized, R: IntoFlow>(
    link: &mut Link<B>,
    socket: &mut S,
    mut handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
) -> Result<Infallible, Error<S::Error, R::Error>> {
    loop {
        link.poll(socket, now(), &mut handler)?;
        wait(link, socket).await;
    }
}

/// Sleeps until the link is to be polled: see [`run`]. For loops that poll by themselves.
///
/// Where that is at once, other tasks have a turn first.
pub async fn wait<B: Buffers, S: Socket + ?Sized>(link: &Link<B>, socket: &mut S) {
    sleep(link, socket, None).await;
}

/// [`wait`], but until `own` at the latest.
pub(crate) async fn sleep<B: Buffers, S: Socket + ?Sized>(
    link: &Link<B>,
    socket: &mut S,
    own: Option<Instant>,
) {
    let deadline = link.next_deadline().into_iter().chain(own).min();
    let (read, write) = (link.wants_read(), link.wants_write());
    if deadline.is_some_and(|deadline| deadline <= now()) || is_ready(socket, read, write).await {
        return yield_now().await;
    }
    let ready = poll_fn(|context| socket.poll_ready(context, read, write));
    let timer = async {
        match deadline {
            Some(deadline) => Timer::at(to_embassy(deadline)).await,
            None => pending().await,
        }
    };
    select(ready, timer).await;
}

/// Whether the socket is ready now.
async fn is_ready<S: Socket + ?Sized>(socket: &mut S, read: bool, write: bool) -> bool {
    poll_fn(|context| Poll::Ready(socket.poll_ready(context, read, write).is_ready())).await
}
