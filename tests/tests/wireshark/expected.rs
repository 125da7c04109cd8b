//! What is to be shown: the units and chunks of the references.

use std::collections::HashMap;

use peote_net::chunk::ChunkLimit;
use peote_net::protocol::to_endpoint::Unit;

use crate::said::{Kind, Said};
use crate::{chunk_reference, reference};

/// A unit, the chunks that end in it, and whether it is the one that breaks the rules of chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) said: Said,
    pub(crate) chunks: Vec<Vec<u8>>,
    pub(crate) violates: bool,
}

pub(crate) fn expected(stream: &[u8], to_relay: bool, limit: ChunkLimit) -> Vec<Expected> {
    let said =
        if to_relay { reference::from_endpoint(stream) } else { reference::from_relay_to(false, stream) };
    let mut parties: HashMap<String, Vec<u8>> = HashMap::new();
    said.into_iter().map(|said| one(said, &mut parties, limit)).collect()
}

fn one(said: Said, parties: &mut HashMap<String, Vec<u8>>, limit: ChunkLimit) -> Expected {
    if let Kind::Control(Unit::UserEntered { channel, user } | Unit::UserGone { channel, user, .. }) =
        said.kind
    {
        parties.remove(&format!("{:?}", Kind::FromUser(channel & 127, user)));
    }
    let is_data = !matches!(
        said.kind,
        Kind::Control(_) | Kind::RefusedWith(..) | Kind::Command(..) | Kind::Malformed(_)
    );
    let whole = said.bytes.len() == said.total;
    let mut expected = Expected { said, chunks: Vec::new(), violates: false };
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
