//! The Ethernet controller LAN9118 (its data sheet is by SMSC, now Microchip).

use firmware_support::clock::Wake;
use firmware_support::ethernet::{MAX_FRAME, Mac, frame_len, take_words, words};
use smoltcp::wire::EthernetAddress;
use tock_registers::interfaces::{Readable, Writeable};
use tock_registers::registers::{ReadOnly, ReadWrite, WriteOnly};
use tock_registers::{LocalRegisterCopy, register_bitfields, register_structs};

register_structs! {
    Registers {
        (0x00 => received_data: ReadOnly<u32>),
        (0x04 => _received_data_aliases),
        (0x20 => data_to_send: WriteOnly<u32>),
        (0x24 => _data_to_send_aliases),
        (0x40 => receive_status: ReadOnly<u32, RECEIVE_STATUS::Register>),
        (0x44 => _receive_status_peek),
        (0x48 => transmit_status: ReadOnly<u32>),
        (0x4c => _other_1),
        (0x54 => interrupt_configuration: ReadWrite<u32, INTERRUPT_CONFIGURATION::Register>),
        (0x58 => interrupts: ReadWrite<u32, INTERRUPT::Register>),
        (0x5c => interrupt_enable: ReadWrite<u32, INTERRUPT::Register>),
        (0x60 => _other_2),
        (0x68 => fifo_levels: ReadWrite<u32>),
        (0x6c => receive_configuration: ReadWrite<u32>),
        (0x70 => transmit_configuration: ReadWrite<u32, TRANSMIT_CONFIGURATION::Register>),
        (0x74 => hardware_configuration: ReadWrite<u32, HARDWARE_CONFIGURATION::Register>),
        (0x78 => _other_3),
        (0x7c => receive_fifo: ReadOnly<u32, RECEIVE_FIFO::Register>),
        (0x80 => transmit_fifo: ReadOnly<u32, TRANSMIT_FIFO::Register>),
        (0x84 => _other_4),
        (0xa4 => mac_command: ReadWrite<u32, MAC_COMMAND::Register>),
        (0xa8 => mac_data: ReadWrite<u32>),
        (0xac => @END),
    }
}

register_bitfields! {u32,
    RECEIVE_STATUS [
        /// The frame is damaged, or too long.
        ERROR OFFSET(15) NUMBITS(1),
        /// Bytes, checksum included.
        LENGTH OFFSET(16) NUMBITS(14),
    ],
    INTERRUPT_CONFIGURATION [
        PUSH_PULL OFFSET(0) NUMBITS(1),
        ACTIVE_HIGH OFFSET(4) NUMBITS(1),
        ENABLE OFFSET(8) NUMBITS(1),
    ],
    INTERRUPT [
        /// More frames have come than the level in `fifo_levels` says.
        RECEIVE_STATUS_LEVEL OFFSET(3) NUMBITS(1),
    ],
    TRANSMIT_CONFIGURATION [
        ENABLE OFFSET(1) NUMBITS(1),
    ],
    HARDWARE_CONFIGURATION [
        RESET OFFSET(0) NUMBITS(1),
        TRANSMIT_FIFO_KILOBYTES OFFSET(16) NUMBITS(4),
        MUST_BE_ONE OFFSET(20) NUMBITS(1),
    ],
    RECEIVE_FIFO [
        /// Frames in the receive FIFO.
        FRAMES OFFSET(16) NUMBITS(8),
    ],
    TRANSMIT_FIFO [
        FREE_BYTES OFFSET(0) NUMBITS(16),
        STATUSES OFFSET(16) NUMBITS(8),
    ],
    MAC_COMMAND [
        REGISTER OFFSET(0) NUMBITS(8),
        READ OFFSET(30) NUMBITS(1),
        BUSY OFFSET(31) NUMBITS(1),
    ],
    MAC_CONTROL [
        RECEIVE OFFSET(2) NUMBITS(1),
        TRANSMIT OFFSET(3) NUMBITS(1),
        FULL_DUPLEX OFFSET(20) NUMBITS(1),
    ],
    TRANSMIT_COMMAND [
        LENGTH OFFSET(0) NUMBITS(11),
        LAST_SEGMENT OFFSET(12) NUMBITS(1),
        FIRST_SEGMENT OFFSET(13) NUMBITS(1),
    ],
}

/// Registers of the MAC inside the controller, which are reached through `mac_command` and
/// `mac_data`.
#[derive(Clone, Copy)]
enum MacRegister {
    Control = 1,
    AddressHigh = 2,
    AddressLow = 3,
}

/// What a frame takes in the transmit FIFO at most: two command words, and the frame in whole
/// words.
const ROOM_FOR_A_FRAME: usize = 8 + MAX_FRAME.next_multiple_of(4);

