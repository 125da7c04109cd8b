//! What a party knows, and what all of them have sent and heard.

use std::collections::BTreeMap;

use peote_net::link::{Channel, EnteredChannel, Event, OwnChannel, Source};

use crate::message::{self, Key, Message};

/// What all have sent and heard.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    keys: Key,
    pub(crate) sent: BTreeMap<Key, u32>,
    /// Of what is for one only.
    pub(crate) heard: BTreeMap<Key, u32>,
    pub(crate) messages: u64,
    /// Changes with all that is heard, and when.
    pub(crate) history: u64,
}

impl Ledger {
    pub(crate) fn key(&mut self) -> Key {
        self.keys += 1;
        self.keys
    }

    /// The next message of a sequence.
    pub(crate) fn next(&self, key: Key, is_broadcast: bool) -> Message {
        Message { key, number: self.sent.get(&key).copied().unwrap_or_default(), is_broadcast }
    }

    pub(crate) fn note_sent(&mut self, message: Message) {
        self.sent.insert(message.key, message.number + 1);
    }

    pub(crate) fn note(&mut self, what: u64) {
        self.history = (self.history ^ what).wrapping_mul(0x0100_0000_01b3).rotate_left(7);
    }
}

/// What is heard of somebody: which sequence, and what has to come next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hearing(pub(crate) Option<(Key, u32)>);

impl Hearing {
    fn hear(&mut self, message: Message, ledger: &mut Ledger) {
        let Message { key, number, is_broadcast } = message;
        let (its, next) = match self.0 {
            Some(heard) => heard,
            None if is_broadcast => (key, number),
            None => {
                assert!(!ledger.heard.contains_key(&key), "two hear what is for one: {message:?}");
                (key, 0)
            }
        };
        assert_eq!(its, key, "it is for somebody else, or of somebody else: {message:?}");
        assert_eq!(next, number, "not the next one: {message:?}");
        self.0 = Some((key, next + 1));
        if !is_broadcast {
            ledger.heard.insert(key, next + 1);
        }
        ledger.messages += 1;
        ledger.note(key << 32 | u64::from(number));
    }
}

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) to: Key,
    pub(crate) from: Hearing,
}

#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) handle: OwnChannel,
    pub(crate) name: usize,
    pub(crate) is_open: bool,
    pub(crate) users: BTreeMap<u16, User>,
    pub(crate) to_all: Key,
}

#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) handle: EnteredChannel,
    pub(crate) name: usize,
    pub(crate) is_open: bool,
    pub(crate) to: Key,
    pub(crate) from: Hearing,
    pub(crate) from_all: Hearing,
}

/// The channels of a party.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) own: Vec<Own>,
    pub(crate) entered: Vec<Entered>,
    pub(crate) losses: u32,
}

impl Tables {
    pub(crate) fn has(&self, name: usize) -> bool {
        self.own.iter().any(|own| own.name == name) || self.entered.iter().any(|entered| entered.name == name)
    }

    fn own(&mut self, handle: OwnChannel) -> Option<&mut Own> {
        self.own.iter_mut().find(|own| own.handle == handle)
    }

    fn entered(&mut self, handle: EnteredChannel) -> Option<&mut Entered> {
        self.entered.iter_mut().find(|entered| entered.handle == handle)
    }

    /// A party is told something.
    pub(crate) fn told(&mut self, event: &Event<'_>, ledger: &mut Ledger) {
        match *event {
            Event::Opened { channel } => self.opened(channel),
            Event::Refused { channel, .. } | Event::Closed { channel, .. } => self.ended(channel),
            Event::UserEntered { channel, user } => {
                let own = self.own(channel).expect("a user enters a channel that there is");
                assert!(own.is_open, "a user enters a channel that is not open");
                let user_of = User { to: ledger.key(), from: Hearing::default() };
                let before = own.users.insert(user.number(), user_of);
                assert!(before.is_none(), "a user is told twice");
            }
            Event::UserGone { channel, user, .. } => {
                let own = self.own(channel).expect("a user leaves a channel that there is");
                assert!(own.users.remove(&user.number()).is_some(), "a user goes who is not there");
            }
            Event::Data { from, bytes } | Event::Chunk { from, bytes } => self.heard(from, bytes, ledger),
            Event::LinkLost { .. } => self.losses += 1,
            Event::ComeBack { .. } | Event::Knock { .. } | Event::KnockEnded { .. } => {}
            ref event => panic!("this is not to happen: {event:?}"),
        }
    }

    fn opened(&mut self, channel: Channel) {
        let is_open = match channel {
            Channel::Own(handle) => &mut self.own(handle).expect("it was asked for").is_open,
            Channel::Entered(handle) => &mut self.entered(handle).expect("it was asked for").is_open,
        };
        assert!(!std::mem::replace(is_open, true), "a channel is opened twice");
    }

    fn ended(&mut self, channel: Channel) {
        let before = self.own.len() + self.entered.len();
        match channel {
            Channel::Own(handle) => self.own.retain(|own| own.handle != handle),
            Channel::Entered(handle) => self.entered.retain(|entered| entered.handle != handle),
        }
        assert_eq!(before, self.own.len() + self.entered.len() + 1, "the end of a channel is told twice");
    }

    fn heard(&mut self, from: Source, bytes: &[u8], ledger: &mut Ledger) {
        let message = message::check(bytes);
        let hearing = match from {
            Source::User { channel, user } => {
                let own = self.own(channel).expect("it is heard in a channel that there is");
                &mut own.users.get_mut(&user.number()).expect("it is heard of a user who is there").from
            }
            Source::Server { channel } => {
                let entered = self.entered(channel).expect("it is heard in a channel that there is");
                if message.is_broadcast { &mut entered.from_all } else { &mut entered.from }
            }
        };
        hearing.hear(message, ledger);
    }
}
