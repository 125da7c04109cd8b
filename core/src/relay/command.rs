//! The commands: create, enter, leave, delete, remove, block.

use super::end::End;
use super::host::{CloseReason, ConnectionId, Decision, Home, Host, Note, Outcome, Request};
use super::names;
use super::numbers::UnderWay;
use super::slots::{ChannelSlot, Flags, FlowSlot, MembershipSlot, Stage};
use super::tables::Tables;
use super::turn::{COMMAND, Turn};
use crate::Reason;
use crate::protocol::to_endpoint;
use crate::protocol::to_relay::{Command, Decoder, Grant, Unit, Verdict};
use crate::time::Instant;

/// Room for an answer.
const ANSWER: usize = to_endpoint::success(0, 0).len();

/// The same for an endpoint that takes part.
const ANSWER_TO_PART: usize = to_endpoint::entered(0, 0, 0, 0).len();

/// Room for the notice that a user has entered.
const ENTERED: usize = to_endpoint::user_entered(0, 0).len();

impl Tables<'_> {
    /// Carries out the command that `input` starts with. Says how many bytes it was, or why it is
    /// not carried out now.
    pub(super) fn command<H: Host>(
        &mut self,
        sender: ConnectionId,
        command: Command,
        input: &[u8],
        turn: &mut Turn,
        host: &mut H,
    ) -> Result<usize, Outcome> {
        let Some((used, Unit::Command { tag, payload, .. })) = Decoder::new().decode(input) else {
            return Err(Outcome::NeedMore);
        };
        if !payload.is_whole() {
            return Err(Outcome::NeedMore);
        }
        let payload = payload.bytes();
        if !turn.take(self.work(sender, command, payload)) {
            return Err(Outcome::Enough);
        }
        self.begin(sender, command, tag, host);
        if !matches!(command, Command::Create | Command::Enter | Command::Hello) {
            self.is_no_longer_fresh(sender, host);
        }
        let takes_part = self.stage(sender) == Stage::Part;
        if is_unasked(command) {
            turn.count(1, 0);
        }
        match command {
            Command::Create => self.create(sender, tag, payload, host)?,
            Command::Enter => self.enter(sender, tag, payload, &[], host)?,
            Command::Hello => self.hello(sender, payload, host)?,
            Command::Words => {
                let behind = input.get(used..).unwrap_or_default();
                let more = self.words_and_enter(sender, payload, behind, host)?;
                turn.count(1, 0);
                return Ok(used.saturating_add(more));
            }
            Command::Grant | Command::Admit | Command::Refuse | Command::LeaveOut if !takes_part => {}
            Command::Grant => self.granted(sender, Grant::from_payload(payload), host),
            Command::Admit => self.verdict(sender, Verdict::from_admit(payload), host),
            Command::Refuse => self.verdict(sender, Verdict::from_refuse(payload), host),
            Command::LeaveOut => self.leave_out(sender, payload),
            Command::Leave => {
                ask(sender, &Request::Leave, None, host)?;
                // a wrong length, or a number that is not in use: nothing is meant that could be
                // done
                if let [number] = *payload
                    && let Some(membership) = self.entered(sender, number)
                    && !self.knocks(membership)
                {
                    self.end_membership(membership, End::Left, host);
                }
            }
            Command::Delete => {
                ask(sender, &Request::Delete, None, host)?;
                if let [number] = *payload {
                    self.end_own(sender, number, Reason::OnPurpose, host);
                }
            }
            Command::RemoveUser | Command::BlockUser => {
                let block = command == Command::BlockUser;
                let request = if block { Request::Block } else { Request::Remove };
                let refused = ask(sender, &request, None, host)?.is_some();
                // the user, or the whole channel, may have gone meanwhile
                if let [channel, user] = *payload
                    && !refused
                    && let Some(channel) = self.own(sender, channel)
                    && let Some(membership) = self.user(channel, user)
                {
                    self.remove(channel, membership, block, host);
                }
            }
        }
        Ok(used)
    }

    /// How much work a command is.
    fn work(&self, sender: ConnectionId, command: Command, payload: &[u8]) -> usize {
        match command {
            // as a unit of data
            Command::Grant => 1_usize.saturating_add(self.work_of_stage(sender)),
            Command::Create | Command::Enter | Command::Hello => {
                COMMAND.saturating_add(self.told(sender, command, payload))
            }
            _ => COMMAND
                .saturating_add(self.told(sender, command, payload))
                .saturating_add(self.work_of_stage(sender)),
        }
    }

    /// How many others a command has to be told to, or how many notices its sender gets.
    fn told(&self, sender: ConnectionId, command: Command, payload: &[u8]) -> usize {
        match (command, payload) {
            (Command::Hello, _) if self.stage(sender).may_say_hello() => self.memberships_of(sender),
            (Command::Delete, [number]) => {
                let channel = self.own(sender, *number).and_then(|channel| self.channel(channel));
                channel.map_or(0, |channel| channel.users.used())
            }
            _ => 0,
        }
    }

    fn create<H: Host>(
        &mut self,
        sender: ConnectionId,
        tag: u8,
        given: &[u8],
        host: &mut H,
    ) -> Result<(), Outcome> {
        let name = host.channel_name(sender, given);
        let hash = names::fold(host.hash(name));
        let own = self.parts.connections.get(sender.index()).map_or(0, |slot| slot.own.used());
        let mut refused = if self.parts.connections.get(sender.index()).is_none_or(|slot| slot.own.is_full())
        {
            Some(Reason::TooManyChannels)
        } else if self.find(name, hash).is_some() {
            Some(Reason::NameInUse)
        } else {
            None
        };
        if host.free(sender) < ANSWER {
            return Err(Outcome::WaitFor(sender));
        }
        let request = Request::Create { name, given, own, channels: self.counters.channels.now() };
        refused = ask(sender, &request, refused, host)?;
        let created = match refused {
            Some(reason) => Err(reason),
            None => self.new_channel(sender, name, hash, host.now()).ok_or(Reason::TooManyChannels),
        };
        match created {
            Ok(channel) => {
                answer(sender, tag, &to_endpoint::success(tag, channel), host);
                host.notify(&Note::Created { server: sender, channel, name });
            }
            Err(reason) => {
                let code = code_or(reason.create_code(), Reason::TooManyChannels.create_code());
                answer(sender, tag, &to_endpoint::refused(tag, code), host);
                host.notify(&Note::Refused { connection: sender, request, reason });
            }
        }
        Ok(())
    }

    /// Takes what a new channel needs, all or nothing, and gives its number.
    fn new_channel(&mut self, server: ConnectionId, name: &[u8], hash: u32, now: Instant) -> Option<u8> {
        let name_len = u8::try_from(name.len()).ok()?;
        let index = self.counters.channels.take(self.parts.channels)?;
        let Some(places) = names::store(name, self.parts.pages, &mut self.counters.pages) else {
            self.counters.channels.give(self.parts.channels, index);
            return None;
        };
        let own = self.parts.connections.get_mut(server.index()).map(|slot| &mut slot.own);
        let number = own.and_then(|own| own.take(self.parts.pages, &mut self.counters.pages, index, now));
        let (Some(number), Some(slot)) = (number, self.parts.channels.get_mut(index as usize)) else {
            names::discard(places, self.parts.pages, &mut self.counters.pages);
            self.counters.channels.give(self.parts.channels, index);
            return None;
        };
        *slot = ChannelSlot { server, name: places, name_len, number, hash, ..ChannelSlot::EMPTY };
        self.chain(index);
        Some(number)
    }

    pub(super) fn enter<H: Host>(
        &mut self,
        sender: ConnectionId,
        tag: u8,
        given: &[u8],
        words: &[u8],
        host: &mut H,
    ) -> Result<(), Outcome> {
        self.end_old_knocks(host);
        let name = host.channel_name(sender, given);
        let found = self.find(name, names::fold(host.hash(name)));
        let found = found.and_then(|index| Some((index, self.channel(index)?)));
        let mut refused = match found {
            None => Some(Reason::NoSuchChannel),
            Some((_, channel)) if channel.server == sender => Some(Reason::OwnChannel),
            Some((index, _)) if self.is_in(sender, index) => Some(Reason::AlreadyEntered),
            Some((index, _)) if self.is_blocked(index, sender) => Some(Reason::Blocked),
            Some((_, channel)) if channel.users.is_full() => Some(Reason::ChannelFull),
            Some(_) => self.parts.connections.get(sender.index()).and_then(|slot| {
                let full = slot.entered.is_full();
                full.then_some(Reason::TooManyChannels)
            }),
        };
        let takes_part = self.stage(sender) == Stage::Part;
        if host.free(sender) < if takes_part { ANSWER_TO_PART } else { ANSWER } {
            return Err(Outcome::WaitFor(sender));
        }
        let (channel, server, users) =
            found.map_or((0, sender, 0), |(index, channel)| (index, channel.server, channel.users.used()));
        let is_asked = self.stage(server) == Stage::Part;
        if refused.is_none() && is_asked {
            refused = self.cannot_knock(channel, words, host);
        } else if refused.is_none() && !takes_part && host.free(server) < ENTERED {
            // one that takes part waits for no queue but its own; the notice goes above the bound, as
            // those of ends do
            return Err(Outcome::WaitFor(server));
        }
        let entered = self.parts.connections.get(sender.index()).map_or(0, |slot| slot.entered.used());
        let now = host.now();
        let (of_address, of_network) = match found {
            Some((_, channel)) if refused.is_none() => self.numbers_of(channel, self.home(sender), now),
            _ => (0, 0),
        };
        let request = Request::Enter { name, given, entered, users, of_address, of_network };
        refused = ask(sender, &request, refused, host)?;
        let entered = match refused {
            Some(reason) => Err(reason),
            None => self.new_membership(sender, channel, now),
        };
        match entered {
            Ok((index, _)) if is_asked => self.knock(index, tag, words, host),
            Ok((index, MembershipSlot { at_server, number, .. })) => {
                self.begin_flow(index, host);
                self.answer_enter(index, tag, takes_part, host);
                host.push(server, &to_endpoint::user_entered(at_server, number), &[]);
                host.notify(&Note::Entered { user: sender, number, server, name });
            }
            Err(reason) => {
                let code = enter_code(reason, takes_part);
                answer(sender, tag, &to_endpoint::refused(tag, code), host);
                host.notify(&Note::Refused { connection: sender, request, reason });
            }
        }
        Ok(())
    }

    /// Whether the connection is a user of that channel.
    fn is_in(&self, id: ConnectionId, channel: u32) -> bool {
        let Some(slot) = self.parts.connections.get(id.index()) else { return false };
        let mut entered = slot.entered.iter(self.parts.pages);
        entered
            .any(|(_, index)| self.membership(index).is_some_and(|membership| membership.channel == channel))
    }

    /// How many numbers of a channel users from the same address and from the same network have,
    /// those included that rest.
    fn numbers_of(&self, channel: &ChannelSlot, home: Home, now: Instant) -> (usize, usize) {
        let pages = &*self.parts.pages;
        let (mut of_address, mut of_network) = channel.users.resting(pages, home, now);
        for (_, index) in channel.users.iter(pages) {
            let Some(user) = self.membership(index).map(|user| self.home(user.user)) else { continue };
            of_address = of_address.saturating_add(usize::from(user.address == home.address));
            of_network = of_network.saturating_add(usize::from(user.network == home.network));
        }
        (of_address, of_network)
    }

    /// Takes what a new membership needs, all or nothing.
    fn new_membership(
        &mut self,
        user: ConnectionId,
        channel: u32,
        now: Instant,
    ) -> Result<(u32, MembershipSlot), Reason> {
        let pages = &mut *self.parts.pages;
        let full = Reason::ChannelFull;
        let index = self.counters.memberships.take(self.parts.memberships).ok_or(full)?;
        let entered = self.parts.connections.get_mut(user.index()).map(|slot| &mut slot.entered);
        let channel_slot = self.parts.channels.get_mut(channel as usize);
        let (Some(entered), Some(slot)) = (entered, channel_slot) else {
            self.counters.memberships.give(self.parts.memberships, index);
            return Err(full);
        };
        let at_user = entered.take(pages, &mut self.counters.pages, index, now);
        let number = slot.users.take(pages, &mut self.counters.pages, index, now);
        let (Some(at_user), Some(number)) = (at_user, number) else {
            if let Some(at_user) = at_user {
                entered.release(pages, at_user, UnderWay::Nothing, now);
            }
            if let Some(number) = number {
                slot.users.release(pages, number, UnderWay::Nothing, now);
            }
            self.counters.memberships.give(self.parts.memberships, index);
            return Err(if at_user.is_none() { Reason::TooManyChannels } else { full });
        };
        self.counters.sequence = self.counters.sequence.saturating_add(1);
        let membership = MembershipSlot {
            sequence: self.counters.sequence,
            server: slot.server,
            user,
            channel,
            at_server: slot.number,
            at_user,
            number,
            flags: Flags::NONE,
        };
        if let Some(slot) = self.parts.memberships.get_mut(index as usize) {
            *slot = membership.clone();
        }
        if let Some(flow) = self.parts.flows.get_mut(index as usize) {
            *flow = FlowSlot { shown: number, ..FlowSlot::EMPTY };
        }
        Ok((index, membership))
    }
}

