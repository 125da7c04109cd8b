//! Says to a link what a relay said, in pieces, and keeps what comes of it.

use embedded_io::{Read, Write};
use peote_net::link::{Channel, Event, Link, Mode, Out, SendError, Source};
use peote_net::time::Instant;
use peote_net_std::{HeapBuffers, Sizes};
use peote_net_testkit::memory;

use crate::wire::{self, Said};

/// What a link told, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Created,
    Entered,
    UserEntered(u16),
    UserGone(u16, peote_net::Reason),
    ChannelGone(peote_net::Reason),
    /// A chunk of a user, or of the server.
    Chunk(Option<u16>, Vec<u8>),
}

/// A link that does what the program of the recording did.
pub(crate) struct Play<'a> {
    /// Its channel's name.
    pub(crate) name: &'a str,
    /// It creates the channel; else it enters.
    pub(crate) server: bool,
    pub(crate) mode: Mode,
    /// What it does on each event.
    pub(crate) act: fn(&Event<'_>, &mut Out<'_>) -> Result<(), SendError>,
}

impl Play<'_> {
    /// What the link tells and says when the relay says `pieces`, one for each poll.
    fn play(&self, pieces: &[&[u8]]) -> (Vec<Told>, Vec<u8>) {
        let sizes =
            Sizes { parties: 4, own_channels: 1, transmit: 40_000, receive: 4096, ..Sizes::default() };
        let mut link = Link::with_buffers(HeapBuffers::new(sizes).unwrap());
        let (mut near, mut far) = memory::pair(100_000);
        if self.server {
            link.out().create(self.name, self.mode).unwrap();
        } else {
            link.out().enter(self.name, self.mode).unwrap();
        }
        let mut told = Vec::new();
        for &piece in pieces {
            if !piece.is_empty() {
                assert_eq!(far.write(piece).unwrap(), piece.len());
            }
            link.poll(&mut near, Instant::ZERO, |event, out| {
                (self.act)(&event, out)?;
                told.push(match event {
                    Event::Opened { channel: Channel::Own(_) } => Told::Created,
                    Event::Opened { channel: Channel::Entered(_) } => Told::Entered,
                    Event::UserEntered { user, .. } => Told::UserEntered(user.number()),
                    Event::UserGone { user, reason, .. } => Told::UserGone(user.number(), reason),
                    Event::Closed { channel: Channel::Entered(_), reason, .. } => Told::ChannelGone(reason),
                    Event::Chunk { from: Source::User { user, .. }, bytes } => {
                        Told::Chunk(Some(user.number()), bytes.to_vec())
                    }
                    Event::Chunk { bytes, .. } => Told::Chunk(None, bytes.to_vec()),
                    event => panic!("{event:?}"),
                });
                Ok::<(), SendError>(())
            })
            .unwrap();
        }
        let mut outgoing = vec![0; far.readable()];
        if !outgoing.is_empty() {
            far.read_exact(&mut outgoing).unwrap();
        }
        (told, outgoing)
    }

    /// Whatever the cut, the link tells `expected`, and says what the recorded endpoint said.
    pub(crate) fn check(&self, relay: &[u8], endpoint: &[u8], expected: &[Told]) {
        let recorded = wire::said(&[endpoint]);
        let check = |pieces: &[&[u8]]| {
            let (told, outgoing) = self.play(pieces);
            assert_eq!(told, expected);
            assert_eq!(wire::said(&[&outgoing]), recorded);
            // commands leave no choice: the first one and its bytes
            let Said::Command { payload, .. } = &recorded[0] else { panic!() };
            assert_eq!(outgoing[..4 + payload.len()], endpoint[..4 + payload.len()]);
        };
        for at in 0..=relay.len() {
            check(&[&relay[..at], &relay[at..]]);
        }
        check(&[relay]);
        check(&relay.chunks(1).collect::<Vec<_>>());
    }
}
