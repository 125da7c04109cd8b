//! What sockets are registered for, and what of it has happened.

use std::collections::VecDeque;
use std::ops::BitOr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What an event is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub usize);

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest(pub(crate) u8);

impl Interest {
    /// That something can be read.
    pub const READABLE: Self = Self(1);
    /// That something can be written.
    pub const WRITABLE: Self = Self(2);
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Where a socket is registered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registered {
    pub(crate) poll: u64,
    pub(crate) token: Token,
    pub(crate) interest: Interest,
}

/// What has happened and was not told.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Sockets, in the order in which something happened.
    pub(crate) order: VecDeque<u64>,
    pub(crate) waker: Option<(Token, Arc<AtomicBool>)>,
}

impl Waiting {
    pub(crate) fn note(&mut self, number: u64) {
        if !self.order.contains(&number) {
            self.order.push_back(number);
        }
    }
}
