//! Who is there: the users of own channels, with data of the program's own.
//!
//! A server keeps something about each of its users. [`Users`] holds it, follows the events of the
//! link, and gives it back exactly once: when the user is gone, or when the channel or the
//! connection is lost (no `UserGone` comes for each user then). Of a channel that the program
//! deletes no event tells, so it says so: [`Users::left`].
//!
//! ```
//! use peote_net::link::{Event, Out, OwnChannel, SendError};
//! use peote_net::users::Users;
//!
//! #[derive(Default)]
//! struct Player {
//!     score: u32,
//! }
//!
//! fn handle(
//!     event: Event<'_>, out: &mut Out<'_>, users: &mut Users<Player, 16>,
//! ) -> Result<(), SendError> {
//!     // says goodbye to every user that is gone, for any reason
//!     users.follow(&event, |_, user, player| println!("{user} had {} points", player.score));
//!     match event {
//!         Event::Chunk { from, .. } => {
//!             let Some(player) = users.from(from) else { return Ok(()) };
//!             player.score += 1;
//!             out.send(from, &player.score.to_le_bytes())
//!         }
//!         other => other.ok(),
//!     }
//! }
//!
//! /// Tells each player its own score.
//! fn tell(room: OwnChannel, out: &mut Out<'_>, users: &Users<Player, 16>) -> Result<(), SendError> {
//!     for (user, player) in users.of(room) {
//!         out.send((room, user), &player.score.to_le_bytes())?;
//!     }
//!     Ok(())
//! }
//! ```

use core::cmp::Ordering;

use crate::link::{Channel, Event, OwnChannel, Source, User};

/// The users of a link's own channels, at most `N`, each with a `T`; the [module](self) has an
/// example.
///
/// Memory is fixed: `N` times a handle, a number and a `T`. Looking a user up takes time in
/// proportion to the logarithm of their number; a user that comes or goes moves those behind it.
#[derive(Clone, Debug)]
pub struct Users<T, const N: usize> {
    /// Sorted by channel and user.
    entries: heapless::Vec<Entry<T>, N>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    channel: OwnChannel,
    user: User,
    data: T,
}

impl<T> Entry<T> {
    fn order(&self, channel: OwnChannel, user: User) -> Ordering {
        (self.channel.index(), self.user).cmp(&(channel.index(), user))
    }
}

