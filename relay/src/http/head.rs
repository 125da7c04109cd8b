//! The head of a request: request line and header lines (RFC 9112, sections 2 to 5).

use httparse::{Header, Status};

use super::response::Refusal;

/// Bytes of the longest head, from the first byte of the connection up to and including the empty
/// line behind it.
pub(crate) const MAX_HEAD: usize = 16 * 1024;

/// Header lines of the longest head.
pub(crate) const MAX_LINES: usize = 100;

const TOO_LARGE: Refusal =
    Refusal::new("431 Request Header Fields Too Large", "a request has at most 16384 bytes and 100 headers");
const TOO_LONG: Refusal = Refusal::new("414 URI Too Long", "a request has at most 16384 bytes");
const OTHER_VERSION: Refusal = Refusal::new("505 HTTP Version Not Supported", "this is HTTP/1.1");

/// What has come of a head.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    bytes: Vec<u8>,
    /// Bytes of empty lines in front of the request line, which have no meaning.
    empty: usize,
}

/// The methods that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
}

/// A whole head that keeps to the rules.
#[derive(Debug)]
pub(crate) struct Head<'h, 'b> {
    pub(crate) method: Method,
    /// HTTP/1.1, and not 1.0.
    pub(crate) is_1_1: bool,
    /// The path that is asked for, without a query.
    pub(crate) path: &'b str,
    /// What stands behind the `?` of the target.
    pub(crate) query: Option<&'b str>,
    /// Host, and maybe port, that the one that asks takes for those of the one that is asked.
    pub(crate) host: Option<&'b [u8]>,
    headers: &'h [Header<'b>],
}

impl Collected {
    /// Takes what has come. Returns how many of these bytes belong to the head if that is whole
    /// now, and `None` if more has to come.
    ///
    /// # Errors
    /// The head is too long.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let before = self.bytes.len();
        let here = bytes.len().min(MAX_HEAD - before);
        // twice as much as before, and never more than the limit
        self.bytes.reserve_exact(here.max(before.min(MAX_HEAD - before)));
        self.bytes.extend(&bytes[..here]);
        self.empty += empty_lines(&self.bytes[self.empty..]);
        match end_of_head(&self.bytes, before.max(self.empty)) {
            Some(end) => {
                self.bytes.truncate(end);
                Ok(Some(end - before))
            }
            None if self.bytes.len() < MAX_HEAD => Ok(None),
            None => Err(self.too_long()),
        }
    }

    /// Whether it asks for the header of a response alone.
    pub(crate) fn is_head(&self) -> bool {
        self.bytes[self.empty..].starts_with(b"HEAD ")
    }

    /// Bytes of memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Which part of it is too long (RFC 9112, section 3; RFC 6585, section 5).
    fn too_long(&self) -> Refusal {
        let line = &self.bytes[self.empty..];
        let is_target = line.contains(&b' ') && !line.contains(&b'\n');
        if is_target { TOO_LONG } else { TOO_LARGE }
    }

    /// Takes a whole head apart.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse<'h, 'b>(
        &'b mut self,
        headers: &'h mut [Header<'b>],
    ) -> Result<Head<'h, 'b>, Refusal> {
        let head = &mut self.bytes[self.empty..];
        check_version(head)?;
        let mut request = httparse::Request::new(headers);
        match request.parse(head) {
            Ok(Status::Complete(_)) => {}
            Err(httparse::Error::TooManyHeaders) => return Err(TOO_LARGE),
            Ok(Status::Partial) | Err(_) => return Err(Refusal::bad("this is no HTTP request")),
        }
        let method = match request.method {
            Some("GET") => Method::Get,
            Some("HEAD") => Method::Head,
            _ => return Err(Refusal::new("405 Method Not Allowed", "there are only GET and HEAD")),
        };
        let is_1_1 = request.version == Some(1);
        let (authority, path) = target(request.path.unwrap_or_default())?;
        let query = request.path.and_then(|target| target.split_once('?')).map(|(_, query)| query);
        let headers: &'h [Header<'b>] = request.headers;
        let mut hosts = values(headers, "Host");
        let host = hosts.next();
        if hosts.next().is_some() || is_1_1 && host.is_none() {
            return Err(Refusal::bad("there has to be one header Host"));
        }
        if host.is_some_and(|host| !is_host(host)) {
            return Err(Refusal::bad("the header Host is not HOST or HOST:PORT"));
        }
        // what an absolute target says counts (RFC 9112, section 3.2.2)
        Ok(Head { method, is_1_1, path, query, host: authority.map(str::as_bytes).or(host), headers })
    }
}

