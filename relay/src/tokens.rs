//! Tokens that connections show: collected, checked, counted.
//!
//! To check a signature is work, as much as it is to answer a TLS handshake. So one that comes in a
//! hello is not checked while what has come is routed: it is kept, the commands behind it wait, and
//! a turn of its own is for it.

use peote_net::protocol::items::{Item, Items};
use tracing::{info, warn};

use crate::access::{Denied, Granted, unix_now};
use crate::allowance::Allowance;
use crate::config::Access;
use crate::connection::Connection;
use crate::connections::Connections;
use crate::log::Name;

/// Tokens in a row that do not count, after which a connection is closed.
const MOST_REFUSED: u8 = 3;

impl Connection {
    /// Whether a whole token has come in a hello and is to be checked.
    pub(crate) fn has_token(&self) -> bool {
        self.granted.as_ref().is_some_and(|granted| granted.has_token())
    }
}

impl Connections {
    /// A hello has come, maybe with a token or a part of one. The token is checked before the next
    /// command. What comes behind its end in the same hello is passed over.
    pub(crate) fn hear_token(&mut self, index: u32, items: Items<'_>) {
        if self.config.access == Access::Open {
            return;
        }
        for item in items {
            let (part, is_last) = match item {
                Item::TokenPart(part) => (part, false),
                Item::TokenEnd(part) => (part, true),
                _ => continue,
            };
            self.change_granted(index, |granted| granted.collect(part, is_last));
        }
        if self.get(index).is_some_and(|connection| connection.has_token()) {
            self.list(index);
        }
    }

    /// Counts a token of a connection that is to be checked, unless its network has shown too many;
    /// then in how many microseconds there may be one. Where access is open none is checked.
    pub(crate) fn may_check_token(&mut self, index: u32) -> Result<(), u64> {
        let now = self.now_micros;
        let Some(address) = self.get(index).map(|connection| connection.address.ip()) else { return Ok(()) };
        match self.config.access {
            Access::Open => Ok(()),
            _ => self.addresses.check_token(address, now, &self.config),
        }
    }

    /// Checks the token that has come in hellos. One that does not count is passed over: the
    /// commands that it was for are refused. Returns false if the connection is to be closed,
    /// because it was not the first one.
    pub(crate) fn check_heard_token(&mut self, index: u32) -> bool {
        let token = self.change_granted(index, Granted::take_token).unwrap_or_default();
        let Err(denied) = self.present(index, &token) else { return true };
        self.note_refused_token(index, denied);
        self.change_granted(index, Granted::count_refused).is_none_or(|refused| refused < MOST_REFUSED)
    }

    /// A token of a connection does not count.
    pub(crate) fn note_refused_token(&mut self, index: u32, denied: Denied) {
        let Some(connection) = self.get(index) else { return };
        let (id, address, home) = (connection.id, connection.address, connection.home);
        if self.lines.may_warn(self.now, "denied-tokens", home) {
            warn!(connection = %id, %address, %denied, "token refused");
        }
    }

    /// A connection has shown a token: in its hello, in the address of its WebSocket, or in a
    /// header. From now on it may what the token says, in place of what an earlier one said. Where
    /// access is open nothing is looked at.
    ///
    /// # Errors
    /// Why the token does not count. What the connection had before stays.
    pub(crate) fn present(&mut self, index: u32, token: &[u8]) -> Result<(), Denied> {
        if self.config.access == Access::Open {
            return Ok(());
        }
        self.checks += 1;
        let permit = self.rights.check(token, unix_now(), &self.config)?;
        if self.bans.has_subject(permit.subject()) {
            return Err(Denied::Banned);
        }
        let Some(Some(connection)) = self.slots.get_mut(index as usize) else { return Err(Denied::Nothing) };
        let before = connection.subject();
        let is_another = before != Some(permit.subject());
        if is_another {
            self.subjects.add(permit.subject(), permit.limits().connections)?;
            if let Some(before) = before {
                self.subjects.remove(before);
            }
        }
        let subject = permit.subject().to_owned();
        self.change_granted(index, |granted| granted.show(permit));
        let Some(connection) = self.slots.get_mut(index as usize).and_then(Option::as_mut) else {
            return Err(Denied::Nothing);
        };
        connection.allowance = Allowance::new(&self.config, connection.granted.as_deref());
        let (id, home) = (connection.id, connection.home);
        if self.lines.may_tell(self.now, "tokens", home) {
            info!(connection = %id, subject = %Name(subject.as_bytes()), "token accepted");
        }
        Ok(())
    }

    /// Forgets what a connection was granted, because it goes.
    pub(crate) fn forget_granted(&mut self, index: u32) {
        let Some(Some(connection)) = self.slots.get_mut(index as usize) else { return };
        self.pool.remove(connection.granted_memory());
        if let Some(subject) = connection.subject() {
            self.subjects.remove(subject);
        }
        connection.granted = None;
    }

    /// Changes what a connection was granted, and counts what memory that takes. `None`: there is
    /// no such connection.
    fn change_granted<T>(&mut self, index: u32, change: impl FnOnce(&mut Granted) -> T) -> Option<T> {
        let connection = self.slots.get_mut(index as usize)?.as_mut()?;
        let before = connection.granted_memory();
        let changed = change(connection.granted.get_or_insert_default());
        let after = connection.granted_memory();
        self.pool.add(after);
        self.pool.remove(before);
        Some(changed)
    }
}
