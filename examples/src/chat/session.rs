//! Getting into a room and being in it, as its user or its server.

use peote_net::Reason;
use peote_net::link::{Channel, EnteredChannel, Event, Mode, Out, SendError, Source};
use peote_net::protocol::MAX_NAME;
use peote_net::time::{Duration, Instant};

use super::command::HELP;
use super::message::{FromServer, FromUser};
use super::{Command, Nick, Room, acted, clean, here, notice, said};
use crate::{ANSWER_TIMEOUT, Failure};

/// How long a server may take to say welcome.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same after the connection was lost: the room may still have a server whose connection was
/// lost as well, until the relay notices that it will never speak again.
const PATIENCE_AFTER_A_LOSS: Duration = Duration::from_secs(60);

/// How many lines may wait to be shown before no more are taken on.
const MUCH_TO_SHOW: usize = 500;

/// How often to try to get into a room that always turns out to exist when it is created, and not
/// to exist when it is entered.
const ATTEMPTS: u32 = 20;

/// One person in one room.
#[derive(Debug)]
pub struct Session {
    room: String,
    nick: Nick,
    /// What the one who runs the server is called, while that is somebody else.
    server: Nick,
    place: Place,
    attempts: u32,
    /// How long a server may take to say welcome now.
    patience: Duration,
    /// Lines to be shown.
    screen: Vec<String>,
    failure: Option<Failure>,
}

/// Where one is on the way into the room.
#[derive(Debug)]
enum Place {
    /// Not in it, and without a connection.
    Outside,
    /// The relay has been asked to let one enter or create it, and has to answer by then.
    Asking(Instant),
    /// In the channel, and hello has been said.
    Greeting(EnteredChannel, Instant),
    User(EnteredChannel),
    Server(Room),
    Left,
}

impl Session {
    /// On the way into `room`, where one wants to be called `nick`.
    #[must_use]
    pub fn new(room: &str, nick: Nick) -> Self {
        Self {
            room: room.into(),
            server: nick.clone(),
            nick,
            place: Place::Outside,
            attempts: 0,
            patience: PATIENCE,
            screen: Vec::new(),
            failure: None,
        }
    }

    /// Asks to be let into the room, at first and whenever there is another connection. Everything
    /// else follows from events.
    ///
    /// # Errors
    /// The name of the room is too long.
    pub fn begin(&mut self, out: &mut Out<'_>, now: Instant) -> Result<(), Failure> {
        let max = MAX_NAME - channel_name("").len();
        if self.room.len() > max {
            return Err(Failure::Usage(format!(
                "ROOM: a name of {} bytes; at most {max} are allowed",
                self.room.len()
            )));
        }
        Ok(self.enter(out, now)?)
    }

    /// Whether one is in the room, so that what is typed can be said.
    #[must_use]
    pub const fn is_inside(&self) -> bool {
        matches!(self.place, Place::User(_) | Place::Server(_))
    }

    /// Has something shown to the one at the keyboard.
    pub fn show(&mut self, what: &str) {
        self.screen.push(notice(what));
    }

    /// The lines that are to be shown now.
    pub fn take_screen(&mut self) -> Vec<String> {
        std::mem::take(&mut self.screen)
    }

    /// Whether so many lines wait to be shown that no more should be taken on.
    #[must_use]
    pub const fn has_much_to_show(&self) -> bool {
        self.screen.len() >= MUCH_TO_SHOW
    }

