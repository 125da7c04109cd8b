//! A pseudo terminal: the program opens one side as its device, the board is at the other.

use std::fs::File;
use std::io;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

pub(crate) struct Pty {
    name: String,
    board: File,
}

impl Pty {
    pub(crate) fn open() -> Self {
        let board = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&board).unwrap();
        unlockpt(&board).unwrap();
        let name = ptsname(&board, Vec::new()).unwrap().into_string().unwrap();
        rustix::fs::fcntl_setfl(&board, OFlags::NONBLOCK).unwrap();
        Self { name, board: board.into() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The board's side.
    pub(crate) fn board(&self) -> io::Result<File> {
        self.board.try_clone()
    }
}
