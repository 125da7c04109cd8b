//! What a link has to make of what a relay says, in the simplest way there is.

use std::collections::HashMap;

use peote_net::Reason;
use peote_net::chunk::{ChunkLimit, Violation};
use peote_net::link::{Channel, EnteredChannel, Event, Mode, OwnChannel, Source, User};
use peote_net::protocol::Fragment;
use peote_net::protocol::items::{self, Item, NumberReader};
use peote_net::protocol::to_endpoint::{Capabilities, Decoder, Unit};

use crate::support::Seen;

/// A channel the caller has asked for and not given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Handle {
    Own(OwnChannel),
    Entered(EnteredChannel),
}

/// What one sender has said so far that is not dealt with.
#[derive(Debug, Default)]
struct Voice {
    bytes: Vec<u8>,
    malicious: bool,
}

#[derive(Debug)]
struct Known {
    handle: Handle,
    number: u8,
    mode: Mode,
    /// The server's, if it is an entered channel.
    voice: Voice,
}

/// Somebody who can be heard: a user, or the server of an entered channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaker {
    pub(crate) number: u8,
    pub(crate) user: Option<u8>,
    pub(crate) mode: Mode,
}

/// A command that has not been answered: for whom, unless that has been given up.
#[derive(Debug)]
struct Command {
    own: bool,
    handle: Option<Handle>,
    mode: Mode,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    decoder: Decoder,
    /// In the order in which they were opened.
    channels: Vec<Known>,
    commands: HashMap<u8, Command>,
    /// Who is in an own channel, by the channel's number and their own.
    users: HashMap<(u8, u8), (OwnChannel, Voice)>,
    /// Places for own channels, and for users and entered channels.
    own_channels: usize,
    places: usize,
    /// What the link has to say of its own accord, in any order: `(command, number)`.
    pub(crate) given_back: Vec<(u8, u8)>,
    /// What the relay can do.
    capabilities: Capabilities,
    /// The link has said hello.
    pub(crate) has_windows: bool,
    /// The relay has said that taking part is not in force.
    is_refused: bool,
    reader: NumberReader,
    come_back_in: Option<u32>,
    /// Words of a refusal, as far as they have come.
    words: Vec<u8>,
    /// They are those of a command that is in flight.
    has_words: bool,
    /// Users for whom there was no place, which the link has removed: `[channel, user]`.
    pub(crate) turned_away: Vec<[u8; 2]>,
}

/// Bytes of words that are kept.
const MAX_WORDS: usize = 200;

impl Model {
    pub(crate) fn new(own_channels: usize, places: usize) -> Self {
        Self { own_channels, places, ..Self::default() }
    }

    pub(crate) fn asked(&mut self, tag: u8, handle: Handle, mode: Mode) {
        let command = Command { own: matches!(handle, Handle::Own(_)), handle: Some(handle), mode };
        assert!(self.commands.insert(tag, command).is_none(), "tag {tag} is in flight");
    }

    /// Everything the caller could give up: open or not yet answered.
    pub(crate) fn handles(&self) -> Vec<Handle> {
        let mut waiting: Vec<(u8, Handle)> =
            self.commands.iter().filter_map(|(&tag, command)| Some((tag, command.handle?))).collect();
        waiting.sort_unstable_by_key(|&(tag, _)| tag);
        let open = self.channels.iter().map(|channel| channel.handle);
        open.chain(waiting.into_iter().map(|(_, handle)| handle)).collect()
    }

    /// The tags of commands that have not been answered.
    pub(crate) fn tags(&self) -> Vec<u8> {
        let mut tags: Vec<u8> = self.commands.keys().copied().collect();
        tags.sort_unstable();
        tags
    }

    /// The caller gives a channel up.
    pub(crate) fn give_up(&mut self, handle: Handle) {
        if let Some(command) = self.commands.values_mut().find(|command| command.handle == Some(handle)) {
            command.handle = None;
            return;
        }
        let at = self.channels.iter().position(|channel| channel.handle == handle).unwrap();
        let number = self.channels.remove(at).number;
        self.given_back.push((if matches!(handle, Handle::Own(_)) { 3 } else { 2 }, number));
        if let Handle::Own(own) = handle {
            self.users.retain(|_, (of, _)| *of != own);
        }
    }

