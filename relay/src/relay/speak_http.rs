//! A connection that begins with an HTTP request.

use super::Relay;
use super::close::Why;
use crate::causes::Closed;
use crate::http::{Answer, Page};
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
                let behind = bytes.len() - used;
                bytes.copy_within(used.., 0);
                let len = connection.decode(&mut bytes[..behind]);
                let keepalive = connection.last_sent + self.times.keepalive;
                self.connections.timers.arm(index, keepalive);
                self.websockets += 1;
                Some(len)
            }
            Answer::Page(page) => {
                let ip = connection.address.ip();
                let text = match page {
                    Page::Metrics => self.connections.config.metrics.then(|| self.metrics()),
                    Page::Details => self.connections.config.details.includes(ip).then(|| self.details()),
                };
                let cause = if text.is_some() { Closed::Page } else { Closed::BadRequest };
                self.close(index, &Why::Http(page.response(text.as_deref()), cause));
                None
            }
            Answer::Close(response, cause) => {
                self.close(index, &Why::Http(response, cause));
                None
            }
        }
    }
}
