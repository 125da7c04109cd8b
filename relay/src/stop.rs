//! SIGINT and SIGTERM.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::{Registry, Token};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// Whether the relay was asked to stop.
#[derive(Debug)]
pub(crate) struct Stop {
    requested: Arc<AtomicBool>,
    pipe: pipe::Pipe,
}

impl Stop {
    /// Begins to listen to the signals. From now on the first one only asks, and the second one has its usual
    /// effect, which is the end of the program.
    ///
    /// # Errors
    /// The system's, should it refuse.
    pub(crate) fn install() -> io::Result<Self> {
        let requested = Arc::new(AtomicBool::new(false));
        for signal in SIGNALS {
            // In this order: the first signal must find the flag down.
            flag::register_conditional_default(signal, Arc::clone(&requested))?;
            flag::register(signal, Arc::clone(&requested))?;
        }
        // After the flags: who is woken by the pipe must find the flag up.
        Ok(Self { requested, pipe: pipe::Pipe::open()? })
    }

    /// Whether a signal has come.
    pub(crate) fn requested(&self) -> bool {
        self.requested.load(Ordering::Acquire)
    }

    /// Makes the signals wake whoever waits for the events of `registry`. Interrupting the wait is not enough: a signal
    /// that comes just before it would be noticed only when something else ends it.
    ///
    /// # Errors
    /// The system's, should it refuse.
    pub(crate) fn wake(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.pipe.wake(registry, token)
    }
}

pub(crate) use pipe::LONGEST_SLEEP;

#[cfg(unix)]
mod pipe {
    use std::fmt;
    use std::io;
    use std::time::Duration;

    use mio::{Interest, Registry, Token};
    use signal_hook_mio::v1_0::Signals;

    /// How long the relay may sleep before it looks whether it was asked to stop: without end, a signal wakes it.
    pub(crate) const LONGEST_SLEEP: Option<Duration> = None;

    /// The pipe that the signals write to. It is never read: what counts is the flag, and one wake-up is enough.
    pub(super) struct Pipe(Signals);

    impl Pipe {
        pub(super) fn open() -> io::Result<Self> {
            Ok(Self(Signals::new(super::SIGNALS)?))
        }

        pub(super) fn wake(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
            registry.register(&mut self.0, token, Interest::READABLE)
        }
    }

    impl fmt::Debug for Pipe {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Pipe")
        }
    }
}

/// Elsewhere signals come on a thread of their own, and have nothing that could be waited for together with sockets.
#[cfg(not(unix))]
mod pipe {
    use std::io;
    use std::time::Duration;

    use mio::{Registry, Token};

    /// How long the relay may sleep before it looks whether it was asked to stop.
    pub(crate) const LONGEST_SLEEP: Option<Duration> = Some(Duration::from_millis(200));

    #[derive(Debug)]
    pub(super) struct Pipe;

    impl Pipe {
        #[expect(clippy::unnecessary_wraps, reason = "on other systems it can fail")]
        pub(super) fn open() -> io::Result<Self> {
            Ok(Self)
        }

        #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "on other systems it can fail")]
        pub(super) fn wake(&mut self, _: &Registry, _: Token) -> io::Result<()> {
            Ok(())
        }
    }
}
