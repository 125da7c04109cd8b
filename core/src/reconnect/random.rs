//! Numbers that look random, for jitter only.

/// `SplitMix64` (Steele, Lea and Flood 2014): good from any seed on, also from 0, and 8 bytes of
/// state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `greatest`, both included, all about equally probable.
    pub(super) const fn up_to(&mut self, greatest: u32) -> u32 {
        // a fraction of 32 bits, times how many numbers there are; no division
        let fraction = self.next() >> 32;
        (fraction.wrapping_mul((greatest as u64).wrapping_add(1)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers that the authors' own program gives from this seed.
    #[test]
    fn the_known_sequence() {
        let mut random = Random::new(1_234_567);
        let numbers = [random.next(), random.next(), random.next()];
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn within_bounds_and_reaching_them() {
        let mut random = Random::new(0);
        let mut seen = [0; 4];
        for _ in 0..1000 {
            seen[usize::try_from(random.up_to(3)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| count > 150), "{seen:?}");
        assert_eq!(random.up_to(0), 0);
        let greatest = (0..100).map(|_| random.up_to(u32::MAX)).max();
        assert!(greatest > Some(u32::MAX / 2));
    }
}
