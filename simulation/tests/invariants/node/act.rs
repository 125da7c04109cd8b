//! What programs do at random.

use peote_net::link::{Destination, Mode, Out, SendError, User};
use peote_net_simulation::{Network, Random};

use super::{Node, Parts};
use crate::message::{Message, SHORTEST, To, content};
use crate::model::{Channel, ChannelId, Model, Source, Told, UserId};

impl Channel {
    /// Whether its server, which is that node, may use it.
    pub(crate) fn is_open_at(&self, node: usize, model: &Model) -> bool {
        let session = &model.sessions[self.server];
        session.node == node && !session.lost && self.told == Told::Open && !self.given_up
    }
}

impl Node {
    pub(super) fn act(&mut self, network: &mut Network, model: &mut Model, random: &mut Random) {
        let what = random.below(100);
        let name = random.below(model.names.len());
        match what {
            0..10 => self.create(model, name),
            10..30 => self.enter(model, name),
            30..36 => self.leave(model, random),
            36..39 => self.delete(model, random),
            39..46 => self.begin_parts(model, random),
            _ => {
                // now and then as much as there is room for
                for _ in 0..if random.chance(200) { 30 } else { 1 + random.below(4) } {
                    if !self.send(model, random) {
                        break;
                    }
                }
            }
        }
        network.note(format_args!("node {} has done {what}", self.id));
    }

    fn is_mine(&self, model: &Model, session: usize) -> bool {
        let session = &model.sessions[session];
        session.node == self.id && !session.lost
    }

    fn create(&mut self, model: &mut Model, name: usize) {
        let entered = |user: &crate::model::User| {
            user.name == name && self.is_mine(model, user.session) && user.told != Told::End && !user.given_up
        };
        if model.users.iter().any(entered) {
            return;
        }
        let (bytes, mode) = &model.names[name];
        match self.link.out().create(bytes, *mode) {
            Ok(handle) => model.asked_to_create(self.session, name, handle),
            Err(SendError::WouldBlock | SendError::TooManyOwnChannels) => {}
            Err(error) => panic!("creating a channel: {error}"),
        }
    }

    fn enter(&mut self, model: &mut Model, name: usize) {
        let own = |channel: &Channel| {
            let mine = self.is_mine(model, channel.server);
            channel.name == name && mine && channel.told != Told::End && !channel.given_up
        };
        if model.channels.iter().any(own) {
            return;
        }
        let (bytes, mode) = &model.names[name];
        // an end that is kept keeps its place
        let has_kept = self.link.has_kept();
        match self.link.out().enter(bytes, *mode) {
            Ok(handle) => model.asked_to_enter(self.session, name, handle),
            Err(SendError::WouldBlock) => {}
            Err(SendError::TooManyParties) => {
                assert!(has_kept || self.taken(model) >= self.parties, "places are free");
            }
            Err(error) => panic!("entering a channel: {error}"),
        }
    }

    /// How many of the link's places for parties can be taken at most.
    fn taken(&self, model: &Model) -> usize {
        let mine = |session| self.is_mine(model, session);
        let entered = model.users.iter().filter(|user| mine(user.session) && user.told != Told::End);
        let own = model.channels.iter().filter(|channel| mine(channel.server) && channel.told == Told::Open);
        // somebody may have come whom the program has not been told of
        usize::from(self.hold.is_some())
            + entered.count()
            + own.map(|channel| channel.users.len()).sum::<usize>()
    }

    /// Something the link has found out already, and the program has not been told yet.
    fn not_open_is_right(&self) -> bool {
        self.hold.is_some()
    }

    fn leave(&mut self, model: &mut Model, random: &mut Random) {
        let here = |user: &crate::model::User| {
            self.is_mine(model, user.session)
                && !user.given_up
                && matches!(user.told, Told::Nothing | Told::Open)
        };
        let here: Vec<UserId> = (0..model.users.len()).filter(|&id| here(&model.users[id])).collect();
        if here.is_empty() {
            return;
        }
        let id = *random.choose(&here);
        match self.link.out().leave(model.users[id].handle) {
            Ok(()) => model.users[id].given_up = true,
            Err(SendError::WouldBlock) => {}
            Err(SendError::NotOpen) => assert!(self.not_open_is_right(), "leaving what is open"),
            Err(error) => panic!("leaving a channel: {error}"),
        }
    }

    fn delete(&mut self, model: &mut Model, random: &mut Random) {
        let here = |channel: &Channel| {
            let told = matches!(channel.told, Told::Nothing | Told::Open);
            self.is_mine(model, channel.server) && !channel.given_up && told
        };
        let here: Vec<ChannelId> =
            (0..model.channels.len()).filter(|&id| here(&model.channels[id])).collect();
        if here.is_empty() {
            return;
        }
        let id = *random.choose(&here);
        match self.link.out().delete(model.channels[id].handle) {
            Ok(()) => model.channels[id].given_up = true,
            Err(SendError::WouldBlock) => {}
            Err(SendError::NotOpen) => assert!(self.not_open_is_right(), "deleting what is open"),
            Err(error) => panic!("deleting a channel: {error}"),
        }
    }

