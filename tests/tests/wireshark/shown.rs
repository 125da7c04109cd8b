//! What tshark shows, read from its PDML.

use std::collections::HashMap;

use peote_net::protocol::to_endpoint::Unit;
use peote_net::protocol::to_relay::Malformed;

use crate::capture::port;
use crate::expected::Expected;
use crate::said::{Kind, Said};

/// A unit, as fields say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    source: u16,
    target: u16,
    pub(crate) title: String,
    /// The bytes of each field, in hex.
    bytes: HashMap<String, String>,
    /// The whole payload of a command.
    payload: String,
    pub(crate) chunks: Vec<String>,
    /// Remote procedure calls: object, procedure, arguments.
    pub(crate) calls: Vec<String>,
    /// The channel's name.
    pub(crate) name: Option<String>,
    violates: bool,
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

pub(crate) fn parse(pdml: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let (mut source, mut target) = (0, 0);
    for line in pdml.lines() {
        assert!(!line.contains("Lua Error"), "{line}");
        let Some(name) = attribute(line, "name") else { continue };
        let shows = attribute(line, "show").unwrap_or_default();
        match name {
            "tcp.srcport" => source = shows.parse().unwrap(),
            "tcp.dstport" => target = shows.parse().unwrap(),
            "peote.unit" => {
                let title = attribute(line, "showname").unwrap().strip_prefix("Unit: ").unwrap().to_string();
                all.push(Shown { source, target, title, ..Shown::default() });
            }
            _ => {
                if let (Some(field), Some(unit)) = (name.strip_prefix("peote."), all.last_mut()) {
                    unit.add(field, shows, attribute(line, "value"));
                }
            }
        }
    }
    all
}

impl Shown {
    fn add(&mut self, field: &str, shows: &str, value: Option<&str>) {
        match (field, value) {
            ("name.text", _) => self.name = Some(shows.to_string()),
            ("violation", _) => self.violates = true,
            ("chunk", Some(value)) => self.chunks.push(value.to_string()),
            ("chunk.length", _) => {
                let digits = self.chunks.last().map_or(0, String::len);
                assert_eq!(shows, (digits / 2).to_string(), "{self:?}");
            }
            ("rpc.object", Some(_)) => self.calls.push(format!("{shows} offer")),
            ("rpc.procedure", Some(_)) => {
                let call = self.calls.last_mut().unwrap();
                *call = call.replace("offer", shows) + " ";
            }
            ("rpc.arguments", Some(value)) => self.calls.last_mut().unwrap().push_str(value),
            (field, Some(value)) => {
                if ["name", "channel", "user", "payload"].contains(&field) {
                    self.payload += value;
                }
                let twice = self.bytes.insert(field.to_string(), value.to_string());
                assert_eq!(twice, None, "{field} twice in a unit");
            }
            _ => {}
        }
    }

    fn has(&self, field: &str) -> bool {
        self.bytes.contains_key(field)
    }

    fn number(&self, field: &str) -> u8 {
        let value = self.bytes.get(field).unwrap_or_else(|| panic!("no {field} in {self:?}"));
        u8::from_str_radix(value, 16).unwrap()
    }

    /// The unit that the fields describe. `None` for what means nothing.
    fn said(&self, to_relay: bool) -> Option<Said> {
        let kind = match self.title.as_str() {
            "unknown" | "nothing" if !self.has("channel") || self.title == "unknown" => return None,
            "malformed" => Kind::Malformed(self.malformed()),
            _ if self.has("command") => Kind::Command(self.number("command"), self.number("tag")),
            _ if self.has("status") && self.number("status") != 0 => {
                Kind::RefusedWith(self.number("tag"), self.number("code"))
            }
            _ if self.has("status") || self.has("event") => Kind::Control(self.control()),
            _ => self.data(to_relay),
        };
        let payload = match kind {
            Kind::Command(..) => &self.payload,
            Kind::Control(_) | Kind::RefusedWith(..) | Kind::Malformed(_) => "",
            _ => self.bytes.get("payload").map_or("", String::as_str),
        };
        let bytes = unhex(payload);
        Some(Said { kind, total: bytes.len(), bytes })
    }

    fn malformed(&self) -> Malformed {
        match (self.has("channel"), self.has("own")) {
            (false, _) => Malformed::BroadcastOfNothing,
            _ if self.number("own") < 128 => Malformed::BroadcastByUser { channel: self.number("channel") },
            _ => Malformed::MissingUser { channel: self.number("channel") & 127 },
        }
    }

    fn control(&self) -> Unit<'static> {
        if self.has("status") {
            let tag = self.number("tag");
            return Unit::Success { tag, channel: self.number("number") };
        }
        match self.number("event") {
            0 => Unit::UserEntered { channel: self.number("channel"), user: self.number("user") },
            1 => Unit::UserGone {
                channel: self.number("channel"),
                user: self.number("user"),
                reason: self.number("reason"),
            },
            2 => Unit::ChannelGone { channel: self.number("channel"), reason: self.number("reason") },
            _ => {
                let mut last = unhex(self.bytes.get("keepalive.last").map_or("", String::as_str));
                last.resize(2, 0);
                Unit::Keepalive { last: [last[0], last[1]] }
            }
        }
    }

    fn data(&self, to_relay: bool) -> Kind {
        let (channel, own) = (self.number("channel") & 127, self.number("own") > 127);
        match (to_relay, own) {
            (false, false) => Kind::FromServer(channel),
            (false, true) => Kind::FromUser(channel, self.number("user")),
            (true, false) => Kind::ToServer(channel),
            (true, true) if !self.has("mode") => Kind::ToUser(channel, self.number("user")),
            _ if self.number("mode") == 0 => Kind::ToAllBut(channel, self.number("user")),
            _ => Kind::ToAll(channel),
        }
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// Fails unless what is shown of one direction of a connection is what is wanted.
pub(crate) fn compare(
    shown: &[Shown],
    connection: usize,
    to_relay: bool,
    wanted: &[Expected],
    with_chunks: bool,
    what: &str,
) {
    let endpoint = port(connection);
    let here = shown.iter().filter(|unit| if to_relay { unit.source } else { unit.target } == endpoint);
    let shown = here.filter_map(|unit| {
        let chunks = unit.chunks.iter().map(|chunk| unhex(chunk)).collect();
        Some(Expected { said: unit.said(to_relay)?, chunks, violates: unit.violates })
    });
    let mut shown: Vec<Expected> = shown.collect();
    let mut wanted = wanted.to_vec();
    // Where the stream ends in a unit, the references know it already; an event may also be whole.
    if wanted.len() == shown.len() + 1 {
        let last = wanted.pop().unwrap().said;
        let may_be_cut = matches!(last.kind, Kind::Control(_) | Kind::RefusedWith(..));
        assert!(last.bytes.len() < last.total || may_be_cut, "{last:?} of {what}");
    }
    if !with_chunks {
        for one in wanted.iter_mut().chain(&mut shown) {
            (one.chunks, one.violates) = (Vec::new(), false);
        }
    }
    for (shown, wanted) in shown.iter().zip(&wanted) {
        assert_eq!(shown, wanted, "{what}");
    }
    assert_eq!(shown.len(), wanted.len(), "{what}");
}
