//! Sends every message back to the user it came from: `echo [RELAY]`.

use peote_net::link::{Event, Mode};
use peote_net::reconnect::Backoff;
use peote_net_std::DesktopLink;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let relay = std::env::args().nth(1).unwrap_or_else(|| "localhost".into());
    let mut link = DesktopLink::builder()
        .reconnect(Backoff::new()) // waits for the relay, and comes back after a loss
        .on_change(|change| eprintln!("{change}"))
        .connect(&relay)?;
    link.create("echo", Mode::default())?; // chunks of up to 32 KiB
    link.run(|event, out| match event {
        Event::Chunk { from, bytes } => out.send(from, bytes),
        other => other.ok(), // a channel that is refused, or ends, is an error
    })?;
    Ok(())
}