    /// Somebody to send to.
    fn target(&self, model: &Model, random: &mut Random) -> Option<Target> {
        let users = model.users.iter().enumerate().filter(|(_, user)| {
            self.is_mine(model, user.session) && user.told == Told::Open && !user.given_up
        });
        let up =
            users.map(|(id, user)| Target { channel: user.channel.unwrap_or_default(), to: To::Server(id) });
        let own = (0..model.channels.len()).filter(|&id| model.channels[id].is_open_at(self.id, model));
        let down =
            own.flat_map(|channel| model.targets(channel).into_iter().map(move |to| Target { channel, to }));
        let targets: Vec<Target> = up.chain(down).collect();
        (!targets.is_empty()).then(|| *random.choose(&targets))
    }

    /// Sends something to somebody. Whether there may be room for more.
    fn send(&mut self, model: &mut Model, random: &mut Random) -> bool {
        let Some(target) = self.target(model, random) else { return false };
        let strict = !self.not_open_is_right();
        target.send(model, random, &mut self.link.out(), strict)
    }

    fn begin_parts(&mut self, model: &mut Model, random: &mut Random) {
        let Some(target) = self.target(model, random).filter(|_| self.parts.is_none()) else { return };
        let Mode::Chunks(limit) = model.names[model.channels[target.channel].name].1 else { return };
        let len = SHORTEST + random.below(limit.max() as usize - SHORTEST + 1);
        let strict = !self.not_open_is_right();
        let mut out = self.link.out();
        match out.begin_chunk(target.destination(model), len) {
            Ok(()) => {
                let Target { channel, to } = target;
                let message = model.sent(Message { channel, to, len, complete: false });
                if matches!(to, To::All | To::AllBut(_)) {
                    model.in_parts.insert(message);
                }
                self.parts = Some(Parts { message, left: content(message, len) });
            }
            Err(SendError::NotOpen) => assert!(!strict, "beginning a chunk for somebody who is there"),
            Err(error) => panic!("beginning a chunk: {error}"),
        }
    }

    /// Goes on with the chunk in parts, as far as there is room, but writes only so many parts.
    pub(super) fn write_parts(&mut self, model: &mut Model, most: usize) {
        let Some(mut parts) = self.parts.take() else { return };
        let mut out = self.link.out();
        for _ in 0..most.min(parts.left.len()) {
            if parts.left.is_empty() {
                break;
            }
            let part = &parts.left[..parts.left.len().min(70)];
            match out.write_chunk(part) {
                Ok(count) => drop(parts.left.drain(..count)),
                Err(SendError::WouldBlock) => {
                    self.parts = Some(parts);
                    return;
                }
                // whoever it was for is gone
                Err(SendError::NotOpen | SendError::NoChunkBegun) => return,
                Err(error) => panic!("writing a part of a chunk: {error}"),
            }
        }
        if parts.left.is_empty() {
            model.messages[parts.message as usize].complete = true;
        } else {
            self.parts = Some(parts);
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Target {
    channel: ChannelId,
    to: To,
}

impl Target {
    fn destination(self, model: &Model) -> Destination {
        let channel = model.channels[self.channel].handle;
        match self.to {
            To::Server(user) => Destination::Server(model.users[user].handle),
            To::User(user) => Destination::User(channel, User::new(model.number(user))),
            To::All => Destination::All(channel),
            To::AllBut(number) => {
                let number = u8::try_from(number).expect("users of a relay have numbers up to 255");
                Destination::AllBut(channel, User::new(number))
            }
        }
    }

    /// Whether there may be room for more.
    fn send(self, model: &mut Model, random: &mut Random, out: &mut Out<'_>, strict: bool) -> bool {
        let Self { channel, to } = self;
        let longest = match model.names[model.channels[channel].name].1 {
            Mode::Chunks(limit) => limit.max() as usize,
            _ => 1500,
        };
        let longest = if random.chance(200) { longest } else { longest.min(50) };
        let len = SHORTEST + random.below(longest - SHORTEST + 1);
        let destination = self.destination(model);
        let possible = out.can_send(destination, len);
        let sent = out.send(destination, &content(model.next_message(), len));
        assert_eq!(sent.is_ok(), possible, "{sent:?}");
        match sent {
            Ok(()) => {
                model.sent(Message { channel, to, len, complete: true });
                return true;
            }
            Err(
                SendError::WouldBlock
                | SendError::ChunkUnfinished
                | SendError::QueueTooSmall { .. }
                | SendError::WindowTooSmall { .. },
            ) => {}
            Err(SendError::NotOpen) => assert!(!strict, "sending to somebody who is there: {self:?}"),
            Err(error) => panic!("sending: {error}"),
        }
        false
    }
}

/// Answers somebody who has just been heard, and so is there.
pub(super) fn answer(model: &mut Model, random: &mut Random, source: Source, out: &mut Out<'_>) {
    let target = match source {
        Source::User(channel, number) => {
            let Some(&user) = model.channels[channel].users.get(&number) else { return };
            Target { channel, to: To::User(user) }
        }
        Source::Server(user) => {
            let Some(channel) = model.users[user].channel else { return };
            Target { channel, to: To::Server(user) }
        }
    };
    target.send(model, random, out, true);
}
