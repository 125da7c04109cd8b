//! The units of PROTOCOL.md, taken apart and put together in the plainest way.

use std::fmt;

/// A unit on its way to an endpoint (section 4) or to a relay (section 3).
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Unit {
    /// An answer or an event, without its first two bytes.
    Control(Vec<u8>),
    /// A command: which, tag, payload.
    Command(u8, u8, Vec<u8>),
    /// Data. Behind a broadcast prefix of mode 1 there is no user, and none in an entered channel.
    Data(Data),
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Data {
    /// The mode, if a broadcast prefix is in front.
    pub(crate) mode: Option<u8>,
    /// With the top bit, which is set for own channels.
    pub(crate) channel: u8,
    pub(crate) user: Option<u8>,
    pub(crate) payload: Vec<u8>,
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Control(bytes) => write!(f, "0, n, {}", hex(bytes)),
            Self::Command(command, tag, payload) => {
                write!(f, "command {command}, tag {tag}, payload {}", hex(payload))
            }
            Self::Data(data) => {
                match data.mode {
                    Some(mode) => write!(f, "broadcast of mode {mode} in ")?,
                    None => f.write_str("data of ")?,
                }
                let kind = if data.channel > 127 { "own" } else { "entered" };
                write!(f, "{kind} channel {}", data.channel & 127)?;
                if let Some(user) = data.user {
                    write!(f, ", user {user}")?;
                }
                write!(f, ": {}", hex(&data.payload))
            }
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let shown: Vec<String> = bytes.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > 32 { format!(" … {} bytes", bytes.len()) } else { String::new() };
    shown.join(" ") + &more
}

/// The size field (section 2.2): one byte up to 127, else two.
pub(crate) fn size(size: usize) -> Vec<u8> {
    let [low, high, ..] = size.to_le_bytes();
    if size < 128 { vec![low] } else { vec![128 | high, low] }
}

/// A data unit.
pub(crate) fn data(head: &[u8], payload: &[u8]) -> Vec<u8> {
    [&size(head.len() + payload.len())[..], head, payload].concat()
}

/// A command.
pub(crate) fn command(command: u8, tag: u8, payload: &[u8]) -> Vec<u8> {
    let [length, ..] = payload.len().to_le_bytes();
    [&[0, command, tag, length], payload].concat()
}

/// An item of a hello (section 11.4).
pub(crate) fn item(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let [length, ..] = bytes.len().to_le_bytes();
    [&[kind, length], bytes].concat()
}

/// The items of an endpoint that takes part, with a window of so many bytes.
pub(crate) fn takes_part(window: u32) -> Vec<u8> {
    [item(1, &[1]), item(6, &window.to_le_bytes())].concat()
}

/// All items of a list, up to where it is broken.
pub(crate) fn items(mut list: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let [kind, length, rest @ ..] = list {
        let Some((bytes, behind)) = rest.split_at_checked(usize::from(*length)) else { break };
        found.push((*kind, bytes));
        list = behind;
    }
    found
}

/// The number of so many bytes, little end first.
pub(crate) fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// A grant to the server of an entered channel, or to a user of an own one (section 11.6).
pub(crate) fn grant(channel: u8, user: Option<u8>, bytes: u32) -> Vec<u8> {
    let head: Vec<u8> = match user {
        None => vec![channel],
        Some(user) => vec![128 + channel, user],
    };
    command(8, 0, &[&head[..], &bytes.to_le_bytes()].concat())
}

/// A chunk's length field (section 6.1) for so many allowed bytes.
pub(crate) fn length(len: usize, allowed: usize) -> Vec<u8> {
    let (mut rest, mut field) = (len - 1, Vec::new());
    while rest > 127 && field.len() + 1 < allowed {
        field.push((rest % 128) as u8 | 128);
        rest /= 128;
    }
    field.push((rest % 256) as u8);
    field
}

/// Whether this is a keepalive (section 4.4), the announcement included.
pub(crate) fn is_keepalive(control: &[u8]) -> bool {
    control.starts_with(&[0, 255])
}
