//! The Ethernet controller of the Stellaris family (LM3S6965 data sheet, chapter "Ethernet
//! Controller").

use firmware_support::clock::Wake;
use firmware_support::ethernet::{HEADER, MAX_FRAME, Mac, frame_len, take_words, words};
use smoltcp::wire::EthernetAddress;
use tock_registers::interfaces::{Readable, Writeable};
use tock_registers::registers::{ReadOnly, ReadWrite};
use tock_registers::{register_bitfields, register_structs};

register_structs! {
    Registers {
        /// Raw interrupt status; writing acknowledges.
        (0x00 => interrupts: ReadWrite<u32, INTERRUPT::Register>),
        (0x04 => interrupt_mask: ReadWrite<u32, INTERRUPT::Register>),
        (0x08 => receive_control: ReadWrite<u32, RECEIVE::Register>),
        (0x0c => transmit_control: ReadWrite<u32, TRANSMIT::Register>),
        (0x10 => data: ReadWrite<u32>),
        /// Bytes 0 to 3 of the address.
        (0x14 => address_low: ReadOnly<u32>),
        /// Bytes 4 and 5 of the address.
        (0x18 => address_high: ReadOnly<u32>),
        (0x1c => _other),
        /// Frames in the receive FIFO.
        (0x34 => frames: ReadOnly<u32>),
        (0x38 => transmission: ReadWrite<u32, TRANSMISSION::Register>),
        (0x3c => @END),
    }
}

register_bitfields! {u32,
    INTERRUPT [
        RECEIVED OFFSET(0) NUMBITS(1),
    ],
    RECEIVE [
        ENABLE OFFSET(0) NUMBITS(1),
        REJECT_BAD_CHECKSUM OFFSET(3) NUMBITS(1),
        RESET_FIFO OFFSET(4) NUMBITS(1),
    ],
    TRANSMIT [
        ENABLE OFFSET(0) NUMBITS(1),
        PAD OFFSET(1) NUMBITS(1),
        ADD_CHECKSUM OFFSET(2) NUMBITS(1),
        FULL_DUPLEX OFFSET(4) NUMBITS(1),
    ],
    TRANSMISSION [
        START OFFSET(0) NUMBITS(1),
    ],
}

/// Bytes of the length field in front of a received frame.
const LENGTH: usize = 2;

/// The Ethernet controller.
pub struct StellarisMac {
    registers: &'static Registers,
}

impl core::fmt::Debug for StellarisMac {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StellarisMac").field("address", &self.address()).finish()
    }
}

impl StellarisMac {
    /// Starts the controller. Only the board does so, and only once.
    pub(crate) fn new() -> Self {
        // SAFETY: the controller's registers are at this address on this microcontroller, aligned
        // and always there; all access is volatile, through this reference alone.
        #[expect(unsafe_code, reason = "the address of the registers")]
        let registers = unsafe { &*(0x4004_8000 as *const Registers) };
        registers.receive_control.write(RECEIVE::RESET_FIFO::SET);
        registers.receive_control.write(RECEIVE::ENABLE::SET + RECEIVE::REJECT_BAD_CHECKSUM::SET);
        registers.transmit_control.write(
            TRANSMIT::ENABLE::SET
                + TRANSMIT::PAD::SET
                + TRANSMIT::ADD_CHECKSUM::SET
                + TRANSMIT::FULL_DUPLEX::SET,
        );
        registers.interrupt_mask.write(INTERRUPT::RECEIVED::SET);
        Self { registers }
    }
}

impl Wake for StellarisMac {
    const INTERRUPT: u16 = 42;

    fn is_ready(&mut self) -> bool {
        self.registers.frames.get() > 0
    }

    fn acknowledge(&mut self) {
        self.registers.interrupts.write(INTERRUPT::RECEIVED::SET);
    }
}

impl Mac for StellarisMac {
    fn address(&self) -> EthernetAddress {
        let [a, b, c, d] = self.registers.address_low.get().to_le_bytes();
        let [e, f, ..] = self.registers.address_high.get().to_le_bytes();
        EthernetAddress([a, b, c, d, e, f])
    }

    fn receive(&mut self, frame: &mut [u8; MAX_FRAME]) -> Option<usize> {
        if !self.is_ready() {
            return None;
        }
        // The first word: two bytes of length (of all that is in the FIFO), then the frame's first
        // two bytes.
        let [low, high, first, second] = self.registers.data.get().to_le_bytes();
        let in_fifo = usize::from(u16::from_le_bytes([low, high]));
        [frame[0], frame[1]] = [first, second];
        take_words(&mut frame[2..], in_fifo.div_ceil(4).saturating_sub(1), || self.registers.data.get());
        in_fifo.checked_sub(LENGTH).and_then(frame_len)
    }

    fn can_transmit(&mut self) -> bool {
        !self.registers.transmission.is_set(TRANSMISSION::START)
    }

    fn transmit(&mut self, frame: &[u8]) {
        let Some((head, rest)) = frame.split_at_checked(2) else { return };
        // the controller does not count the header
        let payload = u32::try_from(frame.len().saturating_sub(HEADER)).unwrap_or(0);
        let first = u32::from(u16::from_le_bytes([head[0], head[1]]));
        self.registers.data.set(payload | first << 16);
        words(rest).for_each(|word| self.registers.data.set(word));
        self.registers.transmission.write(TRANSMISSION::START::SET);
    }
}
