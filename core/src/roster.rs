//! Who is in a room, for its users as well as its server: each with its number, and data of the
//! program's own, such as a name.
//!
//! A user hears from its server only, so the server tells. A [`Roster`] is that table on both
//! sides. The server's makes [`Notice`]s, which the program sends as typed values, alone or in a
//! message of its own. A user's takes them.
//!
//! ```
//! # #[cfg(feature = "macros")] {
//! use peote_net::link::{Event, Out, SendError};
//! use peote_net::roster::{Notice, Roster};
//! use peote_net::value::{Decode, Encode};
//!
//! type Name = heapless::String<24>;
//!
//! #[derive(Encode, Decode)]
//! enum Message {
//!     Hello(Name),
//!     Roster(Notice<Name>),
//! }
//!
//! /// The same for server and user, so that a user can take over: see [`peote_net::room`].
//! /// On `Change::Serving(channel)` a program calls `roster.serve(channel, name)`, on
//! /// `Change::Entered(channel)` it calls `roster.enter(channel)` and says hello.
//! fn handle(event: Event<'_>, roster: &mut Roster<Name, 16>) -> Result<(), SendError> {
//!     roster.observe(&event);
//!     let Event::Chunk { from, bytes } = event else { return Ok(()) };
//!     match (Message::from_bytes(bytes), from.user()) {
//!         (Ok(Message::Hello(name)), Some(user)) => drop(roster.set(user, name)),
//!         (Ok(Message::Roster(notice)), None) => {
//!             roster.take(notice, |member, name| println!("{name}, {member}, is gone"));
//!         }
//!         _ => {}
//!     }
//!     Ok(())
//! }
//!
//! /// After each poll.
//! fn tell(roster: &mut Roster<Name, 16>, out: &mut Out<'_>) -> Result<(), SendError> {
//!     roster.drive(out, |out, to, notice| out.send_value(to, &Message::Roster(notice.cloned())))
//! }
//! # }
//! ```
//!
//! A user that does not read holds up only itself: each user is told by itself, as far as its
//! window goes. One that is too far behind is told everything anew.

use crate::link::{Channel, Destination, EnteredChannel, Event, Out, OwnChannel, SendError, User};
use crate::value::{Decode, DecodeError, Encode, EncodeError, Form, Reader, Sink};

/// One of those in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Member {
    /// The program that serves the room.
    Server,
    /// The user with this [number](User::number).
    User(u16),
}

impl Member {
    /// What stands for the server on the wire. Users have lower numbers.
    const SERVER: u16 = u16::MAX;
}

impl From<User> for Member {
    fn from(user: User) -> Self {
        Self::User(user.number())
    }
}

impl core::fmt::Display for Member {
    /// "server" or "user 5".
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Server => f.write_str("server"),
            Self::User(number) => write!(f, "user {number}"),
        }
    }
}

/// What the server's roster tells a user's.
///
/// On the wire: 1 byte (0: you, 1: here, 2: gone), the number of the member in 2 bytes, little end
/// first, 65,535 for the server, and for "here" the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Notice<T> {
    /// The receiver is this member. The others follow, from the first one on.
    You(Member),
    /// This member is there, or its data has changed.
    Here(Member, T),
    /// This member is gone.
    Gone(Member),
}

impl<T: Clone> Notice<&T> {
    /// The same with the data itself.
    #[must_use]
    pub fn cloned(self) -> Notice<T> {
        match self {
            Self::You(member) => Notice::You(member),
            Self::Here(member, data) => Notice::Here(member, data.clone()),
            Self::Gone(member) => Notice::Gone(member),
        }
    }
}

impl Encode for Member {
    const FORM: Form = u16::FORM;
    const MOST: usize = u16::MOST;

    fn encoded_len(&self) -> Result<usize, EncodeError> {
        0_u16.encoded_len()
    }

    fn encode(&self, sink: &mut impl Sink) {
        match *self {
            Self::Server => Self::SERVER,
            Self::User(number) => number,
        }
        .encode(sink);
    }
}

impl Decode<'_> for Member {
    const MIN_LEN: usize = 2;

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u16()? {
            Self::SERVER => Self::Server,
            number => Self::User(number),
        })
    }
}

impl<T: Encode> Encode for Notice<T> {
    fn encoded_len(&self) -> Result<usize, EncodeError> {
        match self {
            Self::You(member) => (0_u8, *member).encoded_len(),
            Self::Here(member, data) => {
                Ok((1_u8, *member).encoded_len()?.saturating_add(data.encoded_len()?))
            }
            Self::Gone(member) => (2_u8, *member).encoded_len(),
        }
    }

