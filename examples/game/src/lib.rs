//! A game's server and its players, on one link: without any network, or over a relay. The same
//! source runs in a desktop program (`offline` of the examples) and in a page (`web/game`).
//!
//! Each player moves every 50 ms; the server tells all players where each of them is every 50 ms. A
//! player measures how long it takes until it sees its own move. Everything is checked: no move and
//! no state may be missing, doubled or out of order.

use std::error::Error;
use std::fmt;

use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, HandlerError, Mode, Out, OwnChannel, SendError,
    SimulatedLine, Source, User,
};
use peote_net::time::{Duration, Instant};

/// The name of the channel.
pub const CHANNEL: &str = "game";
/// The greatest message.
pub const CHUNK: usize = 512;
/// Players that a message has room for.
pub const MOST_PLAYERS: u32 = 50;

#[expect(clippy::cast_possible_truncation, reason = "it is small")]
const MODE: Mode = Mode::chunks(CHUNK as u32);
const TICK: Duration = Duration::from_millis(50);

/// What kind of game it is.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Players: 1 to [`MOST_PLAYERS`].
    pub players: u32,
    /// Simulated time from a player to the server and back. It holds for players on the server's
    /// link.
    pub round_trip: Duration,
    /// Simulated bandwidth of each of them, each way; 0: without limit.
    pub bytes_per_second: u32,
}

/// Both sides of the game.
#[derive(Debug)]
pub struct Game {
    channel: OwnChannel,
    /// What the server knows: who plays, and the number of the last move it has seen of each.
    seen: Vec<(User, u32)>,
    /// Number of the last state.
    state: u32,
    players: Vec<Player>,
    moves: u64,
    states: u64,
    /// Moves and states that did not fit the line.
    held_back: u64,
    /// How long it took players to see their moves, in milliseconds, since the last report.
    delays: Vec<u64>,
    started: Instant,
    next_tick: Instant,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// The channel was not created, or not entered.
    Refused,
    /// A move or a state is missing, doubled or out of order.
    Order {
        /// The number that was to come.
        expected: u32,
        /// The number that came.
        came: u32,
    },
    /// The game cannot send.
    Send(SendError),
}

#[derive(Debug)]
struct Player {
    channel: EnteredChannel,
    playing: bool,
    /// What the server calls it.
    name: u16,
    /// Number of the last move, and when each move was made.
    moves: u32,
    made: Vec<Instant>,
    state: Option<u32>,
    /// Its last move that it has seen come back.
    back: u32,
}

impl Game {
    /// Creates the channel, and lets all players enter it.
    ///
    /// # Errors
    ///
    /// The link has no room for them.
    pub fn new(out: &mut Out<'_>, settings: &Settings, now: Instant) -> Result<Self, Mistake> {
        let channel = out.create(CHANNEL, MODE)?;
        let line = SimulatedLine::new();
        let line = line.round_trip(settings.round_trip).bytes_per_second(settings.bytes_per_second);
        out.simulate(channel, line)?;
        let players = (0..settings.players).map(|_| Player::enter(out)).collect::<Result<_, _>>()?;
        Ok(Self {
            channel,
            seen: Vec::new(),
            state: 0,
            players,
            moves: 0,
            states: 0,
            held_back: 0,
            delays: Vec::new(),
            started: now,
            next_tick: now,
        })
    }

    /// Takes an event of the link.
    ///
    /// # Errors
    ///
    /// Something is missing, doubled or out of order, or the channel is not there.
    pub fn hear(&mut self, event: &Event<'_>, out: &mut Out<'_>, now: Instant) -> Result<(), Mistake> {
        match *event {
            Event::Refused { .. } => return Err(Mistake::Refused),
            // all players are on this link; who comes through a relay looks on
            Event::UserEntered { user, .. } if is_stranger(user) => {}
            Event::UserEntered { user, .. } => {
                // the player has to know which of the numbers in a state is its own
                out.send((self.channel, user), &user.number().to_le_bytes())?;
                self.seen.push((user, 0));
            }
            Event::UserGone { user, .. } => self.seen.retain(|(other, _)| *other != user),
            Event::Opened { channel: Channel::Entered(channel) } => {
                if let Some(player) = self.players.iter_mut().find(|player| player.channel == channel) {
                    player.playing = true;
                }
            }
            Event::Chunk { from: Source::User { user, .. }, bytes } => return self.hear_move(user, bytes),
            Event::Chunk { from: Source::Server { channel }, bytes } => {
                return self.hear_state(channel, bytes, now);
            }
            _ => {}
        }
        Ok(())
    }

    /// The server hears a move: its number. That of a stranger is none.
    fn hear_move(&mut self, user: User, bytes: &[u8]) -> Result<(), Mistake> {
        let Some((_, last)) = self.seen.iter_mut().find(|(other, _)| *other == user) else { return Ok(()) };
        let came = bytes.try_into().map_or(0, u32::from_le_bytes);
        let expected = *last + 1;
        if came != expected {
            return Err(Mistake::Order { expected, came });
        }
        *last = came;
        self.moves += 1;
        Ok(())
    }

