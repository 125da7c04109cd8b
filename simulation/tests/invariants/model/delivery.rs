//! Who has to receive what.

use super::{ChannelId, Fate, Model, Told, User, UserId};
use crate::message::{Message, MessageId, SHORTEST, To, content, id};

/// Who speaks, as the receiver sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A user of an own channel, by its number.
    User(ChannelId, u16),
    /// The server of the channel that was entered.
    Server(UserId),
}

/// What has passed between a user and the server of its channel.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// What the user has sent.
    up: Vec<MessageId>,
    /// How many of those the server has received.
    up_received: usize,
    /// Raw data of the next one, as far as it has come.
    up_partial: Vec<u8>,
    /// Where in the channel's messages the user goes on, once it has received one.
    down_next: Option<usize>,
    down_partial: Vec<u8>,
    /// The first of the channel's messages that was sent after the server had been told of the
    /// user: from there on, nothing may be missing.
    pub(super) must_from: Option<usize>,
    /// The channel's messages before this one were on their way before the user came.
    not_before: usize,
    /// A broadcast in parts was under way when the user came, which is known to break it for those
    /// who come in the middle.
    broken: bool,
}

impl Model {
    /// The relay has let a user in.
    pub(super) fn begin_delivery(&mut self, user: UserId) {
        let channel = self.users[user].channel.expect("it was let in");
        // what somebody has received is no longer under way
        let others: Vec<(UserId, usize)> = (0..self.users.len())
            .filter(|&other| self.users[other].channel == Some(channel))
            .filter_map(|other| Some((other, self.users[other].delivery.down_next?)))
            .collect();
        let messages = &self.channels[channel].messages;
        let latest = others.iter().map(|(_, next)| *next).max().unwrap_or_default();
        // but a broadcast in parts can be overtaken by what goes to those whom it leaves out
        let overtaken = |&place: &usize| {
            let over = |&(other, next): &(UserId, usize)| {
                let behind = messages.get(place + 1..next).unwrap_or_default();
                let all = |message: &MessageId| self.messages[*message as usize].to == To::All;
                next > place && (self.is_for(messages[place], other) || behind.iter().any(all))
            };
            self.in_parts.contains(&messages[place]) && !others.iter().any(over)
        };
        let not_before = (0..latest).find(overtaken).unwrap_or(latest);
        self.users[user].delivery.not_before = not_before;
    }

    /// A message is about to be sent, and has this number.
    pub(crate) fn next_message(&self) -> MessageId {
        MessageId::try_from(self.messages.len()).expect("so many messages")
    }

    /// The next message has been queued, or, if it is not complete, begun.
    pub(crate) fn sent(&mut self, message: Message) -> MessageId {
        let id = self.next_message();
        match message.to {
            To::Server(user) => self.users[user].delivery.up.push(id),
            _ => self.channels[message.channel].messages.push(id),
        }
        self.messages.push(message);
        id
    }

    fn is_for(&self, message: MessageId, user: UserId) -> bool {
        match self.messages[message as usize].to {
            To::Server(_) => false,
            To::User(receiver) => receiver == user,
            To::All => true,
            To::AllBut(number) => u16::from(self.users[user].number) != number,
        }
    }

    /// Raw data has come.
    pub(crate) fn data(&mut self, source: Source, bytes: &[u8]) {
        let Some(user) = self.speaker(source) else { return };
        let delivery = &mut self.users[user].delivery;
        let partial = match source {
            Source::User(..) => &mut delivery.up_partial,
            Source::Server(_) => &mut delivery.down_partial,
        };
        let mut all = core::mem::take(partial);
        all.extend(bytes);
        let mut rest = &all[..];
        while let Some(message) = id(rest) {
            let len = self.messages.get(message as usize).expect("data out of nothing").len;
            let Some((whole, behind)) = rest.split_at_checked(len) else { break };
            self.message(source, user, whole);
            rest = behind;
        }
        let rest = rest.to_vec();
        let delivery = &mut self.users[user].delivery;
        match source {
            Source::User(..) => delivery.up_partial = rest,
            Source::Server(_) => delivery.down_partial = rest,
        }
    }

    /// A chunk has come.
    pub(crate) fn chunk(&mut self, source: Source, bytes: &[u8]) {
        if let Some(user) = self.speaker(source) {
            self.message(source, user, bytes);
        }
    }

    /// Whether it is known that what comes from there makes no sense.
    pub(crate) fn is_broken(&mut self, source: Source) -> bool {
        self.speaker(source).is_none()
    }

