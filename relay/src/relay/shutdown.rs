//! The end of a relay, in order.

use std::io::{self, Read};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use super::Relay;
use super::anteroom::Anteroom;
use super::close::Why;
use crate::causes::Closed;
use crate::places::narrow;
use crate::timers::Timers;
use crate::times::millis;
use crate::transport::Transport;

/// How often what is ready is still served when the time is over. The process may have stood still.
const LATE_ROUNDS: u32 = 64;

impl Relay {
    /// Stops accepting, writes what is queued, and closes all connections.
    ///
    /// What was read is delivered; nothing more is routed. An endpoint that has got all that was
    /// queued for it is told the end (a WebSocket with code 1001) and may then close its side,
    /// which keeps what was said last from being lost. HTTP requests that are coming are answered
    /// with 503. Blocks until all is said and closed, for
    /// [`Config::shutdown_timeout`](crate::Config::shutdown_timeout) at most; what is left then is
    /// closed as it is. Afterwards the relay is of no further use.
    ///
    /// # Errors
    /// As for [`turn`](Self::turn).
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.listeners.clear();
        self.anteroom = Anteroom::default();
        self.set_now(Some(Duration::ZERO));
        self.leave_cluster();
        let end = self.connections.now + millis(self.connections.config.shutdown_timeout);
        for index in 0..self.connections.slots.len() {
            self.begin_to_end(narrow(index));
        }
        self.end_all(end)?;
        for index in 0..self.connections.slots.len() {
            self.close(narrow(index), &Why::Stopping);
        }
        Ok(())
    }

    /// Writes and reads until all is said and closed, or until `end` and nothing more is ready
    /// then.
    fn end_all(&mut self, end: u64) -> io::Result<()> {
        let mut late = 0;
        loop {
            // closing and writing queue nothing any more
            while let Some(index) = self.connections.dirty.pop() {
                self.write_to_end(index);
            }
            while self.forget_more() {}
            for _ in 0..self.connections.ready.len() {
                let Some(index) = self.connections.ready.pop() else { break };
                self.read_to_end(index);
            }
            // no other deadline counts any more
            self.connections.timers = Timers::default();
            if self.core.connections() == 0 && self.lingering.next().is_none() {
                return Ok(());
            }
            let left = end.saturating_sub(self.connections.now);
            if left == 0 {
                late += 1;
                if late > LATE_ROUNDS || late > 1 && self.connections.ready.is_empty() {
                    return Ok(());
                }
            }
            if let Some(noted) = self.wait(Some(Duration::from_millis(left)), Self::note)? {
                self.lingering.expire(noted);
            }
        }
    }

    /// From now on nothing more is queued for a connection.
    fn begin_to_end(&mut self, index: u32) {
        self.connections.stop_waiting(index);
        let Some(connection) = self.connections.get(index) else { return };
        if let Transport::Http(request) = &connection.transport {
            let response = request.stopping();
            return self.close(index, &Why::Http(response, Closed::Stopping));
        }
        connection.flags.mute = true;
        (connection.wait.until, connection.wait.directory) = (0, 0);
        self.connections.mark_dirty(index);
    }

    /// Writes what is queued, and closes the sending direction behind it.
    fn write_to_end(&mut self, index: u32) {
        self.connections.write(index);
        let Some(connection) = self.connections.get(index) else { return };
        if connection.has_output() {
            return;
        }
        connection.transport.close(1001, "");
        if connection.has_output() {
            self.connections.write(index);
        }
        if let Some(connection) = self.connections.get(index).filter(|connection| !connection.has_output()) {
            connection.close_tls();
            if connection.has_output() {
                return; // it goes on when the socket takes more
            }
            // fails only for a socket that is gone already
            let _ = connection.socket().shutdown(Shutdown::Write);
        }
    }

    /// Throws away what a connection sends, so that it is not reset for being closed with something
    /// unread; closes it when nothing more comes.
    fn read_to_end(&mut self, index: u32) {
        let Some(connection) = self.connections.get(index) else { return };
        match connection.socket().read(Arc::make_mut(&mut self.buffer)) {
            Ok(1..) => self.connections.list(index),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.connections.list(index),
            _ => self.close(index, &Why::Stopping),
        }
    }
}
