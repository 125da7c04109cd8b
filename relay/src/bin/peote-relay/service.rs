//! What a service manager is told, where there is one (`sd_notify(3)`; `Type=notify` and
//! `Type=notify-reload` of systemd).

pub(crate) use system::Service;

#[cfg(target_os = "linux")]
mod system {
    use std::env;
    use std::ffi::{OsStr, OsString};
    use std::io;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::process;
    use std::time::{Duration, Instant};

    use rustix::time::{ClockId, clock_gettime};

    /// The longest that a service manager may take to take something.
    const PATIENCE: Duration = Duration::from_secs(1);

    /// The service manager, if there is one.
    #[derive(Debug, Default)]
    pub(crate) struct Service {
        manager: Option<(UnixDatagram, SocketAddr)>,
        watchdog: Option<Watchdog>,
        /// It was logged that it cannot be told.
        has_failed: bool,
    }

    /// It wants to hear so often that the program is alive.
    #[derive(Debug)]
    struct Watchdog {
        interval: Duration,
        next: Instant,
    }

    impl Service {
        /// Finds the service manager by the environment. What is wrong with that is logged.
        pub(crate) fn find() -> Self {
            let mut service = Self::default();
            let Some(name) = variable("NOTIFY_SOCKET") else { return service };
            match open(&name) {
                Ok(manager) => service.manager = Some(manager),
                Err(error) => {
                    tracing::warn!(%error, ?name, "NOTIFY_SOCKET cannot be used; it has to be a path, or a name behind @");
                    return service;
                }
            }
            let is_for_us = variable("WATCHDOG_PID").is_none_or(|pid| *pid == *process::id().to_string());
            if let Some(time) = variable("WATCHDOG_USEC").filter(|_| is_for_us) {
                match time.to_str().and_then(|time| time.parse().ok()).filter(|time| *time > 0) {
                    // so that one that is late does no harm
                    Some(time) => {
                        let interval = Duration::from_micros(time) / 2;
                        service.watchdog = Some(Watchdog { interval, next: Instant::now() });
                    }
                    None => tracing::warn!(
                        ?time,
                        "WATCHDOG_USEC is no number of microseconds; nothing is said to a watchdog"
                    ),
                }
            }
            service
        }

        /// Connections are accepted.
        pub(crate) fn is_ready(&mut self) {
            self.tell("READY=1\n");
        }

        /// The configuration is being read again. [`is_ready`](Self::is_ready) ends that, however
        /// it went.
        pub(crate) fn is_reloading(&mut self) {
            // it tells by the time which of several reloads this belongs to, and both have to come
            // together
            let now = clock_gettime(ClockId::Monotonic);
            let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
            self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\n"));
        }

        /// The relay was asked to stop and does so.
        pub(crate) fn is_stopping(&mut self) {
            self.tell("STOPPING=1\n");
        }

        /// The program is alive. Said as often as it has to be, however often this is called.
        pub(crate) fn is_alive(&mut self) {
            let now = Instant::now();
            let Some(watchdog) = self.watchdog.as_mut().filter(|watchdog| watchdog.next <= now) else {
                return;
            };
            watchdog.next = now + watchdog.interval;
            self.tell("WATCHDOG=1\n");
        }

        /// How long the program may sleep before [`is_alive`](Self::is_alive) has to be called.
        pub(crate) fn may_sleep(&self) -> Option<Duration> {
            let watchdog = self.watchdog.as_ref()?;
            Some(watchdog.next.saturating_duration_since(Instant::now()))
        }

        fn tell(&mut self, what: &str) {
            let Some((socket, address)) = &self.manager else { return };
            let result = socket.send_to_addr(what.as_bytes(), address);
            // a watchdog is told again and again
            if let Err(error) = &result
                && !self.has_failed
            {
                tracing::warn!(%error, "the service manager cannot be told: {}", what.trim_end());
            }
            self.has_failed = result.is_err();
        }
    }

    fn variable(name: &str) -> Option<OsString> {
        env::var_os(name).filter(|value| !value.is_empty())
    }

    /// A path, or with `@` in front a name in the abstract namespace.
    fn open(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok((socket, address))
    }
}

/// Elsewhere there is none.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::time::Duration;

    #[derive(Debug)]
    pub(crate) struct Service;

    #[expect(clippy::unused_self, reason = "on Linux there is somebody to tell")]
    impl Service {
        pub(crate) fn find() -> Self {
            Self
        }

        pub(crate) fn is_ready(&mut self) {}

        pub(crate) fn is_reloading(&mut self) {}

        pub(crate) fn is_stopping(&mut self) {}

        pub(crate) fn is_alive(&mut self) {}

        pub(crate) fn may_sleep(&self) -> Option<Duration> {
            None
        }
    }
}
