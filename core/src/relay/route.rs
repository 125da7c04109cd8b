//! The way of data: from a unit to its receivers' queues. This is where a relay spends its time.

use super::fitting::HEADER;
use super::host::{CloseReason, ConnectionId, Host, Outcome};
use super::slots::{ChannelSlot, Flags, Kind, MembershipSlot, Stage, Target};
use super::tables::Tables;
use super::turn::Turn;
use super::windows::{Room, SERVER, USER};
use crate::protocol::to_endpoint::Capabilities;
use crate::protocol::to_relay::{Command, Decoder, Unit};
use crate::protocol::{MAX_UNIT_PAYLOAD, to_endpoint};

/// The least threshold for cuts: room for a header and some payload, and for any answer.
const LEAST_CUT: usize = 8;

/// Why [`Tables::route`] went no further.
pub(super) enum Stop {
    Outcome(Outcome),
    /// At the start of a command with this number, which may not be whole yet.
    Command(Command),
}

/// Room for an announcement.
const ANNOUNCEMENT: usize = to_endpoint::announcement(Capabilities::NONE).len();

const NEED_MORE: Stop = Stop::Outcome(Outcome::NeedMore);
const ENOUGH: Stop = Stop::Outcome(Outcome::Enough);

impl Tables<'_> {
    /// Routes data up to the first thing that is none, or until the turn is over. Returns how many
    /// bytes were used.
    pub(super) fn route<H: Host>(
        &mut self,
        sender: ConnectionId,
        input: &[u8],
        turn: &mut Turn,
        host: &mut H,
    ) -> (usize, Stop) {
        let known = self.capabilities(host);
        let Some(slot) = self.connection(sender) else {
            return (0, Stop::Outcome(Outcome::Close(CloseReason::NotConnected)));
        };
        let takes_part = slot.stage == Stage::Part;
        if slot.stage.may_say_hello() && input.first().is_some_and(|first| *first != 0) {
            if !turn.take(self.work_of_stage(sender)) {
                return (0, ENOUGH);
            }
            self.is_no_longer_fresh(sender, host);
        }
        let Some(slot) = self.connection(sender) else { return (0, NEED_MORE) };
        if !slot.announced && !input.is_empty() {
            let capabilities = known;
            if capabilities != Capabilities::NONE {
                if host.free(sender) < ANNOUNCEMENT {
                    return (0, Stop::Outcome(Outcome::WaitFor(sender)));
                }
                host.push(sender, &to_endpoint::announcement(capabilities), &[]);
            }
            slot.announced = true;
        }
        let cut = host.cut().max(LEAST_CUT);
        let mut rest = input;
        let used_to = |rest: &[u8]| input.len().saturating_sub(rest.len());
        if slot.left > 0 {
            let (left, target) = (slot.left, slot.target);
            let payload = rest.get(..usize::from(left)).unwrap_or(rest);
            let (sent, stop) = self.forward(sender, target, payload, cut, turn, host);
            self.set_under_way(sender, usize::from(left).saturating_sub(sent), target);
            rest = rest.get(sent..).unwrap_or_default();
            if let Some(outcome) = stop {
                return (used_to(rest), Stop::Outcome(outcome));
            }
        }
        loop {
            rest = self.route_short(sender, rest, turn, host);
            match *rest {
                [] => return (input.len(), NEED_MORE),
                _ if turn.is_over() => return (used_to(rest), ENOUGH),
                // no-ops: data of size 0, and a broadcast of it; skipped here, so that no run of
                // them is too long to keep
                [0x80, 0, ref behind @ ..] => {
                    turn.count(1, 0);
                    turn.take(1);
                    rest = behind;
                    continue;
                }
                [1, _, 0x80, 0, ref behind @ ..] => {
                    turn.count(1, 1);
                    turn.take(1);
                    rest = behind;
                    continue;
                }
                [0, code, ..] => {
                    let stop = match Command::from_code(code) {
                        Some(command) if known.contains(command.capability()) => Stop::Command(command),
                        _ => Stop::Outcome(Outcome::Close(CloseReason::UnknownCommand(code))),
                    };
                    return (used_to(rest), stop);
                }
                _ => {}
            }
            if let Some(behind) = self.route_counted(sender, rest, turn, host) {
                rest = behind;
                continue;
            }
            let Some((used, unit)) = Decoder::of(takes_part).decode(rest) else {
                return (used_to(rest), NEED_MORE);
            };
            let (target, payload) = match unit {
                Unit::ToServer { channel, payload } => (self.to_server(sender, channel), payload),
                Unit::ToUser { channel, user, payload } => (self.to_user(sender, channel, user), payload),
                Unit::ToAll { channel, payload } => (self.to_users(sender, channel, None, false), payload),
                Unit::ToAllBut { channel, excluded, payload } => {
                    (self.to_users(sender, channel, Some(excluded), false), payload)
                }
                Unit::ToReady { channel, payload } => (self.to_users(sender, channel, None, true), payload),
                Unit::ToReadyBut { channel, excluded, payload } => {
                    (self.to_users(sender, channel, Some(excluded), true), payload)
                }
                Unit::Malformed(malformed) => {
                    return (used_to(rest), Stop::Outcome(Outcome::Close(CloseReason::Malformed(malformed))));
                }
                Unit::Command { .. } => return (used_to(rest), NEED_MORE), // its code is yet to come
            };
            let is_broadcast = target.kind == Kind::Users
                || matches!(
                    unit,
                    Unit::ToAll { .. }
                        | Unit::ToAllBut { .. }
                        | Unit::ToReady { .. }
                        | Unit::ToReadyBut { .. }
                );
            let (sent, stop) = self.forward(sender, target, payload.bytes(), cut, turn, host);
            match stop {
                None => {
                    turn.count(1, usize::from(is_broadcast));
                    if payload.bytes().is_empty() || target.kind == Kind::Nobody {
                        turn.take(1);
                    }
                    rest = rest.get(used..).unwrap_or_default();
                }
                // nothing is routed yet: who gets it is looked up anew next time
                Some(outcome) if sent == 0 => {
                    return (used_to(rest), Stop::Outcome(outcome));
                }
                Some(_) => {
                    turn.count(1, usize::from(is_broadcast));
                    let head = used.saturating_sub(payload.bytes().len());
                    rest = rest.get(head.saturating_add(sent)..).unwrap_or_default();
                }
            }
            if sent < payload.total() {
                self.set_under_way(sender, payload.total().saturating_sub(sent), target);
            }
            if let Some(outcome) = stop {
                return (used_to(rest), Stop::Outcome(outcome));
            }
        }
    }

    /// Notes how many bytes of the unit under way are still to come.
    fn set_under_way(&mut self, sender: ConnectionId, left: usize, target: Target) {
        if let Some(slot) = self.connection(sender) {
            slot.left = u16::try_from(left).unwrap_or_default(); // at most the size of a unit, which fits
            slot.target = target;
        }
    }

    #[inline]
    fn to_server(&self, sender: ConnectionId, channel: u8) -> Target {
        self.to_one(Kind::Server, self.entered(sender, channel))
    }

    #[inline]
    fn to_user(&self, sender: ConnectionId, channel: u8, user: u8) -> Target {
        self.to_one(Kind::User, self.own(sender, channel).and_then(|channel| self.user(channel, user)))
    }

    #[inline]
    fn to_one(&self, kind: Kind, index: Option<u32>) -> Target {
        let membership = index.and_then(|index| Some((index, self.membership(index)?)));
        let membership = membership.filter(|(_, membership)| !membership.flags.has(Flags::KNOCKS));
        membership.map_or(Target::NOBODY, |(index, membership)| Target {
            sequence: membership.sequence,
            index,
            kind,
            excluded: None,
            ready: false,
        })
    }

    fn to_users(&self, sender: ConnectionId, channel: u8, excluded: Option<u8>, ready: bool) -> Target {
        self.own(sender, channel).map_or(Target::NOBODY, |index| Target {
            sequence: self.counters.sequence,
            index,
            kind: Kind::Users,
            excluded,
            ready,
        })
    }

    /// Forwards a piece of a payload, as much of it as there is room for. Returns how much that
    /// was, and why not more.
    #[inline]
    fn forward<H: Host>(
        &mut self,
        sender: ConnectionId,
        target: Target,
        payload: &[u8],
        cut: usize,
        turn: &mut Turn,
        host: &mut H,
    ) -> (usize, Option<Outcome>) {
        match target.kind {
            Kind::Server | Kind::User => self.forward_to_one(target, payload, cut, turn, host),
            Kind::Users => self.forward_to_users(sender, target, payload, cut, turn, host),
            Kind::Nobody => (payload.len(), None),
        }
    }

    #[inline]
    fn forward_to_one<H: Host>(
        &mut self,
        target: Target,
        payload: &[u8],
        cut: usize,
        turn: &mut Turn,
        host: &mut H,
    ) -> (usize, Option<Outcome>) {
        let side = if target.kind == Kind::Server { SERVER } else { USER };
        let mut rest = payload;
        while !rest.is_empty() {
            let sent = payload.len().saturating_sub(rest.len());
            let Some(to) = self.membership(target.index).filter(|to| to.sequence == target.sequence) else {
                return (payload.len(), None); // gone in the middle of the unit
            };
            let (len, is_counted) = match self.room(target.index, to, side, rest.len(), cut, host) {
                Room::Bytes(len) => (len, false),
                Room::Counted(len) => (len, true),
                Room::None(outcome) => return (sent, Some(outcome)),
                Room::Overdrawn => {
                    self.end_too_slow(target.index, host);
                    return (payload.len(), None);
                }
            };
            if !turn.take(1) {
                return (sent, Some(Outcome::Enough));
            }
            let (piece, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            let (receiver, header) = if side == SERVER {
                (to.server, to_endpoint::data_for_server(to.at_server, to.number, piece.len()))
            } else {
                (to.user, to_endpoint::data_for_user(to.at_user, piece.len()))
            };
            if is_counted {
                self.count(target.index, side, piece.len(), host);
            }
            host.push(receiver, header.as_bytes(), piece);
            rest = behind;
        }
        (payload.len(), None)
    }

    /// Users of a channel but one, those that knock, and those that entered too late, with their
    /// places; `ready`: and those that are left out.
    #[inline]
    pub(super) fn receivers<'t>(
        &'t self,
        channel: &'t ChannelSlot,
        excluded: Option<u8>,
        latest: u64,
        ready: bool,
    ) -> impl Iterator<Item = (u32, &'t MembershipSlot)> {
        let not = if ready { Flags::LEFT_OUT.with(Flags::KNOCKS) } else { Flags::KNOCKS };
        channel.users.iter(self.parts.pages).filter_map(move |(number, index)| {
            let to = self.membership(index)?;
            (to.sequence <= latest && excluded != Some(number) && !to.flags.has(not)).then_some((index, to))
        })
    }

    /// The same of a broadcast.
    #[inline]
    fn listeners<'t>(
        &'t self,
        channel: &'t ChannelSlot,
        target: Target,
    ) -> impl Iterator<Item = (u32, &'t MembershipSlot)> {
        self.receivers(channel, target.excluded, target.sequence, target.ready)
    }

    /// Counts what is about to be pushed to all.
    #[cold]
    fn count_broadcast<H: Host>(&mut self, target: Target, len: usize, host: &mut H) {
        for number in 0..=u8::MAX {
            let Some(index) = self.user(target.index, number) else { continue };
            let Some(to) = self.membership(index) else { continue };
            let left_out = target.ready && to.flags.has(Flags::LEFT_OUT);
            if to.sequence <= target.sequence
                && target.excluded != Some(number)
                && !left_out
                && !to.flags.has(Flags::KNOCKS)
            {
                self.count(index, USER, len, host);
            }
        }
    }

    fn forward_to_users<H: Host>(
        &mut self,
        sender: ConnectionId,
        target: Target,
        payload: &[u8],
        cut: usize,
        turn: &mut Turn,
        host: &mut H,
    ) -> (usize, Option<Outcome>) {
        let Some(channel) = self.channel(target.index).filter(|channel| channel.server == sender) else {
            return (payload.len(), None);
        };
        let users = channel.users.used().max(1);
        let mut rest = payload;
        while !rest.is_empty() {
            let sent = payload.len().saturating_sub(rest.len());
            let Some(most) = turn.bytes_for(users, rest.len().min(cut)) else {
                return (sent, Some(Outcome::Enough));
            };
            let may_go = rest.len().min(most);
            let (mut len, mut counted, mut overdrawn) = (may_go, false, None);
            let Some(channel) = self.channel(target.index) else { return (payload.len(), None) };
            let (whole, is_one) = (may_go.saturating_add(HEADER), may_go <= MAX_UNIT_PAYLOAD);
            for (index, to) in self.listeners(channel, target) {
                if is_one && host.free(to.user) >= whole && !to.flags.has(Flags::TO_USER) {
                    continue;
                }
                match self.room(index, to, USER, may_go, cut, host) {
                    Room::Bytes(fits) => len = len.min(fits),
                    Room::Counted(fits) => (len, counted) = (len.min(fits), true),
                    Room::None(outcome) => {
                        // to have looked is work, too
                        turn.take(users);
                        return (sent, Some(outcome));
                    }
                    Room::Overdrawn => {
                        overdrawn = Some(index);
                        break;
                    }
                }
            }
            if let Some(index) = overdrawn {
                turn.take(users);
                self.end_too_slow(index, host);
                continue;
            }
            turn.take(Turn::of_broadcast(users, len));
            let (piece, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            if counted {
                self.count_broadcast(target, len, host);
            }
            let Some(channel) = self.channel(target.index) else { return (payload.len(), None) };
            for (_, to) in self.listeners(channel, target) {
                let header = to_endpoint::data_for_user(to.at_user, piece.len());
                host.push(to.user, header.as_bytes(), piece);
            }
            rest = behind;
        }
        (payload.len(), None)
    }
}