/// The Ethernet controller.
pub struct Lan9118 {
    registers: &'static Registers,
}

impl core::fmt::Debug for Lan9118 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Lan9118").field("address", &self.address()).finish()
    }
}

impl Lan9118 {
    /// Starts the controller. Only the board does so, and only once.
    pub(crate) fn new() -> Self {
        // SAFETY: the controller's registers are at this address on this board, aligned and always
        // there; all access is volatile, through this reference alone.
        #[expect(unsafe_code, reason = "the address of the registers")]
        let registers = unsafe { &*(0x4020_0000 as *const Registers) };
        let this = Self { registers };
        registers.hardware_configuration.write(HARDWARE_CONFIGURATION::RESET::SET);
        while registers.hardware_configuration.is_set(HARDWARE_CONFIGURATION::RESET) {}
        registers.hardware_configuration.write(
            HARDWARE_CONFIGURATION::MUST_BE_ONE::SET + HARDWARE_CONFIGURATION::TRANSMIT_FIFO_KILOBYTES.val(5),
        );
        registers.receive_configuration.set(0);
        // one frame is more than level 0
        registers.fifo_levels.set(0);
        registers.interrupt_enable.write(INTERRUPT::RECEIVE_STATUS_LEVEL::SET);
        registers.interrupt_configuration.write(
            INTERRUPT_CONFIGURATION::ENABLE::SET
                + INTERRUPT_CONFIGURATION::ACTIVE_HIGH::SET
                + INTERRUPT_CONFIGURATION::PUSH_PULL::SET,
        );
        registers.transmit_configuration.write(TRANSMIT_CONFIGURATION::ENABLE::SET);
        let control = MAC_CONTROL::RECEIVE::SET + MAC_CONTROL::TRANSMIT::SET + MAC_CONTROL::FULL_DUPLEX::SET;
        this.write_mac(MacRegister::Control, control.value);
        this
    }

    fn mac_command(&self, register: MacRegister, is_read: bool) {
        self.registers.mac_command.write(
            MAC_COMMAND::BUSY::SET
                + MAC_COMMAND::READ.val(is_read.into())
                + MAC_COMMAND::REGISTER.val(register as u32),
        );
        while self.registers.mac_command.is_set(MAC_COMMAND::BUSY) {}
    }

    fn read_mac(&self, register: MacRegister) -> u32 {
        self.mac_command(register, true);
        self.registers.mac_data.get()
    }

    fn write_mac(&self, register: MacRegister, value: u32) {
        self.registers.mac_data.set(value);
        self.mac_command(register, false);
    }
}

impl Wake for Lan9118 {
    const INTERRUPT: u16 = 13;

    fn is_ready(&mut self) -> bool {
        self.registers.receive_fifo.read(RECEIVE_FIFO::FRAMES) > 0
    }

    fn acknowledge(&mut self) {
        self.registers.interrupts.write(INTERRUPT::RECEIVE_STATUS_LEVEL::SET);
    }
}

impl Mac for Lan9118 {
    fn address(&self) -> EthernetAddress {
        let [a, b, c, d] = self.read_mac(MacRegister::AddressLow).to_le_bytes();
        let [e, f, ..] = self.read_mac(MacRegister::AddressHigh).to_le_bytes();
        EthernetAddress([a, b, c, d, e, f])
    }

    fn receive(&mut self, frame: &mut [u8; MAX_FRAME]) -> Option<usize> {
        if !self.is_ready() {
            return None;
        }
        let status: LocalRegisterCopy<u32, RECEIVE_STATUS::Register> =
            self.registers.receive_status.extract();
        let in_fifo = status.read(RECEIVE_STATUS::LENGTH) as usize;
        take_words(frame, in_fifo.div_ceil(4), || self.registers.received_data.get());
        if status.is_set(RECEIVE_STATUS::ERROR) {
            return None;
        }
        frame_len(in_fifo)
    }

    fn can_transmit(&mut self) -> bool {
        // The controller stops when nobody takes the statuses of what it has sent.
        for _ in 0..self.registers.transmit_fifo.read(TRANSMIT_FIFO::STATUSES) {
            self.registers.transmit_status.get();
        }
        self.registers.transmit_fifo.read(TRANSMIT_FIFO::FREE_BYTES) as usize >= ROOM_FOR_A_FRAME
    }

    fn transmit(&mut self, frame: &[u8]) {
        let len = u32::try_from(frame.len()).unwrap_or(0);
        let command = TRANSMIT_COMMAND::FIRST_SEGMENT::SET
            + TRANSMIT_COMMAND::LAST_SEGMENT::SET
            + TRANSMIT_COMMAND::LENGTH.val(len);
        self.registers.data_to_send.set(command.value);
        self.registers.data_to_send.set(len);
        words(frame).for_each(|word| self.registers.data_to_send.set(word));
    }
}
