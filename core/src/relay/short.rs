//! The short way of data: units that are short, whole, and have room where they go, which nearly
//! all are.

use super::fitting::HEADER;
use super::host::{ConnectionId, Host};
use super::run::Run;
use super::slots::{ConnectionSlot, Flags, MembershipSlot, Stage};
use super::tables::Tables;
use super::turn::Turn;
use crate::protocol::{Header, to_endpoint};

/// Room that is asked for where the length of what is going to be pushed is not known yet.
const ANY: usize = usize::MAX;

impl Tables<'_> {
    /// Routes what can go the short way. Does nothing that [`route`](Self::route) would not do; it
    /// is there because it does that several times as fast. Gives what it leaves to `route`.
    ///
    /// A function of its own, as all that loop over units: they have registers of their own this
    /// way.
    #[inline(never)]
    pub(super) fn route_short<'i, H: Host>(
        &self,
        sender: ConnectionId,
        mut rest: &'i [u8],
        turn: &mut Turn,
        host: &mut H,
    ) -> &'i [u8] {
        let Some(slot) = self.parts.connections.get(sender.index as usize) else { return rest };
        let pages = &*self.parts.pages;
        // counted here and not behind the reference, so that they stay in registers
        let (mut left, mut broadcasts) = (turn.left, 0usize);
        // work of the broadcasts; all else is one for each unit
        let mut of_broadcasts = 0usize;
        // the own channel that was spoken of last, by its byte on the wire
        let mut own = (0, None);
        while left > 0 {
            let (size, channel, behind) = match rest {
                [size @ 2..=127, channel, behind @ ..] => (size, channel, behind),
                [1, _, _, ..] => match self.broadcast_short(slot, rest, left, host) {
                    Some((behind, run, work)) => {
                        rest = behind;
                        broadcasts = broadcasts.saturating_add(run);
                        of_broadcasts = of_broadcasts.saturating_add(work);
                        left = left.saturating_sub(work);
                        continue;
                    }
                    None => break,
                },
                _ => break,
            };
            let Some((unit, next)) = behind.split_at_checked(usize::from(size.saturating_sub(1))) else {
                break;
            };
            let (to, is_for_server) = if channel & 128 == 0 {
                (slot.entered.get(pages, *channel), true)
            } else if let [user, ..] = unit {
                if own.0 != *channel {
                    let index = slot.own.get(pages, channel & 127);
                    own = (*channel, index.and_then(|index| self.channel(index)));
                }
                (own.1.and_then(|channel| channel.users.get(pages, *user)), false)
            } else {
                break;
            };
            let Some(to) = to.and_then(|to| self.membership(to)) else { break };
            let behind = if is_for_server {
                to_server_short(to, rest, unit, next, left, host)
            } else {
                to_user_short(to, rest, unit, next, left, host)
            };
            let Some((behind, units)) = behind else { break };
            rest = behind;
            left = left.saturating_sub(units);
        }
        let others = turn.left.saturating_sub(left).saturating_sub(of_broadcasts);
        turn.count(others.saturating_add(broadcasts), broadcasts);
        turn.left = left;
        rest
    }

    /// Routes broadcasts as long as they are short and whole and for the same receivers, if all of
    /// those have room for all of them: they are put together once, and pushed to one receiver
    /// after the other. No more than `left` are pushed. Returns what is behind them, how many they
    /// were, and how much work that was.
    #[inline(never)]
    fn broadcast_short<'i, H: Host>(
        &self,
        slot: &ConnectionSlot,
        input: &'i [u8],
        left: usize,
        host: &mut H,
    ) -> Option<(&'i [u8], usize, usize)> {
        let takes_part = slot.stage == Stage::Part;
        let first = ShortBroadcast::parse(input, takes_part)?;
        let channel = self.channel(slot.own.get(self.parts.pages, first.channel & 127)?)?;
        let same = |unit: &ShortBroadcast<'_>| {
            (unit.channel, unit.excluded, unit.ready) == (first.channel, first.excluded, first.ready)
        };
        let each = channel.users.used().max(1);
        let (mut run, mut end, mut work, mut at_user) = (Run::new(ANY), input, 0usize, 0);
        while let Some(unit) = ShortBroadcast::parse(end, takes_part).filter(same)
            && run.add_for_user(at_user, unit.payload)
        {
            end = unit.behind;
            work = work.saturating_add(Turn::of_broadcast(each, unit.payload.len()));
            // the next one may be as long as any
            if work.saturating_add(each.saturating_mul(2)) > left {
                break;
            }
        }
        if work > left {
            return None;
        }
        let receivers = || self.receivers(channel, first.excluded, u64::MAX, first.ready);
        let room = run.bytes().len().saturating_add(HEADER);
        if receivers().any(|(_, to)| host.free(to.user) < room || to.flags.has(Flags::TO_USER)) {
            return None;
        }
        for (_, to) in receivers() {
            if to.at_user != at_user {
                at_user = to.at_user;
                run.readdress(at_user);
            }
            host.push(to.user, &[], run.bytes());
        }
        Some((end, run.units(), work))
    }
}

