//! Who takes part, and how many bytes may be under way.

use std::ops::RangeInclusive;

use super::{Key, Model, Stage};

/// Grants count as no more than this.
pub(super) const MOST: u32 = (1 << 31) - 1;

/// Bytes between two existing endpoints above which the relay remembers them no longer.
const REMEMBERED: u64 = 65_536;

/// The two ways of a membership, by who receives.
pub(super) const USER: usize = 0;
pub(super) const SERVER: usize = 1;

pub(super) type Sides = [Side; 2];

/// One way of a membership.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// What an existing sender may still send to a receiver that has a window.
    pub(super) left: Option<u32>,
    /// What was sent while both were existing endpoints.
    pub(super) before: u64,
    /// What was queued for a receiver that takes part although its queue had no room, less what was
    /// granted since.
    pub(super) over: u64,
    /// What was queued for an existing receiver although its queue had no room, since it was empty.
    pub(super) above: u64,
}

impl Model {
    pub(super) fn takes_part(&self, of: usize) -> bool {
        self.endpoints[&of].stage == Stage::Part
    }

    /// What may be under way to an endpoint.
    pub(super) fn window_of(&self, of: usize) -> u32 {
        if self.has_window(of) { self.endpoints[&of].window } else { self.window }
    }

    pub(super) fn says_hello(&mut self, from: usize, mut items: &[u8]) {
        let (mut capabilities, mut window) = (None, 0);
        while let [kind, len, behind @ ..] = items
            && let Some((bytes, rest)) = behind.split_at_checked(usize::from(*len))
        {
            items = rest;
            match (kind, bytes) {
                (1, [bits, ..]) => capabilities = Some(*bits),
                (6, [a, b, c, d, ..]) => window = u32::from_le_bytes([*a, *b, *c, *d]),
                _ => {}
            }
        }
        let told = self.window_of(from);
        let wants = capabilities.is_some_and(|bits| bits & 1 == 1) && window > 0;
        let begins = self.may_say_hello(from) && wants;
        if begins {
            let endpoint = self.endpoints.get_mut(&from).unwrap();
            (endpoint.stage, endpoint.window) = (Stage::Part, window);
        } else if capabilities.is_some() {
            self.is_no_longer_fresh(from);
        }
        let endpoint = &self.endpoints[&from];
        let part = u8::from(endpoint.stage == Stage::Part);
        self.control(from, &[0, 3, 1, 1, part, 2, 4, 9, 0, 0, 0, 3, 1, b'r']);
        if !begins {
            return;
        }
        for number in 0..128 {
            if let Some(name) = self.endpoints[&from].entered.used.get(&number).cloned() {
                let users = &self.channels[&name].users.used;
                let user = *users.iter().find(|(_, user)| user.connection == from).unwrap().0;
                self.raise(&name, user, USER, told);
            }
            if let Some(name) = self.endpoints[&from].own.used.get(&number).cloned() {
                let users: Vec<u8> = self.channels[&name].users.used.keys().copied().collect();
                for user in users {
                    self.raise(&name, user, SERVER, told);
                }
            }
        }
    }

    /// Where what the receiver of a way grants is told: who sends there, and what data for it is
    /// headed with.
    pub(super) fn sender_of(&self, name: &[u8], user: u8, side: usize) -> Key {
        let channel = &self.channels[name];
        let member = &channel.users.used[&user];
        match side {
            USER => (channel.server, vec![channel.number | 128, user]),
            _ => (member.connection, vec![member.number_there]),
        }
    }

    pub(super) fn receiver_of(&self, name: &[u8], user: u8, side: usize) -> usize {
        self.sender_of(name, user, 1 - side).0
    }

    pub(super) fn side(&mut self, name: &[u8], user: u8, side: usize) -> &mut Side {
        let channel = self.channels.get_mut(name).unwrap();
        &mut channel.users.used.get_mut(&user).unwrap().sides[side]
    }

    /// A membership begins, or one side of it takes part from now on.
    pub(super) fn begin(&mut self, name: &[u8], user: u8) {
        for side in [USER, SERVER] {
            let key = self.sender_of(name, user, side);
            let receiver = self.receiver_of(name, user, side);
            let is_held = self.has_window(receiver) && !self.takes_part(key.0);
            let left = is_held.then(|| self.window_of(receiver).min(MOST));
            *self.side(name, user, side) = Side { left, ..Side::default() };
            self.begin_grants(&key);
        }
    }

