//! Who has offered what.

use core::fmt;

use super::Remote;
use crate::link::{Channel, Destination, Event, OwnChannel, Source};

/// Remembers which objects peers have offered: up to `OBJECTS` of each, of up to `PARTIES` peers.
///
/// For programs with many peers; one that calls a single object of a single peer keeps the
/// [`Remote`] and needs no table. It is a `const` value without pointers, of
/// `PARTIES × (2 × OBJECTS + 14)` bytes, the factor rounded up to a multiple of 4.
///
/// ```
/// use peote_net::link::{Channel, Event};
/// use peote_net::rpc::{Message, Offers};
///
/// /// In a handler: `follow` forgets peers that are gone, `add` remembers an offer.
/// fn remember(offers: &mut Offers<16, 4>, event: &Event<'_>) {
///     offers.follow(event);
///     if let Event::Rpc { from, bytes } = *event
///         && let Message::Offer(remote) = Message::read(from, bytes)
///         && let Err(full) = offers.add(remote)
///     {
///         println!("{full}"); // this peer's objects cannot be called; others are not concerned
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Offers<const PARTIES: usize, const OBJECTS: usize = 4> {
    parties: [Party<OBJECTS>; PARTIES],
}

#[derive(Clone, Copy, Debug)]
struct Party<const OBJECTS: usize> {
    /// `None` if the place is free.
    peer: Option<Destination>,
    /// `count` objects.
    objects: [Object; OBJECTS],
    count: u16,
}

#[derive(Clone, Copy, Debug)]
struct Object {
    number: u8,
    state: State,
}

/// Whether an object that was offered can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It can.
    Offered,
    /// Not yet: the peer has not described it.
    Held,
    /// It means something else.
    Differs,
}

/// There is no room to remember an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OffersFull {
    /// The table holds as many peers as it can.
    Parties,
    /// This peer has offered as many objects as the table can hold for each.
    Objects,
}

/// The peer has not offered this object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotOffered {
    /// The object.
    pub object: u8,
}

impl<const PARTIES: usize, const OBJECTS: usize> Default for Offers<PARTIES, OBJECTS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const PARTIES: usize, const OBJECTS: usize> Offers<PARTIES, OBJECTS> {
    /// A table without offers.
    #[must_use]
    pub const fn new() -> Self {
        Self { parties: [Party::FREE; PARTIES] }
    }

    /// Remembers an offer. An offer that is made again changes nothing.
    ///
    /// # Errors
    /// There is no room.
    pub fn add(&mut self, remote: Remote) -> Result<(), OffersFull> {
        self.add_as(remote, State::Offered)
    }

    /// As [`add`](Self::add).
    pub(super) fn add_as(&mut self, remote: Remote, state: State) -> Result<(), OffersFull> {
        let known = self.parties.iter().position(|party| party.peer == Some(remote.destination()));
        let place = known.or_else(|| self.parties.iter().position(|party| party.peer.is_none()));
        let party = place.and_then(|place| self.parties.get_mut(place)).ok_or(OffersFull::Parties)?;
        if party.state(remote.object()).is_some() {
            return Ok(());
        }
        let free = party.objects.get_mut(usize::from(party.count)).ok_or(OffersFull::Objects)?;
        *free = Object { number: remote.object(), state };
        party.count = party.count.saturating_add(1);
        party.peer = Some(remote.destination());
        Ok(())
    }

    /// An object of a peer.
    ///
    /// # Errors
    /// The peer has not offered it.
    pub fn remote(&self, peer: Source, object: u8) -> Result<Remote, NotOffered> {
        self.of(peer).find(|remote| remote.object() == object).ok_or(NotOffered { object })
    }

    /// All objects that a peer has offered, in the order of its offers.
    pub fn of(&self, peer: Source) -> impl Iterator<Item = Remote> {
        let peer = Destination::from(peer);
        let party = self.parties.iter().find(|party| party.peer == Some(peer));
        let objects = party.map_or(&[][..], Party::objects);
        let answers = party.is_some_and(Party::answers);
        let offered = objects.iter().filter(|object| object.state == State::Offered);
        offered.map(move |object| Remote::offered(peer, object.number, answers))
    }

    /// Whether an object that a peer has offered can be called; `None` if it has offered none.
    pub(super) fn state(&self, peer: Source, object: u8) -> Option<State> {
        let peer = Destination::from(peer);
        self.parties.iter().find(|party| party.peer == Some(peer))?.state(object)
    }

