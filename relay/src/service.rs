//! What a service manager is told, where there is one (`Type=notify` and `Type=notify-reload` of systemd).

/// Connections are accepted.
pub(crate) fn is_ready() {
    system::is_ready();
}

/// The configuration is being read again. [`is_ready`] ends that, however it went.
pub(crate) fn is_reloading() {
    system::is_reloading();
}

/// The relay was asked to stop and does so.
pub(crate) fn is_stopping() {
    system::is_stopping();
}

#[cfg(target_os = "linux")]
mod system {
    use sd_notify::{NotifyState, notify};

    pub(super) fn is_ready() {
        tell(&[NotifyState::Ready]);
    }

    pub(super) fn is_reloading() {
        // it tells by the time which of several reloads this belongs to, and both have to come together
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(error) => warn(&error),
        }
    }

    pub(super) fn is_stopping() {
        tell(&[NotifyState::Stopping]);
    }

    fn tell(states: &[NotifyState<'_>]) {
        // does nothing where there is no service manager
        if let Err(error) = notify(states) {
            warn(&error);
        }
    }

    fn warn(error: &std::io::Error) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn is_ready() {}

    pub(super) fn is_reloading() {}

    pub(super) fn is_stopping() {}
}
