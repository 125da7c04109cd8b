//! What proxies tell about those who come through them.

mod forwarded;
mod header;

use std::net::IpAddr;

use ipnet::IpNet;

pub(crate) use forwarded::client;
pub(crate) use header::{MAX_HEADER, Told, header};

use crate::config::Config;

/// What is still to be told about where a connection comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Nothing: its address is its own.
    #[default]
    Settled,
    /// A header of the PROXY protocol has to come before anything else.
    Header,
    /// If it begins with an HTTP request, that may name the client.
    Request,
}

impl Arrival {
    /// What an address has to tell.
    pub(crate) fn from(address: IpAddr, config: &Config) -> Self {
        if is_listed(address, &config.proxy_protocol_from) {
            Self::Header
        } else if is_listed(address, &config.forwarded_from) {
            Self::Request
        } else {
            Self::Settled
        }
    }
}

/// Whether an address is in one of these ranges. With none of them it is not: unlike lists of what
/// is allowed, this is one of what is believed.
pub(crate) fn is_listed(address: IpAddr, ranges: &[IpNet]) -> bool {
    let address = address.to_canonical();
    ranges.iter().any(|range| range.contains(&address))
}
