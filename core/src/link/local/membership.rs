//! How local users come and go.

use super::line::{Kind, Line};
use super::slots::{LocalUserSlot, NameSlot, Stage};
use super::{FIRST_LOCAL_USER, Local, LocalParts, LocalRoute, LocalState, SimulatedLine};
use crate::link::front::{Notice, Queued};
use crate::link::slots::{OwnSlot, OwnState};
use crate::link::{Channel, EnteredChannel, OwnChannel};
use crate::protocol::MAX_CHANNELS;

/// What is known of a channel that a local user enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::link) enum ChannelIs {
    BeingCreated,
    /// Everybody may enter.
    Open,
    /// Not everybody may.
    #[cfg_attr(not(feature = "admission"), expect(dead_code, reason = "everybody may"))]
    Asking,
}

/// How many own channels count.
#[expect(clippy::cast_possible_truncation, reason = "128")]
const MAX_OWN_CHANNELS: u8 = MAX_CHANNELS as u8;

impl LocalParts<'_> {
    /// Returns the own channel of this name: the one that is there, else the one that was asked for
    /// first. `last_tag` is that of the latest command.
    pub(in crate::link) fn channel(&self, own: &[OwnSlot], name: &[u8], last_tag: u8) -> Option<OwnChannel> {
        if self.users.is_empty() {
            return None;
        }
        let mut oldest = None;
        for (slot, place, own) in self.named(own) {
            // the greatest age is that of a channel that is there
            let age = match own.state {
                OwnState::Open { .. } => u16::MAX,
                #[cfg(feature = "admission")]
                OwnState::Opening { .. } => u16::MAX,
                OwnState::Creating { tag, wanted: true } => u16::from(last_tag.wrapping_sub(tag)),
                _ => continue,
            };
            if place.get() == name && oldest.is_none_or(|(_, oldest)| age > oldest) {
                oldest = Some((OwnChannel { slot, generation: own.generation }, age));
            }
        }
        oldest.map(|(channel, _)| channel)
    }

    /// Returns the own channels that have a place for a name: slot, place, channel.
    fn named<'s>(&'s self, own: &'s [OwnSlot]) -> impl Iterator<Item = (u8, &'s NameSlot, &'s OwnSlot)> {
        let slots = 0..MAX_OWN_CHANNELS;
        slots.zip(self.names.iter().zip(own)).map(|(slot, (place, own))| (slot, place, own))
    }

    /// Returns true if the relay has another own channel with the name of the one in `slot`.
    pub(in crate::link) fn is_double(&self, own: &[OwnSlot], slot: u8) -> bool {
        let Some(name) = self.names.get(usize::from(slot)).map(NameSlot::get) else { return false };
        self.named(own).any(|(other, place, own)| {
            let is_there = matches!(own.state, OwnState::Open { .. });
            #[cfg(feature = "admission")]
            let is_there = is_there || matches!(own.state, OwnState::Opening { .. });
            let is_used = is_there || place.deleting;
            other != slot && is_used && place.get() == name
        })
    }
}

