//! What one connection waits for, and who waits for it.

use peote_net::relay::Membership;

use crate::blame::Blame;
use crate::patience::{Pace, Patience};

/// Who waits for whom. Indices are kept plus one, 0 is none.
#[derive(Debug)]
pub(crate) struct Wait {
    /// The connection whose queue lacked room.
    pub(crate) for_whom: u32,
    /// Neighbours in the list of all that wait for the same one.
    pub(crate) previous: u32,
    pub(crate) next: u32,
    /// Ends of the list of connections that wait for this one.
    pub(crate) first: u32,
    pub(crate) last: u32,
    /// It waits as the server of a channel, for one of its users.
    pub(crate) is_server: bool,
    /// Whether it is in a circle of connections that wait for each other.
    pub(crate) circle: Circle,
    /// How much longer others wait for this one.
    pub(crate) patience: Patience,
    /// It owes a grant to an endpoint that takes part, which is as if that one waited.
    pub(crate) owes: bool,
    /// The membership whose window it waits for.
    pub(crate) for_window: Option<Membership>,
    /// How much longer it waits for windows, and bytes that had come from it when it last did.
    pub(crate) window_patience: Patience,
    pub(crate) received: u64,
    /// For whose windows it has waited.
    pub(crate) blame: Blame<Membership>,
    /// When another one began to wait for this one, in milliseconds.
    pub(crate) since: u64,
    /// When this one began to wait for another one, in milliseconds.
    pub(crate) began: u64,
    /// When it was noticed, while it waited, that its endpoint sends nothing any more, in
    /// milliseconds; 0: it was not.
    pub(crate) ended: u64,
    /// When this one, which has sent as much as it may, is read again, in milliseconds; 0: it is.
    pub(crate) until: u64,
    /// When this one, which waits for the directory of a cluster, asks again, in milliseconds; 0:
    /// it does not wait for that.
    pub(crate) directory: u64,
}

/// Whether a connection is in a circle, and how it counts there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Circle {
    No,
    /// It counts as held up.
    Spared,
    Timed,
}

impl Wait {
    pub(crate) fn new(patience: Patience, window_patience: Patience) -> Self {
        Self {
            owes: false,
            for_window: None,
            window_patience,
            received: 0,
            blame: Blame::default(),
            for_whom: 0,
            previous: 0,
            next: 0,
            first: 0,
            last: 0,
            is_server: false,
            circle: Circle::No,
            patience,
            since: 0,
            began: 0,
            ended: 0,
            until: 0,
            directory: 0,
        }
    }

    /// Whether others wait for this one.
    pub(crate) fn is_awaited(&self) -> bool {
        self.first != 0 || self.owes
    }

    /// Whether the connection is paused: it waits for another one's queue or window, or for the
    /// directory, or has sent as much as it may.
    pub(crate) fn is_paused(&self) -> bool {
        self.for_whom != 0 || self.until != 0 || self.directory != 0 || self.for_window.is_some()
    }

    /// Whether it waits for another one, which is to blame.
    pub(crate) fn is_held_up(&self) -> bool {
        self.for_whom != 0 && self.circle != Circle::Timed
    }

    /// How fast the patience of those passes that wait for it.
    pub(crate) fn pace(&self) -> Pace {
        match self.is_awaited() {
            false => Pace::Rest,
            true if self.is_held_up() => Pace::HeldUp,
            true => Pace::Full,
        }
    }
}
