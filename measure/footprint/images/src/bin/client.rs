//! A user of one channel, over smoltcp: every chunk that comes from the channel's server goes back.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint_images::network::Network;
use footprint_images::report;
use peote_net::link::{Channel, Event, Link, LinkBuffers, Mode};
use peote_net_smoltcp::TcpTransport;
use static_cell::ConstStaticCell;

/// Chunks up to 256 bytes, one party, no own channel, 512 bytes to send, 512 bytes to receive.
type Buffers = LinkBuffers<256, 1, 0, 512, 512>;

static LINK: ConstStaticCell<Link<Buffers>> = ConstStaticCell::new(Link::new());

#[entry]
fn main() -> ! {
    let mut network = Network::start();
    let link = LINK.take();
    if link.out().enter("work", Mode::chunks(256)).is_err() {
        report::failed(c"the channel cannot be entered");
    }
    let mut done = false;
    loop {
        network.poll();
        let now = network.clock.now();
        let polled = link.poll(&mut TcpTransport::new(network.socket()), now, |event, out| match event {
            Event::Chunk { from, bytes } => out.send(from, bytes),
            Event::Closed { channel: Channel::Entered(_), .. } => {
                done = true;
                Ok(())
            }
            _ => Ok(()),
        });
        if done {
            report::end(Buffers::SIZE);
        }
        if polled.is_err() {
            report::failed(c"the connection is lost");
        }
        network.poll();
        network.sleep(link.next_deadline());
    }
}
