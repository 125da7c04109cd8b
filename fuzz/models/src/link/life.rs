//! The life of a link, as the input wants it.

mod acts;

use std::cell::RefCell;
use std::rc::Rc;

use peote_net::Reason;
use peote_net::chunk::ChunkLimit;
use peote_net::link::{Channel, Destination, Error, Event, Flow, Link, Mode, Out, SendError, Source, User};
use peote_net::protocol::to_endpoint::{self, Capabilities};
use peote_net::protocol::to_relay::Command;
use peote_net::time::{Duration, Instant};
use peote_net_testkit::heap::Heap;

use super::heard::{self, End, Heard};
use super::memory::{CHUNK, choose};
use super::said::{Route, Said};
use super::state::{Channels, Handle, Phase};
use super::transport::Connection;
use crate::Input;

/// An event with bytes of its own, for comparing.
fn seen(event: &Event<'_>) -> String {
    format!("{event:?}")
}

/// An event that is to be delivered again.
#[derive(Debug)]
struct Kept {
    event: String,
    /// Whom it is about.
    party: Option<(Channel, Option<User>)>,
}

impl Kept {
    fn new(event: &Event<'_>) -> Self {
        let user = match *event {
            Event::Data { from, .. } | Event::Chunk { from, .. } | Event::Malicious { from, .. } => {
                from.user()
            }
            Event::UserEntered { user, .. } | Event::UserGone { user, .. } => Some(user),
            _ => None,
        };
        Self { event: seen(event), party: event.channel().map(|channel| (channel, user)) }
    }
}

/// A chunk that is written in parts.
#[derive(Debug)]
struct Parts {
    handle: Handle,
    to: Destination,
    /// Its length field, until that has been queued.
    length: Vec<u8>,
    left: usize,
}

/// All but the link and its connection, so that handlers can use it.
#[derive(Debug)]
struct Program<'a> {
    input: Input<'a>,
    channels: Channels,
    said: Said,
    parts: Option<Parts>,
    /// Events that are to be delivered again, each in front of all others that are about the same
    /// party.
    kept: Vec<Kept>,
    /// Something has ever been kept, so a party's end can be known before it is told.
    has_kept: bool,
    /// The connection is lost, and not all has been told.
    losing: bool,
    heard: Rc<RefCell<Heard>>,
    /// Handles that were given up before they were answered, and whose end has not been written.
    unwanted: Vec<Handle>,
    events: usize,
}

pub(super) fn live(mut input: Input<'_>) {
    let memory = choose(&mut input);
    let (transmit, receive) = (memory.transmit.len(), memory.receive.len());
    let mut link = Link::with_buffers(memory);
    let mut connection = Connection::new();
    let mut program = Program {
        input,
        channels: Channels::default(),
        said: Said::default(),
        parts: None,
        kept: Vec::new(),
        has_kept: false,
        losing: false,
        heard: connection.heard.clone(),
        unwanted: Vec::new(),
        events: 0,
    };
    let mut now = Instant::ZERO;
    while !program.input.is_empty() {
        match program.input.below(20) {
            0..=6 => program.relay_says(&mut connection),
            7 => {
                let len = program.input.below(64);
                connection.incoming.extend(program.input.bytes(len));
            }
            8..=11 => poll(&mut link, &mut connection, &mut program, now, (transmit, receive)),
            12..=16 if !program.losing => program.act(&mut link.out()),
            17 => match program.input.below(6) {
                0 => connection.room = program.input.below(40),
                1 => connection.read_limit = 1 + program.input.below(40),
                2 => connection.write_limit = 1 + program.input.below(40),
                _ => (connection.room, connection.read_limit) = (usize::MAX, usize::MAX),
            },
            18 => match program.input.below(6) {
                0 => connection.closed = true,
                1 => connection.read_fails = true,
                2 => connection.write_fails = true,
                _ => {}
            },
            _ => now = now + Duration::from_millis(u64::from(program.input.byte()) * 100),
        }
    }
    // in the end everything that was queued is written, and all that is lost is told
    connection.room = usize::MAX;
    for _ in 0..4 {
        poll(&mut link, &mut connection, &mut program, now, (transmit, receive));
    }
    assert!(program.is_blind() || program.said.is_empty(), "something was never written: {:?}", program.said);
    connection.closed = true;
    connection.incoming.clear();
    for _ in 0..4 {
        poll(&mut link, &mut connection, &mut program, now, (transmit, receive));
    }
    assert!(!program.losing && program.channels.alive().is_empty(), "somebody was not told");
}

