//! What a desktop program's link goes over: a socket, or nothing.

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::offline::Offline;

use crate::{TcpError, TcpTransport};

/// A socket, or the transport that leads nowhere.
#[derive(Debug)]
pub(crate) enum LinkTransport {
    Tcp(TcpTransport),
    Offline(Offline),
}

impl ErrorType for LinkTransport {
    type Error = TcpError;
}

impl ReadReady for LinkTransport {
    fn read_ready(&mut self) -> Result<bool, TcpError> {
        match self {
            Self::Tcp(transport) => transport.read_ready(),
            Self::Offline(transport) => transport.read_ready().map_err(|never| match never {}),
        }
    }
}

impl WriteReady for LinkTransport {
    fn write_ready(&mut self) -> Result<bool, TcpError> {
        match self {
            Self::Tcp(transport) => transport.write_ready(),
            Self::Offline(transport) => transport.write_ready().map_err(|never| match never {}),
        }
    }
}

impl Read for LinkTransport {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        match self {
            Self::Tcp(transport) => transport.read(buffer),
            Self::Offline(transport) => transport.read(buffer).map_err(|never| match never {}),
        }
    }
}

impl Write for LinkTransport {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, TcpError> {
        match self {
            Self::Tcp(transport) => transport.write(bytes),
            Self::Offline(transport) => transport.write(bytes).map_err(|never| match never {}),
        }
    }

    fn flush(&mut self) -> Result<(), TcpError> {
        match self {
            Self::Tcp(transport) => transport.flush(),
            Self::Offline(transport) => transport.flush().map_err(|never| match never {}),
        }
    }
}
