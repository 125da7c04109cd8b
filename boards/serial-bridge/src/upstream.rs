//! The connection to the relay that stands for a board.

use std::fmt;
use std::task::Poll;
use std::time::Duration;

use embedded_io::{Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net_std::{Connecting, Interest, TcpTransport, TlsOptions, Watch};

/// How long connecting may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the relay may take to end its half of a connection.
const FINISH: Duration = Duration::from_secs(5);

/// Where the relay is.
pub(crate) struct Relay {
    pub(crate) address: String,
    pub(crate) tls: Option<TlsOptions>,
}

/// A connection, or the attempt at one. What could not be handed on yet waits here.
#[derive(Debug)]
pub(crate) struct Upstream {
    stage: Stage,
    /// Bytes of the board for the relay, and of the relay for the board.
    pub(crate) up: Waiting,
    pub(crate) down: Waiting,
    /// The relay has ended the connection.
    pub(crate) is_over: bool,
}

#[derive(Debug)]
enum Stage {
    Connecting(Box<Connecting>),
    Connected(Box<TcpTransport>),
}

/// Bytes that are handed on piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    bytes: Vec<u8>,
    from: usize,
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.from == self.bytes.len()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.from..]
    }

    pub(crate) fn taken(&mut self, count: usize) {
        self.from += count;
    }

    /// Returns room for more, if nothing waits.
    pub(crate) fn set(&mut self, bytes: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(bytes);
        self.from = 0;
    }
}

impl Upstream {
    pub(crate) fn new(relay: &Relay) -> Self {
        let mut connecting = TcpTransport::connect(&relay.address, TIMEOUT);
        if let Some(tls) = &relay.tls {
            connecting = connecting.with_tls(tls);
        }
        Self {
            stage: Stage::Connecting(Box::new(connecting)),
            up: Waiting::default(),
            down: Waiting::default(),
            is_over: false,
        }
    }

    /// Moves bytes between the relay and what waits. An error is the end.
    pub(crate) fn turn(&mut self) -> Result<(), Trouble> {
        if let Stage::Connecting(connecting) = &mut self.stage {
            match connecting.poll() {
                Poll::Pending => return Ok(()),
                Poll::Ready(Err(error)) => return Err(Trouble(format!("no connection: {error}"))),
                Poll::Ready(Ok(transport)) => self.stage = Stage::Connected(Box::new(transport)),
            }
        }
        let Stage::Connected(transport) = &mut self.stage else { return Ok(()) };
        let lost = |error| Trouble(format!("the connection to the relay is lost: {error}"));
        while !self.up.is_empty() && transport.write_ready().map_err(lost)? {
            let count = transport.write(self.up.bytes()).map_err(lost)?;
            self.up.taken(count);
        }
        if self.down.is_empty() && !self.is_over && transport.read_ready().map_err(lost)? {
            let mut buffer = [0; 2048];
            let count = transport.read(&mut buffer).map_err(lost)?;
            self.is_over = count == 0;
            self.down.set(&buffer[..count]);
        }
        Ok(())
    }

    /// Ends the connection in order: what the relay has not read yet must not be lost by a reset.
    pub(crate) fn finish(self) {
        if let Stage::Connected(transport) = self.stage {
            // rare, and short: a thread of its own keeps the other lines from waiting
            std::thread::spawn(move || transport.finish(FINISH));
        }
    }

    pub(crate) fn watch(&mut self) -> Watch<'_> {
        match &mut self.stage {
            Stage::Connecting(connecting) => Watch::connecting(connecting),
            Stage::Connected(transport) => {
                let read = self.down.is_empty() && !self.is_over;
                Watch::transport(transport, Interest { read, write: !self.up.is_empty() })
            }
        }
    }
}

/// Why there is no connection any more.
#[derive(Debug)]
pub(crate) struct Trouble(String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
