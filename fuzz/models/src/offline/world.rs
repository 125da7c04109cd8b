//! The program, and the queues that say what has to be delivered.

use std::collections::VecDeque;

use peote_net::Reason;
use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, Flow, Mode, Out, OwnChannel, SendError, SimulatedLine,
    Source, User,
};
use peote_net::time::{Duration, Instant};

use crate::Input;

/// What is under way: when it was sent, and what.
type Queue = VecDeque<(Instant, Vec<u8>)>;

#[derive(Debug)]
struct Known {
    handle: OwnChannel,
    mode: Mode,
    line: SimulatedLine,
    name: u8,
    created: bool,
    deleted: bool,
    /// The server has blocked somebody, and so the link's connection.
    blocked: bool,
    /// Who enters at the moment. One at a time, so that it is known who has come.
    entering: Option<usize>,
}

#[derive(Debug)]
struct Member {
    channel: usize,
    handle: EnteredChannel,
    /// Its number, once the server can know it.
    number: Option<User>,
    /// The server has no place for it.
    exhausted: bool,
    told: bool,
    left: bool,
    /// The server has removed it while it was there.
    removed: bool,
    /// It entered when the channel was blocked.
    barred: bool,
    /// It is about to be told that the channel is gone: the event has come, and may come again.
    ending: bool,
    /// It has been told that the channel is gone, or that it may not enter.
    ended: bool,
    /// The server is about to be told that it is gone: the event has come, and may come again.
    going: bool,
    /// The server knows that it is gone, or has given it up.
    gone: bool,
    up: Queue,
    down: Queue,
}

impl Member {
    fn entering(channel: usize, handle: EnteredChannel, barred: bool) -> Self {
        Self {
            channel,
            handle,
            number: None,
            exhausted: false,
            told: false,
            left: false,
            removed: false,
            barred,
            ending: false,
            ended: false,
            going: false,
            gone: barred, // the server never hears of it
            up: Queue::new(),
            down: Queue::new(),
        }
    }

    /// Whether the server has this user, and has not heard that it is gone.
    fn is_served(&self) -> bool {
        self.number.is_some() && !self.exhausted && !self.going && !self.gone
    }
}

/// A chunk that is written in parts.
#[derive(Debug)]
struct Parts {
    to: Destination,
    /// The users who get it: those who were there when its first part was written.
    receivers: Vec<usize>,
    bytes: Vec<u8>,
    written: usize,
}

#[derive(Debug)]
pub(super) struct World<'a> {
    pub(super) input: Input<'a>,
    pub(super) now: Instant,
    channels: Vec<Known>,
    members: Vec<Member>,
    parts: Option<Parts>,
    /// Nothing new is done any more.
    pub(super) settling: bool,
    /// Events so far.
    pub(super) told: usize,
    next: u8,
}

impl<'a> World<'a> {
    pub(super) fn new(input: Input<'a>) -> Self {
        let (channels, members) = (Vec::new(), Vec::new());
        Self { input, now: Instant::ZERO, channels, members, parts: None, settling: false, told: 0, next: 0 }
    }

    fn channel(&self, handle: OwnChannel) -> usize {
        self.channels.iter().position(|channel| channel.handle == handle).expect("a channel of the program's")
    }

    fn member(&self, handle: EnteredChannel) -> usize {
        self.members.iter().position(|member| member.handle == handle).expect("a channel of the program's")
    }

    fn member_of(&self, channel: OwnChannel, user: User) -> usize {
        let channel = self.channel(channel);
        let this = |member: &Member| {
            member.channel == channel && member.number == Some(user) && !member.gone && !member.exhausted
        };
        self.members.iter().position(this).expect("a user who is there")
    }

