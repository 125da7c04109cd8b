//! Queueing for local users and their servers.

use super::line::{HEAD, Kind, Line};
use super::slots::{LocalUserSlot, Stage};
use super::{FIRST_LOCAL_USER, Local, LocalParts, LocalState};
use crate::link::slots::PartyRef;
use crate::link::{OwnChannel, SendError, User};

/// Which lines something goes to.
#[derive(Clone, Copy, Debug)]
pub(in crate::link) enum LocalRoute {
    /// To none.
    None,
    /// From the local user in this place to its server.
    Server(u16),
    /// To the local user in this place.
    User(u16),
    /// To all local users of the own channel in slot `own` but one.
    All { own: u8, but: Option<u16> },
}

/// The place of a local user, by its number.
pub(super) fn place_of(user: User) -> Option<u16> {
    user.number().checked_sub(FIRST_LOCAL_USER)
}

impl LocalRoute {
    /// To all local users of a channel, but possibly one.
    #[cfg_attr(feature = "speed", inline)]
    pub(in crate::link) fn all(state: &LocalState, own: u8, but: Option<User>) -> Self {
        if state.live == 0 { Self::None } else { Self::All { own, but: but.and_then(place_of) } }
    }

    #[cfg_attr(feature = "speed", inline)]
    pub(in crate::link) const fn is_none(self) -> bool {
        matches!(self, Self::None)
    }

    /// The places of local users to look at, of `count`.
    fn places(self, count: usize) -> core::ops::Range<u16> {
        match self {
            Self::None => 0..0,
            Self::Server(place) | Self::User(place) => place..place.saturating_add(1),
            Self::All { .. } => 0..u16::try_from(count).unwrap_or(u16::MAX),
        }
    }

    fn reaches(self, place: u16, user: &LocalUserSlot) -> Option<bool> {
        match self {
            // what a user says after it has been removed reaches nobody
            Self::Server(from) => {
                (from == place && user.own.is_some() && user.stage != Stage::Removed).then_some(true)
            }
            Self::User(to) => (to == place).then_some(false),
            Self::All { own, but } => {
                let reached = user.stage == Stage::Served && user.serves(own) && but != Some(place);
                (reached && user.entered.is_some()).then_some(false)
            }
            Self::None => None,
        }
    }
}

impl LocalParts<'_> {
    /// The party of a local user at the server's side, and the way to it, which leads nowhere once
    /// the server has removed the user: as with a user of the relay, the end is told by an event,
    /// and until then what is sent is lost.
    pub(in crate::link) fn find(&self, channel: OwnChannel, user: User) -> Option<(PartyRef, LocalRoute)> {
        let place = place_of(user)?;
        let slot = self.users.get(usize::from(place)).filter(|slot| slot.own == Some(channel))?;
        #[cfg(feature = "admission")]
        if slot.stage == Stage::Knocking {
            return None;
        }
        let route = if slot.stage == Stage::Removed { LocalRoute::None } else { LocalRoute::User(place) };
        Some((slot.party?, route))
    }

    /// Bytes that one more record could have on all lines of `route`; the greatest number there is
    /// if it has none.
    pub(in crate::link) fn room(&self, route: LocalRoute) -> usize {
        let size = self.line_size();
        let room = |place: u16| {
            let user = self.users.get(usize::from(place))?;
            let to_server = route.reaches(place, user)?;
            Some(if to_server { &user.to_server } else { &user.to_user }.room(size))
        };
        route.places(self.users.len()).filter_map(room).min().unwrap_or(usize::MAX)
    }

    /// Returns an error if no line could have a record with so many bytes of words.
    pub(in crate::link) fn check_words(&self, len: usize) -> Result<(), SendError> {
        let room = Line::EMPTY.room(self.line_size());
        if len <= room { Ok(()) } else { Err(SendError::QueueTooSmall { needed: len, capacity: room }) }
    }

    /// Whether a record of `len` bytes fits all lines of `route`.
    pub(in crate::link) fn check_room(&self, route: LocalRoute, len: usize) -> Result<(), SendError> {
        if route.is_none() || len <= self.room(route) {
            return Ok(());
        }
        let (needed, capacity) = (len.saturating_add(2 * HEAD), self.line_size());
        Err(if needed > capacity {
            SendError::QueueTooSmall { needed, capacity }
        } else {
            SendError::WouldBlock
        })
    }
}

impl Local<'_> {
    /// The lines of `route`, one after the other.
    fn each(&mut self, route: LocalRoute, mut with: impl FnMut(&mut Line, &mut [u8])) {
        for place in route.places(self.parts.users.len()) {
            let to_server = self.user(place).and_then(|user| route.reaches(place, user));
            if let Some((line, memory)) = to_server.and_then(|to_server| self.line(place, to_server)) {
                with(line, memory);
            }
        }
    }

    /// Begins a record of `len` bytes on all lines of `route`.
    pub(in crate::link) fn begin(&mut self, route: LocalRoute, len: usize) {
        self.each(route, |line, memory| line.begin(memory, Kind::Data, len));
        self.state.wake = true;
    }

    /// Adds bytes to the record that was begun last.
    pub(in crate::link) fn put(&mut self, route: LocalRoute, bytes: &[u8]) {
        self.each(route, |line, memory| line.put(memory, bytes));
    }

    /// A line and its memory.
    pub(super) fn line(&mut self, place: u16, to_server: bool) -> Option<(&mut Line, &mut [u8])> {
        let size = self.parts.line_size();
        let index = usize::from(place).saturating_mul(2).saturating_add(if to_server { 0 } else { 1 });
        let memory = self.parts.lines.get_mut(index.saturating_mul(size)..)?.get_mut(..size)?;
        let user = self.parts.users.get_mut(usize::from(place))?;
        Some((if to_server { &mut user.to_server } else { &mut user.to_user }, memory))
    }
}

/// The part of a payload that goes to lines.
#[derive(Debug)]
pub(in crate::link) struct LocalPayload<'a> {
    local: Local<'a>,
    route: LocalRoute,
    left: usize,
}

impl<'a> LocalPayload<'a> {
    /// Begins a record of `len` bytes behind `head`, which is a chunk's length field.
    #[cfg_attr(feature = "speed", inline)]
    pub(in crate::link) fn begin(mut local: Local<'a>, route: LocalRoute, head: &[u8], len: usize) -> Self {
        if !route.is_none() {
            local.begin(route, len.saturating_add(head.len()));
            local.put(route, head);
        }
        Self { local, route, left: if route.is_none() { 0 } else { len } }
    }

    #[cfg_attr(feature = "speed", inline)]
    pub(in crate::link) fn put(&mut self, bytes: &[u8]) {
        if self.left > 0 {
            let bytes = bytes.get(..self.left).unwrap_or(bytes);
            self.local.put(self.route, bytes);
            self.left = self.left.saturating_sub(bytes.len());
        }
    }

    #[cfg_attr(feature = "speed", inline)]
    pub(in crate::link) const fn left(&self) -> usize {
        self.left
    }
}
