//! A room, as its server sees it.

use std::collections::BTreeMap;

use peote_net::Reason;
use peote_net::link::{Destination, Out, OwnChannel, SendError, User};

use super::message::{FromServer, FromUser, Parting};
use super::{Command, Nick, acted, clean, here, notice, said};

/// Room for the longest answer to one message, twice: once to somebody, once to everybody else.
const ROOM_TO_ANSWER: usize = 2 * 32_768;

/// Who is in the room, and what they are called.
#[derive(Debug)]
pub struct Server {
    channel: OwnChannel,
    /// What the one who runs the server is called.
    nick: Nick,
    /// The others, if they have said hello.
    users: BTreeMap<User, Nick>,
    /// Those of them that the relay has been told to remove, and has not.
    removed: Vec<User>,
}

impl Server {
    /// A room with nobody but `nick` in it, who runs the server.
    #[must_use]
    pub const fn new(channel: OwnChannel, nick: Nick) -> Self {
        Self { channel, nick, users: BTreeMap::new(), removed: Vec::new() }
    }

    /// What the one who runs the server is called.
    #[must_use]
    pub const fn nick(&self) -> &Nick {
        &self.nick
    }

    /// Deals with a message of a user; lines to be shown go to `screen`. What is not a message is
    /// passed over.
    ///
    /// # Errors
    /// `WouldBlock`: nothing has happened, and the message is to come again.
    pub fn receive(
        &mut self,
        user: User,
        chunk: &[u8],
        out: &mut Out<'_>,
        screen: &mut Vec<String>,
    ) -> Result<(), SendError> {
        let Some(message) = FromUser::decode(chunk).filter(|_| !self.removed.contains(&user)) else {
            return Ok(());
        };
        // An answer goes to several, so that the first could be sent and the second not. Rather
        // nothing at all for now.
        if out.free() < ROOM_TO_ANSWER {
            return Err(SendError::WouldBlock);
        }
        let Some(nick) = self.users.get(&user).cloned() else {
            return match message {
                FromUser::Hello(wanted) => self.welcome(user, &wanted, out, screen),
                _ => Ok(()),
            };
        };
        let others = Destination::AllBut(self.channel, user);
        match message {
            FromUser::Hello(_) => {}
            FromUser::Say(text) => {
                screen.push(said(&nick, &text));
                out.send(others, &FromServer::Said(nick, text).encode())?;
            }
            FromUser::Act(text) => {
                screen.push(acted(&nick, &text));
                out.send(others, &FromServer::Acted(nick, text).encode())?;
            }
            FromUser::Rename(new) if self.is_taken(&new, Some(&nick)) => {
                out.send((self.channel, user), &FromServer::Taken(new).encode())?;
            }
            FromUser::Rename(new) => {
                screen.push(notice(format_args!("{nick} is now {new}")));
                self.users.insert(user, new.clone());
                out.send(Destination::All(self.channel), &FromServer::Renamed { old: nick, new }.encode())?;
            }
            FromUser::Who => out.send((self.channel, user), &FromServer::Here(self.all()).encode())?,
        }
        Ok(())
    }

    /// A user is gone.
    ///
    /// # Errors
    /// `WouldBlock`: nothing has happened, and this is to come again.
    pub fn gone(
        &mut self,
        user: User,
        reason: Reason,
        out: &mut Out<'_>,
        screen: &mut Vec<String>,
    ) -> Result<(), SendError> {
        let Some(nick) = self.users.get(&user).cloned() else { return Ok(()) };
        let how = match reason {
            Reason::ConnectionLost => Parting::Lost,
            Reason::Kicked => Parting::Removed,
            _ => Parting::Left,
        };
        out.send(Destination::All(self.channel), &FromServer::Left { nick: nick.clone(), how }.encode())?;
        self.users.remove(&user);
        self.removed.retain(|&removed| removed != user);
        screen.push(notice(format_args!("{nick} {how}")));
        Ok(())
    }

