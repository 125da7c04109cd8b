//! What a line between a link and the relay is like.

use std::fmt;

use peote_net::time::Duration;

/// Names a line: the connection of one transport to the relay. Lines are numbered in the order in
/// which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub(crate) usize);

impl LineId {
    /// How many lines were made before this one.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.0)
    }
}

/// One of the two directions of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the link to the relay.
    ToRelay,
    /// From the relay to the link.
    ToLink,
}

impl Direction {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::ToRelay, Self::ToLink];

    pub(crate) const fn index(self) -> usize {
        self.byte() as usize
    }

    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::ToRelay => 0,
            Self::ToLink => 1,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ToRelay => "to the relay",
            Self::ToLink => "to the link",
        })
    }
}

/// How many bytes one read or write moves at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// As many as there are, or as there is room for.
    Whole,
    /// At most so many. 0 counts as 1.
    At(usize),
    /// A random number from 1 up to so many, each time. 0 counts as 1.
    Random(usize),
}

/// What one direction of a line does to the bytes that take it. The default is 1 ms of delay and
/// nothing else.
///
/// ```
/// use peote_net::time::Duration;
/// use peote_net_simulation::{Conditions, Cut};
/// let slow = Conditions { delay: Duration::from_millis(200), bandwidth: Some(1_000), ..Conditions::default() };
/// let byte_by_byte = Conditions { reads: Cut::At(1), writes: Cut::At(1), ..Conditions::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// How long each byte is under way. With a delay of zero, programs that answer each other go on
    /// for ever at one and the same instant.
    pub delay: Duration,
    /// What is added to the delay at most, at random for each write. Bytes never overtake each
    /// other.
    pub jitter: Duration,
    /// Bytes a second; `None`: no limit. 0 counts as 1.
    pub bandwidth: Option<u64>,
    /// Bytes that are under way or wait to be read at most, at least 1: the buffers of the network
    /// and of both ends.
    pub capacity: usize,
    /// What one write takes.
    pub writes: Cut,
    /// What one read gives.
    pub reads: Cut,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(1),
            jitter: Duration::ZERO,
            bandwidth: None,
            capacity: 65_536,
            writes: Cut::Whole,
            reads: Cut::Whole,
        }
    }
}

/// What a line is like. The default has [`Conditions::default`] in both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineConfig {
    /// What the line is called where something is said about it; may be empty.
    pub name: String,
    /// The way from the link to the relay.
    pub to_relay: Conditions,
    /// The way from the relay to the link.
    pub to_link: Conditions,
    /// Whether the link is an existing endpoint: the line hides from it that the relay knows hello.
    pub is_existing: bool,
}

impl LineConfig {
    /// The same conditions in both directions.
    #[must_use]
    pub fn both(conditions: Conditions) -> Self {
        Self { to_relay: conditions.clone(), to_link: conditions, ..Self::default() }
    }

    /// The same line with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same line with an existing endpoint at its end.
    #[must_use]
    pub const fn existing(mut self) -> Self {
        self.is_existing = true;
        self
    }

    /// One of the two directions.
    #[must_use]
    pub const fn direction(&self, direction: Direction) -> &Conditions {
        match direction {
            Direction::ToRelay => &self.to_relay,
            Direction::ToLink => &self.to_link,
        }
    }
}
