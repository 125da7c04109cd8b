//! Sockets that are listened on already and were handed over, as systemd does it (socket
//! activation).

use std::net::{SocketAddr, TcpListener};

/// What was handed over.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) addresses: HandedOver,
}

/// The addresses of sockets that were handed over.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandedOver {
    pub(crate) plain: Vec<SocketAddr>,
    pub(crate) tls: Vec<SocketAddr>,
}

/// The name of sockets whose connections begin with TLS (`FileDescriptorName=` of systemd); all
/// others are without.
#[cfg(unix)]
const TLS: &str = "tls";

/// Takes what was handed over, which can be done once. Must be called before the program has a
/// second thread.
///
/// # Errors
/// What is wrong with a socket that was handed over, and what to do about it.
#[cfg(unix)]
pub(crate) fn take() -> Result<Sockets, String> {
    use listenfd::ListenFd;

    let mut sockets = Sockets::default();
    let mut given = ListenFd::from_env();
    let names = std::env::var_os("LISTEN_FDNAMES").filter(|_| given.len() > 0);
    let names = names.map(|names| names.to_string_lossy().into_owned());
    let names: Option<Vec<&str>> = names.as_deref().map(|names| names.split(':').collect());
    if let Some(names) = &names
        && names.len() != given.len()
    {
        return Err(format!(
            "LISTEN_FDNAMES has {} names for the {} sockets of LISTEN_FDS; give as many, or none",
            names.len(),
            given.len()
        ));
    }
    for number in 0..given.len() {
        let name = names.as_ref().and_then(|names| names.get(number)).copied().unwrap_or_default();
        let wrong = |what: &str| Err(format!("socket {number} of those handed over ({name:?}): {what}"));
        let listener = match given.take_tcp_listener(number) {
            Ok(Some(listener)) if is_listened_on(&listener) => listener,
            Ok(Some(_)) => return wrong("not listened on; write Accept=no in its unit"),
            _ => return wrong("not of TCP; write ListenStream= with a port in its unit"),
        };
        let Ok(address) = listener.local_addr() else { return wrong("without an address") };
        let addresses = &mut sockets.addresses;
        if name == TLS {
            addresses.tls.push(address);
        } else if name.to_ascii_lowercase().contains(TLS) {
            // what is meant to be encrypted must not be open by mistake
            return wrong(
                "with TLS or not? Write FileDescriptorName=tls or FileDescriptorName=plain in its unit",
            );
        } else {
            addresses.plain.push(address);
        }
        sockets.listeners.push(listener);
    }
    Ok(sockets)
}

/// Elsewhere nobody hands over sockets.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on other systems it can fail")]
pub(crate) fn take() -> Result<Sockets, String> {
    Ok(Sockets::default())
}

/// Whether it is not a connection, for example. Assumed where the system does not say.
#[cfg(unix)]
fn is_listened_on(listener: &TcpListener) -> bool {
    #[cfg(any(target_os = "android", target_os = "freebsd", target_os = "linux"))]
    return socket2::SockRef::from(listener).is_listener().unwrap_or(false);
    #[cfg(not(any(target_os = "android", target_os = "freebsd", target_os = "linux")))]
    {
        let _ = listener;
        true
    }
}
