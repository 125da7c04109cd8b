//! How many instructions the longest poll of a link takes: 64 parties, a receive scratch of 512
//! bytes that is full of the shortest units there are, kind by kind. QEMU counts them as
//! nanoseconds (`-icount shift=0`), and the board's timer counts those.
//!
//! The handler does nothing, and the transport is memory: what a program and its network take comes
//! on top.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use firmware_support as _;
use footprint_images::report;
use footprint_images::timer::Timer;
use peote_net::link::{Event, Link, LinkBuffers, Mode};
use peote_net::protocol::to_endpoint;
use peote_net::time::Instant;
use static_cell::ConstStaticCell;

const RECEIVE: usize = 512;
const PARTIES: u8 = 64;
/// Steps of a loop of two instructions, to see what the timer counts.
const KNOWN: u32 = 400_000;

type Buffers = LinkBuffers<16, { PARTIES as usize }, 2, 512, RECEIVE>;

static LINK: ConstStaticCell<Link<Buffers>> = ConstStaticCell::new(Link::new());

/// Gives what it was filled with, once, and swallows what is written.
struct Memory {
    input: [u8; RECEIVE],
    len: usize,
    /// Reading fails.
    broken: bool,
}

impl ErrorType for Memory {
    type Error = ErrorKind;
}

impl ReadReady for Memory {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        if self.broken { Err(ErrorKind::ConnectionReset) } else { Ok(self.len > 0) }
    }
}

impl WriteReady for Memory {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(true)
    }
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let input = self.input.get(..self.len).unwrap_or_default();
        let count = input.len().min(buffer.len());
        if let (Some(place), Some(bytes)) = (buffer.get_mut(..count), input.get(..count)) {
            place.copy_from_slice(bytes);
        }
        self.len = 0;
        Ok(count)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        Ok(black_box(bytes).len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Memory {
    /// Fills it with as many units as there is room for. `unit` is given the number of each.
    fn fill<const N: usize>(&mut self, mut unit: impl FnMut(u8) -> [u8; N]) {
        self.len = 0;
        let mut number = 0u8;
        for place in self.input.chunks_exact_mut(N) {
            place.copy_from_slice(&unit(number));
            number = number.wrapping_add(1);
            self.len += N;
        }
    }
}

/// Polls once; returns how many events there were.
fn poll(link: &mut Link<Buffers>, memory: &mut Memory) -> usize {
    let mut events = 0;
    let polled = link.poll(memory, Instant::ZERO, |event: Event<'_>, _| {
        black_box(&event);
        events += 1;
    });
    black_box(polled.is_ok());
    events
}

/// Reports what one poll takes, and the events that it has brought.
fn measure(
    timer: &Timer,
    link: &mut Link<Buffers>,
    memory: &mut Memory,
    name: &core::ffi::CStr,
    expected: usize,
) {
    let mut events = 0;
    let ticks = timer.ticks(|| events = poll(link, memory));
    if events != expected {
        report::number(c"events ", events);
        report::failed(name);
    }
    report::number(name, ticks);
}

/// Opens two own channels: 0 for chunks, 1 for data.
fn open(link: &mut Link<Buffers>, memory: &mut Memory) {
    let created = [link.out().create("chunks", Mode::chunks(16)), link.out().create("data", Mode::Data)];
    if created.iter().any(Result::is_err) {
        report::failed(c"the channels cannot be created");
    }
    memory.input[..5].copy_from_slice(&to_endpoint::success(1, 0));
    memory.input[5..10].copy_from_slice(&to_endpoint::success(2, 1));
    memory.len = 10;
    if poll(link, memory) != 2 {
        report::failed(c"the channels are not open");
    }
}

#[entry]
fn main() -> ! {
    let Some(core) = cortex_m::Peripherals::take() else { report::failed(c"main was called twice") };
    let timer = Timer::start(core.SYST);
    let mut memory = Memory { input: [0; RECEIVE], len: 0, broken: false };
    let memory = black_box(&mut memory);
    let link = LINK.take();
    open(link, memory);
    report::number(c"known ", timer.ticks(|| cortex_m::asm::delay(KNOWN - 1)));

    // 85 users enter; there are slots for 64, and the others are told as ignored
    memory.fill(|user| to_endpoint::user_entered(0, user));
    measure(&timer, link, memory, c"entered ", RECEIVE / 6);
    // chunks of 1 byte of users found one after the other
    memory.fill(|number| [4, 128, number % PARTIES, 0, 0x2a]);
    measure(&timer, link, memory, c"chunks ", RECEIVE / 5);
    // data of a user that is not there, in units without and with a byte
    memory.fill(|_| [2, 128, 255]);
    measure(&timer, link, memory, c"strangers ", 0);
    memory.fill(|_| [1, 127]);
    measure(&timer, link, memory, c"empty ", 0);
    // answers and events without a meaning
    memory.fill(|_| [0, 0]);
    measure(&timer, link, memory, c"nonsense ", 0);
    memory.fill(|_| [0, 4, 0, 255, 0, 0]);
    measure(&timer, link, memory, c"keepalives ", 0);
    // the 64 users are gone; 9 more notices are about nobody
    memory.fill(|user| to_endpoint::user_gone(0, user, 0));
    measure(&timer, link, memory, c"gone ", PARTIES.into());
    // the same with raw data
    memory.fill(|user| to_endpoint::user_entered(1, user));
    if poll(link, memory) != RECEIVE / 6 {
        report::failed(c"the users of the second channel are not there");
    }
    memory.fill(|number| [3, 129, number % PARTIES, 0x2a]);
    measure(&timer, link, memory, c"data ", RECEIVE / 4);
    // the connection is lost: the link, its 2 channels
    memory.broken = true;
    measure(&timer, link, memory, c"lost ", 3);
    report::end(Buffers::SIZE);
}
