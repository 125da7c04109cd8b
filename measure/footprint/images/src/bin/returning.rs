//! A user of one channel that comes back after a loss: the list of channels, the delays between
//! attempts, and the loop around them. The job is the client's.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint_images::network::Network;
use footprint_images::report;
use peote_net::link::{Error, Event, Link, LinkBuffers, Mode};
use peote_net::reconnect::{Backoff, Reconnect};
use peote_net_smoltcp::TcpTransport;
use static_cell::ConstStaticCell;

/// Chunks up to 256 bytes, one party, no own channel, 512 bytes to send, 512 bytes to receive.
type Buffers = LinkBuffers<256, 1, 0, 512, 512>;

static LINK: ConstStaticCell<Link<Buffers>> = ConstStaticCell::new(Link::new());
static CHANNELS: ConstStaticCell<Reconnect<&str, 1>> = ConstStaticCell::new(Reconnect::new(Backoff::new()));

#[entry]
fn main() -> ! {
    let mut network = Network::start();
    let link = LINK.take();
    let channels = CHANNELS.take();
    if channels.enter(&mut link.out(), "work", Mode::chunks(256)).is_err() {
        report::failed(c"the channel cannot be entered");
    }
    let mut done = false;
    loop {
        network.poll();
        let now = network.clock.now();
        if channels.start_attempt(now) {
            network.call();
            channels.connected();
        }
        while channels.restore(&mut link.out(), now).is_some() {}
        let polled = link.poll(&mut TcpTransport::new(network.socket()), now, |event, out| {
            let Some(event) = channels.follow(event, now) else { return Ok(()) };
            match event {
                Event::Chunk { from, bytes } => out.send(from, bytes),
                Event::Closed { .. } => {
                    done = true;
                    Ok(())
                }
                _ => Ok(()),
            }
        });
        if done {
            report::end(Buffers::SIZE);
        }
        if polled.is_err_and(|error| !matches!(error, Error::Handler(_))) {
            channels.failed(now);
        }
        network.poll();
        let deadlines = [link.next_deadline(), channels.next_deadline()];
        network.sleep(deadlines.into_iter().flatten().min());
    }
}
