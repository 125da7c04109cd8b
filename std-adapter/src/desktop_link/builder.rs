//! What a link is made with.

use std::fmt;
use std::time::Duration;

use peote_net::link::{Hello, Link, SimulatedLine};
use peote_net::reconnect::{Backoff, ChannelList, Retry, Status};
use peote_net::time;

use super::refusals::Refusals;
use super::{Change, DesktopLink, LinkError, OnChange, Relay, Stage};
#[cfg(feature = "tls")]
use crate::TlsOptions;
use crate::connect::check_address;
use crate::{Clock, HeapBuffers, Sizes, TcpTransport, Waiter, random_seed};

/// What a [`DesktopLink`] is made with. What is not said stays as [`DesktopLink::connect`] has it.
///
/// ```no_run
/// use peote_net::reconnect::Backoff;
/// use peote_net_std::{DesktopLink, Sizes};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let link = DesktopLink::builder()
///     .sizes(Sizes { parties: 1000, ..Sizes::default() })
///     .reconnect(Backoff::new())
///     .on_change(|change| eprintln!("{change}"))
///     .connect("relay.example:7680")?; // without a network: .offline()?
/// # Ok(()) }
/// ```
#[must_use = "it is made by `connect`, `start`, `offline` or `transport`"]
pub struct LinkBuilder {
    sizes: Sizes,
    rules: Option<Backoff>,
    retry: Retry,
    connect_timeout: Duration,
    answer_timeout: Option<Duration>,
    poll_limit: usize,
    line: Option<SimulatedLine>,
    hello: Hello,
    on_change: Option<OnChange>,
    #[cfg(feature = "tls")]
    tls: Option<TlsOptions>,
}

