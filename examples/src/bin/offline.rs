//! A game's server and its players in one program: without any network, or over a relay. The two differ in one line.
//!
//! Each player moves every 50 ms; the server tells all players where everybody is every 50 ms. A player measures how long it takes until
//! it sees its own move. Everything is checked: no move and no state may be missing, doubled or out of order.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use peote_net::link::{
    Channel, Destination, EnteredChannel, Event, Mode, Out, OwnChannel, SendError, SimulatedLine, Source,
    User,
};
use peote_net::time::{Duration as Millis, Instant};
use peote_net_examples::Failure;
use peote_net_examples::options::{between, seconds};
use peote_net_examples::report::print;
use peote_net_std::TcpLink;

/// A game's server and players in one program, offline with a simulated network, or over a relay.
#[derive(Debug, Parser)]
#[command(name = "offline", version, after_help = AFTER_HELP)]
struct Options {
    /// Play over this relay, instead of offline
    #[arg(long, value_name = "HOST:PORT")]
    relay: Option<String>,
    /// Players
    #[arg(long, default_value_t = 3, value_name = "NUMBER", value_parser = between(1..=50))]
    players: u32,
    /// Simulated time from a player to the server and back
    #[arg(long, default_value_t = 80, value_name = "MILLISECONDS", value_parser = between(0..=10_000))]
    round_trip: u32,
    /// Simulated bandwidth of each player, each way; 0: without limit
    #[arg(long, default_value_t = 20_000, value_name = "BYTES/SECOND", value_parser = between(0..=1_000_000_000))]
    bandwidth: u32,
    /// How long to play
    #[arg(long, default_value = "5", value_name = "SECONDS", value_parser = seconds)]
    duration: Duration,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  every move and every state arrived, in order
  1  they did not
  2  wrong options
  3  the relay was not reached, or the connection to it was lost";

const CHANNEL: &str = "game";
const MODE: Mode = Mode::chunks(4096);
/// How long to try to connect.
const PATIENCE: Duration = Duration::from_secs(10);
const TICK: Millis = Millis::from_millis(50);

fn main() -> ExitCode {
    peote_net_examples::failure::main("offline", run)
}

fn run(options: &Options) -> Result<(), Failure> {
    let mut link = match &options.relay {
        None => TcpLink::offline()?,
        Some(relay) => {
            TcpLink::connect(relay, PATIENCE).map_err(|error| Failure::Unreachable(error.to_string()))?
        }
    };
    let start = link.now();
    let end = start + options.duration.into();
    let mut game = Game::new(&mut link.out(), options)?;
    let (mut tick, mut report) = (start, start + Millis::from_secs(1));
    loop {
        let now = link.now();
        link.poll(|event, out| game.hear(&event, out, now))?;
        game.end?;
        if now >= end {
            break;
        }
        if now >= tick {
            tick = tick + TICK;
            game.tick(&mut link.out(), now)?;
        }
        if now >= report {
            report = report + Millis::from_secs(1);
            game.report(now.saturating_since(start))?;
        }
        link.wait(&mut [], Some(tick.min(end)))?;
    }
    print(format_args!("{} moves and {} states, all in order", game.moves, game.states))
}

/// Both sides of the game.
struct Game {
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
    delays: Vec<u64>,
    /// What was wrong, if anything was.
    end: Result<(), Mistake>,
}

#[derive(Clone, Copy, Debug)]
enum Mistake {
    Refused,
    Order { expected: u32, came: u32 },
}

impl From<Mistake> for Failure {
    fn from(mistake: Mistake) -> Self {
        Self::Failed(match mistake {
            Mistake::Refused => format!("channel {CHANNEL:?} cannot be created or entered; is it in use?"),
            Mistake::Order { expected, came } => format!("number {came} came where {expected} was to come"),
        })
    }
}

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
    fn new(out: &mut Out<'_>, options: &Options) -> Result<Self, Failure> {
        let channel = out.create(CHANNEL, MODE)?;
        let round_trip = Millis::from_millis(options.round_trip.into());
        out.simulate(
            channel,
            SimulatedLine::new().round_trip(round_trip).bytes_per_second(options.bandwidth),
        )?;
        let players = (0..options.players).map(|_| Player::enter(out)).collect::<Result<_, _>>()?;
        let (seen, delays) = (Vec::new(), Vec::new());
        Ok(Self { channel, seen, state: 0, players, moves: 0, states: 0, held_back: 0, delays, end: Ok(()) })
    }

