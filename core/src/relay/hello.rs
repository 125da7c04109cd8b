//! Hello: who takes part, and what began before that was known.

use super::command::ask;
use super::host::{ConnectionId, Greeting, Hello, Host, Outcome, Request};
use super::slots::Stage;
use super::tables::Tables;
use super::windows::{SERVER, USER};
use crate::protocol::items::{self, Item, Items, MAX_PROGRAM};
use crate::protocol::to_endpoint;
use crate::protocol::to_endpoint::Capabilities;

/// Room for the answer to a hello.
const GREETING: usize = 4 + 3 + 6 + 2 + MAX_PROGRAM;

impl Tables<'_> {
    /// What this relay can do: what the host says, as far as there is memory for it.
    #[inline]
    pub(super) fn capabilities<H: Host>(&self, host: &H) -> Capabilities {
        let all = host.capabilities();
        if self.parts.flows.len() < self.parts.memberships.len() {
            return all.without(Capabilities::HELLO);
        }
        all
    }

    /// An endpoint says hello.
    pub(super) fn hello<H: Host>(
        &mut self,
        sender: ConnectionId,
        payload: &[u8],
        host: &mut H,
    ) -> Result<(), Outcome> {
        if host.free(sender) < GREETING {
            return Err(Outcome::WaitFor(sender));
        }
        ask(sender, &Request::Hello, None, host)?;
        let list = Items::new(payload);
        let (mut wants_part, mut window) = (None, 0);
        for item in list {
            match item {
                Item::Capabilities(bits) => wants_part = Some(bits & items::TAKES_PART != 0),
                Item::Window(bytes) => window = bytes,
                _ => {}
            }
        }
        let was_fresh = self.stage(sender).may_say_hello();
        let told = self.first_window(sender, host);
        // the first hello that says something of taking part is the last that does
        match wants_part {
            Some(true) if was_fresh && window > 0 => self.takes_part_from_now(sender, window),
            Some(_) => self.is_no_longer_fresh(sender, host),
            None => {}
        }
        let takes_part = self.stage(sender) == Stage::Part;
        let greeting = host.hello(sender, &Hello { items: list, takes_part });
        greet(sender, takes_part, greeting, host);
        if was_fresh && takes_part {
            self.raise_all(sender, told, host);
        }
        Ok(())
    }

    /// How many memberships a connection has, as a user and as a server.
    pub(super) fn memberships_of(&self, id: ConnectionId) -> usize {
        let Some(slot) = self.parts.connections.get(id.index()) else { return 0 };
        let channels = slot.own.iter(self.parts.pages).filter_map(|(_, channel)| self.channel(channel));
        channels.fold(slot.entered.used(), |sum, channel| sum.saturating_add(channel.users.used()))
    }

    /// Calls `each` for all memberships of a connection, with the connection's side. Those whose
    /// user knocks are left out.
    pub(super) fn for_each_side(&mut self, id: ConnectionId, mut each: impl FnMut(&mut Self, u32, usize)) {
        for number in 0..=u8::MAX {
            if let Some(index) = self.entered(id, number).filter(|index| !self.knocks(*index)) {
                each(self, index, USER);
            }
            let Some(channel) = self.own(id, number) else { continue };
            for user in 0..=u8::MAX {
                if let Some(index) = self.user(channel, user).filter(|index| !self.knocks(*index)) {
                    each(self, index, SERVER);
                }
            }
        }
    }

    /// Gives windows to all that a connection is in, and tells it. The other sides were told that
    /// `told` bytes may be under way to it.
    fn raise_all<H: Host>(&mut self, id: ConnectionId, told: u32, host: &mut H) {
        self.for_each_side(id, |tables, index, side| tables.raise(index, side, told, host));
    }

    /// Gives windows to a membership one side of which takes part from now on, and tells that side.
    fn raise<H: Host>(&mut self, index: u32, side: usize, told: u32, host: &mut H) {
        let Some(membership) = self.membership(index) else { return };
        let (at_user, at_server, number) = (membership.at_user, membership.at_server, membership.number);
        let number = if side == USER { self.shown(index) } else { number };
        let connection = if side == USER { membership.user } else { membership.server };
        let was_asked = self.side_mut(index, side).is_some_and(|slot| core::mem::take(&mut slot.is_asked));
        let (send, receive) = self.raise_flow(index, side, told, host);
        let (own, channel) = if side == USER { (false, at_user) } else { (true, at_server) };
        host.push(connection, &to_endpoint::raised(own, channel, number, send, receive), &[]);
        if was_asked {
            // the relay has not granted what it was asked for, and now it is this side that does
            self.grant_to(index, side, 0, host);
        }
    }

    /// Tells a user that has been admitted after it had said hello, and knocked before. The server
    /// was told that `told` bytes may be under way to it.
    pub(super) fn tell_raised<H: Host>(&mut self, index: u32, told: u32, host: &mut H) {
        let Some(membership) = self.membership(index) else { return };
        let (send, own) = (self.window(membership.server), self.window(membership.user));
        let receive = if told < host.window() { own.max(told) } else { told };
        let raised = to_endpoint::raised(false, membership.at_user, self.shown(index), send, receive);
        host.push(membership.user, &raised, &[]);
    }
}

/// Says the relay's hello.
fn greet<H: Host>(to: ConnectionId, takes_part: bool, greeting: Greeting, host: &mut H) {
    let name = greeting.name.as_bytes();
    let name = name.get(..MAX_PROGRAM).unwrap_or(name);
    let capabilities = items::capabilities(if takes_part { items::TAKES_PART } else { 0 });
    let keepalive = items::number(items::KEEPALIVE, greeting.keepalive);
    // it fits: a name has at most MAX_PROGRAM bytes
    let name_head = items::head(items::NAME, u8::try_from(name.len()).unwrap_or_default());
    let len = capabilities.len().saturating_add(keepalive.len()).saturating_add(name_head.len());
    let Some(head) = to_endpoint::hello(len.saturating_add(name.len())) else { return };
    let mut front = [0; GREETING - MAX_PROGRAM];
    let parts = head.iter().chain(&capabilities).chain(&keepalive).chain(&name_head);
    for (place, byte) in front.iter_mut().zip(parts) {
        *place = *byte;
    }
    host.push(to, &front, name);
}
