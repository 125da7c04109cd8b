//! Admission: who may enter an own channel.

use super::door::{Admission, Door};
use super::tail::Knock;
use super::{REMOVE, Window};
use crate::Reason;
use crate::chunk::Assembler;
use crate::link::front::{Notice, What};
use crate::link::kept::state::{PartyKept, Waiting};
use crate::link::send::Out;
use crate::link::session::Session;
use crate::link::slots::{OwnState, PartyRef, PartyState};
use crate::link::state::Owed;
use crate::link::tables::Tables;
use crate::link::{OwnChannel, SendError, User};
use crate::protocol::to_endpoint::Capabilities;
use crate::protocol::to_relay;

/// What the link does with a channel that the relay has created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) enum AtDoor {
    /// The program is told when all are known that have entered without being asked about.
    Later,
    /// The relay would let every user in.
    Unsupported,
}

impl Session<'_> {
    /// A user knocks. Returns the slot of its party, or the code of the answer.
    pub(super) fn begin_knock(&mut self, knock: Knock) -> Result<u16, u8> {
        let Knock { number, user, ticket, window } = knock;
        let code = self.code_by_room(number);
        let tables = self.out.tables();
        let found = tables.find_party(
            |state| matches!(state, PartyState::Knocking { number: n, user: u, .. } if n == number && u == user),
        );
        let (channel, limit) = tables.find_open(number).ok_or(code)?;
        let door = tables.own(channel).ok_or(code)?.door;
        let party = match found {
            Some(party) => party,
            None => {
                match door.admission {
                    Admission::Closed => return Err(Reason::RefusedByServer.enter_code()),
                    _ if self.out.tables().is_crowded(channel) => {
                        return Err(Reason::ChannelFull.enter_code());
                    }
                    Admission::Open => return Err(code),
                    Admission::Ask => {}
                }
                let state = PartyState::Knocking { own: channel.slot, number, user };
                self.out.tables().add_party(state, limit).ok_or(code)?
            }
        };
        if let Some(slot) = self.out.tables().party_mut(party) {
            slot.window = Window::new(window);
            slot.outstanding = ticket.into();
        }
        Ok(party.slot)
    }

    /// The words of a user that knocks are in its slot.
    pub(super) fn knock_begun(&mut self, slot: u16) {
        let len = self.out.state.flow.words.into();
        let Some(party) = self.out.parts.parties.get_mut(usize::from(slot)) else { return };
        party.assembler.keep(len, len);
        let mut tables = self.out.tables();
        tables.set_kept(slot, PartyKept::new(Waiting::Knock, 0));
        tables.state.kept.look_at(slot);
        self.out.state.owed = Owed::Door;
    }

    /// The user with this number is gone, and is none that has entered.
    pub(in crate::link) fn end_knock(&mut self, number: u8, user: u8) -> Option<Notice> {
        let mut tables = self.out.tables();
        let party = tables.find_party(
            |state| matches!(state, PartyState::Knocking { number: n, user: u, .. } if n == number && u == user),
        )?;
        let slot = tables.party(party)?;
        let (is_told, own) = (!slot.kept.is_waiting(), slot.state.own()?);
        tables.free_party(party.slot);
        let channel = tables.own_in(own)?;
        is_told.then_some(Notice::of_user(channel, What::KnockEnded(User::new(user))))
    }

    /// A user has entered. Returns true if it has to go again.
    pub(in crate::link) fn keep_out(&mut self, number: u8, user: u8) -> bool {
        let tables = self.out.tables();
        let is_opening = tables.find_own(|state| state == OwnState::Opening { number }).is_some();
        let open = tables.find_open(number);
        let is_kept_out = is_opening
            || open.is_some_and(|(channel, _)| {
                let door = self.out.tables().own(channel).map_or(Door::OPEN, |own| own.door);
                door.admission != Admission::Open || self.out.tables().is_crowded(channel)
            });
        if is_kept_out {
            self.out.state.owed = Owed::Answer { channel: number, user, ticket: 0, code: REMOVE };
            self.out.pay();
        }
        is_kept_out
    }

    /// Returns what to do with a channel that the relay has created, if not all users may enter.
    pub(in crate::link) fn at_door(&mut self, channel: OwnChannel, number: u8) -> Option<AtDoor> {
        let (can_ask, is_greeted) = (self.out.can_ask(), self.out.state.flow.is_greeted);
        let is_alone = self.out.state.capabilities.contains(Capabilities::NO_KEEPALIVES);
        let mut tables = self.out.tables();
        let own = tables.own_mut(channel)?;
        if own.door.is_open() || is_alone {
            None
        } else if !can_ask {
            Some(AtDoor::Unsupported)
        } else if is_greeted {
            None
        } else {
            own.state = OwnState::Opening { number };
            Some(AtDoor::Later)
        }
    }

    /// All users are known that had entered before the hello.
    pub(super) fn open_doors(&mut self) {
        for slot in (0..u8::MAX).take(self.out.parts.own.len()) {
            let Some(own) = self.out.parts.own.get_mut(usize::from(slot)) else { return };
            let OwnState::Opening { number } = own.state else { continue };
            own.state = OwnState::Open { number };
            let mut tables = self.out.tables();
            tables.set_own_kept(slot, true);
            tables.state.kept.look_at_own();
            self.out.state.owed = Owed::Door;
            self.out.local_opened(slot);
        }
    }
}

