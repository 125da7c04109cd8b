//! Two ends and the wires between them, on virtual time.

#![allow(dead_code, reason = "each test program uses a part")]

use std::collections::VecDeque;

use embedded_io::{Read, ReadReady, Write, WriteReady};
use peote_net::time::Instant;
use peote_net_serial::{SerialError, SerialLine};
use peote_net_testkit::random::Random;

/// What happens to bytes, in ten thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Noise {
    pub(crate) lost: usize,
    pub(crate) flipped: usize,
    pub(crate) added: usize,
}

/// One direction of a line: bytes arrive in order, after a delay.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    on_the_way: VecDeque<(u64, u8)>,
    pub(crate) noise: Noise,
    pub(crate) delay: u64,
    pub(crate) is_cut: bool,
    pub(crate) carried: usize,
}

impl Wire {
    pub(crate) fn push(&mut self, byte: u8, now: u64, random: &mut Random) {
        self.carried += 1;
        if self.is_cut || random.below(10_000) < self.noise.lost {
            return;
        }
        let flip = if random.below(10_000) < self.noise.flipped { 1 << random.below(8) } else { 0 };
        self.on_the_way.push_back((now + self.delay, byte ^ flip));
        if random.below(10_000) < self.noise.added {
            self.on_the_way.push_back((now + self.delay, any_byte(random)));
        }
    }

    pub(crate) fn pop(&mut self, now: u64) -> Option<u8> {
        if self.on_the_way.front()?.0 > now {
            return None;
        }
        self.on_the_way.pop_front().map(|(_, byte)| byte)
    }
}

/// Any byte.
pub(crate) fn any_byte(random: &mut Random) -> u8 {
    random.next().to_be_bytes()[0]
}

pub(crate) type End = SerialLine<256, 256>;

pub(crate) fn end(seed: u64) -> End {
    let mut end = End::new();
    end.set_seed(u16::try_from(seed & 0xffff).unwrap());
    end
}

/// A caller, an answerer, and the wires between them.
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) caller: End,
    pub(crate) answerer: End,
    pub(crate) up: Wire,
    pub(crate) down: Wire,
    pub(crate) random: Random,
    /// Bytes that each direction carries in a millisecond.
    pub(crate) speed: usize,
}

impl World {
    pub(crate) fn new(seed: u64, noise: Noise, delay: u64, speed: usize) -> Self {
        let wire = || Wire { noise, delay, ..Wire::default() };
        Self {
            now: 1_000,
            caller: end(seed),
            answerer: end(0x5a5a),
            up: wire(),
            down: wire(),
            random: Random::new(seed),
            speed,
        }
    }

    pub(crate) fn time(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// A millisecond.
    pub(crate) fn step(&mut self) {
        self.now += 1;
        let time = self.time();
        while let Some(byte) = self.up.pop(self.now) {
            self.answerer.receive(byte, time);
        }
        while let Some(byte) = self.down.pop(self.now) {
            self.caller.receive(byte, time);
        }
        for _ in 0..self.speed {
            if let Some(byte) = self.caller.transmit(time) {
                self.up.push(byte, self.now, &mut self.random);
            }
            if let Some(byte) = self.answerer.transmit(time) {
                self.down.push(byte, self.now, &mut self.random);
            }
        }
    }

    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, limit: u64, mut done: impl FnMut(&mut Self) -> bool) {
        let end = self.now + limit;
        while !done(self) {
            let ends = (&self.caller, &self.answerer);
            assert!(self.now < end, "not within {limit} ms: {what}: {ends:#?}");
            self.step();
        }
    }

    /// Opens a connection, in which the caller has said one byte.
    #[track_caller]
    pub(crate) fn open(&mut self) {
        self.caller.call();
        self.answerer.listen();
        let mut said = 0;
        self.until("open", 60_000, |world| {
            if world.caller.is_open() && said == 0 {
                said = write(&mut world.caller, &[7]);
            }
            said == 1 && world.answerer.is_open() && world.caller.is_delivered()
        });
        let mut first = Vec::new();
        read(&mut self.answerer, &mut first, 1);
        assert_eq!(first, [7]);
    }
}

/// Writes as much of `bytes` as there is room for.
pub(crate) fn write(end: &mut End, bytes: &[u8]) -> usize {
    if bytes.is_empty() || !end.write_ready().unwrap() {
        return 0;
    }
    end.write(bytes).unwrap_or(0)
}

/// Reads what there is. Returns the end or the error, if that is next.
pub(crate) fn read(end: &mut End, into: &mut Vec<u8>, at_most: usize) -> Option<Result<(), SerialError>> {
    let mut left = at_most;
    while left > 0 && end.read_ready().unwrap() {
        let mut buffer = [0; 33];
        let length = buffer.len().min(left);
        match end.read(&mut buffer[..length]) {
            Ok(0) => return Some(Ok(())),
            Ok(count) => {
                into.extend(&buffer[..count]);
                left -= count;
            }
            Err(error) => return Some(Err(error)),
        }
    }
    None
}
