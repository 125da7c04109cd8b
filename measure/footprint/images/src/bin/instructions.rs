//! How many instructions a chunk of 64 bytes takes: QEMU counts them as nanoseconds
//! (`-icount shift=0`), and the board's timer counts those.
//!
//! The transport is memory: reading and writing are one copy each, and are counted.
#![no_std]
#![no_main]

use core::convert::Infallible;
use core::hint::black_box;

use cortex_m_rt::entry;
use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use firmware_support as _;
use footprint_images::report;
use footprint_images::timer::Timer;
use peote_net::link::{Channel, EnteredChannel, Event, Link, LinkBuffers, Mode};
use peote_net::protocol::to_endpoint;
use peote_net::time::Instant;
use static_cell::ConstStaticCell;

/// Repetitions of what is measured.
const REPETITIONS: usize = 1000;
/// Chunks that come or go together.
const BURST: usize = 7;
/// Bytes of a chunk.
const CHUNK: usize = 64;
/// The same on the wire: the unit's size, the channel, the chunk's length.
const UNIT: usize = CHUNK + 3;
/// Steps of a loop of two instructions, to see what the timer counts.
const KNOWN: u32 = 400_000;

const MODE: Mode = Mode::chunks(CHUNK as u32);

type Buffers = LinkBuffers<CHUNK, 1, 0, 512, 512>;

static LINK: ConstStaticCell<Link<Buffers>> = ConstStaticCell::new(Link::new());

/// Gives the same bytes each time it is filled, and swallows what is written.
struct Memory {
    input: [u8; BURST * UNIT],
    start: usize,
    end: usize,
    output: [u8; 512],
}

impl Memory {
    /// So many bytes can be read.
    fn fill(&mut self, count: usize) {
        (self.start, self.end) = (0, count);
    }
}

impl ErrorType for Memory {
    type Error = Infallible;
}

impl ReadReady for Memory {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.start < self.end)
    }
}

impl WriteReady for Memory {
    fn write_ready(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let input = self.input.get(self.start..self.end).unwrap_or_default();
        let count = input.len().min(buffer.len());
        for (place, bytes) in buffer.get_mut(..count).into_iter().zip(input.get(..count)) {
            place.copy_from_slice(bytes);
        }
        self.start += count;
        Ok(count)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let count = bytes.len().min(self.output.len());
        for (place, bytes) in self.output.get_mut(..count).into_iter().zip(bytes.get(..count)) {
            place.copy_from_slice(bytes);
        }
        black_box(&mut self.output);
        Ok(count)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

fn enter(link: &mut Link<Buffers>, memory: &mut Memory) -> EnteredChannel {
    let Ok(channel) = link.out().enter("work", MODE) else {
        report::failed(c"the channel cannot be entered")
    };
    let answer = to_endpoint::success(1, 0);
    memory.input[..answer.len()].copy_from_slice(&answer);
    memory.fill(answer.len());
    let mut entered = false;
    while memory.start < memory.end {
        let polled = link.poll(memory, Instant::ZERO, |event, _| {
            entered |= matches!(event, Event::Opened { channel: Channel::Entered(_) })
        });
        if polled.is_err() {
            report::failed(c"the link does not like the answer");
        }
    }
    if !entered {
        report::failed(c"the channel is not entered");
    }
    channel
}

/// Polls once; says how many chunks have come.
fn poll(link: &mut Link<Buffers>, memory: &mut Memory) -> usize {
    let mut chunks = 0;
    let polled = link.poll(memory, Instant::ZERO, |event, _| {
        if let Event::Chunk { bytes, .. } = event {
            black_box(bytes);
            chunks += 1;
        }
    });
    black_box(polled.is_ok());
    chunks
}

fn send(link: &mut Link<Buffers>, channel: EnteredChannel, chunk: &[u8; CHUNK]) {
    if link.out().send(channel, chunk).is_err() {
        report::failed(c"there is no room for a chunk");
    }
}

#[entry]
fn main() -> ! {
    let Some(core) = cortex_m::Peripherals::take() else { report::failed(c"main was called twice") };
    let timer = Timer::start(core.SYST);
    let mut memory = Memory { input: [0; BURST * UNIT], start: 0, end: 0, output: [0; 512] };
    let memory = black_box(&mut memory);
    let link = LINK.take();
    let channel = enter(link, memory);
    let unit = memory.input.chunks_exact_mut(UNIT);
    for unit in unit {
        let header = to_endpoint::data_for_user(0, CHUNK + 1);
        let (head, rest) = unit.split_at_mut(header.as_bytes().len());
        head.copy_from_slice(header.as_bytes());
        rest.fill(0x2a);
        // a length is coded as one less
        rest[0] = CHUNK as u8 - 1;
    }

    report::number(c"known ", timer.ticks(|| cortex_m::asm::delay(KNOWN - 1)));
    report::number(
        c"idle ",
        timer.ticks(|| {
            for _ in 0..REPETITIONS {
                poll(link, memory);
            }
        }),
    );
    for (name, burst) in [(c"received-1 ", 1), (c"received-7 ", BURST)] {
        let mut chunks = 0;
        let ticks = timer.ticks(|| {
            for _ in 0..REPETITIONS {
                memory.fill(burst * UNIT);
                chunks += poll(link, memory);
            }
        });
        if chunks != REPETITIONS * burst {
            report::failed(c"chunks were lost");
        }
        report::number(name, ticks);
    }
    let chunk = black_box(&[0x2a; CHUNK]);
    for (name, burst) in [(c"sent-1 ", 1), (c"sent-7 ", BURST)] {
        let ticks = timer.ticks(|| {
            for _ in 0..REPETITIONS {
                for _ in 0..burst {
                    send(link, channel, chunk);
                }
                poll(link, memory);
            }
        });
        if link.wants_write() {
            report::failed(c"not everything was written");
        }
        report::number(name, ticks);
    }
    report::end(Buffers::SIZE);
}
