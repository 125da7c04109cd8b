//! How many files, and so connections, the process may have open.

use std::io;

/// Makes room for so many connections (0: as many as there can be) by raising the limit of open
/// files as far as allowed, and warns when there is not enough.
///
/// Systems start programs with a low limit for the sake of old ones that cannot cope with high file
/// numbers. Returns how many connections there may be: as many, or as many as there is room for. So
/// those that come then are turned away, which the system would not do, and pages are still
/// answered.
pub(crate) fn prepare(connections: u32) -> u32 {
    let Some(room) = system::make_room(connections).map(|room| u32::try_from(room).unwrap_or(u32::MAX))
    else {
        return connections;
    };
    if connections == 0 {
        return room.max(1);
    }
    if room < connections {
        tracing::warn!(
            "room for {room} connections only, not {connections}: raise the limit of open files (ulimit -n), \
             or lower max-connections"
        );
    }
    room.clamp(1, connections)
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

    /// Files that a relay has open besides its connections: standard streams, listeners, what wakes
    /// it, and sockets of connections that have just ended or are turned away.
    const OTHERS: u64 = 96;

    /// Returns for how many connections there is room; `None`: for any number.
    pub(super) fn make_room(connections: u32) -> Option<u64> {
        let needed = NonZero::new(u64::from(connections)).map(|connections| connections.get() + OTHERS);
        // with few files there are fewer others as well
        let room = |files: u64| Some(files.saturating_sub(OTHERS).max(files / 4));
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // No value stands for no limit.
        let current = current?;
        if needed.is_some_and(|needed| needed <= current) {
            return room(current);
        }
        let wanted = match (needed, maximum) {
            (Some(needed), Some(maximum)) => Some(needed.min(maximum)),
            (needed, maximum) => needed.or(maximum),
        };
        // Some systems have a lower limit than the one they state; then the old one stays.
        let raised = setrlimit(Resource::Nofile, Rlimit { current: wanted, maximum }).is_ok();
        if raised { wanted.and_then(room) } else { room(current) }
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