impl LinkBuilder {
    pub(super) fn new() -> Self {
        Self {
            sizes: Sizes::default(),
            rules: None,
            retry: Retry::default(),
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Some(Duration::from_secs(15)),
            poll_limit: 1 << 20,
            line: None,
            hello: Hello::default(),
            on_change: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Sets how much memory the link has.
    pub const fn sizes(mut self, sizes: Sizes) -> Self {
        self.sizes = sizes;
        self
    }

    /// Has the link connect again after a loss, and ask for its channels again. `rules` are those
    /// of both; their jitter is random unless they have a seed ([`Backoff::with_seed`]).
    ///
    /// With it [`connect`](Self::connect) does not block, and a relay that is not there yet is no
    /// error before the rules allow no more attempts.
    pub const fn reconnect(mut self, rules: Backoff) -> Self {
        self.rules = Some(rules);
        self
    }

    /// Sets what to do about refusals of channels that may pass, such as "no such channel".
    /// [`Retry::IfOpenedBefore`] without this call. It counts with
    /// [`reconnect`](Self::reconnect) only.
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how long one attempt to connect may take, with the look-up of the name and the
    /// handshake of TLS. 10 s without this call.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long the relay may take to answer for a channel, although it says that it is there;
    /// `None`: for ever. The connection counts as lost then. 15 s without this call.
    pub const fn answer_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// Sets how many bytes one [`poll`](DesktopLink::poll) reads at most. It reads what has come in
    /// pieces of [`Sizes::receive`] bytes, and ends with the piece in which it reaches this number.
    /// 1 MiB without this call.
    pub const fn poll_limit(mut self, bytes: usize) -> Self {
        self.poll_limit = bytes;
        self
    }

    /// Sets what the lines between this link's channels and their users on the same link are like:
    /// lag and bandwidth. It holds for channels that are created after it; see
    /// [`Out::simulate`](peote_net::link::Out::simulate).
    pub const fn simulate(mut self, line: SimulatedLine) -> Self {
        self.line = Some(line);
        self
    }

    /// Sets what the program tells the relay about itself: its name, how often the relay has to say
    /// something, and a token that says which channels it may create and enter. It lasts as long as
    /// the program: `Box::leak` makes a token so that was read. [`DesktopLink::set_hello`] changes
    /// it.
    ///
    /// ```no_run
    /// use peote_net::link::Hello;
    /// use peote_net_std::DesktopLink;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let token: &'static str = Box::leak(std::fs::read_to_string("token")?.into_boxed_str());
    /// let token = Some(token.trim_ascii().as_bytes());
    /// let hello = Hello { token, name: Some("thermometer/1.2"), ..Hello::default() };
    /// let link = DesktopLink::builder().hello(hello).connect("relay.example:7680")?;
    /// # Ok(()) }
    /// ```
    pub const fn hello(mut self, hello: Hello) -> Self {
        self.hello = hello;
        self
    }

    /// Has `on_change` called with what happens that no event tells: attempts, losses, channels
    /// that wait. It is called by [`poll`](DesktopLink::poll) and [`next`](DesktopLink::next).
    pub fn on_change(mut self, on_change: impl FnMut(Change) + Send + 'static) -> Self {
        self.on_change = Some(Box::new(on_change));
        self
    }

    /// Speaks TLS with the relay.
    ///
    /// ```no_run
    /// use peote_net_std::{DesktopLink, TlsOptions};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tls = TlsOptions::with_system_roots()?;
    /// let link = DesktopLink::builder().tls(tls).connect("relay.example:7681")?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: TlsOptions) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Makes the link and connects it to a relay: `"host:port"`, or `"host"` alone for port 7680.
    ///
    /// **Blocks** until the connection is there or has failed; not with
    /// [`reconnect`](Self::reconnect).
    ///
    /// # Errors
    /// [`LinkError::Connect`]: the relay cannot be reached, or the address cannot be understood;
    /// [`LinkError::Sizes`]; [`LinkError::System`].
    pub fn connect(self, relay: &str) -> Result<DesktopLink, LinkError> {
        let blocks = self.rules.is_none();
        let mut link = self.start(relay)?;
        loop {
            link.advance(link.clock.now());
            link.end_turn()?;
            if !blocks || matches!(link.stage, Stage::Connected(_)) {
                return Ok(link);
            }
            link.wait().map_err(LinkError::System)?;
        }
    }

    /// The same, and never blocks: [`poll`](DesktopLink::poll) and [`next`](DesktopLink::next) go
    /// on with connecting, and return its error.
    ///
    /// # Errors
    /// [`LinkError::Connect`]: the address cannot be understood; [`LinkError::Sizes`];
    /// [`LinkError::System`].
    pub fn start(self, relay: &str) -> Result<DesktopLink, LinkError> {
        #[cfg(feature = "tls")]
        let tls = self.tls.clone();
        #[cfg(feature = "tls")]
        let is_tls = tls.is_some();
        #[cfg(not(feature = "tls"))]
        let is_tls = false;
        let address = check_address(relay, is_tls).map_err(LinkError::Connect)?;
        let timeout = self.connect_timeout;
        self.make(Relay::At {
            address,
            timeout,
            #[cfg(feature = "tls")]
            tls,
        })
    }

    /// Makes a link without a network. Does not block.
    ///
    /// # Errors
    /// [`LinkError::Sizes`]; [`LinkError::System`].
    pub fn offline(self) -> Result<DesktopLink, LinkError> {
        self.make(Relay::Offline)
    }

    /// Makes a link over a connection that is there. It does not come back when it is lost. Does
    /// not block.
    ///
    /// With `tls`, TLS begins over a connection that has none. The certificate has to be for the
    /// relay's address then, or for the name of `TlsOptions::with_server_name`.
    ///
    /// # Errors
    /// [`LinkError::Sizes`]; [`LinkError::System`]; [`LinkError::Lost`] if the connection has ended
    /// already, which shows here with TLS only.
    #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "for TLS"))]
    pub fn transport(mut self, mut transport: TcpTransport) -> Result<DesktopLink, LinkError> {
        self.rules = None;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls
            && !transport.is_tls()
        {
            let lost = |error| LinkError::Lost(super::Lost::Transport(error));
            let address = transport.peer_addr().map_err(lost)?;
            transport = transport.with_tls(&address.ip().to_string(), tls).map_err(lost)?;
        }
        self.make(Relay::Given(Some(Box::new(transport))))
    }

    fn make(self, relay: Relay) -> Result<DesktopLink, LinkError> {
        let buffers = HeapBuffers::new(self.sizes).map_err(LinkError::Sizes)?;
        let clock = Clock::new();
        let waiter = Waiter::new(clock).map_err(LinkError::System)?;
        let rules = self.rules.unwrap_or(Backoff::new().with_most_attempts(0)).or_seed(random_seed());
        let retry = if self.rules.is_some() { self.retry } else { Retry::Never };
        // without reconnecting they count for a channel that is in the way of itself, if at all
        let of_channels = self.rules.unwrap_or_default().or_seed(random_seed());
        let mut channels = ChannelList::growing(rules).with_retry(retry).with_channel_rules(of_channels);
        let to_time = |timeout: Duration| {
            time::Duration::from_millis(timeout.as_millis().try_into().unwrap_or(u64::MAX))
        };
        channels.set_answer_timeout(self.answer_timeout.map(to_time));
        debug_assert!(matches!(channels.status(), Status::Lost { .. }), "the first attempt is due");
        let mut link = Link::with_buffers(buffers);
        link.set_hello(self.hello);
        Ok(DesktopLink {
            link,
            channels,
            relay,
            stage: Stage::Nothing,
            is_reconnecting: self.rules.is_some(),
            missing: None,
            refused: Refusals::default(),
            ended: None,
            poll_limit: self.poll_limit,
            line: self.line,
            on_change: self.on_change,
            clock,
            waiter,
            is_in_turn: false,
            is_losing: None,
            is_unfinished: false,
        })
    }
}

impl fmt::Debug for LinkBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkBuilder")
            .field("sizes", &self.sizes)
            .field("rules", &self.rules)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
