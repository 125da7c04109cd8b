//! Says hello in the channel `echo` whenever it is open, for ever: `reconnect [RELAY]`.

use peote_net::link::{Event, Mode};
use peote_net::reconnect::{Backoff, Retry};
use peote_net_std::DesktopLink;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let relay = std::env::args().nth(1).unwrap_or_else(|| "localhost".into());
    let mut link = DesktopLink::builder()
        .reconnect(Backoff::new())
        .retry(Retry::Always) // the server may come later
        .on_change(|change| eprintln!("{change}"))
        .connect(&relay)?;
    let echo = link.enter("echo", Mode::default())?; // this handle stays
    link.run(|event, out| match event {
        Event::Opened { .. } => {
            println!("open");
            out.send(echo, b"hello")
        }
        Event::Away { reason, .. } => {
            println!("away: {reason}");
            Ok(())
        }
        Event::Chunk { bytes, .. } => {
            println!("{}", bytes.escape_ascii());
            Ok(())
        }
        other => other.ok(),
    })?;
    Ok(())
}
