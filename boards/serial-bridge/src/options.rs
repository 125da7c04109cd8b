//! The command line.

use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;
use peote_net_std::{DesktopLink, TlsOptions, describe};

use crate::upstream::Relay;

/// The speed of a line for which none is named.
const BAUD: u32 = 115_200;

/// Connects boards at serial lines to a relay.
///
/// Each board that says hello gets a connection of its own. Lines that are not there are looked for
/// each second.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Options {
    /// The relay's address.
    #[arg(long, value_name = "HOST:PORT", default_value = "localhost:7680")]
    relay: String,

    /// Connect to the relay over TLS.
    #[arg(long)]
    tls: bool,

    /// With --tls: trust the certificates in this PEM file, and no others [default: trust those that
    /// the system trusts].
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,

    /// A serial line, as /dev/ttyUSB0 or /dev/ttyACM0:921600. Without a speed it is 115200 baud.
    #[arg(required = true, value_name = "DEVICE[:BAUD]")]
    pub(crate) lines: Vec<Line>,
}

impl Options {
    pub(crate) fn relay(&self) -> io::Result<Relay> {
        let tls = match &self.ca {
            Some(file) => Some(TlsOptions::with_roots_from(file)),
            None if self.tls => Some(TlsOptions::with_system_roots()),
            None => None,
        };
        let wrong = |error: &dyn std::error::Error| io::Error::other(describe(error).to_string());
        let tls = tls.transpose().map_err(|error| wrong(&error))?;
        // The address is looked at now, and not when a board says hello. This connects nothing yet.
        let link = DesktopLink::builder();
        let link = tls.iter().fold(link, |link, tls| link.tls(tls.clone()));
        link.start(&self.relay).map_err(|error| wrong(&error))?;
        Ok(Relay { address: self.relay.clone(), tls })
    }
}

/// A serial line and its speed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) device: PathBuf,
    pub(crate) baud: u32,
}

impl FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (device, baud) = match text.rsplit_once(':') {
            Some((device, baud)) => {
                let baud = baud.parse().map_err(|_| format!("\"{baud}\" is no speed; write DEVICE:BAUD"))?;
                (device, baud)
            }
            None => (text, BAUD),
        };
        if device.is_empty() || !(300..=20_000_000).contains(&baud) {
            return Err("write DEVICE:BAUD, with 300 to 20000000 baud".into());
        }
        Ok(Self { device: device.into(), baud })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_named_at_the_start() {
        let relay = |arguments: &[&str]| {
            let all = [&["peote-serial"], arguments, &["/dev/ttyUSB0"]].concat();
            Options::parse_from(all).relay().map(|relay| relay.address).map_err(|error| error.to_string())
        };
        assert_eq!(relay(&["--relay", "relay.example:7680"]), Ok("relay.example:7680".into()));
        let wrong = relay(&["--relay", "nowhere:port"]).unwrap_err();
        assert!(wrong.starts_with("cannot connect to nowhere:port: \"port\" is not a port"), "{wrong}");
        let wrong = relay(&["--relay", "relay.example", "--tls"]).unwrap_err();
        assert!(wrong.contains("the port is missing"), "{wrong}");
    }

    #[test]
    fn a_file_of_certificates_is_for_tls() {
        let parse = |arguments: &[&str]| {
            Options::try_parse_from([&["peote-serial"], arguments, &["/dev/ttyUSB0"]].concat())
        };
        let wrong = parse(&["--ca", "/no/such"]).unwrap_err().to_string();
        assert!(wrong.contains("not provided") && wrong.contains("--tls"), "{wrong}");
        let relay = parse(&["--tls", "--ca", "/no/such", "--relay", "localhost:1"]).unwrap().relay();
        let wrong = relay.map(|relay| relay.address).unwrap_err().to_string();
        assert!(wrong.starts_with("/no/such: cannot be read"), "{wrong}");
    }

    #[test]
    fn a_device_with_and_without_speed() {
        let line = |device: &str, baud| Ok(Line { device: device.into(), baud });
        assert_eq!("/dev/ttyUSB0".parse(), line("/dev/ttyUSB0", 115_200));
        assert_eq!("/dev/serial/by-path/pci-0:14:9600".parse(), line("/dev/serial/by-path/pci-0:14", 9600));
        for wrong in ["", ":9600", "/dev/ttyUSB0:", "/dev/ttyUSB0:fast", "/dev/ttyUSB0:0"] {
            assert!(wrong.parse::<Line>().is_err(), "{wrong}");
        }
    }
}
