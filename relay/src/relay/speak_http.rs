//! A connection that begins with an HTTP request.

use super::Relay;
use super::close::Why;
use crate::causes::Closed;
use crate::pages::{Answer, Page, Response};
use crate::transport::Transport;

impl Relay {
    /// Takes what has come of a request. Returns how many bytes of the joint protocol it leaves at the beginning of `bytes`, or `None` if the
    /// connection is closed now.
    pub(super) fn answer(&mut self, index: u32, bytes: &mut [u8]) -> Option<usize> {
        let config = &self.connections.config;
        let connection = self.connections.slots.get_mut(index as usize)?.as_mut()?;
        let Transport::Http(request) = &mut connection.transport else { return Some(0) };
        let (response, cause) = match request.receive(bytes, config) {
            Answer::Wait => return Some(0),
            Answer::Upgrade(response, used) => {
                return Some(self.begin_web_socket(index, bytes, &response, used));
            }
            Answer::Page(page) => self.page(index, page)?,
            Answer::Refuse(refusal, cause) => (request.refuse(refusal), cause),
        };
        self.close(index, &Why::Http(response, cause));
        None
    }

    /// Goes on as a WebSocket. Returns how many bytes of the joint protocol came behind the request, of which `used` are the end.
    fn begin_web_socket(&mut self, index: u32, bytes: &mut [u8], response: &[u8], used: usize) -> usize {
        let Some(connection) = self.connections.get(index) else { return 0 };
        connection.transport = Transport::web_socket(response);
        let is_tls = connection.is_tls();
        let behind = bytes.len() - used;
        bytes.copy_within(used.., 0);
        let len = connection.decode(&mut bytes[..behind]);
        self.begin_stage(index);
        self.websockets += 1;
        self.secure_websockets += usize::from(is_tls);
        len
    }

    /// The response to whoever asks for a page, and what it is counted as.
    fn page(&mut self, index: u32, page: Page) -> Option<(Response, Closed)> {
        let config = &self.connections.config;
        let is_there = match page {
            Page::Health => true,
            Page::Metrics(_) => config.metrics,
            Page::Details => config.details,
        };
        let connection = self.connections.slots.get(index as usize)?.as_ref()?;
        let may_watch = config.allows_watching_from(connection.address.ip());
        let content = match page {
            _ if !is_there => None,
            Page::Health => Some("ok\n".into()),
            _ if !may_watch => None,
            Page::Metrics(format) => Some(self.metrics(format)),
            Page::Details => Some(self.details()),
        };
        let connection = self.connections.get(index)?;
        let Transport::Http(request) = &connection.transport else { return None };
        Some(match content {
            Some(content) => (request.page(page, &content), Closed::Page),
            None if !is_there => (request.not_found(), Closed::BadRequest),
            None => (request.not_shown(), Closed::WatchFrom),
        })
    }
}
