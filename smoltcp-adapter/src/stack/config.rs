//! What a stack has to know.

use core::fmt;

use smoltcp::iface::Interface;
use smoltcp::phy::Medium;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint};

/// What a [`Stack`](super::Stack) has to know.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Config<'a> {
    /// The device's own hardware address.
    pub hardware_address: HardwareAddress,
    /// Where its IP address comes from.
    pub addressing: Addressing,
    /// Where the relay is.
    pub relay: RelayAddress,
    /// Something that differs from device to device and from start to start. Ports, sequence
    /// numbers and delays depend on it.
    pub seed: u64,
    /// Name servers that are known beforehand. Name servers from DHCP replace them. As many as
    /// smoltcp has room for are used.
    pub dns_servers: &'a [IpAddress],
}

impl Config<'_> {
    /// The least there is to know.
    #[must_use]
    pub const fn new(
        hardware_address: HardwareAddress,
        addressing: Addressing,
        relay: RelayAddress,
        seed: u64,
    ) -> Self {
        Self { hardware_address, addressing, relay, seed, dns_servers: &[] }
    }

    /// Finds all that smoltcp would panic at.
    pub(super) fn check(&self, medium: Medium) -> Result<(), ConfigError> {
        match (self.hardware_address, medium) {
            #[cfg(feature = "ethernet")]
            (HardwareAddress::Ethernet(address), Medium::Ethernet) if !address.is_unicast() => {
                return Err(ConfigError::HardwareAddressNotUnicast);
            }
            #[cfg(feature = "ethernet")]
            (HardwareAddress::Ethernet(_), Medium::Ethernet) => {}
            #[cfg(feature = "ip")]
            (HardwareAddress::Ip, Medium::Ip) => {}
            #[allow(unreachable_patterns, reason = "with only one medium there is no other")]
            _ => return Err(ConfigError::WrongMedium),
        }
        match self.addressing {
            Addressing::Static { address, .. } if !address.address().is_unicast() => {
                Err(ConfigError::AddressNotUnicast)
            }
            #[cfg(feature = "dhcpv4")]
            Addressing::Dhcp if medium != Medium::Ethernet => Err(ConfigError::WrongMedium),
            _ => Ok(()),
        }
    }
}

/// Where the device's IP address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Addressing {
    /// It is fixed.
    Static {
        /// The address, and the size of its network.
        address: IpCidr,
        /// Where everything goes that is not in this network.
        gateway: Option<IpAddress>,
    },
    /// DHCP gives it, and with it gateway and name servers.
    #[cfg(feature = "dhcpv4")]
    Dhcp,
}

impl Addressing {
    pub(super) fn apply(self, interface: &mut Interface) -> Result<(), ConfigError> {
        match self {
            Self::Static { address, gateway } => {
                set_address(interface, Some(address));
                gateway.map_or(Ok(()), |gateway| set_gateway(interface, gateway))
            }
            #[cfg(feature = "dhcpv4")]
            Self::Dhcp => Ok(()),
        }
    }
}

/// Makes this the only address.
pub(super) fn set_address(interface: &mut Interface, address: Option<IpCidr>) {
    interface.update_ip_addrs(|addresses| {
        addresses.clear();
        addresses.extend(address);
    });
}

fn set_gateway(interface: &mut Interface, gateway: IpAddress) -> Result<(), ConfigError> {
    let routes = interface.routes_mut();
    let added = match gateway {
        #[cfg(feature = "ipv4")]
        IpAddress::Ipv4(gateway) => routes.add_default_ipv4_route(gateway),
        #[cfg(feature = "ipv6")]
        IpAddress::Ipv6(gateway) => routes.add_default_ipv6_route(gateway),
        #[allow(unreachable_patterns, reason = "not all are there without the feature of this crate")]
        _ => return Err(ConfigError::NoRoom),
    };
    added.map(|_| ()).map_err(|_| ConfigError::NoRoom)
}

/// Where the relay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RelayAddress {
    /// At this address and port.
    Endpoint(IpEndpoint),
    /// At the address that the name has when it is connected to. A name that is an IP address
    /// itself is one: name servers are not asked.
    #[cfg(feature = "dns")]
    Name {
        /// The name, or an IP address as text: `10.0.0.2`, `fe80::1`, `[fe80::1]`. IPv6 takes the
        /// feature `ipv6`.
        name: &'static str,
        /// The port; that of relays is 7680.
        port: u16,
    },
}

impl RelayAddress {
    /// Where the relay is known to be without asking.
    pub(super) fn known(self) -> Self {
        match self {
            Self::Endpoint(_) => self,
            #[cfg(feature = "dns")]
            Self::Name { name, port } => {
                let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
                let address = address.parse::<IpAddress>();
                address.map_or(self, |address| Self::Endpoint(IpEndpoint::new(address, port)))
            }
        }
    }
}

/// What is wrong with a [`Config`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ConfigError {
    /// The hardware address is of another kind than the device's medium, or DHCP is wanted on a
    /// medium that is not Ethernet.
    WrongMedium,
    /// The hardware address is a group's, or zero: its first byte must be even.
    HardwareAddressNotUnicast,
    /// The static address is not one that a device can have.
    AddressNotUnicast,
    /// smoltcp has no room for the gateway. Its features `iface-max-route-count-*` set how many
    /// routes it has.
    NoRoom,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongMedium => "the hardware address or DHCP does not fit the device's medium",
            Self::HardwareAddressNotUnicast => {
                "the hardware address is that of a group; its first byte must be even"
            }
            Self::AddressNotUnicast => "the static IP address is not one that a device can have",
            Self::NoRoom => "smoltcp has no room for the gateway; see its iface-max-route-count features",
        })
    }
}

impl core::error::Error for ConfigError {}