    pub(super) fn handle(&mut self, event: &Event<'_>, out: &mut Out<'_>) -> Flow {
        // from then on the server's broadcasts reach the user, whatever the program makes of the
        // event
        if let Event::UserEntered { channel, user } | Event::UserIgnored { channel, user } = *event {
            self.has_come(channel, user, matches!(event, Event::UserIgnored { .. }));
        }
        if let Event::UserGone { channel, user, .. } = *event {
            let at = self.member_of(channel, user);
            self.members[at].going = true;
        }
        if let Event::Closed { channel: Channel::Entered(channel), .. } = *event {
            let at = self.member(channel);
            self.members[at].ending = true;
        }
        // (who has no place can have gone by the time it would be told again, without a further
        // event)
        let told_once = matches!(event, Event::UserIgnored { .. });
        if !self.settling && !told_once && self.input.below(8) == 7 {
            return Flow::Again;
        }
        self.told += 1;
        self.tell(event);
        if !self.settling && self.input.below(8) == 6 {
            self.act(out);
        }
        Flow::Continue
    }

    fn has_come(&mut self, channel: OwnChannel, user: User, exhausted: bool) {
        assert!(user.number() >= 256, "a number of the relay's");
        let channel = self.channel(channel);
        let known =
            |member: &Member| member.channel == channel && member.number == Some(user) && !member.gone;
        if self.members.iter().any(known) {
            return; // it is delivered again
        }
        let member = self.channels[channel].entering.take().expect("nobody has entered");
        let member = &mut self.members[member];
        (member.number, member.exhausted) = (Some(user), exhausted);
    }

    fn tell(&mut self, event: &Event<'_>) {
        match *event {
            Event::Opened { channel: Channel::Own(channel) } => {
                let channel = self.channel(channel);
                assert!(!core::mem::replace(&mut self.channels[channel].created, true), "created twice");
            }
            Event::UserEntered { channel, .. } | Event::UserIgnored { channel, .. } => {
                let channel = self.channel(channel);
                assert!(!self.channels[channel].deleted, "somebody has entered what is deleted");
            }
            Event::UserGone { channel, user, reason } => {
                let at = self.member_of(channel, user);
                let member = &mut self.members[at];
                let right = if member.removed { Reason::Kicked } else { Reason::OnPurpose };
                assert!((member.left || member.removed) && reason == right, "a user who is there is gone");
                assert!(member.up.is_empty(), "a user is gone before all it has said is there");
                member.gone = true;
            }
            Event::Opened { channel: Channel::Entered(channel) } => {
                let member = self.member(channel);
                let member = &mut self.members[member];
                assert!(!core::mem::replace(&mut member.told, true) && !member.left, "entered twice");
                assert!(!member.barred, "somebody enters who is kept out");
            }
            Event::Closed { channel: Channel::Entered(channel), reason } => {
                let at = self.member(channel);
                let deleted = self.channels[self.members[at].channel].deleted;
                let member = &mut self.members[at];
                let right = if member.removed { Reason::Kicked } else { Reason::OnPurpose };
                assert!((deleted || member.removed) && reason == right, "a channel that exists is gone");
                assert!(!member.left && !member.ended && !member.barred, "a channel is gone twice");
                assert!(member.down.is_empty(), "a channel is gone before all that was said is there");
                member.ended = true;
            }
            Event::Refused { channel: Channel::Entered(channel), reason, .. } => {
                let at = self.member(channel);
                let deleted = self.channels[self.members[at].channel].deleted;
                let member = &mut self.members[at];
                let right = if member.barred { Reason::Blocked } else { Reason::NoSuchChannel };
                assert!((deleted || member.barred) && reason == right, "refused for no reason");
                assert!(!member.told && !member.ended, "refused who is in");
                member.ended = true;
            }
            Event::Data { from, bytes } => self.hear(from, bytes, false),
            Event::Chunk { from, bytes } => self.hear(from, bytes, true),
            _ => panic!("nothing of that kind can happen: {event:?}"),
        }
    }

    fn hear(&mut self, from: Source, bytes: &[u8], chunk: bool) {
        let (at, up) = match from {
            Source::User { channel, user } => (self.member_of(channel, user), true),
            Source::Server { channel } => (self.member(channel), false),
        };
        let Known { mode, line, deleted, .. } = self.channels[self.members[at].channel];
        assert_eq!(mode != Mode::Data, chunk, "an event of another mode");
        let member = &mut self.members[at];
        let hears = if up { !deleted && !member.removed } else { !member.left && !member.ended };
        assert!(hears, "somebody hears who has gone, or is heard");
        let queue = if up { &mut member.up } else { &mut member.down };
        let mut rest = bytes;
        while !rest.is_empty() {
            let (sent, expected) = queue.front_mut().expect("something comes that nobody has sent");
            assert!(*sent + line.one_way() <= self.now, "it comes too soon");
            let len = if chunk { expected.len() } else { expected.len().min(rest.len()) };
            assert!(rest.get(..len) == expected.get(..len), "other bytes than were sent");
            assert!(!chunk || len == bytes.len(), "a chunk of another length");
            rest = &rest[len..];
            expected.drain(..len);
            if expected.is_empty() {
                queue.pop_front();
            }
        }
    }

