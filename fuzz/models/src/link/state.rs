//! What a program knows of its channels: what it has been told, and what follows from that.

use std::collections::BTreeSet;

use peote_net::Reason;
use peote_net::chunk::Violation;
use peote_net::link::{Channel, EnteredChannel, Event, Mode, OwnChannel, Source};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Handle {
    Own(OwnChannel),
    Entered(EnteredChannel),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Asked,
    Open,
    /// Refused, gone, lost, or given up.
    Ended,
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) handle: Handle,
    pub(super) mode: Mode,
    pub(super) phase: Phase,
    /// The caller has given it up before it was answered, or after.
    pub(super) given_up: Option<Phase>,
    pub(super) users: BTreeSet<u16>,
    /// Users that have broken the rules; `None` is the server.
    malicious: BTreeSet<Option<u16>>,
}

/// The channels of one link.
#[derive(Debug, Default)]
pub(super) struct Channels {
    pub(super) all: Vec<Known>,
    /// How often it was told that the connection is lost, since it was lost last.
    pub(super) losses: usize,
}

impl Channels {
    pub(super) fn asked(&mut self, handle: Handle, mode: Mode) {
        assert!(self.all.iter().all(|channel| channel.handle != handle), "a handle was given out twice");
        let (users, malicious) = (BTreeSet::new(), BTreeSet::new());
        self.all.push(Known { handle, mode, phase: Phase::Asked, given_up: None, users, malicious });
    }

    pub(super) fn get(&self, handle: Handle) -> Option<&Known> {
        self.all.iter().find(|channel| channel.handle == handle)
    }

    fn expect(&mut self, handle: Handle, phase: Phase) -> &mut Known {
        let channel = self.all.iter_mut().find(|channel| channel.handle == handle);
        let channel = channel.expect("an event for a channel that was never asked for");
        assert_eq!(channel.phase, phase, "an event for a channel that is not so far, or gone");
        channel
    }

    pub(super) fn give_up(&mut self, handle: Handle) {
        let channel = self.all.iter_mut().find(|channel| channel.handle == handle).expect("a handle");
        channel.given_up = Some(channel.phase);
        channel.phase = Phase::Ended;
        channel.users.clear();
    }

    /// Those that can be used, or given up.
    pub(super) fn alive(&self) -> Vec<Handle> {
        let alive = self.all.iter().filter(|channel| channel.phase != Phase::Ended);
        alive.map(|channel| channel.handle).collect()
    }

    fn refused(&mut self, handle: Handle, reason: Reason) {
        self.lost(reason);
        self.expect(handle, Phase::Asked).phase = Phase::Ended;
    }

    fn lost(&self, reason: Reason) {
        assert!(reason != Reason::LinkLost || self.losses > 0, "a channel is lost before its connection");
    }

    fn source(&mut self, source: Source) -> (&mut Known, Option<u16>) {
        match source {
            Source::User { channel, user } => {
                let channel = self.expect(Handle::Own(channel), Phase::Open);
                assert!(channel.users.contains(&user.number()), "somebody who is not there");
                (channel, Some(user.number()))
            }
            Source::Server { channel } => (self.expect(Handle::Entered(channel), Phase::Open), None),
        }
    }

    /// Panics if the event is not one that can come now.
    pub(super) fn told(&mut self, event: &Event<'_>) {
        match *event {
            Event::Opened { channel: Channel::Own(channel) } => {
                self.expect(Handle::Own(channel), Phase::Asked).phase = Phase::Open;
            }
            Event::Opened { channel: Channel::Entered(channel) } => {
                self.expect(Handle::Entered(channel), Phase::Asked).phase = Phase::Open;
            }
            Event::Refused { channel: Channel::Own(channel), reason, .. } => {
                self.refused(Handle::Own(channel), reason);
            }
            Event::Refused { channel: Channel::Entered(channel), reason, .. } => {
                self.refused(Handle::Entered(channel), reason);
            }
            Event::UserEntered { channel, user } => {
                let new = self.expect(Handle::Own(channel), Phase::Open).users.insert(user.number());
                assert!(new, "a user has entered twice");
            }
            Event::UserIgnored { channel, user } => {
                let channel = self.expect(Handle::Own(channel), Phase::Open);
                assert!(!channel.users.contains(&user.number()), "there is a place for this user");
            }
            Event::UserGone { channel, user, .. } => {
                let channel = self.expect(Handle::Own(channel), Phase::Open);
                assert!(channel.users.remove(&user.number()), "a user who is not there is gone");
                channel.malicious.remove(&Some(user.number()));
            }
            Event::LinkLost { .. } => self.losses += 1,
            // the relay drains: it says nothing of anybody
            Event::ComeBack { .. } => {}
            Event::Closed { channel: Channel::Own(channel), reason: Reason::LinkLost } => {
                self.lost(Reason::LinkLost);
                let channel = self.expect(Handle::Own(channel), Phase::Open);
                channel.phase = Phase::Ended;
                channel.users.clear();
            }
            Event::Closed { channel: Channel::Entered(channel), reason } => {
                self.lost(reason);
                self.expect(Handle::Entered(channel), Phase::Open).phase = Phase::Ended;
            }
            Event::Data { from, bytes } => {
                let (channel, _) = self.source(from);
                assert!(channel.mode == Mode::Data && !bytes.is_empty());
            }
            Event::Chunk { from, bytes } => {
                let (channel, who) = self.source(from);
                let Mode::Chunks(limit) = channel.mode else { panic!("a chunk in a channel of raw data") };
                assert!(
                    (1..=limit.max() as usize).contains(&bytes.len()),
                    "a chunk of {} bytes",
                    bytes.len()
                );
                assert!(!channel.malicious.contains(&who), "somebody malicious is heard");
            }
            Event::Malicious { from, violation } => {
                let (channel, who) = self.source(from);
                // raw data has no rules but the window
                let has_rules = matches!(channel.mode, Mode::Chunks(_));
                assert!(has_rules || violation == Violation::WindowExceeded, "there are no rules to break");
                assert!(channel.malicious.insert(who), "somebody is malicious twice");
            }
            _ => panic!("an event that nobody knows: {event:?}"),
        }
    }

    /// The connection is lost, and all has been told.
    pub(super) fn check_lost(&mut self) {
        assert!(self.losses > 0, "nobody was told that the connection is lost");
        assert_eq!(self.alive(), [], "nobody was told that these are lost");
        self.losses = 0;
        self.all.clear();
    }
}
