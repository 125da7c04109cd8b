//! A machine with smoltcp, plugged into the hub.

use peote_net::time::Instant;
use peote_net_smoltcp::time::{from_smoltcp, to_smoltcp};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::Medium;
use smoltcp::socket::tcp;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, IpEndpoint};

use crate::hub::{Hub, Port};

/// The relay's port.
pub(crate) const PORT: u16 = 7680;

/// An interface and sockets, at 10.0.0.`number`.
pub(crate) struct Machine {
    pub(crate) hub: Hub,
    pub(crate) port: Port,
    pub(crate) interface: Interface,
    pub(crate) sockets: SocketSet<'static>,
}

pub(crate) fn hardware(number: u8) -> HardwareAddress {
    EthernetAddress([2, 0, 0, 0, 0, number]).into()
}

pub(crate) const fn address(number: u8) -> IpAddress {
    IpAddress::v4(10, 0, 0, number)
}

pub(crate) const fn endpoint(number: u8) -> IpEndpoint {
    IpEndpoint::new(address(number), PORT)
}

impl Machine {
    pub(crate) fn new(hub: &Hub, number: u8) -> Self {
        let mut port = hub.port(Medium::Ethernet);
        let mut config = Config::new(hardware(number));
        config.random_seed = u64::from(number);
        let mut interface = Interface::new(config, &mut port, to_smoltcp(hub.now()));
        interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(address(number), 24)).unwrap());
        Self { hub: hub.clone(), port, interface, sockets: SocketSet::new(Vec::new()) }
    }

    /// A new socket that is not connected.
    pub(crate) fn socket(&mut self, receive: usize, transmit: usize) -> SocketHandle {
        self.sockets.add(tcp::Socket::new(
            tcp::SocketBuffer::new(vec![0; receive]),
            tcp::SocketBuffer::new(vec![0; transmit]),
        ))
    }

    /// A new socket that waits for a call.
    pub(crate) fn listen(&mut self, receive: usize, transmit: usize) -> SocketHandle {
        let handle = self.socket(receive, transmit);
        self.tcp(handle).listen(PORT).unwrap();
        handle
    }

    pub(crate) fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub(crate) fn poll(&mut self) {
        self.interface.poll(to_smoltcp(self.hub.now()), &mut self.port, &mut self.sockets);
    }

    pub(crate) fn deadline(&mut self) -> Option<Instant> {
        self.interface.poll_at(to_smoltcp(self.hub.now()), &self.sockets).map(from_smoltcp)
    }
}

/// Polls both, and time goes on to the next thing that happens.
pub(crate) fn step(a: &mut Machine, b: &mut Machine) {
    a.poll();
    b.poll();
    let deadlines = [a.deadline(), b.deadline()];
    a.hub.clone().advance(deadlines);
    a.poll();
    b.poll();
}

/// Steps until it is so.
pub(crate) fn until(
    a: &mut Machine,
    b: &mut Machine,
    what: &str,
    mut done: impl FnMut(&mut Machine, &mut Machine) -> bool,
) {
    for _ in 0..100_000 {
        if done(a, b) {
            return;
        }
        step(a, b);
    }
    panic!("in vain: {what}");
}
