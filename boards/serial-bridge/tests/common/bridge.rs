//! The program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Pty;

pub(crate) struct Bridge(Child);

impl Bridge {
    pub(crate) fn start(relay: SocketAddr, lines: usize) -> (Self, Vec<Pty>) {
        let lines: Vec<_> = (0..lines).map(|_| Pty::open()).collect();
        let devices: Vec<_> = lines.iter().map(|line| line.name().into()).collect();
        (Self::with(relay, &devices), lines)
    }

    pub(crate) fn with(relay: SocketAddr, devices: &[PathBuf]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peote-serial"));
        command.args(["--relay", &relay.to_string()]);
        command.args(devices.iter().map(|device| format!("{}:230400", device.display())));
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // a short path, since those of sockets are limited
        let folder = std::env::temp_dir().join(format!("peote-serial-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
