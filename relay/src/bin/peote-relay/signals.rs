//! SIGINT, SIGTERM, SIGHUP and SIGUSR1.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::{Registry, Token};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Those that stop the relay.
const STOPPING: [i32; 2] = [SIGINT, SIGTERM];

/// What the relay was asked for.
#[derive(Debug)]
pub(crate) struct Signals {
    stop: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
    drain: Arc<AtomicBool>,
    pipe: pipe::Pipe,
}

impl Signals {
    /// Begins to listen to the signals. From now on the first one of SIGINT and SIGTERM only asks,
    /// and the second one has its usual effect, which is the end of the program.
    ///
    /// # Errors
    /// The system's, should it refuse.
    pub(crate) fn install() -> io::Result<Self> {
        let [stop, reload, drain] = <[Arc<AtomicBool>; 3]>::default();
        for signal in STOPPING {
            // In this order: the first signal must find the flag down.
            flag::register_conditional_default(signal, Arc::clone(&stop))?;
            flag::register(signal, Arc::clone(&stop))?;
        }
        pipe::register(&reload, &drain)?;
        // After the flags: who is woken by the pipe must find the flag up.
        Ok(Self { stop, reload, drain, pipe: pipe::Pipe::open()? })
    }

    /// Whether a signal to stop has come.
    pub(crate) fn is_to_stop(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Whether a signal to read the configuration again has come since this was last asked.
    pub(crate) fn is_to_reload(&mut self) -> bool {
        Self::has_come(&self.reload, &mut self.pipe)
    }

    /// Whether a signal to drain the relay has come since this was last asked.
    pub(crate) fn is_to_drain(&mut self) -> bool {
        Self::has_come(&self.drain, &mut self.pipe)
    }

    fn has_come(flag: &AtomicBool, pipe: &mut pipe::Pipe) -> bool {
        if !flag.load(Ordering::Acquire) {
            return false;
        }
        // In this order: a signal that comes in between wakes once more than necessary, but is not
        // missed.
        pipe.empty();
        flag.swap(false, Ordering::AcqRel)
    }

    /// Makes the signals wake whoever waits for the events of `registry`. Interrupting the wait is
    /// not enough: a signal that comes just before it would be noticed only when something else
    /// ends it.
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
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use mio::{Interest, Registry, Token};
    use signal_hook::consts::{SIGHUP, SIGUSR1};
    use signal_hook::flag;
    use signal_hook_mio::v1_0::Signals;

    /// How long the relay may sleep before it looks what it was asked for: without end, a signal
    /// wakes it.
    pub(crate) const LONGEST_SLEEP: Option<Duration> = None;

    /// The pipe that the signals write to. What counts are the flags.
    pub(super) struct Pipe(Signals);

    impl Pipe {
        pub(super) fn open() -> io::Result<Self> {
            Ok(Self(Signals::new(super::STOPPING.into_iter().chain([SIGHUP, SIGUSR1]))?))
        }

        pub(super) fn wake(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
            registry.register(&mut self.0, token, Interest::READABLE)
        }

        /// Reads what the signals have written, so that the next one is an event again.
        pub(super) fn empty(&mut self) {
            self.0.pending().for_each(drop);
        }
    }

    impl fmt::Debug for Pipe {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Pipe")
        }
    }

    pub(super) fn register(reload: &Arc<AtomicBool>, drain: &Arc<AtomicBool>) -> io::Result<()> {
        flag::register(SIGHUP, Arc::clone(reload))?;
        flag::register(SIGUSR1, Arc::clone(drain)).map(drop)
    }
}

/// Elsewhere signals come on a thread of their own, and have nothing that could be waited for
/// together with sockets. There is none that asks for the configuration to be read again.
#[cfg(not(unix))]
mod pipe {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
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

        #[expect(clippy::unused_self, reason = "on other systems there is something to read")]
        pub(super) fn empty(&mut self) {}
    }

    #[expect(clippy::unnecessary_wraps, reason = "on other systems it can fail")]
    pub(super) fn register(_: &Arc<AtomicBool>, _: &Arc<AtomicBool>) -> io::Result<()> {
        Ok(())
    }
}
