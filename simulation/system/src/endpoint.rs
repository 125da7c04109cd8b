//! The other end of a connection.

use std::net::SocketAddr;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};

use crate::pipe::{End, Pipe};
use crate::stream::Stream;
use crate::world::{self, World};

/// What a connection is like. Times are in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// How long a byte is under way at least.
    pub delay: u64,
    /// By how much longer it may be.
    pub jitter: u64,
    /// Bytes that each direction takes before they are read.
    pub capacity: usize,
}

/// An endpoint's socket: a transport for links. Reading and writing never block: with nothing to be
/// read, or no room, they panic as reads and writes would that block for ever.
#[derive(Debug)]
pub struct Endpoint {
    number: u64,
}

impl Endpoint {
    /// Connects. `None` if there is nobody.
    #[must_use]
    pub fn connect(from: SocketAddr, to: SocketAddr, conditions: Conditions) -> Option<Self> {
        world::with(|world| {
            let number = world.number();
            let Conditions { delay, jitter, capacity } = conditions;
            let at = world.now + delay.max(1);
            let listener = world.listeners.values_mut().find(|listener| listener.address == to)?;
            // in the order in which they arrive
            let place = listener.backlog.partition_point(|(other, _)| *other <= at);
            listener.backlog.insert(place, (at, number));
            let pipe = || Pipe::new(capacity, delay.max(1));
            world.streams.insert(number, Stream::new(from, pipe(), pipe(), jitter));
            Some(Self { number })
        })
    }

    /// Whether something can be read, or nothing ever.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.with(|stream, _| stream.to_endpoint.arrived > 0 || stream.to_endpoint.ended().is_some(), true)
    }

    /// How much can be written.
    #[must_use]
    pub fn room(&self) -> usize {
        self.with(|stream, _| if stream.of_relay { stream.to_relay.room() } else { usize::MAX }, usize::MAX)
    }

    /// Nothing more is sent; it is read still.
    pub fn shut_down(&self) {
        self.with(|stream, now| stream.to_relay.end(now, End::Closed), ());
    }

    /// Breaks the connection.
    pub fn reset(&self) {
        self.with(
            |stream, now| {
                stream.to_relay.end(now, End::Reset);
                stream.to_endpoint.clear();
                stream.to_endpoint.end(now, End::Reset);
            },
            (),
        );
    }

    /// It is gone without a word: the relay hears nothing, and nothing is acknowledged.
    pub fn vanish(self) {
        self.with(
            |stream, now| {
                // a reset that is under way arrives nevertheless
                if stream.to_endpoint.is_ending() {
                    return;
                }
                stream.vanished = true;
                stream.to_relay.stalled_until = u64::MAX;
                stream.to_endpoint.stalled_until = u64::MAX;
                stream.note_waiting(now, false);
            },
            (),
        );
    }

    /// Nothing arrives at the relay, or here, for so many microseconds.
    pub fn stall(&self, is_to_relay: bool, time: u64) {
        self.with(
            |stream, now| {
                let pipe = if is_to_relay { &mut stream.to_relay } else { &mut stream.to_endpoint };
                pipe.stalled_until = pipe.stalled_until.max(now + time);
            },
            (),
        );
    }

    /// The relay's system takes so many bytes for the endpoint from now on, as systems do for one
    /// that turns out to be fast.
    pub fn widen(&self, capacity: usize) {
        world::with(|world| {
            let Ok(stream) = world.stream(self.number) else { return };
            stream.to_endpoint.capacity = stream.to_endpoint.capacity.max(capacity);
            if stream.no_space && stream.is_writable() {
                stream.no_space = false;
                let registered = stream.registered;
                world.note(registered, self.number);
            }
        });
    }

    /// All delays and stalls are over.
    pub fn resume(&self) {
        self.with(
            |stream, _| {
                for pipe in [&mut stream.to_relay, &mut stream.to_endpoint] {
                    pipe.stalled_until = 0;
                }
            },
            (),
        );
    }

    /// Whether the relay has no socket of it any more.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        self.with(|stream, _| !stream.of_relay, true)
    }

    fn with<T>(&self, does: impl FnOnce(&mut Stream, u64) -> T, otherwise: T) -> T {
        world::with(|world| {
            let now = world.now;
            match world.streams.get_mut(&self.number) {
                Some(stream) => does(stream, now),
                None => otherwise,
            }
        })
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        world::at_end(|world| {
            let now = world.now;
            let Ok(stream) = world.stream(self.number) else { return };
            stream.of_endpoint = false;
            if stream.vanished {
                return;
            }
            let end = if stream.to_endpoint.arrived > 0 { End::Reset } else { End::Closed };
            stream.to_relay.end(now, end);
        });
    }
}

impl ErrorType for Endpoint {
    type Error = ErrorKind;
}

impl ReadReady for Endpoint {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.is_readable())
    }
}

impl WriteReady for Endpoint {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.room() > 0)
    }
}

impl Read for Endpoint {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        world::with(|world: &mut World| {
            let now = world.now;
            let Ok(stream) = world.stream(self.number) else { return Err(ErrorKind::ConnectionReset) };
            let count = stream.to_endpoint.read(buffer);
            if count == 0 {
                assert!(stream.to_endpoint.ended().is_some(), "a read that would block for ever");
                let is_reset = stream.to_endpoint.ended() == Some(End::Reset);
                return if is_reset { Err(ErrorKind::ConnectionReset) } else { Ok(0) };
            }
            stream.note_waiting(now, true);
            if stream.no_space && stream.is_writable() {
                stream.no_space = false;
                let registered = stream.registered;
                world.note(registered, self.number);
            }
            Ok(count)
        })
    }
}

impl Write for Endpoint {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        world::with(|world: &mut World| {
            let (now, chance) = (world.now, world.random.next());
            let Ok(stream) = world.stream(self.number) else { return Err(ErrorKind::ConnectionReset) };
            if !stream.of_relay {
                return if stream.to_endpoint.ended() == Some(End::Reset) {
                    Err(ErrorKind::ConnectionReset)
                } else {
                    stream.to_endpoint.end(now, End::Reset);
                    Ok(bytes.len())
                };
            }
            let delay = stream.to_relay.delay + (chance >> 32) % (stream.jitter + 1);
            let count = stream.to_relay.write(now, bytes, delay);
            assert!(count > 0 || bytes.is_empty(), "a write that would block for ever");
            Ok(count)
        })
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
