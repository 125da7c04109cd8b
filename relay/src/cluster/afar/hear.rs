//! What other relays say about memberships.

use std::net::IpAddr;

use foldhash::{HashMap as ByNumber, HashMapExt};
use peote_net::protocol::to_relay::{self, Command};

use super::super::member::{Member, Stage};
use super::super::record::{Record, members};
use super::super::{Key, RelayId};
use super::{Afar, Ending, Role, StandIn, Todo};

impl Afar {
    /// Another relay says this: records, one after the other. Returns false if there is one without
    /// a meaning, or that none says that keeps to the rules.
    pub(crate) fn hear_records(&mut self, peer: RelayId, mut records: &[u8], now: u64) -> bool {
        let mut list = std::mem::take(&mut self.peer(peer, now).heard_for);
        // broadcasts for the same users, one behind the other: each user gets them at once
        let mut units = Vec::new();
        while let Some(record) = Record::take(&mut records) {
            match record {
                Record::ToUsers { members: named, units: more } => {
                    if !named.is_empty() {
                        if !self.carry_to_all(peer, &list, &mut units, now) {
                            return false;
                        }
                        list = named.into();
                    } else if list.is_empty() {
                        return false;
                    }
                    units.extend_from_slice(more);
                }
                record => {
                    let keeps = self.carry_to_all(peer, &list, &mut units, now);
                    if !keeps || !self.hear_record(peer, &record, now) {
                        return false;
                    }
                }
            }
        }
        let keeps = self.carry_to_all(peer, &list, &mut units, now);
        self.peer(peer, now).heard_for = list;
        keeps && records.is_empty()
    }

    fn carry_to_all(&mut self, peer: RelayId, list: &[u8], units: &mut Vec<u8>, now: u64) -> bool {
        let keeps =
            units.is_empty() || members(list).all(|member| self.carry(peer, member, true, units, now));
        units.clear();
        keeps
    }

    /// Returns false if that is nothing that one says that keeps to the rules.
    pub(super) fn hear_record(&mut self, peer: RelayId, record: &Record<'_>, now: u64) -> bool {
        match *record {
            Record::Knock { member, .. } if self.member(peer, member, false).is_some() => return false,
            Record::Knock { member, connection, address, name, words } => {
                self.knock(peer, member, (connection, address), (name, words), now);
            }
            Record::Leave { member, code } => self.leave(peer, member, code, now),
            Record::ToServer { member, units } => return self.carry(peer, member, false, units, now),
            Record::ToUsers { .. } => {}
            Record::UserTook { member, bytes } => self.took(peer, member, false, bytes, now),
            Record::ServerTook { member, bytes } => self.took(peer, member, true, bytes, now),
            Record::ConnectionGone { connection } => {
                let slot = self.peers.get_mut(&peer);
                if let Some(key) = slot.and_then(|peer| peer.doubles.remove(&connection)) {
                    self.lose_double(peer, key, now);
                }
            }
            Record::Admitted { member, number } => self.admitted(peer, member, number),
            Record::Refused { member, code, words } => self.refused(peer, member, code, words),
            Record::Gone { member, code } => self.gone(peer, member, code, now),
        }
        true
    }

    /// The endpoint that a double stands for is gone. What it has said comes first, in each channel
    /// as far as its server takes it; the double goes with its last membership.
    pub(super) fn lose_double(&mut self, peer: RelayId, key: Key, now: u64) {
        let Some(StandIn { role: Role::Double { entered, tags, is_gone, .. }, .. }) = self.get(key) else {
            return;
        };
        *is_gone = true;
        let members: Vec<u32> = entered.values().chain(tags.values()).copied().collect();
        for member in members {
            self.leave(peer, member, 1, now);
        }
        self.close_double(key);
    }

    /// A double without memberships goes if its endpoint is gone.
    pub(super) fn close_double(&mut self, key: Key) {
        if let Some(stand_in) = self.get(key)
            && let Role::Double { entered, tags, is_gone: true, .. } = &stand_in.role
            && entered.is_empty()
            && tags.is_empty()
            && !matches!(stand_in.todo.back(), Some(Todo::Close))
        {
            self.push(key, Todo::Close);
        }
    }

