//! The board lm3s6965evb: a Cortex-M3 with 256 KB of flash, 64 KB of RAM, an Ethernet controller
//! and UARTs.
//!
//! As QEMU has it: clocks are as after reset. A real board needs its PLL and the controller's clock
//! switched on first.
#![no_std]

mod mac;
mod uart;

pub use mac::StellarisMac;
pub use uart::Uart;

use firmware_support::Clock;

/// The processor's frequency after reset, as QEMU has it.
const CORE_HERTZ: u32 = 12_500_000;

/// What is on the board.
#[derive(Debug)]
pub struct Board {
    /// The running clock.
    pub clock: Clock,
    /// The Ethernet controller.
    pub mac: StellarisMac,
    /// The first UART.
    pub uart: Uart,
}

impl Board {
    /// The board, once.
    #[must_use]
    pub fn take() -> Option<Self> {
        let core = cortex_m::Peripherals::take()?;
        Some(Self {
            clock: Clock::start(core.SYST, CORE_HERTZ),
            mac: StellarisMac::new(),
            uart: Uart::new(CORE_HERTZ),
        })
    }
}
