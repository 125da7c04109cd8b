//! Tasks that are polled when they were woken, and counted.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use embassy_time::{Duration, MockDriver};

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A future that is polled only after it was woken.
pub(crate) struct Task<'a> {
    future: Pin<Box<dyn Future<Output = ()> + 'a>>,
    flag: Arc<Flag>,
    pub(crate) is_done: bool,
    /// How often it was polled.
    pub(crate) polls: u32,
}

impl<'a> Task<'a> {
    pub(crate) fn new(future: impl Future<Output = ()> + 'a) -> Self {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        Self { future: Box::pin(future), flag, is_done: false, polls: 0 }
    }

    /// Polls it if it was woken; answers whether it was.
    pub(crate) fn poll(&mut self) -> bool {
        if self.is_done || !self.flag.0.swap(false, Ordering::Relaxed) {
            return false;
        }
        self.polls += 1;
        let waker = Waker::from(Arc::clone(&self.flag));
        self.is_done = self.future.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Ready(());
        true
    }
}

/// Embassy's mock clock, which is one for the whole program: one test has it at a time.
pub(crate) struct Clock(#[expect(dead_code, reason = "held until the test ends")] MutexGuard<'static, ()>);

impl Clock {
    /// The clock, at this many milliseconds.
    pub(crate) fn at(millis: u64) -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        MockDriver::get().reset();
        MockDriver::get().advance(Duration::from_millis(millis));
        Self(guard)
    }

    pub(crate) fn advance(&self, millis: u64) {
        MockDriver::get().advance(Duration::from_millis(millis));
    }
}