/// Pushes a unit for a channel's server, with those behind it that are for the same one. Returns
/// what is left, and how many units that were. `None` if it cannot go the short way.
#[inline]
fn to_server_short<'i, H: Host>(
    to: &MembershipSlot,
    input: &'i [u8],
    payload: &[u8],
    behind: &'i [u8],
    most: usize,
    host: &mut H,
) -> Option<(&'i [u8], usize)> {
    if to.flags.has(Flags::TO_SERVER) {
        return None;
    }
    if let ([_, channel, ..], [_, next, ..]) = (input, behind)
        && channel == next
        && let run @ (_, 1..) = run_to_server(to, input, most, host)
    {
        return Some(run);
    }
    let header = to_endpoint::data_for_server(to.at_server, to.number, payload.len());
    push_one(to.server, &header, payload, host).then_some((behind, 1))
}

/// The same of a unit for a user, whose number is the first byte of `unit`.
#[inline]
fn to_user_short<'i, H: Host>(
    to: &MembershipSlot,
    input: &'i [u8],
    unit: &[u8],
    behind: &'i [u8],
    most: usize,
    host: &mut H,
) -> Option<(&'i [u8], usize)> {
    if to.flags.has(Flags::TO_USER) {
        return None;
    }
    if let ([_, channel, user, ..], [_, next_channel, next_user, ..]) = (input, behind)
        && user == next_user
        && channel == next_channel
        && let run @ (_, 1..) = run_to_user(to, input, most, host)
    {
        return Some(run);
    }
    let [_, payload @ ..] = unit else { return None };
    let header = to_endpoint::data_for_user(to.at_user, payload.len());
    push_one(to.user, &header, payload, host).then_some((behind, 1))
}

/// Pushes a unit that has a payload if there is room for it. Returns whether it has.
#[inline]
fn push_one<H: Host>(receiver: ConnectionId, header: &Header, payload: &[u8], host: &mut H) -> bool {
    let room = payload.len().saturating_add(HEADER);
    !payload.is_empty() && host.push_within(receiver, room, header.as_bytes(), payload)
}

/// Pushes data from a user in one go, as long as it is short and whole and of the channel of the
/// first unit, and there is room. Returns what is behind it, and how many units that were, at most
/// `most`.
#[inline(never)]
fn run_to_server<'i, H: Host>(
    to: &MembershipSlot,
    input: &'i [u8],
    most: usize,
    host: &mut H,
) -> (&'i [u8], usize) {
    let (mut run, mut rest) = (Run::new(host.free(to.server)), input);
    while run.units() < most
        && let [size @ 2..=126, channel, behind @ ..] = rest
        && input.get(1) == Some(channel)
        && let Some((payload, next)) = behind.split_at_checked(usize::from(size.saturating_sub(1)))
        && run.add_for_server(to, payload)
    {
        rest = next;
    }
    if run.units() > 0 {
        host.push(to.server, &[], run.bytes());
    }
    (rest, run.units())
}

/// The same of data for a user.
#[inline(never)]
fn run_to_user<'i, H: Host>(
    to: &MembershipSlot,
    input: &'i [u8],
    most: usize,
    host: &mut H,
) -> (&'i [u8], usize) {
    let (mut run, mut rest) = (Run::new(host.free(to.user)), input);
    while run.units() < most
        && let [size @ 3..=127, channel, user, behind @ ..] = rest
        && input.get(1..3) == Some(&[*channel, *user])
        && let Some((payload, next)) = behind.split_at_checked(usize::from(size.saturating_sub(2)))
        && run.add_for_user(to.at_user, payload)
    {
        rest = next;
    }
    if run.units() > 0 {
        host.push(to.user, &[], run.bytes());
    }
    (rest, run.units())
}

/// A broadcast of at most 127 bytes that is whole.
struct ShortBroadcast<'i> {
    channel: u8,
    excluded: Option<u8>,
    /// Whether users that are left out are passed over.
    ready: bool,
    payload: &'i [u8],
    behind: &'i [u8],
}

impl<'i> ShortBroadcast<'i> {
    #[inline]
    fn parse(input: &'i [u8], takes_part: bool) -> Option<Self> {
        let [1, mode, size @ 2..=127, channel @ 128..=255, behind @ ..] = input else { return None };
        let (unit, behind) = behind.split_at_checked(usize::from(size.saturating_sub(1)))?;
        let ready = takes_part && matches!(mode, 2 | 3);
        let (excluded, payload) = match (mode, unit) {
            (0, [user, payload @ ..]) => (Some(*user), payload),
            (3, [user, payload @ ..]) if ready => (Some(*user), payload),
            _ => (None, unit),
        };
        (!payload.is_empty()).then_some(Self { channel: *channel, excluded, ready, payload, behind })
    }
}
