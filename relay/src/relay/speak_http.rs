//! A connection that begins with an HTTP request.

use super::Relay;
use super::close::Why;
use crate::causes::Closed;
use crate::http::Refusal;
use crate::pages::{Answer, Page, Response, TOKEN, TOO_MANY_TOKENS};
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
                let shown = upgrade.token.as_deref().map_or(Ok(()), |token| self.check_token(index, token));
                let connection = self.connections.get(index)?;
                match (shown, &connection.transport) {
                    (Err(refusal), Transport::Http(request)) => (request.refuse(refusal), Closed::Token),
                    (Err(_), _) => return Some(0),
                    (Ok(()), _) => {
                        return Some(self.begin_web_socket(index, bytes, &upgrade.response, upgrade.used));
                    }
                }
            }
            Answer::Page(page) => self.page(index, page)?,
            Answer::Refuse(refusal, cause) => (request.refuse(refusal), cause),
        };
        self.close(index, &Why::Http(response, cause));
        None
    }

    /// Checks the token of a request.
    ///
    /// # Errors
    /// It does not count, or may not be checked because its network has shown too many.
    fn check_token(&mut self, index: u32, token: &[u8]) -> Result<(), Refusal> {
        self.connections.may_check_token(index).map_err(|_| TOO_MANY_TOKENS)?;
        let Err(denied) = self.connections.present(index, token) else { return Ok(()) };
        self.connections.note_refused_token(index, denied);
        Err(TOKEN)
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
