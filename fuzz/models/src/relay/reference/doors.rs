//! Users that knock, and whom broadcasts leave out.

use super::Model;
use super::windows::MOST;

/// Milliseconds after which a user that knocks is refused.
const PATIENCE: u64 = 10_000;

/// A user that is not in yet.
#[derive(Debug)]
pub(super) struct Knock {
    tag: u8,
    ticket: u8,
    /// It took part when it knocked.
    took_part: bool,
    /// What the server was told may be under way to it.
    told: u32,
    until: u64,
}

impl Knock {
    pub(super) const fn new(tag: u8, took_part: bool, now: u64) -> Self {
        Self { tag, ticket: 0, took_part, told: 0, until: now + PATIENCE }
    }
}

impl Model {
    pub(super) fn knocks(&self, from: usize, number: u8) -> bool {
        let Some(name) = self.endpoints[&from].entered.used.get(&number) else { return false };
        let mut users = self.channels[name].users.used.values();
        users.any(|user| user.connection == from && user.knock.is_some())
    }

    /// The server of a channel is asked.
    pub(super) fn knock(&mut self, name: &[u8], user: u8, words: &[u8]) {
        self.ticket = self.ticket.wrapping_add(1);
        let channel = self.channels.get_mut(name).unwrap();
        let (server, number) = (channel.server, channel.number);
        let member = channel.users.used.get_mut(&user).unwrap();
        let knock = member.knock.as_mut().unwrap();
        knock.ticket = self.ticket;
        let front = [0, 4, number, user, self.ticket, u8::from(knock.took_part)];
        let told = self.window_of(self.channels[name].users.used[&user].connection);
        let member = self.channels.get_mut(name).unwrap().users.used.get_mut(&user).unwrap();
        member.knock.as_mut().unwrap().told = told;
        self.control(server, &[&front[..], &told.to_le_bytes(), words].concat());
    }

    /// The command with which the server `of` a channel answers the first that knocks at one of its
    /// doors: admits it, or refuses it with a code and words.
    pub(in crate::relay) fn answer(&self, of: usize, refusal: Option<(u8, &[u8])>) -> Option<Vec<u8>> {
        let knocking = |channel: &super::Channel| {
            let (user, member) = channel.users.used.iter().find(|(_, user)| user.knock.is_some())?;
            Some([channel.number, *user, member.knock.as_ref()?.ticket])
        };
        let own = self.channels.values().filter(|channel| channel.server == of);
        let who = own.into_iter().find_map(knocking)?;
        Some(match refusal {
            None => [&[0, 9, 0, 3][..], &who].concat(),
            Some((code, words)) => {
                let len = u8::try_from(words.len() + 4).unwrap();
                [&[0, 10, 0, len][..], &who, &[code], words].concat()
            }
        })
    }

    /// A server has decided.
    pub(super) fn verdict(&mut self, from: usize, admits: bool, payload: &[u8]) {
        let (who, code, words) = match (admits, payload) {
            (true, [channel, user, ticket]) => ((channel, user, ticket), 0, &[][..]),
            (false, [channel, user, ticket, code, words @ ..]) if words.len() <= 200 => {
                ((channel, user, ticket), if *code == 4 { 4 } else { 7 }, words)
            }
            _ => return,
        };
        let (number, user, ticket) = who;
        let Some(name) = self.endpoints[&from].own.used.get(number).cloned() else { return };
        let Some(member) = self.channels.get_mut(&name).unwrap().users.used.get_mut(user) else { return };
        if member.knock.as_ref().is_none_or(|knock| knock.ticket != *ticket) {
            return;
        }
        if !admits {
            return self.refuse(&name, *user, code, words);
        }
        let knock = member.knock.take().unwrap();
        let (id, connection, there) = (member.id, member.connection, member.number_there);
        self.alive.insert(id);
        self.begin(&name, *user);
        let window = self.window_of(from);
        let mut answer = vec![knock.tag, 0, there];
        if knock.took_part {
            answer.push(*user);
            answer.extend(window.to_le_bytes());
        }
        if knock.tag != 0 {
            self.control(connection, &answer);
        }
        if knock.took_part {
            return;
        }
        let (own, told, was_awaited) = (self.window_of(connection), knock.told, knock.told < self.window);
        if self.takes_part(connection) {
            let receive = if was_awaited { own.max(told) } else { told };
            self.tell_raised(connection, there, *user, window, receive..=receive);
        }
        if was_awaited && own > told {
            let key = self.sender_of(&name, *user, super::windows::USER);
            self.pass_grant(key, (own - told).min(MOST));
        }
    }

    /// A knock is over, and the user is not in. 8: nobody has answered.
    fn refuse(&mut self, name: &[u8], user: u8, code: u8, words: &[u8]) {
        let (now, is_over) = (self.now, code == 8);
        let channel = self.channels.get_mut(name).unwrap();
        let (server, number) = (channel.server, channel.number);
        let member = channel.users.release(user, is_over, now).unwrap();
        let entered = &mut self.endpoints.get_mut(&member.connection).unwrap().entered;
        entered.release(member.number_there, false, now);
        self.refused(member.connection, &member.knock.unwrap(), code, words);
        if is_over {
            self.control(server, &[0, 1, number, user, 1]);
        }
    }

    /// Answers a user that knocked.
    pub(super) fn refused(&mut self, to: usize, knock: &Knock, code: u8, words: &[u8]) {
        if knock.tag == 0 {
            return;
        }
        if knock.took_part {
            self.control(to, &[&[knock.tag, 1, code], words].concat());
        } else {
            self.control(to, &[knock.tag, 1, if code > 6 { 4 } else { code }]);
        }
    }

    /// Time has passed.
    pub(in crate::relay) fn ends_old_knocks(&mut self) {
        let mut old = Vec::new();
        for (name, channel) in &self.channels {
            for (number, user) in &channel.users.used {
                if user.knock.as_ref().is_some_and(|knock| knock.until <= self.now) {
                    old.push((user.id, name.clone(), *number));
                }
            }
        }
        old.sort();
        for (_, name, user) in old {
            self.refuse(&name, user, 8, &[]);
        }
    }

    pub(super) fn leave_out(&mut self, from: usize, channel: u8, users: &[u8]) {
        let Some(name) = self.endpoints[&from].own.used.get(&(channel & 127)) else { return };
        let all = &mut self.channels.get_mut(name).unwrap().users.used;
        for user in users {
            if let Some(member) = all.get_mut(user)
                && member.knock.is_none()
            {
                member.left_out ^= true;
            }
        }
    }
}