    /// One side of a membership takes part from now on, and is told where the windows begin. The
    /// other side was told that `told` bytes may be under way there.
    fn raise(&mut self, name: &[u8], user: u8, side: usize, told: u32) {
        let channel = &self.channels[name];
        let member = &channel.users.used[&user];
        if member.knock.is_some() {
            return;
        }
        let number = if side == USER { member.number_there } else { channel.number | 128 };
        let (this, key) = (self.receiver_of(name, user, side), self.sender_of(name, user, side));
        let other = key.0;
        let (before, own) = (self.side(name, user, side).before, self.window_of(this));
        let was_awaited = told < self.window;
        let from_part = self.takes_part(other);
        // what the relay has granted, and the sender has not heard yet, is not known
        let receive = if from_part {
            let owed = u32::try_from(self.owed(&key)).unwrap();
            let window = if was_awaited { own.max(told) } else { told };
            window.saturating_sub(owed)..=window
        } else if was_awaited {
            let left = self.side(name, user, side).left.unwrap();
            let receive = own.saturating_sub(told.saturating_sub(left));
            receive..=receive
        } else if before > REMEMBERED {
            0..=0
        } else {
            let receive = own.saturating_sub(u32::try_from(before).unwrap());
            receive..=receive
        };
        let (window, all_owed) = (*receive.end(), self.owed(&key));
        let send = self.window_of(other);
        let receive = self.tell_raised(this, number, user, send, receive);
        let owed = u64::from(window - receive);
        let was_asked = from_part && self.was_asked(&key, owed);
        self.begin(name, user);
        if !from_part {
            self.side(name, user, side).left = Some(receive.min(MOST));
            return;
        }
        // the same number says more than a window that is used up
        if receive > 0 {
            self.is_still_granted(&key, all_owed - owed);
        }
        if was_awaited && own > told {
            self.pass_grant(key, (own - told).min(MOST));
        }
        let to_this = self.sender_of(name, user, 1 - side);
        match (was_asked, receive) {
            (false, _) => {}
            // from here on it is this side that grants
            (true, 1..) => self.pass_grant(to_this, 0),
            (true, 0) => self.may_ask(to_this),
        }
    }

    /// Tells one side where the windows begin. Returns what it may receive, which is what the relay
    /// has said.
    pub(super) fn tell_raised(
        &mut self,
        to: usize,
        number: u8,
        user: u8,
        send: u32,
        receive: RangeInclusive<u32>,
    ) -> u32 {
        let (heard_by, said) = self.seen.raised.pop_front().expect("it is raised");
        assert!(heard_by == to && receive.contains(&said), "{said} is not in {receive:?}");
        let numbers = [send.to_le_bytes(), said.to_le_bytes()].concat();
        self.control(to, &[&[0, 6, number, user][..], &numbers].concat());
        said
    }

    /// Bytes are forwarded.
    pub(super) fn count(&mut self, from: usize, id: u64, to: usize, len: usize) {
        let (name, user, side) = self.way_of(id, to);
        match (self.takes_part(from), self.has_window(to)) {
            (true, true) if self.takes_part(to) => {}
            (true, _) => {
                let key = self.sender_of(&name, user, side);
                self.is_owed(key, len as u64);
            }
            (false, true) => {
                let left = self.side(&name, user, side).left.as_mut().expect("its window is known");
                let len = u32::try_from(len).unwrap();
                *left = left.checked_sub(len).expect("an existing endpoint is held to the window");
            }
            (false, false) => self.side(&name, user, side).before += len as u64,
        }
    }

    /// A sender that does not take part waits for a window: there has to be one that is used up.
    pub(in crate::relay) fn waits_for_a_window(&self, from: usize) -> bool {
        let is_used_up = |side: &Side| side.left == Some(0);
        self.channels.values().any(|channel| {
            channel.users.used.values().any(|user| {
                (channel.server == from && is_used_up(&user.sides[USER]))
                    || (user.connection == from && is_used_up(&user.sides[SERVER]))
            })
        })
    }

    /// A membership ends for its window.
    pub(super) fn end_too_slow(&mut self, user: usize, name: &[u8]) {
        let channel = self.channels.get_mut(name).unwrap();
        let (server, at_server) = (channel.server, channel.number);
        let (&number, _) = channel.users.used.iter().find(|(_, member)| member.connection == user).unwrap();
        let member = channel.users.release(number, true, self.now).unwrap();
        self.alive.remove(&member.id);
        let now = self.now;
        self.endpoints.get_mut(&user).unwrap().entered.release(member.number_there, true, now);
        let code = |part| if part { 3 } else { 1 };
        let (at_user, to_server) = (code(self.takes_part(user)), code(self.takes_part(server)));
        self.control(user, &[0, 2, member.number_there, at_user]);
        self.control(server, &[0, 1, at_server, number, to_server]);
    }

    pub(super) fn granted(&mut self, from: usize, payload: &[u8]) {
        let (found, bytes, side) = match *payload {
            [channel @ 0..=127, a, b, c, d] => {
                let name = self.endpoints[&from].entered.used.get(&channel);
                let found = name.map(|name| {
                    let users = &self.channels[name].users.used;
                    (name.clone(), *users.iter().find(|(_, user)| user.connection == from).unwrap().0)
                });
                (found, [a, b, c, d], USER)
            }
            [channel @ 128..=255, user, a, b, c, d] => {
                let name = self.endpoints[&from].own.used.get(&(channel - 128)).cloned();
                (name.map(|name| (name, user)), [a, b, c, d], SERVER)
            }
            _ => return,
        };
        let Some((name, user)) = found else { return };
        let member = self.channels[&name].users.used.get(&user);
        if member.is_none_or(|member| member.knock.is_some()) {
            return;
        }
        let bytes = u32::from_le_bytes(bytes).min(MOST);
        let (sender, head) = self.sender_of(&name, user, side);
        if self.takes_part(sender) {
            let over = &mut self.side(&name, user, side).over;
            *over = over.saturating_sub(u64::from(bytes));
            self.pass_grant((sender, head), bytes);
        } else if bytes > 0 {
            let left = self.side(&name, user, side).left.as_mut().unwrap();
            *left = left.saturating_add(bytes).min(MOST);
        } else {
            // it asks for what the relay owes it, for the other side
            let key = self.sender_of(&name, user, 1 - side);
            self.asks_the_relay(&key);
        }
    }
}
