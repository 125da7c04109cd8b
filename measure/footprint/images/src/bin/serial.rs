//! A whole sensor over a serial port: a user of one channel that answers each chunk of the
//! channel's server. Nothing else is in the image but the board's clock.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint_images::report;
use footprint_images::uart::Uart;
use lm3s6965evb::Board;
use peote_net::link::{Channel, Event, Link, LinkBuffers, Mode};
use static_cell::ConstStaticCell;

/// Chunks up to 256 bytes, one party, no own channel, 512 bytes to send, 64 bytes to receive.
type Buffers = LinkBuffers<256, 1, 0, 512, 64>;

static LINK: ConstStaticCell<Link<Buffers>> = ConstStaticCell::new(Link::new());

#[entry]
fn main() -> ! {
    let Some(board) = Board::take() else { report::failed(c"main was called twice") };
    let mut uart = Uart::start();
    let link = LINK.take();
    report::start_work();
    if link.out().enter("work", Mode::chunks(256)).is_err() {
        report::failed(c"the channel cannot be entered");
    }
    let mut done = false;
    loop {
        // SAFETY: no critical section is open here; the clock's interrupt comes between two polls.
        unsafe { cortex_m::interrupt::enable() };
        let now = board.clock.now();
        cortex_m::interrupt::disable();
        let polled = link.poll(&mut uart, now, |event, out| match event {
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
    }
}
