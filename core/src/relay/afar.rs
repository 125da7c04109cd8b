//! Memberships of which one side is at another relay: what a program with many relays needs beside
//! what an endpoint can say.
//!
//! Where relays stand together as one, a connection of this relay stands for an endpoint that is
//! connected to another one. It says what that endpoint says, in the joint protocol. Here is what
//! the protocol has no word for: reasons and numbers that another relay has decided about.

use super::end::End;
use super::host::{ConnectionId, Host};
use super::memory::Storage;
use super::slots::Flags;
use super::tables::Tables;
use super::{Reason, Relay};
use crate::protocol::to_endpoint;

impl<S: Storage> Relay<S> {
    /// Returns the connection of a user of a channel, or of one that knocks there.
    #[must_use]
    pub fn user_of(&mut self, server: ConnectionId, channel: u8, user: u8) -> Option<ConnectionId> {
        let tables = self.tables();
        let index = tables.member(server, channel, user)?;
        Some(tables.membership(index)?.user)
    }

    /// Returns the connection of the server of a channel, by the number that it has as an entered
    /// one. A user that knocks there has such a number.
    #[must_use]
    pub fn server_of(&mut self, user: ConnectionId, entered: u8) -> Option<ConnectionId> {
        let tables = self.tables();
        let index = tables.entered_by(user, entered)?;
        Some(tables.membership(index)?.server)
    }

    /// Admits a user that knocks, and tells it that its number in the channel is `shown`. `channel`
    /// and `user` are still what data is sent to. Returns false if no user knocks there with that
    /// ticket.
    pub fn admit_as<H: Host>(
        &mut self,
        server: ConnectionId,
        (channel, user, ticket): (u8, u8, u8),
        shown: u8,
        host: &mut H,
    ) -> bool {
        let mut tables = self.tables();
        let Some(index) = tables.knocking(server, channel, user, ticket) else { return false };
        if let Some(flow) = tables.flow_mut(index) {
            flow.shown = shown;
        }
        tables.admit(index, host);
        true
    }

    /// Refuses a user that knocks, for any reason that entering can be refused for. Returns false
    /// if nobody knocks there with that ticket.
    pub fn refuse_as<H: Host>(
        &mut self,
        server: ConnectionId,
        (channel, user, ticket): (u8, u8, u8),
        (reason, words): (Reason, &[u8]),
        host: &mut H,
    ) -> bool {
        let mut tables = self.tables();
        let Some(index) = tables.knocking(server, channel, user, ticket) else { return false };
        tables.refuse(index, reason, words, host);
        true
    }

    /// Ends the membership of a user: tells it that the channel is gone for that reason, and the
    /// server nothing. Returns false if there is no such user, or it knocks.
    pub fn end_user<H: Host>(
        &mut self,
        server: ConnectionId,
        (channel, user): (u8, u8),
        reason: Reason,
        host: &mut H,
    ) -> bool {
        let mut tables = self.tables();
        let Some(index) = tables.member(server, channel, user).filter(|index| !tables.knocks(*index)) else {
            return false;
        };
        let Some(membership) = tables.membership(index).cloned() else { return false };
        tables.forget_membership(index, &membership, End::Channel(reason), host);
        host.push(membership.user, &to_endpoint::channel_gone(membership.at_user, reason.end_code()), &[]);
        true
    }

    /// Ends a membership of a connection by the number of the entered channel, with "connection
    /// lost" for the server. Returns false if there is none.
    pub fn lose_entered<H: Host>(&mut self, user: ConnectionId, entered: u8, host: &mut H) -> bool {
        let mut tables = self.tables();
        let Some(index) = tables.entered_by(user, entered) else { return false };
        tables.end_membership(index, End::Lost, host);
        true
    }

    /// Has a connection knock no more that gave the command to enter with that tag. Its command is
    /// not answered. Returns false if it does not knock so.
    pub fn lose_knock<H: Host>(&mut self, user: ConnectionId, tag: u8, host: &mut H) -> bool {
        let mut tables = self.tables();
        for number in 0..=u8::MAX {
            let Some(index) = tables.entered_by(user, number) else { continue };
            if tables.knocks(index) && tables.flow(index).is_some_and(|flow| flow.tag == tag) {
                tables.end_membership(index, End::Lost, host);
                return true;
            }
        }
        false
    }
}

impl Tables<'_> {
    /// The membership of a user, by its channel's server.
    fn member(&self, server: ConnectionId, channel: u8, user: u8) -> Option<u32> {
        let slot = self.parts.connections.get(server.index())?;
        if slot.generation != server.generation {
            return None;
        }
        self.user(self.own(server, channel)?, user)
    }

    fn entered_by(&self, user: ConnectionId, number: u8) -> Option<u32> {
        let slot = self.parts.connections.get(user.index())?;
        if slot.generation == user.generation { self.entered(user, number) } else { None }
    }

    fn knocking(&self, server: ConnectionId, channel: u8, user: u8, ticket: u8) -> Option<u32> {
        let index = self.member(server, channel, user)?;
        let has_ticket = self.flow(index).is_some_and(|flow| flow.ticket == ticket);
        (has_ticket && self.membership(index)?.flags.has(Flags::KNOCKS)).then_some(index)
    }

    /// The number in the channel that a user is told.
    pub(super) fn shown(&self, index: u32) -> u8 {
        let number = self.membership(index).map_or(0, |membership| membership.number);
        self.flow(index).map_or(number, |flow| flow.shown)
    }
}