    /// The user that is one of the two ends; `None` if what comes there cannot be checked.
    fn speaker(&mut self, source: Source) -> Option<UserId> {
        match source {
            Source::User(channel, number) => {
                let channel = &self.channels[channel];
                assert!(
                    channel.told == Told::Open && !channel.given_up,
                    "data in a channel that is not open"
                );
                Some(*channel.users.get(&number).expect("data of a user who is not there"))
            }
            Source::Server(user) => {
                let User { told, given_up, ref delivery, .. } = self.users[user];
                assert!(told == Told::Open && !given_up, "data in a channel that is not open ({told:?})");
                if !delivery.broken && self.came_in_the_middle(&self.users[user]) {
                    self.users[user].delivery.broken = true;
                    self.unchecked += 1;
                }
                (!self.users[user].delivery.broken).then_some(user)
            }
        }
    }

    /// Whether a broadcast in parts may have been under way when the user came.
    fn came_in_the_middle(&self, user: &User) -> bool {
        let User { channel, delivery, .. } = user;
        let channel = &self.channels[channel.expect("it was told that it has entered")];
        let end = delivery.must_from.unwrap_or(channel.messages.len());
        let before = channel.messages.get(delivery.not_before..end).unwrap_or_default();
        delivery.down_next.is_none() && before.iter().any(|message| self.in_parts.contains(message))
    }

    /// Whether nothing is known of what the user got, because a broadcast in parts was under way
    /// when it came.
    pub(crate) fn is_unknown(&self, user: &User) -> bool {
        user.delivery.broken || self.came_in_the_middle(user)
    }

    fn message(&mut self, source: Source, user: UserId, bytes: &[u8]) {
        let message = id(bytes).expect("a message without a number");
        let known = self.messages.get(message as usize).expect("a message out of nothing");
        assert!(known.complete, "a message that was not sent whole arrives whole");
        assert!(content(message, known.len) == bytes, "message {message} is not as it was sent");
        self.received += 1;
        match source {
            Source::User(..) => {
                let delivery = &mut self.users[user].delivery;
                let expected = delivery.up.get(delivery.up_received);
                assert_eq!(Some(&message), expected, "the wrong message has reached the server");
                delivery.up_received += 1;
            }
            Source::Server(_) => self.message_to_user(message, user),
        }
    }

    fn message_to_user(&mut self, message: MessageId, user: UserId) {
        let channel = self.users[user].channel.expect("it was told that it has entered");
        let messages = &self.channels[channel].messages;
        let place = messages.binary_search(&message).expect("a message of another channel");
        assert!(self.is_for(message, user), "message {message} is for somebody else");
        let delivery = &self.users[user].delivery;
        match delivery.down_next {
            Some(next) => {
                assert!(place >= next, "message {message} comes twice, or late");
                self.check_not_for(user, next, place);
            }
            None => {
                assert!(
                    place >= delivery.not_before,
                    "message {message} was on its way before the user came"
                );
                self.check_not_for(user, delivery.must_from.unwrap_or(place), place);
            }
        }
        self.users[user].delivery.down_next = Some(place + 1);
    }

    /// None of the channel's messages between two places is for that user, or it would be missing.
    fn check_not_for(&self, user: UserId, from: usize, to: usize) {
        let channel = self.users[user].channel.expect("it has entered");
        let passed = self.channels[channel].messages.get(from..to).unwrap_or_default();
        for &message in passed {
            let missing = self.messages[message as usize].complete && self.is_for(message, user);
            assert!(!missing, "message {message} has not reached user {user}");
        }
    }

    pub(super) fn check_all_reached_user(&self, user: UserId) {
        let User { channel, fate, ref delivery, told_server, .. } = self.users[user];
        let channel = channel.expect("it has entered");
        if delivery.broken || (delivery.down_next.is_none() && self.came_in_the_middle(&self.users[user])) {
            return;
        }
        let from = delivery.down_next.or(delivery.must_from).unwrap_or(usize::MAX);
        assert!(fate != Fate::Open || told_server != Told::Nothing, "nobody was told of a user");
        self.check_not_for(user, from, self.channels[channel].messages.len());
    }

    pub(super) fn check_all_reached_server(&self, user: UserId) {
        let User { channel, told_server, ref delivery, .. } = self.users[user];
        let Some(channel) = channel else { return };
        if told_server == Told::Exhausted {
            assert_eq!(delivery.up_received, 0, "somebody without a place is heard");
            return;
        }
        let channel = &self.channels[channel];
        let heard = channel.told == Told::Open && !channel.given_up;
        if heard {
            let missing = delivery.up[delivery.up_received..]
                .iter()
                .find(|&&message| self.messages[message as usize].complete);
            assert_eq!(missing, None, "a message of user {user} has not reached the server");
            let unfinished = delivery.up.len() > delivery.up_received;
            assert!(unfinished || delivery.up_partial.len() < SHORTEST, "something came behind the end");
        }
    }
}
