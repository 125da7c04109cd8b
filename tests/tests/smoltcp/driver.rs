//! A driver of embassy-net under the ready-made stack.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use embassy_net_driver::{Checksum, HardwareAddress, LinkState};
use peote_net::link::{Channel, Event, Mode};
use peote_net::time::Duration;
use peote_net_smoltcp::{Config, DriverDevice, Progress, RelayAddress, Stack, StackMemory};
use smoltcp::phy::{self, Device as _, Medium};
use smoltcp::wire;

use crate::device::{Device, SmallLink, fixed};
use crate::hub::{Faults, Hub};
use crate::machine::{Machine, endpoint};
use crate::port_driver::{ETHERNET, PortDriver};
use crate::relay::RelayMachine;

/// Enters a channel that another device serves, and hears what it said; over a driver whose cable
/// is out in between.
#[test]
fn a_link_over_a_driver_of_embassy_net() {
    let hub = Hub::new(Faults::NONE, 1);
    let mut device = DriverDevice::new(PortDriver::new(&hub, ETHERNET));
    let relay_address = RelayAddress::Endpoint(endpoint(2));
    let config = Config::new(device.hardware_address().unwrap(), fixed(1), relay_address, 1);
    let mut memory = StackMemory::<1460, 1460>::new();
    let mut stack = Stack::new(&mut memory, config, &mut device, hub.now()).unwrap();
    let mut link = SmallLink::new();
    let mut relay = RelayMachine::new(Machine::new(&hub, 2));
    let mut server = Device::new(&hub, 3, fixed(3), relay_address);
    server.link.out().create("echo", Mode::chunks(256)).unwrap();

    device.driver().link_state = LinkState::Down;
    let mut course = Vec::new();
    let mut heard = Vec::new();
    let mut entered = false;
    for turn in 0..10_000 {
        if turn == 20 {
            device.driver().link_state = LinkState::Up;
        }
        let now = hub.now();
        stack.set_network_up(device.is_up(), now);
        if stack.progress() == Progress::Connected && !entered && server.progress() == Progress::Connected {
            entered = link.out().enter("echo", Mode::chunks(256)).is_ok();
        }
        let result = stack.drive(&mut device, &mut link, now, |event, out| match event {
            Event::Opened { channel: Channel::Entered(channel) } => out.send(channel, b"hello"),
            Event::Chunk { bytes, .. } => {
                heard.extend_from_slice(bytes);
                Ok(())
            }
            other => other.ok(),
        });
        assert_eq!(result, Ok(()));
        if course.last() != Some(&stack.progress()) {
            course.push(stack.progress());
        }
        if heard == b"hello" {
            assert_eq!(course, [Progress::NetworkDown, Progress::Connecting, Progress::Connected]);
            return;
        }
        relay.poll();
        let of_server = server.turn(|event, out| match event {
            Event::Chunk { from, bytes } => out.send(from, bytes),
            _ => Ok(()),
        });
        hub.advance([stack.next_deadline(&link, now), relay.deadline(), of_server]);
    }
    panic!("nothing heard: {course:?}");
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A driver without a waker's owner is used all the same; with one, its interrupt gets there.
#[test]
fn the_driver_wakes_who_was_set() {
    let hub = Hub::new(Faults::NONE, 1);
    let mut device = DriverDevice::new(PortDriver::new(&hub, ETHERNET));
    assert!(device.receive(smoltcp::time::Instant::ZERO).is_none());
    device.driver().interrupt().happens();
    for _ in 0..2 {
        let flag = Arc::new(Flag::default());
        device.set_waker(&Waker::from(flag.clone()));
        assert!(device.receive(smoltcp::time::Instant::ZERO).is_none());
        assert!(!flag.0.load(Ordering::Relaxed));
        device.driver().interrupt().happens();
        assert!(flag.0.load(Ordering::Relaxed));
    }
    let flag = Arc::new(Flag::default());
    device.set_waker(&Waker::from(flag.clone()));
    assert!(device.is_up());
    device.driver().interrupt().happens();
    assert!(flag.0.load(Ordering::Relaxed), "the cable's state wakes as well");
}

/// What the driver says about itself is what smoltcp hears.
#[test]
fn capabilities_are_the_drivers() {
    let hub = Hub::new(Faults::NONE, 1);
    let mut device = DriverDevice::new(PortDriver::new(&hub, ETHERNET));
    let checksum = &mut device.driver().checksum;
    (checksum.tcp, checksum.udp, checksum.ipv4) = (Checksum::Rx, Checksum::None, Checksum::Tx);
    let capabilities = device.capabilities();
    assert_eq!(capabilities.medium, Medium::Ethernet);
    assert_eq!(capabilities.max_transmission_unit, 1514);
    assert_eq!(capabilities.max_burst_size, Some(1));
    assert!(matches!(capabilities.checksum.tcp, phy::Checksum::Rx));
    assert!(matches!(capabilities.checksum.udp, phy::Checksum::None));
    assert!(matches!(capabilities.checksum.ipv4, phy::Checksum::Tx));
    assert!(matches!(capabilities.checksum.icmpv4, phy::Checksum::Both));
    let address = wire::EthernetAddress([2, 0, 0, 0, 0, 1]).into();
    assert_eq!(device.hardware_address(), Some(address));
    let device = DriverDevice::new(PortDriver::new(&hub, HardwareAddress::Ip));
    assert_eq!(device.capabilities().medium, Medium::Ip);
    assert_eq!(device.hardware_address(), Some(wire::HardwareAddress::Ip));
    let device = DriverDevice::new(PortDriver::new(&hub, HardwareAddress::Ieee802154([0; 8])));
    assert_eq!(device.hardware_address(), None, "smoltcp's other medium is not supported");
}

/// A device whose cable was out for long enough, without a driver that notices, comes back.
#[test]
fn a_link_comes_back_over_a_driver() {
    let hub = Hub::new(Faults::NONE, 1);
    let mut device = DriverDevice::new(PortDriver::new(&hub, ETHERNET));
    let config =
        Config::new(device.hardware_address().unwrap(), fixed(1), RelayAddress::Endpoint(endpoint(2)), 1);
    let mut memory = StackMemory::<1460, 1460>::new();
    let mut stack = Stack::new(&mut memory, config, &mut device, hub.now()).unwrap();
    let mut relay = RelayMachine::new(Machine::new(&hub, 2));
    let mut link = SmallLink::new();
    let mut losses = 0;
    let end = hub.now() + Duration::from_secs(200);
    let (mut asked, mut was_away) = (false, false);
    while hub.now() < end {
        let now = hub.now();
        let is_away = (50_000..100_000).contains(&now.as_millis());
        if core::mem::replace(&mut was_away, is_away) != is_away {
            device.driver().port.plug(!is_away);
        }
        if stack.progress() == Progress::Connected && !asked {
            asked = link.out().enter("nowhere", Mode::Data).is_ok();
        }
        let result = stack.drive(&mut device, &mut link, now, |_, _| ());
        losses += u32::from(result.is_err());
        relay.poll();
        hub.advance([stack.next_deadline(&link, now), relay.deadline()]);
    }
    assert_eq!(losses, 1);
    assert_eq!(stack.progress(), Progress::Connected);
}
