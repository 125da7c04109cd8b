//! Responses. The connection ends behind each of them.

use std::fmt::Write;

/// What is sent where a request is answered with content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    /// Status code and phrase.
    pub(crate) status: &'a str,
    /// Media type.
    pub(crate) kind: &'a str,
    /// Further header lines, each with its end.
    pub(crate) more: &'a str,
    pub(crate) content: &'a str,
}

impl Page<'_> {
    /// The response; without the content where `HEAD` asks for the header alone (RFC 9110, section
    /// 9.3.2).
    pub(crate) fn response(&self, is_head: bool) -> Vec<u8> {
        let Self { status, kind, more, content } = *self;
        let date = httpdate::fmt_http_date(crate::system::date());
        // who names a protocol to change to says so here, too (RFC 9110, section 7.8)
        let connection = if more.starts_with("Upgrade:") { "Upgrade, close" } else { "close" };
        let mut response = String::new();
        // a string takes everything
        let _ = write!(
            response,
            "HTTP/1.1 {status}\r\n{more}Content-Type: {kind}\r\nContent-Length: {}\r\nDate: {date}\r\n\
             Cache-Control: no-store\r\nConnection: {connection}\r\n\r\n",
            content.len()
        );
        if !is_head {
            response.push_str(content);
        }
        response.into_bytes()
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Status code and phrase.
    pub(crate) status: &'static str,
    /// What is wrong, as the response's content.
    pub(crate) what: &'static str,
    /// The methods that there are instead, where it is the method that is wrong.
    pub(crate) methods: &'static str,
}

impl Refusal {
    pub(crate) const fn new(status: &'static str, what: &'static str) -> Self {
        Self { status, what, methods: "GET, HEAD" }
    }

    pub(crate) const fn bad(what: &'static str) -> Self {
        Self::new("400 Bad Request", what)
    }

    pub(crate) fn response(self, is_head: bool) -> Vec<u8> {
        let Self { status, what, methods } = self;
        // which versions and methods there are is part of saying that another one is none (RFC
        // 6455, 4.2.2; RFC 9110, 15.5.6), and how to authenticate (RFC 6750, 3)
        let more = match status.get(..3) {
            Some("405") => &format!("Allow: {methods}\r\n"),
            Some("401") => "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n",
            Some("426") => "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            _ => "",
        };
        let (kind, content) = ("text/plain; charset=utf-8", &format!("{what}\n"));
        Page { status, kind, more, content }.response(is_head)
    }
}
