//! The file that bans are kept in.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use peote_relay::{Ban, Banned, IpNet, Relay};
use serde::{Deserialize, Serialize};

/// Bytes of the longest file that is read.
const LONGEST: u64 = 16 << 20;

/// Where bans are kept, if anywhere.
#[derive(Debug, Default)]
pub(super) struct BanFile {
    path: Option<PathBuf>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    ban: Vec<WrittenBan>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBan {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpNet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// In seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
}

impl BanFile {
    /// Bans those who are in the file. One that is not there yet has nobody in it.
    ///
    /// # Errors
    /// It cannot be used; the error says why.
    pub(super) fn open(path: Option<&Path>, relay: &mut Relay) -> io::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let wrong = |what: String| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("ban-file {}: {what}", path.display()))
        };
        let text = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Ok(about) if about.len() > LONGEST => return Err(wrong("longer than 16 MiB".into())),
            _ => fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?,
        };
        let written: Written = toml::from_str(&text).map_err(|error| wrong(error.message().into()))?;
        for ban in written.ban {
            let who = match (ban.address, ban.subject) {
                (Some(range), None) => Banned::Address(range),
                (None, Some(subject)) => Banned::Subject(subject),
                _ => return Err(wrong("each [[ban]] needs either address or subject".into())),
            };
            let ban = Ban { who, until: ban.until, reason: ban.reason };
            relay.ban(ban).map_err(|error| wrong(error.to_string()))?;
        }
        Ok(Self { path: Some(path.into()) })
    }

    /// Whether bans survive the relay.
    pub(super) fn is_there(&self) -> bool {
        self.path.is_some()
    }

    /// Writes the bans that hold. Whenever the relay ends, the file is the one before or the one
    /// after.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn write(&self, relay: &Relay) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let ban = relay.bans().map(|ban| {
            let (address, subject) = match &ban.who {
                Banned::Address(range) => (Some(*range), None),
                Banned::Subject(subject) => (None, Some(subject.clone())),
            };
            WrittenBan { address, subject, until: ban.until, reason: ban.reason.clone() }
        });
        let text = toml::to_string(&Written { ban: ban.collect() }).map_err(io::Error::other)?;
        let beside = path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    }
}
