//! The users of own channels, in a table that grows.

use std::collections::BTreeMap;
use std::ops::Range;

use peote_net::link::{Channel, Event, OwnChannel, Source, User};

/// The users of a link's own channels, each with a `T`: as [`peote_net::users::Users`], as many as
/// come.
///
/// ```
/// use peote_net::link::{Event, Out, SendError};
/// use peote_net_std::Users;
///
/// fn handle(event: Event<'_>, out: &mut Out<'_>, scores: &mut Users<u32>) -> Result<(), SendError> {
///     scores.follow(&event, |_, user, score| println!("{user} had {score} points"));
///     let Event::Chunk { from, .. } = event else { return event.ok() };
///     let Some(score) = scores.from(from) else { return Ok(()) };
///     *score += 1;
///     out.send(from, &score.to_le_bytes())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Users<T> {
    /// By the channel's index and the user.
    entries: BTreeMap<(usize, User), (OwnChannel, T)>,
}

impl<T> Default for Users<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Users<T> {
    /// A table without users.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: BTreeMap::new() }
    }

    /// Takes note of an event. A user that has entered gets the default of its data. The data of a
    /// user that is gone is handed to `gone`, once.
    ///
    /// To be called with every event, before the handler looks at it. An event that is delivered
    /// again changes nothing more. Of a channel that the program deletes no event tells:
    /// [`left`](Self::left) does.
    pub fn follow(&mut self, event: &Event<'_>, mut gone: impl FnMut(OwnChannel, User, T))
    where
        T: Default,
    {
        if let Event::UserEntered { channel, user, .. } = *event {
            self.put(channel, user, T::default(), &mut gone);
        }
        self.forget(event, gone);
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
        while let Some((&(_, user), &(channel, _))) = self.entries.range(of_slot(index)).next()
            && is_gone(channel)
            && let Some((channel, data)) = self.entries.remove(&(index, user))
        {
            gone(channel, user, data);
        }
    }

    /// Puts a user in the table. One that is there already keeps its data. Users of an earlier
    /// channel, in whose place this one has come, are no longer in the table.
    pub fn enter(&mut self, channel: OwnChannel, user: User, data: T) {
        self.put(channel, user, data, |_, _, _| ());
    }

    /// The same. Users of an earlier channel of the same slot are gone: it has been deleted, and the
    /// program has not said so.
    fn put(&mut self, channel: OwnChannel, user: User, data: T, gone: impl FnMut(OwnChannel, User, T)) {
        self.forget_first(channel.index(), |of| of != channel, gone);
        if self.get(channel, user).is_none() {
            self.entries.insert((channel.index(), user), (channel, data));
        }
    }

    /// Takes a user out of the table, and returns its data.
    pub fn remove(&mut self, channel: OwnChannel, user: User) -> Option<T> {
        self.get(channel, user)?;
        self.entries.remove(&(channel.index(), user)).map(|(_, data)| data)
    }

    /// Returns the data of a user.
    #[must_use]
    pub fn get(&self, channel: OwnChannel, user: User) -> Option<&T> {
        let (of, data) = self.entries.get(&(channel.index(), user))?;
        // an index is given to another channel after the first has ended
        (*of == channel).then_some(data)
    }

    /// Returns the data of a user, to be changed.
    #[must_use]
    pub fn get_mut(&mut self, channel: OwnChannel, user: User) -> Option<&mut T> {
        let (of, data) = self.entries.get_mut(&(channel.index(), user))?;
        (*of == channel).then_some(data)
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
        let of_channel = self.entries.range(of_slot(channel.index()));
        of_channel.filter(move |(_, (of, _))| *of == channel).map(|(&(_, user), (_, data))| (user, data))
    }

    /// Returns the users of one channel with data that can be changed.
    pub fn of_mut(&mut self, channel: OwnChannel) -> impl Iterator<Item = (User, &mut T)> {
        let of_channel = self.entries.range_mut(of_slot(channel.index()));
        of_channel.filter(move |(_, (of, _))| *of == channel).map(|(&(_, user), (_, data))| (user, data))
    }

    /// Returns the users of all channels.
    pub fn iter(&self) -> impl Iterator<Item = (OwnChannel, User, &T)> {
        self.entries.iter().map(|(&(_, user), (channel, data))| (*channel, user, data))
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
}

/// The keys of the users of a slot.
fn of_slot(index: usize) -> Range<(usize, User)> {
    (index, User::new(0))..(index + 1, User::new(0))
}