fn poll(
    link: &mut Link<Heap>,
    connection: &mut Connection,
    program: &mut Program<'_>,
    now: Instant,
    (transmit, receive): (usize, usize),
) {
    let reads = connection.reads;
    program.events = 0;
    // what was kept in slots comes as well
    let kept = if program.has_kept { 16 * CHUNK } else { 0 };
    let most = 2 * receive + program.channels.all.len() + 2 + kept;
    let polled = if program.input.byte() & 1 == 0 {
        link.poll(connection, now, |event, out| program.handle(&event, out))
    } else {
        loop {
            match link.next_event(connection, now) {
                Ok(None) => break Ok(()),
                Ok(Some((event, mut out))) => match program.handle(&event, &mut out) {
                    Ok(Flow::Continue) | Err(_) => {}
                    Ok(Flow::Again) => out.again(),
                },
                Err(error) => {
                    // the events that tell of it come behind
                    program.losing = true;
                    while let Ok(Some((event, mut out))) = link.next_event(connection, now) {
                        if matches!(program.handle(&event, &mut out), Ok(Flow::Again)) {
                            out.again();
                        }
                    }
                    break Err(error);
                }
            }
        }
    };
    assert!(connection.reads - reads <= 1, "a poll reads more than once");
    assert!(program.events <= most, "{} events in one poll", program.events);
    program.written(&core::mem::take(&mut connection.outgoing));
    match polled {
        Ok(()) => {
            let room = connection.room == usize::MAX;
            assert!(!room || link.out().free() == transmit, "there was room to write more");
            // a command that the relay is owed, and that has no room, goes before what has come
            let is_all = program.kept.is_empty() && link.wants_read();
            assert!(program.kept.is_empty() || link.has_kept(), "an event is forgotten");
            program.heard.borrow().check_capabilities(link.out().relay_capabilities(), is_all);
        }
        Err(Error::Handler(error)) => assert_eq!(error, SendError::Empty, "an error of nobody"),
        Err(_) => {
            *connection = Connection::new();
            program.lost(connection);
        }
    }
    if program.losing && program.kept.is_empty() && !matches!(polled, Err(Error::Handler(_))) {
        program.channels.check_lost();
        program.losing = false;
    }
    assert!(link.out().free() == transmit || link.wants_write(), "it does not want to write what is queued");
}