    pub(super) fn knock(
        &mut self,
        peer: RelayId,
        member: u32,
        (connection, address): (u64, IpAddr),
        (name, words): (&[u8], &[u8]),
        now: u64,
    ) {
        if self.here.get(name) != Some(&false) {
            return self.say(peer, &Record::Refused { member, code: 1, words: &[] }, now);
        }
        let double = self.peer(peer, now).doubles.get(&connection).copied();
        let key = double.unwrap_or_else(|| {
            let (entered, tags) = (ByNumber::new(), ByNumber::new());
            self.add(peer, Role::Double { connection, entered, tags, next_tag: 1, is_gone: false }, address)
        });
        self.peer(peer, now).doubles.insert(connection, key);
        let Some(StandIn { role: Role::Double { tags, next_tag, .. }, .. }) = self.get(key) else { return };
        let free = (0..=u8::MAX)
            .map(|step| next_tag.wrapping_add(step))
            .find(|tag| *tag != 0 && !tags.contains_key(tag));
        let Some(tag) = free else {
            return self.say(peer, &Record::Refused { member, code: 8, words: &[] }, now);
        };
        tags.insert(tag, member);
        *next_tag = tag.wrapping_add(1);
        self.peer(peer, now).hosted.insert(member, Member::new(key, Stage::Entering { tag }));
        if let (false, Some(head)) = (words.is_empty(), to_relay::command_head(Command::Words, words.len())) {
            self.push_bytes(key, &[&head, words]);
        }
        if let Some(head) = to_relay::name_command(Command::Enter, tag, name) {
            self.push_bytes(key, &[&head, name]);
        }
    }

    pub(super) fn leave(&mut self, peer: RelayId, member: u32, code: u8, now: u64) {
        let Some(found) = self.begin_end(peer, member, false, code, now) else { return };
        let key = found.stand_in;
        match found.stage {
            Stage::Entering { tag } => self.push(key, Todo::LoseKnock(tag)),
            _ if found.is_carried() => self.end_hosted(peer, member),
            _ => {}
        }
    }

    /// A membership is to end with that code when what waits in it has been handed on, or after a
    /// while.
    fn begin_end(
        &mut self,
        peer: RelayId,
        member: u32,
        is_guest: bool,
        code: u8,
        now: u64,
    ) -> Option<&mut Member> {
        let (waits, key) = {
            let found = self.member(peer, member, is_guest)?;
            found.ending = Some(code);
            (!found.is_carried(), found.stand_in)
        };
        if waits {
            self.endings.push_back(Ending { since: now, peer, member, is_guest, key });
        }
        self.member(peer, member, is_guest)
    }

    /// Memberships that were to end before that time end, and what waits in them is lost.
    pub(crate) fn end_late(&mut self, before: u64) {
        while self.endings.front().is_some_and(|ending| ending.since <= before)
            && let Some(late) = self.endings.pop_front()
        {
            let Some(found) = self.member(late.peer, late.member, late.is_guest) else { continue };
            let Some(code) = found.ending.filter(|_| found.stand_in == late.key) else { continue };
            if late.is_guest {
                self.end_guest(late.peer, late.member, code);
            } else {
                self.end_hosted(late.peer, late.member);
            }
        }
    }

    /// A user of another relay leaves a channel of this one, behind all that it has said.
    pub(super) fn end_hosted(&mut self, peer: RelayId, member: u32) {
        let Some(found) = self.forget_member(peer, member, false) else { return };
        let (key, at) = (found.stand_in, found.at);
        if let Some(StandIn { role: Role::Double { entered, .. }, .. }) = self.get(key) {
            entered.remove(&at);
        }
        if found.ending == Some(0) {
            self.push_bytes(key, &[&to_relay::number_command(Command::Leave, at)]);
        } else {
            self.push(key, Todo::LoseEntered(at));
        }
        self.close_double(key);
    }

    /// Whether a double that was to knock no more did knock.
    pub(crate) fn lost_knock(&mut self, key: Key, tag: u8, did_knock: bool) {
        if !did_knock {
            return; // the answer is under way, and it leaves when that has come
        }
        let Some(stand_in) = self.get(key) else { return };
        let peer = stand_in.peer;
        if let Role::Double { tags, .. } = &mut stand_in.role
            && let Some(member) = tags.remove(&tag)
        {
            self.forget_member(peer, member, false);
            self.close_double(key);
        }
    }

    pub(super) fn member(&mut self, peer: RelayId, member: u32, is_guest: bool) -> Option<&mut Member> {
        let peer = self.peers.get_mut(&peer)?;
        if is_guest { peer.guests.get_mut(&member) } else { peer.hosted.get_mut(&member) }
    }

    /// Units come from the other relay, for a user (`is_guest`) or for a server of this one. Returns
    /// whether so many may.
    pub(super) fn carry(
        &mut self,
        peer: RelayId,
        member: u32,
        is_guest: bool,
        units: &[u8],
        now: u64,
    ) -> bool {
        let found = self.member(peer, member, is_guest);
        found.is_none_or(|found| found.ending.is_some()) || self.hand_on(peer, member, is_guest, units, now)
    }