    fn places_left(&self) -> usize {
        let entered =
            self.channels.iter().filter(|channel| matches!(channel.handle, Handle::Entered(_))).count();
        let entering = self.commands.values().filter(|command| !command.own).count();
        self.places - entered - entering - self.users.len()
    }

    pub(crate) fn can_enter(&self) -> bool {
        self.places_left() > 0
    }

    pub(crate) fn can_create(&self) -> bool {
        let open = self.channels.iter().filter(|channel| matches!(channel.handle, Handle::Own(_))).count();
        open + self.commands.values().filter(|command| command.own).count() < self.own_channels
    }

    pub(crate) fn is_open(&self, handle: Handle) -> bool {
        self.channels.iter().any(|channel| channel.handle == handle)
    }

    /// The numbers of the own channels.
    pub(crate) fn own_numbers(&self) -> Vec<u8> {
        let own = self.channels.iter().filter(|channel| matches!(channel.handle, Handle::Own(_)));
        own.map(|channel| channel.number).collect()
    }

    /// Everybody who can be heard: users, then servers.
    pub(crate) fn speakers(&self) -> Vec<Speaker> {
        let mode =
            |own: OwnChannel| self.channels.iter().find(|c| c.handle == Handle::Own(own)).unwrap().mode;
        let users = self.users.iter().map(|(&(number, user), &(own, _))| (number, Some(user), mode(own)));
        let entered = self.channels.iter().filter(|channel| matches!(channel.handle, Handle::Entered(_)));
        let servers = entered.map(|channel| (channel.number, None, channel.mode));
        let mut speakers: Vec<Speaker> =
            users.chain(servers).map(|(number, user, mode)| Speaker { number, user, mode }).collect();
        speakers.sort_unstable_by_key(|speaker| (speaker.user.is_none(), speaker.number, speaker.user));
        speakers
    }

    /// Who is in an own channel, in order.
    pub(crate) fn users(&self, channel: OwnChannel) -> Vec<User> {
        let here = self.users.iter().filter(|(_, (of, _))| *of == channel);
        let mut users: Vec<User> = here.map(|(&(_, user), _)| User::new(user)).collect();
        users.sort_unstable();
        users
    }

    /// The relay says `bytes`.
    pub(crate) fn hears(&mut self, bytes: &[u8]) -> Vec<Seen> {
        let mut decoder = self.decoder;
        let mut rest = bytes;
        let mut seen = Vec::new();
        while let Some((used, unit)) = decoder.decode(rest) {
            rest = &rest[used..];
            self.hears_unit(unit, &mut seen);
        }
        self.decoder = decoder;
        seen
    }

    fn hears_unit(&mut self, unit: Unit<'_>, seen: &mut Vec<Seen>) {
        match unit {
            Unit::Success { tag, channel: number } | Unit::Entered { tag, channel: number, .. }
                if number > 127 =>
            {
                self.refused(tag, number, seen);
            }
            Unit::Success { tag, channel: number } | Unit::Entered { tag, channel: number, .. } => {
                self.success(tag, number, seen);
            }
            // the words come first
            Unit::Refused { tag, code, words } => {
                if words.is_first() {
                    self.has_words = self.commands.get(&tag).is_some_and(|command| command.handle.is_some());
                }
                self.words.extend(words.bytes().iter().filter(|_| self.has_words));
                if words.is_last() {
                    self.refused(tag, code, seen);
                    self.words.clear();
                }
            }
            Unit::UserEntered { channel: number, user } => self.user_entered(number, user, false, seen),
            Unit::Knock { channel, user, words, .. } if words.is_last() && cfg!(feature = "flow") => {
                self.user_entered(channel, user, true, seen);
            }
            Unit::Keepalive { last } => {
                if let Some(capabilities) = Capabilities::from_keepalive(last) {
                    self.capabilities = capabilities;
                    self.has_windows |= cfg!(feature = "flow") && capabilities.contains(Capabilities::HELLO);
                }
            }
            Unit::Hello { items } => self.hears_hello(items, seen),
            Unit::UserGone { channel: number, user, reason } => {
                if let Some((channel, _)) = self.users.remove(&(number, user)) {
                    let (user, reason) = (User::new(user), Reason::of_end(reason));
                    seen.push(Seen::Notice(Event::UserGone { channel, user, reason }));
                }
            }
            Unit::ChannelGone { channel: number, reason } => {
                if let Some(at) = self.entered(number) {
                    let Handle::Entered(channel) = self.channels.remove(at).handle else { unreachable!() };
                    seen.push(Seen::Notice(Event::Closed {
                        channel: Channel::Entered(channel),
                        reason: Reason::of_end(reason),
                    }));
                }
            }
            Unit::FromServer { channel: number, payload } => {
                if let Some(at) = self.entered(number) {
                    let Known { handle: Handle::Entered(channel), mode, ref mut voice, .. } =
                        self.channels[at]
                    else {
                        unreachable!()
                    };
                    voice.hears(Source::Server { channel }, mode, payload.bytes(), seen);
                }
            }
            Unit::FromUser { channel: number, user, payload } => {
                if let Some((channel, voice)) = self.users.get_mut(&(number, user)) {
                    let channel = *channel;
                    let handle = Handle::Own(channel);
                    let mode = self.channels.iter().find(|channel| channel.handle == handle).unwrap().mode;
                    let from = Source::User { channel, user: User::new(user) };
                    voice.hears(from, mode, payload.bytes(), seen);
                }
            }
            _ => {}
        }
    }

