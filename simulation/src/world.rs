//! What the network, the relay and the transports share: the clock, the lines, what has happened.

use embedded_io::ErrorKind;

use peote_net::protocol::to_endpoint::{self, Capabilities};

use crate::line::{Direction, LineConfig, LineId};
use crate::pipe::Pipe;
use crate::trace::{Act, Trace};

#[derive(Debug)]
pub(crate) struct World {
    /// Milliseconds since the start.
    pub(crate) now: u64,
    lines: Vec<Line>,
    pub(crate) trace: Trace,
    /// Counts everything that is done to lines: while it stands still, nobody gets anything done.
    pub(crate) acts: u64,
    seed: u64,
}

#[derive(Debug)]
struct Line {
    name: String,
    pipes: [Pipe; 2],
    /// The connection is broken, and with which error.
    broken: Option<ErrorKind>,
    /// The link is an existing endpoint.
    is_existing: bool,
}

/// Where in the stream of a relay the capabilities are that it announces.
const CAPABILITIES_AT: u64 = to_endpoint::announcement(Capabilities::NONE).len() as u64 - 1;

impl World {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { now: 0, lines: Vec::new(), trace: Trace::new(), acts: 0, seed }
    }

    pub(crate) fn connect(&mut self, config: LineConfig, accepted: bool) -> LineId {
        let id = LineId(self.lines.len());
        let seed = |direction: Direction| {
            self.seed
                .wrapping_add((2 * id.0 + direction.index() + 1) as u64)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        };
        let pipes =
            Direction::BOTH.map(|direction| Pipe::new(config.direction(direction).clone(), seed(direction)));
        let broken = (!accepted).then_some(ErrorKind::ConnectionRefused);
        self.lines.push(Line { name: config.name, pipes, broken, is_existing: config.is_existing });
        self.did(id, if accepted { Act::Connect } else { Act::Refuse }, &[]);
        id
    }

    pub(crate) fn name(&self, line: LineId) -> &str {
        self.lines.get(line.0).map_or("", |line| &line.name)
    }

    pub(crate) fn did(&mut self, line: LineId, act: Act, bytes: &[u8]) {
        self.acts += 1;
        let name = self.lines.get(line.0).map_or("", |line| line.name.as_str());
        self.trace.act(self.now, line, name, act, bytes);
    }

    pub(crate) fn pipe(&mut self, line: LineId, direction: Direction) -> &mut Pipe {
        &mut self.lines[line.0].pipes[direction.index()]
    }

    /// How many bytes can be read at the far end of a direction: 0 is the end of the stream, `None`
    /// that there is nothing yet.
    pub(crate) fn readable(
        &mut self,
        line: LineId,
        direction: Direction,
    ) -> Result<Option<usize>, ErrorKind> {
        let now = self.now;
        match self.lines[line.0].broken {
            Some(error) => Err(error),
            None => Ok(self.pipe(line, direction).readable(now)),
        }
    }

    /// How many bytes can be written at the near end of a direction.
    pub(crate) fn writable(&mut self, line: LineId, direction: Direction) -> Result<usize, ErrorKind> {
        match self.lines[line.0].broken {
            Some(error) => Err(error),
            None => self.pipe(line, direction).room().ok_or(ErrorKind::BrokenPipe),
        }
    }

    /// Reads at the far end of a direction. Something must be readable.
    pub(crate) fn read(
        &mut self,
        line: LineId,
        direction: Direction,
        buffer: &mut [u8],
    ) -> Result<usize, ErrorKind> {
        self.readable(line, direction)?;
        let now = self.now;
        let pipe = self.pipe(line, direction);
        let at = pipe.bytes_read();
        let count = pipe.read(now, buffer);
        let broken = pipe.is_broken();
        if direction == Direction::ToLink && self.lines[line.0].is_existing {
            hide_hello(&mut buffer[..count], at);
        }
        let act = if direction == Direction::ToRelay { Act::RelayReads } else { Act::LinkReads };
        self.did(line, act, &buffer[..count]);
        if broken {
            self.reset(line);
        }
        Ok(count)
    }

    /// Writes at the near end of a direction. There must be room.
    pub(crate) fn write(
        &mut self,
        line: LineId,
        direction: Direction,
        bytes: &[u8],
    ) -> Result<usize, ErrorKind> {
        self.writable(line, direction)?;
        let now = self.now;
        let count = self.pipe(line, direction).write(now, bytes);
        let act = if direction == Direction::ToRelay { Act::LinkWrites } else { Act::RelayWrites };
        self.did(line, act, &bytes[..count]);
        Ok(count)
    }

    /// The end of a direction at which bytes are written, or the network, ends it in order.
    pub(crate) fn end(&mut self, line: LineId, direction: Direction, act: Act) {
        let now = self.now;
        self.did(line, act, &[direction.byte()]);
        self.pipe(line, direction).end(now);
    }

    /// One end of the line goes away: it says nothing more, and what is said to it vanishes.
    pub(crate) fn close(&mut self, line: LineId, outgoing: Direction, act: Act) {
        self.end(line, outgoing, act);
        let incoming = if outgoing == Direction::ToRelay { Direction::ToLink } else { Direction::ToRelay };
        self.pipe(line, incoming).deafen();
    }

    /// Breaks the connection: what is under way is lost, all calls at both ends are errors.
    pub(crate) fn reset(&mut self, line: LineId) {
        if self.lines[line.0].broken.is_none() {
            self.did(line, Act::Reset, &[]);
            self.lines[line.0].broken = Some(ErrorKind::ConnectionReset);
            self.lines[line.0].pipes.iter_mut().for_each(Pipe::forget);
        }
    }

    pub(crate) fn is_broken(&self, line: LineId) -> bool {
        self.lines[line.0].broken.is_some()
    }

    /// When something becomes readable somewhere.
    pub(crate) fn next_event_at(&self) -> Option<u64> {
        let alive = self.lines.iter().filter(|line| line.broken.is_none());
        alive.flat_map(|line| &line.pipes).filter_map(|pipe| pipe.next_event_at(self.now)).min()
    }
}

/// Takes hello out of the announcement that a relay's stream begins with, if that is among `bytes`,
/// which are at this place in the stream.
fn hide_hello(bytes: &mut [u8], at: u64) {
    let place = CAPABILITIES_AT.checked_sub(at).and_then(|place| usize::try_from(place).ok());
    let Some(byte) = place.and_then(|place| bytes.get_mut(place)) else { return };
    let hello = to_endpoint::announcement(Capabilities::HELLO);
    *byte &= !hello.last().copied().unwrap_or_default();
}