    /// Does what the one who runs the server has typed, other than quitting.
    ///
    /// # Errors
    /// `WouldBlock`: nothing has happened, try again later.
    pub fn type_in(
        &mut self,
        command: &Command,
        out: &mut Out<'_>,
        screen: &mut Vec<String>,
    ) -> Result<(), SendError> {
        let all = Destination::All(self.channel);
        match command {
            Command::Say(text) => out.send(all, &FromServer::Said(self.nick.clone(), clean(text)).encode()),
            Command::Act(text) => out.send(all, &FromServer::Acted(self.nick.clone(), clean(text)).encode()),
            Command::Rename(name) => {
                match Nick::new(name) {
                    Err(what) => screen.push(notice(what)),
                    Ok(new) if self.is_taken(&new, Some(&self.nick)) => {
                        screen.push(notice(format_args!("{new} is taken")));
                    }
                    Ok(new) => {
                        let old = self.nick.clone();
                        out.send(all, &FromServer::Renamed { old, new: new.clone() }.encode())?;
                        screen.push(notice(format_args!("you are now {new}")));
                        self.nick = new;
                    }
                }
                Ok(())
            }
            Command::Who => {
                screen.push(here(&self.all()));
                Ok(())
            }
            Command::Kick(name) => self.remove(name, false, out, screen),
            Command::Block(name) => self.remove(name, true, out, screen),
            Command::Nothing | Command::Unknown(_) | Command::Help | Command::Quit => Ok(()),
        }
    }

    /// Removes who is called so, and with `block` keeps that connection out. The others hear of it
    /// when the relay has done it; what the one who is removed still says until then is not heard.
    fn remove(
        &mut self,
        name: &str,
        block: bool,
        out: &mut Out<'_>,
        screen: &mut Vec<String>,
    ) -> Result<(), SendError> {
        let mut say = |what: String| screen.push(notice(what));
        // A name that looks the same will do: there are no two of them here, and not every keyboard
        // has all letters.
        let wanted = Nick::new(name).ok();
        let is_called = |nick: &Nick| wanted.as_ref().is_some_and(|wanted| wanted.looks_like(nick));
        if is_called(&self.nick) {
            say("that is you; /quit leaves the room".into());
            return Ok(());
        }
        let called = self.users.iter().find(|&(_, nick)| is_called(nick)).map(|(&user, _)| user);
        let Some(user) = called.filter(|user| !self.removed.contains(user)) else {
            say(format!("nobody is called {}; /who tells who is here", clean(name)));
            return Ok(());
        };
        let done =
            if block { out.block_user(self.channel, user) } else { out.remove_user(self.channel, user) };
        match done {
            Ok(()) => {
                self.removed.push(user);
                if block {
                    say(format!("{name} is kept out, unless it is with another connection"));
                }
            }
            Err(SendError::Unsupported) => {
                say("this relay cannot remove anybody; peote-relay can, if the room moves to one".into());
            }
            // gone in the same moment
            Err(SendError::NotOpen) => say(format!("{name} has just gone")),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Somebody has said hello: says who they are here, and tells the others.
    fn welcome(
        &mut self,
        user: User,
        wanted: &Nick,
        out: &mut Out<'_>,
        screen: &mut Vec<String>,
    ) -> Result<(), SendError> {
        let taken = |nick: &Nick| self.is_taken(nick, None);
        let numbered = (2..).map(|number| wanted.numbered(number));
        let Some(nick) = std::iter::once(wanted.clone()).chain(numbered).find(|nick| !taken(nick)) else {
            return Ok(()); // there are more numbers than users
        };
        let welcome = FromServer::Welcome { you: nick.clone(), server: self.nick.clone() };
        out.send((self.channel, user), &welcome.encode())?;
        out.send(Destination::AllBut(self.channel, user), &FromServer::Joined(nick.clone()).encode())?;
        screen.push(notice(format_args!("{nick} joined")));
        self.users.insert(user, nick);
        Ok(())
    }

    /// Whether the name is somebody's, or looks like that of somebody other than the one who wants
    /// it and is called `now` so far.
    fn is_taken(&self, nick: &Nick, now: Option<&Nick>) -> bool {
        now == Some(nick) || self.names().any(|other| now != Some(other) && other.looks_like(nick))
    }

    fn names(&self) -> impl Iterator<Item = &Nick> {
        std::iter::once(&self.nick).chain(self.users.values())
    }

    fn all(&self) -> Vec<Nick> {
        self.names().cloned().collect()
    }
}