    fn hears_hello(&mut self, items: Fragment<'_>, seen: &mut Vec<Seen>) {
        if !cfg!(feature = "flow") {
            return;
        }
        for byte in items.bytes() {
            match self.reader.byte(*byte) {
                Some(Item::Capabilities(bits)) => self.is_refused = bits & items::TAKES_PART == 0,
                Some(Item::ComeBackIn(millis)) => self.come_back_in = Some(millis),
                _ => {}
            }
        }
        if items.is_last() {
            self.reader = NumberReader::new();
            #[cfg(feature = "flow")]
            if let Some(millis) = self.come_back_in.take() {
                let after = peote_net::time::Duration::from_millis(millis.into());
                seen.push(Seen::Notice(Event::ComeBack { after }));
            }
            let _ = seen;
        }
    }

    /// A party that is not heard any more, because it has sent more than it may.
    pub(crate) fn silence(&mut self, from: Source) {
        let voice = match from {
            Source::User { channel, user } => self
                .users
                .iter_mut()
                .find(|((_, number), (of, _))| *of == channel && User::new(*number) == user)
                .map(|(_, (_, voice))| voice),
            Source::Server { channel } => self
                .channels
                .iter_mut()
                .find(|known| known.handle == Handle::Entered(channel))
                .map(|known| &mut known.voice),
        };
        if let Some(voice) = voice {
            voice.malicious = true;
        }
    }

    /// The entered channel with this number. (Two of them exist only if a relay talks nonsense. The
    /// latest has the number then; where parties are searched in order, the one in the first
    /// place.)
    fn entered(&self, number: u8) -> Option<usize> {
        let mut these = self.channels.iter().enumerate().filter_map(|(at, channel)| match channel.handle {
            Handle::Entered(handle) if channel.number == number => Some((at, handle.index())),
            _ => None,
        });
        let this = if cfg!(not(feature = "speed")) {
            these.min_by_key(|&(_, slot)| slot)
        } else {
            these.next_back()
        };
        this.map(|(at, _)| at)
    }

    fn success(&mut self, tag: u8, number: u8, seen: &mut Vec<Seen>) {
        let Some(Command { own, handle, mode }) = self.commands.remove(&tag) else { return };
        let Some(handle) = handle else {
            self.given_back.push((if own { 3 } else { 2 }, number));
            return;
        };
        self.channels.push(Known { handle, number, mode, voice: Voice::default() });
        seen.push(Seen::Notice(match handle {
            Handle::Own(channel) => Event::Opened { channel: Channel::Own(channel) },
            Handle::Entered(channel) => Event::Opened { channel: Channel::Entered(channel) },
        }));
    }

    fn refused(&mut self, tag: u8, code: u8, seen: &mut Vec<Seen>) {
        let Some(Command { handle: Some(handle), .. }) = self.commands.remove(&tag) else { return };
        seen.push(Seen::Notice(match handle {
            Handle::Own(channel) => {
                Event::Refused { channel: Channel::Own(channel), reason: Reason::of_create(code), words: &[] }
            }
            Handle::Entered(channel) => {
                let (channel, reason) = (Channel::Entered(channel), Reason::of_enter(code));
                self.words.truncate(MAX_WORDS);
                if !self.words.is_empty() && cfg!(feature = "admission") {
                    seen.push(Seen::Refused(channel, reason, core::mem::take(&mut self.words)));
                    return;
                }
                Event::Refused { channel, reason, words: &[] }
            }
        }));
    }

