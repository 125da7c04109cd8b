//! Says hello in the channel `echo`, and prints the answer: `client [RELAY]`.

use peote_net::link::{Event, Mode};
use peote_net_std::DesktopLink;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let relay = std::env::args().nth(1).unwrap_or_else(|| "localhost".into());
    let mut link = DesktopLink::connect(&relay)?;
    link.enter("echo", Mode::default())?;
    let mut answered = false;
    while !answered {
        link.wait()?;
        link.poll(|event, out| match event {
            Event::Opened { channel } => out.send(channel, b"hello"),
            Event::Chunk { bytes, .. } => {
                println!("{}", bytes.escape_ascii());
                answered = true;
                Ok(())
            }
            other => other.ok(), // a channel that is refused, or ends, is an error
        })?;
    }
    Ok(())
}
