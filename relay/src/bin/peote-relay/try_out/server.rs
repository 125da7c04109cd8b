//! The page's HTTP server: a few files and the relay's figures, for browsers of this machine.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::files::FILES;
use crate::watch;

/// Bytes of the longest request that is read.
const LONGEST: usize = 8 * 1024;

/// Headers of a request, at most. Browsers send about twenty.
const HEADERS: usize = 64;

/// Connections that are served at the same time. Browsers open some that they do not use.
const MOST: usize = 32;

/// The longest that one read or one write may take.
const PATIENCE: Duration = Duration::from_secs(3);

const TEXT: &str = "text/plain; charset=utf-8";

/// What all threads know.
#[derive(Debug)]
pub(super) struct Served {
    /// The names that requests may have for this server. A page elsewhere can have a name of its
    /// own stand for this machine; it cannot have one of these.
    pub(super) hosts: [String; 2],
    pub(super) relay: SocketAddr,
}

struct Response {
    status: &'static str,
    kind: &'static str,
    content: String,
}

impl Response {
    fn wrong(status: &'static str, what: impl Into<String>) -> Self {
        Self { status, kind: TEXT, content: what.into() }
    }
}

/// Serves on a thread of its own.
///
/// # Errors
/// The system has no thread for it.
pub(super) fn start(listener: TcpListener, served: Served) -> io::Result<()> {
    let served = Arc::new(served);
    thread::Builder::new().name("page".into()).spawn(move || {
        for socket in listener.incoming() {
            match socket {
                // each thread has one, so the count is that of the threads and this one
                Ok(socket) if Arc::strong_count(&served) <= MOST => {
                    let served = Arc::clone(&served);
                    // without a thread the connection ends, and the browser asks again
                    let _ = thread::Builder::new().spawn(move || answer(&socket, &served));
                }
                Ok(_) => {}
                // no more files, for example: it passes, and must not spin until then
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    })?;
    Ok(())
}

/// Answers one request. An error ends the connection, and there is nobody to tell.
fn answer(mut socket: &TcpStream, served: &Served) -> io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    let (response, is_head) = loop {
        let len = socket.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
        request.extend(buffer.iter().take(len));
        if let Some(response) = respond(&request, served) {
            break response;
        }
    };
    socket.write_all(write(&response, is_head, served).as_bytes())?;
    // what was sent arrives only if nothing that has come is left unread
    socket.shutdown(Shutdown::Write)?;
    for _ in 0..LONGEST / buffer.len() {
        if socket.read(&mut buffer)? == 0 {
            break;
        }
    }
    Ok(())
}

/// The response, and whether its content is left out; `None` while more of the request has to come.
fn respond(request: &[u8], served: &Served) -> Option<(Response, bool)> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    match head.parse(request) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if request.len() < LONGEST => return None,
        _ => return Some((Response::wrong("400 Bad Request", "not a request that is known here"), false)),
    }
    let mut hosts = head.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("host"));
    let host = hosts.next().map(|header| header.value);
    let is_mine = |host: &[u8]| served.hosts.iter().any(|mine| mine.as_bytes() == host);
    let is_head = head.method == Some("HEAD");
    let path = head.path.and_then(|path| path.split('?').next()).unwrap_or_default();
    let response = match head.method {
        _ if !host.is_some_and(is_mine) || hosts.next().is_some() => {
            Response::wrong("403 Forbidden", "ask by the address that the relay has printed")
        }
        Some("GET" | "HEAD") => find(path.trim_start_matches('/'), served),
        _ => Response::wrong("405 Method Not Allowed", "there is only GET here"),
    };
    Some((response, is_head))
}

/// What lies at a path.
fn find(name: &str, served: &Served) -> Response {
    if name == "figures" {
        return match watch::details_text(served.relay) {
            Ok(content) => Response { status: "200 OK", kind: "application/json", content },
            Err(problem) => Response::wrong("502 Bad Gateway", problem),
        };
    }
    let name = if name.is_empty() { "index.html" } else { name };
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => {
            let content = file.content.replace("{{relay}}", &served.relay.to_string());
            Response { status: "200 OK", kind: file.kind(), content }
        }
        None => Response::wrong("404 Not Found", "there is no such file"),
    }
}

/// The bytes of a response. Pages may load what is here, talk to the relay, and nothing else; no
/// other page may load them.
fn write(response: &Response, is_head: bool, served: &Served) -> String {
    let Response { status, kind, content } = response;
    let relay = served.relay;
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\nReferrer-Policy: no-referrer\r\n\
         Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; \
         connect-src 'self' ws://{relay}; frame-src 'self'; frame-ancestors 'self'; \
         base-uri 'none'; form-action 'none'\r\n\r\n{}",
        content.len(),
        if is_head { "" } else { content }
    )
}
