//! Where the strings of a text are, to which the text can refer back by number.

/// Strings whose places are remembered.
const PLACES: usize = 128;

/// The places of strings, in memory that does not grow: of 128 strings all, then of every second
/// one, every fourth one, and so on. Others are found by going on from the nearest one before.
///
/// With the feature `alloc`, all further ones are remembered on the heap.
pub(super) struct Strings {
    places: [u32; PLACES],
    #[cfg(feature = "alloc")]
    further: alloc::vec::Vec<u32>,
    count: usize,
    /// The place of every 2^`step`th string is remembered.
    step: u32,
}

impl Strings {
    pub(super) const fn new() -> Self {
        Self {
            places: [0; PLACES],
            #[cfg(feature = "alloc")]
            further: alloc::vec::Vec::new(),
            count: 0,
            step: 0,
        }
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Adds the next string. `None` if the text is longer than 4 GiB.
    pub(super) fn add(&mut self, place: usize) -> Option<()> {
        let place = u32::try_from(place).ok()?;
        #[cfg(feature = "alloc")]
        if self.count >= PLACES {
            self.further.push(place);
            self.count = self.count.wrapping_add(1);
            return Some(());
        }
        if self.count >> self.step >= PLACES {
            for to in 0..PLACES / 2 {
                let from = self.places.get(to.wrapping_mul(2)).copied();
                if let (Some(to), Some(from)) = (self.places.get_mut(to), from) {
                    *to = from;
                }
            }
            self.step = self.step.wrapping_add(1);
        }
        let index = self.count >> self.step;
        if index << self.step == self.count
            && let Some(free) = self.places.get_mut(index)
        {
            *free = place;
        }
        self.count = self.count.wrapping_add(1);
        Some(())
    }

    /// Returns the nearest place at or before a string, and how many strings further that string
    /// is. `None` if it has not come yet.
    pub(super) fn nearest(&self, number: usize) -> Option<(usize, usize)> {
        if number >= self.count {
            return None;
        }
        #[cfg(feature = "alloc")]
        if let Some(index) = number.checked_sub(PLACES) {
            return Some((usize::try_from(*self.further.get(index)?).ok()?, 0));
        }
        let index = number >> self.step;
        let place = self.places.get(index).copied()?;
        Some((usize::try_from(place).ok()?, number.wrapping_sub(index << self.step)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_place_is_remembered_however_many_strings_come() {
        let mut strings = Strings::new();
        for count in 0..5_000 {
            assert_eq!(strings.nearest(count), None);
            strings.add(count * 10).unwrap();
            for number in (0..=count).step_by(1 + count / 50) {
                let (place, further) = strings.nearest(number).unwrap();
                assert_eq!(place / 10 + further, number, "of {count}");
                assert!(further <= count * 2 / PLACES, "{further} of {count}");
            }
        }
    }
}
