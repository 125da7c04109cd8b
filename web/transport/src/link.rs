//! A link with everything that a page needs.

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::link::{Buffers, Error, Event, IntoFlow, Link, Out};
use peote_net::offline::Offline;
use peote_net::time::Instant;

use crate::{Clock, WebError, WebSocketTransport};

/// A link over a WebSocket with its transport and its clock, or one without any network.
///
/// A page calls [`poll`](Self::poll) in each frame. A page without frames polls when
/// [`WebSocketTransport::on_ready`] calls, and by a timer at
/// [`Link::next_deadline`].
///
/// ```no_run
/// use peote_net::link::{Event, Link, Mode, link_buffers};
/// use peote_net_web::{WebLink, each_frame};
///
/// type Memory = link_buffers!(
///     chunk: 1024, parties: 8, own_channels: 1, transmit: 8192, receive: 8192, local_users: 2,
/// );
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let link = Link::<Memory>::with_local_users();
///     let mut link = WebLink::connect("ws://localhost:7680/", link)?; // or WebLink::offline(link)
///     link.out().create("echo", Mode::chunks(1024))?;
///     each_frame(move || {
///         let polled = link.poll(|event, out| match event {
///             Event::Chunk { from, bytes } => out.send(from, bytes),
///             other => other.ok(),
///         });
///         polled.is_ok() // goes on
///     })?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct WebLink<B: Buffers> {
    link: Box<Link<B>>,
    transport: Transport,
    clock: Clock,
}

#[derive(Debug)]
enum Transport {
    WebSocket(WebSocketTransport),
    Offline(Offline),
}

impl<B: Buffers> WebLink<B> {
    /// Begins to connect to a relay's WebSocket. Does not block; channels can be created and
    /// entered at once, and the commands wait until the connection is there.
    ///
    /// # Errors
    ///
    /// Those of [`WebSocketTransport::connect`]; or there is neither a page nor a worker.
    pub fn connect(url: &str, link: Link<B>) -> Result<Self, WebError> {
        Self::with(link, Transport::WebSocket(WebSocketTransport::connect(url)?))
    }

    /// The same without a network: servers and users of this link find each other in it. See
    /// [`peote_net::offline`].
    ///
    /// # Errors
    ///
    /// There is neither a page nor a worker.
    pub fn offline(link: Link<B>) -> Result<Self, WebError> {
        Self::with(link, Transport::Offline(Offline::new()))
    }

    fn with(link: Link<B>, transport: Transport) -> Result<Self, WebError> {
        let clock = Clock::new().ok_or(WebError::NoPage)?;
        Ok(Self { link: Box::new(link), transport, clock })
    }

    /// Returns the sending half. What is queued through it is written by the next
    /// [`poll`](Self::poll).
    pub fn out(&mut self) -> Out<'_> {
        self.link.out()
    }

    /// Hands over everything that has come, and writes what is queued. Does not block. See
    /// [`Link::poll`] for what the handler may return.
    ///
    /// # Errors
    ///
    /// [`Error::Handler`] if the handler returned an error; the link goes on. All others mean that
    /// the connection is lost: see [`reconnect`](Self::reconnect).
    pub fn poll<R: IntoFlow>(
        &mut self,
        mut handler: impl FnMut(Event<'_>, &mut Out<'_>) -> R,
    ) -> Result<(), Error<WebError, R::Error>> {
        loop {
            let now = self.clock.now();
            self.link.poll(&mut self.transport, now, &mut handler)?;
            // what waits in memory is read until the link keeps an event or has read it all
            let more = self.link.wants_read() && self.transport.read_ready().map_err(Error::Transport)?;
            if !more || self.link.has_kept() {
                return Ok(());
            }
        }
    }

    /// Goes on with another connection, after [`poll`](Self::poll) has reported the loss of the old
    /// one. Does not block. Channels have to be created and entered anew.
    ///
    /// # Errors
    ///
    /// Those of [`WebSocketTransport::connect`].
    pub fn reconnect(&mut self, url: &str) -> Result<(), WebError> {
        self.transport = Transport::WebSocket(WebSocketTransport::connect(url)?);
        Ok(())
    }

    /// Returns whether the connection is there. Offline, it always is.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match &self.transport {
            Transport::WebSocket(transport) => transport.is_open(),
            Transport::Offline(_) => true,
        }
    }

    /// Sets what is called when there is something to poll for: see
    /// [`WebSocketTransport::on_ready`]. Does nothing offline, where deadlines are all there is.
    pub fn on_ready(&self, waker: impl FnMut() + 'static) {
        if let Transport::WebSocket(transport) = &self.transport {
            transport.on_ready(waker);
        }
    }

    /// Returns the time by this link's clock, for deadlines.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Returns the link, for all that is not repeated here.
    pub fn link(&mut self) -> &mut Link<B> {
        &mut self.link
    }
}

impl ErrorType for Transport {
    type Error = WebError;
}

impl ReadReady for Transport {
    fn read_ready(&mut self) -> Result<bool, WebError> {
        match self {
            Self::WebSocket(transport) => transport.read_ready(),
            Self::Offline(transport) => transport.read_ready().map_err(|never| match never {}),
        }
    }
}

impl WriteReady for Transport {
    fn write_ready(&mut self) -> Result<bool, WebError> {
        match self {
            Self::WebSocket(transport) => transport.write_ready(),
            Self::Offline(transport) => transport.write_ready().map_err(|never| match never {}),
        }
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, WebError> {
        match self {
            Self::WebSocket(transport) => transport.read(buffer),
            Self::Offline(transport) => transport.read(buffer).map_err(|never| match never {}),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, WebError> {
        match self {
            Self::WebSocket(transport) => transport.write(bytes),
            Self::Offline(transport) => transport.write(bytes).map_err(|never| match never {}),
        }
    }

    fn flush(&mut self) -> Result<(), WebError> {
        match self {
            Self::WebSocket(transport) => transport.flush(),
            Self::Offline(transport) => transport.flush().map_err(|never| match never {}),
        }
    }
}
