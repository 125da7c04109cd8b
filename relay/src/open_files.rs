//! How many files, and so connections, the process may have open.

use std::io;

/// Raises the limit of open files as far as allowed and needed for so many connections (0: as many as there
/// can be).
///
/// Systems start programs with a low limit for the sake of old ones that cannot cope with high file numbers.
/// Returned is the number of connections there is room for, where that is less than asked for.
fn make_room(connections: u32) -> Option<u64> {
    system::make_room(connections)
}

/// Makes room for so many connections, and warns when there is not enough.
pub(crate) fn prepare(connections: u32) {
    if let Some(room) = make_room(connections) {
        tracing::warn!(
            "room for {room} connections only, not {connections}: raise the limit of open files (ulimit -n), \
             or lower max-connections"
        );
    }
}

/// Whether an error says that no more files can be opened.
pub(crate) fn ran_out(error: &io::Error) -> bool {
    system::ran_out(error)
}

#[cfg(unix)]
mod system {
    use std::io;
    use std::num::NonZero;

    use rustix::io::Errno;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// Files that a relay has open besides its connections: standard streams, listeners, what wakes it, and sockets of connections that
    /// have just ended.
    const OTHERS: u64 = 96;

    pub(super) fn make_room(connections: u32) -> Option<u64> {
        let needed = NonZero::new(u64::from(connections)).map(|connections| connections.get() + OTHERS);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // No value stands for no limit.
        let current = current?;
        if needed.is_some_and(|needed| needed <= current) {
            return None;
        }
        let wanted = match (needed, maximum) {
            (Some(needed), Some(maximum)) => Some(needed.min(maximum)),
            (needed, maximum) => needed.or(maximum),
        };
        // Some systems have a lower limit than the one they state; then the old one stays.
        let raised = setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum }).is_ok();
        let now = if raised { wanted? } else { current };
        needed.filter(|needed| *needed > now).map(|_| now.saturating_sub(OTHERS))
    }

    pub(super) fn ran_out(error: &io::Error) -> bool {
        matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
    }
}

/// Other systems have no such limit.
#[cfg(not(unix))]
mod system {
    use std::io;

    pub(super) fn make_room(_connections: u32) -> Option<u64> {
        None
    }

    pub(super) fn ran_out(_error: &io::Error) -> bool {
        false
    }
}
