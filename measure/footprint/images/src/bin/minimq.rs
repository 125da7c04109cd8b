//! The job of the image `client`, done with MQTT: every message of one topic is published in
//! another one.
#![no_std]
#![no_main]

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use cortex_m::interrupt::{self, Mutex};
use cortex_m_rt::entry;
use embassy_time_driver::Driver;
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use footprint_images::network::Network;
use footprint_images::report;
use minimq::{Buffers, ConfigBuilder, Error, Publication, Session, TopicFilter};
use peote_net::time::Instant;
use static_cell::ConstStaticCell;

/// Bytes of each of the two packet buffers.
const BUFFER: usize = 512;

static RECEIVE: ConstStaticCell<[u8; BUFFER]> = ConstStaticCell::new([0; BUFFER]);
static TRANSMIT: ConstStaticCell<[u8; BUFFER]> = ConstStaticCell::new([0; BUFFER]);

#[entry]
fn main() -> ! {
    let network = RefCell::new(Network::start());
    let mut work = pin!(work(Socket(&network)));
    loop {
        network.borrow_mut().poll();
        TIME.deadline.set(None);
        if work.as_mut().poll_once().is_ready() {
            report::end(2 * BUFFER);
        }
        let mut network = network.borrow_mut();
        network.poll();
        network.sleep(TIME.deadline.get());
    }
}

async fn work(socket: Socket<'_>) {
    let buffers = Buffers::new(RECEIVE.take(), TRANSMIT.take());
    let Ok(config) = ConfigBuilder::new(buffers).client_id("board") else {
        report::failed(c"the client's name")
    };
    let mut session = Session::new(config);
    let Ok(mut connection) = session.connect(socket).await else {
        report::failed(c"the broker does not answer")
    };
    if connection.subscribe(&[TopicFilter::new("work/to")], &[]).await.is_err() {
        report::failed(c"the topic cannot be subscribed to");
    }
    // a message borrows the connection, so it has to be kept elsewhere to be published
    let mut copy = [0; 256];
    loop {
        let count = match connection.recv().await {
            Ok(message) => {
                let payload = message.payload();
                let Some(place) = copy.get_mut(..payload.len()) else {
                    report::failed(c"too long a message")
                };
                place.copy_from_slice(payload);
                payload.len()
            }
            Err(Error::Disconnected) => return,
            Err(_) => report::failed(c"the connection is lost"),
        };
        if connection.publish(Publication::bytes("work/from", &copy[..count])).await.is_err() {
            report::failed(c"a message cannot be published");
        }
    }
}

/// Polls a future without waking: the loop looks at it after every frame and every deadline.
trait PollOnce: Future {
    fn poll_once(self: core::pin::Pin<&mut Self>) -> Poll<Self::Output> {
        self.poll(&mut Context::from_waker(Waker::noop()))
    }
}

impl<F: Future> PollOnce for F {}

/// The network's socket with the asynchronous traits.
struct Socket<'a>(&'a RefCell<Network>);

impl ErrorType for Socket<'_> {
    type Error = ErrorKind;
}

impl Read for Socket<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|_| {
            let mut network = self.0.borrow_mut();
            if network.is_over() {
                return Poll::Ready(Ok(0));
            }
            let socket = network.socket();
            if !socket.can_recv() {
                return Poll::Pending;
            }
            Poll::Ready(socket.recv_slice(buffer).map_err(|_| ErrorKind::ConnectionReset))
        })
        .await
    }
}

impl Write for Socket<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|_| {
            let mut network = self.0.borrow_mut();
            if network.is_over() {
                return Poll::Ready(Err(ErrorKind::ConnectionReset));
            }
            let socket = network.socket();
            if !socket.can_send() {
                return Poll::Pending;
            }
            Poll::Ready(socket.send_slice(bytes).map_err(|_| ErrorKind::ConnectionReset))
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// The board's clock for embassy-time.
struct Time {
    deadline: Deadline,
}

/// The earliest time at which somebody wants to be woken.
struct Deadline(Mutex<Cell<Option<Instant>>>);

impl Deadline {
    fn get(&self) -> Option<Instant> {
        interrupt::free(|section| self.0.borrow(section).get())
    }
    fn set(&self, deadline: Option<Instant>) {
        interrupt::free(|section| self.0.borrow(section).set(deadline));
    }
}

impl Driver for Time {
    fn now(&self) -> u64 {
        firmware_support::clock::now().as_millis()
    }

    fn schedule_wake(&self, at: u64, _: &Waker) {
        let at = Instant::from_millis(at);
        self.deadline.set(Some(self.deadline.get().map_or(at, |other| other.min(at))));
    }
}

embassy_time_driver::time_driver_impl!(static TIME: Time = Time { deadline: Deadline(Mutex::new(Cell::new(None))) });
