//! A driver of embassy-net as a device of smoltcp.

use core::fmt;
use core::task::{Context, Waker};

use embassy_net_driver as embassy;
use embassy_net_driver::{Driver, LinkState};
use smoltcp::phy::{Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
#[cfg(feature = "ethernet")]
use smoltcp::wire::EthernetAddress;
use smoltcp::wire::HardwareAddress;

/// A driver of embassy-net as a device of smoltcp, for a `Stack` (feature `stack`) or an interface
/// of one's own.
///
/// Drivers of this kind (the trait [`Driver`] of the crate `embassy-net-driver`) are those of
/// esp-radio, of the Pico W's radio (`cyw43`), of STM32's Ethernet (`embassy-stm32`), of W5500 and
/// ENC28J60, of PPP. No executor is needed for the device itself. Some drivers have a task of their
/// own beside it (`cyw43`, W5500, PPP), which does need one.
///
/// The driver tells a [`Waker`] when a frame may have come, when there is room to send one, and
/// when the network goes or comes. Without [`set_waker`](Self::set_waker) no waker is called. That
/// is enough for a loop that an interrupt wakes.
///
/// ```
/// use embassy_net_driver::Driver;
/// use peote_net::time::Instant;
/// use peote_net_smoltcp::{Addressing, Config, ConfigError, DriverDevice, RelayAddress, Stack};
/// use peote_net_smoltcp::StackMemory;
///
/// fn stack<'a>(
///     device: &mut DriverDevice<impl Driver>,
///     memory: &'a mut StackMemory<'a, 1460, 1460>,
///     addressing: Addressing,
///     relay: RelayAddress,
///     now: Instant,
/// ) -> Result<Stack<'a>, ConfigError> {
///     let address = device.hardware_address().ok_or(ConfigError::WrongMedium)?;
///     let mut stack = Stack::new(memory, Config::new(address, addressing, relay, 1), device, now)?;
///     // again in each turn: the cable, the radio
///     stack.set_network_up(device.is_up(), now);
///     Ok(stack)
/// }
/// ```
pub struct DriverDevice<D> {
    driver: D,
    /// `None`: no task is woken.
    waker: Option<Waker>,
}

impl<D> DriverDevice<D> {
    /// A device over `driver`. It wakes no task.
    pub const fn new(driver: D) -> Self {
        Self { driver, waker: None }
    }

    /// Sets who is woken when the driver has something new. Holds from the next turn on, and until
    /// it is set again.
    pub fn set_waker(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(present) => present.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
    }

    /// The driver.
    pub const fn driver(&mut self) -> &mut D {
        &mut self.driver
    }

    /// The driver, and what it is woken through.
    fn parts(&mut self) -> (&mut D, Context<'_>) {
        let waker = self.waker.as_ref().unwrap_or(Waker::noop());
        (&mut self.driver, Context::from_waker(waker))
    }
}

impl<D: Driver> DriverDevice<D> {
    /// Returns whether the cable is in or the radio has joined, for
    /// `Stack::set_network_up`.
    pub fn is_up(&mut self) -> bool {
        let (driver, mut context) = self.parts();
        driver.link_state(&mut context) == LinkState::Up
    }

    /// Returns the driver's address, for `Config`. `None`: it is of a kind that is not compiled in
    /// (features `ethernet`, `ip`), or not supported here (IEEE 802.15.4).
    #[must_use]
    pub fn hardware_address(&self) -> Option<HardwareAddress> {
        match self.driver.hardware_address() {
            #[cfg(feature = "ethernet")]
            embassy::HardwareAddress::Ethernet(address) => Some(EthernetAddress(address).into()),
            #[cfg(feature = "ip")]
            embassy::HardwareAddress::Ip => Some(HardwareAddress::Ip),
            _ => None,
        }
    }
}

impl<D: Driver> Device for DriverDevice<D> {
    type RxToken<'a>
        = Received<D::RxToken<'a>>
    where
        Self: 'a;
    type TxToken<'a>
        = ToSend<D::TxToken<'a>>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        let (driver, mut context) = self.parts();
        let (received, to_send) = driver.receive(&mut context)?;
        Some((Received(received), ToSend(to_send)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Self::TxToken<'_>> {
        let (driver, mut context) = self.parts();
        driver.transmit(&mut context).map(ToSend)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let of_driver = self.driver.capabilities();
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = of_driver.max_transmission_unit;
        capabilities.max_burst_size = of_driver.max_burst_size;
        capabilities.checksum = checksums(&of_driver.checksum);
        capabilities.medium = match self.driver.hardware_address() {
            #[cfg(feature = "ip")]
            embassy::HardwareAddress::Ip => Medium::Ip,
            #[cfg(feature = "ethernet")]
            _ => Medium::Ethernet,
            #[cfg(not(feature = "ethernet"))]
            _ => Medium::default(),
        };
        capabilities
    }
}

/// What the driver leaves to smoltcp. Both name what smoltcp has to do.
fn checksums(of_driver: &embassy::ChecksumCapabilities) -> ChecksumCapabilities {
    const fn same(checksum: embassy::Checksum) -> Checksum {
        match checksum {
            embassy::Checksum::Both => Checksum::Both,
            embassy::Checksum::Rx => Checksum::Rx,
            embassy::Checksum::Tx => Checksum::Tx,
            embassy::Checksum::None => Checksum::None,
        }
    }
    let mut checksums = ChecksumCapabilities::default();
    checksums.tcp = same(of_driver.tcp);
    checksums.udp = same(of_driver.udp);
    #[cfg(feature = "ipv4")]
    {
        checksums.ipv4 = same(of_driver.ipv4);
        checksums.icmpv4 = same(of_driver.icmpv4);
    }
    #[cfg(feature = "ipv6")]
    {
        checksums.icmpv6 = same(of_driver.icmpv6);
    }
    checksums
}

/// A frame that has come.
#[derive(Debug)]
pub struct Received<T>(T);

/// The permission to send one.
#[derive(Debug)]
pub struct ToSend<T>(T);

impl<T: embassy::RxToken> RxToken for Received<T> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        self.0.consume(|frame| read(frame))
    }
}

impl<T: embassy::TxToken> TxToken for ToSend<T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        self.0.consume(len, write)
    }
}

impl<D> fmt::Debug for DriverDevice<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverDevice").finish_non_exhaustive()
    }
}
