//! Admission: users that knock, and what the server of their channel says.

use super::command::{answer, enter_code};
use super::end::End;
use super::host::{ConnectionId, Host, Note, Outcome, Request};
use super::slots::{Flags, MembershipSlot, Stage};
use super::tables::Tables;
use super::windows::{SERVER, USER};
use crate::Reason;
use crate::protocol::to_relay::{CODE_FULL, Command, Decoder, Unit, Verdict};
use crate::protocol::{MAX_WORDS, to_endpoint};
use crate::time::{Duration, Instant};

/// Users that knock at the door of one channel, at most: nearly as many as it can have. After a
/// relay was started again all come at once.
pub const MAX_KNOCKS: u8 = 255;

/// Users that may knock at the door of one channel although its server's queue has no room. A
/// server that is spoken to without a pause has none most of the time, and is still to hear of
/// newcomers.
const FEW_KNOCKS: u8 = 8;

/// Milliseconds after which a user that knocks is refused.
pub const KNOCK_MILLIS: u32 = 10_000;

/// Room for a knock without its words.
const KNOCK: usize = 12;

impl Tables<'_> {
    /// Whether the user of a membership knocks.
    pub(super) fn knocks(&self, index: u32) -> bool {
        self.membership(index).is_some_and(|membership| membership.flags.has(Flags::KNOCKS))
    }

    /// Words have come, and `behind` them what they may belong to. Returns how many bytes of that
    /// were used.
    pub(super) fn words_and_enter<H: Host>(
        &mut self,
        sender: ConnectionId,
        words: &[u8],
        behind: &[u8],
        host: &mut H,
    ) -> Result<usize, Outcome> {
        if words.len() > MAX_WORDS || self.stage(sender) != Stage::Part {
            return Ok(0);
        }
        if !matches!(behind, [] | [0] | [0, 1, ..]) {
            return Ok(0);
        }
        let Some((used, Unit::Command { command: 1, tag, payload })) = Decoder::new().decode(behind) else {
            return Err(Outcome::NeedMore);
        };
        if !payload.is_whole() {
            return Err(Outcome::NeedMore);
        }
        debug_assert_eq!(Command::Enter.code(), 1);
        self.enter(sender, tag, payload.bytes(), words, host)?;
        Ok(used)
    }

    /// Returns a reason to refuse a user before the server is asked.
    pub(super) fn cannot_knock<H: Host>(&self, channel: u32, words: &[u8], host: &H) -> Option<Reason> {
        let channel = self.channel(channel)?;
        let can = channel.knocking < FEW_KNOCKS
            || channel.knocking < MAX_KNOCKS
                && host.free(channel.server) >= KNOCK.saturating_add(words.len());
        if can { None } else { Some(Reason::NoAnswer) }
    }

    /// Asks a channel's server about a user whose number is reserved.
    pub(super) fn knock<H: Host>(&mut self, index: u32, tag: u8, words: &[u8], host: &mut H) {
        let flags = Flags::KNOCKS.with(Flags::TO_USER).with(Flags::TO_SERVER);
        let Some(membership) = self.membership_mut(index) else { return };
        membership.flags = flags;
        let membership = membership.clone();
        let takes_part = self.stage(membership.user) == Stage::Part;
        self.counters.ticket = self.counters.ticket.wrapping_add(1);
        let ticket = self.counters.ticket;
        let before = core::mem::replace(&mut self.counters.last_knock, index.saturating_add(1));
        let deadline = low(host.now()).wrapping_add(KNOCK_MILLIS);
        if let Some(flow) = self.flow_mut(index) {
            (flow.tag, flow.ticket, flow.took_part, flow.deadline) = (tag, ticket, takes_part, deadline);
            let [_, list] = &mut flow.sides;
            (list.before, list.next) = (before, 0);
        }
        self.set_next_knock(before, index.saturating_add(1));
        self.count_knock(&membership, |count| count.saturating_add(1));
        let window = self.first_window(membership.user, host);
        if let Some(slot) = self.side_mut(index, USER) {
            // what the server is told, until this is over
            slot.count = window;
        }
        let words = words.get(..MAX_WORDS).unwrap_or(words);
        let (channel, number) = (membership.at_server, membership.number);
        if let Some(head) = to_endpoint::knock(channel, number, ticket, takes_part, window, words.len()) {
            host.push(membership.server, &head, words);
        }
        if let Some(channel) = self.channel(membership.channel) {
            let name = self.name(channel);
            let MembershipSlot { user, number, server, .. } = membership;
            host.notify(&Note::Knocked { user, number, server, name: name.as_bytes() });
        }
    }

    fn set_next_knock(&mut self, before: u32, next: u32) {
        match before.checked_sub(1).and_then(|before| self.flow_mut(before)) {
            Some(flow) => {
                let [_, list] = &mut flow.sides;
                list.next = next;
            }
            None => self.counters.first_knock = next,
        }
    }

    fn count_knock(&mut self, membership: &MembershipSlot, change: fn(u8) -> u8) {
        if let Some(slot) = self.parts.channels.get_mut(membership.channel as usize) {
            slot.knocking = change(slot.knocking);
        }
    }

    /// A user knocks no more.
    pub(super) fn end_knock(&mut self, index: u32, membership: &MembershipSlot) {
        let Some(flow) = self.flow_mut(index) else { return };
        let [_, list] = &mut flow.sides;
        let (before, next) = (core::mem::take(&mut list.before), core::mem::take(&mut list.next));
        self.set_next_knock(before, next);
        match next.checked_sub(1).and_then(|next| self.flow_mut(next)) {
            Some(flow) => {
                let [_, list] = &mut flow.sides;
                list.before = before;
            }
            None => self.counters.last_knock = before,
        }
        self.count_knock(membership, |count| count.saturating_sub(1));
    }

    /// Answers the command to enter of a user that knocked, and is refused. Its slot may be free
    /// already.
    pub(super) fn answer_knock<H: Host>(
        &self,
        index: u32,
        membership: &MembershipSlot,
        reason: Reason,
        words: &[u8],
        host: &mut H,
    ) {
        let Some(flow) = self.flow(index) else { return };
        if flow.tag == 0 {
            return;
        }
        let code = enter_code(reason, flow.took_part);
        let words = if flow.took_part { words } else { &[] };
        if let Some(head) = to_endpoint::refused_with(flow.tag, code, words.len()) {
            host.push(membership.user, &head, words);
        }
    }

    /// Ends a knock that was refused.
    pub(super) fn refuse<H: Host>(&mut self, index: u32, reason: Reason, words: &[u8], host: &mut H) {
        let Some(membership) = self.membership(index).cloned() else { return };
        self.answer_knock(index, &membership, reason, words, host);
        match reason {
            // its server has said so itself
            Reason::RefusedByServer | Reason::ChannelFull => {
                self.forget_membership(index, &membership, End::Refused, host);
            }
            _ => self.end_membership(index, End::Lost, host),
        }
        if let Some(channel) = self.channel(membership.channel) {
            let name = self.name(channel);
            let name = name.as_bytes();
            let request =
                Request::Enter { name, given: name, entered: 0, users: 0, of_address: 0, of_network: 0 };
            host.notify(&Note::Refused { connection: membership.user, request, reason });
        }
    }

    /// A channel's server has decided about a user that knocks.
    pub(super) fn verdict<H: Host>(
        &mut self,
        sender: ConnectionId,
        verdict: Option<Verdict<'_>>,
        host: &mut H,
    ) {
        let Some(verdict) = verdict else { return };
        let Some(channel) = self.own(sender, verdict.channel) else { return };
        let Some(index) = self.user(channel, verdict.user).filter(|user| self.knocks(*user)) else { return };
        if self.flow(index).is_none_or(|flow| flow.ticket != verdict.ticket) {
            return;
        }
        match verdict.code {
            None => self.admit(index, host),
            Some(CODE_FULL) => self.refuse(index, Reason::ChannelFull, verdict.words, host),
            Some(_) => self.refuse(index, Reason::RefusedByServer, verdict.words, host),
        }
    }

    pub(super) fn admit<H: Host>(&mut self, index: u32, host: &mut H) {
        let Some(membership) = self.membership(index).cloned() else { return };
        let Some((tag, took_part)) = self.flow(index).map(|flow| (flow.tag, flow.took_part)) else { return };
        let told = self.side(index, USER).map_or(0, |side| side.count);
        self.end_knock(index, &membership);
        if let Some(membership) = self.membership_mut(index) {
            membership.flags = Flags::NONE;
        }
        self.begin_flow(index, host);
        self.answer_enter(index, tag, took_part, host);
        if !took_part && self.stage(membership.user) == Stage::Part {
            self.tell_raised(index, told, host);
        }
        if !took_part && told < host.window() {
            // its hello was awaited, and may have come meanwhile
            let window = self.first_window(membership.user, host);
            self.widen(index, SERVER, window.saturating_sub(told), host);
        }
        let MembershipSlot { user, number, server, channel, .. } = membership;
        if let Some(channel) = self.channel(channel) {
            let name = self.name(channel);
            host.notify(&Note::Entered { user, number, server, name: name.as_bytes() });
        }
    }

    /// Tells a user that it has entered.
    pub(super) fn answer_enter<H: Host>(&self, index: u32, tag: u8, takes_part: bool, host: &mut H) {
        let Some(membership) = self.membership(index) else { return };
        let (user, number) = (membership.at_user, self.shown(index));
        if takes_part {
            let window = self.window_at(index, SERVER, host);
            answer(membership.user, tag, &to_endpoint::entered(tag, user, number, window), host);
        } else {
            answer(membership.user, tag, &to_endpoint::success(tag, user), host);
        }
        debug_assert_ne!(USER, SERVER);
    }

    /// Ends the knocks whose time is over.
    pub(super) fn end_old_knocks<H: Host>(&mut self, host: &mut H) {
        let now = low(host.now());
        // each round ends one
        for _ in 0..self.counters.memberships.now() {
            let Some(index) = self.counters.first_knock.checked_sub(1) else { return };
            let Some(flow) = self.flow(index) else { return };
            // the deadlines of knocks are near to each other, so the difference says which is first
            if flow.deadline.wrapping_sub(now).wrapping_sub(1) < KNOCK_MILLIS {
                return;
            }
            self.refuse(index, Reason::NoAnswer, &[], host);
        }
    }

    /// When the next knock is over.
    pub(super) fn next_knock_ends(&self, now: Instant) -> Option<Instant> {
        let flow = self.flow(self.counters.first_knock.checked_sub(1)?)?;
        let left = flow.deadline.wrapping_sub(low(now));
        let left = if left > KNOCK_MILLIS { 0 } else { left };
        Some(now.saturating_add(Duration::from_millis(left.into())))
    }
}

/// The low bits of a moment's milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "they are all that is wanted")]
pub(super) const fn low(now: Instant) -> u32 {
    now.as_millis() as u32
}
