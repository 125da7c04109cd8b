//! Hello, in both directions.

use super::state::FlowState;
use crate::bytes::copy_to;
use crate::link::send::Out;
use crate::link::state::Owed;
use crate::protocol::items::{self, MAX_PROGRAM};
use crate::protocol::to_endpoint::Capabilities;
use crate::protocol::to_relay::{self, Command};
use crate::time::Duration;

/// Bytes of the longest hello without a token.
pub(super) const MAX_HELLO: usize = 4 + 3 + 6 + 6 + 2 + MAX_PROGRAM;

/// What a program tells the relay about itself: [`Link::set_hello`](crate::link::Link::set_hello).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Hello {
    /// How long the relay may say nothing before it sends a keepalive: 5 s to 24 h, which the relay
    /// may bound further. `None` for what the relay has. The link waits 4 times as long as the
    /// relay says it will, unless [`Link::set_silence_limit`](crate::link::Link::set_silence_limit)
    /// was called.
    pub keepalive: Option<Duration>,
    /// Name and version of the program, for the relay's log; 64 bytes count.
    pub name: Option<&'static str>,
    /// A token that says which channels this connection may create and enter, for relays that ask
    /// for one: 1 to 4,096 bytes, others are not said. Nothing else is said before it, so the first
    /// command waits for the relay's announcement, one round trip; with a relay that announces
    /// nothing up to 5 s, and the token is not said.
    #[cfg(feature = "admission")]
    pub token: Option<&'static [u8]>,
}

impl FlowState {
    pub(in crate::link) fn set(&mut self, hello: Hello) {
        let seconds = hello.keepalive.map_or(0, |keepalive| keepalive.as_millis().div_ceil(1000));
        self.keepalive = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.name = hello.name;
        #[cfg(feature = "admission")]
        self.set_token(hello.token);
    }
}

impl Out<'_> {
    /// The relay has announced what it can do: hello is owed if it knows that.
    pub(in crate::link) fn announced(&mut self) {
        let knows = self.state.capabilities.contains(Capabilities::HELLO);
        if knows && !self.state.flow.has_said {
            // before anything else that is received, so before any data is sent
            self.state.owed = Owed::Hello;
            self.pay();
        } else if !knows {
            self.has_no_hello();
        }
    }

    /// A command is about to be given. The first one of a connection says by its tag that hello
    /// will come, and how much may be sent to this link until then, if that is less than usual. If
    /// it is not, the tag is 1, and never one that would say so.
    pub(in crate::link) fn begin_tags(&mut self) {
        let flow = &mut self.state.flow;
        if !core::mem::replace(&mut flow.has_begun, true) && !flow.is_known {
            let first = items::first_tag(self.parts.window);
            self.state.tables.last_tag = first.map_or(0, |tag| tag.wrapping_sub(1));
        }
    }

    /// Lets a user in that knocks, refuses or removes it, if there is room.
    #[cfg(feature = "server")]
    pub(in crate::link) fn answer(&mut self, channel: u8, user: u8, ticket: u8, code: u8) {
        let admit = to_relay::admit(channel, user, ticket);
        let refuse = to_relay::refuse(channel, user, ticket, code, 0).unwrap_or_default();
        let remove = to_relay::user_command(Command::RemoveUser, channel, user);
        let bytes: &[u8] = match code {
            0 => &admit,
            super::REMOVE => &remove,
            _ => &refuse,
        };
        if self.state.ring.free(self.parts.transmit) >= bytes.len() {
            self.state.ring.push(self.parts.transmit, bytes);
            self.state.owed = Owed::Nothing;
        }
    }

    /// No slot is free for a user that entered before the hello. Its grants would never come, so it
    /// is removed, if the relay can do that.
    #[cfg(feature = "server")]
    #[cold]
    pub(in crate::link) fn turn_away(&mut self, channel: u8, user: u8) {
        if self.state.flow.has_windows() && self.state.capabilities.contains(Capabilities::REMOVE_USER) {
            self.state.owed = Owed::Answer { channel, user, ticket: 0, code: super::REMOVE };
            self.pay();
        }
    }

    /// Says hello, if there is room.
    pub(in crate::link) fn say_hello(&mut self) {
        /// What stands in front of the items.
        const HEAD: usize = 4;
        let flow = &self.state.flow;
        let name = flow.name.unwrap_or_default().as_bytes();
        let name = name.get(..MAX_PROGRAM).unwrap_or(name);
        let window = items::number(items::WINDOW, super::receiving::own_window(self.parts.window));
        let capabilities = items::capabilities(items::TAKES_PART);
        let keepalive = items::number(items::KEEPALIVE, flow.keepalive);
        let keepalive: &[u8] = if flow.keepalive > 0 { &keepalive } else { &[] };
        let name_head = u8::try_from(name.len()).map_or([0; 2], |len| items::head(items::NAME, len));
        let name_head: &[u8] = if name.is_empty() { &[] } else { &name_head };
        let mut hello = [0; MAX_HELLO];
        let mut len = HEAD;
        for part in [&capabilities[..], &window, keepalive, name_head, name] {
            copy_to(&mut hello, len, part);
            len = len.saturating_add(part.len());
        }
        let Some(head) = to_relay::command_head(Command::Hello, len.saturating_sub(HEAD)) else { return };
        copy_to(&mut hello, 0, &head);
        if self.state.ring.free(self.parts.transmit) < len {
            return;
        }
        self.push_hello(hello.get(..len).unwrap_or(&hello));
        self.state.flow.has_said = true;
        self.say_token();
    }
}