impl<'b> Head<'_, 'b> {
    /// All values of a header.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &'b [u8]> {
        values(self.headers, name)
    }

    /// The items of a header that is a list, on however many lines (RFC 9110, sections 5.3 and
    /// 5.6.1).
    pub(crate) fn items(&self, name: &str) -> impl Iterator<Item = &'b [u8]> {
        let items = self.values(name).flat_map(|value| value.split(|byte| *byte == b','));
        items.map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
    }

    /// Whether a header is a list with this word in it, in whatever case.
    pub(crate) fn has_token(&self, name: &str, token: &str) -> bool {
        self.items(name).any(|item| item.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The token that a request brings with it: as `Authorization: Bearer` (RFC 6750), which goes
    /// first, or as `token` in the query, for browsers, which cannot set headers of a WebSocket.
    pub(crate) fn token(&self) -> Option<&'b [u8]> {
        let of_header = self.values("Authorization").find_map(|value| {
            let (scheme, token) = value.split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token.trim_ascii())
        });
        of_header.or_else(|| {
            let mut fields = self.query?.split('&');
            fields.find_map(|field| field.strip_prefix("token=")).map(str::as_bytes)
        })
    }

    /// Whether content follows (RFC 9112, section 6).
    pub(crate) fn has_content(&self) -> bool {
        let is_none = |len: &[u8]| !len.is_empty() && len.iter().all(|byte| *byte == b'0');
        self.values("Transfer-Encoding").next().is_some() || !self.values("Content-Length").all(is_none)
    }
}

fn values<'b>(headers: &[Header<'b>], name: &str) -> impl Iterator<Item = &'b [u8]> {
    let found = headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    found.map(|header| header.value.trim_ascii())
}

/// Bytes of whole empty lines at the beginning (RFC 9112, section 2.2).
fn empty_lines(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let [b'\n', behind @ ..] | [b'\r', b'\n', behind @ ..] = rest {
        rest = behind;
    }
    bytes.len() - rest.len()
}

/// Where a head ends: behind the first empty line. `from`: where it is known not to be before.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    let start = from.saturating_sub(3);
    let rest = bytes.get(start..)?;
    let ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    for (at, _) in ends {
        let end = match rest.get(at + 1..) {
            Some([b'\n', ..]) => start + at + 2,
            Some([b'\r', b'\n', ..]) => start + at + 3,
            _ => continue,
        };
        // an empty line in front of the request does not end it
        if end > from {
            return Some(end);
        }
    }
    None
}

/// Looks at the version. A later one of the same major version is taken for 1.1 (RFC 9110, section
/// 2.5).
fn check_version(head: &mut [u8]) -> Result<(), Refusal> {
    let end = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
    let line = head[..end].trim_ascii_end();
    let at = line.len();
    let version = line.rsplit(|byte| *byte == b' ').next().and_then(|last| last.strip_prefix(b"HTTP/"));
    match version {
        Some([b'1', b'.', b'0' | b'1']) => Ok(()),
        Some([b'1', b'.', b'2'..=b'9']) => {
            head[at - 1] = b'1';
            Ok(())
        }
        Some([b'0'..=b'9', b'.', b'0'..=b'9']) => Err(OTHER_VERSION),
        _ => Err(Refusal::bad("this is no HTTP request")),
    }
}

/// Authority, if there is one, and path of a target (RFC 9112, section 3.2).
fn target(target: &str) -> Result<(Option<&str>, &str), Refusal> {
    const NONE: Refusal = Refusal::bad("the target has to be a path, or http://HOST/PATH");
    let without_query = target.split_once('?').map_or(target, |(path, _)| path);
    if target.starts_with('/') || target == "*" {
        return Ok((None, without_query));
    }
    let (scheme, rest) = without_query.split_once("://").ok_or(NONE)?;
    let is_known = ["http", "https", "ws", "wss"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let is_good = is_known && !authority.is_empty() && is_host(authority.as_bytes());
    if is_good { Ok((Some(authority), if path.is_empty() { "/" } else { path })) } else { Err(NONE) }
}

/// Whether this can be a host, and maybe a port. None at all is one, too (RFC 9110, section 7.2).
fn is_host(host: &[u8]) -> bool {
    let port = |byte: &u8| byte.is_ascii_digit();
    let (name, rest) = match host.iter().position(|byte| *byte == b']') {
        Some(end) if host.starts_with(b"[") => host.split_at(end + 1),
        _ => host.split_at(host.iter().position(|byte| *byte == b':').unwrap_or(host.len())),
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
    let is_address = |byte: &u8| is_name(byte) || *byte == b':';
    let is_good = match name {
        [b'[', address @ .., b']'] => !address.is_empty() && address.iter().all(is_address),
        _ => (rest.is_empty() || !name.is_empty()) && name.iter().all(is_name),
    };
    is_good && (rest.is_empty() || rest.starts_with(b":") && rest[1..].iter().all(port))
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