    fn encode(&self, sink: &mut impl Sink) {
        match self {
            Self::You(member) => (0_u8, *member).encode(sink),
            Self::Here(member, data) => {
                (1_u8, *member).encode(sink);
                data.encode(sink);
            }
            Self::Gone(member) => (2_u8, *member).encode(sink),
        }
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Notice<T> {
    const MIN_LEN: usize = 3;

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (kind, member) = <(u8, Member)>::decode(reader)?;
        match kind {
            0 => Ok(Self::You(member)),
            1 => Ok(Self::Here(member, T::decode(reader)?)),
            2 => Ok(Self::Gone(member)),
            number => Err(DecodeError::UnknownVariant { number }),
        }
    }
}

/// The members of a room, at most `N`, each with a `T`; the [module](self) has an example.
///
/// Memory is fixed: `N` times a `T` and about 40 bytes. Members that are gone keep their place
/// until all users have been told, or until a new one needs it.
#[derive(Clone, Debug)]
pub struct Roster<T, const N: usize> {
    place: Option<Channel>,
    me: Option<Member>,
    entries: heapless::Vec<Entry<T>, N>,
    /// The stamp of the newest change, counted from 1.
    newest: u64,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    member: Member,
    /// A user that the server tells.
    user: Option<User>,
    /// `None`: the member is gone, or has no data yet and is not told of.
    data: Option<T>,
    is_gone: bool,
    /// When it came, changed or went.
    stamp: u64,
    /// Changes up to this one have been told to the user; `None`: it is to begin.
    told: Option<u64>,
}

impl<T, const N: usize> Default for Roster<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Roster<T, N> {
    /// A roster of no room.
    #[must_use]
    pub const fn new() -> Self {
        Self { place: None, me: None, entries: heapless::Vec::new(), newest: 0 }
    }

    /// This program serves the room in `channel`, with data of its own. What was known before is
    /// forgotten.
    ///
    /// # Errors
    /// `N` is 0; the data comes back.
    pub fn serve(&mut self, channel: OwnChannel, data: T) -> Result<(), T> {
        *self = Self::new();
        self.place = Some(channel.into());
        self.me = Some(Member::Server);
        self.put(Member::Server, data)
    }

    /// This program is a user of the room in `channel`. What was known before is forgotten; the
    /// server tells.
    pub fn enter(&mut self, channel: EnteredChannel) {
        *self = Self::new();
        self.place = Some(channel.into());
    }

    /// Takes note of an event. To be called with every event.
    ///
    /// Returns false if a user has entered and there is no place: it is told nothing then, and is
    /// no member.
    pub fn observe(&mut self, event: &Event<'_>) -> bool {
        if self.place.is_none() || event.channel() != self.place {
            return true;
        }
        match *event {
            Event::UserEntered { user, .. } => {
                let member = user.into();
                self.find(member).is_some() || self.add(Entry::new(member, Some(user), None)).is_ok()
            }
            Event::UserGone { user, .. } => {
                self.leave(user.into());
                true
            }
            Event::Closed { .. } | Event::Away { .. } => {
                *self = Self::new();
                true
            }
            _ => true,
        }
    }

    /// Gives a member its data, or other data: for the server of the room. All users are told by
    /// [`drive`](Self::drive).
    ///
    /// # Errors
    /// The member is not in the room, or this program does not serve it; the data comes back.
    pub fn set(&mut self, member: impl Into<Member>, data: T) -> Result<(), T> {
        let member = member.into();
        if self.serves().is_none() || self.find(member).is_none() {
            return Err(data);
        }
        self.put(member, data)
    }

    /// Tells users what they do not know yet, with `send`. To be called after each poll; does
    /// nothing if this program does not serve the room, or all is told.
    ///
    /// A notice that finds no room is sent by a later call. So is the rest for that user; others
    /// are told.
    ///
    /// # Errors
    /// Those of `send`, except [`SendError::WouldBlock`] and [`SendError::NotOpen`], which is a
    /// user that has just gone.
    pub fn drive(
        &mut self,
        out: &mut Out<'_>,
        mut send: impl FnMut(&mut Out<'_>, Destination, Notice<&T>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let Some(channel) = self.serves() else { return Ok(()) };
        for at in 0..self.entries.len() {
            while let Some((user, next)) = self.is_behind(at) {
                let told =
                    match next.map(|(stamp, notice)| (stamp, send(out, (channel, user).into(), notice))) {
                        None => self.newest,
                        Some((stamp, Ok(()))) => stamp,
                        Some((_, Err(SendError::WouldBlock | SendError::NotOpen))) => break,
                        Some((_, Err(error))) => return Err(error),
                    };
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.told = Some(told);
                }
            }
        }
        self.forget();
        Ok(())
    }

