//! A sensor that tells a channel its readings: `sensor RELAY`, an address with a port. The board is
//! a desk: see `desk/mod.rs`. On a real one, `device` is that of its network.

mod desk;

use desk::{Desk, now, sleep_until};
use peote_net::link::{Link, Mode, link_buffers};
use peote_net::reconnect::{Backoff, Reconnect};
use peote_net::time::Duration;
use peote_net_smoltcp::{Addressing, Config, RelayAddress, Stack, StackMemory, Station};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};
use static_cell::ConstStaticCell;

type Memory = link_buffers!(chunk: 64, parties: 1, own_channels: 0, transmit: 320, receive: 128);

static LINK: ConstStaticCell<Link<Memory>> = ConstStaticCell::new(Link::new());
static STACK: ConstStaticCell<StackMemory<'_, 536, 536>> = ConstStaticCell::new(StackMemory::new());

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut device = Desk::new(&std::env::args().nth(1).ok_or("sensor RELAY")?);
    let address = IpCidr::new(IpAddress::v4(192, 168, 1, 50), 24);
    let addressing = Addressing::Static { address, gateway: None };
    let hardware = EthernetAddress([2, 0, 0, 0, 0, 1]).into();
    let config = Config::new(hardware, addressing, RelayAddress::Endpoint(desk::RELAY), 4); // a seed
    let stack = Stack::new(STACK.take(), config, &mut device, now()).map_err(|error| error.to_string())?;
    let channels = Reconnect::<_, 1>::new(Backoff::new().with_seed(4));
    let mut station = Station::new(stack, LINK.take(), channels);
    let (readings, mut next) = (station.enter("readings", Mode::chunks(64))?, now());
    loop {
        while let Some((event, _)) = station.next(&mut device, now()) {
            println!("{event:?}"); // orders of the channel's server among them
        }
        if now() >= next {
            let _left_out = station.send(readings, b"21.5"); // not open, or no room
            next = now() + Duration::from_millis(100);
        }
        sleep_until(station.next_deadline(now()).into_iter().chain([next]).min(), &mut device);
    }
}
