//! What a service manager is told, where there is one (`Type=notify` of systemd).

/// Connections are accepted.
pub(crate) fn is_ready() {
    system::is_ready();
}

/// The relay was asked to stop and does so.
pub(crate) fn is_stopping() {
    system::is_stopping();
}

#[cfg(target_os = "linux")]
mod system {
    use sd_notify::{NotifyState, notify};

    pub(super) fn is_ready() {
        tell(NotifyState::Ready);
    }

    pub(super) fn is_stopping() {
        tell(NotifyState::Stopping);
    }

    fn tell(state: NotifyState<'_>) {
        // does nothing where there is no service manager
        if let Err(error) = notify(&[state]) {
            tracing::warn!(%error, "the service manager cannot be told");
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn is_ready() {}

    pub(super) fn is_stopping() {}
}
