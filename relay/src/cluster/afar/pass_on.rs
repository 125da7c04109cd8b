//! What the core says to stand-ins, and with it to other relays.

use std::net::IpAddr;

use peote_net::protocol::to_endpoint::{Decoder, Unit};
use peote_net::relay::ConnectionId;

use super::super::line::FULL;
use super::super::member::{Member, Stage};
use super::super::record::{Record, put_number};
use super::super::{Key, RelayId};
use super::heard::{Data, Party, Pending};
use super::{Afar, Role, StandIn, packed};

impl Afar {
    /// Makes records of what the core has said. `user` finds the connection and the address behind
    /// a user of a proxy's channel.
    pub(crate) fn pass_on(
        &mut self,
        now: u64,
        mut user: impl FnMut(ConnectionId, u8) -> Option<(ConnectionId, IpAddr)>,
    ) {
        let mut heard = std::mem::take(&mut self.heard);
        let mut pending = std::mem::take(&mut heard.pending);
        for said in &heard.said {
            let (key, serial) = said.to;
            let is_meant = |stand_in: &&mut StandIn| stand_in.serial == serial && !stand_in.is_over;
            let Some(stand_in) = self.get(key).filter(is_meant) else { continue };
            let (id, peer) = (stand_in.id, stand_in.peer);
            let is_proxy = matches!(stand_in.role, Role::Proxy { .. });
            let mut decoder = Decoder::new();
            for part in [&heard.bytes[said.header.clone()], &heard.bytes[said.payload.clone()]] {
                let mut rest = part;
                if said.header.is_empty() {
                    pending.add_short(key, is_proxy, &mut rest);
                }
                while let Some((used, unit)) = decoder.decode(rest) {
                    rest = rest.get(used..).unwrap_or_default();
                    match unit {
                        Unit::FromUser { user: party, payload, .. }
                        | Unit::FromServer { channel: party, payload } => {
                            pending.add((key, party), payload.bytes());
                        }
                        _ => {
                            self.join_data(&mut pending, peer, now);
                            self.say_data_to(&mut pending, peer, now);
                            let find = |number| id.and_then(|id| user(id, number));
                            self.pass_on_one(key, &unit, find, now);
                        }
                    }
                }
            }
            self.join_data(&mut pending, peer, now);
        }
        while let Some(data) = pending.data.pop() {
            self.say_data(data, now);
        }
        heard.forget();
        heard.pending = pending;
        // the core says nothing meanwhile
        self.heard = heard;
        self.tell_gone(now);
    }

    /// The units that were found last are for one member: they join what is to be said there, or
    /// begin anew.
    fn join_data(&mut self, pending: &mut Pending, peer: RelayId, now: u64) {
        let Some(party) = pending.party.take() else { return };
        let place = pending.data.iter().position(|data| data.peer == peer);
        if let Some(data) = place.and_then(|place| pending.data.get_mut(place))
            && data.first == party
            && data.members.len() == 1
            && data.units.len() < FULL / 2
        {
            data.units.extend_from_slice(&pending.units);
            data.payload += pending.payload;
        } else if let Some((member, is_guest)) = self.member_of(party) {
            match place.and_then(|place| pending.data.get_mut(place)) {
                Some(data) if !is_guest && !data.is_guest && data.units == pending.units => {
                    data.members.push(member);
                }
                _ => {
                    self.say_data_to(pending, peer, now);
                    let (units, payload) = (pending.units.clone(), pending.payload);
                    let members = vec![member];
                    pending.data.push(Data { peer, is_guest, first: party, members, units, payload });
                }
            }
        }
        pending.units.clear();
        pending.payload = 0;
    }

    /// Who gets data that the core has given to a stand-in, and whether it is for a server. Nobody,
    /// if the membership is about to end.
    fn member_of(&mut self, (key, party): Party) -> Option<(u32, bool)> {
        let stand_in = self.get(key)?;
        let peer = stand_in.peer;
        let (member, is_guest) = match &stand_in.role {
            Role::Proxy { members, .. } => (*members.get(&party)?, true),
            Role::Double { entered, .. } => (*entered.get(&party)?, false),
        };
        let found = self.member(peer, member, is_guest)?;
        (found.stage == Stage::In && found.ending.is_none()).then_some((member, is_guest))
    }

    /// Says what is to be said to a relay, because something comes behind it.
    fn say_data_to(&mut self, pending: &mut Pending, peer: RelayId, now: u64) {
        if let Some(place) = pending.data.iter().position(|data| data.peer == peer) {
            let data = pending.data.swap_remove(place);
            self.say_data(data, now);
        }
    }

    /// Data of this relay goes across, once for all members. One who has sent more than can be
    /// honest is in the channel no more.
    fn say_data(&mut self, data: Data, now: u64) {
        let Data { peer, is_guest, members, units, payload, .. } = data;
        let mut list = Vec::with_capacity(members.len() + 4);
        for member in members {
            let Some(found) = self.member(peer, member, is_guest) else { continue };
            if found.ending.is_some() {
                continue;
            }
            if !found.count_sent(payload) {
                self.end_liar(peer, member, is_guest, now);
            } else if is_guest {
                return self.say(peer, &Record::ToServer { member, units: &units }, now);
            } else {
                put_number(&mut list, member);
            }
        }
        if list.is_empty() {
            return;
        }
        let peer = self.peer(peer, now);
        let members = if peer.said_to == list { &[][..] } else { &list };
        Record::ToUsers { members, units: &units }.put(peer.line.message());
        peer.said_to = list;
    }

