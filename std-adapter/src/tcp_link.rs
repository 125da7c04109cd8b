//! A link with everything it needs.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use embedded_io::ReadReady as _;
use peote_net::link::{Buffers, Error, Event, IntoFlow, Link, Out};
use peote_net::offline::Offline;
use peote_net::time::Instant;

use crate::link_transport::LinkTransport;
use crate::{Clock, HeapBuffers, Interest, TcpError, TcpTransport, Waiter, Waker, Watch, Woken};

/// A link over TCP with all that it needs in a desktop program: transport, clock, waiter, and by
/// default memory on the heap.
///
/// A program that wants other parts, several links in one loop, or a non-blocking connect uses
/// those parts themselves: a [`Link`] with a [`TcpTransport`], a [`Clock`] and a [`Waiter`].
///
/// An echo server:
///
/// ```no_run
/// use std::time::Duration;
/// use peote_net::link::{Event, Mode};
/// use peote_net_std::TcpLink;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let mut link = TcpLink::connect("localhost:7680", Duration::from_secs(10))?;
///     link.out().create("echo", Mode::default())?;
///     loop {
///         link.poll(|event, out| match event {
///             Event::Chunk { from, bytes } => out.send(from, bytes),
///             other => other.ok(), // a channel that is refused, or ends, is an error
///         })?;
///         link.wait(&mut [], None)?;
///     }
/// }
/// ```
///
/// A game calls `poll` in each frame and never `wait`.
#[derive(Debug)]
pub struct TcpLink<B: Buffers = HeapBuffers> {
    link: Link<B>,
    transport: LinkTransport,
    clock: Clock,
    waiter: Waiter,
    /// The last poll ended before it had gone through all that was received.
    unfinished: bool,
}

impl TcpLink {
    /// Connects to a relay at `"host:port"`, with memory of the [default sizes](crate::Sizes).
    /// **Blocks** until the connection is there or has failed, for `timeout` at most.
    ///
    /// # Errors
    ///
    /// Those of [`TcpTransport::connect_blocking`], with their text; or the process has too many
    /// files open.
    pub fn connect(relay: &str, timeout: Duration) -> io::Result<Self> {
        let transport = TcpTransport::connect_blocking(relay, timeout)?;
        Self::new(Link::with_buffers(HeapBuffers::default()), transport)
    }

    /// The same over TLS.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use peote_net_std::{TcpLink, TlsOptions};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tls = TlsOptions::with_system_roots()?;
    /// let link = TcpLink::connect_tls("relay.example:7681", &tls, Duration::from_secs(10))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and those of the handshake.
    #[cfg(feature = "tls")]
    pub fn connect_tls(relay: &str, tls: &crate::TlsOptions, timeout: Duration) -> io::Result<Self> {
        let transport = TcpTransport::connect(relay, timeout).with_tls(tls).wait()?;
        Self::new(Link::with_buffers(HeapBuffers::default()), transport)
    }

    /// The same without a network: servers and users of this link find each other in it, and no
    /// others are there. See [`peote_net::offline`]. Does not block.
    ///
    /// ```
    /// use peote_net::link::{Channel, Event, Mode};
    /// use peote_net_std::TcpLink;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut link = TcpLink::offline()?; // online: TcpLink::connect("relay:7680", timeout)?
    /// link.out().create("echo", Mode::default())?;
    /// let echo = link.out().enter("echo", Mode::default())?;
    /// let mut answers = 0;
    /// while answers == 0 {
    ///     link.wait(&mut [], None)?;
    ///     link.poll(|event, out| match event {
    ///         Event::Opened { channel: Channel::Entered(channel) } => out.send(channel, b"hello"),
    ///         Event::Chunk { from, .. } if from.channel() == echo => {
    ///             answers += 1;
    ///             Ok(())
    ///         }
    ///         Event::Chunk { from, bytes } => out.send(from, bytes),
    ///         other => other.ok(),
    ///     })?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The process has too many files open.
    pub fn offline() -> io::Result<Self> {
        let link = Link::with_buffers(HeapBuffers::default());
        Self::with_transport(link, LinkTransport::Offline(Offline::new()))
    }
}

impl<B: Buffers> TcpLink<B> {
    /// Puts a link and a connected transport together. Does not block.
    ///
    /// # Errors
    ///
    /// The process has too many files open.
    pub fn new(link: Link<B>, transport: TcpTransport) -> io::Result<Self> {
        Self::with_transport(link, LinkTransport::Tcp(transport))
    }

