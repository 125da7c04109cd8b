//! Channels that were answered for after the caller had given them up.

use super::Out;
use super::tables::{OwnState, PartyState};
use crate::protocol::to_relay::{self, Command};

/// Bytes of a leave or delete command.
const NUMBER_COMMAND: usize = 5;

/// Deletes and leaves channels that were answered for after the caller had given them up, as far as there is room.
pub(super) fn drop_unwanted(out: &mut Out<'_>) {
    while out.sender.tables.unwanted && out.free() >= NUMBER_COMMAND {
        let mut tables = out.tables();
        if let Some(slot) = tables.find_own(|state| matches!(state, OwnState::Unwanted { .. })) {
            if let Some(OwnState::Unwanted { number }) =
                tables.own.get(usize::from(slot)).map(|own| own.state)
            {
                tables.free_own(slot);
                out.push(&to_relay::number_command(Command::Delete, number));
            }
        } else if let Some(slot) = tables.find_party(|state| matches!(state, PartyState::Unwanted { .. })) {
            if let Some(PartyState::Unwanted { number }) = tables.party(slot).map(|party| party.state) {
                tables.free_party(slot);
                out.push(&to_relay::number_command(Command::Leave, number));
            }
        } else {
            out.sender.tables.unwanted = false;
        }
    }
}
