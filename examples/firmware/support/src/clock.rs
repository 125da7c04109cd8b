//! Milliseconds since start, and sleep.

use core::cell::Cell;

use cortex_m::asm::wfi;
use cortex_m::interrupt::{self, CriticalSection, InterruptNumber, Mutex};
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SYST};
use cortex_m_rt::exception;
use peote_net::time::Instant;

static MILLIS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

#[exception]
fn SysTick() {
    interrupt::free(|section| {
        let millis = MILLIS.borrow(section);
        millis.set(millis.get().wrapping_add(1));
    });
}

/// Milliseconds since the clock was started; 0 before that.
#[must_use]
pub fn now() -> Instant {
    Instant::from_millis(interrupt::free(|section| MILLIS.borrow(section).get()))
}

/// The clock, which has been started.
#[derive(Clone, Copy, Debug)]
pub struct Clock(());

impl Clock {
    /// Starts it. `core_hertz`: the frequency of the processor.
    #[must_use]
    pub fn start(mut tick: SYST, core_hertz: u32) -> Self {
        tick.set_clock_source(SystClkSource::Core);
        tick.set_reload(core_hertz / 1000 - 1);
        tick.clear_current();
        tick.enable_counter();
        tick.enable_interrupt();
        Self(())
    }

    /// Milliseconds since the clock was started.
    #[must_use]
    pub fn now(self) -> Instant {
        now()
    }

    /// Stops the processor until `deadline` has come (`None`: no deadline), or there is something
    /// to do.
    ///
    /// `device` is asked with interrupts off, so that nothing is missed between the question and
    /// `wfi`.
    pub fn sleep(self, deadline: Option<Instant>, device: &mut impl Wake) {
        loop {
            let is_over = deadline.is_some_and(|deadline| deadline <= now());
            if is_over || interrupt::free(|section| wait(device, section)) {
                return;
            }
        }
    }
}

/// Waits for the next interrupt, with interrupts off: it ends the waiting, and is served once they
/// are on again. Says whether `device` is ready.
fn wait<W: Wake>(device: &mut W, _: &CriticalSection) -> bool {
    if device.is_ready() {
        return true;
    }
    let interrupt = Interrupt(W::INTERRUPT);
    // SAFETY: interrupts are off here and this one is forbidden again before they are on, so no
    // handler runs, and no critical section is broken.
    #[expect(unsafe_code, reason = "lets the device end the sleep")]
    unsafe {
        NVIC::unmask(interrupt);
    }
    wfi();
    NVIC::mask(interrupt);
    device.acknowledge();
    NVIC::unpend(interrupt);
    device.is_ready()
}

#[derive(Clone, Copy)]
struct Interrupt(u16);

// SAFETY: it is the number that the board's device has, and never changes.
#[expect(unsafe_code, reason = "says which interrupt it is")]
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

/// A device whose interrupt ends a sleep. It needs no interrupt handler: the interrupt is allowed
/// only while no handler can run.
pub trait Wake {
    /// The number of its interrupt on this microcontroller.
    const INTERRUPT: u16;

    /// Whether it has something for the program.
    fn is_ready(&mut self) -> bool;
    /// Makes it ask for no interrupt until something new comes.
    fn acknowledge(&mut self);
}
