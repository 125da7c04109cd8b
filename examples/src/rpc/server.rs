//! The server: one object for all users, and a record of who has joined.

use peote_net::link::{
    Channel, Destination, Event, Flow, IntoFlow as _, Mode, Out, OwnChannel, SendError, Source, User,
};
use peote_net::rpc::{self, Context, Message, Remote};
use peote_net::time::Instant;
use peote_net::value::List;
use peote_net_std::{DesktopLink, TcpTransport};

use super::{BOARD, Board, Picture, SCREEN, ScreenCaller};
use crate::{ANSWER_TIMEOUT, Failure};

/// The most characters of a name; what is behind them is cut off. The names of 256 users and the
/// picture fit in one message.
const MAX_NAME: usize = 24;

/// A server of the whiteboard on a connection of its own.
#[derive(Debug)]
pub struct Server {
    link: DesktopLink,
    state: State,
    /// When the channel has to be there.
    answer_due: Instant,
}

#[derive(Debug)]
struct State {
    picture: Picture,
    /// Who has joined, and whether they have finished.
    users: Vec<Member>,
    /// As many have to finish.
    expected: usize,
    created: bool,
    finished: bool,
    violations: u32,
}

#[derive(Debug)]
struct Member {
    user: User,
    name: String,
    finished: bool,
}

impl Server {
    /// Creates the channel, for `expected` users.
    ///
    /// # Errors
    /// The relay cannot be reached.
    pub fn new(transport: TcpTransport, channel: &str, expected: usize) -> Result<Self, Failure> {
        let mut link = DesktopLink::builder().transport(transport)?;
        link.create(channel, Mode::RPC)?;
        let state = State {
            picture: Picture::default(),
            users: Vec::new(),
            expected,
            created: false,
            finished: false,
            violations: 0,
        };
        let answer_due = link.now() + ANSWER_TIMEOUT;
        Ok(Self { link, state, answer_due })
    }

    /// Deals with what has come; does not block.
    ///
    /// # Errors
    /// The connection is lost, the channel cannot be created, or the relay does not answer.
    pub fn poll(&mut self) -> Result<(), Failure> {
        let state = &mut self.state;
        let mut refused = None;
        self.link.poll(|event, out| {
            if let Event::Refused { channel: Channel::Own(_), reason, .. } = event {
                refused = Some(reason);
            }
            state.handle(&event, out)
        })?;
        match refused {
            Some(reason) => Err(Failure::Failed(format!("the channel cannot be created: {reason}"))),
            None if !self.state.created && self.answer_due <= self.link.now() => Err(Failure::no_answer()),
            None => Ok(()),
        }
    }

    /// Sleeps until there is something to do.
    ///
    /// # Errors
    /// Waiting failed.
    pub fn wait(&mut self) -> Result<(), Failure> {
        self.link.wait_for(&mut [], (!self.state.created).then_some(self.answer_due))?;
        Ok(())
    }

    /// Whether users can enter.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.created
    }

    /// Whether everybody has finished and left.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state.finished && self.state.users.is_empty()
    }

    /// The picture.
    #[must_use]
    pub fn picture(&self) -> &Picture {
        &self.state.picture
    }

    /// How many calls were not right. None are, unless somebody else is in the channel.
    #[must_use]
    pub fn violations(&self) -> u32 {
        self.state.violations
    }
}

impl State {
    fn handle(&mut self, event: &Event<'_>, out: &mut Out<'_>) -> Result<Flow, SendError> {
        match *event {
            Event::Opened { channel: Channel::Own(_) } => self.created = true,
            // each user is offered the server's object
            Event::UserEntered { channel, user } => rpc::offer(out, (channel, user), BOARD)?,
            Event::UserGone { user, .. } => self.users.retain(|member| member.user != user),
            Event::Rpc { from, bytes } => {
                let Message::Call(call) = Message::read(from, bytes) else {
                    return Ok(Flow::Continue); // its offer: a user calls only after it has offered its screen
                };
                let answer = match call.object() {
                    BOARD => self.dispatch(&call, out),
                    _ => Err(call.unknown_object()),
                };
                self.violations += u32::from(matches!(answer, Err(rpc::Error::Violation(_))));
                return answer.or_else(rpc::Error::pass_over);
            }
            _ => {}
        }
        ().into_flow()
    }

    fn has_joined(&self, user: User) -> bool {
        self.users.iter().any(|member| member.user == user)
    }

    /// Everybody's screen, in one message.
    fn screens(channel: OwnChannel) -> ScreenCaller {
        ScreenCaller::new(Remote::assume(Destination::All(channel), SCREEN))
    }
}

/// Who called. Only users of the own channel can.
fn user(context: &Context<'_>) -> Result<(OwnChannel, User), SendError> {
    match context.from() {
        Source::User { channel, user } => Ok((channel, user)),
        Source::Server { .. } => Err(SendError::NotOpen),
    }
}

/// In every procedure: what has to be sent is sent first. Should it not fit, the procedure is
/// called again, and has changed nothing yet. A call that makes no sense now is passed over; one
/// user can neither end the picture of the others nor make an answer longer than a message.
impl Board for State {
    fn join(&mut self, context: &mut Context<'_>, name: &str) -> Result<(), SendError> {
        let (channel, user) = user(context)?;
        if self.has_joined(user) {
            return Ok(());
        }
        let name: String = name.chars().take(MAX_NAME).collect();
        let rows: Vec<&[u8]> = self.picture.rows().collect();
        let others = self.users.iter().map(|member| member.name.as_str());
        let names: Vec<&str> = others.chain([name.as_str()]).collect();
        let screen = ScreenCaller::new(Remote::assume((channel, user), SCREEN));
        screen.picture(context.out(), List::from(&rows[..]), List::from(&names[..]))?;
        self.users.push(Member { user, name, finished: false });
        Ok(())
    }

    fn draw(
        &mut self,
        context: &mut Context<'_>,
        points: List<'_, u16>,
        colour: u8,
    ) -> Result<(), SendError> {
        let (channel, user) = user(context)?;
        if !self.has_joined(user) {
            return Ok(());
        }
        // the list goes on as it came, without having been taken apart
        Self::screens(channel).drawn(context.out(), points, colour)?;
        self.picture.draw_all(points, colour);
        Ok(())
    }

    fn finish(&mut self, context: &mut Context<'_>) -> Result<(), SendError> {
        let (channel, user) = user(context)?;
        if !self.has_joined(user) {
            return Ok(());
        }
        let others = self.users.iter().filter(|member| member.finished && member.user != user).count();
        if others + 1 == self.expected {
            Self::screens(channel).finished(context.out(), self.picture.digest())?;
            self.finished = true;
        }
        for member in self.users.iter_mut().filter(|member| member.user == user) {
            member.finished = true;
        }
        Ok(())
    }
}
