//! HTTP on the relay's port: the way to a WebSocket, and two pages for operators.

use std::net::IpAddr;

use httparse::EMPTY_HEADER;

use crate::causes::Closed;
use crate::config::Config;
use crate::websocket::{MAX_REQUEST, Refusal, end_of_head, hosts, is_upgrade, origins, parse, upgrade};

/// Header lines of the longest request.
const MAX_HEADERS: usize = 64;

/// The type of the page with the figures, as the format has it.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The answer to a browser that comes from somewhere else.
const ORIGIN: Refusal = Refusal { status: "403 Forbidden", what: "pages of this origin may not connect" };

/// The answer where a name may have been made to stand for this machine.
const BY_NAME: Refusal = Refusal {
    status: "403 Forbidden",
    what: "ask for this page by an address or as localhost; with watch-from = [] any name does, for everybody",
};

/// What has come of a request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    bytes: Vec<u8>,
}

/// What to do about a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Wait for more of it.
    Wait,
    /// Send this response, and go on as a WebSocket. So many of the bytes that came last belong to the request.
    Upgrade(Vec<u8>, usize),
    /// Send this response and close, for this cause.
    Close(Vec<u8>, Closed),
    /// Send this page, if it is to be had from where the request comes, and close.
    Page(Page),
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::Close(refusal.response(), Closed::BadRequest)
    }
}

/// Pages that show what a relay is doing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Page {
    Metrics,
    Details,
}

const NOT_FOUND: Refusal = Refusal { status: "404 Not Found", what: "there is only WebSocket here" };

impl Request {
    /// Takes what has come.
    pub(crate) fn receive(&mut self, bytes: &[u8], config: &Config) -> Answer {
        let before = self.bytes.len();
        let here = bytes.len().min(MAX_REQUEST - before);
        // twice as much as before, and never more than the limit
        self.bytes.reserve_exact(here.max(before.min(MAX_REQUEST - before)));
        self.bytes.extend(&bytes[..here]);
        let Some(len) = end_of_head(&self.bytes, before) else {
            let is_too_long = self.bytes.len() == MAX_REQUEST;
            return if is_too_long { Refusal::TOO_LARGE.into() } else { Answer::Wait };
        };
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let request = match parse(&self.bytes[..len], &mut headers) {
            Ok(request) => request,
            Err(refusal) => return refusal.into(),
        };
        if is_upgrade(&request) {
            if !origins(&request).all(|origin| config.allows_origin(origin)) {
                return Answer::Close(ORIGIN.response(), Closed::Origin);
            }
            return match upgrade(&request) {
                Ok(response) => Answer::Upgrade(response, len - before),
                Err(refusal) => refusal.into(),
            };
        }
        let path = request.path.unwrap_or_default();
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        match path {
            "/health" => Answer::Close(page("200 OK", "text/plain; charset=utf-8", "ok\n"), Closed::Page),
            "/metrics" => Answer::Page(Page::Metrics),
            // A page elsewhere can have a browser here ask under its own name, by having it stand for this address, and read the answer.
            "/details"
                if config.details && !config.watch_from.is_empty() && !hosts(&request).all(is_address) =>
            {
                Answer::Close(BY_NAME.response(), Closed::WatchFrom)
            }
            "/details" => Answer::Page(Page::Details),
            _ => NOT_FOUND.into(),
        }
    }

    /// Bytes of memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity()
    }
}

/// Whether a host, maybe with a port, is no name that somebody else could make stand for this machine.
fn is_address(host: &[u8]) -> bool {
    let Ok(host) = str::from_utf8(host) else { return false };
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |(name, _)| name);
    match name.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<IpAddr>().is_ok()),
        None => name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok(),
    }
}

/// The response where there is no such page.
pub(crate) fn not_found() -> Vec<u8> {
    NOT_FOUND.response()
}

/// The response to somebody who may not see the page.
pub(crate) fn not_shown() -> Vec<u8> {
    Refusal { status: "403 Forbidden", what: "this page is not shown to your address" }.response()
}

/// The response with the figures.
pub(crate) fn metrics(text: &str) -> Vec<u8> {
    page("200 OK", METRICS_TYPE, text)
}

/// The response with the details.
pub(crate) fn details(text: &str) -> Vec<u8> {
    page("200 OK", "application/json", text)
}

/// The response to a request that did not come in time.
pub(crate) fn too_slow() -> Vec<u8> {
    Refusal { status: "408 Request Timeout", what: "the request did not come in time" }.response()
}

/// The response while the relay stops: to whoever asks, and for a WebSocket that will not come about.
pub(crate) fn stopping() -> Vec<u8> {
    page("503 Service Unavailable", "text/plain; charset=utf-8", "stopping\n")
}

fn page(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let len = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
