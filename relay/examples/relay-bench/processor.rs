//! Processor time of what is measured: unlike wall time it says much even on a machine that has
//! other things to do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

/// A thread of this process.
pub(crate) struct Thread {
    task: PathBuf,
}

impl Thread {
    pub(crate) fn spawn<T: Send + 'static>(
        name: &str,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Self> {
        let (tell, told) = mpsc::channel();
        std::thread::Builder::new().name(name.into()).spawn(move || {
            let _ = tell.send(std::fs::read_link("/proc/thread-self"));
            body()
        })?;
        let link = told.recv().map_err(io::Error::other)??;
        Ok(Self { task: Path::new("/proc").join(link) })
    }

    /// Nanoseconds it has run for; 0 where the system does not say.
    pub(crate) fn nanos(&self) -> u64 {
        nanos(&self.task)
    }
}

fn nanos(task: &Path) -> u64 {
    let times = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    times.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

/// Nanoseconds that the thread which asks has run for.
#[cfg(feature = "tls")]
pub(crate) fn own() -> u64 {
    nanos(Path::new("/proc/thread-self"))
}

/// Nanoseconds that all threads of a process have run for.
pub(crate) fn of_process(id: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    tasks.map(|task| nanos(&task.path())).sum()
}

/// How often threads of a process have waited for something.
#[cfg(feature = "cluster")]
pub(crate) fn waits_of_process(id: u32) -> u64 {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let waits = |task: PathBuf| {
        let status = std::fs::read_to_string(task.join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.and_then(|waits| waits.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    tasks.map(|task| waits(task.path())).sum()
}