    /// When [`check`](Self::check) has to be called, whatever comes.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Instant> {
        match self.place {
            Place::Asking(deadline) | Place::Greeting(_, deadline) => Some(deadline),
            _ => None,
        }
    }

    /// Whether this can go on.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check(&mut self, now: Instant) -> Result<(), Failure> {
        match self.place {
            Place::Asking(deadline) if deadline <= now => {
                self.failure.get_or_insert_with(Failure::no_answer);
            }
            Place::Greeting(_, deadline) if deadline <= now => self.fail(format!(
                "room {}: its server does not speak as a chat does; choose another room",
                self.room
            )),
            _ => {}
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Deals with an event.
    ///
    /// # Errors
    /// `WouldBlock`: nothing has happened, and the event is to come again.
    pub fn handle(&mut self, event: Event<'_>, out: &mut Out<'_>, now: Instant) -> Result<(), SendError> {
        match event {
            Event::LinkLost { unsent } => self.lost(unsent),
            // These only say what has been said already.
            Event::Refused { channel: Channel::Entered(_), reason: Reason::LinkLost, .. }
            | Event::Refused { channel: Channel::Own(_), reason: Reason::LinkLost, .. }
            | Event::Closed { channel: Channel::Entered(_), reason: Reason::LinkLost, .. } => {}
            // The way in.
            Event::Refused { channel: Channel::Entered(_), reason: Reason::NoSuchChannel, .. } => {
                self.create(out, now)?;
            }
            Event::Refused { channel: Channel::Own(_), reason: Reason::NameInUse, .. } => {
                self.enter(out, now)?;
            }
            Event::Refused { channel: Channel::Entered(_), reason: Reason::Blocked, .. } => {
                self.fail(format!(
                    "cannot enter room {}: the one who runs its server does not let you in",
                    self.room
                ));
            }
            Event::Refused { channel: Channel::Entered(_), reason, .. } => {
                self.fail(format!("cannot enter room {}: {reason}", self.room));
            }
            Event::Refused { channel: Channel::Own(_), reason, .. } => {
                self.fail(format!("cannot create room {}: {reason}", self.room));
            }
            Event::Opened { channel: Channel::Entered(channel) } => {
                out.send(channel, &FromUser::Hello(self.nick.clone()).encode())?;
                self.place = Place::Greeting(channel, now + self.patience);
            }
            Event::Opened { channel: Channel::Own(channel) } => {
                self.arrived();
                let (nick, room) = (&self.nick, &self.room);
                self.screen
                    .push(notice(format_args!("you are {nick}, and you run the server of room {room}")));
                self.place = Place::Server(Room::new(channel, nick.clone()));
            }
            // Being a user.
            Event::Chunk { from: Source::Server { .. }, bytes } => self.receive(bytes),
            // Coming back is for those whom nobody has asked to go.
            Event::Closed { channel: Channel::Entered(_), reason: Reason::Kicked, .. } => {
                self.place = Place::Outside;
                self.failure.get_or_insert(Failure::Removed(format!(
                    "the one who runs the server of room {} has removed you",
                    self.room
                )));
            }
            Event::Closed { channel: Channel::Entered(_), reason, .. } => {
                self.create(out, now)?;
                let how = match reason {
                    Reason::OnPurpose => "has left",
                    _ => "has lost the connection",
                };
                self.screen
                    .push(notice(format_args!("the one who ran the server {how}; somebody else takes over")));
            }
            Event::Malicious { from: Source::Server { .. }, .. } => {
                self.fail(format!("room {}: its server sends garbage; choose another room", self.room));
            }
            // Being the server.
            Event::Chunk { from: Source::User { user, .. }, bytes } => {
                if let Place::Server(room) = &mut self.place {
                    room.receive(user, bytes, out, &mut self.screen)?;
                }
            }
            Event::UserGone { user, reason, .. } => {
                if let Place::Server(room) = &mut self.place {
                    room.gone(user, reason, out, &mut self.screen)?;
                }
            }
            // Users without a word are nobody yet; those that
            // break the rules are passed over by the link.
            _ => {}
        }
        Ok(())
    }

    /// Does what was typed.
    ///
    /// # Errors
    /// `WouldBlock`: nothing has happened, try again later.
    pub fn type_in(&mut self, command: &Command, out: &mut Out<'_>) -> Result<(), SendError> {
        match (command, &mut self.place) {
            (Command::Unknown(what), _) => {
                let what = clean(what);
                self.screen.push(notice(format_args!(
                    "{what}: not known; there are /who, /me …, /nick …, /kick …, /block …, /quit and /help"
                )));
            }
            (Command::Help, _) => self.screen.extend(HELP.map(notice)),
            (Command::Quit, place) => {
                match place {
                    Place::User(channel) => out.leave(*channel)?,
                    Place::Server(room) => out.delete(room.channel())?,
                    _ => {}
                }
                self.place = Place::Left;
            }
            (command, Place::Server(room)) => room.type_in(command, out, &mut self.screen)?,
            (command, Place::User(channel)) => {
                let message = match command {
                    Command::Say(text) => FromUser::Say(clean(text)),
                    Command::Act(text) => FromUser::Act(clean(text)),
                    Command::Who => FromUser::Who,
                    Command::Kick(_) | Command::Block(_) => {
                        self.screen.push(notice(format_args!(
                            "only {}, who runs the server, can do that",
                            self.server
                        )));
                        return Ok(());
                    }
                    Command::Rename(name) => match Nick::new(name) {
                        Ok(nick) => FromUser::Rename(nick),
                        Err(what) => {
                            self.screen.push(notice(what));
                            return Ok(());
                        }
                    },
                    _ => return Ok(()),
                };
                out.send(*channel, &message.encode())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, out: &mut Out<'_>, now: Instant) -> Result<(), SendError> {
        out.enter(channel_name(&self.room), Mode::default())?;
        self.place = Place::Asking(now + ANSWER_TIMEOUT);
        self.attempt();
        Ok(())
    }

    /// Of several that do this at the same time, the first wins; the others learn that the name is
    /// in use, and enter.
    fn create(&mut self, out: &mut Out<'_>, now: Instant) -> Result<(), SendError> {
        out.create(channel_name(&self.room), Mode::default())?;
        self.place = Place::Asking(now + ANSWER_TIMEOUT);
        self.attempt();
        Ok(())
    }

    /// The connection is lost, and with it one's place in the room.
    fn lost(&mut self, unsent: usize) {
        match &self.place {
            Place::Left => return,
            Place::Server(room) => self.nick = room.nick().clone(),
            _ => {}
        }
        self.place = Place::Outside;
        self.attempts = 0;
        self.patience = PATIENCE_AFTER_A_LOSS;
        if unsent > 0 {
            self.screen.push(notice("what was said last was not sent"));
        }
    }

    /// One is in the room.
    const fn arrived(&mut self) {
        self.attempts = 0;
        self.patience = PATIENCE;
    }

    fn attempt(&mut self) {
        self.attempts += 1;
        if self.attempts > ATTEMPTS {
            self.fail(format!("room {} comes and goes; try again", self.room));
        }
    }

    /// Shows what the server has said.
    fn receive(&mut self, chunk: &[u8]) {
        let Some(message) = FromServer::decode(chunk) else { return };
        let line = match (message, &self.place) {
            (FromServer::Welcome { you, server }, Place::Greeting(channel, _)) => {
                self.place = Place::User(*channel);
                self.arrived();
                let line =
                    notice(format_args!("you are {you} in room {}; {server} runs the server", self.room));
                self.nick = you;
                self.server = server;
                line
            }
            (FromServer::Said(nick, text), Place::User(_)) => said(&nick, &text),
            (FromServer::Acted(nick, text), Place::User(_)) => acted(&nick, &text),
            (FromServer::Joined(nick), Place::User(_)) => notice(format_args!("{nick} joined")),
            (FromServer::Left { nick, how }, Place::User(_)) => notice(format_args!("{nick} {how}")),
            (FromServer::Renamed { old, new }, Place::User(_)) if old == self.nick => {
                let line = notice(format_args!("you are now {new}"));
                self.nick = new;
                line
            }
            (FromServer::Renamed { old, new }, Place::User(_)) => {
                let line = notice(format_args!("{old} is now {new}"));
                if old == self.server {
                    self.server = new;
                }
                line
            }
            (FromServer::Here(nicks), Place::User(_)) => here(&nicks),
            (FromServer::Taken(nick), Place::User(_)) => notice(format_args!("{nick} is taken")),
            // Between hello and welcome, what others say is not for us yet.
            _ => return,
        };
        self.screen.push(line);
    }

    fn fail(&mut self, what: String) {
        self.failure.get_or_insert(Failure::Failed(what));
    }
}

/// Rooms have channels of their own, apart from those of other programs.
fn channel_name(room: &str) -> String {
    format!("chat/{room}")
}
