//! How memberships, channels and connections end.

use super::host::{ConnectionId, Host, Note};
use super::names;
use super::numbers::{Numbers, UnderWay};
use super::places::Page;
use super::slots::{ChannelSlot, ConnectionSlot, Flags, MembershipSlot};
use super::tables::Tables;
use super::turn::Turn;
use crate::Reason;
use crate::protocol::{MAX_CHANNELS, MAX_USERS, to_endpoint};
use crate::time::Instant;

/// How a membership ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The user has left.
    Left,
    /// The user's connection is gone.
    Lost,
    /// The channel's server has removed the user.
    Removed,
    /// The channel's server has refused the user, which knocked.
    Refused,
    /// The channel is gone with its server, for this reason.
    Channel(Reason),
    /// Its window was used up for too long.
    TooSlow,
}

impl End {
    const fn reason(self) -> Reason {
        match self {
            Self::Left => Reason::OnPurpose,
            Self::Lost => Reason::ConnectionLost,
            Self::Removed | Self::Refused => Reason::Kicked,
            Self::Channel(reason) => reason,
            Self::TooSlow => Reason::TooSlow,
        }
    }
}

impl Tables<'_> {
    /// A user leaves, is lost or removed: tells the channel's server.
    pub(super) fn end_membership<H: Host>(&mut self, index: u32, end: End, host: &mut H) {
        let Some(membership) = self.membership(index).cloned() else { return };
        self.forget_membership(index, &membership, end, host);
        let code = code_for(end, membership.flags.has(Flags::SERVER_PART));
        let notice = to_endpoint::user_gone(membership.at_server, membership.number, code);
        host.push(membership.server, &notice, &[]);
    }

    /// What one side sends has not been taken for too long: tells both.
    pub(super) fn end_too_slow<H: Host>(&mut self, index: u32, host: &mut H) {
        let Some(MembershipSlot { user, at_user, flags, .. }) = self.membership(index).cloned() else {
            return;
        };
        let code = code_for(End::TooSlow, flags.has(Flags::USER_PART));
        host.push(user, &to_endpoint::channel_gone(at_user, code), &[]);
        self.end_membership(index, End::TooSlow, host);
    }

    /// A channel's server removes a user, and may have its connection blocked: tells both.
    pub(super) fn remove<H: Host>(&mut self, channel: u32, index: u32, block: bool, host: &mut H) {
        let Some(MembershipSlot { user, server, number, at_user, flags, .. }) =
            self.membership(index).cloned()
        else {
            return;
        };
        if flags.has(Flags::KNOCKS) {
            return;
        }
        let is_kept = block && self.block(channel, user);
        host.push(user, &to_endpoint::channel_gone(at_user, Reason::Kicked.end_code()), &[]);
        self.end_membership(index, End::Removed, host);
        if block && let Some(name) = self.channel(channel).map(|channel| self.name(channel)) {
            host.notify(&Note::Blocked { user, number, server, name: name.as_bytes(), is_kept });
        }
    }

    /// The number of a channel is given back by its server, or with it: ends the channel, if there
    /// still is one.
    pub(super) fn end_own<H: Host>(
        &mut self,
        server: ConnectionId,
        number: u8,
        reason: Reason,
        host: &mut H,
    ) {
        let Some(index) = self.own(server, number) else { return };
        if self.channel(index).is_some() {
            return self.end_channel(index, reason, UnderWay::Nothing, host);
        }
        if let Some(slot) = self.parts.connections.get_mut(server.index()) {
            slot.own.release(self.parts.pages, number, UnderWay::Nothing, host.now());
        }
    }

    /// A channel is deleted, closed, or its server is lost: tells its users. `under_way` says when
    /// its number can be given out again.
    pub(super) fn end_channel<H: Host>(
        &mut self,
        index: u32,
        reason: Reason,
        under_way: UnderWay,
        host: &mut H,
    ) {
        // of each table the first number in use is taken out again and again; each round ends one
        // membership
        let mut from = 0;
        for _ in 0..MAX_USERS {
            let Some(channel) = self.channel(index) else { return };
            let Some((number, user)) = first(&channel.users, self.parts.pages, from) else { break };
            from = number;
            let Some(membership) = self.membership(user).cloned() else { break };
            self.forget_membership(user, &membership, End::Channel(reason), host);
            if membership.flags.has(Flags::KNOCKS) {
                self.answer_knock(user, &membership, Reason::NoSuchChannel, &[], host);
                continue;
            }
            let notice = to_endpoint::channel_gone(membership.at_user, reason.end_code());
            host.push(membership.user, &notice, &[]);
        }
        self.unchain(index);
        let Some(slot) = self.parts.channels.get_mut(index as usize) else { return };
        let mut channel = core::mem::replace(slot, ChannelSlot::EMPTY);
        let name = self.name(&channel);
        channel.users.clear(self.parts.pages, &mut self.counters.pages);
        names::discard(channel.name, self.parts.pages, &mut self.counters.pages);
        self.unblock_all(channel.blocked);
        if let Some(server) = self.parts.connections.get_mut(channel.server.index()) {
            // what the server says of the number it says of its next holder, and what users sent is
            // routed by theirs
            server.own.release(self.parts.pages, channel.number, under_way, host.now());
        }
        self.counters.channels.give(self.parts.channels, index);
        host.notify(&Note::Deleted {
            server: channel.server,
            channel: channel.number,
            name: name.as_bytes(),
            reason,
        });
    }

    /// Ends all that a connection is in, as far as the turn goes, and then the connection. Returns
    /// true when that is done.
    pub(super) fn disconnect<H: Host>(&mut self, id: ConnectionId, turn: &mut Turn, host: &mut H) -> bool {
        if self.connection(id).is_none() {
            return true;
        }
        let mut from = 0;
        for _ in 0..MAX_CHANNELS {
            let Some(slot) = self.connection(id) else { return true };
            let entered = slot.entered.clone();
            let Some((number, membership)) = first(&entered, self.parts.pages, from) else { break };
            from = number;
            if !turn.take(1) {
                return false;
            }
            self.end_membership(membership, End::Lost, host);
        }
        from = 0;
        for _ in 0..MAX_CHANNELS {
            let Some(slot) = self.connection(id) else { return true };
            let own = slot.own.clone();
            let Some((number, channel)) = first(&own, self.parts.pages, from) else { break };
            from = number;
            let users = self.channel(channel).map_or(0, |channel| channel.users.used());
            if !turn.take(users.max(1)) {
                return false;
            }
            self.end_own(id, number, Reason::ConnectionLost, host);
        }
        self.forget_awaited(id);
        let Some(slot) = self.parts.connections.get_mut(id.index()) else { return true };
        slot.own.clear(self.parts.pages, &mut self.counters.pages);
        slot.entered.clear(self.parts.pages, &mut self.counters.pages);
        *slot = ConnectionSlot { generation: id.generation.wrapping_add(1), ..ConnectionSlot::EMPTY };
        self.counters.connections.give(self.parts.connections, id.index);
        true
    }

    /// Takes a membership out of the tables of both sides and gives its place back.
    pub(super) fn forget_membership<H: Host>(
        &mut self,
        index: u32,
        membership: &MembershipSlot,
        end: End,
        host: &mut H,
    ) {
        self.release_numbers(membership, end, host.now());
        self.end_flow(index, membership, host);
        if let Some(slot) = self.parts.memberships.get_mut(index as usize) {
            *slot = MembershipSlot::EMPTY;
        }
        self.counters.memberships.give(self.parts.memberships, index);
        let Some(channel) = self.channel(membership.channel) else { return };
        let name = self.name(channel);
        let (name, reason) = (name.as_bytes(), end.reason());
        let MembershipSlot { user, number, server, flags, .. } = *membership;
        host.notify(&match (flags.has(Flags::KNOCKS), end) {
            (true, End::Channel(_)) => {
                Note::NotAdmitted { user, number, server, name, reason: Reason::NoSuchChannel }
            }
            (true, _) => Note::NotAdmitted { user, number, server, name, reason },
            (false, _) => Note::Left { user, number, server, name, reason },
        });
    }

    /// Gives both numbers of a membership back. A user that has left says nothing more of its
    /// number; all others may have.
    fn release_numbers(&mut self, membership: &MembershipSlot, end: End, now: Instant) {
        let home = self.home(membership.user);
        let (user, server) = match end {
            End::Left | End::Lost => (UnderWay::Nothing, UnderWay::Something(home)),
            // the user has never had its number, and its server has decided
            End::Refused => (UnderWay::Nothing, UnderWay::Nothing),
            // the server has said so itself, and may still send before it hears that it has been
            // done
            End::Removed | End::TooSlow => (UnderWay::Something(home), UnderWay::Something(home)),
            End::Channel(_) => (UnderWay::Something(home), UnderWay::Nothing),
        };
        if let Some(connection) = self.parts.connections.get_mut(membership.user.index()) {
            connection.entered.release(self.parts.pages, membership.at_user, user, now);
        }
        if let Some(channel) = self.parts.channels.get_mut(membership.channel as usize) {
            channel.users.release(self.parts.pages, membership.number, server, now);
        }
    }
}

/// The code of an end for a side that takes part or does not.
const fn code_for(end: End, takes_part: bool) -> u8 {
    let reason = end.reason();
    if matches!(reason, Reason::TooSlow) && !takes_part {
        return Reason::ConnectionLost.end_code();
    }
    reason.end_code()
}

/// The first number in use that is not below `from`.
fn first<const PAGES: usize>(numbers: &Numbers<PAGES>, pages: &[Page], from: u8) -> Option<(u8, u32)> {
    (from..=u8::MAX)
        .take_while(|number| u16::from(*number) < numbers.end())
        .find_map(|number| Some((number, numbers.get(pages, number)?)))
}
