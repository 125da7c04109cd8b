//! A polled Ethernet controller as a device of smoltcp.

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;

use crate::clock::Wake;

/// Bytes of an Ethernet header.
pub const HEADER: usize = 14;
/// Bytes of the checksum behind a frame, which the controllers add and check.
const CHECKSUM: usize = 4;
/// The longest frame, without its checksum.
pub const MAX_FRAME: usize = 1514;

/// What a board's Ethernet controller can do. Frames have no checksum (FCS) here.
pub trait Mac: Wake {
    /// The controller's address.
    fn address(&self) -> EthernetAddress;
    /// Takes a frame out of the controller and says how long it is; `None` if there is none, or it
    /// was damaged or longer than the buffer.
    fn receive(&mut self, frame: &mut [u8; MAX_FRAME]) -> Option<usize>;
    /// Whether a frame of the greatest length can be sent now.
    fn can_transmit(&mut self) -> bool;
    /// Sends a frame.
    fn transmit(&mut self, frame: &[u8]);
}

/// A controller together with room for one frame in each direction.
#[derive(Debug)]
pub struct Ethernet<M> {
    mac: M,
    received: [u8; MAX_FRAME],
    to_send: [u8; MAX_FRAME],
}

impl<M: Mac> Ethernet<M> {
    /// The device of a controller.
    #[must_use]
    pub const fn new(mac: M) -> Self {
        Self { mac, received: [0; MAX_FRAME], to_send: [0; MAX_FRAME] }
    }

    /// The controller's address.
    #[must_use]
    pub fn address(&self) -> EthernetAddress {
        self.mac.address()
    }
}

impl<M: Mac> Wake for Ethernet<M> {
    const INTERRUPT: u16 = M::INTERRUPT;

    fn is_ready(&mut self) -> bool {
        self.mac.is_ready()
    }

    fn acknowledge(&mut self) {
        self.mac.acknowledge();
    }
}

impl<M: Mac> Device for Ethernet<M> {
    type RxToken<'a>
        = Received<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = ToSend<'a, M>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, ToSend<'_, M>)> {
        // an answer may follow at once
        if !self.mac.can_transmit() {
            return None;
        }
        let len = self.mac.receive(&mut self.received)?;
        let frame = self.received.get(..len)?;
        Some((Received(frame), ToSend { mac: &mut self.mac, buffer: &mut self.to_send }))
    }

    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_, M>> {
        self.mac.can_transmit().then_some(ToSend { mac: &mut self.mac, buffer: &mut self.to_send })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME;
        // smoltcp keeps the TCP window below this many segments. The controllers have room for so
        // many frames at least.
        capabilities.max_burst_size = Some(6);
        capabilities
    }
}

/// A frame that has come.
#[derive(Debug)]
pub struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// Room for a frame to be sent.
#[derive(Debug)]
pub struct ToSend<'a, M> {
    mac: &'a mut M,
    buffer: &'a mut [u8; MAX_FRAME],
}

impl<M: Mac> phy::TxToken for ToSend<'_, M> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let frame = &mut self.buffer[..len];
        let result = f(frame);
        self.mac.transmit(frame);
        result
    }
}

/// How long a frame is that has so many bytes with its checksum; `None` if no frame has.
#[must_use]
pub fn frame_len(with_checksum: usize) -> Option<usize> {
    with_checksum.checked_sub(CHECKSUM).filter(|len| (HEADER..=MAX_FRAME).contains(len))
}

/// Takes `count` words out of a controller, first byte first. What `frame` has no room for is taken
/// as well, or the next frame would begin in the middle of this one.
pub fn take_words(frame: &mut [u8], count: usize, mut next: impl FnMut() -> u32) {
    let mut at = 0;
    for _ in 0..count {
        let word = next().to_le_bytes();
        if let Some(rest) = frame.get_mut(at..) {
            let len = rest.len().min(word.len());
            rest[..len].copy_from_slice(&word[..len]);
        }
        at += word.len();
    }
}

/// Bytes as words, first byte first, as both controllers have them.
pub fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_le_bytes(word)
    })
}
