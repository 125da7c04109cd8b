//! A user of one channel and the server of another one, on one link: what the user hears goes back;
//! of what the server hears, a chunk that begins with `*` goes to all other users, and every other
//! one back to its sender.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint_images::network::Network;
use footprint_images::report;
use peote_net::link::{Channel, Destination, Event, Link, LinkBuffers, Mode, Source};
use peote_net_smoltcp::TcpTransport;
use static_cell::ConstStaticCell;

/// Chunks up to 256 bytes, four users and an entered channel, one own channel, 512 bytes to send,
/// 512 bytes to receive.
type Buffers = LinkBuffers<256, 5, 1, 512, 512>;

static LINK: ConstStaticCell<Link<Buffers>> = ConstStaticCell::new(Link::new());

#[entry]
fn main() -> ! {
    let mut network = Network::start();
    let link = LINK.take();
    if link.out().create("board", Mode::chunks(256)).is_err()
        || link.out().enter("work", Mode::chunks(256)).is_err()
    {
        report::failed(c"the channels cannot be asked for");
    }
    let mut done = false;
    loop {
        network.poll();
        let now = network.clock.now();
        let polled = link.poll(&mut TcpTransport::new(network.socket()), now, |event, out| match event {
            Event::UserEntered { channel, user } => out.send(Destination::User(channel, user), b"welcome"),
            Event::Chunk { from: Source::User { channel, user }, bytes: bytes @ [b'*', ..] } => {
                out.send(Destination::AllBut(channel, user), bytes)
            }
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