    pub(super) fn act(&mut self, out: &mut Out<'_>) {
        match self.input.below(16) {
            0 => self.create(out),
            1 | 2 => self.enter(out),
            3 => self.leave(out),
            4 => self.delete(out),
            5 | 6 => {
                self.write_parts(out);
            }
            7..=10 => self.send_up(out),
            15 => self.remove(out),
            _ => self.send_down(out),
        }
    }

    fn create(&mut self, out: &mut Out<'_>) {
        let mode = match self.input.below(5) {
            0 | 1 => Mode::Data,
            which => Mode::chunks([4, 256, 300][which - 2]),
        };
        let name = self.next;
        match out.create([name], mode) {
            Ok(handle) => {
                self.next = self.next.wrapping_add(1);
                let lag = Duration::from_millis(u64::from(self.input.choose(&[0u8, 0, 20, 101])));
                let line = SimulatedLine::new()
                    .round_trip(lag)
                    .bytes_per_second(self.input.choose(&[0, 0, 500, 20_000]));
                out.simulate(handle, line).expect("it was just created");
                let (created, deleted, blocked, entering) = (false, false, false, None);
                self.channels.push(Known { handle, mode, line, name, created, deleted, blocked, entering });
            }
            Err(SendError::WouldBlock | SendError::TooManyOwnChannels) => {}
            Err(error) => panic!("creating a channel: {error}"),
        }
    }

    fn choose<T>(&mut self, from: impl Iterator<Item = T>) -> Option<T> {
        let mut from: Vec<T> = from.collect();
        (!from.is_empty()).then(|| from.swap_remove(self.input.below(from.len())))
    }

    fn enter(&mut self, out: &mut Out<'_>) {
        let there =
            |(at, channel): (usize, &Known)| (!channel.deleted && channel.entering.is_none()).then_some(at);
        let there: Vec<usize> = self.channels.iter().enumerate().filter_map(there).collect();
        let Some(channel) = self.choose(there.into_iter()) else { return };
        match out.enter([self.channels[channel].name], self.channels[channel].mode) {
            Ok(handle) => {
                let barred = self.channels[channel].blocked;
                if !barred {
                    self.channels[channel].entering = Some(self.members.len());
                }
                self.members.push(Member::entering(channel, handle, barred));
            }
            Err(SendError::WouldBlock | SendError::TooManyParties | SendError::TooManyLocalUsers) => {}
            Err(error) => panic!("entering a channel: {error}"),
        }
    }

    /// Users who know that they are in, and of whom the server knows.
    fn present(&self) -> Vec<usize> {
        let present = |(at, member): (usize, &Member)| {
            (member.told && member.number.is_some() && !member.left && !member.ended).then_some(at)
        };
        self.members.iter().enumerate().filter_map(present).collect()
    }

    fn leave(&mut self, out: &mut Out<'_>) {
        let present = self.present();
        let Some(at) = self.choose(present.into_iter()) else { return };
        match out.leave(self.members[at].handle) {
            Ok(()) => {
                let member = &mut self.members[at];
                member.left = true;
                // nobody is told of that
                member.gone |= member.exhausted || self.channels[member.channel].deleted;
                member.down.clear();
            }
            Err(SendError::WouldBlock) => {}
            // the channel is gone, and it has not been told
            Err(SendError::NotOpen) => {
                let member = &self.members[at];
                assert!(member.ending, "it is there");
            }
            Err(error) => panic!("leaving a channel: {error}"),
        }
    }

