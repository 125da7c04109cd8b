//! What a procedure is told besides its arguments.

use super::Call;
use crate::link::{Out, Source};

/// What a procedure is told besides its arguments: who called, and the sending half of the link, to
/// call back at once.
///
/// # When there is no room to answer
///
/// A procedure that returns `Err(SendError::WouldBlock)`, or
/// [`Flow::Again`](crate::link::Flow::Again), is **called again** with the same arguments at a
/// later poll. What its caller says further waits until then. So it must not have changed anything
/// yet that a second time would spoil: first send, then change. A procedure that sends several
/// messages asks beforehand whether there is room for all of them ([`Out::free`]), or remembers how
/// far it has come.
#[derive(Debug)]
pub struct Context<'a> {
    from: Source,
    object: u8,
    out: Out<'a>,
}

impl<'a> Context<'a> {
    #[inline]
    pub(super) fn new(call: &Call<'_>, out: &'a mut Out<'_>) -> Self {
        Self { from: call.from(), object: call.object(), out: out.reborrow() }
    }

    /// Who called.
    #[must_use]
    pub const fn from(&self) -> Source {
        self.from
    }

    /// The object that was called: one implementation can stand behind several.
    #[must_use]
    pub const fn object(&self) -> u8 {
        self.object
    }

    /// The sending half of the link.
    pub const fn out(&mut self) -> &mut Out<'a> {
        &mut self.out
    }
}
