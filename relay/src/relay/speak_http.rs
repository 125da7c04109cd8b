//! A connection that begins with an HTTP request.

use super::Relay;
use super::close::Why;
use crate::causes::Closed;
use crate::http::{self, Answer, Page};
use crate::transport::Transport;

impl Relay {
    /// Takes what has come of a request. Returns how many bytes of the joint protocol it leaves at the beginning of `bytes`, or `None` if the
    /// connection is closed now.
    pub(super) fn answer(&mut self, index: u32, bytes: &mut [u8]) -> Option<usize> {
        let config = &self.connections.config;
        let connection = self.connections.slots.get_mut(index as usize)?.as_mut()?;
        let Transport::Http(request) = &mut connection.transport else { return Some(0) };
        match request.receive(bytes, config) {
            Answer::Wait => Some(0),
            Answer::Upgrade(response, used) => {
                connection.transport = Transport::web_socket(&response);
                let is_tls = connection.is_tls();
                let behind = bytes.len() - used;
                bytes.copy_within(used.., 0);
                let len = connection.decode(&mut bytes[..behind]);
                let keepalive = connection.last_sent + self.times.keepalive;
                self.connections.timers.arm(index, keepalive);
                self.websockets += 1;
                self.secure_websockets += usize::from(is_tls);
                Some(len)
            }
            Answer::Page(page) => {
                let is_allowed = config.allows_watching_from(connection.address.ip());
                let (response, cause) = match page {
                    Page::Metrics if !config.metrics => (http::not_found(), Closed::BadRequest),
                    Page::Details if !config.details => (http::not_found(), Closed::BadRequest),
                    _ if !is_allowed => (http::not_shown(), Closed::WatchFrom),
                    Page::Metrics => (http::metrics(&self.metrics()), Closed::Page),
                    Page::Details => (http::details(&self.details()), Closed::Page),
                };
                self.close(index, &Why::Http(response, cause));
                None
            }
            Answer::Close(response, cause) => {
                self.close(index, &Why::Http(response, cause));
                None
            }
        }
    }
}
