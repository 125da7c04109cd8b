//! A lobby: its server tells all users what one says, and how often it has: `lobby [RELAY]`.

use peote_net::link::{Destination, Event, Mode, Source};
use peote_net::users::Users;
use peote_net::value::{Decode, Encode};

#[derive(Encode, Decode)]
struct Said<'a>(u16, u32, &'a str); // which user, how often by now, what

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let relay = std::env::args().nth(1).unwrap_or_else(|| "localhost".into());
    let mut link = peote_net_std::DesktopLink::connect(&relay)?;
    link.create("lobby", Mode::default())?;
    let mut users = Users::<u32, 64>::new();
    link.run(|event, out| {
        users.follow(&event, |_, user, count| println!("{user} is gone, after {count}"));
        let Event::Chunk { from: Source::User { channel, user }, bytes } = event else { return event.ok() };
        let Some(count) = users.get_mut(channel, user) else { return Ok(()) };
        let text = std::str::from_utf8(bytes).unwrap_or("?");
        out.send_value(Destination::All(channel), &Said(user.number(), *count + 1, text))?;
        *count += 1; // after sending: an event that finds no room comes again
        Ok(())
    })?;
    Ok(())
}