    fn user_entered(&mut self, number: u8, user: u8, knocks: bool, seen: &mut Vec<Seen>) {
        // two own channels with one number exist only if a relay talks nonsense
        let own = self.channels.iter().filter_map(|channel| match channel.handle {
            Handle::Own(own) if channel.number == number => Some(own),
            _ => None,
        });
        let Some(channel) = own.min_by_key(|own| own.index()) else { return };
        if self.users.contains_key(&(number, user)) {
            return;
        }
        let exhausted = self.places_left() == 0;
        if !exhausted {
            self.users.insert((number, user), (channel, Voice::default()));
        } else if knocks {
            return; // it is refused
        } else if self.has_windows
            && !self.is_refused
            && self.capabilities.contains(Capabilities::REMOVE_USER)
        {
            self.turned_away.push([number, user]);
        }
        let user = User::new(user);
        seen.push(Seen::Notice(if exhausted {
            Event::UserIgnored { channel, user }
        } else {
            Event::UserEntered { channel, user }
        }));
    }

    /// The connection is lost: what is to be told, in no particular order.
    pub(crate) fn loses(&mut self) -> Vec<Seen> {
        let reason = Reason::LinkLost;
        let open = self.channels.iter().map(|channel| match channel.handle {
            Handle::Own(channel) => {
                Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost }
            }
            Handle::Entered(channel) => Event::Closed { channel: Channel::Entered(channel), reason },
        });
        let waiting =
            self.commands.values().filter_map(|command| command.handle).map(|handle| match handle {
                Handle::Own(channel) => Event::Refused { channel: Channel::Own(channel), reason, words: &[] },
                Handle::Entered(channel) => {
                    Event::Refused { channel: Channel::Entered(channel), reason, words: &[] }
                }
            });
        let told = open.chain(waiting).map(Seen::Notice).collect();
        *self = Self::new(self.own_channels, self.places);
        told
    }
}

impl Voice {
    fn hears(&mut self, from: Source, mode: Mode, bytes: &[u8], seen: &mut Vec<Seen>) {
        let Mode::Chunks(limit) = mode else {
            if !bytes.is_empty() && !self.malicious {
                seen.push(Seen::Data(from, bytes.to_vec()));
            }
            return;
        };
        self.bytes.extend_from_slice(bytes);
        while !self.malicious {
            match chunk(limit, &self.bytes) {
                None => return,
                Some(Ok((start, end))) => {
                    seen.push(Seen::Chunk(from, self.bytes[start..end].to_vec()));
                    self.bytes.drain(..end);
                }
                Some(Err(violation)) => {
                    self.malicious = true;
                    seen.push(Seen::Notice(Event::Malicious { from, violation }));
                }
            }
        }
    }
}

/// Where the first chunk is, if it is all there.
fn chunk(limit: ChunkLimit, bytes: &[u8]) -> Option<Result<(usize, usize), Violation>> {
    let mut code = 0;
    for index in 0usize.. {
        let byte = *bytes.get(index)?;
        if index > 0 && byte == 0 {
            return Some(Err(Violation::OverlongLength));
        }
        let last = index + 1 == usize::from(limit.length_bytes());
        code |= u64::from(if last { byte } else { byte & 127 }) << (7 * index);
        if last || byte < 128 {
            let (len, max) = (code + 1, limit.max());
            if len > max.into() {
                let len = u32::try_from(len).unwrap_or(u32::MAX);
                return Some(Err(Violation::ChunkTooLarge { len, max }));
            }
            let (start, end) = (index + 1, index + 1 + usize::try_from(len).unwrap());
            return (end <= bytes.len()).then_some(Ok((start, end)));
        }
    }
    None
}

/// Puts raw data together that was cut.
pub(crate) fn merged(seen: Vec<Seen>) -> Vec<Seen> {
    let mut merged: Vec<Seen> = Vec::new();
    for event in seen {
        match (merged.last_mut(), &event) {
            (Some(Seen::Data(last, bytes)), Seen::Data(from, more)) if last == from => bytes.extend(more),
            _ => merged.push(event),
        }
    }
    merged
}
