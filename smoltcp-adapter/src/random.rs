//! A little randomness, for local ports.

/// Marsaglia's xorshift of 32 bits. Not for secrets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random(u32);

impl Random {
    #[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
    pub(crate) const fn new(seed: u64) -> Self {
        // seeds that differ in one bit must not begin alike: a round of murmur's mixing
        let mut mixed = (seed as u32) ^ ((seed >> 32) as u32).rotate_left(16);
        mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x85EB_CA6B);
        mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xC2B2_AE35);
        // of zero nothing comes but zero
        Self(if mixed == 0 { 1 } else { mixed })
    }

    /// The next 16 bits.
    pub(crate) const fn next(&mut self) -> u16 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 16) as u16
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn neighbouring_seeds_begin_differently() {
        let low: HashSet<u16> = (0..1000).map(|seed| Random::new(seed).next()).collect();
        assert!(low.len() > 950, "{}", low.len());
        let high: HashSet<u16> = (0..1000).map(|seed| Random::new(seed << 32).next()).collect();
        assert!(high.len() > 950, "{}", high.len());
    }

    #[test]
    fn goes_on_for_long() {
        let mut random = Random::new(0);
        let seen: HashSet<u16> = (0..100_000).map(|_| random.next()).collect();
        assert!(seen.len() > 45_000, "{}", seen.len());
    }
}
