//! What docs/CONFORMANCE.md asks of an endpoint, with the Rust link.

use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, Mode, Out, OwnChannel, SendError, Source, User,
};
use peote_net_std::DesktopLink;

/// Connects again and again, until the channels are refused or there is no relay any more.
pub(crate) fn run(relay: &str) {
    while let Ok(link) = DesktopLink::connect(relay) {
        if let Ok(true) = Endpoint::serve(link) {
            return;
        }
    }
}

struct Endpoint {
    own: OwnChannel,
    peer: EnteredChannel,
    /// The users of all own channels.
    users: Vec<(OwnChannel, User)>,
    refused: bool,
}

impl Endpoint {
    /// Serves one connection. Returns true if the relay lets it have no channels.
    fn serve(mut link: DesktopLink) -> Result<bool, Box<dyn std::error::Error>> {
        let own = link.create("conformance", Mode::default())?;
        link.create("conformance-small", Mode::chunks(100))?;
        let peer = link.enter("conformance-peer", Mode::default())?;
        let mut endpoint = Self { own, peer, users: Vec::new(), refused: false };
        while !endpoint.refused {
            link.poll(|event, out| endpoint.handle(event, out))?;
            link.wait()?;
        }
        Ok(true)
    }

    fn handle(&mut self, event: Event<'_>, out: &mut Out<'_>) -> Result<(), SendError> {
        match event {
            Event::Refused { channel, .. } => self.refused |= channel == Channel::Own(self.own),
            Event::UserEntered { channel, user } => self.users.push((channel, user)),
            Event::UserGone { channel, user, .. } => self.users.retain(|known| *known != (channel, user)),
            Event::Chunk { from, bytes } => return self.obey(from, bytes, out),
            _ => {}
        }
        Ok(())
    }

    fn obey(&self, from: Source, bytes: &[u8], out: &mut Out<'_>) -> Result<(), SendError> {
        match (from.channel(), from.user(), bytes) {
            (_, _, [b'=', ..]) => out.send(from, bytes),
            (_, _, &[b'n', a, b, c, d]) => {
                let len = u32::from_le_bytes([a, b, c, d]);
                out.send(from, &(0..=250).cycle().take(len as usize).collect::<Vec<u8>>())
            }
            (Channel::Own(channel), _, [b'*', ..]) => out.send(Destination::All(channel), bytes),
            (Channel::Own(channel), Some(user), [b'-', ..]) => {
                out.send(Destination::AllBut(channel, user), bytes)
            }
            (Channel::Own(channel), _, b"u") => {
                let users = self.users.iter().filter(|known| known.0 == channel);
                let mut numbers: Vec<u8> =
                    users.filter_map(|known| known.1.number().try_into().ok()).collect();
                numbers.sort_unstable();
                out.send(from, &[b"u", &numbers[..]].concat())
            }
            (Channel::Own(channel), Some(user), b"r") => supported(out.remove_user(channel, user), from, out),
            (Channel::Own(channel), Some(user), b"b") => supported(out.block_user(channel, user), from, out),
            (Channel::Own(_), _, b"D") => out.delete(self.own),
            (Channel::Entered(_), _, b"L") => out.leave(self.peer),
            _ => Ok(()),
        }
    }
}

fn supported(result: Result<(), SendError>, from: Source, out: &mut Out<'_>) -> Result<(), SendError> {
    match result {
        Err(SendError::Unsupported) => out.send(from, b"!"),
        result => result,
    }
}
