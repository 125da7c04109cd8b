//! What the system holds of what a connection sends while it is not read.

use crate::config::Config;
use crate::system::{SockRef, TcpStream};

/// Bytes a second above which the system makes buffers as large as it likes: many megabytes, for
/// those that were fast.
const FAST: usize = 1 << 20;

/// Bytes of the smallest buffer: what is read at once.
const LEAST: usize = super::serve::READ;

/// Has the system hold no more of a connection than it may send in a second, where that is little.
///
/// Otherwise each one that is slowed down, or waits for a receiver, could have as much held as the
/// system lets it, and that is no memory of ours that could be counted. Whoever sends no faster
/// than it may does not notice, so long as a packet is acknowledged within a second.
pub(super) fn limit(socket: &TcpStream, config: &Config) {
    let bytes = config.bytes_per_second;
    if (1..=FAST).contains(&bytes) {
        // fails only for a connection that is gone already, which shows soon enough
        let _ = SockRef::from(socket).set_recv_buffer_size(bytes.max(LEAST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slow_connections_have_small_buffers() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let socket = TcpStream::from_std(listener.accept().unwrap().0);
        let size_at = |bytes_per_second| {
            limit(&socket, &Config { bytes_per_second, ..Config::default() });
            SockRef::from(&socket).recv_buffer_size().unwrap()
        };
        let before = size_at(0);
        assert_eq!((size_at(FAST + 1), size_at(Config::default().bytes_per_second)), (before, before));
        // some systems double it, for what they need themselves
        for (bytes, size) in [(1, LEAST), (LEAST, LEAST), (100_000, 100_000)] {
            let found = size_at(bytes);
            assert!((size..=2 * size).contains(&found), "{found} at {bytes}");
        }
        assert!(size_at(FAST) <= 2 * FAST);
    }
}
