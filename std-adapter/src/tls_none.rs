//! In place of TLS, when this package is built without it: no connection has any.

use std::convert::Infallible;
use std::net::TcpStream;

use crate::readiness::PollFlags;
use crate::{Interest, TcpError};

/// TLS on a connection: there is none.
#[derive(Debug)]
pub(crate) struct Session(Infallible);

impl Session {
    pub(crate) fn known_readable(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn known_writable(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn flags(&self, _: Interest) -> PollFlags {
        match self.0 {}
    }

    pub(crate) fn note(&mut self, _: &TcpStream, _: PollFlags) {
        match self.0 {}
    }

    pub(crate) fn receive(&mut self, _: &TcpStream) {
        match self.0 {}
    }

    pub(crate) fn send(&mut self, _: &TcpStream) {
        match self.0 {}
    }

    pub(crate) fn read(&mut self, _: &TcpStream, _: &mut [u8]) -> Result<usize, TcpError> {
        match self.0 {}
    }

    pub(crate) fn write(&mut self, _: &TcpStream, _: &[u8]) -> Result<usize, TcpError> {
        match self.0 {}
    }

    pub(crate) fn has_unsent(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn flush(&mut self, _: &TcpStream) -> Result<(), TcpError> {
        match self.0 {}
    }

    pub(crate) fn close(&mut self, _: &TcpStream) {
        match self.0 {}
    }

    pub(crate) fn has_said_everything(&self) -> Result<bool, TcpError> {
        match self.0 {}
    }
}