    /// A player hears its own number, or a state: the state's number, then user and last move of
    /// each player.
    fn hear_state(&mut self, channel: EnteredChannel, bytes: &[u8], now: Instant) -> Result<(), Mistake> {
        let Some(player) = self.players.iter_mut().find(|player| player.channel == channel) else {
            return Ok(());
        };
        if let Ok(name) = bytes.try_into() {
            player.name = u16::from_le_bytes(name);
            return Ok(());
        }
        let Some((number, others)) = bytes.split_first_chunk::<4>() else { return Ok(()) };
        let came = u32::from_le_bytes(*number);
        if let Some(expected) = player.state.map(|last| last + 1).filter(|&expected| expected != came) {
            return Err(Mistake::Order { expected, came });
        }
        player.state = Some(came);
        self.states += 1;
        let own = others.chunks_exact(6).find(|entry| entry[..2] == player.name.to_le_bytes());
        let back = own.and_then(|entry| entry[2..].try_into().ok()).map_or(0, u32::from_le_bytes);
        for made in player.made.get(player.back as usize..back as usize).unwrap_or_default() {
            self.delays.push(now.saturating_since(*made).as_millis());
        }
        player.back = player.back.max(back);
        Ok(())
    }

    /// Goes on with the game, if it is time: to be called in each frame, or at
    /// [`next_tick`](Self::next_tick).
    ///
    /// # Errors
    ///
    /// The game cannot send. What does not fit the line now is left out, and no error.
    pub fn frame(&mut self, out: &mut Out<'_>, now: Instant) -> Result<(), Mistake> {
        if now < self.next_tick {
            return Ok(());
        }
        // a frame that was late does not make up for those that it missed
        self.next_tick = now + TICK;
        self.move_players(out, now)?;
        self.tell_state(out)
    }

    /// Returns when the next [`frame`](Self::frame) has something to do.
    #[must_use]
    pub fn next_tick(&self) -> Instant {
        self.next_tick
    }

    fn move_players(&mut self, out: &mut Out<'_>, now: Instant) -> Result<(), Mistake> {
        for player in self.players.iter_mut().filter(|player| player.playing) {
            match out.send(player.channel, &(player.moves + 1).to_le_bytes()) {
                Ok(()) => {
                    player.moves += 1;
                    player.made.push(now);
                }
                Err(SendError::WouldBlock) => self.held_back += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The server tells where each player is.
    fn tell_state(&mut self, out: &mut Out<'_>) -> Result<(), Mistake> {
        let mut state = (self.state + 1).to_le_bytes().to_vec();
        for (user, last) in &self.seen {
            state.extend(user.number().to_le_bytes());
            state.extend(last.to_le_bytes());
        }
        match out.send(Destination::All(self.channel), &state) {
            Ok(()) => self.state += 1,
            Err(SendError::WouldBlock) => self.held_back += 1,
            Err(SendError::NotOpen) => {} // not created yet
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Returns what happened since the last report.
    pub fn report(&mut self, now: Instant) -> Report {
        self.delays.sort_unstable();
        let middle = self.delays.get(self.delays.len() / 2).copied();
        self.delays.clear();
        Report {
            seconds: now.saturating_since(self.started).as_millis() / 1000,
            players: self.seen.len(),
            moves: self.moves,
            states: self.states,
            middle,
            held_back: self.held_back,
        }
    }
}

/// Returns true if a user is not on the server's link.
fn is_stranger(user: User) -> bool {
    user.number() <= u8::MAX.into()
}

impl Player {
    fn enter(out: &mut Out<'_>) -> Result<Self, SendError> {
        let channel = out.enter(CHANNEL, MODE)?;
        Ok(Self { channel, playing: false, moves: 0, made: Vec::new(), name: u16::MAX, state: None, back: 0 })
    }
}

/// How the game goes.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// How long it has been going on.
    pub seconds: u64,
    /// Players whom the server knows.
    pub players: usize,
    /// Moves that the server has seen.
    pub moves: u64,
    /// States that players have seen.
    pub states: u64,
    /// How long it took until a player saw its own move since the last report, in milliseconds: the
    /// median.
    pub middle: Option<u64>,
    /// Moves and states that did not fit the line.
    pub held_back: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seconds, players, moves, states, middle, held_back } = self;
        write!(
            f,
            "{seconds:>3} s: {players} players, {moves:>6} moves, {states:>6} states, own move seen after "
        )?;
        match middle {
            Some(delay) => write!(f, "{delay} ms")?,
            None => f.write_str("-")?,
        }
        write!(f, ", {held_back} held back")
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => write!(f, "channel {CHANNEL:?} cannot be created or entered; is it in use?"),
            Self::Order { expected, came } => write!(f, "number {came} came where {expected} was to come"),
            Self::Send(error) => error.fmt(f),
        }
    }
}

impl Error for Mistake {}

impl HandlerError for Mistake {
    fn is_would_block(&self) -> bool {
        *self == Self::Send(SendError::WouldBlock)
    }
}

impl From<SendError> for Mistake {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}
