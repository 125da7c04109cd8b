//! What an operator asks of a relay that runs.

use std::net::SocketAddr;
use std::time::Duration;

use peote_net::relay::ConnectionId;
use tracing::info;

use super::Relay;
use super::close::Why;
use crate::access::{Granted, Limits};
use crate::allowance::Allowance;
use crate::bans::{Ban, Banned, TooManyBans};
use crate::causes::Closed;
use crate::connection::Connection;
use crate::log::Name;
use crate::places::narrow;
use crate::proxy::is_listed;

/// One connection, as an operator sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// What log lines, `top` and commands call it.
    pub id: String,
    /// Where it comes from: the client's, where a proxy has told it.
    pub address: SocketAddr,
    /// The subject of its token.
    pub subject: Option<String>,
    /// `plain`, `tls`, `http`, `websocket` or `wss`.
    pub transport: &'static str,
    /// How long it has been there.
    pub age: Duration,
    /// Bytes that have come from it.
    pub received_bytes: u64,
    /// Bytes that its socket has taken.
    pub sent_bytes: u64,
    /// Bytes that wait to be written to it.
    pub queued_bytes: usize,
    /// It is not read at the moment.
    pub is_paused: bool,
    /// Channels that it owns.
    pub own: usize,
    /// Channels that it is in.
    pub entered: usize,
}

/// One channel, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelInfo {
    /// Its name.
    pub name: Vec<u8>,
    /// Its number at the connection that it is shown for.
    pub number: u8,
    /// The connection that owns it.
    pub server: String,
    /// Its users; 0 where it is shown for one of these.
    pub users: usize,
}

impl Relay {
    /// Shows each connection, one after the other, until `each` says no more is wanted. Takes a
    /// look at each of them.
    pub fn each_connection(&mut self, mut each: impl FnMut(ConnectionInfo) -> bool) {
        for index in 0..self.connections.slots.len() {
            if self.info(narrow(index)).is_some_and(|info| !each(info)) {
                return;
            }
        }
    }

    /// One connection, by what log lines call it (`7.2`), with the channels that it owns and those
    /// that it is in.
    pub fn connection(&mut self, id: &str) -> Option<(ConnectionInfo, Vec<ChannelInfo>, Vec<ChannelInfo>)> {
        let (index, id) = self.find(id)?;
        let (info, server) = (self.info(index)?, id.to_string());
        let (mut own, mut entered) = (Vec::new(), Vec::new());
        self.core.own_channels(id, |number, name, users| {
            own.push(ChannelInfo { name: name.to_vec(), number, server: server.clone(), users });
        });
        self.core.entered_channels(id, |number, name, server| {
            entered.push(ChannelInfo { name: name.to_vec(), number, server: server.to_string(), users: 0 });
        });
        Some((info, own, entered))
    }

    /// Shows each channel until `each` says no more is wanted.
    pub fn each_channel(&mut self, mut each: impl FnMut(ChannelInfo) -> bool) {
        let mut goes_on = true;
        for index in 0..self.connections.slots.len() {
            let Some(id) = self.connections.get(narrow(index)).map(|connection| connection.id) else {
                continue;
            };
            self.core.own_channels(id, |number, name, users| {
                goes_on = goes_on
                    && each(ChannelInfo { name: name.to_vec(), number, server: id.to_string(), users });
            });
            if !goes_on {
                return;
            }
        }
    }

    /// Closes a connection. Its endpoint is told the reason where its transport has words for that:
    /// a WebSocket. Returns whether it was there.
    pub fn kick(&mut self, id: &str, reason: &str) -> bool {
        let Some((index, _)) = self.find(id) else { return false };
        self.close(index, &Why::Operator(Closed::Kicked, reason.into()));
        true
    }

    /// Bans an address or a subject, and closes the connections that it has. Returns how many those
    /// were.
    ///
    /// # Errors
    /// There are too many bans.
    pub fn ban(&mut self, ban: Ban) -> Result<usize, TooManyBans> {
        let (who, reason) = (ban.who.clone(), ban.reason.clone());
        self.connections.bans.add(ban)?;
        let is_meant = |connection: &Connection| match &who {
            Banned::Address(range) => is_listed(connection.address.ip(), &[*range]),
            Banned::Subject(subject) => connection.subject() == Some(subject),
        };
        let mut count = 0;
        for index in 0..self.connections.slots.len() {
            let index = narrow(index);
            if self.connections.get(index).is_some_and(|connection| is_meant(connection)) {
                self.close(index, &Why::Operator(Closed::Banned, reason.clone()));
                count += 1;
            }
        }
        Ok(count)
    }

    /// Lifts a ban. Returns whether there was one.
    pub fn lift_ban(&mut self, who: &Banned) -> bool {
        self.connections.bans.remove(who)
    }

    /// The bans that hold.
    pub fn bans(&self) -> impl Iterator<Item = &Ban> {
        self.connections.bans.iter()
    }

    /// Closes a channel: its users are told that they were removed. The protocol has no word that
    /// tells its server; what that sends is dropped. Returns whether there was one.
    pub fn close_channel(&mut self, name: &[u8]) -> bool {
        let is_there = self.core.close_channel(name, &mut self.connections);
        if is_there {
            info!(name = %Name(name), "channel closed by the operator");
        }
        is_there
    }

    /// Gives one connection limits of its own, in place of those of its token and of the
    /// configuration; what is `None` is as before that. Returns whether it was there.
    /// [`Limits::connections`] means nothing here.
    pub fn limit(&mut self, id: &str, limits: Limits) -> bool {
        let Some((index, _)) = self.find(id) else { return false };
        let Some(connection) = self.connections.get(index) else { return false };
        let before = connection.granted_memory();
        let granted: &mut Granted = connection.granted.get_or_insert_default();
        granted.limits = limits;
        let after = connection.granted_memory();
        self.connections.pool.add(after);
        self.connections.pool.remove(before);
        let config = &self.connections.config;
        if let Some(Some(connection)) = self.connections.slots.get_mut(index as usize) {
            connection.allowance = Allowance::new(config, connection.granted.as_deref());
            // what is owed is kept as a time, which would be too long with a higher rate
            (connection.messages, connection.bytes) = Default::default();
            if connection.wait.until != 0 {
                connection.wait.until = self.connections.now;
            }
        }
        self.connections.wake(index);
        self.connections.schedule(index);
        true
    }

    /// A connection, by what log lines call it.
    fn find(&mut self, text: &str) -> Option<(u32, ConnectionId)> {
        let index = text.split_once('.')?.0.parse().ok()?;
        let id = self.connections.get(index)?.id;
        (id.to_string() == text).then_some((index, id))
    }

    fn info(&mut self, index: u32) -> Option<ConnectionInfo> {
        let now = self.connections.now;
        let connection = self.connections.get(index)?;
        let id = connection.id;
        let mut info = ConnectionInfo {
            id: id.to_string(),
            address: connection.address,
            subject: connection.subject().map(str::to_owned),
            transport: connection.transport_name(),
            age: Duration::from_millis(now - connection.since),
            received_bytes: connection.traffic.received,
            sent_bytes: connection.traffic.sent,
            queued_bytes: connection.queue.len(),
            is_paused: connection.wait.is_paused(),
            own: 0,
            entered: 0,
        };
        (info.own, info.entered) = self.core.channels_of(id);
        Some(info)
    }
}
