//! The clock that counts instructions in QEMU.

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

/// The board's timer, which counts down.
pub struct Timer(SYST);

impl Timer {
    const TOP: u32 = 0xff_ffff;

    /// Starts the timer.
    #[must_use]
    pub fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(Self::TOP);
        timer.clear_current();
        timer.enable_counter();
        Self(timer)
    }

    /// Returns how many ticks `work` takes.
    pub fn ticks(&self, work: impl FnOnce()) -> usize {
        let start = SYST::get_current();
        work();
        let end = SYST::get_current();
        let _ = &self.0;
        (start.wrapping_sub(end) & Self::TOP) as usize
    }
}
