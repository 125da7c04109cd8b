//! When something happens to a connection because time passes.
//!
//! Each timer is a function that looks at a connection and knows of no other timer. Which deadline
//! is over is decided when all of them have been asked, so their order means nothing.

use std::fmt;

use crate::causes::Closed;
use crate::connection::{Connection, Stage};
use crate::patience::Pace;
use crate::times::Times;

/// What a connection is closed for because it has not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    /// Its first byte, or with TLS the start of its hello.
    FirstByte,
    /// The end of its TLS handshake.
    TlsHandshake,
    /// Its HTTP request.
    Request,
    /// Anything at all.
    Input,
    /// A channel to be in.
    Channel,
    /// Enough bytes that it took while others waited for it.
    Taking,
    /// Room in its queue, where it is to be dropped for that.
    Room,
    /// It has ended; room for what it had sent.
    LastWords,
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstByte => "nothing was sent in time, or less than a TLS hello begins with",
            Self::TlsHandshake => "its TLS handshake was not over in time",
            Self::Request => "its HTTP request did not come in time",
            Self::Input => "idle: it has sent nothing for too long",
            Self::Channel => "unused: it was in no channel for too long",
            Self::Taking => "stalled: it took too little while others waited for it",
            Self::Room => "too slow: its queue was full for too long",
            Self::LastWords => "it has ended, and a receiver of what it had sent had no room for too long",
        })
    }
}

impl Late {
    /// What it is counted as.
    pub(crate) fn closed(self) -> Closed {
        match self {
            Self::FirstByte => Closed::FirstByteTimeout,
            Self::TlsHandshake | Self::Request => Closed::HandshakeTimeout,
            Self::Input => Closed::IdleTimeout,
            Self::Channel => Closed::UnusedTimeout,
            Self::Taking | Self::LastWords => Closed::StallTimeout,
            Self::Room => Closed::SlowReceiver,
        }
    }

    /// Whether what is awaited comes from the endpoint, so that it may be among what is not served
    /// yet.
    pub(crate) fn is_of_input(self) -> bool {
        matches!(self, Self::FirstByte | Self::TlsHandshake | Self::Request | Self::Input | Self::Channel)
    }
}

/// What happens at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The connection is closed.
    Close(Late),
    /// Its endpoint is told that the relay is there.
    Keepalive,
    /// It has waited for having sent too much, and is read again.
    Resume,
    /// It has waited for the directory for too long, and asks again.
    Ask,
    /// The membership ends whose window it waits for.
    Membership,
}

/// A deadline in milliseconds, and what happens then.
pub(crate) type Deadline = (u64, Due);

/// All timers.
const TIMERS: [fn(&Connection, &Times) -> Option<Deadline>; 10] =
    [opening, keepalive, idle, unused, taking, room, last_words, resume, directory, window];

impl Connection {
    fn deadlines<'a>(&'a self, times: &'a Times) -> impl Iterator<Item = Deadline> + 'a {
        TIMERS.iter().filter_map(|timer| timer(self, times))
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self, times: &Times) -> Option<u64> {
        self.deadlines(times).map(|(at, _)| at).min()
    }

    /// What is due at `now`, the earliest deadline first.
    pub(crate) fn due(&self, times: &Times, now: u64) -> Vec<Deadline> {
        let mut over: Vec<_> = self.deadlines(times).filter(|(at, _)| *at <= now).collect();
        over.sort_by_key(|(at, _)| *at);
        over
    }
}

/// Everything up to the first byte of the joint protocol.
fn opening(connection: &Connection, times: &Times) -> Option<Deadline> {
    let (time, late) = match connection.stage() {
        Stage::Silent => (times.first_byte, Late::FirstByte),
        Stage::TlsHandshake => (times.handshake, Late::TlsHandshake),
        Stage::Request => (times.handshake, Late::Request),
        Stage::Open => return None,
    };
    Some((connection.stage_since + time, Due::Close(late)))
}

/// Nothing was written for a while.
fn keepalive(connection: &Connection, _: &Times) -> Option<Deadline> {
    (connection.stage() == Stage::Open).then_some((connection.keepalive_at, Due::Keepalive))
}

/// Nothing has come for too long. A connection that is not read may have sent something.
fn idle(connection: &Connection, times: &Times) -> Option<Deadline> {
    let idle = times.idle.filter(|_| connection.stage() == Stage::Open && !connection.wait.is_paused())?;
    Some((connection.last_received + idle, Due::Close(Late::Input)))
}

/// It is in no channel.
fn unused(connection: &Connection, times: &Times) -> Option<Deadline> {
    let is_unused = connection.stage() == Stage::Open && connection.channels == 0;
    let unused = times.unused.filter(|_| is_unused)?;
    Some((connection.unused_since + unused, Due::Close(Late::Channel)))
}

/// Others wait for it, and it takes too little.
fn taking(connection: &Connection, _: &Times) -> Option<Deadline> {
    Some((connection.wait.patience.over_at(connection.wait.pace())?, Due::Close(Late::Taking)))
}

/// Others wait for it, and its queue has been full for too long.
fn room(connection: &Connection, times: &Times) -> Option<Deadline> {
    Some((connection.wait.patience.waited_at(times.grace?, connection.wait.pace())?, Due::Close(Late::Room)))
}

/// It has ended, and waits for room for what it had sent.
fn last_words(connection: &Connection, times: &Times) -> Option<Deadline> {
    let wait = &connection.wait;
    let is_ended = wait.for_whom != 0 && connection.flags.read_closed;
    let until = || wait.began.max(wait.ended).saturating_add(times.last_words());
    is_ended.then(|| (until(), Due::Close(Late::LastWords)))
}

/// It waits for the window of somebody who takes too little.
fn window(connection: &Connection, _: &Times) -> Option<Deadline> {
    connection.wait.for_window?;
    Some((connection.wait.window_patience.over_at(Pace::Full)?, Due::Membership))
}

/// It has sent more than it may.
fn resume(connection: &Connection, _: &Times) -> Option<Deadline> {
    (connection.wait.until != 0).then_some((connection.wait.until, Due::Resume))
}

/// The directory has not answered.
fn directory(connection: &Connection, _: &Times) -> Option<Deadline> {
    (connection.wait.directory != 0).then_some((connection.wait.directory, Due::Ask))
}
