//! The door of an own channel.

/// Who may enter an own channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Admission {
    /// All users. The program is told with [`Event::UserEntered`], and does not hear words.
    ///
    /// [`Event::UserEntered`]: crate::link::Event::UserEntered
    #[default]
    Open,
    /// The program decides about each user: it is told with [`Event::Knock`].
    ///
    /// [`Event::Knock`]: crate::link::Event::Knock
    Ask,
    /// No user may enter. The program is not told.
    Closed,
}

/// The door of an own channel.
#[derive(Clone, Copy, Debug)]
pub(in crate::link) struct Door {
    pub(super) admission: Admission,
    /// How many users fewer than 65,535 there may be.
    pub(super) fewer: u16,
}

impl Door {
    /// All users may enter. All bytes are zero.
    pub(in crate::link) const OPEN: Self = Self { admission: Admission::Open, fewer: 0 };

    #[cfg(feature = "local")]
    pub(in crate::link) const fn admission(self) -> Admission {
        self.admission
    }

    pub(in crate::link) const fn is_open(self) -> bool {
        matches!(self.admission, Admission::Open) && self.fewer == 0
    }
}
