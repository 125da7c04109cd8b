//! lm3s6965evb without its network: a client over the UART. The command line says what it does:
//!
//! - `exercise=N`: sends N chunks to the channel `echo`, checks that each comes back, and ends with
//!   code 0;
//! - `half`: enters the channel, sends half of a unit and no more, as a board that is about to be
//!   reset.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use embedded_io::Write as _;
use firmware_support::host;
use lm3s6965evb::Board;
use peote_net::link::{Channel, EnteredChannel, Event, Link, Mode, SendError, link_buffers};
use peote_net_serial::SerialLine;
use static_cell::ConstStaticCell;

type Memory = link_buffers!(chunk: 64, parties: 1, own_channels: 0, transmit: 320, receive: 64);
type Line = SerialLine<256, 256>;

static LINK: ConstStaticCell<Link<Memory>> = ConstStaticCell::new(Link::new());
static LINE: ConstStaticCell<Line> = ConstStaticCell::new(Line::new());

const MODE: Mode = Mode::chunks(64);

/// The chunks, one after the other: chunk `n` has `1 + n % 64` bytes.
#[derive(Default)]
struct Exercise {
    total: u8,
    sent: bool,
    right: u8,
}

impl Exercise {
    fn chunk(n: u8, buffer: &mut [u8; 64]) -> &[u8] {
        for (place, k) in buffer.iter_mut().zip(0_u8..) {
            *place = n.wrapping_mul(31).wrapping_add(k.wrapping_mul(7));
        }
        buffer.get(..=usize::from(n % 64)).unwrap_or_default()
    }

    fn check(&mut self, bytes: &[u8]) {
        if Self::chunk(self.right, &mut [0; 64]) != bytes {
            host::refuse(format_args!("chunk {} came back wrong: {bytes:?}", self.right));
        }
        self.right += 1;
        self.sent = false;
    }
}

#[entry]
fn main() -> ! {
    let command_line = host::CommandLine::read();
    let mut exercise = Exercise::default();
    let mut is_half = false;
    for argument in command_line.arguments() {
        match argument.strip_prefix("exercise=").and_then(|total| total.parse().ok()) {
            Some(total) => exercise.total = total,
            None if argument == "half" => is_half = true,
            None => host::refuse(format_args!("command line: {argument} is neither exercise=N nor half")),
        }
    }
    let Some(mut board) = Board::take() else { unreachable!("main is called once") };
    let (link, line) = (LINK.take(), LINE.take());
    let [seed, ..] = host::seed().to_le_bytes();
    line.set_seed(seed.into());
    line.call();
    let mut channel: Option<EnteredChannel> = None;
    let mut is_asked = false;
    loop {
        let now = board.clock.now();
        let Ok(()) = line.poll(&mut board.uart, now);
        let polled = link.poll(line, now, |event, _| {
            match event {
                Event::Opened { channel: Channel::Entered(opened) } => channel = Some(opened),
                Event::Refused { .. } | Event::Closed { .. } => (channel, is_asked) = (None, false),
                Event::Chunk { bytes, .. } => exercise.check(bytes),
                _ => {}
            }
            Ok::<(), SendError>(())
        });
        if polled.is_err() {
            (channel, is_asked, exercise.sent) = (None, false, false);
            line.call();
        }
        if line.is_open() && !is_asked {
            is_asked = link.out().enter("echo", MODE).is_ok();
            continue; // the next poll writes it
        }
        match channel {
            // once everything before it has gone: size 66, channel 0, a chunk of 64 bytes, and four
            // of those
            Some(_) if is_half && !exercise.sent => {
                exercise.sent = line.is_delivered() && line.write(b"\x42\x00\x3fhalf").is_ok();
            }
            Some(_) if !is_half && exercise.right == exercise.total => host::exit(0),
            Some(channel) if !is_half && !exercise.sent => {
                exercise.sent =
                    link.out().send(channel, Exercise::chunk(exercise.right, &mut [0; 64])).is_ok();
                continue;
            }
            _ => {}
        }
        let Ok(()) = line.send(&mut board.uart, now);
        let deadlines = link.next_deadline().into_iter().chain(line.next_deadline(now));
        board.clock.sleep(deadlines.min(), &mut board.uart);
    }
}
