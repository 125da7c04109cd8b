//! Listening sockets.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::TcpKeepalive;

use crate::config::Config;
#[cfg(target_os = "linux")]
use crate::patience::HELD_UP;
use crate::system::{self, SockRef, TcpListener, TcpStream};

/// Connections the system may hold until they are accepted.
const BACKLOG: i32 = 1024;

/// Opens a listening socket. The error names the address.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    system::listen(address, BACKLOG).map_err(|error: io::Error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })
}

/// Takes over a socket that is listened on already.
pub(crate) fn take_over(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket))
}

/// Bytes that the system holds for a connection on top of those that are under way. What is above
/// waits in our own queue, which is counted.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 64 * 1024;

/// Makes the system take at once what is to be said last. It mostly does anyway.
pub(crate) fn make_room(stream: &TcpStream, bytes: usize) {
    const ENOUGH: usize = 16 * 1024;
    if bytes > ENOUGH {
        let _ = SockRef::from(stream).set_send_buffer_size(2 * bytes);
    }
}

/// Sets the options of an accepted connection.
///
/// One that is gone already makes this fail, which shows soon enough.
pub(crate) fn set_options(stream: &TcpStream, config: &Config) {
    // for idle connections, and where there is no other way to find out
    let keepalive = TcpKeepalive::new().with_time(config.tcp_keepalive);
    #[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd", windows))]
    let keepalive = {
        // counted in whole seconds
        let interval = (config.tcp_keepalive / PROBES).max(Duration::from_secs(1));
        keepalive.with_interval(interval).with_retries(PROBES)
    };
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
    set_patience(stream, config, false);
}

/// Says when the system probes an idle connection: later if its endpoint has asked for a keepalive
/// only each `every` milliseconds, because a probe wakes it up just as well.
pub(crate) fn set_probes(stream: &TcpStream, config: &Config, every: Option<u64>) {
    let Some(every) = every else { return };
    let idle = config.tcp_keepalive.saturating_add(Duration::from_millis(every));
    let keepalive = TcpKeepalive::new().with_time(idle.min(*Config::TCP_KEEPALIVE.end()));
    let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

/// Says how long an endpoint may acknowledge nothing of what was sent to it, or take nothing of
/// what waits in the system. Then the connection is lost.
///
/// `is_held_up`: the relay does not read from it, so it may be unable to read before it can write.
pub(crate) fn set_patience(stream: &TcpStream, config: &Config, is_held_up: bool) {
    // our own keepalives are unacknowledged data, in the presence of which TCP does not probe: it
    // would take a quarter of an hour
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(patience(config, is_held_up)));
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, config, is_held_up);
}

/// Probes of an idle connection that are not answered before it is given up.
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd", windows))]
const PROBES: u32 = 3;

/// The longest that the system is told to wait, which it counts in milliseconds with 32 bits.
#[cfg(target_os = "linux")]
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// At least two keepalives have been sent by then, and others who wait for it have had their time.
#[cfg(target_os = "linux")]
fn patience(config: &Config, is_held_up: bool) -> Duration {
    let patience = config.tcp_keepalive.max(2 * config.keepalive_interval).max(config.stall_timeout);
    let more = if is_held_up { config.stall_timeout.saturating_mul(HELD_UP) } else { Duration::ZERO };
    patience.saturating_add(more).min(LONGEST)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn patience_of(config: &Config, is_held_up: bool) -> Duration {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        set_options(&stream, config);
        if is_held_up {
            set_patience(&stream, config, true);
        }
        let socket = SockRef::from(&stream);
        assert_eq!(socket.tcp_keepalive_time().unwrap(), config.tcp_keepalive);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), PROBES);
        socket.tcp_user_timeout().unwrap().unwrap()
    }

    /// The last word of a relay to an endpoint is a keepalive, and from then on the system waits.
    #[test]
    fn an_endpoint_that_vanished_is_lost_within_20_seconds() {
        let config = Config::default();
        assert!(config.keepalive_interval + patience_of(&config, false) <= Duration::from_secs(20));
    }

    #[test]
    fn the_patience_fits_the_other_times() {
        let config = |tcp: u64, keepalive: u64, stall: u64| {
            let [tcp_keepalive, keepalive_interval, stall_timeout] =
                [tcp, keepalive, stall].map(Duration::from_secs);
            Config { tcp_keepalive, keepalive_interval, stall_timeout, ..Config::default() }
        };
        for (config, seconds, held_up) in [
            (config(15, 5, 5), 15, 335),
            (config(1, 5, 5), 10, 330),
            (config(15, 60, 5), 120, 440),
            (config(15, 5, 100), 100, 6500),
            (config(32_767, 5, 86_400), 86_400, 7 * 86_400),
        ] {
            assert_eq!(patience_of(&config, false), Duration::from_secs(seconds));
            assert_eq!(patience_of(&config, true), Duration::from_secs(held_up));
        }
    }
}
