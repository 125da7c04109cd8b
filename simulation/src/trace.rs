//! What has happened so far, as one number, and printed if wanted.

use std::fmt;

use crate::line::LineId;

/// What is done to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Connect,
    Refuse,
    LinkWrites,
    LinkReads,
    RelayWrites,
    RelayReads,
    LinkCloses,
    RelayCloses,
    Reset,
    End,
    Stall,
    Resume,
}

#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    pub(crate) print: bool,
}

impl Trace {
    pub(crate) const fn new() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, print: false }
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    /// FNV-1a.
    fn mix(&mut self, bytes: impl IntoIterator<Item = u8>) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub(crate) fn act(&mut self, now: u64, line: LineId, name: &str, act: Act, bytes: &[u8]) {
        self.mix(now.to_le_bytes());
        self.mix([act as u8]);
        self.mix((line.0 as u64).to_le_bytes());
        self.mix((bytes.len() as u64).to_le_bytes());
        self.mix(bytes.iter().copied());
        if self.print {
            let hex: String = bytes.iter().take(24).map(|byte| format!(" {byte:02x}")).collect();
            let more = if bytes.len() > 24 { " …" } else { "" };
            let len = if bytes.is_empty() { String::new() } else { format!(" {}:", bytes.len()) };
            eprintln!("{now:>8} ms  {line} {name} {act:?}{len}{hex}{more}");
        }
    }

    pub(crate) fn note(&mut self, now: u64, what: &dyn fmt::Display) {
        let text = what.to_string();
        self.mix(now.to_le_bytes());
        self.mix((text.len() as u64).to_le_bytes());
        self.mix(text.bytes());
        if self.print {
            eprintln!("{now:>8} ms  {text}");
        }
    }
}
