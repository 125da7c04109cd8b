//! Uses all of a link on a target without an operating system, an allocator or `std`. Linking it is
//! the test: the image must not contain any way into a panic, and the link's memory must be in
//! `.bss`. It is never run.

#![no_std]
#![no_main]

use core::hint::black_box;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use peote_net::link::{Destination, Event, Flow, Link, LinkBuffers, Mode, SendError, Source};
use peote_net::rpc::{self, Context, Message, Offers, remote};
use peote_net::time::Instant;
use peote_net::value::{Encode, List, Map};
use static_cell::ConstStaticCell;

static LINK: ConstStaticCell<Link<LinkBuffers<512, 8, 2, 1024, 256>>> = ConstStaticCell::new(Link::new());

/// A remote object with arguments of every kind.
#[remote]
trait Board {
    fn draw(&mut self, x: i16, y: i16, colour: u8);
    fn say(&mut self, context: &mut Context<'_>, text: &str, to: &[u8]) -> Result<(), SendError>;
    fn lists(&mut self, numbers: List<'_, i32>, names: Map<'_, &str, List<'_, f64>>);
    fn owned(
        &mut self,
        names: heapless::Vec<heapless::String<8>, 4>,
        map: heapless::LinearMap<u8, [i16; 3], 4>,
    );
}

struct Display {
    pixels: u32,
}

impl Board for Display {
    fn draw(&mut self, x: i16, y: i16, colour: u8) {
        black_box((x, y, colour));
        self.pixels = self.pixels.wrapping_add(1);
    }
    fn say(&mut self, context: &mut Context<'_>, text: &str, to: &[u8]) -> Result<(), SendError> {
        let caller = rpc::Remote::assume(context.from(), 0);
        BoardCaller::new(caller).say(context.out(), text, to)
    }
    fn lists(&mut self, numbers: List<'_, i32>, names: Map<'_, &str, List<'_, f64>>) {
        black_box(numbers.iter().fold(0, i32::wrapping_add));
        for (name, list) in names {
            black_box((name, list.iter().fold(0.0, |sum, number| sum + number)));
        }
    }
    fn owned(
        &mut self,
        names: heapless::Vec<heapless::String<8>, 4>,
        map: heapless::LinearMap<u8, [i16; 3], 4>,
    ) {
        black_box((names.len(), map.len(), names.encoded_len().is_ok()));
    }
}

/// A transport whose doings the compiler knows nothing about.
struct Unknown;

impl ErrorType for Unknown {
    type Error = ErrorKind;
}
impl ReadReady for Unknown {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        black_box(Ok(true))
    }
}
impl WriteReady for Unknown {
    fn write_ready(&mut self) -> Result<bool, ErrorKind> {
        black_box(Ok(true))
    }
}
impl Read for Unknown {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        black_box(buf);
        black_box(Ok(1))
    }
}
impl Write for Unknown {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        black_box(buf);
        black_box(Ok(1))
    }
    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let Some(link) = LINK.try_take() else { loop {} };
    let transport = &mut Unknown;
    let mode = black_box(Mode::chunks(512));
    let mut offers = Offers::<8, 2>::new();
    let mut display = Display { pixels: 0 };
    let mut own = link.out().create(black_box("readings"), mode).ok();
    let mut entered = link.out().enter(black_box("orders"), mode).ok();
    loop {
        let now = Instant::from_millis(black_box(0));
        let polled = link.poll(transport, now, |event, out| {
            black_box(&event);
            offers.follow(&event);
            match event {
                Event::UserEntered { channel, user } => rpc::offer(out, (channel, user), 0),
                Event::Rpc { from, bytes } => match Message::read(from, bytes) {
                    Message::Call(call) => match call.object() {
                        0 => display.dispatch(&call, out).or_else(rpc::Error::pass_over).map(drop),
                        _ => Ok(()),
                    },
                    Message::Offer(remote) => {
                        black_box(offers.add(remote).is_ok());
                        let caller = BoardCaller::new(remote);
                        caller.draw(out, black_box(1), black_box(2), black_box(3))?;
                        caller.lists(out, black_box(&[1, 2]).into(), Map::default())
                    }
                },
                Event::Chunk { from, bytes } => out.send(from, bytes),
                Event::Data { from: Source::User { channel, user }, bytes } => {
                    out.send_parts(Destination::AllBut(channel, user), &[bytes, black_box(b"!")])
                }
                _ => Ok(()),
            }
        });
        black_box(polled.is_ok());
        while let Ok(Some((event, mut out))) = link.next_event(transport, now) {
            if black_box(event) == black_box(event) {
                out.again();
            }
        }
        let mut out = link.out();
        if let Some(channel) = own {
            black_box(out.send(Destination::All(channel), black_box(&[0; 9])).is_ok());
            black_box(out.begin_chunk(Destination::All(channel), black_box(300)).is_ok());
            black_box(out.write_chunk(black_box(&[0; 100])).is_ok());
            black_box(out.users(channel).count());
            if out.delete(channel).is_ok() {
                own = None;
            }
        }
        if let Some(channel) = entered {
            black_box(out.can_send(channel, black_box(3)));
            if out.leave(channel).is_ok() {
                entered = None;
            }
        }
        black_box((Flow::Again, link.next_deadline(), link.wants_read(), link.wants_write()));
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
