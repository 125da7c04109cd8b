//! The connection, the keyboard and the screen, in one thread that sleeps until one of them has
//! something.

use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use peote_net::link::{Event, SendError};
use peote_net::reconnect::Backoff;
use peote_net::time::{self, Instant};
use peote_net_examples::Failure;
use peote_net_examples::chat::{Command, Nick, Session};
use peote_net_examples::options::RelayOptions;
use peote_net_std::{Change, DesktopLink, LinkError, describe};

use crate::keyboard::Keyboard;
use crate::screen::Screen;

/// How long to try to connect, and how long to wait in the end until everything has been sent.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait in the end when somebody has typed `/quit` and waits, too.
const SHORT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long to wait in the end until everything has been shown.
const SHOW_TIMEOUT: time::Duration = time::Duration::from_secs(1);

/// When to try again after the connection was lost, and for how long.
const RULES: Backoff = Backoff::new()
    .with_delays(time::Duration::from_millis(250), time::Duration::from_secs(5))
    .with_time_limit(time::Duration::from_secs(120));

/// One person at the keyboard.
pub(crate) struct Chat {
    link: DesktopLink,
    changes: Receiver<Change>,
    session: Session,
    /// There has been a connection.
    began: bool,
    has_been_inside: bool,
    keyboard: Keyboard,
    screen: Screen,
    /// An event was not taken, because there was no room to show what it says.
    is_held: bool,
}

impl Chat {
    /// On the way to the relay, and into the room.
    pub(crate) fn new(relay: &RelayOptions, room: &str, nick: Nick) -> Result<Self, Failure> {
        let session = Session::new(room, nick)?;
        let (tell, changes) = mpsc::channel();
        let mut link =
            DesktopLink::builder().reconnect(RULES).connect_timeout(TIMEOUT).on_change(move |change| {
                let _ = tell.send(change); // nobody listens at the end
            });
        if let Some(tls) = relay.tls()? {
            link = link.tls(tls);
        }
        let link = link.connect(&relay.relay)?;
        Ok(Self {
            link,
            changes,
            session,
            began: false,
            has_been_inside: false,
            keyboard: Keyboard::new()?,
            screen: Screen::new()?,
            is_held: false,
        })
    }

    /// Talks until the one at the keyboard has had enough.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let ended = loop {
            match self.turn() {
                Ok(false) => {}
                Ok(true) => break Ok(()),
                Err(failure) => break Err(failure),
            }
        };
        let Self { link, session, keyboard, screen, .. } = self;
        let closed = ended.and_then(|()| close(link, session, &keyboard));
        // what has come before the end is shown, too
        let shown = screen.finish(SHOW_TIMEOUT);
        closed.and(shown)
    }

    /// Goes on with all of it, then sleeps. Whether it is over.
    fn turn(&mut self) -> Result<bool, Failure> {
        let now = self.link.now();
        self.poll(now)?;
        while let Ok(change) = self.changes.try_recv() {
            self.note(change, now)?;
        }
        self.session.drive(&mut self.link.out(), now)?;
        let Self { session, keyboard, screen, link, .. } = self;
        screen.show(session.take_screen())?;
        session.check(now)?;
        self.has_been_inside |= session.is_inside();
        keyboard.read(session, now)?;
        keyboard.say(session, &mut link.out())?;
        if keyboard.is_over(self.has_been_inside, now) {
            return Ok(true);
        }
        screen.show(session.take_screen())?;
        self.sleep(now)
    }

    fn poll(&mut self, now: Instant) -> Result<(), Failure> {
        let Self { link, session, screen, is_held, .. } = self;
        *is_held = false;
        let polled = link.poll(|event, out| {
            let says_something = matches!(event, Event::Chunk { .. });
            if says_something && (screen.is_full() || session.has_much_to_show()) {
                *is_held = true;
                return Err(SendError::WouldBlock);
            }
            session.handle(event, out, now)
        });
        match polled {
            Ok(_) => Ok(()),
            Err(LinkError::GivenUp { cause, .. }) => Err(Failure::Lost(describe(&*cause))),
            Err(error) => Err(error.into()),
        }
    }

    fn sleep(&mut self, now: Instant) -> Result<bool, Failure> {
        let at_once = (self.is_held && !self.screen.is_full()).then_some(Instant::ZERO);
        let deadlines = [at_once, self.session.next_deadline(now), self.keyboard.next_deadline()];
        let mut watches = Vec::from_iter(self.keyboard.watch().into_iter().chain(self.screen.watch()));
        self.link.wait_for(&mut watches, deadlines.into_iter().flatten().min())?;
        Ok(false)
    }

    /// Tells how it is with the connection; a new one means to get into the room anew.
    fn note(&mut self, change: Change, now: Instant) -> Result<(), Failure> {
        match change {
            Change::Connected => {
                if self.began {
                    self.session.show("connected again");
                }
                self.began = true;
                self.session.begin(now);
            }
            Change::ConnectFailed(error) if !self.began => return Err(error.into()),
            Change::Lost(lost) => self.session.show(&format!("{}; trying to connect again", describe(&lost))),
            _ => {}
        }
        Ok(())
    }
}

/// Leaves the room, if one is in it.
fn close(mut link: DesktopLink, mut session: Session, keyboard: &Keyboard) -> Result<(), Failure> {
    let timeout = if keyboard.is_asked_to_end() { SHORT_TIMEOUT } else { TIMEOUT };
    if session.is_inside() {
        // where there is no room for the command, the end of the connection says it
        let _ = session.type_in(&Command::Quit, &mut link.out());
        link.close(timeout)?;
    }
    match keyboard.unsaid() {
        0 => Ok(()),
        1 => Err(Failure::Failed("a line that was typed was not said".into())),
        count => Err(Failure::Failed(format!("{count} lines that were typed were not said"))),
    }
}