    /// Takes a notice of the server. The data of a member that is gone, or has other data now, is
    /// handed to `gone`.
    ///
    /// Returns false if there is no place for the member, which is not in the table then. Does
    /// nothing if this program is not a user of the room.
    pub fn take(&mut self, notice: Notice<T>, mut gone: impl FnMut(Member, T)) -> bool {
        if !matches!(self.place, Some(Channel::Entered(_))) {
            return true;
        }
        match notice {
            Notice::You(member) => {
                self.me = Some(member);
                while let Some(entry) = self.entries.pop() {
                    if let Some(data) = entry.data {
                        gone(entry.member, data);
                    }
                }
            }
            Notice::Here(member, data) => {
                if let Some(old) = self.find(member).and_then(|entry| entry.data.take()) {
                    gone(member, old);
                }
                return self.put(member, data).is_ok();
            }
            Notice::Gone(member) => {
                if let Some(at) = self.entries.iter().position(|entry| entry.member == member)
                    && let Some(data) = self.entries.swap_remove(at).data
                {
                    gone(member, data);
                }
            }
        }
        true
    }

    /// Returns which member this program is. `None`: it is not in a room, or its server has not
    /// said so yet.
    #[must_use]
    pub const fn me(&self) -> Option<Member> {
        self.me
    }

    /// Returns the data of a member.
    #[must_use]
    pub fn get(&self, member: impl Into<Member>) -> Option<&T> {
        let member = member.into();
        self.members().find(|&(other, _)| other == member).map(|(_, data)| data)
    }

    /// Returns the members that have data, this program among them, in no order.
    pub fn members(&self) -> impl Iterator<Item = (Member, &T)> {
        let there = self.entries.iter().filter(|entry| !entry.is_gone);
        there.filter_map(|entry| Some((entry.member, entry.data.as_ref()?)))
    }

    /// Returns the members but this program.
    pub fn others(&self) -> impl Iterator<Item = (Member, &T)> {
        self.members().filter(|&(member, _)| Some(member) != self.me)
    }

    fn serves(&self) -> Option<OwnChannel> {
        match self.place {
            Some(Channel::Own(channel)) => Some(channel),
            _ => None,
        }
    }

    fn find(&mut self, member: Member) -> Option<&mut Entry<T>> {
        self.entries.iter_mut().find(|entry| entry.member == member && !entry.is_gone)
    }

    fn stamp(&mut self) -> u64 {
        self.newest = self.newest.saturating_add(1);
        self.newest
    }

    fn put(&mut self, member: Member, data: T) -> Result<(), T> {
        let stamp = self.stamp();
        if let Some(entry) = self.find(member) {
            (entry.data, entry.stamp) = (Some(data), stamp);
            return Ok(());
        }
        let entry = Entry { stamp, ..Entry::new(member, None, Some(data)) };
        self.add(entry).map_err(|entry| entry.data).or_else(|data| data.map_or(Ok(()), Err))
    }

    /// Takes a place, if there is none otherwise that of a member that is gone.
    fn add(&mut self, entry: Entry<T>) -> Result<(), Entry<T>> {
        let Err(entry) = self.entries.push(entry) else { return Ok(()) };
        let oldest = self.entries.iter_mut().filter(|entry| entry.is_gone).min_by_key(|entry| entry.stamp);
        let Some(oldest) = oldest else { return Err(entry) };
        let stamp = core::mem::replace(oldest, entry).stamp;
        for entry in &mut self.entries {
            // it does not hear of that one any more
            if entry.told.is_some_and(|told| told < stamp) {
                entry.told = None;
            }
        }
        Ok(())
    }

    /// A user of this program's room is gone.
    fn leave(&mut self, member: Member) {
        if self.find(member).and_then(|entry| entry.data.take()).is_none() {
            // users have not been told of it
            self.entries.retain(|entry| entry.member != member || entry.is_gone);
            return;
        }
        let stamp = self.stamp();
        if let Some(entry) = self.find(member) {
            (entry.is_gone, entry.user, entry.stamp) = (true, None, stamp);
        }
    }

    /// Returns the user at `at` if it may not know all, and what it is to hear next: the stamp of
    /// the change, and the notice.
    #[expect(clippy::type_complexity, reason = "used once")]
    fn is_behind(&self, at: usize) -> Option<(User, Option<(u64, Notice<&T>)>)> {
        let entry = self.entries.get(at).filter(|entry| entry.told != Some(self.newest))?;
        let user = entry.user?;
        let Some(told) = entry.told else { return Some((user, Some((0, Notice::You(entry.member))))) };
        let news = self.entries.iter().filter(|entry| entry.stamp > told);
        let next = news.min_by_key(|entry| entry.stamp).map(|next| {
            let notice = match &next.data {
                Some(data) => Notice::Here(next.member, data),
                None => Notice::Gone(next.member),
            };
            (next.stamp, notice)
        });
        Some((user, next))
    }

    /// Gives up the places of members that all users know to be gone.
    fn forget(&mut self) {
        let users = self.entries.iter().filter(|entry| entry.user.is_some());
        let known = users.map(|entry| entry.told.unwrap_or(u64::MAX)).min().unwrap_or(u64::MAX);
        self.entries.retain(|entry| !entry.is_gone || entry.stamp > known);
    }
}

impl<T> Entry<T> {
    const fn new(member: Member, user: Option<User>, data: Option<T>) -> Self {
        Self { member, user, data, is_gone: false, stamp: 0, told: None }
    }
}