    fn hear(&mut self, event: &Event<'_>, out: &mut Out<'_>, now: Instant) -> Result<(), SendError> {
        match *event {
            Event::Refused { channel: Channel::Own(_), .. }
            | Event::Refused { channel: Channel::Entered(_), .. } => self.end = Err(Mistake::Refused),
            Event::UserEntered { user, .. } => {
                self.seen.push((user, 0));
                // the player has to know which of the numbers in a state is its own
                out.send((self.channel, user), &user.number().to_le_bytes())?;
            }
            Event::UserGone { user, .. } => self.seen.retain(|(other, _)| *other != user),
            Event::Opened { channel: Channel::Entered(channel) } => {
                if let Some(player) = self.players.iter_mut().find(|player| player.channel == channel) {
                    player.playing = true;
                }
            }
            Event::Chunk { from: Source::User { user, .. }, bytes } => self.hear_move(user, bytes),
            Event::Chunk { from: Source::Server { channel }, bytes } => self.hear_state(channel, bytes, now),
            _ => {}
        }
        Ok(())
    }

    /// The server hears a move: its number.
    fn hear_move(&mut self, user: User, bytes: &[u8]) {
        let Some((_, last)) = self.seen.iter_mut().find(|(other, _)| *other == user) else { return };
        let came = bytes.try_into().map_or(0, u32::from_le_bytes);
        if came != *last + 1 {
            self.end = Err(Mistake::Order { expected: *last + 1, came });
        }
        *last = came;
        self.moves += 1;
    }

    /// A player hears its own number, or a state: the state's number, then user and last move of each player.
    fn hear_state(&mut self, channel: EnteredChannel, bytes: &[u8], now: Instant) {
        let Some(player) = self.players.iter_mut().find(|player| player.channel == channel) else { return };
        if let Ok(name) = bytes.try_into() {
            player.name = u16::from_le_bytes(name);
            return;
        }
        let Some((number, others)) = bytes.split_first_chunk::<4>() else { return };
        let came = u32::from_le_bytes(*number);
        if let Some(expected) = player.state.map(|last| last + 1).filter(|&expected| expected != came) {
            self.end = Err(Mistake::Order { expected, came });
        }
        player.state = Some(came);
        self.states += 1;
        let own = others.chunks_exact(6).find(|entry| entry[..2] == player.name.to_le_bytes());
        let back = own.and_then(|entry| entry[2..].try_into().ok()).map_or(0, u32::from_le_bytes);
        for made in player.made.get(player.back as usize..back as usize).unwrap_or_default() {
            self.delays.push(now.saturating_since(*made).as_millis());
        }
        player.back = player.back.max(back);
    }

    /// Players move, the server tells where everybody is. What does not fit the line now is left out.
    fn tick(&mut self, out: &mut Out<'_>, now: Instant) -> Result<(), SendError> {
        for player in self.players.iter_mut().filter(|player| player.playing) {
            match out.send(player.channel, &(player.moves + 1).to_le_bytes()) {
                Ok(()) => {
                    player.moves += 1;
                    player.made.push(now);
                }
                Err(SendError::WouldBlock) => self.held_back += 1,
                Err(error) => return Err(error),
            }
        }
        let mut state = (self.state + 1).to_le_bytes().to_vec();
        for (user, last) in &self.seen {
            state.extend(user.number().to_le_bytes());
            state.extend(last.to_le_bytes());
        }
        match out.send(Destination::All(self.channel), &state) {
            Ok(()) => self.state += 1,
            Err(SendError::WouldBlock) => self.held_back += 1,
            Err(SendError::NotOpen) => {} // not created yet
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn report(&mut self, time: Millis) -> Result<(), Failure> {
        self.delays.sort_unstable();
        let middle = self.delays.get(self.delays.len() / 2);
        let middle = middle.map_or("-".into(), |delay| format!("{delay} ms"));
        print(format_args!(
            "{:>3} s: {} players, {:>6} moves, {:>6} states, own move seen after {middle}, {} held back",
            time.as_millis() / 1000,
            self.seen.len(),
            self.moves,
            self.states,
            self.held_back
        ))?;
        self.delays.clear();
        Ok(())
    }
}

impl Player {
    fn enter(out: &mut Out<'_>) -> Result<Self, SendError> {
        let channel = out.enter(CHANNEL, MODE)?;
        Ok(Self { channel, playing: false, moves: 0, made: Vec::new(), name: u16::MAX, state: None, back: 0 })
    }
}
