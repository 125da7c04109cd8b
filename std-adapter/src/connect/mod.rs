//! Connecting without blocking.

mod address;
mod error;
mod race;
mod resolve;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::{Duration, Instant};

pub use error::{Attempt, ConnectError, ConnectErrorKind};

use crate::TcpTransport;
use crate::readiness::{self, Query};
#[cfg(feature = "tls")]
use crate::{Interest, TlsOptions, readiness::AsFd as _};
use address::Address;
use race::Race;
use resolve::Resolution;

/// What is wrong with an address that names no port, over TLS.
const NO_PORT: &str = "the port is missing: relays speak TLS on a port of its own, which has no usual number";

/// A connection that is being made. Ask [`poll`](Self::poll) until it is there.
///
/// Nothing here blocks. A host name is looked up by a thread that lives as long as the look-up,
/// because the operating system's look-up does block; literal addresses need no thread. When the
/// host has several addresses, they are tried as RFC 8305 ("Happy Eyeballs") has it: IPv6 and IPv4
/// in turn, the next one as soon as one has failed or a quarter of a second is over, and the first
/// that answers is taken. So a dead address costs a quarter of a second and not the whole timeout.
/// With TLS (`with_tls`) the handshake is part of it.
///
/// Dropping it gives up.
///
/// ```
/// use std::task::Poll;
/// use std::time::Duration;
/// use peote_net_std::TcpTransport;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let address = listener.local_addr()?.to_string();
/// let mut connecting = TcpTransport::connect(&address, Duration::from_secs(10));
/// let transport = loop {
///     match connecting.poll() {
///         Poll::Ready(result) => break result?,
///         Poll::Pending => {} // draw a frame, or sleep with a `Waiter`
///     }
/// };
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Connecting {
    address: String,
    deadline: Deadline,
    stage: Stage,
    #[cfg(feature = "tls")]
    tls: Option<TlsOptions>,
}

#[derive(Debug)]
enum Stage {
    Resolving(Resolution),
    Racing(Race),
    /// TCP is there, and TLS is on its way.
    #[cfg(feature = "tls")]
    Handshaking(TcpTransport),
    /// Failed before there was anything to wait for; told at the next poll.
    Failed(ConnectErrorKind),
    Finished,
}

/// When to give up: never, when the moment is beyond what the clock can tell.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    timeout: Duration,
    at: Option<Instant>,
}

impl TcpTransport {
    /// Starts to connect to `address`: `"host:port"`, or `"host"` alone for port 7680. The host is
    /// a name, an IPv4 address, or an IPv6 address in brackets (`"[::1]:7680"`). Does not block.
    /// Gives up after `timeout`, counted from now and including the look-up of the name.
    ///
    /// Errors, a malformed address too, are reported by [`Connecting::poll`].
    #[must_use]
    pub fn connect(address: &str, timeout: Duration) -> Connecting {
        let stage = match address::parse(address).map(|parsed| parsed.address) {
            Ok(Address::Literal(address)) => Stage::Racing(Race::new([address])),
            Ok(Address::Name(host, port)) => Stage::look_up(move || resolve::system(&host, port)),
            Err(problem) => Stage::Failed(ConnectErrorKind::Address(problem)),
        };
        Connecting::new(address.to_owned(), timeout, stage)
    }

    /// Starts to connect to the first of these addresses that answers, as if a name had been looked
    /// up. Does not block. Errors, an empty list too, are reported by [`Connecting::poll`].
    #[must_use]
    pub fn connect_to_any(addresses: &[SocketAddr], timeout: Duration) -> Connecting {
        let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        Connecting::new(names.join(", "), timeout, Stage::Racing(Race::new(addresses.iter().copied())))
    }

    /// Connects to `address` as [`connect`](Self::connect) does, and **blocks** until the
    /// connection is there or the attempt has failed, for `timeout` at most. For programs that have
    /// nothing else to do meanwhile.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub fn connect_blocking(address: &str, timeout: Duration) -> Result<Self, ConnectError> {
        Self::connect(address, timeout).wait()
    }
}

