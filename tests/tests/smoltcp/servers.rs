//! The other machines on the network: one that gives addresses, one that knows names.

use std::collections::HashMap;

use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp;
use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, DhcpPacket, DhcpRepr, IpAddress, IpEndpoint,
    Ipv4Address,
};

use crate::machine::Machine;

fn udp(machine: &mut Machine, port: u16) -> SocketHandle {
    let buffer = || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 8], vec![0; 8192]);
    let mut socket = udp::Socket::new(buffer(), buffer());
    socket.bind(port).unwrap();
    machine.sockets.add(socket)
}

/// Gives one address.
pub(crate) struct DhcpServer {
    socket: SocketHandle,
    /// The last byte of the address it gives, in 10.0.0.0/24.
    pub(crate) gives: u8,
    pub(crate) lease_seconds: u32,
    pub(crate) router: Option<u8>,
    pub(crate) dns_server: Option<u8>,
    /// Says nothing.
    pub(crate) mute: bool,
    /// Refuses what is asked for.
    pub(crate) refuses: bool,
    /// What it was asked.
    pub(crate) asked: Vec<DhcpMessageType>,
}

impl DhcpServer {
    pub(crate) fn new(machine: &mut Machine, gives: u8) -> Self {
        Self {
            socket: udp(machine, DHCP_SERVER_PORT),
            gives,
            lease_seconds: 600,
            router: None,
            dns_server: None,
            mute: false,
            refuses: false,
            asked: Vec::new(),
        }
    }

    pub(crate) fn poll(&mut self, machine: &mut Machine) {
        let own = machine.interface.ipv4_addr().unwrap();
        let socket = machine.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        while let Ok((bytes, _)) = socket.recv() {
            let bytes = bytes.to_vec();
            let packet = DhcpPacket::new_checked(&bytes[..]).unwrap();
            let request = DhcpRepr::parse(&packet).unwrap();
            self.asked.push(request.message_type);
            if self.mute {
                continue;
            }
            let message_type = match request.message_type {
                DhcpMessageType::Discover => DhcpMessageType::Offer,
                DhcpMessageType::Request if self.refuses => DhcpMessageType::Nak,
                DhcpMessageType::Request => DhcpMessageType::Ack,
                other => panic!("{other:?}"),
            };
            let host = |number| Ipv4Address::new(10, 0, 0, number);
            let answer = DhcpRepr {
                message_type,
                transaction_id: request.transaction_id,
                client_hardware_address: request.client_hardware_address,
                secs: 0,
                client_ip: request.client_ip,
                your_ip: host(self.gives),
                server_ip: own,
                router: self.router.map(host),
                subnet_mask: Some(Ipv4Address::new(255, 255, 255, 0)),
                relay_agent_ip: Ipv4Address::UNSPECIFIED,
                broadcast: true,
                requested_ip: None,
                client_identifier: None,
                server_identifier: Some(own),
                parameter_request_list: None,
                dns_servers: self.dns_server.map(|number| [host(number)].into_iter().collect()),
                max_size: None,
                lease_duration: Some(self.lease_seconds),
                renew_duration: None,
                rebind_duration: None,
                additional_options: &[],
            };
            let to = IpEndpoint::new(IpAddress::v4(255, 255, 255, 255), DHCP_CLIENT_PORT);
            let buffer = socket.send(answer.buffer_len(), to).unwrap();
            answer.emit(&mut DhcpPacket::new_unchecked(buffer)).unwrap();
        }
    }
}

/// Knows addresses of names.
pub(crate) struct DnsServer {
    socket: SocketHandle,
    pub(crate) names: HashMap<&'static str, Vec<Ipv4Address>>,
    pub(crate) mute: bool,
    pub(crate) asked: usize,
}

impl DnsServer {
    pub(crate) fn new(machine: &mut Machine, name: &'static str, address: Ipv4Address) -> Self {
        Self {
            socket: udp(machine, 53),
            names: HashMap::from([(name, vec![address])]),
            mute: false,
            asked: 0,
        }
    }

    pub(crate) fn poll(&mut self, machine: &mut Machine) {
        let socket = machine.sockets.get_mut::<udp::Socket<'_>>(self.socket);
        while let Ok((query, from)) = socket.recv() {
            let query = query.to_vec();
            self.asked += 1;
            if self.mute {
                continue;
            }
            // RFC 1035, 4.1: a header of 12 bytes, then the question: labels with their lengths,
            // type, class
            let mut name = Vec::new();
            let mut at = 12;
            while query[at] != 0 {
                let end = at + 1 + usize::from(query[at]);
                name.push(String::from_utf8(query[at + 1..end].to_vec()).unwrap());
                at = end;
            }
            assert_eq!(query[at + 1..at + 5], [0, 1, 0, 1], "an address is asked for");
            let question = &query[12..at + 5];
            let known = self.names.get(name.join(".").as_str());
            let mut answer = query[..2].to_vec();
            // an answer, recursion desired and available, and "no such name" where it is so
            answer.extend([0x81, if known.is_some() { 0x80 } else { 0x83 }]);
            let addresses = known.cloned().unwrap_or_default();
            answer.extend([0, 1, 0, u8::try_from(addresses.len()).unwrap(), 0, 0, 0, 0]);
            answer.extend(question);
            for address in addresses {
                // the name is that at offset 12; type, class, a lifetime of 60 s, 4 bytes
                answer.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
                answer.extend(address.octets());
            }
            socket.send_slice(&answer, from).unwrap();
        }
    }
}
