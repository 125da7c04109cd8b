//! The address by DHCP.

use peote_net::time::{Duration, Instant};
use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::dhcpv4::{Event, Socket};
use smoltcp::wire::IpCidr;

use super::config::set_address;

/// How long the address is kept after the network was down, while DHCP is asked whether it is still
/// ours.
const GRACE: Duration = Duration::from_secs(30);

/// The DHCP client's socket, and what it may not do.
#[derive(Debug)]
pub(super) struct Dhcp {
    socket: SocketHandle,
    /// Until when the address is kept although DHCP has not confirmed it.
    kept_until: Option<Instant>,
}

impl Dhcp {
    pub(super) fn new(sockets: &mut SocketSet<'_>) -> Self {
        Self { socket: sockets.add(Socket::new()), kept_until: None }
    }

    /// The network has come back: asks anew. The address stays meanwhile, so that a connection
    /// survives.
    pub(super) fn restart(&mut self, sockets: &mut SocketSet<'_>, now: Instant) {
        if let Some(socket) = super::socket::<Socket<'_>>(sockets, self.socket) {
            socket.reset();
            self.kept_until = Some(now.saturating_add(GRACE));
        }
    }

    /// When the address is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.kept_until
    }

    /// Does what the client says.
    pub(super) fn follow(
        &mut self,
        sockets: &mut SocketSet<'_>,
        interface: &mut Interface,
        now: Instant,
        #[cfg(feature = "dns")] resolver: Option<&super::dns::Resolver>,
    ) {
        let Some(socket) = super::socket::<Socket<'_>>(sockets, self.socket) else { return };
        let expired = self.kept_until.is_some_and(|until| now >= until);
        match socket.poll() {
            Some(Event::Configured(config)) => {
                self.kept_until = None;
                info!("DHCP: address {}", config.address);
                let address = IpCidr::Ipv4(config.address);
                if interface.ip_addrs() != [address] {
                    set_address(interface, Some(address));
                }
                let routes = interface.routes_mut();
                routes.remove_default_ipv4_route();
                if let Some(router) = config.router {
                    // there is room for one, or a static gateway would not be possible either
                    let _ = routes.add_default_ipv4_route(router);
                }
                #[cfg(feature = "dns")]
                if let Some(resolver) = resolver {
                    let servers = config.dns_servers;
                    resolver.set_servers(sockets, servers.iter().map(|server| (*server).into()));
                }
            }
            Some(Event::Deconfigured) if self.kept_until.is_none() => Self::give_up(interface),
            _ if expired => {
                self.kept_until = None;
                Self::give_up(interface);
            }
            _ => {}
        }
    }

    fn give_up(interface: &mut Interface) {
        if !interface.ip_addrs().is_empty() {
            warning!("DHCP: the address is lost");
            set_address(interface, None);
            interface.routes_mut().remove_default_ipv4_route();
        }
    }
}
