//! Short units for one receiver whose bytes are counted: put together, counted and pushed once.

use super::host::{ConnectionId, Host};
use super::run::Run;
use super::slots::{Flags, MembershipSlot};
use super::tables::Tables;
use super::turn::Turn;
use super::windows::{SERVER, USER};

impl Tables<'_> {
    /// Routes short units that are whole and for one receiver, if there are several of them, their
    /// bytes are counted there, and there is room. Does nothing that
    /// [`forward`](Self::forward) would not do for one after the other. Returns what is behind
    /// them.
    #[inline(never)]
    pub(super) fn route_counted<'i, H: Host>(
        &mut self,
        sender: ConnectionId,
        input: &'i [u8],
        turn: &mut Turn,
        host: &mut H,
    ) -> Option<&'i [u8]> {
        let [_, channel, user, ..] = *input else { return None };
        // the number of a user, in front of what is for it
        let front = (channel, (channel & 128 != 0).then_some(user));
        let second = unit(input, front)?.1;
        unit(second, front)?;
        let (index, side) = match front {
            (channel, None) => (self.entered(sender, channel)?, SERVER),
            (channel, Some(user)) => (self.user(self.own(sender, channel & 127)?, user)?, USER),
        };
        let to = self.membership(index)?.clone();
        let (receiver, counted) =
            if side == SERVER { (to.server, Flags::TO_SERVER) } else { (to.user, Flags::TO_USER) };
        if to.flags.has(Flags::KNOCKS) || !to.flags.has(counted) {
            return None;
        }
        let most = self.countable(index, &to, side, host)?;
        let (mut run, mut rest, mut sum) = (Run::new(host.free(receiver)), input, 0_usize);
        while run.units() < turn.left
            && let Some((payload, behind)) = unit(rest, front)
            && sum.saturating_add(payload.len()) <= most
            && add(&mut run, &to, side, payload)
        {
            (rest, sum) = (behind, sum.saturating_add(payload.len()));
        }
        if run.units() < 2 {
            return None;
        }
        turn.take(run.units());
        turn.count(run.units(), 0);
        self.count(index, side, sum, host);
        host.push(receiver, &[], run.bytes());
        Some(rest)
    }
}

fn add(run: &mut Run, to: &MembershipSlot, side: usize, payload: &[u8]) -> bool {
    if side == SERVER { run.add_for_server(to, payload) } else { run.add_for_user(to.at_user, payload) }
}

/// A short unit that is whole and has a payload, for the party that is named: its payload, and what
/// is behind it.
#[inline]
fn unit(input: &[u8], (channel, user): (u8, Option<u8>)) -> Option<(&[u8], &[u8])> {
    let [size @ 2..=127, first, behind @ ..] = input else { return None };
    if *first != channel {
        return None;
    }
    let (unit, behind) = behind.split_at_checked(usize::from(size.saturating_sub(1)))?;
    let payload = match (user, unit) {
        (None, payload) => payload,
        (Some(user), [first, payload @ ..]) if *first == user => payload,
        _ => return None,
    };
    (!payload.is_empty()).then_some((payload, behind))
}
