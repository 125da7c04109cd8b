//! An endpoint that takes part in flow control and admission (section 11.4).

use super::Peer;
use crate::wire::{self, Unit, number};

/// A user who knocks (section 11.7).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Knock {
    pub(crate) channel: u8,
    pub(crate) user: u8,
    pub(crate) ticket: u8,
    pub(crate) takes_part: bool,
    /// What may be sent to it.
    pub(crate) window: u32,
    pub(crate) words: Vec<u8>,
}

impl Knock {
    pub(crate) fn admit(&self) -> Vec<u8> {
        wire::command(9, 0, &[self.channel, self.user, self.ticket])
    }

    pub(crate) fn refuse(&self, code: u8, words: &[u8]) -> Vec<u8> {
        wire::command(10, 0, &[&[self.channel, self.user, self.ticket, code], words].concat())
    }
}

/// What is known when a user has entered.
pub(crate) struct Joined {
    /// The channel's number at the user, and the user's number.
    pub(crate) entered: u8,
    pub(crate) number: u8,
    /// What the server may send to the user, if it was told.
    pub(crate) to_user: Option<u32>,
}

impl Peer {
    /// Says hello with these items, once the relay has announced that it knows it. Returns the
    /// items of the answer.
    pub(crate) fn hello(&mut self, items: &[u8]) -> Result<Vec<u8>, String> {
        let hello = wire::command(6, 0, items);
        let (first, rest) = hello.split_at(1);
        self.send(first);
        if self.capabilities.is_none() {
            self.keepalive()?;
        }
        self.send(rest);
        match self.unit()? {
            Unit::Control(came) if came.starts_with(&[0, 3]) => Ok(came[2..].to_vec()),
            came => Err(self.unexpected("event 3, hello", &came)),
        }
    }

    /// Says a hello that counts.
    pub(crate) fn takes_part(&mut self, window: u32) -> Result<(), String> {
        let answer = self.hello(&wire::takes_part(window))?;
        self.takes_part = counts(&answer);
        if self.takes_part { Ok(()) } else { Err("a hello that has to count does not".into()) }
    }

    /// The next unit says that a user knocks at this channel.
    pub(crate) fn knock(&mut self, own: u8) -> Result<Knock, String> {
        match self.unit()? {
            Unit::Control(came) if came.len() >= 10 && came[..3] == [0, 4, own] => Ok(Knock {
                channel: own,
                user: came[3],
                ticket: came[4],
                takes_part: came[5] & 1 != 0,
                window: number(&came[6..10]),
                words: came[10..].to_vec(),
            }),
            came => Err(self.unexpected(&format!("a user that knocks at own channel {own}"), &came)),
        }
    }

    /// The next unit is the answer that this endpoint has entered: the channel's number, its own
    /// number, and what it may send. Without the last two for an existing endpoint.
    pub(crate) fn has_entered(&mut self, tag: u8) -> Result<(u8, Option<(u8, u32)>), String> {
        let takes_part = self.takes_part;
        match self.unit()? {
            Unit::Control(came) if !takes_part && came.len() == 3 && came[..2] == [tag, 0] => {
                Ok((came[2], None))
            }
            Unit::Control(came) if takes_part && came.len() == 8 && came[..2] == [tag, 0] => {
                Ok((came[2], Some((came[3], number(&came[4..])))))
            }
            came => {
                let len = if takes_part { 8 } else { 3 };
                Err(self.unexpected(&format!("success for tag {tag}, {len} bytes"), &came))
            }
        }
    }

    /// Has a user enter this endpoint's channel, and admits it if it is asked.
    pub(crate) fn joined_by(&mut self, own: u8, user: &mut Self, name: &[u8]) -> Result<Joined, String> {
        let tag = user.begin(1, name);
        let (number, to_user) = if self.takes_part {
            let knock = self.knock(own)?;
            self.send(&knock.admit());
            (knock.user, Some(knock.window))
        } else {
            (self.user_entered(own)?, None)
        };
        let (entered, told) = user.has_entered(tag)?;
        match told {
            Some((told, _)) if told != number => {
                Err(format!("the user was told number {told}, its server {number}"))
            }
            _ => Ok(Joined { entered, number, to_user }),
        }
    }

    /// The next unit raises a membership: channel as in data, number. Returns what may be sent
    /// there, and what may still come.
    pub(crate) fn raised(&mut self, channel: u8, user: u8) -> Result<(u32, u32), String> {
        match self.unit()? {
            Unit::Control(came) if came.len() == 12 && came[..4] == [0, 6, channel, user] => {
                Ok((number(&came[4..8]), number(&came[8..])))
            }
            came => Err(self.unexpected(&format!("event 6 for channel {channel}, user {user}"), &came)),
        }
    }

    /// More for the server of an entered channel.
    pub(crate) fn grant(&mut self, entered: u8, bytes: u32) {
        self.send(&wire::grant(entered, None, bytes));
    }

    /// More for a user.
    pub(crate) fn grant_user(&mut self, own: u8, user: u8, bytes: u32) {
        self.send(&wire::grant(own, Some(user), bytes));
    }

    /// The next unit grants something to this user of an entered channel.
    pub(crate) fn hears_grant(&mut self, entered: u8) -> Result<u32, String> {
        self.grant_from(&[entered])
    }

    /// The next unit is a grant of a user of an own channel.
    pub(crate) fn hears_grant_of(&mut self, own: u8, user: u8) -> Result<u32, String> {
        self.grant_from(&[128 + own, user])
    }

    fn grant_from(&mut self, who: &[u8]) -> Result<u32, String> {
        let head = [&[0, 5], who].concat();
        match self.unit()? {
            Unit::Control(came) if came.starts_with(&head) && came.len() == head.len() + 4 => {
                Ok(number(&came[head.len()..]))
            }
            came => Err(self.unexpected(&format!("a grant, event {}", wire::hex(&head)), &came)),
        }
    }
}

/// Whether these items of a relay's hello say that taking part is in force.
pub(crate) fn counts(items: &[u8]) -> bool {
    wire::items(items)
        .iter()
        .any(|(kind, bytes)| *kind == 1 && bytes.first().is_some_and(|bits| bits & 1 == 1))
}
