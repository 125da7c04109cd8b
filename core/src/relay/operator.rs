//! What the one who runs a relay asks for, beside what endpoints do.

use super::host::{ConnectionId, Home, Host};
use super::memory::Storage;
use super::names;
use super::numbers::UnderWay;
use super::slots::Flags;
use super::{MAX_USERS, Reason, Relay};

impl<S: Storage> Relay<S> {
    /// A connection turns out to come from somewhere else: the address that a proxy has told. Does
    /// nothing if it is gone.
    ///
    /// Only for connections that have given no command yet: numbers that rest count for the home
    /// they had.
    pub fn set_home(&mut self, connection: ConnectionId, home: Home) {
        if let Some(slot) = self.tables().connection(connection) {
            slot.home = home;
        }
    }

    /// Returns the server of the channel of that name, the channel's number there, and how many
    /// users it has.
    #[must_use]
    pub fn channel_named<H: Host>(&mut self, name: &[u8], host: &H) -> Option<(ConnectionId, u8, usize)> {
        let tables = self.tables();
        let index = tables.find(name, names::fold(host.hash(name)))?;
        let channel = tables.channel(index)?;
        Some((channel.server, channel.number, channel.users.used()))
    }

    /// Closes the channel of that name, although its server has not asked for it. Returns false if
    /// there is none.
    ///
    /// Each user is told that it was removed, and the server is told so of each user. A user that
    /// knocks is told that there is no such channel, and the server that the user is gone: the
    /// server may have let it in already, which is under way. The protocol has no word that tells a
    /// server of the end of its own channel: what it sends from then on is dropped, and users
    /// cannot enter until it creates the channel again. The number that the channel had there stays
    /// taken until the server deletes it or is gone, and counts as a channel of that connection.
    pub fn close_channel<H: Host>(&mut self, name: &[u8], host: &mut H) -> bool {
        let mut tables = self.tables();
        let Some(index) = tables.find(name, names::fold(host.hash(name))) else { return false };
        for _ in 0..MAX_USERS {
            let pages = &*tables.parts.pages;
            let first = tables.channel(index).and_then(|channel| channel.users.iter(pages).next());
            let Some((_, user)) = first else { break };
            if tables.membership(user).is_some_and(|user| user.flags.has(Flags::KNOCKS)) {
                tables.refuse(user, Reason::NoSuchChannel, &[], host);
            } else {
                tables.remove(index, user, false, host);
            }
        }
        tables.end_channel(index, Reason::OnPurpose, UnderWay::Everything, host);
        true
    }

    /// Shows each channel that a connection is a user of to `each`: its number there, its name, and
    /// the channel's server.
    pub fn entered_channels(
        &mut self,
        connection: ConnectionId,
        mut each: impl FnMut(u8, &[u8], ConnectionId),
    ) {
        let mut tables = self.tables();
        if tables.connection(connection).is_none() {
            return;
        }
        for number in 0..=u8::MAX {
            let Some(membership) = tables.entered(connection, number) else { continue };
            let Some(membership) = tables.membership(membership) else { continue };
            let Some(channel) = tables.channel(membership.channel) else { continue };
            each(number, tables.name(channel).as_bytes(), membership.server);
        }
    }
}
