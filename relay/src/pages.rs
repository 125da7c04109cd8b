//! What is asked for over HTTP on the relay's port: a WebSocket, or a page for operators.

use std::net::IpAddr;

use httparse::EMPTY_HEADER;

use crate::causes::{Closed, TurnedAway};
use crate::config::Config;
use crate::http::{self, Collected, Format, Head, MAX_LINES, Refusal};
use crate::proxy;
use crate::websocket::{is_upgrade, upgrade};

const TEXT: &str = "text/plain; charset=utf-8";

/// The types of the page with the figures, as the formats have them.
const METRICS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const METRICS_OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The answer to a browser that comes from somewhere else.
const ORIGIN: Refusal = Refusal::new("403 Forbidden", "pages of this origin may not connect");

/// The answer where a name may have been made to stand for this machine.
const BY_NAME: Refusal = Refusal::new(
    "403 Forbidden",
    "ask for this page by an address, or by a name without a dot such as localhost; with watch-from = [] any name does, for everybody",
);

const NOT_FOUND: Refusal = Refusal::new("404 Not Found", "there is only WebSocket here");
const NOT_SHOWN: Refusal = Refusal::new("403 Forbidden", "this page is not shown to your address");
/// The network has shown too many tokens.
pub(crate) const TOO_MANY_TOKENS: Refusal = Refusal::new(
    "429 Too Many Requests",
    "the network shows more tokens than it may (tokens-per-second-per-network)",
);
/// The token does not count.
pub(crate) const TOKEN: Refusal = Refusal::new("401 Unauthorized", "the token does not count here");
const TOO_SLOW: Refusal = Refusal::new("408 Request Timeout", "the request did not come in time");
const DRAINING: Refusal = Refusal::new("503 Service Unavailable", "draining");
const STOPPING: Refusal = Refusal::new("503 Service Unavailable", "stopping");

/// What has come of a request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    collected: Collected,
    /// The client that it names, if that is to be believed of whom it comes from.
    pub(crate) client: Option<IpAddr>,
}

/// What to do about a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Wait for more of it.
    Wait,
    /// Send this response, and go on as a WebSocket.
    Upgrade(Upgrade),
    /// Send the response that refuses it and close, for this cause.
    Refuse(Refusal, Closed),
    /// Send this page, if it is to be had from where the request comes, and close.
    Page(Page),
}

/// A request for a WebSocket that can be agreed to.
#[derive(Debug)]
pub(crate) struct Upgrade {
    /// The response that agrees.
    pub(crate) response: Vec<u8>,
    /// How many of the bytes that came last belong to the request.
    pub(crate) used: usize,
    /// The token that came with it.
    pub(crate) token: Option<Vec<u8>>,
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal, Closed::BadRequest)
    }
}

/// Pages that show what a relay is doing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Page {
    Health,
    Metrics(Format),
    Details,
}

impl Request {
    /// Takes what has come.
    pub(crate) fn receive(&mut self, bytes: &[u8], config: &Config) -> Answer {
        match self.collected.push(bytes) {
            Ok(None) => Answer::Wait,
            Ok(Some(used)) => self.answer(used, config).unwrap_or_else(Answer::from),
            Err(refusal) => refusal.into(),
        }
    }

    fn answer(&mut self, used: usize, config: &Config) -> Result<Answer, Refusal> {
        let mut headers = [EMPTY_HEADER; MAX_LINES];
        let head = self.collected.parse(&mut headers)?;
        if !config.forwarded_from.is_empty() {
            self.client = proxy::client(&head, config);
        }
        let page = match head.path {
            "/health" => Some(Page::Health),
            "/metrics" => Some(Page::Metrics(http::format(head.values("Accept")))),
            "/details" => Some(Page::Details),
            _ => None,
        };
        // with HTTP/1.0 the header Upgrade means nothing (RFC 9110, section 7.8)
        if is_upgrade(&head) && (head.is_1_1 || page.is_none()) {
            if !head.values("Origin").all(|origin| config.allows_origin(origin)) {
                return Ok(Answer::Refuse(ORIGIN, Closed::Origin));
            }
            let token = head.token().map(<[u8]>::to_vec);
            return upgrade(&head).map(|response| Answer::Upgrade(Upgrade { response, used, token }));
        }
        // A page elsewhere can have a browser here ask under its own name, by having it stand for
        // this address, and read the answer.
        let is_shown = match page {
            Some(Page::Details) => config.details,
            Some(Page::Metrics(_)) => config.metrics,
            _ => false,
        };
        if is_shown && !config.watch_from.is_empty() && !is_asked_by_address(&head) {
            return Ok(Answer::Refuse(BY_NAME, Closed::WatchFrom));
        }
        page.map(Answer::Page).ok_or(NOT_FOUND)
    }

    /// The response that refuses it, and what the log says of that.
    pub(crate) fn refuse(&self, refusal: Refusal) -> Response {
        Response {
            bytes: refusal.response(self.collected.is_head()),
            status: refusal.status,
            what: refusal.what,
        }
    }

    /// The response to one that did not come in time.
    pub(crate) fn too_slow(&self) -> Response {
        self.refuse(TOO_SLOW)
    }

    /// The response while the relay stops: to whoever asks, and for a WebSocket that will not come
    /// about.
    pub(crate) fn stopping(&self) -> Response {
        self.refuse(STOPPING)
    }

    /// The response to whoever is above a limit.
    pub(crate) fn full(&self, why: TurnedAway) -> Response {
        self.refuse(Refusal::new("503 Service Unavailable", why.told()))
    }

    /// The response to whoever asks whether the relay is well, while it is drained.
    pub(crate) fn draining(&self) -> Response {
        self.refuse(DRAINING)
    }

    /// The response where there is no such page.
    pub(crate) fn not_found(&self) -> Response {
        self.refuse(NOT_FOUND)
    }

    /// The response to somebody who may not see the page.
    pub(crate) fn not_shown(&self) -> Response {
        self.refuse(NOT_SHOWN)
    }

    /// The response with a page.
    pub(crate) fn page(&self, page: Page, content: &str) -> Response {
        let status = "200 OK";
        let (kind, more) = match page {
            Page::Health => (TEXT, ""),
            Page::Metrics(Format::Text) => (METRICS_TEXT, "Vary: Accept\r\n"),
            Page::Metrics(Format::OpenMetrics) => (METRICS_OPEN, "Vary: Accept\r\n"),
            Page::Details => ("application/json", ""),
        };
        let bytes = http::Page { status, kind, more, content }.response(self.collected.is_head());
        Response { bytes, status, what: "" }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>() + self.collected.memory()
    }
}

/// The last that is said to an endpoint that speaks HTTP.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) bytes: Vec<u8>,
    /// Status code and phrase.
    pub(crate) status: &'static str,
    /// What is wrong, if anything.
    pub(crate) what: &'static str,
}

/// Whether the host that is asked is no name that somebody else could make stand for this machine.
fn is_asked_by_address(head: &Head<'_, '_>) -> bool {
    head.host.is_none_or(is_address)
}

/// Whether a host, maybe with a port, is an address, or a name without a dot such as `localhost`:
/// those are given out where the relay is, and no stranger can have one.
fn is_address(host: &[u8]) -> bool {
    let Ok(host) = str::from_utf8(host) else { return false };
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    match name.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<IpAddr>().is_ok()),
        None => is_local_name(name) || name.parse::<IpAddr>().is_ok(),
    }
}

fn is_local_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_part)
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
