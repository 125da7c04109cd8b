//! A link over a device of embedded-io-async without readiness: embassy's buffered UARTs.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use embedded_io::{ErrorKind, ErrorType, Read as _, ReadReady as _, Write as _, WriteReady as _};
use peote_net::link::{Channel, Event, Link, LinkBuffers, Mode};
use peote_net_buffered::{Buffered, Polled};
use peote_net_embassy::run;
use peote_net_testkit::memory::{self, MemoryTransport};

use crate::executor::{Clock, Task};

/// A UART whose interrupt wakes who has waited.
struct Uart {
    line: Rc<RefCell<MemoryTransport>>,
    wakers: Rc<RefCell<Vec<Waker>>>,
}

impl Uart {
    fn poll<T>(
        &self,
        context: &Context<'_>,
        is_ready: impl FnOnce(&mut MemoryTransport) -> bool,
        step: impl FnOnce(&mut MemoryTransport) -> T,
    ) -> Poll<T> {
        let mut line = self.line.borrow_mut();
        if is_ready(&mut line) {
            return Poll::Ready(step(&mut line));
        }
        self.wakers.borrow_mut().push(context.waker().clone());
        Poll::Pending
    }
}

impl ErrorType for Uart {
    type Error = ErrorKind;
}

impl embedded_io_async::Read for Uart {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|context| self.poll(context, |line| line.read_ready().unwrap(), |line| line.read(buffer)))
            .await
    }
}

impl embedded_io_async::Write for Uart {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|context| self.poll(context, |line| line.write_ready().unwrap(), |line| line.write(bytes)))
            .await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// The far end takes two bytes a millisecond, as at 19,200 baud; the task is woken by that only.
#[test]
fn what_waits_leaves_while_the_task_sleeps() {
    let clock = Clock::at(1000);
    let (near, mut far) = memory::pair(16);
    let wakers = Rc::new(RefCell::new(Vec::<Waker>::new()));
    let uart = Uart { line: Rc::new(RefCell::new(near)), wakers: Rc::clone(&wakers) };
    let opened = Cell::new(false);
    let mut task = Task::new(async {
        let mut line = Buffered::<_, 32, 256>::new(Polled::new(uart));
        let mut link = Link::<LinkBuffers<256, 1, 0, 512, 64>>::new();
        link.out().enter("a", Mode::chunks(256)).unwrap();
        let result = run(&mut link, &mut line, |event, out| match event {
            Event::Opened { channel: Channel::Entered(channel) } => {
                opened.set(true);
                out.send(channel, &[0xAA; 200])
            }
            other => other.ok(),
        })
        .await;
        panic!("{result:?}");
    });
    // the channel `a` is entered as number 0; the tag is that of a link with slots of 256 bytes
    // (PROTOCOL.md)
    far.write(&[0, 3, 248, 0, 0, 7]).unwrap();
    let mut received = Vec::new();
    for _ in 0..300 {
        for _ in 0..20 {
            if !task.poll() {
                break;
            }
        }
        assert!(!task.poll(), "the task wakes itself");
        if far.read_ready().unwrap() {
            let mut two = [0; 2];
            let count = far.read(&mut two).unwrap();
            received.extend_from_slice(&two[..count]);
            wakers.borrow_mut().drain(..).for_each(Waker::wake);
        }
        clock.advance(1);
    }
    assert!(opened.get());
    assert_eq!(received.iter().filter(|byte| **byte == 0xAA).count(), 200);
    let polls = task.polls;
    // the device says of every two bytes that it can take more
    assert!(polls <= 260, "{polls} polls for 110 interrupts");
    for _ in 0..10_000 {
        task.poll();
        clock.advance(1);
    }
    assert!(task.polls - polls <= 1, "{} polls in 10 s without a byte", task.polls - polls);
}
