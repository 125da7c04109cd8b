//! The connection, the keyboard and the screen, in one thread that sleeps until one of them has something.

use std::fs::File;
use std::io::ErrorKind;
use std::task::Poll;
use std::time::Duration;

use peote_net::link::{Link, SendError};
use peote_net_examples::Failure;
use peote_net_examples::chat::{Command, Nick, Session};
use peote_net_examples::report::print;
use peote_net_std::{HeapBuffers, Lines, TcpLink, TcpTransport};

/// How long to try to connect, and how long to wait in the end until everything has been sent.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One person at the keyboard.
pub(crate) struct Chat {
    link: TcpLink,
    session: Session,
    keyboard: Lines<File>,
    /// What was typed and could not be sent yet.
    typed: Option<Command>,
}

impl Chat {
    /// Connects to the relay, and asks to be let into the room.
    pub(crate) fn connect(relay: &str, room: &str, nick: Nick) -> Result<Self, Failure> {
        let transport = TcpTransport::connect_blocking(relay, TIMEOUT)?;
        let mut link = TcpLink::new(Link::with_buffers(HeapBuffers::default()), transport)?;
        let mut session = Session::new(room, nick);
        session.begin(&mut link.out())?;
        Ok(Self { link, session, keyboard: Lines::stdin()?, typed: None })
    }

    /// Talks until the one at the keyboard has had enough.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        loop {
            let Self { link, session, .. } = &mut self;
            let now = link.now();
            link.poll(|event, out| session.handle(event, out, now))?;
            session.check(now)?;
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

    /// Says what has been typed. Whether there may be more to read; not so while it could not be said, so
    /// that it waits in the pipe or file it comes from.
    fn read_keyboard(&mut self) -> Result<bool, Failure> {
        while self.session.is_inside() {
            let command = match self.typed.take() {
                Some(command) => command,
                None => match self.next_command()? {
                    Poll::Ready(command) => command,
                    Poll::Pending => return Ok(true),
                },
            };
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