    /// Decides about an object if it is [`State::Held`]. Returns true if so, and if that is told
    /// again.
    pub(super) fn decide(&mut self, peer: Source, object: u8, state: State, is_told_again: bool) -> bool {
        let peer = Destination::from(peer);
        let Some(party) = self.parties.iter_mut().find(|party| party.peer == Some(peer)) else {
            return false;
        };
        let mut objects = party.objects.iter_mut().take(party.count.into());
        let Some(object) = objects.find(|other| other.number == object) else { return false };
        if object.state == State::Held {
            object.state = state;
            return true;
        }
        is_told_again && object.state == state
    }

    /// All peers that have offered an object of this number.
    pub fn all(&self, object: u8) -> impl Iterator<Item = Remote> {
        let parties = self.parties.iter().filter(move |party| party.state(object) == Some(State::Offered));
        parties.filter_map(move |party| Some(Remote::offered(party.peer?, object, party.answers())))
    }

    /// Forgets what a peer has offered.
    pub fn forget(&mut self, peer: Source) {
        let peer = Destination::from(peer);
        self.retain(|other| other != peer);
    }

    /// Forgets the offers of peers that are gone, as an event of the link says. Hand it every
    /// event. Of a channel that the program leaves or deletes no event tells: [`left`](Self::left)
    /// does.
    pub fn follow(&mut self, event: &Event<'_>) {
        if let Some(gone) = Gone::by(event) {
            self.lose(gone);
        }
    }

    /// The program has left or deleted a channel, of which no event tells: what its peers have
    /// offered is forgotten.
    pub fn left(&mut self, channel: impl Into<Channel>) {
        self.lose(Gone::with(channel.into()));
    }

    pub(super) fn lose(&mut self, gone: Gone) {
        self.retain(|peer| !gone.includes(peer));
    }

    fn retain(&mut self, keep: impl Fn(Destination) -> bool) {
        for party in &mut self.parties {
            if party.peer.is_some_and(|peer| !keep(peer)) {
                party.peer = None;
                party.count = 0;
            }
        }
    }
}

/// Peers that are gone.
#[derive(Clone, Copy)]
pub(super) enum Gone {
    One(Destination),
    /// All users of a channel.
    All(OwnChannel),
}

impl Gone {
    /// Returns the peers that are gone after an event. A user that enters replaces an earlier user
    /// of the same number.
    pub(super) fn by(event: &Event<'_>) -> Option<Self> {
        match *event {
            Event::UserEntered { channel, user, .. } | Event::UserGone { channel, user, .. } => {
                Some(Self::One(Destination::User(channel, user)))
            }
            Event::Refused { channel: Channel::Own(_), .. } => None,
            Event::Closed { channel, .. } | Event::Away { channel, .. } | Event::Refused { channel, .. } => {
                Some(Self::with(channel))
            }
            _ => None,
        }
    }

    /// Returns the peers that are gone with a channel.
    pub(super) const fn with(channel: Channel) -> Self {
        match channel {
            Channel::Entered(channel) => Self::One(Destination::Server(channel)),
            Channel::Own(channel) => Self::All(channel),
        }
    }

    pub(super) fn includes(self, peer: Destination) -> bool {
        match self {
            Self::One(gone) => peer == gone,
            Self::All(lost) => matches!(peer, Destination::User(channel, _) if channel == lost),
        }
    }
}

impl<const OBJECTS: usize> Party<OBJECTS> {
    const FREE: Self =
        Self { peer: None, objects: [Object { number: 0, state: State::Held }; OBJECTS], count: 0 };

    fn objects(&self) -> &[Object] {
        self.objects.get(..usize::from(self.count)).unwrap_or_default()
    }

    fn state(&self, number: u8) -> Option<State> {
        self.objects().iter().find(|object| object.number == number).map(|object| object.state)
    }

    /// Whether the peer takes part in calls with answers.
    fn answers(&self) -> bool {
        self.state(super::ANSWERS).is_some()
    }
}

impl fmt::Display for OffersFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parties => "the table of offers has no room for another peer",
            Self::Objects => "the table of offers has no room for another object of this peer",
        })
    }
}

impl core::error::Error for OffersFull {}

impl fmt::Display for NotOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer has not offered object {}", self.object)
    }
}

impl core::error::Error for NotOffered {}
