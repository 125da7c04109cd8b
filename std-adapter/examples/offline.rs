//! A server and its user in one program, with the lag of a network: `offline [RELAY]`.

use peote_net::link::{Event, Mode, SimulatedLine};
use peote_net::time::Duration;
use peote_net_std::DesktopLink;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let line = SimulatedLine::new().round_trip(Duration::from_millis(80));
    let builder = DesktopLink::builder().simulate(line);
    let mut link = match std::env::args().nth(1) {
        None => builder.offline()?, // the one line that is different
        Some(relay) => builder.connect(&relay)?,
    };
    link.create("offline", Mode::default())?;
    let player = link.enter("offline", Mode::default())?;
    let (start, mut is_over) = (link.now(), false);
    while !is_over {
        link.wait()?;
        link.poll(|event, out| match event {
            Event::Opened { channel } if channel == player => out.send(player, b"my move"),
            Event::Chunk { from, bytes } if from.channel() == player => {
                println!("the server says: {}", String::from_utf8_lossy(bytes));
                is_over = true;
                Ok(())
            }
            Event::Chunk { from, .. } => out.send(from, b"your move"),
            other => other.ok(),
        })?;
    }
    println!("after {} ms", link.now().saturating_since(start).as_millis());
    Ok(())
}