/// Whether a command is one that no host is asked about. It counts as a unit, or it would be free
/// of all limits. So do words, when they have been used.
const fn is_unasked(command: Command) -> bool {
    matches!(command, Command::Grant | Command::Admit | Command::Refuse | Command::LeaveOut)
}

/// Asks the host about a command. Returns the reason to refuse it, if there is one; `refused` is
/// the core's own.
pub(super) fn ask<H: Host>(
    connection: ConnectionId,
    request: &Request<'_>,
    refused: Option<Reason>,
    host: &mut H,
) -> Result<Option<Reason>, Outcome> {
    match host.allow(connection, request) {
        Decision::Yes => Ok(refused),
        Decision::No(reason) => Ok(refused.or(Some(reason))),
        Decision::Hide if matches!(request, Request::Create { .. }) => Ok(Some(Reason::NameInUse)),
        Decision::Hide => Ok(Some(Reason::NoSuchChannel)),
        Decision::Later => Err(Outcome::Later),
        Decision::Close => Err(Outcome::Close(CloseReason::NotAllowed)),
    }
}

/// Sends an answer, unless none is wanted.
pub(super) fn answer<H: Host>(connection: ConnectionId, tag: u8, answer: &[u8], host: &mut H) {
    if tag != 0 {
        host.push(connection, answer, &[]);
    }
}

/// The code of a refused enter command for an endpoint that takes part or does not.
pub(super) const fn enter_code(reason: Reason, takes_part: bool) -> u8 {
    let full = Reason::ChannelFull.enter_code();
    match reason {
        Reason::RefusedByServer | Reason::NoAnswer if !takes_part => full,
        reason => code_or(reason.enter_code(), full),
    }
}

/// A host's reason may be none that the protocol knows here.
const fn code_or(code: u8, other: u8) -> u8 {
    if code == 0 { other } else { code }
}
