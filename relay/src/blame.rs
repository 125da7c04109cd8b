//! For whom a connection has waited, of what is gone of its budget.
//!
//! A sender that waits for windows has one budget for all of its memberships: with one for each,
//! enough receivers that take a little now and then could hold it up for ever. Where the budget is
//! used up, it is not who is waited for at that moment that has to go, but who has used the most.

/// Memberships that are remembered. The one that has used the least makes room.
const MOST: usize = 16;

/// Parts of what is gone of a budget, in microseconds. Their sum is never more than that.
#[derive(Debug)]
pub(crate) struct Blame<T> {
    parts: Vec<(T, u64)>,
}

impl<T> Default for Blame<T> {
    fn default() -> Self {
        Self { parts: Vec::new() }
    }
}

impl<T: PartialEq> Blame<T> {
    /// Less may be gone now: time without a wait and bytes that were taken give back, to each in
    /// proportion.
    pub(crate) fn shrink(&mut self, gone: u64) {
        let sum = self.parts.iter().fold(0, |sum: u64, (_, part)| sum.saturating_add(*part));
        if sum > gone {
            for (_, part) in &mut self.parts {
                *part = scale(*part, gone, sum);
            }
            self.parts.retain(|(_, part)| *part > 0);
        }
    }

    /// This one was waited for, for so long.
    pub(crate) fn add(&mut self, membership: T, micros: u64) {
        if let Some((_, part)) = self.parts.iter_mut().find(|(one, _)| *one == membership) {
            *part = part.saturating_add(micros);
            return;
        }
        if self.parts.len() == MOST
            && let Some(least) = (0..MOST).min_by_key(|place| self.parts[*place].1)
        {
            self.parts.swap_remove(least);
        }
        self.parts.push((membership, micros));
    }

    /// Takes all of them, the one with the greatest part first.
    pub(crate) fn take(&mut self) -> Vec<T> {
        let mut parts = std::mem::take(&mut self.parts);
        parts.sort_by_key(|(_, part)| std::cmp::Reverse(*part));
        parts.into_iter().map(|(membership, _)| membership).collect()
    }
}

/// `part * gone / sum`, which is at most `part`.
fn scale(part: u64, gone: u64, sum: u64) -> u64 {
    u64::try_from(u128::from(part) * u128::from(gone) / u128::from(sum)).unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_part_comes_first() {
        let mut blame = Blame::default();
        for (who, micros) in [('a', 30), ('b', 40), ('a', 20), ('c', 0)] {
            blame.add(who, micros);
        }
        assert_eq!(blame.take(), ['a', 'b', 'c']);
        assert!(blame.take().is_empty());
    }

    #[test]
    fn what_comes_back_comes_back_to_all() {
        let mut blame = Blame::default();
        blame.add('a', 4000);
        blame.add('b', 1000);
        blame.shrink(5000);
        assert_eq!(blame.parts, [('a', 4000), ('b', 1000)]);
        blame.shrink(1000);
        assert_eq!(blame.parts, [('a', 800), ('b', 200)]);
        // often a little, long ago, is less than much now
        blame.add('b', 700);
        assert_eq!(blame.take(), ['b', 'a']);
        blame.add('a', u64::MAX);
        blame.add('b', u64::MAX);
        blame.shrink(0);
        assert!(blame.take().is_empty());
    }

    #[test]
    fn few_are_remembered() {
        let mut blame = Blame::default();
        for who in 0..1000u64 {
            blame.add(who, if who == 3 { 9 } else { 1 + who % 2 });
            assert!(blame.parts.len() <= MOST);
        }
        let all = blame.take();
        assert_eq!((all.len(), all[0]), (MOST, 3));
        assert!(all.contains(&999), "the last one has its place");
    }
}