impl Program<'_> {
    /// Whether the event tells of the loss of the connection.
    fn losing(&self, event: &Event<'_>) -> bool {
        let reason = match event {
            Event::Refused { reason, .. } | Event::Closed { reason, .. } => Some(*reason),
            _ => None,
        };
        self.losing || reason == Some(Reason::LinkLost)
    }

    fn is_blind(&self) -> bool {
        self.heard.borrow().blind
    }

    fn blind(&mut self) {
        self.heard.borrow_mut().blind = true;
    }

    /// The connection is lost, and there is a new one.
    fn lost(&mut self, connection: &Connection) {
        self.losing = true;
        self.said = Said::default();
        self.heard = connection.heard.clone();
        self.unwanted.clear();
        self.parts = None;
    }

    fn written(&mut self, bytes: &[u8]) {
        if self.is_blind() {
            return;
        }
        let (said, heard) = (&mut self.said, &mut *self.heard.borrow_mut());
        self.unwanted.retain(|handle| {
            let number = said.tags.get(handle).and_then(|tag| heard.numbers.get(tag));
            let command = if matches!(handle, Handle::Own(_)) { Command::Delete } else { Command::Leave };
            said.unwanted.extend(number.map(|&number| (command, number)));
            number.is_none()
        });
        for tag in said.written(bytes) {
            heard.awaited.insert(tag);
            heard.numbers.remove(&tag);
        }
    }

    /// What a relay could say, or could not.
    fn relay_says(&mut self, connection: &mut Connection) {
        let input = &mut self.input;
        let (number, user) = (input.byte(), input.byte() % 6);
        let number = if number < 240 { number % 3 } else { number };
        let tag = match self.said.asked.len() {
            0 => input.byte(),
            len => self.said.asked[len - 1 - input.below(len.min(4))],
        };
        let data = |input: &mut Input<'_>| {
            // chunks of some length, and not always in one piece
            let len = if input.byte() < 200 { input.below(9) } else { input.below(256) * 2 };
            let bytes: Vec<u8> = (0..len).map(|place| place.to_le_bytes()[0]).collect();
            let length = ChunkLimit::new(300).encode_length(len.max(1));
            let length = length.filter(|_| input.byte() < 240).map(|length| length.as_bytes().to_vec());
            [length.unwrap_or_default(), bytes].concat()
        };
        match input.below(14) {
            10 => connection.incoming.extend(to_endpoint::announcement(Capabilities::HELLO)),
            11 => {
                let window = 100 * u32::from(input.byte());
                let knock = to_endpoint::knock(number & 127, user, 1, true, window, 0);
                connection.incoming.extend(knock.expect("no words"));
            }
            12 => {
                let bytes = u32::from(input.byte());
                connection.incoming.extend(to_endpoint::grant_from_user(number & 127, user, bytes));
                connection.incoming.extend(to_endpoint::grant_from_server(number & 127, bytes));
            }
            13 => {
                let (send, receive) = (4 * u32::from(input.byte()), 4 * u32::from(input.byte()));
                let own = input.byte() & 1 == 0;
                connection.incoming.extend(to_endpoint::raised(own, number & 127, user, send, receive));
            }
            0..=2 => connection.incoming.extend(to_endpoint::success(tag, number)),
            // codes 0 to 6
            3 => connection.incoming.extend(to_endpoint::refused(tag, user + number % 2)),
            4 => {
                self.said.entered.push([number, user]);
                connection.incoming.extend(to_endpoint::user_entered(number, user));
            }
            5 => connection.incoming.extend(to_endpoint::user_gone(number, user, input.byte() % 4)),
            6 => connection.incoming.extend(to_endpoint::channel_gone(number, input.byte() % 4)),
            7 => connection.incoming.extend(match user {
                0 => to_endpoint::keepalive(),
                1 => [0, 4, 0, 255, 0x51, 3], // announces nothing
                2 => to_endpoint::announcement(Capabilities::REMOVE_USER),
                3 => to_endpoint::announcement(Capabilities::BLOCK_USER),
                // bits without a meaning, too
                _ => [0, 4, 0, 255, 0x50, 3 | number & 0x7c],
            }),
            8 => {
                let bytes = data(input);
                connection.incoming.extend(to_endpoint::data_for_user(number & 127, bytes.len()).as_bytes());
                connection.incoming.extend(bytes);
            }
            _ => {
                let bytes = data(input);
                let header = to_endpoint::data_for_server(number & 127, user, bytes.len());
                connection.incoming.extend(header.as_bytes());
                connection.incoming.extend(bytes);
            }
        }
    }

    fn handle(&mut self, event: &Event<'_>, out: &mut Out<'_>) -> Result<Flow, SendError> {
        self.events += 1;
        let Kept { event: seen, party } = Kept::new(event);
        // with the connection goes what was kept of users
        if matches!(event, Event::LinkLost { .. }) {
            self.kept.clear();
        }
        let again = self.kept.iter().position(|kept| kept.event == seen);
        let redelivered = again.is_some();
        match again {
            Some(at) => drop(self.kept.remove(at)),
            None => {
                self.check_reason(event);
                let before = self.kept.iter().find(|kept| kept.party == party && party.is_some());
                assert!(before.is_none() || self.losing(event), "{seen} comes before {before:?}");
            }
        }
        let choice = self.input.byte();
        if choice % 8 == 7 {
            self.kept.push(Kept { event: seen, party });
            self.has_kept = true;
            return Ok(Flow::Again);
        }
        self.channels.told(event);
        // the connection may be lost already when something is delivered again: what is sent then
        // is for the next one
        if redelivered || self.losing || self.channels.losses > 0 {
            return Ok(Flow::Continue);
        }
        match (choice % 8, event) {
            (3 | 4, Event::Data { from, bytes } | Event::Chunk { from, bytes }) => {
                self.echo(*from, bytes, out);
            }
            (5, _) => self.act(out),
            (6, _) if choice >= 128 => return Err(SendError::Empty),
            _ => {}
        }
        Ok(Flow::Continue)
    }

    /// The number on the wire of a channel that is open.
    fn number(&mut self, handle: Handle) -> u8 {
        let tag = self.said.tags.get(&handle);
        let number = tag.and_then(|tag| self.heard.borrow().numbers.get(tag).copied());
        if number.is_none() {
            self.blind();
        }
        number.unwrap_or_default()
    }

    /// Whether the relay has given two own channels one number, so that the users of one are taken
    /// for those of the other.
    fn is_nonsense(&mut self) -> bool {
        let open = self
            .channels
            .all
            .iter()
            .filter(|channel| channel.phase == Phase::Open && matches!(channel.handle, Handle::Own(_)));
        let heard = self.heard.borrow();
        let mut numbers: Vec<Option<&u8>> =
            open.map(|channel| heard.numbers.get(self.said.tags.get(&channel.handle)?)).collect();
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        heard.blind || numbers.len() < count
    }

    /// Panics if the relay has not said just that.
    fn check_reason(&mut self, event: &Event<'_>) {
        let (handle, user, reason, mean): (_, _, _, fn(u8) -> Reason) = match *event {
            Event::Refused { channel: Channel::Own(channel), reason, .. } => {
                (Handle::Own(channel), None, reason, heard::create_refused)
            }
            Event::Refused { channel: Channel::Entered(channel), reason, .. } => {
                (Handle::Entered(channel), None, reason, heard::enter_refused)
            }
            Event::UserGone { channel, user, reason } => {
                (Handle::Own(channel), Some(user), reason, heard::gone)
            }
            Event::Closed { channel: Channel::Entered(channel), reason } => {
                (Handle::Entered(channel), None, reason, heard::gone)
            }
            _ => return,
        };
        if reason == Reason::LinkLost {
            return; // no relay says so
        }
        let tag = self.said.tags.get(&handle).copied();
        let number = tag.and_then(|tag| self.heard.borrow().numbers.get(&tag).copied());
        let is_refused = matches!(
            event,
            Event::Refused { channel: Channel::Own(_), .. }
                | Event::Refused { channel: Channel::Entered(_), .. }
        );
        let end = match (tag, number, user) {
            (Some(tag), ..) if is_refused => End::Refused(tag),
            (_, Some(number), Some(user)) => {
                End::User(number, u8::try_from(user.number()).expect("there are no local users"))
            }
            (_, Some(number), None) => End::Channel(number),
            _ => return self.blind(),
        };
        if !self.is_blind() {
            self.heard.borrow_mut().told(end, reason, mean);
        }
    }

    fn echo(&mut self, from: Source, bytes: &[u8], out: &mut Out<'_>) {
        let handle = match from {
            Source::User { channel, .. } => Handle::Own(channel),
            Source::Server { channel } => Handle::Entered(channel),
        };
        self.send_to(handle, from.into(), bytes, true, out);
    }

    fn destination(&mut self, handle: Handle) -> (Destination, bool) {
        let users: Vec<u16> = self
            .channels
            .get(handle)
            .map(|channel| channel.users.iter().copied().collect())
            .unwrap_or_default();
        let user = User::new(self.input.byte() % 7);
        match handle {
            Handle::Entered(channel) => (Destination::Server(channel), true),
            Handle::Own(channel) => match self.input.below(3) {
                0 => (Destination::All(channel), true),
                1 => (Destination::AllBut(channel, user), true),
                _ => (Destination::User(channel, user), users.contains(&user.number())),
            },
        }
    }

    fn send(&mut self, handle: Handle, out: &mut Out<'_>) {
        let (to, there) = self.destination(handle);
        let len = if self.input.byte() < 220 { self.input.below(10) } else { self.input.below(256) * 150 };
        let start = self.input.byte();
        let bytes: Vec<u8> = (0..len).map(|place| start.wrapping_add(place.to_le_bytes()[0])).collect();
        self.send_to(handle, to, &bytes, there, out);
    }

    fn send_to(&mut self, handle: Handle, to: Destination, bytes: &[u8], there: bool, out: &mut Out<'_>) {
        let Some((mode, phase)) = self.channels.get(handle).map(|channel| (channel.mode, channel.phase))
        else {
            return;
        };
        let (free, possible) = (out.free(), out.can_send(to, bytes.len()));
        let sent = out.send(to, bytes);
        assert_eq!(possible, sent.is_ok(), "{sent:?}");
        let open = there && phase == Phase::Open;
        match sent {
            // what goes to somebody who is gone, which has not been told, is lost
            Ok(()) if self.has_kept && out.free() == free => return,
            Ok(()) => {
                // what is kept may be that somebody has come
                let excused = self.has_kept || self.is_nonsense();
                assert!((open || excused) && !bytes.is_empty(), "sent to nobody");
                assert!(free - out.free() > bytes.len(), "the bytes of a unit");
                let length = length_field(mode, bytes.len());
                let route = self.route(handle, to);
                self.said.data(route, length.into_iter().chain(bytes.iter().copied()));
                return;
            }
            Err(SendError::NotOpen) => assert!(!open || self.has_kept, "somebody is there"),
            Err(SendError::Empty) => assert!(bytes.is_empty()),
            Err(SendError::ChunkTooLarge { len, max }) => {
                assert!(len == bytes.len() && len > max as usize && matches!(mode, Mode::Chunks(_)));
            }
            Err(SendError::QueueTooSmall { needed, capacity }) => assert!(needed > capacity),
            Err(SendError::WouldBlock) => {
                // there are windows, or there will be
                let has_windows = self.heard.borrow().has_hello();
                assert!(bytes.len() + 16 > free % 60_000 || bytes.len() > 32_000 || has_windows);
                return check_asked(free - out.free(), has_windows);
            }
            Err(SendError::WindowTooSmall { len, window }) => {
                // that of one of several users, of whom another one's may not be known
                let is_one = matches!(to, Destination::Server(_) | Destination::User(..));
                let is_known = out.window(to).is_some() || !is_one;
                assert!(len > window as usize && mode == Mode::Data && is_known);
            }
            Err(SendError::ChunkUnfinished) => assert!(out.unfinished() > 0, "nothing is in the way"),
            Err(error) => panic!("sending: {error}"),
        }
        assert_eq!(out.free(), free, "it was not queued, and takes room");
    }

    fn route(&mut self, handle: Handle, to: Destination) -> Route {
        let number = self.number(handle);
        let user = |user: User| u8::try_from(user.number()).expect("there are no local users");
        match to {
            Destination::Server(_) => Route::Server(number),
            Destination::User(_, one) => Route::User(number, user(one)),
            Destination::All(_) => Route::All(number),
            Destination::AllBut(_, one) => Route::AllBut(number, user(one)),
        }
    }
}

/// What could not be sent takes no room, but a server, or users, are asked for grants that they
/// keep back.
fn check_asked(bytes: usize, has_windows: bool) {
    assert!(bytes == 0 || has_windows && (bytes == 9 || bytes.is_multiple_of(10)), "{bytes} bytes");
}

/// The length field of a chunk; nothing for raw data.
fn length_field(mode: Mode, len: usize) -> Vec<u8> {
    match mode {
        Mode::Chunks(limit) => {
            limit.encode_length(len).map(|length| length.as_bytes().to_vec()).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
