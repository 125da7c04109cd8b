//! The first UART of the Stellaris family (LM3S6965 data sheet, chapter "Universal Asynchronous
//! Receivers/Transmitters").

use core::convert::Infallible;

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use firmware_support::clock::Wake;
use tock_registers::interfaces::{Readable, Writeable};
use tock_registers::registers::{ReadOnly, ReadWrite, WriteOnly};
use tock_registers::{register_bitfields, register_structs};

register_structs! {
    Registers {
        (0x00 => data: ReadWrite<u32>),
        (0x04 => _errors),
        (0x18 => flags: ReadOnly<u32, FLAGS::Register>),
        (0x1c => _power),
        (0x24 => divisor: ReadWrite<u32>),
        (0x28 => fraction: ReadWrite<u32>),
        (0x2c => line: ReadWrite<u32, LINE::Register>),
        (0x30 => control: ReadWrite<u32, CONTROL::Register>),
        (0x34 => _level),
        (0x38 => interrupt_mask: ReadWrite<u32, INTERRUPT::Register>),
        (0x3c => _status),
        (0x44 => interrupt_clear: WriteOnly<u32, INTERRUPT::Register>),
        (0x48 => @END),
    }
}

register_bitfields! {u32,
    FLAGS [
        RECEIVE_EMPTY OFFSET(4) NUMBITS(1),
        TRANSMIT_FULL OFFSET(5) NUMBITS(1),
    ],
    LINE [
        FIFO OFFSET(4) NUMBITS(1) [],
        WORD_LENGTH OFFSET(5) NUMBITS(2) [Eight = 3],
    ],
    CONTROL [
        ENABLE OFFSET(0) NUMBITS(1),
        TRANSMIT OFFSET(8) NUMBITS(1),
        RECEIVE OFFSET(9) NUMBITS(1),
    ],
    INTERRUPT [
        RECEIVED OFFSET(4) NUMBITS(1),
        RECEIVE_TIMEOUT OFFSET(6) NUMBITS(1),
    ],
}

/// The UART: 115,200 baud, 8 data bits, one stop bit.
pub struct Uart {
    registers: &'static Registers,
}

impl core::fmt::Debug for Uart {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Uart").finish()
    }
}

impl Uart {
    /// Starts the UART. Only the board does so, and only once.
    pub(crate) fn new(core_hertz: u32) -> Self {
        // SAFETY: the UART's registers are at this address on this microcontroller, aligned and
        // always there; all access is volatile, through this reference alone.
        #[expect(unsafe_code, reason = "the address of the registers")]
        let registers = unsafe { &*(0x4000_c000 as *const Registers) };
        // in 64ths of 16 times the speed
        let divisor = core_hertz * 4 / 115_200;
        registers.divisor.set(divisor / 64);
        registers.fraction.set(divisor % 64);
        registers.line.write(LINE::FIFO::SET + LINE::WORD_LENGTH::Eight);
        registers.control.write(CONTROL::ENABLE::SET + CONTROL::TRANSMIT::SET + CONTROL::RECEIVE::SET);
        registers.interrupt_mask.write(INTERRUPT::RECEIVED::SET + INTERRUPT::RECEIVE_TIMEOUT::SET);
        Self { registers }
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.registers.flags.is_set(FLAGS::RECEIVE_EMPTY))
    }
}

impl Read for Uart {
    /// Waits for the first byte. What was damaged is handed on: the serial line's check finds it.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let mut count = 0;
        for place in buffer {
            while count == 0 && !self.read_ready()? {}
            if !self.read_ready()? {
                break;
            }
            *place = self.registers.data.get().to_le_bytes()[0];
            count += 1;
        }
        Ok(count)
    }
}

impl WriteReady for Uart {
    fn write_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.registers.flags.is_set(FLAGS::TRANSMIT_FULL))
    }
}

impl Write for Uart {
    /// Waits for room for the first byte.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let mut count = 0;
        for &byte in bytes {
            while count == 0 && !self.write_ready()? {}
            if !self.write_ready()? {
                break;
            }
            self.registers.data.set(byte.into());
            count += 1;
        }
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Wake for Uart {
    const INTERRUPT: u16 = 5;

    fn is_ready(&mut self) -> bool {
        !self.registers.flags.is_set(FLAGS::RECEIVE_EMPTY)
    }

    fn acknowledge(&mut self) {
        self.registers.interrupt_clear.write(INTERRUPT::RECEIVED::SET + INTERRUPT::RECEIVE_TIMEOUT::SET);
    }
}
