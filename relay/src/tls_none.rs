//! In place of TLS, in a relay that is built without it: no connection has any.

use std::convert::Infallible;
use std::io;
use std::path::Path;

use crate::config::InvalidConfig;
use crate::queue::{Pool, Queue};
use crate::system::TcpStream;
use crate::transport::Transport;

#[derive(Clone, Debug)]
pub(crate) struct Credentials(Infallible);

#[derive(Debug)]
pub(crate) struct Tls(Infallible);

pub(crate) type Failure = Infallible;

#[derive(Debug)]
#[expect(dead_code, reason = "with TLS there are all of them")]
pub(crate) enum Got {
    Bytes { len: usize, read: usize, asked: usize },
    End,
    Failed(Failure),
}

pub(crate) const MAX_KEPT: usize = 0;
pub(crate) const RESERVE: usize = 0;

/// # Errors
/// There is no TLS.
pub(crate) fn load(_: &Path, _: &Path) -> Result<Credentials, InvalidConfig> {
    let what = "this relay was built without TLS; build it with the feature tls, or remove listen-tls";
    Err(InvalidConfig::whole("listen_tls", what))
}

impl Tls {
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, Infallible> {
        match credentials.0 {}
    }

    pub(crate) fn has_begun(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn is_established(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn is_at_end(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn kept(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn memory(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn has_output(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn read(&mut self, _: &TcpStream, _: &mut [u8], _: &mut [u8]) -> io::Result<Got> {
        match self.0 {}
    }

    pub(crate) fn write(
        &mut self,
        _: &TcpStream,
        _: &mut Transport,
        _: &mut Queue,
        _: &mut Pool,
    ) -> io::Result<(usize, usize)> {
        match self.0 {}
    }

    pub(crate) fn say(&mut self, _: &TcpStream, _: &[u8]) -> bool {
        match self.0 {}
    }

    pub(crate) fn close(&mut self, _: &TcpStream) -> bool {
        match self.0 {}
    }
}
