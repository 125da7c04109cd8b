//! A serial line of the operating system.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;

use rustix::fs::OFlags;
use rustix::termios::{self, ControlModes, OptionalActions, QueueSelector};

use crate::options::Line;

/// An open line: raw bytes, 8 data bits, no parity, no flow control. Never waits.
#[derive(Debug)]
pub(crate) struct Tty(File);

impl Tty {
    pub(crate) fn open(line: &Line) -> io::Result<Self> {
        let flags = (OFlags::NOCTTY | OFlags::NONBLOCK).bits();
        let flags = i32::try_from(flags).map_err(io::Error::other)?;
        let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(&line.device)?;
        let mut settings = termios::tcgetattr(&file)?;
        settings.make_raw();
        settings.set_speed(line.baud)?;
        // two stop bits, parity and RTS/CTS off; the board is not reset when this program ends
        settings.control_modes -=
            ControlModes::CSTOPB | ControlModes::PARENB | ControlModes::CRTSCTS | ControlModes::HUPCL;
        settings.control_modes |= ControlModes::CREAD | ControlModes::CLOCAL;
        termios::tcsetattr(&file, OptionalActions::Now, &settings)?;
        // a second program would take half of the bytes
        termios::ioctl_tiocexcl(&file)?;
        // what has come before is of no connection of this program
        termios::tcflush(&file, QueueSelector::IOFlush)?;
        Ok(Self(file))
    }

    /// Returns what has come; nothing if nothing has.
    pub(crate) fn read<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        match self.0.read(buffer) {
            Ok(0) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the line has been hung up")),
            Ok(count) => Ok(&buffer[..count]),
            Err(error) if is_for_later(&error) => Ok(&[]),
            Err(error) => Err(error),
        }
    }

    /// Returns how many bytes were taken.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if is_for_later(&error) => Ok(0),
            result => result,
        }
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
