//! In place of the socket, where there are no Unix sockets.

use std::io;
use std::time::Duration;

use peote_relay::Relay;

use super::bans::BanFile;
use crate::cli::settings::Settings;

/// Bans, and nothing that could be asked.
#[derive(Debug)]
pub(crate) struct Server {
    drain_time: Duration,
}

impl Server {
    /// Bans those who are in the file of bans.
    ///
    /// # Errors
    /// The file cannot be used, or there is to be a socket.
    pub(crate) fn open(settings: &Settings, relay: &mut Relay) -> io::Result<Self> {
        if settings.control_socket.is_some() {
            let what = "control-socket: there are no Unix sockets here";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        BanFile::open(settings.ban_file.as_deref(), relay)?;
        Ok(Self { drain_time: settings.drain_time })
    }

    pub(crate) fn set_drain_time(&mut self, time: Duration) {
        self.drain_time = time;
    }

    #[expect(clippy::unused_self, reason = "elsewhere there is somebody who asks")]
    pub(crate) fn serve(&mut self, _: &mut Relay) {}

    pub(crate) fn drain(&mut self, relay: &mut Relay) {
        relay.drain(self.drain_time);
    }

    #[expect(clippy::unused_self, reason = "elsewhere it can be asked for")]
    pub(crate) fn is_to_stop(&self, _: &Relay) -> bool {
        false
    }
}
