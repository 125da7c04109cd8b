//! The board's first serial port (PL011) as a transport, polled.

use core::convert::Infallible;

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};

const DATA: *mut u32 = 0x4000_C000 as *mut u32;
const FLAGS: *const u32 = 0x4000_C018 as *const u32;
const CONTROL: *mut u32 = 0x4000_C030 as *mut u32;

/// Nothing to be read.
const RECEIVE_EMPTY: u32 = 1 << 4;
/// No room to be written to.
const TRANSMIT_FULL: u32 = 1 << 5;
/// The port, its receiver and its transmitter are on.
const ENABLED: u32 = 1 | 1 << 8 | 1 << 9;

/// The port. As QEMU has it, the speed need not be set.
pub struct Uart(());

impl Uart {
    /// The port, switched on.
    pub fn start() -> Self {
        // SAFETY: the register is the port's, and nobody else in the image touches it.
        unsafe { CONTROL.write_volatile(ENABLED) };
        Self(())
    }

    fn is_set(flag: u32) -> bool {
        // SAFETY: as above; reading flags changes nothing.
        unsafe { FLAGS.read_volatile() & flag != 0 }
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!Self::is_set(RECEIVE_EMPTY))
    }
}

impl WriteReady for Uart {
    fn write_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!Self::is_set(TRANSMIT_FULL))
    }
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let mut count = 0;
        for place in buffer {
            if Self::is_set(RECEIVE_EMPTY) {
                break;
            }
            // SAFETY: as above; a byte has come.
            *place = unsafe { DATA.read_volatile() } as u8;
            count += 1;
        }
        Ok(count)
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let mut count = 0;
        for byte in bytes {
            if Self::is_set(TRANSMIT_FULL) {
                break;
            }
            // SAFETY: as above; there is room for a byte.
            unsafe { DATA.write_volatile(u32::from(*byte)) };
            count += 1;
        }
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
