//! Serves a channel and prints what its users say: `listen CHANNEL MAXIMUM [RELAY]`.
//!
//! MAXIMUM is the most bytes of a chunk. It has to be the number that the users have in their
//! `Mode`. A board on its first day needs a server to talk to: this is one.

use peote_net::link::{Event, Mode};
use peote_net::reconnect::Backoff;
use peote_net_std::DesktopLink;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (channel, maximum, relay) = match &arguments[..] {
        [channel, maximum] => (channel, maximum, "localhost"),
        [channel, maximum, relay] => (channel, maximum, relay.as_str()),
        _ => return Err("usage: listen CHANNEL MAXIMUM [RELAY]".into()),
    };
    let maximum = maximum.parse().map_err(|_| format!("{maximum:?} is no number of bytes"))?;
    let mut link = DesktopLink::builder()
        .reconnect(Backoff::new())
        .on_change(|change| eprintln!("{change}"))
        .connect(relay)?;
    link.create(channel.as_str(), Mode::chunks(maximum))?;
    link.run(|event, _| {
        match event {
            Event::Opened { .. } => println!("channel {channel:?}, chunks up to {maximum} bytes"),
            Event::UserEntered { user, .. } => println!("{user} is here"),
            Event::UserGone { user, reason, .. } => println!("{user} is gone: {reason}"),
            Event::Chunk { from, bytes } => println!("{from}: {}", bytes.escape_ascii()),
            Event::Malicious { from, violation } => println!("{from}, other MAXIMUM? {violation}"),
            other => return other.ok(),
        }
        Ok(())
    })?;
    Ok(())
}