    /// Hands on what waits, and behind that `units`, as far as the window of the receiver allows.
    /// The rest waits. Returns whether so much may wait.
    pub(super) fn hand_on(
        &mut self,
        peer: RelayId,
        member: u32,
        is_guest: bool,
        mut units: &[u8],
        now: u64,
    ) -> bool {
        let Some(slot) = self.peers.get_mut(&peer) else { return true };
        let found = if is_guest { slot.guests.get_mut(&member) } else { slot.hosted.get_mut(&member) };
        let Some(found) = found else { return true };
        let Some(Some(stand_in)) = self.stand_ins.get_mut(found.stand_in) else { return true };
        let (key, at) = (found.stand_in, found.at);
        if !matches!(stand_in.todo.back(), Some(Todo::Bytes(_))) {
            stand_in.todo.push_back(Todo::Bytes(Vec::new()));
        }
        let Some(Todo::Bytes(bytes)) = stand_in.todo.back_mut() else { return true };
        let before = bytes.len();
        let mut put = |piece: &[u8]| {
            let header = if is_guest {
                to_relay::data_from_server(0, at, piece.len())
            } else {
                to_relay::data_from_user(at, piece.len())
            };
            // those of short units by a length that the compiler knows
            match *header.as_bytes() {
                [size, channel] => bytes.extend_from_slice(&[size, channel]),
                [size, channel, user] => bytes.extend_from_slice(&[size, channel, user]),
                ref long => bytes.extend_from_slice(long),
            }
            bytes.extend_from_slice(piece);
        };
        let memory = found.memory();
        found.pass_waiting(&mut put);
        found.pass(&mut units, &mut put);
        let mut keeps = true;
        if !units.is_empty() {
            keeps = found.keep(units);
            found.pass_waiting(&mut put);
        }
        self.waiting = self.waiting + found.memory() - memory;
        let has_some = bytes.len() > before;
        let told = found.take_told();
        let is_over = found.ending.is_some() && found.is_carried();
        let ending = found.ending.unwrap_or_default();
        if has_some {
            self.list(key);
        }
        if told > 0 {
            let record = match is_guest {
                true => Record::UserTook { member, bytes: told },
                false => Record::ServerTook { member, bytes: told },
            };
            self.say(peer, &record, now);
        }
        if is_over && is_guest {
            self.end_guest(peer, member, ending);
        } else if is_over {
            self.end_hosted(peer, member);
        }
        keeps
    }

    /// The other side has handed on so many bytes, or (0) asks for being told so.
    pub(super) fn took(&mut self, peer: RelayId, member: u32, is_guest: bool, bytes: u32, now: u64) {
        let Some(found) = self.member(peer, member, is_guest) else { return };
        if bytes == 0 {
            found.is_asked = true;
            self.hand_on(peer, member, is_guest, &[], now);
            return;
        }
        found.outstanding = found.outstanding.saturating_sub(bytes);
        let (key, at) = (found.stand_in, found.at);
        if is_guest {
            self.push_bytes(key, &[&to_relay::grant_user(0, at, bytes)]);
        } else {
            self.push_bytes(key, &[&to_relay::grant_server(at, bytes)]);
        }
    }

    pub(super) fn admitted(&mut self, peer: RelayId, member: u32, number: u8) {
        let Some(found) = self.member(peer, member, true) else { return };
        let Stage::Knocking { ticket } = found.stage else { return };
        found.stage = Stage::In;
        let (key, user) = (found.stand_in, found.at);
        self.push(key, Todo::Admit { user, ticket, number });
    }

    pub(super) fn refused(&mut self, peer: RelayId, member: u32, code: u8, words: &[u8]) {
        let Some(found) = self.member(peer, member, true) else { return };
        let Stage::Knocking { ticket } = found.stage else { return };
        let (key, user) = (found.stand_in, found.at);
        self.forget_member(peer, member, true);
        self.push(key, Todo::Refuse { user, ticket, code, words: words.into() });
        self.forget_user(key, user);
    }

    pub(super) fn gone(&mut self, peer: RelayId, member: u32, code: u8, now: u64) {
        if self.begin_end(peer, member, true, code, now).is_some() {
            self.hand_on(peer, member, true, &[], now);
        }
    }

    pub(super) fn end_guest(&mut self, peer: RelayId, member: u32, code: u8) {
        let Some(found) = self.forget_member(peer, member, true) else { return };
        self.push(found.stand_in, Todo::EndUser { user: found.at, code });
        self.forget_user(found.stand_in, found.at);
    }
}