impl Connecting {
    fn new(address: String, timeout: Duration, stage: Stage) -> Self {
        Self {
            address,
            deadline: Deadline::after(timeout),
            stage,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Over TLS: when TCP is there, the handshake follows, within the same timeout, and the
    /// certificate has to be for the host of the address, or the name in `tls`. The first address
    /// that answers TCP is the one whose handshake counts. To be called before the first `poll`.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use peote_net_std::{TcpTransport, TlsOptions};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tls = TlsOptions::with_system_roots()?;
    /// let connecting = TcpTransport::connect("relay.example:7681", Duration::from_secs(10)).with_tls(&tls);
    /// let transport = connecting.wait()?; // or poll it
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: &TlsOptions) -> Self {
        self.tls = Some(tls.clone());
        // several addresses are no address text, and each of them has a port
        if address::parse(&self.address).is_ok_and(|parsed| !parsed.has_port) {
            self.stage = Stage::Failed(ConnectErrorKind::Address(NO_PORT.into()));
        }
        self
    }

    /// Goes on with connecting; does not block. `Ready` is the connection, or why there is none;
    /// after that the attempt is over.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`]. Asked again after `Ready`, it is [`ConnectErrorKind::Finished`].
    pub fn poll(&mut self) -> Poll<Result<TcpTransport, ConnectError>> {
        if let Stage::Resolving(resolution) = &self.stage
            && let Some(answer) = resolution.answer()
        {
            self.stage = match answer {
                Ok(addresses) => Stage::Racing(Race::new(addresses)),
                Err(error) => Stage::Failed(ConnectErrorKind::Resolve(error)),
            };
        }
        if let Stage::Racing(race) = &mut self.stage {
            match race.advance() {
                Poll::Ready(Some(transport)) => {
                    #[cfg(feature = "tls")]
                    let transport = match &self.tls {
                        None => transport,
                        Some(tls) => {
                            self.stage = match transport.with_tls(&address::host(&self.address), tls) {
                                Ok(transport) => Stage::Handshaking(transport),
                                Err(error) => Stage::Failed(ConnectErrorKind::Tls(error)),
                            };
                            return self.poll();
                        }
                    };
                    self.stage = Stage::Finished;
                    return Poll::Ready(Ok(transport));
                }
                Poll::Ready(None) => {
                    let attempts = race.give_up();
                    self.stage = Stage::Failed(ConnectErrorKind::Failed(attempts));
                }
                Poll::Pending => {}
            }
        }
        #[cfg(feature = "tls")]
        if let Stage::Handshaking(transport) = &mut self.stage {
            match transport.handshake() {
                Poll::Ready(Ok(())) => {
                    if let Stage::Handshaking(transport) = std::mem::replace(&mut self.stage, Stage::Finished)
                    {
                        return Poll::Ready(Ok(transport));
                    }
                }
                Poll::Ready(Err(error)) => self.stage = Stage::Failed(ConnectErrorKind::Tls(error)),
                Poll::Pending => {}
            }
        }
        // Last, so that a connection that is there is never given up for a clock.
        if self.deadline.has_passed() {
            match &mut self.stage {
                Stage::Resolving(_) => {
                    self.stage = Stage::Failed(ConnectErrorKind::ResolveTimedOut(self.deadline.timeout));
                }
                Stage::Racing(race) => {
                    let attempts = race.give_up();
                    self.stage = Stage::Failed(ConnectErrorKind::TimedOut(self.deadline.timeout, attempts));
                }
                #[cfg(feature = "tls")]
                Stage::Handshaking(_) => {
                    self.stage = Stage::Failed(ConnectErrorKind::TlsTimedOut(self.deadline.timeout));
                }
                Stage::Failed(_) | Stage::Finished => {}
            }
        }
        let kind = match std::mem::replace(&mut self.stage, Stage::Finished) {
            Stage::Failed(kind) => kind,
            Stage::Finished => ConnectErrorKind::Finished,
            under_way => {
                self.stage = under_way;
                return Poll::Pending;
            }
        };
        Poll::Ready(Err(ConnectError::new(self.address.clone(), kind)))
    }

    /// The address to connect to, as it was given.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What has to be ready for `poll` to get further.
    pub(crate) fn queries(&self) -> Vec<Query<'_>> {
        match &self.stage {
            Stage::Resolving(resolution) => vec![(resolution.as_fd(), readiness::READ)],
            Stage::Racing(race) => race.queries(),
            #[cfg(feature = "tls")]
            Stage::Handshaking(transport) => {
                vec![(transport.socket().as_fd(), transport.flags(Interest::READ))]
            }
            Stage::Failed(_) | Stage::Finished => Vec::new(),
        }
    }

    /// How long it is until `poll` gets further by itself. `None`: it does not.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let stage = match &self.stage {
            Stage::Racing(race) => race.time_left(),
            Stage::Resolving(_) => None,
            #[cfg(feature = "tls")]
            Stage::Handshaking(_) => None,
            Stage::Failed(_) | Stage::Finished => Some(Duration::ZERO),
        };
        [stage, self.deadline.time_left()].into_iter().flatten().min()
    }

    /// **Blocks** until [`poll`](Self::poll) is ready, for programs that have nothing else to do
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub fn wait(mut self) -> Result<TcpTransport, ConnectError> {
        loop {
            if let Poll::Ready(result) = self.poll() {
                return result;
            }
            // An error here would have to be one of memory or of a signal. Either way the next poll
            // knows more.
            let _ = readiness::poll(&self.queries(), self.time_left());
        }
    }
}

/// Checks an address text, and returns it as it was understood.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_address(text: &str, is_tls: bool) -> Result<String, ConnectError> {
    let wrong = |what: String| ConnectError::new(text.to_owned(), ConnectErrorKind::Address(what));
    match address::parse(text) {
        Ok(parsed) if is_tls && !parsed.has_port => Err(wrong(NO_PORT.into())),
        Ok(_) => Ok(text.trim().to_owned()),
        Err(what) => Err(wrong(what)),
    }
}

impl Stage {
    fn look_up(look_up: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static) -> Self {
        match Resolution::start(look_up) {
            Ok(resolution) => Self::Resolving(resolution),
            Err(error) => Self::Failed(ConnectErrorKind::Resolve(error)),
        }
    }
}

impl Deadline {
    fn after(timeout: Duration) -> Self {
        Self { timeout, at: Instant::now().checked_add(timeout) }
    }

    fn has_passed(self) -> bool {
        self.at.is_some_and(|at| at <= Instant::now())
    }

    fn time_left(self) -> Option<Duration> {
        self.at.map(|at| at.saturating_duration_since(Instant::now()))
    }
}