/// Who may enter an own channel.
impl Out<'_> {
    /// Changes who may enter an own channel. May be called as soon as the channel has been asked
    /// for, and at any time after that. Who is in stays, and who knocks is still to be answered.
    ///
    /// A channel that [asks](Admission::Ask) or is [closed](Admission::Closed) from the beginning
    /// has no users when [`Event::Opened`] comes. Where the relay cannot ask
    /// ([`Capabilities::HELLO`] and [`Capabilities::REMOVE_USER`] are needed), such a channel is
    /// deleted again, and refused with [`Reason::Unsupported`].
    ///
    /// ```
    /// use peote_net::link::{Admission, Event, Mode, Out, SendError};
    /// fn begin(out: &mut Out<'_>) -> Result<(), SendError> {
    ///     let door = out.create("club", Mode::chunks(256))?;
    ///     out.set_admission(door, Admission::Ask)
    /// }
    /// fn handler(event: Event<'_>, out: &mut Out<'_>) -> Result<(), SendError> {
    ///     match event {
    ///         Event::Knock { channel, user, words: b"swordfish" } => out.admit(channel, user),
    ///         Event::Knock { channel, user, .. } => out.refuse(channel, user, "wrong password"),
    ///         other => other.ok(),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// [`SendError::NotOpen`] if the handle is not valid; [`SendError::Unsupported`] if the channel
    /// is open and the relay cannot ask.
    ///
    /// [`Event::Opened`]: crate::link::Event::Opened
    pub fn set_admission(&mut self, channel: OwnChannel, admission: Admission) -> Result<(), SendError> {
        self.set_door(channel, |door| door.admission = admission)
    }

    /// Changes how many users an own channel has at most. Users that knock count. `u16::MAX` means
    /// as many as there are slots for. Further ones are refused with [`Reason::ChannelFull`], and
    /// the program is not told. Who is in stays.
    ///
    /// # Errors
    /// Those of [`Out::set_admission`].
    pub fn set_most_users(&mut self, channel: OwnChannel, users: u16) -> Result<(), SendError> {
        self.set_door(channel, |door| door.fewer = u16::MAX.wrapping_sub(users))
    }

    fn set_door(&mut self, channel: OwnChannel, change: impl FnOnce(&mut Door)) -> Result<(), SendError> {
        let can_ask = self.can_ask();
        let mut tables = self.tables();
        let own = tables.own_mut(channel).ok_or(SendError::NotOpen)?;
        let mut door = own.door;
        change(&mut door);
        match own.state {
            // of one that is away it holds when it comes back
            OwnState::Away
            | OwnState::Lost { .. }
            | OwnState::Creating { wanted: true, .. }
            | OwnState::Opening { .. } => {}
            OwnState::Open { .. } if can_ask || door.is_open() => {}
            OwnState::Open { .. } => return Err(SendError::Unsupported),
            _ => return Err(SendError::NotOpen),
        }
        own.door = door;
        Ok(())
    }

    /// Returns true if the relay asks about each user before it enters.
    fn can_ask(&self) -> bool {
        let capabilities = self.state.capabilities;
        capabilities.contains(Capabilities::NO_KEEPALIVES)
            || capabilities.contains(Capabilities::HELLO.with(Capabilities::REMOVE_USER))
    }

    /// Lets a user in that knocks at an own channel ([`Event::Knock`]). What is sent to it from
    /// here on reaches it; [`Event::UserEntered`] comes next.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] if no user with this number knocks there (any more);
    /// [`SendError::WouldBlock`].
    ///
    /// [`Event::Knock`]: crate::link::Event::Knock
    /// [`Event::UserEntered`]: crate::link::Event::UserEntered
    pub fn admit(&mut self, channel: OwnChannel, user: User) -> Result<(), SendError> {
        let party = self.knocking(channel, user)?;
        let slot = self.parts.parties.get(usize::from(party.slot)).ok_or(SendError::NotOpen)?;
        let PartyState::Knocking { own, number, user } = slot.state else {
            #[cfg(feature = "local")]
            return self.admit_local(party);
            #[cfg(not(feature = "local"))]
            return Err(SendError::NotOpen);
        };
        let (ticket, window) = (slot.ticket(), slot.window.bytes());
        self.queue(&to_relay::admit(number, user, ticket))?;
        let mut tables = self.tables();
        tables.set_party(party.slot, PartyState::User { own, number, user });
        tables.set_kept(party.slot, PartyKept::new(Waiting::Opened, 0));
        tables.state.kept.skip();
        if let Some(slot) = tables.party_mut(party) {
            (slot.assembler, slot.outstanding) = (Assembler::new(), 0);
        }
        self.raise(party, window, None);
        Ok(())
    }

    /// Does not let a user in that knocks at an own channel ([`Event::Knock`]). The user is told
    /// with [`Reason::RefusedByServer`] and `words`, at most 200 bytes; existing endpoints are told
    /// that the channel is full.
    ///
    /// # Errors
    /// [`SendError::NotOpen`] if no user with this number knocks there (any more);
    /// [`SendError::WordsTooLong`], [`SendError::WouldBlock`].
    ///
    /// [`Event::Knock`]: crate::link::Event::Knock
    pub fn refuse(
        &mut self,
        channel: OwnChannel,
        user: User,
        words: impl AsRef<[u8]>,
    ) -> Result<(), SendError> {
        self.refuse_with(channel, user, words.as_ref())
    }

    fn refuse_with(&mut self, channel: OwnChannel, user: User, words: &[u8]) -> Result<(), SendError> {
        let party = self.knocking(channel, user)?;
        let code = Reason::RefusedByServer.enter_code();
        let too_long = SendError::WordsTooLong { len: words.len() };
        let slot = self.parts.parties.get(usize::from(party.slot)).ok_or(SendError::NotOpen)?;
        let PartyState::Knocking { number, user, .. } = slot.state else {
            to_relay::refuse(0, 0, 0, code, words.len()).ok_or(too_long)?;
            #[cfg(feature = "local")]
            return self.refuse_local(party, words);
            #[cfg(not(feature = "local"))]
            return Err(SendError::NotOpen);
        };
        let head = to_relay::refuse(number, user, slot.ticket(), code, words.len()).ok_or(too_long)?;
        self.check_room(head.len().saturating_add(words.len()))?;
        self.push(&head);
        self.push(words);
        self.tables().free_party(party.slot);
        Ok(())
    }

    /// Returns the party of a user that knocks.
    fn knocking(&mut self, channel: OwnChannel, user: User) -> Result<PartyRef, SendError> {
        let tables = self.tables();
        tables.own(channel).ok_or(SendError::NotOpen)?;
        let party = tables.find_party(|state| match state {
            PartyState::Knocking { own, user: number, .. } => {
                own == channel.slot && User::new(number) == user
            }
            #[cfg(feature = "local")]
            PartyState::LocalKnocking { own, user: place } => {
                own == channel.slot && User::local(place) == user
            }
            _ => false,
        });
        party.ok_or(SendError::NotOpen)
    }
}

impl Tables<'_> {
    /// Returns true if an own channel has as many users as it may have.
    pub(in crate::link) fn is_crowded(&self, channel: OwnChannel) -> bool {
        let Some(own) = self.own(channel) else { return false };
        let most = usize::from(u16::MAX.wrapping_sub(own.door.fewer));
        let is_user = |state: PartyState| {
            state.own() == Some(channel.slot) && !matches!(state, PartyState::Gone { .. })
        };
        own.door.fewer > 0 && self.parties.iter().filter(|party| is_user(party.state)).count() >= most
    }
}
