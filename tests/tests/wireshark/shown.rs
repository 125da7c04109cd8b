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
    /// Items of a hello: kind, length, the value that is shown.
    items: Vec<(u8, u8, Option<String>)>,
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
            ("item", Some(value)) => {
                self.items.push((0, 0, None));
                self.payload += value;
            }
            ("item.kind", _) => self.items.last_mut().unwrap().0 = shows.parse().unwrap(),
            ("item.length", _) => self.items.last_mut().unwrap().1 = shows.parse().unwrap(),
            ("item.bytes" | "program" | "token", Some(value)) => {
                self.items.last_mut().unwrap().2 = Some(format!("{:?}", unhex(value)));
            }
            ("item.bits", Some(value)) => {
                self.items.last_mut().unwrap().2 = Some(u8::from_str_radix(value, 16).unwrap().to_string());
            }
            // the bit of what is shown beside it
            ("takes_part", _) => {}
            ("keepalive.interval" | "window" | "come_back", _) if !self.items.is_empty() => {
                self.items.last_mut().unwrap().2 = Some(shows.to_string());
            }
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
                if ["name", "channel", "user", "payload", "words", "ticket", "code", "grant", "users"]
                    .contains(&field)
                {
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

    /// Four bytes, little end first, as their value is in the PDML.
    fn long(&self, field: &str) -> u32 {
        let value = self.bytes.get(field).unwrap_or_else(|| panic!("no {field} in {self:?}"));
        u32::from_le_bytes(unhex(value).try_into().unwrap())
    }

    fn has_channel_of_its_own(&self) -> bool {
        self.number("own") > 127
    }

    /// What is shown of sections 11.4 to 11.8, as `expected` has it.
    fn meaning(&self) -> Vec<String> {
        let words = self.bytes.get("words").map(|words| format!("words {:?}", unhex(words)));
        let command = self.has("command").then(|| self.number("command"));
        match command {
            Some(7) => words.into_iter().collect(),
            Some(8) if self.has("grant") => {
                let (channel, bytes) = (self.number("channel") & 127, self.long("grant"));
                match self.has_channel_of_its_own() {
                    true => vec![format!("grant {channel} user {} {bytes}", self.number("user"))],
                    false => vec![format!("grant {channel} {bytes}")],
                }
            }
            Some(9 | 10) if self.has("ticket") => {
                let code = self.has("code").then(|| self.number("code"));
                let (channel, user, ticket) =
                    (self.number("channel"), self.number("user"), self.number("ticket"));
                let verdict = format!("verdict {channel} {user} {ticket} {code:?}");
                [verdict].into_iter().chain(words).collect()
            }
            Some(11) if self.has("channel") => {
                let users = self.bytes.get("users").map_or(Vec::new(), |users| unhex(users));
                vec![format!("leave out {} {users:?}", self.number("channel") & 127)]
            }
            _ => self.items.iter().filter_map(item).collect(),
        }
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
            "hello" => Kind::Hello,
            "user knocks" => Kind::Knock(
                self.number("channel"),
                self.number("user"),
                self.number("ticket"),
                self.number("flags") & 1 != 0,
                self.long("window"),
            ),
            _ if self.has("status") || self.has("event") => Kind::Control(self.control()),
            _ => self.data(to_relay),
        };
        let payload = match kind {
            Kind::Command(..) | Kind::Hello => &self.payload,
            Kind::Knock(..) | Kind::RefusedWith(..) => self.bytes.get("words").map_or("", String::as_str),
            Kind::Control(_) | Kind::Malformed(_) => "",
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
            let (tag, channel) = (self.number("tag"), self.number("number"));
            if self.has("window") {
                return Unit::Entered {
                    tag,
                    channel,
                    user: self.number("user"),
                    window: self.long("window"),
                };
            }
            return Unit::Success { tag, channel };
        }
        match self.number("event") {
            0 => Unit::UserEntered { channel: self.number("channel"), user: self.number("user") },
            1 => Unit::UserGone {
                channel: self.number("channel"),
                user: self.number("user"),
                reason: self.number("reason"),
            },
            5 => {
                let (channel, bytes) = (self.number("channel") & 127, self.long("grant"));
                match self.has_channel_of_its_own() {
                    true => Unit::GrantFromUser { channel, user: self.number("user"), bytes },
                    false => Unit::GrantFromServer { channel, bytes },
                }
            }
            6 => Unit::Raised {
                own: self.has_channel_of_its_own(),
                channel: self.number("channel") & 127,
                user: self.number("user"),
                send: self.long("raised.send"),
                receive: self.long("raised.receive"),
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
            _ if self.title == "broadcast to those not left out" => match self.has("user") {
                true => Kind::ToReadyBut(channel, self.number("user")),
                false => Kind::ToReady(channel),
            },
            _ if self.number("mode") == 0 => Kind::ToAllBut(channel, self.number("user")),
            _ => Kind::ToAll(channel),
        }
    }
}

/// Nothing of items of no known kind, and of those that are too short.
fn item((kind, length, value): &(u8, u8, Option<String>)) -> Option<String> {
    match (kind, length, value) {
        (1, 1.., Some(value)) | (2 | 6 | 7, 4.., Some(value)) | (3..=5, _, Some(value)) => {
            Some(format!("{kind} {value}"))
        }
        (3..=5, 0, None) => Some(format!("{kind} []")),
        (_, 0, None) | (2 | 6 | 7, 1..=3, Some(_)) | (0 | 8.., 1.., Some(_)) => None,
        other => panic!("{other:?}"),
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
        let meaning = unit.meaning();
        Some(Expected { said: unit.said(to_relay)?, chunks, violates: unit.violates, meaning })
    });
    let mut shown: Vec<Expected> = shown.collect();
    let mut wanted = wanted.to_vec();
    // Where the stream ends in a unit, the references know it already; an event may also be whole.
    if wanted.len() == shown.len() + 1 {
        let last = wanted.pop().unwrap().said;
        let may_be_cut =
            matches!(last.kind, Kind::Control(_) | Kind::RefusedWith(..) | Kind::Hello | Kind::Knock(..));
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
