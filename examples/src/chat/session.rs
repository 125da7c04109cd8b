//! Getting into a room and being in it, as its user or its server.

use peote_net::Reason;
use peote_net::link::{Channel, EnteredChannel, Event, Mode, Out, SendError, Source};
use peote_net::protocol::MAX_NAME;
use peote_net::reconnect::Backoff;
use peote_net::room::{Change, Room};
use peote_net::time::{Duration, Instant};
use peote_net_std::random_seed;

use super::command::HELP;
use super::message::{FromServer, FromUser};
use super::{Command, Nick, Server, acted, clean, here, notice, said};
use crate::{ANSWER_TIMEOUT, Failure};

/// Rooms have channels of their own, apart from those of other programs.
const PREFIX: &str = "chat/";

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
    /// Enters the room's channel, or creates it.
    channel: Room<String>,
    nick: Nick,
    /// What the one who runs the server is called, while that is somebody else.
    server: Nick,
    place: Place,
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
    /// On the way into the channel; the relay has to answer by then.
    Asking(Instant),
    /// In the channel, and hello has been said.
    Greeting(EnteredChannel, Instant),
    User(EnteredChannel),
    Server(Server),
    Left,
}

impl Session {
    /// Outside of `room`, where one wants to be called `nick`.
    ///
    /// # Errors
    /// The name of the room is too long.
    pub fn new(room: &str, nick: Nick) -> Result<Self, Failure> {
        let (length, most) = (room.len(), MAX_NAME - PREFIX.len());
        if length > most {
            return Err(Failure::Usage(format!(
                "ROOM: a name of {length} bytes; at most {most} are allowed"
            )));
        }
        let delays = Backoff::new().with_delays(Room::<String>::FIRST_DELAY, Duration::from_secs(4));
        let backoff = delays.with_jitter_percent(100).with_seed(random_seed()).with_most_attempts(ATTEMPTS);
        Ok(Self {
            channel: Room::new(format!("{PREFIX}{room}"), Mode::default()).with_backoff(backoff),
            server: nick.clone(),
            nick,
            place: Place::Outside,
            patience: PATIENCE,
            screen: Vec::new(),
            failure: None,
        })
    }

    /// There is a connection: from now on [`drive`](Self::drive) gets into the room.
    pub fn begin(&mut self, now: Instant) {
        self.place = Place::Asking(now + ANSWER_TIMEOUT);
    }

    /// Asks the relay, when that is due. To be called after each poll.
    ///
    /// # Errors
    /// The link has no place for a channel.
    pub fn drive(&mut self, out: &mut Out<'_>, now: Instant) -> Result<(), Failure> {
        if let Place::Asking(_) = self.place {
            self.channel.drive(out, now)?;
        }
        Ok(())
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

    /// When [`check`](Self::check) or [`drive`](Self::drive) has to be called, whatever comes.
    ///
    /// What was due already at `now`, when they were called last, waits for room to send.
    #[must_use]
    pub fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let (deadline, drive) = match self.place {
            Place::Asking(deadline) => (Some(deadline), self.channel.next_deadline()),
            Place::Greeting(_, deadline) => (Some(deadline), None),
            _ => (None, None),
        };
        deadline.into_iter().chain(drive.filter(|&due| due > now)).min()
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
                self.room()
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
        if let Some(change) = self.channel.observe(&event, now) {
            return self.change(change, event.channel(), out, now);
        }
        match (event, &mut self.place) {
            (Event::LinkLost { unsent }, _) => self.lost(unsent),
            // somebody was faster, or there is no such room: it goes on by itself
            (Event::Refused { .. }, Place::Asking(_)) => self.begin(now),
            (Event::Malicious { from: Source::Server { .. }, .. }, _) => {
                self.fail(format!("room {}: its server sends garbage; choose another room", self.room()));
            }
            (Event::Chunk { from: Source::Server { .. }, bytes }, _) => self.receive(bytes),
            (Event::Chunk { from: Source::User { user, .. }, bytes }, Place::Server(server)) => {
                server.receive(user, bytes, out, &mut self.screen)?;
            }
            (Event::UserGone { user, reason, .. }, Place::Server(server)) => {
                server.gone(user, reason, out, &mut self.screen)?;
            }
            // Users without a word are nobody yet; those that break the rules are passed over by
            // the link.
            _ => {}
        }
        Ok(())
    }

    /// One's place in the channel has changed.
    fn change(
        &mut self,
        change: Change,
        channel: Option<Channel>,
        out: &mut Out<'_>,
        now: Instant,
    ) -> Result<(), SendError> {
        match change {
            Change::Entered(channel) => {
                out.send(channel, &FromUser::Hello(self.nick.clone()).encode())?;
                self.place = Place::Greeting(channel, now + self.patience);
            }
            Change::Serving(channel) => {
                self.patience = PATIENCE;
                let (nick, room) = (&self.nick, self.room());
                let line = notice(format_args!("you are {nick}, and you run the server of room {room}"));
                self.screen.push(line);
                self.place = Place::Server(Server::new(channel, nick.clone()));
            }
            // said already
            Change::Out(Reason::LinkLost) => {}
            Change::Out(reason) => {
                let how = match reason {
                    Reason::OnPurpose => "has left",
                    _ => "has lost the connection",
                };
                self.show(&format!("the one who ran the server {how}; somebody else takes over"));
                self.begin(now);
            }
            // coming back is for those whom nobody has asked to go
            Change::Refused(Reason::Kicked) => {
                self.place = Place::Outside;
                let what = format!("the one who runs the server of room {} has removed you", self.room());
                self.failure.get_or_insert(Failure::Removed(what));
            }
            Change::Refused(Reason::NameInUse) => {
                self.fail(format!("room {} comes and goes; try again", self.room()));
            }
            Change::Refused(reason) => {
                let attempt = if let Some(Channel::Own(_)) = channel { "create" } else { "enter" };
                let why = match reason {
                    Reason::Blocked => "the one who runs its server does not let you in".to_string(),
                    reason => reason.to_string(),
                };
                self.fail(format!("cannot {attempt} room {}: {why}", self.room()));
            }
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
                self.channel.leave(out)?;
                *place = Place::Left;
            }
            (command, Place::Server(server)) => server.type_in(command, out, &mut self.screen)?,
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

    /// The connection is lost, and with it one's place in the room.
    fn lost(&mut self, unsent: usize) {
        match &self.place {
            Place::Left => return,
            Place::Server(server) => self.nick = server.nick().clone(),
            _ => {}
        }
        self.place = Place::Outside;
        self.patience = PATIENCE_AFTER_A_LOSS;
        if unsent > 0 {
            self.screen.push(notice("what was said last was not sent"));
        }
    }

    /// What the room is called.
    fn room(&self) -> &str {
        self.channel.name().strip_prefix(PREFIX).unwrap_or_default()
    }

    /// Shows what the server has said.
    fn receive(&mut self, chunk: &[u8]) {
        let Some(message) = FromServer::decode(chunk) else { return };
        let line = match (message, &self.place) {
            (FromServer::Welcome { you, server }, Place::Greeting(channel, _)) => {
                self.place = Place::User(*channel);
                self.patience = PATIENCE;
                let room = self.room();
                let line = notice(format_args!("you are {you} in room {room}; {server} runs the server"));
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
