//! The file in which a relay keeps its numbers.
//!
//! It is locked as long as the process runs, by the system: who gets the lock knows that the
//! process before is gone, and did not merely stand still. So what it owned may be taken over at
//! once.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::RelayId;

/// Numbers that are kept: a relay whose lease was over has taken another one.
const KEPT: usize = 4;

/// The file, locked.
#[derive(Debug)]
pub(crate) struct Numbers {
    file: File,
    earlier: Vec<RelayId>,
    own: Vec<RelayId>,
}

impl Numbers {
    /// Locks the file, which is made if it is not there, and reads the numbers of the relay before.
    ///
    /// # Errors
    /// The file cannot be opened, or another relay has it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cluster-file {}: {error}", path.display()))
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(named)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            let what = "another relay that runs has it; each relay needs a file of its own";
            named(io::Error::new(io::ErrorKind::AlreadyExists, what))
        })?;
        let mut text = Vec::new();
        (&mut file).take(4096).read_to_end(&mut text).map_err(named)?;
        let lines = text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let earlier = lines.filter(|line| line.len() == 16);
        let earlier = earlier.filter_map(|line| RelayId::from_str_radix(line, 16).ok()).collect();
        Ok(Self { file, earlier, own: Vec::new() })
    }

    /// The numbers of the relay that had the file before.
    pub(crate) fn earlier(&self) -> &[RelayId] {
        &self.earlier
    }

    /// Keeps one more number, before it is used.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn keep(&mut self, id: RelayId) -> io::Result<()> {
        self.own.insert(0, id);
        self.own.truncate(KEPT);
        let all = self.own.iter().chain(&self.earlier).take(2 * KEPT);
        let text: String = all.map(|id| format!("{id:016x}\n")).collect();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text.as_bytes())?;
        self.file.set_len(text.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_relay_has_the_file_and_the_next_one_knows_its_numbers() {
        let path = std::env::temp_dir().join(format!("peote-numbers-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut first = Numbers::open(&path).unwrap();
        assert!(first.earlier().is_empty());
        first.keep(7).unwrap();
        first.keep(u64::MAX).unwrap();
        let error = Numbers::open(&path).unwrap_err().to_string();
        assert!(error.contains("another relay"), "{error}");
        drop(first);
        let mut second = Numbers::open(&path).unwrap();
        assert_eq!(second.earlier(), [u64::MAX, 7]);
        for number in 0..20 {
            second.keep(number).unwrap();
        }
        drop(second);
        assert_eq!(Numbers::open(&path).unwrap().earlier(), [19, 18, 17, 16, u64::MAX, 7]);
        std::fs::write(&path, b"no numbers\n\xff\xff\n0000000000000005\n").unwrap();
        assert_eq!(Numbers::open(&path).unwrap().earlier(), [5]);
        std::fs::remove_file(&path).unwrap();
        assert!(Numbers::open(Path::new("/nowhere/at/all")).is_err());
    }
}