impl Local<'_> {
    /// Keeps the name of the own channel in `slot`.
    pub(in crate::link) fn remember(&mut self, slot: u8, name: &[u8]) {
        if let Some(place) = self.parts.names.get_mut(usize::from(slot)) {
            place.set(name);
            place.simulated = SimulatedLine::new();
            place.blocked = false;
            place.deleting = false;
        }
    }

    /// The same for a channel that comes back. Its simulated lines stay as they are.
    pub(in crate::link) fn remember_again(&mut self, slot: u8, name: &[u8]) {
        if let Some(place) = self.parts.names.get_mut(usize::from(slot)) {
            let simulated = place.simulated;
            self.remember(slot, name);
            self.simulate(slot, simulated);
        }
    }

    /// The relay had created the channel in `slot` when it was no longer wanted, and will delete
    /// it.
    pub(in crate::link) fn deleting(&mut self, slot: u8) {
        if let Some(name) = self.parts.names.get_mut(usize::from(slot)) {
            name.deleting = true;
            self.state.deleting = true;
        }
    }

    /// The relay has deleted those channels.
    pub(in crate::link) fn deleted(&mut self) {
        if core::mem::take(&mut self.state.deleting) {
            self.parts.names.iter_mut().for_each(|name| name.deleting = false);
        }
    }

    /// Changes what the lines of a channel are like. Whether that channel can have local users.
    pub(in crate::link) fn simulate(&mut self, slot: u8, simulated: SimulatedLine) -> bool {
        let Some(place) = self.parts.names.get_mut(usize::from(slot)) else { return false };
        place.simulated = simulated;
        for user in self.parts.users.iter_mut().filter(|user| user.serves(slot)) {
            user.simulated = simulated;
        }
        !self.parts.users.is_empty()
    }

    /// Returns a free slot for another local user.
    pub(in crate::link) fn free_slot(&self) -> Option<u16> {
        let users = &self.parts.users;
        let free = |&place: &usize| users.get(place).is_some_and(|user| user.stage == Stage::Free);
        let fresh = usize::from(self.state.fresh).min(users.len());
        let place = (fresh..users.len()).find(free).or_else(|| (0..fresh).find(free))?;
        u16::try_from(place).ok().filter(|&place| place <= u16::MAX - FIRST_LOCAL_USER)
    }

    /// A local user enters, with words for which there is room.
    pub(in crate::link) fn enter(
        &mut self,
        place: u16,
        own: OwnChannel,
        entered: EnteredChannel,
        channel: ChannelIs,
        words: &[u8],
    ) {
        let name = self.parts.names.get(usize::from(own.slot));
        let (simulated, blocked) = name.map_or_else(Default::default, |name| (name.simulated, name.blocked));
        let Some(user) = self.parts.users.get_mut(usize::from(place)) else { return };
        *user = LocalUserSlot {
            stage: Stage::Waiting,
            own: Some(own),
            entered: Some(entered),
            simulated,
            ..LocalUserSlot::FREE
        };
        self.state.live = self.state.live.saturating_add(1);
        self.state.fresh = place.saturating_add(1);
        self.tell_words(place, true, Kind::Enter, &[words]);
        match channel {
            _ if blocked => self.end_with(place, Kind::Blocked, &[]),
            ChannelIs::BeingCreated => {}
            ChannelIs::Open | ChannelIs::Asking => self.start(place, channel),
        }
    }

    /// The channel in `slot` has been created: those who wait for it enter.
    pub(in crate::link) fn opened(&mut self, slot: u8, channel: ChannelIs) {
        for place in self.places() {
            if self.user(place).is_some_and(|user| user.serves(slot) && user.stage == Stage::Waiting) {
                self.start(place, channel);
            }
        }
    }

    fn start(&mut self, place: u16, channel: ChannelIs) {
        self.state.wake = true;
        let Some(user) = self.parts.users.get_mut(usize::from(place)) else { return };
        user.stage = Stage::Entering;
        #[cfg(feature = "admission")]
        if channel == ChannelIs::Asking {
            user.stage = Stage::Knocking;
            return;
        }
        let _ = channel;
        self.tell(place, false, Kind::Entered);
    }

    /// The server has nothing to do with a user, which is told so.
    pub(super) fn end_with(&mut self, place: u16, kind: Kind, words: &[&[u8]]) {
        let Some(user) = self.parts.users.get_mut(usize::from(place)) else { return };
        user.end_service();
        if user.entered.is_some() {
            self.tell_words(place, false, kind, words);
        }
        self.free_if_over(place);
    }

    /// The server removes the local user at the end of `route`, and may keep local users out from
    /// now on (`block`).
    pub(in crate::link) fn remove(&mut self, route: LocalRoute, block: bool) {
        let LocalRoute::User(place) = route else { return };
        let Some(user) = self.parts.users.get_mut(usize::from(place)) else { return };
        if let Some(name) = user.own.and_then(|own| self.parts.names.get_mut(usize::from(own.slot))) {
            name.blocked |= block;
        }
        // who has left already, or is removed already, has its last record on the way
        if user.stage == Stage::Served && user.entered.is_some() {
            user.stage = Stage::Removed;
            user.to_server.clear();
            self.tell(place, true, Kind::Leave);
            self.tell(place, false, Kind::Removed);
        }
    }

    /// The own channel in `slot` has been deleted by the program, or (`refused`) was not created.
    pub(in crate::link) fn ended(&mut self, slot: u8, refused: bool) {
        for place in self.places() {
            let Some(user) = self.parts.users.get_mut(usize::from(place)).filter(|user| user.serves(slot))
            else {
                continue;
            };
            let kind = match user.stage {
                Stage::Waiting if refused => Kind::NotCreated,
                Stage::Waiting => Kind::NotThere,
                #[cfg(feature = "admission")]
                Stage::Knocking => Kind::NotThere,
                _ => Kind::Gone,
            };
            let is_told = user.stage == Stage::Removed;
            user.end_service();
            if user.entered.is_some() && !is_told {
                self.tell(place, false, kind);
            }
            self.free_if_over(place);
        }
    }

    /// A local user leaves.
    pub(in crate::link) fn leave(&mut self, place: u16) {
        let Some(user) = self.parts.users.get_mut(usize::from(place)) else { return };
        user.entered = None;
        user.to_user.clear();
        match user.stage {
            Stage::Entering | Stage::Served => self.tell(place, true, Kind::Leave),
            Stage::Waiting => user.end_service(),
            #[cfg(feature = "admission")]
            Stage::Knocking if user.party.is_none() => user.end_service(),
            #[cfg(feature = "admission")]
            Stage::Knocking => self.tell(place, true, Kind::Leave),
            // the server has ended it already, and what tells it so may still wait to be dealt with
            Stage::Removed | Stage::Ended | Stage::Free => {}
        }
        self.free_if_over(place);
    }

    /// The connection is lost, and all are gone without a word. An end that has been told to a
    /// user, and is to be told again, waits on: nothing else would say that its channel is gone.
    pub(in crate::link) fn clear(&mut self) {
        self.deleted();
        *self.state = LocalState::new();
        for user in self.parts.users.iter_mut() {
            let event = user.to_user.front.event;
            let ends = matches!(
                event,
                Queued::Notice(notice @ Notice { channel: Channel::Entered(_), .. }) if notice.is_end()
            );
            #[cfg(feature = "flow")]
            let ends = ends || matches!(event, Queued::Refused { .. });
            let to_user = Line::with_event(event);
            *user = LocalUserSlot::FREE;
            if ends {
                *user = LocalUserSlot { stage: Stage::Ended, to_user, ..LocalUserSlot::FREE };
                self.state.live = self.state.live.saturating_add(1);
            }
        }
    }

    /// Queues a record without payload. Lines keep room for the one that ends them.
    pub(super) fn tell(&mut self, place: u16, to_server: bool, kind: Kind) {
        self.tell_words(place, to_server, kind, &[]);
    }

    /// Queues a record with words, for which the caller has made sure that there is room.
    pub(super) fn tell_words(&mut self, place: u16, to_server: bool, kind: Kind, words: &[&[u8]]) {
        if let Some((line, memory)) = self.line(place, to_server) {
            line.begin(memory, kind, words.iter().fold(0, |len, words| len.saturating_add(words.len())));
            words.iter().for_each(|words| line.put(memory, words));
            self.state.wake = true;
        }
    }

    pub(super) fn free_if_over(&mut self, place: u16) {
        if let Some(user) = self.parts.users.get_mut(usize::from(place)).filter(|user| user.is_over()) {
            *user = LocalUserSlot::FREE;
            self.state.live = self.state.live.saturating_sub(1);
            if self.state.live == 0 {
                *self.state = LocalState {
                    fresh: self.state.fresh,
                    deleting: self.state.deleting,
                    ..LocalState::new()
                };
            }
        }
    }

    pub(super) fn user(&self, place: u16) -> Option<&LocalUserSlot> {
        self.parts.users.get(usize::from(place))
    }

    pub(super) fn places(&self) -> core::ops::Range<u16> {
        let places = if self.state.live == 0 { 0 } else { self.parts.users.len() };
        0..u16::try_from(places).unwrap_or(u16::MAX)
    }
}

impl LocalUserSlot {
    /// Whether this is a user of the own channel in `slot`.
    pub(super) fn serves(&self, slot: u8) -> bool {
        self.own.is_some_and(|own| own.slot == slot)
    }

    /// The server has nothing to do with this user any more.
    pub(super) fn end_service(&mut self) {
        self.own = None;
        self.party = None;
        self.stage = Stage::Ended;
        self.to_server.clear();
    }

    /// Whether both sides are done with each other, and with their last events.
    fn is_over(&self) -> bool {
        self.stage == Stage::Ended
            && self.entered.is_none()
            && !self.to_server.front.has_event()
            && !self.to_user.front.has_event()
    }
}
