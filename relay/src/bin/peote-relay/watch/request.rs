//! One HTTP request.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::view::plain;
use crate::cli::place::Place;

/// Bytes of the longest response that is read.
const LONGEST: usize = 1 << 20;

/// Characters that are shown of what came.
const SHOWN: usize = 120;

/// The content of a page, within so much time.
///
/// # Errors
/// A line that says what is wrong: a name that cannot be looked up, nobody listens, no answer in
/// time, or an answer that is not 200.
pub(super) fn get(place: &Place, path: &str, patience: Duration) -> Result<String, String> {
    let end = Instant::now() + patience;
    let failed = |error: io::Error| {
        let advice = match error.kind() {
            ErrorKind::ConnectionRefused => "; no program listens there: start the relay, or mind the port",
            _ => "",
        };
        format!("{place}: {error}{advice}")
    };
    let (mut socket, address) = connect(place, end).map_err(failed)?;
    let response = ask(&mut socket, address, path, end).map_err(failed)?;
    if response.is_empty() {
        return Err(format!(
            "{place}: the connection was ended without an answer: the relay is full, or what listens there speaks no HTTP"
        ));
    }
    let response = String::from_utf8_lossy(&response);
    let (head, content) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    let status = head.lines().next().unwrap_or_default();
    match status.split_once(' ') {
        Some(("HTTP/1.1", status)) if status.starts_with("200 ") => Ok(content.into()),
        Some(("HTTP/1.1", status)) => {
            // that there is no such page is all there is to say
            let what = content.lines().next().filter(|_| !status.starts_with("404 ")).unwrap_or_default();
            let colon = if what.is_empty() { "" } else { ": " };
            let said: String = plain(&format!("{status}{colon}{what}")).chars().take(SHOWN).collect();
            Err(format!("{place}: {path}: {said}"))
        }
        _ => Err(format!("{place}: what listens there does not speak HTTP")),
    }
}

/// Connects to the first address of a place that can be connected to.
fn connect(place: &Place, end: Instant) -> io::Result<(TcpStream, SocketAddr)> {
    let addresses = look_up(place, end)?;
    let mut result = Err(io::Error::other("the name has no address"));
    for (number, address) in addresses.iter().enumerate() {
        // one that does not answer leaves time for the others
        let others = u32::try_from(addresses.len() - number).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, left(end) / others) {
            Ok(socket) => return Ok((socket, *address)),
            Err(error) => result = Err(error),
        }
    }
    result
}

/// The addresses of a place. The system may take its time to look up a name, so a thread waits for
/// it.
fn look_up(place: &Place, end: Instant) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = place.host.parse() {
        return Ok(vec![SocketAddr::new(ip, place.port)]);
    }
    let (answer, answered) = mpsc::channel();
    let wanted = (place.host.clone(), place.port);
    std::thread::spawn(move || {
        let found = (&*wanted.0, wanted.1).to_socket_addrs().map(Iterator::collect);
        // nobody waits any more
        let _ = answer.send(found);
    });
    let in_time = answered.recv_timeout(left(end));
    let found =
        in_time.map_err(|_| io::Error::new(ErrorKind::TimedOut, "the name was not looked up in time"))?;
    found.map_err(|error| io::Error::new(error.kind(), format!("the name cannot be looked up: {error}")))
}

/// Asks, and reads what comes. A connection that is reset has ended.
fn ask(socket: &mut TcpStream, address: SocketAddr, path: &str, end: Instant) -> io::Result<Vec<u8>> {
    // by address, whatever the place is called: a relay shows some pages only so
    let host = SocketAddr::new(address.ip(), address.port());
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.set_write_timeout(Some(left(end)))?;
    let mut response = Vec::new();
    let is_end = |error: &io::Error| {
        matches!(
            error.kind(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted
        )
    };
    match socket.write_all(request.as_bytes()) {
        Err(error) if !is_end(&error) => return Err(error),
        _ => {}
    }
    let mut buffer = [0; 16 * 1024];
    while response.len() < LONGEST {
        socket.set_read_timeout(Some(left(end)))?;
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => response.extend(&buffer[..len]),
            Err(error) if is_end(&error) => break,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(io::Error::new(ErrorKind::TimedOut, "no answer in time"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(response)
}

/// The time until then; not 0, which would be no limit.
fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}
