//! The connection, the keyboard and the screen, in one thread that sleeps until one of them has something.

use std::fs::File;
use std::io::ErrorKind;
use std::task::Poll;
use std::time::Duration;

use peote_net::link::SendError;
use peote_net::reconnect::{Backoff, Status};
use peote_net::time;
use peote_net_examples::Failure;
use peote_net_examples::chat::{Command, Nick, Session};
use peote_net_examples::options::RelayOptions;
use peote_net_examples::report::print;
use peote_net_std::{Change, Lines, ReconnectingLink};

/// How long to try to connect, and how long to wait in the end until everything has been sent.
const TIMEOUT: Duration = Duration::from_secs(10);

/// When to try again after the connection was lost, and for how long.
const RULES: Backoff = Backoff::new()
    .with_delays(time::Duration::from_millis(250), time::Duration::from_secs(5))
    .with_time_limit(time::Duration::from_secs(120));

/// One person at the keyboard.
pub(crate) struct Chat {
    /// The list of channels is empty: whether the room is to be created or entered, only the session knows.
    link: ReconnectingLink<0>,
    session: Session,
    /// There has been a connection.
    began: bool,
    keyboard: Lines<File>,
    /// What was typed and could not be sent yet.
    typed: Option<Command>,
}

impl Chat {
    /// On the way to the relay, and into the room.
    pub(crate) fn new(relay: &RelayOptions, room: &str, nick: Nick) -> Result<Self, Failure> {
        let mut link = ReconnectingLink::new(&relay.relay, RULES)?;
        link.set_connect_timeout(TIMEOUT);
        if let Some(tls) = relay.tls()? {
            link.set_tls(tls);
        }
        let session = Session::new(room, nick);
        Ok(Self { link, session, began: false, keyboard: Lines::stdin()?, typed: None })
    }

    /// Talks until the one at the keyboard has had enough.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        loop {
            let Self { link, session, .. } = &mut self;
            let now = link.now();
            let change = link.poll(|event, context| session.handle(event, context.out, now))?;
            if let Some(change) = change {
                self.note(change)?;
            }
            // what has come before the end is shown, too
            self.session.take_screen().iter().try_for_each(print)?;
            self.session.check(now)?;
            let is_listening = self.read_keyboard()?;
            self.session.take_screen().iter().try_for_each(print)?;
            if self.session.has_left() {
                return Ok(self.link.close(TIMEOUT)?);
            }
            let deadline = self.session.next_deadline();
            let keyboard = self.keyboard.watch();
            // Without the keyboard in it, a wait goes on although there is something to read.
            let mut watches = Vec::from_iter(is_listening.then_some(keyboard));
            self.link.wait(&mut watches, deadline)?;
        }
    }

    /// Tells how it is with the connection; a new one means to get into the room anew.
    fn note(&mut self, change: Change) -> Result<(), Failure> {
        match change {
            Change::Connected => {
                if self.began {
                    self.session.show("connected again");
                }
                self.began = true;
                self.session.begin(&mut self.link.out())?;
            }
            Change::ConnectFailed(error) if !self.began => return Err(error.into()),
            Change::Lost(error) => self.session.show(&format!("{error}; trying to connect again")),
            _ => {}
        }
        Ok(())
    }

    /// Says what has been typed. Whether there may be more to read; not so while it could not be said, so
    /// that it waits in the pipe or file it comes from.
    fn read_keyboard(&mut self) -> Result<bool, Failure> {
        // While the connection is lost one line is read ahead, for it may be /quit.
        let is_away = self.began && matches!(self.link.status(), Status::Lost { .. } | Status::Connecting);
        while self.session.is_inside() || (is_away && self.typed.is_none() && !self.session.has_left()) {
            let command = match self.typed.take() {
                Some(command) => command,
                None => match self.next_command()? {
                    Poll::Ready(command) => command,
                    Poll::Pending => return Ok(true),
                },
            };
            if !self.session.is_inside() && !matches!(command, Command::Quit) {
                self.typed = Some(command);
                break;
            }
            match self.session.type_in(&command, &mut self.link.out()) {
                Ok(()) => {}
                Err(SendError::WouldBlock) => {
                    self.typed = Some(command);
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// The next line; its end is as good as `/quit`.
    fn next_command(&mut self) -> Result<Poll<Command>, Failure> {
        match self.keyboard.poll_line() {
            Ok(line) => Ok(line.map(|line| line.map_or(Command::Quit, |line| Command::parse(&line)))),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                self.session.show("that line is too long to be said");
                Ok(Poll::Ready(Command::Nothing))
            }
            Err(error) => Err(Failure::Failed(format!("standard input: {error}"))),
        }
    }
}
