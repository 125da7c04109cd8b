//! How long a relay may say nothing.

use crate::time::{Duration, Instant};

/// How long a relay may say nothing, unless
/// [`Link::set_silence_limit`](super::Link::set_silence_limit) says otherwise. Relays say something
/// every 5 s.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(20);

/// How long the relay may say nothing, in milliseconds; the greatest number for ever. The default
/// is coded as 0, so a link in a `static` lies in .bss.
#[derive(Clone, Copy, Debug)]
pub(super) struct SilenceLimit(u32);

impl SilenceLimit {
    /// [`SILENCE_LIMIT`].
    pub(super) const UNSET: Self = Self(0);

    #[expect(clippy::cast_possible_truncation, reason = "20 s")]
    const DEFAULT: u32 = SILENCE_LIMIT.as_millis() as u32;

    #[expect(clippy::cast_possible_truncation, reason = "what is too long is for ever")]
    pub(super) const fn new(limit: Option<Duration>) -> Self {
        let millis = match limit {
            Some(limit) if limit.as_millis() < u32::MAX as u64 => limit.as_millis() as u32,
            _ => u32::MAX,
        };
        Self(millis ^ Self::DEFAULT)
    }

    /// Returns when a relay that was heard last at `heard` will have been silent for too long.
    /// `interval` is how many seconds the relay says that it is silent for at most; 0 if it does
    /// not.
    pub(super) fn after(self, heard: Instant, interval: u32) -> Instant {
        if self.0 == 0 && interval > 0 {
            return heard.saturating_add(Duration::from_secs(u64::from(interval).saturating_mul(4)));
        }
        match self.0 ^ Self::DEFAULT {
            u32::MAX => Instant::MAX,
            millis => heard.saturating_add(Duration::from_millis(millis.into())),
        }
    }
}
