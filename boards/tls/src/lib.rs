#![doc = include_str!("../README.md")]
#![no_std]

use core::cell::RefCell;
use core::fmt;

use embedded_io::{BufRead as _, ErrorType, Read, ReadReady, Write, WriteReady};
use embedded_tls::blocking::TlsConnection;
use embedded_tls::{CryptoProvider, TlsCipherSuite, TlsConfig, TlsContext, TlsError};

/// The longest record there is, in bytes, with what TLS puts around it (RFC 8446, section 5.2). A
/// relay sends what it has at once, so a shorter buffer for reading fails one day.
pub const RECORD: usize = 16_640;

/// What the connection runs over.
pub trait Network {
    /// The transport's error.
    type Error: embedded_io::Error;
    /// The transport, which does not wait.
    type Transport<'a>: Read<Error = Self::Error> + ReadReady + Write + WriteReady
    where
        Self: 'a;

    /// Returns the transport.
    fn transport(&mut self) -> Self::Transport<'_>;

    /// Moves what there is to move between transport and device. Does not wait.
    ///
    /// # Errors
    /// The connection is lost, or has been waited for too long.
    fn poll(&mut self) -> Result<(), Self::Error>;

    /// Sleeps until there may be more to move. Does nothing by default.
    fn sleep(&mut self) {}
}

/// The network, as embedded-tls wants it: it waits.
struct Socket<'a, N>(&'a RefCell<N>);

impl<N> Clone for Socket<'_, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N> Copy for Socket<'_, N> {}

impl<N: Network> Socket<'_, N> {
    /// Waits until the transport is ready for this.
    fn wait(
        self,
        is_ready: impl Fn(&mut N::Transport<'_>) -> Result<bool, N::Error>,
    ) -> Result<(), N::Error> {
        let mut network = self.0.borrow_mut();
        loop {
            network.poll()?;
            if is_ready(&mut network.transport())? {
                return Ok(());
            }
            network.sleep();
        }
    }
}

impl<N: Network> ErrorType for Socket<'_, N> {
    type Error = N::Error;
}

impl<N: Network> Read for Socket<'_, N> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, N::Error> {
        self.wait(|transport| transport.read_ready())?;
        self.0.borrow_mut().transport().read(buffer)
    }
}

impl<N: Network> Write for Socket<'_, N> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, N::Error> {
        self.wait(|transport| transport.write_ready())?;
        self.0.borrow_mut().transport().write(bytes)
    }

    fn flush(&mut self) -> Result<(), N::Error> {
        self.0.borrow_mut().transport().flush()?;
        self.0.borrow_mut().poll()
    }
}

/// A connection with TLS, as the transport of a link. See the [page of this package](crate).
pub struct TlsTransport<'a, N: Network, C: TlsCipherSuite + 'static> {
    socket: Socket<'a, N>,
    connection: TlsConnection<'a, Socket<'a, N>, C>,
    /// How many bytes of the last record are still to be read.
    decrypted: usize,
}

impl<N: Network, C: TlsCipherSuite> fmt::Debug for TlsTransport<'_, N, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsTransport").field("decrypted", &self.decrypted).finish_non_exhaustive()
    }
}

impl<'a, N: Network, C: TlsCipherSuite> TlsTransport<'a, N, C> {
    /// Does the handshake over a network that has its connection to the relay. Waits for it.
    ///
    /// `record` is for one record that is read, and has [`RECORD`] bytes. `sent` is for what is
    /// sent at once: 1,024 bytes are enough for the handshake, and for a link with a shorter
    /// transmit ring.
    ///
    /// # Errors
    /// The relay's certificate is not good (which ones are, the provider says), or the network
    /// fails. What the program does then is to connect anew.
    pub fn connect<P: CryptoProvider<CipherSuite = C>>(
        network: &'a RefCell<N>,
        record: &'a mut [u8],
        sent: &'a mut [u8],
        config: &TlsConfig<'_>,
        provider: P,
    ) -> Result<Self, TlsError> {
        let socket = Socket(network);
        let mut connection = TlsConnection::new(socket, record, sent);
        connection.open(TlsContext::new(config, provider))?;
        Ok(Self { socket, connection, decrypted: 0 })
    }

    /// Tells the relay that nothing more comes. Waits until that has been taken.
    ///
    /// # Errors
    /// The network fails.
    pub fn close(self) -> Result<(), TlsError> {
        self.connection.close().map(drop).map_err(|(_, error)| error)
    }
}

impl<N: Network, C: TlsCipherSuite> ErrorType for TlsTransport<'_, N, C> {
    type Error = TlsError;
}

impl<N: Network, C: TlsCipherSuite> ReadReady for TlsTransport<'_, N, C> {
    /// Returns true if something has been decrypted, or a byte of the next record has come.
    fn read_ready(&mut self) -> Result<bool, TlsError> {
        if self.decrypted > 0 {
            return Ok(true);
        }
        self.socket.0.borrow_mut().transport().read_ready().map_err(|error| of_network(&error))
    }
}

impl<N: Network, C: TlsCipherSuite> Read for TlsTransport<'_, N, C> {
    /// Returns 0 when the relay has said that nothing more comes.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TlsError> {
        let mut record = match self.connection.fill_buf() {
            Ok(record) => record,
            Err(TlsError::ConnectionClosed) => return Ok(0),
            Err(error) => return Err(error),
        };
        let len = record.len();
        let count = record.read(buffer).unwrap_or_else(|error| match error {});
        self.decrypted = len.saturating_sub(count);
        self.connection.consume(count);
        Ok(count)
    }
}

impl<N: Network, C: TlsCipherSuite> WriteReady for TlsTransport<'_, N, C> {
    fn write_ready(&mut self) -> Result<bool, TlsError> {
        self.socket.0.borrow_mut().transport().write_ready().map_err(|error| of_network(&error))
    }
}

impl<N: Network, C: TlsCipherSuite> Write for TlsTransport<'_, N, C> {
    /// Takes bytes for the next record. `flush` sends it, and a record that is full goes at once.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, TlsError> {
        self.connection.write(bytes)
    }

    fn flush(&mut self) -> Result<(), TlsError> {
        self.connection.flush()
    }
}

fn of_network(error: &impl embedded_io::Error) -> TlsError {
    TlsError::Io(error.kind())
}
