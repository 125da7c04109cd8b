//! A user: draws random walks, and follows what others draw.

use peote_net::link::{Channel, EnteredChannel, Event, Flow, Mode, Out, SendError};
use peote_net::rpc::{self, Message};
use peote_net::time::Instant;
use peote_net::value::List;
use peote_net_std::{DesktopLink, TcpTransport};

use super::{BOARD, BoardCaller, HEIGHT, Picture, SCREEN, Screen, WIDTH};
use crate::{ANSWER_TIMEOUT, Failure};

/// A user of the whiteboard on a connection of its own.
#[derive(Debug)]
pub struct User {
    link: DesktopLink,
    channel: EnteredChannel,
    state: State,
    pen: Pen,
    /// When the channel has to be entered.
    answer_due: Instant,
}

#[derive(Debug)]
struct State {
    name: String,
    /// The server's object, once it has been offered.
    board: Option<BoardCaller>,
    /// The picture, once it has come.
    picture: Option<Picture>,
    /// Whether the picture is as the server says.
    verified: Option<bool>,
    /// Strokes seen.
    drawn: u32,
    entered: bool,
    refused: Option<peote_net::Reason>,
}

/// What this user draws.
#[derive(Debug)]
struct Pen {
    colour: u8,
    /// Strokes still to draw; `None` once the server knows that there are no more.
    left: Option<u32>,
    random: u64,
}

impl User {
    /// Enters the channel, to draw `strokes` strokes in a colour.
    ///
    /// # Errors
    /// The relay cannot be reached.
    pub fn new(
        transport: TcpTransport,
        channel: &str,
        name: &str,
        colour: u8,
        strokes: u32,
    ) -> Result<Self, Failure> {
        let mut link = DesktopLink::builder().transport(transport)?;
        let channel = link.enter(channel, Mode::RPC)?;
        let state = State {
            name: name.to_owned(),
            board: None,
            picture: None,
            verified: None,
            drawn: 0,
            entered: false,
            refused: None,
        };
        let random = 0x9e37_79b9_7f4a_7c15 ^ (u64::from(colour) << 32);
        let answer_due = link.now() + ANSWER_TIMEOUT;
        Ok(Self { link, channel, answer_due, state, pen: Pen { colour, left: Some(strokes), random } })
    }

    /// Deals with what has come, and draws as long as there is room to send; does not block.
    ///
    /// # Errors
    /// The connection is lost, the channel cannot be entered, or the relay does not answer.
    pub fn poll(&mut self) -> Result<(), Failure> {
        let state = &mut self.state;
        self.link.poll(|event, out| state.handle(&event, out))?;
        if let Some(reason) = self.state.refused {
            return Err(Failure::Failed(format!("the channel cannot be entered: {reason}")));
        }
        if !self.state.entered && self.answer_due <= self.link.now() {
            return Err(Failure::no_answer());
        }
        if let (Some(board), Some(_)) = (self.state.board, &self.state.picture) {
            match self.pen.draw(board, &mut self.link.out()) {
                Ok(()) | Err(SendError::WouldBlock) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Sleeps until there is something to do.
    ///
    /// # Errors
    /// Waiting failed.
    pub fn wait(&mut self) -> Result<(), Failure> {
        self.link.wait_for(&mut [], (!self.state.entered).then_some(self.answer_due))?;
        Ok(())
    }

    /// Leaves the channel.
    ///
    /// # Errors
    /// The channel is gone already.
    pub fn leave(&mut self) -> Result<(), Failure> {
        self.link.out().leave(self.channel)?;
        self.link.poll(|_, _| ())?;
        Ok(())
    }

    /// Whether the picture is the server's; `None` as long as somebody draws.
    #[must_use]
    pub fn verified(&self) -> Option<bool> {
        self.state.verified
    }

    /// How many strokes were seen, of everybody.
    #[must_use]
    pub fn strokes_seen(&self) -> u32 {
        self.state.drawn
    }

    /// The picture, once it has come.
    #[must_use]
    pub fn picture(&self) -> Option<&Picture> {
        self.state.picture.as_ref()
    }
}

impl State {
    fn handle(&mut self, event: &Event<'_>, out: &mut Out<'_>) -> Result<Flow, SendError> {
        match *event {
            Event::Opened { channel: Channel::Entered(channel) } => {
                self.entered = true;
                rpc::offer(out, channel, SCREEN)?;
            }
            Event::Refused { channel: Channel::Entered(_), reason, .. } => self.refused = Some(reason),
            Event::Closed { channel: Channel::Entered(_), reason, .. } if self.verified.is_none() => {
                self.refused = Some(reason);
            }
            Event::Rpc { from, bytes } => match Message::read(from, bytes) {
                Message::Offer(remote) if remote.object() == BOARD => {
                    let board = BoardCaller::new(remote);
                    board.join(out, &self.name)?;
                    self.board = Some(board);
                }
                Message::Offer(_) => {}
                Message::Call(call) => {
                    let answer = match call.object() {
                        SCREEN => self.dispatch(&call, out),
                        _ => Err(call.unknown_object()),
                    };
                    return answer.or_else(rpc::Error::pass_over);
                }
            },
            _ => {}
        }
        Ok(Flow::Continue)
    }
}

impl Screen for State {
    fn picture(&mut self, rows: List<'_, &[u8]>, _names: List<'_, &str>) {
        let mut picture = Picture::default();
        picture.set_rows(rows);
        self.picture = Some(picture);
    }

    fn drawn(&mut self, points: List<'_, u16>, colour: u8) {
        // what is drawn before the whole picture has come is in it
        if let Some(picture) = &mut self.picture {
            picture.draw_all(points, colour);
            self.drawn += 1;
        }
    }

    fn finished(&mut self, digest: i32) {
        self.verified = self.picture.as_ref().map(|picture| picture.digest() == digest);
    }
}

impl Pen {
    fn draw(&mut self, board: BoardCaller, out: &mut Out<'_>) -> Result<(), SendError> {
        while let Some(left) = self.left {
            if left == 0 {
                board.finish(out)?;
                self.left = None;
                return Ok(());
            }
            let before = self.random;
            let points = self.walk();
            if let Err(error) = board.draw(out, List::from(&points[..]), self.colour) {
                self.random = before; // the same stroke later
                return Err(error);
            }
            self.left = Some(left - 1);
        }
        Ok(())
    }

    /// A random walk: `x, y, x, y …`.
    fn walk(&mut self) -> Vec<u16> {
        let (mut x, mut y) = (self.below(WIDTH), self.below(HEIGHT));
        let steps = 1 + self.below(12);
        let mut points = Vec::new();
        for _ in 0..steps {
            points.extend([x, y]);
            x = (x + self.below(3) + WIDTH - 1) % WIDTH;
            y = (y + self.below(3) + HEIGHT - 1) % HEIGHT;
        }
        points
    }

    /// A random number below `limit` (xorshift64).
    fn below(&mut self, limit: u16) -> u16 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        u16::try_from(self.random % u64::from(limit)).unwrap_or_default()
    }
}
