//! A port of the hub as a driver of embassy-net.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Waker};

use embassy_net_driver::{
    Capabilities, ChecksumCapabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken,
};
use smoltcp::phy::{Device as _, Medium, RxToken as _, TxToken as _};

use crate::hub::{Frame, Hub, Port, Sending};

pub(crate) const ETHERNET: HardwareAddress = HardwareAddress::Ethernet([2, 0, 0, 0, 0, 1]);

/// A port of the hub with embassy-net's trait.
pub(crate) struct PortDriver {
    pub(crate) port: Port,
    address: HardwareAddress,
    pub(crate) link_state: LinkState,
    /// What it says that smoltcp has to do about checksums.
    pub(crate) checksum: ChecksumCapabilities,
    /// Who asked last without getting something.
    waker: Rc<RefCell<Option<Waker>>>,
}

impl PortDriver {
    pub(crate) fn new(hub: &Hub, address: HardwareAddress) -> Self {
        let checksum = ChecksumCapabilities::default();
        let port = hub.port(Medium::Ethernet);
        Self { port, address, link_state: LinkState::Up, checksum, waker: Rc::default() }
    }

    /// What causes the driver's interrupt.
    pub(crate) fn interrupt(&self) -> Interrupt {
        Interrupt(Rc::clone(&self.waker))
    }
}

/// What happens when the driver's interrupt does.
#[derive(Clone)]
pub(crate) struct Interrupt(Rc<RefCell<Option<Waker>>>);

impl Interrupt {
    pub(crate) fn happens(&self) {
        if let Some(waker) = self.0.borrow_mut().take() {
            waker.wake();
        }
    }
}

pub(crate) struct Received(Frame);
pub(crate) struct ToSend<'a>(Sending<'a>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, read: F) -> R {
        self.0.consume(|frame| read(&mut frame.to_vec()))
    }
}

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        self.0.consume(len, write)
    }
}

impl Driver for PortDriver {
    type RxToken<'a> = Received;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, context: &mut Context<'_>) -> Option<(Received, ToSend<'_>)> {
        let Some((frame, sending)) = self.port.receive(smoltcp::time::Instant::ZERO) else {
            *self.waker.borrow_mut() = Some(context.waker().clone());
            return None;
        };
        Some((Received(frame), ToSend(sending)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<ToSend<'_>> {
        self.port.transmit(smoltcp::time::Instant::ZERO).map(ToSend)
    }

    fn link_state(&mut self, context: &mut Context<'_>) -> LinkState {
        *self.waker.borrow_mut() = Some(context.waker().clone());
        self.link_state
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = 1514;
        capabilities.max_burst_size = Some(1);
        capabilities.checksum = self.checksum.clone();
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        self.address
    }
}
