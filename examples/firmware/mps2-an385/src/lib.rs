//! The board mps2-an385: a Cortex-M3 in an FPGA, with 4 MB for code, 4 MB of RAM and a LAN9118
//! Ethernet controller.
#![no_std]

mod mac;

pub use mac::Lan9118;

use firmware_support::Clock;

/// The processor's frequency.
const CORE_HERTZ: u32 = 25_000_000;

/// What is on the board.
#[derive(Debug)]
pub struct Board {
    /// The running clock.
    pub clock: Clock,
    /// The Ethernet controller.
    pub mac: Lan9118,
}

impl Board {
    /// The board, once.
    #[must_use]
    pub fn take() -> Option<Self> {
        let core = cortex_m::Peripherals::take()?;
        Some(Self { clock: Clock::start(core.SYST, CORE_HERTZ), mac: Lan9118::new() })
    }
}
