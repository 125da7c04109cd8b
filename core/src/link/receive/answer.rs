//! The relay's answers to commands, and its notices about users and channels.

use crate::Reason;
#[cfg(feature = "flow")]
use crate::link::Channel;
#[cfg(all(feature = "admission", feature = "server"))]
use crate::link::flow::AtDoor;
#[cfg(all(feature = "flow", feature = "server"))]
use crate::link::flow::Knock;
#[cfg(feature = "flow")]
use crate::link::front::Queued;
use crate::link::front::{Notice, What};
use crate::link::session::Session;
use crate::link::slots::{Key, OwnState, PartyState};
use crate::link::state::Owed;
use crate::link::{EnteredChannel, OwnChannel, User};
use crate::protocol::to_endpoint::{Capabilities, Unit};
use crate::protocol::{Fragment, MAX_CHANNELS};

impl Session<'_> {
    /// Finds the event that the answer or notice stands for that has just come.
    #[inline(never)]
    pub(in crate::link) fn control(&mut self) {
        let unit = self.out.state.received.decoder.control(Fragment::EMPTY);
        #[cfg(feature = "flow")]
        if !core::mem::replace(&mut self.out.state.flow.is_known, true)
            && !matches!(unit, Unit::Keepalive { last } if Capabilities::from_keepalive(last).is_some())
        {
            self.out.has_no_hello();
        }
        #[cfg(feature = "flow")]
        if let Unit::Hello { .. } = unit {
            return self.greeted();
        }
        let notice = self.notice(unit);
        self.out.state.front.tell(notice);
    }

    fn notice(&mut self, unit: Unit<'_>) -> Option<Notice> {
        match unit {
            Unit::Success { tag, channel: number } => {
                // no relay gives out a greater number; as it stands, it would mean another channel
                let answer = if usize::from(number) < MAX_CHANNELS { Ok(number) } else { Err(number) };
                self.answered(tag, answer)
            }
            #[cfg(feature = "flow")]
            Unit::Entered { tag, channel: number, user, window } if usize::from(number) < MAX_CHANNELS => {
                let event = self.answered(tag, Ok(number));
                if let Some(Notice { channel: Channel::Entered(channel), what: What::Opened }) = event {
                    self.out.tables().set_party(channel.slot, PartyState::Entered { number, user });
                    self.out.raise(channel.into(), window, None);
                }
                event
            }
            #[cfg(feature = "flow")]
            Unit::Entered { tag, channel, .. } => self.answered(tag, Err(channel)),
            #[cfg(feature = "flow")]
            Unit::Raised { own, channel, user, send, receive } => {
                self.raised(own, channel, user, (send, receive));
                None
            }
            #[cfg(feature = "flow")]
            Unit::GrantFromServer { channel, bytes } => {
                self.out.granted(Key::entered(channel), bytes);
                None
            }
            #[cfg(all(feature = "flow", feature = "server"))]
            Unit::GrantFromUser { channel, user, bytes } => {
                self.out.granted(Key::user(channel, user), bytes);
                None
            }
            #[cfg(all(feature = "flow", feature = "server"))]
            Unit::Knock { channel, user, ticket, window, .. } => {
                self.knocked(Knock { number: channel, user, ticket, window })
            }
            Unit::Refused { tag, code, .. } => self.answered(tag, Err(code)),
            #[cfg(all(feature = "admission", feature = "server"))]
            Unit::UserEntered { channel, user } if self.keep_out(channel, user) => None,
            Unit::UserEntered { channel, user } => self.user_entered(channel, user),
            Unit::UserGone { channel, user, reason } if usize::from(channel) < MAX_CHANNELS => {
                self.user_gone(channel, user, reason)
            }
            Unit::ChannelGone { channel, reason } if usize::from(channel) < MAX_CHANNELS => {
                let tables = self.out.tables();
                let party = tables.find(Key::entered(channel))?;
                debug!("an entered channel is gone");
                // what is kept may wait for its window
                #[cfg(feature = "flow")]
                self.out.state.room.written();
                let mut tables = self.out.tables();
                #[cfg(feature = "flow")]
                if tables.defer_end(party, PartyState::Closing { reason }) {
                    return None;
                }
                tables.free_party(party.slot);
                let reason = Reason::of_end(reason);
                Some(Notice::closed(EnteredChannel::from(party), reason))
            }
            Unit::Keepalive { last } => {
                if let Some(capabilities) = Capabilities::from_keepalive(last) {
                    self.out.state.capabilities = capabilities;
                    self.out.announced();
                }
                None
            }
            // units without a meaning are passed over; data does not come here
            _ => None,
        }
    }

    /// A command was carried out, and its channel has a number, or it was refused with a code.
    fn answered(&mut self, tag: u8, answer: Result<u8, u8>) -> Option<Notice> {
        let mut tables = self.out.tables();
        if let Some(channel) = tables.find_creating(tag) {
            return self.create_answered(channel, answer);
        }
        let party = tables.find_entering(tag)?;
        let channel = EnteredChannel::from(party);
        let is_wanted = matches!(tables.party(party)?.state, PartyState::Entering { wanted: true, .. });
        let event = match answer {
            Ok(number) if is_wanted => {
                debug!("entered channel number {}", number);
                tables.set_party(party.slot, PartyState::Entered { number, user: 0 });
                return Some(Notice::opened(channel));
            }
            Ok(number) => {
                self.out.state.owed = Owed::Leave { number };
                None
            }
            Err(code) => {
                warning!("entering a channel was refused, code {}", code);
                is_wanted.then_some(Notice::refused(channel, Reason::of_enter(code)))
            }
        };
        self.out.tables().free_party(party.slot);
        event
    }

    /// The same for the command that creates an own channel.
    fn create_answered(&mut self, channel: OwnChannel, answer: Result<u8, u8>) -> Option<Notice> {
        let mut tables = self.out.tables();
        let own = tables.own_mut(channel)?;
        let is_wanted = matches!(own.state, OwnState::Creating { wanted: true, .. });
        let reason = match answer {
            Ok(number) => {
                own.state = OwnState::Open { number };
                // offline, the link itself has to see to it that names are unique
                let is_double = is_wanted && self.is_double(channel.slot);
                let reason = if is_double { Reason::NameInUse } else { Reason::OnPurpose };
                #[cfg(all(feature = "admission", feature = "server"))]
                let reason = match self.at_door(channel, number).filter(|_| is_wanted && !is_double) {
                    Some(AtDoor::Later) => return None,
                    Some(AtDoor::Unsupported) => Reason::Unsupported,
                    None => reason,
                };
                if is_wanted && reason == Reason::OnPurpose {
                    debug!("own channel {} created", channel.slot);
                    self.out.local_opened(channel.slot);
                    return Some(Notice::opened(channel));
                }
                self.out.state.owed = Owed::Delete { number };
                self.out.local().deleting(channel.slot);
                reason
            }
            Err(code) => {
                warning!("creating a channel was refused, code {}", code);
                Reason::of_create(code)
            }
        };
        self.out.tables().free_own(channel.slot);
        self.out.local().ended(channel.slot, true);
        is_wanted.then_some(Notice::refused(channel, reason))
    }

    fn is_double(&self, slot: u8) -> bool {
        self.out.parts.local.is_double(self.out.parts.own, slot)
    }

    pub(in crate::link) fn user_entered(&mut self, number: u8, user: u8) -> Option<Notice> {
        let (channel, limit) = self.out.tables().find_open(number)?;
        // no relay says so twice
        if self.out.tables().find(Key::user(number, user)).is_some() {
            return None;
        }
        #[cfg(all(feature = "flow", feature = "server"))]
        if self.has_to_wait_for_older(channel, user) {
            return None;
        }
        let mut tables = self.out.tables();
        let party = tables.add_party(PartyState::User { own: channel.slot, number, user }, limit);
        let (wire, user) = (user, User::new(user));
        debug!("a user entered own channel {}", channel.slot);
        match party {
            Some(party) => {
                #[cfg(feature = "flow")]
                if tables.defer_entered(channel.slot, party) {
                    return None;
                }
                let _ = (party, wire);
                Some(Notice::of_user(channel, What::Entered(user)))
            }
            None => {
                warning!("no party slot is free for a user of own channel {}", channel.slot);
                let event = Notice::of_user(channel, What::Ignored(user));
                #[cfg(all(feature = "flow", feature = "server"))]
                self.out.turn_away(number, wire);
                #[cfg(feature = "flow")]
                if self.out.tables().is_blocked(event) {
                    self.out.state.front.event = Queued::Notice(event);
                    self.out.state.front.settle(true);
                    self.out.state.owed = self.out.state.owed.or_wait();
                    return None;
                }
                Some(event)
            }
        }
    }

    /// A membership has windows from now on.
    #[cfg(feature = "flow")]
    fn raised(&mut self, own: bool, channel: u8, user: u8, (send, receive): (u32, u32)) {
        let key = if own { Key::user(channel, user) } else { Key::entered(channel) };
        let Some(party) = self.out.tables().find(key) else { return };
        if !own {
            let state = PartyState::Entered { number: channel, user };
            self.out.tables().set_party(party.slot, state);
        }
        self.out.raise(party, send, Some(receive));
    }

    fn user_gone(&mut self, number: u8, user: u8, reason: u8) -> Option<Notice> {
        let tables = self.out.tables();
        // a relay that talks nonsense can give one number to two channels
        let party = tables.find(Key::user(number, user));
        #[cfg(all(feature = "admission", feature = "server"))]
        if party.is_none() {
            return self.end_knock(number, user);
        }
        let party = party?;
        let channel = tables.own_in(tables.party(party)?.state.own()?)?;
        debug!("a user is gone from own channel {}", channel.slot);
        // what is kept may wait for its window
        #[cfg(feature = "flow")]
        self.out.state.room.written();
        let mut tables = self.out.tables();
        #[cfg(feature = "flow")]
        if tables.defer_end(party, PartyState::Gone { own: channel.slot, user, reason }) {
            return None;
        }
        tables.free_party(party.slot);
        Some(Notice::of_user(channel, What::Gone(User::new(user), Reason::of_end(reason))))
    }
}