    fn with_transport(link: Link<B>, transport: LinkTransport) -> io::Result<Self> {
        let clock = Clock::new();
        Ok(Self { link, transport, clock, waiter: Waiter::new(clock)?, unfinished: false })
    }

    /// The sending half. What is queued through it is written by the next [`poll`](Self::poll).
    pub fn out(&mut self) -> Out<'_> {
        self.link.out()
    }

    /// Writes what is queued, reads what has come (once), and hands every event to `handler`
    /// together with the sending half. Does not block. See [`Link::poll`] for what the handler may
    /// return.
    ///
    /// # Errors
    ///
    /// [`Error::Handler`] if the handler returned an error; the link goes on. All others mean that
    /// the connection is lost: see [`reconnect`](Self::reconnect).
    pub fn poll<R: IntoFlow>(
        &mut self,
        handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
    ) -> Result<(), Error<TcpError, R::Error>> {
        if let LinkTransport::Tcp(transport) = &mut self.transport {
            transport.send();
        }
        let result = self.link.poll(&mut self.transport, self.clock.now(), handler);
        self.unfinished = matches!(result, Err(Error::Handler(_)));
        result
    }

    /// **Blocks** until there is something to poll for, one of `others` is ready, `deadline` or the
    /// link's own has come, or a [`Waker`] is called. Costs no processor time meanwhile.
    ///
    /// A handler that asks for an event again is asked again after the next wait that ends. When it
    /// waits for something other than room to send in, the program has to see to it that the wait
    /// ends: by a deadline or a waker.
    ///
    /// # Errors
    ///
    /// Those of [`Waiter::wait`].
    pub fn wait(&mut self, others: &mut [Watch<'_>], deadline: Option<Instant>) -> io::Result<Woken> {
        let mut at_once = self.unfinished;
        let interest = Interest { read: self.link.wants_read(), write: self.link.wants_write() };
        let mut own = match &mut self.transport {
            LinkTransport::Tcp(transport) => Some(Watch::transport(transport, interest)),
            LinkTransport::Offline(transport) => {
                let Ok(readable) = transport.read_ready();
                at_once |= interest.write || (interest.read && readable);
                None
            }
        };
        let now = at_once.then_some(Instant::ZERO);
        let deadline = [now, deadline, self.link.next_deadline()].into_iter().flatten().min();
        self.waiter.wait_for(own.as_mut_slice(), others, deadline)
    }

    /// A handle with which other threads end a [`wait`](Self::wait).
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.waiter.waker()
    }

    /// The time by this link's clock, for deadlines.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The link, for all that is not repeated here.
    pub fn link(&mut self) -> &mut Link<B> {
        &mut self.link
    }

    /// The address of the relay.
    ///
    /// # Errors
    ///
    /// The connection has ended, or the link is [offline](TcpLink::offline).
    pub fn peer_addr(&self) -> Result<SocketAddr, TcpError> {
        match &self.transport {
            LinkTransport::Tcp(transport) => transport.peer_addr(),
            LinkTransport::Offline(_) => Err(io::Error::from(io::ErrorKind::NotConnected).into()),
        }
    }

    /// Goes on with another connection, after [`poll`](Self::poll) has reported the loss of the old
    /// one and told every channel. Does not block. Channels have to be created and entered anew.
    pub fn reconnect(&mut self, transport: TcpTransport) {
        self.transport = LinkTransport::Tcp(transport);
        self.unfinished = false;
    }

    /// Sends what is queued, ends the connection in order and waits until the relay has ended it as
    /// well. **Blocks**, for `timeout` at most. Events that come meanwhile are thrown away.
    ///
    /// # Errors
    ///
    /// How the connection was lost before that; of the kind `TimedOut` when it took longer than
    /// `timeout`.
    pub fn close(mut self, timeout: Duration) -> Result<(), Error<TcpError>> {
        let start = std::time::Instant::now();
        let timed_out = || Error::Transport(io::Error::from(io::ErrorKind::TimedOut).into());
        loop {
            self.poll(|_, _| ())?;
            let left = timeout.saturating_sub(start.elapsed());
            if !self.link.wants_write() {
                return match self.transport {
                    LinkTransport::Tcp(transport) => transport.finish(left).map_err(Error::Transport),
                    LinkTransport::Offline(_) => Ok(()),
                };
            }
            if left.is_zero() {
                return Err(timed_out());
            }
            let deadline = self.clock.after(left);
            self.wait(&mut [], Some(deadline)).map_err(|error| Error::Transport(error.into()))?;
        }
    }
}
