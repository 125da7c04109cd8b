//! What is kept for relays and endpoints that do not take it yet.

use peote_net::relay::ConnectionId;

use super::super::RelayId;
use super::{Afar, Todo};

/// What waits for the window of an endpoint of this relay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    /// The stand-in that is to say it, and in which membership: the number of the user of its
    /// channel (`is_for_user`), or of the channel that it has entered.
    pub(crate) stand_in: ConnectionId,
    pub(crate) at: u8,
    pub(crate) is_for_user: bool,
    /// Bytes of memory.
    pub(crate) bytes: usize,
}

impl Afar {
    /// Bytes of memory that take what waits: to be sent to other relays, for windows of endpoints
    /// here, and for room in their queues.
    pub(crate) fn memory(&self) -> usize {
        let lines: usize = self.peers.values().map(|peer| peer.line.backlog()).sum();
        let stand_ins = self.listed.iter().filter_map(|key| self.stand_ins.get(*key)?.as_ref());
        let said = stand_ins.flat_map(|stand_in| &stand_in.todo).map(|todo| match todo {
            Todo::Bytes(bytes) => bytes.capacity(),
            _ => 0,
        });
        lines + self.waiting + said.sum::<usize>()
    }

    /// The relay that most waits to be sent to, and how many bytes that are.
    pub(crate) fn longest_line(&self) -> Option<(usize, RelayId)> {
        self.peers.iter().map(|(id, peer)| (peer.line.backlog(), *id)).max()
    }

    /// All that waits for windows of endpoints here.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        let mut all = Vec::new();
        for peer in self.peers.values() {
            for (members, is_for_user) in [(&peer.guests, true), (&peer.hosted, false)] {
                let members = members.values().filter(|member| member.memory() > 0);
                all.extend(members.filter_map(|member| {
                    let stand_in = self.stand_ins.get(member.stand_in)?.as_ref()?.id?;
                    Some(Waiting { stand_in, at: member.at, is_for_user, bytes: member.memory() })
                }));
            }
        }
        all
    }
}
