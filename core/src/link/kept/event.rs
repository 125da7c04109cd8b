//! The event that waits at the front of a party, or of an own channel.

use super::state::Waiting;
use crate::link::front::{Notice, Queued, What};
use crate::link::send::OutParts;
use crate::link::slots::{PartyRef, PartyState};
use crate::link::tables::source;
use crate::link::{EnteredChannel, OwnChannel, Source};

/// Returns the event of an own channel that waits.
pub(in crate::link) fn own_kept_event(parts: &OutParts<'_>, slot: u8) -> Queued {
    let Some(own) = parts.own.get(usize::from(slot)) else { return Queued::None };
    let channel = OwnChannel { slot, generation: own.generation };
    Queued::Notice(Notice::opened(channel))
}

/// Returns the event at the front of a party, which is not its end.
pub(in crate::link) fn kept_event(parts: &OutParts<'_>, slot: u16) -> Queued {
    let Some(party) = parts.parties.get(usize::from(slot)) else { return Queued::None };
    let from = PartyRef { slot, generation: party.generation };
    match party.kept.waiting() {
        Waiting::Bytes => Queued::Assembled { from, len: party.assembler.kept_len() },
        #[cfg(all(feature = "admission", feature = "server"))]
        Waiting::Knock => Queued::Knock { from, len: party.assembler.kept_len() },
        Waiting::Malicious => Queued::Malicious { from },
        Waiting::Opened if matches!(party.state, PartyState::Entered { .. } | PartyState::Closing { .. }) => {
            Queued::Notice(Notice::opened(EnteredChannel::from(from)))
        }
        Waiting::Opened => match source(parts.own, parts.parties, from) {
            Some((Source::User { channel, user }, _)) => {
                Queued::Notice(Notice::of_user(channel, What::Entered(user)))
            }
            _ => Queued::None,
        },
        _ => Queued::None,
    }
}
