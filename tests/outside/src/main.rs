//! A lobby at 60 Hz. The program that comes first serves it, others enter, and when the server goes
//! somebody takes over: `lobby [RELAY]`; without a relay it is offline.

use std::thread::sleep;
use std::time::Duration;

use peote_net::link::{Channel, Destination, Event, Mode, SendError};
use peote_net::reconnect::Backoff;
use peote_net::room::{Change, Room};
use peote_net::users::Users;
use peote_net::value::{Decode, Encode};
use peote_net_std::DesktopLink;

#[derive(Encode, Decode)]
enum Message {
    Move { x: i32, y: i32 },
    Seen { user: u16, x: i32, y: i32 },
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = DesktopLink::builder().reconnect(Backoff::new()).on_change(|change| eprintln!("{change}"));
    let mut link = match std::env::args().nth(1) {
        Some(relay) => builder.connect(&relay)?,
        None => builder.offline()?,
    };
    let mut room = Room::new("lobby", Mode::chunks(256));
    let mut players = Users::<(i32, i32), 64>::new();
    for frame in 0.. {
        let now = link.now();
        room.drive(&mut link.out(), now)?;
        link.poll(|event, _| {
            match room.observe(&event, now) {
                Some(Change::Refused(_)) => return event.ok(),
                Some(change) => println!("{change:?}"),
                None => {}
            }
            players.follow(&event, |_, user, at| println!("{user} was at {at:?}"));
            let Event::Chunk { from, bytes } = event else { return Ok(()) };
            match (Message::from_bytes(bytes), players.from(from)) {
                (Ok(Message::Move { x, y }), Some(player)) => *player = (x, y),
                (Ok(Message::Seen { user, x, y }), None) => println!("user {user} is at {x}, {y}"),
                _ => {}
            }
            Ok(())
        })?;
        let mut out = link.out();
        let sent = match room.channel() {
            Some(Channel::Own(room)) => players.of(room).try_for_each(|(user, &(x, y))| {
                out.send_value(Destination::All(room), &Message::Seen { user: user.number(), x, y })
            }),
            Some(server) => out.send_value(server, &Message::Move { x: frame, y: -frame }),
            None => Ok(()),
        };
        match sent {
            Ok(()) | Err(SendError::WouldBlock) => sleep(Duration::from_millis(16)), // the next one will do
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