impl<T, const N: usize> Default for Users<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Users<T, N> {
    /// A table without users.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: heapless::Vec::new() }
    }

    /// Takes note of an event. A user that has entered gets the default of its data; what there is
    /// of one that is gone is handed to `gone`, once.
    ///
    /// To be called with every event, before the handler looks at it. An event that is delivered
    /// again changes nothing more. Returns false if a user has entered and all `N` places are
    /// taken: it is not in the table then. Of a channel that the program deletes no event tells:
    /// [`left`](Self::left) does.
    pub fn follow(&mut self, event: &Event<'_>, mut gone: impl FnMut(OwnChannel, User, T)) -> bool
    where
        T: Default,
    {
        if let Event::UserEntered { channel, user, .. } = *event {
            return self.put(channel, user, T::default(), &mut gone).is_ok();
        }
        self.forget(event, gone);
        true
    }

    /// The same for events that end something, and nothing else: for data without a default, which
    /// the program [enters](Self::enter) by itself.
    pub fn forget(&mut self, event: &Event<'_>, mut gone: impl FnMut(OwnChannel, User, T)) {
        match *event {
            Event::UserGone { channel, user, .. } => {
                if let Some(data) = self.remove(channel, user) {
                    gone(channel, user, data);
                }
            }
            Event::Closed { channel: Channel::Own(channel), .. }
            | Event::Away { channel: Channel::Own(channel), .. } => self.left(channel, gone),
            _ => {}
        }
    }

    /// The program has deleted a channel, of which no event tells: its users are gone.
    pub fn left(&mut self, channel: OwnChannel, gone: impl FnMut(OwnChannel, User, T)) {
        self.forget_first(channel.index(), |of| of == channel, gone);
    }

    /// Forgets users of the channel of a slot, if it is one of these. All users of a slot are of
    /// one channel.
    fn forget_first(
        &mut self,
        index: usize,
        is_gone: impl Fn(OwnChannel) -> bool,
        mut gone: impl FnMut(OwnChannel, User, T),
    ) {
        let first = self.range(index).start;
        while self
            .entries
            .get(first)
            .is_some_and(|entry| entry.channel.index() == index && is_gone(entry.channel))
        {
            let Some(Entry { channel, user, data }) = self.take(first) else { return };
            gone(channel, user, data);
        }
    }

    /// Puts a user in the table. One that is there already keeps its data. Users of an earlier
    /// channel, in whose place this one has come, are no longer in the table.
    ///
    /// # Errors
    /// All `N` places are taken; the data comes back.
    pub fn enter(&mut self, channel: OwnChannel, user: User, data: T) -> Result<(), T> {
        self.put(channel, user, data, |_, _, _| ())
    }

    /// The same. Users of an earlier channel of the same slot are gone: it has been deleted, and the
    /// program has not said so.
    fn put(
        &mut self,
        channel: OwnChannel,
        user: User,
        data: T,
        gone: impl FnMut(OwnChannel, User, T),
    ) -> Result<(), T> {
        self.forget_first(channel.index(), |of| of != channel, gone);
        match self.find(channel, user) {
            Ok(_) => Ok(()),
            Err(at) => {
                let entry = Entry { channel, user, data };
                // `insert` panics beyond the end
                let at = at.min(self.entries.len());
                self.entries.insert(at, entry).map_err(|entry| entry.data)
            }
        }
    }

    /// Takes a user out of the table, and returns its data.
    pub fn remove(&mut self, channel: OwnChannel, user: User) -> Option<T> {
        let at = self.find(channel, user).ok()?;
        self.take(at).map(|entry| entry.data)
    }

    fn take(&mut self, at: usize) -> Option<Entry<T>> {
        // `remove` panics beyond the end
        (at < self.entries.len()).then(|| self.entries.remove(at))
    }

    /// Returns the data of a user.
    #[must_use]
    pub fn get(&self, channel: OwnChannel, user: User) -> Option<&T> {
        let at = self.find(channel, user).ok()?;
        self.entries.get(at).map(|entry| &entry.data)
    }

    /// Returns the data of a user, to be changed.
    #[must_use]
    pub fn get_mut(&mut self, channel: OwnChannel, user: User) -> Option<&mut T> {
        let at = self.find(channel, user).ok()?;
        self.entries.get_mut(at).map(|entry| &mut entry.data)
    }

    /// Returns the data of the user that has sent something, to be changed. `None` for the server
    /// of an entered channel.
    #[must_use]
    pub fn from(&mut self, from: Source) -> Option<&mut T> {
        match from {
            Source::User { channel, user } => self.get_mut(channel, user),
            Source::Server { .. } => None,
        }
    }

    /// Returns the users of one channel, by their numbers.
    pub fn of(&self, channel: OwnChannel) -> impl Iterator<Item = (User, &T)> {
        let of_slot = self.entries.get(self.range(channel.index())).unwrap_or_default();
        let of_channel = of_slot.iter().filter(move |entry| entry.channel == channel);
        of_channel.map(|entry| (entry.user, &entry.data))
    }

    /// Returns the users of one channel with data that can be changed.
    pub fn of_mut(&mut self, channel: OwnChannel) -> impl Iterator<Item = (User, &mut T)> {
        let range = self.range(channel.index());
        let of_slot = self.entries.get_mut(range).unwrap_or_default();
        let of_channel = of_slot.iter_mut().filter(move |entry| entry.channel == channel);
        of_channel.map(|entry| (entry.user, &mut entry.data))
    }

    /// Returns the users of all channels.
    pub fn iter(&self) -> impl Iterator<Item = (OwnChannel, User, &T)> {
        self.entries.iter().map(|entry| (entry.channel, entry.user, &entry.data))
    }

    /// Returns how many users there are in all channels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns true if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns where the users of a slot are.
    fn range(&self, index: usize) -> core::ops::Range<usize> {
        let start = self.entries.partition_point(|entry| entry.channel.index() < index);
        start..self.entries.partition_point(|entry| entry.channel.index() <= index)
    }

    /// Returns where a user is, or where it would be.
    fn find(&self, channel: OwnChannel, user: User) -> Result<usize, usize> {
        let at = self.entries.binary_search_by(|entry| entry.order(channel, user))?;
        // a channel of the same slot that has ended
        let is_same = self.entries.get(at).is_some_and(|entry| entry.channel == channel);
        if is_same { Ok(at) } else { Err(at) }
    }
}