    fn pass_on_one(
        &mut self,
        key: Key,
        unit: &Unit<'_>,
        user_of: impl FnOnce(u8) -> Option<(ConnectionId, IpAddr)>,
        now: u64,
    ) {
        let Some(stand_in) = self.get(key) else { return };
        let peer = stand_in.peer;
        match (&mut stand_in.role, *unit) {
            (Role::Proxy { members, .. }, Unit::GrantFromUser { user, bytes, .. }) => {
                let Some(member) = members.get(&user).copied() else { return };
                self.granted(peer, member, true, bytes, now);
            }
            (Role::Double { entered, .. }, Unit::GrantFromServer { channel, bytes }) => {
                let Some(member) = entered.get(&channel).copied() else { return };
                self.granted(peer, member, false, bytes, now);
            }
            (Role::Proxy { name, .. }, Unit::Knock { user, ticket, window, words, .. }) => {
                let name = name.clone();
                let Some((connection, address)) = user_of(user) else { return };
                self.knocked(key, (user, ticket, window), (connection, address), &name, words.bytes(), now);
            }
            (Role::Proxy { members, .. }, Unit::UserGone { user, reason, .. }) => {
                let Some(member) = members.get(&user).copied() else { return };
                self.forget_member(peer, member, true);
                self.say(peer, &Record::Leave { member, code: reason }, now);
                self.forget_user(key, user);
            }
            (Role::Proxy { .. }, Unit::Refused { .. }) => self.fail(key, now),
            (Role::Double { entered, tags, .. }, Unit::Entered { tag, channel, user, window }) => {
                let Some(member) = tags.remove(&tag) else { return };
                entered.insert(channel, member);
                self.entered(peer, member, (channel, user, window), now);
            }
            (Role::Double { tags, .. }, Unit::Refused { tag, code, words }) => {
                let Some(member) = tags.remove(&tag) else { return };
                self.forget_member(peer, member, false);
                self.say(peer, &Record::Refused { member, code, words: words.bytes() }, now);
                self.close_double(key);
            }
            (Role::Double { entered, .. }, Unit::ChannelGone { channel, reason }) => {
                let Some(member) = entered.remove(&channel) else { return };
                self.forget_member(peer, member, false);
                self.say(peer, &Record::Gone { member, code: reason }, now);
                self.close_double(key);
            }
            // keepalives, answers to hello and create, and what does not concern stand-ins
            _ => {}
        }
    }

    fn end_liar(&mut self, peer: RelayId, member: u32, is_guest: bool, now: u64) {
        if is_guest {
            self.say(peer, &Record::Leave { member, code: 3 }, now);
            self.end_guest(peer, member, 3);
        } else {
            self.say(peer, &Record::Gone { member, code: 3 }, now);
            if let Some(found) = self.member(peer, member, false) {
                found.ending = Some(3);
            }
            self.end_hosted(peer, member);
        }
    }

    fn granted(&mut self, peer: RelayId, member: u32, is_guest: bool, bytes: u32, now: u64) {
        let Some(found) = self.member(peer, member, is_guest) else { return };
        if bytes > 0 {
            found.window = found.window.saturating_add(i64::from(bytes));
            self.hand_on(peer, member, is_guest, &[], now);
            return;
        }
        // it waits for more than there is: the other side is to say all that it has handed on
        let record = match is_guest {
            true => Record::UserTook { member, bytes: 0 },
            false => Record::ServerTook { member, bytes: 0 },
        };
        // an ask goes where data goes
        self.say(peer, &record, now);
    }

    fn knocked(
        &mut self,
        key: Key,
        (user, ticket, window): (u8, u8, u32),
        (connection, address): (ConnectionId, IpAddr),
        name: &[u8],
        words: &[u8],
        now: u64,
    ) {
        let Some(stand_in) = self.get(key) else { return };
        let peer = stand_in.peer;
        let connection = packed(connection);
        let slot = self.peer(peer, now);
        slot.next_member = slot.next_member.wrapping_add(1);
        let member = slot.next_member;
        let mut new = Member::new(key, Stage::Knocking { ticket });
        (new.at, new.window) = (user, i64::from(window));
        slot.guests.insert(member, new);
        if let Some(StandIn { role: Role::Proxy { members, .. }, .. }) = self.get(key) {
            members.insert(user, member);
        }
        let relays = self.travellers.entry(connection).or_default();
        if !relays.contains(&peer) {
            relays.push(peer);
        }
        self.say(peer, &Record::Knock { member, connection, address, name, words }, now);
    }

    fn entered(&mut self, peer: RelayId, member: u32, (channel, user, window): (u8, u8, u32), now: u64) {
        let Some(found) = self.member(peer, member, false) else { return };
        (found.stage, found.at, found.window) = (Stage::In, channel, i64::from(window));
        if found.ending.is_some() {
            return self.end_hosted(peer, member);
        }
        self.say(peer, &Record::Admitted { member, number: user }, now);
    }
}
