//! Roles on a stage.

use std::fmt::Debug;
use std::time::{Duration, Instant as Clock};

use embedded_io::{Read, ReadReady, Write, WriteReady};
use peote_net::Reason;
use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, Flow, Link, Mode, Out, OwnChannel, SendError, Source, User,
};
use peote_net::time::Instant;
use peote_net_testkit::heap::{Heap, Sizes};

/// What links are connected to, and how time passes.
pub trait Stage {
    /// What a link is polled with.
    type Transport: Read<Error: Debug> + Write + ReadReady + WriteReady;

    /// Whether all roles are on one link.
    const ONE_LINK: bool;

    /// A new connection.
    fn connect(&mut self) -> Self::Transport;

    /// The time that links are polled with.
    fn now(&mut self) -> Instant;

    /// Lets time pass until a link has something to do, by what the links themselves say. `false`
    /// if nothing comes; then nobody would ever wake the program.
    ///
    /// A program that `nags` polls again after a moment in any case.
    fn rest(&mut self, links: &mut [(Link<Heap>, Self::Transport)], nags: bool) -> bool;
}

/// The greatest chunk.
pub const CHUNK: usize = 100_000;
/// Bytes that can wait to be written, or be under way on a local user's line.
pub const ROOM: usize = 60_000;

/// The memory of each link.
fn memory() -> Heap {
    Heap::new(Sizes {
        chunk_size: CHUNK,
        own_channels: 4,
        parties: 16,
        transmit: ROOM,
        receive: 4096,
        local_users: 6,
        local_line: ROOM,
    })
}

/// A channel at its server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Whose it is.
    pub role: usize,
    /// Its handle.
    pub channel: OwnChannel,
}

/// A channel at one of its users'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Whose it is.
    pub role: usize,
    /// Its handle.
    pub channel: EnteredChannel,
}

/// What a role has heard in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The channel was created or entered.
    Open,
    /// It was not.
    Refused(Reason),
    /// The same, with words of the server.
    RefusedWith(Reason, String),
    /// A user wants to come.
    Knock(User, String),
    /// It has gone before it was let in.
    KnockEnded(User),
    /// A user has come.
    Came(User),
    /// A user has gone.
    Gone(User, Reason),
    /// The channel has gone.
    Over(Reason),
    /// A chunk, from a user or the server.
    Chunk(Option<User>, Vec<u8>),
    /// A message of remote procedure calls.
    Rpc(Option<User>, Vec<u8>),
    /// Raw data.
    Data(Option<User>, Vec<u8>),
    /// Somebody has broken the rules.
    Malicious(Option<User>),
}

/// Which of the link's channels an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Own(OwnChannel),
    Entered(EnteredChannel),
}

fn place(source: Source) -> (At, Option<User>) {
    match source {
        Source::User { channel, user } => (At::Own(channel), Some(user)),
        Source::Server { channel } => (At::Entered(channel), None),
    }
}

fn heard(event: Event<'_>) -> (At, Heard) {
    match event {
        Event::Knock { channel, user, words } => {
            (At::Own(channel), Heard::Knock(user, String::from_utf8_lossy(words).into_owned()))
        }
        Event::KnockEnded { channel, user } => (At::Own(channel), Heard::KnockEnded(user)),
        Event::Refused { channel: Channel::Entered(channel), reason, words } if !words.is_empty() => {
            let words = String::from_utf8_lossy(words).into_owned();
            (At::Entered(channel), Heard::RefusedWith(reason, words))
        }
        Event::Opened { channel: Channel::Own(channel) } => (At::Own(channel), Heard::Open),
        Event::Refused { channel: Channel::Own(channel), reason, .. } => {
            (At::Own(channel), Heard::Refused(reason))
        }
        Event::UserEntered { channel, user } => (At::Own(channel), Heard::Came(user)),
        Event::UserGone { channel, user, reason } => (At::Own(channel), Heard::Gone(user, reason)),
        Event::Opened { channel: Channel::Entered(channel) } => (At::Entered(channel), Heard::Open),
        Event::Refused { channel: Channel::Entered(channel), reason, .. } => {
            (At::Entered(channel), Heard::Refused(reason))
        }
        Event::Closed { channel: Channel::Entered(channel), reason } => {
            (At::Entered(channel), Heard::Over(reason))
        }
        Event::Chunk { from, bytes } => {
            let (at, user) = place(from);
            (at, Heard::Chunk(user, bytes.to_vec()))
        }
        Event::Rpc { from, bytes } => {
            let (at, user) = place(from);
            (at, Heard::Rpc(user, bytes.as_bytes().to_vec()))
        }
        Event::Data { from, bytes } => {
            let (at, user) = place(from);
            (at, Heard::Data(user, bytes.to_vec()))
        }
        Event::Malicious { from, .. } => {
            let (at, user) = place(from);
            (at, Heard::Malicious(user))
        }
        other => panic!("not part of any story: {other:?}"),
    }
}

/// What a handler does with an event before it is noted: to be delivered again, or not.
pub type Handler<'a> = &'a mut dyn FnMut(Event<'_>, &mut Out<'_>) -> Result<Flow, SendError>;

/// Roles on a stage, and what they have heard.
#[derive(Debug)]
pub struct Story<S: Stage> {
    stage: S,
    links: Vec<(Link<Heap>, S::Transport)>,
    heard: Vec<(usize, At, Heard)>,
    nags: bool,
}

/// How long anything may take before it is taken for a hang, and how many turns.
const PATIENCE: Duration = Duration::from_secs(60);
const TURNS: usize = 300_000;

impl<S: Stage> Story<S> {
    /// A story that has not begun.
    pub fn new(stage: S) -> Self {
        Self { stage, links: Vec::new(), heard: Vec::new(), nags: false }
    }

