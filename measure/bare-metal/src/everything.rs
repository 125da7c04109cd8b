//! The rest of the library on a target without an operating system: local users, offline,
//! reconnecting, a relay. See `main.rs`.

#![no_std]
#![no_main]

use core::hint::black_box;

use peote_net::link::{Event, Link, LinkBuffers, LocalBuffers, Mode, SimulatedLine};
use peote_net::offline::Offline;
use peote_net::reconnect::{Backoff, Reconnect};
use peote_net::relay::{ConnectionId, Decision, Host, Note, Relay, Request, StaticStorage};
use peote_net::time::{Duration, Instant};
use peote_net::users::Users;
use static_cell::ConstStaticCell;

type Memory = LinkBuffers<512, 8, 2, 1024, 256>;
static LINK: ConstStaticCell<Link<LocalBuffers<Memory, 2, 3, 1024>>> =
    ConstStaticCell::new(Link::with_local_users());

// The documented sizes: of buffers without the feature `speed`, and of a link on a 32-bit target.
const _: () = assert!(Memory::SIZE == 8 * (512 + 32) + 2 * 16 + 1024 + 256);
const _: () = assert!(size_of::<Link<Memory>>() == Memory::SIZE + 184);
static RELAY: ConstStaticCell<Relay<StaticStorage<8, 8, 32, 20>>> =
    ConstStaticCell::new(Relay::new(StaticStorage::new()));

/// A host whose doings the compiler knows nothing about.
struct Unknown;

impl Host for Unknown {
    fn free(&self, connection: ConnectionId) -> usize {
        black_box(connection);
        black_box(100)
    }
    fn push(&mut self, connection: ConnectionId, header: &[u8], payload: &[u8]) {
        black_box((connection, header, payload));
    }
    fn now(&self) -> Instant {
        Instant::from_millis(black_box(0))
    }
    fn allow(&mut self, connection: ConnectionId, request: &Request<'_>) -> Decision {
        black_box((connection, request));
        black_box(Decision::Yes)
    }
    fn notify(&mut self, note: &Note<'_>) {
        black_box(note);
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let (Some(link), Some(relay)) = (LINK.try_take(), RELAY.try_take()) else { loop {} };
    let mut offline = Offline::new();
    let mut channels = Reconnect::<&str, 3>::new(Backoff::new().with_seed(black_box(7)));
    let mode = black_box(Mode::chunks(512));
    let echo = channels.create(&mut link.out(), "echo", mode).ok();
    black_box(channels.enter(&mut link.out(), black_box("echo"), black_box(Mode::Data)).is_ok());
    let mut users = Users::<u32, 8>::new();
    let mut connection = relay.connect().ok();
    loop {
        let now = Instant::from_millis(black_box(0));
        if channels.start_attempt(now) {
            if black_box(true) { channels.connected() } else { channels.failed(now) }
        }
        while let Some(notice) = channels.restore(&mut link.out(), now) {
            black_box(notice);
        }
        if let Some(own) = echo {
            let line = SimulatedLine::new().round_trip(Duration::from_millis(black_box(80)));
            black_box(link.out().simulate(own, line.bytes_per_second(black_box(1000))).is_ok());
        }
        let polled = link.poll(&mut offline, now, |event, out| {
            let Some(event) = channels.follow(event, now) else { return Ok(()) };
            users.follow(&event, |_, _, data| _ = black_box(data));
            match event {
                Event::Chunk { from, bytes } | Event::Data { from, bytes } => out.send(from, bytes),
                _ => Ok(()),
            }
        });
        if black_box(polled.is_err()) {
            channels.failed(now);
        }
        black_box((
            channels.status(),
            link.is_connected(),
            link.next_deadline(),
            channels.next_deadline(),
        ));
        if let Some(from) = connection {
            let _ = black_box(relay.receive(from, black_box(b"abc"), &mut Unknown));
            if black_box(true) {
                relay.disconnect(from, &mut Unknown);
                connection = relay.connect().ok();
            }
        }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
