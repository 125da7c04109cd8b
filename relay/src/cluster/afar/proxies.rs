//! How proxies come and go.

use std::net::IpAddr;

use foldhash::{HashMap as ByNumber, HashMapExt};
use peote_net::protocol::to_relay::{self, Command};

use super::super::record::Record;
use super::super::{Key, RelayId};
use super::{Afar, Role, StandIn, Todo};

/// The tag of a proxy's command to create.
const CREATE: u8 = 1;

/// Milliseconds after which a proxy goes at which no user has knocked: the one that it was made for
/// has gone.
pub(super) const UNUSED: u64 = 5000;

impl Afar {
    /// Whether a proxy is being made, or there is one.
    pub(crate) fn has_proxy(&self, name: &[u8]) -> bool {
        self.proxies.contains_key(name)
    }

    /// Makes a proxy of a channel of another relay.
    pub(crate) fn make_proxy(&mut self, peer: RelayId, name: &[u8], now: u64) {
        let role = Role::Proxy { name: name.into(), members: ByNumber::new() };
        let key = self.add(peer, role, IpAddr::from([0, 0, 0, 0]));
        self.young.push_back((now, key, self.serials));
        self.proxies.insert(name.into(), key);
        if let Some(create) = to_relay::name_command(Command::Create, CREATE, name) {
            self.push_bytes(key, &[&create, name]);
        }
    }

    /// A proxy has a user less. One without users goes, behind what it still has to say, unless
    /// another one knocks until then.
    pub(super) fn forget_user(&mut self, key: Key, user: u8) {
        let Some(StandIn { role: Role::Proxy { members, .. }, .. }) = self.get(key) else { return };
        members.remove(&user);
        if members.is_empty() {
            self.push(key, Todo::CloseUnused);
        }
    }

    /// A proxy goes now, even if there is something left to hear or to say: the channel that it
    /// stands for is gone.
    pub(crate) fn end_proxy(&mut self, name: &[u8], now: u64) {
        let Some(key) = self.proxies.get(name).copied() else { return };
        let Some(StandIn { peer, role: Role::Proxy { members, .. }, .. }) = self.get(key) else { return };
        let (peer, members) = (*peer, members.values().copied().collect::<Vec<_>>());
        for member in members {
            let ending = self.member(peer, member, true).and_then(|found| found.ending);
            if ending.is_none() {
                self.say(peer, &Record::Leave { member, code: 1 }, now);
            }
            self.end_guest(peer, member, ending.unwrap_or(1));
        }
        if let Some(stand_in) = self.get(key) {
            stand_in.is_over = true;
        }
        self.push(key, Todo::CloseUnused);
    }

    /// Proxies go that were made a while ago and have no users.
    pub(crate) fn end_unused(&mut self, now: u64) {
        while self.young.front().is_some_and(|(made, ..)| made + UNUSED <= now)
            && let Some((_, key, serial)) = self.young.pop_front()
        {
            if self.get(key).is_some_and(|stand_in| stand_in.serial == serial && !stand_in.is_over) {
                self.push(key, Todo::CloseUnused);
            }
        }
    }

    /// Whether a proxy has no members any more. Its name is free for another one then.
    pub(super) fn is_unused(&mut self, key: Key) -> bool {
        let Some(StandIn { role: Role::Proxy { name, members }, .. }) = self.get(key) else { return true };
        if !members.is_empty() {
            return false;
        }
        let name = name.clone();
        if self.proxies.get(&name) == Some(&key) {
            self.proxies.remove(&name);
            self.unused.push(name);
        }
        true
    }
}