    /// Removes or blocks somebody who is a user, or was one.
    fn remove(&mut self, out: &mut Out<'_>) {
        let known = self.members.iter().filter_map(|member| Some((member.channel, member.number?)));
        let known: Vec<(usize, User)> = known.collect();
        let Some((channel, user)) = self.choose(known.into_iter()) else { return };
        let Known { handle, deleted, .. } = self.channels[channel];
        let meant =
            |member: &Member| member.channel == channel && member.number == Some(user) && member.is_served();
        let at = self.members.iter().position(meant).filter(|_| !deleted);
        let block = self.input.byte() & 1 == 1;
        let done = if block { out.block_user(handle, user) } else { out.remove_user(handle, user) };
        match (done, at) {
            // removed already: nothing further comes of it
            (Ok(()), Some(at)) if self.members[at].removed => {}
            (Ok(()), Some(at)) => {
                self.channels[channel].blocked |= block;
                let member = &mut self.members[at];
                if !member.left {
                    member.removed = true;
                    member.up.clear();
                    let to = Destination::User(handle, user);
                    let free = out.free();
                    let sent = out.send(to, &[0; 4]);
                    assert!(matches!(sent, Ok(()) | Err(SendError::ChunkUnfinished)), "{sent:?}");
                    assert!(out.users(handle).any(|there| there == user) && out.free() == free);
                }
            }
            (Err(SendError::NotOpen), None) => {}
            (done, at) => panic!("removing the {at:?}th member: {done:?}"),
        }
    }

    fn delete(&mut self, out: &mut Out<'_>) {
        let there = |(at, channel): (usize, &Known)| (!channel.deleted && channel.created).then_some(at);
        let there: Vec<usize> = self.channels.iter().enumerate().filter_map(there).collect();
        let Some(at) = self.choose(there.into_iter()) else { return };
        match out.delete(self.channels[at].handle) {
            Ok(()) => {
                self.channels[at].deleted = true;
                self.channels[at].entering = None;
                for member in self.members.iter_mut().filter(|member| member.channel == at) {
                    member.up.clear();
                    member.gone = true;
                }
            }
            Err(SendError::WouldBlock) => {}
            Err(error) => panic!("deleting a channel: {error}"),
        }
    }

    fn bytes(&mut self, mode: Mode) -> Vec<u8> {
        let longest = match mode {
            Mode::Chunks(limit) => limit.max() as usize,
            _ => 350,
        };
        let len = if self.input.byte() < 200 { 1 + self.input.below(12) } else { 1 + self.input.below(256) };
        let start = self.input.byte();
        (0..len.min(longest)).map(|place| start.wrapping_add(place.to_le_bytes()[0])).collect()
    }

    /// Sends, and says whether that was possible.
    fn send(&mut self, to: Destination, bytes: &[u8], out: &mut Out<'_>) -> bool {
        let possible = out.can_send(to, bytes.len());
        let sent = out.send(to, bytes);
        assert_eq!(possible, sent.is_ok(), "{sent:?}");
        match sent {
            Ok(()) => true,
            Err(SendError::WouldBlock | SendError::QueueTooSmall { .. } | SendError::ChunkUnfinished) => {
                false
            }
            Err(error) => panic!("sending to {to:?}: {error}"),
        }
    }

    fn send_up(&mut self, out: &mut Out<'_>) {
        let present = self.present();
        let alive: Vec<usize> = present.into_iter().filter(|&at| !self.members[at].ending).collect();
        let Some(at) = self.choose(alive.into_iter()) else { return };
        let bytes = self.bytes(self.channels[self.members[at].channel].mode);
        // (the channel may be deleted: its users hear of that later)
        let Member { channel, exhausted, removed, .. } = self.members[at];
        let heard = !exhausted && !removed && !self.channels[channel].deleted;
        if self.send(Destination::Server(self.members[at].handle), &bytes, out) && heard {
            self.members[at].up.push_back((self.now, bytes));
        }
    }

