//! When to look at which connection again.

/// No place in the heap.
const NONE: u32 = u32::MAX;

/// A place as it is kept.
#[expect(
    clippy::cast_possible_truncation,
    reason = "there are at most as many as connections, which are counted with 32 bits"
)]
const fn narrow(place: usize) -> u32 {
    place as u32
}

/// At most one deadline for each connection, the earliest first: a binary heap that knows where
/// everybody is, so that it never holds a deadline that is out of date.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// Deadline in milliseconds, and whose it is.
    heap: Vec<(u64, u32)>,
    /// Where in the heap each connection is.
    places: Vec<u32>,
}

impl Timers {
    /// How many connections have a deadline.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<u64> {
        self.heap.first().map(|(deadline, _)| *deadline)
    }

    /// Sets a connection's deadline, unless it has an earlier one.
    pub(crate) fn arm(&mut self, index: u32, deadline: u64) {
        let of = index as usize;
        if of >= self.places.len() {
            self.places.resize(of + 1, NONE);
        }
        let mut place = self.places[of] as usize;
        if self.places[of] == NONE {
            place = self.heap.len();
            self.heap.push((deadline, index));
            self.places[of] = narrow(place);
        } else if self.heap[place].0 <= deadline {
            return;
        } else {
            self.heap[place].0 = deadline;
        }
        self.up(place);
    }

    /// Takes a connection's deadline away.
    pub(crate) fn clear(&mut self, index: u32) {
        let Some(place) = self.places.get(index as usize).copied().filter(|place| *place != NONE) else {
            return;
        };
        self.places[index as usize] = NONE;
        let place = place as usize;
        self.heap.swap_remove(place);
        if let Some((_, moved)) = self.heap.get(place) {
            self.places[*moved as usize] = narrow(place);
            self.up(place);
            self.down(place);
        }
    }

    /// Takes out a connection whose deadline is over.
    pub(crate) fn pop(&mut self, now: u64) -> Option<u32> {
        let (_, index) = *self.heap.first().filter(|(deadline, _)| *deadline <= now)?;
        self.clear(index);
        Some(index)
    }

    fn up(&mut self, mut place: usize) {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent].0 <= self.heap[place].0 {
                break;
            }
            self.swap(parent, place);
            place = parent;
        }
    }

    fn down(&mut self, mut place: usize) {
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            let mut least = place;
            for child in [left, right] {
                if self.heap.get(child).is_some_and(|(deadline, _)| *deadline < self.heap[least].0) {
                    least = child;
                }
            }
            if least == place {
                break;
            }
            self.swap(least, place);
            place = least;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        for place in [a, b] {
            self.places[self.heap[place].1 as usize] = narrow(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn as_many_as_have_a_deadline() {
        let mut timers = Timers::default();
        for index in 0..3 {
            timers.arm(index, 7);
            timers.arm(index, 8);
        }
        assert_eq!(timers.len(), 3);
        timers.clear(1);
        assert_eq!(timers.len(), 2);
    }

    proptest! {
        #[test]
        fn deadlines_come_in_order_and_once(
            steps in proptest::collection::vec((0u32..20, 0u64..100, 0u8..6), 0..200),
        ) {
            let mut timers = Timers::default();
            let mut expected = std::collections::BTreeMap::new();
            for (index, at, what) in steps {
                match what {
                    0 => {
                        timers.clear(index);
                        expected.remove(&index);
                    }
                    1 => {
                        let earliest = expected.values().min().copied();
                        prop_assert_eq!(timers.next(), earliest);
                        match timers.pop(at) {
                            Some(index) => prop_assert_eq!(expected.remove(&index), earliest),
                            None => prop_assert!(earliest.is_none_or(|earliest| earliest > at)),
                        }
                    }
                    _ => {
                        timers.arm(index, at);
                        let entry = expected.entry(index).or_insert(at);
                        *entry = at.min(*entry);
                    }
                }
                prop_assert_eq!(timers.heap.len(), expected.len());
            }
        }
    }
}