    /// Whether all roles are on one link.
    #[must_use]
    pub const fn is_on_one_link(&self) -> bool {
        S::ONE_LINK
    }

    fn link_of(&mut self, role: usize) -> usize {
        let link = if S::ONE_LINK { 0 } else { role };
        while self.links.len() <= link {
            let mut new = Link::with_buffers(memory());
            new.set_silence_limit(None);
            self.links.push((new, self.stage.connect()));
        }
        link
    }

    /// The sending half of a role.
    pub fn out(&mut self, role: usize) -> Out<'_> {
        let link = self.link_of(role);
        self.links[link].0.out()
    }

    /// Lets time pass until there is something to do, and polls each link once.
    pub fn turn(&mut self, handler: Handler<'_>) {
        let woken = self.stage.rest(&mut self.links, self.nags);
        assert!(woken || self.nags, "nobody is woken any more; heard: {:?}", self.heard);
        let now = self.stage.now();
        for (number, (link, transport)) in self.links.iter_mut().enumerate() {
            let notes = &mut self.heard;
            link.poll(transport, now, |event, out| {
                let flow = handler(event, out);
                if flow == Ok(Flow::Continue) {
                    let (at, what) = heard(event);
                    notes.push((number, at, what));
                }
                flow
            })
            .unwrap();
        }
    }

    /// From now on, whether the program polls although its links do not ask for it, as it has to
    /// while its handlers wait for something of their own.
    pub const fn nag(&mut self, nags: bool) {
        self.nags = nags;
    }

    /// All that has been heard and not asked for; it is forgotten.
    pub fn take(&mut self) -> Vec<Heard> {
        self.heard.drain(..).map(|(_, _, heard)| heard).collect()
    }

    /// Goes on until there is something.
    pub fn until<T>(
        &mut self,
        what: &str,
        handler: Handler<'_>,
        mut found: impl FnMut(&mut Self) -> Option<T>,
    ) -> T {
        let start = Clock::now();
        for _ in 0..TURNS {
            if let Some(found) = found(self) {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "in vain: {what}; heard: {:?}", self.heard);
            self.turn(handler);
        }
        panic!("in vain: {what}; heard: {:?}", self.heard);
    }

    /// The next thing heard at this place.
    fn next_at(&mut self, link: usize, at: At, handler: Handler<'_>) -> Heard {
        self.until("the next event", handler, |story| {
            let index = story.heard.iter().position(|(number, place, _)| (*number, *place) == (link, at))?;
            Some(story.heard.remove(index).2)
        })
    }

    /// The next thing that a server has heard.
    pub fn next(&mut self, server: Server) -> Heard {
        self.next_with(server, &mut |_, _| Ok(Flow::Continue))
    }

    /// The same, with a handler that does something meanwhile.
    pub fn next_with(&mut self, server: Server, handler: Handler<'_>) -> Heard {
        let link = self.link_of(server.role);
        self.next_at(link, At::Own(server.channel), handler)
    }

    /// The next thing that a user has heard.
    pub fn next_of(&mut self, client: Client) -> Heard {
        self.next_of_with(client, &mut |_, _| Ok(Flow::Continue))
    }

    /// The same, with a handler that does something meanwhile.
    pub fn next_of_with(&mut self, client: Client, handler: Handler<'_>) -> Heard {
        let link = self.link_of(client.role);
        self.next_at(link, At::Entered(client.channel), handler)
    }

    /// Creates a channel.
    pub fn create(&mut self, role: usize, name: impl AsRef<[u8]>, mode: Mode) -> Server {
        let server = Server { role, channel: self.out(role).create(name, mode).unwrap() };
        assert_eq!(self.next(server), Heard::Open);
        server
    }

    /// Enters a channel, and hears at its server as whom.
    pub fn enter(
        &mut self,
        role: usize,
        name: impl AsRef<[u8]>,
        mode: Mode,
        server: Server,
    ) -> (Client, User) {
        let client = Client { role, channel: self.out(role).enter(name, mode).unwrap() };
        assert_eq!(self.next_of(client), Heard::Open);
        let Heard::Came(user) = self.next(server) else { panic!("nobody came: {:?}", self.heard) };
        (client, user)
    }

    /// A channel of the first role, and this many users, each of a role of its own.
    pub fn chat(&mut self, name: &str, mode: Mode, users: usize) -> (Server, Vec<(Client, User)>) {
        let server = self.create(0, name, mode);
        let users = (1..=users).map(|role| self.enter(role, name, mode, server)).collect();
        (server, users)
    }

    /// Sends as soon as there is room.
    pub fn send(&mut self, role: usize, to: impl Into<Destination>, bytes: &[u8]) {
        let to = to.into();
        self.until("room", &mut |_, _| Ok(Flow::Continue), |story| match story.out(role).send(to, bytes) {
            Ok(()) => Some(()),
            Err(SendError::WouldBlock) => None,
            Err(error) => panic!("{error}"),
        });
    }

    /// All that has been heard and not asked for.
    #[must_use]
    pub fn rest(&self) -> Vec<String> {
        self.heard.iter().map(|heard| format!("{heard:?}")).collect()
    }

    /// Says goodbye in a channel, in both directions and to all, and checks that nobody has heard
    /// anything else.
    pub fn end(&mut self, server: Server, users: &[(Client, User)]) {
        self.send(server.role, Destination::All(server.channel), b"end");
        for (client, user) in users {
            assert_eq!(self.next_of(*client), Heard::Chunk(None, b"end".to_vec()));
            self.send(client.role, client.channel, b"bye");
            assert_eq!(self.next(server), Heard::Chunk(Some(*user), b"bye".to_vec()));
        }
        assert_eq!(self.rest(), Vec::<String>::new());
    }
}
