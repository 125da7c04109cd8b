//! What is to be shown: the units and chunks of the references.

use std::collections::HashMap;

use peote_net::chunk::ChunkLimit;
use peote_net::protocol::items::{Item, Items};
use peote_net::protocol::to_endpoint::Unit;
use peote_net::protocol::to_relay::{Grant, Verdict};

use crate::said::{Kind, Said};
use crate::{chunk_reference, reference};

/// A unit, the chunks that end in it, and whether it is the one that breaks the rules of chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) said: Said,
    pub(crate) chunks: Vec<Vec<u8>>,
    pub(crate) violates: bool,
    /// What is in the payload of commands and events of sections 11.4 to 11.8.
    pub(crate) meaning: Vec<String>,
}

/// `takes_part`: an endpoint whose hello counts is the first thing in the stream.
pub(crate) fn expected(stream: &[u8], to_relay: bool, takes_part: bool, limit: ChunkLimit) -> Vec<Expected> {
    let said = if to_relay {
        reference::from_endpoint_of(takes_part, stream)
    } else {
        reference::from_relay_to(true, stream)
    };
    let mut parties: HashMap<String, Vec<u8>> = HashMap::new();
    said.into_iter().map(|said| one(said, &mut parties, limit)).collect()
}

fn one(said: Said, parties: &mut HashMap<String, Vec<u8>>, limit: ChunkLimit) -> Expected {
    if let Kind::Control(Unit::UserEntered { channel, user } | Unit::UserGone { channel, user, .. })
    | Kind::Knock(channel, user, ..) = said.kind
    {
        parties.remove(&format!("{:?}", Kind::FromUser(channel & 127, user)));
    }
    let is_data = !matches!(
        said.kind,
        Kind::Control(_)
            | Kind::RefusedWith(..)
            | Kind::Hello
            | Kind::Knock(..)
            | Kind::Command(..)
            | Kind::Malformed(_)
    );
    let whole = said.bytes.len() == said.total;
    let meaning = meaning(said.kind, &said.bytes);
    let mut expected = Expected { said, chunks: Vec::new(), violates: false, meaning };
    if is_data && whole {
        let all = parties.entry(format!("{:?}", expected.said.kind)).or_default();
        let slot = usize::try_from(limit.max()).unwrap();
        let before = chunk_reference::parse(all, limit, slot);
        all.extend_from_slice(&expected.said.bytes);
        let now = chunk_reference::parse(all, limit, slot);
        let new = &now.chunks[before.chunks.len()..];
        expected.chunks = new.iter().map(|&(start, end)| all[start..end].to_vec()).collect();
        expected.violates = now.violation.is_some() && before.violation.is_none();
    }
    expected
}

/// What the library's readers of payloads say.
fn meaning(kind: Kind, payload: &[u8]) -> Vec<String> {
    let words = |words: &[u8]| (!words.is_empty()).then(|| format!("words {words:?}"));
    match (kind, payload) {
        (Kind::Hello | Kind::Command(6, _), list) => Items::new(list).map(item).collect(),
        (Kind::Command(7, _), list) => words(list).into_iter().collect(),
        (Kind::Command(8, _), payload) => match Grant::from_payload(payload) {
            Some(Grant::Server { channel, bytes }) => vec![format!("grant {channel} {bytes}")],
            Some(Grant::User { channel, user, bytes }) => {
                vec![format!("grant {channel} user {user} {bytes}")]
            }
            None => Vec::new(),
        },
        (Kind::Command(9 | 10, _), payload) => {
            let is_admit = matches!(kind, Kind::Command(9, _));
            let verdict = if is_admit { Verdict::from_admit(payload) } else { Verdict::from_refuse(payload) };
            let Some(Verdict { channel, user, ticket, code, words: said, .. }) = verdict else {
                return Vec::new();
            };
            let verdict = format!("verdict {channel} {user} {ticket} {code:?}");
            [verdict].into_iter().chain(words(said)).collect()
        }
        (Kind::Command(11, _), [channel, users @ ..]) => {
            vec![format!("leave out {} {users:?}", channel & 127)]
        }
        _ => Vec::new(),
    }
}

fn item(item: Item<'_>) -> String {
    match item {
        Item::Capabilities(bits) => format!("1 {bits}"),
        Item::Keepalive(number) => format!("2 {number}"),
        Item::Name(name) => format!("3 {name:?}"),
        Item::TokenPart(part) => format!("4 {part:?}"),
        Item::TokenEnd(part) => format!("5 {part:?}"),
        Item::Window(number) => format!("6 {number}"),
        Item::ComeBackIn(number) => format!("7 {number}"),
        other => panic!("the test does not know {other:?}"),
    }
}
