//! In place of the page, where the feature `try` is off: there is none, and no option for it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use peote_relay::Config;

#[derive(Debug)]
pub(crate) struct Page(Infallible);

impl Page {
    pub(crate) fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn allow(&self, _config: &mut Config) {
        match self.0 {}
    }

    pub(crate) fn serve(self, _relay: SocketAddr) -> io::Result<String> {
        match self.0 {}
    }
}

pub(crate) fn is_local(_config: &Config) -> bool {
    true
}
