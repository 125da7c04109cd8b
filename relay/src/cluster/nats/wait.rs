//! What a relay waits for beside NATS: the events of its sockets.

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// The relay's poll, seen as a file descriptor: it is readable when there are events.
    #[derive(Debug)]
    pub(crate) struct Others {
        poll: AsyncFd<OwnedFd>,
        /// There may be more events than were asked for.
        is_ready: bool,
    }

    impl Others {
        /// Has to be called inside a runtime.
        ///
        /// # Errors
        /// The system has no file descriptor left, or cannot wait for that one.
        #[expect(
            deprecated,
            reason = "what is in its place is unsafe for descriptors that are not owned; this one is"
        )]
        pub(crate) fn new(poll: &impl AsFd) -> io::Result<Self> {
            let poll = poll.as_fd().try_clone_to_owned()?;
            Ok(Self { poll: AsyncFd::with_interest(poll, Interest::READABLE)?, is_ready: true })
        }

        pub(crate) fn are_ready(&self) -> bool {
            self.is_ready
        }

        /// Waits for events.
        pub(crate) async fn ready(&mut self) {
            match self.poll.readable().await {
                // from here on it is told of further ones
                Ok(mut guard) => guard.clear_ready(),
                // the runtime has ended, which it does not while something waits in it
                Err(_) => std::future::pending().await,
            }
            self.is_ready = true;
        }

        /// The poll was asked for events, and all that there were have been taken, or not.
        pub(crate) fn asked(&mut self, is_all: bool) {
            self.is_ready = !is_all;
        }
    }
}

#[cfg(unix)]
pub(crate) use unix::Others;

/// On other systems nothing waits for a poll and for tokio together. There events are asked for
/// every millisecond.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Others;

#[cfg(not(unix))]
impl Others {
    pub(crate) fn new<T>(_: &T) -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn are_ready(&self) -> bool {
        false
    }

    pub(crate) async fn ready(&mut self) {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }

    pub(crate) fn asked(&mut self, _: bool) {}
}
