//! A connection that begins with an HTTP request.

use tracing::warn;

use super::Relay;
use super::close::Why;
use crate::access::Denied;
use crate::causes::Closed;
use crate::pages::{Answer, Page, Response};
use crate::proxy::Arrival;
use crate::transport::Transport;

impl Relay {
    /// Takes what has come of a request. Returns how many bytes of the joint protocol it leaves at
    /// the beginning of `bytes`, or `None` if the connection is closed now.
    pub(super) fn answer(&mut self, index: u32, bytes: &mut [u8]) -> Option<usize> {
        let config = &self.connections.config;
        let connection = self.connections.slots.get_mut(index as usize)?.as_mut()?;
        let Transport::Http(request) = &mut connection.transport else { return Some(0) };
        let answer = request.receive(bytes, config);
        let client = request.client.map_or(connection.address, |client| (client, 0).into());
        if connection.arrival != Arrival::Settled
            && !matches!(answer, Answer::Wait)
            && !self.settle(index, client)
        {
            return None;
        }
        let Transport::Http(request) = &self.connections.get(index)?.transport else { return Some(0) };
        let (response, cause) = match answer {
            Answer::Wait => return Some(0),
            Answer::Upgrade(upgrade) => {
                let token = upgrade.token.as_deref();
                match token.map_or(Ok(()), |token| self.connections.present(index, token)) {
                    Ok(()) => {
                        return Some(self.begin_web_socket(index, bytes, &upgrade.response, upgrade.used));
                    }
                    Err(denied) => (self.refuse_token(index, denied)?, Closed::Token),
                }
            }
            Answer::Page(page) => self.page(index, page)?,
            Answer::Refuse(refusal, cause) => (request.refuse(refusal), cause),
        };
        self.close(index, &Why::Http(response, cause));
        None
    }

    /// The response to a request whose token does not count.
    fn refuse_token(&mut self, index: u32, denied: Denied) -> Option<Response> {
        let connection = self.connections.get(index)?;
        let (id, address, home) = (connection.id, connection.address, connection.home);
        let Transport::Http(request) = &connection.transport else { return None };
        let response = request.unauthorized();
        if self.connections.lines.may_warn(self.connections.now, "denied-tokens", home) {
            warn!(connection = %id, %address, %denied, "token refused");
        }
        Some(response)
    }

    /// Goes on as a WebSocket. Returns how many bytes of the joint protocol came behind the
    /// request, of which `used` are the end.
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
        let address = self.connections.get(index)?.address;
        let may_see =
            matches!(page, Page::Health) || self.connections.config.allows_watching_from(address.ip());
        let is_there = self.is_there(page);
        let is_draining = matches!(page, Page::Health) && self.is_draining();
        let content = if may_see { self.content(page) } else { None };
        let connection = self.connections.get(index)?;
        let Transport::Http(request) = &connection.transport else { return None };
        Some(match content {
            _ if is_draining => (request.draining(), Closed::Page),
            Some(content) => (request.page(page, &content), Closed::Page),
            None if is_there => (request.not_shown(), Closed::WatchFrom),
            None => (request.not_found(), Closed::BadRequest),
        })
    }

    /// Whether a page is switched on.
    fn is_there(&self, page: Page) -> bool {
        match page {
            Page::Health => true,
            Page::Metrics(_) => self.connections.config.metrics,
            Page::Details => self.connections.config.details,
        }
    }

    /// What a page has to show, if it is switched on.
    pub(super) fn content(&mut self, page: Page) -> Option<String> {
        self.is_there(page).then(|| match page {
            Page::Health => "ok\n".into(),
            Page::Metrics(format) => self.metrics(format),
            Page::Details => self.details(),
        })
    }
}
