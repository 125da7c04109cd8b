//! An echo server and its user in one program, without a network, on a clock of its own.

use embedded_io::ReadReady as _;
use peote_net::link::{Event, Link, Mode, link_buffers};
use peote_net::offline::Offline;
use peote_net::time::Instant;

// a local user takes two parties: one at the server's side, one at its own
type Memory = link_buffers!(
    chunk: 256, parties: 2, own_channels: 1, transmit: 512, receive: 512,
    local_users: 1, line: 512,
);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut link = Link::<Memory>::with_local_users();
    let mut transport = Offline::new(); // the one line that is different online
    link.out().create("echo", Mode::chunks(256))?;
    let client = link.out().enter("echo", Mode::chunks(256))?;
    let (mut now, mut is_answered) = (Instant::ZERO, false);
    while !is_answered {
        link.poll(&mut transport, now, |event, out| match event {
            Event::Opened { channel } if channel == client => out.send(client, b"hello"),
            Event::Chunk { from, bytes } if from.channel() == client => {
                println!("the server says: {}", String::from_utf8_lossy(bytes));
                is_answered = true;
                Ok(())
            }
            Event::Chunk { from, bytes } => out.send(from, bytes),
            other => other.ok(),
        })?;
        if !link.wants_write() && !transport.read_ready()? {
            now = link.next_deadline().unwrap_or(now).max(now); // instead of sleeping
        }
    }
    Ok(())
}
