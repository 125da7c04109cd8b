//! One HTTP request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Bytes of the longest response that is read.
const LONGEST: usize = 1 << 20;

/// The body of a page, within so much time.
///
/// # Errors
/// A line that says what is wrong: nobody listens, no answer in time, or an answer that is not 200.
pub(super) fn get(address: SocketAddr, path: &str, patience: Duration) -> Result<String, String> {
    let end = Instant::now() + patience;
    let failed = |error: std::io::Error| format!("{address}: {error}");
    let mut socket = TcpStream::connect_timeout(&address, patience).map_err(failed)?;
    let mut response = Vec::new();
    let mut ask = || {
        socket.set_write_timeout(Some(patience))?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes())?;
        let mut buffer = [0; 16 * 1024];
        while response.len() < LONGEST {
            // a time of 0 would be none
            let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            socket.set_read_timeout(Some(left))?;
            match socket.read(&mut buffer)? {
                0 => break,
                len => response.extend(&buffer[..len]),
            }
        }
        Ok(())
    };
    ask().map_err(failed)?;
    let response = String::from_utf8_lossy(&response);
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    let status = head.lines().next().unwrap_or_default();
    match status.split_once(' ') {
        Some(("HTTP/1.1", status)) if status.starts_with("200 ") => Ok(body.into()),
        Some(("HTTP/1.1", status)) => Err(format!("{address}: {path}: {}", plain(status))),
        _ => Err(format!("{address}: whoever listens there does not speak HTTP")),
    }
}

/// What came over the network, fit for a terminal.
fn plain(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(60).collect()
}
