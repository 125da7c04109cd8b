//! The newest state of a game, to all who keep up. `newest RELAY` sends it 20 times a second,
//! `newest RELAY MILLIS` looks at it, and takes that long for each.

use std::error::Error;
use std::time::{Duration, Instant};

use peote_net::link::{Event, Mode, SendError};
use peote_net_std::DesktopLink;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let relay = arguments.next().ok_or("usage: newest RELAY [MILLIS]")?;
    let mut link = DesktopLink::connect(&relay)?;
    if let Some(millis) = arguments.next() {
        let pause = Duration::from_millis(millis.parse()?);
        link.enter("state", Mode::default())?;
        link.run(|event, _| match event {
            Event::Chunk { bytes, .. } => {
                println!("{}", bytes.get(..8).unwrap_or(bytes).escape_ascii());
                std::thread::sleep(pause);
                Ok(())
            }
            other => other.ok(),
        })?;
    }
    let room = link.create("state", Mode::default())?;
    for tick in 0u64.. {
        let next = Instant::now() + Duration::from_millis(50);
        let state = format!("{tick:08}{}", " ".repeat(4000));
        match link.out().send_to_ready(room, state.as_bytes()) {
            Ok(late) if tick % 20 == 0 => println!("tick {tick}, {late} of the players are behind"),
            Ok(_) | Err(SendError::NotOpen | SendError::WouldBlock) => {} // the next one will do
            Err(error) => return Err(error.into()),
        }
        link.poll(|event, _| event.ok())?;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
}