    /// Somewhere for a server to send to.
    fn down(&mut self) -> Option<(Destination, Mode)> {
        let open = |(at, channel): (usize, &Known)| (!channel.deleted && channel.created).then_some(at);
        let open: Vec<usize> = self.channels.iter().enumerate().filter_map(open).collect();
        let at = self.choose(open.into_iter())?;
        let Known { handle, mode, .. } = self.channels[at];
        let which = self.input.below(4);
        let reached = self.reached(Destination::All(handle));
        let one = self.choose(reached.into_iter());
        let to = match (which, one.and_then(|one| Some((one, self.members[one].number?)))) {
            (0, Some((one, user))) if !self.members[one].exhausted => Destination::User(handle, user),
            (1, Some((_, user))) => Destination::AllBut(handle, user),
            _ => Destination::All(handle),
        };
        Some((to, mode))
    }

    /// The users whom something that a server sends reaches now.
    fn reached(&self, to: Destination) -> Vec<usize> {
        let (handle, meant): (OwnChannel, &dyn Fn(User) -> bool) = match to {
            Destination::User(handle, user) => (handle, &move |number| number == user),
            Destination::AllBut(handle, user) => (handle, &move |number| number != user),
            Destination::All(handle) => (handle, &|_| true),
            Destination::Server(_) => return Vec::new(),
        };
        let channel = self.channel(handle);
        let reached = |member: &Member| {
            let is_there = !member.left && !member.removed && !member.ended;
            member.channel == channel && is_there && member.number.is_some_and(meant)
        };
        (0..self.members.len()).filter(|&member| reached(&self.members[member])).collect()
    }

    fn send_down(&mut self, out: &mut Out<'_>) {
        let Some((to, mode)) = self.down() else { return };
        let (bytes, receivers) = (self.bytes(mode), self.reached(to));
        if self.send(to, &bytes, out) {
            for receiver in receivers {
                self.members[receiver].down.push_back((self.now, bytes.clone()));
            }
        }
    }

    /// Begins a chunk in parts, or goes on with it. Whether that got anything done.
    fn write_parts(&mut self, out: &mut Out<'_>) -> bool {
        let Some(mut parts) = self.parts.take() else {
            if !self.settling {
                self.begin_parts(out);
            }
            return false;
        };
        let end = (parts.written + 1 + self.input.below(90)).min(parts.bytes.len());
        let first = parts.written == 0;
        match out.write_chunk(&parts.bytes[parts.written..end]) {
            Ok(count) => {
                if first {
                    parts.receivers = self.reached(parts.to);
                }
                parts.written += count;
            }
            Err(SendError::WouldBlock) => {
                self.parts = Some(parts);
                return false;
            }
            Err(SendError::NotOpen | SendError::NoChunkBegun) => return true,
            Err(error) => panic!("writing a part of a chunk: {error}"),
        }
        if parts.written < parts.bytes.len() {
            self.parts = Some(parts);
            return true;
        }
        for &receiver in &parts.receivers {
            let member = &mut self.members[receiver];
            if !member.left && !member.removed {
                member.down.push_back((self.now, parts.bytes.clone()));
            }
        }
        true
    }

    fn begin_parts(&mut self, out: &mut Out<'_>) {
        let Some((to, mode)) = self.down() else { return };
        if mode == Mode::Data {
            return;
        }
        let bytes = self.bytes(mode);
        out.begin_chunk(to, bytes.len()).expect("it is there, and no other chunk is in the way");
        self.parts = Some(Parts { to, receivers: Vec::new(), bytes, written: 0 });
    }

    /// Goes on with a chunk in parts. Whether that got anything done.
    pub(super) fn finish_parts(&mut self, out: &mut Out<'_>) -> bool {
        self.parts.is_some() && self.write_parts(out)
    }

    pub(super) fn check_settled(&self) {
        assert!(self.parts.is_none(), "a chunk in parts is never finished");
        for channel in &self.channels {
            assert!(channel.created && channel.entering.is_none(), "not settled: {channel:?}");
        }
        for member in &self.members {
            let deleted = self.channels[member.channel].deleted;
            let (is_over, knows) = (member.left || member.ended, member.gone || member.exhausted);
            let is_there = member.told && !is_over && !knows && !member.removed && !deleted;
            let is_in = member.told && !is_over && member.exhausted && !deleted;
            assert!(is_there || is_in || (is_over && knows), "not settled: {member:?}");
            assert!(member.up.is_empty() && member.down.is_empty(), "not delivered: {member:?}");
        }
    }
}
